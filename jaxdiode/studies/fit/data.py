"""Measured data laid out beside a prediction: rows, their names, and the axis they share."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree

from ... import _checks
from ...core.critical import CriticalCurrents


class Rows(NamedTuple):
    """Every point of flat data: the row it lies in and where along the axis.

    A row is one line of a leaf along its last axis: one branch, one sweep. Points of equal
    `sequence` and `place` were measured together; places count 0, 1, 2 … along the axis.
    """

    labels: tuple[str, ...]
    row: np.ndarray
    index: np.ndarray  # within the row
    sequence: np.ndarray
    place: np.ndarray
    position: np.ndarray  # along the axis; the index where the axis is not known

    def name(self, point: int) -> str:
        return f"{self.labels[self.row[point]]}[{self.index[point]}]"

    def place_name(self, point: int) -> str:
        """By the position on the axis, "minus at 0.2", or as `name` where there is none."""
        if np.array_equal(self.position, self.index):
            return self.name(point)
        return f"{self.labels[self.row[point]]} at {self.position[point]:.6g}"

    def listed(self, points: np.ndarray) -> str:
        """The first few points by name."""
        names = [self.name(k) for k in points[:6].tolist()]
        return ", ".join(names) + (", …" if len(points) > 6 else "")

    def only(self, kept: np.ndarray) -> "Rows":
        """Of some of the points; rows and places of which none is left are left out."""
        rows = np.unique(self.row[kept])
        return Rows(
            tuple(self.labels[k] for k in rows.tolist()), np.searchsorted(rows, self.row[kept]),
            self.index[kept], self.sequence[kept],
            _ranked(self.sequence[kept], self.place[kept]), self.position[kept],
        )  # fmt: skip

    def sorted_rows(self) -> list[np.ndarray]:
        """The points of each row in the order of the axis."""
        rows = (np.flatnonzero(self.row == k) for k in range(len(self.labels)))
        return [row[np.argsort(self.place[row], kind="stable")] for row in rows]


def _ranked(sequence: np.ndarray, place: np.ndarray) -> np.ndarray:
    rank = np.zeros_like(place)
    for one in np.unique(sequence):
        inside = sequence == one
        rank[inside] = np.unique(place[inside], return_inverse=True)[1].reshape(-1)
    return rank


def require_some(data: PyTree) -> None:
    """Refuse data without a number, for which models are not made.

    Raises:
        ValueError: no point at all.
    """
    if isinstance(data, CriticalCurrents):
        data = (data.plus, data.minus)
    if data is not None and not sum(np.size(leaf) for leaf in jax.tree.leaves(data)):
        raise ValueError(f"data must hold points, got {_shown(data)}")


def flat_like(template: PyTree, data: PyTree, what: str) -> np.ndarray:
    """`data` as one vector, in the order of the prediction's leaves.

    Lists count as arrays where the prediction has an array; a list, a tuple or the first axis of
    an array may stand for the prediction's tuple.

    Raises:
        ValueError: another structure or shape than the prediction's, or no numbers.
    """
    if isinstance(data, CriticalCurrents):
        data = (data.plus, data.minus)
    return np.concatenate(_leaves_like(template, data, what) or [np.zeros(0)])


def _leaves_like(template, data, name: str) -> list[np.ndarray]:
    if isinstance(template, jax.ShapeDtypeStruct):
        try:
            array = np.asarray(data, float)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} must be an array of numbers of shape {template.shape} like the "
                f"prediction, got {_shown(data)}"
            ) from error
        if array.shape != template.shape:
            raise ValueError(
                f"{name} must look like the prediction, an array of shape {template.shape}, "
                f"got {_shown(data)}"
            )
        return [array.ravel()]
    if isinstance(template, Mapping):
        if not isinstance(data, Mapping) or set(data) != set(template):
            raise ValueError(
                f"{name} must look like the prediction, a dict of {', '.join(map(str, template))}, "
                f"got {_shown(data)}"
            )
        return [
            leaf
            for key in sorted(template)
            for leaf in _leaves_like(template[key], data[key], f"{name}[{key!r}]")
        ]
    if isinstance(template, tuple | list):
        fits = isinstance(data, tuple | list) or (hasattr(data, "shape") and np.ndim(data) > 0)
        if not fits or len(data) != len(template):
            raise ValueError(
                f"{name} must look like the prediction, {len(template)} parts of shapes "
                f"{', '.join(_shape(part) for part in template)}, got {_shown(data)}"
            )
        return [
            leaf
            for k, (part, own) in enumerate(zip(template, data, strict=True))
            for leaf in _leaves_like(part, own, f"{name}[{k}]")
        ]
    parts = jax.tree.leaves(template)
    structure = jax.tree.structure(template)
    if jax.tree.structure(data) != structure:
        raise ValueError(
            f"{name} must have the structure of the prediction, {structure}, got {_shown(data)}"
        )
    pairs = zip(parts, jax.tree.leaves(data), strict=True)
    return [leaf for part, own in pairs for leaf in _leaves_like(part, own, name)]


def _shape(part) -> str:
    return str(part.shape) if isinstance(part, jax.ShapeDtypeStruct) else type(part).__name__


def _shown(data) -> str:
    if hasattr(data, "shape"):
        return f"an array of shape {tuple(data.shape)}"
    if isinstance(data, tuple | list):
        kinds = {_shown(part) if hasattr(part, "shape") else type(part).__name__ for part in data}
        kind = f" ({', '.join(sorted(kinds)[:3])})" if data else ""
        return f"a {type(data).__name__} of length {len(data)}{kind}"
    if isinstance(data, Mapping):
        return f"a dict of {', '.join(map(str, data)) or 'nothing'}"
    text = repr(data)
    return text if len(text) <= 60 else type(data).__name__


def lay_out(template: PyTree, labels: tuple[str, ...] | None, along: PyTree = None) -> Rows:
    """Rows of a prediction.

    Without `along`, point i of one row belongs with point i of every other row of that length;
    rows of different lengths are independent sequences. With `along` (one list of positions for
    all rows, or a tree like the data) points at equal positions belong together.

    Raises:
        ValueError: `along` has neither shape, or is not finite.
    """
    paths = jax.tree_util.tree_flatten_with_path(template)[0]
    names, row, index, lengths = [], [], [], []
    for k, (path, leaf) in enumerate(paths):
        stem = labels[k] if labels else "data" + jax.tree_util.keystr(path)
        length = leaf.shape[-1] if leaf.shape else 1
        count = int(np.prod(leaf.shape[:-1], dtype=int)) if leaf.shape else 1
        for which in np.ndindex(leaf.shape[:-1]):
            names.append(stem + "".join(f"[{i}]" for i in which))
        row.append(len(lengths) + np.repeat(np.arange(count), length))
        index.append(np.tile(np.arange(length), count))
        lengths += [length] * count
    row, index = (np.concatenate(parts).astype(int) for parts in (row, index))
    lengths = np.array(lengths, int)
    if along is None:
        kinds = {length: k for k, length in enumerate(dict.fromkeys(lengths.tolist()))}
        sequence = np.array([kinds[length] for length in lengths[row].tolist()], int)
        return Rows(tuple(names), row, index, sequence, index, index.astype(float))
    position = _positions(template, along, lengths)
    place = np.unique(position, return_inverse=True)[1].reshape(-1)
    return Rows(tuple(names), row, index, np.zeros_like(row), place, position)


def _positions(template, along, lengths) -> np.ndarray:
    try:
        one = np.asarray(along, float)
    except (TypeError, ValueError):
        one = np.zeros((0, 0))
    if one.ndim == 1:
        if not np.all(lengths == one.size):
            raise ValueError(
                f"along must hold one position for each point of a row, "
                f"{', '.join(map(str, sorted(set(lengths.tolist()))))}, got {one.size}"
            )
        position = np.tile(one, len(lengths))
    else:
        position = flat_like(template, along, "along")
    if not np.all(np.isfinite(position)):
        raise ValueError("along must be finite, got NaN or infinite positions")
    return position


def noise_of(template: PyTree, sigma: PyTree, kept: np.ndarray) -> np.ndarray | None:
    """σ of every point that is kept, or None where it is not known."""
    if sigma is None:
        return None
    if isinstance(sigma, bool):
        raise ValueError(f"sigma must be a number or a tree of them, got {sigma!r}")
    if isinstance(sigma, int | float) or getattr(sigma, "ndim", None) == 0:
        flat = np.full(kept.size, float(sigma))
    else:
        try:
            flat = flat_like(template, sigma, "sigma")
        except ValueError as error:
            raise ValueError(
                f"sigma must be one number or have the structure and shapes of data: {error}"
            ) from error
    flat = flat[kept]
    if not np.all((flat > 0) & np.isfinite(flat)):
        bad = flat[~((flat > 0) & np.isfinite(flat))][0]
        raise ValueError(f"sigma must be positive, got {bad:g}")
    return flat


def require_finite(flat: np.ndarray, rows: Rows, drop_missing: bool | None = None) -> np.ndarray:
    """Which points are there: all, or with `drop_missing` those that are not NaN.

    Raises:
        ValueError: NaN without `drop_missing`, infinite values, nothing but NaN.
    """
    _checks.require_x64()
    if drop_missing not in (None, False, True):
        raise ValueError(f"drop_missing must be True or False, got {drop_missing!r}")
    missing = np.isnan(flat) if drop_missing else np.zeros(flat.shape, bool)
    bad = np.flatnonzero(~np.isfinite(flat) & ~missing)
    if bad.size:
        raise ValueError(
            f"data must be finite, got {bad.size} NaN or infinite values "
            f"({rows.listed(bad)}); leave them out"
            + (", or let drop_missing=True leave out what is NaN" if drop_missing is False else "")
        )
    if missing.all():
        raise ValueError(f"data must hold values, all {missing.size} are NaN")
    return ~missing
