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
    """

    def __init__(self, grid: tuple[int, ...], most: int):
        self.grid = grid
        box, left = [], most
        for size in reversed(grid):
            pieces = -(-size // max(left, 1))
            box.append(-(-size // pieces))  # of one size, not a whole one and a rest
            left //= box[-1]
        self.box = tuple(reversed(box))
        self.counts = tuple(-(-n // b) for n, b in zip(grid, self.box, strict=True))
        self.count = math.prod(self.counts)
        self.size = math.prod(self.box)

    def region(self, number: int) -> tuple[slice, ...]:
        """Where the box lies in the grid."""
        place = np.unravel_index(number, self.counts)
        return tuple(
            slice(int(k) * b, min((int(k) + 1) * b, n))
            for k, b, n in zip(place, self.box, self.grid, strict=True)
        )

    def points(self, number: int) -> Int[np.ndarray, " size"]:
        """Flat indices of its points; beyond the grid its last points again."""
        place = np.unravel_index(number, self.counts)
        along = [
            np.minimum(int(k) * b + np.arange(b), n - 1)
            for k, b, n in zip(place, self.box, self.grid, strict=True)
        ]
        return np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), self.grid).ravel()

    def inside(self, number: int, values: Shaped[np.ndarray, "size *inner"]) -> np.ndarray:
        """The values of a box in its shape, without those beyond the grid."""
        whole = values.reshape(*self.box, *values.shape[1:])
        return whole[tuple(slice(0, part.stop - part.start) for part in self.region(number))]
