"""Distributions of repeated switching currents, with errors of their moments."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from .. import _plain_checks as _checks
from ..core.critical import efficiency_of
from ..core.results import AbstractResult
from ..numerics.status import Status
from .extract_result import ExtractedCurrents

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..thermal.histogram import SwitchingDistribution

_BINS = 40
_LEAST = 8  # repeats, for a skewness


class CurrentHistograms(AbstractResult):
    """Repeated switching currents and their moments; axis 0 is + and −, as in
    `jaxdiode.results.SwitchingDistribution`, then the axes of the map.

    Standard errors are those of the jackknife: they hold for skewed distributions too. Errors of
    reading (`instrument`: noise and step) widen the distributions; `deviation` is as measured,
    `own_deviation` without them.

    Attributes:
        samples: currents, the repeats last; NaN where one was not read.
        mean, deviation, skewness: of the known ones.
        mean_error, deviation_error, skewness_error: standard errors.
        instrument: rms error of reading.
        count: repeats that are known.
        status: CONVERGED, or TOO_FEW_POINTS below 8 repeats (NaN), shape as `mean`.
        retrapping: means of I_r±, NaN where unknown.
        axes: coordinates of the other axes.
        unit: of the currents.

    Example:
        >>> current = np.linspace(-2, 2, 401)
        >>> limit = 1 + 0.05 * np.random.default_rng(0).normal(size=(100, 1))
        >>> import xarray
        >>> map = xarray.Dataset({"V": (("repeat", "I"), (np.abs(current) > limit) * current)},
        ...                      {"I": current})
        >>> found = jd.lab.histograms(jd.lab.switching_currents(map, hysteretic=False))
        >>> print(np.round(found.mean, 2), np.round(found.deviation, 2), found.count)
        [1. 1.] [0.05 0.05] [100 100]
    """

    samples: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    skewness: np.ndarray
    mean_error: np.ndarray
    deviation_error: np.ndarray
    skewness_error: np.ndarray
    instrument: np.ndarray
    count: np.ndarray
    status: np.ndarray
    retrapping: np.ndarray
    axes: dict[str, Any]
    unit: str = eqx.field(static=True)

    @property
    def plus(self) -> np.ndarray:
        """Repeated I₊."""
        return self.samples[0]

    @property
    def minus(self) -> np.ndarray:
        """Repeated I₋."""
        return self.samples[1]

    @property
    def own_deviation(self) -> np.ndarray:
        """Deviation without the errors of reading; 0 where they explain all of it."""
        return np.sqrt(np.maximum(self.deviation**2 - self.instrument**2, 0.0))

    @property
    def efficiency(self) -> np.ndarray:
        """η of the means."""
        return np.asarray(efficiency_of(self.mean[0], self.mean[1]))

    @property
    def efficiency_error(self) -> np.ndarray:
        """Standard error of it, by those of the means alone."""
        (plus, minus), (up, down) = self.mean, self.mean_error
        return np.asarray(2 * np.hypot(minus * up, plus * down) / (plus + minus) ** 2)

    def summary(self, unit: str = "") -> str:
        """Moments with errors, and η of the means."""
        if self.mean.ndim > 1:
            few = self.count[self.status != Status.CONVERGED]
            text = super().summary(unit)
            if few.size:
                share = f"status: {few.size} of {self.count.size} distributions have "
                text = "\n".join([*text.splitlines()[:-1], share + self._too_few(few)])
            return text
        unit = self.unit or unit
        lines = []
        for k, name in enumerate("+-"):
            if self.status[k]:
                lines.append(f"I{name}   {self._too_few(self.count[k : k + 1])}")
                continue
            lines.append(
                f"I{name}   {self.mean[k]:.6g} ± {self.mean_error[k]:.2g} {unit}, deviation "
                f"{self.deviation[k]:.4g} ± {self.deviation_error[k]:.2g} (of reading "
                f"{self.instrument[k]:.2g}), skewness {self.skewness[k]:+.2f} ± "
                f"{self.skewness_error[k]:.2f}, {self.count[k]} repeats"
            )
        eta, error = float(self.efficiency), float(self.efficiency_error)
        if np.isfinite(eta):
            word = "significant" if abs(eta) >= 2 * error else "not significant"
            lines.append(f"eta  {eta:+.5f} ± {error:.5f} of the means: {word}")
        return "\n".join(lines)

    def _too_few(self, count: np.ndarray) -> str:
        least, most = int(count.min()), int(count.max())
        told = f"{least}" if least == most else f"{least} to {most}"
        return (
            f"{told} repeats, fewer than the {_LEAST} that moments with errors need: measure more, "
            "or take the average of the extracted currents; `samples` are there"
        )

    def plot(self, *, theory: "SwitchingDistribution | None" = None) -> "Figure":
        """Histograms with their means; with `jaxdiode.switching_distribution` over them."""
        from .. import plot

        if self.mean.ndim > 1:
            return plot.values(self)
        step = np.sqrt(12) * np.nanmax(self.instrument)  # finer bins would show the bias points
        width = np.nanmax(self.samples) - np.nanmin(self.samples)
        bins = int(np.clip(width / step, 4, _BINS)) if step > 0 else _BINS
        return plot.switching_histogram(self, theory=theory, unit=self.unit, bins=bins)


def histograms(found: ExtractedCurrents, along: str = "repeat") -> CurrentHistograms:
    """Distributions of I₊ and I₋ over repeats of a measurement.

    They stand beside `jaxdiode.switching_distribution` (theory) and `jaxdiode.switching_currents`
    with noise (simulated ramps): the same attributes mean, deviation and skewness, (+, −) first.

    Args:
        found: of `switching_currents`.
        along: the axis of repeats.

    Raises:
        ValueError: no such axis.

    Example:
        >>> current = np.linspace(-2, 2, 401)
        >>> limit = 1 + 0.05 * np.random.default_rng(0).normal(size=(100, 1))
        >>> import xarray
        >>> map = xarray.Dataset({"V": (("repeat", "I"), (np.abs(current) > limit) * current)},
        ...                      {"I": current})
        >>> found = jd.lab.histograms(jd.lab.switching_currents(map, hysteretic=False))
        >>> print(f"{found.efficiency:.3f} {np.all(found.own_deviation < found.deviation)}")
        0.000 True
    """
    if not isinstance(found, ExtractedCurrents):
        raise ValueError(f"found must be of switching_currents, got {type(found).__name__}")
    if along not in found.axes:
        raise _checks.unknown_name("axis", along, found.axes)
    at = 1 + list(found.axes).index(along)
    samples = np.moveaxis(found.currents[:2], at, -1)
    reading = np.moveaxis(found.noise[:2] ** 2 + found.step[:2] ** 2, at, -1)
    known = np.isfinite(samples)
    count = known.sum(axis=-1)
    few = count < _LEAST
    moments, errors = _moments(samples, known)
    total = np.sum(np.where(known, reading, 0.0), axis=-1)
    back = np.moveaxis(found.currents[2:], at, -1)
    there = np.isfinite(back)
    held = np.where(there.any(axis=-1), there.sum(axis=-1), 1)
    retrapping = np.where(
        there.any(axis=-1), np.where(there, back, 0.0).sum(axis=-1) / held, np.nan
    )
    (mean, deviation, skewness), (mean_error, deviation_error, skewness_error) = moments, errors
    made = {
        "mean": mean, "deviation": deviation, "skewness": skewness, "mean_error": mean_error,
        "deviation_error": deviation_error, "skewness_error": skewness_error,
    }  # fmt: skip
    return CurrentHistograms(
        samples=samples,
        **{k: np.where(few, np.nan, v) for k, v in made.items()},
        instrument=np.sqrt(total / np.maximum(count, 1)),
        count=count,
        status=np.where(few, Status.TOO_FEW_POINTS, Status.CONVERGED).astype(np.int32),
        retrapping=retrapping,
        axes={k: v for k, v in found.axes.items() if k != along},
        unit=found.unit,
    )


def _moments(samples: np.ndarray, known: np.ndarray):
    """Mean, deviation and skewness over the last axis by the jackknife, and its errors.

    It takes off what few samples bias: of a histogram's tail they seldom hold their share.
    """
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    first = np.sum(np.where(known, samples, 0.0), axis=-1, keepdims=True) / count
    rest = np.where(known, samples - first, 0.0)
    size = np.sqrt(np.sum(rest**2, axis=-1, keepdims=True) / count)
    rest = rest / np.where(size > 0, size, 1.0)  # powers of any unit stay numbers
    sums = [np.sum(rest**k, axis=-1, keepdims=True) for k in (1, 2, 3)]
    moments = _from_sums(count, *sums)
    left = _from_sums(count - 1, *(s - rest**k for k, s in zip((1, 2, 3), sums, strict=True)))
    errors, better = [], []
    for all_of_them, one in zip(moments, left, strict=True):
        one = np.where(known, one, 0.0)
        middle = np.sum(one, axis=-1, keepdims=True) / count
        squares = np.sum(np.where(known, one - middle, 0.0) ** 2, axis=-1)
        errors.append(np.sqrt(squares * (count[..., 0] - 1) / count[..., 0]))
        better.append((count * all_of_them - (count - 1) * middle)[..., 0])
    mean, deviation, skewness = better
    unit = size[..., 0]
    return (
        (first[..., 0] + unit * mean, unit * deviation, skewness),
        (unit * errors[0], unit * errors[1], errors[2]),
    )


def _from_sums(count, one, two, three):
    """Mean, deviation (of n − 1) and skewness from sums of powers."""
    count = np.maximum(count, 2)
    mean = one / count
    second = np.maximum(two / count - mean**2, 0.0)
    third = three / count - 3 * mean * two / count + 2 * mean**3
    with np.errstate(invalid="ignore", divide="ignore"):
        skewness = np.where(second > 0, third / np.where(second > 0, second, 1.0) ** 1.5, 0.0)
    return mean, np.sqrt(second * count / (count - 1)), skewness
