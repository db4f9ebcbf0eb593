"""Shapiro maps: mean voltage against bias and the power of the drive."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from .. import _checks
from .._checks import Numbers
from ..core.results import AbstractResult
from ..numerics.status import Status
from ..progress import announce
from .mean_voltages import Plan, mean_voltages
from .natural_units import all_finite, relaxation_time, rounded_up
from .network.equations import AbstractNetwork
from .network.iv import announce_network, checked_times
from .network.rectification import mean_voltages as mean_voltages_of_network
from .shunted import Shunted, own_unit, require_drive, require_shunted
from .side_by_side import approach, step_counter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .steps import ShapiroSteps

_RELAXED = 8.0  # relaxation times before averaging, without capacitance
_COST = 1.5e-8  # seconds per stage of a step and phase, measured
_STEP = 0.4  # of the integration at a tolerance of 1e-4, in units of the fastest rate
_FINER = 5  # times smaller steps where turns are sharper than one: else phases lock falsely
_AT_TURNS = 2e-5  # relative error that these leave
_DISCRETE = 0.1  # of the tolerance: what that leaves (measured 0.06)
_LONGEST = 4096.0  # drive periods of averaging, with capacitance


class ShapiroMap(AbstractResult):
    """Mean voltages at every power (rows) and bias (columns).

    Attributes:
        current: biases.
        power: of the drive in dB, relative to `device.drive`.
        voltage: ⟨φ'⟩, in the device's unit of voltage.
        error: 0 where the phase is locked to the drive, a bound or a standard error elsewhere.
        status: CONVERGED where the error is as small as asked, NOT_CONVERGED where it is larger
            (chaos; the error holds), NONFINITE with NaN where the integration failed.
        device: the device that it is of.

    Example:
        >>> driven = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.7, 1.0))
        >>> found = jd.shapiro_map(driven, [0.2, 0.8, 1.6], [-20, 0])  # amplitudes 0.1 and 1
        >>> print(found.voltage.round(4).tolist())
        [[0.0, 0.0, 1.2472], [0.0, 0.7, 1.4]]
    """

    current: Float[np.ndarray, " n"]
    power: Float[np.ndarray, " powers"]
    voltage: Float[np.ndarray, "powers n"]
    error: Float[np.ndarray, "powers n"]
    status: Int[np.ndarray, "powers n"]
    device: Shunted | AbstractNetwork

    @property
    def amplitude(self) -> Float[np.ndarray, " powers"]:
        """Of the largest harmonic of the drive."""
        assert self.device.drive is not None
        return _factors(self.power) * float(self.device.drive.size())

    def resistance(self) -> Float[np.ndarray, "powers n"]:
        """dV/dI by differences between neighbouring biases."""
        return np.gradient(self.voltage, self.current, axis=1)

    def at(self, row: int) -> Shunted | AbstractNetwork:
        """The device at the power of a row."""
        return _scaled(self.device, float(_factors(self.power)[row]))

    def steps(self, orders: tuple[int | tuple[int, int], ...] = (0, 1, -1)) -> "ShapiroSteps":
        """The exact edges of steps at all powers, along a first axis."""
        from .steps import shapiro_steps

        rows = [self.at(row) for row in range(self.power.size)]
        found = [shapiro_steps(require_shunted(row), orders) for row in rows]
        return jax.tree.map(lambda *x: np.stack(x), *found)

    def as_dict(self):
        names = ("current", "power", "amplitude", "voltage", "error", "status")
        return {name: getattr(self, name) for name in names}

    def summary(self, unit: str = "") -> str:
        """How much of the map is locked, and what is less accurate than asked."""
        del unit
        locked = np.mean(self.error == 0)
        wide = int(np.sum(self.status != Status.CONVERGED))
        lines = [
            f"{self.power.size} powers × {self.current.size} biases, {locked:.0%} locked to the "
            f"drive, largest error elsewhere {np.nanmax(self.error):.2g}"
        ]
        if wide:
            lines.append(f"{wide} of {self.voltage.size} voltages are less accurate than asked")
        return "\n".join(lines)

    def plot(self) -> "Figure":
        from .. import plot

        return plot.shapiro_map(self)


def shapiro_map(
    device: Shunted | AbstractNetwork,
    currents: Numbers,
    powers: Numbers,
    *,
    tolerance: Numbers = 1e-4,
    longest: Numbers | None = None,
    sweep: str = "up",
    progress: bool = False,
    between: tuple[str, str] | None = None,
) -> ShapiroMap:
    """Mean voltage against bias and power of the drive, all phases side by side.

    Power P (dB) multiplies all harmonics of `device.drive` by 10^{P/20}.

    Without capacitance a voltage does not depend on the past. With it every power is swept along
    the biases, each approached within two relaxation times max(2/β, 4β) from the state at the one
    before, and then all of them are averaged at once. Locked phases have V = nΩ/m. Others are
    averaged over smooth windows, each twice as long as the one before, until the error is below
    `tolerance`; without capacitance whole turns bound the rotation number besides.

    Errors are those of the mean. The integration displaces edges of steps by up to 1e-5 of max|I|
    (at the default tolerance), and closer to one than that the voltage may be the one beyond it:
    V rises like a root there. Exact edges are those of `shapiro_steps`.

    Not differentiable; the edges of its steps are (`shapiro_steps`).

    A `Circuit` is swept along the biases at every power as `iv_curve` does, with errors of
    `tolerance` times the voltage; `progress` shows nothing then.

    Args:
        device: shunted or a `Circuit`, with a drive.
        currents: biases, increasing, in the device's unit of current.
        powers: dB relative to the drive of the device.
        tolerance: of a voltage, relative to that of max|I|: max|I| without capacitance,
            √max|I| with it.
        longest: drive periods after which no new window begins; 4Ω/tolerance unless given, but
            with capacitance 4096, since chaos has no end.
        sweep: direction in which a hysteretic device is swept.
        progress: show a bar on a terminal, a line for every tenth elsewhere.
        between: of a circuit, the nodes whose voltage is meant; the terminals if left out.

    Raises:
        ValueError: no drive, or one of zero amplitude; biases that do not increase; more than
            three days of work.
        LongRunWarning: more than a minute, with the time it takes.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])  # sin φ + ½ sin(2φ + π/2)
        >>> driven = jd.Shunted(diode, drive=jd.Drive(0.5, 1.0))
        >>> found = jd.shapiro_map(driven, np.linspace(-1.5, 1.5, 7), [0.0])
        >>> print(found.voltage[0].round(3).tolist())
        [-1.0, -0.5, 0.0, 0.0, 0.0, 0.5, 1.117]
    """
    require_drive(device, "a Shapiro map")
    bias = np.asarray(_checks.real_array("currents", currents, ndim=1))
    level = np.asarray(_powers(powers))
    if not bias.size or np.any(np.diff(bias) <= 0):
        raise ValueError("currents must hold at least one bias and increase")
    if sweep not in ("up", "down"):
        raise _checks.unknown_name("sweep", sweep, ("up", "down"))
    limit = float(_checks.positive("tolerance", tolerance))
    last = None if longest is None else float(_checks.positive("longest", longest))
    if isinstance(device, AbstractNetwork):
        return _of_network(device, bias, level, (limit, last), sweep, between)
    if between is not None:
        raise ValueError(f"between must be left out for a Shunted device, got {between}")
    size = float(own_unit(device))
    unit = Shunted(device.device.relation(), device.damping, drive=device.drive).rescaled(
        jnp.asarray(size)
    )
    shape = level.size, bias.size
    if not all_finite(unit) or (known := int(unit.device.status())) != Status.CONVERGED:
        status = Status.NONFINITE if not all_finite(unit) else known
        none = np.full(shape, np.nan)
        return ShapiroMap(bias, level, none, none, np.full(shape, status, np.int32), device)
    plan = _plan(unit, limit, last)
    factor = _factors(level)
    flat = np.tile(bias / size, level.size), np.repeat(factor, bias.size)
    most = float(np.max(np.abs(bias))) / size, float(np.max(factor))
    count = step_counter(unit, plan.step)(*most)
    sharp = _has_turns_within_a_step(unit, *most, count)
    _announce(unit, flat[0].size, plan, count * (_FINER * (1 + np.sqrt(3)) if sharp else 1.0))
    start = _starts(unit, bias / size, factor, plan, count, 1 if sweep == "up" else -1)
    own = plan._replace(
        tolerance=(1 - _DISCRETE) * plan.tolerance, step=plan.step / (_FINER if sharp else 1)
    )
    found = mean_voltages(unit, *flat, start, own, progress=progress)
    if sharp:  # steps over a jump have no order: another size tells the error
        finer = own._replace(step=own.step / np.sqrt(3))
        coarse, found = found, mean_voltages(unit, *flat, start, finer, progress=progress)
        apart = np.abs(found.mean - coarse.mean)
        error = np.maximum(found.error + _AT_TURNS * np.abs(found.mean), apart)
    else:
        error = np.where(found.error == 0, 0.0, found.error + _DISCRETE * plan.tolerance)
    found = found._replace(error=error)
    status = np.where(found.error <= plan.tolerance, Status.CONVERGED, Status.NOT_CONVERGED)
    status = np.where(np.isfinite(found.mean), status, Status.NONFINITE).astype(np.int32)
    assert device.drive is not None
    mean, error = (float(device.drive.frequency) * x.reshape(shape) for x in found)
    return ShapiroMap(bias, level, mean, error, status.reshape(shape), device)


def _of_network(
    device: AbstractNetwork,
    bias: np.ndarray,
    level: np.ndarray,
    asked: tuple[float, float | None],
    sweep: str,
    between: tuple[str, str] | None,
) -> ShapiroMap:
    device.require_motion()
    device.between(between)
    assert device.drive is not None
    limit, periods = asked
    longest = None if periods is None else periods * 2 * np.pi / float(device.drive.frequency)
    times = checked_times(None, jnp.asarray(0.5), longest, jnp.asarray(limit))
    announce_network(device, "shapiro_map", bias.size * level.size, times)
    way = bias if sweep == "up" else bias[::-1]
    amplitudes = jnp.asarray(_factors(level)) * device.drive.size()
    found = mean_voltages_of_network(device, amplitudes, jnp.asarray(way), times, between)
    mean, error, status = (np.asarray(x) if sweep == "up" else np.asarray(x)[:, ::-1]
                           for x in found[:3])  # fmt: skip
    return ShapiroMap(bias, level, mean, error, status, device)


def _plan(unit: Shunted, limit: float, longest: float | None) -> Plan:
    assert unit.drive is not None
    frequency = float(unit.drive.frequency)
    times = _RELAXED if unit.damping is None else 2 * float(relaxation_time(unit))
    settle = int(rounded_up(jnp.asarray(times * frequency / (2 * np.pi))))
    most = longest
    if most is None:
        most = 4 * frequency / limit if unit.damping is None else _LONGEST
    step = _STEP * min(limit / 1e-4, 1.0) ** 0.25
    return Plan(max(settle, 1), float(most), limit / frequency, max(step, 0.03))


def _has_turns_within_a_step(unit: Shunted, bias: float, factor: float, count: float) -> bool:
    """At the largest bias and factor of the drive."""
    assert unit.drive is not None
    _, widths = unit.device.kinks()
    push = bias / (1.0 if unit.damping is None else float(unit.damping))
    push = push + factor * float(unit.drive_velocity())
    turned = 2 * np.pi / float(unit.drive.frequency) / count * (1 + push)
    return bool(np.any(np.asarray(widths) < 4 * turned))


def _powers(powers: Numbers):
    level = _checks.real_array("powers", powers, ndim=1)
    if not level.size:
        raise ValueError("powers must hold at least one power, got none")
    return level


def _factors(power: np.ndarray) -> np.ndarray:
    """Of all amplitudes of the drive."""
    return 10.0 ** (power / 20)


def _scaled(device: Shunted | AbstractNetwork, factor: float) -> Shunted | AbstractNetwork:
    assert device.drive is not None
    drive = device.drive.scaled(jnp.asarray(factor))
    return eqx.tree_at(lambda d: d.drive, device, drive)


def _starts(
    unit: Shunted, bias: np.ndarray, factor: np.ndarray, plan: Plan, count: float, direction: int
) -> np.ndarray:
    """Phase and velocity of every power and bias from which averaging begins, two rows."""
    rest = float(unit.rest()[0])
    shape = factor.size, bias.size
    if unit.damping is None:
        return np.stack([np.full(shape, rest), np.zeros(shape)]).reshape(2, -1)
    found = np.empty((2, *shape))
    zero, one = jnp.zeros(()), jnp.ones(())
    lanes = jnp.asarray(factor), one * plan.settle, one * count
    state = jnp.full(factor.size, rest), jnp.zeros(factor.size)
    state = approach(unit, state, (zero, zero), (zero, one), *lanes)
    last = zero
    for k in range(bias.size)[::direction]:
        now = jnp.asarray(bias[k])
        state = approach(unit, state, (last, now), (one, one), *lanes)
        found[:, :, k], last = np.stack(state), now
    return found.reshape(2, -1)


def _announce(unit: Shunted, pixels: int, plan: Plan, count: float) -> None:
    """96 periods beside the settling are what phases need on average."""
    assert unit.drive is not None
    periods = plan.settle * (1 if unit.damping is None else 2) + 96.0
    seconds = _COST * 4 * count * periods * pixels
    announce(
        f"shapiro_map of {pixels} pixels", seconds, "drive.frequency",
        f"{float(unit.drive.frequency):.3g} of the junction's own", "take fewer pixels", depth=3,
    )  # fmt: skip
