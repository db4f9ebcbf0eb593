"""What is under sliders on the page of `jaxdiode explore`: a device, and where each slider goes."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..core.device import AbstractDevice
from ..core.paths import (
    allowed_range,
    declaration,
    label_of,
    owner_of,
    parameter_names,
    parameter_values,
    unit_of,
)
from ..studies.space import Space

_WHOLE = 2.0**52  # from here on one more is none


class Slider(NamedTuple):
    """One parameter: its path, what it is called, its unit, and where it may go."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    value: float


class State(NamedTuple):
    """All that a step back restores.

    Attributes:
        ranges: where each slider goes.
        climbing: paths of what a climb moves.
        table: the device file it came from, for fits.
    """

    device: AbstractDevice
    ranges: dict[str, tuple[float, float]]
    climbing: tuple[str, ...]
    unit: str
    table: dict[str, Any]

    def sliders(self) -> list[Slider]:
        values = parameter_values(self.device)
        return [
            Slider(
                name, label_of(self.device, name), unit_of(self.device, name, self.unit), low, high,
                values[name],
            )
            for name, (low, high) in self.ranges.items()
        ]  # fmt: skip

    def space(self) -> Space:
        return Space(self.device, self.ranges)

    def has_sliders_of(self, other: "State") -> bool:
        """Whether the same sliders stand for both, with other values."""
        mine, others = ([s._replace(value=0.0) for s in x.sliders()] for x in (self, other))
        return type(self.device) is type(other.device) and mine == others


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


def state_of(
    device: AbstractDevice, bounds: dict[str, Any], unit: str, table: dict[str, Any]
) -> State:
    ranges = _ranges(device, bounds)
    if not ranges:
        raise ValueError(f"a {type(device).__name__} has no parameter: there is nothing to slide")
    return State(device, ranges, _bounded(device, bounds) or tuple(ranges), unit, table)


def _bounded(device: AbstractDevice, bounds: dict[str, Any]) -> tuple[str, ...]:
    """Of every parameter that bounds name, its path."""
    return tuple(name for group in Space(device, bounds).groups for name in group) if bounds else ()


def _around(device: AbstractDevice, name: str, value: float) -> tuple[float, float]:
    """A range about a value, inside what the parameter allows."""
    owner, field = owner_of(device, name)
    smallest, largest = allowed_range(owner, field)
    declared, unit = declaration(owner, field), unit_of(device, name)
    if unit == "Φ₀" and abs(value) < _WHOLE:
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
        low, high = max(smallest, value - 1.0), min(largest, value + 1.0)
    inside = 1e-3 * (high - low)  # of a range that leaves its end out
    open_low = declared.above is not None and low == smallest
    open_high = declared.below is not None and high == largest
    return low + inside * open_low, high - inside * open_high
