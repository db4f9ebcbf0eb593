"""Where the zero-voltage state of a device of one phase ends: folds, flips and their status."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..core.dynamical import AbstractDynamical
from ..numerics.lanes import lanewise
from ..numerics.orbits import (
    Fold,
    MarginalOrbit,
    differentiable,
    exact_parameter,
    find_marginal_orbit,
    interpolate,
    tail,
    velocity,
    weighted,
)
from ..numerics.oscillator import advance
from ..numerics.status import Status
from .climb import SWITCHED, Held, Staircase
from .direct import FEW, MANY, RESOLVED, WELL_RESOLVED, direct_fold, fold_near
from .natural_units import (
    acceleration,
    even_periods,
    in_natural_units,
    steps_per_period,
    strobe_frequency,
    strobe_period,
    whole,
    workable,
)
from .ramp import staircase, turned_on

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

_SAME_ORBIT, _SAME_BIAS = 0.5, 0.2  # radians and typical currents from a fold to the next point's


def fold_limit(
    device: AbstractDynamical, direction: Scalar
) -> tuple[Scalar, Int[Array, ""], Staircase]:
    """Magnitude of the fold current that ends the ramp in one direction, its status, the ramp.

    The orbit that the ramp last saw settled is followed to its fold (of period T or 2T), which
    must lie between that bias and the next, and past which the phase must run away.
    """
    if device.phases != 1:
        raise ValueError(f"device must have one phase, got {device.phases}")
    unit, size = in_natural_units(jax.lax.stop_gradient(device))
    found, turns, status, ramp = _search_fold(unit, direction)
    return (
        _fold_current(device, direction, found, size, turns, status),
        status,
        _ramp_in(ramp, size),
    )


def fold_currents(
    device: AbstractDynamical, directions: Float[Array, " n"]
) -> tuple[Float[Array, " n"], Int[Array, " n"]]:
    """Magnitudes and statuses of `fold_limit` alone: without a ramp where that is not needed."""
    unit, size = in_natural_units(jax.lax.stop_gradient(device))
    rest = _search_rest(unit)

    def one(direction: Scalar):
        found, turns, status = _search_end(unit, direction, rest)
        return _fold_current(device, direction, found, size, turns, status), status

    return jax.vmap(one)(directions)


class KnownFolds(NamedTuple):
    """Folds of both directions at the last point of a continuation and at the one before.

    Attributes:
        parameter: biases in natural units, NaN where there is none of period T.
        orbit: samples.
    """

    parameter: Float[Array, "points 2"]
    orbit: Float[Array, "points 2 n"]


class FollowedFolds(NamedTuple):
    """Folds that were followed from those of the device before, or searched for anew.

    Attributes:
        current: magnitudes, NaN beside a status.
        status: of each; CONVERGED of what was followed.
        followed: whether it is the fold of the device before.
        known: for the next device.
    """

    current: Float[Array, " 2"]
    status: Int[Array, " 2"]
    followed: Bool[Array, " 2"]
    known: KnownFolds


def no_folds() -> KnownFolds:
    """Before the first device."""
    return KnownFolds(jnp.full((2, 2), jnp.nan), jnp.zeros((2, 2, MANY)))


def followed_folds(device: AbstractDynamical, known: KnownFolds) -> FollowedFolds:
    """The folds nearest to those of devices before, in both directions.

    Where Newton's method loses one, or finds one whose orbit is another, what ends the
    zero-voltage state is searched for as `fold_currents` does.
    """
    unit, size = in_natural_units(jax.lax.stop_gradient(device))
    directions = jnp.array([1.0, -1.0])
    found, turns, status, followed = jax.vmap(
        lambda direction, bias, orbit: _search_near(unit, direction, bias, orbit),
        in_axes=(0, 1, 1),
    )(directions, *known)

    def value(direction, found, turns, status):
        return _fold_current(device, direction, found, size, turns, status)

    current = jax.vmap(value)(directions, found, turns, status)
    simple = (status == Status.CONVERGED) & (turns == 1)
    parameter = jnp.where(simple, found.parameter, jnp.nan)
    # Without two points on one fold there is no slope.
    before = jnp.where(followed, known.parameter[0], parameter)
    orbits = jnp.where(followed[:, None], known.orbit[0], found.orbit)
    kept = KnownFolds(jnp.stack([parameter, before]), jnp.stack([found.orbit, orbits]))
    return FollowedFolds(current, status, followed, kept)


def flip_limit(device: AbstractDynamical, direction: Scalar, ramp: Staircase) -> Scalar:
    """Magnitude of the first flip current that a ramp met, NaN where it met none."""
    unit, size = in_natural_units(jax.lax.stop_gradient(device))
    found, good = _search_flip(unit, direction, _ramp_in(ramp, 1 / size))
    found = found._replace(parameter=size * found.parameter)
    device = _frozen_unless(good, device)
    exact = differentiable(
        _restoring, device, device.damping, strobe_frequency(device), found, flip=True
    )  # fmt: skip
    return direction * jnp.where(good, exact.parameter, jnp.nan)


def _fold_current(device, direction, found, size, turns, status):
    good = (status == Status.CONVERGED) | (status == Status.PERIOD_TWO_FOLD)
    found = found._replace(parameter=size * found.parameter)
    device = _frozen_unless(good, device)
    exact = exact_parameter(
        _restoring, device, device.damping, strobe_frequency(device), found, turns=turns
    )  # fmt: skip
    return direction * jnp.where(good, exact, jnp.nan)


def _frozen_unless(good, device):
    """A failed lane must not send NaN gradients through the branches not taken."""
    return jax.tree.map(lambda x: jnp.where(good, x, jax.lax.stop_gradient(x)), device)


def _ramp_in(found: Staircase, size: Scalar) -> Staircase:
    """The same, its currents (and velocities, which are rates) in units `size` times smaller."""

    def held(state: Held) -> Held:
        root = jnp.sqrt(size)
        return state._replace(current=size * state.current, velocity=root * state.velocity)

    return found._replace(
        held=held(found.held),
        settled=held(found.settled),
        flip=held(found.flip),
        past_flip=held(found.past_flip),
        switched=size * found.switched,
        gap=size * found.gap,
    )


@lanewise
def _search_rest(device):
    return turned_on(device)


@lanewise
def _search_end(device, direction, rest):
    direct = direct_fold(device, direction, rest, _restoring)

    def by_a_ramp():
        # Where lanes run side by side, those that need none end at once.
        idle = jax.tree.map(lambda x: jnp.where(direct.proven, jnp.nan, x), device)
        return _search_fold(idle, direction)[:3]

    one, converged = jnp.ones(()), jnp.asarray(Status.CONVERGED, jnp.int32)
    return jax.lax.cond(
        direct.proven, lambda: (direct.fold, one, converged), by_a_ramp
    )  # fmt: skip


@lanewise
def _search_near(device, direction, bias, orbit):
    seed, guess = 2 * orbit[0] - orbit[1], 2 * bias[0] - bias[1]
    few = seed[:: MANY // FEW]
    found, good = fold_near(device, _restoring, few, guess)
    moved = jnp.max(jnp.abs(found.orbit - orbit[0]))
    away = jnp.abs(found.parameter - bias[0]) / device.typical_current()
    same = good & (moved < _SAME_ORBIT) & (away < _SAME_BIAS)
    same = same & (tail(found.orbit) < RESOLVED) & workable(device)

    def anew():
        return *_search_end(device, direction, turned_on(device)), jnp.zeros((), bool)

    def followed():
        converged = jnp.asarray(Status.CONVERGED, jnp.int32)
        return found, jnp.ones(()), converged, jnp.ones((), bool)

    return jax.lax.cond(same, followed, anew)


@lanewise
def _search_fold(device, direction):
    ramp = staircase(device, direction)
    turns = jnp.where(ramp.settled.period == 2, 2.0, 1.0)
    found, good = jax.lax.cond(
        ramp.running,
        lambda: _nothing(direction),
        lambda: _find(device, ramp.settled, turns, flip=False),
    )
    unit = device.typical_current()
    ahead = direction * (found.parameter - ramp.settled.current)
    near = (ahead > -0.02 * unit) & (ahead < ramp.gap + 0.004 * unit)
    good = good & near & (tail(found.orbit) < RESOLVED)
    speed = velocity(found.orbit, strobe_frequency(device), turns)[:1]
    start = jnp.where(good, found.orbit[:1], jnp.nan)
    past = Held(found.parameter + direction * 3e-4 * unit, start, speed, ramp.settled.period)
    # A window of period doubling below the fold is harmless only if the state survives in it.
    below = direction * (found.parameter - ramp.past_flip.current) > 0
    phase = jnp.where(good & ramp.flipped & below, ramp.past_flip.phase, jnp.nan)
    both = jax.tree.map(lambda *x: jnp.stack(x), past, ramp.past_flip._replace(phase=phase))
    leaves, leaves_window = jax.lax.map(lambda held: runs_away(device, held), both)
    good = good & leaves & ~leaves_window
    # A state that had not settled may be taken for one of twice its period.
    halves = jnp.stack([found.orbit, found.null]).reshape(2, 2, -1)
    doubled = (turns == 2) & (jnp.max(jnp.abs(halves[:, 0] - halves[:, 1])) > 1e-6)
    kind = jnp.where(doubled, Status.PERIOD_TWO_FOLD, Status.CONVERGED)
    other = jnp.where(
        ramp.flipped | ramp.doubled_at_rest, Status.PERIOD_DOUBLING, Status.NOT_CONVERGED
    )
    status = jnp.where(good, kind, other)
    status = jnp.where(ramp.running, Status.NO_ZERO_VOLTAGE_STATE, status)
    status = jnp.where(workable(device), status, Status.NOT_CONVERGED).astype(jnp.int32)
    frequency = strobe_frequency(device)
    fold = jax.lax.cond(
        good,
        lambda: weighted(_restoring, device, device.damping, frequency, found, turns=turns),
        lambda: Fold(found.parameter, found.orbit, found.null, found.null),
    )
    return fold, turns, status, ramp


@lanewise
def _search_flip(device, direction, ramp):
    found, good = jax.lax.cond(
        ramp.flipped,
        lambda: _find(device, ramp.flip, 1.0, flip=True),
        lambda: _nothing(direction),
    )
    unit = device.typical_current()
    ahead = direction * (found.parameter - ramp.flip.current)
    near = (ahead > -0.02 * unit) & (ahead < 0.1 * unit)
    return found, good & near & ramp.flipped & (tail(found.orbit) < RESOLVED)


def _nothing(direction):
    return MarginalOrbit(direction, jnp.zeros(MANY), jnp.zeros(MANY)), jnp.zeros((), bool)


def _restoring(drive_phase: Samples, phase: Samples, device: AbstractDynamical) -> Samples:
    """−φ'' of the phase held still without bias."""
    # Elementwise, without an axis of one phase, which XLA would sum in another order.
    zero = jnp.zeros(())
    return -device.equation_of_motion(drive_phase, phase, zero, zero)


def _find(device, held, turns, flip):
    """On few points first; on all of them only where those do not resolve the orbit."""
    seed = orbit(device, held, MANY, turns)[:, 0]

    def find(points, current):
        return find_marginal_orbit(
            _restoring, device, device.damping, strobe_frequency(device), points, current,
            turns=turns, flip=flip,
        )  # fmt: skip

    coarse, good = find(seed[:: MANY // FEW], held.current)
    good = good & (tail(coarse.orbit) < WELL_RESOLVED)
    fine = MarginalOrbit(
        coarse.parameter,
        interpolate(coarse.orbit, MANY),
        interpolate(coarse.null, MANY, antiperiodic=flip),
    )
    return jax.lax.cond(good, lambda: (fine, good), lambda: find(seed, held.current))


def runs_away(
    device: AbstractDynamical, held: Held, *, hold: float = 2.0, patience: int = 300
) -> Bool[Array, ""]:
    """Whether a phase escapes from a state within `patience` holds at its bias."""
    count = steps_per_period(device, 0.2)
    size = strobe_period(device) / count
    steps = whole(count * even_periods(device, hold))

    def force(time, x, v):
        return acceleration(device, time, x, v, held.current)

    def advanced(x):
        return jnp.max(jnp.abs(x - held.phase))

    def waiting(state):
        x, _, k = state
        return (k < patience) & (advanced(x) <= SWITCHED)

    def hold_on(state):
        x, v, k = state
        x, v = advance(force, 0.0, x, v, size, steps)
        return x, v, k + 1

    x, *_ = jax.lax.while_loop(waiting, hold_on, (held.phase, held.velocity, 0))
    return advanced(x) > SWITCHED


def orbit(
    device: AbstractDynamical, held: Held, points: int, turns: Scalar | float
) -> Float[Array, "points phases"]:
    """φ at equidistant drive phases over `turns` periods from a held state."""
    size = strobe_period(device) * turns / (4 * points)

    def force(time, x, v):
        return acceleration(device, time, x, v, held.current)

    def one(state, k):
        x, v = state
        return advance(force, 4 * size * k, x, v, size, 4), x

    return jax.lax.scan(one, (held.phase, held.velocity), jnp.arange(points, dtype=float))[1]
