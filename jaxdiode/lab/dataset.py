"""Columns of a file as a labelled dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .axes import guess_axes
from .grid import Grid, find_grid
from .table import Table, fault, find_names

if TYPE_CHECKING:
    import xarray


def to_dataset(
    table: Table,
    axes: Sequence[str] | None = None,
    values: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> "xarray.Dataset":
    """The dataset of one table: swept columns are its dimensions where the rows form a grid.

    Raises:
        ValueError: names that are not there, axes with missing numbers, points that repeat.
    """
    import xarray

    labels = [column.label for column in table.columns]
    given = {
        role: None if names is None else find_names(table.path, table.names, labels, names, role)
        for role, names in (("axes", axes), ("values", values))
    }
    swept, measured = given["axes"], given["values"]
    keep_order = swept is not None or (table.axes is not None and table.ordered)
    if swept is None:
        swept = table.axes if table.axes is not None else guess_axes(table, measured or [])
    if not swept:
        raise fault(table.path, "needs at least one swept axis, got axes=()")
    if measured is None:
        measured = [name for name in table.names if name not in swept]
    for name in measured:
        if name in swept:
            raise ValueError(f"values must not be axes, {name!r} is both")
    if not measured:
        raise fault(table.path, f"holds nothing but the axes {', '.join(swept)}")
    _require_numbers(table, swept)
    if table.columns[0].values.size < 2 and table.grid is None:
        raise fault(table.path, "must hold at least two rows")
    grid = _grid(table, swept, keep_order)
    data = {name: (grid.dims, grid.place(table[name].values)) for name in measured}
    coords = {}
    if grid.shape is None:
        coords = {name: (grid.dims, table[name].values) for name in swept}
    else:
        coords = {name: ((name,), levels) for name, levels in grid.coords.items()}
    made = xarray.Dataset(data, {**coords, **grid.extra})
    for name, variable in made.variables.items():
        known = str(name) in table.names
        variable.attrs["units"] = table[str(name)].units if known else ""
        label = table[str(name)].label if known else ""
        variable.attrs["long_name"] = label or str(name)
    left = [name for name in table.names if name not in (*swept, *measured)]
    made.attrs = {
        **table.about,  # first: a key of the file does not stand in for ours
        "source": table.path.name,
        "format": table.format,
        "missing_points": grid.missing,
        "guesses": "; ".join([*table.guesses, *grid.notes]),
        **({"left_out": ", ".join(left)} if left else {}),
    }
    set_units(made, units or {})
    return made.transpose(*swept, ...) if axes is not None and table.grid is not None else made


def _grid(table: Table, swept: list[str], keep_order: bool) -> Grid:
    if table.grid is not None:
        if sorted(swept) != sorted(table.axes or []):
            raise fault(
                table.path,
                f"is a map over {', '.join(table.axes or [])}, got axes={tuple(swept)!r}",
            )
        return table.grid
    try:
        return find_grid(
            swept, [table[name].values for name in swept], table.place, keep_order=keep_order
        )
    except ValueError as error:
        raise fault(table.path, str(error)) from error


def _require_numbers(table: Table, swept: list[str]):
    for name in swept:
        if table.grid is not None:
            continue
        column = table[name].values
        if column.dtype.kind == "c":
            raise fault(table.path, f"cannot be swept along complex numbers, as {name!r} has")
        bad = ~np.isfinite(column)
        if bad.any():
            where = table.place(int(np.argmax(bad)))
            raise fault(table.path, f"must have finite numbers along the axis {name!r}, {where}")


def set_units(dataset: "xarray.Dataset", units: Mapping[str, str]) -> None:
    """What the user says of units in place of the file."""
    names = [str(name) for name in dataset.variables]
    labels = [dataset.variables[name].attrs.get("long_name", "") for name in names]
    for name, unit in units.items():
        if not isinstance(unit, str):
            raise ValueError(f"units must hold names of units, got {unit!r} for {name!r}")
        (found,) = find_names(Path(dataset.attrs["source"]), names, labels, [name], "units")
        dataset[found].attrs["units"] = unit
