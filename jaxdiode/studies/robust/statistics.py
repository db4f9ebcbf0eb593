"""Statistics of a scattered objective: as functions to climb, and as numbers with errors."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, assert_never, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks

Risk = Literal["mean", "quantile", "cvar", "yield"]
RISKS: tuple[Risk, ...] = get_args(Risk)

_RESAMPLES = 400  # the error of an error is then 4 %

Values = Float[Array | np.ndarray, " n"]


def of_sample(
    risk: Risk, count: int, level: float, threshold: float | None, width: float | None
) -> Callable[[Values], Float[Array, ""]]:
    """The statistic of `count` values as a smooth function of them."""
    if risk == "mean":
        return jnp.mean
    if risk == "yield":
        return lambda values: smoothed_yield(values, threshold, width)
    if risk == "quantile":
        weights = jnp.asarray(quantile_weights(count, level))
    elif risk == "cvar":
        weights = jnp.asarray(tail_weights(count, level))
    else:
        assert_never(risk)
    return lambda values: weights @ jnp.sort(values)


def quantile_weights(count: int, level: float) -> Float[np.ndarray, " n"]:
    """Weights of the sorted values in Harrell and Davis' estimate of a quantile.

    A mean of order statistics over a band of √(q(1 − q)/n), so that its gradient is that of many
    devices and not of one. Source: Biometrika 69, 635 (1982).
    """
    from scipy import stats

    edges = np.linspace(0, 1, count + 1)
    return np.diff(stats.beta.cdf(edges, (count + 1) * level, (count + 1) * (1 - level)))


def tail_weights(count: int, level: float) -> Float[np.ndarray, " n"]:
    """Weights of the sorted values in the mean of the worst share `level` of them."""
    edges = np.minimum(np.linspace(0, 1, count + 1), level)
    return np.diff(edges) / level


def smoothed_yield(values: Values, threshold: Any, width: Any) -> Float[Array, ""]:
    """Share of values above the threshold, each blurred by a normal distribution; NaN is below.

    Its width by default is Silverman's, 1.06 σ n^(−1/5) of the scatter σ of the n values that are
    numbers.
    """
    known = ~jnp.isnan(values)
    count = jnp.maximum(jnp.sum(known, dtype=float), 1.0)
    numbers = jnp.where(known, values, threshold)
    if width is None:
        middle = jnp.sum(jnp.where(known, numbers, 0.0)) / count
        variance = jnp.sum(jnp.where(known, numbers - middle, 0.0) ** 2) / count
        some = variance > 0
        width = 1.06 * jnp.sqrt(jnp.where(some, variance, 1.0)) * count**-0.2
        width = jnp.where(some, width, jnp.finfo(float).tiny)
    above = jnp.clip((numbers - threshold) / width, -40.0, 40.0)
    return jnp.mean(jnp.where(known, jax.scipy.special.ndtr(above), 0.0))


class Estimate(NamedTuple):
    """A statistic of a sample, its standard error, and what each value adds to its error."""

    value: float
    error: float
    influence: Float[np.ndarray, " n"]


def estimate(
    values: Float[np.ndarray, " n"],
    risk: Risk,
    level: float,
    threshold: float | None,
    independent: float | None = None,
) -> Estimate:
    """A statistic of values, exact and not smoothed, by its influence function.

    `independent` says how many independent ones would tell as much, by default all.
    """
    values = np.asarray(values, float)
    independent = values.size if independent is None else independent
    if risk == "mean":
        value, influence = np.mean(values), values - np.mean(values)
    elif risk == "yield":
        met = values >= threshold
        value, influence = np.mean(met), met - np.mean(met)
    elif risk == "quantile":
        value, density = _quantile(values, level)
        influence = (level - (values <= value)) / density
    elif risk == "cvar":
        quantile, _ = _quantile(values, level)
        value = tail_weights(values.size, level) @ np.sort(values)
        below = np.where(values <= quantile, values - quantile, 0.0)
        influence = quantile + below / level - value
    else:
        assert_never(risk)
    error = np.std(influence, ddof=1) / np.sqrt(independent)
    return Estimate(float(value), float(error), influence)


def paired(
    first: Float[np.ndarray, " n"],
    second: Float[np.ndarray, " n"],
    risk: Risk,
    level: float,
    threshold: float | None,
    independent: float | None = None,
) -> tuple[float, float]:
    """A statistic of the first less that of the second on the same numbers, and its error.

    Of a quantile by bootstrap: by influence functions the errors of both densities, which the
    difference hardly feels, would be most of it.
    """
    independent = len(first) if independent is None else independent
    both = [estimate(values, risk, level, threshold) for values in (first, second)]
    gain = both[0].value - both[1].value
    if risk in ("mean", "cvar", "yield"):
        apart = both[0].influence - both[1].influence
        return gain, float(np.std(apart, ddof=1) / np.sqrt(independent))
    if risk != "quantile":
        assert_never(risk)
    generator, size = np.random.default_rng(0), len(first)
    found = np.empty(_RESAMPLES)
    for i in range(_RESAMPLES):
        chosen = generator.integers(0, size, size)
        found[i] = np.quantile(first[chosen], level) - np.quantile(second[chosen], level)
    return gain, float(np.std(found, ddof=1) * np.sqrt(size / independent))


def _quantile(values: np.ndarray, level: float) -> tuple[float, float]:
    """A quantile and the density there, from quantiles to both sides.

    How far apart by Hall and Sheather, J. R. Stat. Soc. B 50, 381 (1988), for intervals of 95 %.
    """
    from scipy import stats

    z = stats.norm.ppf(level)
    curved = 1.5 * stats.norm.pdf(z) ** 2 / (2 * z**2 + 1)
    apart = values.size ** (-1 / 3) * (stats.norm.ppf(0.975) ** 2 * curved) ** (1 / 3)
    apart = min(apart, 0.9 * min(level, 1 - level))
    low, middle, high = np.quantile(values, [level - apart, level, level + apart])
    return float(middle), 2 * apart / max(float(high - low), np.finfo(float).tiny)


def interval_of_share(share: float, of: float, level: float) -> tuple[float, float]:
    """Clopper and Pearson's interval of a probability that this share of `of` trials met."""
    from scipy import stats

    met, tail = share * of, (1 - level) / 2
    low = stats.beta.ppf(tail, met, of - met + 1) if share > 0 else 0.0
    high = stats.beta.ppf(1 - tail, met + 1, of - met) if share < 1 else 1.0
    return float(low), float(high)


def require_risk(
    risk: Any, level: Any, threshold: Any, width: Any
) -> tuple[float, float | None, float | None]:
    """Level, threshold and width, checked.

    Raises:
        ValueError: an unknown risk, a level outside 0 to 1, a yield without threshold.
    """
    if risk not in RISKS:
        raise _checks.unknown_name("risk", str(risk), RISKS)
    if not _is_number(level) or not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    if threshold is not None and not _is_number(threshold):
        raise ValueError(f"threshold must be a finite number, got {threshold!r}")
    if risk == "yield" and threshold is None:
        raise ValueError("threshold must be given for a yield: the least value that is good enough")
    if width is not None and (not _is_number(width) or width <= 0):
        raise ValueError(f"width must be positive, got {width!r}")
    return (
        float(level),
        None if threshold is None else float(threshold),
        None if width is None else float(width),
    )


def _is_number(value: Any) -> bool:
    return _checks.is_number(value) and bool(np.isfinite(value))
