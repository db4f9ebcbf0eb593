"""One bias of a current–voltage curve of a driven junction: the stay at it, and its mean voltage.

Times are counted in periods of the drive and states seen once a period. A locked state returns
after m periods, n turns on, and has the voltage nΩ/m exactly. Any other is averaged over smooth
windows, each twice as long as the one before, until its error is as small as asked.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...numerics import means
from ...numerics.oscillator import dopri8
from .ramp import rounded_up

Scalar = Float[Array, ""]

_LONGEST_CYCLE = 12  # periods after which a return is looked for
_RETURNS = 1e-10  # of phase (radians) and velocity (natural units)
_CONFIRMED = 3  # times that a return must be seen
_DISCRETE = 1e-8  # of a voltage: error of the integration
_TURN = 2 * jnp.pi


class Stay(NamedTuple):
    """How the stays at all biases of a curve are made; counts are of drive periods.

    Attributes:
        ramp: in which a bias (at first also the drive) reaches its value.
        settle: before the first window, which a locked state ends.
        block: sixteenth of the first window.
        longest: after which no new window begins.
        tolerance: error asked for, relative to the voltage.
    """

    ramp: Scalar
    settle: Scalar
    block: Scalar
    longest: Scalar
    tolerance: Scalar


class State(NamedTuple):
    """Phase and velocity at drive phase 0, the bias and the drive (0 or 1) they were left at."""

    phase: Scalar
    velocity: Scalar
    bias: Scalar
    drive: Scalar


class Voltage(NamedTuple):
    """In units of the drive frequency; `met` where the error is as small as asked."""

    mean: Scalar
    error: Scalar
    met: Bool[Array, ""]


class _Loop(NamedTuple):
    x: Any
    v: Any
    turns: Any  # whole turns taken off x
    period: Any  # since the stay began
    window: Any  # periods in the present window
    block: Any  # sixteenth of that
    sums: Any
    seen: Any  # (x, v, turns) of the last periods, the latest first
    hits: Any  # successive returns after 1, 2, … periods
    lowest: Any  # phase, unwrapped, since averaging began
    highest: Any
    mean: Any
    error: Any
    done: Any
    met: Any


def steps_per_period(device: Any, bias: Scalar) -> Scalar:
    """Of the integration, of order 8: they leave 1e-8 of a mean voltage (measured)."""
    rates = (
        2 * jnp.sqrt(device.largest_current()),
        0.4 * device.damping,
        jnp.abs(bias) / device.damping,
        device.drive_frequency * max(device.drive_current.size, device.quadrature_current.size),
    )
    fastest = jnp.max(jnp.stack(rates))
    return jnp.maximum(rounded_up(_TURN / device.drive_frequency * fastest), 10.0)


def stay(device: Any, start: State, bias: Scalar, plan: Stay) -> tuple[State, Voltage]:
    """Ramp to a bias and stay there until its mean voltage is known."""
    period = _TURN / device.drive_frequency
    count = steps_per_period(device, jnp.maximum(jnp.abs(bias), jnp.abs(start.bias)))
    size = period / count
    slopes = (bias - start.bias) / (plan.ramp * period), (1 - start.drive) / (plan.ramp * period)

    def advance(s):
        elapsed = s.period * period
        ramping = s.period < plan.ramp

        def field(y):
            time, x, v = y
            along = jnp.where(ramping, elapsed + time, plan.ramp * period)
            current = start.bias + slopes[0] * along
            drive = start.drive + slopes[1] * along
            return jnp.ones_like(time), v, device.acceleration(time, x, v, current, drive)

        def step(k, y):
            return dopri8(field, (size * jnp.asarray(k, float), *y[1:]), size)

        _, x, v = jax.lax.fori_loop(0, count.astype(int), step, (jnp.zeros_like(s.x), s.x, s.v))
        return x, v

    def one(s):
        x, v = advance(s)
        rise = x - s.x
        more = jnp.round(x / _TURN)
        x, turns, k = x - _TURN * more, s.turns + more, s.period + 1
        # Returns after 1, 2, … periods, none of which began in the ramp.
        apart = x - s.seen[:, 0]
        apart = jnp.abs(apart - _TURN * jnp.round(apart / _TURN))
        apart = jnp.maximum(apart, jnp.abs(v - s.seen[:, 1]))
        hits = jnp.where(apart < _RETURNS, s.hits + 1, 0)
        lag = jnp.arange(1.0, _LONGEST_CYCLE + 1)
        locks = hits >= _CONFIRMED * np.arange(1, _LONGEST_CYCLE + 1)
        m = jnp.argmax(locks)
        advanced = _TURN * (turns - s.seen[m, 2]) + x - s.seen[m, 0]
        steps = jnp.round(advanced / _TURN)
        locked = jnp.where(steps == 0, 0.0, steps) / lag[m]  # no −0
        here = jnp.stack([x, v, turns])
        known = jnp.where(k > plan.ramp, here, jnp.nan)
        seen = jnp.concatenate([known[None], s.seen[:-1]])

        averaging = k > plan.ramp + plan.settle
        part = (s.window + 0.5) / (means.BLOCKS * s.block)
        sums = means.add(s.sums, rise / _TURN, part)
        sums = jnp.where(averaging, sums, s.sums)
        whole = _TURN * turns + x
        lowest = jnp.where(averaging, jnp.minimum(s.lowest, whole), whole)
        highest = jnp.where(averaging, jnp.maximum(s.highest, whole), whole)
        window = jnp.where(averaging, s.window + 1, 0.0)
        full = window >= means.BLOCKS * s.block
        mean = means.mean(sums)
        # Turns by which the motion runs ahead of the step closest to it.
        ahead = lag * mean
        ahead = jnp.min(jnp.abs(ahead - jnp.round(ahead))) * window
        error = means.error(sums, ahead)
        # A phase that has not left its well has no mean velocity, whatever its motion.
        rests = highest - lowest < _TURN
        spent = k - plan.ramp - plan.settle
        mean, error = jnp.where(rests, 0.0, mean), jnp.where(rests, 1 / spent, error)
        error = error + _DISCRETE * jnp.abs(mean)
        mean, error = jnp.where(full, mean, s.mean), jnp.where(full, error, s.error)
        lock = jnp.any(locks)
        mean, error = jnp.where(lock, locked, mean), jnp.where(lock, 0.0, error)
        met = lock | (full & (error <= plan.tolerance * jnp.abs(mean)))
        spent_all = k + 2 * window > plan.longest
        done = met | (full & spent_all) | ~jnp.isfinite(x + v)
        block = jnp.where(full & ~done, 2 * s.block, s.block)
        sums = jnp.where(full & ~done, means.empty_sums(), sums)
        window = jnp.where(full & ~done, 0.0, window)
        return _Loop(
            x, v, turns, k, window, block, sums, seen, hits, lowest, highest, mean, error, done, met
        )

    zero, no = jnp.zeros_like(bias), jnp.zeros((), bool)
    nan = zero + jnp.nan
    s = jax.lax.while_loop(
        lambda s: ~s.done,
        one,
        _Loop(
            start.phase, start.velocity, zero, zero, zero, plan.block, means.empty_sums(),
            jnp.full((_LONGEST_CYCLE, 3), jnp.nan), jnp.zeros(_LONGEST_CYCLE, int),
            zero, zero, nan, nan, no, no,
        ),
    )  # fmt: skip
    bad = ~jnp.isfinite(s.x + s.v)
    mean, error = jnp.where(bad, jnp.nan, s.mean), jnp.where(bad, jnp.nan, s.error)
    return State(s.x, s.v, bias, zero + 1), Voltage(mean, error, s.met)
