"""A ramp of the bias as a machine of states: verdict on a hold, next step, record.

Pure functions of what the holds showed; `ramp` integrates.
"""

import enum
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

Scalar = Float[Array, ""]
Phases = Float[Array, " phases"]

_NARROWEST = 1 / 800  # smallest step before the first switch, in units of the typical current
_PUSH = 0.02  # radians
SWITCHED = 4 * jnp.pi  # phase advance at one step of the bias that counts as switching


class Held(NamedTuple):
    """A state at drive phase 0, at the end of a hold.

    Attributes:
        current: bias, signed.
        phase, velocity: φ and dφ/dτ.
        period: 1 or 2 drive periods, 0 where it had not settled.
    """

    current: Scalar
    phase: Phases
    velocity: Phases
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


class Schedule(NamedTuple):
    """How a ramp is made.

    Attributes:
        first: first and largest step, in units of the typical current. Steps shrink with the
            distance of the orbit from a period doubling, so as not to jump over a narrow window
            of it.
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
        advance: largest of a phase since the last bias that was held.
        moved: change of the state (the larger of φ and dφ/dτ) during the hold.
        change: the same over its last period.
        margin: det(1 + M), M the monodromy of that period: negative where an orbit of the drive's
            period has a multiplier below −1 (an odd number of them).
    """

    phase: Phases
    velocity: Phases
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
    phase: Phases
    velocity: Phases
    holds: Int[Array, ""]
    bisections: Int[Array, ""]
    driven: Bool[Array, ""]
    attracting: Bool[Array, ""]


def first_step(rest: Phases, unit: Scalar, schedule: Schedule) -> Climb:
    """At rest at zero bias, where the drive is turned up first."""
    zero, no, yes = jnp.zeros_like(unit), jnp.zeros((), bool), jnp.ones((), bool)
    start = Held(zero, rest, jnp.zeros_like(rest), jnp.ones((), int))
    found = Staircase(start, zero + jnp.nan, start, zero + jnp.inf, start, start, no, no, no)
    none = jnp.zeros((), int)
    return Climb(found, zero, schedule.first * unit, rest, start.velocity, none, none, no, yes)


def classify(climb: Climb, hold: Hold, unit: Scalar, schedule: Schedule) -> Int[Array, ""]:
    """The `Verdict` on a hold."""
    switched = ~(hold.advance <= SWITCHED)
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


def _where(condition: Bool[Array, ""], one: Held, other: Held) -> Held:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)
