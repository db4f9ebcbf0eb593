"""Shapiro steps: both edges of the biases at which a phase is locked to its drive, exactly."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .. import _checks
from ..core.critical import CriticalCurrents, unless
from ..core.results import AbstractResult, status_text
from ..numerics import locking, orbits
from ..numerics.lanes import lanewise
from ..numerics.locking import LockedFold, find_locked_orbit
from ..numerics.orbits import Fold, interpolate
from ..numerics.status import Status
from . import locked_folds, strobe
from .damped_steps import Motion, is_proven, quick_fold, thorough_fold
from .drive import Drive
from .locked_folds import direct_edge, weighted
from .ordered_steps import is_ordered, ordered_fold
from .shunted import Shunted, own_unit, require_harmonics, require_own_units
from .steps_in_time import status_in_time
from .strobe import Locked, restoring

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

# Points per orbit, odd without capacitance: first few, then where those do not resolve it more. A
# later size is reached by interpolation from the one before; under a transformation of JAX the
# first row serves whole steps, all of them fractional steps with capacitance.
POINTS = ((65, 193, 945), (1729,))
DAMPED_POINTS = ((32, 64), (160,))
_BELOW, _ABOVE = 2e-3, 2e-2  # of max|I|: where a fold may lie, seen from the strobed edge


class ShapiroSteps(AbstractResult):
    """Edges of steps n/m, on which V = nΩ/m exactly.

    Attributes:
        orders: n and m of each step.
        lower, upper: signed biases between which the phase is locked.
        voltage: nΩ/m.
        folds: of the locked orbit, lower and upper; with capacitance a ramp may lose the phase
            before, where the orbit doubles its period: then there is a fold but no edge.
        status: of each step; NaN for the edge that is not known.

    Example:
        >>> junction = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.5, 1.0))
        >>> steps = jd.shapiro_steps(junction, [2])
        >>> print(f"{steps.voltage[0]:.2f} from {steps.lower[0]:.6f} to {steps.upper[0]:.6f}")
        1.00 from 1.184840 to 1.615931
    """

    orders: Int[np.ndarray, "steps 2"] = eqx.field(converter=np.asarray)
    lower: Float[Array, " steps"]
    upper: Float[Array, " steps"]
    voltage: Float[Array, " steps"]
    folds: Float[Array, "2 steps"]
    status: Int[Array, " steps"]

    def summary(self, unit: str = "") -> str:
        """A line for every step."""
        lines, columns = [], (self.voltage, self.lower, self.upper, self.status)
        if np.ndim(self.voltage) != 1:
            return super().summary(unit)
        for (n, m), voltage, lower, upper, status in zip(
            self.orders, *map(np.asarray, columns), strict=True
        ):
            known = status == Status.CONVERGED
            told = f"{lower:+.8g} to {upper:+.8g} {unit}".rstrip()
            told = told if known else Status(int(status)).name.replace("_", " ").lower()
            lines.append(f"step {n if m == 1 else f'{n}/{m}':<5} voltage {voltage:<+10.6g} {told}")
        return "\n".join([*lines, f"status: {status_text(self.status)}"])

    def plot(self) -> "Figure":
        from .. import plot

        return plot.steps(self)


def shapiro_steps(
    device: Shunted, orders: Sequence[int | tuple[int, int]] = (0, 1, -1)
) -> ShapiroSteps:
    """Both edges of Shapiro steps as folds of orbits φ(τ + mT) = φ(τ) + 2πn, T = 2π/Ω.

    Without capacitance every step of a smooth relation has two edges, ends at folds and excludes
    all others: the search covers all phases and takes no wrong fold. With capacitance steps overlap
    (hysteresis), and a fold is an edge only if a slow ramp from the middle of the step comes to
    it with the phase locked; else the step is PERIOD_DOUBLING and its fold stands in `folds`. Edges
    are exact to 1e-10 of max|I|, with exact gradients and Hessians in every parameter.

    Args:
        device: shunted, with a drive.
        orders: n, or (n, m) for the fractional step n/m.

    Returns:
        ShapiroSteps: lower and upper edge (signed biases), voltage nΩ/m and status of each.

    Raises:
        ValueError: no drive, orders that are not whole numbers.

    Example:
        >>> drive = jd.Drive(1.0, [1.5, 1.0], phase=[0, 0.6])  # two tones: a diode
        >>> steps = jd.shapiro_steps(jd.Shunted(jd.TunnelJunction(1.0), drive=drive), [0, (1, 2)])
        >>> print(f"{steps.lower[0]:.6f} {steps.upper[0]:.6f}")
        -0.601166 0.445497
        >>> print(bool(jnp.isnan(steps.lower[1])))  # no fractional steps of a pure sine without C
        True
    """
    pairs = _pairs(orders)
    if not isinstance(device, Shunted) or device.drive is None:
        raise ValueError(
            "device must be Shunted(..., drive=Drive(...)): steps are locked to a drive, got "
            f"{type(device).__name__}{' without one' if isinstance(device, Shunted) else ''}"
        )
    require_harmonics(device, "shapiro_steps")
    folds, status = _edges(device, pairs)
    lower, upper = unless(status != Status.CONVERGED, jnp.nan, folds)
    n, m = jnp.asarray(pairs, float).T
    voltage = n * device.drive.frequency / m
    return ShapiroSteps(pairs, lower, upper, voltage, folds, jnp.max(status, axis=0))


def zero_voltage_currents(device: Shunted) -> CriticalCurrents:
    """I₊ and I₋ of a driven device: the edges of its zero step."""
    require_harmonics(device, "critical currents")
    (lower, upper), status = _edges(device, np.array([[0, 1]]))
    worst = jnp.max(status)
    plus, minus = unless(worst != Status.CONVERGED, jnp.nan, jnp.stack([upper[0], -lower[0]]))
    return CriticalCurrents(plus, minus, worst)


def _pairs(orders: Sequence[int | tuple[int, int]]) -> np.ndarray:
    pairs = []
    if not isinstance(orders, Sequence | np.ndarray) or isinstance(orders, str):
        raise ValueError(f"orders must be a list, such as [0, 1, (1, 2)], got {orders!r}")
    for order in orders:
        pair = tuple(order) if isinstance(order, Sequence | np.ndarray) else (order, 1)
        if len(pair) != 2 or not all(isinstance(x, int | np.integer) for x in pair) or pair[1] < 1:
            raise ValueError(
                f"orders must be whole numbers n or pairs (n, m) with m at least 1, got {order!r}"
            )
        common = math.gcd(*map(int, pair))
        pairs.append((pair[0] // common, pair[1] // common))
    if not pairs:
        raise ValueError("orders must name at least one step, got none")
    return np.array(pairs)


def _edges(device: Shunted, pairs: np.ndarray):
    """Folds and statuses, lower and upper, on as many points as the orbits are seen to need."""
    device.require_single_valued()
    relation = device.device.relation()
    solved = Shunted(relation, device.damping, drive=device.drive)
    sizes = POINTS if device.is_overdamped else DAMPED_POINTS
    if not _checks.all_concrete(solved):
        several = np.max(pairs[:, 1]) > 1  # periods in one orbit need more points
        points = sum(sizes, ()) if several and not device.is_overdamped else sizes[0]
        return _all_edges(solved, jnp.asarray(pairs), points)
    require_own_units(solved)
    for points in sizes:
        found = _all_edges(solved, jnp.asarray(pairs), points)
        if not np.any(np.asarray(found[1]) == Status.NOT_CONVERGED):
            break
    return found


@eqx.filter_jit
def _all_edges(device: Shunted, pairs: Int[Array, "steps 2"], points: tuple[int, ...]):
    scale = own_unit(device)
    unit = jax.lax.stop_gradient(device).rescaled(scale)
    known = device.device.status()

    def both(pair: Int[Array, "2"]):
        n, m = pair.astype(float)
        signs = jnp.array([-1.0, 1.0])
        if device.is_overdamped:
            search = jax.vmap(lambda sign: _search(unit, sign, n, m, points))
            found, origin, status = search(signs)
        else:
            found, origin, status = _damped_search(unit, n, m, points)
        status = jnp.where(known == Status.CONVERGED, status, known).astype(jnp.int32)
        good = (status == Status.CONVERGED) | (status == Status.PERIOD_DOUBLING)

        def bias(found, origin, sign, good):
            return _bias(device, scale, found, origin, sign, good, n, m)

        return signs * jax.vmap(bias)(found, origin, signs, good), status

    edges, status = jax.vmap(both)(pairs)
    return edges.T, status.T


def _damped_search(unit: Shunted, turns: Scalar, periods: Scalar, points: tuple[int, ...]):
    """(orbits, origins, statuses) of both signs' upper edges with capacitance."""

    def search(unit: Shunted, turns: Scalar, periods: Scalar):
        assert isinstance(unit.drive, Drive)
        assert unit.damping is not None
        drive, damping = unit.drive, unit.damping

        def motion(sign: Scalar):
            problem = Locked(unit.device, drive, sign, sign * turns, jnp.zeros(()))
            return Motion(problem, damping, drive.frequency, periods)

        signs = jnp.array([-1.0, 1.0])

        def middle_of(found: Fold):
            shift = damping * turns * drive.frequency / periods
            lower, upper = signs * found.parameter + shift
            return signs * (lower + upper) / 2, upper > lower

        def judged(judge: Callable, found: Fold, good: Bool[Array, "2"], otherwise: Array):
            """Both folds, seen from the middle between them, if there is one."""
            middle, apart = middle_of(found)
            return jax.lax.cond(
                jnp.all(good) & apart,
                lambda: jax.lax.map(lambda x: judge(motion(x[0]), *x[1:]), (signs, found, middle)),
                lambda: jnp.full(2, otherwise),
            )

        def in_time():
            found, good = jax.lax.map(lambda sign: thorough_fold(motion(sign), points[-1]), signs)
            failed = jnp.asarray(Status.NOT_CONVERGED, jnp.int32)
            status = judged(status_in_time, found, good, failed)
            finite = jnp.all(jnp.isfinite(found.parameter))
            return found, jnp.where(finite, status, Status.NONFINITE).astype(jnp.int32)

        def by_order():
            found, good = jax.lax.map(lambda sign: ordered_fold(motion(sign), points[-1]), signs)
            known = jnp.all(good) & middle_of(found)[1]
            status = jnp.where(known, Status.CONVERGED, Status.NOT_CONVERGED)
            return found, jnp.full(2, status, jnp.int32)

        def otherwise():
            if points[-1] <= DAMPED_POINTS[0][-1]:  # what these resolve needs no family of orbits
                return in_time()
            return jax.lax.cond(is_ordered(motion(signs[0])), by_order, in_time)

        found, good = jax.lax.map(lambda sign: quick_fold(motion(sign), points), signs)
        proven = jnp.all(judged(is_proven, found, good, jnp.zeros((), bool)))
        converged = jnp.full(2, Status.CONVERGED, jnp.int32)
        found, status = jax.lax.cond(proven, lambda: (found, converged), otherwise)
        return found, jnp.zeros(2), status

    return lanewise(search)(unit, turns, periods)


