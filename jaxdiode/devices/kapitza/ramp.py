"""The adiabatic current ramp of a driven junction: what an experimenter does, by plain RK4.

It serves twice: coarse, to find the orbit whose end `critical_currents` then computes exactly;
fine, as the measurement itself.
"""

import enum
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ... import _checks
from ...numerics.oscillator import advance, advance_with_trace

Scalar = Float[Array, ""]

_NARROWEST = 1 / 800  # smallest step before the first switch, in units of `scale`
_PUSH = 0.02  # radians
_MOST_STEPS = 1e6  # of the integration in one hold: a second's work
SWITCHED = 4 * jnp.pi  # phase advance at one step of the bias that counts as switching


class Held(NamedTuple):
    """A state at drive phase 0, at the end of a hold.

    Attributes:
        current: bias, signed.
        phase, velocity: φ and dφ/dτ.
        period: 1 or 2 drive periods, 0 where it had not settled.
    """

    current: Scalar
    phase: Scalar
    velocity: Scalar
    period: Int[Array, ""]


class Staircase(NamedTuple):
    """Outcome of one ramp; biases are signed.

    Attributes:
        held: highest bias at which the phase stayed.
        switched: lowest bias at which it ran away.
        settled: the last state that repeated.
        gap: distance from there to the next bias, which did not settle or switched.
        flip: the state held before the orbit of period 1 was first seen to lose stability by
            period doubling, as the bias grew.
        past_flip: the state there, at the next bias.
        flipped: there was such a state.
        doubled_at_rest: it was not stable at zero bias.
        running: the phase runs already at zero bias, or the device is not `workable`.
    """

    held: Held
    switched: Scalar
    settled: Held
    gap: Scalar
    flip: Held
    past_flip: Held
    flipped: Bool[Array, ""]
    doubled_at_rest: Bool[Array, ""]
    running: Bool[Array, ""]


def scale(device) -> Scalar:
    """The current that steps of the bias are measured in."""
    return jnp.maximum(device.static_critical_current(), 0.25 * device.largest_current())


def rounded_up(count):
    """The next whole number, but for rounding: the unit of currents must not change a count."""
    return jnp.ceil(count * (1 - 1e-12))


def in_natural_units(device) -> tuple[Any, Scalar]:
    """The device in a current unit of its own, and that unit; rates are in units of its root.

    All steps and tolerances of ramps, orbits and integrations are meant in these units. That of
    sin φ + sin(φ + π/2) is 1.
    """
    size = scale(device) / np.sqrt(2.0)
    size = jnp.where(size > 0, size, device.damping**2)
    root = jnp.sqrt(size)
    names = ("mean_current", "drive_current", "static_current", "quadrature_current")
    unit = eqx.tree_at(
        lambda d: [getattr(d, name) for name in names] + [d.damping, d.drive_frequency],
        device,
        [getattr(device, name) / size for name in names]
        + [device.damping / root, device.drive_frequency / root],
    )
    return unit, size


def rates(device) -> tuple[float, float] | None:
    """√(unit of currents) and drive frequency as numbers, None under a transformation of JAX.

    For estimates of time; by NumPy, because nothing is to be compiled for them.
    """
    leaves = jax.tree.leaves(device)
    if not all(_checks.is_concrete(leaf) for leaf in leaves):
        return None
    mean, shifted, offset, drive, quadrature = (
        np.asarray(x)
        for x in (
            device.mean_current, device.static_current, device.phase_offset,
            device.drive_current, device.quadrature_current,
        )
    )  # fmt: skip
    static = np.abs(mean + shifted * np.exp(1j * offset))
    largest = sum(float(np.sum(np.abs(x))) for x in (mean, shifted, drive, quadrature))
    size = max(float(static), largest / 4) / np.sqrt(2.0) or float(device.damping) ** 2
    return float(np.sqrt(size)), float(device.drive_frequency)


def workable(device: Any, *, hold: float = 2.0, step: float = 0.2) -> Bool[Array, ""]:
    """Whether every parameter is finite and one hold ends within a second.

    Asked before any loop whose length depends on the parameters: NaN as a count is whatever the
    processor makes of it.
    """
    leaves = jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(device)])
    steps = _even_periods(device, hold) * _per_period(device, step)
    return jnp.all(jnp.isfinite(leaves)) & (steps <= _MOST_STEPS)


