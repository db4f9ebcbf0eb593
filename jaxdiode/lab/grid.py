"""Rows of a file as an array over the axes that were swept: scans, holes, branches, repeats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .branches import MOST_BRANCHES, find_branches, occurrences

_ROUNDING = 1e-12  # of the largest value: levels that differ by less are one
_LEAST_FILLED = 0.5  # share of the cells of a grid that rows must fill
_MOST_CELLS = 2**40


@dataclass
class Grid:
    """Where each row belongs; `shape` is None where the rows form no grid."""

    dims: tuple[str, ...] = ("point",)
    shape: tuple[int, ...] | None = None
    coords: dict[str, np.ndarray] = field(default_factory=dict)
    extra: dict[str, tuple[tuple[str, ...], np.ndarray]] = field(default_factory=dict)
    cells: np.ndarray | None = None  # None: rows stand in the order of the grid and fill it
    missing: int = 0
    notes: list[str] = field(default_factory=list)

    def place(self, values: np.ndarray) -> np.ndarray:
        """A column on this grid, NaN where no row is."""
        if self.shape is None:
            return values
        if self.cells is None:
            return values.reshape(self.shape)
        if self.missing and values.dtype.kind not in "fc":
            values = values.astype(float)
        hole = complex(np.nan, np.nan) if values.dtype.kind == "c" else np.nan
        size = int(np.prod(self.shape))
        made = np.full(size, hole, values.dtype) if self.missing else np.empty(size, values.dtype)
        made[self.cells] = values
        return made.reshape(self.shape)


def find_grid(
    names: Sequence[str],
    axes: Sequence[np.ndarray],
    place: Callable[[int], str] = "row {}".format,
    *,
    keep_order: bool = True,
) -> Grid:
    """The grid that the rows of `axes` form.

    Args:
        names: of the axes, in the order of the dimensions (slowest first).
        axes: their values, row by row; finite.
        place: where a row stands, for messages.
        keep_order: whether dimensions come in the order of `names`, else slowest first.

    Raises:
        ValueError: rows repeat points in a way that no repetition or sweep explains.
    """
    found = scan(axes)
    if found is not None:
        return Grid(tuple(names), tuple(map(len, found)), dict(zip(names, found, strict=True)))
    pairs = [levels_of(axis) for axis in axes]
    if not keep_order:
        order = _by_speed([own for _, own in pairs])
        names, pairs = [names[k] for k in order], [pairs[k] for k in order]
    levels, ids = [own for own, _ in pairs], [own for _, own in pairs]
    shape = tuple(map(len, levels))
    rows = ids[0].size
    if np.prod(shape, dtype=float) > min(rows / _LEAST_FILLED, _MOST_CELLS):
        return _no_grid(names, shape, rows)
    cells = np.zeros(rows, np.int64)
    for size, own in zip(shape, ids, strict=True):
        cells *= size
        cells += own
    base = Grid(tuple(names), shape, dict(zip(names, levels, strict=True)), cells=cells)
    counts = np.bincount(cells, minlength=int(np.prod(shape)))
    if counts.max() == 1:
        base.missing = int(np.sum(counts == 0))
        return _with_directions(base, names, ids)
    return _repeated(base, names, ids, place)


def scan(axes: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """Levels of axes that run one inside the other without a gap, each one way; else None."""
    *outer, fast = axes
    if not outer:
        step = np.diff(fast)
        ordered = fast.size > 0 and bool(np.all(step > 0) or np.all(step < 0))
        return [fast] if ordered and _apart(fast) else None
    changed = np.zeros(fast.size - 1, bool)
    for axis in outer:
        changed |= axis[1:] != axis[:-1]
    length = int(np.argmax(changed)) + 1 if changed.any() else fast.size
    if fast.size % length or np.count_nonzero(changed) != fast.size // length - 1:
        return None
    if not changed[length - 1 :: length].all():
        return None
    line = scan([fast[:length]])
    if line is None or not (fast.reshape(-1, length) == fast[:length]).all():
        return None
    slower = scan([axis[::length] for axis in outer])
    return None if slower is None else [*(x.copy() for x in slower), line[0].copy()]


def _apart(levels) -> bool:
    return levels.size < 2 or bool(
        np.min(np.abs(np.diff(levels))) > _ROUNDING * np.max(np.abs(levels))
    )


def levels_of(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different values, in the order of the rows where that goes one way, and numbers of rows."""
    known = np.unique(axis)
    wide = np.diff(known) > _ROUNDING * np.max(np.abs(known))
    known = known[np.append(True, wide)]
    ids = np.searchsorted(known, axis, side="right") - 1
    ids = ids.astype(np.int32)
    first = np.empty(known.size, np.int64)
    first[ids[::-1]] = np.arange(ids.size)[::-1]
    if known.size > 1 and np.all(np.diff(first) < 0):
        return known[::-1], (known.size - 1 - ids).astype(np.int32)
    return known, ids


