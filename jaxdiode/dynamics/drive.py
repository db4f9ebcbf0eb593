"""Alternating currents of one period: sums of harmonics, and square waves."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .. import _checks
from .._checks import Numbers
from ..core.parameters import AbstractParameters, parameter

Scalar = Float[Array, ""]

_PER_HARMONIC = 64  # phases between which the turning points of a sum are looked for
_HALVINGS = 60


class AbstractDrive(AbstractParameters):
    """f(θ), θ = Ωτ, of period 2π, smooth but for jumps between `pieces()` equal parts of it.

    Attributes:
        frequency: Ω.
    """

    frequency: eqx.AbstractVar[Scalar]

    @abc.abstractmethod
    def current(self, drive_phase: float | Float[Array, "..."]) -> Float[Array, "..."]:
        """f(θ)."""

    @abc.abstractmethod
    def largest_current(self) -> Scalar:
        """No |f| is larger."""

    @abc.abstractmethod
    def size(self) -> Scalar:
        """What an amplitude of this drive means, max |a_k|: see `of_size`."""

    @abc.abstractmethod
    def scaled(self, factor: Scalar, rate: Scalar | float = 1.0) -> "AbstractDrive":
        """factor × f, at rate × Ω."""

    @abc.abstractmethod
    def turning_points(self) -> Float[Array, " n"]:
        """Rising drive phases, 2π from the first to the last, between which f is monotone."""

    def harmonics(self) -> int:
        """Of Ω, that steps of an integration resolve."""
        return 1

    def pieces(self) -> int:
        """Equal parts of a period from θ = 0, between which f may jump: no step goes over one."""
        return 1

    def of_size(self, amplitude: Scalar) -> "AbstractDrive":
        """The same shape in another size."""
        return self.scaled(amplitude / self.size())

    def is_moving(self) -> bool | Bool[Array, ""]:
        """Whether it is not zero; an array where that is known to a traced program only."""
        size = self.size()
        return bool(size != 0) if _checks.is_concrete(size) else size != 0


class Drive(AbstractDrive):
    """An alternating current of any number of harmonics,

        f(θ) = Σ_k a_k cos(kθ + θ_k),  θ = Ωτ,  k = 1, 2, …

    Incommensurate tones are no drive of one period.

    Args:
        frequency: Ω > 0, in the units of time of the device it drives (see `Shunted`).
        amplitude: a₁, or the list a₁, a₂, …, in the device's unit of current.
        phase: θ₁, θ₂, … (radians), one for all or one of each harmonic.

    Raises:
        ValueError: a frequency that is not positive, lists of unlike lengths.

    Example:
        >>> drive = jd.Drive(2.0, [1.0, 0.3], phase=[0, np.pi / 2])
        >>> print(f"{float(drive.current(0.0)):.6f}")
        1.000000
    """

    frequency: Scalar = parameter(above=0.0, search=(1e-6, np.inf), label="drive frequency Ω")
    amplitude: Float[Array, " harmonics"] = parameter(unit="current", label="drive amplitude")
    phase: Float[Array, " harmonics"] = parameter(unit="rad", label="drive phase")

    def __init__(self, frequency: Numbers, amplitude: Numbers, *, phase: Numbers = 0.0):
        if np.ndim(frequency):
            raise ValueError(
                "frequency must be one number, of which all tones are harmonics, got "
                f"{np.shape(frequency)}: incommensurate tones have no common period"
            )
        self.frequency = self.checked("frequency", frequency)
        amplitudes, phases = (
            jnp.atleast_1d(self.checked(name, value, np.ndim(value)))
            for name, value in (("amplitude", amplitude), ("phase", phase))
        )
        if amplitudes.ndim > 1 or not amplitudes.size:
            raise ValueError(f"amplitude must be a number or a list, got shape {amplitudes.shape}")
        if phases.shape not in (amplitudes.shape, (1,)):
            raise ValueError(
                f"phase must be one number or one of each of {amplitudes.size} harmonics, got "
                f"{phases.size}"
            )
        self.amplitude, self.phase = amplitudes, jnp.broadcast_to(phases, amplitudes.shape)

    def current(self, drive_phase: float | Float[Array, "..."]) -> Float[Array, "..."]:
        return self._sum(drive_phase, 0)

    def _sum(self, drive_phase: float | Array, derivative: int) -> Array:
        """Σ k^d a_k cos(kθ + θ_k + dπ/2), the d-th derivative of f."""
        terms = zip(jnp.unstack(self.amplitude), jnp.unstack(self.phase), strict=True)
        zero, ahead = jnp.zeros(jnp.shape(drive_phase)), derivative * np.pi / 2
        return sum(
            (
                k**derivative * a * jnp.cos(k * drive_phase + x + ahead)
                for k, (a, x) in enumerate(terms, 1)
            ),
            zero,
        )

    def largest_current(self) -> Scalar:
        return jnp.sum(jnp.abs(self.amplitude))

    def size(self) -> Scalar:
        return jnp.max(jnp.abs(self.amplitude))

    def scaled(self, factor: Scalar, rate: Scalar | float = 1.0) -> "Drive":
        return Drive(rate * self.frequency, factor * self.amplitude, phase=self.phase)

    def turning_points(self) -> Float[Array, " n"]:
        """Zeros of f', between samples where its sign changes; of N harmonics 2N at most."""
        most, samples = 2 * self.harmonics(), _PER_HARMONIC * self.harmonics()
        # Shifted: a zero that falls on a sample is no change of sign.
        grid = 2 * np.pi / samples * (jnp.arange(samples, dtype=float) + 0.4142)
        rising = self._sum(grid, 1) > 0
        changes = jnp.flatnonzero(rising != jnp.roll(rising, -1), size=most, fill_value=samples - 1)
        low, up = grid[changes], rising[changes]

        def halve(_: Array, bracket: tuple[Array, Array]):
            low, high = bracket
            middle = (low + high) / 2
            before = (self._sum(middle, 1) > 0) == up
            return jnp.where(before, middle, low), jnp.where(before, high, middle)

        bracket = low, low + 2 * np.pi / samples
        low, high = jax.lax.fori_loop(0, _HALVINGS, halve, bracket)
        points = jnp.sort((low + high) / 2)
        return jnp.concatenate([points, points[:1] + 2 * jnp.pi])

    def harmonics(self) -> int:
        return self.amplitude.size


