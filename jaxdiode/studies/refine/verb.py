"""The verb refine: a map of a function of a device, with points where it needs them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import PyTree

from ... import _checks
from ..._checks import Numbers
from ...core.device import AbstractDevice
from ..sweep.grid import Grid
from ..sweep.labels import described
from ..sweep.memory import lanes_of
from ..sweep.reports import say
from ..sweep.zarr_layout import require_zarr
from .columns import Tolerance, smooth
from .lattice import Lattice
from .program import SlopeProgram
from .refinement import Refinement
from .result import ERROR, FLAG, KIND, LOW, NODES, SIZE, cell_dataset, point_dataset
from .source import KNOWN, PLACE, Source
from .store import CELLS, PointStore
from .study import (
    create,
    read_study,
    remove,
    require_same,
    require_same_values,
    told_of,
    written_by_one,
)

if TYPE_CHECKING:
    import xarray

_CHUNK, _CHUNK_ELSEWHERE = 512, 8192  # points; of an accelerator
_SAMPLED = 16  # points whose values tell two functions apart
RESERVED = (LOW, SIZE, NODES, FLAG, "chunks")


def refine(
    function: Callable[[Any], PyTree],
    device: AbstractDevice,
    axes: Mapping[str, Numbers],
    *,
    tolerance: float | Mapping[str, float] = 1e-3,
    finest: float = 1e-3,
    points: int = 100_000,
    chunk: int | None = None,
    store: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> "xarray.Dataset":
    """function(device) over its axes to a stated error, with points where the map needs them.

    The grid of the given values is cut into cells, of which each interpolates between its corners
    from values and exact slopes (forward derivatives, in the same run) and is tested at its middle
    and the middles of its edges and faces, and by points of its neighbours. A cell that is wrong by
    more than the tolerance is halved, along the axes on which it is wrong. Where the map is smooth
    it is a cubic Hermite element, of fourth order; where it turns (peaks of I(φ) that tie) the
    larger or the smaller tangent plane; where slopes diverge linear. Cells across a jump, a change
    of status, of another whole number or of what is NaN are halved down to the smallest, and
    flagged. All points are computed by one program of a fixed number of lanes.

    Args:
        function: device → what `sweep` takes. Status, whole numbers and truths mark regions.
        device: the device whose other parameters stay as they are.
        axes: {name: values} as of `sweep`, at least two values each, increasing: the coarse grid.
            What lies between them and is narrower than half of their steps may be missed. Values
            of shape (n, m) are rows of m parameters, and what lies between two rows follows
            monotone cubics; coordinates are then the rows' numbers.
        tolerance: error of the map. A number is the error of η itself, of other outputs relative
            to their largest magnitude; {output: error}, in the output's unit, refines those only.
        finest: edge of a smallest cell, as a share of its axis.
        points: how many may be computed at most. With more of them the same call goes on.
        chunk: points that are computed and written together, 512 (8192 on an accelerator) if
            not given.
        store: folder of a Zarr store (extra `jaxdiode[cluster]`), to which chunks are written in
            the order of rounds, with checksums. The same call after an interruption goes on, to
            the same bits; what is damaged is computed again. `xarray.open_zarr` opens it at any
            moment (`known` says which points are there), group "cells" has the cells in the end;
            `load` reads both. One process at a time may write.
        overwrite: remove the store that is there.
        progress: show a bar on a terminal; elsewhere lines on stderr of rounds that take long.

    Returns:
        A dataset of points (dimension `point`: axes, outputs, `<output>_slope`) and cells
        (`cell`: `cell_low` and `cell_size` in whole numbers of places, `cell_point`, `flag`,
        `<output>_error` and `<output>_kind`). `results.refined_map` puts it on a grid, with errors,
        and `plot.refined` draws it.

    Raises:
        ValueError: what `sweep` refuses; axes with one value or that do not increase, points too
            few for the coarse grid, tolerances that are not positive or of no output; a store of
            another study, or one that another process is writing.
        OSError: the disk is full, or the store cannot be written: what is there is kept.

    Example:
        >>> squid = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.4, 0.4))
        >>> axes = {"flux": np.linspace(0, 0.5, 9), "branches.2.first": [60.0, 80.0, 100.0]}
        >>> data = jd.refine(jd.critical_currents, squid, axes, tolerance={"efficiency": 1e-2})
        >>> print(data.sizes["axis"], bool((data["flag"] == 0).all()))
        2 True
        >>> at = {"flux": np.linspace(0, 0.5, 101), "branches.2.first": [81.0]}
        >>> grid = jd.results.refined_map(data, at)
        >>> exact = jd.sweep(jd.critical_currents, squid, at)
        >>> print(bool((abs(grid["efficiency"] - exact["efficiency"]) < 1e-2).all()))
        True

    Source:
        A. Adini and R. W. Clough (1961), P. G. Ciarlet, The Finite Element Method for Elliptic
        Problems, section 2.2, for the element.
    """
    if not callable(function):
        raise ValueError(
            "function must be a function of a device (continuations go with sweep, along an axis), "
            f"got {type(function).__name__}"
        )
    return refine_grid(
        function, Grid(device, axes), tolerance=tolerance, finest=finest, points=points,
        chunk=chunk, store=store, overwrite=overwrite, progress=progress,
    )  # fmt: skip


def refine_grid(
    function: Callable[[Any], PyTree], grid: Grid, *, tolerance: float | Mapping[str, float],
    finest: float = 1e-3, points: int = 100_000, chunk: int | None = None,
    store: str | Path | None = None, overwrite: bool = False, progress: bool = True,
) -> "xarray.Dataset":  # fmt: skip
    """The same of a coarse grid that is there, which may know the unit of currents."""
    lattice = Lattice(grid, _share("finest", finest))
    wanted = Tolerance(_tolerance(tolerance))
    points = _checks.whole_number("points", points)
    if chunk is None:
        chunk = _CHUNK if jax.default_backend() == "cpu" else _CHUNK_ELSEWHERE
    chunk = _checks.whole_number("chunk", chunk)
    lanes = lanes_of(chunk) if jax.default_backend() == "cpu" else chunk
    refinement = Refinement(lattice, wanted, points)
    if store is None:
        return _refined(function, refinement, chunk, lanes, None, progress)
    require_zarr()
    path = Path(store)
    with written_by_one(path):
        if overwrite and path.exists():
            remove(path)
        return _refined(function, refinement, chunk, lanes, path, progress)


def _refined(
    function: Callable, refinement: Refinement, chunk: int, lanes: int, path: Path | None,
    progress: bool,
) -> "xarray.Dataset":  # fmt: skip
    lattice = refinement.lattice
    told = told_of(lattice, refinement.tolerance.given, chunk, lanes)
    study = None
    if path is not None and path.exists():
        study = read_study(path)
        require_same(path, study, told)
        lanes = study.told["lanes"]
    program = SlopeProgram(function, lattice, lanes)
    with program:
        opened, sample = None, _sample(program)
        _require_outputs(sample, lattice.grid)
        refinement.tolerance.require(smooth(sample))
        if path is not None:
            if study is None:
                create(path, lattice, told, sample)
                study = read_study(path)
            require_same_values(path, study, sample)
            opened = PointStore(path, study)
        source = Source(program, chunk, opened, progress)
        leaves = refinement.run(source)
        if progress and source.found:
            say(f"{source.found} chunks found in {path}")
    found = point_dataset(lattice, refinement.places, refinement.outputs)
    cells = cell_dataset(lattice, leaves, refinement.parts, refinement.outputs)
    if opened is not None:
        opened.write_cells(cells)
    return described(found.merge(cells).assign_attrs(cells.attrs))


def _sample(program: SlopeProgram) -> dict[str, np.ndarray]:
    """Values at some points of the coarse grid."""
    grid, knots = program.grid, program.lattice.knots
    where = np.unravel_index(grid.spread(min(_SAMPLED, grid.size)), grid.shape)
    return program(np.stack([k[i] for k, i in zip(knots, where, strict=True)], axis=1))


def _require_outputs(sample: Mapping[str, np.ndarray], grid: Grid) -> None:
    """Refuse what could not be labelled."""
    grid.require_outputs(sample)
    taken = {"point", "axis", "cell", "node", KNOWN, PLACE, CELLS, *RESERVED}
    names = set(sample)
    for name in sample:
        if name in taken or (name.endswith((ERROR, KIND)) and name.rsplit("_", 1)[0] in names):
            raise ValueError(f"function must not name an output {name!r}, the map has its own")


def _tolerance(given: Any) -> float | dict[str, float]:
    if not isinstance(given, Mapping):
        return float(_checks.positive("tolerance", given))
    if not given:
        raise ValueError("tolerance must name at least one output, got none")
    return {
        str(name): float(_checks.positive(f"tolerance[{name!r}]", value))
        for name, value in given.items()
    }


def _share(name: str, given: Any) -> float:
    share = float(_checks.positive(name, given))
    if share > 1:
        raise ValueError(f"{name} must be a share of the axis, at most 1, got {share:g}")
    return share
