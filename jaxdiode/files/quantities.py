"""Currents and inductances with a unit of their own in device files: "10 uA", "120 pH"."""

import inspect
import re
from collections.abc import Callable
from typing import Any

from .. import _plain_checks as _checks

_HENRY = {"H": 1.0, "uH": 1e-6, "nH": 1e-9, "pH": 1e-12, "fH": 1e-15}
_QUANTITY = re.compile(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*([A-Za-zµμΩΦ₀/%°]+)\s*")


def in_units_of(table: Any, unit: str, maker: Callable[[str], Any]) -> Any:
    """A [device] section with its quantities as numbers in the device's units.

    Args:
        unit: of the device's currents.
        maker: the class, or the constructor, of a type.

    Raises:
        ValueError: a unit of another kind, or a file that names no unit of currents.
    """
    if isinstance(table, list):
        return [in_units_of(item, unit, maker) for item in table]
    if not isinstance(table, dict):
        return table
    declared = _units(maker(str(table["type"]))) if "type" in table else {}
    return {
        key: value
        if key == "type"
        else _numbers(value, key, declared[key], unit)
        if key in declared
        else in_units_of(value, unit, maker)
        for key, value in table.items()
    }


def _units(kind: Any) -> dict[str, str]:
    """{field: declared unit} of what currents or inductances are declared for."""
    if not inspect.isclass(kind):
        return {}
    from ..core.parameters import declarations

    units = {name: declared.unit for name, declared in declarations(kind).items()}
    return {name: unit for name, unit in units.items() if unit in ("current", "Φ₀/current")}


def _numbers(value: Any, name: str, declared: str, unit: str) -> Any:
    if isinstance(value, list):
        return [_numbers(item, name, declared, unit) for item in value]
    if isinstance(value, dict) and "type" not in value:
        return {key: _numbers(item, name, declared, unit) for key, item in value.items()}
    found = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    known = _checks.AMPERES if declared == "current" else _HENRY
    own, plain = _checks.with_u(found[2]), _checks.with_u(unit)
    if own not in known:
        raise _checks.unknown_name(f"unit of {name} = {value!r}", found[2], known)
    if plain not in _checks.AMPERES:
        raise ValueError(
            f"unit must name that of the currents, {', '.join(_checks.AMPERES)}, beside "
            f"{name} = {value!r}, got {unit!r}"
        )
    number = float(found[1]) * known[own]
    if declared == "current":
        return number / _checks.AMPERES[plain]
    from ..units import inductance

    return float(inductance(number, current=plain))
