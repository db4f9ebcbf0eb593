"""Extrema of periodic functions where such searches fail: ties, plateaus, jumps, two kinks in one.

Tolerance 1e-11 × max|f|, the promise of `extrema_between`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.numerics.extrema import clustered_grid, extrema_between, graded_samples

PI = np.pi
NONE = jnp.zeros(0), jnp.zeros(0)


def jump(x):
    """sin(x/2) sgn cos(x/2): from +1 to −1 at π."""
    return jnp.sin(x / 2) * jnp.sign(jnp.cos(x / 2))


def search(f, kinks=NONE, uniform=64):
    kinks, widths = (jnp.asarray(x, float)[:, None] for x in kinks)
    samples = graded_samples(jnp.mod(kinks, 2 * PI), widths, uniform)
    found = jax.jit(lambda: extrema_between(f, samples))()
    return jax.tree.map(lambda x: x[:, 0], found)


def check(found, maximum, minimum):
    scale = max(abs(maximum), abs(minimum))
    assert found.converged.all()
    np.testing.assert_allclose(found.value, [maximum, minimum], rtol=0, atol=1e-11 * scale)


def test_smooth():
    found = search(jnp.sin)
    check(found, 1.0, -1.0)
    np.testing.assert_allclose(found.position, [PI / 2, 3 * PI / 2], atol=1e-6)


def test_exactly_tied_peaks():
    check(search(lambda x: jnp.sin(6 * x)), 1.0, -1.0)


def test_a_tie_split_by_rounding_of_the_samples():
    """Two peaks of equal curvature, 1e-9 apart in height, at unequal places in their cells."""
    check(search(lambda x: jnp.cos(2 * x - 0.21) + 1e-9 * jnp.cos(x - 0.105)), 1 + 1e-9, -1.0)


def test_plateau():
    check(search(lambda x: jnp.clip(jnp.sin(x), -0.5, 0.25)), 0.25, -0.5)


def test_constant():
    check(search(lambda x: 0 * x + 3.0), 3.0, 3.0)


def test_one_sign_only():
    check(search(lambda x: jnp.cos(x) - 2.0), -1.0, -3.0)


@pytest.mark.thorough
@pytest.mark.parametrize("seam", [0.0, 2 * PI, 1e-12, -1e-12])
def test_jump_at_the_seam(seam):
    kinks = jnp.array([seam]), jnp.zeros(1)
    check(search(lambda x: jump(x - seam + PI), kinks), 1.0, -1.0)


@pytest.mark.thorough
@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-7, 1e-3])
def test_two_close_kinks(gap):
    """A window of width `gap` holds the only large values of the difference of two jumps."""
    kinks = jnp.array([PI, PI + gap]), jnp.zeros(2)
    top = 1 + np.sin((PI - gap) / 2)
    check(search(lambda x: jump(x) + jump(x - gap), kinks), top, -top)
    if gap > 1e-12:  # below, the window is as wide as the closest samples
        difference = search(lambda x: jump(x) - jump(x - gap), kinks)
        assert difference.value[1] == pytest.approx(-2 * np.cos(gap / 4), abs=1e-11)


@pytest.mark.thorough
@pytest.mark.parametrize("width", [1e-9, 1e-6, 1e-3, 0.03])
def test_narrow_peak_beside_a_kink(width):
    """The series pair: maximum min(a, b) at a distance √width from the kink."""
    a, b = 1.0, 1.0 + width

    def current(x):
        s, c = jnp.sin(x / 2), jnp.cos(x / 2)
        return 2 * a * b * s * c / jnp.sqrt((a - b) ** 2 + 4 * a * b * c**2)

    kinks = jnp.array([PI]), jnp.array([width])
    check(search(current, kinks), 1.0, -1.0)
    # A sample every degree misses it: this is what the ladders are for.
    uniform = np.max(jax.vmap(current)(jnp.linspace(0, 2 * PI, 361)))
    assert width > 1e-4 or uniform < 1 - 1e-5


def test_not_a_number_is_not_converged():
    found = search(lambda x: jnp.sin(x) * jnp.nan)
    assert not found.converged.any()


@pytest.mark.thorough
def test_grid_is_sorted_within_one_period_and_distinct():
    kinks = jnp.array([PI, PI, -0.3, 7.0, 0.0])
    grid = np.asarray(clustered_grid(kinks, jnp.array([0.0, 0.0, 1e-9, 0.1, 5.0]), 64))
    assert grid.size == 64 + 5 * 28
    assert grid[0] >= 0
    assert grid[-1] < 2 * PI
    assert (np.diff(grid) >= 0).all()
    for kink in np.mod(kinks[:3], 2 * PI):
        assert np.min(np.abs(grid - kink)) < 1e-8
