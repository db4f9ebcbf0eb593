"""The zero-voltage part of every curve: offset, slope, noise, and the normal state beyond it.

Sums run outward on either side of zero bias and are then added, so that a curve turned round gives
the same numbers to the last bit.
"""

from typing import NamedTuple

import numpy as np

from .edges import transition

LEAST_POINTS = 3  # of a plateau
_INNER = 0.8 + 1e-9  # of an edge, where the plateau ends; points on the limit belong to it
_MANY = 16  # points of the inner half that tell its slope
_HALF = 0.5 + 1e-9
_OUTER = 0.8 - 1e-9  # of the range, where the normal state begins
_LOOKED_AT = 256  # samples of a side that tell its noise
_NOISES = 6.0
_FLAT = 0.1  # of the whole curve's rms distance from a line: what noise may be, white or not
_SHARE = 0.02  # of the normal state's voltage at the end of the range


class Side(NamedTuple):
    """Curves outward from zero bias in one direction; magnitudes, missing samples last."""

    bias: np.ndarray
    values: np.ndarray


class Plateaus(NamedTuple):
    """Of every row.

    Attributes:
        bias, value: mean of the samples on the plateau.
        zero: resistance at zero bias: the slope of V, of dV/dI the value there of a parabola.
        zero_error, noise: standard errors of it and of one sample.
        white: standard deviation by neighbours alone, less than `noise` where these are correlated.
        count: samples on the plateau.
        normal: slope beyond (value of dV/dI), not less the plateau's; NaN if unknown.
        edges: where the plateau ends, roughly, (2, rows); NaN where it does not.
    """

    bias: np.ndarray
    value: np.ndarray
    zero: np.ndarray
    zero_error: np.ndarray
    noise: np.ndarray
    white: np.ndarray
    count: np.ndarray
    normal: np.ndarray
    edges: np.ndarray


_ZERO = 1e-9  # of the largest bias: no bias


def sides(values: np.ndarray, current: np.ndarray, odd: bool) -> tuple[Side, Side]:
    """Both directions of rows over an increasing current; voltages (odd) change sign with it."""
    made = []
    zero = _ZERO * np.max(np.abs(current))  # rounding of a grid must not choose a side
    for sign in (1, -1):
        columns = np.flatnonzero(sign * current >= -zero)[::sign]
        bias = np.maximum(sign * current[columns], 0.0)[None]
        part = sign * values[:, columns] if odd else values[:, columns]
        missing = ~np.isfinite(part)
        if missing.any():
            order = np.argsort(missing, axis=1, kind="stable")
            part = np.take_along_axis(np.where(missing, np.nan, part), order, axis=1)
            bias = np.take_along_axis(np.broadcast_to(bias, part.shape), order, axis=1)
        made.append(Side(bias, part))
    return made[0], made[1]


def plateaus(both: tuple[Side, Side], odd: bool) -> tuple[Plateaus, Plateaus]:
    """The plateau around zero bias: the longest that a line fits, then up to 0.8 of its edges.

    The second is that of its inner half, where a curve that is rounded is flatter; of curves that
    have too few points there, the first.
    """
    scale, white = _scale(both), _white_noise(both)
    longest = max(side.values.shape[1] for side in both)
    counts = np.unique(np.geomspace(2, max(longest, 3), 16).astype(int))
    running = [_running(side, counts, odd) for side in both]
    line = _line(_added(running[0], running[1], odd), level=not odd)
    by_chance = white[:, None] * (1.2 + 3 / np.sqrt(np.maximum(line.count, 1)))
    bent = np.nan_to_num(line.noise[:, -1:])
    allowed = np.hypot(by_chance, _FLAT * bent)
    fits = line.noise <= allowed
    widest = np.where(fits.any(axis=1), counts.size - 1 - np.argmax(fits[:, ::-1], axis=1), 0)
    best = np.searchsorted(counts, _INNER * counts[widest], "right")
    best = np.maximum(best - 1, 0)
    first = _Line._make(np.take_along_axis(x, best[:, None], axis=1)[:, 0] for x in line)
    normal = _normal(both, odd)
    beyond = normal - (first.slope if odd else first.value)
    beyond = np.where(beyond > 0, beyond, np.inf)
    far = np.maximum(*(_end(side) for side in both))
    level = np.maximum(_NOISES * first.noise, _SHARE * beyond * (far if odd else 5.0))
    level = np.where(np.isfinite(level), np.maximum(level, np.finfo(float).tiny), np.inf)
    edges, inside = [], []
    for side, sign in zip(both, (1, -1), strict=True):
        if side.values.shape[1] == 0:
            edges.append(np.full(len(scale), np.nan))
            inside.append(np.zeros(side.values.shape, bool))
            continue
        rest = _above(side, first, sign, odd)
        _, stop, crossed = transition(rest, level)
        stop = np.maximum(stop - np.where(crossed, 2, 0), 0)
        edge = np.broadcast_to(side.bias, rest.shape)[np.arange(len(rest)), stop]
        edges.append(np.where(crossed, edge, np.nan))
        inside.append(side.bias <= np.where(crossed, _INNER, 1.0)[:, None] * edge[:, None])
    whole, clip = _fitted(both, inside, first, level, scale, odd)
    ends = [np.max(np.where(x, np.broadcast_to(side.bias, x.shape), 0.0), axis=1, initial=0.0)
            for side, x in zip(both, inside, strict=True)]  # fmt: skip
    half = [
        x & (side.bias <= _HALF * end[:, None])
        for side, x, end in zip(both, inside, ends, strict=True)
    ]
    core, _ = _fitted(both, half, whole, clip, scale, odd)
    many = core.count >= _MANY
    core = _Line._make(np.where(many, x, y) for x, y in zip(core, whole, strict=True))
    made = []
    for line in (whole, core):
        zero = line.slope, line.slope_error
        if not odd:
            own = np.hypot(line.noise / np.sqrt(line.count), line.bias * line.slope_error)
            zero = line.value - line.slope * line.bias, own
        made.append(Plateaus(
            line.bias, line.value, *zero, line.noise, white, line.count, normal, np.array(edges)
        ))  # fmt: skip
    return made[0], made[1]


