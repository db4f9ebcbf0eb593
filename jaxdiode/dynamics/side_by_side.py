"""Mean voltages at many biases and drive amplitudes at once, each with its error.

All phases take the same steps; after every window of periods those whose mean is known leave, and
the others go on over one twice as long. A locked phase returns after m periods, n turns on, and has
the voltage nΩ/m exactly.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..numerics import means
from .drive import off_the_jumps
from .natural_units import rounded_up, whole_pieces
from .shunted import Shunted

Scalar = Float[Array, ""]
Lanes = Float[Array, " lanes"]

SEGMENT = 32  # periods between two looks at which phases are done
_RETURNS = 1e-10  # of phase and velocity
_TURN = 2 * jnp.pi


class Phases(NamedTuple):
    """Where the phases stand; whole turns are taken off.

    Attributes:
        turns: made since averaging began.
        began: phase when averaging began.
        sums: of the window.
        reach: lowest and highest phase, unwrapped, since averaging began.
        bounds: of the rotation number, by whole turns made.
    """

    phase: Any
    velocity: Any
    turns: Any
    began: Any
    sums: Any
    reach: Any
    bounds: Any


class Found(NamedTuple):
    """In units of the drive frequency."""

    mean: Lanes
    error: Lanes
    locked: Bool[Array, " lanes"]


class Place(NamedTuple):
    """A segment's place: periods of the window before it, in the window, and since averaging."""

    before: Scalar
    window: Scalar
    elapsed: Scalar


def step_counter(unit: Shunted, step: float) -> Callable[[float, float], float]:
    """Steps per period of a device in its own unit, by the largest bias and factor of the drive.

    Args:
        step: in units of the fastest rate.
    """
    assert unit.drive is not None
    frequency = float(unit.drive.frequency)
    own = float(unit.largest_current() - unit.drive.largest_current())
    running, harmonics = float(unit.drive_velocity()), unit.drive.harmonics()
    damping = None if unit.damping is None else float(unit.damping)

    def count(bias: float, factor: float) -> float:
        if damping is None:
            fastest = own + bias + factor * running
        else:
            fastest = max(2 * own**0.5, damping, bias / damping + factor * running)
        fastest = max(fastest, frequency * harmonics)
        steps = jnp.maximum(rounded_up(jnp.asarray(_TURN / frequency * fastest / step)), 24.0)
        return float(whole_pieces(unit, steps))

    return count


@eqx.filter_jit
def approach(
    unit: Shunted,
    state: tuple[Lanes, Lanes],
    bias: tuple[Scalar, Scalar],
    drive: tuple[Scalar, Scalar],
    factor: Lanes,
    periods: Scalar,
    count: Scalar,
) -> tuple[Lanes, Lanes]:
    """Phases and velocities after a ramp of bias and drive from their first values to the second.

    Whole turns are taken off the phases.
    """
    assert unit.drive is not None
    steps = periods * count
    size = _TURN / (unit.drive.frequency * count)

    def step(k: Array, state: tuple[Lanes, Lanes]) -> tuple[Lanes, Lanes]:
        part = (jnp.asarray(k, float) + 0.5) / steps
        now, share = (a + (b - a) * part for a, b in (bias, drive))
        angle = _TURN * jnp.mod(jnp.asarray(k, float), count) / count
        return advanced(unit, angle, state, now, share * factor, size)

    x, v = jax.lax.fori_loop(0, steps.astype(int), step, state)
    return x - _TURN * jnp.round(x / _TURN), v


@eqx.filter_jit
def segment(
    unit: Shunted, bias: Lanes, factor: Lanes, start: Phases, count: Scalar, place: Place
) -> tuple[Phases, Found]:
    """All phases over the next SEGMENT periods, and the means where the window is full."""

    def one(state: tuple[Lanes, Lanes], _: None):
        state = _one_period(unit, state, bias, factor, count)
        return state, state

    last = start.phase, start.velocity
    (x, v), (phase, velocity) = jax.lax.scan(one, last, None, length=SEGMENT)
    path = jnp.concatenate([start.phase[None], phase])
    rise = jnp.diff(path, axis=0) / _TURN
    part = (place.before + 0.5 + jnp.arange(SEGMENT, dtype=float)) / place.window
    sums = means.add_all(start.sums, rise, part)
    whole = _TURN * start.turns + phase
    low, high = start.reach
    reach = jnp.stack([
        jnp.minimum(low, jnp.min(whole, axis=0)), jnp.maximum(high, jnp.max(whole, axis=0))
    ])  # fmt: skip
    periods = place.elapsed + 1 + jnp.arange(SEGMENT, dtype=float)
    made = (whole - start.began) / _TURN
    bounds = start.bounds
    if unit.damping is None:
        bounds = jnp.stack([
            jnp.maximum(bounds[0], jnp.max(jnp.floor(made - 1e-7) / periods[:, None], axis=0)),
            jnp.minimum(bounds[1], jnp.min(jnp.ceil(made + 1e-7) / periods[:, None], axis=0)),
        ])  # fmt: skip
    more = jnp.round(x / _TURN)
    end = Phases(x - _TURN * more, v, start.turns + more, start.began, sums, reach, bounds)
    return end, _found(end, phase, velocity, place)


