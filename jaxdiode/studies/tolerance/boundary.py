"""Where rays from a device first leave the set of those that meet a specification.

Every ray is scanned outward; what lies between two neighbouring points of the scan is judged by
the slopes there: an interval in which some bound may have a minimum is searched for it. The first
failure is then enclosed by bisection. All of it calls one compiled program.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from ...progress import track
from .moves import Moves
from .specification import Specification

ACCURACY = 1e-10  # of the reach
NONE, NO_RESULT = -1, -2  # in place of a bound's number: nothing fails; the device has no result

_LANES = 128  # evaluated at once
_BLOCK = 8  # points of a scan before rays that have failed are left out
_INSIDE = 8  # points in an interval that may hold a minimum
_ZOOMS = 12
_MOST = 31  # points of a section of a bracket


class Rays(NamedTuple):
    """Directions in the space of moves, and how far to go along each."""

    direction: np.ndarray  # (rays, n)
    length: np.ndarray  # (rays,)


class Boundary(NamedTuple):
    """Of every ray the last distance at which all is met, and what fails right behind it."""

    distance: np.ndarray  # NaN where nothing fails up to the ray's length
    fails: np.ndarray  # the number of a bound, NONE or NO_RESULT


class Evaluation:
    """Slacks and their slopes along rays, batch by batch; counts what it evaluates."""

    def __init__(self, moves: Moves, specification: Specification):
        self.moves, self.specification = moves, specification
        self.count = 0

    def __call__(self, rays: Rays, which: np.ndarray, distance: np.ndarray):
        """(points, bounds) twice, at these distances along these of the rays."""
        along = rays.direction[which]
        x = distance[:, None] * along
        count, found = len(x), []
        for first in range(0, count, _LANES):
            part = slice(first, first + _LANES)
            rest = ((0, _LANES - len(x[part])), (0, 0))
            one = _slacks(
                self.moves, self.specification,
                np.pad(x[part], rest, mode="edge"), np.pad(along[part], rest, mode="edge"),
            )  # fmt: skip
            found.append([np.asarray(y)[: len(x[part])] for y in one])
        self.count += count
        return tuple(np.concatenate(y) for y in zip(*found, strict=True))


@eqx.filter_jit
def _slacks(moves, specification, x, along):
    def one(x, along):
        return jax.jvp(lambda y: specification.slacks(moves.at(y)), (x,), (along,))

    return jax.vmap(one)(x, along)


def first_failures(
    evaluate: Callable, rays: Rays, points: int, *, label: str, progress: bool
) -> Boundary:
    """The boundary along every ray."""
    count = len(rays.length)
    distance, fails = np.full(count, np.nan), np.full(count, NONE)
    if not count:
        return Boundary(distance, fails)
    steps, slack, slope, first = _scan(evaluate, rays, points, label, progress)
    inside, outside = np.full(count, np.nan), np.full(count, np.nan)
    seen = first <= points
    which = np.flatnonzero(seen)
    inside[which] = steps[which, first[which] - 1]
    outside[which] = steps[which, first[which]]
    for k, low, high in _dips(evaluate, rays, steps, slack, slope, first):
        if not low >= inside[k]:
            inside[k], outside[k] = low, high
    which = np.flatnonzero(np.isfinite(inside))
    if which.size:
        distance[which], far = _enclosed(evaluate, rays, which, inside[which], outside[which])
        fails[which] = _failing(evaluate(rays, which, far)[0])
    return Boundary(distance, fails)


def met(slack: np.ndarray) -> np.ndarray:
    """Whether every bound is; NaN is not."""
    return np.all(slack >= 0, axis=-1)


def _scan(evaluate, rays, points, label, progress):
    """Distances, slacks and slopes of the scan, and the first point of each ray that fails."""
    count = len(rays.length)
    steps = rays.length[:, None] * np.arange(points + 1) / points
    bounds = len(evaluate.specification.labels)
    slack = np.full((count, points + 1, bounds), np.nan)
    slope = np.full_like(slack, np.nan)
    first = np.full(count, points + 1)
    starts = range(0, points + 1, _BLOCK)
    for start in track(starts, label, len(starts), progress):
        columns = np.arange(start, min(start + _BLOCK, points + 1))
        going = np.flatnonzero((first > points) & (rays.length > 0))
        if not going.size:
            continue
        which, column = (x.ravel() for x in np.meshgrid(going, columns, indexing="ij"))
        slack[which, column], slope[which, column] = evaluate(rays, which, steps[which, column])
        good = met(slack[np.ix_(going, columns)])
        failed = ~good.all(axis=1)
        first[going[failed]] = columns[np.argmin(good[failed], axis=1)]
    return steps, slack, slope, first


def _dips(evaluate, rays, steps, slack, slope, first):
    """(ray, inside, outside) of failures between two points of the scan that both meet all."""
    columns = np.arange(steps.shape[1] - 1)
    judged = (columns + 1)[None, :, None] < first[:, None, None]
    judged = judged & (rays.length > 0)[:, None, None]
    width = np.diff(steps)[:, :, None]
    low = (slack[:, :-1], slope[:, :-1])
    high = (slack[:, 1:], slope[:, 1:])
    which, column, bound = np.nonzero(judged & _may_turn(low, high, width))
    near, far = steps[which, column], steps[which, column + 1]
    found = []
    for _ in range(_ZOOMS):
        if not which.size:
            break
        fraction = np.arange(_INSIDE + 2) / (_INSIDE + 1)
        at = near[:, None] + (far - near)[:, None] * fraction
        at[:, -1] = far
        shape = at.shape
        value, rise = (
            y.reshape(*shape, -1) for y in evaluate(rays, np.repeat(which, shape[1]), at.ravel())
        )
        good = met(value)
        failed = ~good.all(axis=1)
        for k in np.flatnonzero(failed):
            there = max(int(np.argmin(good[k])), 1)
            found.append((which[k], at[k, there - 1], at[k, there]))
        each = np.arange(len(which))
        own, own_rise = value[each, :, bound], rise[each, :, bound]
        least = np.argmin(np.where(np.isnan(own), np.inf, own), axis=1)
        left, right = np.maximum(least - 1, 0), np.minimum(least + 1, _INSIDE + 1)
        near, far = at[each, left], at[each, right]
        lowest = _lowest(own, own_rise, at, left, least, right)
        # Where the flanks are convex nothing lies below their tangents.
        open_ = ~failed & ~(lowest > 0.5 * own[each, least])
        which, bound, near, far = (x[open_] for x in (which, bound, near, far))
    return found


def _may_turn(low, high, width):
    """Whether a bound's slack may have a minimum between two points.

    It falls and rises again, or the cubic through both values and slopes dips below both ends, or
    a slope is not known.
    """
    (a, da), (b, db) = low, high
    with np.errstate(all="ignore"):
        turns = (da < 0) & (db > 0)
        da, db = da * width, db * width
        c2, c3 = 3 * (b - a) - 2 * da - db, 2 * (a - b) + da + db
        root = np.sqrt(c2**2 - 3 * c3 * da)
        dips = np.zeros_like(turns)
        for at in ((-c2 + root) / (3 * c3), -da / (2 * c2)):
            value = a + at * (da + at * (c2 + at * c3))
            dips |= (at > 0) & (at < 1) & (value < np.minimum(a, b))
    return turns | dips | ~np.isfinite(da) | ~np.isfinite(db)


def _lowest(value, slope, at, left, least, right):
    """How low the tangents of neighbouring points go around the least of them.

    −∞ where slopes are unknown, or do not rise from point to point: towards a cusp that points
    down they get steeper, and no tangent bounds it.
    """
    each, last = np.arange(len(value)), value.shape[1] - 1
    lowest = value[each, least]
    with np.errstate(all="ignore"):
        for a, b in ((left, least), (least, right)):
            one, two = value[each, a], value[each, b]
            falls, rises = slope[each, a], slope[each, b]
            cross = (two - one - rises * (at[each, b] - at[each, a])) / (falls - rises)
            turns = (falls < 0) & (rises > 0)
            lowest = np.where(turns, np.minimum(lowest, one + falls * cross), lowest)
        around = [np.maximum(left - 1, 0), left, least, right, np.minimum(right + 1, last)]
        slopes = np.stack([slope[each, k] for k in around])
        size = np.max(np.abs(slopes), axis=0)
        convex = np.all(np.diff(slopes, axis=0) >= -1e-9 * size, axis=0)
        straight = ~((slope[each, left] < 0) & (slope[each, right] > 0))
    return np.where((convex | straight) & np.isfinite(size), lowest, -np.inf)


def _enclosed(evaluate, rays, which, inside, outside):
    """Brackets of the first failure, of at most ACCURACY."""
    inside, outside = inside.copy(), outside.copy()
    many = int(np.clip(_LANES // len(which), 1, _MOST))
    while True:
        wide = np.flatnonzero(outside - inside > ACCURACY)
        if not wide.size:
            return inside, outside
        fraction = np.arange(1, many + 1) / (many + 1)
        at = inside[wide, None] + (outside - inside)[wide, None] * fraction
        good = met(evaluate(rays, np.repeat(which[wide], many), at.ravel())[0]).reshape(at.shape)
        failed = ~good.all(axis=1)
        place = np.where(failed, np.argmin(good, axis=1), many)
        edges = np.concatenate([inside[wide, None], at, outside[wide, None]], axis=1)
        each = np.arange(len(wide))
        inside[wide], outside[wide] = edges[each, place], edges[each, place + 1]


def _failing(slack):
    """The bound that is missed most; NO_RESULT where none is known to be."""
    known = np.where(np.isnan(slack), np.inf, slack)
    worst = np.argmin(known, axis=1)
    return np.where(known[np.arange(len(slack)), worst] < 0, worst, NO_RESULT)
