"""Devices from TOML files: every public device class, by the names of its arguments."""

import inspect
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from . import _checks
from .core.device import AbstractDevice
from .devices.kapitza.circuits import CircuitScale
from .devices.phase_slip.valley import ValleyPolarization
from .devices.usadel.barrier import SpinBarrier
from .devices.usadel.contact import SpinActiveContact
from .devices.usadel.resolution import UsadelResolution
from .gates import Gate, GateMap
from .space import Space

EXAMPLES = ("squid", "kapitza", "andreev", "wire", "usadel", "diffusive")
# What devices are made of and files may name.
_PARTS = (
    Gate, GateMap, CircuitScale, ValleyPolarization, SpinBarrier, SpinActiveContact,
    UsadelResolution,
)  # fmt: skip

SECTIONS = ("unit", "device", "bounds", "design", "sweep", "fit")


def example(system: str) -> str:
    """The text of an example device file."""
    folder = resources.files("jaxdiode") / "examples"
    return (folder / f"{system}.toml").read_text(encoding="utf-8")


def read(path: str | Path) -> dict[str, Any]:
    """A device file as a table, its section names checked.

    Raises:
        ValueError: no such file, not TOML, unknown or missing sections.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"device file must exist, got {str(path)!r}; `jaxdiode new` writes one")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"device file {str(path)!r} is not valid TOML: {error}") from error
    for name in table:
        if name not in SECTIONS:
            raise _checks.unknown_name(f"section in {str(path)!r}", name, SECTIONS)
    if "device" not in table:
        raise ValueError(f"device file {str(path)!r} must have a [device] section")
    return table


def build(table: Any) -> Any:
    """Build tables with a `type` into objects, the innermost first; leave the rest alone."""
    if isinstance(table, list):
        return [build(item) for item in table]
    if not isinstance(table, dict):
        return table
    arguments = {k: build(v) for k, v in table.items() if k != "type"}
    if "type" not in table:
        names = ", ".join(map(repr, arguments)) or "nothing"
        raise ValueError(f"a table inside [device] must have a type, the one with {names} has none")
    maker = _maker(str(table["type"]))
    allowed = inspect.signature(maker).parameters
    for name in arguments:
        if name not in allowed:
            raise _checks.unknown_name(f"argument of {table['type']}", name, allowed)
    for name, parameter in allowed.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ValueError(f"{table['type']} needs the argument {name!r}")
    return maker(**arguments)


def device(table: dict[str, Any]) -> AbstractDevice:
    """The device of a file's [device] section."""
    section = table["device"]
    if not isinstance(section, dict) or "type" not in section:
        devices = [name for name, kind in _types().items() if issubclass(kind, AbstractDevice)]
        raise ValueError(f"[device] must have a type: {', '.join(devices)}")
    made = build(section)
    if not isinstance(made, AbstractDevice):
        raise ValueError(f"[device] type must be a device, got {section['type']!r}")
    return made


def space(table: dict[str, Any], of: AbstractDevice) -> Space:
    """The `Space` of a file's [bounds], with the ties of its [design]."""
    if not table.get("bounds"):
        raise ValueError("device file must have a [bounds] section that says what may vary")
    return Space(of, table["bounds"], table.get("design", {}).get("ties", ()))


def axis(name: str, given: Any) -> np.ndarray:
    """One axis of [sweep]: a list, or { start, stop, points }."""
    if not isinstance(given, dict):
        return np.asarray(_checks.real_array(f"sweep.{name}", given))
    for key in given:
        if key not in ("start", "stop", "points"):
            raise _checks.unknown_name(f"key of sweep.{name}", key, ("start", "stop", "points"))
    if len(given) < 3:
        raise ValueError(f"sweep.{name} needs start, stop and points, got {', '.join(given)}")
    points = _checks.whole_number(f"points of sweep.{name}", given["points"])
    return np.linspace(given["start"], given["stop"], points)


def _types() -> dict[str, type]:
    import jaxdiode

    return {
        name: thing
        for name, thing in vars(jaxdiode).items()
        if inspect.isclass(thing)
        and not inspect.isabstract(thing)
        and thing is not AbstractDevice
        and issubclass(thing, (AbstractDevice, *_PARTS))
    }


def _maker(name: str):
    types = _types()
    stem, _, constructor = name.partition(".")
    if stem not in types:
        raise _checks.unknown_name("type", stem, types)
    if not constructor:
        return types[stem]
    makers = [m for m in vars(types[stem]) if isinstance(vars(types[stem])[m], classmethod)]
    if constructor not in makers:
        raise _checks.unknown_name(f"constructor of {stem}", constructor, makers)
    return getattr(types[stem], constructor)
