"""Rectification: the mean voltage of a device under an alternating current."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import nondifferentiable
from jaxtyping import Array, Float, Int

from .. import _checks, progress
from .._checks import Numbers
from ..core.results import AbstractResult
from ..numerics.lanes import lanewise
from ..numerics.status import Status
from . import iv, overdamped
from .network.equations import AbstractNetwork
from .network.iv import announce_network
from .network.rectification import mean_voltages
from .quasi_static import quasi_static
from .shunted import Shunted, own_duration, own_unit, require_drive

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scalar = Float[Array, ""]
Asked = tuple[Scalar, Scalar, Scalar, Scalar]  # as `Stay` is planned from

_SETTLE, _LONGEST = 0.5, 20.0
_LANES = 1024  # side by side, where lanes run so
_STEP_COST = 1.5e-6  # seconds


class RectifiedVoltage(AbstractResult):
    """Mean voltage ⟨φ'⟩ under an alternating current against its amplitude.

    Attributes:
        amplitude: of the drive.
        voltage: under it, in I₀R without capacitance, else in ħω_p/2e; a multiple nΩ/m of the
            drive's frequency, exactly, where the phase is locked to it.
        error: 0 where the phase is locked, a bound or a standard error elsewhere.
        quasi_static: the quasi-static approximation (1/2π)∮V(i + f(θ))dθ, V(i) being the I–V curve
            of the device without drive: the limit Ω → 0, in which plateaus nΩ lie densely. Exact
            to 1e-9 of max|I|. None with capacitance, where V(i) may be hysteretic and the limit
            depends on the history.
        drive_frequency: Ω.
        status: CONVERGED where the error is within the tolerance, NOT_CONVERGED where it was not
            within the longest stay (the error holds), NONFINITE with NaN.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
        >>> driven = jd.Shunted(diode, drive=jd.Drive(0.1, 1.0))
        >>> print(jd.rectified_voltage(driven, [0.8, 1.2, 1.4]).summary())
        no voltage up to an amplitude of 0.8
        largest voltage 0.2 = 2 Ω at an amplitude of 1.4
    """

    amplitude: Float[Array, "*lanes n"]
    voltage: Float[Array, "*lanes n"]
    error: Float[Array, "*lanes n"]
    quasi_static: Float[Array, "*lanes n"] | None
    drive_frequency: Float[Array, "*lanes"]
    status: Int[Array, "*lanes n"]

    def summary(self, unit: str = "") -> str:
        """Where rectification begins, its largest voltage, and what is not known well."""
        amplitude, voltage = np.asarray(self.amplitude), np.asarray(self.voltage)
        if amplitude.ndim != 1:
            return super().summary(unit)
        order, moving = np.argsort(amplitude), voltage != 0
        still = np.argmax(np.append(moving[order], True))
        lines = []
        if still:
            lowest = amplitude[order][still - 1]
            lines.append(f"no voltage up to an amplitude of {lowest:.4g} {unit}".rstrip())
        if np.any(moving & np.isfinite(voltage)):
            k = int(np.nanargmax(np.abs(voltage)))
            ratio = voltage[k] / float(self.drive_frequency)
            multiple = f" = {ratio:.6g} Ω" if self.error[k] == 0 else ""
            lines.append(
                f"largest voltage {voltage[k]:.6g}{multiple} at an amplitude of "
                f"{amplitude[k]:.4g} {unit}".rstrip()
            )
        if wide := int(np.sum(np.asarray(self.status) != Status.CONVERGED)):
            lines.append(
                f"{wide} of {amplitude.size} amplitudes have errors above the tolerance "
                "(chaotic or almost locked; see error): raise duration"
            )
        return "\n".join(lines)

    def plot(self) -> "Figure":
        from .. import plot

        return plot.rectification(self)


def rectified_voltage(
    device: Shunted | AbstractNetwork,
    amplitudes: Numbers,
    *,
    bias: Numbers = 0.0,
    duration: Numbers | None = None,
    tolerance: Numbers = 1e-6,
    between: tuple[str, str] | None = None,
) -> RectifiedVoltage:
    """Mean voltage under an alternating current of many amplitudes, each from rest.

    The shape of the drive (frequency, phases, ratios of harmonics) is that of `device.drive`; it is
    scaled until its largest |a_k|, or the A of a `SquareWave`, is each of the amplitudes.

    - Slowly driven, a diode begins to rectify at the smaller of its critical currents, as
      c(a − I₊)/√(8a), c = √(2|I''|) at the maximum of I(φ) (one cosine): `quasi_static`.
    - At a frequency Ω the phase locks: V = nΩ/m exactly, error 0, recognised as `iv_curve` does.
      n = 0 lasts up to an amplitude above the quasi-static one, where the upper (or lower) edge of
      the step 0 of `shapiro_steps` comes to the bias.
    - What is not locked is averaged as `iv_curve` does, for 20 `duration` at most.

    Without capacitance the voltage has no memory. With it, the drive and the bias are turned up
    together within two relaxation times, and the state that they lead to may be one of several.
    Not differentiable.

    Args:
        device: shunted or a `Circuit`, with a drive.
        amplitudes: a list of numbers, not negative (phases turn a drive round), in any order.
        bias: constant current beside the drive.
        duration: shortest stay at an amplitude where the motion is not locked, in the device's
            unit of time; by default 500/max|I| without capacitance, 500/√max|I| with it. At least
            32 drive periods are averaged over.
        tolerance: error asked for, relative to the voltage.
        between: of a circuit, the nodes whose voltage is meant; the terminals if left out.

    Raises:
        ValueError: no drive or one that is zero, no amplitudes or negative ones; more than three
            days of work.
        LongRunWarning: more than a minute, with the time it takes.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])  # I₊ = 0.75, I₋ = 1.5
        >>> driven = jd.Shunted(diode, drive=jd.Drive(0.1, 1.0))
        >>> found = jd.rectified_voltage(driven, [0.8, 1.2, 1.4])
        >>> print(*(f"{v:.6f}" for v in found.voltage))  # nΩ
        0.000000 0.100000 0.200000
        >>> print(*(f"{v:.6f}" for v in found.quasi_static))
        0.017994 0.169354 0.244840
    """
    require_drive(device, "a rectified voltage")
    if between is not None and isinstance(device, Shunted):
        raise ValueError(f"between must be left out for a Shunted device, got {between}")
    wanted = _checks.real_array("amplitudes", amplitudes, ndim=1, at_least=0.0)
    if wanted.size == 0:
        raise ValueError("amplitudes must hold at least one, got none")
    current = _checks.real_array("bias", bias, ndim=0)
    limit = _checks.positive("tolerance", tolerance)
    length = None if duration is None else _checks.positive("duration", duration)
    if isinstance(device, AbstractNetwork):
        return _of_network(device, wanted, current, (length, limit), between)
    if _checks.all_concrete((device, wanted, current, length)):
        _announce(device, wanted, current, length)
    return _rectified(device, wanted, current, length, limit)


def _of_network(
    device: AbstractNetwork,
    amplitudes: Array,
    bias: Array,
    asked: tuple[Scalar | None, Scalar],
    between: tuple[str, str] | None,
) -> RectifiedVoltage:
    device.require_motion()
    device.between(between)
    times = asked[0], jnp.asarray(_SETTLE), None, asked[1]
    announce_network(device, "rectified_voltage", amplitudes.size, times)
    mean, error, status, frequency = mean_voltages(device, amplitudes, bias[None], times, between)
    return RectifiedVoltage(amplitudes, mean[:, 0], error[:, 0], None, frequency, status[:, 0])


def _announce(device: Shunted, amplitudes: Array, bias: Array, length: Array | None) -> None:
    assert device.drive is not None
    with jax.ensure_compile_time_eval():
        unit = eqx.filter_jit(own_unit)(device)
    size, frequency = float(unit), float(device.drive.frequency)
    own = float(own_duration(device, unit) if length is None else length)
    stay = max(2 * own, 48 * 2 * np.pi / frequency)
    share = float(device.drive.largest_current() / device.drive.size())
    push = np.abs(float(bias)) + share * np.asarray(amplitudes)
    if device.damping is None:
        rate = 4 * (size + push + frequency * device.drive_harmonics())
    else:
        rate = np.maximum(2 * np.sqrt(size + push), frequency * device.drive_harmonics())
        rate = np.maximum(rate, np.maximum(push / float(device.damping), 0.4 * device.damping))
    progress.announce(
        f"rectified_voltage of {push.size} amplitudes", stay * float(np.sum(rate)) * _STEP_COST,
        "duration", own, "shorten duration, or take fewer amplitudes", depth=4,
    )  # fmt: skip


def _mean_voltage(device: Shunted, bias: Scalar, asked: Asked, amplitude: Scalar):
    """(mean, error, status) at one amplitude."""
    assert device.drive is not None
    driven = Shunted(device.device, device.damping, drive=device.drive.of_size(amplitude))
    voltages = overdamped.voltages if device.is_overdamped else iv.voltages
    return tuple(x[0] for x in voltages(driven, bias[None], asked))


@eqx.filter_jit
def _rectified(
    device: Shunted, amplitudes: Array, bias: Scalar, length: Scalar | None, tolerance: Scalar
) -> RectifiedVoltage:
    device, amplitudes, bias = nondifferentiable(
        (device, amplitudes, bias), name="rectified_voltage"
    )
    drive = device.drive
    assert drive is not None
    relation = device.device.relation()
    solved = Shunted(relation, device.damping, drive=drive)
    size = own_unit(solved)
    length = own_duration(solved, size) if length is None else length
    asked = length, jnp.asarray(_SETTLE), _LONGEST * length, tolerance

    def one(amplitude: Scalar):
        return lanewise(_mean_voltage)(solved, bias, asked, amplitude)

    if amplitudes.size <= _LANES:
        mean, error, status = jax.vmap(one)(amplitudes)
    else:
        mean, error, status = jax.lax.map(one, amplitudes, batch_size=_LANES)
    known = relation.status()
    known = jnp.where(known == Status.CONVERGED, jnp.int32(Status.NONFINITE), known)
    slow = None
    if device.is_overdamped:
        unit = solved.rescaled(size)
        assert unit.drive is not None
        slow = size * quasi_static(unit.device, unit.drive, bias / size, amplitudes / size)
        # Without drive the voltage is that of the I–V curve.
        still = (amplitudes == 0) & jnp.isfinite(slow)
        mean, error = jnp.where(still, slow, mean), jnp.where(still, 1e-9 * jnp.abs(slow), error)
        status = jnp.where(still, Status.CONVERGED, status)
    good = jnp.isfinite(mean) & (known == Status.NONFINITE)
    mean = jnp.where(good, mean, jnp.nan)
    status = jnp.where(good, status, known).astype(jnp.int32)
    return RectifiedVoltage(amplitudes, mean, error, slow, drive.frequency, status)