class Schedule(NamedTuple):
    """How a ramp is made.

    Attributes:
        first: first and largest step, in units of `scale`. Steps shrink with the distance of the
            orbit from a period doubling, so as not to jump over a narrow window of it.
        fine: largest step where the state has not the drive's period, or is gone; the ramp goes
            back for either.
        halvings: bisections after the first switch.
        hold: in units of the relaxation time max(2/β, 4β), rounded up to an even number of
            drive periods.
        patience: longest stay at one bias, in holds.
        restless: the same where the last bias did not settle.
        repeats: change of the strobed state during a hold below which it has settled.
        step: of the integration, in 1/ω_p; at least twelve per drive period.
    """

    first: float = 1 / 12
    fine: float = 1 / 48
    halvings: int = 5
    hold: float = 2.0
    patience: int = 8
    restless: int = 4
    repeats: float = 2e-3
    step: float = 0.2


COARSE = Schedule()  # finds the orbit whose end is then computed


class Hold(NamedTuple):
    """What one hold showed; the first at a bias ramps there.

    Attributes:
        phase, velocity: at its end.
        advance: of the phase since the last bias that was held.
        moved: change of the state (the larger of φ and dφ/dτ) during the hold.
        change: the same over its last period.
        margin: 1 + tr M + det M of that period: negative where an orbit of the drive's period has
            a multiplier below −1.
    """

    phase: Scalar
    velocity: Scalar
    advance: Scalar
    moved: Scalar
    change: Scalar
    margin: Scalar


class Verdict(enum.IntEnum):
    """What one hold means for the ramp."""

    UNDECIDED = 0  # neither settled nor gone: hold on
    LINGERS = 1  # it repeats, past a period doubling, which is no rest: push it and hold on
    SETTLED = 2  # it has the drive's period
    DOUBLED = 3  # it has twice that
    RESTLESS = 4  # patience ended before it settled
    SWITCHED = 5  # the phase ran away
    TOO_COARSE = 6  # any but SETTLED after a step that is not fine: go back and repeat that finely
    TOO_CLOSE = 7  # SETTLED closer to a period doubling than steps may reach: go back likewise


class Climb(NamedTuple):
    """Where a ramp stands.

    Attributes:
        found: what it has met so far; of `switched` nothing is known yet.
        target: the bias of the hold under way.
        size: step of the bias.
        phase, velocity: at the end of the last hold.
        holds: how many were made at this bias.
        bisections: steps halved since the first switch.
        driven: the drive is turned up; before that the bias is zero.
        attracting: the orbit of the drive's period attracts, as far as is known.
    """

    found: Staircase
    target: Scalar
    size: Scalar
    phase: Scalar
    velocity: Scalar
    holds: Int[Array, ""]
    bisections: Int[Array, ""]
    driven: Bool[Array, ""]
    attracting: Bool[Array, ""]


def staircase(device: Any, direction: Scalar, schedule: Schedule = COARSE) -> Staircase:
    """Raise the bias step by step; at a switch go back, halve the step, and bisect.

    The drive is turned up at zero bias from the static minimum. Each step ramps the bias for one
    hold time and then holds it, until the strobed state repeats or patience ends.
    """
    unit, most = scale(device), device.largest_current()
    periods = _even_periods(device, schedule.hold)
    can = workable(device, hold=schedule.hold, step=schedule.step)

    def unfinished(climb):
        beyond = jnp.abs(climb.found.held.current) > most
        return (climb.bisections < schedule.halvings) & ~climb.found.running & ~beyond

    def climb_on(climb):
        hold = _hold(device, climb, periods, schedule.step)
        verdict = classify(climb, hold, unit, schedule)
        following = next_step(climb, hold, verdict, direction, unit, schedule)
        return following._replace(found=record(climb, hold, verdict, following))

    rest = jnp.where(can, -device.static_phase(), jnp.nan)
    climb = jax.lax.while_loop(unfinished, climb_on, first_step(rest, unit, schedule))
    switched = climb.found.held.current + 2 * direction * climb.size
    return climb.found._replace(switched=switched)


def first_step(rest: Scalar, unit: Scalar, schedule: Schedule) -> Climb:
    """At rest at zero bias, where the drive is turned up first."""
    zero, no, yes = jnp.zeros_like(unit), jnp.zeros((), bool), jnp.ones((), bool)
    start = Held(zero, rest, zero, jnp.ones((), int))
    found = Staircase(start, zero + jnp.nan, start, zero + jnp.inf, start, start, no, no, no)
    none = jnp.zeros((), int)
    return Climb(found, zero, schedule.first * unit, rest, zero, none, none, no, yes)


