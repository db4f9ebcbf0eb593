"""Shapiro steps: both edges of the biases at which a phase is locked to its drive, exactly."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .. import _checks
from ..core.critical import CriticalCurrents, unless
from ..core.results import AbstractResult
from ..numerics.lanes import lanewise
from ..numerics.locking import LockedOrbit, differentiable, find_locked_orbit, tail
from ..numerics.status import Status
from . import strobe
from .folds import fold_limit
from .natural_units import all_finite
from .shunted import Drive, Shunted
from .strobe import Locked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

POINTS = (65, 193, 577)  # per orbit, odd; the next where the one before does not resolve it
_TRACED = 1  # which of them under a transformation of JAX
_RESOLVED = 3e-6  # largest tail of an orbit's spectrum; the edge's error is of its square
_BELOW, _ABOVE = 2e-3, 2e-2  # of max|I|: where a fold may lie, seen from the strobed edge
_PAST = 3e-5  # of max|I|: past the edge nothing is locked


class ShapiroSteps(AbstractResult):
    """Edges of steps n/m, on which V = nΩ/m exactly.

    Attributes:
        orders: n and m of each step.
        lower, upper: signed biases between which the phase is locked.
        voltage: nΩ/m.
        status: of each step; NaN for the edge that is not known.
    """

    orders: Int[np.ndarray, "steps 2"] = eqx.field(converter=np.asarray)
    lower: Float[Array, " steps"]
    upper: Float[Array, " steps"]
    voltage: Float[Array, " steps"]
    status: Int[Array, " steps"]

    def plot(self) -> "Figure":
        from .. import plot

        return plot.steps(self)


def shapiro_steps(
    device: Shunted, orders: Sequence[int | tuple[int, int]] = (0, 1, -1)
) -> ShapiroSteps:
    """Both edges of Shapiro steps as folds of orbits φ(τ + mT) = φ(τ) + 2πn, T = 2π/Ω.

    Without capacitance every step of a smooth relation has two edges, ends at folds and excludes
    all others: the search is global and cannot take the wrong fold. Edges are exact to 1e-10 of
    max|I|, with exact gradients and Hessians in every parameter.

    Args:
        device: shunted, with a drive.
        orders: n, or (n, m) for the fractional step n/m.

    Returns:
        ShapiroSteps: lower and upper edge (signed biases), voltage nΩ/m and status of each.

    Raises:
        ValueError: no drive, orders that are not whole numbers, a device with capacitance.
    """
    pairs = _pairs(orders)
    if not isinstance(device, Shunted) or device.drive is None:
        raise ValueError(
            "device must be Shunted(..., drive=Drive(...)): steps are locked to a drive, got "
            f"{type(device).__name__}{' without one' if isinstance(device, Shunted) else ''}"
        )
    if not device.is_overdamped:
        raise ValueError("damping must be None for Shapiro steps as folds, got a number")
    (lower, upper), status = _edges(device, pairs)
    n, m = jnp.asarray(pairs, float).T
    return ShapiroSteps(pairs, lower, upper, n * device.drive.frequency / m, status)


def zero_voltage_currents(device: Shunted) -> CriticalCurrents:
    """I₊ and I₋ of a driven device: the edges of its zero step."""
    if device.is_overdamped:
        (lower, upper), status = _edges(device, np.array([[0, 1]]))
        return CriticalCurrents(upper[0], -lower[0], status[0])
    signs = jnp.array([1.0, -1.0])
    current, status = _folds(device, signs)
    worst = jnp.max(status)
    worst = jnp.where(all_finite(device), worst, Status.NONFINITE).astype(jnp.int32)
    plus, minus = unless(worst != Status.CONVERGED, jnp.nan, current)
    return CriticalCurrents(plus, minus, worst)


@eqx.filter_jit
def _folds(device: Shunted, signs: Float[Array, "2"]):
    current, status, _ = jax.vmap(fold_limit, (None, 0))(device, signs)
    return current, status


def _pairs(orders: Sequence[int | tuple[int, int]]) -> np.ndarray:
    pairs = []
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
    """((lower, upper), status), on as many points as the orbits need where that can be seen."""
    relation = device.device.relation()
    solved = Shunted(relation, drive=device.drive)
    if not _checks.all_concrete(solved):
        return _all_edges(solved, jnp.asarray(pairs), POINTS[_TRACED])
    for points in POINTS:
        found = _all_edges(solved, jnp.asarray(pairs), points)
        if not np.any(np.asarray(found[1]) == Status.NOT_CONVERGED):
            break
    return found


@eqx.filter_jit
def _all_edges(device: Shunted, pairs: Int[Array, "steps 2"], points: int):
    size = jax.lax.stop_gradient(device.typical_current())
    some = size > 0
    scale = jnp.where(some, size, 1.0)
    unit = jax.lax.stop_gradient(device).rescaled(scale)
    known = device.device.status()

    def one(pair: Int[Array, "2"], sign: Scalar):
        n, m = pair.astype(float)
        found, origin, status = _search(unit.device, unit.drive, sign, n, m, points)
        status = jnp.where(known == Status.CONVERGED, status, known)
        good = status == Status.CONVERGED
        return sign * _bias(device, scale, found, origin, sign, n, m, good), status

    def both(pair: Int[Array, "2"]):
        return jax.vmap(one, (None, 0))(pair, jnp.array([-1.0, 1.0]))

    edges, status = jax.vmap(both)(pairs)
    return edges.T, jnp.max(status, axis=1).astype(jnp.int32)


def _search(relation, drive, sign, turns, periods, points):
    """The upper edge of one sign's problem: its orbit, the problem, and the status."""
    drive_parts = drive.frequency, drive.amplitude, drive.phase

    def search(relation, frequency, amplitude, phase, sign, turns, periods):
        drive = Drive(frequency, amplitude, phase=phase)
        problem = strobe.locked(relation, drive, sign, turns)
        shift = problem.turns * frequency / periods

        def attempt(thorough: bool):
            seed = strobe.seeds(problem, periods, points, thorough=thorough)

            def polish(seeded: tuple[Samples, Scalar]):
                orbit, origin = seeded
                found, good = find_locked_orbit(
                    _restoring, (problem._replace(origin=origin), periods), frequency / periods,
                    orbit, seed.bias - shift, turns=periods,
                )  # fmt: skip
                ahead = found.parameter + shift - seed.bias
                return found, good & (ahead > -_BELOW) & (ahead < _ABOVE)

            found, near = jax.lax.map(polish, (seed.orbits, seed.origins))
            best = jnp.argmax(jnp.where(near, found.parameter, -jnp.inf))
            chosen = jax.tree.map(lambda x: x[best], found)
            past = chosen.parameter + shift + _PAST
            clear = strobe.is_clear(problem, periods, past)
            return chosen, seed.origins[best], near[best] & clear

        first = attempt(False)
        found, origin, good = jax.lax.cond(first[2], lambda: first, lambda: attempt(True))
        status = jnp.where(good & (tail(found) < _RESOLVED), Status.CONVERGED, Status.NOT_CONVERGED)
        finite = jnp.all(jnp.isfinite(found.orbit))
        return found, origin, jnp.where(finite, status, Status.NONFINITE)

    found, origin, status = lanewise(search)(relation, *drive_parts, sign, turns, periods)
    return found, origin, status


def _bias(
    device: Shunted,
    scale: Scalar,
    found: LockedOrbit,
    origin: Scalar,
    sign: Scalar,
    turns: Scalar,
    periods: Scalar,
    good: Bool[Array, ""],
) -> Scalar:
    """The edge of the sign's own problem, differentiable in the device."""
    device = jax.tree.map(lambda x: jnp.where(good, x, jax.lax.stop_gradient(x)), device)
    unit = device.rescaled(scale)
    assert unit.drive is not None
    problem = Locked(unit.device, unit.drive, sign, sign * turns, origin)
    rate = unit.drive.frequency / periods
    exact = differentiable(_restoring, (problem, periods), rate, found, turns=periods)
    bias = exact.parameter + problem.turns * rate
    return unless(~good, jnp.nan, scale * bias)


def _restoring(angle: Samples, phase: Samples, args: tuple[Locked, Scalar]) -> Samples:
    """I(nθ/m + u) − f(θ)."""
    problem, periods = args
    return problem.current(problem.turns * angle / periods + phase) - problem.force(angle)
