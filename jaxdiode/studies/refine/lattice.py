"""Places of a refined map in whole numbers: the values given, and halvings of what lies between."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ..sweep.grid import Grid

_BITS = 60  # of the number of a place


class Lattice:
    """Places that points may have, exact however often a cell is halved.

    An axis of numbers has them as coordinates; that of rows, which set several parameters, has the
    rows' numbers, and the parameters between rows follow monotone cubics through them.

    Attributes:
        grid: the coarse one.
        knots: coordinates of the given values of each axis.
        bits: the step between two given values is 2^bits places.
        least: places of the edge of a smallest cell along each axis.
        nodes: places along an axis of a cell where it is tested, both ends included.
    """

    def __init__(self, grid: Grid, finest: float):
        self.grid, self.finest = grid, finest
        self.knots = [_knots(name, values) for name, values in grid.axes.items()]
        self.nodes = 5 if len(self.knots) == 1 else 3
        widths = [np.max(np.diff(knots)) / (knots[-1] - knots[0]) for knots in self.knots]
        halvings = [max(0, math.ceil(math.log2(w / finest) - 1e-9)) for w in widths]
        extra = (self.nodes - 1).bit_length() - 1
        self.bits = max(halvings) + extra
        self.least = np.array([1 << (self.bits - h) for h in halvings])
        self.ends = np.array([(len(knots) - 1) << self.bits for knots in self.knots])
        if sum(int(end + 1).bit_length() for end in self.ends) > _BITS:
            raise ValueError(f"finest must be larger for so many axes and values, got {finest:g}")

    @property
    def axes(self) -> int:
        return len(self.knots)

    def codes(self, places: Int[np.ndarray, "points axes"]) -> Int[np.ndarray, " points"]:
        """A number for every place."""
        found = np.zeros(len(places), np.int64)
        for column, end in zip(places.T, self.ends, strict=True):
            found = found * (end + 1) + column
        return found

    def coordinates(
        self, places: Int[np.ndarray, "points axes"]
    ) -> Float[np.ndarray, "points axes"]:
        found = np.empty(places.shape)
        for axis, knots in enumerate(self.knots):
            cell = np.minimum(places[:, axis] >> self.bits, len(knots) - 2)
            share = (places[:, axis] - (cell << self.bits)) / (1 << self.bits)
            low, high = knots[cell], knots[cell + 1]
            found[:, axis] = np.where(share == 1.0, high, low + share * (high - low))
        return found

    def edges(
        self, low: Int[np.ndarray, "cells axes"], size: Int[np.ndarray, "cells axes"]
    ) -> Float[np.ndarray, "cells axes"]:
        """Lengths of the edges of cells, in coordinates."""
        found = np.empty(low.shape)
        for axis, knots in enumerate(self.knots):
            step = np.diff(knots)[low[:, axis] >> self.bits]
            found[:, axis] = step * (size[:, axis] / (1 << self.bits))
        return found

    def members(
        self, coordinates: Float[np.ndarray, "points axes"]
    ) -> tuple[Float[np.ndarray, "points members"], Float[np.ndarray, "points axes members"]]:
        """Values of all parameters that the axes set, and how they move along each axis."""
        from scipy.interpolate import PchipInterpolator

        targets = self.grid.targets
        count, points = sum(map(len, targets)), len(coordinates)
        values, slopes = np.empty((points, count)), np.zeros((points, self.axes, count))
        start = 0
        for axis, (group, given) in enumerate(zip(targets, self.grid.axes.values(), strict=True)):
            own, where = slice(start, start + len(group)), coordinates[:, axis]
            if given.ndim == 1:
                values[:, own], slopes[:, axis, own] = where[:, None], 1.0
            else:
                path: Any = PchipInterpolator(self.knots[axis], given, axis=0)
                values[:, own], slopes[:, axis, own] = path(where), path(where, 1)
            start += len(group)
        return values, slopes


def _knots(name: str, values: np.ndarray) -> Float[np.ndarray, " values"]:
    if len(values) < 2:
        raise ValueError(f"axes[{name!r}] must have at least 2 values to refine between, got 1")
    if values.ndim == 2:
        return np.arange(len(values), dtype=float)
    if np.any(np.diff(values) <= 0):
        raise ValueError(f"axes[{name!r}] must increase, got {values!r}")
    return np.asarray(values, float)
