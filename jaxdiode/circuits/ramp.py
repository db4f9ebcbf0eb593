"""A slow ramp of the bias from the state of least energy, through the falls on its way."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ..numerics.dense import inverse
from .climb import End, wall_row
from .largest import Ended, followed, is_same, nowhere
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

_FALLS = 60  # a ramp may be caught that often
_SLIPS = 40  # of one junction in one fall: it runs
_STEPS = 20000  # of one fall
_SHORT = 0.25  # radians per step of a fall
_PAST = 1e-8  # of the bias, beyond an end
_PUSH = 0.03  # radians, off an end
_TIED = 1e-9  # energies


class Ramp(NamedTuple):
    """What a ramp met.

    Attributes:
        first, last: its first end and the one past which the phases run.
        starts: whether there is a state at rest.
        ended: whether the ramp came to running phases.
    """

    first: Ended
    last: Ended
    starts: Bool[Array, ""]
    ended: Bool[Array, ""]


def ramp(
    statics: Statics, wells: Wells, bias: Bias, rest: Settled, injected: Bool[Array, ""]
) -> Ramp:
    """From a state without bias, whose injected currents are there or are ramped first.

    Falls are followed to where they end.
    """
    top = 2 * largest_bias(statics, bias) + 1
    nothing = nowhere(statics)

    def unfinished(state):
        *_, caught, _, falls = state
        return caught & (falls < _FALLS)

    def climb_and_fall(state):
        first, _, held, p, _, _, injected, falls = state
        now = Bias(
            jnp.where(injected, bias.fixed, 0.0), jnp.where(injected, bias.along, bias.fixed)
        )
        target = jnp.where(injected, top, 1.0)
        end = followed(statics, wells, held, p, now, target)
        first = jax.tree.map(lambda a, b: jnp.where(injected & ~first.good, b, a), first, end)
        after = end.bias + _PAST * jnp.maximum(1.0, jnp.abs(end.bias))
        reached = end.climb.end == End.REACHED

        def drop():
            return fall(statics, wells, end, after, now)

        def stay():  # the injected currents are there: the bias begins
            there = held._replace(state=end.climb.state, good=~injected)
            return there, jnp.ones((), bool)

        found, known = jax.lax.cond(reached | ~end.good, stay, drop)
        caught = found.good & end.good
        begins = reached & ~injected
        p = jnp.where(begins, 0.0, after)
        return first, end, found, p, known, caught, injected | begins, falls + 1

    yes = jnp.ones((), bool)
    begin = nothing, nothing, rest, jnp.zeros(()), yes, rest.good, injected, 0
    first, last, _, _, known, caught, injected, _ = jax.lax.while_loop(
        unfinished, climb_and_fall, begin
    )
    starts = rest.good & injected
    ended = starts & last.good & known & ~caught & (last.climb.end != End.REACHED)
    return Ramp(first, last, starts, ended)


def ground_state(
    statics: Statics, wells: Wells, bias: Bias
) -> tuple[Settled, Bool[Array, ""], Bool[Array, ""]]:
    """The state of least energy without any current, of those that a bias may lead to.

    And whether there is another such, and whether every flux state was looked at.
    """
    count, radix, lowest = labels(statics, wells, bias)
    rest = Bias(jnp.zeros(statics.nodes), jnp.zeros(statics.nodes))
    zero = jnp.zeros(())

    def one(state):
        number, best, least, second = state
        windings, ends = label(statics, wells, number, radix, lowest)
        guess, _, _ = convex_state(statics, ends, windings, zero, rest)
        found = settle(statics, wells, guess, windings, zero, rest)
        energy = jnp.where(found.good, statics.energy(found.state, windings), jnp.inf)
        lower = energy < least - _TIED
        known = is_same(statics, found, best)
        other = jnp.where(found.good & ~known, jnp.minimum(second, energy), second)
        second = jnp.where(lower, least, other)
        best = jax.tree.map(lambda a, b: jnp.where(lower, b, a), best, found)
        return number + 1, best, jnp.where(lower, energy, least), second

    def unfinished(state):
        return state[0] < jnp.minimum(count, MOST_LABELS)

    inf = jnp.asarray(jnp.inf)
    _, best, least, second = jax.lax.while_loop(
        unfinished, one, (jnp.zeros((), int), nothing_settled(statics), inf, inf)
    )
    return best, jnp.abs(second - least) < _TIED, count <= MOST_LABELS


def fall(
    statics: Statics, wells: Wells, end: Ended, p: Scalar, bias: Bias
) -> tuple[Settled, Bool[Array, ""]]:
    """From past the end of a branch downhill: where it is caught, and if that is known."""
    return downhill(statics, wells, _pushed_off(statics, end), end.windings, p, bias)


def downhill(
    statics: Statics, wells: Wells, z: State, windings: PerJunction, p: Scalar, bias: Bias
) -> tuple[Settled, Bool[Array, ""]]:
    """Gφ' = −F: where it comes to rest, and whether it does or runs for certain.

    Long steps, and Newton's method near a stable state: the way is not that of time.

    Phases run once they return to a translate of themselves a turn of the bias further on.
    """
    mass = jnp.pad(statics.conductance, (0, statics.unknowns - statics.nodes))
    begin = statics.phases(z)
    fed, drawn = (jnp.sum(jnp.maximum(x, 0.0)) for x in (bias.along, -bias.along))
    node = bias.along / jnp.maximum(jnp.maximum(fed, drawn), 1e-300)

    def flow(state):
        z, windings, last, turned, rate, _, _, k = state
        value, slope = statics.evaluate(z, windings, p, bias)
        stable = statics.is_stable(slope)
        near = stable & (jnp.max(jnp.abs(value)) < 1e-2)
        # The longest step that goes downhill: K + G/2h is positive definite.
        safe = 2.0 * jnp.maximum(jnp.max(-slope / statics.shunts), 1e-6)
        shorter, longer = (
            statics.is_stable(slope + r / 2 * statics.shunts) for r in (rate, rate / 4)
        )
        rate = jnp.where(longer, rate / 4, jnp.where(shorter, rate, safe))
        rate = jnp.clip(rate, 1e-9, safe)
        now = jnp.where(near, 1e-12, rate)
        step = -inverse(statics.matrix(slope) + now * mass) @ value
        size = jnp.max(jnp.abs(step[: statics.nodes]), initial=1e-300)
        after = z + jnp.minimum(1.0, _SHORT / size) * step
        windings = _slipped(statics, wells, after, windings)
        rests = near & (jnp.max(jnp.abs(step)) < 1e-9)
        # A turn of the bias later: is it the same state?
        ahead = node @ (after[: statics.nodes] - turned[: statics.nodes])
        full = ahead >= 2 * jnp.pi
        before = node @ (z[: statics.nodes] - turned[: statics.nodes])
        part = (2 * jnp.pi - before) / jnp.where(ahead == before, 1.0, ahead - before)
        at_turn = z + part * (after - z)
        apart, through = statics.apart(at_turn, last)
        again = (jnp.max(jnp.abs(apart)) < 1e-2) & (jnp.max(jnp.abs(through), initial=0.0) < 1e-2)
        far = jnp.max(jnp.abs(statics.phases(after) - begin)) > 2 * jnp.pi * _SLIPS
        runs = (full & again) | far
        last, turned = (jnp.where(full, at_turn, x) for x in (last, turned))
        return after, windings, last, turned, rate, rests, runs, k + 1

    def unfinished(state):
        *_, rests, runs, k = state
        return ~rests & ~runs & (k < _STEPS)

    no = jnp.zeros((), bool)
    begins = z, windings, z, z, jnp.ones(()), no, no, 0
    z, windings, _, _, _, rests, runs, _ = jax.lax.while_loop(unfinished, flow, begins)
    good = rests & statics.is_stable(statics.slope(z, windings))
    return Settled(z, windings, good), rests | runs


def _pushed_off(statics: Statics, end: Ended) -> State:
    """A state just past an end."""
    direction = end.climb.direction
    along = jnp.where(end.climb.end == End.FOLD, end.fold.null, direction)
    size = jnp.max(jnp.abs(along[: statics.nodes]), initial=1e-300)
    off_fold = end.state + _PUSH / size * along
    row = wall_row(statics, end.climb.junction)
    over = end.state + _PUSH * end.climb.side * row / jnp.maximum(row @ row, 1.0)
    return jnp.where(end.climb.end == End.WALL, over, off_fold)


def _slipped(statics: Statics, wells: Wells, z: State, windings: PerJunction) -> PerJunction:
    """Links beyond their critical phase lose a turn."""
    if wells.periodic.all():
        return windings
    phase = statics.turned_phases(z, windings)
    high = jnp.nanmax(wells.walls, axis=1)
    low = jnp.nanmin(wells.walls, axis=1)
    slips = jnp.where(phase > high, 1.0, 0.0) - jnp.where(phase < low, 1.0, 0.0)
    return windings + jnp.where(wells.periodic, 0.0, slips)
