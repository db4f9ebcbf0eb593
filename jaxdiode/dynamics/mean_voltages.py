"""Mean voltages of many lanes, chunks of them on every processor of the host.

After every window of periods those whose mean is known leave, and the others go on over one twice
as long.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..numerics import means
from ..progress import track
from .shunted import Shunted
from .side_by_side import SEGMENT, Phases, Place, segment, step_counter

_FIRST = 2  # segments in the first window
_LANES = 1024  # phases at once: their stages fit into the processor's cache


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
    counted = step_counter(unit, plan.step)
    with ThreadPoolExecutor(_processors()) as pool:

        def advance(lanes: np.ndarray, phases: Phases, segments: int, elapsed: int):
            chunks = _chunks(lanes.size)

            def one(chunk: np.ndarray):
                biases, factors = (jnp.asarray(x[lanes[chunk]]) for x in (bias, factor))
                highest, strongest = (float(jnp.max(jnp.abs(x))) for x in (biases, factors))
                count = jnp.asarray(counted(highest, strongest))
                now: tuple = jax.tree.map(lambda x: jnp.asarray(x[..., chunk]), phases), None
                for k in range(segments):
                    place = _place(k * SEGMENT, segments * SEGMENT, elapsed + k * SEGMENT)
                    now = segment(unit, biases, factors, now[0], count, place)
                return jax.device_get(now)

            label = f"{lanes.size} voltages over {segments * SEGMENT} periods"
            parts = track(pool.map(one, chunks), label, len(chunks), progress)
            return _joined(list(parts), chunks, lanes.size)

        phases = _begin(start[0][order], start[1][order])
        phases, here = advance(order, phases, -(-plan.settle // SEGMENT), 0)
        found.mean[order], found.error[order] = here.mean, here.error
        left = np.flatnonzero(~here.locked)
        phases = _begin(phases.phase[left], phases.velocity[left])
        lanes, segments, elapsed = order[left], _FIRST, 0
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


def _begin(phase: np.ndarray, velocity: np.ndarray) -> Phases:
    """Of arrays on the host, where lanes are chosen."""
    none = np.zeros_like(phase)
    bounds = np.stack([none - np.inf, none + np.inf])
    sums = np.zeros((*means.empty_sums(1).shape, phase.size))
    return Phases(phase, velocity, none, phase, sums, np.stack([phase, phase]), bounds)
