"""Products and inverses of small complex matrices whose lanes lie on the trailing axes.

A matrix is an array [i, j, ...]: its elements are contiguous in the lanes, so that a product is a
few vector operations. Batched `dot_general` and LAPACK are ten to a hundred times slower here.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array


def complexified(x: Array) -> Array:
    """A real array as a complex one; a complex one as it is."""
    return x if jnp.iscomplexobj(x) else jax.lax.complex(x, jnp.zeros_like(x))


def product(a: Array, b: Array) -> Array:
    """a b of matrices [i, j, ...] and [j, k, ...]; lanes broadcast."""
    return jnp.sum(a[:, :, None] * b[None], axis=1)


@jax.custom_jvp
def inverse(a: Array) -> Any:
    """Gauss–Jordan elimination without pivoting, written out.

    Backward stable where the Hermitian part of `a` is positive, as that of 1 + x with ‖x‖ < 1:
    no pivot vanishes then.
    """
    n = a.shape[0]
    rows = list(a)
    for k in range(n):
        pivot = 1 / rows[k][k]
        top = rows[k].at[k].set(jnp.ones_like(pivot)) * pivot
        for i in range(n):
            if i != k:
                factor = rows[i][k]
                rows[i] = rows[i].at[k].set(jnp.zeros_like(factor)) - factor * top
        rows[k] = top
    return jnp.stack(rows)


@inverse.defjvp
def _inverse_jvp(primals, tangents):
    # d(a⁻¹) = −a⁻¹ da a⁻¹: two products to compile, where elimination is a hundred operations.
    found = inverse(primals[0])
    return found, -product(product(found, tangents[0]), found)


def exponential(a: Array) -> Array:
    """e^a of 2 × 2 matrices whose traceless part is small: 1e-16 for a determinant below 4.

    With h half the trace and δ² minus the determinant of the rest, e^h (cosh δ + (a − h) sinh δ/δ),
    both series in δ²: analytic where the eigenvalues meet.
    """
    half = (a[0, 0] + a[1, 1]) / 2
    rest = a - half * identity(a)
    square = rest[0, 1] * rest[1, 0] - rest[0, 0] * rest[1, 1]
    even, odd = jnp.ones_like(half), jnp.ones_like(half)
    for k in range(10, 0, -1):
        even = 1 + square / ((2 * k - 1) * 2 * k) * even
        odd = 1 + square / (2 * k * (2 * k + 1)) * odd
    return jnp.exp(half) * (even * identity(a) + odd * rest)


def identity(like: Array) -> Array:
    """The unit matrix, with an axis of length one for every lane axis of `like`."""
    n = like.shape[0]
    return jnp.eye(n, dtype=like.dtype).reshape((n, n) + (1,) * (like.ndim - 2))