def _by_speed(ids) -> list[int]:
    """Slowest axis first where rows are a scan; the order given where they are mixed up."""
    changes = [int(np.count_nonzero(np.diff(own))) for own in ids]
    if max(changes) < 2 * min(changes):
        return list(range(len(ids)))
    return sorted(range(len(ids)), key=changes.__getitem__)


def _no_grid(names, shape, rows) -> Grid:
    product = " × ".join(map(str, shape))
    what = f"the {rows} rows fill less than half of the grid {product} of {', '.join(names)}"
    return Grid(notes=[f"{what}: kept as points"])


def _lines(base, names, ids):
    """The fastest axis, and where all others stay."""
    changes = [int(np.count_nonzero(np.diff(own))) for own in ids]
    fast = max(range(len(ids)), key=lambda k: (changes[k], k))
    new = np.zeros(ids[0].size, bool)
    new[0] = True
    for k, own in enumerate(ids):
        if k != fast:
            new[1:] |= np.diff(own) != 0
    own = ids[fast]
    down = base.coords[names[fast]][0] > base.coords[names[fast]][-1]
    return fast, new, find_branches(-own if down else own, new)


def _with_directions(base: Grid, names, ids) -> Grid:
    """Lines that go up and down in turn: the direction of each becomes a coordinate."""
    if len(names) < 2:
        return base
    fast, new, found = _lines(base, names, ids)
    up = found.up[new]
    down = base.coords[names[fast]][0] > base.coords[names[fast]][-1]
    if found.number.max() > 0 or (not up.any() if down else up.all()):
        return base
    assert base.shape is not None
    others = [k for k in range(len(names)) if k != fast]
    shape = tuple(base.shape[k] for k in others)
    where = tuple(ids[k][new] for k in others)
    if len(set(zip(*(w.tolist() for w in where), strict=True))) < up.size:
        return base
    words = np.full(shape, "", "<U4")
    words[where] = np.where(up, "up", "down")
    base.extra["direction"] = (tuple(names[k] for k in others), words)
    base.notes.append(f"{names[fast]} runs up in some lines, down in others: see 'direction'")
    return base


def _repeated(base: Grid, names, ids, place) -> Grid:
    """Points that were measured more than once: on several branches, or again and again."""
    assert base.cells is not None
    assert base.shape is not None
    fast, _, found = _lines(base, names, ids)
    size = int(np.prod(base.shape))
    numbers = int(found.number.max()) + 1
    if numbers <= MOST_BRANCHES and np.unique(found.up).size == 2:
        way = np.where(found.up == found.up[0], 0, 1)
        both = base.cells + size * way
        words = np.array(["up", "down"] if found.up[0] else ["down", "up"])
        again = np.bincount(both, minlength=2 * size)
        note = f"{names[fast]} is swept both ways: dimension 'sweep'"
        if again.max() == 1:
            return _stacked(base, both, {"sweep": words}, note)
        if again.min() == again.max():  # every branch again and again
            cells = both + 2 * size * occurrences(both)
            repeats = np.arange(int(again.max()))
            return _stacked(base, cells, {"repeat": repeats, "sweep": words}, note)
        in_turn = base.cells + size * found.number.astype(np.int64)
        way_of = [np.unique(found.up[found.number == k]) for k in range(numbers)]
        plain = all(w.size == 1 for w in way_of)
        if plain and np.bincount(in_turn, minlength=numbers * size).max() == 1:
            note = f"{names[fast]} turns {numbers - 1} times: dimension 'sweep' counts the branches"
            made = _stacked(base, in_turn, {"sweep": np.arange(numbers)}, note)
            made.extra["direction"] = (
                ("sweep",), np.array(["up" if w[0] else "down" for w in way_of])
            )  # fmt: skip
            return made
    turn = occurrences(base.cells)
    repeats = int(turn.max()) + 1
    if base.cells.size < _LEAST_FILLED * repeats * size:
        row = int(np.argmax(turn))
        earlier = int(np.argmax(base.cells == base.cells[row]))
        at = ", ".join(
            f"{name} = {base.coords[name][own[row]]:g}"
            for name, own in zip(names, ids, strict=True)
        )
        raise ValueError(
            f"must hold each point once, or all equally often: {place(earlier)} and {place(row)} "
            f"are both at {at}; name the axis that tells them apart with axes=..., or take out "
            "what does not belong"
        )
    note = f"points were measured up to {repeats} times: dimension 'repeat'"
    return _stacked(base, base.cells + size * turn, {"repeat": np.arange(repeats)}, note)


def _stacked(base: Grid, cells, more: dict[str, np.ndarray], note: str) -> Grid:
    assert base.shape is not None
    shape = (*map(len, more.values()), *base.shape)
    return Grid(
        (*more, *base.dims),
        shape,
        {**more, **base.coords},
        cells=cells,
        missing=int(np.prod(shape)) - cells.size,
        notes=[*base.notes, note],
    )