def classify(climb: Climb, hold: Hold, unit: Scalar, schedule: Schedule) -> Int[Array, ""]:
    """The `Verdict` on a hold."""
    switched = ~(jnp.abs(hold.advance) <= SWITCHED)
    ramping = climb.holds == 0
    repeats = ~switched & ~ramping & (hold.moved < schedule.repeats)
    once = hold.change < 10 * schedule.repeats  # else twice the drive's period
    lingers = repeats & once & (hold.margin < 0)
    last = climb.found.held.period
    enough = climb.holds >= jnp.where(last == 0, schedule.restless, schedule.patience)
    verdict = jnp.select(
        [switched, repeats & ~lingers & once, repeats & ~once, enough, lingers],
        [Verdict.SWITCHED, Verdict.SETTLED, Verdict.DOUBLED, Verdict.RESTLESS, Verdict.LINGERS],
        Verdict.UNDECIDED,
    )
    stepping = climb.driven & (climb.bisections == 0)
    coarse = climb.size > 1.001 * schedule.fine * unit
    lost = (verdict != Verdict.SETTLED) & (verdict != Verdict.UNDECIDED)
    near = climb.size > 2 * _safe(hold.margin, True, unit, schedule)
    close = (verdict == Verdict.SETTLED) & near
    verdict = jnp.where(stepping & coarse & lost, Verdict.TOO_COARSE, verdict)
    return jnp.where(stepping & close, Verdict.TOO_CLOSE, verdict)


def next_step(
    climb: Climb,
    hold: Hold,
    verdict: Int[Array, ""],
    direction: Scalar,
    unit: Scalar,
    schedule: Schedule,
) -> Climb:
    """Where the next hold begins and what its bias is; `found` stays as it was."""
    stays, ends = _is_held(verdict), _ends_stay(verdict)
    switched = verdict == Verdict.SWITCHED
    bisected = climb.driven & (switched | (stays & (climb.bisections > 0)))
    bisections = climb.bisections + jnp.where(bisected, 1, 0)
    size = jnp.where(bisected, 0.5 * climb.size, climb.size)
    settled = (verdict == Verdict.SETTLED) | (verdict == Verdict.TOO_CLOSE)
    freely = climb.driven & (climb.bisections == 0) & stays
    by_margin = freely | (verdict == Verdict.TOO_CLOSE)
    size = jnp.where(by_margin, _safe(hold.margin, settled, unit, schedule), size)
    size = jnp.where(verdict == Verdict.TOO_COARSE, schedule.fine * unit, size)
    held = climb.found.held
    new = Held(climb.target, hold.phase, hold.velocity, held.period)
    begin = _where(stays, new, held)
    pushed = jnp.where(verdict == Verdict.LINGERS, hold.phase + _PUSH, hold.phase)
    return climb._replace(
        target=jnp.where(ends, begin.current + direction * size, climb.target),
        size=size,
        phase=jnp.where(ends, begin.phase, pushed),
        velocity=jnp.where(ends, begin.velocity, hold.velocity),
        holds=jnp.where(ends, 0, climb.holds + 1),
        bisections=bisections,
        driven=climb.driven | ends,
        attracting=jnp.where(
            stays, hold.margin > 0, climb.attracting & ~_unstable(climb, hold, verdict)
        ),
    )


def record(climb: Climb, hold: Hold, verdict: Int[Array, ""], following: Climb) -> Staircase:
    """What is known after a hold; `following` is the step that follows it."""
    found = climb.found
    stays, switched = _is_held(verdict), verdict == Verdict.SWITCHED
    settles = (verdict == Verdict.SETTLED) | (verdict == Verdict.DOUBLED)
    period = jnp.select([verdict == Verdict.SETTLED, verdict == Verdict.DOUBLED], [1, 2], 0)
    new = Held(climb.target, hold.phase, hold.velocity, period)
    # While steps are bisected, the bias that follows is no farther than the one that failed.
    beyond = jnp.abs(climb.target - found.settled.current)
    gap = jnp.where(switched | stays, jnp.minimum(found.gap, beyond), found.gap)
    failed = jnp.where(following.bisections > 0, 2 * following.size, jnp.inf)
    unstable = _unstable(climb, hold, verdict)
    flips = unstable & climb.driven & climb.attracting & ~found.flipped & (found.held.period == 1)
    pushed = Held(climb.target, hold.phase + _PUSH, hold.velocity, period)
    doubled_at_rest = unstable | (stays & (verdict != Verdict.SETTLED))
    return Staircase(
        held=_where(stays, new, found.held),
        switched=found.switched,
        settled=_where(settles, new, found.settled),
        gap=jnp.where(settles, failed, gap),
        flip=_where(flips, found.held, found.flip),
        past_flip=_where(flips, pushed, found.past_flip),
        flipped=found.flipped | flips,
        doubled_at_rest=jnp.where(climb.driven, found.doubled_at_rest, doubled_at_rest),
        running=found.running | (switched & ~climb.driven),
    )


