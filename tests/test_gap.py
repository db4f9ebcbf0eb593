"""The weak-coupling gap: the sheet's digits, the integral form, and its derivatives to T_c."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.devices.usadel.equations import gap as in_units_of_tc
from tests import helpers
from tests.reference import short_junctions as reference

first = jax.jit(jax.vmap(jax.grad(jd.bcs_gap)))
second = jax.jit(jax.vmap(jax.grad(jax.grad(jd.bcs_gap))))


def test_values_of_the_sheet():
    """shared/physics/field.md, section 4."""
    found = jd.bcs_gap([0.2, 0.5, 0.8, 0.95])
    expected = np.array([0.9998767620, 0.9568847159, 0.7110430424, 0.3803169499])
    helpers.assert_close(found, expected, absolute=1e-10)
    slopes = first(jnp.array([0.3, 0.9]))
    helpers.assert_close(slopes, np.array([-0.0617503483, -2.3997689]), absolute=1e-7)
    helpers.assert_close(slopes[0], -0.0617503483, absolute=1e-10)
    assert jd.units.bcs_gap_ratio == pytest.approx(reference.RATIO, rel=1e-15)


@pytest.mark.parametrize("t", [0.03, 0.1, 0.37, 0.6, 0.9, 0.99])
def test_the_sum_over_frequencies_is_the_integral_over_energies(t):
    helpers.assert_close(jd.bcs_gap(t), reference.gap(t), absolute=2e-12)


def test_the_gap_of_the_usadel_equation_is_the_same():
    t = jnp.linspace(0.05, 0.999, 40)
    other = jax.vmap(in_units_of_tc.bcs_gap)(t) / jd.units.bcs_gap_ratio
    helpers.assert_close(jd.bcs_gap(t), other, absolute=3e-8)  # its ratio has 8 digits


def test_both_ends():
    assert jd.bcs_gap(0.0) == 1.0
    assert (jd.bcs_gap([1.0, 1.3, 50.0]) == 0.0).all()
    ends = jnp.array([0.0, 0.01, 1.0, 1.3])
    assert (first(ends) == 0).all()
    assert (second(ends) == 0).all()
    for small in (1e-4, 1e-8, 1e-12):  # δ → 1.7366609 √(1 − t), down to the rounding of t
        near = 1 - small
        helpers.assert_close(
            jd.bcs_gap(near) / np.sqrt(1 - near), 1.7366609, absolute=2 * small + 1e-7
        )
        slope = first(jnp.array([near]))[0] * np.sqrt(1 - near)
        helpers.assert_close(slope, -1.7366609 / 2, absolute=2 * small + 1e-7)


def test_derivatives_are_exact():
    """Differences of the integral form would have its 1e-12/h: of sixth order in the sum's."""
    t = jnp.array([0.08, 0.2, 0.45, 0.7, 0.93])
    h = 2e-3
    stencil = ((3, 1 / 60), (2, -9 / 60), (1, 45 / 60))
    for function, slope in ((jd.bcs_gap, first), (first, second)):
        expected = sum(w * (function(t + n * h) - function(t - n * h)) for n, w in stencil) / h
        size = np.maximum(np.abs(slope(t)), 1.0)
        near = np.where(t > 0.9, 1e-5, np.where(t < 0.1, 1e-8, 1e-9))  # (h/(1 − t))⁶, (h/t²)⁶
        helpers.assert_close(slope(t), expected, absolute=near * size)


@pytest.mark.thorough
def test_arguments():
    assert jd.bcs_gap(np.full((2, 3), 0.5)).shape == (2, 3)
    assert jd.bcs_gap(0.5).shape == ()
    with pytest.raises(ValueError, match=r"reduced_temperature must be at least 0, got -0\.1"):
        jd.bcs_gap(-0.1)
    with pytest.raises(ValueError, match="reduced_temperature must be finite, got nan"):
        jd.bcs_gap(np.nan)
    assert np.isnan(jax.jit(jd.bcs_gap)(jnp.array([-0.1, np.nan]))).all()
    assert np.isnan(first(jnp.array([np.nan]))).all()
