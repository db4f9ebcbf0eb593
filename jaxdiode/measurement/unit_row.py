"""Units that stand in a line of their own, below the header of a table or in a comment."""

import math
from collections.abc import Callable
from pathlib import Path

from .columns import split_unit, unit_ratio, units_in

MISSING = {"nan", "-nan", "na", "n/a", "none", "null", "--", "-", ""}

Lines = list[tuple[int, list[str]]]  # number of the line, its cells


def with_units(
    path: Path, header: list[str], rows: Lines, comments: Lines, number: Callable[[str], float]
) -> tuple[list[str], Lines]:
    """The header with the units of a row below it, or of a comment, and the rows without these.

    Raises:
        ValueError: the first row holds text and no number, or two units for one column.
    """
    found = [(i, units_in(cells)) for i, cells in comments if len(cells) == len(header)]
    if rows and units_in(rows[0][1]):
        found.append((rows[0][0], units_in(rows[0][1])))
        rows = rows[1:]
    for line, units in found:
        if units is not None:
            header = [_joined(path, line, *pair) for pair in zip(header, units, strict=False)] + (
                header[len(units) :]
            )
    if rows:
        _require_numbers(path, rows, number)
    return header, rows


def _joined(path: Path, line: int, name: str, unit: str) -> str:
    own = split_unit(name, of_any=True)[1]
    if not unit or not own:
        return f"{name} ({unit})" if unit else name
    try:
        same = unit_ratio(own, unit) == 1
    except ValueError:
        same = False
    if not same:
        raise ValueError(
            f"column {name!r} of data file {str(path)!r} must have one unit, line {line} says "
            f"{unit!r}"
        )
    return name


def _require_numbers(path: Path, rows: Lines, number: Callable[[str], float]) -> None:
    """Refuse a first row that has text above numbers and no number itself."""
    line, first = rows[0]
    if any(math.isfinite(number(cell)) for cell in first):
        return
    text = [
        cell.strip()
        for k, cell in enumerate(first)
        if cell.strip().casefold() not in MISSING | {"#n/a", "inf", "-inf"}
        and any(k < len(row) and math.isfinite(number(row[k])) for _, row in rows[1:])
    ]
    if text:
        raise ValueError(
            f"line {line} of data file {str(path)!r} holds {', '.join(map(repr, text[:4]))} and no "
            "number: is it a row of units or a second header? Units are read where each is known "
            "(mA, µA, mT, Φ0, …); else write them into the header, as 'I+ (µA)', and delete or "
            "comment out (#) the line"
        )
