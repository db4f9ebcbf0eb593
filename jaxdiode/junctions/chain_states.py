"""The state of least energy of junctions in series at every phase.

Energies on an even grid are folded junction by junction (the best split of every phase), candidates
of each phase settled by Newton's method and compared by their energies. The curve of states is then
refined where it runs steeply or jumps.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..circuits.relations import Relations
from .chain_energy import Energies, Turns
from .chain_newton import State, crossing, settled, wrapped

Scalar = Float[Array, ""]
Phases = Float[Array, " junctions"]

ROUNDS = 6  # of refinement
_CANDIDATES = 3  # of one phase
_RUNGS = 12  # towards a turn, on either side
_FARTHEST = 0.2
_STEPS = 8
_CLOSEST = 1e-13
_TIED = 1e-11  # energies closer than this are one, in units of the current
_APART = 1e-6  # radians between two states that are not one
_NARROW = 1e-12  # cells that nothing can be told of
_SHIFT = 0.37  # of the grid, in its steps: symmetric chains tie at no node


class Curve(NamedTuple):
    """States of least energy at increasing phases; two at one phase where they tie.

    Attributes:
        phase: φ, over one period.
        state: θ of every junction.
        current: I.
        pace: dθ/ds with a largest component of 1.
        slope: dI/dφ.
        good: whether it is known to be the state of least energy.
    """

    phase: Float[Array, " nodes"]
    state: Float[Array, "nodes junctions"]
    current: Float[Array, " nodes"]
    pace: Float[Array, "nodes junctions"]
    slope: Float[Array, " nodes"]
    good: Bool[Array, " nodes"]


class Folded(NamedTuple):
    """Energies of all junctions but the last on an even grid, and how each phase is split.

    Attributes:
        least: of all but the last.
        last: of the last.
        split: phase of all before the k-th junction, k = 2 … n − 1.
    """

    least: Float[Array, " grid"]
    last: Float[Array, " grid"]
    split: Float[Array, "middle grid"]


class Problem(NamedTuple):
    """What a search works on; `scale` is the largest current of the weakest junction."""

    relations: Relations
    energies: Energies
    folded: Folded
    scale: Scalar

    def energy(self, state: Phases) -> Scalar:
        return jnp.sum(self.energies.at(state))


def fold(table: Float[Array, "grid junctions"]) -> Folded:
    """The best split of every phase, one junction after the other."""
    size = table.shape[0]
    step = 2 * jnp.pi / size

    def with_next(least: Array, own: Array):
        twice = jnp.tile(own[::-1], 2)

        def best(m: Array):
            values = least + jax.lax.dynamic_slice(twice, (size - 1 - m,), (size,))
            k = jnp.argmin(values)
            shift, value = _vertex(values[k - 1], values[k], values[(k + 1) % size])
            return value, (k.astype(float) + shift) * step

        value, at = jax.lax.map(best, jnp.arange(size))
        return value, at

    rows = table.T
    least, split = jax.lax.scan(with_next, rows[0], rows[1:-1])
    return Folded(least, rows[-1], split)


def _vertex(left: Array, middle: Array, right: Array) -> tuple[Array, Array]:
    """Where the parabola through three values is least, in steps, and its value there."""
    bend = left - 2 * middle + right
    safe = jnp.where(bend > 0, bend, 1.0)
    shift = jnp.where(bend > 0, jnp.clip((left - right) / (2 * safe), -0.6, 0.6), 0.0)
    drop = jnp.where(bend > 0, (left - right) ** 2 / (8 * safe), 0.0)
    return shift, middle - drop


def _candidates(folded: Folded, phase: Scalar) -> Float[Array, "candidates junctions"]:
    """Starts near the lowest wells of the sampled energies at a phase."""
    size = folded.least.size
    step = 2 * jnp.pi / size
    place = phase / step
    whole = jnp.floor(place)
    f = place - whole
    weights = (
        -f * (f - 1) * (f - 2) / 6,
        (f + 1) * (f - 1) * (f - 2) / 2,
        -(f + 1) * f * (f - 2) / 2,
        (f + 1) * f * (f - 1) / 6,
    )
    twice = jnp.tile(folded.last[::-1], 2)
    values = folded.least
    for k, weight in zip((-1, 0, 1, 2), weights, strict=True):
        first = jnp.mod(size - 1 - (whole.astype(int) + k), size)
        values = values + weight * jax.lax.dynamic_slice(twice, (first,), (size,))
    left, right = jnp.roll(values, 1), jnp.roll(values, -1)
    shift, lowest = _vertex(left, values, right)
    ranks = jnp.where((values <= left) & (values <= right), lowest, jnp.inf)

    def pick(ranks: Array, _: None):
        k = jnp.argmin(ranks)
        return ranks.at[k].set(jnp.inf), (k.astype(float) + shift[k]) * step

    _, before = jax.lax.scan(pick, ranks, None, length=_CANDIDATES)
    return jax.vmap(lambda x: _unfolded(folded, x, phase))(before)


def _unfolded(folded: Folded, before: Scalar, phase: Scalar) -> Phases:
    """Phases of all junctions, given that of all but the last together."""
    size = folded.least.size
    step = 2 * jnp.pi / size

    def back(total: Array, split: Array):
        inner = split[jnp.mod(jnp.round(total / step).astype(int), size)]
        return inner, total - inner

    first, others = jax.lax.scan(back, before, folded.split, reverse=True)
    return jnp.concatenate([first[None], others, (phase - before)[None]])


def least(problem: Problem, phase: Scalar, others: Float[Array, "others junctions"]) -> State:
    """The state of least energy at a phase; other starts may be named."""
    starts = jnp.concatenate([_candidates(problem.folded, phase), others])
    found = jax.vmap(lambda x: settled(problem.relations, x, phase, _STEPS))(starts)
    value = jax.vmap(problem.energy)(found.phase)
    kept = jnp.where(found.good, value, jnp.inf)
    best = jnp.argmin(kept)
    # What did not settle has a higher energy than where it would: none may lie below.
    adds_up = jnp.abs(wrapped(jnp.sum(found.phase, axis=1) - phase)) < 1e-9
    open_ = jnp.where(adds_up & ~found.good, value, jnp.inf)
    lower = jnp.min(open_) < kept[best] - _TIED * problem.scale
    state = jax.tree.map(lambda x: x[best], found)
    return state._replace(good=state.good & ~lower)


def curve(problem: Problem, turns: Turns, extra: int) -> tuple[Curve, Bool[Array, ""]]:
    """The whole of it, `extra` cells refined in every round; whether the last found nothing new."""
    size = problem.folded.least.size
    count = turns.phase.shape[0]
    nodes = (jnp.arange(size, dtype=float) + _SHIFT) * (2 * jnp.pi / size)
    none = jnp.zeros((0, count))
    first = _with_phase(nodes, jax.vmap(lambda x: least(problem, x, none))(nodes))
    inserted = _towards_turns(problem, first, turns)
    spare = jax.tree.map(lambda x: jnp.repeat(x[:1], 2 * extra * ROUNDS, axis=0), first)
    whole = _sorted(jax.tree.map(lambda *x: jnp.concatenate(x), first, inserted, spare))

    def refine(k: Array, held: tuple[Curve, Array]):
        # The spare places are duplicates of the first node: sorted next to it.
        new, quiet = _refined(problem, held[0], extra)
        at = 1 + 2 * extra * (ROUNDS - 1 - k)
        changed = jax.tree.map(
            lambda old, x: jax.lax.dynamic_update_slice_in_dim(old, x, at, 0), held[0], new
        )
        return _sorted(changed), quiet

    return jax.lax.fori_loop(0, ROUNDS, refine, (whole, jnp.zeros((), bool)))


def _with_phase(phase: Array, state: State) -> Curve:
    largest = jnp.max(jnp.abs(state.pace), axis=-1, keepdims=True)
    pace = state.pace / jnp.where(largest > 0, largest, 1.0)
    return Curve(phase, state.phase, state.current, pace, state.slope, state.good)


def _sorted(found: Curve) -> Curve:
    order = jnp.argsort(found.phase)
    return jax.tree.map(lambda x: x[order], found)


def following(found: Curve) -> tuple[Curve, Float[Array, " cells"], Float[Array, "cells n"]]:
    """(the node after each, how far it is, by how much its phases differ)."""
    after = jax.tree.map(lambda x: jnp.roll(x, -1, axis=0), found)
    gap = (after.phase - found.phase).at[-1].add(2 * jnp.pi)
    return after, gap, wrapped(after.state - found.state)


def _towards_turns(problem: Problem, found: Curve, turns: Turns) -> Curve:
    """Nodes where a junction passes its turns, and on the way there."""
    after, _, apart = following(found)
    count, most = turns.phase.shape
    lowest = jnp.clip(turns.width / 2, _CLOSEST, _FARTHEST / 2)[..., None]
    rungs = lowest * (_FARTHEST / lowest) ** jnp.linspace(0.0, 1.0, _RUNGS)
    offsets = jnp.concatenate([-rungs, jnp.zeros_like(lowest), rungs], axis=-1)
    places = (turns.phase[..., None] + offsets).reshape(count, -1)
    smooth = (turns.width > _FARTHEST)[..., None] & jnp.ones_like(offsets, bool)

    def one(k: Int[Array, ""], place: Scalar, skip: Bool[Array, ""]):
        ahead = wrapped(place - found.state[:, k])
        step = apart[:, k]
        inside = (ahead * jnp.sign(step) >= 0) & (jnp.abs(ahead) < jnp.abs(step))
        passes = inside & (jnp.max(jnp.abs(apart), axis=1) < 0.5)
        cell = jnp.argmax(passes)
        share = ahead[cell] / jnp.where(step[cell] != 0, step[cell], 1.0)
        start = found.state[cell] + share * apart[cell]
        start = start.at[k].set(found.state[cell, k] + ahead[cell])
        row = (jnp.arange(count) == k).astype(float)
        state = crossing(problem.relations, start, row, start[k])
        phase = found.phase[cell] + jnp.sum(state.phase - found.state[cell])
        end = found.phase[cell] + jnp.mod(after.phase[cell] - found.phase[cell], 2 * jnp.pi)
        real = state.good & passes[cell] & (phase > found.phase[cell]) & (phase < end) & ~skip
        # Next to a jump the ground state is another one.
        best = least(problem, phase, state.phase[None])
        ahead_of = problem.energy(state.phase) - problem.energy(best.phase)
        real = real & best.good & (ahead_of <= _TIED * problem.scale)
        node = _with_phase(phase, state)
        return jax.tree.map(lambda a, b: jnp.where(real, a, b[0]), node, found)

    index = jnp.repeat(jnp.arange(count), most * offsets.shape[-1])
    return jax.vmap(one)(index, places.ravel(), smooth.ravel())


def _refined(problem: Problem, found: Curve, extra: int) -> tuple[Curve, Bool[Array, ""]]:
    """Two nodes in each of the longest cells: the tie of a jump, else a state half way.

    And whether all are what their neighbours lead to, without a tie.
    """
    after, gap, apart = following(found)
    # A jump may be one of the current alone, where the others are much stronger.
    height = jnp.max(jnp.abs(found.current))
    change = jnp.abs(after.current - found.current) / jnp.where(height > 0, height, 1.0)
    length = jnp.max(jnp.abs(apart), axis=1)
    reach = length + change
    _, cells = jax.lax.top_k(jnp.where(gap > _NARROW, reach, -1.0), extra)

    def one(cell: Int[Array, ""]):
        low, high = found.phase[cell], found.phase[cell] + gap[cell]
        left, right = found.state[cell], found.state[cell] + apart[cell]
        middle = (left + right) / 2
        row = apart[cell] / jnp.maximum(length[cell], 1e-300)
        half = crossing(problem.relations, middle, row, jnp.sum(row * middle))
        halved = low + jnp.sum(half.phase - left)
        inside = (halved > low) & (halved < high)
        # In the middle of a curve that turns back both states are there.
        start = jnp.where(half.found & inside, halved, (low + high) / 2)
        at, before, behind = tie(problem, (left, right), (low, high), start)
        ends = jnp.stack([problem.energy(before.phase), problem.energy(behind.phase)])
        other = jnp.max(jnp.abs(wrapped(before.phase - behind.phase))) > _APART
        jumps = other & before.good & behind.good & (at > low) & (at < high)
        jumps = jumps & (jnp.abs(ends[0] - ends[1]) < _TIED * problem.scale)
        smooth = ~jumps & half.good & inside
        place = jnp.where(smooth, halved, jnp.where(jumps, at, (low + high) / 2))
        # Never at an end of the cell: nodes of one phase are a jump.
        place = jnp.clip(place, jnp.nextafter(low, high), jnp.nextafter(high, low))
        named = jnp.stack([half.phase, before.phase, behind.phase])
        best = least(problem, place, jnp.where(jnp.isfinite(named), named, middle))
        close = problem.energy(best.phase) + _TIED * problem.scale
        tied = jumps & (jnp.max(ends) <= close) & best.good
        pair = [jax.tree.map(lambda a, b: jnp.where(tied, a, b), x, best) for x in (before, behind)]
        nodes = jax.vmap(_with_phase)(
            jnp.stack([place, place]), jax.tree.map(lambda *x: jnp.stack(x), *pair)
        )
        return nodes, smooth & (problem.energy(half.phase) <= close)

    new, quiet = jax.vmap(one)(cells)
    # All nodes before a tie in front of all behind one: sorting keeps their order.
    return jax.tree.map(lambda x: jnp.concatenate([x[:, 0], x[:, 1]]), new), jnp.all(quiet)


def tie(
    problem: Problem, states: tuple[Phases, Phases], ends: tuple[Scalar, Scalar], start: Scalar
) -> tuple[Scalar, State, State]:
    """The phase at which two states have one energy, and both there."""
    low, high = ends

    def step(_: Array, held: tuple[Scalar, State]):
        phase, last = held
        now = jax.vmap(lambda x: settled(problem.relations, x, phase, 3))(last.phase)
        values = jax.vmap(problem.energy)(now.phase)
        fall = now.current[0] - now.current[1]
        new = phase - (values[0] - values[1]) / jnp.where(fall != 0, fall, jnp.inf)
        # The states belong to the phase before its last change, which is rounding.
        return jnp.clip(new, low, high), now

    both = jnp.stack(states)
    zero, no = jnp.zeros(2), jnp.zeros(2, bool)
    first = State(both, zero, jnp.zeros_like(both), zero, no, no)
    phase, found = jax.lax.fori_loop(0, 9, step, (start, first))
    one, other = jax.tree.map(lambda x: x[0], found), jax.tree.map(lambda x: x[1], found)
    return phase, one, other
