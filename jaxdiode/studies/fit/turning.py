"""Combinations of parameters that a prediction does not change with to first order only."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_STEP = 0.01  # of a parameter's scale
_NEAR = 0.05  # of that step: less room than this within the bounds shows nothing
_OWN = 1e-3  # share of a second derivative that no linear change does as well
_WEAK = 1e-5  # singular values below do no change as well, relative to the largest
_CLEAR = 1e-9  # of the prediction, that rounding and solvers do not make
_ROOM = 0.01  # of an error, within the bounds, that shows how a model bends
_MOST = 4  # directions; their pairs count too


class Turning(NamedTuple):
    """Second derivatives of a prediction along directions in which its slope is zero.

    Attributes:
        columns: (points, m), half of ∂²f/∂t∂u of pairs of steps; linear parameters beside the
            others, of which those of one step, t², are positive.
        column: of every direction that of its own, −1 where there is none.
        steps: the directions, as far as they were gone.
    """

    columns: np.ndarray
    column: tuple[int, ...]
    steps: np.ndarray


def second_derivatives(
    predict: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    directions: np.ndarray,
    jacobian: np.ndarray,
    scale: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> Turning:
    """What a prediction does along directions that it is flat in.

    Two junctions that are equal are such a turning point: their exchange changes nothing, so that
    the prediction depends on the square of their difference, which is then a parameter like any
    other. By finite differences; columns that a change of the other parameters does as well are
    left out (the direction is that of a curved line on which nothing changes), and so are those
    that are none within rounding or for which the bounds leave no room.

    Args:
        directions: in units of the parameters, one a row.
        jacobian: of the prediction, silent columns zero.
        scale: sizes of the parameters; `low`, `high`: their bounds.
    """
    found, column = [], [-1] * len(directions)
    steps = np.array([d * _step(d, values, scale, low, high) for d in directions])
    middle = predict(values)
    size = np.sqrt(np.sum(middle**2))

    def bend(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """∂²f/∂t∂u, of ends apart by (one, other)."""
        if one is other:
            return predict(values + one) - 2 * middle + predict(values - one)
        one, other = one / 2, other / 2  # both together within the bounds
        found = predict(values + one + other) - predict(values + one - other)
        return found - predict(values - one + other) + predict(values - one - other)

    for i, j in itertools.combinations_with_replacement(range(min(len(steps), _MOST)), 2):
        one, other = steps[i], steps[j]
        if not np.any(one) or not np.any(other):
            continue
        near = one / 2, other / 2
        half = bend(near[0], near[0] if i == j else near[1])
        bent = (16 * half - bend(one, one if i == j else other)) / 3  # no fourth order
        own = bent - _projected(jacobian, bent)
        least = max(_OWN * np.sqrt(np.sum(bent**2)), _CLEAR * size)
        if np.sqrt(np.sum(own**2)) > least:  # False of NaN
            if i == j:
                column[i] = len(found)
            found.append(bent / 2)
    columns = np.stack(found, 1) if found else np.zeros((len(middle), 0))
    return Turning(columns, tuple(column), steps)


def curved(
    predict: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    covariance: np.ndarray,
    jacobian: np.ndarray,
    noise: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """How much the second order changes each parameter within an error, in its errors.

    One error along each axis of the error ellipse a prediction bends by b (in units of σ): the
    parameters move by J⁺b, and the axis itself is shorter where |b| is no longer small. Zero for a
    model that is linear; errors mean little from about one on. NaN for parameters without error or
    on a bound, and where bounds leave no room.
    Source: Bates & Watts, J. R. Stat. Soc. B 42, 1 (1980).
    """
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    inside = np.minimum(values - low, high - values) > 1e-3 * errors  # not on a bound
    live = np.flatnonzero(np.isfinite(errors) & (errors > 0) & inside)
    found = np.full(values.size, np.nan)
    if live.size == 0:
        return found
    correlation = covariance[np.ix_(live, live)] / np.outer(errors[live], errors[live])
    powers, axes = np.linalg.eigh(correlation)
    slopes = jacobian / noise[:, None]
    middle = predict(values)
    for power, axis in zip(powers, axes.T, strict=True):
        step = np.zeros(values.size)
        step[live] = np.sqrt(max(power, 0.0)) * axis * errors[live]
        moved = np.abs(step) > 0
        gap = np.minimum(values - low, high - values)[moved] / np.abs(step[moved])
        part = min(1.0, float(np.min(gap, initial=np.inf)))
        if part < _ROOM:  # a bound is what ends it
            continue
        bent = predict(values + part * step) - 2 * middle + predict(values - part * step)
        bent = bent / (2 * part**2 * noise)
        if not np.all(np.isfinite(bent)):
            continue
        size = np.sqrt(np.sum(slopes[:, live] ** 2, axis=0))
        size = np.where(size > 0, size, 1.0)
        moves = np.linalg.lstsq(slopes[:, live] / size, bent, rcond=1e-7)[0] / size
        own = np.sqrt(np.sum(bent**2)) * np.abs(step[live])
        found[live] = np.fmax(found[live], np.maximum(np.abs(moves), own) / errors[live])
    return found


def _step(direction, values, scale, low, high) -> float:
    """How far to go along a direction, to both sides; 0 where the bounds leave no room."""
    moved = np.abs(direction) > 0
    wanted = _STEP * np.min(scale[moved] / np.abs(direction[moved]))
    gap = np.minimum(values - low, high - values)[moved]
    room = np.min(gap / np.abs(direction[moved]))
    return min(wanted, room) if room > _NEAR * wanted else 0.0


def _projected(columns: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The part of a vector that lies in the span of columns."""
    size = np.sqrt(np.sum(columns**2, axis=0))
    unit = columns[:, size > 0] / size[size > 0]
    return unit @ np.linalg.lstsq(unit, vector, rcond=_WEAK)[0]
