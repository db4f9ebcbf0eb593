"""The checks of arguments that need no JAX; `_checks` has them too."""

import difflib
import math
from collections.abc import Iterable

import numpy as np

AMPERES = {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9, "pA": 1e-12}
_LISTED = 12  # names an error message lists before it stops


def with_u(unit: str) -> str:
    """A unit with u for either sign of micro."""
    return unit.replace("\u00b5", "u").replace("\u03bc", "u")


def unknown_name(
    kind: str, name: object, allowed: Iterable[str], also: Iterable[str] = ()
) -> ValueError:
    """The error for a name that is not there, with the closest one that is."""
    allowed = list(allowed)
    close = difflib.get_close_matches(str(name), [*also, *allowed], n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    listed = ", ".join(allowed[:_LISTED])
    more = f" and {len(allowed) - _LISTED} more" if len(allowed) > _LISTED else ""
    return ValueError(f"unknown {kind} {name!r}; {hint}allowed: {listed}{more}")


def flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def whole_number(name: str, value: int, at_least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise ValueError(f"{name} must be a whole number, at least {at_least}, got {value!r}")
    if value >= 2**63:
        raise ValueError(f"{name} must be a whole number below 2^63, got a larger one")
    return int(value)


def is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def require_keys(section: str, written: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse what a section of a device file may not say."""
    allowed = tuple(allowed)
    for name in written:
        if name not in allowed:
            raise unknown_name(f"key of [{section}]", name, allowed)


def positive_number(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number, got {value:g}")
    return float(value)
