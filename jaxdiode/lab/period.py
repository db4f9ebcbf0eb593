"""The period of I₊ and I₋ in a field, and the field about which they mirror each other."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from .. import _plain_checks as _checks
from ..core.results import AbstractResult
from ..numerics.status import Status
from ..studies.fit.periods import peaks, periodogram
from .rows import currents_along
from .symmetry import correlation, error_of_mean, time_reversal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HARMONICS, _TREND = 3, 3  # of the model that refines a period; terms of the polynomial beside it
_LEAST = 12  # points
_CHANCE = 0.01  # that noise alone has such a peak
_SAME = 0.05  # relative difference of a refined period from its peak's
_MULTIPLES = 2, 3  # times the period of the strongest peak: where an overtone is the strongest
_SURE = 1e-4  # chance of noise alone in what only the longer period has
_MOST = 0.5  # of what is left, where there is nothing beside to compare with


class FluxPeriod(AbstractResult):
    """Period of I₊(B) and I₋(B) and the symmetry I₊(B₀ + b) = I₋(B₀ − b) of time reversal.

    Every device has the symmetry about zero field, trapped flux and magnets apart; B₀ is then the
    offset of the field axis. Where nothing but the period tells fields apart it is known up to half
    a period. Errors hold the correlation of neighbouring points.

    Attributes:
        period, period_error: in the field's unit; NaN without a significant peak.
        power: of the periodogram at its peak, 0 to 1.
        candidates: the period's own peak or multiple, then those of the strongest other peaks.
        offset, offset_error: B₀, of those as good the one nearest to zero field.
        offsets: all fields that are as good (within 10 %).
        asymmetry: rms of I₊(B₀+b) − I₋(B₀−b) − 2i over that of both currents' variation: 0 where
            the symmetry holds, about 1 where nothing is mirror. i is an offset of the bias.
        asymmetry_without: the least of the same with i = 0.
        current_offset, current_offset_error: i, half the mean of that difference.
        mean_difference, mean_difference_error: of I₊ and I₋ over the whole range.
        field, plus, minus: the data.
        status: CONVERGED or NOT_CONVERGED (no significant period).
        unit, field_unit: of currents and field.

    Example:
        >>> field = np.linspace(-1, 1, 101)
        >>> plus = 1 + 0.2 * np.cos(2 * np.pi * field / 0.4 - 0.9)
        >>> found = jd.lab.flux_period((field, plus, plus[::-1] - 0.1))
        >>> print(f"{found.period:.4f} {found.asymmetry:.4f} {found.current_offset:.4f}")
        0.4000 0.0000 0.0500
    """

    period: float
    period_error: float
    power: float
    candidates: np.ndarray
    offset: float
    offset_error: float
    offsets: np.ndarray
    asymmetry: float
    asymmetry_without: float
    current_offset: float
    current_offset_error: float
    mean_difference: float
    mean_difference_error: float
    field: np.ndarray
    plus: np.ndarray
    minus: np.ndarray
    status: np.ndarray
    unit: str = eqx.field(static=True)
    field_unit: str = eqx.field(static=True)

    def summary(self, unit: str = "") -> str:
        """Period, offset of the field, and both readings of a difference of the means."""
        unit, field = self.unit or unit, f" {self.field_unit}".rstrip()
        others = ", ".join(f"{x:.5g}" for x in self.candidates[1:])
        lines = [
            f"period {self.period:.6g} ± {self.period_error:.2g}{field} (power {self.power:.2f}"
            + (f"; other peaks at {others})" if others else ")")
            if np.isfinite(self.period)
            else "period not known: no significant peak of the periodogram",
            f"field offset {self.offset:.6g} ± {self.offset_error:.2g}{field}"
            + (f", one of {self.offsets.size} as good" if self.offsets.size > 1 else ""),
            f"I+(B0 + b) = I-(B0 - b) fails by {self.asymmetry:.3f} of the currents' variation "
            f"(1: unrelated), by {self.asymmetry_without:.3f} without a bias offset",
            f"mean of I+ less that of I-: {self.mean_difference:+.4g} ± "
            f"{self.mean_difference_error:.2g} {unit}",
        ]
        if abs(self.mean_difference) > 2 * self.mean_difference_error:
            lines += [
                f"  either a bias offset of {self.current_offset:+.4g} ± "
                f"{self.current_offset_error:.2g} {unit}: the symmetry then holds as above",
                "  or a diode that this field does not reverse (trapped flux, a magnet, range "
                "of field without zero): these currents cannot tell",
            ]
        return "\n".join(line.rstrip() for line in lines)

    def plot(self) -> "Figure":
        from .. import plot

        return plot.flux_period(self)


def flux_period(
    found: Any, along: str | None = None, *, shortest: float | None = None,
    longest: float | None = None,
) -> FluxPeriod:  # fmt: skip
    """Period of I₊(B) and I₋(B) and the field offset, with errors.

    The period is the strongest peak of both currents' Lomb–Scargle periodogram, refined by a fit of
    three harmonics with an envelope beside a parabola; or two or three times that, where what the
    fit leaves has the harmonics that only the longer period has (as of a device whose second
    harmonic is its largest). A longer period than the axis cannot be told. The offset minimises
    the mean square of I₊(B₀+b) − I₋(B₀−b), with and without a constant between them, over all B₀
    for which half of the range has its mirror image in it.

    Args:
        found: of `switching_currents` with one axis, a dataset with both directions as `join`
            makes it, or (field, I₊, I₋), such as `jaxdiode.read_switching_currents` gives.
        along: the field's axis, where `found` has others of length one.
        shortest, longest: limits of the period; two steps and the length of the axis if left out.

    Raises:
        ValueError: other shapes, fewer than 12 points at which both currents are known, limits in
            the wrong order.

    Example:
        >>> field = np.linspace(0, 50, 301)  # µT
        >>> noise = 0.01 * np.random.default_rng(0).normal(size=(2, 301))
        >>> plus = np.abs(np.cos(np.pi * (field - 21) / 9.5 + 0.1)) + noise[0]
        >>> minus = np.abs(np.cos(np.pi * (field - 21) / 9.5 - 0.1)) + noise[1]
        >>> found = jd.lab.flux_period((field, plus, minus))
        >>> print(f"{found.period:.2f} {abs(found.period - 9.5) < 2 * found.period_error}")
        9.50 True

    Source: VanderPlas, Astrophys. J. Suppl. 236, 16 (2018).
    """
    rows = currents_along(found, along)
    field, plus, minus = rows.field, rows.plus, rows.minus
    if field.size < _LEAST:
        raise ValueError(
            f"found must have at least {_LEAST} points with both currents, got {field.size}"
        )
    if not np.ptp(field) > 0:
        raise ValueError(f"the fields of found must be different, all are {field[0]:g}")
    for name, value in (("shortest", shortest), ("longest", longest)):
        if value is not None:
            _checks.positive_number(name, value)
    if shortest is not None and longest is not None and not shortest < longest:
        raise ValueError(f"shortest must be below longest, got {shortest:g} and {longest:g}")
    # The periodogram knows frequencies in units of the axis: of its length for any unit.
    span = float(np.ptp(field))
    place = (field - field[0]) / span
    low, high = span / (longest or span), span / (shortest or 1e-300 * span)
    frequencies = peaks([place, place], [plus, minus], low, min(high, 1e9))
    period, error, power = _refined(place, np.array([plus, minus]), frequencies, low)
    others = span / frequencies
    if np.isfinite(period):  # first the period that was chosen, a multiple of a peak's perhaps
        chosen = span * period
        others = np.array([chosen, *(x for x in others if abs(x / chosen - 1) > _SAME)])
    mirror = time_reversal(place, plus, minus, -field[0] / span)
    rest = plus - minus
    known = np.isfinite(period)
    return FluxPeriod(
        period=span * period,
        period_error=span * error,
        power=power,
        candidates=others,
        offset=float(field[0] + span * mirror.offset),
        offset_error=span * mirror.error,
        offsets=field[0] + span * mirror.offsets,
        asymmetry=mirror.asymmetry,
        asymmetry_without=mirror.without,
        current_offset=mirror.current,
        current_offset_error=mirror.current_error,
        mean_difference=float(np.mean(rest)),
        mean_difference_error=error_of_mean(rest),
        field=field,
        plus=plus,
        minus=minus,
        status=np.asarray(Status.CONVERGED if known else Status.NOT_CONVERGED, np.int32),
        unit=rows.unit,
        field_unit=rows.field_unit,
    )


def _refined(x: np.ndarray, rows: np.ndarray, frequencies: np.ndarray, lowest: float):
    """Period, its error and the power at the peak, on an axis of length one."""
    from scipy.optimize import minimize_scalar

    count = x.size
    if frequencies.size == 0:
        return np.nan, np.nan, 0.0
    first = float(frequencies[0])
    power = float(np.mean([periodogram(x, y, first, first + 1e-6)[1][0] for y in rows]))
    independent = max(1.0, count / 2)
    chance = independent * (1 - min(power, 1.0)) ** ((count - 3) / 2)
    if chance > _CHANCE:
        return np.nan, np.nan, power

    def nearest(f: float, harmonics: int) -> float:
        ends = max(f - 0.5, 0.3), f + 0.5
        least: Any = minimize_scalar(
            lambda g: np.sum(_residuals(x, rows, g, harmonics) ** 2), bounds=ends,
            method="bounded", options={"xatol": 1e-9},
        )  # fmt: skip
        return float(least.x)

    harmonics = max(1, min(_HARMONICS, int(0.4 * count / first)))
    best = nearest(first, harmonics)
    multiple = _multiple(x, rows, best, harmonics, lowest)
    if multiple > 1:
        harmonics = max(1, min(multiple * harmonics, int(0.2 * count * multiple / best)))
        best = nearest(best / multiple, harmonics)

    def left(f: float) -> float:
        return float(np.sum(_residuals(x, rows, f, harmonics) ** 2))

    rest = _residuals(x, rows, best, harmonics)
    free = rest.size - rows.shape[0] * (_TREND + 4 * harmonics) - 1
    if free < 1:
        return 1 / best, np.nan, power
    variance = np.sum(rest**2) / free * np.mean([correlation(r) for r in rest])
    step = 0.05
    bend = (left(best + step) - 2 * left(best) + left(best - step)) / step**2
    error = np.sqrt(2 * variance / bend) if bend > 0 else np.nan
    return 1 / best, float(error / best**2), power


def _multiple(
    x: np.ndarray, rows: np.ndarray, frequency: float, harmonics: int, lowest: float
) -> int:
    """How many times the period of a line the currents' own period is.

    By what is left beside the line and its overtones: its share at j f/n, no multiples of f, must
    be no chance and far above that at as many frequencies beside them.
    """
    rest = _residuals(x, rows, frequency, harmonics)
    if not np.any(np.abs(rest) > 1e-9 * np.max(np.abs(rows))):
        return 1
    for multiple in _MULTIPLES:
        if frequency / multiple < max(1.0, lowest):
            continue
        unknown = _residuals(x, rows, frequency / multiple, multiple * harmonics)
        independent = rest.size / float(np.mean([correlation(r) for r in unknown]))
        all_of_it = [j for j in range(1, multiple * harmonics) if j % multiple]
        for places in (all_of_it, all_of_it[: multiple - 1]):
            if _stands_out(
                x, rest, np.array(places) * frequency / multiple, frequency, independent
            ):
                return multiple
    return 1


def _stands_out(
    x: np.ndarray, rest: np.ndarray, lines: np.ndarray, frequency: float, independent: float
) -> bool:
    """Whether rows have more at these lines than by chance, and than at others beside them."""
    from scipy import stats

    terms = 2 * lines.size * len(rest)
    share = _share(x, rest, lines)
    shifts = np.linspace(-frequency / 2, frequency / 2, 41)[1:-1]
    beside = [
        _share(x, rest, lines + shift)
        for shift in shifts
        if abs(shift) > 1 and np.min(np.abs(lines + shift)) > 1
    ]
    # What stands out from few lines beside may be chance, from white noise a trend.
    enough = len(beside) > 4
    free = (rest.size if enough else independent) - terms
    if free < 1 or not (enough or share > _MOST):
        return False
    chance = stats.f.sf(share / terms / (max(1 - share, 1e-300) / free), terms, free)
    if enough:
        typical = np.median(beside) / stats.chi2.median(terms)
        chance = max(chance, stats.chi2.sf(share / max(typical, 1e-300), terms))
    return bool(chance < _SURE)


def _share(x: np.ndarray, rest: np.ndarray, frequencies: np.ndarray) -> float:
    """Share of the rows' variance at these frequencies."""
    turns = 2 * np.pi * np.outer(x, np.abs(frequencies))
    basis, _ = np.linalg.qr(np.concatenate([np.cos(turns), np.sin(turns)], axis=1))
    return float(np.sum((rest @ basis) ** 2) / np.sum(rest**2))


def _residuals(x: np.ndarray, rows: np.ndarray, frequency: float, harmonics: int) -> np.ndarray:
    turns = 2 * np.pi * frequency * np.outer(x, np.arange(1, harmonics + 1))
    trend = np.vander(2 * x - 1, _TREND)
    waves = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    # An envelope that is even: an odd one of the sine would be another frequency.
    columns = np.concatenate([trend, waves, (2 * x[:, None] - 1) ** 2 * waves], axis=1)
    basis, _ = np.linalg.qr(columns)
    return rows - (rows @ basis) @ basis.T
