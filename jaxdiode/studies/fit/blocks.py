"""Blocks of neighbouring residuals: how long they must be, and residuals put together from them."""

from typing import NamedTuple

import numpy as np

from .data import Rows

_FEWEST = 10  # points of a row
_FEWEST_BLOCKS = 3  # in a row
_QUIET = 5  # lags without correlation that end the correlated ones


class Together(NamedTuple):
    """Rows that were measured at the same places, point by point, and their block.

    `points` is (rows, places); one draw of blocks serves all its rows, so that points measured
    together stay together.
    """

    labels: tuple[str, ...]
    points: np.ndarray
    block: int


def automatic_length(values: np.ndarray) -> float:
    """Length of circular blocks for the mean of a stationary series, not rounded.

    b = (3 G² T/2 D²)^(1/3) with D = Σ λ(k/M) R(k), G = Σ λ(k/M) |k| R(k), a flat-top window λ and
    M twice the first lag that begins five correlations in a row below 2√(log₁₀T/T), as in the
    authors' program; at most 3√T and T/3. Source: Politis & White, Econometric Reviews 23, 53
    (2004), with the correction of Patton, Politis & White, ibid. 28, 372 (2009).
    """
    count = values.size
    centred = values - np.mean(values)
    most = min(int(np.ceil(np.sqrt(count))) + _QUIET, count - 2)
    covariance = np.array([centred[k:] @ centred[: count - k] for k in range(most + 1)]) / count
    if not covariance[0] > 0:
        return 1.0
    power = centred**2
    ends = [np.sum(power[k:]) * np.sum(power[: count - k]) for k in range(most + 1)]
    root = np.sqrt(np.maximum(ends, 1e-30 * ends[0]))
    quiet = count * np.abs(covariance) / root < 2 * np.sqrt(np.log10(count) / count)
    runs = [k for k in range(1, most - _QUIET + 2) if np.all(quiet[k : k + _QUIET])]
    window = min(2 * runs[0], most) if runs else most
    lag = np.arange(1, window + 1)
    flat_top = np.minimum(1.0, 2 * (1 - lag / window))
    own = covariance[1 : window + 1]
    total = covariance[0] + 2 * np.sum(flat_top * own)
    slope = 2 * np.sum(flat_top * lag * own)
    longest = np.ceil(min(3 * np.sqrt(count), count / 3))
    if not total**2 > 0:
        return float(longest)
    return float(min((1.5 * (slope / total) ** 2 * count) ** (1 / 3), longest))


def require_rows(rows: Rows, block: int | None) -> None:
    """Raise where a row is too short to be put together from blocks."""
    for label, row in zip(rows.labels, rows.sorted_rows(), strict=True):
        if row.size < _FEWEST:
            raise ValueError(
                f"bootstrap must have rows of {_FEWEST} points or more to draw blocks from, got "
                f"{row.size} in {label}"
            )
        if block is not None and block > row.size // _FEWEST_BLOCKS:
            raise ValueError(
                f"block must be at most a third of every row, got {block} for the {row.size} "
                f"points of {label}"
            )


def together(rows: Rows, values: np.ndarray, block: int | None) -> list[Together]:
    """Rows measured at the same places, with the block given or the longest of their own."""
    ordered = rows.sorted_rows()
    groups: dict[tuple, list[int]] = {}
    for k, row in enumerate(ordered):
        groups.setdefault((rows.sequence[row[0]], rows.place[row].tobytes()), []).append(k)
    made = []
    for members in groups.values():
        points = np.stack([ordered[k] for k in members])
        labels = tuple(rows.labels[k] for k in members)
        if block is None:
            own = int(np.ceil(max(automatic_length(values[row]) for row in points)))
            own = min(max(own, 1), points.shape[1] // _FEWEST_BLOCKS)
        else:
            own = int(block)
        made.append(Together(labels, points, own))
    return made


def drawn(groups: list[Together], values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Values put together anew from circular blocks, each from anywhere in its own row.

    Source: Politis & Romano, in Exploring the Limits of Bootstrap (Wiley, 1992).
    """
    found = np.empty_like(values)
    for group in groups:
        count = group.points.shape[1]
        begin = random.integers(0, count, -(-count // group.block))
        at = ((begin[:, None] + np.arange(group.block)) % count).ravel()[:count]
        found[group.points] = values[group.points[:, at]]
    return found
