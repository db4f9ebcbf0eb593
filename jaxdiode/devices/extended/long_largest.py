"""The largest current at which any stable state of a long junction ends.

The best of many states on a coarse grid is raised to where the phases run. With shares of the feed
≥ 0 that proves it: phases only advance, and they would not pass a static state.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .long_ramp import raised
from .relaxed import APART, Coarse, Lanes, apart, candidates, relaxed, starts
from .sine_gordon import Fold, Nodes, Problem, followed, settled

Scalar = Float[Array, ""]

_LEVELS = 24  # of the current, the last one 0
_FEW = 8  # the same where a ramp from any state ends at the largest current


def largest(coarse: Coarse, problem: Problem, nodes: Nodes) -> tuple[Fold, Bool[Array, ""]]:
    """The fold of the largest current of one direction, and whether it is known."""
    length = coarse.length
    phase, current, stable = jax.lax.cond(
        problem.never_passes,
        lambda: _highest(coarse, nodes.size, _FEW),
        lambda: _highest(coarse, nodes.size, _LEVELS),
    )

    def polished(k: Int[Array, ""]) -> tuple[Fold, Bool[Array, ""], Scalar]:
        near = jnp.interp(nodes, coarse.place, phase[:, k])

        def lower(state: tuple) -> tuple:
            *_, tries = state
            there = current[k] - 0.01 * length * tries
            return *settled(problem, near, there), there, tries + 1

        def unfinished(state: tuple) -> Bool[Array, ""]:
            _, good, _, tries = state
            return stable[k] & ~good & (tries < 4)

        # Close to its end a state of the coarse grid may be none of the fine one.
        begin = near, jnp.zeros((), bool), current[k], 0
        state, good, there, _ = jax.lax.while_loop(unfinished, lower, begin)
        lost = Fold(state, state, there), good
        fold, ends = jax.lax.cond(good, lambda: followed(problem, state, there), lambda: lost)
        return fold, ends, jnp.where(stable[k], current[k], -jnp.inf)

    folds, good, top = jax.lax.map(polished, jnp.arange(current.size))
    best = jnp.argmax(jnp.where(good, folds.current, -jnp.inf))
    fold = jax.tree.map(lambda x: x[best], folds)
    fold, runs = raised(problem, fold, good[best])
    # Where phases may pass a static state, one without a known end may carry more.
    open_ended = jnp.max(jnp.where(good, -jnp.inf, top)) > fold.current - 1.5 * length / _LEVELS
    return fold, runs & (problem.never_passes | ~open_ended)


def _highest(
    coarse: Coarse, resolution: int, levels: int
) -> tuple[Lanes, Float[Array, " candidates"], Bool[Array, " candidates"]]:
    """(phase, current, whether stable) of different states at the highest of some currents."""
    lines = starts(coarse, resolution)
    level = 1 - (jnp.arange(levels, dtype=float) + 0.5) / levels
    start = jnp.repeat(lines, levels, axis=1)
    current = jnp.tile(coarse.length * level.at[-1].set(0.0), lines.shape[1])
    phase, stable = relaxed(coarse, start, current)
    chosen = _distinct(phase, stable, current, candidates(resolution))
    return phase[:, chosen], current[chosen], stable[chosen]


def _distinct(
    phase: Lanes, stable: Bool[Array, " lanes"], current: Float[Array, " lanes"], count: int
) -> Int[Array, " candidates"]:
    """Lanes of the highest currents that are different states."""

    def pick(score: Array, _: None):
        k = jnp.argmax(score)
        across, middle = apart(phase, phase[:, k])
        same = (across < APART) & (middle < APART)
        # Of the same vortex number at lower currents too.
        lower = (across < 1.0) & (current < current[k])
        return jnp.where(same | lower | (jnp.arange(score.size) == k), -jnp.inf, score), k

    score = jnp.where(stable, current, -jnp.inf)
    _, chosen = jax.lax.scan(pick, score, None, length=count)
    return chosen
