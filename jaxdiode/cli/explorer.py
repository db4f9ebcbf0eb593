"""A device under sliders: what a page of `jaxdiode explore` shows and does, without the page."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core.device import (
    AbstractDevice,
    AbstractPhaseBiased,
    critical_currents,
    diode_efficiency,
)
from ..core.paths import (
    allowed_range,
    label_of,
    owner_of,
    parameter_names,
    parameter_values,
    replace,
    unit_of,
)
from ..core.results import status_text
from ..core.tables import to_table
from ..studies.space import Space
from .explorer_code import python_of
from .explorer_voltages import Voltages, has_voltages, voltages_of

PHASES = np.linspace(0.0, 2 * np.pi, 361)
_POINTS = 81  # of a curve along one slider
_STEPS = 5  # of a climb
_MOST_UNDONE = 200


class Slider(NamedTuple):
    """One parameter: its path, what it is called, its unit, and where it may go."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    value: float


class Reading(NamedTuple):
    """What a device gives at the present values.

    Attributes:
        efficiency, plus, minus: η, I₊ and I₋; NaN beside a status that says why.
        status: in words.
        current: I at `PHASES`, None for a device without a current-phase relation.
        phases: of both extrema, NaN where there are none.
    """

    efficiency: float
    plus: float
    minus: float
    status: str
    current: np.ndarray | None
    phases: tuple[float, float]


