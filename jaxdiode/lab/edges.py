"""Where curves cross a threshold: no smoothing, no loop over curves. NumPy alone.

Curves are rows over magnitudes of the bias that increase away from zero; missing samples, NaN, come
last.
"""

from typing import NamedTuple

import numpy as np

_NET = 3  # samples by which those beyond must outnumber those before
_BEYOND, _BEFORE = 1.5, 0.5  # thresholds that are certainly beyond it and before it
_RESOLVED, _UNRESOLVED = 3.0, 1.5  # steps between the crossings of half and twice the threshold
_CURVATURE = 0.05  # of a step, what is left of a resolved curve's curvature
_SLOPE = 1.08  # noise of the slope, simulated
_ROOT = float(np.sqrt(2.0))
_LEAST = np.finfo(float).tiny

_Rows = np.ndarray  # of the length of the rows


class Crossings(NamedTuple):
    """Of every row, in the unit of the bias.

    Attributes:
        position: of the threshold; NaN where it is not crossed.
        noise: standard error by the noise of the samples and of the line below them.
        step: standard error by the distance between the samples.
        spread: half the distance between the crossings of half and of twice the threshold.
        last: index of the last sample before the crossing.
    """

    position: _Rows
    noise: _Rows
    step: _Rows
    spread: _Rows
    last: _Rows


def crossings(
    bias: np.ndarray,
    values: np.ndarray,
    threshold: float,
    noise: _Rows,
    shift: _Rows | float = 0.0,
) -> Crossings:
    """Crossings of a threshold outward from zero bias.

    The position is the length over which the values, joined by straight lines, stay below the
    threshold: with noise it is unbiased where the first up-crossing, or the last, would not be. A
    curve that rises from half to twice the threshold within 1.5 steps is not resolved, and a
    straight line between two samples means nothing there: the position is the middle of the step
    and its error step/√12. From 3 steps on the curve counts as resolved, its curvature is taken off
    by the crossings of half and twice the threshold. In between it is a mixture.

    Args:
        bias: magnitudes, increasing, (rows, samples) or (1, samples).
        values: (rows, samples), NaN behind the last.
        threshold: above zero.
        noise: standard deviation of the values of every row.
        shift: standard error that all values of a row share.
    """
    bias = np.broadcast_to(bias, values.shape)
    first, stop, crossed = transition(values, threshold)
    levels = threshold * np.array([1 / _ROOT, 1.0, _ROOT])
    (inner, chord, outer), segment = _lengths(bias, values, first, stop, levels)
    half = _length(bias, values, threshold / 2)[0]
    twice, reached = _length(bias, values, 2 * threshold)
    twice = np.where(reached, twice, chord)
    span = np.maximum(twice - half, 0.0) * np.where(reached, 1.0, 2.0)
    last, left, width, before, after = segment
    bend = (8 / 3 * (twice - chord) - 16 / 3 * (chord - half)) / threshold**2 * reached
    curve = bend / 4 * np.maximum((threshold - before) * (after - threshold), 0.0)
    straight = chord - np.clip(curve, -width / 2, width / 2)
    share = np.clip((_RESOLVED - span / width) / (_RESOLVED - _UNRESOLVED), 0.0, 1.0)
    position = straight + share * (left + width / 2 - straight)
    rise = width * threshold * (_ROOT - 1 / _ROOT) / np.maximum(outer - inner, _LEAST)
    error = np.hypot(_SLOPE * width * dithered(noise / rise), shift * width / rise)
    step = width * np.maximum(share / np.sqrt(12), _CURVATURE * width / np.maximum(span, width))
    found = [np.where(crossed, x, np.nan) for x in (position, error, step, span / 2)]
    return Crossings._make([*found, last])


