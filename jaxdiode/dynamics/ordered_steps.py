"""Steps of a strongly damped phase, whose locked orbits keep their order.

    φ' = w − βφ/2,  w' = −βw/2 + β²φ/4 − I(φ) + i + f:

where I' ≤ β²/4 everywhere both right-hand sides rise with the other variable, and two locked orbits
of a step n/m, whatever their biases, never cross: one is ahead of the other at all times. So there
is one orbit, at one bias, to each mean phase; the edges are the largest and the least of these
biases, and past them the phase is not locked. Narrow steps, past which it creeps so slowly that no
integration in time can tell, are found too.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..numerics.orbit_family import orbit_family
from ..numerics.orbits import Fold, find_fold, tail
from .averages import guesses
from .damped_steps import RESOLVED, Motion
from .strobe import restoring

Scalar = Float[Array, ""]

_MEANS = 32  # mean phases, in 2π/m
_ALMOST = 1e-9  # by which a mean phase between two of these may have a higher bias
_STEEPER = 1.02  # slopes between the samples


def is_ordered(motion: Motion) -> Bool[Array, ""]:
    """I' ≤ β²/4 at all phases."""
    relation = motion.problem.relation
    phase = jnp.linspace(0.0, 2 * jnp.pi, relation.samples_per_period(), endpoint=False)
    _, slope = jax.jvp(relation.current, (phase,), (jnp.ones_like(phase),))
    return _STEEPER * jnp.max(slope) < motion.damping**2 / 4


def ordered_fold(motion: Motion, points: int) -> tuple[Fold, Bool[Array, ""]]:
    """The upper edge of one sign's problem; its parameter is the bias less the motion's shift."""
    problem, periods = motion.problem, motion.periods
    args, rates = (problem, periods, 1.0), (motion.damping, motion.frequency)
    means = 2 * jnp.pi / periods * jnp.arange(_MEANS, dtype=float) / _MEANS
    seed = guesses(problem, periods, motion.damping, points).orbits[0]
    forces, orbits, good = orbit_family(
        restoring, args, *rates, seed - jnp.mean(seed), means, turns=periods
    )  # fmt: skip
    best = jnp.argmax(forces)
    fold, near = find_fold(restoring, args, *rates, orbits[best], forces[best], turns=periods)
    apart = jnp.abs(jnp.mean(fold.orbit) - means[best]) * periods
    highest = (fold.parameter > forces[best] - _ALMOST) & (apart < 4 * jnp.pi / _MEANS)
    return fold, good & near & highest & (tail(fold.orbit) < RESOLVED)
