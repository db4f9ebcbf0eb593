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

from ..numerics.orbits import MarginalOrbit, find_marginal_orbit, tail, velocity
from ..numerics.oscillator import Acceleration, advance, advance_with_monodromy
from ..numerics.status import Status
from .natural_units import relaxation
from .strobe import CANDIDATES, Locked, restoring

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

_MEANS = 64  # X on which the averaged relation is searched
_SCALES = 5  # of the relation, in the homotopy that follows where the first guess fails
_RESOLVED = 1e-7  # largest tail of an orbit's spectrum
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

    def acceleration(self, time: Scalar, x: Samples, v: Samples, bias: Scalar) -> Samples:
        push = bias + self.problem.force(self.frequency * time)
        return push - self.damping * v - self.problem.current(x)


def upper_fold(motion: Motion, points: int) -> tuple[MarginalOrbit, Bool[Array, ""]]:
    """The highest fold of one sign's orbits; its parameter is the bias less `shift`.

    Wells of one period have an orbit and a fold each; a phase whose orbit ends falls into the next.
    """
    angle = 2 * jnp.pi * motion.periods / points * jnp.arange(points, dtype=float)
    along = _without_stiffness(motion, angle)
    turned = motion.problem.turns * angle / motion.periods + along
    mean = 2 * jnp.pi / _MEANS * jnp.arange(_MEANS, dtype=float)
    averaged = jnp.mean(motion.problem.current(mean[:, None] + turned), axis=1)
    higher = (averaged >= jnp.roll(averaged, 1)) & (averaged > jnp.roll(averaged, -1))
    peaks = jnp.argsort(-jnp.where(higher, averaged, -jnp.inf))[:CANDIDATES]

    def find(scale: Scalar, orbit: Samples, parameter: Scalar):
        args = motion.problem, motion.periods, scale
        return find_marginal_orbit(
            restoring, args, motion.damping, motion.frequency, orbit, parameter,
            turns=motion.periods,
        )  # fmt: skip

    def from_peak(peak: Array):
        seed = mean[peak] + along

        def follow():
            def grow(found: tuple[MarginalOrbit, Bool[Array, ""]], scale: Scalar):
                last, good = found
                after, fine = find(scale, last.orbit, last.parameter)
                return (after, good & fine), None

            scales = jnp.linspace(0.0, 1.0, _SCALES + 1)[1:]
            first = find(scales[0], seed, scales[0] * averaged[peak])
            return jax.lax.scan(grow, first, scales[1:])[0]

        first = find(jnp.ones(()), seed, averaged[peak])
        near = jnp.abs(first[0].parameter) < 1.05
        found, good = jax.lax.cond(first[1] & near, lambda: first, follow)
        return found, good & (jnp.abs(found.parameter) < 1.05)

    found, good = jax.lax.map(from_peak, peaks)
    best = jnp.argmax(jnp.where(good, found.parameter, -jnp.inf))
    chosen = jax.tree.map(lambda x: x[best], found)
    return chosen, good[best] & (tail(chosen.orbit) < _RESOLVED)


def edge_status(
    motion: Motion, found: MarginalOrbit, good: Bool[Array, ""], middle: Scalar
) -> Int[Array, ""]:
    """Whether a fold ends the step, seen from a bias in its middle."""
    bias = found.parameter + motion.shift
    speed = velocity(found.orbit, motion.frequency, motion.periods)[:1]
    speed = speed + motion.problem.turns * motion.frequency / motion.periods
    start = found.orbit[:1], speed
    leaves = _leaves(motion, start, bias + _PAST)
    first = _settled(motion, start, middle)
    locked, flipped, last = _stable_between(motion, first, middle, bias)
    direct = locked & ~flipped & _is_near(last[0], start[0][0])
    holds = jax.lax.cond(
        ~direct & leaves & good,
        lambda: _holds(motion, first, middle, bias, start[0][0]),
        lambda: direct,
    )
    status = jnp.where(flipped, Status.PERIOD_DOUBLING, Status.NOT_CONVERGED)
    status = jnp.where(leaves & holds, Status.CONVERGED, status)
    return jnp.where(good, status, Status.NOT_CONVERGED).astype(jnp.int32)


def _without_stiffness(motion: Motion, angle: Samples) -> Samples:
    """ξ: the answer of ξ'' + βξ' = f."""
    drive = motion.problem.drive
    order = jnp.arange(1, drive.amplitude.size + 1, dtype=float)
    turn = order * motion.frequency
    size = motion.problem.sign * drive.amplitude / (turn**4 + (motion.damping * turn) ** 2)
    turned = order[:, None] * (angle + motion.problem.origin) + drive.phase[:, None]
    in_phase, behind = -(turn**2), motion.damping * turn
    return (size * in_phase) @ jnp.cos(turned) + (size * behind) @ jnp.sin(turned)


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
