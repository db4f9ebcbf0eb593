"""Fixed-step integration of ẍ = a(t, x, ẋ): the hot loop of ramps, 0.1 µs per step on a CPU."""

from collections.abc import Callable, Sequence
from functools import cache

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

Scalar = Float[Array, ""]
Phases = Float[Array, " n"]
Acceleration = Callable[[Scalar, Array, Array], Array]  # (t, x, v) → a


_RK4 = ([[0.0] * 4, [0.5, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 1.0, 0]], [1 / 6, 1 / 3, 1 / 3, 1 / 6])


def _by_a_loop(
    field: Callable[[tuple], tuple], state: tuple, size: Scalar, rows: list, weights: list
) -> tuple:
    """One Runge–Kutta step of y' = field(y), its stages in a loop.

    Slower for one phase, but where entries depend on each other XLA's fused arithmetic would
    compute every earlier stage anew for each of them: nˢ times the work in s stages.
    """
    flat, unravelled = ravel_pytree(state)
    count = len(weights)
    table = jnp.asarray([[*row, *[0.0] * (count - len(row))] for row in rows], float)

    def stage(k, slopes):
        here = unravelled(flat + size * (table[k] @ slopes))
        return slopes.at[k].set(ravel_pytree(field(here))[0])

    slopes = jax.lax.fori_loop(0, count, stage, jnp.zeros((count, flat.size)))
    return unravelled(flat + size * (jnp.asarray(weights) @ slopes))


def rk4(
    acceleration: Acceleration,
    time: Scalar,
    x: Float[Array, "*n"],
    v: Float[Array, "*n"],
    size: Scalar,
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """One classical Runge–Kutta step."""
    if x.size > 1:

        def field(y):
            t, x, v = y
            return jnp.ones_like(t), v, acceleration(t, x, v)

        _, x, v = _by_a_loop(field, (jnp.asarray(time), x, v), size, *_RK4)
        return x, v
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


def packed(values: Sequence[Array]) -> Float[Array, " entries"]:
    """Numbers as one array, the state of a loop over small steps.

    XLA makes a program of its own for each array that leaves a loop's body, and what they have in
    common is computed anew in each; the entries of one array, selected, share it.
    """
    numbers = [jnp.reshape(value, ()) for value in values]
    entry, found = jnp.arange(len(numbers)), numbers[-1]
    for k, number in enumerate(numbers[:-1]):
        found = jnp.where(entry == k, number, found)
    return found


def advance(
    acceleration: Acceleration,
    start: float | Scalar,
    x: Float[Array, "*n"],
    v: Float[Array, "*n"],
    size: Scalar,
    count: int | Int[Array, ""],
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """`count` steps from time `start`."""

    def step(k, x, v):
        return rk4(acceleration, start + size * jnp.asarray(k, float), x, v, size)

    if x.size > 1:
        return jax.lax.fori_loop(0, count, lambda k, state: step(k, *state), (x, v))
    shape = x.shape

    def body(k, state):
        return packed(step(k, state[0].reshape(shape), state[1].reshape(shape)))

    x, v = jax.lax.fori_loop(0, count, body, packed((x, v)))
    return x.reshape(shape), v.reshape(shape)


def advance_with_monodromy(
    acceleration: Acceleration,
    start: float | Scalar,
    x: Phases,
    v: Phases,
    size: Scalar,
    count: int | Int[Array, ""],
) -> tuple[Phases, Phases, Float[Array, "2*n 2*n"]]:
    """The same, with ∂(x, v)/∂(x₀, v₀)."""

    def linearized(k, x, v):
        time = start + size * jnp.asarray(k, float)
        return jax.linearize(lambda x, v: rk4(acceleration, time, x, v, size), x, v)

    if x.size == 1:

        def body_of_one(k, state):
            x, v, *columns = state[:, None]
            after, push = linearized(k, x, v)
            return packed([*after, *push(*columns[:2]), *push(*columns[2:])])

        begin = packed([x, v, *jnp.eye(2).ravel()])
        found = jax.lax.fori_loop(0, count, body_of_one, begin)
        return found[:1], found[1:2], found[2:].reshape(2, 2).T

    def body(k, state):
        (x, v), columns = state
        after, push = linearized(k, x, v)
        return after, jax.vmap(push)(*columns)

    unit = jnp.eye(2 * x.size)
    start_columns = unit[:, : x.size], unit[:, x.size :]
    (x, v), columns = jax.lax.fori_loop(0, count, body, ((x, v), start_columns))
    return x, v, jnp.concatenate(columns, axis=1).T


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
    if any(y.size > 1 for y in state):
        return _by_a_loop(field, state, size, rows, weights)
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
