"""Any phase-biased device with a shunt: its phase moves under currents in time."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .. import _checks
from .._checks import Numbers
from ..core.critical import CriticalCurrents
from ..core.device import AbstractPhaseBiased, Relation, current_phase_relation
from ..core.dynamical import AbstractDynamical
from ..core.extrema import largest_current
from ..core.parameters import parameter
from ..core.report import Report
from ..core.results import AbstractResult
from ..core.temperature import parts_at_reduced_temperature
from ..numerics.extrema import clustered_grid
from ..numerics.status import Status
from .drive import AbstractDrive, Drive
from .network.equations import AbstractNetwork

Scalar = Float[Array, ""]

_TURN = 0.1  # radians beside a sharp turn
_DURATION = 500.0  # of the device's own times


class Shunted(AbstractDynamical):
    """A phase-biased device with a resistance and a capacitance in parallel, driven by a current i,

        φ'' + βφ' + I(φ) = i + f(Ωτ)      damping = β, time in 1/ω_p = √(Φ₀C/2πI₀);
        φ' + I(φ) = i + f(Ωτ)             damping = None (C = 0), time in ħ/2eI₀R.

    Currents are in the device's own unit I₀, whatever its critical currents are, and ω_p and
    β = 1/√β_c belong to that unit. Voltages are ⟨φ'⟩, in ħω_p/2e or in I₀R.

    Args:
        device: any phase-biased device: junction, SQUID, relation of a torus, one of your own.
        damping: β > 0, or None for a negligible capacitance.
        drive: an alternating current, a `Drive` or a `SquareWave`.

    Raises:
        ValueError: a device that is not phase-biased, damping not positive.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])  # sin φ + ½ sin(2φ + π/2)
        >>> driven = jd.Shunted(diode, drive=jd.Drive(frequency=0.5, amplitude=1.0))
        >>> print(f"{float(jd.diode_efficiency(driven)):.6f}")  # without drive −1/3
        -0.209131
        >>> heavy = jd.Shunted(diode, damping=0.5, drive=jd.Drive(frequency=2.0, amplitude=1.5))
        >>> print(f"{float(jd.critical_currents(heavy).plus):.6f}")
        0.705124
    """

    papers: ClassVar[tuple[str, ...]] = ("stewart1968", "mccumber1968")

    device: AbstractPhaseBiased
    damping: Scalar | None = parameter(above=0.0, search=(1e-6, np.inf), label="damping β")
    drive: AbstractDrive | None

    at_reduced_temperature = parts_at_reduced_temperature

    def __init__(
        self,
        device: AbstractPhaseBiased,
        damping: Numbers | None = None,
        *,
        drive: AbstractDrive | None = None,
    ):
        phase_biased(device)
        if drive is not None and not isinstance(drive, AbstractDrive):
            raise ValueError(
                f"drive must be a Drive, a SquareWave or None, got {type(drive).__name__}"
            )
        self.device = device
        self.damping = None if damping is None else self.checked("damping", damping, 0)
        self.drive = drive

    def require_single_valued(self) -> None:
        """Raises ValueError where inductances make the current of one phase several."""
        known = self.device.status()  # traced inside a jit, whatever the device is
        if _checks.is_concrete(known) and int(known) == Status.MULTIVALUED:
            raise ValueError(
                "device must have one current at each phase to move as one junction, but its "
                "inductances make I(φ) multivalued: with a shunt on every junction it is the "
                "circuit device.circuit(resistance=…, capacitance=…)"
            )

    def report(self) -> Report:
        """Critical currents under the drive, beside I(φ) of the device alone."""
        relation = current_phase_relation(self.device)
        return Report(self, *jax.device_get((self.critical_currents(), relation, {}, {})))

    @property
    def drive_frequency(self) -> Scalar | None:
        return None if self.drive is None else self.drive.frequency

    @property
    def is_overdamped(self) -> bool:
        """C = 0: an equation of first order."""
        return self.damping is None

    def equation_of_motion(
        self,
        drive_phase: Float[Array, "..."],
        phase: Float[Array, "..."],
        velocity: Float[Array, "..."],
        current: Float[Array, "..."],
        drive: float | Array = 1.0,
    ) -> Float[Array, "..."]:
        """φ'' at the drive phase θ = Ωτ.

        Raises:
            ValueError: without capacitance there is none.
        """
        if self.damping is None:
            raise ValueError("damping must be a number for φ'': without capacitance there is none")
        pushed = self._push(drive_phase, current, drive)
        return pushed - self.damping * velocity - self.device.current(phase)

    def velocity(
        self,
        drive_phase: Float[Array, "..."],
        phase: Float[Array, "..."],
        current: Float[Array, "..."],
        drive: float | Array = 1.0,
    ) -> Float[Array, "..."]:
        """φ' without capacitance."""
        return self._push(drive_phase, current, drive) - self.device.current(phase)

    def _push(
        self, drive_phase: Float[Array, "..."], current: Float[Array, "..."], drive: float | Array
    ) -> Float[Array, "..."]:
        """i + f(θ)."""
        return current if self.drive is None else current + drive * self.drive.current(drive_phase)

    def rest(self) -> Float[Array, "1"]:
        """The phase of least energy without bias."""
        relation = self.device.relation()
        kinks, widths = relation.kinks()
        grid = clustered_grid(kinks, widths, relation.samples_per_period())
        ends = jnp.concatenate([grid, grid[:1] + 2 * jnp.pi])
        current = relation.current(ends)
        energy = jnp.cumsum((current[1:] + current[:-1]) / 2 * jnp.diff(ends))
        lowest = jnp.mod(jnp.argmin(energy) + 1, grid.size)

        def newton(_: Array, phase: Scalar) -> Scalar:
            current, slope = jax.jvp(relation.current, (phase,), (jnp.ones_like(phase),))
            step = jnp.where(slope > 0, -current / jnp.where(slope > 0, slope, 1.0), 0.0)
            return phase + jnp.clip(step, -0.1, 0.1)

        return jax.lax.fori_loop(0, 8, newton, grid[lowest])[None]

    def slid(self, start: Scalar) -> Float[Array, "1"]:
        """The phase of rest into which one at zero bias slides without inertia and drive."""
        relation = self.device.relation()
        undriven = Shunted(self.device, self.damping)
        step = 0.5 / undriven.largest_current()

        def downhill(_: Array, phase: Scalar) -> Scalar:
            return phase - step * relation.current(phase)

        return jax.lax.fori_loop(0, 1000, downhill, start)[None]

    def largest_current(self) -> Scalar:
        """Slopes count away from sharp turns only, which steps of an integration run over."""
        relation = self.device.relation()
        even = jnp.linspace(0.0, 2 * jnp.pi, relation.samples_per_period(), endpoint=False)
        _, slope = jax.jvp(relation.current, (even,), (jnp.ones_like(even),))
        turns = jnp.ravel(jnp.asarray(relation.kinks()[0], float))
        apart = jnp.abs(jnp.mod(even[:, None] - turns + jnp.pi, 2 * jnp.pi) - jnp.pi)
        slope = jnp.where(jnp.any(apart < _TURN, axis=1), 0.0, jnp.abs(slope))
        most = jnp.maximum(jnp.max(slope), self.typical_current())
        return most if self.drive is None else most + self.drive.largest_current()

    def typical_current(self) -> Scalar:
        return largest_current(self.device.relation())

    def rescaled(self, size: Scalar) -> "Shunted":
        """The same, its relation solved, currents in a unit `size` times larger.

        Rates are in √size, or in size without capacitance.
        """
        rate = size if self.damping is None else jnp.sqrt(size)
        drive = self.drive
        if drive is not None:
            drive = drive.scaled(1 / size, 1 / rate)
        damping = None if self.damping is None else self.damping / rate
        return Shunted(ScaledRelation(self.device.relation(), size), damping, drive=drive)

    def drive_harmonics(self) -> int:
        return 1 if self.drive is None else self.drive.harmonics()

    def drive_velocity(self) -> Scalar:
        """|f| over |β + iΩ|, the impedance of resistance and capacitance."""
        if self.drive is None:
            return jnp.zeros(())
        if self.damping is None:
            return self.drive.largest_current()
        return self.drive.largest_current() / jnp.hypot(self.damping, self.drive.frequency)

    def drive_pieces(self) -> int:
        return 1 if self.drive is None else self.drive.pieces()

    def is_driven(self) -> bool | Bool[Array, ""]:
        return False if self.drive is None else self.drive.is_moving()

    def iv(
        self, *, maximum: float | None = None, points: int = 201, duration: float | None = None
    ) -> AbstractResult:
        """`iv_curve` from −maximum to maximum, twice the largest |I| and the drive if left out."""
        from .iv import iv_curve

        most = 2 * float(self.typical_current()) if maximum is None else maximum
        if maximum is None and self.drive is not None:
            most += float(self.drive.largest_current())
        biases = np.linspace(-most, most, points)
        return iv_curve(self, biases, duration=duration)

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """Both ends of the zero-voltage state: of the drive's period, or I± without drive."""
        if criterion is not None:
            raise ValueError(f"criterion must be left out for a Shunted device, got {criterion!r}")
        if self.is_driven() is False:
            found = self.device.critical_currents()
            return CriticalCurrents(found.plus, found.minus, found.status)
        from .steps import zero_voltage_currents

        return zero_voltage_currents(self)


