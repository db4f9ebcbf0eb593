"""The sections [shunt] and [drive] of device files, which make any junction move in time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import _plain_checks as _checks

if TYPE_CHECKING:
    from ..core.device import AbstractDevice
    from ..dynamics.circuits import CircuitScale

SECTIONS = ("shunt", "drive")

_SI = ("resistance", "capacitance", "quality", "plasma_frequency", "critical_current")
_SHAPES = ("harmonics", "square")
_KEYS = {
    "shunt": ("damping", *_SI),
    "drive": ("frequency", "amplitude", "phase", "power", "impedance", "shape"),
}


def require_keys(table: Mapping[str, Any]) -> None:
    """Refuse what neither section takes, before JAX is there."""
    for section in SECTIONS:
        _checks.require_keys(section, table.get(section, {}), _KEYS[section])
    if "drive" in table and "shunt" not in table:
        raise ValueError(
            "device file with [drive] must have a [shunt] section too; an empty one is a "
            "resistance without capacitance, times in ħ/2eI₀R"
        )
    shunt, drive = table.get("shunt", {}), table.get("drive", {})
    if "damping" in shunt and len(shunt) > 1:
        others = ", ".join(name for name in shunt if name != "damping")
        raise ValueError(f"[shunt] must have damping or numbers in SI units, got both: {others}")
    if "drive" in table and ("frequency" not in drive or not {"amplitude", "power"} & set(drive)):
        raise ValueError(
            "[drive] must have a frequency, and an amplitude or a power, got "
            f"{', '.join(drive) or 'nothing'}"
        )
    if (shape := drive.get("shape", "harmonics")) not in _SHAPES:
        raise _checks.unknown_name("shape of [drive]", shape, _SHAPES)
    if shape == "square" and {"phase", "power"} & set(drive):
        raise ValueError("[drive] of shape square must have an amplitude, no phase and no power")
    if {"power", "impedance"} & set(drive) and not _is_si(table):
        raise ValueError("power of [drive] (dBm) needs [shunt] in SI units, such as a resistance")


def scale(table: Mapping[str, Any]) -> "CircuitScale | None":
    """The units of a file whose [shunt] is in SI units, else None."""
    if not _is_si(table):
        return None
    from ..dynamics.circuits import CircuitScale

    unit = table.get("unit", "")
    if not unit:
        raise ValueError(
            "device file must say the unit of the device's currents where [shunt] is in SI units: "
            'unit = "nA"'
        )
    return CircuitScale.in_units_of(unit, **table["shunt"])


def shunted(device: "AbstractDevice", table: Mapping[str, Any]) -> "AbstractDevice":
    """The device as it stands, or with the shunt and the drive of the file."""
    if "shunt" not in table:
        return device
    from ..dynamics.drive import Drive, SquareWave
    from ..dynamics.shunted import Shunted, phase_biased, require_own_units

    device = phase_biased(device)
    drive, own = dict(table.get("drive", {})), scale(table)
    square = drive.pop("shape", None) == "square"
    if own is not None and not square:
        return own.shunted(device, **drive)
    damping = table["shunt"].get("damping")
    if own is not None:
        damping, drive["frequency"] = own.damping, drive["frequency"] / own.unit_frequency
    kind = SquareWave if square else Drive
    made = Shunted(device, damping, drive=kind(**drive) if drive else None)
    require_own_units(made)
    return made


def _is_si(table: Mapping[str, Any]) -> bool:
    return bool(set(table.get("shunt", {})) & set(_SI))
