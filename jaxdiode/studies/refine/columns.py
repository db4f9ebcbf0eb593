"""Outputs of a function in columns: numbers to interpolate, and what only is or is not the same."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

SLOPE = "_slope"  # behind the name of an output
_ABSOLUTE = ("efficiency", "diode_efficiency", "bounded_efficiency")  # of size 1 by themselves
_ROUNDING = 1e-13  # of the largest


class Columns(NamedTuple):
    """Of so many points.

    Attributes:
        values: numbers of all outputs side by side, complex ones as two.
        slopes: along each axis.
        marks: whole numbers and truths, and which of the values are finite.
    """

    values: Float[np.ndarray, "points columns"]
    slopes: Float[np.ndarray, "points axes columns"]
    marks: Int[np.ndarray, "points marks"]


def smooth(sample: Mapping[str, np.ndarray]) -> dict[str, slice]:
    """The columns of every output that has slopes."""
    found, start = {}, 0
    for name, values in sample.items():
        if name + SLOPE in sample:
            pair = 2 if values.dtype.kind == "c" else 1
            width = pair * int(np.prod(values.shape[1:]))
            found[name] = slice(start, start + width)
            start += width
    return found


def columns(found: Mapping[str, np.ndarray], axes: int) -> Columns:
    points = len(next(iter(found.values())))
    names = [name for name in found if name + SLOPE in found]
    rest = [n for n in found if n not in names and n.removesuffix(SLOPE) not in names]
    values = _side_by_side([_flat(_real(found[n]), 1) for n in names], (points,))
    slopes = _side_by_side([_flat(_real(found[n + SLOPE]), 2) for n in names], (points, axes))
    marks = [np.isfinite(values), *(_flat(found[n], 1) for n in rest)]
    return Columns(values, slopes, np.concatenate([m.astype(np.int64) for m in marks], axis=1))


def _side_by_side(parts: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.concatenate(parts, axis=-1) if parts else np.zeros((*shape, 0))


def _flat(values: np.ndarray, kept: int) -> np.ndarray:
    """All axes from `kept` on as one."""
    return values.reshape(*values.shape[:kept], int(np.prod(values.shape[kept:])))


def _real(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind != "c":
        return values.astype(float)
    return np.stack([np.real(values), np.imag(values)], axis=-1).astype(float)


class Tolerance:
    """The error that is asked for, of each output: of η as it is, of others by their size.

    Attributes:
        given: a number for all outputs, or {output: error} of those that count.
    """

    def __init__(self, given: float | Mapping[str, float]):
        self.given = given

    def require(self, parts: Mapping[str, slice]) -> None:
        if isinstance(self.given, Mapping) and (unknown := set(self.given) - set(parts)):
            raise ValueError(
                f"tolerance must be of the function's outputs {', '.join(parts) or '(none)'}, "
                f"got {min(unknown)!r}"
            )

    def of(
        self, parts: Mapping[str, slice], values: Float[np.ndarray, "points columns"]
    ) -> tuple[Float[np.ndarray, " columns"], Bool[np.ndarray, " columns"]]:
        """The error that is allowed in each column, of known points; which columns count."""
        allowed, counts = np.ones(values.shape[1]), np.ones(values.shape[1], bool)
        for name, part in parts.items():
            own = values[:, part]
            largest = np.max(np.abs(own), where=np.isfinite(own), initial=0.0)
            if not isinstance(self.given, Mapping):
                absolute = name.rsplit(".", 1)[-1] in _ABSOLUTE
                allowed[part] = self.given * (1.0 if absolute else largest)
            elif name in self.given:
                allowed[part] = self.given[name]
            else:
                counts[part], allowed[part] = False, 0.0
            allowed[part] = np.maximum(allowed[part], _ROUNDING * largest)
        return np.maximum(allowed, np.finfo(float).tiny), counts
