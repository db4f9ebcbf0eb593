"""Supercurrents of both bands on the torus of effective phases, and all that is read from it.

Source and numbers of equations: see `spin_active`.
"""

from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...core.device import Relation
from ...core.results import AbstractResult
from ...numerics.status import Status
from .spin import AbstractSpinResolved

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class PhaseTorus(AbstractResult):
    """I↑ and I↓ against θ↑ = Δχ − Δφ and θ↓ = Δχ + Δφ, computed once for a junction.

    The phase difference Δχ of the superconductors and the geometric phase Δφ of the barriers
    enter in these two combinations only, and I(−θ↑, −θ↓) = −I(θ↑, θ↓): the torus is a sine series
    in both,

        I_η = ½ Σ s^η_mn sin(mθ↑ + nθ↓),   |m|, |n| ≤ M/2 − 1.

    Attributes:
        current: I↑ and I↓ in I₀ = πk_BT_c σ_S A/(eξ₀), at θ = 2πj/M, [band, j↑, j↓].
        converged: whether the boundary value problems of a point were all solved, [j↑, j↓].
        frequency_error: estimate of what the sum over frequencies leaves, in I₀.
        status: `Status.CONVERGED` if every point is; else all that is read from it is NaN.

    Example:
        >>> barrier = jd.usadel.SpinBarrier(1.4, exchange=0.25, width_up=0.14, width_down=0.14)
        >>> fine = jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4)
        >>> torus = jd.SpinActiveJunction(
        ...     0.1, 4, ferromagnet_length=1, conductance=2, exchange=0.25, potential=0.25,
        ...     left=barrier, right=barrier, resolution=fine,
        ... ).torus()
        >>> for geometric_phase in (0.2 * np.pi, 0.4 * np.pi):
        ...     print(f"{jd.diode_efficiency(torus.relation(geometric_phase)):.4f}")
        -0.0417
        -0.1960
    """

    current: Float[Array, "2 m m"]
    converged: Bool[Array, "m m"]
    frequency_error: Float[Array, ""]
    status: Int[Array, ""]

    def plot(self) -> "Figure":
        from ... import plot

        return plot.torus(self)

    @property
    def truncation_error(self) -> Float[Array, ""]:
        """Largest coefficient s_mn of the last order kept, in I₀: harmonics beyond are smaller.

        `harmonics_2d` and every relation are that accurate; the error of the frequency sum comes on
        top (`frequency_error`, some 2e-6 I₀ by default; compare with the `doubled` junction).
        """
        shell = np.ones(self._order() * 2 + 1, bool)
        shell[1:-1] = False
        last = shell[:, None] | shell[None]
        return jnp.max(jnp.where(last, jnp.abs(self._sines()), 0.0))

    def harmonics_2d(self, n: int) -> Float[Array, "2 orders orders"]:
        """Coefficients I_mn of I_η = Σ m_η I_mn sin(mχ↑ + nχ↓), χ_η = θ_η + π, from either band.

        Pairs cross the junction m at a time in band ↑ and n at a time in band ↓; m_↑ = m and
        m_↓ = n. A free energy makes both bands give one I_mn (paper, Eqs. (38)–(46)). The sum runs
        over half of all (m, n), as I_−m,−n = I_mn. (The paper's Δφ has the other sign.)

        Args:
            n: largest order, at most M/2 − 1.

        Returns:
            [band, m + n, m′ + n] for orders m, m′ = −n … n in ↑ and ↓; NaN where a band says
            nothing (m_η = 0). With n = 2, I₁₀ is [0, 3, 2], I₀₁ is [1, 2, 3], I₁₁ is [0, 3, 3].
        """
        order = _checks.whole_number("n", n)
        if order > self._order():
            raise ValueError(f"n must be at most {self._order()} on this torus, got {n}")
        orders = np.arange(-order, order + 1)
        keep = slice(self._order() - order, self._order() + order + 1)
        sines = self._sines()[:, keep, keep]
        sign = jnp.asarray((-1.0) ** (orders[:, None] + orders[None]))
        count = np.stack(np.meshgrid(orders, orders, indexing="ij")).astype(float)
        pairs = jnp.asarray(np.where(count == 0, np.nan, count))
        return jnp.where(count == 0, jnp.nan, sign * sines / pairs)

    def relation(self, geometric_phase: Numbers) -> "SpinResolvedRelation":
        """The current-phase relation at one geometric phase Δφ = φ_R − φ_L (radians)."""
        gap = _checks.real_array("geometric_phase", geometric_phase, ndim=0)
        h = self._order()
        orders = np.arange(-h, h + 1)
        up, down = np.meshgrid(orders, orders, indexing="ij")
        harmonic, twist = (up + down).ravel(), (down - up).ravel().astype(float)
        half = self._sines().reshape(2, -1) / 2
        fold = np.abs(harmonic)[None] == np.arange(2 * h + 1)[:, None]
        sign = np.where(harmonic < 0, -1.0, 1.0)
        sine = (half * (sign * jnp.cos(twist * gap))) @ fold.T.astype(float)
        cosine = (half * jnp.sin(twist * gap)) @ fold.T.astype(float)
        bad = self.status != Status.CONVERGED
        return SpinResolvedRelation(
            jnp.where(bad, jnp.nan, sine), jnp.where(bad, jnp.nan, cosine), self.status,
            self.truncation_error, self.frequency_error,
        )  # fmt: skip

    def spin_currents(self, phase: Numbers, geometric_phase: Numbers) -> tuple[Array, Array]:
        """(I↑, I↓) at phases Δχ and Δφ of any shapes that broadcast."""
        phase = _checks.real_array("phase", phase)
        twist = _checks.real_array("geometric_phase", geometric_phase)
        phase, twist = jnp.broadcast_arrays(phase, twist)
        orders = jnp.arange(-self._order(), self._order() + 1, dtype=float)
        up = orders * (phase - twist)[..., None]
        down = orders * (phase + twist)[..., None]
        sines = jnp.where(self.status == Status.CONVERGED, self._sines(), jnp.nan) / 2
        first = jnp.einsum("bmn,...m,...n->b...", sines, jnp.sin(up), jnp.cos(down))
        second = jnp.einsum("bmn,...m,...n->b...", sines, jnp.cos(up), jnp.sin(down))
        return first[0] + second[0], first[1] + second[1]

    def _order(self) -> int:
        return self.current.shape[-1] // 2 - 1

    def _sines(self):
        """s_mn for −h ≤ m, n ≤ h; by tables, as batched FFTs are slow on CPUs."""
        m = self.current.shape[-1]
        h = self._order()
        angle = 2 * np.pi * np.outer(np.arange(-h, h + 1), np.arange(m)) / m
        sine, cosine = jnp.sin(angle), jnp.cos(angle)
        scale = 2 / m**2
        return scale * (
            jnp.einsum("bjk,mj,nk->bmn", self.current, sine, cosine)
            + jnp.einsum("bjk,mj,nk->bmn", self.current, cosine, sine)
        )


