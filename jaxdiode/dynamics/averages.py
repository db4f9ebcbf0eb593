"""First guesses of folds: the mean current of a phase that follows its drive without stiffness.

Such a phase is nθ/m + X + ξ, ξ'' + βξ' = f, or ξ' = f without capacitance. Its mean current
⟨I(nθ/m + X + ξ)⟩ has maxima in X, near which orbits fold.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .strobe import CANDIDATES, Locked

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

_MEANS = 64  # X on which the mean current is searched


class Guesses(NamedTuple):
    """The highest maxima first, and what else is high where there are fewer.

    Attributes:
        orbits: X + ξ.
        height: the mean current.
        real: it is a maximum.
    """

    orbits: Float[Array, "candidates n"]
    height: Float[Array, " candidates"]
    real: Bool[Array, " candidates"]


def guesses(problem: Locked, periods: Scalar, damping: Scalar | None, points: int) -> Guesses:
    """Of one sign's problem, sampled over m periods."""
    angle = 2 * jnp.pi * periods / points * jnp.arange(points, dtype=float)
    along = _without_stiffness(problem, damping, angle)
    turned = problem.turns * angle / periods + along
    mean = 2 * jnp.pi / _MEANS * jnp.arange(_MEANS, dtype=float)
    averaged = jnp.mean(problem.current(mean[:, None] + turned), axis=1)
    higher = (averaged >= jnp.roll(averaged, 1)) & (averaged > jnp.roll(averaged, -1))
    peaks = jnp.argsort(-jnp.where(higher, averaged, -jnp.inf))[:CANDIDATES]
    return Guesses(mean[peaks][:, None] + along, averaged[peaks], higher[peaks])


def _without_stiffness(problem: Locked, damping: Scalar | None, angle: Samples) -> Samples:
    """ξ."""
    drive = problem.drive
    order = jnp.arange(1, drive.amplitude.size + 1, dtype=float)
    turn = order * drive.frequency
    if damping is None:
        in_phase, behind = jnp.zeros_like(turn), 1 / turn
    else:
        size = 1 / (turn**4 + (damping * turn) ** 2)
        in_phase, behind = -size * turn**2, size * damping * turn
    amplitude = problem.sign * drive.amplitude
    turned = order[:, None] * (angle + problem.origin) + drive.phase[:, None]
    return (amplitude * in_phase) @ jnp.cos(turned) + (amplitude * behind) @ jnp.sin(turned)
