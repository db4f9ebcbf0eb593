"""Sines and cosines by polynomials, against those of NumPy in extended precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.numerics.trigonometry import sine_and_cosine, with_vector_trigonometry


@pytest.mark.parametrize("largest", [0.7, 7.0, 1e3, 1e6])
def test_all_digits(largest):
    x = np.random.default_rng(0).uniform(-largest, largest, 20_000)
    sine, cosine = map(np.asarray, jax.jit(sine_and_cosine)(x))
    exact = x.astype(np.longdouble)
    np.testing.assert_allclose(sine, np.sin(exact).astype(float), rtol=0, atol=3e-16)
    np.testing.assert_allclose(cosine, np.cos(exact).astype(float), rtol=0, atol=3e-16)


def test_small_angles_keep_their_digits():
    x = np.concatenate([np.geomspace(1e-300, 0.1, 50), np.pi + np.geomspace(1e-13, 0.1, 50)])
    np.testing.assert_allclose(sine_and_cosine(jnp.asarray(x))[0], np.sin(x), rtol=4e-16)


def test_a_function_and_its_slope():
    def function(x):
        inner = jax.jit(lambda y: jnp.sin(y) * jnp.cos(2 * y))(x)
        return jnp.sin(x) ** 2 + inner

    def both(x):
        return jax.jvp(function, (x,), (jnp.ones_like(x),))

    x = jnp.linspace(-7.0, 7.0, 101)
    np.testing.assert_allclose(with_vector_trigonometry(both)(x), both(x), atol=2e-15)
    names = [e.primitive.name for e in jax.make_jaxpr(with_vector_trigonometry(both))(x).eqns]
    assert not {"sin", "cos"} & set(names)


def test_infinite_angles_have_no_sine():
    assert np.isnan(sine_and_cosine(jnp.array([np.inf, -np.inf, np.nan]))).all()
