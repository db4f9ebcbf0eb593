"""The junction's currents up to two pairs at a time: closed forms of Sec. V.4.

Source and numbers of equations: see `spin_active`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._checks import Numbers
from ...core.device import Relation
from ...core.parameters import parameter
from .spin import AbstractSpinResolved
from .torus import PhaseTorus

_REAL = 1e-7  # relative imaginary part below which a root of the cubic counts as real


class SixHarmonicModel(Relation, AbstractSpinResolved):
    """Spin-resolved currents with the six lowest harmonics of both phases, Eqs. (47)–(50).

    With χ↑ = Δχ − Δφ + π and χ↓ = Δχ + Δφ + π,

        I↑ = I₁₀ sin χ↑ + I₁₁ sin(χ↑+χ↓) + I₁,₋₁ sin(χ↑−χ↓) + 2I₂₀ sin 2χ↑,
        I↓ = I₀₁ sin χ↓ + I₁₁ sin(χ↑+χ↓) − I₁,₋₁ sin(χ↑−χ↓) + 2I₀₂ sin 2χ↓.

    (The paper's Δφ has the other sign: efficiencies then change theirs.)

    Args:
        up, down: I₁₀ and I₀₁, one pair in one band.
        together: I₁₁, a pair in each band, the same way.
        opposed: I₁,₋₁, a pair in each band, opposite ways.
        double_up, double_down: I₂₀ and I₀₂, two pairs in one band.
        geometric_phase: Δφ, radians.

    Example:
        >>> model = jd.usadel.SixHarmonicModel(1.0, 1 - 0.04 / np.sqrt(2), together=0.01)
        >>> print(f"{model.asymmetry:.6f} {model.maximal_efficiency():.6f}")  # at most 1/3
        0.707107 0.333333
        >>> best = jd.replace(model, {"geometric_phase": float(model.optimal_geometric_phase())})
        >>> print(f"{jd.diode_efficiency(best):.6f}")
        -0.333307
    """

    up: Float[Array, ""] = parameter(unit="current", label="I₁₀")
    down: Float[Array, ""] = parameter(unit="current", label="I₀₁")
    together: Float[Array, ""] = parameter(unit="current", label="I₁₁")
    opposed: Float[Array, ""] = parameter(unit="current", label="I₁,₋₁")
    double_up: Float[Array, ""] = parameter(unit="current", label="I₂₀")
    double_down: Float[Array, ""] = parameter(unit="current", label="I₀₂")
    geometric_phase: Float[Array, ""] = parameter(unit="rad", label="geometric phase Δφ")

    def __init__(
        self,
        up: Numbers,
        down: Numbers,
        *,
        together: Numbers,
        opposed: Numbers = 0.0,
        double_up: Numbers = 0.0,
        double_down: Numbers = 0.0,
        geometric_phase: Numbers = np.pi / 2,
    ):
        self.up = self.checked("up", up)
        self.down = self.checked("down", down)
        self.together = self.checked("together", together)
        self.opposed = self.checked("opposed", opposed)
        self.double_up = self.checked("double_up", double_up)
        self.double_down = self.checked("double_down", double_down)
        self.geometric_phase = self.checked("geometric_phase", geometric_phase)

    @classmethod
    def from_torus(cls, torus: PhaseTorus, geometric_phase: Numbers) -> "SixHarmonicModel":
        """With the harmonics of a junction; I₁₁ and I₁,₋₁ are the mean of what both bands say."""
        (up, down) = torus.harmonics_2d(2)
        return cls(
            up[3, 2],
            down[2, 3],
            together=(up[3, 3] + down[3, 3]) / 2,
            opposed=(up[3, 1] + down[3, 1]) / 2,
            double_up=up[4, 2],
            double_down=down[2, 4],
            geometric_phase=geometric_phase,
        )

    def spin_currents(
        self, phase: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        phase = jnp.asarray(phase, float)
        up, down = phase - self.geometric_phase, phase + self.geometric_phase
        both = self.together * jnp.sin(up + down)
        against = self.opposed * jnp.sin(up - down)
        return (
            both + against - self.up * jnp.sin(up) + 2 * self.double_up * jnp.sin(2 * up),
            both - against - self.down * jnp.sin(down) + 2 * self.double_down * jnp.sin(2 * down),
        )

    def magnitude(self) -> Float[Array, ""]:
        single = jnp.abs(self.up) + jnp.abs(self.down)
        return single + 2 * (jnp.abs(self.together) + jnp.abs(self.double_up + self.double_down))

    @property
    def sum(self) -> Float[Array, ""]:
        """P = I₁₀ + I₀₁, Eq. (51)."""
        return self.up + self.down

    @property
    def difference(self) -> Float[Array, ""]:
        """Q = I₁₀ − I₀₁, Eq. (51)."""
        return self.up - self.down

    @property
    def charge_coupling(self) -> Float[Array, ""]:
        """K₁ = I₁₁ − I₂₀ − I₀₂, Eq. (53)."""
        return self.together - self.double_up - self.double_down

    @property
    def spin_coupling(self) -> Float[Array, ""]:
        """K₂ = I₁,₋₁ + I₂₀ + I₀₂, Eq. (64)."""
        return self.opposed + self.double_up + self.double_down

    @property
    def asymmetry(self) -> Float[Array, ""]:
        """q = |Q/4K₁|, which alone decides on the largest charge efficiency."""
        return jnp.abs(self.difference / (4 * self.charge_coupling))

    def maximal_efficiency(self) -> Float[Array, ""]:
        """|η| at `optimal_geometric_phase`, the largest for q ≤ 1.2: Eqs. (59), (61).

        q(2√2 − q)/(√2 + q)² for q ≤ √2, at most 1/3 at q = 1/√2; 1/(2√2 q) beyond, where other
        Δφ give a little more (.1497 instead of .1414 at q = 2.5).
        """
        q, root = self.asymmetry, np.sqrt(2)
        inner = jnp.minimum(q, root)
        return jnp.where(
            q <= root,
            inner * (2 * root - inner) / (root + inner) ** 2,
            1 / (2 * root * jnp.maximum(q, root)),
        )

    def optimal_geometric_phase(self) -> Float[Array, ""]:
        """Δφ in (0, π/2] of that maximum, from P|cos Δφ| = |Q|, Eq. (60); NaN if |Q| > |P|."""
        return jnp.arccos(jnp.abs(self.difference / self.sum))

    def perfect_spin_diode_phases(self) -> Float[Array, "6"]:
        """Δφ in [−π/2, π/2] at which |η_s| = 1, Eq. (65); NaN for roots that do not exist.

        ±Q/4K₁ = x[1 + r(1 − x²)], x = sin Δφ, r = K₂/K₁; π − Δφ is a solution with each. Three for
        the upper sign, three for the lower. Exact for |cos Δφ| ≫ |Q/P|.
        """
        ratio = self.spin_coupling / self.charge_coupling
        height = self.difference / (4 * self.charge_coupling)
        return jnp.concatenate([_phases(ratio, height), _phases(ratio, -height)])

    def spin_diode_threshold(self) -> Float[Array, ""]:
        """|Q/4K₁| = (2/3)(1+r)^{3/2}/√(3r) above which two of the roots are gone, Eq. (68)."""
        ratio = self.spin_coupling / self.charge_coupling
        safe = jnp.where(ratio > 0, ratio, 1.0)
        return jnp.where(ratio > 0, 2 / 3 * (1 + safe) ** 1.5 / jnp.sqrt(3 * safe), jnp.nan)


def _phases(ratio, height):
    """arcsin of the real roots in [−1, 1] of r x³ − (1 + r) x + h = 0, by Cardano's formula."""
    cubic = jnp.abs(ratio) > 1e-9
    safe = jnp.where(cubic, ratio, 1.0)
    linear, constant = -(1 + safe) / safe, height / safe
    inside = (constant / 2) ** 2 + (linear / 3) ** 3
    root = jnp.sqrt(jax.lax.complex(inside, jnp.zeros_like(inside)))
    half = jax.lax.complex(-constant / 2, jnp.zeros_like(constant))
    # The larger of the two cubes loses no digits.
    away = jnp.where((jnp.conj(half) * root).real >= 0, half + root, half - root)
    cube = jnp.exp(jnp.log(away) / 3)
    turn = 2 * np.pi / 3 * np.arange(3)
    turned = cube * jax.lax.complex(jnp.cos(turn), jnp.sin(turn))
    roots = turned - jax.lax.complex(linear / 3, jnp.zeros_like(linear)) / turned
    real = (jnp.abs(roots.imag) <= _REAL) & (jnp.abs(roots.real) <= 1)
    x = jnp.where(real, roots.real, jnp.nan)
    straight = jnp.where(jnp.arange(3) == 0, height, jnp.nan)
    straight = jnp.where(jnp.abs(straight) <= 1, straight, jnp.nan)
    return jnp.arcsin(jnp.where(cubic, x, straight))
