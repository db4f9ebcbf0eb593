"""Stationary states of junctions in series: one current through all, phases that add up."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..circuits.relations import Relations

Scalar = Float[Array, ""]
Phases = Float[Array, " junctions"]

_LONGEST = 0.3  # radians of one step
_SMALL = 1e-6  # of the last, which leaves an error of its square


class State(NamedTuple):
    """Inner phases with the current there.

    Attributes:
        phase: θ of every junction.
        current: I.
        pace: dθ/ds up to a factor, Σ pace > 0 where the state is stable at fixed total phase.
        slope: dI/dφ.
        found: solves the equations.
        good: and is stable.
    """

    phase: Phases
    current: Scalar
    pace: Phases
    slope: Scalar
    found: Bool[Array, ""]
    good: Bool[Array, ""]


def wrapped(angle: Array) -> Array:
    """To −π … π."""
    return angle - 2 * jnp.pi * jnp.round(angle / (2 * jnp.pi))


class Solution(NamedTuple):
    """Of κδθ − δI = over, row·δθ = miss, with the direction in which only the latter changes."""

    change: Phases
    current: Scalar
    pace: Phases
    along: Scalar


def solved(slope: Phases, row: Phases | float, over: Phases, miss: Scalar) -> Solution:
    """Regular where the junction of the smallest slope is at its critical current, κ = 0.

    `along` is row·pace, positive for a stable state where all of the row is 1.
    """
    weakest = jnp.argmin(jnp.abs(slope))
    own = jax.lax.stop_gradient(jnp.arange(slope.size) == weakest).astype(float)
    stiff = (1 - own) / jnp.where(own > 0, 1.0, jnp.where(slope != 0, slope, 1e-300))
    kappa, out = jnp.sum(own * slope), jnp.sum(own * over)
    flexible = jnp.sum(row * stiff)
    along = jnp.sum(row * own) + flexible * kappa
    below = jnp.where(along != 0, along, jnp.inf)
    swing = (miss + flexible * out - jnp.sum(row * stiff * over)) / below
    current = kappa * swing - out
    change = own * swing + stiff * (current + over)
    others = jnp.sum((slope < 0) & (own == 0))
    sign = jnp.where(others % 2 == 1, -1.0, 1.0)
    return Solution(change, current, sign * (own + stiff * kappa), sign * along)


def is_stable(slope: Phases, pace: Phases) -> Bool[Array, ""]:
    """Of the inner phases at a fixed total one."""
    return (jnp.sum(pace) > 0) & (jnp.sum(slope < 0) <= 1)


def settled(
    relations: Relations, start: Phases, phase: Scalar, steps: int, *, near: bool = False
) -> State:
    """Newton's method at a fixed total phase; unless near, downhill where that is not convex."""

    def linearised(x: Phases):
        current, slope = relations.with_slope(x)
        miss = wrapped(phase - jnp.sum(x))
        found = solved(slope, 1.0, -current, miss)
        if near:
            return slope, found
        stable = is_stable(slope, found.pace)
        stiff = jnp.abs(slope) + 1e-3 * jnp.max(jnp.abs(slope))
        down = solved(jnp.where(stable, slope, stiff), 1.0, -current, miss)
        return slope, found._replace(change=down.change)

    return _iterated(linearised, start, steps)


def crossing(relations: Relations, start: Phases, row: Phases, level: Scalar) -> State:
    """Where equal currents meet the plane row·θ = level, near `start`."""

    def linearised(x: Phases):
        current, slope = relations.with_slope(x)
        return slope, solved(slope, row, -current, level - jnp.sum(row * x))

    return _iterated(linearised, start, 10)


def _iterated(
    linearised: Callable[[Phases], tuple[Phases, Solution]], start: Phases, steps: int
) -> State:
    """So many steps, and the state they lead to."""

    def step(_: Array, held: tuple[Phases, State]):
        x = held[0]
        slope, found = linearised(x)
        return x + _shortened(found.change), _state(x, slope, found)

    zero = jnp.zeros(())
    no = jnp.zeros((), bool)
    first = State(start, zero, jnp.zeros_like(start), zero, no, no)
    return jax.lax.fori_loop(0, steps + 1, step, (start, first))[1]


def _shortened(change: Phases) -> Phases:
    return change * jnp.minimum(1.0, _LONGEST / jnp.maximum(jnp.max(jnp.abs(change)), 1e-300))


def _state(x: Phases, slope: Phases, last: Solution) -> State:
    along = jnp.sum(last.pace)
    rigid = jnp.min(jnp.abs(slope)) * jnp.sign(slope[jnp.argmin(jnp.abs(slope))])
    found = (jnp.max(jnp.abs(last.change)) < _SMALL) & jnp.isfinite(last.current)
    steep = rigid / jnp.where(along != 0, jnp.abs(along), jnp.inf)
    end = x + jnp.where(found, last.change, 0.0)
    good = found & is_stable(slope, last.pace)
    return State(end, last.current, last.pace, steep, found, good)
