"""Public names of the package, by the page on which they stand."""

import ast
import inspect
import types
from pathlib import Path

import jaxdiode as jd
from jaxdiode.devices import SYSTEMS

# Pages of names that follow `jd.` itself, by the folder or module that defines them.
PAGES = {
    "devices": ("Systems", ("devices", "circuits.link")),
    "junctions": ("Junctions and gates", ("junctions", "gates", "gap")),
    "values": (
        "Critical currents, relations, parameters",
        ("core", "numerics.status", "progress", "bibliography"),
    ),
    "studies": ("Design, fit, sweep", ("studies", "experiment", "measurement", "files")),
    "time": ("In time and heat", ("dynamics", "thermal")),
    "circuits": ("Circuits", ("circuits", "netlists")),
}

# What a reader of a page looks for first, in this order; the rest follows as the package lists it.
FIRST = (
    "critical_currents", "diode_efficiency", "current_phase_relation", "CriticalCurrents",
    "AbstractPhaseBiased", "AbstractCurrentBiased", "parameter", "replace", "parameter_names",
    "TunnelJunction", "AndreevModes", "SeriesJunctions", "Harmonics",
    "Space", "maximise", "fit", "guess", "sweep", "refine", "save", "load",
    "Shunted", "Drive", "iv_curve", "switching_currents",
    "Circuit", "Junction", "Inductor", "Capacitor", "Resistor",
)  # fmt: skip


def exported(path: Path) -> list[str]:
    """Names that a module or a stub exports as `from … import name as name`."""
    lines = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
    return [alias.asname for line in lines for alias in line.names if alias.asname]


def _members(module: types.ModuleType) -> list[str]:
    source = Path(module.__file__)
    stub = source.with_suffix(".pyi")
    found = exported(stub if stub.exists() else source) or [
        name
        for name, thing in vars(module).items()
        if inspect.isfunction(thing) and thing.__module__ == module.__name__
    ]
    return [name for name in found if not name.startswith("_")]


def namespaces() -> dict[str, types.ModuleType]:
    """{name: module} of the public submodules."""
    found = {name: getattr(jd, name) for name in _members(jd)}
    return {name: x for name, x in found.items() if isinstance(x, types.ModuleType)}


def _page_of(thing) -> str:
    home = thing.__module__.removeprefix("jaxdiode.")
    places = [(place, page) for page, (_, places) in PAGES.items() for place in places]
    fitting = [x for x in places if home == x[0] or home.startswith(x[0] + ".")]
    if not fitting:
        raise ValueError(f"docs/generate/names.py: no page takes names of {thing.__module__}")
    return max(fitting, key=lambda x: len(x[0]))[1]


def by_page() -> dict[str, list[str]]:
    """{page: [names as they follow `jd.`]}; what stands in two places is told at the first."""
    pages: dict[str, list[str]] = {page: [] for page in PAGES}
    seen = set()
    modules = namespaces()
    for name in _members(jd):
        if name not in modules:
            thing = getattr(jd, name)
            pages[_page_of(thing)].append(name)
            seen.add(id(thing))
    for space, module in modules.items():
        names = [name for name in _members(module) if id(getattr(module, name)) not in seen]
        names = [x for x in names if not isinstance(getattr(module, x), types.ModuleType)]
        pages[space] = [f"{space}.{name}" for name in names]
        seen |= {id(getattr(module, name)) for name in names}
    order = [device for system in SYSTEMS for device in system.devices]
    order += FIRST
    for page in PAGES:
        pages[page].sort(key=lambda name: order.index(name) if name in order else len(order))
    return pages


def elsewhere() -> dict[str, str]:
    """{second name: first name} of what stands in two places."""
    modules = namespaces()
    first = {id(getattr(jd, name)): name for name in _members(jd) if name not in modules}
    found = {}
    for space, module in modules.items():
        for name in _members(module):
            thing = getattr(module, name)
            if id(thing) in first:
                found[f"{space}.{name}"] = first[id(thing)]
    return found


def at(path: str):
    thing = jd
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing
