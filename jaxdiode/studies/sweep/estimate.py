"""What a sweep will take, from compiling it and computing a few of its points."""

import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...core.continuation import SweepFunction
from .blocks import Blocks
from .grid import Grid
from .memory import fitted
from .program import Program
from .stored import shard_of
from .zarr_layout import read_inputs, require_same, require_zarr
from .zarr_store import ZarrStore

_SHORT, _RUNS = 0.5, 3  # seconds of a measurement that is repeated, how often


class Estimate(NamedTuple):
    """What a sweep will take.

    Attributes:
        shape: points of each axis.
        chunk: points of a chunk at most.
        chunks: of this share of the grid.
        found: chunks of them that are there.
        points: that are left.
        bytes: of the outputs of all points of the grid, not compressed.
        lanes: points of a block.
        blocks: that run at once, on so many cores or JAX devices.
        compile_seconds: to trace and compile the program.
        point_seconds: for a point, of so many blocks at once.
    """

    shape: tuple[int, ...]
    chunk: int
    chunks: int
    found: int
    points: int
    bytes: int
    lanes: int
    blocks: int
    compile_seconds: float
    point_seconds: float


def estimate(
    function: SweepFunction,
    grid: Grid,
    *,
    chunk: int | None = None,
    store: Path | None = None,
    shard: Any = None,
) -> Estimate:
    """Compile the sweep's program and time a block of points for each that runs at once.

    Raises:
        ValueError: what `sweep` would refuse of the same arguments.
    """
    share, of = shard_of(shard)
    grid.take(function)
    if store is not None and store.exists():
        require_zarr()
        inputs = read_inputs(store)
        require_same(store, inputs, grid, chunk)
        program, blocks = Program(function, grid, inputs.lanes), inputs.blocks
        done = ZarrStore(store, inputs).finished()
    else:
        program, most = fitted(function, grid, chunk)
        blocks = Blocks(grid.shape, most)
        done = np.zeros(blocks.count, bool)
    own = range(share, blocks.count, of)
    with program:
        program.compiled()
        seconds, size = _measured(program)
    return Estimate(
        shape=grid.shape,
        chunk=blocks.size,
        chunks=len(own),
        found=int(np.sum(done[share::of])),
        points=sum(math.prod(blocks.shape(number)) for number in own if not done[number]),
        bytes=size * grid.size,
        lanes=program.lanes,
        blocks=program.threads,
        compile_seconds=program.seconds,
        point_seconds=seconds,
    )


def _measured(program: Program) -> tuple[float, int]:
    """Seconds and bytes of a point, of points all over the grid: they differ in what they cost."""
    grid, spent, found = program.grid, [], {}
    points = grid.spread(min(program.lanes * program.threads * grid.row, grid.size))
    while not spent or (spent[-1] < _SHORT and len(spent) < _RUNS):
        began = time.perf_counter()
        found = program(points)
        spent.append(time.perf_counter() - began)
    return min(spent) / len(points), sum(v[0].nbytes for v in found.values())
