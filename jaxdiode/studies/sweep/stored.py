"""Sweeps into a Zarr store: by one process, by shares of job arrays, by workers of an executor."""

import hashlib
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _checks
from ...progress import track
from .blocks import Blocks
from .grid import Grid
from .program import Program, Started
from .zarr_store import ZarrStore, read_store, remove_store, require_zarr

if TYPE_CHECKING:
    import xarray

_IN_FLIGHT = 2  # boxes computed while the previous one is written
_SUBMITTED = 256  # boxes that wait at an executor


def sweep_to_store(
    function: Callable, grid: Grid, path: Path, *, chunk: int, shard: Any, executor: Any,
    overwrite: bool, progress: bool,
) -> "xarray.Dataset":  # fmt: skip
    """Every box of the grid, or of this worker's share, that the store does not hold yet."""
    require_zarr()
    share, of = shard_of(shard)
    if executor is not None and of > 1:
        raise ValueError(
            f"shard must be left out with an executor, which shares by itself, got {shard!r}"
        )
    if overwrite and path.exists():
        if of > 1:
            raise ValueError("overwrite must be False for a shard: others write to the same store")
        remove_store(path)
    blocks = Blocks(grid.shape, chunk)
    program = Program(function, grid, blocks.size)
    store = _begun(program, blocks, path)
    own = range(share, blocks.count, of)
    if progress and (there := int(np.sum(store.finished()[share::of]))):
        print(f"sweep: {there} of {len(own)} chunks found in {path}", file=sys.stderr)
    if executor is None:
        _compute(program, store, own, progress)
    else:
        _submit(program, store, own, executor, progress)
    return read_store(path)


def shard_of(given: Any) -> tuple[int, int]:
    """(k, n) of "k/n" or a pair: share k of n, counted from 0; (0, 1) of None."""
    if given is None:
        return 0, 1
    pair: Sequence[Any] = given
    try:
        if isinstance(given, str):
            pair = [int(part) for part in given.split("/")]
        share, of = pair
    except (TypeError, ValueError) as error:
        raise ValueError(f'shard must be "k/n" or (k, n) with 0 ≤ k < n, got {given!r}') from error
    of = _checks.whole_number("n of shard", of)
    share = _checks.whole_number("k of shard", share, at_least=0)
    if share >= of:
        raise ValueError(f"shard k/n must have 0 ≤ k < n, got {share}/{of}")
    return share, of


def _begun(program: Program, blocks: Blocks, path: Path) -> ZarrStore:
    grid = program.grid
    spread = np.linspace(0, grid.size - 1, min(blocks.size, grid.size)).astype(int)
    sample = program(spread)
    grid.require_outputs(sample)
    return ZarrStore.begun(path, grid, blocks, sample)


def _compute(program: Program, store: ZarrStore, own: Sequence[int], progress: bool) -> None:
    """In order, the next boxes under way while one is fetched and written."""
    pending: list[tuple[int, Started]] = []

    def collect(number, started):
        store.save(number, program.fetch(started))

    try:
        for number in track(own, "sweep", len(own), progress):
            if store.holds(number):
                continue
            pending.append((number, program.start(store.blocks.points(number))))
            if len(pending) > _IN_FLIGHT:
                collect(*pending.pop(0))
    finally:
        while pending:
            collect(*pending.pop(0))


def _submit(
    program: Program, store: ZarrStore, own: Sequence[int], executor: Executor, progress: bool
) -> None:
    """Workers write their boxes themselves: the store must be where they can reach it."""
    payload = _pickled((program.function, program.grid, str(store.path.resolve())))
    mark = hashlib.sha256(payload).hexdigest()
    waiting: set[Future] = set()

    def finished() -> Iterator[Any]:
        for number in own:
            if store.holds(number):
                yield number
                continue
            waiting.add(executor.submit(_work, mark, payload, number))
            if len(waiting) >= _SUBMITTED:
                yield from drained(FIRST_COMPLETED)
        while waiting:
            yield from drained(FIRST_COMPLETED)

    def drained(until) -> list[Any]:
        done = _first(waiting, until)
        waiting.difference_update(done)
        return [future.result() for future in done]

    try:
        for _ in track(finished(), "sweep", len(own), progress):
            pass
    except BaseException:
        for future in waiting:
            future.cancel()
        raise


def _first(waiting: set, until) -> set:
    """Those that are done; futures of dask are none of the standard library's for `wait`."""
    done = {future for future in waiting if future.done()}
    if done:
        return done
    try:
        return set(wait(waiting, return_when=until).done)
    except AttributeError:
        next(iter(waiting)).result()
        return {future for future in waiting if future.done()}


def _pickled(thing: Any) -> bytes:
    """With functions by value where cloudpickle is there, as dask brings it."""
    try:
        import cloudpickle
    except ImportError:
        return pickle.dumps(thing)
    return cloudpickle.dumps(thing)


_jobs: dict[str, tuple[Program, ZarrStore]] = {}  # of this worker: compiled once for all its boxes


def _work(mark: str, payload: bytes, number: int) -> int:
    if mark not in _jobs:
        function, grid, path = pickle.loads(payload)
        from .zarr_store import blocks_of

        blocks = blocks_of(Path(path))
        _jobs.clear()
        _jobs[mark] = Program(function, grid, blocks.size), ZarrStore(Path(path), blocks)
    program, store = _jobs[mark]
    store.save(number, program(store.blocks.points(number)))
    return number
