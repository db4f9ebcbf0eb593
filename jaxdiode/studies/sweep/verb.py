"""The sweep verb: any function of a device over a grid of its parameters, in chunks."""

import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _checks
from ..._checks import Numbers
from ...core.continuation import SweepFunction
from ...core.device import AbstractDevice
from ...progress import track
from .grid import Grid
from .memory import fitted
from .reports import say
from .same import sample_points
from .store import Store
from .stored import sweep_to_store

if TYPE_CHECKING:
    import xarray


def sweep(
    function: SweepFunction,
    device: AbstractDevice,
    axes: Mapping[str, Numbers],
    *,
    along: str | None = None,
    chunk: int | None = None,
    path: str | Path | None = None,
    store: str | Path | None = None,
    shard: str | tuple[int, int] | None = None,
    executor: Any = None,
    overwrite: bool = False,
    progress: bool = True,
) -> "xarray.Dataset":
    """function(device) on the grid spanned by the axes, as a labelled dataset.

    The grid is cut into chunks, and these into blocks of few lanes (256 at most on the CPU), all
    of which run one compiled program: side by side on all cores, or in turn on all JAX devices of
    another platform. A lane that fails is NaN with its status and leaves the others alone. The
    bits of the results do not depend on how many cores, devices, shares or workers there are, on
    machines of one kind. Where memory does not suffice the lanes are halved, a line on stderr says
    so, and the last digits may differ.

    Which points failed, and why: `status`, 0 where a point converged, has the codes and names of
    `jd.Status` as attributes; the attribute `statuses` of the dataset counts them (of a store and
    of a part of a sweep `jd.results.status_counts` does). A function of one's own that returns
    numbers alone has no status, and its failures are NaN.

    Args:
        function: device → number, array, dict of them, or what has `as_dict()`, such as
            `CriticalCurrents`: plus, minus, efficiency and status. Or a continuation, such as
            `jd.continuation.RetainedFluxState()`, which goes on from point to point of `along`.
        device: the device whose other parameters stay as they are.
        axes: {name: values}. A name is a path as in `Space`; if it covers several
            parameters ("flux", "branches.2") all get the same value. Values of shape
            (n, m) set the m parameters of the name one by one.
        along: the axis that a continuation follows, in the order of its values; it becomes the
            last one of the result. Rows along it are computed side by side, each from its first
            point on, and are kept and written whole. Where its values turn back the result has a
            coordinate `direction`, "up" or "down".
        chunk: grid points that are kept and written together. If not given 8192, or more so that
            there are at most 4096 chunks, or fewer so that their outputs take at most a 32nd of
            the memory of the machine (or of the control group); of a store, those it was begun
            with. On an accelerator a chunk is computed at once, as far as half of its memory holds
            it, and its default is as many as that, up to 65536.
        path: netCDF file to write. Finished chunks are kept in a folder beside it, with their
            axes and the device, until it is complete; the same call after an interruption goes
            on from there. `jd.load(path)` reads what is there at any time; the file itself, which
            xarray opens, is there in the end. A chunk that is damaged is computed again. One
            process at a time may write to a path (network file systems need a working `flock`
            for that).
        store: folder of a Zarr store to write instead (extra `jaxdiode[cluster]`). A chunk is
            written when it is computed, so that memory is bounded by the chunk, whatever the grid.
            What is returned reads from the store, and has a variable `finished` while there is
            something to compute. The same call after an interruption goes on; a chunk that is
            missing, cut short or altered is computed again. Any number of processes may write to
            a store at once, and `xarray.open_zarr` opens it at any moment: points that are not
            there yet are NaN (−1 in whole numbers). `.to_netcdf(...)` exports it.
        shard: "k/n" or (k, n): of the chunks of the store only every nth from k on, 0 ≤ k < n, as
            jobs of an array do that know nothing of each other.
        executor: workers that compute the chunks and write them to the store: dask's
            `client.get_executor()`, or any executor of `concurrent.futures` (MPI's, loky's), of
            processes that do not fork ("spawn"). Function and device are sent by cloudpickle.
        overwrite: let the complete file take the place of one that is there; remove the store.
        progress: show a bar on a terminal; elsewhere a line on stderr for every tenth of a sweep
            that takes more than ten seconds.

    Raises:
        ValueError: a continuation without `along`, or `along` without one; unknown names, axes
            empty, non-finite or outside what the device allows, a path that exists already or that
            another sweep is writing, or left-overs at `path` of a sweep with other inputs; a store
            of another device, grid, function, chunk or version of jaxdiode (what differs is said),
            a share that is none.
        OSError: the disk is full, or the store cannot be written: what is there is kept, and the
            same call goes on.
        MemoryError: a single point is too much.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> axes = {"flux": np.linspace(0, 1, 5), "branches.1.first": [60, 80]}
        >>> data = jd.sweep(jd.critical_currents, squid, axes)
        >>> print(dict(data.sizes), sorted(data))
        {'flux': 5, 'branches.1.first': 2} ['efficiency', 'minus', 'plus', 'status']
        >>> print(f"{float(data['plus'].sel(flux=0.25)[1]):.6f}")
        75.310990
        >>> for shard in ("0/2", "1/2"):  # two jobs, elsewhere and at any time
        ...     mapped = jd.sweep(jd.critical_currents, squid, axes, store="map.zarr", shard=shard)
        >>> print("finished" in mapped, bool((mapped["plus"] == data["plus"]).all()))
        False True
    """
    return sweep_grid(
        function, Grid(device, axes, along), chunk=chunk, path=path, store=store, shard=shard,
        executor=executor, overwrite=overwrite, progress=progress,
    )  # fmt: skip


