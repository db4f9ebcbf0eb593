"""Devices from TOML files: every public device class, by the names of its arguments."""

import inspect
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from . import _checks
from .core.device import AbstractDevice
from .devices.kapitza.circuits import CircuitScale
from .gates import Gate, GateMap
from .space import Space

EXAMPLE = """\
# A device file: what it is, and what may vary. Currents in nA, fluxes in flux quanta.
unit = "nA"

[device]
type = "Squid.from_pairs"            # any public device class, or one of its constructors
pairs = [[420, 80], [380, 90], [80, 90]]
flux = [0.403, 0.403]

# The same with branches spelt out; inductances in flux quanta per nA:
# type = "Squid"
# branches = [
#   { type = "SeriesJunctions", first = 420, second = 80 },
#   { type = "TunnelJunction", critical_current = 380 },
#   { type = "AndreevModes", amplitude = 100, transparency = [0.7, 0.9] },
# ]
# inductance = [1e-6, 1e-6, 1e-6]

[bounds]                             # for design, and for fit
"branches.0.second" = [20, 360]
"branches.1.second" = [20, 360]
"branches.2" = [20, 360]             # both junctions of the third branch
flux = [0, 1]                        # both loops

[design]
ties = ["flux"]                      # one value for both fluxes
starts = 128

[sweep]                              # lists, or start, stop and number of points
flux = { start = 0, stop = 1, points = 201 }
"branches.2.first" = { start = 40, stop = 120, points = 81 }

# [fit]                              # for `jaxdiode fit`: a CSV with coil, plus, minus columns
# turns = [70.0, 70.0]               # starting flux quanta per unit of coil current, per loop
# offset = 0.0                       # coil current at zero flux
# sigma = 2.0                        # noise (nA); left out: estimated from the residuals
# bounds = { turns = [60, 80], offset = [-0.01, 0.01], "squid.branches.0.second" = [20, 360] }
# ties = ["turns"]
"""

EXAMPLE_KAPITZA = """\
# A parametrically driven junction. Currents in units of the reference current, times in inverse
# plasma frequencies.
[device]
type = "KapitzaJunction"
damping = 0.5                        # 1/(R C omega_p)
drive_frequency = 3.0                # omega / omega_p
mean_current = 1.0                   # (a0 + a1 cos Omega tau) sin phi + b sin(phi + phi0)
drive_current = 1.0
static_current = 1.0
phase_offset = 1.5707963267948966
criterion = "fold"                   # or "switching", "stability"

# The same from a circuit, in SI units:
# type = "KapitzaJunction.gated_squid"
# scale = { type = "CircuitScale", critical_current = 10e-9, capacitance = 1e-12, resistance = 360 }
# mean_current = 10e-9               # of the gated junction (A)
# drive_current = 8e-9
# static_current = 10e-9             # of the other one
# frequency = 2.6e9                  # Hz
# flux = 0.25                        # flux quanta

[bounds]                             # for design
drive_current = [0, 3]
drive_frequency = [1.5, 6]
phase_offset = [0.1, 3.0]
static_current = [0.3, 1.5]

[design]
starts = 8                           # an evaluation takes about 10 ms

[sweep]
drive_frequency = { start = 1, stop = 6, points = 26 }
drive_current = { start = 0.1, stop = 3, points = 16 }
"""

EXAMPLES = {"squid": EXAMPLE, "kapitza": EXAMPLE_KAPITZA}

SECTIONS = ("unit", "device", "bounds", "design", "sweep", "fit")


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
        return arguments
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
        and issubclass(thing, AbstractDevice | Gate | GateMap | CircuitScale)
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
