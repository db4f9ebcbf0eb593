"""The solved relation of junctions in series, differentiable in phase and parameters."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..circuits.relations import Relations, known_status, side_by_side
from ..core.critical import unless
from ..core.device import AbstractPhaseBiased, Relation
from ..numerics.extrema import clustered_grid
from ..numerics.lanes import lanewise
from ..numerics.newton import implicit_solution
from ..numerics.status import Status
from . import chain_states as states
from .chain_energy import energies, turns_of
from .chain_equations import currents, ground_state, relations_of, solve_currents, solve_tied, tied
from .chain_newton import State, settled, wrapped

Scalar = Float[Array, ""]

_GRID = 256, 1024  # least and largest
_STEPS = 4
_MEAN = 1e-9  # current over a period, relative, that is none
_NOTHING = 1e-13
_APART = 1e-6  # radians between two states that tie
_STEEP = 0.5  # width of a fall that is no turn


class Ties(NamedTuple):
    """Where two states have one energy and the current jumps."""

    phase: Float[Array, " k"]
    before: Float[Array, "k junctions"]
    behind: Float[Array, "k junctions"]
    real: Bool[Array, " k"]


class Falls(NamedTuple):
    """Where the current changes fast, but smoothly."""

    phase: Float[Array, " k"]
    state: Float[Array, "k junctions"]
    width: Float[Array, " k"]
    real: Bool[Array, " k"]


class ChainRelation(Relation):
    """I(φ) of solved junctions in series.

    Attributes:
        junctions: their relations.
        unit: the largest of their currents.
        dead: one of them carries nothing.
        code: `Status`.
        phase, state, pace: nodes of the curve of ground states, with its directions.
        jump, before, behind, jumps: phases at which two states tie, these, and whether there is
            such a tie.
        turn, inside, width, turns: where I(φ) changes fast, likewise.
    """

    junctions: tuple[AbstractPhaseBiased, ...]
    unit: Scalar
    dead: Bool[Array, ""]
    code: Int[Array, ""]
    phase: Float[Array, " nodes"]
    state: Float[Array, "nodes junctions"]
    pace: Float[Array, "nodes junctions"]
    jump: Float[Array, " k"]
    before: Float[Array, "k junctions"]
    behind: Float[Array, "k junctions"]
    jumps: Bool[Array, " k"]
    turn: Float[Array, " l"]
    inside: Float[Array, "l junctions"]
    width: Float[Array, " l"]
    turns: Bool[Array, " l"]

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        at = jnp.asarray(phase, float)
        return _current(self, jnp.ravel(at)).reshape(at.shape)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        phases = jnp.concatenate([self._jumps(), self._turns()])
        widths = jnp.where(self.jumps, 0.0, 1.0), jnp.where(self.turns, self.width, 1.0)
        return phases, jax.lax.stop_gradient(jnp.concatenate(widths))

    def samples_per_period(self) -> int:
        return max(one.samples_per_period() for one in self.junctions)

    def magnitude(self) -> Float[Array, ""]:
        return jnp.min(jnp.stack([one.magnitude() for one in self.junctions]))

    def status(self) -> Int[Array, ""]:
        return self.code

    def largest(self) -> Float[Array, "2"]:
        """What a current bias brings through in either direction: the least of all maxima."""
        relations = jax.tree.map(jax.lax.stop_gradient, relations_of(self.junctions, self.unit))
        return self.unit * jnp.stack([jnp.min(_maxima(relations, sign)) for sign in (1.0, -1.0)])

    def _curve(self, cell: Array) -> tuple[Array, ...]:
        """A cell: (phase and its end, state and its change, direction at both ends)."""
        after = jnp.mod(cell + 1, self.phase.size)
        begin = self.phase[cell]
        end = self.phase[after] + jnp.where(after == 0, 2 * jnp.pi, 0.0)
        change = wrapped(self.state[after] - self.state[cell])
        return begin, end, self.state[cell], change, self.pace[cell], self.pace[after]

    def _followed(self, phase: Scalar) -> tuple[State, Bool[Array, ""]]:
        """The ground state at a phase, and whether it was found."""
        turned = self.phase[0] + jnp.mod(phase - self.phase[0], 2 * jnp.pi)
        cell = jnp.searchsorted(self.phase, turned, side="right") - 1
        cell = jnp.clip(cell, 0, self.phase.size - 1)
        begin, end, state, change, ahead, behind = self._curve(cell)
        length = jnp.max(jnp.abs(change))
        first, last = length * ahead, length * behind
        u = _share(turned - begin, end - begin, jnp.sum(first), jnp.sum(last))
        h, k, m = u * (1 - u) ** 2, u**2 * (3 - 2 * u), u**2 * (u - 1)
        start = state + h * first + k * change + m * last
        relations = relations_of(self.junctions, self.unit)
        found = settled(relations, start, turned, _STEPS, near=True)
        moved = jnp.max(jnp.abs(found.phase - start))
        return found, found.good & (moved <= 0.5 * length + 1e-9)

    def _jumps(self) -> Float[Array, " k"]:
        """Where states tie, differentiable."""
        fixed = jax.tree.map(jax.lax.stop_gradient, self)
        relations = relations_of(fixed.junctions, fixed.unit)
        current = jax.vmap(relations.current)
        columns = (
            fixed.before, jnp.mean(current(fixed.before), axis=1, keepdims=True),
            fixed.behind, jnp.mean(current(fixed.behind), axis=1, keepdims=True),
            fixed.jump[:, None],
        )  # fmt: skip
        start = jnp.concatenate(columns, axis=1).T
        args = self.junctions, self.unit
        phase = implicit_solution(tied, solve_tied, args, start)[-1]
        return jnp.where(fixed.jumps, phase, fixed.jump)

    def _turns(self) -> Float[Array, " l"]:
        """Where fast changes of I(φ) lie: the phase of a current inside of them."""
        fixed = jax.lax.stop_gradient(self.inside).T
        args = self.junctions, self.unit
        state = implicit_solution(currents, solve_currents, args, fixed)
        still = jax.lax.stop_gradient(self.turn)
        return jnp.where(self.turns, still + jnp.sum(state - fixed, axis=0), still)


@eqx.filter_jit
def _current(relation: ChainRelation, phase: Float[Array, " n"]) -> Float[Array, " n"]:
    frozen = jax.tree.map(jax.lax.stop_gradient, relation)
    found, good = jax.vmap(frozen._followed)(jax.lax.stop_gradient(phase))
    start = jnp.concatenate([found.phase, found.current[:, None]], axis=1).T
    current = ground_state(relation.junctions, relation.unit, phase, start)[-1]
    current = unless(~good, jnp.nan, current)
    return unless(jnp.broadcast_to(relation.dead, phase.shape), 0.0, current) * relation.unit


@eqx.filter_jit
def chain_relation(junctions: tuple[AbstractPhaseBiased, ...]) -> ChainRelation:
    """Solved relations in series, solved."""
    relations = side_by_side(junctions)
    frozen = jax.tree.map(jax.lax.stop_gradient, relations)
    samples = max(one.samples_per_period() for one in junctions)
    dead, code, curve, ties, falls = _searching(samples)(frozen)
    found = ChainRelation(
        junctions, relations.unit, dead, code, curve.phase, curve.state, curve.pace, *ties, *falls
    )
    lost = (code == Status.CONVERGED) & ~dead & ~_is_followed(found)
    code = jnp.where(lost, Status.NOT_RESOLVED, code).astype(jnp.int32)
    return eqx.tree_at(lambda relation: relation.code, found, code)


@functools.cache
def _searching(samples: int) -> Callable:
    """One function for one number of samples: it is compiled once."""
    return lanewise(functools.partial(_search, samples=samples))


def _is_followed(relation: ChainRelation) -> Bool[Array, ""]:
    """Whether the state half way between any two nodes is found from these."""
    frozen = jax.tree.map(jax.lax.stop_gradient, relation)
    gap = jnp.diff(frozen.phase, append=frozen.phase[:1] + 2 * jnp.pi)
    _, good = jax.vmap(frozen._followed)(frozen.phase + gap / 2)
    return jnp.all(good | (gap < 1e-12))


def _search(relations: Relations, samples: int) -> tuple[Array, Array, Any, Ties, Falls]:
    """(one carries nothing, status, curve of ground states, ties, falls)."""
    largest = relations.largest()
    magnitudes = relations.of_each(lambda one: one.magnitude()) / relations.unit
    dead = jnp.any(largest <= _NOTHING * magnitudes)
    turns = turns_of(relations)
    table = energies(relations, turns, 2 * samples)
    size = min(max(4 * samples, _GRID[0]), _GRID[1])
    grid = jnp.arange(size, dtype=float) * (2 * jnp.pi / size)
    problem = states.Problem(relations, table, states.fold(table.along(grid)), jnp.min(largest))
    count = largest.size
    most = 4 * count + 4
    curve, quiet = states.curve(problem, turns, most)
    ties, complete = _ties(curve, most)
    falls = _falls(curve, count + 3)
    code = known_status(relations)
    drifts = jnp.any(jnp.abs(table.drift) > _MEAN * 2 * jnp.pi * largest)
    resolved = quiet & complete & jnp.all(curve.good)
    own = jnp.where(resolved, Status.CONVERGED, Status.NOT_RESOLVED)
    own = jnp.where(drifts, Status.NO_PERIODIC_ENERGY, own)
    own = jnp.where(dead, Status.CONVERGED, own)
    code = jnp.where(code == Status.CONVERGED, own, code).astype(jnp.int32)
    return dead, code, curve, ties, falls


def _ties(curve: states.Curve, most: int) -> tuple[Ties, Bool[Array, ""]]:
    """All jumps, and whether these are all."""
    after, gap, apart = states.following(curve)
    length = jnp.max(jnp.abs(apart), axis=1)
    real = (gap <= 0) & (length > _APART)
    _, cells = jax.lax.top_k(jnp.where(real, length, 0.0), most)
    ties = Ties(curve.phase[cells], curve.state[cells], after.state[cells], real[cells])
    return ties, jnp.sum(real) <= most


def _falls(curve: states.Curve, most: int) -> Falls:
    """The steepest places, those within a width of a steeper one left out."""
    height = jnp.max(jnp.abs(curve.current))
    steep = jnp.where(jnp.isfinite(curve.slope), jnp.abs(curve.slope), 0.0)

    def pick(steep: Array, _: None):
        node = jnp.argmax(steep)
        value = steep[node]
        width = height / jnp.where(value > 0, value, jnp.inf)
        near = jnp.abs(wrapped(curve.phase - curve.phase[node])) <= 4 * width
        real = (width < _STEEP) & (width > 0)
        fall = Falls(curve.phase[node], curve.state[node], jnp.where(real, width, 1.0), real)
        return jnp.where(near, 0.0, steep), fall

    return jax.lax.scan(pick, steep, None, length=most)[1]


def _share(x: Scalar, end: Scalar, first: Scalar, last: Scalar) -> Scalar:
    """u in [0, 1] where the cubic with these slopes at 0 and 1 leads from 0 to x."""

    def step(_: Array, held: tuple[Scalar, Scalar, Scalar]):
        u, low, high = held
        value = u * (1 - u) ** 2 * first + u**2 * (3 - 2 * u) * end + u**2 * (u - 1) * last - x
        slope = (1 - u) * (1 - 3 * u) * first + 6 * u * (1 - u) * end + u * (3 * u - 2) * last
        low, high = jnp.where(value <= 0, u, low), jnp.where(value >= 0, u, high)
        newton = u - value / jnp.where(slope > 0, slope, 1.0)
        inside = (slope > 0) & (newton >= low) & (newton <= high)
        return jnp.where(inside, newton, (low + high) / 2), low, high

    first_guess = jnp.where(end > 0, x / jnp.where(end > 0, end, 1.0), 0.0)
    return jax.lax.fori_loop(0, 10, step, (first_guess, jnp.zeros(()), jnp.ones(())))[0]


def _maxima(relations: Relations, sign: float) -> Float[Array, " junctions"]:
    """The largest current of every junction in one direction."""

    def top(one: AbstractPhaseBiased) -> Array:
        grid = clustered_grid(*one.kinks(), 2 * one.samples_per_period())
        return grid[jnp.argmax(sign * one.current(grid))]

    phase = relations.of_each(top)

    def step(_: Array, held: tuple[Array, Array]):
        phase, best = held
        slope, bend = relations.slope_and_bend(phase)
        moved = phase - slope / jnp.where(sign * bend < 0, bend, jnp.inf)
        value = sign * relations.current(moved)
        return jnp.where(value > best, moved, phase), jnp.maximum(value, best)

    start = phase, sign * relations.current(phase)
    return jax.lax.fori_loop(0, 6, step, start)[1]
