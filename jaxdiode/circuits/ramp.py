"""A slow ramp of the bias from the state of least energy, through the falls on its way."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ..numerics.dense import inverse
from .climb import End, wall_row
from .largest import MOST_LABELS, Ended, nowhere, followed
from .relations import Wells
from .relax import Settled, convex_state, label, labels, largest_bias, settle, within
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
        tied: whether two states at rest have the least energy.
    """

    first: Ended
    last: Ended
    starts: Bool[Array, ""]
    ended: Bool[Array, ""]
    tied: Bool[Array, ""]


def ramp(statics: Statics, wells: Wells, bias: Bias) -> Ramp:
    """Injected currents are ramped first, then the bias."""
    rest, tied = ground_state(statics, wells)
    alone = Bias(jnp.zeros_like(bias.fixed), bias.fixed)
    injected = jnp.any(bias.fixed != 0)
    nothing = nowhere(statics)
    zero, one = jnp.zeros(()), jnp.ones(())

    def inject():
        _, last, state = _ramp_to(statics, wells, rest, alone, one)
        return last.climb.end == End.REACHED, state

    held, start = jax.lax.cond(injected, inject, lambda: (rest.good, rest))
    held = held & rest.good & start.good
    target = 2 * largest_bias(statics) + 1

    def run():
        first, last, _ = _ramp_to(statics, wells, start, bias, target)
        return first, last

    first, last = jax.lax.cond(held, run, lambda: (nothing, nothing))
    ended = held & last.good & (last.climb.end != End.REACHED)
    del zero
    return Ramp(first, last, held, ended, tied)


def ground_state(statics: Statics, wells: Wells) -> tuple[Settled, Bool[Array, ""]]:
    """The state of least energy without any current, and whether there is another such."""
    count, radix, lowest = labels(statics, wells)
    rest = Bias(jnp.zeros(statics.nodes), jnp.zeros(statics.nodes))
    zero, z = jnp.zeros(()), jnp.zeros(statics.unknowns)

    def one(state):
        number, best, least, second = state
        windings, ends = label(statics, wells, number, radix, lowest)
        guess, _ = convex_state(statics, ends, windings, z, zero, rest)
        found = settle(statics, guess, windings, zero, rest)
        good = found.good & within(statics, wells, found.state, windings)
        energy = jnp.where(good, statics.energy(found.state, windings), jnp.inf)
        lower = energy < least - _TIED
        second = jnp.where(lower, least, jnp.where(good, jnp.minimum(second, energy), second))
        best = jax.tree.map(lambda a, b: jnp.where(lower, b, a), best, found._replace(good=good))
        return number + 1, best, jnp.where(lower, energy, least), second

    def unfinished(state):
        return state[0] < jnp.minimum(count, MOST_LABELS)

    nothing = Settled(z, jnp.zeros_like(statics.offset), jnp.zeros_like(statics.offset), False)
    nothing = nothing._replace(good=jnp.zeros((), bool))
    inf = jnp.asarray(jnp.inf)
    _, best, least, second = jax.lax.while_loop(
        unfinished, one, (jnp.zeros((), int), nothing, inf, inf)
    )
    return best, jnp.abs(second - least) < _TIED


def _ramp_to(
    statics: Statics, wells: Wells, start: Settled, bias: Bias, target: Scalar
) -> tuple[Ended, Ended, Settled]:
    """(first end, last end, last state at rest) of a ramp from p = 0."""

    def unfinished(state):
        _, _, _, _, caught, falls = state
        return caught & (falls < _FALLS)

    def climb_and_fall(state):
        first, _, held, p, _, falls = state
        end = followed(statics, wells, held, p, bias, target)
        first = jax.tree.map(lambda a, b: jnp.where(falls == 0, b, a), first, end)
        reached = end.climb.end == End.REACHED
        after = end.bias + _PAST * jnp.maximum(1.0, jnp.abs(end.bias))

        def drop():
            return fall(statics, wells, end, after, bias)

        def stay():
            return held._replace(state=end.climb.state), jnp.zeros((), bool)

        found, caught = jax.lax.cond(reached | ~end.good, stay, drop)
        return first, end, found, after, caught & found.good, falls + 1

    nothing = nowhere(statics)
    begin = nothing, nothing, start, jnp.zeros(()), jnp.ones((), bool), 0
    first, last, held, _, caught, _ = jax.lax.while_loop(unfinished, climb_and_fall, begin)
    last = last._replace(good=last.good & ~caught)
    return first, last, held


