"""Supercurrents of a hybrid structure and its order parameter: sums over Matsubara frequencies."""

from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Int

from ...core.results import AbstractResult
from ...numerics.matrices import complexified
from ...numerics.status import Status
from .equations import self_consistent
from .equations.base import Known
from .equations.frequencies import algebraic, matsubara
from .equations.layout import Layers
from .equations.matsubara import solve
from .layers.mesh import mesh
from .structure import AbstractHybridStructure
from .torus import SpinResolvedRelation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class OrderParameter(AbstractResult):
    """Δ(x) of both superconductors in k_BT_c.

    Attributes:
        distance: from the interface, in ξ₀, falling from the outer end, [node].
        left, right: Δ at these distances, complex.
        status: `Status` of the solution.

    Example:
        >>> contact = jd.usadel.SpinActiveContact(transmission=0.5)
        >>> junction = jd.DiffusiveJunction(
        ...     0.2, 4, link_length=1, conductance=2, left=contact, right=contact
        ... )
        >>> found = junction.order_parameter()  # the bulk's gap, as it is not self-consistent here
        >>> print(f"{found.distance[0]:.6f} {found.left[0].real:.6f}")
        4.000000 1.763660
    """

    distance: Float[Array, " nodes"]
    left: Complex[Array, " nodes"]
    right: Complex[Array, " nodes"]
    status: Int[Array, ""]

    def plot(self) -> "Figure":
        from ... import plot

        return plot.order_parameter(self)


class Summed(NamedTuple):
    """Currents at many phases.

    Attributes:
        current: I↑ and I↓ in I₀, [2, lane]; NaN where not converged.
        converged: [lane].
        frequency_error: of the sum over frequencies, in I₀.
        finite: whether the junction's own numbers are.
        solution: what `summed` of a junction nearby may go on from, where that was asked for.
    """

    current: Float[Array, "2 lanes"]
    converged: Bool[Array, " lanes"]
    frequency_error: Float[Array, ""]
    finite: Bool[Array, ""]
    solution: Any

    def status(self) -> Int[Array, ""]:
        """One `Status` for all lanes."""
        status = jnp.where(jnp.all(self.converged), Status.CONVERGED, Status.EQUATIONS_NOT_SOLVED)
        return jnp.where(self.finite, status, Status.NONFINITE).astype(jnp.int32)


def summed(
    structure: AbstractHybridStructure,
    twist: Float[Array, "elements lanes"],
    going_on: bool = False,
    known: Known | None = None,
) -> Summed:
    """Currents at given twists, with exact gradients in every parameter.

    With the solutions of two junctions nearby they are looked for from these; `going_on` keeps
    what the next one needs.
    """
    layers, fine = structure.layers(), structure.resolution
    finite = jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(layers)])
    finite = jnp.all(finite) & jnp.isfinite(structure.temperature)
    if structure.self_consistent:
        found = _self_consistent(structure, layers, twist, known)
        current, error, good = found.current, found.error, found.converged
        solution = found.located
    else:
        fall = slowest_fall(layers, structure.temperature)
        sum_over = matsubara(structure.temperature, fall, fine.terms, fine.tail)
        spectral = solve(layers, sum_over.value, twist, fine.steps, going_on, known)
        current, error = sum_over.total(spectral.current), sum_over.error(spectral.current)
        good, solution = jnp.all(spectral.converged, axis=0), spectral.located
    error = structure.temperature * jnp.max(error)
    return Summed(structure.temperature * current, good, error, finite, solution)


def phases_of(structure: AbstractHybridStructure) -> Float[np.ndarray, " phases"]:
    """Those at which currents are computed."""
    return 2 * np.pi * np.arange(structure.resolution.phases) / structure.resolution.phases


def as_series(structure: AbstractHybridStructure, found: Summed) -> SpinResolvedRelation:
    """Currents at all phases Δχ, as Fourier series."""
    phases, points = phases_of(structure), structure.resolution.phases
    angle = np.outer(phases, np.arange(points // 2))
    scale = np.where(np.arange(points // 2) == 0, 1, 2) / points
    status = found.status()
    currents = jnp.where(jnp.all(found.converged), found.current, jnp.nan)
    sine, cosine = currents @ (scale * np.sin(angle)), currents @ (scale * np.cos(angle))
    last = jnp.max(jnp.hypot(sine, cosine)[:, -2:])
    return SpinResolvedRelation(sine, cosine, status, last, found.frequency_error)


@eqx.filter_jit
def order_parameter(structure: AbstractHybridStructure, phase: Float[Array, ""]) -> OrderParameter:
    """Δ(x) at one phase Δχ; the bulk's if not self-consistent."""
    layers = structure.layers()
    nodes = mesh(structure.resolution.intervals)
    distance = structure.superconductor_length * jnp.asarray(1 - nodes)
    if not structure.self_consistent:
        uniform = complexified(jnp.full(nodes.size, layers.gap))
        return OrderParameter(distance, uniform, uniform, jnp.asarray(Status.CONVERGED, jnp.int32))
    found = _self_consistent(structure, layers, structure.twist(phase[None]))
    status = jnp.where(found.converged[0], Status.CONVERGED, Status.EQUATIONS_NOT_SOLVED)
    left, right = jnp.where(found.converged[0], found.order_parameter[:, :, 0].T, jnp.nan)
    return OrderParameter(distance, left, right, status.astype(jnp.int32))


def slowest_fall(layers: Layers, temperature: Float[Array, ""]) -> Float[Array, ""]:
    """a of the spectral current's exp(−a√n): the element that decays slowest."""
    k = layers.link.decay_constants(2 * jnp.pi * temperature)
    return layers.link.length * jnp.min(k.real)


def _self_consistent(
    structure: AbstractHybridStructure,
    layers: Layers,
    twist: Float[Array, "elements lanes"],
    known: Known | None = None,
) -> self_consistent.SelfConsistent:
    fine = structure.resolution
    # Four more nodes: one rule serves the gap and the current.
    sum_over = algebraic(structure.temperature, fine.terms, fine.tail + 4)
    return self_consistent.solve(
        layers, structure.temperature, sum_over, twist, fine.steps, fine.intervals, known
    )
