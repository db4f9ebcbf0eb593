"""Fixed-step integration of ẍ = a(t, x, ẋ): the hot loop of ramps, 0.3 µs per step on a CPU."""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Scalar = Float[Array, ""]
Acceleration = Callable[[Scalar, Scalar, Scalar], Scalar]  # (t, x, v) → a


def rk4(acceleration: Acceleration, time, x, v, size) -> tuple[Scalar, Scalar]:
    """One classical Runge–Kutta step."""
    half = 0.5 * size
    k1 = acceleration(time, x, v)
    v2 = v + half * k1
    k2 = acceleration(time + half, x + half * v, v2)
    v3 = v + half * k2
    k3 = acceleration(time + half, x + half * v2, v3)
    v4 = v + size * k3
    k4 = acceleration(time + size, x + size * v3, v4)
    sixth = size / 6
    return x + sixth * (v + 2 * (v2 + v3) + v4), v + sixth * (k1 + 2 * (k2 + k3) + k4)


def advance(
    acceleration: Acceleration, start, x, v, size, count: int | Int[Array, ""]
) -> tuple[Scalar, Scalar]:
    """`count` steps from time `start`."""

    def body(k, state):
        x, v = state
        return rk4(acceleration, start + size * jnp.asarray(k, float), x, v, size)

    return jax.lax.fori_loop(0, count, body, (x, v))


def advance_with_trace(
    acceleration: Acceleration, start, x, v, size, count: int | Int[Array, ""]
) -> tuple[Scalar, Scalar, Scalar]:
    """The same, with the trace of ∂(x, v)/∂(x₀, v₀)."""

    def body(k, state):
        time = start + size * jnp.asarray(k, float)
        (x, v), first, second = state

        def one(x, v):
            return rk4(acceleration, time, x, v, size)

        after, push = jax.linearize(one, x, v)
        return after, push(*first), push(*second)

    one, zero = jnp.ones_like(x), jnp.zeros_like(x)
    state = ((x, v), (one, zero), (zero, one))
    (x, v), (x_x, _), (_, v_v) = jax.lax.fori_loop(0, count, body, state)
    return x, v, x_x + v_v


@cache
def _dormand_prince():
    """Coefficients of Dormand and Prince's method of order 8, without the stage for errors."""
    import diffrax
    import numpy as np

    tableau = diffrax.Dopri8.tableau
    rows = [np.zeros(0), *(np.asarray(row, float) for row in tableau.a_lower)]
    weights = np.asarray(tableau.b_sol, float)
    stages = int(np.flatnonzero(weights)[-1]) + 1
    return [row.tolist() for row in rows[:stages]], weights[:stages].tolist()


def dopri8(field: Callable[[tuple], tuple], state: tuple, size) -> tuple:
    """One step of order 8 of y' = field(y); time, where it matters, is a component of y."""
    rows, weights = _dormand_prince()
    slopes: list[tuple] = []

    def moved(coefficients):
        terms = [(a, k) for a, k in zip(coefficients, slopes, strict=True) if a != 0.0]
        return tuple(
            y + size * sum((a * k[n] for a, k in terms), jnp.zeros_like(y))
            for n, y in enumerate(state)
        )

    for row in rows:
        slopes.append(field(moved(row)))
    return moved(weights)
