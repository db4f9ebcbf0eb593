"""Periodic orbits of a forced oscillator, one for each mean phase."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .dense import bordered, updated_inverse
from .orbits import Restoring, System

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

_ACCURATE = 1e-11  # correction after which an orbit is found
_MOST = 15  # corrections
_FARTHEST = 0.5  # radians, of one


def orbit_family(
    restoring: Restoring,
    args: Any,
    damping: Scalar,
    frequency: Scalar,
    orbit: Samples,
    means: Float[Array, " means"],
    *,
    turns: Scalar | float = 1.0,
) -> tuple[Float[Array, " means"], Float[Array, "means n"], Bool[Array, ""]]:
    """The forces p at which orbits have given means, the orbits, and whether all were found.

        Ω²u'' + βΩu' + g(θ, u) = p,  ⟨u⟩ = X:  n + 1 equations for u and p, by Newton's method,

    regular at folds. Each orbit is the first guess of the next, so that means go on in small steps.

    Args:
        restoring: g(θ, x, args).
        orbit: a guess of the first.
        turns: periods of the forcing per period of the orbit.
    """
    system = System(restoring, args, damping, frequency, turns, False, orbit.size)
    size = orbit.size

    def unfinished(state):
        *_, step, k = state
        return (step > _ACCURATE) & (step < 1e3) & (k < _MOST)

    def find(held: tuple, mean: Scalar):
        orbit, force, inverted = held

        def newton(state):
            u, p, inverted, _, k = state
            g, slope = system.force(u)
            matrix = bordered(system.linear + jnp.diag(slope), -system.ones, system.mean)
            inverted = updated_inverse(inverted, matrix)
            value = jnp.append(system.linear @ u + g - p, system.mean @ u - mean)
            step = -inverted @ value
            most = jnp.max(jnp.abs(step))
            step = jnp.minimum(1.0, _FARTHEST / most) * step
            return u + step[:-1], p + step[-1], inverted, most, k + 1

        begin = orbit + mean - system.mean @ orbit, force, inverted, jnp.ones(()), 0
        u, p, inverted, step, _ = jax.lax.while_loop(unfinished, newton, begin)
        good = (step <= 1e-9) & jnp.all(jnp.isfinite(u))
        return (u, p, inverted), (p, u, good)

    begin = orbit, jnp.zeros(()), jnp.zeros((size + 1, size + 1))
    _, (forces, orbits, good) = jax.lax.scan(find, begin, means)
    return forces, orbits, jnp.all(good)
