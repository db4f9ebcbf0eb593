"""The function of a sweep over points of its grid: one program of few lanes, run side by side."""

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Shaped

from ...core.continuation import AbstractContinuation, SweepFunction
from ...core.paths import with_values
from .grid import Grid
from .reports import say

_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # how XLA says so
_QUEUED = 2  # programs at once on an accelerator: one computes, one comes and goes


class Started(NamedTuple):
    """Points that are being computed, in blocks of so many lanes."""

    points: Shaped[np.ndarray, "points ..."]
    lanes: int
    blocks: list[Future]


class Program:
    """Points in blocks of a fixed number of lanes, each block one run of the same program.

    What a block gives does not depend on how many cores or JAX devices there are, nor on which
    of them it runs, and so no bit of the results does. On the CPU there is a thread for every
    core, all with one compiled program; XLA itself keeps little more than one core busy. Elsewhere
    blocks go to the JAX devices in turn. A block ends with its slowest lane. Where the memory is
    not there its lanes are halved.

    Of a continuation a lane is a row of the grid, whose points are computed one after another.

    Attributes:
        lanes: points (or rows) of a block.
        threads: blocks that run at once, one for each core if not given.
        seconds: that tracing and compiling took.
    """

    def __init__(self, function: SweepFunction, grid: Grid, lanes: int, threads: int | None = None):
        self.function, self.grid, self.lanes = function, grid, lanes
        self.seconds = 0.0
        self._devices, cores = devices_and_threads()
        self.threads = threads or cores
        self._pool = ThreadPoolExecutor(self.threads, "sweep")
        self._turn = itertools.count()
        self._changing = threading.RLock()  # threads of a worker share a program
        self._compiled: list[Any] = []

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def start(self, points: Shaped[np.ndarray, "points ..."]) -> Started:
        """Begin with points (flat indices); the last lanes of the last block repeat its last."""
        with self._changing:
            compiled, lanes = self.compiled(), self.lanes
        firsts = points[:: self.grid.row]
        assert len(points) == len(firsts) * self.grid.row, "rows are computed whole"
        where = self._places(firsts)
        blocks = []
        for begin in range(0, len(firsts), lanes):
            part = [each[begin : begin + lanes] for each in where]
            part = [_filled(each, lanes) for each in part]
            k = next(self._turn) % len(self._devices)
            # Here, where JAX's settings are the caller's: threads have their own.
            part = jax.device_put(part, self._devices[k])
            blocks.append(self._pool.submit(self._run, compiled[k], part))
        return Started(points, lanes, blocks)

    def fetch(self, started: Started) -> dict[str, Shaped[np.ndarray, "points ..."]]:
        """Outputs of the points, on the host.

        Raises:
            MemoryError: one point is too much.
        """
        wait(started.blocks)
        try:
            parts = [block.result() for block in started.blocks]
        except Exception as error:
            if not _out_of_memory(error):
                raise
            with self._changing:
                if started.lanes == self.lanes:  # else halved for points that began earlier
                    self._halve(error)
            return self.fetch(self.start(started.points))
        size = len(started.points)
        if self.grid.along is not None:
            parts = [{k: _joined(v) for k, v in part.items()} for part in parts]
        return {k: np.concatenate([part[k] for part in parts])[:size] for k in parts[0]}

    def __call__(self, points: Shaped[np.ndarray, "points ..."]) -> dict[str, np.ndarray]:
        return self.fetch(self.start(points))

    def compiled(self) -> list[Any]:
        """The program of each JAX device; traced here, where JAX's settings are the caller's."""
        if self._compiled:
            return self._compiled
        began = time.perf_counter()
        first = self._places(self._first())
        entry, inputs = self._entry(), self._inputs()
        lowered = [entry.lower(*inputs, jax.device_put(first, d)) for d in self._devices]
        try:
            with ThreadPoolExecutor(len(lowered)) as pool:
                self._compiled = list(pool.map(lambda one: one.compile(), lowered))
        except Exception as error:
            if not _out_of_memory(error):
                raise
            self._halve(error)
            return self.compiled()
        self.seconds += time.perf_counter() - began
        return self._compiled

    def ahead(self, chunk: int) -> int:
        """Chunks to begin before the first is fetched, so that no thread waits."""
        return max(2, 2 * self.threads * self.lanes * self.grid.row // chunk)

    def in_turn(
        self, chunks: Iterable[tuple[int, Shaped[np.ndarray, "points ..."]]], size: int
    ) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """(number, outputs) of chunks of at most that size, given as (number, points), in order;
        `ahead` of them are under way."""
        begun: deque[tuple[int, Started]] = deque()
        for number, points in chunks:
            begun.append((number, self.start(points)))
            if len(begun) > self.ahead(size):
                first, started = begun.popleft()
                yield first, self.fetch(started)
        for number, started in begun:
            yield number, self.fetch(started)

    def memory(self) -> tuple[int, int]:
        """Bytes that a block takes while it runs, and those of its outputs."""
        told = self.compiled()[0].compiled.memory_analysis()
        if told is None:  # a platform that does not say
            return 0, 0
        outputs = int(told.output_size_in_bytes)
        return int(told.temp_size_in_bytes) + outputs, outputs

    def resize(self, lanes: int) -> None:
        self.lanes, self._compiled = lanes, []

    def _entry(self) -> Any:
        """What is compiled: of `_inputs` and a block's places."""
        return evaluate if self.grid.along is None else evaluate_rows

    def _first(self) -> np.ndarray:
        """Any points, as many as a block has."""
        return np.zeros(self.lanes, np.int32)

    def _places(self, points: np.ndarray) -> list[np.ndarray]:
        """What a block is told of its points, one row each."""
        return [axis.astype(np.int32) for axis in np.unravel_index(points, self.grid.shape)]

    def _inputs(self):
        return self.function, self.grid.targets, self.grid.device, self.grid.values

    def _run(self, compiled, where) -> dict[str, np.ndarray]:
        found = compiled(*self._inputs(), where)
        return {k: np.asarray(v) for k, v in found.items()}

    def _halve(self, error: Exception) -> None:
        what = "point" if self.grid.along is None else "row"
        if self.lanes == 1:
            raise MemoryError(f"out of memory with a single {what} at once") from error
        half = self.lanes // 2
        say(f"out of memory with {self.lanes} {what}s at once, goes on with {half}")
        self.resize(half)


def _joined(rows: np.ndarray) -> np.ndarray:
    """Points of several rows one after another."""
    return rows.reshape(rows.shape[0] * rows.shape[1], *rows.shape[2:])


def _filled(rows: np.ndarray, lanes: int) -> np.ndarray:
    """So many rows, the last ones repeat the last."""
    return np.pad(rows, [(0, lanes - len(rows)), *[(0, 0)] * (rows.ndim - 1)], mode="edge")


def devices_and_threads() -> tuple[list[Any], int]:
    """The JAX devices that blocks go to, and how many blocks run at once."""
    devices = jax.local_devices()
    if devices[0].platform != "cpu":
        return devices, _QUEUED * len(devices)
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        cores = os.cpu_count() or 1
    return devices[:1], cores


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or _OUT_OF_MEMORY in str(error)


@eqx.filter_jit
def evaluate(function, targets, device, values, where):
    """Named outputs of the points at these places along each axis."""

    def one(*position):
        return named_outputs(function, function(_device_at(targets, device, values, position)))

    return jax.vmap(one)(*where)


@eqx.filter_jit
def evaluate_rows(continuation: AbstractContinuation, targets, device, values, where):
    """The same of rows that begin at these places, each followed along the last axis."""

    def one(*position):
        def at(k):
            return _device_at(targets, device, values, (*position[:-1], k))

        def advance(state, k):
            output, after = _required_pair(continuation, continuation.advance(at(k), state), state)
            return after, named_outputs(continuation, output)

        steps = jnp.arange(len(values[-1]))
        return jax.lax.scan(advance, continuation.start(at(0)), steps)[1]

    return jax.vmap(one)(*where)


def _required_pair(continuation, found, state):
    """What `advance` returned, if it is (output, what is carried), the latter as it was before."""
    name = type(continuation).__name__
    if not isinstance(found, tuple) or len(found) != 2:
        raise ValueError(
            f"advance of {name} must return (output, what is carried), got {type(found).__name__}"
        )
    before, after = (
        [f"{jnp.asarray(x).dtype}{list(jnp.shape(x))}" for x in jax.tree.leaves(each)]
        for each in (state, found[1])
    )
    same_tree = jax.tree.structure(state) == jax.tree.structure(found[1])
    if before != after or not same_tree:
        raise ValueError(
            f"{name} must carry arrays of the same shapes and types from point to point, got "
            f"{', '.join(after)} after {', '.join(before)}"
        )
    return found


def _device_at(targets, device, values, position):
    members, chosen = [], []
    for axis, i, group in zip(values, position, targets, strict=True):
        members += [(target,) for target in group]
        chosen += list(axis[i]) if axis.ndim == 2 else [axis[i]] * len(group)
    return with_values(device, members, chosen)


def named_outputs(function, output) -> dict[str, Any]:
    """The function's output as named arrays."""
    if hasattr(output, "as_dict"):
        return output.as_dict()
    if isinstance(output, Mapping):
        named = {}
        for key, value in output.items():
            inner = value.as_dict() if hasattr(value, "as_dict") else None
            named |= {f"{key}.{k}": v for k, v in inner.items()} if inner else {str(key): value}
        return {k: jnp.asarray(v) for k, v in named.items()}
    if jax.tree.structure(output) == jax.tree.structure(0.0):
        name = getattr(function, "__name__", "value")
        return {name if name.isidentifier() else "value": jnp.asarray(output)}
    raise ValueError(
        "function must return a number, an array, a dict of them or CriticalCurrents, "
        f"got {type(output).__name__}"
    )
