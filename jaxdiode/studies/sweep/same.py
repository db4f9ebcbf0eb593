"""Whether two sweeps are the same, by their inputs and a sample of their values."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int

from .grid import Grid

_SAMPLED = 64  # points whose values tell two functions apart


def sample_points(grid: Grid) -> Int[np.ndarray, " points"]:
    """Flat indices of the points whose values tell one function from another."""
    return grid.spread(min(max(_SAMPLED, 2 * grid.row), grid.size))


def same_inputs(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    """Equal names, shapes and values (to rounding: another machine may go on)."""
    return list(one) == list(other) and all(map(close, one.values(), other.values()))


def close(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    size = np.max(np.abs(a), where=np.isfinite(a), initial=0.0)
    return np.allclose(a, b, rtol=1e-7, atol=1e-9 * size, equal_nan=True)
