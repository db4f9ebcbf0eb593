"""The design verb: gradient ascent on any objective of a device, from many random starts."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from .. import _checks
from ..core.device import AbstractDevice
from ..core.paths import unit_of
from ..core.results import AbstractResult, status_of
from ..numerics import ascent
from ..progress import track
from .space import Space, random_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Objective = Callable[[AbstractDevice], Float[Array, ""]]

_AT_BOUND = 1e-3  # a climb nears a bound along a sigmoid and does not arrive
_GRADIENT_COST = 3  # evaluations that a value with gradient counts as


class DesignResult(AbstractResult):
    """The best device found, and how it was found.

    Attributes:
        device: the best device.
        value: its objective.
        names, values: the varied parameters, best first: `values[i]` belongs to `starts[i]`.
        scores: objective of every finished climb, best first.
        history: best objective so far after each step.
        evaluations: objective evaluations spent; a value with gradient counts as 3.
        at_bound: parameters that ended within 1e-3 of the width from a bound: wider bounds may
            hold a better device.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> space = jd.Space(squid, {"flux": (0, 1)})
        >>> best = jd.random_search(jd.diode_efficiency, space, key=0, samples=256)
        >>> print(f"{best.value:.1f}", best.names, best.values.shape, best.evaluations)
        0.2 ('flux.0',) (1, 1) 256
    """

    device: AbstractDevice
    value: float = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    values: np.ndarray
    scores: np.ndarray
    history: np.ndarray
    evaluations: int = eqx.field(static=True)
    at_bound: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def parameters(self) -> dict[str, float]:
        """{name: value} of the best device."""
        return dict(zip(self.names, map(float, self.values[0]), strict=True))

    @property
    def status(self) -> Array | np.ndarray:
        return status_of(np.asarray(self.value))

    def as_dict(self) -> dict[str, Any]:
        return {
            "objective": self.value,
            "parameters": self.parameters,
            "at_bound": self.at_bound,
            "evaluations": self.evaluations,
            "scores": self.scores,
            "history": self.history,
        }

    def plot(self) -> "Figure":
        from .. import plot

        return plot.search({"search": self})

    def summary(self, unit: str = "") -> str:
        """A table to print."""
        rows = [
            f"  {name:<28s} {value:.6g} {unit_of(self.device, name, unit)}".rstrip()
            + ("   at its bound" if name in self.at_bound else "")
            for name, value in self.parameters.items()
        ]
        head = f"objective {self.value:.8g} after {self.evaluations} evaluations"
        return "\n".join([head, *rows])


def maximise(
    objective: Objective,
    space: Space,
    *,
    key: PRNGKeyArray | int,
    starts: int = 128,
    steps: int = 300,
    learning_rate: float = 0.1,
    polish: int = 600,
    rounds: int = 3,
    optimiser: optax.GradientTransformation | None = None,
    progress: bool = True,
) -> DesignResult:
    """Maximise objective(device) over a `Space`: optax ascent, then BFGS on the best few.

    Every start is drawn from the space's bounds; all climb together under vmap. The optax
    phase finds the basins. Efficiencies are largest on ridges where several extrema of I(φ)
    tie and where it stalls, so the best quarter of the climbs is finished by a BFGS that
    handles ridges (see `numerics.ascent`). The best point ever seen is returned.

    Args:
        objective: scalar function of a device, differentiable, e.g. `diode_efficiency`. NaN
            counts as −∞.
        space: parameters that vary, with finite bounds.
        key: `jax.random.key(seed)`, or the seed; the same key gives the same result.
        starts: random starting points.
        steps: optax steps.
        learning_rate: of the default optimiser, Adam with cosine decay over `steps`.
        optimiser: any optax transformation in its place.
        polish: evaluations of each BFGS climb; 0 leaves the phase out.
        rounds: times the climbs are started anew around the best of them.
        progress: show a bar when stderr is a terminal.

    Raises:
        ValueError: infinite bounds, non-positive counts, an objective that is no scalar or
            that is NaN at every start.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> best = jd.maximise(
        ...     jd.diode_efficiency, jd.Space(squid, {"flux": (0, 1)}), key=0,
        ...     starts=4, steps=50, polish=20, rounds=1,
        ... )
        >>> print(f"{best.value:.4f} at flux {best.device.flux[0]:.4f}")
        0.2216 at flux 0.5463
    """
    for name, number in (("starts", starts), ("steps", steps)):
        _checks.whole_number(name, number)
    for name, number in (("polish", polish), ("rounds", rounds)):
        _checks.whole_number(name, number, at_least=0)
    own = optimiser is None
    if optimiser is None:
        optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
    lanes = max(1, starts // 4)
    batches = -(-starts // lanes)
    start_key, polish_key = jax.random.split(random_key(key))
    space.sample(start_key)  # raises where a bound is infinite
    points = _random_starts(space, jax.random.split(start_key, (batches, lanes)))
    evaluations, history = 0, []

    def evaluate(batch):
        return _value_and_gradient(objective, space, batch)

    states = [optimiser.init(batch) for batch in points]
    best = [(batch, jnp.full(lanes, -jnp.inf)) for batch in points]
    points, steepest = list(points), 0.0
    for _ in track(range(steps), "ascent", steps, progress):
        for i in range(batches):
            value, gradient = evaluate(points[i])
            if own:  # Adam compares gradients with an absolute 1e-8
                steepest = steepest or float(jnp.max(jnp.abs(gradient)))
                gradient = gradient / (steepest or 1.0)
            best[i] = _keep_best(*best[i], points[i], value)
            points[i], states[i] = _optax_step(optimiser, points[i], states[i], gradient)
        evaluations += _GRADIENT_COST * batches * lanes
        history.append(max(float(jnp.max(value)) for _, value in best))
    found = jnp.concatenate([point for point, _ in best])
    values = jnp.concatenate([value for _, value in best])
    if not np.any(np.isfinite(values)):
        raise ValueError("objective is NaN or infinite at every start; narrow the bounds")

    if polish and rounds:
        leaders = found[jnp.argsort(-values)[:lanes]]
        for k in track(jax.random.split(polish_key, rounds), "polish", rounds, progress):
            state = _bfgs_begin(leaders, *evaluate(leaders))
            for _ in range(polish):
                state = _bfgs_step(state, *evaluate(state.trial))
                history.append(max(history[-1], float(jnp.max(state.value))))
            evaluations += _GRADIENT_COST * lanes * (polish + 1)
            found = jnp.concatenate([found, state.point])
            values = jnp.concatenate([values, state.value])
            leaders = _restart(k, state.point[jnp.argsort(-state.value)])

    order = jnp.argsort(-values)
    physical = eqx.filter_jit(eqx.filter_vmap(space.bounded))(found[order])
    return DesignResult(
        device=space.insert(physical[0]),
        value=float(values[order[0]]),
        names=space.names,
        values=np.asarray(physical),
        scores=np.asarray(values[order]),
        history=np.asarray(history),
        evaluations=evaluations,
        at_bound=space.near_bounds(physical[0], _AT_BOUND),
    )


def random_search(
    objective: Objective,
    space: Space,
    *,
    key: PRNGKeyArray | int,
    samples: int,
    chunk: int = 4096,
    progress: bool = True,
) -> DesignResult:
    """The Monte Carlo search of the papers: the best of `samples` uniform random devices.

    Uniform in the parameters themselves between their bounds; ties are respected.

    Raises:
        ValueError: infinite bounds, non-positive `samples`, an objective that is NaN at every one.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> space = jd.Space(squid, {"flux": (0, 1)})
        >>> best = jd.random_search(jd.diode_efficiency, space, key=0, samples=256)
        >>> print(f"{best.value:.1f}")  # 0.2216 at most, see `maximise`
        0.2
    """
    _checks.whole_number("samples", samples)
    key = random_key(key)
    space.sample(key)  # raises where a bound is infinite
    chunk = min(chunk, samples)
    count = -(-samples // chunk)
    best, best_values, history = -np.inf, np.asarray(space.values()), []
    keys = jax.random.split(key, count)
    for i in track(range(count), "random search", count, progress):
        wanted = jnp.asarray(min(chunk, samples - i * chunk))
        value, values = _best_of_random(objective, space, keys[i], chunk, wanted)
        if value > best:
            best, best_values = float(value), np.asarray(values)
        history.append(best)
    if not np.isfinite(best):
        raise ValueError("objective is NaN or infinite at every sample; narrow the bounds")
    return DesignResult(
        device=space.insert(jnp.asarray(best_values)),
        value=best,
        names=space.names,
        values=best_values[None],
        scores=np.array([best]),
        history=np.asarray(history),
        evaluations=samples,
        at_bound=space.near_bounds(jnp.asarray(best_values), _AT_BOUND),
    )


@eqx.filter_jit
def _value_and_gradient(objective, space, batch):
    def value(coordinates):
        found = objective(space.insert(space.bounded(coordinates)))
        if getattr(found, "shape", None) != ():
            raise ValueError(f"objective must return one number per device, got {found}")
        return found

    values, gradients = jax.vmap(jax.value_and_grad(value))(batch)
    finite = jnp.isfinite(values) & jnp.all(jnp.isfinite(gradients), axis=1)
    return jnp.where(finite, values, -jnp.inf), jnp.where(finite[:, None], gradients, 0.0)


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
    parents = ranked[: max(1, len(ranked) // 4)]
    copies = jnp.resize(parents, ranked.shape)
    size = jnp.asarray(10.0 ** -(1.0 + np.arange(len(ranked)) // len(parents)))
    return copies + size[:, None] * jax.random.normal(key, copies.shape)


@eqx.filter_jit
def _random_starts(space, keys):
    return jax.vmap(jax.vmap(lambda k: space.unbounded(space.sample(k))))(keys)


_bfgs_begin = jax.jit(jax.vmap(ascent.begin))
_bfgs_step = jax.jit(jax.vmap(ascent.update))


@eqx.filter_jit
def _best_of_random(objective, space, key, count, wanted):
    uniform = jax.random.uniform(key, (count, len(space.names)), float)
    values = space.lower + (space.upper - space.lower) * uniform
    scores = jax.vmap(lambda x: objective(space.insert(x)))(values)
    usable = ~jnp.isnan(scores) & (jnp.arange(count) < wanted)
    scores = jnp.where(usable, scores, -jnp.inf)
    best = jnp.argmax(scores)
    return scores[best], values[best]
