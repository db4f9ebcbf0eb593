"""The running state of a junction without drive: its limit cycle, and where that ends.

    x'' + βx' + sin x = j,   j ≥ 0,   x = φ + δ, times in 1/√I₁, currents in I₁.

Between two passages of x = 3π/2 the energy E = x'²/2 changes by 2πj − β∮x'dx, and a perturbation
of it shrinks by exp(−βT): Newton's method for the cycle needs no derivatives, and from the
unstable orbit of the saddle its iterates rise to the cycle, wherever there is one. A cycle repeats
after 2π, so that V = 2π/T is a mean over whole periods.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...numerics.oscillator import dopri8

Scalar = Float[Array, ""]

_OVERDAMPED = 0.02  # largest max(j, 1)/β² for the series
_NO_HYSTERESIS = 1.2  # β above which the state at rest ends first (1.193)
_BOTTLENECK = 1.5  # β above which the period close to j = 1 is that of the bottleneck, and smooth
_NEAREST = 1e-3  # √(j² − 1) below which the period is extrapolated, over β√(1 + β²/16)
_LEAVES = 1e-3  # distance from the saddle at which its orbit is joined
_STEP = 0.4  # radians or units of time, whichever passes first
_MOST_STEPS = 300_000  # of one calculation: half a second
_MOST_CYCLES = 100


class Running(NamedTuple):
    """The running state at one bias.

    Attributes:
        velocity: mean of x'; 0 where there is no running state.
        error: of that.
        exists: there is one.
        finished: the calculation came to its end.
    """

    velocity: Scalar
    error: Scalar
    exists: Bool[Array, ""]
    finished: Bool[Array, ""]


def running_state(damping: Scalar, bias: Scalar) -> Running:
    """The running state at a bias j ≥ 0: a limit cycle, or series in 1/β² or √(j² − 1)."""
    overdamped = jnp.maximum(bias, 1.0) <= _OVERDAMPED * damping**2
    resting = (bias <= 1 + 1e-14) & (damping >= _NO_HYSTERESIS)
    slow, slow_error = _series(damping, bias)
    # Where no cycle is needed one is found at once, and close to j = 1 two farther away.
    skip = overdamped | resting
    beta, j = jnp.where(skip, 1.0, damping), jnp.where(skip, 2.0, bias)
    root = jnp.sqrt(jnp.maximum(j - 1, 0.0) * (j + 1))
    nearest = _NEAREST * beta * jnp.sqrt(1 + beta**2 / 16)
    close = (beta >= _BOTTLENECK) & (root < nearest)
    biases = jnp.where(close, jnp.sqrt(1 + (nearest * jnp.array([1.0, 2.0])) ** 2), j)
    sizes = _STEP * jnp.stack([jnp.where(close, 0.5, 1.0), 0.5 * jnp.ones_like(beta)])
    velocity, exists, finished = jax.lax.map(lambda x: _cycle(beta, *x), (biases, sizes))
    error = jnp.abs(velocity[1] - velocity[0]) + 1e-14 * velocity[1]
    # T − 2πβ/√(j² − 1) is smooth there.
    root, nearest = (jnp.where(close, x, 1.0) for x in (root, nearest))
    first, second = 2 * jnp.pi / velocity - 2 * jnp.pi * beta / nearest * jnp.array([1.0, 0.5])
    rest = first + (second - first) * (root - nearest) / nearest
    limit = 2 * jnp.pi * root / (2 * jnp.pi * beta + root * rest)
    limit_error = limit**2 * jnp.abs(second - first) / (2 * jnp.pi) + 1e-14 * limit
    kinds = [overdamped, close]
    value = jnp.select(kinds, [slow, limit], velocity[1])
    error = jnp.select(kinds, [slow_error, limit_error], error)
    exists = jnp.where(skip, ~resting, exists[1])
    value, error = (jnp.where(exists, x, 0.0) for x in (value, error))
    return Running(value, error, exists, skip | jnp.all(finished))


def _series(damping, bias):
    """V to sixth order in 1/β², and the size of the last term.

    W = βx' solves W dW/dx /β² + W = j − sin x; term by term, and ∮dx/W of all by partial fractions.
    """
    j = jnp.maximum(bias, 1.0)
    r = jnp.sqrt((j - 1) * (j + 1))
    square = 1 / damping**4
    second = -1 / (j + r)
    fourth = j * (5 * j**2 - 7) - 5 * r**3
    sixth = 42 * r**5 - j * (336 * j**4 - 836 * j**2 + 549) / 8
    period = 1 + r * square * (second + square * (fourth + square * sixth))
    velocity = r / period / damping
    return velocity, velocity * (jnp.abs(r * square**3 * sixth) + 1e-15)


class _Pass(NamedTuple):
    x: Scalar
    v: Scalar
    time: Scalar
    action: Scalar
    last: Bool[Array, ""]
    steps: Array


def _cycle(beta, j, size):
    """Mean velocity of the limit cycle, whether it exists, and whether the steps sufficed."""
    section = 1.5 * np.pi

    def field(state, to_section):
        x, v, _, _ = state
        # By its own clock until the section is near, then along x, to end there.
        clock = jnp.where(to_section, 1 / v, 1 / jnp.sqrt(1 + beta**2 / 16 + v**2))
        return v * clock, (j - jnp.sin(x) - beta * v) * clock, clock, v**2 * clock

    def leg(x, v, steps):
        """To the next passage of the section, unless the velocity reaches zero."""

        def unfinished(s):
            return (s.x < section) & (s.v > 0) & (s.steps < _MOST_STEPS)

        def step(s):
            before = s.x, s.v, s.time, s.action
            length = jnp.where(s.last, section - s.x, size)
            after = dopri8(lambda y: field(y, s.last), before, length)
            beyond = ~s.last & (after[0] >= section)
            x, v, time, action = (
                jnp.where(beyond, a, b) for a, b in zip(before, after, strict=True)
            )
            x = jnp.where(s.last, section, x)
            return _Pass(x, v, time, action, beyond, s.steps + 1)

        zero = jnp.zeros_like(x)
        return jax.lax.while_loop(
            unfinished, step, _Pass(x, v, zero, zero, jnp.zeros((), bool), steps)
        )

    def unfinished(state):
        _, _, _, change, k, _, going = state
        return going & (change > 1e-11) & (k < _MOST_CYCLES)

    def newton(state):
        x, v, _, _, k, steps, _ = state
        one = leg(x, v, steps)
        first = k == 0
        energy = 0.5 * v**2
        gain = 2 * jnp.pi * j - beta * one.action
        change = gain / -jnp.expm1(-beta * one.time)
        following = jnp.sqrt(2 * jnp.maximum(energy + change, 0.0))
        v = jnp.where(first, one.v, following)
        change = jnp.where(first, jnp.inf, jnp.abs(change) / (energy + jnp.abs(change)))
        going = (one.v > 0) & (one.x >= section)
        return section - 2 * jnp.pi + 0 * x, v, one.time, change, k + 1, one.steps, going

    # On the unstable orbit of the saddle; above j = 1 at rest in the bottleneck.
    sine = jnp.minimum(j, 1.0)
    slope = jnp.sqrt((1 - sine) * (1 + sine))
    rate = jnp.sqrt(beta**2 / 4 + slope) - beta / 2
    speed = _LEAVES * (rate + _LEAVES * sine / (2 * (3 * rate + beta)))
    x = np.pi - jnp.arcsin(sine) + jnp.where(j > 1, 0.0, _LEAVES)
    v = jnp.where(j > 1, 1e-30, speed)
    start = x, v, jnp.ones_like(x), jnp.full_like(x, jnp.inf), 0, 0, jnp.ones((), bool)
    _, _, period, change, _, steps, going = jax.lax.while_loop(unfinished, newton, start)
    finished = (steps < _MOST_STEPS) & ((change <= 1e-10) | ~going)
    return 2 * jnp.pi / period, going & finished, finished
