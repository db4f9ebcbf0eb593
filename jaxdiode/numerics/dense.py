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
    n = matrix.shape[0]
    index = jnp.arange(n)

    def eliminate(k, state):
        m, positive = state
        pivot = m[k, k]
        factor = jnp.where(index > k, m[:, k] / jnp.where(pivot == 0, 1.0, pivot), 0.0)
        return m - factor[:, None] * m[k], positive & (pivot > 0)

    return jax.lax.fori_loop(0, n, eliminate, (matrix, jnp.ones((), bool)))[1]


def solve_positive(
    matrix: Float[Array, "n n"], right: Float[Array, " n"]
) -> tuple[Float[Array, " n"], Bool[Array, ""]]:
    """x of a symmetric matrix, by elimination without pivoting, and whether all pivots are
    positive: only then is the matrix positive definite, and x good."""
    n = matrix.shape[0]
    index = jnp.arange(n)

    def eliminate(k, state):
        m, positive = state
        pivot = m[k, k]
        factor = jnp.where(index == k, 0.0, m[:, k] / jnp.where(pivot == 0, 1.0, pivot))
        return m - factor[:, None] * m[k], positive & (pivot > 0)

    whole = jnp.concatenate([matrix, right[:, None]], axis=1)
    m, positive = jax.lax.fori_loop(0, n, eliminate, (whole, jnp.ones((), bool)))
    return m[:, -1] / jnp.diagonal(m), positive
