"""The largest current of any stable static state, over all flux states."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..numerics.status import Status
from .climb import Climb, End, at_fold, climb, first_tangent
from .ends import Fold, find_fold, is_marginal
from .relations import Wells
from .relax import (
    MOST_LABELS,
    Settled,
    convex_state,
    label,
    labels,
    largest_bias,
    nothing_settled,
    settle,
)
from .statics import Bias, PerJunction, Scalar, State, Statics

LEVELS = 32  # of the current, at which states are looked for
_NEAR = 1.0  # radians outside a well, from where a state inside is still looked for
_SECTIONS = 8  # of a search between levels
_GOLDEN = 0.6180339887498949
_SAME = 1e-9  # two currents are one


class Ended(NamedTuple):
    """A branch followed to its end.

    Attributes:
        climb, fold: where; `fold` means something where climb.end is FOLD.
        windings: k.
        good: the end was located.
    """

    climb: Climb
    fold: Fold
    windings: PerJunction
    good: Bool[Array, ""]

    @property
    def bias(self) -> Float[Array, "..."]:
        return jnp.where(self.climb.end == End.FOLD, self.fold.bias, self.climb.bias)

    @property
    def state(self) -> State:
        folds = self.climb.end == End.FOLD
        return jnp.where(folds, self.fold.state, self.climb.state)


class Largest(NamedTuple):
    """The highest end and, for comparison, that of the next flux state.

    Attributes:
        ended: the highest.
        next_bias: highest bias of another flux state, −inf without one.
        complete: whether every flux state was looked at.
    """

    ended: Ended
    next_bias: Scalar
    complete: Bool[Array, ""]


def followed(
    statics: Statics, wells: Wells, found: Settled, p: Scalar, bias: Bias, target: Scalar
) -> Ended:
    """A stable state up to the target or its end, folds located."""
    end = climb(statics, wells, found.state, found.windings, p, bias, target)
    return located(statics, found.windings, bias, end)


def located(statics: Statics, windings: PerJunction, bias: Bias, end: Climb) -> Ended:
    """The end of a climb, a fold by Newton's method."""
    fold, good = find_fold(statics, windings, bias, end)
    is_fold = end.end == End.FOLD
    good = good & is_marginal(statics, windings, fold)
    # What is a fold and cannot be polished as one (two at once) is known by bisection.
    end = end._replace(end=jnp.where(is_fold & ~good, End.BRANCH, end.end).astype(jnp.int32))
    return Ended(end, fold, windings, end.end != End.LOST)