def _search(unit: Shunted, sign: Scalar, turns: Scalar, periods: Scalar, points: tuple[int, ...]):
    """(orbit, origin, status) of the upper edge of one sign's problem, without capacitance."""

    def search(unit: Shunted, sign: Scalar, turns: Scalar, periods: Scalar):
        assert isinstance(unit.drive, Drive)
        problem = strobe.locked(unit.device, unit.drive, sign, turns)
        edge = direct_edge(problem, periods, points)

        def strobed():
            found, origin, status = _strobed_search(problem, periods, points[1:] or points)
            problem_there = problem._replace(origin=origin)
            return weighted(problem_there, periods, found), origin, status

        converged = jnp.asarray(Status.CONVERGED)
        return jax.lax.cond(
            edge.proven, lambda: (edge.fold, problem.origin, converged), strobed
        )  # fmt: skip

    return lanewise(search)(unit, sign, turns, periods)


def _strobed_search(problem: Locked, periods: Scalar, points: tuple[int, ...]):
    """The same from a search in the bias, which misses no edge."""
    rate = problem.drive.frequency / periods
    shift = problem.turns * rate

    def newton(orbit: Samples, origin: Scalar, parameter: Scalar):
        found, good = find_locked_orbit(
            restoring, (problem._replace(origin=origin), periods, 1.0), rate,
            orbit, parameter, turns=periods,
        )  # fmt: skip
        return found, good, locking.tail(found) < locked_folds.RESOLVED

    def attempt(thorough: bool):
        size = points[-1] if thorough else points[0]
        seed = strobe.seeds(problem, periods, size, thorough=thorough)

        def polish(seeded: tuple[Samples, Scalar]):
            found, good, resolved = newton(*seeded, seed.bias - shift)
            ahead = found.parameter + shift - seed.bias
            return found, good & (ahead > -_BELOW) & (ahead < _ABOVE), resolved

        every = jax.lax.map(polish, (seed.orbits, seed.origins))
        best = jnp.argmax(jnp.where(every[1], every[0].parameter, -jnp.inf))
        found, near, resolved = jax.tree.map(lambda x: x[best], every)
        past = found.parameter + shift + locked_folds.PAST
        clear = strobe.is_clear(problem, periods, past)
        return found, seed.origins[best], near & clear, resolved

    found, origin, good, resolved = attempt(False)
    for finer in points[1:]:
        closer = jax.tree.map(lambda x, n=finer: x if x.ndim == 0 else interpolate(x, n), found)
        found, good, resolved = jax.lax.cond(
            good & ~resolved,
            lambda seed=closer: newton(seed.orbit, origin, seed.parameter),
            lambda seed=closer, state=(good, resolved): (seed, *state),
        )
    found, origin, good, resolved = jax.lax.cond(
        good, lambda: (found, origin, good, resolved), lambda: attempt(True)
    )
    status = jnp.where(good & resolved, Status.CONVERGED, Status.NOT_CONVERGED)
    finite = jnp.all(jnp.isfinite(found.orbit))
    return found, origin, jnp.where(finite, status, Status.NONFINITE)


def _bias(
    device: Shunted,
    scale: Scalar,
    found: Fold | LockedFold,
    origin: Scalar,
    sign: Scalar,
    good: Bool[Array, ""],
    turns: Scalar,
    periods: Scalar,
) -> Scalar:
    """The edge of the sign's own problem, differentiable in the device."""
    device = jax.tree.map(lambda x: jnp.where(good, x, jax.lax.stop_gradient(x)), device)
    unit = device.rescaled(scale)
    assert isinstance(unit.drive, Drive)
    problem = Locked(unit.device, unit.drive, sign, sign * turns, origin)
    rate, args = unit.drive.frequency / periods, (problem, periods, 1.0)
    if isinstance(found, LockedFold):
        parameter = locking.exact_parameter(restoring, args, rate, found, turns=periods)
        bias = parameter + problem.turns * rate
    else:
        assert unit.damping is not None
        parameter = orbits.exact_parameter(
            restoring, args, unit.damping, unit.drive.frequency, found, turns=periods
        )
        bias = parameter + unit.damping * problem.turns * rate
    return unless(~good, jnp.nan, scale * bias)
