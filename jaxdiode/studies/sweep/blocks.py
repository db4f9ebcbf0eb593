"""A grid cut into boxes of one shape: the chunks of a store, and what one program computes."""

import math

import numpy as np
from jaxtyping import Int, Shaped


class Blocks:
    """Boxes of at most so many points, numbered along the grid, the last of an axis cut off.

    Trailing axes are whole as far as they fit, so that a box is nearly a stretch of the flat grid.

    Attributes:
        grid: points of each axis.
        box: points of a box along each axis.
        counts: boxes along each axis; `count` of them together.
        size: points of a box.
    """

    def __init__(self, grid: tuple[int, ...], most: int):
        box, left = [], most
        for size in reversed(grid):
            pieces = -(-size // max(left, 1))
            box.append(-(-size // pieces))  # of one size, not a whole one and a rest
            left //= box[-1]
        self._set(grid, tuple(reversed(box)))

    @classmethod
    def of(cls, grid: tuple[int, ...], box: tuple[int, ...]) -> "Blocks":
        """Boxes of a shape that is known."""
        made = cls.__new__(cls)
        made._set(grid, box)
        return made

    def _set(self, grid: tuple[int, ...], box: tuple[int, ...]) -> None:
        self.grid, self.box = grid, box
        self.counts = tuple(-(-n // b) for n, b in zip(grid, box, strict=True))
        self.count, self.size = math.prod(self.counts), math.prod(box)

    def region(self, number: int) -> tuple[slice, ...]:
        """Where the box lies in the grid."""
        place = np.unravel_index(number, self.counts)
        return tuple(
            slice(int(k) * b, min((int(k) + 1) * b, n))
            for k, b, n in zip(place, self.box, self.grid, strict=True)
        )

    def points(self, number: int) -> Int[np.ndarray, " points"]:
        """Flat indices of its points."""
        along = [np.arange(part.start, part.stop) for part in self.region(number)]
        return np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), self.grid).ravel()

    def shape(self, number: int) -> tuple[int, ...]:
        """Points of the box along each axis."""
        return tuple(part.stop - part.start for part in self.region(number))

    def shaped(self, number: int, values: Shaped[np.ndarray, "points *inner"]) -> np.ndarray:
        """The values of its points, in its shape."""
        return values.reshape(*self.shape(number), *values.shape[1:])
