"""The fold that ends the zero-voltage state of one phase, found along its branch and proven.

From the state at zero bias the branch is followed to its first fold. That the orbits are stable up
to there, and that past it the phase runs away, proves the fold to be where a slow ramp switches.
Where anything else is met the branch tells nothing: a ramp does.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..core.dynamical import AbstractDynamical
from ..numerics.orbits import Fold, Restoring, find_fold, interpolate, tail, velocity
from .branch import Followed, Periodic, folds, follow, leaves_at_once, turning_point
from .climb import Staircase
from .natural_units import (
    relaxation_time,
    steps_per_period,
    strobe_frequency,
    strobe_period,
    workable,
)

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

FEW, MANY = 32, 64  # points of an orbit
WELL_RESOLVED = 1e-9  # largest tail of an orbit's spectrum on few points
RESOLVED = 1e-5  # on many
_STEP = 0.2
_PER_HARMONIC = 12.0
_PAST = 3e-4  # of the typical current
_CLOSE = 0.02  # of the typical current: where collocation may find the fold, seen from the branch
_CLOSE_ORBIT = 0.1  # radians


class Direct(NamedTuple):
    """A fold on `MANY` points, its bias without sign, and whether it is proven to be the end."""

    fold: Fold
    proven: Bool[Array, ""]


def periodic(device: AbstractDynamical, direction: Scalar) -> Periodic:
    """Motion under a bias in a direction."""
    frequency = strobe_frequency(device)

    def force(time: Scalar, x: Scalar, v: Scalar, bias: Scalar) -> Scalar:
        return device.equation_of_motion(frequency * time, x, v, direction * bias)

    period = strobe_period(device)
    steps = jnp.maximum(steps_per_period(device, _STEP), _PER_HARMONIC * device.drive_harmonics())
    return Periodic(force, period, steps, jnp.zeros(()), jnp.exp(-device.damping * period))


def direct_fold(
    device: AbstractDynamical, direction: Scalar, rest: Staircase, restoring: Restoring
) -> Direct:
    """The fold in one direction from the state that the drive was turned up to.

    Args:
        device: in natural units, of one phase and one damping.
        rest: what `turned_on` found.
        restoring: −φ'' without bias and velocity.
    """
    unit, motion = device.typical_current(), periodic(device, direction)
    settled = (rest.held.period == 1) & ~rest.doubled_at_rest & ~rest.running & workable(device)
    start = jnp.concatenate([rest.held.phase, rest.held.velocity, jnp.zeros(1)])

    def finished(branch: Followed) -> Direct:
        guess = turning_point(branch)
        seed = motion.path(guess, FEW)
        fold, good = fold_near(device, restoring, seed, direction * guess[2])
        bias = direction * fold.parameter
        near = (jnp.abs(bias - guess[2]) < _CLOSE * unit) & (tail(fold.orbit) < RESOLVED)
        near = near & (jnp.max(jnp.abs(fold.orbit[:: MANY // FEW] - seed)) < _CLOSE_ORBIT)
        speed = velocity(fold.orbit, strobe_frequency(device))[0]
        state = jnp.stack([jnp.where(good & near, fold.orbit[0], jnp.nan), speed, bias])
        along = branch.last.tangent[:2]
        along = along / jnp.linalg.norm(along)
        leaves = leaves_at_once(motion, state, along, relaxation_time(device), _PAST * unit)
        return Direct(fold, good & near & leaves)

    nothing = jnp.zeros(MANY)
    none = Direct(Fold(jnp.zeros(()), nothing, nothing, nothing), jnp.zeros((), bool))

    def search() -> Direct:
        branch = follow(motion, start, folds)
        return jax.lax.cond(branch.good, lambda: finished(branch), lambda: none)

    return jax.lax.cond(settled, search, lambda: none)  # no loop begins for what is not workable


def fold_near(
    device: AbstractDynamical, restoring: Restoring, seed: Samples, current: Scalar
) -> tuple[Fold, Bool[Array, ""]]:
    """On few points first; on many where those do not resolve it."""

    def find(orbit: Samples, current: Scalar):
        frequency = strobe_frequency(device)
        return find_fold(restoring, device, device.damping, frequency, orbit, current)

    coarse, good = find(seed, current)
    fine = Fold(coarse.parameter, *(interpolate(x, MANY) for x in coarse[1:]))
    return jax.lax.cond(
        good & ~(tail(coarse.orbit) < WELL_RESOLVED),
        lambda: find(fine.orbit, fine.parameter),
        lambda: (fine, good),
    )