def runs_away(device, held: Held, *, hold: float = 2.0, patience: int = 300) -> Bool[Array, ""]:
    """Whether the phase escapes from a state within `patience` holds at its bias."""
    count = _per_period(device, 0.2)
    size = 2 * jnp.pi / device.drive_frequency / count
    steps = _whole(count * _even_periods(device, hold))

    def force(time, x, v):
        return device.acceleration(time, x, v, held.current)

    def waiting(state):
        x, _, k = state
        return (k < patience) & (jnp.abs(x - held.phase) <= SWITCHED)

    def hold_on(state):
        x, v, k = state
        x, v = advance(force, 0.0, x, v, size, steps)
        return x, v, k + 1

    x, *_ = jax.lax.while_loop(waiting, hold_on, (held.phase, held.velocity, 0))
    return jnp.abs(x - held.phase) > SWITCHED


def orbit(device, held: Held, points: int, turns) -> Float[Array, " n"]:
    """φ at `points` equidistant drive phases over `turns` periods from a held state."""
    size = 2 * jnp.pi * turns / device.drive_frequency / (4 * points)

    def force(time, x, v):
        return device.acceleration(time, x, v, held.current)

    def one(state, k):
        x, v = state
        return advance(force, 4 * size * k, x, v, size, 4), x

    return jax.lax.scan(one, (held.phase, held.velocity), jnp.arange(points, dtype=float))[1]


def _is_held(verdict: Int[Array, ""]) -> Bool[Array, ""]:
    """The state at this bias is one to go on from."""
    return (verdict >= Verdict.SETTLED) & (verdict <= Verdict.RESTLESS)


def _ends_stay(verdict: Int[Array, ""]) -> Bool[Array, ""]:
    return verdict >= Verdict.SETTLED


def _goes_back(verdict: Int[Array, ""]) -> Bool[Array, ""]:
    return verdict >= Verdict.TOO_COARSE


def _unstable(climb: Climb, hold: Hold, verdict: Int[Array, ""]) -> Bool[Array, ""]:
    """The orbit of the drive's period has a multiplier below −1, at a bias that counts."""
    seen = (verdict != Verdict.SWITCHED) & ~_goes_back(verdict) & (climb.holds > 0)
    return seen & (hold.margin < 0)


def _safe(
    margin: Scalar, settled: bool | Bool[Array, ""], unit: Scalar, schedule: Schedule
) -> Scalar:
    """The step that leaves a period doubling out of reach."""
    relative = jnp.where(settled, 0.08 * margin, schedule.fine)
    return unit * jnp.clip(relative, min(schedule.first, _NARROWEST), schedule.first)


def _where(condition, one, other):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)


def _even_periods(device, hold):
    relaxation = jnp.maximum(2 / device.damping, 4 * device.damping)
    return 2 * jnp.maximum(
        rounded_up(hold * relaxation * device.drive_frequency / (4 * jnp.pi)), 1.0
    )


def _per_period(device, step):
    return jnp.maximum(rounded_up(2 * jnp.pi / device.drive_frequency / step), 12.0)


def _whole(count):
    return jnp.where(count <= _MOST_STEPS, count, 0.0).astype(int)


def _hold(device: Any, climb: Climb, periods: Scalar, step: float) -> Hold:
    """Integrate over one hold: bias and drive move linearly in the first, then stay."""
    held, target = climb.found.held, climb.target
    x, v = climb.phase, climb.velocity
    zero = jnp.zeros_like(target)
    ramping = climb.holds == 0
    begin = jnp.where(ramping, held.current, target)
    drive = jnp.where(ramping & ~climb.driven, zero, zero + 1)
    period = 2 * jnp.pi / device.drive_frequency
    per_period = _per_period(device, step)
    size = period / per_period
    slope = (target - begin) / (periods * period)
    drive_slope = (1 - drive) / (periods * period)

    def force(time, x, v):
        return device.acceleration(time, x, v, begin + slope * time, drive + drive_slope * time)

    x0, v0 = advance(force, 0.0, x, v, size, _whole(per_period * (periods - 1)))
    late = (periods - 1) * period
    x1, v1, trace = advance_with_trace(force, late, x0, v0, size, _whole(per_period))
    return Hold(
        phase=x1,
        velocity=v1,
        advance=x1 - held.phase,
        moved=_largest_of(x1 - x, v1 - v),
        change=_largest_of(x1 - x0, v1 - v0),
        margin=1 + trace + jnp.exp(-device.damping * period),
    )


def _largest_of(x: Scalar, v: Scalar) -> Scalar:
    return jnp.maximum(jnp.abs(x), jnp.abs(v))
