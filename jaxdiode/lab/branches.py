"""Sweeps that turn round: the branches of a fast axis within each of its lines."""

from dataclasses import dataclass

import numpy as np

MOST_BRANCHES = 8  # of one sweep; more is noise


@dataclass
class Branches:
    """For every row: which line and which branch of it, and whether the axis goes up there."""

    line: np.ndarray
    number: np.ndarray  # of the branch within its line
    up: np.ndarray


def find_branches(fast: np.ndarray, new_line: np.ndarray) -> Branches:
    """Branches of the level numbers `fast`; `new_line` is true where a line begins.

    A turning point belongs to the branch that ends there. A sweep that starts anew, without
    measuring on its way back, begins a branch in the same direction.
    """
    step = np.zeros(fast.size, np.int8)
    step[1:] = np.sign(np.diff(fast))
    after_line = np.zeros(fast.size, bool)
    after_line[1:] = new_line[:-1]
    turn = np.zeros(fast.size, bool)
    turn[1:] = step[1:] != step[:-1]
    turn &= ~new_line & ~after_line
    # The row after a break never is one: its step is the first of the new branch.
    rows = np.arange(fast.size)
    before = np.maximum.accumulate(np.where(turn, -1, rows))
    turn &= (rows - before) % 2 == 1
    starts = np.flatnonzero(turn | new_line)
    ends = np.append(starts[1:], fast.size)
    inner = np.minimum(starts + 1, fast.size - 1)
    direction = np.where(ends - starts > 1, step[inner], step[starts])
    line = np.cumsum(new_line) - 1
    first = np.searchsorted(starts, np.flatnonzero(new_line))
    number = np.arange(starts.size) - first[line[starts]]
    lengths = ends - starts
    return Branches(
        line.astype(np.int32),
        np.repeat(number.astype(np.int32), lengths),
        np.repeat(direction >= 0, lengths),
    )


def occurrences(cells: np.ndarray) -> np.ndarray:
    """How many earlier rows have the same cell."""
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    count = np.arange(cells.size) - np.repeat(first, np.diff(np.append(first, cells.size)))
    found = np.empty(cells.size, np.int64)
    found[order] = count
    return found
