"""Which points a refined map asks for next, from the values and slopes that it has."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ...numerics.hermite_cells import KINDS, corners_of, mismatch, predict
from .columns import Columns, Tolerance, columns, smooth
from .lattice import Lattice
from .tree import Tree

Evaluate = Callable[[Int[np.ndarray, "points axes"]], Mapping[str, np.ndarray]]
RESOLVED, STEEP, JUMP, BOUNDARY, UNFINISHED = range(5)
FLAGS = ("resolved", "steep", "jump", "boundary", "unfinished")
_AT_ONCE = 1 << 21  # numbers of an array of predictions
_ALONG, _INSIDE = 0.5, 0.25  # errors along axes against the largest, and against that inside
_SAFETY = np.array([1.0, 2.0, 2.0, 2.0])  # by kind: of several that few tests choose from
_STAYS = 0.7  # of an error after two halvings: that of a jump


class Leaves(NamedTuple):
    """The cells of a map.

    Attributes:
        low, size: places.
        nodes: points of each, the last axis fastest; −1 where there is none.
        kind: of interpolation, by column.
        error: by column, in its unit.
        flag: one of `FLAGS`.
    """

    low: Int[np.ndarray, "cells axes"]
    size: Int[np.ndarray, "cells axes"]
    nodes: Int[np.ndarray, "cells nodes"]
    kind: Int[np.ndarray, "cells columns"]
    error: Float[np.ndarray, "cells columns"]
    flag: Int[np.ndarray, " cells"]


class Refinement:
    """Cells with a test inside, halved where their interpolation misses what was found.

    A cell interpolates between its corners; the other nodes of its 3 × 3 × … points (5 of one axis)
    test it, and so does every point of a neighbour that lies on its edge. Points are asked for in
    rounds, and what is asked depends on the values alone, so that a run with the same values asks
    for the same points.
    """

    def __init__(self, lattice: Lattice, tolerance: Tolerance, most: int):
        self.lattice, self.tolerance, self.most = lattice, tolerance, most
        self.tree = Tree(lattice)
        self.places = np.zeros((0, lattice.axes), np.int64)
        self.outputs: dict[str, np.ndarray] = {}
        self.parts: dict[str, slice] = {}
        self._corners = corners_of(lattice.axes)
        self._nodes = np.indices((lattice.nodes,) * lattice.axes).reshape(lattice.axes, -1).T
        self._sorted = np.zeros(0, np.int64), np.zeros(0, np.int64)  # codes, their points
        self._owner = np.zeros((0, len(self._corners)), np.int64)  # leaf that each side lies in

    def run(self, evaluate: Evaluate) -> Leaves:
        """Ask for points until all cells are within the tolerance, or none can be halved."""
        pending = self.tree.leaves()
        first = self._requests(pending)
        if len(first) > self.most:
            raise ValueError(
                f"points must be at least {len(first)}, those of the coarse grid and between "
                f"them, got {self.most}"
            )
        self._begin(evaluate(first), first)
        while True:
            pending = pending[~self._complete(pending)]
            new = self._halve_unresolved(pending)
            pending = self._in_order(np.concatenate([pending, new]))
            if not len(pending):
                break
            asked = self._requests(pending)[: self.most - len(self.places)]
            if len(asked):
                self._add(evaluate(asked), asked)
            elif len(self.places) >= self.most:
                break
        return self._leaves(pending)

    def _begin(self, found: Mapping[str, np.ndarray], places: np.ndarray) -> None:
        self.parts = smooth(found)
        self.tolerance.require(self.parts)
        self.outputs = {k: v[:0] for k, v in found.items()}
        self._columns = columns(self.outputs, self.lattice.axes)
        width = self._columns.values.shape[1]
        self._error = np.zeros((len(self.tree), len(KINDS), width))
        self._mixed = np.zeros(len(self.tree), bool)
        self._past = np.full(len(self.tree), np.inf)  # largest error of a cell when it was halved
        self._add(found, places)

    def _requests(self, cells: np.ndarray) -> Int[np.ndarray, "points axes"]:
        """Places of nodes of the cells that are not known, in the order of the cells."""
        places = self._places_of(cells).reshape(-1, self.lattice.axes)
        codes, first = np.unique(self.lattice.codes(places), return_index=True)
        first = first[self._points_at(codes) < 0]
        return places[np.sort(first)]

    def _in_order(self, cells: np.ndarray) -> np.ndarray:
        """Large ones first, of those the ones with the largest errors."""
        share = np.prod(self.tree.size[cells] / self.lattice.ends, axis=1)
        past = self._past[np.maximum(self.tree.cell[cells], 0)]
        return cells[np.lexsort((cells, -past, -share))]

    def _places_of(self, cells: np.ndarray) -> Int[np.ndarray, "cells nodes axes"]:
        step = self.tree.size[cells] // (self.lattice.nodes - 1)
        return self.tree.low[cells][:, None] + step[:, None] * self._nodes

    def _points_at(self, codes: np.ndarray) -> np.ndarray:
        """Points of these codes; −1 where there is none."""
        known, points = self._sorted
        if not len(known):
            return np.full(codes.shape, -1)
        place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
        return np.where(known[place] == codes, points[place], -1)

    def _nodes_of(self, cells: np.ndarray) -> Int[np.ndarray, "cells nodes"]:
        places = self._places_of(cells)
        codes = self.lattice.codes(places.reshape(-1, self.lattice.axes))
        return self._points_at(codes).reshape(len(cells), len(self._nodes))

    def _complete(self, cells: np.ndarray) -> Bool[np.ndarray, " cells"]:
        return np.all(self._nodes_of(cells) >= 0, axis=1)

    def _corners_of(self, nodes: np.ndarray) -> np.ndarray:
        last = self.lattice.nodes - 1
        return nodes[:, np.all(self._nodes % last == 0, axis=1)]

    def _add(self, found: Mapping[str, np.ndarray], places: np.ndarray) -> None:
        """New points, their cells, and what they say of these."""
        start = len(self.places)
        self.places = np.concatenate([self.places, places])
        self.outputs = {k: np.concatenate([v, found[k]]) for k, v in self.outputs.items()}
        new = columns(found, self.lattice.axes)
        self._columns = Columns(*map(np.concatenate, zip(self._columns, new, strict=True)))
        _, self._mark = np.unique(self._columns.marks, axis=0, return_inverse=True)
        self._mark = self._mark.ravel()
        codes = self.lattice.codes(self.places)
        order = np.argsort(codes)
        self._sorted = codes[order], order
        owner = np.stack([
            self.tree.descend(self.tree.coarse(side), side)
            for side in self._sides(places)
        ], axis=1)  # fmt: skip
        self._owner = np.concatenate([self._owner, owner])
        self._test(owner.ravel(), np.repeat(np.arange(start, len(self.places)), owner.shape[1]))

    def _sides(self, places: np.ndarray) -> list[np.ndarray]:
        """A place's neighbourhood towards every corner, twice as large in numbers."""
        return [2 * places + 2 * corner - 1 for corner in self._corners]

    def _test(self, cells: np.ndarray, points: np.ndarray) -> None:
        """Compare cells with points in them; they remember the largest error of every kind."""
        inside = cells >= 0
        cells, points = np.unique(np.stack([cells[inside], points[inside]], axis=1), axis=0).T
        if not len(cells):
            return
        each = len(KINDS) * (1 + self.lattice.axes) * max(self._columns.values.shape[1], 1)
        step = max(_AT_ONCE // (each * len(self._corners)), 1)
        for begin in range(0, len(cells), step):
            part = slice(begin, begin + step)
            own = cells[part]
            errors, other = self._compared(own, points[part])
            starts = np.flatnonzero(np.diff(own, prepend=-1))
            which = own[starts]
            self._error[which] = np.maximum(
                self._error[which], np.maximum.reduceat(errors, starts, axis=0)
            )
            self._mixed[which] |= np.logical_or.reduceat(other, starts)

    def _compared(self, cells: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Errors at points of cells by kind and column, and whether their marks are others."""
        low, size = self.tree.low[cells], self.tree.size[cells]
        places = low[:, None] + size[:, None] * self._corners
        corners = self._points_at(self.lattice.codes(places.reshape(-1, low.shape[1])))
        corners = corners.reshape(len(cells), -1)
        edges = self.lattice.edges(low, size)
        values, slopes, _ = self._columns
        where = (self.places[points] - low) / size
        found = predict(where, values[corners], slopes[corners] * edges[:, None, :, None])
        slope = slopes[points] * edges[:, :, None]
        slope[np.all((where == 0) | (where == 1), axis=1)] = np.nan  # a corner's own
        return mismatch(found, values[points], slope), np.any(
            self._mark[corners] != self._mark[points][:, None], axis=1
        )

    def _chosen(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Kind and error by column, and the largest error in tolerances: infinite of cells
        with different marks."""
        errors = self._error[cells] * _SAFETY[:, None]
        allowed, counts = self.tolerance.of(self.parts, self._columns.values)
        kind = np.where(errors[:, 0] <= allowed, 0, np.argmin(errors, axis=1))
        error = np.take_along_axis(errors, kind[:, None], axis=1)[:, 0]
        ratio = np.max(np.where(counts, error / allowed, 0.0), axis=1, initial=0.0)
        return kind, error, np.where(self._mixed[cells], np.inf, ratio)

    def _halve_unresolved(self, pending: np.ndarray) -> Int[np.ndarray, " new"]:
        leaves = np.setdiff1d(self.tree.leaves(), pending)
        kind, _, ratio = self._chosen(leaves)
        can = self.tree.size[leaves] > self.lattice.least
        halved = (ratio > 1) & np.any(can, axis=1)
        if not np.any(halved):
            return np.zeros(0, np.int64)
        leaves, kind, ratio, can = leaves[halved], kind[halved], ratio[halved], can[halved]
        along = self._axes_to_halve(leaves, kind, ratio) & can
        along = np.where(np.any(along, axis=1)[:, None], along, can)
        before = len(self.tree)
        self._past[leaves] = ratio
        new = self.tree.halve(leaves, along)
        more = len(self.tree) - before
        self._error = np.concatenate([self._error, np.zeros((more, *self._error.shape[1:]))])
        self._mixed = np.concatenate([self._mixed, np.zeros(more, bool)])
        self._past = np.concatenate([self._past, np.full(more, np.inf)])
        moved = []
        for side, doubled in enumerate(self._sides(self.places)):
            found = self.tree.descend(self._owner[:, side], doubled)
            points = np.flatnonzero(found != self._owner[:, side])
            self._owner[:, side] = found
            moved.append((found[points], points))
        self._test(*map(np.concatenate, zip(*moved, strict=True)))
        return new

    def _axes_to_halve(
        self, cells: np.ndarray, kind: np.ndarray, ratio: np.ndarray
    ) -> Bool[np.ndarray, "cells axes"]:
        """Those along whose edges the errors are."""
        nodes, last = self._nodes_of(cells), self.lattice.nodes - 1
        allowed, counts = self.tolerance.of(self.parts, self._columns.values)
        worst = np.zeros((len(cells), self.lattice.axes))
        for axis in range(self.lattice.axes):
            others = np.delete(self._nodes, axis, axis=1)
            edge = nodes[:, np.all(others % last == 0, axis=1)]
            own = np.repeat(cells, edge.shape[1])
            errors, _ = self._compared(own, edge.ravel())
            chosen = np.repeat(kind, edge.shape[1], axis=0)
            errors = np.take_along_axis(errors, chosen[:, None], axis=1)[:, 0] / allowed
            errors = np.max(np.where(counts, errors, 0.0), axis=1, initial=0.0)
            worst[:, axis] = errors.reshape(edge.shape).max(axis=1)
            line = np.moveaxis(
                self._mark[nodes].reshape(-1, *(last + 1,) * self.lattice.axes), axis + 1, 1
            )[(slice(None), slice(None), *(slice(None, None, last),) * (self.lattice.axes - 1))]
            changes = line != line[:, :1]
            worst[np.any(changes.reshape(len(cells), -1), axis=1), axis] = np.inf
        largest = worst.max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            along = np.where(np.isinf(largest), np.isinf(worst), worst >= _ALONG * largest)
            inside = (largest[:, 0] < _INSIDE * ratio) | (largest[:, 0] <= 1)
        return along | inside[:, None]

    def _former(self, cells: np.ndarray) -> Float[np.ndarray, " cells"]:
        """Largest errors of what was four times as large along every axis, or as much in all."""
        up, volume = cells.copy(), np.prod(self.tree.size.astype(float), axis=1)
        while np.any(
            low := (volume[up] < 4**self.lattice.axes * volume[cells]) & (self.tree.cell[up] >= 0)
        ):
            up[low] = self.tree.cell[up[low]]
        return np.where(up == cells, np.inf, self._past[up])

    def _leaves(self, pending: np.ndarray) -> Leaves:
        """The cells as they are; of those without all nodes the error of what they came from."""
        leaves = self.tree.leaves()
        kind, error, ratio = self._chosen(leaves)
        nodes = self._nodes_of(leaves)
        waits = np.isin(leaves, pending)
        came, _, _ = self._chosen(self.tree.cell[leaves[waits]])
        former = self._error[self.tree.cell[leaves[waits]]]
        own = np.maximum(former, self._error[leaves[waits]]) * _SAFETY[:, None]
        kind[waits] = came
        error[waits] = np.take_along_axis(own, came[:, None], axis=1)[:, 0]
        allowed, _ = self.tolerance.of(self.parts, self._columns.values)
        error = np.maximum(error, allowed / 10)
        stuck = ~waits & (ratio > 1)
        flag = np.full(len(leaves), RESOLVED)
        flag[stuck] = STEEP
        flag[stuck & (ratio > _STAYS * self._former(leaves))] = JUMP
        flag[self._mixed[leaves]] = BOUNDARY
        can = np.any(self.tree.size[leaves] > self.lattice.least, axis=1)
        flag[waits | (stuck & can)] = UNFINISHED
        values = self._columns.values[np.maximum(nodes, 0)]
        far = np.ptp(values, axis=1)  # of a jump anything between
        error = np.where(stuck[:, None], np.fmax(error, far), error)
        error[self._mixed[leaves]] = np.inf
        return Leaves(self.tree.low[leaves], self.tree.size[leaves], nodes, kind, error, flag)
