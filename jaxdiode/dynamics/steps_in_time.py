"""Whether folds with capacitance end a step, seen by integration in time.

It takes ten to a hundred times as long as a proof along the branch (`is_proven`), but judges orbits
too that double their period on the way and hold the phase nevertheless.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..numerics.orbits import Fold
from ..numerics.oscillator import Acceleration, advance, advance_with_monodromy
from ..numerics.status import Status
from .damped_steps import PAST, Motion, fold_state
from .natural_units import relaxation

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

_STEP = 0.1  # of the integration
_BIASES, _FINER = 12, 24  # between the middle of a step and its edge
_HOLD = 300.0  # at each, where the orbit is not stable all the way
_NEAR = 0.6  # radians between the fold's orbit and the stable one just before it
_PATIENCE = 4000.0  # within that time (1/ω_p)
_SETTLING = 30.0  # relaxation times


def status_in_time(motion: Motion, found: Fold, middle: Scalar) -> Int[Array, ""]:
    """Seen by integration, whatever the branch meets on its way."""
    *start, bias = fold_state(motion, found)
    start = start[0][None], start[1][None]
    leaves = _leaves(motion, start, bias + PAST)
    first = _settled(motion, start, middle)
    locked, flipped, last = _stable_between(motion, first, middle, bias)
    direct = locked & ~flipped & _is_near(last[0], start[0][0])
    holds = jax.lax.cond(
        ~direct & leaves,
        lambda: _holds(motion, first, middle, bias, start[0][0]),
        lambda: direct,
    )
    status = jnp.where(flipped, Status.PERIOD_DOUBLING, Status.NOT_CONVERGED)
    return jnp.where(leaves & holds, Status.CONVERGED, status).astype(jnp.int32)


def _steps(motion: Motion) -> Scalar:
    """Of the integration, per period of the orbit."""
    drive = motion.problem.drive
    fastest = 1 + motion.damping + motion.frequency * drive.amplitude.size
    return jnp.clip(jnp.ceil(motion.period * fastest / 2 / _STEP), 24.0, 1e5)


def _leaves(motion: Motion, start: tuple[Samples, Samples], bias: Scalar) -> Bool[Array, ""]:
    """Whether the phase comes off the lock from a state within the patience."""

    def one(state):
        x, v, k = state
        return *_periods_later(motion, (x, v), bias, 1), k + 1

    def waiting(state):
        x, _, k = state
        return (jnp.abs(x[0] - start[0][0]) < 2.1 * jnp.pi) & (k * motion.period < _PATIENCE)

    x, *_ = jax.lax.while_loop(waiting, one, (*start, 0.0))
    return jnp.abs(x[0] - start[0][0]) >= 2.1 * jnp.pi


def _settled(
    motion: Motion, start: tuple[Samples, Samples], bias: Scalar
) -> tuple[Samples, Samples]:
    """The state that a motion comes to at a bias."""
    periods = jnp.ceil(_SETTLING * relaxation(motion.damping) / motion.period)
    return _periods_later(motion, start, bias, periods.astype(int))


def _holds(
    motion: Motion, state: tuple[Samples, Samples], middle: Scalar, edge: Scalar, end: Scalar
) -> Bool[Array, ""]:
    """Whether a slow ramp from the middle to the edge keeps the phase, and ends at the fold's."""
    periods = jnp.ceil(_HOLD / motion.period).astype(int)

    def hold(state: tuple[Samples, Samples], bias: Scalar):
        x, v = _periods_later(motion, state, bias, periods)
        return (x, v), jnp.abs(x[0] - state[0][0])

    part = jnp.linspace(0.0, 1.0, _FINER)
    biases = middle + (edge - PAST - middle) * (1 - (1 - part) ** 2)
    (x, _), moved = jax.lax.scan(hold, state, biases)
    return jnp.all(moved < jnp.pi) & _is_near(x[0], end)


def _is_near(phase: Scalar, other: Scalar) -> Bool[Array, ""]:
    apart = jnp.mod(phase - other + jnp.pi, 2 * jnp.pi) - jnp.pi
    return jnp.abs(apart) < _NEAR


def _at(motion: Motion, bias: Scalar) -> Acceleration:
    def acceleration(time: Scalar, x: Samples, v: Samples) -> Samples:
        return motion.acceleration(time, x, v, bias)

    return acceleration


def _periods_later(
    motion: Motion, state: tuple[Samples, Samples], bias: Scalar, periods: int | Int[Array, ""]
) -> tuple[Samples, Samples]:
    """A state after so many periods of the orbit, its turns taken off."""
    steps = _steps(motion)
    size = motion.period / steps
    turns = 2 * jnp.pi * motion.problem.turns

    def one(_: Array, state: tuple[Samples, Samples]):
        x, v = advance(_at(motion, bias), 0.0, *state, size, steps.astype(int))
        return x - turns, v

    return jax.lax.fori_loop(0, periods, one, state)


def _stable_between(
    motion: Motion, start: tuple[Samples, Samples], middle: Scalar, edge: Scalar
) -> tuple[Bool[Array, ""], Bool[Array, ""], Float[Array, "2"]]:
    """(locked all the way, a flip on the way, the last state) of the stable orbit to the edge."""
    steps = _steps(motion)
    size = motion.period / steps
    count = steps.astype(int)
    turns = 2 * jnp.pi * motion.problem.turns

    def newton(_: Array, held: tuple[Array, Array, Array]):
        state, _, bias = held
        x, v, push = advance_with_monodromy(
            _at(motion, bias), 0.0, state[:1], state[1:], size, count
        )
        miss = jnp.concatenate([x - turns, v]) - state
        step = jnp.linalg.solve(push - jnp.eye(2), -miss)
        largest = jnp.max(jnp.abs(step))
        return state + jnp.minimum(1.0, 0.3 / largest) * step, push, bias

    def follow(state: Array, bias: Scalar):
        held = state, jnp.eye(2), bias
        state, push, _ = jax.lax.fori_loop(0, 7, newton, held)
        x, v = advance(_at(motion, bias), 0.0, state[:1], state[1:], size, count)
        miss = jnp.max(jnp.abs(jnp.concatenate([x - turns, v]) - state))
        trace, determinant = jnp.trace(push), jnp.exp(-motion.damping * motion.period)
        return state, (miss < 1e-6, 1 + trace + determinant < 0, 1 - trace + determinant > 0)

    part = jnp.linspace(0.0, 0.95, _BIASES)
    biases = middle + (edge - middle) * (1 - (1 - part) ** 2)
    first = jnp.concatenate(start)
    last, (locked, flips, stable) = jax.lax.scan(follow, first, biases)
    return jnp.all(locked & (stable | flips)), jnp.any(flips & locked), last
