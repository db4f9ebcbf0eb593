"""`SYSTEMS` is the one list: everything a new system must touch, and nothing else names devices."""

import re
from pathlib import Path

import pytest

import jaxdiode as jd
from jaxdiode.devices import SYSTEMS
from jaxdiode.files.types import resolve

ROOT = Path(__file__).resolve().parents[1]
DEVICES = ROOT / "jaxdiode" / "devices"


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_files_of_a_system(system):
    """Source, example, the stub, its problems and a row of the site; SYSTEMS is the sixth."""
    source = (DEVICES / system.source).read_text()
    assert f"class {system.devices[0]}(" in source
    example = (DEVICES / system.example).read_text()
    assert re.search(rf'type = "{system.devices[0]}', example)
    stubs = [DEVICES / Path(system.source).parent / "__init__.pyi", ROOT / "jaxdiode/__init__.pyi"]
    stub = "\n".join(path.read_text() for path in stubs if path.exists())
    problems = "\n".join(p.read_text() for p in (ROOT / "tests" / "problems").glob("*.py"))
    for name in system.devices:
        assert f"import {name} as {name}" in stub
        assert issubclass(resolve(name), jd.AbstractDevice)
    assert system.devices[0] in problems
    rows = re.findall(r"^\| (.*?) \| (.*?) \|", (ROOT / "docs/systems/index.md").read_text(), re.M)
    (named,) = [devices for title, devices in rows if title == system.title]
    assert all(re.search(rf"`(\w+\.)?{name}`", named) for name in system.devices)


def test_every_device_belongs_to_a_system_or_a_branch():
    listed = {name for system in SYSTEMS for name in system.devices}
    branches = {
        "TunnelJunction", "SeriesJunctions", "AndreevModes", "Harmonics", "PhaseShiftedJunction",
        "AmbegaokarBaratoffJunction", "DiffusivePointContact", "BallisticPointContact",
        "BallisticJunction", "JunctionChain", "TemperatureScaledJunction",
    }  # fmt: skip
    found = {
        name
        for place in (jd, jd.andreev, jd.kapitza, jd.usadel, jd.wire)
        for name in dir(place)
        if isinstance(kind := getattr(place, name), type)
        and issubclass(kind, jd.AbstractDevice)
        and not name.startswith("Abstract")
        and kind is not jd.Relation
    }
    assert found == listed | branches


@pytest.mark.parametrize("folder", ["cli", "files"])
def test_edges_import_no_device(folder):
    """Beside the list itself they know results and reports only."""
    for path in (ROOT / "jaxdiode" / folder).glob("*.py"):
        text = path.read_text()
        assert not re.search(r"from \.\.devices\.\w+|import_module\(.devices", text), path
        assert not re.search(r"isinstance\([^()]*(Squid|Junction|Wire|Interferometer)\b", text), (
            path
        )