def dithered(ratio: np.ndarray) -> np.ndarray:
    """Standard error of a crossing, in steps, for noise that is `ratio` times the rise in a step.

    √⅔ ratio where one step crosses, .713 √ratio where many do; simulated in between (2 %).
    """
    one, many = np.sqrt(2 / 3) * ratio, 0.713 * np.sqrt(ratio)
    error = one * (1 + (one / np.maximum(many, _LEAST)) ** 5) ** -0.2
    return np.where(ratio > 0, error, 0.0)


def transition(values: np.ndarray, threshold: float | np.ndarray) -> tuple[_Rows, _Rows, _Rows]:
    """First and last sample of the way across a threshold, and whether there is one.

    Outward it ends where samples beyond outnumber the others by 3, or with the curve; from there
    inward where samples before do. A stray sample far from it changes nothing.
    """
    level = np.reshape(threshold, (-1, 1))
    known = np.isfinite(values)
    beyond = np.where(known, np.where(values > _BEYOND * level, -1, 1), 0)
    drop = _drop(beyond.astype(np.int8))
    rows = np.arange(len(values))
    end = np.maximum(known.sum(axis=1) - 1, 0)
    far = drop >= _NET
    ends = far.any(axis=1)
    stop = np.where(ends, far.argmax(axis=1), end)
    crossed = ends | (drop[rows, end] >= 1)
    inside = known & (np.arange(values.shape[1]) <= stop[:, None])
    before = np.where(inside, np.where(values < _BEFORE * level, -1, 1), 0)
    near = _drop(before.astype(np.int8)[:, ::-1]) >= _NET
    first = np.where(near.any(axis=1), values.shape[1] - 1 - near.argmax(axis=1), 0)
    return first, stop, crossed


def _drop(signs: np.ndarray) -> np.ndarray:
    """How far the sum of the signs so far is below its largest."""
    kind = np.int16 if signs.shape[1] < 2**14 else np.int32
    net = np.cumsum(signs, axis=1, dtype=kind)
    return np.maximum.accumulate(np.maximum(net, 0), axis=1) - net


def _length(bias: np.ndarray, values: np.ndarray, level: float) -> tuple[_Rows, _Rows]:
    first, stop, crossed = transition(values, level)
    return _lengths(bias, values, first, stop, np.array([level]))[0][0], crossed


def _lengths(bias: np.ndarray, values: np.ndarray, first: _Rows, stop: _Rows, levels: np.ndarray):
    """Lengths below levels, and of the middle one the step in which it is last crossed.

    That step is its index, its bias, its width and the values at both ends.
    """
    every = np.arange(len(values))
    index = np.arange(values.shape[1] - 1)
    rows, columns = np.nonzero((index >= first[:, None]) & (index < stop[:, None]))
    low, high = values[rows, columns], values[rows, columns + 1]
    width = bias[rows, columns + 1] - bias[rows, columns]
    least, change = np.minimum(low, high), np.abs(high - low)
    start = bias[every, first]
    lengths = []
    for level in levels:
        share = np.clip((level - least) / np.maximum(change, _LEAST), 0.0, 1.0)
        share = np.where(change > 0, share, low < level)
        lengths.append(start + np.bincount(rows, share * width, len(values)))
    middle = levels[len(levels) // 2]
    up = (low <= middle) & (high > middle)
    last = first.copy()
    last[rows[up]] = columns[up]  # columns increase within a row
    ahead = np.minimum(last + 1, values.shape[1] - 1)
    left = bias[every, last]
    gap = bias[every, ahead] - left
    dwelt = np.flatnonzero((gap <= 0) & (ahead > last))  # it switched while the bias stood still
    steps = np.maximum(np.diff(bias[dwelt], axis=1), 0.0)
    gap[dwelt] = steps.sum(axis=1) / np.maximum((steps > 0).sum(axis=1), 1)
    left[dwelt] -= gap[dwelt] / 2
    gap = np.where(gap > 0, gap, np.maximum(left, _LEAST))  # nothing was crossed there
    return lengths, (last, left, gap, values[every, last], values[every, ahead])
