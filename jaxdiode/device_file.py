"""Devices from TOML files: every public device class, by the names of its arguments."""

import inspect
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _plain_checks as _checks

if TYPE_CHECKING:
    from .core.device import AbstractDevice
    from .space import Space

# No import of JAX at the top: a missing file or a wrong section is answered without it.

EXAMPLES = ("squid", "kapitza", "andreev", "wire", "usadel", "diffusive")
_DEEPEST = 30  # tables and lists inside each other
_LARGEST = 1e300
_MOST_POINTS = 10**7  # of one axis

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
        what = "be a file" if path.exists() else "exist"
        raise ValueError(f"device file must {what}, got {str(path)!r}; `jaxdiode new` writes one")
    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"device file {str(path)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"device file {str(path)!r} must be UTF-8 text, byte {error.start} is none"
        ) from error
    except RecursionError as error:
        raise ValueError(f"device file {str(path)!r} is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"device file {str(path)!r} is not valid TOML: {error}") from error
    for name, section in table.items():
        if name not in SECTIONS:
            raise _checks.unknown_name(f"section in {str(path)!r}", name, SECTIONS)
        if name == "unit":
            if not isinstance(section, str) or not section.isprintable() or "$" in section:
                raise ValueError(f"unit must be plain text on one line, got {section!r}")
        elif not isinstance(section, dict):
            raise ValueError(f"[{name}] must be a section of the device file, got {section!r}")
        _require_numbers(name, section)
    if "device" not in table:
        raise ValueError(f"device file {str(path)!r} must have a [device] section")
    return table


def _require_numbers(name: str, value: Any, depth: int = 0) -> None:
    """Refuse what no argument takes: dates, numbers without bound, yes or no among numbers."""
    if depth > _DEEPEST:
        raise ValueError(f"{name} is nested too deeply")
    if isinstance(value, dict):
        for key, item in value.items():
            _require_numbers(f"{name}.{key}", item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, bool):
                raise ValueError(f"{name} must be a list of numbers, got {item} in it")
            _require_numbers(name, item, depth + 1)
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{name} must be a number of at most {_LARGEST:g}, got a larger one")
    elif not isinstance(value, bool | int | float | str):
        raise ValueError(f"{name} must be a number, text or a list, got {str(value)!r}")


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


def device(table: dict[str, Any]) -> "AbstractDevice":
    """The device of a file's [device] section."""
    from .core.device import AbstractDevice

    section = table["device"]
    if not isinstance(section, dict) or "type" not in section:
        devices = [name for name, kind in _types().items() if issubclass(kind, AbstractDevice)]
        raise ValueError(f"[device] must have a type: {', '.join(devices)}")
    made = build(section)
    if not isinstance(made, AbstractDevice):
        raise ValueError(f"[device] type must be a device, got {section['type']!r}")
    return made


def space(table: dict[str, Any], of: "AbstractDevice") -> "Space":
    """The `Space` of a file's [bounds], with the ties of its [design]."""
    from .space import Space

    if not table.get("bounds"):
        raise ValueError("device file must have a [bounds] section that says what may vary")
    return Space(of, table["bounds"], table.get("design", {}).get("ties", ()))


def axis(name: str, given: Any) -> np.ndarray:
    """One axis of [sweep]: a list, or { start, stop, points }."""
    from ._checks import real_array

    if not isinstance(given, dict):
        return np.asarray(real_array(f"sweep.{name}", given))
    for key in given:
        if key not in ("start", "stop", "points"):
            raise _checks.unknown_name(f"key of sweep.{name}", key, ("start", "stop", "points"))
    if len(given) < 3:
        raise ValueError(f"sweep.{name} needs start, stop and points, got {', '.join(given)}")
    points = _checks.whole_number(f"points of sweep.{name}", given["points"])
    if points > _MOST_POINTS:
        raise ValueError(f"points of sweep.{name} must be at most {_MOST_POINTS}, got {points}")
    start, stop = (
        float(real_array(f"{key} of sweep.{name}", given[key], ndim=0)) for key in ("start", "stop")
    )
    return np.linspace(start, stop, points)


def _types() -> dict[str, type]:
    import jaxdiode

    found = {name: _type(name) for name in dir(jaxdiode)}
    return {name: kind for name, kind in found.items() if kind is not None}


def _type(name: str) -> type | None:
    """The public class a file may name, loaded alone; None if there is none."""
    import jaxdiode

    from .core.parameters import AbstractParameters

    kind = getattr(jaxdiode, name) if name in dir(jaxdiode) else None
    made_of = (AbstractParameters, jaxdiode.UsadelResolution)
    if not inspect.isclass(kind) or inspect.isabstract(kind) or not issubclass(kind, made_of):
        return None
    return kind


def _maker(name: str):
    stem, _, constructor = name.partition(".")
    kind = _type(stem)
    if kind is None:
        raise _checks.unknown_name("type", stem, _types())
    if not constructor:
        return kind
    makers = [m for m in vars(kind) if isinstance(vars(kind)[m], classmethod)]
    if constructor not in makers:
        raise _checks.unknown_name(f"constructor of {stem}", constructor, makers)
    return getattr(kind, constructor)
