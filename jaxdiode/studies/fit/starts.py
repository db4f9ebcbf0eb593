"""Where a fit starts: the space's own values, periods of the data, and points drawn at random."""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import PRNGKeyArray, PyTree

from ... import _checks
from ..space import Space, numpy_generator, random_key
from . import periods as flux_periods
from .data import Rows
from .trust_region import Problem, Solution

DRAWN = 96  # points looked at before a multistart
_SCREENED = 16  # of them, from which short fits start
# (evaluations of short fits from each start, how many go on): of those, of starts that are given.
_SCREENED_HEATS = ((4, 6), (10, 3))
HEATS = ((4, 24), (10, 6))
_APART = 0.05  # of the box, along some parameter, between two starts
_AT_PERIODS = 0.75  # of the points take a period that the data show
_JITTER = 0.5  # resolutions, about such a period
_RIVAL = 9.0  # χ² more than the best, with which another minimum is no worse
_ELSEWHERE = 4.0  # errors, by which it lies elsewhere
_SAME = 1e-6  # relative difference of costs of one minimum


def require_inside(space: Space, values: np.ndarray) -> np.ndarray:
    """The values, to start from.

    Raises:
        ValueError: one of them lies outside its bounds.
    """
    for name, x, low, high in zip(space.names, values, space.lower, space.upper, strict=True):
        if not low <= x <= high:
            raise ValueError(
                f"{name!r} must start inside its bounds, got {x:g} outside {low:g} to {high:g}"
            )
    return values


def at_periods(space: Space, names, along: PyTree, rows: Rows, flat: np.ndarray):
    """Starts at the periods that the data show; none where no parameter is said to be one."""
    if not names:
        return []
    if along is None:
        raise ValueError("along must be given with periods: the axis they are counted on, got None")
    return flux_periods.period_starts(space, names, rows, flat)


def require_starts(space: Space, starts, key) -> list[np.ndarray]:
    """The starting points that were given, if points were given.

    Raises:
        ValueError: no whole number and no points of the space, random ones without a key.
    """
    if starts is None:
        return []
    if isinstance(starts, bool) or np.ndim(starts) == 0:
        _checks.whole_number("starts", starts)
        if starts > 1 and key is None:
            raise ValueError("key must be given when starts > 1, got None")
        return []
    points = np.asarray(_checks.real_array("starts", starts, ndim=2))
    if points.shape[1] != len(space.names):
        raise ValueError(
            f"starts must have one column for each of {len(space.names)} parameters, got shape "
            f"{points.shape}"
        )
    low, high = np.asarray(space.lower), np.asarray(space.upper)
    outside = np.any((points < low) | (points > high), axis=1)
    if outside.any():
        raise ValueError(f"starts must lie inside the bounds, row {np.argmax(outside)} does not")
    first = np.asarray(space.values())
    return [point for point in points if not np.array_equal(point, first)]


def drawn(space: Space, key: PRNGKeyArray, count: int) -> list[np.ndarray]:
    """Random points of the space.

    Raises:
        ValueError: a bound is infinite.
    """
    return [np.array(space.sample(k)) for k in jax.random.split(key, count)]


def others(
    problem: Problem, starts, given: list[np.ndarray], key, periods, rows: Rows
) -> list[np.ndarray]:
    """The starts beside the first, as `fit` describes its argument `starts`."""
    space, first = problem.space, np.asarray(problem.space.values())
    if starts is None:
        bounded = np.all(np.isfinite(space.lower)) and np.all(np.isfinite(space.upper))
        chance = random_key(0 if key is None else key)
        return screened(problem, chance, periods, rows) if bounded else []
    if np.ndim(starts) == 0:
        return drawn(space, random_key(key), starts - 1) if starts > 1 else []
    return problem.in_heats(problem.usable(given), first, HEATS)


def screened(problem: Problem, key: PRNGKeyArray, names, rows: Rows) -> list[np.ndarray]:
    """The most promising of many random points, apart from each other.

    They are compared by the sum of absolute residuals, to which outliers matter little, and the
    best by short fits. Where periods are known from the data, most points take one of them.
    """
    space = problem.space
    points = drawn(space, key, DRAWN)
    if names:
        _put_periods(problem, points, key, names, rows)
    costs = [np.sum(np.abs(problem.residual(x) / problem.assumed)) for x in points]
    promising = apart(space, points, np.array(costs), _APART, _SCREENED)
    return problem.in_heats(promising, np.asarray(space.values()), _SCREENED_HEATS)


def apart(
    space: Space, points: Sequence[np.ndarray] | np.ndarray, costs: np.ndarray, least: float,
    most: int,
) -> list[np.ndarray]:  # fmt: skip
    """At most so many points of the least finite cost, each `least` of the box from the others."""
    low, width = np.asarray(space.lower), np.asarray(space.upper - space.lower)
    places = (np.asarray(points) - low) / width
    chosen: list[int] = []
    for k in np.argsort(np.where(np.isfinite(costs), costs, np.inf)):
        near = any(np.max(np.abs(places[k] - places[i])) < least for i in chosen)
        if np.isfinite(costs[k]) and not near and len(chosen) < most:
            chosen.append(int(k))
    return [points[k] for k in chosen]


def _put_periods(problem: Problem, points: list[np.ndarray], key, names, rows: Rows) -> None:
    space, random = problem.space, numpy_generator(key)
    resolution = 1 / np.ptp(rows.position)
    for name, peaks in flux_periods.candidates(space, names, rows, problem.data).items():
        k = space.names.index(name)
        for point in points if peaks.size else ():
            if random.uniform() < _AT_PERIODS:
                value = random.choice(peaks) + _JITTER * resolution * random.uniform(-1, 1)
                point[k] = np.clip(value, space.lower[k], space.upper[k])


def best(problem: Problem, found: list[Solution]) -> tuple[Solution, int]:
    """The lowest, the first of those that are equal, and how many are."""
    misfits = np.array([problem.misfit(one) for one in found])
    equal = misfits <= np.min(misfits) * (1 + _SAME) + np.finfo(float).tiny
    return found[int(np.argmax(equal))], int(np.sum(equal))


def rivals(
    problem: Problem, found: list[Solution], best: Solution, noise: np.ndarray, errors: np.ndarray
) -> list[tuple[float, tuple[float, ...]]]:
    """(χ² more than the best, values) of other minima that fit about as well, the best first.

    Of least squares without prior; those of the same χ² are taken for the best's own image under
    an exchange.
    """
    if problem.loss != "linear" or problem.prior is not None or not np.all(noise > 0):
        return []
    unit = float(np.median(best.noise / noise)) ** 2  # costs are in units of the noise assumed
    near: list[tuple[float, tuple[float, ...]]] = []
    for one in sorted(found, key=problem.misfit):
        more = 2 * (one.cost - best.cost) * unit
        same = more <= _SAME * max(2 * best.cost * unit, 1.0) or not one.converged
        if same or more > _RIVAL or any(abs(more - x) < _SAME for x, _ in near):
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            away = np.abs(one.values - best.values) / errors
        if np.any(away[np.isfinite(errors)] > _ELSEWHERE):
            near.append((float(more), tuple(map(float, one.values))))
    return near
