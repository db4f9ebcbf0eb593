"""What residuals tell: the noise of a point, correlations of neighbours, the share explained."""

from typing import TYPE_CHECKING

import numpy as np

from .data import Rows

if TYPE_CHECKING:
    from .trust_region import Problem

FAR = 5.0  # σ of an outlier
_EXACT = 1e-9  # of the data's size: residuals below are rounding
_KEPT = 20  # outliers that are named
_SHORT = 40  # points of a row below which its correlations are not tested


def near(residual: np.ndarray, noise: np.ndarray, robust: bool) -> np.ndarray:
    """Which points a robust loss is judged by: those within 5 σ, where these are most of them.

    All of them for a linear loss, which has no outliers.
    """
    inside = np.abs(residual) <= FAR * noise
    if not robust or 2 * np.sum(inside) < residual.size:
        return np.ones(residual.shape, bool)
    return inside


def typical_size(residual: np.ndarray) -> float:
    """Root mean square of the residuals within 5 times itself.

    It grows from the median absolute deviation, so that outliers apart from the others stay out.
    """
    size = float(np.median(np.abs(residual))) / 0.6745
    for _ in range(50):
        inside = np.abs(residual) <= FAR * size
        larger = float(np.sqrt(np.mean(residual[inside] ** 2)))
        if not larger > size:
            break
        size = larger
    return size


def outliers(
    problem: "Problem", residual: np.ndarray, noise: np.ndarray, rows: Rows
) -> tuple[int, tuple[tuple[str, float], ...]]:
    """How many points lie beyond 5 σ, and (which, how many σ off) of the farthest.

    σ as it is given or as a robust loss finds it; where least squares would estimate it from the
    outliers too, the size of the other residuals. None is farther than rounding.
    """
    if problem.sigma is None and problem.loss == "linear":
        noise = np.full_like(noise, typical_size(residual))
    floor = _EXACT * float(np.sqrt(np.mean(problem.data**2)))
    off = residual / np.maximum(noise, floor if floor > 0 else 1.0)
    far = np.flatnonzero(np.abs(off) > FAR)
    first = far[np.argsort(-np.abs(off[far]), kind="stable")][:_KEPT].tolist()
    return int(far.size), tuple((rows.place_name(k), -float(off[k])) for k in first)


def successive_noise(data: np.ndarray, residual: np.ndarray, rows: Rows) -> float:
    """Standard deviation of the noise of one point, from second differences of neighbours.

    y_{i−1} − 2y_i + y_{i+1} has variance 6σ² and no slow part. Of the data and of the residuals
    the smaller counts: differences of the data hold what a fast signal does from point to point,
    those of the residuals what a wrong model adds.
    """
    found = [_second_differences(values, rows) for values in (data, residual)]
    return float(np.min(found))


def _second_differences(values: np.ndarray, rows: Rows) -> float:
    parts = [np.diff(values[row], 2) for row in rows.sorted_rows() if row.size >= 5]
    if not parts:
        return float("nan")
    return float(np.sqrt(np.mean(np.concatenate(parts) ** 2) / 6))


def guessed_noise(data: np.ndarray, rows: Rows) -> float:
    """A noise to begin with where none is known: a guess above zero."""
    size = float(np.sqrt(np.mean(data**2))) or 1.0
    found = _second_differences(data, rows)
    return float(np.clip(found, 1e-6 * size, size)) if np.isfinite(found) else 0.1 * size


def lag_one(residual: np.ndarray, rows: Rows) -> dict[str, float]:
    """{row: correlation of neighbouring residuals} of every row of five points or more."""
    found = {}
    for label, row in zip(rows.labels, rows.sorted_rows(), strict=True):
        own = residual[row]
        power = float(own @ own)
        if row.size >= 5:
            found[label] = float(own[1:] @ own[:-1]) / power if power > 0 else 0.0
    return found


def factor_of_errors(lag_one: float) -> float:
    """√((1 + ρ)/(1 − ρ)): how much correlated neighbours widen the error of a mean."""
    rho = min(max(lag_one, 0.0), 0.97)
    return float(np.sqrt((1 + rho) / (1 - rho)))


def mean_and_error(own: np.ndarray) -> tuple[float, float]:
    """Mean of a row of residuals and its standard error, correlations of neighbours included."""
    mean = float(np.mean(own))
    rest = own - mean
    power = float(rest @ rest)
    rho = float(rest[1:] @ rest[:-1]) / power if power > 0 else 0.0
    error = np.sqrt(power / max(own.size - 1, 1) / own.size) * factor_of_errors(rho)
    return mean, float(error)


def chance(residual: np.ndarray, rows: Rows) -> dict[str, float]:
    """{row: probability that independent noise is as correlated} of every row in `lag_one`.

    Ljung and Box, Q = T(T + 2) Σ_{k=1}^{h} ρ_k²/(T − k), against χ² of h = min(10, T/4) degrees of
    freedom: it also sees what oscillates with a period of a few points, where ρ₁ is small. 1 for
    rows of less than forty points. Source: Biometrika 65, 297 (1978).
    """
    from scipy import stats

    found = {}
    for label, row in zip(rows.labels, rows.sorted_rows(), strict=True):
        own, count = residual[row], row.size
        power = float(own @ own)
        if count < 5:
            continue
        if count < _SHORT or not power > 0:
            found[label] = 1.0
            continue
        lags = np.arange(1, min(10, count // 4) + 1)
        rho = np.array([own[k:] @ own[:-k] for k in lags]) / power
        statistic = count * (count + 2) * np.sum(rho**2 / (count - lags))
        found[label] = float(stats.chi2.sf(statistic, lags.size))
    return found


def strongest_period(residual: np.ndarray, rows: Rows, label: str) -> float:
    """Period, in points, of the largest line in the residuals of one row."""
    own = residual[rows.sorted_rows()[rows.labels.index(label)]]
    power = np.abs(np.fft.rfft(own * np.hanning(own.size), 8 * own.size)) ** 2
    return 8 * own.size / max(int(np.argmax(power)), 1)


def share_explained(data: np.ndarray, residual: np.ndarray, noise: np.ndarray, rows: Rows) -> float:
    """R² = 1 − Σ (residual/σ)² / Σ ((data − mean of its row)/σ)²; NaN for constant data."""
    weight = (np.min(noise) / noise) ** 2 if np.all(noise > 0) else np.ones_like(noise)
    total = 0.0
    for row in rows.sorted_rows():
        mean = np.average(data[row], weights=weight[row])
        total += float(np.sum(weight[row] * (data[row] - mean) ** 2))
    left = float(np.sum(weight * residual**2))
    return 1 - left / total if total > 0 else float("nan")
