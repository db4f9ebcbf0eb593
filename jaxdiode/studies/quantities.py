"""What studies ask of a device: a critical current or efficiency by name, or any function."""

from collections.abc import Callable, Iterable
from typing import Any

from ..core.device import AbstractDevice, critical_currents

QUANTITIES = ("efficiency", "plus", "minus", "bounded_efficiency")  # of `critical_currents`

Quantity = str | Callable[[AbstractDevice], Any]


def values_of(quantities: Iterable[Quantity], device: AbstractDevice) -> list[Any]:
    """Their values; critical currents are worked out once."""
    quantities = tuple(quantities)
    named = any(isinstance(what, str) for what in quantities)
    currents = critical_currents(device) if named else None
    return [getattr(currents, w) if isinstance(w, str) else w(device) for w in quantities]


def names_of(quantities: Iterable[Quantity]) -> list[str]:
    """Names that differ."""
    names: list[str] = []
    for what in quantities:
        name = name_of(what)
        same = sum(x == name or x.startswith(f"{name} (") for x in names)
        names.append(f"{name} ({same + 1})" if same else name)
    return names


def name_of(what: Quantity) -> str:
    if isinstance(what, str):
        return what
    return getattr(what, "__name__", type(what).__name__)
