"""How well a fit knows its parameters: covariances, to second order where the first is none."""

from typing import NamedTuple

import numpy as np

from . import errors, turning
from .data import Rows
from .trust_region import LOSSES, Problem, Solution

_SILENT = 1e-12  # change of the prediction over a parameter's scale that counts as none
_SADDLES = 3  # turning points that a fit may leave


class Uncertainty(NamedTuple):
    """Plain and robust covariance, the lag of the latter, how far the halves lie apart, and how
    many parameters the data determine."""

    curvature: errors.Curvature
    plain: np.ndarray
    robust: np.ndarray
    lag: int
    apart: np.ndarray
    determined: float


class Flat(NamedTuple):
    """What has no slope at a solution, and the second derivatives along it.

    Attributes:
        idle: parameters.
        directions: combinations of parameters, one a row.
        turned: along idle parameters, then along combinations.
    """

    idle: np.ndarray
    directions: np.ndarray
    turned: turning.Turning


class Turns(NamedTuple):
    """What the data do not see to first order.

    Attributes:
        idle: which parameters they do not see at all.
        unseen: combinations that they do not see, in words.
        found: turning points in words, and how far each may go within an error.
        steps: along these, (turning points, parameters).
    """

    idle: np.ndarray
    unseen: tuple[str, ...]
    found: tuple[tuple[str, float], ...]
    steps: np.ndarray


def slopes(problem: Problem, best: Solution) -> np.ndarray:
    """The Jacobian at a solution, zero for parameters of no influence."""
    residual, jacobian = problem.residual(best.values), problem.jacobian(best.values)
    size = np.sqrt(np.sum(problem.data**2)) or np.sqrt(np.sum(residual**2))
    change = np.sqrt(np.sum(jacobian**2, axis=0)) * problem.scales(best.start)
    return np.where(change <= _SILENT * size, 0.0, jacobian)


def off_saddles(problem: Problem, best: Solution) -> tuple[Solution, Flat]:
    """The solution, or a better one where it lies at a turning point that is no minimum, and what
    is flat there.

    A fit that starts from two equal junctions has no slope along their difference and stays there.
    """
    flat = _flat(problem, best)
    for _ in range(_SADDLES):
        turned = flat.turned
        weight = _pull(problem, best)
        falls = [
            step
            for step, k in zip(turned.steps, turned.column, strict=True)
            if k >= 0 and weight @ turned.columns[:, k] < 0
        ]
        found = [problem.again(best._replace(values=best.values + x), best.noise) for x in falls]
        lower = [x for x in found if problem.misfit(x) < problem.misfit(best)]
        if not lower:
            break
        best = problem.polish(min(lower, key=problem.misfit))
        flat = _flat(problem, best)
    return best, flat


def _pull(problem: Problem, best: Solution) -> np.ndarray:
    """Slope of the cost with each prediction."""
    residual = problem.residual(best.values)
    if not np.all(best.noise > 0):
        return residual
    off = residual / best.noise
    return LOSSES[problem.loss][0](off**2) * off / best.noise


def _flat(problem: Problem, best: Solution) -> Flat:
    jacobian = slopes(problem, best)
    weight = 1 / best.noise if np.all(best.noise > 0) else np.ones_like(best.noise)
    bent = (jacobian * weight[:, None]).T @ (jacobian * weight[:, None])
    beside = problem.beside(best.values)[1]
    flat = errors.invert(bent + beside.T @ beside)
    scale = problem.scales(best.start)
    alone = np.diag(scale)[np.flatnonzero(flat.idle)]
    turned = turning.second_derivatives(
        lambda x: problem.predict(x)[0], best.values, np.concatenate([alone, flat.directions]),
        jacobian, scale, problem.low, problem.high,
    )  # fmt: skip
    return Flat(flat.idle, flat.directions, turned)