def own_unit(device: Shunted) -> Scalar:
    """max|I| as a unit of current, 1 where nothing flows; `rescaled` takes it."""
    size = jax.lax.stop_gradient(device.typical_current())
    return jnp.where(size > 0, size, 1.0)


def usual_duration(device: AbstractDynamical) -> float | Scalar:
    """Of a stay at one bias: 500 of the device's own times where these are known."""
    if not isinstance(device, Shunted):
        return _DURATION
    return own_duration(device, own_unit(device))


def own_duration(device: Shunted, size: Scalar) -> Scalar:
    """The same where max|I| is known."""
    return _DURATION / (size if device.is_overdamped else jnp.sqrt(size))


def require_harmonics(device: Shunted, what: str) -> None:
    """Locked orbits are resolved by harmonics."""
    if not isinstance(device.drive, Drive):
        raise ValueError(
            f"drive must be a Drive, a sum of harmonics, for {what}, got "
            f"{type(device.drive).__name__}: iv_curve and rectified_voltage take it"
        )


def phase_biased(device: object) -> AbstractPhaseBiased:
    """The device, if it may have a shunt."""
    if not isinstance(device, AbstractPhaseBiased):
        raise ValueError(f"device must be phase-biased, got {type(device).__name__}")
    return device


def is_shunted(device: object) -> bool:
    return isinstance(device, Shunted)


