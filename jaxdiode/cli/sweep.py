"""`jaxdiode sweep`."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import tyro

from .. import _plain_checks as _checks
from ..files import device_file
from .common import Cache, Count, DeviceFile, check_folder, finish, make_folder, say, start_jax

if TYPE_CHECKING:
    import xarray

    from ..studies.sweep import Estimate, Grid

_STORE = tyro.conf.arg(metavar="MAP.zarr")
_TOLERANCE = tyro.conf.arg(metavar="ERROR")
_AXIS = tyro.conf.arg(metavar="AXIS")
_SHARD = tyro.conf.arg(metavar="K/N")
_SUMMARISED = 10**7  # points of a store that are read once more, for the largest of them


def sweep(
    device: DeviceFile,
    out: Path = Path("jaxdiode-sweep"),
    store: Annotated[Path | None, _STORE] = None,
    shard: Annotated[str | None, _SHARD] = None,
    chunk: Count = None,
    along: Annotated[str | None, _AXIS] = None,
    refine: Annotated[float | None, _TOLERANCE] = None,
    points: Count = None,
    explain: bool = False,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Critical currents on the grid of the file's [sweep], to netCDF or Zarr; resumes.

    Example: jaxdiode sweep device.toml

    With points where the map needs them: jaxdiode sweep device.toml --refine 1e-3

    As a job array: jaxdiode sweep device.toml --store map.zarr --shard $SLURM_ARRAY_TASK_ID/64

    Args:
        device: TOML file with [device] and [sweep], or JSON with a device and such a section.
        out: Folder for the netCDF file and the figure.
        store: Zarr store instead, which any number of processes may write to at once.
        shard: Share K of N of the store's chunks, K from 0 to N-1.
        chunk: Points of a chunk, which is written whole; from the memory there is if not given.
        along: Axis that is followed from point to point, each going on from the one before: a
            circuit or a SQUID keeps its flux state, a diffusive junction saves time.
        refine: Start from the grid of [sweep] and refine it to this error, of eta itself, of
            currents as a share of the largest.
        points: At most so many with --refine, 100000 if not given.
        explain: Say what it will take, from compiling it and computing a few points; write nothing.
        force: Overwrite the folder's files; remove the store that is there.
    """
    table = device_file.read(device)
    axes = table.get("sweep", {})
    if not axes:
        raise ValueError("device file must have a [sweep] section; `jaxdiode new` writes one")
    if chunk is not None:
        _checks.whole_number("chunk", chunk)
    if shard is not None and store is None:
        raise ValueError("shard needs a store that all jobs can reach: --store map.zarr")
    if points is not None:
        _checks.whole_number("points", points)
        if refine is None:
            raise ValueError("points needs --refine, a sweep computes all points of its grid")
    if refine is not None:
        _refuse_beside_refine(refine, shard=shard is not None, explain=explain, along=along)
    target = out / ("sweep.nc" if refine is None else "refined.nc")
    if store is None and not explain:
        unfinished = target.with_name(target.name + ".partial").exists()
        check_folder(out, force or (unfinished and not target.exists()))
    start_jax(cache)
    from ..core.continuation import continuation_of
    from ..core.device import critical_currents
    from ..studies import sweep as sweeps

    made = device_file.device(table)
    function = critical_currents if along is None else continuation_of(made)
    unit = device_file.unit(table)
    axes = {name: device_file.axis(name, given) for name, given in axes.items()}
    grid = sweeps.Grid(made, axes, along, unit)
    if refine is not None:
        options = {} if points is None else {"points": points}
        options |= {"tolerance": refine, "chunk": chunk, "store": store, "overwrite": force}
        _refine(grid, options, target)
        return
    if explain:
        for line in _lines(sweeps.estimate(function, grid, chunk=chunk, store=store,
                                           shard=shard)):  # fmt: skip
            say(line)
        return
    if store is not None:
        data = sweeps.sweep_grid(
            function, grid, chunk=chunk, store=store, shard=shard, overwrite=force
        )
        _say_of_store(data, axes, store)
        return
    folder = make_folder(out)
    data = sweeps.sweep_grid(function, grid, chunk=chunk, path=target, overwrite=force)
    _summarise(data, axes)
    drawn = [n for n in data["efficiency"].shape if n > 1] if "efficiency" in data else []
    if len(drawn) in (1, 2):
        from .. import plot

        plot.dataset(data).savefig(folder / "efficiency.png")
    finish(out)