def to_second_order(
    problem: Problem, rows: Rows, best: Solution, flat: Flat, residual, jacobian, noise
) -> tuple[Uncertainty, Turns]:
    """Uncertainty of a solution, with the second order where the first is none."""
    names, n = problem.space.names, jacobian.shape[1]
    known = uncertainty(problem, rows, best.values, residual, jacobian, noise)
    turned = flat.turned
    alone = np.flatnonzero(flat.idle).tolist()
    words = [names[k] for k in alone] + [combination(names, d) for d in flat.directions]
    here = np.array(turned.column, int) >= 0
    if not here.any():
        return known, Turns(flat.idle, tuple(words[len(alone) :]), (), np.zeros((0, n)))
    both = np.concatenate([jacobian, turned.columns], axis=1)
    more = uncertainty(problem, rows, best.values, residual, both, noise)
    spread = errors.roots(more.plain)[n:]
    found = tuple(
        (words[k], float(np.max(np.abs(turned.steps[k])) * np.sqrt(spread[turned.column[k]])))
        for k in np.flatnonzero(here).tolist()
    )
    left = flat.idle.copy()
    left[[k for k, one in zip(alone, here, strict=False) if one]] = False
    rest = [
        word for word, one in zip(words[len(alone) :], here[len(alone) :], strict=True) if not one
    ]
    bent, some = more.curvature, np.all(noise > 0)
    rest += [
        f"a change of {names[k]} beside the square of such a one"
        for k in np.flatnonzero(known.curvature.known & ~bent.known[:n]).tolist()
    ]
    unknown = ~known.curvature.known & some  # an exact fit has no errors, of these neither
    inside = errors.Curvature(
        bent.inverse[:n, :n], bent.pseudo[:n, :n], bent.known[:n], bent.idle[:n], flat.directions
    )
    return known._replace(
        curvature=inside, plain=_without(more.plain[:n, :n], unknown),
        robust=_without(more.robust[:n, :n], unknown), lag=more.lag, apart=more.apart[:n],
    ), Turns(left, tuple(rest), found, turned.steps[here])  # fmt: skip


def _without(covariance: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    return np.where(unknown[:, None] | unknown, np.nan, covariance)


def uncertainty(problem: Problem, rows: Rows, values, residual, jacobian, noise) -> Uncertainty:
    weight = 1 / noise if np.all(noise > 0) else np.ones_like(noise)
    r, rows_of = residual * weight, jacobian * weight[:, None]
    first, second = (derivative(r**2) for derivative in LOSSES[problem.loss])
    scores = (first * r)[:, None] * rows_of
    bent = rows_of.T @ ((first + 2 * r**2 * second)[:, None] * rows_of)
    if problem.loss != "linear" and np.linalg.eigvalsh(_unit_diagonal(bent))[0] < 0:
        bent = rows_of.T @ (first[:, None] * rows_of)  # most points are outliers to this loss
    curvature, seen, used, own = errors.invert(bent), float(bent.shape[0]), None, 0.0
    beside = None if problem.prior is None else problem.beside(values)
    if beside is not None:  # knowledge of its own, correlated with no residual
        more = jacobian.shape[1] - beside[1].shape[1]
        beside = beside[0], np.pad(beside[1], ((0, 0), (0, more)))
        own = beside[1].T @ beside[1]
        curvature = errors.invert(bent + own)
        used = seen = float(np.sum(curvature.pseudo * bent))
    plain = (
        curvature.inverse
        if problem.loss == "linear"
        else errors.sandwich(curvature, scores.T @ scores + own)
    )
    middle, lag = errors.long_run(scores, rows, used)
    robust = errors.sandwich(curvature, middle + own)
    both = errors.halves(np.sqrt(first) * r, np.sqrt(first)[:, None] * rows_of, rows, beside)
    apart = np.full(jacobian.shape[1], np.nan)
    if not np.all(noise > 0):  # an exact fit leaves no noise to estimate errors from
        plain, robust = np.zeros_like(plain), np.zeros_like(robust)
    elif both is not None:
        spread = errors.roots(both[1])
        apart = np.abs(both[0]) / np.where(spread > 0, spread, np.nan)
    return Uncertainty(curvature, plain, robust, lag, apart, seen)


def determined(slopes: np.ndarray, prior: np.ndarray) -> float:
    """How many parameters the data determine beside a prior, tr (H + P)⁻¹H."""
    data = slopes.T @ slopes
    return float(np.sum(errors.invert(data + prior.T @ prior).pseudo * data))


def _unit_diagonal(matrix):
    scale = np.sqrt(np.abs(np.diag(matrix)))
    scale = np.where(scale > 0, scale, 1.0)
    return matrix / np.outer(scale, scale)


def combination(names: tuple[str, ...], direction: np.ndarray) -> str:
    """A direction of parameter space in words, largest parts first."""
    order = [k for k in np.argsort(-np.abs(direction)) if abs(direction[k]) > 0]
    lead = direction[order[0]]
    parts = [f"{direction[k] / lead:+.3g} in {names[k]}" for k in order]
    return f"a common change of {', '.join(parts)}"
