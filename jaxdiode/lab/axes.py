"""Which columns of a table were swept, read from how they run; never from what they are called."""

from itertools import combinations

import numpy as np

from .branches import MOST_BRANCHES, find_branches
from .grid import levels_of, scan
from .table import Column, Table, fault

_MOST_COLUMNS = 8  # that may be axes of a map
_LEAST_ROWS = 3  # of a sweep, on average
_CLOCKS = {"timestamp", "elapsed", "elapsed time", "index", "idx", "#", "no", "nr", "point", "row"}


def guess_axes(table: Table, values: list[str]) -> list[str]:
    """Names of the swept columns, slowest first, with the reason in `table.guesses`.

    Raises:
        ValueError: nothing looks swept, or several sets of columns do.
    """
    columns = [c for c in table.columns if c.name not in values]
    columns = [c for c in columns if c.values.dtype.kind in "fiu" and np.isfinite(c.values).all()]
    for count in (3, 2):
        leading = columns[:count]
        if len(leading) == count < len(table.columns) and leading == table.columns[:count]:
            levels = scan([c.values for c in leading])
            if levels is not None and min(map(len, levels)) > 2:
                return _told(table, [c.name for c in leading], "the first columns span a grid")
    known = {c.name: levels_of(c.values) for c in columns}
    maps = _maps(columns, known)
    lines = [c for c in columns if not _is_clock(c.name) and _runs(known[c.name][1])]
    others = [c.name for c in lines if maps and c.name not in maps[0]]
    if others:
        place = {c.name: k for k, c in enumerate(columns)}
        if max(map(place.__getitem__, maps[0])) > place[others[0]]:
            maps.append((others[0],))
    if len(maps) > 1:
        listed = " or ".join("(" + ", ".join(map(repr, names)) + ")" for names in maps)
        raise fault(table.path, f"may be swept along {listed}; say which with axes=...")
    if maps:
        return _told(table, list(maps[0]), "they span a grid")
    if not lines:
        lines = [c for c in columns if _runs(known[c.name][1])]
    if not lines and len(table.columns) == 2 and columns[:1] == table.columns[:1]:
        lines = columns[:1]
    if not lines:
        names = ", ".join(map(repr, table.names))
        raise fault(
            table.path,
            f"has columns {names}, none of which runs like a swept one; say which with axes=...",
        )
    also = [c.name for c in lines[1:]]
    more = f" (so does {', '.join(also)})" if also else ""
    return _told(table, [lines[0].name], f"the first column that runs one way{more}")


def _told(table, names, why) -> list[str]:
    table.guesses.append(f"axes {', '.join(names)}: {why}")
    return names


def _is_clock(name: str) -> bool:
    plain = name.casefold().replace("_", " ")
    return plain in _CLOCKS or plain.startswith("time")


def _runs(ids: np.ndarray) -> bool:
    """One way over all rows, or to and fro a few times."""
    levels, rows = int(ids.max()) + 1, ids.size
    ids = ids[np.append(True, np.diff(ids) != 0)]  # each point again and again, before the next
    new = np.zeros(ids.size, bool)
    new[0] = True
    branches = int(find_branches(ids, new).number[-1]) + 1
    again = MOST_BRANCHES if ids.size < rows else 1
    return branches <= MOST_BRANCHES and levels > 1 and rows <= levels * branches * again


def _maps(columns: list[Column], known) -> list[tuple[str, ...]]:
    """Sets of two or three columns that span a grid; those that mean the same come once."""
    rows = columns[0].values.size if columns else 0
    able = [c.name for c in columns if 1 < len(known[c.name][0]) <= rows / 2]
    able = able[:_MOST_COLUMNS]
    found = []
    for count in (2, 3):
        for names in combinations(able, count):
            cells = _cells(names, known, rows)
            if cells is not None:
                total = int(np.prod([len(known[n][0]) for n in names]))
                found.append(((-cells, count, total), names))
    if not found:
        return []
    found.sort(key=lambda x: x[0])  # stable: leading columns first
    best, first = found[0]
    rivals = [names for rank, names in found[1:] if rank == best]
    different = [n for n in rivals if not _same(first, n, known)]
    return [_slowest_first(names, known) for names in (first, *different)]


def _cells(names, known, rows) -> int | None:
    """How many points of the grid of these columns the rows visit; None if they are no grid."""
    sizes = [len(known[n][0]) for n in names]
    total = np.prod(sizes, dtype=float)
    if total > 2 * rows:
        return None
    cells = np.zeros(rows, np.int64)
    for name, size in zip(names, sizes, strict=True):
        cells = cells * size + known[name][1]
    counts = np.bincount(cells, minlength=int(total))
    visited = int(np.count_nonzero(counts))
    if visited < total / 2 or visited <= max(sizes) or counts.max() > MOST_BRANCHES:
        return None
    if rows == total == visited and rows >= 16:
        return visited
    ordered = sorted(names, key=lambda n: np.count_nonzero(np.diff(known[n][1])))
    moved = np.append(True, np.diff(cells) != 0)
    new = np.zeros(int(np.sum(moved)), bool)
    new[0] = True
    for name in ordered[:-1]:
        new[1:] |= np.diff(known[name][1][moved]) != 0
    branches = find_branches(known[ordered[-1]][1][moved], new)
    lines = int(branches.line[-1]) + 1
    short = min(_LEAST_ROWS, len(known[ordered[-1]][0]))
    steady = branches.number.max() < MOST_BRANCHES and rows >= short * lines
    return visited if steady else None


def _same(first, other, known) -> bool:
    """Whether every column of one set runs with a column of the other, one to one."""

    def together(a, b):
        (levels_a, a), (levels_b, b) = known[a], known[b]
        if len(levels_a) != len(levels_b):
            return False
        return np.unique(a.astype(np.int64) * len(levels_b) + b).size == len(levels_a)

    return all(any(together(a, b) for a in first) for b in other)


def _slowest_first(names, known) -> tuple[str, ...]:
    changes = {n: np.count_nonzero(np.diff(known[n][1])) for n in names}
    if max(changes.values()) < 2 * min(changes.values()):
        return tuple(names)
    return tuple(sorted(names, key=changes.__getitem__))