class Explorer:
    """A device, the ranges of its parameters, and the way back.

    Args:
        device: any device.
        unit: of its currents.
        bounds: {name: (lower, upper)} of sliders, in place of ranges around the present values.
        table: the device file it came from, for fits.
    """

    def __init__(
        self,
        device: AbstractDevice,
        unit: str = "",
        bounds: dict[str, Any] | None = None,
        table: dict[str, Any] | None = None,
    ):
        self.unit = unit
        self.table = table or {}
        self._past: list[tuple[Any, ...]] = []
        self._take(device, _ranges(device, bounds or {}), _bounded(device, bounds or {}))

    def _take(
        self,
        device: AbstractDevice,
        ranges: dict[str, tuple[float, float]],
        climbing: tuple[str, ...],
    ) -> None:
        self.device = device
        self.ranges = ranges
        self.climbing = climbing or tuple(ranges)
        self._space = Space(device, ranges)

    # ---- Sliders

    @property
    def sliders(self) -> list[Slider]:
        values = parameter_values(self.device)
        return [
            Slider(
                name,
                label_of(self.device, name),
                unit_of(self.device, name, self.unit),
                low,
                high,
                values[name],
            )
            for name, (low, high) in self.ranges.items()
        ]

    def move(self, values: dict[str, float], *, goes_on: bool = False) -> None:
        """Set parameters; one step of the way back, or still the last one where it goes on.

        Raises:
            ValueError: an unknown name, no number, or beyond the slider's range.
        """
        for name, value in values.items():
            if name not in self.ranges:
                raise ValueError(f"there is no slider {name!r}")
            low, high = self.ranges[name]
            if not low <= value <= high:
                raise ValueError(f"{name} must stay within {low:g} to {high:g}, got {value:g}")
        if not goes_on:
            self._remember()
        self.device = replace(self.device, values)

    def undo(self) -> bool:
        """One step back; False where there is none."""
        if not self._past:
            return False
        device, ranges, climbing, self.unit, self.table = self._past.pop()
        self._take(device, ranges, climbing)
        return True

    def _remember(self) -> None:
        here = (self.device, self.ranges, self.climbing, self.unit, self.table)
        self._past = [*self._past, here][-_MOST_UNDONE:]

    # ---- What the device gives

    def reading(self) -> Reading:
        found, current = jax.device_get(_view(self.device))
        at = (found.phase_plus, found.phase_minus)
        ahead, back = (math.nan if x is None else float(x) for x in at)
        return Reading(
            float(found.efficiency),
            float(found.plus),
            float(found.minus),
            status_text(found.status),
            current,
            (ahead, back),
        )

    def slopes(self) -> dict[str, float]:
        """Of every slider, how much η changes per width of its range."""
        _, slope = _value_and_slope(self._space, self._space.values(self.device))
        width = np.asarray(self._space.upper - self._space.lower)
        return dict(zip(self._space.names, (slope * width).tolist(), strict=True))

    def curve(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(values, I₊, I₋) along one slider, all others as they are."""
        low, high = self.ranges[name]
        along = np.linspace(low, high, _POINTS)
        rows = np.tile(np.asarray(self._space.values(self.device)), (_POINTS, 1))
        rows[:, self._space.names.index(name)] = along
        plus, minus = jax.device_get(_currents_of(self._space, jnp.asarray(rows)))
        return along, np.asarray(plus), np.asarray(minus)

    def has_voltages(self, quick: bool) -> bool:
        """Whether the I–V curve can be shown; a junction without one of its own must be quick."""
        return has_voltages(self.device, quick)

    def voltages(self) -> Voltages:
        """See `explorer_voltages.voltages_of`."""
        return voltages_of(self.device, self.unit)

    # ---- What is done with it

    def climb(self) -> tuple[float, float]:
        """A few steps of ascent of |η| from here, inside the ranges; (|η| before, after).

        What moves are the parameters that were given bounds, all where none were.

        Raises:
            ValueError: η is not known or has no slope here.
        """
        from scipy.optimize import minimize

        space = Space(self.device, {name: self.ranges[name] for name in self.climbing})
        low, width = np.asarray(space.lower), np.asarray(space.upper - space.lower)
        start = (np.asarray(space.values(self.device)) - low) / width
        before, slope = _value_and_slope(space, low + width * start)
        if not np.isfinite(before) or not np.all(np.isfinite(slope)):
            raise ValueError("η has no value or no slope here: there is nothing to climb")
        side = -1.0 if before < 0 else 1.0

        def descent(share: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = _value_and_slope(space, low + width * share)
            if not np.isfinite(value):
                return 10.0, np.zeros_like(share)
            return -side * value, np.nan_to_num(-side * slope * width)

        found = minimize(
            descent, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * start.size,
            options={"maxiter": _STEPS},
        )  # fmt: skip
        after = -float(found.fun)
        if after > abs(before):
            values = np.clip(low + width * found.x, low, low + width)
            self.move(dict(zip(space.names, values.tolist(), strict=True)))
        return abs(before), max(after, abs(before))

    def fit(self, path: Path) -> Any:
        """Fit the device to a table of critical currents, as `jaxdiode fit` does.

        Raises:
            ValueError: what the reader or the fit refuses.
        """
        from . import fitting
        from .measured_currents import Columns

        table = {**self.table, "device": to_table(self.device)}
        if self.unit:
            table["unit"] = self.unit
        names = Columns(None, None, None, None, False, None, False)
        currents = fitting.read(path, table, names)
        task = fitting.prepare(path, table, currents, 0)
        found, _ = fitting.best_fit(task, None, None, 0)
        self._remember()
        bounds = task.space.bounds
        self._take(found.device, _ranges(found.device, bounds), _bounded(found.device, bounds))
        return found

    # ---- Files

    def toml(self) -> str:
        """The device file: unit, device and the ranges of the sliders as bounds."""
        import tomli_w

        head = {"unit": self.unit} if self.unit else {}
        bounds = {name: list(pair) for name, pair in self.ranges.items()}
        return tomli_w.dumps({**head, "device": to_table(self.device), "bounds": bounds})

    def load(self, path: Path) -> None:
        """Another device file in place of this one; the way back leads to the old one.

        Raises:
            ValueError: what the reader refuses.
        """
        device, unit, bounds, table = read(path)
        ranges, climbing = _ranges(device, bounds), _bounded(device, bounds)
        self._remember()
        self.unit, self.table = unit, table
        self._take(device, ranges, climbing)

    def python(self) -> str:
        """Code that builds this device."""
        return python_of(to_table(self.device))


def read(path: Path) -> tuple[AbstractDevice, str, dict[str, Any], dict[str, Any]]:
    """(device, unit of currents, bounds, table) of a device file."""
    from ..files import device_file

    table = device_file.read(path)
    made = device_file.device(table)
    return made, device_file.unit(table), dict(table.get("bounds", {})), table


def _ranges(device: AbstractDevice, bounds: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Of every parameter, where its slider goes; the present value always lies inside."""
    values = parameter_values(device)
    given = Space(device, bounds) if bounds else None
    told = {}
    if given is not None:
        pairs = zip(given.groups, given.bounds.values(), strict=True)
        told = {name: pair for group, pair in pairs for name in group if all(np.isfinite(pair))}
    found = {}
    for name in parameter_names(device):
        low, high = told.get(name) or _around(device, name, values[name])
        found[name] = (min(low, values[name]), max(high, values[name]))
    return found


def _bounded(device: AbstractDevice, bounds: dict[str, Any]) -> tuple[str, ...]:
    """Of every parameter that bounds name, its path."""
    return tuple(name for group in Space(device, bounds).groups for name in group) if bounds else ()


def _around(device: AbstractDevice, name: str, value: float) -> tuple[float, float]:
    """A range about a value, inside what the parameter allows."""
    smallest, largest = allowed_range(*owner_of(device, name))
    unit = unit_of(device, name)
    if unit == "Φ₀":
        low, high = math.floor(value), math.floor(value) + 1.0
    elif unit == "rad":
        low, high = min(value, -math.pi), max(value, math.pi)
    else:
        reach = 1.5 * abs(value) or 1.0
        low, high = value - reach, value + reach
        low = max(low, 0.0) if value > 0 else low
        high = min(high, 0.0) if value < 0 else high
    low, high = max(low, smallest), min(high, largest)
    if not low < high:
        low, high = smallest, largest
    inside = 1e-3 * (high - low)  # a range may leave its ends out
    open_low, open_high = (low == smallest and low > -math.inf), high == largest
    return low + inside * open_low, high - inside * (open_high and high < math.inf)


@eqx.filter_jit
def _view(device: AbstractDevice):
    found = critical_currents(device)
    if not isinstance(device, AbstractPhaseBiased):
        return found, None
    return found, device.relation().current(jnp.asarray(PHASES))


def _value_and_slope(space: Space, values: Any) -> tuple[float, np.ndarray]:
    value, slope = jax.device_get(_slopes(space, jnp.asarray(values)))
    return float(value), np.asarray(slope)


@eqx.filter_jit
def _slopes(space: Space, values: Any):
    return jax.value_and_grad(lambda x: diode_efficiency(space.insert(x)))(values)


@eqx.filter_jit
def _currents_of(space: Space, rows: Any):
    def one(values: Any):
        found = critical_currents(space.insert(values))
        return found.plus, found.minus

    return jax.vmap(one)(rows)
