"""One bias of a current–voltage curve: the stay at it, and the mean voltage of every phase.

Times are counted in periods of the drive and states seen once a period. A locked phase returns
after m periods, n turns on, and has the voltage nΩ/m exactly. Any other is averaged over smooth
windows, each twice as long as the one before, until its error is as small as asked.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..core.dynamical import AbstractDynamical
from ..numerics import means
from ..numerics.oscillator import dopri8
from ..numerics.status import Status
from .drive import off_the_jumps
from .natural_units import largest, rounded_up, smallest, strobe_frequency, whole_pieces

Scalar = Float[Array, ""]
Phases = Float[Array, " phases"]

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


Asked = tuple[Scalar, Scalar, Scalar, Scalar]  # duration, part that settles, longest, tolerance


def plan_of(frequency: Scalar, ramp: Scalar, asked: Asked) -> Stay:
    """Of a drive's frequency and a time of the ramp, which is half of the duration at most."""
    length, part, most, limit = asked
    periods = length * frequency / (2 * jnp.pi)
    return Stay(
        ramp=rounded_up(periods * jnp.minimum(ramp / length, 0.5)),
        settle=rounded_up(periods * part),
        block=jnp.maximum(rounded_up(periods * (1 - part) / means.BLOCKS), 2.0),
        longest=periods * most / length,
        tolerance=limit,
    )


class State(NamedTuple):
    """Phases and velocities at drive phase 0, the bias and the drive (0 or 1) they were left at."""

    phase: Phases
    velocity: Phases
    bias: Scalar
    drive: Scalar


class Voltage(NamedTuple):
    """In units of the drive frequency; `met` where the error is as small as asked."""

    mean: Phases
    error: Phases
    met: Bool[Array, " phases"]


def status_of_means(found: Voltage) -> Int[Array, "..."]:
    """CONVERGED where errors are as small as asked, NONFINITE where there is no mean."""
    status = jnp.where(found.met, Status.CONVERGED, Status.NOT_CONVERGED)
    status = jnp.where(jnp.isfinite(found.mean), status, Status.NONFINITE)
    return status.astype(jnp.int32)


class Returns(NamedTuple):
    """What tells a locked phase.

    Attributes:
        seen: phase, velocity and whole turns of the last periods, the latest first.
        hits: successive returns after 1, 2, … periods.
    """

    seen: Float[Array, "cycles 3 phases"]
    hits: Int[Array, "cycles phases"]


class Window(NamedTuple):
    """What is averaged.

    Attributes:
        block: periods in a sixteenth of the window.
        spent: periods in the window so far.
        sums: of the turns made in a period.
        lowest, highest: phase, unwrapped, since averaging began.
    """

    block: Scalar
    spent: Scalar
    sums: means.Sums
    lowest: Phases
    highest: Phases


class _Loop(NamedTuple):
    """Where a stay stands: whole turns are taken off the phase, periods counted from its begin."""

    x: Phases
    v: Phases
    turns: Phases
    period: Scalar
    returns: Returns
    window: Window
    voltage: Voltage
    done: Bool[Array, ""]


def steps_per_period(device: AbstractDynamical, bias: Scalar) -> Scalar:
    """Of the integration, of order 8: they leave 1e-8 of a mean voltage (measured)."""
    frequency = strobe_frequency(device)
    rates = (
        2 * jnp.sqrt(device.largest_current()),
        0.4 * largest(device.damping),
        jnp.abs(bias) / smallest(device.damping) + device.drive_velocity(),
        frequency * device.drive_harmonics(),
    )
    fastest = jnp.max(jnp.stack(rates))
    return whole_pieces(device, jnp.maximum(rounded_up(_TURN / frequency * fastest), 10.0))


def stay(
    device: AbstractDynamical, start: State, bias: Scalar, plan: Stay
) -> tuple[State, Voltage]:
    """Ramp to a bias and stay there until the mean voltages are known."""
    return stay_with(_one_period(device, start, bias, plan), start, bias, plan)


def arrive(device: AbstractDynamical, start: State, bias: Scalar, plan: Stay) -> State:
    """Where the ramp to a bias ends."""
    advance = _one_period(device, start, bias, plan)

    def one(held: tuple):
        x, v, k = held
        x, v = advance(x, v, k)
        return x - _TURN * jnp.round(jnp.mean(x) / _TURN), v, k + 1

    begin = start.phase, start.velocity, jnp.zeros_like(bias)
    x, v, _ = jax.lax.while_loop(lambda held: held[2] < plan.ramp, one, begin)
    return State(x, v, bias, jnp.ones_like(bias))


def stay_with(
    advance: Callable[[Phases, Phases, Scalar], tuple[Phases, Phases]],
    start: State,
    bias: Scalar,
    plan: Stay,
) -> tuple[State, Voltage]:
    """The same with what carries (φ, φ', periods since the stay began) over one period."""

    def one(s: _Loop) -> _Loop:
        x, v = advance(s.x, s.v, s.period)
        rise = x - s.x
        more = jnp.round(jnp.mean(x) / _TURN)  # all together: an inductance feels the difference
        x, turns, period = x - _TURN * more, s.turns + more, s.period + 1
        returns, lock, locked = _look_for_return(s.returns, x, v, turns, period > plan.ramp)
        spent = period - plan.ramp - plan.settle
        window, full, mean, error = average(s.window, rise, _TURN * turns + x, spent)
        mean = jnp.where(full, mean, s.voltage.mean)
        error = jnp.where(full, error, s.voltage.error)
        mean, error = jnp.where(lock, locked, mean), jnp.where(lock, 0.0, error)
        met = lock | (full & (error <= plan.tolerance * jnp.abs(mean)))
        no_more = period + 2 * window.spent > plan.longest
        done = jnp.all(met) | (full & no_more) | ~jnp.all(jnp.isfinite(x + v))
        window = next_window(window, full & ~done)
        return _Loop(x, v, turns, period, returns, window, Voltage(mean, error, met), done)

    s = jax.lax.while_loop(lambda s: ~s.done, one, _begin(start, plan))
    bad = ~jnp.isfinite(s.x + s.v)
    mean, error = (jnp.where(bad, jnp.nan, x) for x in (s.voltage.mean, s.voltage.error))
    end = State(s.x, s.v, bias, jnp.ones_like(bias))
    return end, Voltage(mean, error, s.voltage.met)


