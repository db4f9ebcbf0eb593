"""Sweeps into a Zarr store: by one process, by shares of job arrays, by workers of an executor."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _checks
from ...core.continuation import SweepFunction
from ...progress import track
from .blocks import Blocks
from .grid import Grid
from .memory import fitted
from .program import Program
from .reports import say
from .same import sample_points
from .workers import compute_by, require_spawned
from .zarr_layout import (
    create_store,
    mend_coordinates,
    read_inputs,
    remove_store,
    require_same,
    require_same_values,
    require_zarr,
)
from .zarr_store import ZarrStore, read_store

if TYPE_CHECKING:
    import xarray


def sweep_to_store(
    function: SweepFunction, grid: Grid, path: Path, *, chunk: int | None, shard: Any,
    executor: Any, overwrite: bool, progress: bool,
) -> "xarray.Dataset":  # fmt: skip
    """Every box of the grid, or of this worker's share, that the store does not hold yet."""
    require_zarr()
    share, of = shard_of(shard)
    if executor is not None:
        if of > 1:
            raise ValueError(
                f"shard must be left out with an executor, which shares by itself, got {shard!r}"
            )
        require_spawned(executor)
    if overwrite and path.exists():
        if of > 1:
            raise ValueError(
                "overwrite (--force) must be left out for a shard: others write to the same store"
            )
        remove_store(path)
    program, store = _opened(function, grid, path, chunk)
    own = range(share, store.blocks.count, of)
    if progress and (there := int(np.sum(store.finished()[share::of]))):
        say(f"{there} of {len(own)} chunks found in {path}")
    with program:
        if executor is None:
            _compute(program, store, own, progress)
        else:
            compute_by(executor, program, store, own, progress)
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


def _opened(
    function: SweepFunction, grid: Grid, path: Path, chunk: int | None
) -> tuple[Program, ZarrStore]:
    """The store of this sweep, made unless it is there, and the program with its lanes."""
    program, sample = None, {}
    if path.exists():
        require_same(path, read_inputs(path), grid, chunk)
    else:
        program, most = fitted(function, grid, chunk)
        sample = program(sample_points(grid))
        grid.require_outputs(sample)
        create_store(path, grid, Blocks(grid.shape, most), program.lanes, sample)
    inputs = read_inputs(path)  # of another process, if that was first
    require_same(path, inputs, grid, chunk)
    if program is None or program.lanes != inputs.lanes:
        program = Program(function, grid, inputs.lanes)
        sample = program(sample_points(grid))
    require_same_values(path, inputs, sample)
    for name in mend_coordinates(path, inputs):
        say(f"axis {name!r} of {path} was damaged and is written again")
    return program, ZarrStore(path, inputs)


def _compute(program: Program, store: ZarrStore, own: Sequence[int], progress: bool) -> None:
    missing = (
        (number, store.blocks.points(number))
        for number in track(own, "sweep", len(own), progress)
        if not store.holds(number)
    )
    for number, values in program.in_turn(missing, store.blocks.size):
        store.save(number, values)