def largest(statics: Statics, wells: Wells, bias: Bias) -> Largest:
    count, radix, lowest = labels(statics, wells, bias)
    top = largest_bias(statics, bias)

    def one(state):
        number, best, runner, missed = state
        so_far = jnp.where(best.good, best.bias, -jnp.inf)
        # From the middle on, where fluxoids are next to the fluxes: the rest is then soon done.
        likely = jnp.where(count <= MOST_LABELS, jnp.mod(number + count // 2, count), number)
        named = label(statics, wells, likely, radix, lowest)
        start, known = _at_the_best(statics, wells, bias, top, named, so_far)

        def from_there():
            return _to_end(statics, wells, bias, top, start), jnp.zeros((), bool)

        def search():
            return _of_flux_state(statics, wells, bias, top, named, so_far)

        found, unknown = jax.lax.cond(known, from_there, search)
        missed = missed | (known & start.found.good & ~found.good)
        value = jnp.where(found.good, found.bias, -jnp.inf)
        better = value > so_far
        other = jnp.where(better, so_far, value)
        same = is_same(statics, found, best) & (~better | (value - so_far < 1e-6))
        runner = jnp.where(same, runner, jnp.maximum(runner, other))
        best = jax.tree.map(lambda a, b: jnp.where(better, b, a), best, found)
        return number + 1, best, runner, missed | unknown

    def unfinished(state):
        return state[0] < jnp.minimum(count, MOST_LABELS)

    start = jnp.zeros((), int), nowhere(statics), jnp.asarray(-jnp.inf), jnp.zeros((), bool)
    _, best, runner, missed = jax.lax.while_loop(unfinished, one, start)
    return Largest(best, runner, (count <= MOST_LABELS) & ~missed)


class _Start(NamedTuple):
    """A state at p from which an end is looked for; at once where it is next to a fold."""

    p: Scalar
    found: Settled
    at_once: Bool[Array, ""]


def _at_the_best(
    statics: Statics,
    wells: Wells,
    bias: Bias,
    top: Scalar,
    named: tuple[PerJunction, tuple[PerJunction, PerJunction]],
    best: Scalar,
) -> tuple[_Start, Bool[Array, ""]]:
    """The state of a flux state next to the best current so far, and whether that is all of it.

    It is where the stand-in is inside its wells there, or leaves them: above, nothing begins.
    Of junctions with several wells that is not known.
    """
    windings, ends = named
    p = best - 1e-4 * top
    nothing = nothing_settled(statics)

    def at_rest():
        found, here, first, _ = _near_its_wells(statics, wells, bias, named, p, nothing)
        _, ahead, second = convex_state(statics, ends, windings, best + 1e-3 * top, bias)
        inside, leaves = (here == 0) & found.good, (here > 0) & (ahead > here)
        return found, first & second & (inside | leaves)

    found, known = jax.lax.cond(jnp.isfinite(best), at_rest, lambda: (nothing, jnp.zeros((), bool)))
    return _Start(p, found, jnp.zeros((), bool)), known


def _near_its_wells(
    statics: Statics,
    wells: Wells,
    bias: Bias,
    named: tuple[PerJunction, tuple[PerJunction, PerJunction]],
    p: Scalar,
    otherwise: Settled,
) -> tuple[Settled, Scalar, Bool[Array, ""], State]:
    """(state, how far the stand-in is outside its wells, whether that is known, the stand-in)."""
    windings, ends = named
    guess, outside, solved = convex_state(statics, ends, windings, p, bias)
    found = jax.lax.cond(
        solved & (outside < _NEAR),
        lambda: settle(statics, wells, guess, windings, p, bias),
        lambda: otherwise,
    )
    return found, outside, solved, guess


def _of_flux_state(
    statics: Statics,
    wells: Wells,
    bias: Bias,
    top: Scalar,
    named: tuple[PerJunction, tuple[PerJunction, PerJunction]],
    best: Scalar,
) -> tuple[Ended, Bool[Array, ""]]:
    """Down from the top to the first stable state of a flux state, and up to its end.

    And whether something on the way was not found out. What lies between two levels is looked
    for where the stand-in comes nearest to its wells; windows too narrow to hold a state that is
    found still have a fold.
    """
    windings, ends = named
    step = 2 * top / LEVELS
    no, nothing = jnp.zeros((), bool), nothing_settled(statics)

    def at(k: Int[Array, ""]) -> Scalar:
        return top - step * (k.astype(float) + 0.5)

    def at_rest(p: Scalar, otherwise: Settled):
        return _near_its_wells(statics, wells, bias, named, p, otherwise)

    def unfinished(state):
        k, found, *_ = state
        return ~found.good & (k < LEVELS) & (at(k) + step > best)

    def lower(state):
        k, found, missed, nearest, where = state
        found, outside, solved, _ = at_rest(at(k), found)
        where = jnp.where(outside < nearest, at(k), where)
        return k + 1, found, missed | ~solved, jnp.minimum(nearest, outside), where

    def outside(p: Scalar) -> Scalar:
        return convex_state(statics, ends, windings, p, bias)[1]

    def between(where: Scalar):
        p = smallest(outside, where - step, where + step)
        found, *_, guess = at_rest(p, nothing)
        return p, found, Settled(guess, windings, ~no)

    first = jnp.zeros((), int), nothing, no, jnp.asarray(jnp.inf), top
    k, found, missed, nearest, where = jax.lax.while_loop(unfinished, lower, first)
    # A state found from outside of the wells may be another one's, and this one lie higher.
    seek = (nearest > 0) & (nearest < 2 * _NEAR) & (where + step > best)
    # Where the stand-in leaves its wells from the best current on, nothing lies above that.
    seek = jax.lax.cond(
        seek & (where <= best), lambda: outside(best + 1e-3 * step) < outside(best), lambda: seek
    )
    p, other, guess = jax.lax.cond(seek, lambda: between(where), lambda: (top, nothing, nothing))
    starts = _Start(at(k - 1), found, no), _Start(p, other, no), _Start(p, guess, ~no)
    end, unknown = _highest(statics, wells, bias, top, starts)
    return end, missed | unknown


def _highest(
    statics: Statics, wells: Wells, bias: Bias, top: Scalar, starts: tuple[_Start, ...]
) -> tuple[Ended, Bool[Array, ""]]:
    """The highest end of several starts, and whether one was not found out."""
    rows = jax.tree.map(lambda *x: jnp.stack(x), *starts)
    reached = jax.lax.map(lambda start: _to_end(statics, wells, bias, top, start), rows)
    known = reached.good & (reached.climb.end != End.REACHED)
    known = known & (~rows.at_once | (reached.climb.end == End.FOLD))
    best = jnp.argmax(jnp.where(known, reached.bias, -jnp.inf))
    end = jax.tree.map(lambda x: x[best], reached)
    return end._replace(good=known[best]), jnp.any(rows.found.good & ~known & ~rows.at_once)


def _to_end(statics: Statics, wells: Wells, bias: Bias, top: Scalar, start: _Start) -> Ended:
    z, windings, _ = start.found

    def at_a_fold():
        return at_fold(z, start.p, first_tangent(statics, z, windings, bias)[0])

    def climbing():
        return climb(statics, wells, z, windings, start.p, bias, 2 * top + 1)

    def end():
        reached = jax.lax.cond(start.at_once, at_a_fold, climbing)
        return located(statics, windings, bias, reached)

    return jax.lax.cond(start.found.good, end, lambda: nowhere(statics))


def smallest(function: Callable[[Scalar], Scalar], low: Scalar, high: Scalar) -> Scalar:
    """Where a function with one minimum between two ends is smallest, by golden sections."""

    def inner(low: Scalar, high: Scalar) -> tuple[Scalar, Scalar]:
        return high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)

    def narrow(_: Array, held: tuple[Scalar, Scalar, Scalar, Scalar]):
        low, high, left, right = held
        first, second = inner(low, high)
        lower = left < right
        low, high = jnp.where(lower, low, first), jnp.where(lower, second, high)
        first, second = inner(low, high)
        value = function(jnp.where(lower, first, second))
        return low, high, jnp.where(lower, value, right), jnp.where(lower, left, value)

    first, second = inner(low, high)
    start = low, high, function(first), function(second)
    low, high, *_ = jax.lax.fori_loop(0, _SECTIONS, narrow, start)
    return (low + high) / 2


def status_of(found: Largest) -> Int[Array, ""]:
    none = jnp.where(found.complete, Status.NO_ZERO_VOLTAGE_STATE, Status.NOT_CONVERGED)
    status = jnp.where(found.ended.good, Status.CONVERGED, none)
    crossing = jnp.abs(found.ended.bias - found.next_bias) < _SAME
    status = jnp.where(found.ended.good & crossing, Status.LOBES_CROSS, status)
    partial = found.ended.good & ~found.complete
    return jnp.where(partial, Status.SEARCH_CUT_SHORT, status).astype(jnp.int32)


def nowhere(statics: Statics) -> Ended:
    zero, z = jnp.zeros(()), jnp.zeros(statics.unknowns)
    end = Climb(jnp.asarray(End.LOST, jnp.int32), z, zero, z, jnp.zeros((), int), zero, zero)
    windings = jnp.zeros(len(statics.graph.junctions))
    return Ended(end, Fold(z, z, zero), windings, jnp.zeros((), bool))


def is_same(statics: Statics, one: Ended | Settled, other: Ended | Settled) -> Bool[Array, ""]:
    """Whether two states agree but for turns of junctions."""
    apart, through = statics.apart(one.state, other.state)
    near = (jnp.max(jnp.abs(apart)) < 1e-3) & (jnp.max(jnp.abs(through), initial=0.0) < 1e-3)
    return near & one.good & other.good
