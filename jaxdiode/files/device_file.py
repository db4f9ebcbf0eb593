"""Device files: TOML that people write, or what `save` wrote, with sections for every verb."""

import inspect
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _plain_checks as _checks
from ..devices import SYSTEMS
from . import circuit, saved
from .quantities import in_units_of
from .types import is_written, names, resolve

if TYPE_CHECKING:
    from ..core.device import AbstractDevice
    from ..studies.space import Space

# No import of JAX at the top: a missing file or a wrong section is answered without it.

_DEEPEST = 30  # tables and lists inside each other
_LARGEST = 1e300
_MOST_POINTS = 10**7  # of one axis

SECTIONS = (
    "unit", "device", *circuit.SECTIONS, "bounds", "design", "spread", "robust", "sweep", "fit",
    "specification", "margins",
)  # fmt: skip
_ALONE = ("unit", "device", *circuit.SECTIONS)  # a result has them in its device
FURTHER = tuple(name for name in SECTIONS if name not in _ALONE)


def example(system: str) -> str:
    """The text of a system's example device file."""
    (path,) = (s.example for s in SYSTEMS if s.name == system)
    return (resources.files("jaxdiode") / "devices" / path).read_text(encoding="utf-8")


def unit(table: dict[str, Any]) -> str:
    """The unit of the device's currents, empty where the file names none."""
    return str(table.get("unit", ""))


def sections(table: dict[str, Any]) -> dict[str, Any]:
    """What a file says beside its device, for results that are used as device files again."""
    return {name: table[name] for name in FURTHER if name in table}


def read(path: str | Path) -> dict[str, Any]:
    """A device file as a table, its section names checked.

    A path ending in .json is a file of `save`, with a device or a result that holds one.

    Raises:
        ValueError: no such file, not TOML, unknown or missing sections, a newer format.
    """
    path = Path(path)
    if path.suffix == ".json":
        return _of_saved(path)
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
        if name not in (*SECTIONS, "format"):
            raise _checks.unknown_name(f"section in {str(path)!r}", name, SECTIONS)
        if name == "unit":
            _require_unit(section)
        elif name == "format":
            saved.require_format(path, section)
        elif not isinstance(section, dict):
            raise ValueError(f"[{name}] must be a section of the device file, got {section!r}")
        _require_numbers(name, section)
    if "device" not in table:
        raise ValueError(f"device file {str(path)!r} must have a [device] section")
    circuit.require_keys(table)
    return table


def _of_saved(path: Path) -> dict[str, Any]:
    table = saved.read(path)
    unit, sections = table.get("unit", ""), table.get("sections", {})
    _require_unit(unit)
    if not isinstance(sections, dict) or not set(sections) <= set(FURTHER):
        raise ValueError(f"{str(path)!r}: sections must be those of a device file")
    head = {"unit": unit} if unit else {}
    return {**sections, **head, "device": _Saved(path, table)}


class _Saved:
    """What `save` wrote, made into objects when a device is asked for."""

    def __init__(self, path: Path, table: dict[str, Any]):
        self.path, self.table = path, table

    def device(self) -> "AbstractDevice":
        from ..core.device import AbstractDevice

        thing = saved.content(self.path, self.table)
        found = thing if isinstance(thing, AbstractDevice) else getattr(thing, "device", None)
        if not isinstance(found, AbstractDevice):
            raise ValueError(
                f"{str(self.path)!r} must hold a device or a result with one, got a "
                f"{type(thing).__name__}"
            )
        return found


def _require_unit(unit: Any) -> None:
    if not isinstance(unit, str) or not unit.isprintable() or "$" in unit:
        raise ValueError(f"unit must be plain text on one line, got {unit!r}")


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


def build(table: Any, where: str = "") -> Any:
    """Build tables with a `type` into objects, the innermost first; leave the rest alone.

    Args:
        where: the path of a table inside [device], for messages.
    """
    if isinstance(table, list):
        return [build(item, f"{where}.{k}") for k, item in enumerate(table)]
    if not isinstance(table, dict):
        return table
    from ..core.tables import from_table, made

    if {"array", "number", "tuple", "dict"} & set(table):
        return from_table(table, resolve, "[device]")
    if "type" not in table:
        names = ", ".join(map(repr, table)) or "nothing"
        raise ValueError(f"a table inside [device] must have a type, the one with {names} has none")
    maker = _maker(str(table["type"]))
    named = _taking_names(maker)
    arguments = {
        k: {name: build(x, f"{where}.{k}.{name}") for name, x in v.items()}
        if k in named and isinstance(v, dict) and "dict" not in v
        else build(v, f"{where}.{k}")
        for k, v in table.items()
        if k != "type"
    }
    inside = f"{where.lstrip('.')} of [device]" if where else ""
    return made(str(table["type"]), maker, arguments, inside)


def _taking_names(maker: Callable) -> set[str]:
    """Arguments that are {name: value}, as the elements of a circuit."""
    given = inspect.signature(maker).parameters.values()
    return {x.name for x in given if "Mapping" in str(x.annotation)}


def device(table: dict[str, Any]) -> "AbstractDevice":
    """The device of a file's [device] section, with its [shunt] and [drive]."""
    from ..core.device import AbstractDevice

    section = table["device"]
    if isinstance(section, _Saved):
        return section.device()
    if not isinstance(section, dict) or "type" not in section:
        devices = [name for name in names() if issubclass(resolve(name), AbstractDevice)]
        raise ValueError(f"[device] must have a type: {', '.join(devices)}")
    made = build(in_units_of(section, unit(table), _maker))
    if not isinstance(made, AbstractDevice):
        raise ValueError(f"[device] type must be a device, got {section['type']!r}")
    return circuit.shunted(made, table)


def space(table: dict[str, Any], of: "AbstractDevice") -> "Space":
    """The `Space` of a file's [bounds], with the ties of its [design]."""
    from ..studies.space import Space

    if not table.get("bounds"):
        raise ValueError(
            "device file must have a [bounds] section that says what may vary; `jaxdiode fit` "
            "writes a device.toml with those of the fit, to be edited"
        )
    return Space(of, table["bounds"], table.get("design", {}).get("ties", ()))


def axis(name: str, given: Any) -> np.ndarray:
    """One axis of [sweep]: a list, or { start, stop, points }."""
    from .._checks import real_array

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


def _maker(name: str):
    stem, _, constructor = name.rpartition(".")
    if not stem or not (constructor.islower() and stem[stem.rfind(".") + 1].isupper()):
        stem, constructor = name, ""
    kind = resolve(stem)
    if "." not in stem and not is_written(kind):
        raise _checks.unknown_name("type", stem, names())
    if not constructor:
        return kind
    makers = [m for m in vars(kind) if isinstance(vars(kind)[m], classmethod)]
    if constructor not in makers:
        raise _checks.unknown_name(f"constructor of {stem}", constructor, makers)
    return getattr(kind, constructor)
