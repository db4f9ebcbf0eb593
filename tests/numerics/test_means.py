"""Means of signals with known ones: two incommensurate waves, part of a beat, noise; and RK steps.

The weight sin⁴ leaves the fifth power of periods over the window, here below 1e-7.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.numerics import means
from jaxdiode.numerics.oscillator import advance_with_monodromy, dopri8


@jax.jit
def summed(values):
    count = values.size

    def one(k, sums):
        return means.add(sums, values[k, None], (jnp.asarray(k, float) + 0.5) / count)

    return jax.lax.fori_loop(0, count, one, means.empty_sums(1))


def estimate(values, beats=100.0):
    sums = summed(jnp.asarray(values))
    return float(means.mean(sums)[0]), float(means.error(sums, jnp.asarray([beats]))[0])


@pytest.mark.thorough
def test_constant():
    mean, error = estimate(np.full(64, 2.5))
    assert abs(mean - 2.5) < 1e-14
    assert error < 1e-14


def test_regular_signals_converge_by_powers():
    """And the error is a bound that falls with them."""
    errors = []
    for count in (256, 1024):
        k = np.arange(count)
        mean, error = estimate(0.7 + np.cos(0.9 * k + 0.3) + 0.5 * np.sin(np.sqrt(2) * k))
        assert abs(mean - 0.7) <= error
        errors.append(error)
    assert errors[1] < 1e-3 * errors[0] < 1e-5


@pytest.mark.parametrize("phase", np.linspace(0, np.pi, 7))
@pytest.mark.parametrize("beats", [0.02, 0.1, 0.3])
def test_part_of_a_beat_has_the_error_of_all(phase, beats):
    """cos of a slow phase: the window sees a part of it, the true mean is 0."""
    k = np.arange(512)
    mean, error = estimate(np.cos(2 * np.pi * beats * k / 512 + phase), beats)
    assert abs(mean) <= 3 * error


def test_error_of_noise_is_a_standard_error():
    draws = np.random.default_rng(0).normal(0, 1, (200, 512))
    scores = []
    for values in draws:
        mean, error = estimate(values)
        scores.append(mean / error)
    assert 0.5 < np.sqrt(np.mean(np.square(scores))) < 1.2
    assert np.mean(np.abs(scores) > 3) <= 0.01


def test_steps_have_order_eight():
    """x'' = −x: errors fall by 2⁸ when the step is halved."""

    def miss(count):
        size = 4.0 / count
        state = jnp.zeros(()), jnp.ones(())
        for _ in range(count):
            state = dopri8(lambda y: (y[1], -y[0]), state, size)
        return abs(float(state[0]) - np.sin(4.0))

    assert 150 < miss(4) / miss(8) < 1000


def test_rk4_of_two_coupled_phases():
    """Normal modes cos t and cos 2t of equal and opposite phases; order 4; M has determinant 1."""

    def force(t, x, v):
        return -x - 1.5 * (x - x[::-1])

    errors = []
    for count in (100, 200):
        size = jnp.asarray(2.0 / count)
        x, v, monodromy = jax.jit(advance_with_monodromy, static_argnums=0)(
            force, 0.0, jnp.array([1.0, 0.0]), jnp.zeros(2), size, count
        )
        even, odd = 0.5 * np.cos(2.0), 0.5 * np.cos(4.0)
        errors.append(np.max(np.abs(np.asarray(x) - [even + odd, even - odd])))
        np.testing.assert_allclose(monodromy[:, 0], [*x, *v], rtol=1e-12)
        np.testing.assert_allclose(np.linalg.det(np.asarray(monodromy)), 1.0, rtol=1e-6)
    assert errors[1] < 1e-7
    assert errors[1] < errors[0] / 14
