"""A slow ramp of the bias of a long junction, from its state of least energy to running phases."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...core.cpr import sampled
from ...core.device import AbstractPhaseBiased
from ...numerics.dense import is_positive_definite, solve_positive
from .relaxed import Coarse, candidates, is_same, relaxed, starts
from .sine_gordon import Fold, Nodes, Problem, followed, settled

Scalar = Float[Array, ""]
Energy = Callable[[Array], Array]

_FALLS = 60  # a ramp may be caught that often
_STEPS = 4000  # of one fall
_SHORT = 0.25  # radians per step of a fall
_PAST = 1e-8  # of the largest current, beyond a fold
_PUSH = 0.03  # radians, off a fold
_TURN = 2 * np.pi - 0.1  # radians: so far on it is the fold's translate
_TIED = 1e-9  # of the length
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


class Rest(NamedTuple):
    """The state of least energy without a current.

    Attributes:
        phase: at the nodes.
        good: whether it is known, or as good as any.
        tied: whether another has the same energy and the ramp may end elsewhere from there.
    """

    phase: Nodes
    good: Bool[Array, ""]
    tied: Bool[Array, ""]


def at_rest(coarse: Coarse, problem: Problem, nodes: Nodes) -> Rest:
    """The state of least energy, of those that straight lines relax to."""
    energy = energy_of(problem.relation)
    lines = starts(coarse, nodes.size)
    phase, stable = relaxed(coarse, lines, jnp.zeros(lines.shape[1]))
    strain = jnp.diff(phase - coarse.tilt[:, None], axis=0) ** 2
    stretch = jnp.sum(strain, axis=0) * (phase.shape[0] - 1) / coarse.length / 2
    total = stretch + coarse.weight @ energy(phase)

    def pick(score: Array, _: None):
        k = jnp.argmin(score)
        return jnp.where(is_same(phase, phase[:, k]), jnp.inf, score), k

    def polished(k: Array) -> tuple[Nodes, Bool[Array, ""], Scalar]:
        near = jnp.interp(nodes, coarse.place, phase[:, k])
        state, good = settled(problem, near, jnp.zeros(()))
        change = state - problem.tilt
        found = change @ problem.stretched(change) / 2 + problem.weight @ energy(state)
        good = good & stable[k]
        return state, good, jnp.where(good, found, jnp.inf)

    score = jnp.where(stable, total, jnp.inf)
    _, chosen = jax.lax.scan(pick, score, None, length=candidates(nodes.size))
    states, good, found = jax.lax.map(polished, chosen)
    best = jnp.argmin(found)
    others = jnp.where(is_same(states.T, states[best]), jnp.inf, found)
    tied = jnp.min(others) - found[best] < _TIED * coarse.length
    # What a start did not settle into, or the fine points lost, may lie lower.
    margin = 1e-2 * coarse.length
    lost = jnp.any(stable[chosen] & ~good & (total[chosen] < found[best] + margin))
    lost = lost | jnp.any(~stable & (total < found[best] - margin))
    middle = states[best, nodes.size // 2]
    turns = 2 * jnp.pi * jnp.round(middle / (2 * jnp.pi))
    good = good[best] & (problem.never_passes | ~lost)
    return Rest(states[best] - turns, good, tied & ~problem.never_passes)


def energy_of(relation: AbstractPhaseBiased) -> Energy:
    """E(φ) = ∫₀^φ i, by the panels of one period."""
    of = sampled(relation)
    width = jnp.sum(of.weight.reshape(-1, _NODES.size), axis=1)
    gain = jnp.sum((of.weight * of.current).reshape(-1, _NODES.size), axis=1)
    edges, below = (jnp.concatenate([jnp.zeros(1), jnp.cumsum(x)]) for x in (width, gain))

    def energy(phase: Array) -> Array:
        turns = jnp.floor(phase / (2 * jnp.pi))
        inside = phase - 2 * jnp.pi * turns
        panel = jnp.clip(jnp.searchsorted(edges, inside, side="right") - 1, 0, width.size - 1)
        part = inside - edges[panel]
        at = edges[panel][..., None] + part[..., None] * (_NODES + 1) / 2
        return below[panel] + part * (relation.current(at) @ _WEIGHTS) / 2 + turns * below[-1]

    return energy


def ramp(problem: Problem, rest: Rest) -> tuple[Fold, Bool[Array, ""]]:
    """The fold past which the phases run, and whether the ramp came to one."""
    fold, ends = followed(problem, rest.phase, jnp.zeros(()))
    return raised(problem, fold, ends & rest.good)


def raised(problem: Problem, fold: Fold, known: Bool[Array, ""]) -> tuple[Fold, Bool[Array, ""]]:
    """The last fold of a ramp that is at one, and whether it is known."""

    def unfinished(state: tuple) -> Bool[Array, ""]:
        _, known, runs, falls = state
        return known & ~runs & (falls < _FALLS)

    def fall_and_climb(state: tuple) -> tuple:
        fold, *_, falls = state
        after = fold.current + _PAST * problem.length
        phase, rests, runs = fall(problem, fold, after)
        fold, ends = jax.lax.cond(
            rests, lambda: followed(problem, phase, after), lambda: (fold, runs)
        )
        return fold, ends, runs, falls + 1

    begin = fold, known, jnp.zeros((), bool), 0
    fold, known, runs, _ = jax.lax.while_loop(unfinished, fall_and_climb, begin)
    return fold, known & runs


def fall(
    problem: Problem, fold: Fold, current: Scalar
) -> tuple[Nodes, Bool[Array, ""], Bool[Array, ""]]:
    """Downhill from past a fold, φ_t = −F: the state that catches it, or whether phases run.

    Implicit steps, as long as energy goes down in them. Under a bias of one sign the phases only
    advance and come to the first state above the fold; none does once they are a turn further.
    """
    mass, along = problem.mass, jnp.sum(problem.bias)
    floor = 1e-9 * jnp.ones(())

    def step(state: tuple) -> tuple:
        phase, rate, *_, k = state
        slope = problem.weight * problem.with_slope(phase)[1]
        safe = 2 * jnp.maximum(jnp.max(-slope / mass), 1e-3)
        matrix = problem.stiffness + jnp.diag(slope)
        allowed = is_positive_definite(matrix + jnp.diag(rate / 2 * mass))
        rate = jnp.where(allowed, rate, safe)
        change = -solve_positive(matrix + jnp.diag(rate * mass), problem.residual(phase, current))[
            0
        ]
        size = jnp.max(jnp.abs(change))
        phase = phase + jnp.minimum(1.0, _SHORT / size) * change
        rests = (size < 1e-8) & (rate < 1e-6)
        runs = jnp.min((phase - fold.phase) * along) > _TURN
        return phase, jnp.maximum(rate / 3, floor), rests, runs, k + 1

    def unfinished(state: tuple) -> Bool[Array, ""]:
        _, _, rests, runs, k = state
        return ~rests & ~runs & (k < _STEPS)

    no = jnp.zeros((), bool)
    pushed = fold.phase + _PUSH / jnp.max(jnp.abs(fold.null)) * fold.null
    begin = pushed, jnp.ones(()), no, no, 0
    phase, _, rests, runs, _ = jax.lax.while_loop(unfinished, step, begin)
    return phase, rests & is_positive_definite(problem.hessian(phase)), runs
