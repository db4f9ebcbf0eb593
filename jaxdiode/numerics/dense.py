"""Inverses and determinants of small dense matrices without LAPACK.

LAPACK calls from XLA on a CPU start threads of their own, which on few cores, or on busy ones,
cost a hundred times the arithmetic of a 50 × 50 matrix, and on a GPU they run one lane at a time.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Inexact


def inverse(matrix: Inexact[Array, "n n"]) -> Inexact[Array, "n n"]:
    """By Gauss–Jordan elimination with partial pivoting; infinite or NaN where singular."""
    n = matrix.shape[0]
    index = jnp.arange(n)
    rows = index[:, None]

    def eliminate(k, state):
        m, order = state
        column = m[:, k]
        pivot = jnp.argmax(jnp.where(index < k, -1.0, jnp.abs(column)))
        top, chosen, scale = m[k], m[pivot], 1 / column[pivot]
        row = jnp.where(index == k, scale, chosen * scale)
        # Rows k and pivot trade places; the k-th column is that of the inverse from here on.
        column = jnp.where(index == pivot, column[k], column)
        m = jnp.where(rows == pivot, top, m)
        m = jnp.where(index == k, 0.0, m) - column[:, None] * row
        m = jnp.where(rows == k, row, m)
        here, there = order[k], order[pivot]
        order = jnp.where(index == pivot, here, order)
        return m, jnp.where(index == k, there, order)

    m, order = jax.lax.fori_loop(0, n, eliminate, (matrix, index))
    return m[:, jnp.argsort(order)]


def bordered(
    matrix: Float[Array, "n n"],
    column: Float[Array, " n"],
    row: Float[Array, " n"],
    corner: float | Float[Array, ""] = 0.0,
) -> Float[Array, "n+1 n+1"]:
    """A matrix with one more column and row."""
    last = jnp.asarray(corner, float)[None, None]
    return jnp.block([[matrix, column[:, None]], [row[None], last]])


def determinant(matrix: Float[Array, "n n"]) -> Float[Array, ""]:
    """By elimination with partial pivoting."""
    n = matrix.shape[0]
    index = jnp.arange(n)

    def eliminate(k, state):
        m, product = state
        pivot = jnp.argmax(jnp.where(index < k, -1.0, jnp.abs(m[:, k])))
        top, chosen = m[k], m[pivot]
        m = m.at[pivot].set(top).at[k].set(chosen)
        factor = jnp.where(index > k, m[:, k] / jnp.where(chosen[k] == 0, 1.0, chosen[k]), 0.0)
        sign = jnp.where(pivot == k, 1.0, -1.0)
        return m - factor[:, None] * chosen, product * sign * chosen[k]

    return jax.lax.fori_loop(0, n, eliminate, (matrix, jnp.ones(())))[1]


def is_positive_definite(matrix: Float[Array, "n n"]) -> Bool[Array, ""]:
    """Of a symmetric matrix, by elimination: all pivots are positive."""
    return _eliminated(matrix, upwards=False)[1]


def solve_positive(
    matrix: Float[Array, "n n"], right: Float[Array, " n"]
) -> tuple[Float[Array, " n"], Bool[Array, ""]]:
    """x of a symmetric matrix, by elimination without pivoting, and whether all pivots are
    positive: only then is the matrix positive definite, and x good."""
    m, positive = _eliminated(jnp.concatenate([matrix, right[:, None]], axis=1), upwards=True)
    return m[:, -1] / jnp.diagonal(m), positive


def _eliminated(
    m: Float[Array, "n columns"], *, upwards: bool
) -> tuple[Float[Array, "n columns"], Bool[Array, ""]]:
    """Rows with zeros below the diagonal, or on both sides; whether all pivots are positive."""
    n = m.shape[0]
    index = jnp.arange(n)

    def eliminate(k, state):
        m, positive = state
        pivot = m[k, k]
        others = index != k if upwards else index > k
        factor = jnp.where(others, m[:, k] / jnp.where(pivot == 0, 1.0, pivot), 0.0)
        return m - factor[:, None] * m[k], positive & (pivot > 0)

    return jax.lax.fori_loop(0, n, eliminate, (m, jnp.ones((), bool)))


def updated_inverse(
    inverted: Float[Array, "n n"], matrix: Float[Array, "n n"]
) -> Float[Array, "n n"]:
    """The inverse from that of a matrix near by: corrected (Newton and Schulz) while that is
    enough, else made anew."""
    apart = jnp.eye(matrix.shape[0]) - inverted @ matrix
    near = jnp.max(jnp.sum(jnp.abs(apart), axis=1)) < 0.5
    return jax.lax.cond(near, lambda: inverted + apart @ inverted, lambda: inverse(matrix))
