"""Cells of a refined map: boxes that are halved along one axis or several, as a tree."""

import numpy as np
from jaxtyping import Bool, Int

from .lattice import Lattice


class Tree:
    """Boxes in whole numbers; a box that is halved has two halves with numbers in a row.

    Attributes:
        low, size: lowest place and edges of every box, those that are halved included.
        left: number of the lower half; −1 where the box is not halved.
        cell: the cell that it came from, before all halvings of one round; −1 of the coarse ones.
    """

    def __init__(self, lattice: Lattice):
        step = 1 << lattice.bits
        counts = [len(knots) - 1 for knots in lattice.knots]
        self.low = np.indices(counts).reshape(len(counts), -1).T.astype(np.int64) * step
        self.size = np.full_like(self.low, step)
        self.left, self.cell = (np.full(len(self.low), -1, np.int64) for _ in range(2))
        self._axis = np.zeros(len(self.low), np.int64)
        self._step, self._counts = step, counts

    def __len__(self) -> int:
        return len(self.low)

    def leaves(self) -> Int[np.ndarray, " leaves"]:
        return np.flatnonzero(self.left < 0)

    def halve(
        self, cells: Int[np.ndarray, " cells"], along: Bool[np.ndarray, "cells axes"]
    ) -> Int[np.ndarray, " new"]:
        """Halve cells along the axes that are marked for each; the cells that come of it."""
        origin, current = cells, cells
        for axis in range(along.shape[1]):
            cut = along[:, axis]
            halved, first = current[cut], len(self)
            new = first + 2 * np.arange(len(halved))
            low, size = np.repeat(self.low[halved], 2, axis=0), self.size[halved].copy()
            size[:, axis] //= 2
            low[1::2, axis] += size[:, axis]
            self.left[halved], self._axis[halved] = new, axis
            self.low = np.concatenate([self.low, low])
            self.size = np.concatenate([self.size, np.repeat(size, 2, axis=0)])
            self.left = np.concatenate([self.left, np.full(len(low), -1)])
            self._axis = np.concatenate([self._axis, np.zeros(len(low), np.int64)])
            self.cell = np.concatenate([self.cell, np.repeat(origin[cut], 2)])
            current = np.concatenate([current[~cut], new, new + 1])
            origin = np.concatenate([origin[~cut], origin[cut], origin[cut]])
            along = np.concatenate([along[~cut], along[cut], along[cut]])
        return np.sort(current)

    def coarse(self, doubled: Int[np.ndarray, "points axes"]) -> Int[np.ndarray, " points"]:
        """The coarse cell of each place, given twice as large; −1 outside."""
        where = doubled // (2 * self._step)
        inside = np.all((doubled >= 0) & (where < self._counts), axis=1)
        return np.where(inside, np.ravel_multi_index(
            np.clip(where, 0, np.array(self._counts) - 1).T, self._counts), -1)  # fmt: skip

    def descend(
        self, boxes: Int[np.ndarray, " points"], doubled: Int[np.ndarray, "points axes"]
    ) -> Int[np.ndarray, " points"]:
        """The leaf of each place, given twice as large, from a box that has it."""
        found = boxes.copy()
        going = np.flatnonzero((found >= 0) & (self.left[found] >= 0))
        while len(going):
            box = found[going]
            axis, left = self._axis[box], self.left[box]
            cut = self.low[left + 1, axis]
            found[going] = left + (doubled[going, axis] > 2 * cut)
            going = going[self.left[found[going]] >= 0]
        return found
