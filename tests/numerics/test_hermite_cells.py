"""Adini's element: exact for cubics of any number of axes, and its slopes are its own."""

import numpy as np
import pytest

from jaxdiode.numerics.hermite_cells import (
    HERMITE,
    LINEAR,
    LOWER,
    UPPER,
    corners_of,
    mismatch,
    predict,
)

AXES = pytest.mark.parametrize("axes", [1, 2, 3])


class Polynomial:
    """Of all monomials up to a degree, with random weights."""

    def __init__(self, axes, degree, seed=0):
        powers = [p for p in np.ndindex(*(degree + 1,) * axes) if sum(p) <= degree]
        self.powers = np.array(powers)
        self.weights = np.random.default_rng(seed).normal(size=len(powers))

    def __call__(self, x):
        return np.prod(x[..., None, :] ** self.powers, axis=-1) @ self.weights

    def slopes(self, x):
        found = np.empty(x.shape)
        for axis in range(x.shape[-1]):
            lower = self.powers.copy()
            lower[:, axis] = np.maximum(lower[:, axis] - 1, 0)
            terms = np.prod(x[..., None, :] ** lower, axis=-1) * self.powers[:, axis]
            found[..., axis] = terms @ self.weights
        return found


def of_polynomial(polynomial, where):
    """Predictions at places of the unit cube."""
    corners = corners_of(where.shape[1]).astype(float)
    values = np.broadcast_to(polynomial(corners)[..., None], (len(where), len(corners), 1))
    slopes = polynomial.slopes(corners)[..., None]
    return predict(where, values, np.broadcast_to(slopes, (len(where), *slopes.shape)))


@AXES
def test_exact_for_cubics(axes):
    where = np.random.default_rng(1).random((40, axes))
    cubic = Polynomial(axes, 3)
    found = of_polynomial(cubic, where)
    assert np.allclose(found.value[:, HERMITE, 0], cubic(where), rtol=0, atol=1e-12)
    assert np.allclose(found.slope[:, HERMITE, :, 0], cubic.slopes(where), rtol=0, atol=1e-12)
    assert (
        np.max(mismatch(found, cubic(where)[:, None], cubic.slopes(where)[..., None])[:, 0]) < 1e-12
    )


@AXES
def test_slopes_are_those_of_the_values(axes):
    where, step = 0.1 + 0.8 * np.random.default_rng(2).random((20, axes)), 1e-6
    rough = Polynomial(axes, 5)
    found = of_polynomial(rough, where).slope
    for axis in range(axes):
        moved = step * np.eye(axes)[axis]
        high, low = (of_polynomial(rough, where + s * moved).value for s in (1, -1))
        differences = ((high - low) / (2 * step))[:, (HERMITE, LINEAR), 0]
        assert np.allclose(found[:, (HERMITE, LINEAR), axis, 0], differences, rtol=0, atol=1e-7)


@AXES
def test_corners_are_kept(axes):
    corners = corners_of(axes).astype(float)
    rough = Polynomial(axes, 6)
    found = of_polynomial(rough, corners).value[..., 0]
    assert np.allclose(found[:, HERMITE], rough(corners), rtol=0, atol=1e-13)
    assert np.allclose(found[:, LINEAR], rough(corners), rtol=0, atol=1e-13)


def test_tangent_planes_follow_a_turn():
    """The larger of two planes, and the smaller, wherever they meet."""
    where, corners = np.random.default_rng(3).random((50, 2)), corners_of(2).astype(float)
    planes = np.array([[1.0, 2.0, -0.7], [-0.5, 1.0, 0.4]])  # slopes, and the constant
    for kind, pick in ((UPPER, np.argmax), (LOWER, np.argmin)):
        all_planes = corners @ planes[:, :2].T + planes[:, 2]
        which = pick(all_planes, axis=1)
        values = np.broadcast_to(all_planes[range(4), which][None, :, None], (50, 4, 1))
        slopes = np.broadcast_to(planes[which, :2][None, ..., None], (50, 4, 2, 1))
        at = where @ planes[:, :2].T + planes[:, 2]
        truth = at[range(50), pick(at, axis=1)]
        assert np.allclose(predict(where, values, slopes).value[:, kind, 0], truth, atol=1e-13)


def test_a_slope_that_is_not_finite_is_taken_from_the_edge():
    values = np.array([[[1.0], [3.0]]])
    known = predict(np.array([[0.25]]), values, np.array([[[[2.0]], [[2.0]]]]))
    for bad in (np.nan, np.inf):
        found = predict(np.array([[0.25]]), values, np.array([[[[bad]], [[2.0]]]]))
        assert np.allclose(found.value, known.value)


def test_mismatch_of_what_is_not_known():
    where = np.array([[0.5]])
    flat = predict(where, np.ones((1, 2, 1)), np.zeros((1, 2, 1, 1)))
    nothing = predict(where, np.full((1, 2, 1), np.nan), np.zeros((1, 2, 1, 1)))
    one, none, slope = np.ones((1, 1)), np.full((1, 1), np.nan), np.zeros((1, 1, 1))
    assert np.all(mismatch(flat, one, slope) == 0)
    assert np.all(np.isinf(mismatch(flat, none, slope)))
    assert np.all(np.isinf(mismatch(nothing, one, slope)))
    assert np.all(mismatch(nothing, none, slope) == 0)
    steep = mismatch(flat, one, slope + 3.0)[0, :, 0]
    assert np.allclose(steep, [3 * 2 / 27, 3 * 2 / 27, 0, 0])  # 4/27 over half a box
