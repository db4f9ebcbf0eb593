"""The design verb: gradient ascent on any objective of a device, from many random starts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, PRNGKeyArray

from .. import _checks
from ..core.device import AbstractDevice
from ..core.paths import unit_of
from ..core.results import AbstractResult
from ..numerics.status import Status
from ..progress import track
from . import climbs
from .climbs import GRADIENT_COST, Climb, Objective
from .robust.objective import RobustObjective
from .space import Space, random_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_AT_BOUND = 1e-3  # a climb nears a bound along a sigmoid and does not arrive


class DesignResult(AbstractResult):
    """The best device found, and how it was found.

    Attributes:
        device: the best device.
        value: its objective.
        names, values: the varied parameters, best first: `values[i]` belongs to `starts[i]`.
        scores: objective of every finished climb, best first, those that miss constraints last.
        history: best objective so far after each step; with constraints less a price of what they
            are off by.
        evaluations: objective evaluations spent; a value with gradient counts as 3. Constraints
            alone are not counted.
        at_bound: parameters that ended within 1e-3 of the width from a bound: wider bounds may
            hold a better device.
        constraints: what the functions of `subject_to` are at the best device, 0 but for rounding.
        status: CONSTRAINT_NOT_MET where that is not so: no start came to a device where they are.

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
    constraints: tuple[float, ...] = eqx.field(static=True, default=())
    constraints_met: bool = eqx.field(static=True, default=True)

    @property
    def parameters(self) -> dict[str, float]:
        """{name: value} of the best device."""
        return dict(zip(self.names, map(float, self.values[0]), strict=True))

    @property
    def flat(self) -> bool:
        """Whether several climbs from different starts never saw another value than one, to
        rounding (1e-15 of an objective that is zero): there is nothing to maximise."""
        seen = np.concatenate([np.ravel(self.scores), np.ravel(self.history)])
        apart = len(np.unique(self.values, axis=0)) > 1
        scale = max(1e-12 * abs(self.value), 1e-15)
        return bool(apart and np.all(np.abs(seen - self.value) <= scale))

    @property
    def status(self) -> Array | np.ndarray:
        off = Status.CONVERGED if self.constraints_met else Status.CONSTRAINT_NOT_MET
        return np.asarray(off if np.isfinite(self.value) else Status.NONFINITE, np.int32)

    def as_dict(self) -> dict[str, Any]:
        constraints = {"constraints": self.constraints} if self.constraints else {}
        return constraints | {
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
        if self.constraints:
            off = ", ".join(f"{value:.2g}" for value in self.constraints)
            met = "" if self.constraints_met else ": NOT MET"
            rows.append(f"  constraints at {off}{met}")
        if self.flat:
            rows.append(
                "  WARNING: the objective is the same at every start, to rounding: nothing was "
                "maximised (a reciprocal device has eta = 0 everywhere)"
            )
        return "\n".join([head, *rows])


def maximise(
    objective: Objective,
    space: Space,
    *,
    key: PRNGKeyArray | int,
    subject_to: Objective | Sequence[Objective] = (),
    starts: int = 128,
    steps: int = 300,
    learning_rate: float = 0.1,
    polish: int = 600,
    rounds: int = 3,
    optimiser: optax.GradientTransformation | None = None,
    initial: AbstractDevice | Sequence[AbstractDevice] = (),
    progress: bool = True,
) -> DesignResult:
    """Maximise objective(device) over a `Space`: optax ascent, then BFGS on the best few.

    Every start is drawn from the space's bounds; all climb together under vmap. The optax
    phase finds the basins. Efficiencies are largest on ridges where several extrema of I(φ)
    tie and where it stalls, so the best quarter of the climbs is finished by a BFGS that
    handles ridges (see `numerics.ascent`). The best point ever seen is returned.

    With constraints g(device) = 0 a penalty leads the optax phase near them, and the BFGS climbs
    along them: every point it tries is moved onto them by Newton's method. The scales of the
    objective and of the constraints do not matter.

    Args:
        objective: scalar function of a device, differentiable, e.g. `diode_efficiency`. NaN
            counts as −∞.
        space: parameters that vary, with finite bounds.
        subject_to: one function of a device or several, differentiable, each of which is to be 0.
        key: `jax.random.key(seed)`, or the seed; the same key gives the same result.
        starts: random starting points.
        steps: optax steps.
        learning_rate: of the default optimiser, Adam with cosine decay over `steps`.
        optimiser: any optax transformation in its place.
        polish: evaluations of each BFGS climb; 0 leaves the phase out.
        rounds: times the climbs are started anew around the best of them.
        initial: devices to start from, such as the best of another objective, in place of as many
            of the random starts; at most `starts`, and only their parameters in `space` count.
        progress: show a bar when stderr is a terminal.

    Raises:
        ValueError: infinite bounds, non-positive counts, an objective that is no scalar or
            that is NaN at every start, initial devices beyond the bounds.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> best = jd.maximise(
        ...     jd.diode_efficiency, jd.Space(squid, {"flux": (0, 1)}), key=0,
        ...     starts=4, steps=50, polish=20, rounds=1,
        ... )
        >>> print(f"{best.value:.4f} at flux {best.device.flux[0]:.4f}")
        0.2216 at flux 0.5463

        The largest I₊ of sin φ and sin 2φ on a circle of amplitudes:

        >>> relation = jd.Harmonics([1.0, 0.3])
        >>> best = jd.maximise(
        ...     lambda device: jd.critical_currents(device).plus,
        ...     jd.Space(relation, {"sine": (0.1, 1.5)}), key=0,
        ...     subject_to=lambda device: jnp.sum(device.sine**2) - 1,
        ...     starts=4, steps=30, polish=30, rounds=1,
        ... )
        >>> first, second = best.device.sine
        >>> print(f"{best.value:.4f} at {first:.3f}, {second:.3f}")
        1.2500 at 0.632, 0.775
    """
    for name, number in (("starts", starts), ("steps", steps)):
        _checks.whole_number(name, number)
    for name, number in (("polish", polish), ("rounds", rounds)):
        _checks.whole_number(name, number, at_least=0)
    functions = (objective, *_functions(subject_to))
    if isinstance(objective, RobustObjective):
        objective.spread.require_free(space)
    own = optimiser is None
    if optimiser is None:
        optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
    lanes = max(1, starts // 4)
    batches = -(-starts // lanes)
    start_key, polish_key = jax.random.split(random_key(key))
    space.sample(start_key)  # raises where a bound is infinite
    points = climbs.random_starts(space, start_key, batches, lanes)
    points = climbs.begun_at(space, points, _initial(space, initial, starts))
    problem = climbs.Problem(functions, space, jnp.ones(len(functions)))
    problem = climbs.in_typical_units(problem, points)
    found, history = climbs.ascend(problem, points, optimiser, steps, own=own, progress=progress)
    if not np.any(np.isfinite(found.rank)):
        raise ValueError("objective is NaN or infinite at every start; narrow the bounds")
    gradients = batches * lanes * (steps + bool(problem.constraints))
    ends = [found]
    if polish and rounds:
        more, spent = climbs.polish(
            problem, climbs.leading(found, lanes), polish, rounds,
            key=polish_key, history=history, progress=progress,
        )  # fmt: skip
        ends += more
        gradients += spent
    return _best_of(problem, ends, history, gradients, lanes)


def _functions(subject_to: Any) -> tuple[Objective, ...]:
    several = tuple(subject_to) if isinstance(subject_to, Sequence) else (subject_to,)
    for function in several:
        if not callable(function):
            raise ValueError(
                f"subject_to must be a function of a device or a list of them, got {function!r}"
            )
    return several


def _initial(space: Space, given: Any, starts: int) -> list[Array]:
    """Values of the devices to start from, inside the bounds."""
    found = []
    several = [given] if isinstance(given, AbstractDevice) else list(given)
    if len(several) > starts:
        raise ValueError(f"initial must be at most as many devices as starts, {starts}, "
                         f"got {len(several)}")  # fmt: skip
    for device in several:
        if jax.tree.structure(device) != jax.tree.structure(space.device):
            raise ValueError(
                "initial must be devices like that of the space, with the same parts and as many, "
                f"got a {type(device).__name__}"
            )
        values = space.values(device)
        outside = (values < space.lower) | (values > space.upper)
        for name, value, out in zip(space.names, values, outside, strict=True):
            if out:
                low, high = space.bounds[name]
                raise ValueError(f"initial must lie within the bounds of {name!r}, "
                                 f"{low:g} to {high:g}, got {float(value):g}")  # fmt: skip
        found.append(values)
    return found


def _best_of(
    problem: climbs.Problem,
    ends: list[Climb],
    history: list[float],
    gradients: int,
    lanes: int,
) -> DesignResult:
    space, units = problem.space, np.asarray(problem.units)
    if problem.constraints:
        points, terms, more = climbs.back_on_constraints(problem, ends, lanes)
        gradients += more
        values, off = np.asarray(terms.values[:, 0]), np.asarray(terms.values[:, 1:])
    else:
        points = jnp.concatenate([end.point for end in ends])
        values = np.concatenate([np.asarray(end.rank) for end in ends])
        off = np.zeros((len(values), 0))
    met = np.max(np.abs(off), axis=1, initial=0.0) <= climbs.MET
    # Those that are off come after all others, the nearest first.
    order = np.lexsort((-values, np.where(met, 0.0, np.max(np.abs(off), axis=1, initial=0.0))))
    physical = eqx.filter_jit(eqx.filter_vmap(space.bounded))(points[order])
    best = order[0]
    return DesignResult(
        device=space.insert(physical[0]),
        value=float(values[best] * units[0]),
        names=space.names,
        values=np.asarray(physical),
        scores=values[order] * units[0],
        history=np.asarray(history) * units[0],
        evaluations=GRADIENT_COST * gradients,
        at_bound=space.near_bounds(physical[0], _AT_BOUND),
        constraints=tuple(map(float, off[best] * units[1:])),
        constraints_met=bool(met[best]),
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
def _best_of_random(objective, space, key, count, wanted):
    uniform = jax.random.uniform(key, (count, len(space.names)), float)
    values = space.lower + (space.upper - space.lower) * uniform
    scores = jax.vmap(lambda x: objective(space.insert(x)))(values)
    usable = ~jnp.isnan(scores) & (jnp.arange(count) < wanted)
    scores = jnp.where(usable, scores, -jnp.inf)
    best = jnp.argmax(scores)
    return scores[best], values[best]
