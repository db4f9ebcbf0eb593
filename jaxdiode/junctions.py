"""Josephson elements: what sits in the branches of an interferometer.

Each is a phase-biased device of its own, and any phase-biased device can be a branch.
Source: J. Li et al. (double-loop SQUID paper), Eqs. (1), (2); currents in any one unit.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from . import _checks
from ._checks import Numbers
from .core.device import AbstractPhaseBiased
from .core.parameters import parameter
from .gates import CriticalCurrent, Gate, value_of

_PI = jnp.pi
_COLD = 1e-30  # k_BT/Δ below which derivatives of tanh(Δr/2k_BT) overflow before they vanish


def _number_or_gate(
    owner: AbstractPhaseBiased, name: str, value: Numbers | Gate
) -> CriticalCurrent:
    return value if isinstance(value, Gate) else owner.checked(name, value, 0)


class TunnelJunction(AbstractPhaseBiased):
    """Sinusoidal junction, I(φ) = I_c sin φ.

    Args:
        critical_current: I_c ≥ 0, or a `Gate`.

    Example:
        >>> junction = jd.TunnelJunction(100)
        >>> print(f"{junction.current(jnp.array(np.pi / 6)):.6f}")
        50.000000
        >>> print(f"{jd.critical_currents(junction).plus:.6f}")
        100.000000
    """

    critical_current: CriticalCurrent = parameter(
        at_least=0.0, unit="current", label="critical current"
    )

    def __init__(self, critical_current: Numbers | Gate):
        self.critical_current = _number_or_gate(self, "critical_current", critical_current)

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return value_of(self.critical_current) * jnp.sin(phase)

    def magnitude(self) -> Float[Array, ""]:
        return value_of(self.critical_current)


class SeriesJunctions(AbstractPhaseBiased):
    """Two sinusoidal junctions in series, inner phase relaxed to its minimum (Eq. 2).

    I(φ) = 2ab s c / √((a−b)² + 4ab c²), s = sin(φ/2), c = cos(φ/2),
    with a, b the two critical currents; max|I| = min(a, b). The effective transparency is
    ρ = 4ab/(a+b)²; at a = b the current jumps at φ = π. This form keeps full precision there.

    Args:
        first, second: critical currents a, b ≥ 0 of the two junctions, or `Gate`s.

    Example:
        >>> pair = jd.SeriesJunctions(100, 50)
        >>> found = jd.critical_currents(pair)
        >>> print(f"{found.plus:.6f} at {found.phase_plus / np.pi:.6f} π")
        50.000000 at 0.666667 π
        >>> print(f"{pair.transparency:.6f}")
        0.888889
    """

    # An extremum at the kink grows as −|first − second|^(2/3) away from balance.
    first: CriticalCurrent = parameter(
        at_least=0.0, unit="current", label="first critical current", cusp_with="second"
    )
    second: CriticalCurrent = parameter(
        at_least=0.0, unit="current", label="second critical current"
    )

    def __init__(self, first: Numbers | Gate, second: Numbers | Gate):
        self.first = _number_or_gate(self, "first", first)
        self.second = _number_or_gate(self, "second", second)

    @property
    def transparency(self) -> Float[Array, ""]:
        """Effective transparency ρ = 4ab/(a+b)²."""
        a, b = value_of(self.first), value_of(self.second)
        return 4 * a * b / (a + b) ** 2

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        a, b = value_of(self.first), value_of(self.second)
        s, c = jnp.sin(phase / 2), jnp.cos(phase / 2)
        square = (a - b) ** 2 + 4 * a * b * c**2
        return 2 * a * b * s * c / jnp.sqrt(jnp.where(square > 0, square, 1.0))

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        a, b = value_of(self.first), value_of(self.second)
        product = a * b
        width = jnp.abs(a - b) / jnp.sqrt(jnp.where(product > 0, product, 1.0))
        return jnp.full(1, _PI), jnp.where(product > 0, width, 1.0)[None]

    def magnitude(self) -> Float[Array, ""]:
        return jnp.minimum(value_of(self.first), value_of(self.second))


class AndreevModes(AbstractPhaseBiased):
    """Short junction carried by Andreev bound states (Eq. 1), summed over modes.

    I(φ) = Σ_m (A_m/2) τ_m sin φ/r_m · tanh(Δ r_m/2k_BT),  r_m = √(1 − τ_m sin²(φ/2)).

    Args:
        amplitude: A_m = eΔ/ħ in the unit of the currents, ≥ 0; the critical current of a
            fully transparent mode at T = 0. At T = 0 a mode carries A(1 − √(1−τ)).
        transparency: τ_m in [0, 1].
        gap: Δ > 0, in the unit of `temperature`. It may be left out at T = 0, where it does not
            matter; such modes have neither of the two as a parameter.
        temperature: k_BT ≥ 0 in the unit of `gap`; 0 is the ground state.

    Shapes: amplitude and transparency are numbers or broadcast to one array over modes.

    Raises:
        ValueError: numbers outside their ranges, lists of unequal length, a temperature without
            the gap that gives its unit.

    Example:
        >>> modes = jd.AndreevModes(40, 0.75)  # A(1 − √(1 − τ)) = 20
        >>> print(f"{jd.critical_currents(modes).plus:.6f}")
        20.000000
        >>> warm = jd.AndreevModes(40, [0.75, 0.9], gap=0.18, temperature=0.05)  # meV
        >>> print(f"{jd.critical_currents(warm).plus:.6f}")
        39.123744
    """

    amplitude: Float[Array, " modes"] = parameter(
        at_least=0.0, unit="current", label="amplitude eΔ/ħ"
    )
    transparency: Float[Array, " modes"] = parameter(
        at_least=0.0, at_most=1.0, label="transparency"
    )
    gap: Float[Array, ""] | None = parameter(above=0.0, label="gap")
    temperature: Float[Array, ""] | None = parameter(at_least=0.0, label="temperature")

    def __init__(
        self,
        amplitude: Numbers,
        transparency: Numbers,
        *,
        gap: Numbers | None = None,
        temperature: Numbers = 0.0,
    ):
        if max(np.ndim(amplitude), np.ndim(transparency)) > 1:
            raise ValueError("amplitude and transparency must be numbers or lists over modes")
        amplitude = jnp.atleast_1d(self.checked("amplitude", amplitude, np.ndim(amplitude)))
        transparency = jnp.atleast_1d(
            self.checked("transparency", transparency, np.ndim(transparency))
        )
        modes = max(amplitude.size, transparency.size)
        for name, array in (("amplitude", amplitude), ("transparency", transparency)):
            if array.size not in (1, modes):
                _checks.require_length(name, array, modes, "one per mode")
        if modes == 0 or min(amplitude.size, transparency.size) == 0:
            raise ValueError("transparency must hold at least one mode, got none")
        self.amplitude = jnp.broadcast_to(amplitude, (modes,))
        self.transparency = jnp.broadcast_to(transparency, (modes,))
        warmth = self.checked("temperature", temperature)
        self.gap, self.temperature = None, None
        if gap is not None:
            self.gap, self.temperature = self.checked("gap", gap), warmth
        elif not (_checks.is_concrete(temperature) and np.all(np.asarray(temperature) == 0)):
            raise ValueError(
                f"gap must be given with a temperature, whose unit it sets, got None beside "
                f"{temperature}"
            )

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        tau = self.transparency
        s, c = jnp.sin(phase / 2)[..., None], jnp.cos(phase / 2)[..., None]
        square = (1 - tau) + tau * c**2
        r = jnp.sqrt(jnp.where(square > 0, square, 1.0))
        return jnp.sum(self.amplitude * tau * s * c / r * self._occupation(r), axis=-1)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        # All modes turn at π; one ladder from the sharpest of them reaches every scale.
        sharpest = jnp.sqrt(jnp.maximum(1 - jnp.max(self.transparency), 0.0))
        width = jnp.maximum(sharpest, self._warmth())
        return jnp.full(1, _PI), width[None]

    def magnitude(self) -> Float[Array, ""]:
        return jnp.sum(self.amplitude * self.transparency * self._occupation(jnp.ones(())))

    def _warmth(self):
        """k_BT/Δ, exactly 0 where no phase that has digits tells it from 0."""
        if self.gap is None or self.temperature is None:
            return jnp.zeros(())
        cold = self.temperature <= _COLD * self.gap
        return jnp.where(cold, 0.0, self.temperature / self.gap)

    def _occupation(self, r):
        """tanh(Δr/2k_BT)."""
        if self.gap is None or self.temperature is None:
            return jnp.ones_like(r)
        cold = self.temperature <= _COLD * self.gap
        twice = 2 * jnp.where(cold, self.gap, self.temperature)
        return jnp.where(cold, 1.0, jnp.tanh(r * (self.gap / twice)))


class Harmonics(AbstractPhaseBiased):
    """Any CPR by its Fourier series, I(φ) = Σₙ sineₙ sin nφ + cosineₙ cos nφ, n = 1, 2, …

    Args:
        sine, cosine: coefficients, arrays of one length (the shorter is padded with zeros).

    Example:
        >>> junction = jd.Harmonics(sine=[100.0], cosine=[0.0, 25.0])  # 100 sin φ + 25 cos 2φ
        >>> found = jd.critical_currents(junction)
        >>> print(f"{found.plus:.6f} {found.minus:.6f} {found.efficiency:.6f}")
        75.000000 125.000000 -0.250000
    """

    sine: Float[Array, " n"] = parameter(unit="current", label="coefficient of sin nφ")
    cosine: Float[Array, " n"] = parameter(unit="current", label="coefficient of cos nφ")

    def __init__(self, sine: Numbers, cosine: Numbers = ()):
        sine, cosine = self.checked("sine", sine), self.checked("cosine", cosine)
        length = max(sine.size, cosine.size)
        if length == 0:
            raise ValueError("sine must hold at least one coefficient, got none")
        self.sine = jnp.pad(sine, (0, length - sine.size))
        self.cosine = jnp.pad(cosine, (0, length - cosine.size))

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        order = jnp.arange(1, self.sine.shape[-1] + 1, dtype=float)
        angle = jnp.asarray(phase)[..., None] * order
        return jnp.sum(self.sine * jnp.sin(angle) + self.cosine * jnp.cos(angle), axis=-1)

    def magnitude(self) -> Float[Array, ""]:
        return jnp.sum(jnp.abs(self.sine) + jnp.abs(self.cosine))

    def samples_per_period(self) -> int:
        return max(64, 12 * self.sine.shape[-1])
