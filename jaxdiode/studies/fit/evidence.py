"""The weight of a prior, and the noise beside it, as the data themselves want them."""

from typing import NamedTuple

import numpy as np

from .trust_region import LOSSES, Problem, Solution

_ROUNDS = 16  # fits with new weights
_STEPS = 400  # of the fixed point in one linear problem
_SETTLED = 0.01  # relative change of weights and noise that ends the search
_FARTHEST = 10.0  # factor on weight² that the linear problem is trusted for
_FIRST = 0.1  # weight² at the start, where data and prior would be as strong
_WIDEST = 1e10  # factor on weight² either way from there
_EXACT = 1e-12  # of the data, below which residuals are rounding


class _Linear(NamedTuple):
    """A solution's neighbourhood, free parameters only: residuals and rows, and their slopes."""

    residual: np.ndarray  # times the square root of the loss' weights
    jacobian: np.ndarray
    rows: list[np.ndarray]  # per term, of weight one
    slopes: list[np.ndarray]


def first_weights(problem: Problem, values: np.ndarray) -> None:
    """Weights to start from: a smooth beginning, so that details come last."""
    prior = problem.prior
    if prior is None or not np.any(prior.free):
        return
    jacobian = problem.jacobian(values) / problem.assumed[:, None]
    for k in np.flatnonzero(prior.free):
        slopes = prior.terms[k].at(values)[1]
        inside = np.any(slopes != 0, axis=0)
        size = np.sum(slopes**2)
        ratio = np.sum(jacobian[:, inside] ** 2) / size if size > 0 else 0.0
        prior.weights[k] = np.sqrt(_FIRST * ratio) if ratio > 0 else 1.0


def weighed(problem: Problem, found: Solution) -> Solution:
    """The fit at the weights (and the noise, where σ is not known) of largest evidence.

    A few fits, each from the last one's solution; between them the evidence is largest in the
    linear problem about the solution.
    """
    prior = problem.prior
    search_noise = problem.sigma is None and problem.loss == "linear"
    if prior is None or not (np.any(prior.free) or search_noise):
        return found
    limits = np.outer([1 / _WIDEST, _WIDEST], prior.weights**2)
    settled = False
    for _ in range(_ROUNDS):
        strength, noise = _largest(problem, found, search_noise)
        strength = np.clip(strength, *limits)
        change = np.max(np.abs(np.log(strength / prior.weights**2)), initial=0.0)
        change = max(change, abs(float(np.log(noise[0] / found.noise[0]))))
        prior.weights = np.sqrt(strength)
        found = problem.again(found, noise)
        if change < _SETTLED:
            settled = True
            break
    return found if settled else found._replace(converged=False)


def _largest(problem: Problem, found: Solution, search_noise: bool):
    """(weight² of every term, noise of every point) of largest evidence in the linear problem.

    Fixed point α ← γ_k/‖rows‖², γ_k = rank − α tr(A⁻¹LᵀL), and σ² = Σ r²/(N − γ).
    """
    prior, noise = problem.prior, found.noise
    assert prior is not None
    linear = _neighbourhood(problem, found)
    data = linear.jacobian.T @ linear.jacobian
    parts = [slopes.T @ slopes for slopes in linear.slopes]
    ranks = [np.linalg.matrix_rank(slopes) if slopes.size else 0 for slopes in linear.slopes]
    start = prior.weights**2
    strength, factor = start.copy(), 1.0  # factor on 1/σ²
    least = (_EXACT * np.sqrt(np.mean(problem.data**2)) / np.min(noise)) ** 2
    for _ in range(_STEPS):
        curvature = factor * data + sum(a * part for a, part in zip(strength, parts, strict=True))
        pull = factor * linear.jacobian.T @ linear.residual
        for a, slopes, rows in zip(strength, linear.slopes, linear.rows, strict=True):
            pull = pull + a * slopes.T @ rows
        inverse = np.linalg.pinv(curvature, rcond=1e-13, hermitian=True)
        step = -inverse @ pull
        before = np.append(strength, factor)
        for k in np.flatnonzero(prior.free):
            power = float(np.sum((linear.rows[k] + linear.slopes[k] @ step) ** 2))
            own = ranks[k] - strength[k] * float(np.sum(inverse * parts[k]))
            wanted = max(own, 1e-6) / power if power > 0 else np.inf
            strength[k] = np.clip(wanted, start[k] / _FARTHEST, start[k] * _FARTHEST)
        if search_noise:
            left = linear.residual.size - factor * float(np.sum(inverse * data))
            power = float(np.sum((linear.residual + linear.jacobian @ step) ** 2))
            wanted = max(left, 1e-3) / max(power, least * linear.residual.size)
            factor = float(np.clip(wanted, 1 / _FARTHEST**2, _FARTHEST**2))
        after = np.append(strength, factor)
        if np.all(np.abs(np.log(after / before)) < 1e-4):
            break
    return strength, noise / np.sqrt(factor)


def _neighbourhood(problem: Problem, found: Solution) -> _Linear:
    values = found.values
    scale = problem.scales(found.start)
    gap = np.minimum(values - problem.low, problem.high - values)
    inside = gap > 1e-6 * scale  # a parameter on its bound is none
    residual = problem.residual(values) / found.noise
    first = LOSSES[problem.loss][0](residual**2)
    jacobian = problem.jacobian(values)[:, inside] / found.noise[:, None]
    root = np.sqrt(first)
    assert problem.prior is not None
    parts = [term.at(values) for term in problem.prior.terms]
    return _Linear(
        root * residual,
        root[:, None] * jacobian,
        [rows for rows, _ in parts],
        [slopes[:, inside] for _, slopes in parts],
    )