class SpinResolvedRelation(Relation, AbstractSpinResolved):
    """I_η(φ) = Σ_q sine_q sin qφ + cosine_q cos qφ of both bands, q = 0, 1, …; [band, q].

    Attributes:
        sine, cosine: coefficients in I₀.
        solved: `Status` of the solutions it was made from.
        truncation_error: size of the last harmonics kept, in I₀: those beyond are smaller.
        frequency_error: estimate of what the sum over frequencies leaves, in I₀.
    """

    sine: Float[Array, "2 q"]
    cosine: Float[Array, "2 q"]
    solved: Int[Array, ""]
    truncation_error: Float[Array, ""]
    frequency_error: Float[Array, ""]

    def spin_currents(
        self, phase: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        order = jnp.arange(self.sine.shape[-1], dtype=float)
        angle = jnp.asarray(phase, float)[..., None] * order
        sine, cosine = jnp.sin(angle), jnp.cos(angle)
        up, down = (sine @ self.sine[band] + cosine @ self.cosine[band] for band in (0, 1))
        return up, down

    def status(self) -> Int[Array, ""]:
        return self.solved

    def magnitude(self) -> Float[Array, ""]:
        return jnp.sum(jnp.hypot(self.sine, self.cosine))

    def samples_per_period(self) -> int:
        return max(64, 8 * self.sine.shape[-1])


def half_torus(points: int) -> Float[Array, "2 lanes"]:
    """(θ↑, θ↓) of the points with θ↑ ≤ π; the others follow from I(−θ) = −I(θ)."""
    step = 2 * np.pi / points
    up, down = np.meshgrid(np.arange(points // 2 + 1), np.arange(points), indexing="ij")
    return jnp.asarray(step * np.stack([up.ravel(), down.ravel()]))


def whole_torus(half: Array, points: int, sign: int) -> Array:
    """Values [..., lane] on `half_torus` as [..., j↑, j↓], times `sign` where mirrored."""
    grid = half.reshape(*half.shape[:-1], points // 2 + 1, points)
    back = np.arange(points // 2 - 1, 0, -1)
    mirrored = grid[..., back, :][..., -np.arange(points) % points]
    return jnp.concatenate([grid, sign * mirrored if sign < 0 else mirrored], axis=-2)
