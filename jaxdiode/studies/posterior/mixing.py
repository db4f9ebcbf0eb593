"""How far draws of several chains can be trusted: R̂ and effective sample sizes.

Source: Vehtari, Gelman, Simpson, Carpenter & Bürkner, Bayesian Analysis 16, 667 (2021). Written
out here because ArviZ 0 warns when it is imported and ArviZ 1 has other names; the tests compare.
"""

import numpy as np

_TAIL = (0.05, 0.95)


def rhat(draws: np.ndarray) -> float:
    """Rank-normalised split R̂ of draws (chain, draw): of their bulk or spread, the larger."""
    if _unknown(draws):
        return float("nan")
    halves = _split(draws)
    folded = np.abs(halves - np.median(halves))
    return max(_plain_rhat(_normal_scores(halves)), _plain_rhat(_normal_scores(folded)))


def ess_bulk(draws: np.ndarray) -> float:
    """Effective sample size of normal scores: of the middle of the posterior."""
    return float("nan") if _unknown(draws) else _ess(_normal_scores(_split(draws)))


def ess_tail(draws: np.ndarray) -> float:
    """The smaller effective sample size of the 5 % and the 95 % quantile."""
    if _unknown(draws):
        return float("nan")
    ends = np.quantile(draws, _TAIL)
    return min(_ess(_split((draws <= end).astype(float))) for end in ends)


def _unknown(draws: np.ndarray) -> bool:
    return bool(not np.all(np.isfinite(draws)) or np.ptp(draws) == 0 or draws.shape[1] < 4)


def _split(draws: np.ndarray) -> np.ndarray:
    """Every chain as two; the middle draw of an odd number is left out."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _normal_scores(draws: np.ndarray) -> np.ndarray:
    from scipy import special, stats

    rank = stats.rankdata(draws).reshape(draws.shape)
    return special.ndtri((rank - 0.375) / (draws.size + 0.25))


def _plain_rhat(draws: np.ndarray) -> float:
    count = draws.shape[1]
    within = np.mean(np.var(draws, axis=1, ddof=1))
    between = np.var(np.mean(draws, axis=1), ddof=1)
    return float(np.sqrt(between / within + (count - 1) / count))


def _ess(draws: np.ndarray) -> float:
    """chains · draws/τ, τ by Geyer's monotone sequence of pairs of autocorrelations."""
    chains, count = draws.shape
    if np.ptp(draws) == 0:
        return float(draws.size)
    covariance = np.mean(_autocovariance(draws), axis=0)
    within = covariance[0] * count / (count - 1)
    total = covariance[0] + (np.var(np.mean(draws, axis=1), ddof=1) if chains > 1 else 0.0)
    rho = 1 - (within - covariance) / total
    rho[0] = 1.0
    pairs = rho[: (count - 1) // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs < 0)
    last = int(ends[0]) if ends.size else len(pairs) - 1
    tau = -1 + 2 * np.sum(np.minimum.accumulate(pairs[:last]))
    beyond = float(rho[2 * last])  # the first even one still counts
    tau += max(beyond, 0.0) if ends.size else beyond
    return float(draws.size / max(tau, 1 / np.log10(draws.size)))


def _autocovariance(draws: np.ndarray) -> np.ndarray:
    count = draws.shape[1]
    centred = draws - np.mean(draws, axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * count)
    return np.fft.irfft(np.abs(spectrum) ** 2)[:, :count] / count
