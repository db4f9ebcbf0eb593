"""Roots followed along a path: by given points, or every lane in steps of its own."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from .newton import Linearised, Solution, damped_newton


def swept(
    linearise: Callable[[Array, Array], Linearised],
    start: Inexact[Array, "n lanes"],
    points: Float[Array, " m"],
) -> Solution:
    """Roots x(s) of (x, s) → `Linearised` at given points s, each predicted by a secant.

    Args:
        linearise: the equations.
        start: an admissible point from which the first root is found.
        points: s, in order.

    Returns:
        x [m, n, lane] and whether it was found [m, lane].
    """

    def advance(state, s):
        before, last, x_before, x_last = state
        moved = before != last
        ahead = jnp.where(moved, (s - last) / jnp.where(moved, last - before, 1.0), 0.0)
        predicted = x_last + ahead.astype(x_last.dtype) * (x_last - x_before)
        found = damped_newton(lambda x: linearise(x, s), x_last, predicted)
        return (last, s, x_last, found.x), found

    _, found = jax.lax.scan(advance, (points[0], points[0], start, start), points)
    return found


def followed(
    correct: Callable[[Array, Array, Array], Solution],
    start: Inexact[Array, "n lanes"],
    longest: float,
    shortest: float,
) -> Solution:
    """x(1) of roots x(s), from x(0) in small steps of s.

    The next root is predicted by a secant. A step that fails is tried again at a third of its
    length, for the lanes in which it fails; after one that succeeds the next is longer by half.

    Args:
        correct: (s [lane], a root, the predicted root) → the root at s.
        start: where x(0) is looked for.
        longest: step of s, and the first one.
        shortest: below which a lane has failed.
    """
    lanes = start.shape[1]

    def advance(state):
        s, x, s_before, before, step, failed = state
        first = s < 0
        trial = jnp.where(first, 0.0, jnp.minimum(s + step, 1.0))
        moved = s > s_before
        ahead = jnp.where(moved, (trial - s) / jnp.where(moved, s - s_before, 1.0), 0.0)
        found = correct(trial, x, x + ahead.astype(x.dtype) * (x - before))
        taken = found.converged & (s < 1) & ~failed
        step = jnp.where(taken, jnp.minimum(1.5 * step, longest), step / 3)
        s_before = jnp.where(taken, jnp.where(first, trial, s), s_before)
        before = jnp.where(taken, jnp.where(first, found.x, x), before)
        failed |= (s < 1) & ~taken & (first | (step < shortest))
        return (
            jnp.where(taken, trial, s), jnp.where(taken, found.x, x), s_before, before, step, failed
        )  # fmt: skip

    # The first point is one of the loop's, so that what is traced is traced once.
    before_all, none = jnp.full(lanes, -1.0), jnp.zeros(lanes, bool)
    state = before_all, start, before_all, start, jnp.full(lanes, longest), none
    state = jax.lax.while_loop(lambda s: jnp.any((s[0] < 1) & ~s[5]), advance, state)
    return Solution(state[1], ~state[5])
