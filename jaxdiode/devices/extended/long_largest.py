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


def largest(coarse: Coarse, problem: Problem, nodes: Nodes) -> tuple[Fold, Bool[Array, ""]]:
    """The fold of the largest current of one direction, and whether it is known."""
    lines = starts(coarse, nodes.size)
    length = coarse.length
    level = length * (1 - (jnp.arange(_LEVELS, dtype=float) + 0.5) / _LEVELS).at[-1].set(0.0)
    start = jnp.repeat(lines, _LEVELS, axis=1)
    current = jnp.tile(level, lines.shape[1])
    phase, stable = relaxed(coarse, start, current)
    chosen = _distinct(phase, stable, current, candidates(nodes.size))

    def polished(k: Int[Array, ""]) -> tuple[Fold, Bool[Array, ""], Scalar]:
        near = jnp.interp(nodes, coarse.place, phase[:, k])

        def lower(state: tuple) -> tuple:
            *_, tries = state
            there = current[k] - 0.01 * length * tries
            return *settled(problem, near, there), there, tries + 1

        def unfinished(state: tuple) -> Bool[Array, ""]:
            _, good, _, tries = state
            return ~good & (tries < 4)

        # Close to its end a state of the coarse grid may be none of the fine one.
        begin = near, jnp.zeros((), bool), current[k], 0
        state, good, there, _ = jax.lax.while_loop(unfinished, lower, begin)
        fold, ends = followed(problem, state, there)
        top = jnp.where(stable[k], current[k], -jnp.inf)
        return fold, good & ends & stable[k], top

    folds, good, top = jax.lax.map(polished, chosen)
    best = jnp.argmax(jnp.where(good, folds.current, -jnp.inf))
    fold = jax.tree.map(lambda x: x[best], folds)
    fold, runs = raised(problem, fold, good[best])
    # Where phases may pass a static state, one without a known end may carry more.
    open_ended = jnp.max(jnp.where(good, -jnp.inf, top)) > fold.current - 1.5 * length / _LEVELS
    return fold, runs & (problem.never_passes | ~open_ended)


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
