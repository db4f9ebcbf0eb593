"""The adiabatic current ramp of a driven junction: what an experimenter does, by plain RK4.

It serves twice: coarse, to find the orbit whose end `critical_currents` then computes exactly;
fine, as the measurement itself.
"""

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


def staircase(
    device: Any,
    direction: Scalar,
    *,
    first: float = 1 / 12,
    fine: float = 1 / 48,
    halvings: int = 5,
    hold: float = 2.0,
    patience: int = 8,
    restless: int = 4,
    repeats: float = 2e-3,
    step: float = 0.2,
) -> Staircase:
    """Raise the bias step by step; at a switch go back, halve the step, and bisect.

    The drive is turned up at zero bias from the static minimum. Each step ramps the bias for one
    hold time and then holds it, until the strobed state repeats or patience ends.

    Args:
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
    unit = scale(device)
    periods = _even_periods(device, hold)
    zero = jnp.zeros_like(unit)
    yes, no = jnp.ones((), bool), jnp.zeros((), bool)
    begins = jnp.where(workable(device, hold=hold, step=step), -device.static_phase(), jnp.nan)
    start = Held(zero, begins, zero, jnp.ones((), int))
    # The first stage turns up the drive at zero bias, from drive 0 to 1.
    state = _Climb(
        start, start, zero + jnp.inf, zero, first * unit, start.phase, zero, 0, 0, no,
        start, start, no, no, yes, no,
    )  # fmt: skip

    def unfinished(s):
        beyond = jnp.abs(s.held.current) > device.largest_current()
        return (s.bisections < halvings) & ~s.running & ~beyond

    def climb(s):
        ramping = s.holds == 0
        begin = jnp.where(ramping, s.held.current, s.target)
        drive = jnp.where(ramping & ~s.driven, zero, zero + 1)
        x, v, change, margin = _chunk(
            device, s.phase, s.velocity, (begin, drive), (s.target, zero + 1), periods, step
        )
        moved = jnp.maximum(jnp.abs(x - s.phase), jnp.abs(v - s.velocity))
        switched = ~(jnp.abs(x - s.held.phase) <= SWITCHED)
        repeating = ~switched & ~ramping & (moved < repeats)
        once = change < 10 * repeats  # else twice the drive's period
        # An orbit past its flip can linger: it is pushed, and does not count as settled.
        lingers = repeating & once & (margin < 0)
        settles = repeating & ~lingers
        enough = jnp.where(s.held.period == 0, restless, patience)
        stays = settles | (~switched & (s.holds >= enough))
        kind = jnp.where(settles, jnp.where(once, 1, 2), 0)
        safe = jnp.where(kind == 1, 0.08 * margin, fine)
        safe = unit * jnp.clip(safe, min(first, _NARROWEST), first)
        stepping = s.driven & (s.bisections == 0)
        lost = (switched | lingers | (stays & (kind != 1))) & (s.size > 1.001 * fine * unit)
        near = stays & (kind == 1) & (s.size > 2 * safe)
        retreats = stepping & (lost | near)
        stays, settles = stays & ~retreats, settles & ~retreats
        new = Held(s.target, x, v, kind)
        held = _where(stays, new, s.held)
        settled = _where(settles, new, s.settled)
        beyond = jnp.abs(s.target - settled.current)
        gap = jnp.where((switched & ~retreats) | stays, jnp.minimum(s.gap, beyond), s.gap)

        unstable = ~switched & ~ramping & ~retreats & (margin < 0)
        first_flip = unstable & s.driven & s.attracting & ~s.flipped & (s.held.period == 1)
        bisected = s.driven & ~retreats & (switched | (stays & (s.bisections > 0)))
        bisections = s.bisections + jnp.where(bisected, 1, 0)
        size = jnp.where(bisections > s.bisections, 0.5 * s.size, s.size)
        size = jnp.where(stepping & stays, safe, size)
        size = jnp.where(retreats, jnp.where(near & ~lost, safe, fine * unit), size)
        ended = switched | stays | retreats
        return _Climb(
            held=held,
            settled=settled,
            gap=jnp.where(settles, jnp.where(s.bisections > 0, 2 * size, jnp.inf), gap),
            target=jnp.where(ended, held.current + direction * size, s.target),
            size=size,
            phase=jnp.where(ended, held.phase, jnp.where(lingers, x + _PUSH, x)),
            velocity=jnp.where(ended, held.velocity, v),
            holds=jnp.where(ended, 0, s.holds + 1),
            bisections=bisections,
            driven=s.driven | ended,
            flip=_where(first_flip, s.held, s.flip),
            past_flip=_where(first_flip, Held(s.target, x + _PUSH, v, kind), s.past_flip),
            flipped=s.flipped | first_flip,
            doubled_at_rest=jnp.where(
                s.driven, s.doubled_at_rest, unstable | (stays & (kind != 1))
            ),
            attracting=jnp.where(stays, margin > 0, s.attracting & ~unstable),
            running=s.running | (switched & ~s.driven),
        )

    s = jax.lax.while_loop(unfinished, climb, state)
    switched = s.held.current + 2 * direction * s.size
    return Staircase(
        held=s.held,
        switched=switched,
        settled=s.settled,
        gap=s.gap,
        flip=s.flip,
        past_flip=s.past_flip,
        flipped=s.flipped,
        doubled_at_rest=s.doubled_at_rest,
        running=s.running,
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


class _Climb(NamedTuple):
    """Where one lane stands: what it held, the step under way, and what it met."""

    held: Held
    settled: Held
    gap: Any
    target: Any
    size: Any
    phase: Any
    velocity: Any
    holds: Any
    bisections: Any
    driven: Any
    flip: Held
    past_flip: Held
    flipped: Any
    doubled_at_rest: Any
    attracting: Any
    running: Any


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


def _chunk(device, x, v, begin, end, periods, step):
    """(bias, drive) from `begin` to `end`, linearly over a whole number of periods.

    Returns the state, its change over the last period, and 1 + tr M + det M of that period:
    negative where an orbit of the drive's period has a multiplier below −1.
    """
    period = 2 * jnp.pi / device.drive_frequency
    per_period = _per_period(device, step)
    size = period / per_period
    slopes = tuple((b - a) / (periods * period) for a, b in zip(begin, end, strict=True))

    def force(time, x, v):
        current, drive = (a + slope * time for a, slope in zip(begin, slopes, strict=True))
        return device.acceleration(time, x, v, current, drive)

    once = _whole(per_period)
    x0, v0 = advance(force, 0.0, x, v, size, _whole(per_period * (periods - 1)))
    late = (periods - 1) * period
    x1, v1, trace = advance_with_trace(force, late, x0, v0, size, once)
    change = jnp.maximum(jnp.abs(x1 - x0), jnp.abs(v1 - v0))
    return x1, v1, change, 1 + trace + jnp.exp(-device.damping * period)
