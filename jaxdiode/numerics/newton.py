"""Newton's method for many small systems side by side, each with its own step length."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Inexact, PyTree

from .dense import inverse

_SHORTEST = 1e-4


class Linearised(NamedTuple):
    """A system of n equations around x, for every lane.

    Attributes:
        residual: R(x), [n, lane].
        step: −(∂R/∂x)⁻¹R(x), [n, lane].
        admissible: whether x lies where the equations mean something, [lane].
    """

    residual: Inexact[Array, "n lanes"]
    step: Inexact[Array, "n lanes"]
    admissible: Bool[Array, " lanes"]


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
    shorter than `tolerance`, which leaves an error of its square.

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
        last = accepted & (jnp.max(jnp.abs(newton), axis=0) <= tolerance)
        x = jnp.where(accepted, jnp.where(last, trial + newton, trial), x)
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


def solved(
    jacobian: Inexact[Array, "n n lanes"], vector: Inexact[Array, "n lanes"]
) -> Inexact[Array, "n lanes"]:
    """J⁻¹v of every lane."""
    inverted = jax.vmap(inverse, in_axes=-1, out_axes=-1)(jacobian)
    return jnp.sum(inverted * vector[None], axis=1)


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
