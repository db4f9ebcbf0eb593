"""The adiabatic current ramp: what an experimenter does, by plain RK4.

It serves twice: coarse, to find the orbit whose end `critical_currents` then computes exactly;
fine, as the measurement itself.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..core.dynamical import AbstractDynamical
from ..numerics.dense import determinant
from ..numerics.oscillator import advance, advance_with_monodromy
from .climb import (
    COARSE,
    Climb,
    Hold,
    Schedule,
    Staircase,
    classify,
    first_step,
    next_step,
    record,
)
from .natural_units import (
    acceleration,
    even_periods,
    steps_per_period,
    strobe_period,
    whole,
    workable,
)

Scalar = Float[Array, ""]
Phases = Float[Array, " phases"]


def staircase(
    device: AbstractDynamical, direction: Scalar, schedule: Schedule = COARSE
) -> Staircase:
    """Raise the bias step by step; at a switch go back, halve the step, and bisect.

    The drive is turned up at zero bias from rest. Each step ramps the bias for one
    hold time and then holds it, until the strobed state repeats or patience ends.
    """
    most = device.largest_current()

    def unfinished(climb):
        beyond = jnp.abs(climb.found.held.current) > most
        return (climb.bisections < schedule.halvings) & ~climb.found.running & ~beyond

    climb = _climbed(device, direction, schedule, unfinished)
    switched = climb.found.held.current + 2 * direction * climb.size
    return climb.found._replace(switched=switched)


def turned_on(device: AbstractDynamical, schedule: Schedule = COARSE) -> Staircase:
    """The beginning of any ramp: the drive turned up at zero bias, and what came of it."""

    def unfinished(climb):
        return ~climb.driven & ~climb.found.running

    return _climbed(device, jnp.ones(()), schedule, unfinished).found


def _climbed(
    device: AbstractDynamical,
    direction: Scalar,
    schedule: Schedule,
    unfinished: Callable[[Climb], Bool[Array, ""]],
) -> Climb:
    unit = device.typical_current()
    periods = even_periods(device, schedule.hold)
    can = workable(device, hold=schedule.hold, step=schedule.step)

    def climb_on(climb):
        hold = _hold(device, climb, periods, schedule.step)
        verdict = classify(climb, hold, unit, schedule)
        following = next_step(climb, hold, verdict, direction, unit, schedule)
        return following._replace(found=record(climb, hold, verdict, following))

    rest = jnp.where(can, device.rest(), jnp.nan)
    return jax.lax.while_loop(unfinished, climb_on, first_step(rest, unit, schedule))


def _hold(device: AbstractDynamical, climb: Climb, periods: Scalar, step: float) -> Hold:
    """Integrate over one hold: bias and drive move linearly in the first, then stay."""
    held, target = climb.found.held, climb.target
    x, v = climb.phase, climb.velocity
    zero = jnp.zeros_like(target)
    ramping = climb.holds == 0
    begin = jnp.where(ramping, held.current, target)
    drive = jnp.where(ramping & ~climb.driven, zero, zero + 1)
    period = strobe_period(device)
    per_period = steps_per_period(device, step)
    size = period / per_period
    slope = (target - begin) / (periods * period)
    drive_slope = (1 - drive) / (periods * period)

    def force(time, x, v):
        return acceleration(device, time, x, v, begin + slope * time, drive + drive_slope * time)

    x0, v0 = advance(force, 0.0, x, v, size, whole(per_period * (periods - 1)))
    late = (periods - 1) * period
    x1, v1, monodromy = advance_with_monodromy(force, late, x0, v0, size, whole(per_period))
    return Hold(
        phase=x1,
        velocity=v1,
        advance=jnp.max(jnp.abs(x1 - held.phase)),
        moved=_largest_of(x1 - x, v1 - v),
        change=_largest_of(x1 - x0, v1 - v0),
        margin=_margin(monodromy, device.damping, period),
    )


def _margin(
    monodromy: Float[Array, "k k"], damping: Float[Array, "*phases"], period: Scalar
) -> Scalar:
    if monodromy.shape[0] == 2:  # det M is known
        trace = monodromy[0, 0] + monodromy[1, 1]
        return 1 + trace + jnp.exp(-jnp.sum(damping) * period)
    return determinant(jnp.eye(monodromy.shape[0]) + monodromy)


def _largest_of(x: Phases, v: Phases) -> Scalar:
    return jnp.max(jnp.maximum(jnp.abs(x), jnp.abs(v)))
