"""Climbs of many lanes: on an objective along its constraints, or each to an aim of its own."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from ..core.device import AbstractDevice
from ..numerics import ascent, constrained
from ..numerics.ascent import Ascent
from ..numerics.constrained import Chart, Terms
from ..progress import track
from .quantities import Quantity, values_of
from .space import Space

Objective = Callable[[AbstractDevice], Float[Array, ""]]
Points = Float[Array, "lanes n"]

GRADIENT_COST = 3  # evaluations that a value with gradient counts as
_RETURN = 6  # Newton steps that end on the constraints
MET = 1e-7  # of a constraint's typical slope: its distance in the coordinates of the search
_EXACT = 1e-14  # of the same, as good as 0


class Climb(NamedTuple):
    """What one lane has found."""

    point: Points
    rank: Float[Array, " lanes"]


class Along(NamedTuple):
    """State of the climbs along the constraints: point and terms are those of the ascent's u."""

    chart: Chart
    ascent: Ascent
    across: Float[Array, "lanes constraints"]
    point: Points
    terms: Terms


class Problem(eqx.Module):
    """Functions of a device over a space: the objective first, then what is to be 0.

    Or, with labels, several objectives.
    """

    functions: tuple[Quantity, ...] = eqx.field(static=True)
    space: Space
    units: Float[Array, " terms"]
    labels: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def constraints(self) -> int:
        return len(self.functions) - 1

    @eqx.filter_jit
    def terms(self, batch: Points) -> Terms:
        """Values and gradients of every lane, in the problem's units; −∞ where not finite."""

        def values(coordinates):
            device = self.space.insert(self.space.bounded(coordinates))
            found = values_of(self.functions, device)
            for name, value in zip(self._names(), found, strict=True):
                if getattr(value, "shape", None) != ():
                    raise ValueError(f"{name} must return one number per device, got {value}")
            return jnp.stack(found)

        def one(coordinates):
            found, back = jax.vjp(values, coordinates)
            seeds = jnp.eye(len(self.functions))
            slopes = jax.vmap(back)(seeds)[0] if self.constraints else back(seeds[0])[0][None]
            finite = jnp.all(jnp.isfinite(found)) & jnp.all(jnp.isfinite(slopes))
            none = jnp.zeros_like(found).at[0].set(-jnp.inf)
            return Terms(
                jnp.where(finite, found / self.units, none),
                jnp.where(finite, slopes / self.units[:, None], 0.0),
            )

        return jax.vmap(one)(batch)

    @eqx.filter_jit
    def across(self, charts: Chart, u: Array, start: Array) -> Array:
        """w of every lane where the constraints are 0, by Newton's method from a near one."""

        def one(chart, u, start):
            def off(w):
                device = self.space.insert(self.space.bounded(chart.place(u, w)))
                found = jnp.stack(values_of(self.functions[1:], device))
                return found / self.units[1:], found / self.units[1:]

            def newton(state):
                w, _, k = state
                slopes, found = jax.jacrev(off, has_aux=True)(w)
                return w - jnp.linalg.solve(slopes, found), jnp.max(jnp.abs(found)), k + 1

            def unfinished(state):
                _, far, k = state
                return (far > _EXACT) & (k < _RETURN)

            return jax.lax.while_loop(unfinished, newton, (start, jnp.ones(()), 0))[0]

        return jax.vmap(one)(charts, u, start)

    def _names(self):
        return self.labels or ("objective", *["subject_to"] * self.constraints)


def in_typical_units(problem: Problem, points: list[Points]) -> Problem:
    """With constraints f and g are weighed against each other: each in its own typical slope."""
    if not problem.constraints:
        return problem
    terms = [problem.terms(batch) for batch in points]
    units = constrained.typical_slopes(jax.tree.map(lambda *x: jnp.concatenate(x), *terms))
    return eqx.tree_at(lambda p: p.units, problem, units)


def random_starts(space: Space, key: PRNGKeyArray, batches: int, lanes: int) -> list[Points]:
    return list(_random_starts(space, jax.random.split(key, (batches, lanes))))


