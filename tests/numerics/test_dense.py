"""Inverses against NumPy's: equal to the condition number times rounding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.numerics.dense import determinant, inverse, solve_positive

inverse = jax.jit(inverse)


@pytest.mark.parametrize("n", [1, 2, 12, 65])
def test_random(n):
    matrix = np.random.default_rng(n).normal(size=(n, n))
    expected = np.linalg.inv(matrix)
    allowed = 1e-14 * np.linalg.cond(matrix) * np.abs(expected).max() * n
    np.testing.assert_allclose(inverse(jnp.asarray(matrix)), expected, rtol=0, atol=allowed)


def test_badly_scaled():
    """Rows and columns from 1e-6 to 1e6: each entry to 1e-8 of its own scale."""
    rng = np.random.default_rng(0)
    rows, columns = 10.0 ** rng.uniform(-6, 6, (2, 12))
    plain = rng.normal(size=(12, 12))
    found = np.asarray(inverse(jnp.asarray(rows[:, None] * plain * columns)))
    found = columns[:, None] * found * rows
    np.testing.assert_allclose(found, np.linalg.inv(plain), rtol=0, atol=1e-8)


def test_pivots():
    """Zeros on the diagonal, and 1e-20, which without pivoting costs all digits."""
    for matrix in (
        [[0.0, 1.0], [1.0, 0.0]],
        [[1e-20, 1.0], [1.0, 1.0]],
        np.roll(np.eye(12), 5, axis=1) * np.arange(1.0, 13.0),
        [[0.0, 2.0, 0.0], [0.0, 0.0, 3.0], [4.0, 0.0, 0.0]],
    ):
        found = inverse(jnp.asarray(matrix))
        np.testing.assert_allclose(found, np.linalg.inv(matrix), rtol=0, atol=1e-15)


@pytest.mark.parametrize("matrix", [np.zeros((2, 2)), [[1.0, 2.0], [2.0, 4.0]]])
def test_singular_is_not_finite(matrix):
    assert not np.isfinite(inverse(jnp.asarray(matrix))).all()


def test_lanes():
    """A singular lane spoils itself only."""
    matrices = np.random.default_rng(1).normal(size=(4, 12, 12))
    matrices[2] = 1.0
    found = jax.jit(jax.vmap(inverse))(jnp.asarray(matrices))
    np.testing.assert_array_equal(np.isfinite(found).all(axis=(1, 2)), [True, True, False, True])
    for k in (0, 1, 3):
        np.testing.assert_allclose(found[k], np.linalg.inv(matrices[k]), rtol=0, atol=1e-12)


def test_derivative():
    """d(M⁻¹) = −M⁻¹ dM M⁻¹."""
    matrix, change = np.random.default_rng(2).normal(size=(2, 12, 12))
    _, found = jax.jit(lambda m, d: jax.jvp(inverse, (m,), (d,)))(matrix, change)
    expected = -np.linalg.inv(matrix) @ change @ np.linalg.inv(matrix)
    allowed = 1e-11 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=allowed)


@pytest.mark.thorough
@pytest.mark.parametrize("n", [1, 2, 4, 7])
def test_determinant(n):
    draws = np.random.default_rng(n).normal(0, 1, (5, n, n))
    draws[0, :, 0] = 0.0  # singular
    draws[1, 0, 0] = 0.0  # needs a pivot
    found = jax.jit(jax.vmap(determinant))(jnp.asarray(draws))
    np.testing.assert_allclose(found, np.linalg.det(draws), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("n", [1, 7, 62])
def test_positive_definite(n):
    rng = np.random.default_rng(n)
    root, right = rng.normal(size=(n, n)), rng.normal(size=n)
    matrix = root @ root.T + 0.1 * np.eye(n)
    found, positive = jax.jit(solve_positive)(jnp.asarray(matrix), jnp.asarray(right))
    expected = np.linalg.solve(matrix, right)
    allowed = 1e-15 * np.linalg.cond(matrix) * np.abs(expected).max() * n
    np.testing.assert_allclose(found, expected, rtol=0, atol=allowed)
    assert positive
    matrix[0, 0] = -1.0
    assert not jax.jit(solve_positive)(jnp.asarray(matrix), jnp.asarray(right))[1]
