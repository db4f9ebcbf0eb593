"""Interpolation on boxes of any number of axes from values and slopes at their corners.

Hermite is Adini's element: multilinear, plus for every axis what the cubic of values and slopes
along it adds to the line, blended linearly over the others. It is exact for cubics, of fourth
order, and along an edge it is the cubic of that edge alone (A. Adini and R. W. Clough, 1961;
P. G. Ciarlet, The Finite Element Method for Elliptic Problems, 2.2). Where values turn along a
curve inside the box the larger, or the smaller, of the tangent planes of the corners follows them.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

HERMITE, LINEAR, UPPER, LOWER = range(4)
KINDS = ("hermite", "linear", "upper", "lower")
_SLOPE = 4 / 27  # of a wrong slope at the end of a cubic, what its middle is wrong at most


class Prediction(NamedTuple):
    """Of every kind of interpolation at points of boxes.

    Attributes:
        value: by kind.
        slope: along each axis, a box's edge being 1; NaN of the tangent planes, whose slopes jump.
    """

    value: Float[np.ndarray, "points kinds columns"]
    slope: Float[np.ndarray, "points kinds axes columns"]


def corners_of(axes: int) -> Int[np.ndarray, "corners axes"]:
    """Corners of a box, 0 or 1 along each axis, the last axis fastest."""
    return np.indices((2,) * axes).reshape(axes, -1).T


def predict(
    where: Float[np.ndarray, "points axes"],
    values: Float[np.ndarray, "points corners columns"],
    slopes: Float[np.ndarray, "points corners axes columns"],
) -> Prediction:
    """Values and slopes at places of boxes, one box for each.

    Args:
        where: place in the box, 0 to 1 along each axis.
        values: at its corners.
        slopes: at its corners, along each axis, a box's edge being 1. One that is not finite is
            taken from the corners at both ends of its edge.
    """
    corners = corners_of(where.shape[1])
    slopes = _known(values, slopes, corners)
    with np.errstate(invalid="ignore", over="ignore"):
        basis = _basis(where, corners)
        hermite = np.einsum("pc,pck->pk", basis.value, values)
        hermite += np.einsum("pcd,pcdk->pk", basis.slope, slopes)
        linear = np.einsum("pc,pck->pk", basis.linear, values)
        across = np.einsum("pec,pck->pek", basis.value_by, values)
        across += np.einsum("pecd,pcdk->pek", basis.slope_by, slopes)
        flat = np.einsum("pec,pck->pek", basis.linear_by, values)
        planes = values + np.einsum("pcd,pcdk->pck", where[:, None] - corners, slopes)
        upper, lower = planes.max(axis=1), planes.min(axis=1)
    value = np.stack([hermite, linear, upper, lower], axis=1)
    jumping = np.full_like(across, np.nan)
    return Prediction(value, np.stack([across, flat, jumping, jumping], axis=1))


def mismatch(
    found: Prediction,
    value: Float[np.ndarray, "points columns"],
    slope: Float[np.ndarray, "points axes columns"],
) -> Float[np.ndarray, "points kinds columns"]:
    """How far predictions are from what was found there, a wrong slope over half a box included.

    A slope that is not finite says nothing; a value that is none where another was predicted is
    infinitely far, and a value that is as little known as predicted is right.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        away = np.abs(found.value - value[:, None])
        along = _SLOPE / 2 * np.abs(found.slope - slope[:, None])
    along = np.max(np.where(np.isfinite(along), along, 0.0), axis=2)
    known = np.isfinite(value)[:, None]
    away = np.where(np.isfinite(away), away + along, np.inf)
    return np.where(~known & ~np.isfinite(found.value), 0.0, away)


class _Basis(NamedTuple):
    """Weights of corner values and slopes, and their derivatives along each axis e."""

    linear: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    linear_by: np.ndarray
    value_by: np.ndarray
    slope_by: np.ndarray


def _basis(where: np.ndarray, corners: np.ndarray) -> _Basis:
    axes = where.shape[1]
    sign = 1.0 - 2.0 * corners  # of the way from the corner into the box
    away = np.abs(where[:, None] - corners)  # s: points, corners, axes
    near = 1.0 - away
    linear = np.prod(near, axis=2)
    rest = np.stack(  # without axis e
        [np.prod(np.delete(near, e, axis=2), axis=2) for e in range(axes)], axis=1
    )
    lift = 1.0 + np.sum(away * (1.0 - 2.0 * away), axis=2)
    slope = sign * away * near * linear[..., None]
    inward = sign.T[None]
    linear_by = -inward * rest
    bend = np.moveaxis(1.0 - 4.0 * away, 2, 1)
    value_by = linear_by * lift[:, None] + inward * linear[:, None] * bend
    slope_by = linear_by[..., None] * (sign * away * near)[:, None]
    for d in range(axes):
        slope_by[:, d, :, d] = near[..., d] * (1.0 - 3.0 * away[..., d]) * rest[:, d]
    return _Basis(linear, linear * lift, slope, linear_by, value_by, slope_by)


def _known(values: np.ndarray, slopes: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The slopes, of edges where they are not finite."""
    if np.all(np.isfinite(slopes)):
        return slopes
    axes = corners.shape[1]
    number = corners @ (1 << np.arange(axes)[::-1])
    filled = slopes.copy()
    for d in range(axes):
        other = number ^ (1 << (axes - 1 - d))
        with np.errstate(invalid="ignore"):
            edge = (values[:, other] - values) * (1.0 - 2.0 * corners[:, d])[:, None]
        filled[:, :, d] = np.where(np.isfinite(slopes[:, :, d]), slopes[:, :, d], edge)
    return filled
