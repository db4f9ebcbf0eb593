"""The equations of a static state, in natural units.

Unknowns z = (φ of the nodes, currents I_L of the inductors), symmetric also where an inductance
vanishes or coupled inductors are degenerate:

    A_J I_J(θ) + A_L I_L = s₀ + p B,    A_Lᵀφ + 2πo_L − 2πL I_L = 0,    θ = A_Jᵀφ + 2πo_J − 2πk,

p the current of the terminals. The matrix S of derivatives has as many negative eigenvalues as
there are inductors if, and only if, the state is stable.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..numerics.dense import inverse, is_positive_definite
from .graph import Graph
from .relations import Relations

Scalar = Float[Array, ""]
State = Float[Array, " unknowns"]
PerJunction = Float[Array, " junctions"]

_SOFT = 1e-9  # 2πL that stands for none where stability is tested


class Bias(NamedTuple):
    """Injected currents fixed + p·along, per node."""

    fixed: Float[Array, " nodes"]
    along: Float[Array, " nodes"]


class Statics(eqx.Module):
    """A circuit's static equations; currents in the unit of `relations`.

    Attributes:
        graph: topology.
        relations: of the junctions.
        offset: 2πo of the junctions.
        flux: 2πo of the inductors.
        inductance: 2πL.
        conductance: of the shunts, which the fall into another state depends on.
        sources: s₀.
        rigidity: A_L(2πL)⁻¹A_Lᵀ, where L = 0 as if it were 1e-10.
    """

    graph: Graph = eqx.field(static=True)
    relations: Relations
    offset: PerJunction
    flux: Float[Array, " inductors"]
    inductance: Float[Array, "inductors inductors"]
    conductance: Float[Array, "nodes nodes"]
    shunts: PerJunction
    sources: Float[Array, " nodes"]
    rigidity: Float[Array, "nodes nodes"]

    @property
    def nodes(self) -> int:
        return len(self.graph.nodes)

    @property
    def unknowns(self) -> int:
        return self.nodes + len(self.graph.inductors)

    def bias(self, sign: Scalar) -> Bias:
        """Of the terminals in one direction, beside the sources."""
        return Bias(self.sources, sign * jnp.asarray(self.graph.bias))

    def phases(self, z: State) -> PerJunction:
        """θ before windings are taken off."""
        return jnp.asarray(self.graph.of_junctions.T) @ z[: self.nodes] + self.offset

    def turned_phases(self, z: State, windings: PerJunction) -> PerJunction:
        """θ, windings taken off."""
        return self.phases(z) - 2 * jnp.pi * windings

    def slope(self, z: State, windings: PerJunction) -> PerJunction:
        """dI/dθ of the junctions."""
        return self.relations.with_slope(self.turned_phases(z, windings))[1]

    def apart(self, one: State, other: State) -> tuple[PerJunction, Float[Array, " inductors"]]:
        """Phases, turns of junctions not counted, and currents of inductors between two states."""
        turned = jnp.mod(self.phases(one) - self.phases(other) + jnp.pi, 2 * jnp.pi) - jnp.pi
        return turned, (one - other)[self.nodes :]

    def measured(self, dz: State) -> State:
        """dz as a covector of arc length: turns of junctions count, however long inductors are."""
        of = jnp.asarray(self.graph.of_junctions)
        turned = of @ (of.T @ dz[: self.nodes])
        return jnp.concatenate([turned, jnp.zeros(len(self.graph.inductors))])

    def residual(self, z: State, windings: PerJunction, p: Scalar, bias: Bias) -> State:
        current = self.relations.current(self.turned_phases(z, windings))
        return self.linear(z, current, p, bias)

    def linear(self, z: State, current: PerJunction, p: Scalar, bias: Bias) -> State:
        phase, through = z[: self.nodes], z[self.nodes :]
        into = self.graph.of_junctions @ current + self.graph.of_inductors @ through
        across = self.graph.of_inductors.T @ phase + self.flux - self.inductance @ through
        return jnp.concatenate([into - bias.fixed - p * bias.along, across])

    def matrix(self, slope: PerJunction) -> Float[Array, "unknowns unknowns"]:
        """S for given dI/dθ of the junctions."""
        of = self.graph.of_junctions
        incidence = jnp.asarray(self.graph.of_inductors)
        upper = jnp.concatenate([(of * slope) @ of.T, incidence], axis=1)
        lower = jnp.concatenate([incidence.T, -self.inductance], axis=1)
        return jnp.concatenate([upper, lower])

    def pushed(self, bias: Bias) -> State:
        """−∂(residual)/∂p."""
        return jnp.concatenate([bias.along, jnp.zeros(len(self.graph.inductors))])

    def evaluate(
        self, z: State, windings: PerJunction, p: Scalar, bias: Bias
    ) -> tuple[State, PerJunction]:
        """Residual and dI/dθ."""
        current, slope = self.relations.with_slope(self.turned_phases(z, windings))
        return self.linear(z, current, p, bias), slope

    def is_stable(self, slope: PerJunction) -> Bool[Array, ""]:
        """Whether K = A_J dI/dθ A_Jᵀ + A_L(2πL)⁻¹A_Lᵀ is positive definite.

        With inductances a little larger than they are: no state is called stable that is not, but
        for stiffnesses below 1e-7.
        """
        of = jnp.asarray(self.graph.of_junctions)
        return is_positive_definite((of * slope) @ of.T + self.rigidity)

    def energy(self, z: State, windings: PerJunction) -> Scalar:
        """U without the bias, in Φ₀/2π times the unit of currents."""
        through = z[self.nodes :]
        stored = jnp.sum(self.relations.energy(self.turned_phases(z, windings)))
        return stored + through @ self.inductance @ through / 2

    def frozen(self) -> "Statics":
        return jax.tree.map(jax.lax.stop_gradient, self)


def rigidity(graph: Graph, inductance: Float[Array, "inductors inductors"]) -> Array:
    """A_L(2πL)⁻¹A_Lᵀ."""
    of = jnp.asarray(graph.of_inductors)
    if not of.shape[1]:
        return jnp.zeros((of.shape[0], of.shape[0]))
    return of @ inverse(inductance + _SOFT * jnp.eye(of.shape[1])) @ of.T