def sweep_grid(
    function: SweepFunction, grid: Grid, *, chunk: int | None = None,
    path: str | Path | None = None, store: str | Path | None = None, shard: Any = None,
    executor: Any = None, overwrite: bool = False, progress: bool = True,
) -> "xarray.Dataset":  # fmt: skip
    """The same of a grid that is there, which may know the unit of currents."""
    if chunk is not None:
        chunk = _checks.whole_number("chunk", chunk)
    grid.take(function)
    if store is not None:
        if path is not None:
            raise ValueError("path must be left out where a store is given, got both")
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(store)):
            raise ValueError(f"store must be a folder of a file system, got {str(store)!r}")
        return sweep_to_store(
            function, grid, Path(store), chunk=chunk, shard=shard, executor=executor,
            overwrite=overwrite, progress=progress,
        )  # fmt: skip
    for name, given in (("shard", shard), ("executor", executor)):
        if given is not None:
            raise ValueError(f"{name} needs a store that all workers can reach, got none")
    return _sweep_here(function, grid, chunk, path, overwrite, progress)


def _sweep_here(function, grid: Grid, chunk: int | None, path, overwrite: bool, progress: bool):
    """In this process, all results in its memory."""
    results: dict[str, np.ndarray] = {}
    with nullcontext() if path is None else Store(Path(path), overwrite) as store:
        program, chunk = fitted(function, grid, chunk)
        starts = range(0, grid.size, chunk)

        def missing() -> Iterator[tuple[int, np.ndarray]]:
            for start in track(starts, "sweep", len(starts), progress):
                if store and (saved := store.load(start)) is not None:
                    grid.place(results, start, saved)
                else:
                    yield start, np.arange(start, min(start + chunk, grid.size))

        with program:
            if store:
                sample = program(sample_points(grid))
                grid.require_outputs(sample)
                store.open(grid, chunk, sample)
                if progress and (done := store.count()):
                    say(f"{done} of {len(starts)} chunks found in {store.folder}")
            for start, host in program.in_turn(missing(), chunk):
                if store:  # files of one shape, the last repeats its last point
                    short = start + chunk - min(start + chunk, grid.size)
                    host = {
                        k: np.concatenate([v, np.repeat(v[-1:], short, axis=0)])
                        for k, v in host.items()
                    }
                    store.save(start, host)
                grid.place(results, start, host)
        dataset = grid.dataset(results)
        if store:
            store.finish(dataset)
    return dataset
