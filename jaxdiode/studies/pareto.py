"""The trade-off of two objectives: devices of which none is better in both."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from .. import _checks
from ..core.device import AbstractDevice
from ..core.results import AbstractResult
from ..numerics import ascent
from ..numerics.status import Status
from ..progress import track
from . import climbs
from .aims import Aims, aims_between, climbed_of, not_dominated, ranks, single_aims
from .climbs import GRADIENT_COST, Problem
from .quantities import QUANTITIES, Quantity, names_of
from .space import Space, random_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SUM = (
    1e-6  # weight of the sum beside the minimum: no aim ends where one objective could still grow
)
_SAME = 1e-6  # of the front's extent: points as close are one
_WORSE = 1e-9  # of the same: rounding
_SETTLED = 1e-3  # of the same, that the last round may still raise a point
_NEIGHBOUR = (0, -1, 1, 0, -2, 2, 0, 0)  # whose best point a lane starts from
_AWAY = (0.0, 1e-3, 1e-3, 0.1, 0.01, 0.01, 1.0, 0.01)  # and how far off


class ParetoFront(AbstractResult):
    """Devices of which no other is better in both objectives, from one end to the other.

    Attributes:
        space: what varied.
        labels: names of the two objectives.
        objectives: of every point, (points, 2), the first rising and the second falling.
        names, values: the varied parameters, and those of every point, (points, n).
        status: of every point; NOT_CONVERGED where the last round still raised it by more than
            1e-3 of the front's extent: more rounds or starts?
        evaluations: evaluations of both objectives together; one with gradients counts as 3.

    Example:
        >>> space = jd.Space(jd.Harmonics([0.5, 0.2]), {"sine.1": (0.1, 0.9)})
        >>> front = jd.pareto(  # a rectangle of perimeter 2 and its area, where that falls
        ...     [lambda d: d.sine[1], lambda d: d.sine[1] * (1 - d.sine[1])], space, key=0,
        ...     points=4, starts=2, steps=20, polish=30, progress=False,
        ... )
        >>> print(front.objectives.shape, front.names, f"{front.device(0).sine[1]:.4f}")
        (4, 2) ('sine.1',) 0.5000
    """

    space: Space
    labels: tuple[str, ...] = eqx.field(static=True)
    objectives: np.ndarray
    values: np.ndarray
    status: np.ndarray
    evaluations: int = eqx.field(static=True)

    @property
    def names(self) -> tuple[str, ...]:
        return self.space.names

    def device(self, point: int) -> AbstractDevice:
        """The device of one point.

        Raises:
            ValueError: no such point.
        """
        count = len(self.values)
        if isinstance(point, bool) or not isinstance(point, int | np.integer):
            raise ValueError(f"point must be a whole number, got {point!r}")
        if not -count <= point < count:
            raise ValueError(f"point must lie within 0 to {count - 1}, got {point}")
        return self.space.insert(jnp.asarray(self.values[point]))

    def as_dict(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "objectives": self.objectives,
            "parameters": dict(zip(self.names, self.values.T, strict=True)),
            "status": self.status,
            "evaluations": self.evaluations,
        }

    def plot(self) -> "Figure":
        from .. import plot

        return plot.pareto(self)

    def summary(self, unit: str = "") -> str:
        """A table to print, a line for every point."""
        del unit
        head = f"{len(self.values)} points after {self.evaluations} evaluations"
        names = [*self.labels, *self.names]
        width = max(12, *(len(name) for name in names)) + 1
        lines = [head, "".join(f"{name:>{width}s}" for name in names)]
        for objectives, values, status in zip(
            self.objectives, self.values, self.status, strict=True
        ):
            row = "".join(f"{x:>{width}.6g}" for x in (*objectives, *values))
            lines.append(row + ("" if status == Status.CONVERGED else "   not converged"))
        return "\n".join(lines)


class Pool(NamedTuple):
    """Points in the coordinates of the search, with both objectives; −∞ where not known."""

    point: Float[Array, "lanes n"]
    value: Float[Array, "lanes 2"]


def pareto(
    objectives: Sequence[Quantity] | None,
    space: Space,
    *,
    key: PRNGKeyArray | int,
    points: int = 16,
    starts: int = 8,
    steps: int = 100,
    learning_rate: float = 0.1,
    polish: int = 300,
    rounds: int = 4,
    progress: bool = True,
) -> ParetoFront:
    """The trade-off of two objectives over a `Space`, such as η against I₊.

    First each is maximised alone: the ends of the front. Then for points a spread evenly over the
    line between both ends the largest

        min over i of (fᵢ − aᵢ)/rᵢ

    is looked for, with r the distance of the ends (Pascoletti and Serafini, J. Optim. Theory Appl.
    42, 499 (1984)): where the front is met by a ray from a, be it convex or not, in any units. All
    points × starts climb at once, by Adam and then by a BFGS that follows ridges, as `maximise`
    does; each round begins at the best that any lane has found for a point and for its neighbours,
    and around it. What another device dominates is left out, as where a front has gaps, which may
    leave fewer points.

    Args:
        objectives: two of "efficiency", "plus", "minus", "bounded_efficiency" and functions of a
            device, differentiable, both to be large (minus a function where it should be small);
            None for ("efficiency", "plus").
        space: parameters that vary, with finite bounds.
        key: `jax.random.key(seed)`, or the seed; the same key gives the same front.
        points: of the front, both ends among them.
        starts: lanes for every point.
        steps: Adam's, of the ends and of the first round.
        learning_rate: Adam's, with cosine decay over `steps`.
        polish: evaluations of each BFGS climb.
        rounds: of climbs to the front, at least 2.
        progress: show a bar when stderr is a terminal.

    Raises:
        ValueError: other than two objectives, unknown names, infinite bounds, counts too small,
            objectives that are NaN at every start.

    Example:
        Two parabolas of one parameter, with maxima at 0 and 1: every device between is on the
        front.

        >>> space = jd.Space(jd.Harmonics([0.5, 0.2]), {"sine.1": (-1, 2)})
        >>> front = jd.pareto(
        ...     [lambda d: -(d.sine[1] ** 2), lambda d: -((d.sine[1] - 1) ** 2)], space, key=0,
        ...     points=5, starts=2, steps=20, polish=30, progress=False,
        ... )
        >>> print(front.values[:, 0].round(3) + 0.0)
        [1.    0.75  0.5   0.25  0.   ]
    """
    functions, labels = _objectives(objectives)
    for name, number, least in (
        ("points", points, 2), ("starts", starts, 1), ("steps", steps, 1), ("polish", polish, 1),
        ("rounds", rounds, 2),
    ):  # fmt: skip
        _checks.whole_number(name, number, at_least=least)
    optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
    keys = jax.random.split(random_key(key), rounds + 1)
    space.sample(keys[0])  # raises where a bound is infinite
    (start,) = climbs.random_starts(space, keys[0], 1, points * starts)
    problem = Problem(functions, space, jnp.ones(2), labels)
    problem = climbs.in_typical_units(problem, [start])
    climb = partial(_climbed, problem, optimiser=optimiser, polish=polish, progress=progress)
    pool = climb(start, single_aims(points * starts), steps=steps)
    if not np.any(np.isfinite(pool.value)):
        raise ValueError("objectives are NaN or infinite at every start; narrow the bounds")
    before, spent = pool, steps + polish + 3
    for k in range(rounds):
        aims = aims_between(np.asarray(pool.value), points)
        start = _starts(pool, aims, space, keys[k + 1], starts, fresh=k == 0)
        lanes = Aims(*(jnp.repeat(x, starts, axis=0) for x in aims))
        count = steps if k == 0 else 0
        before, pool = pool, _joined(pool, climb(start, lanes, steps=count))
        spent += count + polish + 2
    return _front(problem, pool, before, points, GRADIENT_COST * spent * points * starts)


def _objectives(given: Any) -> tuple[tuple[Quantity, ...], tuple[str, ...]]:
    asked = ("efficiency", "plus") if given is None else given
    if isinstance(asked, str) or not isinstance(asked, Sequence) or len(asked) != 2:
        raise ValueError(f"objectives must be two names or functions of a device, got {given!r}")
    for what in asked:
        if isinstance(what, str) and what not in QUANTITIES:
            raise _checks.unknown_name("objective", what, QUANTITIES)
        if not isinstance(what, str) and not callable(what):
            raise ValueError(f"objectives must be names or functions of a device, got {what!r}")
    return tuple(asked), tuple(names_of(asked))


def _starts(pool, aims, space, key, starts, *, fresh):
    """For every aim the best known point, those of its neighbours, some way off, random ones.

    Neighbours carry a basin along the front, to where no random start has found it.
    """
    best = np.asarray(jnp.argmax(ranks(aims, pool.value), axis=1))
    lane = np.arange(starts)
    of = np.arange(len(best))[:, None] + np.resize(_NEIGHBOUR, starts)
    parents = pool.point[best[np.clip(of, 0, len(best) - 1)]]
    size = np.resize(_AWAY, starts) * 0.5 ** (lane // len(_AWAY))
    one, two = jax.random.split(key)
    away = jnp.asarray(size)[:, None] * jax.random.normal(one, parents.shape)
    points = (parents + away).reshape(-1, parents.shape[-1])
    if not fresh:
        return points
    (random,) = climbs.random_starts(space, two, 1, len(points))
    new = np.tile(lane > starts // 2, len(best))
    return jnp.where(new[:, None], random, points)


def _climbed(problem, start, aims, *, optimiser, steps, polish, progress) -> Pool:
    """All lanes to their aims: the points where Adam was best and where BFGS ends."""

    def climbed(terms):
        return climbed_of(aims, terms)

    point = start
    if steps:
        found, _ = climbs.ascend(
            problem, [start], optimiser, steps, own=True, progress=progress, climbed=climbed
        )
        point = found.point
    terms = problem.terms(point)
    first = Pool(point, _known(terms))
    state = _begin(point, *climbed(terms))
    for _ in track(range(polish), "polish", polish, progress):
        state = _update(state, *climbed(problem.terms(state.trial)))
    return _joined(first, Pool(state.point, _known(problem.terms(state.point))))


def _front(problem: Problem, pool: Pool, before: Pool, points: int, evaluations: int):
    aims = aims_between(np.asarray(pool.value), points)

    now, then = (np.asarray(ranks(aims, of.value)) for of in (pool, before))
    which = np.argmax(now, axis=1)
    value = np.asarray(pool.value)[which]
    kept = not_dominated(value * np.asarray(aims.scale))
    kept = kept[np.argsort(value[kept, 0], kind="stable")]
    settled = now[kept].max(axis=1) - then[kept].max(axis=1) <= _SETTLED
    values = eqx.filter_jit(eqx.filter_vmap(problem.space.bounded))(pool.point[which[kept]])
    return ParetoFront(
        space=problem.space,
        labels=problem.labels,
        objectives=value[kept] * np.asarray(problem.units),
        values=np.asarray(values),
        status=np.where(settled, Status.CONVERGED, Status.NOT_CONVERGED).astype(np.int32),
        evaluations=evaluations,
    )


def _joined(one: Pool, other: Pool) -> Pool:
    return jax.tree.map(lambda x, y: jnp.concatenate([x, y]), one, other)


def _known(terms):
    known = jnp.isfinite(terms.values[:, :1])
    return jnp.where(known, terms.values, -jnp.inf)


_begin = jax.jit(jax.vmap(ascent.begin))
_update = jax.jit(jax.vmap(ascent.update))