def begun_at(space: Space, points: list[Points], values: list[Array]) -> list[Points]:
    """The starts with these values in place of the first of them."""
    lanes = points[0].shape[0]
    points = list(points)
    for i, given in enumerate(values):
        at = points[i // lanes]
        points[i // lanes] = at.at[i % lanes].set(space.unbounded(given))
    return points


def ascend(
    problem: Problem,
    points: list[Points],
    optimiser: optax.GradientTransformation,
    steps: int,
    *,
    own: bool,
    progress: bool,
    climbed: Callable[[Terms], tuple[Array, Array]] | None = None,
) -> tuple[Climb, list[float]]:
    """The optax phase of all lanes, batch by batch: the best of each, and of all step by step.

    `climbed` gives value and gradient of every lane from its terms where that is not the objective
    less a penalty of the constraints.
    """
    lanes = points[0].shape[0]
    states = [optimiser.init(batch) for batch in points]
    best = [(batch, jnp.full(lanes, -jnp.inf)) for batch in points]
    here: list[Any] = list(points)
    steepest, highest, history = 0.0, -np.inf, []
    for _ in track(range(steps), "ascent", steps, progress):
        for i, batch in enumerate(here):
            terms = problem.terms(batch)
            value, gradient = (climbed or _penalised)(terms)
            if own:  # Adam compares gradients with an absolute 1e-8
                steepest = steepest or float(jnp.max(jnp.abs(gradient)))
                gradient = gradient / (steepest or 1.0)
            best[i] = _keep_best(*best[i], batch, value)
            highest = max(highest, float(jnp.max(value if climbed else _ranking(terms))))
            here[i], states[i] = _optax_step(optimiser, batch, states[i], gradient)
        history.append(highest)
    return _joined([Climb(*pair) for pair in best]), history


def leading(found: Climb, lanes: int) -> Climb:
    """The best of all lanes, best first."""
    order = jnp.argsort(-found.rank)[:lanes]
    return jax.tree.map(lambda x: x[order], found)


def polish(
    problem: Problem,
    leaders: Climb,
    evaluations: int,
    rounds: int,
    *,
    key: PRNGKeyArray,
    history: list[float],
    progress: bool,
) -> tuple[list[Climb], int]:
    """BFGS from the leaders along the constraints, and again around the best of them.

    Appends to the history; with what was found, the number of gradients taken.
    """
    found, spent = [], 0
    for k in track(jax.random.split(key, rounds), "polish", rounds, progress):
        (point, terms), gradients = _onto_constraints(problem, leaders.point)
        state = _begin(point, terms)
        for _ in range(evaluations):
            state = _moved(problem, state)
            history.append(max(history[-1], float(jnp.max(_ranking(state.terms)))))
        found.append(Climb(state.point, _ranking(state.terms)))
        leaders = _restart(k, leading(found[-1], len(leaders.rank)))
        spent += gradients + evaluations * len(leaders.rank)
    return found, spent


def _moved(problem: Problem, state: Along) -> Along:
    """One evaluation further."""
    trial, w = state.ascent.trial, state.across
    w = problem.across(state.chart, trial, w) if problem.constraints else w
    point = _placed(state.chart, trial, w)
    return _update(state, w, point, problem.terms(point))


def back_on_constraints(
    problem: Problem, ends: list[Climb], lanes: int
) -> tuple[Points, Terms, int]:
    """Every end moved onto the constraints where Newton's method comes to them; gradients taken."""
    every = _joined(ends)
    found, spent = [], 0
    for first in range(0, len(every.rank), lanes):
        best, gradients = _onto_constraints(problem, every.point[first : first + lanes])
        found.append(best)
        spent += gradients
    points, terms = jax.tree.map(lambda *x: jnp.concatenate(x), *found)
    return points, terms, spent


def _onto_constraints(problem: Problem, point: Points) -> tuple[tuple[Points, Terms], int]:
    """The points nearest to the constraints that Newton's method comes to; gradients taken."""
    steps = _RETURN if problem.constraints else 0
    best = point, problem.terms(point)
    for _ in range(steps):
        point = _restored(*best)
        best = _closer(best, (point, problem.terms(point)))
    return best, (1 + steps) * len(point)


def _joined(climbs: list[Climb]) -> Climb:
    return jax.tree.map(lambda *x: jnp.concatenate(x), *climbs)


@eqx.filter_jit
def _optax_step(optimiser, points, state, gradient):
    with jax.numpy_dtype_promotion("standard"):  # optax counts steps in integers
        updates, state = optimiser.update(-gradient, state, points)
        return optax.apply_updates(points, updates), state


@jax.jit
def _keep_best(point, value, new_point, new_value):
    better = new_value > value
    return jnp.where(better[:, None], new_point, point), jnp.where(better, new_value, value)


@jax.jit
def _restart(key, ranked):
    """New climbs around the best quarter: BFGS stalls where its metric has collapsed."""
    lanes = len(ranked.rank)
    parents = max(1, lanes // 4)
    copies = jax.tree.map(lambda x: x[jnp.arange(lanes) % parents], ranked)
    size = jnp.asarray(10.0 ** -(1.0 + np.arange(lanes) // parents))
    away = size[:, None] * jax.random.normal(key, copies.point.shape)
    return copies._replace(point=copies.point + away)


@eqx.filter_jit
def _random_starts(space, keys):
    return jax.vmap(jax.vmap(lambda k: space.unbounded(space.sample(k))))(keys)


@jax.jit
@jax.vmap
def _begin(point, terms):
    chart, u = constrained.chart_at(point, terms)
    across = jnp.zeros(terms.values.size - 1)
    return Along(chart, ascent.begin(u, *_climbed(chart, terms)), across, point, terms)


@jax.jit
@jax.vmap
def _update(state, across, point, terms):
    moved = ascent.update(state.ascent, *_climbed(state.chart, terms))
    accepted = jnp.any(moved.point != state.ascent.point)
    here = jax.tree.map(
        lambda x, y: jnp.where(accepted, x, y),
        (across, point, terms),
        (state.across, state.point, state.terms),
    )
    return Along(state.chart, moved, *here)


def _climbed(chart, terms):
    """f and df/du; −∞ off the constraints."""
    value = jnp.where(constrained.distance(terms) <= MET, terms.values[0], -jnp.inf)
    return value, constrained.reduced_gradient(chart, terms)


_placed = jax.jit(jax.vmap(Chart.place))
_penalised = jax.jit(jax.vmap(constrained.penalised))
_ranking = jax.jit(jax.vmap(constrained.ranking))
_restored = jax.jit(jax.vmap(constrained.restored))
_closer = jax.jit(jax.vmap(constrained.closer))
