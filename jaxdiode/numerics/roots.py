"""Roots of increasing functions, differentiable to third order without custom rules."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

Scalar = Float[Array, ""]


def value_and_slope(f: Callable[[Scalar], Any], x: Scalar) -> tuple[Any, Any]:
    """f(x) and f'(x) from one forward-mode pass; applied twice it adds f''(x)."""
    return jax.jvp(f, (x,), (jnp.ones_like(x),))


def increasing_root(
    f: Callable[[Scalar, PyTree], Scalar],
    args: PyTree,
    lower: Scalar,
    upper: Scalar,
    steps: int = 12,
    start: Scalar | None = None,
) -> Scalar:
    """Root in x of f(x, args), increasing through it, inside [lower, upper].

    Newton's method, replaced by bisection whenever it leaves the bracket. The search itself is
    not differentiated: the root is then `refined`.

    Args:
        f: function of x and `args` that closes over nothing that is differentiated.
        args: parameters, differentiated.
        lower, upper: f(lower) ≤ 0 ≤ f(upper).
        steps: of the search.
        start: first guess, the middle of the bracket if left out.
    """
    frozen, low, high = jax.lax.stop_gradient((args, lower, upper))
    middle = 0.5 * (low + high)
    first = middle if start is None else jnp.clip(jax.lax.stop_gradient(start), low, high)

    def step(_, state):
        x, low, high = state
        value, slope = value_and_slope(lambda y: f(y, frozen), x)
        low = jnp.where(value <= 0, x, low)
        high = jnp.where(value >= 0, x, high)
        newton = x - value / jnp.where(slope > 0, slope, 1.0)
        inside = (slope > 0) & (newton >= low) & (newton <= high)
        return jnp.where(inside, newton, 0.5 * (low + high)), low, high

    root = jax.lax.fori_loop(0, steps, step, (first, low, high))[0]
    return refined(f, args, root)


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