class SquareWave(AbstractDrive):
    """A current that alternates between +A and −A: f = A for 0 < θ < π, −A for π < θ < 2π, θ = Ωτ.

    A bias beside it gives pulses of any two levels. Integrations (`iv_curve`, `trajectory`,
    `rectified_voltage`) begin a step at every jump. Locked orbits turn corners at the jumps, so
    `shapiro_steps` and critical currents, which resolve orbits by harmonics, do not take it.

    Args:
        frequency: Ω = 2π/P > 0 of the period P, in the units of time of the device it drives.
        amplitude: A, in the device's unit of current.

    Raises:
        ValueError: a frequency that is not positive.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])  # I₊ = 0.75, I₋ = 1.5
        >>> wave = jd.SquareWave(2 * np.pi / 60, 1.2)
        >>> print(jd.iv_curve(jd.Shunted(diode, drive=wave), [0.0]).up / wave.frequency)
        [3.]
    """

    frequency: Scalar = parameter(above=0.0, search=(1e-6, np.inf), label="drive frequency Ω")
    amplitude: Scalar = parameter(unit="current", label="drive amplitude")

    def __init__(self, frequency: Numbers, amplitude: Numbers):
        self.frequency = self.checked("frequency", frequency)
        self.amplitude = self.checked("amplitude", amplitude)

    def current(self, drive_phase: float | Float[Array, "..."]) -> Float[Array, "..."]:
        first = jnp.mod(jnp.asarray(drive_phase, float), 2 * np.pi) < np.pi
        return jnp.where(first, self.amplitude, -self.amplitude)

    def largest_current(self) -> Scalar:
        return jnp.abs(self.amplitude)

    def size(self) -> Scalar:
        return jnp.abs(self.amplitude)

    def scaled(self, factor: Scalar, rate: Scalar | float = 1.0) -> "SquareWave":
        return SquareWave(rate * self.frequency, factor * self.amplitude)

    def turning_points(self) -> Float[Array, " n"]:
        return np.pi * jnp.arange(3, dtype=float)

    def pieces(self) -> int:
        return 2


def off_the_jumps(time: Float[Array, "..."], middle: Scalar) -> Float[Array, "..."]:
    """A time in a step, drawn off its ends, where a drive may jump, towards its middle."""
    return middle + (1 - 1e-9) * (time - middle)