def _found(end: Phases, phase: Array, velocity: Array, place: Place) -> Found:
    locked, cycle = _returns(phase, velocity)
    mean = end.sums[-1, 0] / end.sums[-1, 1]
    elapsed = place.elapsed + SEGMENT
    ahead = means.beats(mean, place.window)
    error = jax.vmap(means.error, in_axes=(2, 0))(end.sums, ahead[:, None])[:, 0]
    rests = end.reach[1] - end.reach[0] < _TURN
    mean, error = jnp.where(rests, 0.0, mean), jnp.where(rests, 1 / elapsed, error)
    low, high = end.bounds
    held = jnp.clip(mean, low, high)
    bounded = jnp.maximum(high - held, held - low)
    mean, error = held, jnp.minimum(error + jnp.abs(held - mean), bounded)
    mean, error = jnp.where(locked, cycle, mean), jnp.where(locked, 0.0, error)
    bad = ~jnp.isfinite(end.phase + end.velocity)
    mean, error = (jnp.where(bad, jnp.nan, x) for x in (mean, error))
    return Found(mean, error, locked)


def _returns(phase: Array, velocity: Array) -> tuple[Bool[Array, " lanes"], Lanes]:
    """Which phases are locked at the end, three returns on, and their turns per period."""
    locked = jnp.zeros(phase.shape[1], bool)
    turns = jnp.zeros(phase.shape[1])
    for m in range(means.LONGEST_CYCLE, 0, -1):
        ends = phase[-1 - m * jnp.arange(3)], velocity[-1 - m * jnp.arange(3)]
        rise = -jnp.diff(ends[0], axis=0)
        whole = jnp.round(rise / _TURN)
        apart = jnp.maximum(jnp.abs(rise - _TURN * whole), jnp.abs(jnp.diff(ends[1], axis=0)))
        here = jnp.all(apart < _RETURNS, axis=0)
        turns = jnp.where(here, whole[0] / m, turns)
        locked = locked | here
    return locked, jnp.where(turns == 0, 0.0, turns)


def _one_period(
    unit: Shunted, state: tuple[Lanes, Lanes], bias: Lanes, factor: Lanes, count: Scalar
) -> tuple[Lanes, Lanes]:
    assert unit.drive is not None
    frequency = unit.drive.frequency
    size = _TURN / (frequency * count)

    def step(k: Array, state: tuple[Lanes, Lanes]) -> tuple[Lanes, Lanes]:
        angle = frequency * size * jnp.asarray(k, float)
        return advanced(unit, angle, state, bias, factor, size)

    return jax.lax.fori_loop(0, count.astype(int), step, state)


def advanced(
    unit: Shunted,
    angle: Scalar,
    state: tuple[Lanes, Lanes],
    bias: Lanes | Scalar,
    factor: Lanes,
    size: Scalar,
) -> tuple[Lanes, Lanes]:
    """One Runge–Kutta step of order 4 from a drive phase on."""
    assert unit.drive is not None
    along = unit.drive.frequency * size
    angles = off_the_jumps(angle + along * jnp.array([0.0, 0.5, 1.0]), angle + along / 2)
    pushes = [bias + factor * unit.drive.current(angles[k]) for k in range(3)]
    x, v = state
    if unit.damping is None:
        a = pushes[0] - unit.device.current(x)
        b = pushes[1] - unit.device.current(x + size / 2 * a)
        c = pushes[1] - unit.device.current(x + size / 2 * b)
        d = pushes[2] - unit.device.current(x + size * c)
        return x + size / 6 * (a + 2 * (b + c) + d), v
    damping = unit.damping

    def force(push: Lanes, x: Lanes, v: Lanes) -> Lanes:
        return push - damping * v - unit.device.current(x)

    a = force(pushes[0], x, v)
    v2 = v + size / 2 * a
    b = force(pushes[1], x + size / 2 * v, v2)
    v3 = v + size / 2 * b
    c = force(pushes[1], x + size / 2 * v2, v3)
    v4 = v + size * c
    d = force(pushes[2], x + size * v3, v4)
    return x + size / 6 * (v + 2 * (v2 + v3) + v4), v + size / 6 * (a + 2 * (b + c) + d)
