"""The largest current of any stable static state, over all flux states."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ..numerics.status import Status
from .climb import Climb, End, climb
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
    def bias(self) -> Scalar:
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
    fold, good = find_fold(statics, found.windings, bias, end)
    is_fold = end.end == End.FOLD
    good = good & is_marginal(statics, found.windings, fold)
    # What is a fold and cannot be polished as one (two at once) is known by bisection.
    end = end._replace(end=jnp.where(is_fold & ~good, End.BRANCH, end.end).astype(jnp.int32))
    return Ended(end, fold, found.windings, end.end != End.LOST)


def largest(statics: Statics, wells: Wells, bias: Bias) -> Largest:
    count, radix, lowest = labels(statics, wells)
    top = largest_bias(statics)
    step = 2 * top / LEVELS
    nothing_yet = nowhere(statics)

    def look(number: Int[Array, ""], best: Scalar) -> tuple[Ended, Bool[Array, ""]]:
        """Down from the top to the first stable state of a flux state, and up to its end.

        And whether something on the way was not found out.
        """
        windings, ends = label(statics, wells, number, radix, lowest)

        def at(k: Int[Array, ""]) -> Scalar:
            return top - step * (k.astype(float) + 0.5)

        def unfinished(state):
            k, found, _ = state
            return ~found.good & (k < LEVELS) & (at(k) + step > best)

        def lower(state):
            k, found, missed = state
            p = at(k)
            guess, outside, solved = convex_state(statics, ends, windings, p, bias)

            found = jax.lax.cond(
                solved & (outside < _NEAR),
                lambda: settle(statics, wells, guess, windings, p, bias),
                lambda: found,
            )
            return k + 1, found, missed | ~solved

        start = jnp.zeros((), int), nothing_settled(statics), jnp.zeros((), bool)
        k, found, missed = jax.lax.while_loop(unfinished, lower, start)
        end = jax.lax.cond(
            found.good,
            lambda: followed(statics, wells, found, at(k - 1), bias, 2 * top + 1),
            lambda: nothing_yet,
        )
        ends_at_all = end.good & (end.climb.end != End.REACHED)
        return end._replace(good=ends_at_all), missed | (found.good & ~ends_at_all)

    def one(state):
        number, best, runner, missed = state
        so_far = jnp.where(best.good, best.bias, -jnp.inf)
        found, unknown = look(number, so_far)
        value = jnp.where(found.good, found.bias, -jnp.inf)
        better = value > so_far
        other = jnp.where(better, so_far, value)
        same = is_same(statics, found, best) & (~better | (value - so_far < 1e-6))
        runner = jnp.where(same, runner, jnp.maximum(runner, other))
        best = jax.tree.map(lambda a, b: jnp.where(better, b, a), best, found)
        return number + 1, best, runner, missed | unknown

    def unfinished(state):
        return state[0] < jnp.minimum(count, MOST_LABELS)

    start = jnp.zeros((), int), nothing_yet, jnp.asarray(-jnp.inf), jnp.zeros((), bool)
    _, best, runner, missed = jax.lax.while_loop(unfinished, one, start)
    return Largest(best, runner, (count <= MOST_LABELS) & ~missed)


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
