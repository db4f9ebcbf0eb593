"""Roots followed along a path, against paths known in closed form.

The corrector finds a root only from close by, as Newton's method does beside other roots; how close
decides what step a lane needs.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.numerics.continuation import followed
from jaxdiode.numerics.newton import Linearised, Solution, damped_newton

STEEPNESS = jnp.array([1.0, 30.0, 1000.0])


def path(s):
    """A turn at s = 0.6, ever more abrupt from lane to lane."""
    return jnp.tanh(STEEPNESS * (s - 0.6)) + s**2


def corrector(reach):
    def correct(s, last, predicted):
        root = path(s)[None]
        near = jnp.abs(predicted - root)[0] < reach
        return Solution(jnp.where(near, root, last), near | (s == 0))

    return correct


@pytest.mark.parametrize("reach", [3.0, 0.05, 0.01])
def test_steps_shrink_where_the_path_turns(reach):
    found = jax.jit(lambda: followed(corrector(reach), path(jnp.zeros(3))[None], 0.1, 1e-7))()
    assert found.converged.all()
    np.testing.assert_allclose(found.x[0], path(jnp.ones(3)), rtol=1e-14)


def test_a_lane_that_cannot_go_on_fails_alone():
    """At steps above 1e-3 the turn of the steepest lane, 1e-3 wide, is too abrupt."""
    found = followed(corrector(0.05), path(jnp.zeros(3))[None], 0.1, 1e-3)
    np.testing.assert_array_equal(found.converged, [True, True, False])
    np.testing.assert_allclose(found.x[0, :2], path(jnp.ones(3))[:2], rtol=1e-14)


def test_a_start_without_a_root_fails():
    def correct(s, last, predicted):
        return Solution(predicted, jnp.array([True, False]))

    found = followed(correct, jnp.zeros((1, 2)), 0.5, 1e-2)
    np.testing.assert_array_equal(found.converged, [True, False])


@pytest.mark.thorough
def test_the_branch_is_that_of_the_start():
    """z² = e^{4πis}: twice around the origin, z comes back as itself, by way of −z."""

    def correct(s, last, predicted):
        right = jnp.exp(jax.lax.complex(0.0, 4 * jnp.pi) * s.astype(complex))

        def linearise(z):
            residual = z**2 - right
            return Linearised(residual, -residual / (2 * z), jnp.ones(z.shape[1], bool))

        return damped_newton(linearise, last, predicted)

    start = jnp.array([[1.0 + 0j, -1.0 + 0j]])
    found = followed(correct, start, 0.05, 1e-4)
    assert found.converged.all()
    np.testing.assert_allclose(found.x, start, atol=1e-12)
    # One step over half of the way would have gone the short way round.
    half = followed(lambda s, *rest: correct(s / 2, *rest), start, 0.05, 1e-4)
    np.testing.assert_allclose(half.x, -start, atol=1e-12)