class _Line(NamedTuple):
    bias: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    slope_error: np.ndarray
    noise: np.ndarray
    count: np.ndarray


def _fitted(
    both: tuple[Side, Side], inside: list[np.ndarray], first: _Line, clip: np.ndarray,
    scale: np.ndarray, odd: bool,
) -> tuple[_Line, np.ndarray]:  # fmt: skip
    """The line through the samples inside, strays left out; and what counted as one."""
    line = first
    for _ in range(2):
        parts = []
        for side, sign, near in zip(both, (1, -1), inside, strict=True):
            kept = near & (np.abs(_above(side, line, sign, odd)) <= clip[:, None])
            parts.append(_sums(side, kept, odd))
        found = _line(_added(parts[0], parts[1], odd))
        known = np.isfinite(found.slope)
        line = _Line._make(np.where(known, x, y) for x, y in zip(found, first, strict=True))
        clip = 4 * np.maximum(line.noise, 1e-12 * scale)
    return line, clip


def _line(sums: list[np.ndarray], level: bool = False) -> _Line:
    """Least squares from sums, a mean with `level`; NaN where there are too few."""
    n, x, xx, y, xy, yy = sums
    mean_x, mean_y = x / n, y / n
    wide, high = xx - n * mean_x**2, yy - n * mean_y**2
    slope = np.zeros_like(mean_y) if level else (xy - n * mean_x * mean_y) / wide
    left = high if level else high - slope**2 * wide
    noise = np.sqrt(np.maximum(left, 0.0) / np.maximum(n - (1 if level else 2), 1))
    error = np.zeros_like(noise) if level else noise / np.sqrt(wide)
    few = n < LEAST_POINTS
    made = [np.where(few, np.nan, z) for z in (mean_x, mean_y, slope, error, noise)]
    return _Line._make([*made, n])


def _added(plus, minus, odd: bool):
    """Sums over both sides of 1, x, x², y, xy, y² from those of magnitudes."""
    signs = (1, -1, 1, -1, 1, 1) if odd else (1,) * 6
    return [a + sign * b for a, b, sign in zip(plus, minus, signs, strict=True)]


def _running(side: Side, counts: np.ndarray, odd: bool) -> list[np.ndarray]:
    """Sums over the innermost samples, (rows, counts)."""
    if side.values.shape[1] == 0:
        return [np.zeros((len(side.values), counts.size))] * 6
    at = np.minimum(counts, side.values.shape[1]) - 1
    return [np.cumsum(x, axis=1)[:, at] for x in _terms(side, np.isfinite(side.values), odd)]


def _sums(side: Side, kept: np.ndarray, odd: bool) -> list[np.ndarray]:
    return [np.sum(x, axis=1) for x in _terms(side, kept, odd)]


def _terms(side: Side, kept: np.ndarray, odd: bool):
    """Of a line in the bias, or of a parabola without its linear term."""
    one = kept.astype(float)
    place = side.bias if odd else side.bias**2
    bias, values = one * place, np.where(kept, side.values, 0.0)
    yield from (one, bias, bias * place, values, values * bias, values**2)


def _above(side: Side, line: _Line, sign: int, odd: bool) -> np.ndarray:
    if odd:
        return side.values - baseline(side.bias, line.bias, line.value, line.slope, sign)
    return (
        side.values
        - line.value[:, None]
        - line.slope[:, None] * (side.bias**2 - line.bias[:, None])
    )


