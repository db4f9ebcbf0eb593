"""Mean voltages at many biases and drive amplitudes at once, each with its error.

All phases take the same steps; after every window of periods those whose mean is known leave, and
the others go on over one twice as long. A locked phase returns after m periods, n turns on, and has
the voltage nΩ/m exactly.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..numerics import means
from ..progress import track
from .shunted import Shunted

Scalar = Float[Array, ""]
Lanes = Float[Array, " lanes"]

_FIRST = 2  # segments in the first window
SEGMENT = 32  # periods between two looks at which phases are done
_CYCLE = 12  # periods after which a return is looked for
_RETURNS = 1e-10  # of phase and velocity
_INSIDE = 1e-9  # of a step, off its ends, at which a drive may jump
_LANES = 1024  # phases at once: their stages fit into the processor's cache
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


def steps_per_period(unit: Shunted, bias: float, factor: float, step: float) -> float:
    """Of a device in its own unit, at the largest bias and factor of the drive.

    Args:
        step: in units of the fastest rate.
    """
    assert unit.drive is not None
    frequency = float(unit.drive.frequency)
    strongest = float(unit.drive.largest_current())
    own = float(unit.largest_current()) - strongest
    force = own + bias + factor * strongest
    if unit.damping is None:
        fastest = max(force, own)
    else:
        damping = float(unit.damping)
        fastest = max(2 * own**0.5, damping, force / max(damping, frequency))
    fastest = max(fastest, frequency * unit.drive.harmonics())
    pieces = unit.drive.pieces()
    steps = max(float(np.ceil(_TURN / frequency * fastest / step * (1 - 1e-12))), 24.0)
    return pieces * float(np.ceil(steps / pieces))  # none goes over a jump of the drive


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


def _begin(phase: np.ndarray, velocity: np.ndarray) -> Phases:
    """Of arrays on the host, where lanes are chosen."""
    none = np.zeros_like(phase)
    bounds = np.stack([none - np.inf, none + np.inf])
    sums = np.zeros((*means.empty_sums(1).shape, phase.size))
    return Phases(phase, velocity, none, phase, sums, np.stack([phase, phase]), bounds)


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
    lag = jnp.arange(1.0, _CYCLE + 1)[:, None]
    ahead = jnp.min(jnp.abs(lag * mean - jnp.round(lag * mean)), axis=0) * place.window
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
    for m in range(_CYCLE, 0, -1):
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
    inside = (_INSIDE, 0.5, 1 - _INSIDE)
    pushes = [bias + factor * unit.drive.current(angle + x * along) for x in inside]
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


class Plan(NamedTuple):
    """How long means are taken; in drive periods.

    Attributes:
        settle: before averaging.
        longest: after which no new window begins.
        tolerance: absolute error asked for, in units of the drive frequency.
        step: of the integration of order 4, in units of the fastest rate.
    """

    settle: int
    longest: float
    tolerance: float
    step: float


class Voltages(NamedTuple):
    """On the host, in units of the drive frequency."""

    mean: np.ndarray
    error: np.ndarray


def mean_voltages(
    unit: Shunted,
    bias: np.ndarray,
    factor: np.ndarray,
    start: np.ndarray,
    plan: Plan,
    *,
    progress: bool = False,
) -> Voltages:
    """Means of all lanes; chunks of them on every processor.

    Args:
        unit: in its own unit.
        bias, factor: of each lane, the second of the drive.
        start: phases and velocities, two rows.
        plan: see `Plan`.
        progress: show how far the work is.
    """
    order = np.lexsort((np.abs(bias), np.abs(factor)))  # lanes of like steps side by side
    found = Voltages(np.full(bias.size, np.nan), np.full(bias.size, np.nan))
    with ThreadPoolExecutor(_processors()) as pool:

        def advance(lanes: np.ndarray, phases: Phases, segments: int, elapsed: int):
            chunks = _chunks(lanes.size)

            def one(chunk: np.ndarray):
                biases, factors = (jnp.asarray(x[lanes[chunk]]) for x in (bias, factor))
                highest, strongest = (float(jnp.max(jnp.abs(x))) for x in (biases, factors))
                count = jnp.asarray(steps_per_period(unit, highest, strongest, plan.step))
                now: tuple = jax.tree.map(lambda x: jnp.asarray(x[..., chunk]), phases), None
                for k in range(segments):
                    place = _place(k * SEGMENT, segments * SEGMENT, elapsed + k * SEGMENT)
                    now = segment(unit, biases, factors, now[0], count, place)
                return jax.device_get(now)

            label = f"{lanes.size} voltages over {segments * SEGMENT} periods"
            parts = track(pool.map(one, chunks), label, len(chunks), progress)
            return _joined(list(parts), chunks, lanes.size)

        phases = _begin(start[0][order], start[1][order])
        phases, _ = advance(order, phases, -(-plan.settle // SEGMENT), 0)
        phases = _begin(phases.phase, phases.velocity)
        lanes, segments, elapsed = order, _FIRST, 0
        while lanes.size:
            phases, here = advance(lanes, phases, segments, elapsed)
            found.mean[lanes], found.error[lanes] = here.mean, here.error
            elapsed, segments = elapsed + segments * SEGMENT, 2 * segments
            if elapsed + segments * SEGMENT > plan.longest:
                break
            known = here.locked | (here.error <= plan.tolerance) | ~np.isfinite(here.mean)
            left = np.flatnonzero(~known)
            lanes = lanes[left]
            phases = jax.tree.map(lambda x, left=left: x[..., left], phases)
            phases = phases._replace(sums=np.zeros_like(phases.sums))
    return found


def _place(before: int, window: int, elapsed: int) -> Place:
    return Place(
        jnp.asarray(before, float), jnp.asarray(window, float), jnp.asarray(elapsed, float)
    )


def _chunks(size: int) -> list[np.ndarray]:
    """Indices of lanes that go together, of few lengths; the last is filled with its last."""
    whole = [np.arange(k, k + _LANES) for k in range(0, size - _LANES + 1, _LANES)]
    rest = np.arange(len(whole) * _LANES, size)
    if rest.size:
        length = next(n for n in (32, 256, _LANES) if n >= rest.size)
        whole.append(np.pad(rest, (0, length - rest.size), mode="edge"))
    return whole


def _joined(parts: list, chunks: list[np.ndarray], size: int):
    def joined(*arrays: np.ndarray) -> np.ndarray:
        whole = np.empty((*arrays[0].shape[:-1], size), arrays[0].dtype)
        for chunk, array in zip(chunks, arrays, strict=True):
            whole[..., chunk] = array
        return whole

    return jax.tree.map(joined, *parts)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
