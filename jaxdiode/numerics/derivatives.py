"""Exact derivatives of numbers that a search has found, each order at its own price."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

Scalar = Float[Array, ""]


def differentiable_value(
    value: Scalar,
    args: PyTree,
    found: PyTree,
    first: Callable[[PyTree, PyTree], Scalar],
    second: Callable[[PyTree, PyTree], Scalar],
) -> Any:
    """A value as a function of `args`, with gradient and Hessian.

    Args:
        value: the number at `args`.
        args: what it depends on.
        found: all else that the functions below need; not differentiated.
        first: (args, found) → a number whose gradient is exact.
        second: (args, found) → one whose gradient and Hessian are, which may cost much: it is only
            computed where a Hessian is asked for.
    """
    given, fixed = eqx.partition(args, eqx.is_inexact_array)
    vector, unravel = ravel_pytree(given)

    def at(function: Callable, vector: Array, frozen: tuple) -> Any:
        fixed, found = frozen
        return function(eqx.combine(unravel(vector), fixed), found)

    @jax.custom_jvp
    def known(value, vector, frozen):
        del vector, frozen
        return value

    @known.defjvp
    def _(primals, tangents):
        value, vector, frozen = primals
        return known(value, vector, frozen), slope(vector, frozen) @ tangents[1]

    @jax.custom_jvp
    def slope(vector, frozen):
        return jax.grad(lambda x: at(first, x, frozen))(vector)

    @slope.defjvp
    def _(primals, tangents):
        vector, frozen = primals
        steep = jax.grad(lambda x: at(second, x, frozen))
        return slope(vector, frozen), jax.jvp(steep, (vector,), (tangents[0],))[1]

    return known(*jax.lax.stop_gradient((value,)), vector, jax.lax.stop_gradient((fixed, found)))