def _refuse_beside_refine(refine: float, *, shard: bool, explain: bool, along: str | None) -> None:
    _checks.positive_number("refine", refine)
    if along is not None:
        raise ValueError(f"along must be left out with --refine, whose points lie where the map "
                         f"needs them, got {along!r}")  # fmt: skip
    if shard:
        raise ValueError("shard must be left out with --refine, which one process does at a time")
    if explain:
        raise ValueError("explain must be left out with --refine: how many points it takes is not "
                         "known before")  # fmt: skip


def _refine(grid: "Grid", options: dict[str, Any], target: Path) -> None:
    """A refined map to its store, or to netCDF with a figure."""
    from ..core.critical import rounded_efficiency
    from ..core.device import critical_currents
    from ..studies.refine import FLAGS, refine_grid

    store = options["store"]
    if store is None:
        make_folder(target.parent)
        options = options | {"overwrite": False}
    data = refine_grid(critical_currents, grid, **options)
    counts = {name: int((data["flag"] == k).sum()) for k, name in enumerate(FLAGS)}
    told = [f"{count} {name}" for name, count in counts.items() if count]
    say(f"{data.sizes['point']} points, {data.sizes['cell']} cells: {', '.join(told)}")
    efficiency = data["efficiency"].to_numpy()
    if np.isfinite(efficiency).any():
        best = int(np.nanargmax(efficiency))
        where = {name: float(data[name][best]) for name in grid.names}
        say(f"largest eta {rounded_efficiency(efficiency[best]):+.6f} at {where}")
    if store is not None:
        say(f"Results in {store.resolve()}")
        return
    from .._atomic import atomic_write

    atomic_write(target, lambda p: data.to_netcdf(p, engine="h5netcdf"))
    if len(grid.names) <= 2:
        from .. import plot

        plot.refined(data).savefig(target.parent / "efficiency.png")
    finish(target.parent)


def _size_of(data: "xarray.Dataset", axes: Iterable[str]) -> int:
    """Points of the grid that the axes span."""
    return math.prod(data.sizes[name] for name in axes)


def _summarise(data: "xarray.Dataset", axes: Iterable[str]) -> None:
    from ..core.critical import rounded_efficiency
    from ..numerics.status import Status
    from ..studies.sweep import status_counts

    if "efficiency" not in data or "status" not in data:  # of a continuation of the user's own
        say(f"{_size_of(data, axes)} points of {', '.join(map(str, data))}")
        return
    known = data["efficiency"].notnull()
    failed = int((~known).sum())
    best = data["efficiency"].argmax(...) if known.any() else {}
    where = {k: float(data[k][v]) for k, v in best.items() if k in data.coords}
    largest = rounded_efficiency(data["efficiency"].max())
    say(f"{known.size} devices, {failed} failed; largest eta {largest:+.6f} at {where}")
    counts = status_counts(data)
    noted = [f"{n} {name}" for name, n in counts.items() if name != Status.CONVERGED.name]
    if noted:
        say(f"statuses: {', '.join(noted)}")


def _say_of_store(data: "xarray.Dataset", axes: Iterable[str], store: Path) -> None:
    size = _size_of(data, axes)
    if "finished" in data:
        there = int(data["finished"].sum())
        say(f"{there} of {data['finished'].size} devices are there")
    elif size <= _SUMMARISED:
        _summarise(data.load(), axes)
    else:
        say(f"all {size} devices are there")
    say(f"Results in {store.resolve()}")


def _lines(told: "Estimate") -> list[str]:
    """The estimate as a table of lines."""
    shape = " × ".join(map(str, told.shape))
    found = f", {told.found} of them there" if told.found else ""
    seconds = told.points * told.point_seconds
    each = told.chunk * told.point_seconds
    return [
        f"points    {told.points} to compute, of a grid of {shape}",
        f"chunks    {told.chunks} of {told.chunk} points{found}; one takes {_duration(each)}",
        f"bytes     {_size(told.bytes)} for the whole grid, before compression",
        f"compile   {_duration(told.compile_seconds)}",
        f"expected  {_duration(seconds)}, {told.point_seconds * 1e6:.3g} µs a point in "
        f"{told.blocks} blocks of {told.lanes} at once",
    ]


def _size(count: int) -> str:
    for name, unit in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} B"


def _duration(seconds: float) -> str:
    for name, unit in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