def require_shunted(device: object, *, driven: bool | None = None) -> Shunted:
    """The device, if it is shunted, and has a drive or none where that is asked for."""
    if not isinstance(device, Shunted):
        raise ValueError(
            "device must be Shunted, in a device file by a [shunt] section, got "
            f"{type(device).__name__}"
        )
    if driven is True and device.drive is None:
        raise ValueError("drive must be a Drive, in a device file a [drive] section, got none")
    if driven is False and device.drive is not None:
        raise ValueError("drive must be None here, in a device file no [drive] section, got one")
    return device


def require_drive(device: Shunted | AbstractNetwork, what: str) -> None:
    """Refuse a device without a drive, and a drive that is zero and has no shape to be scaled."""
    moves = isinstance(device, Shunted | AbstractNetwork)
    if not moves or device.drive is None:
        without = " without a drive" if moves else ""
        raise ValueError(
            f"device must be Shunted(..., drive=Drive(...)) or a Circuit with a drive for {what}, "
            f"got {type(device).__name__}{without}"
        )
    if isinstance(device, Shunted):
        device.require_single_valued()
    if device.drive.is_moving() is False:
        raise ValueError("drive.amplitude must not be zero: its shape is scaled, got 0")


def require_own_units(device: Shunted) -> None:
    """Drive frequencies that no device of such currents follows are of another unit."""
    if device.drive is None:
        return
    size = float(device.typical_current())
    rate = size if device.is_overdamped else size**0.5
    frequency = float(device.drive.frequency)
    slowest = rate
    if rate and device.damping is not None:  # strongly damped, it follows no faster than size/β
        slowest = min(rate, size / float(device.damping))
    if rate and not 1e-3 * slowest <= frequency <= 1e3 * rate:
        unit = "2eI₀R/ħ" if device.is_overdamped else "ω_p = √(2πI₀/Φ₀C)"
        raise ValueError(
            f"drive.frequency must be between {1e-3 * slowest:.3g} and {1e3 * rate:.3g}, a "
            "thousandth and a thousand times the junction's own rates, got "
            f"{frequency:.3g}: it is in {unit}, "
            "I₀ being the unit of the device's currents"
        )


class ScaledRelation(Relation):
    """A relation in a unit of current `size` times larger."""

    whole: AbstractPhaseBiased
    size: Scalar

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.whole.current(phase) / self.size

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        return self.whole.kinks()

    def samples_per_period(self) -> int:
        return self.whole.samples_per_period()

    def magnitude(self) -> Scalar:
        return self.whole.magnitude() / self.size

    def status(self) -> Array:
        return self.whole.status()
