"""What a file holds before it has a shape: columns in the order of the file.

They are of equal length, but where the file is a map from the start: then its axes come first, each
as long as it is, and the others hold the map.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .. import _plain_checks
from ..measurement.columns import matching, split_unit
from .grid import Grid


@dataclass
class Column:
    """One quantity: a flat array, its unit ("" where the file names none) and the file's label."""

    name: str
    values: np.ndarray
    units: str = ""
    label: str = ""


@dataclass
class Table:
    """Columns of one file, with what the file says of them and of itself."""

    path: Path
    format: str
    columns: list[Column]
    about: dict[str, str] = field(default_factory=dict)
    axes: list[str] | None = None  # as the file declares them
    ordered: bool = True  # slowest first
    guesses: list[str] = field(default_factory=list)
    place: Callable[[int], str] = "row {}".format  # where a row stands in the file
    grid: Grid | None = None  # of files that are maps from the start

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        return self.columns[self.names.index(name)]


def fault(path: Path, what: str) -> ValueError:
    """The error of a file that does not hold what it should."""
    return ValueError(f"data file {str(path)!r} {what}")


def find_name(path: Path, names: Sequence[str], labels: Sequence[str], wanted, role: str) -> str:
    """The name among `names` (or the label beside it) that `wanted` means.

    Raises:
        ValueError: none, or several.
    """
    if not isinstance(wanted, str):
        raise ValueError(f"{role} must hold names of columns, got {wanted!r}")
    both = zip(matching(list(names), wanted), matching(list(labels), wanted, of_any=True))  # noqa: B905
    for found in (sorted({*a, *b}) for a, b in both):
        if len(found) > 1:
            listed = ", ".join(repr(names[k]) for k in found)
            raise ValueError(
                f"{role} must name one column of data file {str(path)!r} each, "
                f"{wanted!r} fits {listed}"
            )
        if found:
            return names[found[0]]
    raise _plain_checks.unknown_name(f"column in {str(path)!r} ({role})", wanted, names)


def find_names(path, names, labels, wanted: Iterable[str], role: str) -> list[str]:
    found = [find_name(path, names, labels, name, role) for name in wanted]
    for k, name in enumerate(found):
        if name in found[:k]:
            raise ValueError(f"{role} must be different columns, {name!r} comes twice")
    return found


def named_with_units(headers: Sequence[str]) -> list[tuple[str, str, str]]:
    """(name, unit, label) of each header: its unit leaves the name where names stay different.

    Headers that are equal get the number of their column, empty ones are called by it.
    """
    plain = [header.strip() for header in headers]
    pairs = [split_unit(header, of_any=True) for header in plain]
    bare = [name.strip() for name, _ in pairs]
    found = []
    for k, (header, (_, unit)) in enumerate(zip(plain, pairs, strict=True)):
        name = bare[k] if bare.count(bare[k]) == 1 else header
        if not header:
            name = f"column {k + 1}"
        elif bare.count(bare[k]) > 1 and plain.count(header) > 1:
            name = f"{header} (column {k + 1})"
        found.append((name, unit, header))
    return found
