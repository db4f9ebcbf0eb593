"""Critical currents read from raw maps, with what can be wrong with them."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from .. import _plain_checks as _checks
from ..core.critical import efficiency_of
from ..core.results import AbstractResult, status_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset

EDGES = ("plus", "minus", "retrapping_plus", "retrapping_minus")
SIGNIFICANT = 2.0  # standard errors
_OF_EDGES = ("currents", "noise", "step", "spread", "statuses")
_OF_CURVES = ("voltage_offset", "offset_normal", "offset_normal_error")
_NAMES = ("I+", "I-", "I_r+", "I_r-")


class ExtractedCurrents(AbstractResult):
    """Switching and retrapping currents of every curve of a map; magnitudes, in the bias' unit.

    Arrays of edges have these four first: plus, minus, retrapping plus, retrapping minus; then the
    axes of the map but its bias. All errors are standard errors.

    Attributes:
        currents: I₊, I₋, I_r₊, I_r₋: bias at which the threshold is crossed; NaN beside a status.
        noise: error by the noise of the voltage.
        step: error by the distance of the bias points: step/√12 where the curve jumps.
        spread: half the distance between the crossings of half and of twice the threshold.
        statuses: `Status` of every edge.
        axes: the other axes' coordinates.
        axis_units: their units.
        unit, value_unit: of the bias and of the voltage (or dV/dI).
        quantity: "voltage" or "resistance": what was compared with the threshold.
        bias, variable: names of the bias' axis and of what was compared.
        threshold: in `value_unit`, above the zero-voltage line.
        voltage_noise: standard deviation of one sample on the plateaus, median of the map.
        normal_resistance: slope beyond the edges, leads taken off, median of the map.
        series_resistance: of the leads, that was taken off.
        voltage_offset: that was taken off every curve (mean of its ways); 0 of dV/dI.
        current_offset: that was taken off the bias; 0 if none was asked for.
        offset_normal, offset_normal_error: offset of the bias that the normal-state asymptotes
            of each curve would have; the error holds what a diode adds to it.
        notes: what to know before the numbers are used; printed by `summary`.

    Example:
        >>> current = np.linspace(-2, 2, 81)  # µA; an overdamped diode of I₊ = 1, I₋ = 0.8 µA
        >>> limit = np.where(current > 0, 1.0, 0.8)
        >>> voltage = np.sign(current) * np.sqrt(np.maximum(current**2 - limit**2, 0))
        >>> import xarray
        >>> found = jd.lab.switching_currents(xarray.Dataset(
        ...     {"V": ("I", voltage, {"units": "mV"})}, {"I": ("I", current, {"units": "uA"})}))
        >>> print(f"{found.plus:.3f} ± {found.plus_error:.3f}, {found.significant}")
        1.025 ± 0.017, True
    """

    currents: np.ndarray
    noise: np.ndarray
    step: np.ndarray
    spread: np.ndarray
    statuses: np.ndarray
    axes: dict[str, Any]
    axis_units: dict[str, str]
    threshold: float
    voltage_noise: float
    normal_resistance: float
    series_resistance: float
    voltage_offset: np.ndarray
    current_offset: float
    offset_normal: np.ndarray
    offset_normal_error: np.ndarray
    unit: str = eqx.field(static=True)
    value_unit: str = eqx.field(static=True)
    quantity: str = eqx.field(static=True)
    bias: str = eqx.field(static=True)
    variable: str = eqx.field(static=True)
    notes: tuple[str, ...] = eqx.field(static=True)

    @property
    def plus(self) -> np.ndarray:
        """I₊."""
        return np.asarray(self.currents[0])

    @property
    def minus(self) -> np.ndarray:
        """I₋, a magnitude."""
        return np.asarray(self.currents[1])

    @property
    def retrapping_plus(self) -> np.ndarray:
        """I_r₊; NaN where no way of the bias shows it."""
        return np.asarray(self.currents[2])

    @property
    def retrapping_minus(self) -> np.ndarray:
        """I_r₋, a magnitude."""
        return np.asarray(self.currents[3])

    @property
    def errors(self) -> np.ndarray:
        """Half widths of the 68 % intervals of noise and step together, at this threshold.

        A step alone leaves a uniform distribution: .341 step, its standard deviation is .289.
        """
        total = np.hypot(self.noise, self.step)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(total > 0, (self.step / total) ** 2, 0.0)
        return total * (1 + 0.1825 * share**3)

    @property
    def total_errors(self) -> np.ndarray:
        """Standard errors of noise, step and the choice of the threshold together."""
        return np.sqrt(self.noise**2 + self.step**2 + self.spread**2)

    @property
    def plus_error(self) -> np.ndarray:
        """Of I₊ at this threshold, see `errors`."""
        return np.asarray(self.errors[0])

    @property
    def minus_error(self) -> np.ndarray:
        """Of I₋ at this threshold, see `errors`."""
        return np.asarray(self.errors[1])

    @property
    def efficiency(self) -> np.ndarray:
        """η = (I₊ − I₋)/(I₊ + I₋)."""
        return np.asarray(efficiency_of(self.plus, self.minus))

    @property
    def efficiency_error(self) -> np.ndarray:
        """Standard error of η with everything in `total_errors`, as if both edges were unrelated.

        The threshold moves both edges alike; that this is not used is the cautious reading.
        """
        plus, minus = self.currents[:2]
        parts = np.hypot(minus * self.total_errors[0], plus * self.total_errors[1])
        return np.asarray(2 * parts / np.where(plus + minus > 0, plus + minus, np.nan) ** 2)

    @property
    def significant(self) -> np.ndarray:
        """Whether |η| is at least two of its standard errors."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(self.efficiency) >= SIGNIFICANT * self.efficiency_error)

    @property
    def offset_retrapping(self) -> np.ndarray:
        """(I_r₊ − I_r₋)/2: the offset of the bias if retrapping knows no direction."""
        return np.asarray((self.retrapping_plus - self.retrapping_minus) / 2)

    @property
    def offset_retrapping_error(self) -> np.ndarray:
        """Standard error of it."""
        return np.asarray(np.hypot(self.total_errors[2], self.total_errors[3]) / 2)

    @property
    def status(self) -> np.ndarray:
        """Of every curve: that of I₊, or where this is known that of I₋."""
        return np.where(self.statuses[0] != 0, self.statuses[0], self.statuses[1])

    def select(self, **places: float) -> "ExtractedCurrents":
        """The curves nearest to places on axes, such as `found.select(B=0.1)`.

        Raises:
            ValueError: an axis that is not there or has no numbers.
        """
        axes, keep = dict(self.axes), list(self.axes)
        index: list[Any] = [slice(None)] * len(keep)
        for name, place in places.items():
            if name not in self.axes:
                raise _checks.unknown_name("axis", name, self.axes)
            if isinstance(self.axes[name], tuple):
                raise ValueError(f"{name} must be an axis of numbers, it holds words")
            index[keep.index(name)] = int(np.nanargmin(np.abs(np.asarray(axes.pop(name)) - place)))
        at = tuple(index)
        four = {k: np.asarray(getattr(self, k)[(slice(None), *at)]) for k in _OF_EDGES}
        one = {k: np.asarray(getattr(self, k)[at]) for k in _OF_CURVES}
        return replace(self, **four, **one, axes=axes)

    def as_dict(self) -> dict[str, Any]:
        """Currents, errors and statuses by name; over the map's axes."""
        found: dict[str, Any] = {}
        for k, name in enumerate(EDGES):
            rows = (self.currents, self.errors, self.total_errors, self.statuses)
            names = ("", "_error", "_total_error", "_status")
            found |= {f"{name}{n}": np.asarray(x[k]) for n, x in zip(names, rows, strict=True)}
        found |= {"efficiency": self.efficiency, "efficiency_error": self.efficiency_error}
        found |= {"significant": self.significant, "status": self.status}
        return found | {"threshold": self.threshold, "axes": self.axes, "notes": self.notes}

    def to_xarray(self) -> "Dataset":
        """A dataset of `as_dict` over the axes, with units."""
        import xarray

        dims = tuple(self.axes)
        given = {k: v for k, v in self.as_dict().items() if isinstance(v, np.ndarray)}
        units = {k: self.unit for k in given if k.startswith(EDGES) and not k.endswith("_status")}
        made = xarray.Dataset(
            {k: (dims, v, {"units": units[k]} if k in units else {}) for k, v in given.items()},
            {
                k: (
                    k,
                    list(v) if isinstance(v, tuple) else v,
                    {"units": self.axis_units.get(k, "")},
                )
                for k, v in self.axes.items()
            },
        )
        made.attrs |= {"threshold": self.threshold, "threshold_units": self.value_unit}
        return made

    def summary(self, unit: str = "") -> str:
        """Currents and η, each with its error, how they were read, and what to beware of."""
        unit = self.unit or unit
        one = self.currents[0].size == 1
        lines = [self._edge(k, unit) for k in range(4) if np.isfinite(self.currents[k]).any()]
        lines.append(self._verdict() if one else self._verdicts())
        per = f" {self.value_unit}" if self.value_unit else ""
        ohm = f" {self.value_unit}/{unit}" if self.quantity == "voltage" and unit else per
        what = "V" if self.quantity == "voltage" else "dV/dI"
        lines += [
            f"threshold: {what} = {self.threshold:.4g}{per} above the zero-voltage line "
            f"(noise {self.voltage_noise:.3g}{per}, normal state "
            f"{self.normal_resistance:.4g}{ohm})",
            f"taken off: series resistance {self.series_resistance:.4g}{ohm}, "
            f"bias offset {self.current_offset:.4g} {unit}".rstrip(),
            *self._offsets(unit),
        ]
        lines += [f"note: {note}" for note in self.notes]
        lines += [
            f"{_NAMES[k]}: {status_text(self.statuses[k])}"
            for k in (0, 1)
            if self.statuses[k].any()
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _edge(self, k: int, unit: str) -> str:
        value = self.currents[k]
        if value.size > 1:
            known = value[np.isfinite(value)]
            error = np.nanmedian(self.total_errors[k])
            return (
                f"{_NAMES[k]:5} {known.min():.5g} to {known.max():.5g} {unit} in {known.size} of "
                f"{value.size} curves, error {error:.2g} (median)"
            )
        total, noise, step, spread = (
            x[k].item() for x in (self.total_errors, self.noise, self.step, self.spread)
        )
        return (
            f"{_NAMES[k]:5} {value.item():.5g} ± {total:.2g} {unit} (noise {noise:.2g}, step "
            f"{step:.2g}, threshold {spread:.2g})"
        )

    def _verdict(self) -> str:
        eta, error = self.efficiency.item(), self.efficiency_error.item()
        if not np.isfinite(eta):
            return "eta  not known"
        word = "significant" if self.significant.item() else "not significant"
        size = f"{abs(eta) / error:.1f} standard errors, 2 are asked for" if error else "no error"
        return f"eta  {eta:+.4f} ± {error:.4f}: {word} ({size})"

    def _verdicts(self) -> str:
        known = np.isfinite(self.efficiency)
        if not known.any():
            return "eta  not known"
        eta, count = self.efficiency[known], int(np.sum(self.significant))
        return (
            f"eta  {eta.min():+.4f} to {eta.max():+.4f}, significant (2 standard errors) in "
            f"{count} of {known.sum()} curves" + ("" if count else ": not significant")
        )

    def _offsets(self, unit: str) -> list[str]:
        """What both readings of an offset of the bias say; neither was used."""
        made = []
        for name, value, error in (
            ("retrapping currents", self.offset_retrapping, self.offset_retrapping_error),
            ("normal-state asymptotes", self.offset_normal, self.offset_normal_error),
        ):
            known = np.isfinite(value) & np.isfinite(error)
            if known.any():
                middle, width = np.median(value[known]), np.median(error[known])
                made.append(f"{name} would put a bias offset at {middle:+.3g} ± {width:.2g} {unit}")
        if made:
            made.append(
                "an offset mimics a diode (η of I₊ + i, I₋ − i); it is taken off only if asked"
            )
        return made

    def plot(self, dataset: "Dataset | None" = None, *, model: Any = None) -> "Figure":
        """The edges, over the raw map if it is given, with a model's curves."""
        from .. import plot

        return plot.extracted(self, dataset, model=model)