def baseline(
    bias: np.ndarray, at: np.ndarray, value: np.ndarray, slope: np.ndarray | float, sign: int
) -> np.ndarray:
    """The line through (at, value) on one side, in the orientation of that side."""
    return (sign * (value - slope * at))[:, None] + np.reshape(slope, (-1, 1)) * bias


def _normal(both: tuple[Side, Side], odd: bool) -> np.ndarray:
    """Mean over both sides of the slope (of dV/dI the value) in the outer fifth of the range."""
    found = []
    for side in both:
        if side.values.shape[1] < LEAST_POINTS:
            found.append(np.full(len(side.values), np.nan))
            continue
        known = np.isfinite(side.values)
        outer = known & (side.bias >= _OUTER * _end(side)[:, None])
        few = (outer.sum(axis=1) < LEAST_POINTS) & (known.sum(axis=1) >= 2 * LEAST_POINTS)
        last = known & (np.arange(known.shape[1]) >= known.sum(axis=1)[:, None] - LEAST_POINTS)
        outer = np.where(few[:, None], last, outer)
        line = _line(_sums(side, outer, True), level=not odd)
        found.append(line.slope if odd else line.value)
    plus, minus = found
    return np.where(np.isnan(plus), minus, np.where(np.isnan(minus), plus, (plus + minus) / 2))


def intercepts(side: Side) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intercept, its error and slope of the line through the outer fifth of a voltage."""
    outer = np.isfinite(side.values) & (side.bias >= _OUTER * _end(side)[:, None])
    line = _line(_sums(side, outer, True))
    error = np.hypot(line.noise / np.sqrt(line.count), line.bias * line.slope_error)
    return line.value - line.slope * line.bias, error, line.slope


def integrated(side: Side) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`intercepts` of the integral of dV/dI from zero bias, where V is zero.

    ∫(dV/dI − R) dI with R the mean in the outer fifth. Errors: noise of R and of the samples, and
    how far every other sample would move it, for peaks narrower than a step.
    """
    end = _end(side)
    known = np.isfinite(side.values)
    outer = known & (side.bias >= _OUTER * end[:, None])
    line = _line(_sums(side, outer, True), level=True)
    rest = np.where(known, side.values - line.value[:, None], 0.0)
    bias = np.broadcast_to(side.bias, rest.shape)
    weight = _trapezoid(bias, known)
    area = np.sum(weight * rest, axis=1)
    half = np.sum(_trapezoid(bias[:, ::2], known[:, ::2]) * rest[:, ::2], axis=1)
    count = np.maximum(outer.sum(axis=1), 1)
    own = weight - np.where(outer, (end / count)[:, None], 0.0)
    noise = line.noise * np.sqrt(np.sum(own**2, axis=1))
    return area, np.hypot(noise, area - half), line.value


def _trapezoid(bias: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Weights of the samples of an integral from zero to the last known one, which come first."""
    width = np.where(known[:, 1:], np.diff(bias, axis=1), 0.0)
    weight = np.zeros(bias.shape)
    weight[:, :-1] += width / 2
    weight[:, 1:] += width / 2
    weight[:, 0] += bias[:, 0]
    return weight


def _end(side: Side) -> np.ndarray:
    """The largest bias of every row."""
    if side.values.shape[1] == 0:
        return np.zeros(len(side.values))
    return np.max(np.where(np.isfinite(side.values), side.bias, 0.0), axis=1)


def _scale(both: tuple[Side, Side]) -> np.ndarray:
    sizes = [np.abs(_looked_at(side.values)) for side in both]
    return _quantile(np.concatenate(sizes, axis=1), 0.9)


def _white_noise(both: tuple[Side, Side]) -> np.ndarray:
    """From second differences, which lines and a few edges do not change."""
    bends = [_looked_at(np.abs(np.diff(side.values, 2, axis=1))) for side in both]
    return _quantile(np.concatenate(bends, axis=1), 0.5) / (0.6745 * np.sqrt(6))


def _looked_at(values: np.ndarray) -> np.ndarray:
    return values[:, :: max(1, values.shape[1] // _LOOKED_AT)]


def _quantile(values: np.ndarray, share: float) -> np.ndarray:
    """Of every row, of what is known in it; 0 where nothing is."""
    if values.shape[1] == 0:
        return np.zeros(len(values))
    ordered = np.sort(values, axis=1)
    count = np.isfinite(values).sum(axis=1)
    at = np.clip((share * (count - 1)).astype(int), 0, None)
    found = ordered[np.arange(len(values)), at]
    return np.where(count > 0, found, 0.0)
