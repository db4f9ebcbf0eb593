"""Errors of fitted parameters: plain, and robust to residuals that are correlated along an axis."""

from typing import NamedTuple

import numpy as np

from .data import Rows

# A direction whose influence is this much less than that of one parameter is not seen.
_UNSEEN = 3e-7
_MIXED = 1e-3  # part of an unseen direction that counts
_BARTLETT = 1.1447  # Newey & West (1994), Table I


class Curvature(NamedTuple):
    """Inverse of a curvature matrix A where the data know it, NaN elsewhere.

    `pseudo` leaves out what is not known and has no NaN; `known` names what is; `directions`
    holds, per row, a combination of parameters that the data do not see.
    """

    inverse: np.ndarray
    pseudo: np.ndarray
    known: np.ndarray
    idle: np.ndarray
    directions: np.ndarray


def invert(matrix: np.ndarray) -> Curvature:
    """A⁻¹ in unit-diagonal scaling, parameters the data cannot tell apart set aside.

    Parameters of no influence (zero rows) get NaN; so do those that take part in a combination
    of no influence. The errors of all others are what they are at any value of the unseen ones.
    """
    n = len(matrix)
    diagonal = np.abs(np.diag(matrix))
    scale = np.sqrt(diagonal)
    idle = ~(scale > 0)
    scale = np.where(idle, 1.0, scale)
    scaled = matrix / np.outer(scale, scale)
    inverse, pseudo = np.full((n, n), np.nan), np.zeros((n, n))
    live = np.flatnonzero(~idle)
    known, directions = ~idle, np.zeros((0, n))
    if live.size and np.all(np.isfinite(scaled)):
        values, vectors = np.linalg.eigh(scaled[np.ix_(live, live)])
        seen = values > _UNSEEN**2 * np.max(values)
        part = (vectors[:, seen] / values[seen]) @ vectors[:, seen].T
        pseudo[np.ix_(live, live)] = part / np.outer(scale[live], scale[live])
        blind = vectors[:, ~seen].T
        blind = np.where(np.abs(blind) > _MIXED, blind, 0.0)
        directions = np.zeros((len(blind), n))
        directions[:, live] = blind / scale[live]
        mixed = np.any(blind != 0, axis=0)
        known = known.copy()
        known[live[mixed]] = False
        both = np.outer(known, known)
        inverse[both] = pseudo[both]
    else:
        known = np.zeros(n, bool)
    return Curvature(inverse, pseudo, known, idle, directions)


def sandwich(curvature: Curvature, middle: np.ndarray) -> np.ndarray:
    """A⁻¹ B A⁻¹, NaN where the data do not know the parameter."""
    found = curvature.pseudo @ middle @ curvature.pseudo
    return np.where(np.outer(curvature.known, curvature.known), found, np.nan)


def roots(covariance: np.ndarray) -> np.ndarray:
    """Standard errors of a covariance."""
    variance = np.diag(covariance)
    return np.sqrt(np.where(variance >= 0, variance, np.nan))


def long_run(scores: np.ndarray, rows: Rows, used: float | None = None) -> tuple[np.ndarray, int]:
    """Newey–West estimate of the covariance of Σ scores, and the longest lag it used.

    Scores (points, n) of one place are summed first, so that points measured together may be
    correlated in any way; then S = Γ₀ + Σ_l (1 − l/(L+1)) (Γ_l + Γ_lᵀ) along each sequence, with
    L by `automatic_lag`, times the small-sample factor T/(T − n), n the number of parameters or,
    beside a prior, of those that the data determine (`used`).
    Source: Newey & West, Econometrica 55, 703 (1987).
    """
    n = scores.shape[1]
    total, longest = np.zeros((n, n)), 0
    for one in np.unique(rows.sequence):
        inside = rows.sequence == one
        steps = np.zeros((rows.place[inside].max() + 1, n))
        np.add.at(steps, rows.place[inside], scores[inside])
        count = len(steps)
        lag = automatic_lag(steps)
        part = steps.T @ steps
        for shift in range(1, lag + 1):
            lagged = steps[shift:].T @ steps[:-shift]
            part += (1 - shift / (lag + 1)) * (lagged + lagged.T)
        total += part * count / max(count - (n if used is None else used), 1)
        longest = max(longest, lag)
    return total, longest


def automatic_lag(steps: np.ndarray) -> int:
    """Bandwidth of the Bartlett kernel for a sequence of scores (T, n).

    L = 1.1447 (α T)^(1/3) with α from an autoregression of order one for each parameter, all
    weighted alike in units of their own variance. Source: Andrews, Econometrica 59, 817 (1991),
    Eqs. (6.2), (6.4).
    """
    count = len(steps)
    above = below = 0.0
    for column in steps.T:
        power = float(column[:-1] @ column[:-1])
        if not power > 0:
            continue
        rho = float(np.clip(column[1:] @ column[:-1] / power, -0.97, 0.97))
        above += 4 * rho**2 / ((1 - rho) ** 6 * (1 + rho) ** 2) * (1 - rho) ** 4
        below += 1.0
    if below == 0 or count < 4:
        return 0
    return int(min(np.floor(_BARTLETT * (above / below * count) ** (1 / 3)), count // 3))


def halves(
    residual: np.ndarray,
    jacobian: np.ndarray,
    rows: Rows,
    prior: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Difference of the parameters that the first and the last half of the axis want.

    One Gauss–Newton step from the solution for each half, so nothing is fitted again; with the
    Newey–West covariance from what that step leaves. Beside a prior of curvature P each half has
    all of it, so that they differ by its bias, (A₁⁻¹ − A₂⁻¹) P θ with A = H + P, too, which has the
    covariance (A₁⁻¹ − A₂⁻¹) P (A₁⁻¹ − A₂⁻¹) where θ is drawn from it. NaN where a half (and the
    prior) does not determine a parameter; None where the data have no halves.

    Args:
        residual, jacobian: in units of σ, times the square root of the loss' weights.
        prior: the same of the prior.
    """
    later = np.zeros(len(rows.place), bool)
    for one in np.unique(rows.sequence):
        inside = rows.sequence == one
        later[inside] = rows.place[inside] >= (rows.place[inside].max() + 1) // 2
    if later.all() or not later.any():
        return None
    n = jacobian.shape[1]
    beside, slopes_beside = (np.zeros(0), np.zeros((0, n))) if prior is None else prior
    pull, stiff = slopes_beside.T @ beside, slopes_beside.T @ slopes_beside
    difference, covariance, unlike = np.zeros(n), np.zeros((n, n)), np.zeros((n, n))
    for side, sign in ((~later, 1.0), (later, -1.0)):
        own, slopes = residual[side], jacobian[side]
        bent = slopes.T @ slopes
        curvature = invert(bent + stiff)
        step = -curvature.pseudo @ (slopes.T @ own + pull)
        scores = (own + slopes @ step)[:, None] * slopes
        used = None if prior is None else float(np.sum(curvature.pseudo * bent))
        difference = difference + sign * np.where(curvature.known, step, np.nan)
        covariance = covariance + sandwich(curvature, long_run(scores, rows.only(side), used)[0])
        unlike = unlike + sign * curvature.pseudo
    return difference, covariance + unlike @ stiff @ unlike
