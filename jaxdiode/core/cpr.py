"""The current-phase relation as data: harmonics, energy and inductance from one set of nodes."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .. import _checks
from ..numerics.extrema import clustered_grid
from ..numerics.roots import value_and_slope
from ..numerics.status import Status
from .critical import CriticalCurrents
from .extrema import CurrentOfPhase, extrema_of_current
from .results import AbstractResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


class CurrentPhaseRelation(AbstractResult):
    """I(φ) at Gauss nodes of panels that shrink towards every near-kink.

    Integrals over these nodes converge as if the kinks were not there, so harmonics and
    energies of a jump are as accurate as those of a sine. (Not so for an inductive branch
    within a few per cent of being multivalued: its steepest part is no declared kink.)

    Attributes:
        phase: nodes over one period [0, 2π), increasing.
        current: I(φ) there, in the device's unit.
        slope: dI/dφ there.
        weight: weights of the nodes: Σ weight · g(phase) integrates g over the period.
        relation: what it was sampled from, a phase-biased device too.
        status: `Status` of the relation.

    Example:
        >>> relation = jd.current_phase_relation(jd.TunnelJunction(100))
        >>> henry = jd.units.henry(relation.inductance[0], current="nA")
        >>> print(f"{1e9 * henry:.4f} nH")  # Φ₀/2πI_c near φ = 0
        3.2911 nH
        >>> print(f"{relation.energy.max():.2f}")  # 2 I_c, in Φ₀/2π × nA
        200.00
    """

    relation: CurrentOfPhase
    phase: Float[Array, " n"]
    current: Float[Array, " n"]
    slope: Float[Array, " n"]
    weight: Float[Array, " n"]
    status: Int[Array, ""]

    def harmonics(self, n: int) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """Coefficients (sine, cosine) of I(φ) = Σ sineₙ sin nφ + cosineₙ cos nφ, orders 1 … n.

        They may be handed to `Harmonics(sine, cosine)`; a phase-independent current (order 0)
        is left out. Orders far above the number of
        panels (about 60) lose accuracy.
        """
        order = jnp.arange(1, _checks.whole_number("n", n) + 1, dtype=float)
        angle = order[:, None] * self.phase
        weighted = self.weight * self.current / jnp.pi
        return jnp.sin(angle) @ weighted, jnp.cos(angle) @ weighted

    @property
    def energy(self) -> Float[Array, " n"]:
        """Free energy E(φ) − E(0) = ∫₀^φ I dφ′, in Φ₀/2π × the unit of current.

        `units.josephson_energy` turns it into meV, GHz or K. It is periodic only if the mean
        current over a period vanishes.
        """
        panels = (self.weight * self.current).reshape(-1, _NODES.size)
        before = jnp.cumsum(panels.sum(axis=1)) - panels.sum(axis=1)
        half_width = self.weight.reshape(-1, _NODES.size).sum(axis=1) / 2
        inside = self.current.reshape(-1, _NODES.size) @ _antiderivative().T
        return (before[:, None] + half_width[:, None] * inside).ravel()

    @property
    def inductance(self) -> Float[Array, " n"]:
        """Josephson inductance L_J(φ) = 1/(2π dI/dφ), in Φ₀ per unit of current.

        Negative beyond the maxima; infinite where dI/dφ = 0.
        """
        return 1 / (2 * jnp.pi * self.slope)

    def critical_currents(self) -> CriticalCurrents:
        """Exact extrema of the relation (not read off the nodes)."""
        return extrema_of_current(self.relation)

    def plot(self) -> "Figure":
        from .. import plot

        return plot.current_phase(self)


@eqx.filter_jit
def sampled(relation: CurrentOfPhase) -> CurrentPhaseRelation:
    """I(φ) of a relation over one period, resolved at every kink."""
    kinks, widths = jax.lax.stop_gradient(relation.kinks())
    kinks = jnp.ravel(jnp.asarray(kinks, float))
    edges = clustered_grid(kinks, widths, relation.samples_per_period())
    edges = jnp.sort(jnp.concatenate([edges, jnp.mod(kinks, 2 * jnp.pi), jnp.array([2 * jnp.pi])]))
    half = (edges[1:] - edges[:-1]) / 2
    phase = ((edges[1:] + edges[:-1]) / 2)[:, None] + half[:, None] * _NODES
    weight = half[:, None] * _WEIGHTS
    current, slope = jax.vmap(lambda x: value_and_slope(relation.current, x))(phase.ravel())
    status = relation.status()
    good = status == Status.CONVERGED
    current, slope = jnp.where(good, current, jnp.nan), jnp.where(good, slope, jnp.nan)
    return CurrentPhaseRelation(relation, phase.ravel(), current, slope, weight.ravel(), status)


def _antiderivative() -> np.ndarray:
    """Matrix taking values at the Gauss nodes to integrals from −1 to each node."""
    legendre = np.polynomial.legendre
    vandermonde = legendre.legvander(_NODES, _NODES.size - 1)
    integrals = np.stack(
        [legendre.legval(_NODES, legendre.legint(row, lbnd=-1)) for row in np.eye(_NODES.size)],
        axis=1,
    )
    return integrals @ np.linalg.inv(vandermonde)
