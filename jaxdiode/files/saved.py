"""Saving and loading: JSON for everything, TOML for a device alone."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from .._atomic import atomic_write
from .types import resolve

if TYPE_CHECKING:
    from ..core.parameters import AbstractParameters
    from ..core.results import AbstractResult
    from ..studies.space import Space

    Thing = AbstractParameters | AbstractResult | Space

FORMAT = 1  # of the content; raised when an older jaxdiode could no longer read it


def save(
    path: str | Path,
    thing: "Thing",
    *,
    unit: str = "",
    sections: Mapping[str, Any] | None = None,
) -> None:
    """Write a device, a part of one, a `Space` or a result, to be read back by `load`.

        jd.save("fit.json", found)
        jd.maximise(objective, jd.Space(jd.load("fit.json").device, bounds), key=0)

    JSON holds the object to the last bit and beside it, under `values`, what it says in plain
    numbers (NaN is null there) for other programs; `load` reads the object alone. A path that ends
    in .toml gets a device as device files have it, for people to edit.

    Args:
        path: file ending in .json or .toml; one that is there is replaced, whole or not at all.
        thing: what to write.
        unit: of the device's currents, for labels of the command line.
        sections: further sections of a device file, such as {"bounds": {"flux": [0, 1]}}.

    Raises:
        ValueError: another ending, a TOML file of something that is no device, an object that
            files do not hold, a section that device files do not have.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> found = jd.critical_currents(squid)
        >>> jd.save("found.json", found, unit="nA")
        >>> print(bool(jd.load("found.json").efficiency == found.efficiency))  # to the last bit
        True
    """
    from ..core.device import AbstractDevice
    from ..core.results import AbstractResult
    from ..core.tables import to_table

    path = Path(path)
    if path.suffix not in (".json", ".toml"):
        raise ValueError(f"path must end in .json or .toml, got {str(path)!r}")
    if not hasattr(thing, "__dataclass_fields__"):
        raise ValueError(f"thing must be a device, a Space or a result, got {type(thing).__name__}")
    content, others = to_table(thing), _sections(sections)
    if path.suffix == ".toml":
        import tomli_w

        if not isinstance(thing, AbstractDevice):
            raise ValueError(
                f"path must end in .json for what is no device, got {str(path)!r} for a "
                f"{type(thing).__name__}"
            )
        head = {"unit": unit} if unit else {}
        try:
            text = tomli_w.dumps({**head, "format": FORMAT, "device": content, **others})
        except TypeError as error:  # a null, which TOML does not have
            raise ValueError(f"sections must hold finite numbers, got {sections!r}") from error
    else:
        values = plain(thing.as_dict()) if isinstance(thing, AbstractResult) else None
        made = {"jaxdiode": __version__, "format": FORMAT}
        made |= ({"unit": unit} if unit else {}) | ({} if values is None else {"values": values})
        made |= {"sections": others} if others else {}
        made["content"] = content
        text = json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    atomic_write(path, lambda p: p.write_text(text, encoding="utf-8"))


def _sections(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Further sections of a device file, as plain values.

    Raises:
        ValueError: a name that device files do not have.
    """
    from .device_file import FURTHER

    made = {}
    for name, section in (given or {}).items():
        if name not in FURTHER:
            raise ValueError(f"sections must be among {', '.join(FURTHER)}, got {name!r}")
        made[name] = plain(section)
    return made


def load(path: str | Path) -> Any:
    """What `save` wrote: the device, `Space` or result, or the dataset of a sweep (.nc, .zarr).

    Of `refine`, too (a store that is not finished has points, and no cells yet).

    A TOML file gives its device.

    Raises:
        ValueError: no such file, a damaged one, one of a newer format, an unknown class or field.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> jd.save("device.toml", squid, unit="nA")
        >>> device = jd.load("device.toml")
        >>> print(type(device).__name__, float(device.branches[0].first), device.flux.tolist())
        Squid 100.0 [0.3]
    """
    path = Path(path)
    if path.suffix in (".nc", ".zarr"):
        from ..studies.refine import is_refined, read_refined
        from ..studies.sweep import read_sweep

        return read_refined(path) if is_refined(path) else read_sweep(path)
    if path.suffix == ".toml":
        from . import device_file

        return device_file.device(device_file.read(path))
    return content(path, read(path))


def read(path: Path) -> dict[str, Any]:
    """The JSON table that `save` wrote, its head checked."""
    if not path.is_file():
        raise ValueError(f"path must be a file, got {str(path)!r}")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ValueError(f"{str(path)!r} is no JSON file, or not a whole one: {error}") from error
    if not isinstance(table, dict) or "content" not in table or "format" not in table:
        raise ValueError(f"{str(path)!r} must be a file that jaxdiode.save wrote")
    require_format(path, table["format"])
    return table


def content(path: Path, table: Mapping[str, Any]) -> Any:
    """The object of a table; what is wrong in it is told with the file's name."""
    from ..core.tables import from_table

    try:
        return from_table(table["content"], resolve)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{str(path)!r}: {error}") from error


def require_format(path: Path, number: object) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{str(path)!r}: format must be a whole number, got {number!r}")
    if number > FORMAT:
        raise ValueError(
            f"{str(path)!r} has format {number}, this jaxdiode {__version__} reads up to {FORMAT}: "
            "a newer jaxdiode wrote it"
        )


def plain(value: Any) -> Any:
    """Values for other programs: lists and numbers, null for NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and not isinstance(value, np.generic):
        return value if math.isfinite(value) else None
    if not hasattr(value, "dtype"):
        return repr(value)
    array = np.asarray(value)
    if np.iscomplexobj(array):
        return {"real": plain(np.real(array)), "imaginary": plain(np.imag(array))}
    return plain(array.tolist())
