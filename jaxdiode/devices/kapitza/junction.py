"""The Kapitza diode: a tunnel junction whose critical current is modulated in time.

Source: Yerin et al., "A Kapitza Pendulum Route to Supercurrent Tunnel Diodes", arXiv:2602.24198,
Eqs. (1)–(7), S16, S36, S73.
"""

import math
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ... import _checks
from ..._checks import Numbers
from ...core.critical import CriticalCurrents
from ...core.dynamical import AbstractDynamical, RunningState
from ...core.parameters import parameter
from ...core.report import Report
from ...dynamics.iv import IVCurve, iv_curve
from ...junctions import Harmonics
from . import circuits
from .limits import (
    CRITERIA,
    KapitzaLimits,
    all_limits,
    by_one_criterion,
    zero_voltage_limits,
)
from .running import running_state

_AVERAGES = ("corrected", "paper")


class KapitzaJunction(AbstractDynamical):
    """A junction with a modulated and a static, phase-shifted supercurrent:

        φ'' + βφ' + (a₀ + Σ_k a_k cos kΩτ) sin φ + Σ_k c_k cos kΩτ cos φ + b sin(φ + φ₀) = i.

    Dimensionless (paper Eq. (1)): currents in units of a reference current I₀, time τ in
    1/ω_p = √(Φ₀C/2πI₀), voltages in ħω_p/2e. `CircuitScale` converts from and to SI units; the
    constructors `gated_squid` and `double_loop` start from circuits.

    Its critical currents end the zero-voltage state, in which φ oscillates with the drive but
    does not advance. Which end counts is the `criterion`:

    - "fold": the state of the drive's period meets an unstable one (saddle-node), and the phase
      runs away past it. Devices that switch otherwise are NaN with their status.
    - "switching": also folds of the state of twice that period, where it switches.
    - "stability": the first loss of stability of the state of the drive's period, flip or fold.
      No more than the switching current; defined after period doublings too, unless that state
      is unstable at zero bias already.

    η(−φ₀) = −η(φ₀), η(φ₀ = 0) = 0, and η is unchanged when currents are multiplied by λ, damping
    and frequency by √λ.

    Args:
        damping: β = 1/(RCω_p) > 0.
        drive_frequency: Ω = ω/ω_p > 0.
        mean_current: a₀.
        drive_current: a₁, or the list a₁, a₂, … of the harmonics of the drive.
        static_current: b.
        phase_offset: φ₀ (radians).
        quadrature_current: c₁, or the list c₁, c₂, …; from loops of unequal area.
        criterion: "fold", "switching" or "stability".

    Raises:
        ValueError: damping or frequency not positive, non-finite numbers, unknown criterion.

    Example:
        >>> junction = jd.KapitzaJunction(
        ...     0.5, drive_frequency=4, drive_current=3, static_current=1, phase_offset=np.pi / 2
        ... )
        >>> found = jd.critical_currents(junction)
        >>> print(f"{found.plus:.6f} {found.minus:.6f} {found.efficiency:.6f}")
        1.545607 1.271129 0.097445
    """

    papers: ClassVar[tuple[str, ...]] = ("yerin2026",)

    damping: Float[Array, ""] = parameter(above=0.0, search=(1e-6, math.inf), label="damping β")
    drive_frequency: Float[Array, ""] = parameter(
        above=0.0, search=(1e-6, math.inf), unit="ω_p", label="drive frequency"
    )
    mean_current: Float[Array, ""] = parameter(unit="I₀", label="mean current")
    drive_current: Float[Array, "*harmonics"] = parameter(unit="I₀", label="drive current")
    static_current: Float[Array, ""] = parameter(unit="I₀", label="static current")
    phase_offset: Float[Array, ""] = parameter(unit="rad", label="phase offset φ₀")
    quadrature_current: Float[Array, "*quadratures"] = parameter(
        unit="I₀", label="quadrature current"
    )
    criterion: str = eqx.field(static=True)

    def __init__(
        self,
        damping: Numbers,
        drive_frequency: Numbers,
        *,
        mean_current: Numbers = 1.0,
        drive_current: Numbers = 0.0,
        static_current: Numbers = 0.0,
        phase_offset: Numbers = 0.0,
        quadrature_current: Numbers = 0.0,
        criterion: str = "fold",
    ):
        self.damping = self.checked("damping", damping)
        self.drive_frequency = self.checked("drive_frequency", drive_frequency)
        self.mean_current = self.checked("mean_current", mean_current)
        self.drive_current = _harmonics("drive_current", drive_current)
        self.static_current = self.checked("static_current", static_current)
        self.phase_offset = self.checked("phase_offset", phase_offset)
        self.quadrature_current = _harmonics("quadrature_current", quadrature_current)
        self.criterion = _known(criterion)

    def supercurrent(
        self,
        drive_phase: Float[Array, "..."],
        phase: Float[Array, "..."],
        drive: float | Array = 1.0,
    ) -> Float[Array, "..."]:
        """I(φ) at the drive phase θ = Ωτ; `drive` scales the modulation."""
        sine, cosine = self._static()
        sine = sine + drive * _series(self.drive_current, drive_phase)
        cosine = cosine + drive * _series(self.quadrature_current, drive_phase)
        return sine * jnp.sin(phase) + cosine * jnp.cos(phase)

    def equation_of_motion(
        self,
        drive_phase: Float[Array, "..."],
        phase: Float[Array, "..."],
        velocity: Float[Array, "..."],
        current: Float[Array, "..."],
        drive: float | Array = 1.0,
    ) -> Float[Array, "..."]:
        """φ'' at the drive phase θ = Ωτ."""
        flowing = self.supercurrent(drive_phase, phase, drive)
        return current - self.damping * velocity - flowing

    def rest(self) -> Float[Array, "1"]:
        return -self.static_phase()[None]

    def typical_current(self) -> Float[Array, ""]:
        """I₁, but at least a quarter of all amplitudes."""
        return jnp.maximum(self.static_critical_current(), 0.25 * self.largest_current())

    def rescaled(self, size: Float[Array, ""]) -> "KapitzaJunction":
        root = jnp.sqrt(size)
        names = ("mean_current", "drive_current", "static_current", "quadrature_current")
        return eqx.tree_at(
            lambda d: [getattr(d, name) for name in names] + [d.damping, d.drive_frequency],
            self,
            [getattr(self, name) / size for name in names]
            + [self.damping / root, self.drive_frequency / root],
        )

    def drive_harmonics(self) -> int:
        return max(self.drive_current.size, self.quadrature_current.size)

    def is_driven(self) -> bool | Bool[Array, ""]:
        moving = self.drive_current, self.quadrature_current
        if all(_checks.is_concrete(x) for x in moving):
            return any(bool(np.any(np.asarray(x))) for x in moving)
        return jnp.any(self.drive_current != 0) | jnp.any(self.quadrature_current != 0)

    def running_states(self) -> Callable[[Float[Array, ""]], RunningState]:
        """The limit cycle without drive, or φ' = i/β where no supercurrent flows."""
        most = self.static_critical_current()
        flows = most > 0
        size = jnp.where(flows, most, 1.0)
        root = jnp.sqrt(size)
        damping = self.damping / root

        def at(bias: Float[Array, ""]) -> RunningState:
            j = jnp.abs(bias) / size
            found = running_state(damping, j)
            ohmic = j * root / self.damping
            return RunningState(
                root * jnp.where(flows, found.velocity, ohmic),
                root * jnp.where(flows, found.error, 1e-15 * ohmic),
                found.exists | ~flows,
                (j > 1 + 1e-14) | ~flows,
                found.finished | ~flows,
            )

        return at

    def static_critical_current(self) -> Float[Array, ""]:
        """I₁ = √(A² + B²), A = a₀ + b cos φ₀, B = b sin φ₀: both directions' without drive."""
        return jnp.hypot(*self._static())

    def static_phase(self) -> Float[Array, ""]:
        """δ = atan2(B, A); the static minimum lies at φ = −δ."""
        sine, cosine = self._static()
        return jnp.arctan2(cosine, sine)

    def largest_current(self) -> Float[Array, ""]:
        """Sum of all amplitudes: no zero-voltage state carries more."""
        drive = jnp.sum(jnp.abs(self.drive_current)) + jnp.sum(jnp.abs(self.quadrature_current))
        return jnp.abs(self.mean_current) + drive + jnp.abs(self.static_current)

    def averaged(self, form: str = "corrected") -> Harmonics:
        """The time-averaged current-phase relation A sin X + B cos X + C sin 2X.

        The fast part of φ averages to a second harmonic. "corrected": C = Σ a_k²/[4(k²Ω² + β²)],
        evaluated where switching happens, X = ±π/2 − δ, where the stiffness is 0. Its η agrees
        with the exact folds to leading order in the drive, at any frequency; I₊ and I₋ both lack
        the term −a₁²I₁cos²δ/[4Ω²(Ω² + β²)], which cancels in η. "paper": Eq. (6),

            C = −(a₁²/4)(κ − Ω²)/[(κ − Ω²)² + β²Ω²],  κ = I₁,

        evaluated at the zero-bias minimum: it has a resonance and a change of sign at Ω² = κ that
        the dynamics do not show, and agrees only for Ω² ≫ κ. Both leave out quadrature currents.
        """
        order = jnp.arange(1, self.drive_current.size + 1, dtype=float)
        square = jnp.atleast_1d(self.drive_current) ** 2
        fast = (order * self.drive_frequency) ** 2
        if form == "corrected":
            second = jnp.sum(square / (4 * (fast + self.damping**2)))
        elif form == "paper":
            detuning = self.static_critical_current() - fast
            second = jnp.sum(-square / 4 * detuning / (detuning**2 + self.damping**2 * fast))
        else:
            raise _checks.unknown_name("form", form, _AVERAGES)
        sine, cosine = self._static()
        return Harmonics(jnp.stack([sine, second]), jnp.stack([cosine, jnp.zeros_like(cosine)]))

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        chosen = _known(criterion or self.criterion)
        if _checks.all_concrete(self) and chosen != "fold":
            return all_limits(self)[1][chosen]
        return by_one_criterion(self, chosen)

    def limits(self) -> KapitzaLimits:
        """All that ends the zero-voltage state in both directions, whatever the criterion."""
        return all_limits(self)[0] if _checks.all_concrete(self) else zero_voltage_limits(self)

    def report(self) -> Report:
        limits, critical = jax.device_get(all_limits(self))  # one search finds both
        return Report(self, critical[self.criterion], None, {}, {"limits": limits})

    def iv(
        self, *, maximum: float | None = None, points: int = 201, duration: float | None = None
    ) -> IVCurve:
        """`iv_curve` from −maximum to maximum, 1.2 times the sum of all amplitudes if left out."""
        most = 1.2 * float(self.largest_current()) if maximum is None else maximum
        biases = np.linspace(-most, most, points)
        return iv_curve(self, biases, duration=500.0 if duration is None else duration)

    @classmethod
    def gated_squid(
        cls,
        scale: circuits.CircuitScale,
        mean_current: Numbers,
        *,
        drive_current: Numbers,
        static_current: Numbers,
        frequency: Numbers,
        flux: Numbers = 0.0,
        phase_offset: Numbers = 0.0,
        criterion: str = "fold",
    ) -> "KapitzaJunction":
        """Two junctions in a loop, the first one's critical current gated in time (S36).

        I = [Ī + I_m cos ωt] sin φ + I_s sin(φ + φ_s − 2πf), f = Φ/Φ₀, of negligible inductance. An
        ordinary second junction (φ_s = 0) at finite flux already makes the phase-shifted channel.

        Args:
            scale: reference current, total capacitance and resistance.
            mean_current, drive_current, static_current: Ī, I_m, I_s (A); |I_m| ≤ Ī, because
                a gate does not turn a critical current negative.
            frequency: ω/2π (Hz).
            flux: f (Φ₀).
            phase_offset: φ_s (radians), of an anomalous second junction.
        """
        given = circuits.gated_squid(
            scale, mean_current, drive_current, static_current, frequency, flux, phase_offset
        )
        return cls(**given, criterion=criterion)

    @classmethod
    def double_loop(
        cls,
        scale: circuits.CircuitScale,
        outer_current: Numbers,
        *,
        middle_current: Numbers,
        phase_offset: Numbers,
        dc_flux: Numbers,
        ac_flux: Numbers,
        frequency: Numbers,
        harmonics: int = 2,
        weak: bool = False,
        criterion: str = "fold",
    ) -> "KapitzaJunction":
        """Three junctions in parallel, both loops driven by flux (S52–S60).

        I = I_u sin(φ + θ₁) + I_m sin(φ + φ₀) + I_l sin(φ − θ₂), θ_j = 2π(f_j + g_j cos ωt), of
        negligible inductance, with φ the phase of the middle junction.

        Args:
            scale: reference current, total capacitance and resistance.
            outer_current: I_u = I_l (A), or the two of them.
            middle_current, phase_offset: I_m (A) and φ₀ (radians) of the anomalous junction.
            dc_flux, ac_flux: f and g (Φ₀) of both loops, or one number per loop.
            frequency: ω/2π (Hz).
            harmonics: of the drive that are kept, at most 31; their amplitudes are exact (Bessel
                functions).
            weak: first order in g and one harmonic instead (paper, S59): a₀ = cos θ,
                a₁ = −θ_ac sin θ.
        """
        given = circuits.double_loop(
            scale, outer_current, middle_current, phase_offset, dc_flux, ac_flux, frequency,
            harmonics, weak,
        )  # fmt: skip
        return cls(**given, criterion=criterion)

    def _static(self):
        """A and B of the undriven current A sin φ + B cos φ."""
        turned = self.static_current * jnp.cos(self.phase_offset)
        return self.mean_current + turned, self.static_current * jnp.sin(self.phase_offset)


def _known(criterion: str) -> str:
    if criterion not in CRITERIA:
        raise _checks.unknown_name("criterion", criterion, CRITERIA)
    return criterion


def _harmonics(name, value):
    array = _checks.real_array(name, value)
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"{name} must be a number or a list of harmonics, got {array.shape}")
    return array


def _series(amplitudes, drive_phase):
    """Σ_k a_k cos kθ, k = 1, 2, …"""
    terms = enumerate(jnp.unstack(jnp.atleast_1d(amplitudes)), start=1)
    return sum(a * jnp.cos(k * drive_phase) for k, a in terms)
