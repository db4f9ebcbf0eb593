"""What scatter does to a design, on fresh devices: statistics with errors, designs compared."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ... import _checks
from ...core.device import AbstractDevice
from ...core.results import AbstractResult
from ...numerics.status import Status
from .objective import RobustObjective
from .statistics import RISKS, estimate, interval_of_share, paired

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CHUNKS = 32, 256  # devices of one call: few programs for all counts
_SURE = 0.95


class SpreadStatistics(AbstractResult):
    """An objective over fabricated devices of one design.

    Attributes:
        device: the design.
        spread: how its parameters scatter, in words.
        nominal: objective of the design itself; retuned where the devices are.
        values: objective of every device; NaN of those that failed. Of a posterior at most one for
            each of its draws.
        mean, mean_error: of the devices that have a result, and its standard error. Draws of a
            posterior follow each other: errors are those of its effective draws.
        level: share of the worst devices in what follows.
        quantile, quantile_error: value that a share 1 − level exceeds.
        cvar, cvar_error: mean of the worst share.
        threshold: least value that is good enough; NaN if none was asked for.
        yield_fraction, yield_interval: share of all devices that reach it, failed ones counted as
            bad, and Clopper and Pearson's 95 % interval.
        failed: number of devices without result.
        status: NONFINITE where devices failed: mean, quantile and cvar are of the others, unless
            the objective says what a failed one counts as.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> eta = jd.robust(jd.diode_efficiency, jd.Spread({"branches": "5 %"}), samples=64)
        >>> found = eta.statistics(squid, key=1, samples=400)
        >>> print(f"{found.nominal:.4f} {found.mean:.4f} ± {found.mean_error:.4f}")
        -0.1161 -0.1161 ± 0.0016
    """

    device: AbstractDevice
    values: np.ndarray
    yield_interval: np.ndarray
    spread: str = eqx.field(static=True)
    retuned: tuple[str, ...] = eqx.field(static=True)
    nominal: float = eqx.field(static=True)
    mean: float = eqx.field(static=True)
    mean_error: float = eqx.field(static=True)
    level: float = eqx.field(static=True)
    quantile: float = eqx.field(static=True)
    quantile_error: float = eqx.field(static=True)
    cvar: float = eqx.field(static=True)
    cvar_error: float = eqx.field(static=True)
    threshold: float = eqx.field(static=True)
    yield_fraction: float = eqx.field(static=True)
    failed: int = eqx.field(static=True)

    @property
    def status(self) -> np.ndarray:
        return np.asarray(Status.NONFINITE if self.failed else Status.CONVERGED, np.int32)

    def as_dict(self) -> dict[str, Any]:
        names = [field.name for field in fields(self) if field.name not in ("device", "values")]
        found = {name: getattr(self, name) for name in names}
        return found | {"samples": self.values.size, "status": int(self.status)}

    def summary(self, unit: str = "") -> str:
        """A table to print."""
        del unit
        rows = [
            f"{self.values.size} devices, {self.spread}",
            f"{'without scatter':22s} {self.nominal:.6g}",
            f"{'mean':22s} {_with_error(self.mean, self.mean_error)}",
            f"{f'quantile {self.level:g}':22s} {_with_error(self.quantile, self.quantile_error)}",
            f"{f'mean of worst {self.level:g}':22s} {_with_error(self.cvar, self.cvar_error)}",
        ]
        if self.retuned:
            rows[0] += f"; {', '.join(self.retuned)} set anew for every device"
        if np.isfinite(self.threshold):
            low, high = self.yield_interval
            words = f"yield (at least {self.threshold:g})"
            rows.append(f"{words:22s} {self.yield_fraction:.4f} ({low:.4f} to {high:.4f})")
        if self.failed:
            rows.append(f"{self.failed} devices have no result, or parameters beyond their range")
        return "\n".join(rows)

    def plot(self) -> "Figure":
        from ... import plot

        return plot.scattered({"design": self})


class SpreadComparison(AbstractResult):
    """Two designs on the same random numbers.

    Attributes:
        first, second: statistics of both.
        gains: {statistic: first − second}.
        errors: {statistic: standard error of this difference}.
        status: NONFINITE where devices of either failed: they are left out of both.

    Example:
        >>> spread = jd.Spread({"critical_current": "10 %"})
        >>> robust = jd.robust(lambda junction: junction.critical_current, spread)
        >>> first, second = jd.TunnelJunction(102.0), jd.TunnelJunction(100.0)
        >>> found = robust.compare(first, second, key=0, samples=1000)
        >>> print(f"{found.gains['mean']:.2f} ± {found.errors['mean']:.3f}")
        2.00 ± 0.006
    """

    first: SpreadStatistics
    second: SpreadStatistics
    gains: dict[str, float] = eqx.field(static=True)
    errors: dict[str, float] = eqx.field(static=True)

    @property
    def status(self) -> np.ndarray:
        return np.asarray(max(self.first.status, self.second.status), np.int32)

    def as_dict(self) -> dict[str, Any]:
        both = {"first": self.first.as_dict(), "second": self.second.as_dict()}
        return both | {"gains": self.gains, "errors": self.errors, "status": int(self.status)}

    def summary(self, unit: str = "") -> str:
        """A table to print."""
        del unit
        rows = [f"{'':14s}{'first':>12s}{'second':>12s}{'gain':>12s}"]
        rows.append(f"{'no scatter':14s}{self.first.nominal:12.5f}{self.second.nominal:12.5f}"
                    f"{self.first.nominal - self.second.nominal:+12.5f}")  # fmt: skip
        for name, gain in self.gains.items():
            values = (getattr(side, name if name != "yield" else "yield_fraction")
                      for side in (self.first, self.second))  # fmt: skip
            columns = "".join(f"{value:12.5f}" for value in values)
            rows.append(f"{name:14s}{columns}{gain:+12.5f} ± {self.errors[name]:.5f}")
        return "\n".join(rows)

    def plot(self) -> "Figure":
        from ... import plot

        return plot.scattered({"first": self.first, "second": self.second})


def gathered(
    robustness: RobustObjective, device: AbstractDevice, key: int, samples: int, threshold: Any
) -> SpreadStatistics:
    numbers = _numbers(robustness, device, key, samples)
    return _statistics(robustness, device, *_values(robustness, device, numbers), threshold)


def compared(
    robustness: RobustObjective,
    device: AbstractDevice,
    other: AbstractDevice,
    key: int,
    samples: int,
    threshold: Any,
) -> SpreadComparison:
    rows = [_numbers(robustness, one, key, samples) for one in (device, other)]
    if rows[0].shape != rows[1].shape:
        raise ValueError("designs to be compared must have the same parameters that scatter")
    found = [_values(robustness, one, rows[0]) for one in (device, other)]
    both = [
        _statistics(robustness, one, *values, threshold)
        for one, values in zip((device, other), found, strict=True)
    ]
    counted = [np.asarray(robustness.counted(values)) for _, values in found]
    known = np.isfinite(counted[0]) & np.isfinite(counted[1])
    gains, errors = {}, {}
    limit = both[0].threshold
    for name in RISKS:
        if name == "yield" and not np.isfinite(limit):
            continue
        if name == "yield":  # failed devices are bad ones, whatever they count as elsewhere
            kept = [np.nan_to_num(values, nan=-np.inf) for _, values in found]
        else:
            kept = [values[known] for values in counted]
        independent = _independent(robustness, rows[0], kept[0])
        gains[name], errors[name] = np.nan, np.nan
        if kept[0].size > 1:
            first, second = kept
            gains[name], errors[name] = paired(
                first, second, name, robustness.level, limit, independent
            )
    return SpreadComparison(both[0], both[1], gains, errors)


def _numbers(robustness, device, key: int, samples: int) -> np.ndarray:
    """Random numbers of fresh devices, none of them twice."""
    _checks.whole_number("samples", samples, at_least=2)
    return robustness.spread.numbers(device, robustness.spread.different(samples), key)


def _independent(robustness, numbers: np.ndarray, values: np.ndarray) -> float:
    """How many independent values these tell as much as, some of the devices left out."""
    return robustness.spread.independent(len(numbers)) * values.size / len(numbers)


def _values(
    robustness: RobustObjective, device: AbstractDevice, numbers: np.ndarray
) -> tuple[float, np.ndarray]:
    """The objective of the design and of every device."""
    rows = np.concatenate([np.zeros((1, numbers.shape[1])), numbers])
    size = _CHUNKS[len(rows) > 2 * _CHUNKS[0]]
    rows = np.concatenate([rows, np.zeros((-len(rows) % size, numbers.shape[1]))])
    scattered = (np.arange(len(rows)) > 0) & (np.arange(len(rows)) <= len(numbers))
    run = robustness.program(device)
    found = [
        np.asarray(run(jnp.asarray(rows[part]), jnp.asarray(scattered[part])))
        for part in (slice(first, first + size) for first in range(0, len(rows), size))
    ]
    values = np.concatenate(found)
    return float(values[0]), values[1 : 1 + len(numbers)]


def _statistics(robustness, device, nominal, values, threshold) -> SpreadStatistics:
    limit = robustness.threshold if threshold is None else float(threshold)
    counted = np.asarray(robustness.counted(values))
    known = counted[np.isfinite(counted)]
    found = {}
    for name in ("mean", "quantile", "cvar"):
        value, error = np.nan, np.nan
        if known.size > 1:
            independent = _independent(robustness, values, known)
            value, error, _ = estimate(known, name, robustness.level, None, independent)
        found |= {name: value, f"{name}_error": error}
    share, interval = np.nan, np.full(2, np.nan)
    if limit is not None:
        share = float(np.mean(np.nan_to_num(values, nan=-np.inf) >= limit))
        trials = robustness.spread.independent(values.size)
        interval = np.array(interval_of_share(share, trials, _SURE))
    return SpreadStatistics(
        device=device,
        spread=str(robustness.spread),
        retuned=tuple(robustness.retune),
        nominal=nominal,
        values=values,
        level=robustness.level,
        threshold=np.nan if limit is None else limit,
        yield_fraction=share,
        yield_interval=interval,
        failed=int(np.sum(np.isnan(values))),
        **found,
    )


def _with_error(value: float, error: float) -> str:
    return f"{value:.5f} ± {error:.5f}"
