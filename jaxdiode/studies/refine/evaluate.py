"""A refined map read anywhere: on a uniform grid, or at points of one's own."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ... import _checks
from ...numerics.hermite_cells import corners_of, predict
from .columns import SLOPE
from .refinement import BOUNDARY
from .result import ERROR, FLAG, KIND, LOW, NODES, SIZE

if TYPE_CHECKING:
    import xarray

_AT_ONCE = 1 << 14  # places


def refined_map(
    data: "xarray.Dataset", at: int | Mapping[str, Any] | None = None
) -> "xarray.Dataset":
    """A refined map on a grid, with the error of every value.

    Between its points the map is interpolated from values and exact slopes: cubic Hermite where
    it is smooth, the larger or smaller tangent plane where it turns, linear where slopes diverge,
    whichever was within the error where the cell was tested. In cells across the boundary of a
    status or of NaN it is the value of the nearest point, with an infinite error.

    Args:
        data: what `refine` returned, or `load` of its file or store.
        at: values of each axis, {name: values}, all axes; a number of values for each, 201 if
            not given. Values that are DataArrays of one dimension belong together, as for
            `xarray.Dataset.interp`: points, no grid.

    Returns:
        The outputs, `<output>_error` (of the cell, in the output's unit), and `flag`: resolved 0,
        steep 1 (a kink, a cusp or a slope that the smallest cell does not resolve), jump 2 (the
        last halvings left the error as it was), boundary 3 (of a status, or of NaN), unfinished 4
        (points were spent). The error of a cell that is not resolved is at least what its values
        differ by.

    Raises:
        ValueError: other data, unknown axes, values outside them.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> data = jd.refine(jd.diode_efficiency, squid, {"flux": [0.0, 0.25, 0.5]}, tolerance=1e-3)
        >>> line = jd.results.refined_map(data, {"flux": [0.1, 0.3]})
        >>> off = line["diode_efficiency"][1] - jd.diode_efficiency(squid)
        >>> print(dict(line.sizes), bool(abs(off) <= line["diode_efficiency_error"][1] <= 1e-3))
        {'flux': 2} True
    """
    import xarray

    if "cells" not in data.attrs:
        raise ValueError("data must be a finished map that refine has made, it has no cells")
    told = json.loads(data.attrs["cells"])
    knots = {name: np.asarray(values) for name, values in told["knots"].items()}
    wanted = _wanted(knots, 201 if at is None else at)
    spread = xarray.broadcast(*wanted.values())
    where = np.stack([np.asarray(each.data, float).ravel() for each in spread], axis=1)
    for k, (name, values) in enumerate(knots.items()):
        low, high = values[0], values[-1]
        if not np.all((where[:, k] >= low) & (where[:, k] <= high)):
            raise ValueError(f"at[{name!r}] must lie from {low:g} to {high:g}, got other values")
    lattice = _Lattice(list(knots.values()), told["bits"])
    cells = _Cells.of(data, lattice)
    parts = [
        _at(data, cells, lattice, where[i : i + _AT_ONCE]) for i in range(0, len(where), _AT_ONCE)
    ]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    shape, dims = spread[0].shape, spread[0].dims
    made = xarray.Dataset(
        {
            name: ((*dims, *_inner(data, name)), values.reshape(*shape, *values.shape[1:]))
            for name, values in found.items()
        },
        {name: each for name, each in wanted.items()},
        {k: v for k, v in data.attrs.items() if k not in ("cells", "statuses")},
    )
    for name in made.variables:
        if name in data.variables:
            made[name].attrs |= data[name].attrs
    return made


def _wanted(knots: Mapping[str, np.ndarray], at: int | Mapping[str, Any]) -> dict[str, Any]:
    import xarray

    if not isinstance(at, Mapping):
        count = _checks.whole_number("at", at, at_least=2)
        at = {name: np.linspace(k[0], k[-1], count) for name, k in knots.items()}
    if set(at) != set(knots):
        raise ValueError(f"at must have the axes {', '.join(knots)}, got {', '.join(at)}")
    made = {}
    for name in knots:
        given = at[name]
        if not isinstance(given, xarray.DataArray):
            given = xarray.DataArray(np.atleast_1d(np.asarray(given, float)), dims=name)
        made[name] = given
    return made


def _inner(data: "xarray.Dataset", name: str) -> tuple[Any, ...]:
    if name == FLAG:
        return ()
    return data[name].dims[1:]


class _Lattice(NamedTuple):
    knots: list[np.ndarray]
    bits: int

    def places(self, where: Float[np.ndarray, "points axes"]) -> Float[np.ndarray, "points axes"]:
        """Places, with what lies between two as a fraction."""
        found = np.empty_like(where)
        for k, knots in enumerate(self.knots):
            cell = np.clip(np.searchsorted(knots, where[:, k], "right") - 1, 0, len(knots) - 2)
            share = (where[:, k] - knots[cell]) / (knots[cell + 1] - knots[cell])
            found[:, k] = (cell + share) * float(1 << self.bits)
        return found

    def edges(self, low: np.ndarray, size: np.ndarray) -> np.ndarray:
        steps = [np.diff(k)[low[:, a] >> self.bits] for a, k in enumerate(self.knots)]
        return np.stack(steps, axis=1) * (size / (1 << self.bits))

    def code(self, places: np.ndarray) -> np.ndarray:
        found = np.zeros(len(places), np.int64)
        for k, knots in enumerate(self.knots):
            found = found * (((len(knots) - 1) << self.bits) + 1) + places[:, k]
        return found


class _Cells(NamedTuple):
    """Cells by their size: numbers of those of one size, sorted by their place."""

    low: Int[np.ndarray, "cells axes"]
    size: Int[np.ndarray, "cells axes"]
    nodes: Int[np.ndarray, "cells nodes"]
    sizes: list[tuple[np.ndarray, np.ndarray, np.ndarray]]

    @classmethod
    def of(cls, data: "xarray.Dataset", lattice: _Lattice) -> "_Cells":
        low, size = (np.asarray(data[name], np.int64) for name in (LOW, SIZE))
        different, which = np.unique(size, axis=0, return_inverse=True)
        codes, sizes = lattice.code(low), []
        for k, each in enumerate(different):
            own = np.flatnonzero(which.ravel() == k)
            own = own[np.argsort(codes[own])]
            sizes.append((each, codes[own], own))
        sizes.sort(key=lambda one: -len(one[1]))
        return cls(low, size, np.asarray(data[NODES]), sizes)

    def at(self, places: np.ndarray, lattice: _Lattice) -> Int[np.ndarray, " points"]:
        ends = [((len(knots) - 1) << lattice.bits) - 1 for knots in lattice.knots]
        whole = np.minimum(np.floor(places).astype(np.int64), ends)
        found, left = np.full(len(places), -1), np.arange(len(places))
        for size, codes, numbers in self.sizes:
            wanted = lattice.code(whole[left] // size * size)
            place = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
            hit = codes[place] == wanted
            found[left[hit]] = numbers[place[hit]]
            left = left[~hit]
            if not len(left):
                break
        return found


def _at(
    data: "xarray.Dataset", cells: _Cells, lattice: _Lattice, where: np.ndarray
) -> dict[str, np.ndarray]:
    """Outputs, their errors and flags."""
    axes, places = where.shape[1], lattice.places(where)
    own = cells.at(places, lattice)
    low, size, nodes = cells.low[own], cells.size[own], cells.nodes[own]
    share = np.clip((places - low) / size, 0.0, 1.0)
    steps = round(nodes.shape[1] ** (1 / axes)) - 1
    # A cell whose tests are known is interpolated between them: its error is from before.
    divided = np.where(np.all(nodes >= 0, axis=1), steps, 1)[:, None]
    sub = np.minimum(np.floor(share * divided).astype(int), divided - 1)
    inside = share * divided - sub
    corner = (sub[:, None] + corners_of(axes)) * (steps // divided)[:, None]
    weight = (steps + 1) ** np.arange(axes)[::-1]
    points = np.take_along_axis(nodes, corner @ weight, axis=1)
    edges = lattice.edges(low, size) / divided
    nearest = np.take_along_axis(
        points, (np.round(inside).astype(int) @ (1 << np.arange(axes)[::-1]))[:, None], axis=1
    )[:, 0]
    flag = np.asarray(data[FLAG])[own]
    found: dict[str, np.ndarray] = {}
    smooth = [n for n in map(str, data.variables) if n + ERROR in data]
    for name, variable in data.data_vars.items():
        values = np.asarray(variable)
        if name in smooth:
            kind = np.asarray(data[f"{name}{KIND}"])[own]
            slopes = np.asarray(data[f"{name}{SLOPE}"])
            between = _between(inside, values[points], slopes[points], edges, kind)
            far = (flag == BOUNDARY).reshape(-1, *[1] * (values.ndim - 1))
            found[str(name)] = np.where(far, values[nearest], between)
            found[f"{name}{ERROR}"] = np.asarray(data[f"{name}{ERROR}"])[own]
        elif variable.dims[0] == "point" and str(name).removesuffix(SLOPE) not in smooth:
            found[str(name)] = values[nearest]
    return found | {FLAG: flag}


def _between(inside, values, slopes, edges, kind) -> np.ndarray:
    """Interpolated values of one output, of any shape."""
    count, axes = inside.shape
    shape, parts = values.shape[2:], 2 if values.dtype.kind == "c" else 1
    if parts == 2:
        values, slopes = (np.stack([x.real, x.imag], axis=-1) for x in (values, slopes))
    flat = values.reshape(count, values.shape[1], -1).astype(float)
    steep = slopes.reshape(count, values.shape[1], axes, -1) * edges[:, None, :, None]
    found = predict(inside, flat, steep).value
    found = np.take_along_axis(found, kind.reshape(count, 1, -1).astype(int), axis=1)[:, 0]
    if parts == 2:
        found = found.reshape(count, -1, 2)
        return (found[..., 0] + 1j * found[..., 1]).reshape(count, *shape)
    return found.reshape(count, *shape)
