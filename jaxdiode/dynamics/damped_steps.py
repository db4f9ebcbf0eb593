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
from jaxtyping import Array, Bool, Float

from ..numerics.orbits import (
    Fold,
    MarginalOrbit,
    find_fold,
    find_marginal_orbit,
    interpolate,
    tail,
    velocity,
    weighted,
)
from .averages import guesses
from .branch import Periodic, follow, leaves_at_once
from .natural_units import relaxation
from .strobe import Locked, restoring

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]
Phase = Float[Array, "*n"]

_SCALES = 5  # of the relation, in the homotopy that follows where the first guess fails
_HIGHEST = 1.05  # that a fold can be, in units of max|I|
_WELL_RESOLVED = 1e-9  # largest tail of an orbit's spectrum on few points
RESOLVED = 1e-7  # on more
_LONGEST, _PER_HARMONIC = 0.2, 12.0  # steps of shootings, in plasma times and per period
PAST = 3e-4  # of max|I|: past an edge the phase leaves


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


def upper_fold(
    motion: Motion, points: int, *, thorough: bool = False
) -> tuple[Fold, Bool[Array, ""]]:
    """The highest fold of one sign's orbits; its parameter is the bias less `shift`.

    Wells of one period have an orbit and a fold each; a phase whose orbit ends falls into the next.
    Thoroughly from all guesses, with the whole Jacobian at every step of Newton's method; else from
    what is no maximum of the mean current only where no maximum leads to a fold.
    """
    near_by = _marginal_near if thorough else _fold_near
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
                after, fine = near_by(motion, scale, orbit, parameter)
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
            real | ~best[1] | thorough, lambda: from_guess(seed, height), lambda: none
        )
        take = good & (~best[1] | (found.parameter > best[0].parameter))
        return jax.tree.map(lambda x, y: jnp.where(take, x, y), (found, good), best), None

    return jax.lax.scan(better, none, (guess.orbits, guess.height, guess.real))[0]


def quick_fold(motion: Motion, points: tuple[int, ...]) -> tuple[Fold, Bool[Array, ""]]:
    """That fold on as many points as it needs, brought to the last of them, if it is found."""
    found, good = upper_fold(motion, points[0])
    for size in points[1:]:
        finer = Fold(found.parameter, *(interpolate(x, size) for x in found[1:]))
        resolved = ~good | (tail(found.orbit) < _WELL_RESOLVED)
        found, good = jax.lax.cond(
            resolved,
            lambda finer=finer, good=good: (finer, good),
            lambda finer=finer: _fold_near(motion, jnp.ones(()), finer.orbit, finer.parameter),
        )
    return found, good & (tail(found.orbit) < RESOLVED)


def thorough_fold(motion: Motion, points: int) -> tuple[Fold, Bool[Array, ""]]:
    """The highest fold from all guesses."""
    found, good = upper_fold(motion, points, thorough=True)
    orbit = MarginalOrbit(found.parameter, found.orbit, found.null)
    args, damping, frequency = _arguments(motion)
    fold = weighted(restoring, args, damping, frequency, orbit, turns=motion.periods)
    return fold, good & (tail(fold.orbit) < RESOLVED)


def fold_state(motion: Motion, found: Fold) -> tuple[Scalar, Scalar, Scalar]:
    """x and v at the beginning of the period, and the bias."""
    speed = velocity(found.orbit, motion.frequency, motion.periods)[0]
    speed = speed + motion.problem.turns * motion.frequency / motion.periods
    return found.orbit[0], speed, found.parameter + motion.shift


def is_proven(motion: Motion, found: Fold, middle: Scalar) -> Bool[Array, ""]:
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
    state = jnp.stack(fold_state(motion, found))
    branch = follow(orbits, state, lambda point: point.state[2] <= middle, way=-1.0)

    def leaves():
        along = branch.first.tangent[:2]
        along = along / jnp.linalg.norm(along)
        past = jnp.asarray(PAST)
        return leaves_at_once(orbits, state, along, relaxation(motion.damping), past)

    return jax.lax.cond(branch.good, leaves, lambda: jnp.zeros((), bool))


def _arguments(motion: Motion, scale: Scalar | float = 1.0) -> tuple:
    return (motion.problem, motion.periods, scale), motion.damping, motion.frequency


def _fold_near(
    motion: Motion, scale: Scalar, orbit: Samples, parameter: Scalar
) -> tuple[Fold, Bool[Array, ""]]:
    args, damping, frequency = _arguments(motion, scale)
    return find_fold(
        restoring, args, damping, frequency, orbit, parameter, turns=motion.periods
    )  # fmt: skip


def _marginal_near(
    motion: Motion, scale: Scalar, orbit: Samples, parameter: Scalar
) -> tuple[Fold, Bool[Array, ""]]:
    args, damping, frequency = _arguments(motion, scale)
    found, good = find_marginal_orbit(
        restoring, args, damping, frequency, orbit, parameter, turns=motion.periods
    )  # fmt: skip
    return Fold(*found, jnp.zeros_like(orbit)), good
