"""Newton's method for many small systems side by side, each with its own step length."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Inexact, Int, PyTree

from .dense import inverse

_SHORTEST = 1e-4
_CHORDS, _NEAR, _FALL = 3, 0.1, 0.1  # steps with one Jacobian, how long they may be, how they fall


class Linearised(NamedTuple):
    """A system of n equations around x, for every lane.

    Attributes:
        residual: R(x), [n, lane].
        step: −(∂R/∂x)⁻¹R(x), [n, lane].
        admissible: whether x lies where the equations mean something, [lane].
        chord: y → −(∂R/∂x)⁻¹R(y) with the derivatives at x, where R alone costs much less.
    """

    residual: Inexact[Array, "n lanes"]
    step: Inexact[Array, "n lanes"]
    admissible: Bool[Array, " lanes"]
    chord: Callable[[Array], Array] | None = None


class Solution(NamedTuple):
    """x where R(x) = 0, and whether each lane got there."""

    x: Inexact[Array, "n lanes"]
    converged: Bool[Array, " lanes"]


def damped_newton(
    linearise: Callable[[Array], Linearised],
    start: Inexact[Array, "n lanes"],
    predicted: Inexact[Array, "n lanes"],
    tolerance: float = 1e-7,
    most: int = 60,
) -> Solution:
    """Roots of R(x) = 0, from `start` towards `predicted` and on by Newton steps.

    A step is taken if it stays admissible and lowers |R|, else a third of it is tried; a
    prediction that is not admissible is approached the same way. A lane ends with a last step
    shorter than `tolerance`, which leaves an error of its square, or where steps with the same
    derivatives leave as little.

    Args:
        linearise: x → `Linearised`.
        start: an admissible point.
        predicted: where the root is expected.
        tolerance: largest component of the last step.
        most: evaluations, after which the remaining lanes have failed.
    """

    def step(state):
        count, x, direction, norm, length, done, failed = state
        trial = x + length.astype(x.dtype) * direction
        here = linearise(trial)
        size = jnp.sqrt(jnp.sum(jnp.abs(here.residual) ** 2, axis=0))
        newton = here.step
        # What solves the equations to rounding cannot be lowered further.
        lower = (size <= (1 - 0.1 * length) * norm) | (size <= 1e-14)
        accepted = here.admissible & lower & jnp.isfinite(size) & ~done & ~failed
        last = accepted & (_size(newton) <= tolerance)
        end = trial + newton
        if here.chord is not None:
            end, ended = _along_chords(here.chord, end, newton, tolerance)
            last |= accepted & ended
        x = jnp.where(accepted, jnp.where(last, end, trial), x)
        direction = jnp.where(accepted, newton, direction)
        norm = jnp.where(accepted, size, norm)
        length = jnp.where(accepted, 1.0, length / 3)
        failed |= ~done & ~last & (length < _SHORTEST)
        return count + 1, x, direction, norm, length, done | last, failed

    lanes = start.shape[1:]
    none = jnp.zeros(lanes, bool)
    state = (0, start, predicted - start, jnp.full(lanes, jnp.inf), jnp.ones(lanes), none, none)
    state = jax.lax.while_loop(lambda s: (s[0] < most) & jnp.any(~s[5] & ~s[6]), step, state)
    return Solution(state[1], state[5])


def chord_iteration(
    advance: Callable[[Array], tuple[Array, Array]],
    start: Inexact[Array, "*n lanes"],
    tolerance: float,
    most: int,
) -> tuple[Array, Bool[Array, " lanes"], Int[Array, ""]]:
    """x ← x − J⁻¹R(x) with derivatives that are known from elsewhere, as long as steps fall.

    Args:
        advance: x → (the next x, size of the step of every lane).
        start: x.
        tolerance: last step.
        most: steps.

    Returns:
        x, which lanes have converged, and how many steps were made.
    """

    def step(state):
        count, x, before, good = state
        found, size = advance(x)
        good &= jnp.isfinite(size) & ((size <= 0.5 * before) | (size <= tolerance))
        x = jnp.where(good, found, x)
        return count + 1, x, size, good

    def running(state):
        count, _, size, good = state
        return (count < most) & jnp.any(good & (size > tolerance))

    lanes = start.shape[-1:]
    state = jnp.zeros((), int), start, jnp.full(lanes, jnp.inf), jnp.ones(lanes, bool)
    count, x, size, good = jax.lax.while_loop(running, step, state)
    return x, good & (size <= tolerance), count


def _along_chords(
    chord: Callable[[Array], Array], x: Array, step: Array, tolerance: float
) -> tuple[Array, Bool[Array, " lanes"]]:
    """A few steps on from x, and whether what they leave is below the square of the tolerance."""

    def further(_, state):
        x, before, _, falls = state
        step = chord(x)
        size = _size(step)
        # Steps fall by one factor, and so does what is left of them.
        falls &= (size <= _FALL * before) | (size <= tolerance**2)
        left = size * size / jnp.where(before > 0, before, 1.0)
        return x + step, size, left, falls

    size = _size(step)
    state = x, size, jnp.full_like(size, jnp.inf), size <= _NEAR
    x, size, left, falls = jax.lax.fori_loop(0, _CHORDS, further, state)
    return x, falls & (left <= tolerance**2)


def _size(step: Inexact[Array, "n lanes"]) -> Float[Array, " lanes"]:
    return jnp.max(jnp.abs(step), axis=0)


def solved(
    jacobian: Inexact[Array, "n n lanes"], vector: Inexact[Array, "n lanes"]
) -> Inexact[Array, "n lanes"]:
    """J⁻¹v of every lane."""
    return multiplied(inverted(jacobian), vector)


def inverted(jacobian: Inexact[Array, "n n lanes"]) -> Inexact[Array, "n n lanes"]:
    """J⁻¹ of every lane."""
    return jax.vmap(inverse, in_axes=-1, out_axes=-1)(jacobian)


def multiplied(
    matrix: Inexact[Array, "m n lanes"], vector: Inexact[Array, "n lanes"]
) -> Inexact[Array, "m lanes"]:
    """The product of every lane."""
    return jnp.sum(matrix * vector[None], axis=1)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def implicit_solution(
    residual: Callable[[Array, PyTree], Array],
    solve: Callable[[Array, PyTree, Array], Array],
    args: PyTree,
    x: Inexact[Array, "n lanes"],
) -> Any:
    """Located roots of residual(x, args) = 0 as exact functions of `args`, to every order.

    By the implicit function theorem, dx = −(∂R/∂x)⁻¹ ∂R/∂args · d args.

    Args:
        residual: (x, args) → R, [n, lane].
        solve: (x, args, v) → (∂R/∂x)⁻¹v, linear in v.
        args: parameters, differentiated.
        x: the roots; not differentiated.
    """
    del residual, solve, args
    return x


@implicit_solution.defjvp
def _implicit_solution_jvp(residual, solve, primals, tangents):
    args, x = primals
    root = implicit_solution(residual, solve, args, x)
    _, change = jax.jvp(lambda a: residual(root, a), (args,), (tangents[0],))
    return root, -solve(root, args, change)
