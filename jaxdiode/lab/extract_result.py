"""Critical currents read from raw maps, with what can be wrong with them."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from .. import _plain_checks as _checks
from ..core.critical import efficiency_of
from ..core.results import AbstractResult
from ..measurement import MeasuredCurrents
from . import extract_words
from .extract_words import EDGES
from .subset import averaged, taken

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset

SIGNIFICANT = 2.0  # standard errors


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
            of each curve would have (of dV/dI those of its integral); the error holds what a diode
            adds to it.
        chosen: how bias and variable were told from the others.
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
    chosen: str = eqx.field(static=True, default="")

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

    def select(self, **places: float | int) -> "ExtractedCurrents":
        """The curves nearest to places on axes, such as `found.select(B=0.1)`.

        Raises:
            ValueError: an axis that is not there or has no numbers.
        """
        found = self
        for name, place in places.items():
            if name not in found.axes:
                raise _checks.unknown_name("axis", name, found.axes)
            if isinstance(found.axes[name], tuple):
                raise ValueError(f"{name} must be an axis of numbers, it holds words")
            off = np.abs(np.asarray(found.axes[name]) - place)
            found = taken(found, name, int(np.nanargmin(off)))
        return found

    def average(self, along: str) -> "ExtractedCurrents":
        """Means over an axis of repeats, with standard errors by the scatter of the curves.

        The error by the threshold, which all share, stays; so does that of the bias step where the
        curves scatter by less than it. Curves without an edge are left out of its mean.

        Raises:
            ValueError: an axis that is not there.

        Example:
            >>> current = np.linspace(-2, 2, 401)
            >>> limit = 1 + 0.05 * np.random.default_rng(0).normal(size=(100, 1))
            >>> import xarray
            >>> map = xarray.Dataset({"V": (("repeat", "I"), (np.abs(current) > limit) * current)},
            ...                      {"I": current})
            >>> found = jd.lab.switching_currents(map, hysteretic=False).average("repeat")
            >>> print(f"{found.plus:.3f} ± {found.plus_error:.3f}")  # 0.05/√100
            1.004 ± 0.005
        """
        return averaged(self, along)

    def columns(self) -> MeasuredCurrents:
        """(places, I₊, I₋) along the one axis, sorted, as `jd.fit` and `jd.guess` take them.

        Curves in which an edge is not known are left out.

        Raises:
            ValueError: several axes or none, or one without numbers.
        """
        long = [name for name, places in self.axes.items() if len(places) > 1]
        if len(long) != 1:
            raise ValueError(
                f"found must have one axis, it has {', '.join(long) or 'none'}: "
                "found.average('repeat') takes means over one, found.select(name=place) one curve"
            )
        (name,) = long
        if isinstance(self.axes[name], tuple):
            raise ValueError(f"{name} must be an axis of numbers, it holds words")
        x = np.asarray(self.axes[name], float)
        plus, minus = (np.ravel(edge) for edge in self.currents[:2])
        known = np.isfinite(x) & np.isfinite(plus) & np.isfinite(minus)
        order = np.flatnonzero(known)[np.argsort(x[known], kind="stable")]
        return MeasuredCurrents(
            x[order], plus[order], minus[order],
            unit=self.unit,
            coil_unit=self.axis_units.get(name, ""),
            columns=(name, "I+", "I-"),
            dropped=tuple(np.flatnonzero(~known).tolist()),
        )  # fmt: skip

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
        return extract_words.summary_of(self, unit)

    def plot(self, dataset: "Dataset | None" = None, *, model: Any = None) -> "Figure":
        """The edges, over the raw map if it is given, with a model's curves."""
        from .. import plot

        return plot.extracted(self, dataset, model=model)
