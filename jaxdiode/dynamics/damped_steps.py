"""Steps of a driven phase with capacitance: folds of locked orbits, and whether they are edges.

    φ'' + βφ' + I(φ) = i + f(Ωτ),  φ = nθ/m + u(θ).

Without stiffness the phase follows the drive as ξ, which gives the first guess: u = X + ξ with X at
the extremum of ⟨I(X + nθ/m + ξ)⟩. A fold is an edge if the orbit stays stable from the middle of
the step up to it, or doubles its period on the way but holds the phase, and if past it the phase
leaves.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..numerics.orbits import Fold, find_fold, interpolate, tail, velocity
from ..numerics.oscillator import Acceleration, advance, advance_with_monodromy
from ..numerics.status import Status
from .averages import guesses
from .branch import Periodic, follow, leaves_at_once
from .natural_units import relaxation
from .strobe import CANDIDATES, Locked, restoring

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]
Phase = Float[Array, "*n"]

_SCALES = 5  # of the relation, in the homotopy that follows where the first guess fails
_HIGHEST = 1.05  # that a fold can be, in units of max|I|
_WELL_RESOLVED = 1e-9  # largest tail of an orbit's spectrum on few points
RESOLVED = 1e-7  # on more
_LONGEST, _PER_HARMONIC = 0.2, 12.0  # steps of shootings, in plasma times and per period
_STEP = 0.1  # of the integration
_BIASES, _FINER = 12, 24  # between the middle of a step and its edge
_HOLD = 300.0  # at each, where the orbit is not stable all the way
_PAST = 3e-4  # of max|I|: past an edge the phase leaves
_NEAR = 0.6  # radians between the fold's orbit and the stable one just before it
_PATIENCE = 4000.0  # within that time (1/ω_p)
_SETTLING = 30.0  # relaxation times


class Motion(NamedTuple):
    """One sign's problem, and its rates.

    Attributes:
        problem: relation, drive and turns n of one sign, from drive phase 0 on.
        damping, frequency: β, Ω.
        periods: m.
    """

    problem: Locked
    damping: Scalar
    frequency: Scalar
    periods: Scalar

    @property
    def shift(self) -> Scalar:
        """Bias that the mean motion takes up, βnΩ/m."""
        return self.damping * self.problem.turns * self.frequency / self.periods

    @property
    def period(self) -> Scalar:
        """Of the orbit."""
        return 2 * jnp.pi * self.periods / self.frequency

    def acceleration(self, time: Scalar, x: Phase, v: Phase, bias: Scalar) -> Phase:
        push = bias + self.problem.force(self.frequency * time)
        return push - self.damping * v - self.problem.current(x)


def upper_fold(motion: Motion, points: int) -> tuple[Fold, Bool[Array, ""]]:
    """The highest fold of one sign's orbits; its parameter is the bias less `shift`.

    Wells of one period have an orbit and a fold each; a phase whose orbit ends falls into the next.
    """
    guess = guesses(motion.problem, motion.periods, motion.damping, points)
    nothing = jnp.zeros(points)
    none = Fold(-jnp.ones(()), nothing, nothing, nothing), jnp.zeros((), bool)

    def from_guess(seed: Samples, height: Scalar):
        """At full strength, or where that fails grown from a weak relation."""

        def grow(held: tuple, scale: Scalar):
            found, good, k, done = held

            def find():
                weak = k <= 1
                orbit = jnp.where(weak, seed, found.orbit)
                parameter = jnp.where(weak, scale * height, found.parameter)
                after, fine = _fold_near(motion, scale, orbit, parameter)
                near = jnp.abs(after.parameter) < _HIGHEST
                return after, fine & (weak | good), k + 1, (k == 0) & fine & near

            return jax.lax.cond(done, lambda: held, find), None

        scales = jnp.concatenate([jnp.ones(1), jnp.linspace(0.0, 1.0, _SCALES + 1)[1:]])
        begin = *none, jnp.zeros((), int), jnp.zeros((), bool)
        found, good, *_ = jax.lax.scan(grow, begin, scales)[0]
        return found, good & (jnp.abs(found.parameter) < _HIGHEST)

    def better(best: tuple[Fold, Bool[Array, ""]], each: tuple[Array, Array, Array]):
        seed, height, real = each
        found, good = jax.lax.cond(
            real | ~best[1], lambda: from_guess(seed, height), lambda: none
        )  # fmt: skip
        take = good & (~best[1] | (found.parameter > best[0].parameter))
        return jax.tree.map(lambda x, y: jnp.where(take, x, y), (found, good), best), None

    # What is no maximum of the average serves where none of those leads to a fold.
    every = jax.tree.map(lambda x: jnp.concatenate([x, x]), guess)
    real = every.real.at[CANDIDATES:].set(False)
    return jax.lax.scan(better, none, (every.orbits, every.height, real))[0]


def refined(
    motion: Motion, found: Fold, good: Bool[Array, ""], points: int
) -> tuple[Fold, Bool[Array, ""]]:
    """The same on more points, found there only where fewer do not resolve it."""
    finer = Fold(found.parameter, *(interpolate(x, points) for x in found[1:]))
    resolved = good & (tail(found.orbit) < _WELL_RESOLVED)
    finer, good = jax.lax.cond(
        resolved | ~good,
        lambda: (finer, good),
        lambda: _fold_near(motion, jnp.ones(()), finer.orbit, finer.parameter),
    )
    finer, good = jax.lax.cond(good, lambda: (finer, good), lambda: upper_fold(motion, points))
    return finer, good


def edge_status(
    motion: Motion, found: Fold, good: Bool[Array, ""], middle: Scalar
) -> Int[Array, ""]:
    """Whether a fold ends the step, seen from a bias in its middle."""
    none = jnp.zeros((), bool)
    proven = jax.lax.cond(good, lambda: _is_proven(motion, found, middle), lambda: none)
    status = jnp.asarray(Status.CONVERGED, jnp.int32)
    failed = jnp.asarray(Status.NOT_CONVERGED, jnp.int32)
    status = jax.lax.cond(
        good & ~proven, lambda: _status_in_time(motion, found, middle), lambda: status
    )
    return jnp.where(good, status, failed)


def _fold_near(
    motion: Motion, scale: Scalar, orbit: Samples, parameter: Scalar
) -> tuple[Fold, Bool[Array, ""]]:
    return find_fold(
        restoring, (motion.problem, motion.periods, scale), motion.damping, motion.frequency,
        orbit, parameter, turns=motion.periods,
    )  # fmt: skip


def _fold_state(motion: Motion, found: Fold) -> tuple[Scalar, Scalar, Scalar]:
    """x and v at the beginning of the period, and the bias."""
    speed = velocity(found.orbit, motion.frequency, motion.periods)[0]
    speed = speed + motion.problem.turns * motion.frequency / motion.periods
    return found.orbit[0], speed, found.parameter + motion.shift


def _is_proven(motion: Motion, found: Fold, middle: Scalar) -> Bool[Array, ""]:
    """The branch is stable from the fold down to the middle, and the phase leaves past the fold.

    False says only that time must tell.
    """
    problem, count = motion.problem, motion.problem.drive.amplitude.size
    angle = 2 * jnp.pi * motion.periods / found.orbit.size
    angle = angle * jnp.arange(found.orbit.size, dtype=float)
    turned = problem.turns * angle / motion.periods + found.orbit
    _, slope = jax.jvp(problem.current, (turned,), (jnp.ones_like(turned),))
    stiff = jnp.sqrt(jnp.maximum(1.0, jnp.max(jnp.abs(slope))))
    steps = jnp.maximum(motion.period * stiff / _LONGEST, _PER_HARMONIC * count * motion.periods)
    period = motion.period
    turns = 2 * jnp.pi * problem.turns
    determinant = jnp.exp(-motion.damping * period)
    steps = jnp.clip(jnp.ceil(steps), 12.0, 1e5)
    orbits = Periodic(motion.acceleration, period, steps, turns, determinant)
    state = jnp.stack(_fold_state(motion, found))
    branch = follow(orbits, state, lambda point: point.state[2] <= middle, way=-1.0)

    def leaves():
        along = branch.first.tangent[:2]
        along = along / jnp.linalg.norm(along)
        past = jnp.asarray(_PAST)
        return leaves_at_once(orbits, state, along, relaxation(motion.damping), past)

    return jax.lax.cond(branch.good, leaves, lambda: jnp.zeros((), bool))


def _status_in_time(motion: Motion, found: Fold, middle: Scalar) -> Int[Array, ""]:
    """Seen by integration, whatever the branch meets on its way."""
    *start, bias = _fold_state(motion, found)
    start = start[0][None], start[1][None]
    leaves = _leaves(motion, start, bias + _PAST)
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
    biases = middle + (edge - _PAST - middle) * (1 - (1 - part) ** 2)
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
