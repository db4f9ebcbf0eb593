"""Global maximum and minimum of a 2π-periodic function with known sharp features.

Samples fine enough that every extremum lies between two of them are taken with their slopes. Of
each interval between two samples these say whether it holds a maximum, and how high that may be:
no higher than where the tangents at its ends meet. The most promising interval is climbed by
Newton's method, kept inside by bisection, then the next one, until no other can be higher. Most
functions need one or two. Maximum and minimum are found in one pass, many functions side by side
along the last axis. Nothing is differentiated: exact derivatives are made elsewhere
(`core.extrema`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from .roots import value_and_slope
from .trigonometry import with_vector_trigonometry

CLOSEST = 1e-13  # offsets below this drown in the rounding of the phase itself
_FARTHEST = 0.4  # from here on the uniform samples take over
_RUNGS = 14  # of a ladder of `graded_samples`, on either side
_STEPS = 40  # of a climb; most take three
_DOUBT = 1.5  # times the rise towards the tangents' meeting point bounds the rise of a function
_NONE = -1e300
_SIGNS = ((1.0,), (-1.0,))  # of maximum and minimum

Lanes = Float[Array, "n lanes"]
Pair = Float[Array, "2 lanes"]


class Extrema(NamedTuple):
    """Maximum (index 0) and minimum (index 1) over one period.

    Attributes:
        position: where they are; within rounding of it at a jump.
        value, slope, curvature: there.
        converged: to the tolerance asked for.
    """

    position: Float[Array, "2 *lanes"]
    value: Float[Array, "2 *lanes"]
    slope: Float[Array, "2 *lanes"]
    curvature: Float[Array, "2 *lanes"]
    converged: Bool[Array, "2 *lanes"]


class Samples(NamedTuple):
    """Phases, one sequence or several in a row, and between which neighbours to search."""

    position: Float[Array, "n lanes"]
    searched: Bool[Array, "intervals lanes"]


def clustered_grid(
    kinks: ArrayLike | Sequence, widths: ArrayLike | Sequence, uniform: int, rungs: int = 14
) -> Float[Array, " n"]:
    """Sorted samples of [0, 2π): uniform ones, and ladders towards every near-kink.

    A near-kink of width w has its extrema at distances between w and 1 from it (at w^(2/3)
    when a background of slope one competes), so each ladder has `rungs` geometric steps
    from w/2 to 0.4 on either side.
    """
    kinks, widths = (jnp.ravel(jnp.asarray(x, float)) for x in (kinks, widths))
    if kinks.shape != widths.shape:
        raise ValueError(
            f"kinks must return as many widths as phases, got {kinks.size} and {widths.size}"
        )
    even = jnp.linspace(0.0, 2 * jnp.pi, uniform, endpoint=False)
    lowest = jnp.clip(widths / 2, CLOSEST, _FARTHEST / 2)
    # Ladders of coinciding kinks must not coincide: equal samples would bracket nothing.
    lowest = lowest * jnp.linspace(1.0, 1.3, widths.size)
    exponent = jnp.linspace(0.0, 1.0, rungs)
    ladder = lowest[:, None] * (_FARTHEST / lowest[:, None]) ** exponent
    ladder = ladder.at[:, -1].multiply(jnp.linspace(1.0, 0.9, widths.size))
    sides = kinks[:, None] + jnp.concatenate([-ladder, ladder], axis=1)
    return jnp.sort(jnp.concatenate([even, jnp.mod(sides.ravel(), 2 * jnp.pi)]))


def graded_samples(
    kinks: Float[Array, "k lanes"], widths: Float[Array, "k lanes"], uniform: int
) -> Samples:
    """Uniform samples of [0, 2π], then a ladder across every near-kink; nothing is sorted.

    Ladders reach 1.5 uniform steps to either side, and to half way where another kink is closer, so
    that no interval holds a kink but the middle of a ladder, from −w/2 to w/2. Steps are geometric
    up to half a uniform step. What ladders cover is not searched between uniform samples.
    """
    step = 2 * jnp.pi / uniform
    even = jnp.linspace(0.0, 2 * jnp.pi, uniform + 1)[:, None]
    away = even[:-1] + 0.5 * step - kinks[:, None]  # of the middles of intervals
    away = jnp.mod(away + jnp.pi, 2 * jnp.pi) - jnp.pi
    covered = jnp.any(jnp.abs(away) <= step, axis=0)
    ladders = _ladders(kinks, widths, 1.5 * step)
    count, size, lanes = ladders.shape
    inside = jnp.tile(jnp.arange(size) > 0, count)[:, None]
    return Samples(
        jnp.concatenate([jnp.broadcast_to(even, (uniform + 1, lanes)), ladders.reshape(-1, lanes)]),
        jnp.concatenate([~covered, jnp.broadcast_to(inside, (count * size, lanes))]),
    )


def _ladders(kinks, widths, reach) -> Float[Array, "k rungs lanes"]:
    """Phases across each kink, in order."""
    # A kink makes itself felt beyond its neighbours.
    apart = jnp.abs(jnp.mod(kinks - kinks[:, None] + jnp.pi, 2 * jnp.pi) - jnp.pi)
    finest = jnp.min(jnp.maximum(0.5 * widths, apart), axis=1, initial=jnp.inf)
    exponent = jnp.linspace(0.0, 1.0, _RUNGS - 2)[:, None]
    last = jnp.array([2 / 3, 1.0])[:, None]
    sides = []
    for sign in (-1.0, 1.0):
        gap = jnp.mod(sign * (kinks - kinks[:, None]), 2 * jnp.pi)
        nearest = jnp.min(jnp.where(gap > CLOSEST, gap, jnp.inf), axis=1, initial=jnp.inf)
        end = jnp.minimum(reach, 0.5 * nearest)
        lowest = jnp.minimum(jnp.maximum(finest, CLOSEST), end / 6)[:, None]
        inner = lowest * jnp.exp(exponent * jnp.log(end[:, None] / 3 / lowest))
        sides.append(sign * jnp.concatenate([inner, end[:, None] * last], axis=1))
    return kinks[:, None] + jnp.concatenate([sides[0][:, ::-1], sides[1]], axis=1)


def extrema_between(
    f: Callable[[Lanes], Lanes],
    samples: Samples,
    tolerance: float = 1e-11,
    rounding: Float[Array, " lanes"] | float = 0.0,
) -> Extrema:
    """Largest and smallest value in every lane of `f`, to `tolerance` × max|f| + `rounding`.

    Args:
        f: acts element by element on arrays of any length with lanes along the last axis.
        rounding: of its values, where terms cancel that are larger than it.
    """
    once = with_vector_trigonometry(lambda x: value_and_slope(f, x))
    twice = with_vector_trigonometry(lambda x: value_and_slope(lambda y: value_and_slope(f, y), x))
    position, searched = samples
    # Without the barriers XLA computes samples once for each of their uses.
    phase, sampled, slopes = jax.lax.optimization_barrier((position, *once(position)))
    keys = jax.lax.optimization_barrier(_keys(phase, sampled, slopes, searched))
    first = jnp.max(keys, axis=1)
    scale = jnp.max(jnp.abs(first), axis=0)
    enough = 0.1 * tolerance * scale

    def unfinished(search):
        return jnp.any(search.key > search.value + enough)

    def explore(search):
        promising = search.key > search.value + enough
        start = _begin(phase, sampled, slopes, _index(search.key, keys.shape[1]))
        start = start._replace(
            error=jnp.maximum(search.key - start.value, 0.0),
            ended=~promising | (search.key <= start.value + enough),
        )
        climb = _climb(twice, start, enough)
        better = promising & (climb.value > search.value)
        bound = jnp.where(promising, climb.value + climb.error, -jnp.inf)
        return _Search(
            jnp.max(jnp.where(keys < search.key[:, None], keys, -jnp.inf), axis=1),
            jnp.where(better, climb.best, search.position),
            jnp.where(better, climb.value, search.value),
            jnp.maximum(search.bound, bound),
        )

    nothing = jnp.full_like(first, -jnp.inf)
    search = _Search(first, jnp.zeros_like(first), nothing, nothing)
    search = jax.lax.while_loop(unfinished, explore, search)
    (value, slope), (_, curvature) = twice(search.position)
    value = jnp.where(jnp.isfinite(search.value), value, jnp.nan)
    # Where terms cancel rounding exceeds the tolerance; slopes show an extremum all the same.
    curved = _signed(curvature) < 0
    gain = jnp.where(curved, slope**2 / jnp.where(curved, jnp.abs(curvature), 1.0), jnp.inf)
    missing = jnp.minimum(search.value - _signed(value), gain)
    error = jnp.maximum(missing, search.bound - search.value)
    allowed = tolerance * scale + rounding
    return Extrema(search.position, value, slope, curvature, error <= allowed)


class _Search(NamedTuple):
    """The next interval, and what is known: where the best value is, what is possible at most."""

    key: Pair
    position: Pair
    value: Pair
    bound: Pair


def _signed(x):
    """Of the maximum as it is, of the minimum with the other sign: both are maxima then."""
    return x * jnp.array(_SIGNS).reshape(2, *(1,) * (x.ndim - 1))


def _keys(position, value, slope, searched) -> Float[Array, "2 intervals lanes"]:
    """How high each interval may reach, with its number in the last bits.

    So the largest key tells which interval it is of, and no two are equal. Of intervals without a
    maximum inside or at an end they are `_NONE`.
    """
    h = position[1:] - position[:-1]
    value, slope = (_signed(jnp.stack([x, x])) for x in (value, slope))
    left, right, up, down = value[:, :-1], value[:, 1:], slope[:, :-1], slope[:, 1:]
    # A slope that is not a number may be any: one that leaves room for a maximum.
    steep = 2 * jnp.abs(right - left) / jnp.where(h > 0, h, 1.0)
    up, down = jnp.where(jnp.isnan(up), steep, up), jnp.where(jnp.isnan(down), -steep, down)
    rising, falling = up >= 0, down <= 0
    holds = (rising & (falling | (right <= left))) | (falling & (left <= right))
    bend = up - down
    where = (right - left - down * h) / jnp.where(bend > 0, bend, 1.0)
    meet = (bend > 0) & (where >= 0) & (where <= h)
    top = jnp.where(meet, left + up * where, jnp.maximum(left + up * h, right - down * h))
    higher = jnp.maximum(left, right)
    top = higher + _DOUBT * jnp.maximum(top - higher, 0.0)
    top = jnp.where(holds & searched, top, _NONE) + 0 * (left + right)  # not a number stays so
    count = top.shape[1]
    bits = jax.lax.bitcast_convert_type(top, jnp.int64) & ~_last_bits(count)
    numbered = bits | jnp.arange(count, dtype=jnp.int64)[:, None]
    return jax.lax.bitcast_convert_type(numbered, jnp.float64)


def _last_bits(count: int) -> int:
    return (1 << (count - 1).bit_length()) - 1


def _index(key: Pair, count: int) -> Int[Array, "2 lanes"]:
    return jax.lax.bitcast_convert_type(key, jnp.int64) & _last_bits(count)


class _Climb(NamedTuple):
    """Next trial, bracket, best position with its value and what may be above it."""

    trial: Pair
    low: Pair
    high: Pair
    below: Pair  # value at `low`
    above: Pair  # value at `high`
    best: Pair
    value: Pair
    error: Pair
    ended: Bool[Array, "2 lanes"]


def _begin(position, value, slope, index):
    """From the vertex of the cubic that has values and slopes of both ends."""

    def of(x, index):
        return jnp.take_along_axis(x, index, axis=0, mode="promise_in_bounds")

    low, high = of(position, index), of(position, index + 1)
    (left, up), (right, down) = (
        [_signed(of(x, k)) for x in (value, slope)] for k in (index, index + 1)
    )
    h = high - low
    mean = (right - left) / jnp.where(h > 0, h, 1.0)
    cubic, quadratic = 3 * (up + down - 2 * mean), 3 * mean - 2 * up - down
    root = jnp.sqrt(jnp.maximum(quadratic**2 - cubic * up, 0.0)) - quadratic
    vertex = up / jnp.where(root > 0, root, jnp.inf)
    vertex = jnp.where((vertex > 0) & (vertex < 1), vertex, 0.5)
    best = jnp.where(left > right, low, high)
    highest = jnp.maximum(left, right)
    return _Climb(
        low + vertex * h, low, high, left, right, best, highest, jnp.full_like(h, jnp.inf), h < 0
    )


def _climb(twice, start, enough):
    """Newton's method inside the bracket, bisection where that fails, until little is left."""
    width = start.high - start.low
    smooth = width > 3 * CLOSEST  # else there may be a jump
    width = jnp.maximum(width, CLOSEST)

    def step(state):
        count, s = state
        x = s.trial
        (value, first), (_, second) = jax.tree.map(_signed, twice(x))
        up = jnp.where(first > 0, value >= s.below, value < s.above)  # the maximum is above x
        low, below = jnp.where(up, x, s.low), jnp.where(up, value, s.below)
        high, above = jnp.where(up, s.high, x), jnp.where(up, s.above, value)
        newton = x - first / jnp.where(second < 0, second, -1.0)
        inside = (second < 0) & (newton >= low) & (newton <= high) & smooth
        middle = 0.5 * (low + high)
        following = jnp.where(inside, newton, middle)
        # What is left after this step: Newton's decrement falls with the square of the step over
        # the scale of the function, for which the interval stands.
        size = jnp.abs(newton - x)
        gain = jnp.abs(first) * size
        left = gain * jnp.minimum(1.0, (10 * size / width) ** 2)
        error = jnp.where(inside, left, jnp.abs(first) * (high - low))
        ended = error <= jnp.where(inside, 0.01 * enough, enough)
        taken = ended & inside
        reached, height = jnp.where(taken, newton, x), jnp.where(taken, value + gain / 2, value)
        better = height > s.value
        found = _Climb(
            following, low, high, below, above,
            jnp.where(better, reached, s.best), jnp.where(better, height, s.value),
            jnp.where(better, error, jnp.minimum(error, s.error)), ended,
        )  # fmt: skip
        return count + 1, jax.tree.map(lambda old, new: jnp.where(s.ended, old, new), s, found)

    def unfinished(state):
        return (state[0] < _STEPS) & ~jnp.all(state[1].ended)

    return jax.lax.while_loop(unfinished, step, (0, start))[1]
