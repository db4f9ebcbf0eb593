"""Where I₋ of one field is I₊ of the opposite one, and errors of correlated rows."""

from typing import NamedTuple

import numpy as np

_OVERLAP = 0.5  # of the range that must lie on both sides of a mirror
_AS_GOOD = 1.1  # times the least mismatch
_MOST = 4000  # mirrors that are tried


class Mirror(NamedTuple):
    """Of rows over an axis of length one.

    Attributes:
        offset, error: the mirror, of those as good the one nearest to zero field.
        offsets: all that are as good.
        asymmetry: rms difference less its mean, over the rms variation of both rows.
        without: the least of the rms difference itself.
        current, current_error: half the mean difference.
    """

    offset: float
    error: float
    offsets: np.ndarray
    asymmetry: float
    without: float
    current: float
    current_error: float


def time_reversal(x: np.ndarray, plus: np.ndarray, minus: np.ndarray, zero: float) -> Mirror:
    """The mirror that maps I₋ on I₊ best, with a constant between them.

    Args:
        x: increasing from 0 to 1.
        plus, minus: I₊ and I₋.
        zero: where the field is zero, in this unit.
    """

    def mismatch(mirror: float) -> tuple[float, float]:
        rest, size = _difference(x, plus, minus, mirror)
        return float(np.var(rest)) / size, float(np.mean(rest**2)) / size

    step = max(1 / (4 * x.size), 1 / _MOST)
    mirrors = np.arange(_OVERLAP / 2, 1 - _OVERLAP / 2 + step / 2, step)
    free, fixed = np.array([mismatch(b) for b in mirrors]).T
    inner = np.flatnonzero((free[1:-1] <= free[:-2]) & (free[1:-1] < free[2:])) + 1
    inner = inner if inner.size else np.array([int(np.argmin(free))])
    best = np.array([_vertex(mirrors, free, int(k)) for k in inner])
    left = np.array([mismatch(b)[0] for b in best])
    good = best[left <= _AS_GOOD**2 * np.min(left) + 1e-9]
    offset = float(good[np.argmin(np.abs(good - zero))])
    rest, size = _difference(x, plus, minus, offset)
    near = 1.5 / x.size  # beyond the corners of straight lines between points
    bend = sum(mismatch(offset + s * near)[0] for s in (1, -1)) - 2 * mismatch(offset)[0]
    bend = max(bend, 0.0) * size * rest.size / near**2
    variance = np.var(rest) * correlation(rest)
    return Mirror(
        offset, float(np.sqrt(2 * variance / bend)) if bend > 0 else np.nan, good,
        float(np.sqrt(np.var(rest) / size)), float(np.sqrt(np.min(fixed))),
        float(np.mean(rest)) / 2, error_of_mean(rest) / 2,
    )  # fmt: skip


def _difference(x: np.ndarray, plus: np.ndarray, minus: np.ndarray, mirror: float):
    """I₊(x) − I₋(2 mirror − x) where both are known, and the variance of both rows there."""
    image = 2 * mirror - x
    there = (image >= x[0]) & (image <= x[-1])
    rest = plus[there] - np.interp(image[there], x, minus)
    other = (x >= 2 * mirror - x[-1]) & (x <= 2 * mirror - x[0])
    size = float(np.var(plus[there]) + np.var(minus[other]))
    return rest, size if size > 0 else np.finfo(float).tiny


def _vertex(places: np.ndarray, values: np.ndarray, k: int) -> float:
    """The lowest point of the parabola through three."""
    if not 0 < k < places.size - 1:
        return float(places[k])
    low, middle, high = values[k - 1 : k + 2]
    bend = low - 2 * middle + high
    shift = 0.5 * (low - high) / bend if bend > 0 else 0.0
    return float(places[k] + np.clip(shift, -1, 1) * (places[1] - places[0]))


def correlation(rest: np.ndarray) -> float:
    """Neighbours that vary together: 1 + 2Σρ up to the first ρ below zero; 1 of white noise."""
    rest = rest - np.mean(rest)
    total = float(rest @ rest)
    if total <= 0:
        return 1.0
    most = rest.size // 4
    lags = np.array([float(rest[k:] @ rest[:-k]) for k in range(1, most + 1)]) / total
    ends = np.flatnonzero(lags < 0)
    return float(1 + 2 * np.sum(lags[: ends[0] if ends.size else most]))


def error_of_mean(rest: np.ndarray) -> float:
    """Standard error of the mean of a row whose neighbours are correlated."""
    return float(np.sqrt(np.var(rest) * correlation(rest) / rest.size))