def _begin(start: State, plan: Stay) -> _Loop:
    zero, no = jnp.zeros_like(start.bias), jnp.zeros((), bool)
    none = jnp.zeros_like(start.phase)
    n = none.size
    returns = Returns(
        jnp.full((means.LONGEST_CYCLE, 3, n), jnp.nan), jnp.zeros((means.LONGEST_CYCLE, n), int)
    )
    window = Window(plan.block, zero, means.empty_sums(n), none, none)
    voltage = Voltage(none + jnp.nan, none + jnp.nan, jnp.zeros(n, bool))
    return _Loop(start.phase, start.velocity, none, zero, returns, window, voltage, no)


def _one_period(
    device: AbstractDynamical, start: State, bias: Scalar, plan: Stay
) -> Callable[[Phases, Phases, Scalar], tuple[Phases, Phases]]:
    """(φ, φ', periods since the stay began) → (φ, φ') one period later."""
    frequency = strobe_frequency(device)
    period = _TURN / frequency
    count = steps_per_period(device, jnp.maximum(jnp.abs(bias), jnp.abs(start.bias)))
    size, smooth = period / count, device.drive_pieces() == 1
    slopes = (bias - start.bias) / (plan.ramp * period), (1 - start.drive) / (plan.ramp * period)

    def advance(x, v, periods):
        elapsed = periods * period
        ramping = periods < plan.ramp

        def field(y, middle):
            time, x, v = y
            time = time if smooth else off_the_jumps(time, middle)
            along = jnp.where(ramping, elapsed + time, plan.ramp * period)
            current = start.bias + slopes[0] * along
            drive = start.drive + slopes[1] * along
            force = device.equation_of_motion(frequency * time, x, v, current, drive)
            return jnp.ones_like(time), v, force

        def step(k, y):
            begin = size * jnp.asarray(k, float)
            return dopri8(lambda y: field(y, begin + size / 2), (begin, *y[1:]), size)

        begin = jnp.zeros_like(period), x, v
        _, x, v = jax.lax.fori_loop(0, count.astype(int), step, begin)
        return x, v

    return advance


def _look_for_return(
    last: Returns, x: Phases, v: Phases, turns: Phases, known: Bool[Array, ""]
) -> tuple[Returns, Bool[Array, " phases"], Phases]:
    """Which phases are locked, and their turns per period; no return begins in the ramp."""
    apart = x - last.seen[:, 0]
    apart = jnp.abs(apart - _TURN * jnp.round(apart / _TURN))
    apart = jnp.maximum(apart, jnp.abs(v - last.seen[:, 1]))
    hits = jnp.where(apart < _RETURNS, last.hits + 1, 0)
    lag = jnp.arange(1.0, means.LONGEST_CYCLE + 1)
    locks = hits >= _CONFIRMED * np.arange(1, means.LONGEST_CYCLE + 1)[:, None]
    m = jnp.argmax(locks, axis=0)
    before = jnp.take_along_axis(last.seen, m[None, None], axis=0)[0]
    advanced = _TURN * (turns - before[2]) + x - before[0]
    steps = jnp.round(advanced / _TURN)
    locked = jnp.where(steps == 0, 0.0, steps) / lag[m]  # no −0
    here = jnp.where(known, jnp.stack([x, v, turns]), jnp.nan)
    seen = jnp.concatenate([here[None], last.seen[:-1]])
    return Returns(seen, hits), jnp.any(locks, axis=0), locked


def average(
    window: Window, rise: Phases, whole: Float[Array, " n"], spent: Scalar
) -> tuple[Window, Bool[Array, ""], Phases, Phases]:
    """One more period: the window, whether it is full, and then means and errors.

    Args:
        rise: of the phases in this period.
        whole: the phases unwrapped, or others: where none of these leaves its well nothing moves.
        spent: periods since averaging began, not positive before.
    """
    averaging = spent > 0
    length = means.BLOCKS * window.block
    sums = means.add(window.sums, rise / _TURN, (window.spent + 0.5) / length)
    sums = jnp.where(averaging, sums, window.sums)
    lowest = jnp.where(averaging, jnp.minimum(window.lowest, whole), whole)
    highest = jnp.where(averaging, jnp.maximum(window.highest, whole), whole)
    periods = jnp.where(averaging, window.spent + 1, 0.0)
    mean = means.mean(sums)
    error = means.error(sums, means.beats(mean, periods))
    # A phase that has not left its well has no mean velocity, whatever its motion.
    rests = highest - lowest < _TURN
    rests = rests if whole.size == rise.size else jnp.all(rests)
    mean, error = jnp.where(rests, 0.0, mean), jnp.where(rests, 1 / spent, error)
    error = error + _DISCRETE * jnp.abs(mean)
    return Window(window.block, periods, sums, lowest, highest), periods >= length, mean, error


def next_window(window: Window, begins: Bool[Array, ""]) -> Window:
    """Twice as long."""
    empty = jnp.zeros_like(window.sums)
    return window._replace(
        block=jnp.where(begins, 2 * window.block, window.block),
        sums=jnp.where(begins, empty, window.sums),
        spent=jnp.where(begins, 0.0, window.spent),
    )
