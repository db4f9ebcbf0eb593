"""The chunks of a store by the workers of an executor, each of which writes its own."""

import pickle
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax

from ...progress import track
from .program import Program
from .zarr_layout import read_inputs
from .zarr_store import ZarrStore

_SUBMITTED = 256  # boxes that wait at an executor


@runtime_checkable
class Submitting(Protocol):
    """What an executor must have, of whichever library it is."""

    def submit(self, function: Callable, /, *args: Any) -> Any: ...


def require_spawned(executor: Any) -> None:
    """Refuse what cannot submit, and processes that fork: JAX hangs in them."""
    if not isinstance(executor, Submitting):
        raise ValueError(
            "executor must have submit, as those of concurrent.futures and dask's "
            f"client.get_executor() do, got {type(executor).__name__}"
        )
    if not isinstance(executor, ProcessPoolExecutor):
        return
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise ValueError(
            "executor must not fork, JAX hangs in processes that do: ProcessPoolExecutor("
            "mp_context=multiprocessing.get_context('spawn'))"
        )


def compute_by(
    executor: Submitting, program: Program, store: ZarrStore, own: Sequence[int], progress: bool
) -> None:
    """Workers write their boxes themselves: the store must be where they can reach it."""
    x64 = bool(jax.config.jax_enable_x64)  # pyright: ignore[reportAttributeAccessIssue]
    threads = _threads_of(executor, program.threads)
    pickled = _pickled((program.function, program.grid))
    task = Task(pickled, str(store.path.resolve()), store.mark, x64, threads)
    waiting: set[Future] = set()

    def finished() -> Iterator[Any]:
        for number in own:
            if store.holds(number):
                yield number
                continue
            waiting.add(executor.submit(_work, task, number))
            if len(waiting) >= _SUBMITTED:
                yield from drained()
        while waiting:
            yield from drained()

    def drained() -> list[Any]:
        done = _first(waiting)
        waiting.difference_update(done)
        return [future.result() for future in done]

    try:
        for _ in track(finished(), "sweep", len(own), progress):
            pass
    except BaseException:
        for future in waiting:
            future.cancel()
        raise


def _first(waiting: set) -> set:
    """Those that are done, at least one; not all libraries' futures are fit for `wait`."""
    done = {future for future in waiting if future.done()}
    if done:
        return done
    if all(isinstance(future, Future) for future in waiting):
        return set(wait(waiting, return_when=FIRST_COMPLETED).done)
    next(iter(waiting)).result()
    return {future for future in waiting if future.done()}


def _threads_of(executor: Any, cores: int) -> int | None:
    """Blocks at once of each process of a pool on this machine; None if its workers must say."""
    processes = getattr(executor, "_max_workers", None)
    if isinstance(executor, ThreadPoolExecutor) or not isinstance(processes, int):
        return None
    return max(cores // processes, 1)


def _threads_here() -> int | None:
    """Those of a worker of dask; None elsewhere, where all cores are this process's."""
    if "distributed" not in sys.modules:
        return None
    from distributed import get_worker

    try:
        return get_worker().state.nthreads
    except ValueError:  # no worker of dask
        return None


def _pickled(thing: Any) -> bytes:
    """With functions by value where cloudpickle is there, as dask brings it."""
    try:
        import cloudpickle
    except ImportError:
        return pickle.dumps(thing)
    return cloudpickle.dumps(thing)


class Task(NamedTuple):
    """What a worker must know of a sweep.

    Attributes:
        pickled: function and grid.
        path: of the store, and its mark: another may have taken its place.
        x64: the caller's precision.
        threads: blocks at once, if not the worker's to say.
    """

    pickled: bytes
    path: str
    mark: str
    x64: bool
    threads: int | None


_KEPT = 4  # programs of a worker that several sweeps share
_jobs: dict[Task, tuple[Program, ZarrStore]] = {}  # of this worker: compiled once for all its boxes
_making = threading.Lock()


def _work(task: Task, number: int) -> int:
    """One box, by a worker: any thread of any process."""
    with jax.enable_x64(task.x64):  # also where lanes are halved and compiled anew
        with _making:
            if task not in _jobs:
                function, grid = pickle.loads(task.pickled)
                inputs = read_inputs(Path(task.path))
                if inputs.mark != task.mark:
                    raise ValueError(
                        f"store {task.path!r} has become that of another sweep, this one's chunks "
                        "are not written to it"
                    )
                program = Program(function, grid, inputs.lanes, task.threads or _threads_here())
                program.compiled()
                _jobs[task] = program, ZarrStore(Path(task.path), inputs)
                while len(_jobs) > _KEPT:  # its threads end with the last of its boxes
                    _jobs.pop(next(iter(_jobs)))
            program, store = _jobs[task]
        store.save(number, program(store.blocks.points(number)))
    return number
