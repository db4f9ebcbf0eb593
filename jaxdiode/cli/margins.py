"""`jaxdiode margins`."""

from pathlib import Path
from typing import Any

from .. import _plain_checks as _checks
from ..files import device_file
from .common import (
    Cache,
    Count,
    DeviceFile,
    check_folder,
    finish,
    make_folder,
    say,
    start_jax,
)

KEYS = ("names", "reach", "ties", "points", "directions")  # of [margins]
_DEFAULTS = {"points": 64, "directions": 16}


def margins(
    device: DeviceFile,
    out: Path = Path("jaxdiode-margins"),
    points: Count = None,
    directions: Count = None,
    pairs: bool = True,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """How far each parameter may go, alone and in pairs, before the device fails.

    [specification] says what it must do: efficiency = 0.5 (at least), plus = [40, inf] (from, to),
    minus, bounded_efficiency. [margins] may set names = ["branches"], ties = ["flux"] (all loops
    move together), reach = { branches = 3 } (up to a factor 3), points and directions.

    Example: jaxdiode margins device.toml --points 128

    Args:
        device: TOML file with [device] and [specification], optionally [margins]; or JSON with a
            device and such sections.
        out: Folder for figures and the JSON.
        points: Of the scan in every direction (default: the file's, else 64).
        directions: In the plane of a pair, a multiple of 4 (default: the file's, else 16).
        pairs: Also follow every two parameters.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    options = _options(table.get("margins", {}), {"points": points, "directions": directions})
    asked = table.get("specification")
    if not asked:
        raise ValueError("device file must have a [specification] section that says what to meet")
    check_folder(out, force)
    start_jax(cache)
    from .. import plot
    from ..files import save
    from ..studies.tolerance import Specification
    from ..studies.tolerance import margins as found_margins

    specification = Specification(asked)
    found = found_margins(device_file.device(table), specification, pairs=pairs, **options)
    unit = device_file.unit(table)
    folder = make_folder(out)
    save(folder / "result.json", found, unit=unit, sections=device_file.sections(table))
    say(found.summary(unit))
    found.plot().savefig(folder / "margins.png")
    if found.pairs:
        plot.margin_pairs(found).savefig(folder / "pairs.png")
    finish(out)


def _options(written: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The options of the command line, then those of [margins], then the defaults; all checked."""
    _checks.require_keys("margins", written, KEYS)
    chosen = {**_DEFAULTS, **written}
    chosen |= {name: value for name, value in given.items() if value is not None}
    _checks.whole_number("points", chosen["points"], at_least=2)
    _checks.whole_number("directions", chosen["directions"], at_least=4)
    if not isinstance(chosen.get("reach", {}), dict):
        raise ValueError(f"reach must be a table of names, got {chosen['reach']!r}")
    for name in ("names", "ties"):
        if not isinstance(chosen.get(name, ""), str | list):
            raise ValueError(f"{name} must be a list of names, got {chosen[name]!r}")
    return chosen
