"""Tables, blocks and matrices of plain text."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .dataset import to_dataset
from .grid import Grid
from .layout import Layout, find_layout, number
from .numbers import ends_within_a_line, line_of, read_numbers
from .table import Column, Table, fault, named_with_units

if TYPE_CHECKING:
    import xarray

_WIDE = 6  # columns of what may be a matrix without names


def read_text(
    path: Path,
    axes: Sequence[str] | None,
    values: Sequence[str] | None,
    units: Mapping[str, str] | None,
    matrix: bool = False,
) -> "xarray.Dataset":
    """The dataset of a text file.

    Raises:
        ValueError: as `lab.read`.
    """
    layout = find_layout(path)
    numbers = read_numbers(layout)
    if layout.header and any(_is_finite(c, layout) for c in layout.header[1:]):
        top = np.array([number(c, layout.comma) for c in layout.header[1:]])
        table = _matrix(layout, top, numbers, layout.header[0], axes, values)
    elif matrix or (layout.header is None and _looks_like_matrix(numbers)):
        if layout.header is not None:
            raise fault(path, "must begin with the values of an axis to be a matrix, got names")
        table = _matrix(layout, numbers[0, 1:], numbers[1:], "", axes, values)
        if not matrix:
            table.guesses.append("a matrix: its first row and its first column are evenly spaced")
    else:
        table = _columns(layout, numbers)
    del numbers
    made = to_dataset(table, axes, values, units)
    if ends_within_a_line(layout):
        _require_whole_end(layout, made, table)
    return made


def _columns(layout: Layout, numbers: np.ndarray) -> Table:
    declared = _of_qtlab(layout)
    header = declared[0] if declared else layout.header
    named = named_with_units(header if header is not None else [""] * layout.width)
    if layout.units is not None:
        named = [(n, u or own, t) for (n, u, t), own in zip(named, layout.units, strict=False)]
    columns = [
        Column(name, np.ascontiguousarray(numbers[:, k]), unit, label)
        for k, (name, unit, label) in enumerate(named)
        if k not in layout.text
    ]
    table = Table(layout.path, "text", columns, _about(layout))
    if layout.text:
        table.about["text_columns"] = ", ".join(named[k][0] for k in layout.text)
    if declared:
        table.axes, table.ordered = [named[k][0] for k in declared[1]], False
    if header is None:
        table.guesses.append("columns have no names in the file")
    table.place = lambda row: f"line {line_of(layout, row)}"
    return table


def _about(layout: Layout) -> dict[str, str]:
    return {"comments": "\n".join(layout.comments)} if layout.comments else {}


def _of_qtlab(layout: Layout) -> tuple[list[str], list[int]] | None:
    """Names, and which columns are coordinates, of a header that lists "# Column 1:" and so on."""
    found: list[dict[str, str]] = []
    for line in layout.comments:
        plain = line.lstrip("#%/ \t")
        if re.fullmatch(r"Column \d+:?", plain.strip()):
            found.append({})
        elif found and ":" in plain:
            key, _, value = plain.partition(":")
            found[-1][key.strip().lower()] = value.strip()
    if len(found) != layout.width or not all("name" in column for column in found):
        return None
    axes = [k for k, column in enumerate(found) if column.get("type", "") == "coordinate"]
    return ([column["name"] for column in found], axes) if axes else None


def _is_finite(cell: str, layout: Layout) -> bool:
    return bool(np.isfinite(number(cell, layout.comma)))


def _looks_like_matrix(numbers: np.ndarray) -> bool:
    """No names, and both edges are evenly spaced: no table of columns begins like that."""
    if numbers.shape[1] < _WIDE or numbers.shape[0] < _WIDE:
        return False
    for edge in (numbers[0, 1:], numbers[1:, 0]):
        step = np.diff(edge)
        mean = np.mean(step)
        if not abs(mean) > 0 or np.max(np.abs(step - mean)) > 1e-3 * abs(mean):
            return False
    return True


def _matrix(layout: Layout, top, numbers, corner, axes, values) -> Table:
    """Rows are points of one axis, columns those of the other."""
    rows = numbers[:, 0].copy()
    inner = numbers[:, 1:]
    parts = [part.strip() for part in re.split(r"\\|\|", corner)] if corner else []
    names = parts if len(parts) in (2, 3) else ["row", "column"]
    if axes is not None and len(axes) == 2 and len(parts) < 2:
        names = list(axes)
    value = values[0] if values is not None and len(values) == 1 else "value"
    named = named_with_units([*names, value] if len(names) == 2 else names)
    for (name, _, _), levels in zip(named, (rows, top), strict=False):
        if not np.isfinite(levels).all():
            raise fault(layout.path, f"must have finite numbers along the axis {name!r}")
        if levels.size > 1 and np.unique(levels).size < levels.size:
            raise fault(
                layout.path, f"must have each value of the axis {name!r} once, some come again"
            )
    dims = tuple(name for name, _, _ in named[:2])
    grid = Grid(dims, inner.shape, dict(zip(dims, (rows, top), strict=True)))
    columns = [
        Column(name, data, unit, label)
        for (name, unit, label), data in zip(named, (rows, top, inner.reshape(-1)), strict=True)
    ]
    table = Table(layout.path, "text", columns, _about(layout), axes=list(dims), grid=grid)
    if len(parts) in (0, 1) and axes is None:
        table.guesses.append("the file does not name the axes of its matrix")
    return table


def _require_whole_end(layout: Layout, made: "xarray.Dataset", table: Table) -> None:
    """A last number may be cut where the file has no line end."""
    with layout.path.open(encoding=layout.encoding, errors="replace") as file:
        file.seek(0, 2)
        size = file.tell()
    wide = layout.encoding == "utf-16"
    with layout.path.open("rb") as file:
        file.seek(max(0, size - 4000) // 2 * 2)
        tail = file.read().decode("utf-16-le" if wide else layout.encoding, "replace")
    rows = [layout.cells(line) for line in re.split(r"\r\n|\r|\n", tail)[1:] if line.strip()]
    lengths = [len(r[-1].strip().lstrip("-+")) for r in rows if r]
    short = len(lengths) > 5 and len({*lengths[:-1]}) == 1 and lengths[-1] < lengths[0]
    if made.attrs["missing_points"] or short:
        raise fault(
            layout.path,
            "has no line end after its last row, within a sweep: the last number may be cut; "
            "delete the row, or end its line",
        )
