"""Small complex matrices against NumPy's and SciPy's; the lanes are the trailing axes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from jaxdiode.numerics.matrices import complexified, exponential, identity, inverse, product

_inverse, _exponential, _product = map(jax.jit, (inverse, exponential, product))


def drawn(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def by_lane(function, *matrices):
    """`function` of every lane's matrices [i, j, lane]."""
    lanes = [np.moveaxis(np.asarray(m), -1, 0) for m in matrices]
    return np.moveaxis(np.array([function(*each) for each in zip(*lanes, strict=True)]), 0, -1)


def test_product():
    a, b = drawn(2, 3, 7), drawn(3, 4, 7, seed=1)
    np.testing.assert_allclose(_product(a, b), by_lane(np.matmul, a, b), rtol=0, atol=1e-14)


def test_product_broadcasts_lanes():
    a, b = drawn(2, 2, 5, 1), drawn(2, 2, 1, 3, seed=1)
    expected = np.einsum("ijxo,jkoy->ikxy", a, b)
    np.testing.assert_allclose(_product(a, b), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_inverse_of_one_plus_less_than_one(n):
    """What it is for: 1 + x with ‖x‖ up to .99, condition numbers to 200."""
    x = drawn(n, n, 50, seed=n)
    x *= np.linspace(0.1, 0.99, 50) / np.linalg.norm(np.moveaxis(x, -1, 0), 2, axis=(1, 2))
    matrix = np.eye(n)[..., None] + x
    found, expected = _inverse(matrix), by_lane(np.linalg.inv, matrix)
    allowed = 1e-15 * n * by_lane(lambda m: np.full((n, n), np.linalg.cond(m) ** 2), matrix)
    assert (np.abs(found - expected) <= allowed).all()


def test_inverse_of_a_real_matrix_is_real():
    matrix = np.eye(3)[..., None] + 0.2 * drawn(3, 3, 4).real
    found = _inverse(matrix)
    assert found.dtype == jnp.float64
    np.testing.assert_allclose(found, by_lane(np.linalg.inv, matrix), rtol=0, atol=1e-14)


def test_inverse_of_a_singular_lane_spoils_itself_only():
    matrix = np.eye(2)[..., None] + 0.3 * drawn(2, 2, 3)
    expected = by_lane(np.linalg.inv, matrix)
    matrix[..., 1] = 1.0
    found = np.asarray(_inverse(matrix))
    assert not np.isfinite(found[..., 1]).all()
    np.testing.assert_allclose(found[..., [0, 2]], expected[..., [0, 2]], rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [1e-9, 0.1, 1.0])
def test_exponential(size):
    matrix = size * drawn(2, 2, 20)
    expected = by_lane(expm, matrix)
    np.testing.assert_allclose(_exponential(matrix), expected, rtol=0, atol=2e-14)


def test_exponential_of_a_large_trace():
    """Only what has no trace must be small; SciPy's loses a digit to a large one."""
    rest, trace = 0.5 * drawn(2, 2, 5), np.array([-30, -3, 0, 3, 30])
    found = np.asarray(_exponential(rest + trace * np.eye(2)[..., None]))
    expected = by_lane(expm, rest)
    np.testing.assert_allclose(found / np.exp(trace), expected, rtol=0, atol=5e-14)


@pytest.mark.parametrize("matrix", [[[0, 1], [0, 0]], [[2, 1], [0, 2]], [[0, 0], [0, 0]]])
def test_exponential_where_eigenvalues_meet(matrix):
    """And its derivative along every element, against (e^{A + hE} − e^{A − hE})/2h of SciPy."""
    matrix = np.array(matrix, complex)
    np.testing.assert_allclose(_exponential(matrix), expm(matrix), rtol=0, atol=2e-15)
    for k in range(4):
        step = np.zeros((2, 2), complex)
        step.flat[k] = 1
        _, found = jax.jvp(exponential, (jnp.asarray(matrix),), (jnp.asarray(step),))
        h = 1e-4
        expected = (expm(matrix + h * step) - expm(matrix - h * step)) / (2 * h)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)


def test_identity_and_complexified():
    one = identity(jnp.asarray(drawn(3, 3, 4, 5)))
    assert one.shape == (3, 3, 1, 1)
    np.testing.assert_array_equal(one[..., 0, 0], np.eye(3))
    x = jnp.array([1.0, -2.0])
    assert complexified(x).dtype == jnp.complex128
    np.testing.assert_array_equal(complexified(x), x)
    z = complexified(x)
    assert complexified(z) is z