def fall(
    statics: Statics, wells: Wells, end: Ended, p: Scalar, bias: Bias
) -> tuple[Settled, Bool[Array, ""]]:
    """From past the end of a branch downhill, Gφ' = −F: where it is caught, and whether it is.

    Phases run once they return to a translate of themselves a turn of the bias further on.
    """
    z, windings = _pushed_off(statics, end)
    mass = jnp.pad(statics.conductance, (0, statics.unknowns - statics.nodes))
    begin = statics.phases(z)
    node = jnp.asarray(statics.graph.bias)

    def flow(state):
        z, windings, last, turned, _, _, k = state
        value, slope = statics.evaluate(z, windings, p, bias)
        stable = statics.is_stable(slope)
        near = stable & (jnp.max(jnp.abs(value)) < 1e-2)
        rate = 2.0 * jnp.maximum(jnp.max(-slope / statics.shunts), 0.05)
        rate = jnp.where(near, 1e-12, rate)
        step = -inverse(statics.matrix(slope) + rate * mass) @ value
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
        apart = jnp.mod(statics.phases(at_turn) - statics.phases(last) + jnp.pi, 2 * jnp.pi)
        through = at_turn[statics.nodes :] - last[statics.nodes :]
        again = (jnp.max(jnp.abs(apart - jnp.pi)) < 1e-2) & (
            jnp.max(jnp.abs(through), initial=0.0) < 1e-2
        )
        far = jnp.max(jnp.abs(statics.phases(after) - begin)) > 2 * jnp.pi * _SLIPS
        runs = (full & again) | far
        last, turned = (jnp.where(full, at_turn, x) for x in (last, turned))
        return after, windings, last, turned, rests, runs, k + 1

    def unfinished(state):
        *_, rests, runs, k = state
        return ~rests & ~runs & (k < _STEPS)

    no = jnp.zeros((), bool)
    z, windings, _, _, rests, _, _ = jax.lax.while_loop(
        unfinished, flow, (z, windings, z, z, no, no, 0)
    )
    found = settle(statics, z, windings, p, bias)
    return found, rests & found.good


def _pushed_off(statics: Statics, end: Ended) -> tuple[State, PerJunction]:
    """A state just past an end."""
    direction = end.climb.direction
    along = jnp.where(end.climb.end == End.FOLD, end.fold.null, direction)
    size = jnp.max(jnp.abs(along[: statics.nodes]), initial=1e-300)
    off_fold = end.state + _PUSH / size * along
    row = wall_row(statics, end.climb.junction)
    over = end.state + _PUSH * end.climb.side * row / jnp.maximum(row @ row, 1.0)
    return jnp.where(end.climb.end == End.WALL, over, off_fold), end.windings


def _slipped(
    statics: Statics, wells: Wells, z: State, windings: PerJunction
) -> PerJunction:
    """Links beyond their critical phase lose a turn."""
    if wells.periodic.all():
        return windings
    phase = statics.phases(z) - 2 * jnp.pi * windings
    high = jnp.nanmax(wells.walls, axis=1)
    low = jnp.nanmin(wells.walls, axis=1)
    slips = jnp.where(phase > high, 1.0, 0.0) - jnp.where(phase < low, 1.0, 0.0)
    return windings + jnp.where(wells.periodic, 0.0, slips)

