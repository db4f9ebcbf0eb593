"""Roots of increasing functions, differentiable to third order."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

Scalar = Float[Array, ""]


def value_and_slope(f: Callable[[Any], Any], x: Float[Array, "..."]) -> tuple[Any, Any]:
    """f(x) and f'(x) of f that acts element by element, from one forward-mode pass; applied
    twice it adds f''(x)."""
    return jax.jvp(f, (x,), (jnp.ones_like(x),))


def increasing_root(
    f: Callable[[Scalar, PyTree], Scalar],
    args: PyTree,
    lower: Scalar,
    upper: Scalar,
    steps: int = 12,
) -> Scalar:
    """Root in x of f(x, args), increasing through it, inside [lower, upper]: found, then refined.

    Args:
        f: function of x and `args` that closes over nothing that is differentiated.
        args: parameters, differentiated.
        lower, upper: f(lower) ≤ 0 ≤ f(upper).
        steps: of the search, which is not differentiated.
    """
    return refined(f, args, bracketed_root(f, args, lower, upper, steps))


def bracketed_root(
    f: Callable[[Scalar, PyTree], Scalar],
    args: PyTree,
    lower: Scalar,
    upper: Scalar,
    steps: int = 12,
    start: Scalar | None = None,
    tolerance: float = 0.0,
) -> Scalar:
    """The search of `increasing_root`: Newton's method, bisection whenever it leaves the bracket.

    Args:
        start: first guess, the middle of the bracket if left out.
        tolerance: size of a Newton step, relative to the root, that ends the search early; the
            root is then twice as good. Worth it where f is dear and lanes do not wait.
    """
    frozen, low, high = jax.lax.stop_gradient((args, lower, upper))
    middle = 0.5 * (low + high)
    first = middle if start is None else jnp.clip(jax.lax.stop_gradient(start), low, high)

    def step(state):
        k, x, low, high, _ = state
        value, slope = value_and_slope(lambda y: f(y, frozen), x)
        low = jnp.where(value <= 0, x, low)
        high = jnp.where(value >= 0, x, high)
        newton = x - value / jnp.where(slope > 0, slope, 1.0)
        inside = (slope > 0) & (newton >= low) & (newton <= high)
        following = jnp.where(inside, newton, 0.5 * (low + high))
        ended = inside & (jnp.abs(newton - x) <= tolerance * jnp.abs(newton))
        return k + 1, following, low, high, ended

    state = (0, first, low, high, jnp.zeros_like(first, bool))
    if tolerance > 0:
        state = jax.lax.while_loop(lambda s: (s[0] < steps) & ~s[4], step, state)
    else:
        state = jax.lax.fori_loop(0, steps, lambda _, s: step(s), state)
    return state[1]


def refined(f: Callable[[Scalar, PyTree], Scalar], args: PyTree, root: Scalar) -> Scalar:
    """A located root of f(x, args) = 0 as an exact function of `args`.

    Two Newton steps are differentiated, and each doubles the number of correct derivatives
    (Newton on Taylor coefficients), so value, gradient, Hessian and third derivatives are exact
    at a simple root. Where the slope vanishes the root stays and its derivatives are 0.
    """
    root = jax.lax.stop_gradient(root)
    for _ in range(2):
        value, slope = value_and_slope(lambda y: f(y, args), root)
        root = root - value / jnp.where(slope != 0, slope, jnp.inf)
    return root


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def implicit_root(f: Callable[[Scalar, PyTree], Scalar], args: PyTree, root: Scalar) -> Scalar:
    """An accurate simple root of f(x, args) = 0 as an exact function of `args`, to every order.

    By the implicit function theorem: a smaller graph than `refined` has where f is long, a larger
    one where third derivatives are taken. Where the slope vanishes derivatives are 0.
    """
    del f, args
    return root


@implicit_root.defjvp
def _implicit_root_jvp(f, primals, tangents):
    args, guess = primals
    root = implicit_root(f, args, guess)
    _, slope = value_and_slope(lambda y: f(y, args), root)
    _, change = jax.jvp(lambda a: f(root, a), (args,), (tangents[0],))
    return root, -change / jnp.where(slope != 0, slope, jnp.inf)
