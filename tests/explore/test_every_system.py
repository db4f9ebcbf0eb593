"""Every example, and devices from elsewhere, on the page of `jaxdiode explore`: one slider moved
there, and the numbers are those of the functions at what the boxes then say."""

import math

import jax.numpy as jnp
import pytest

import jaxdiode as jd
from jaxdiode.devices import SYSTEMS
from jaxdiode.files import device_file
from tests.explore.visits import Visit

pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]

MOVED = {
    "squid": "flux.1",
    "extended": "flux",
    "kapitza": "phase_offset",
    "andreev": "voltage",
    "wire": "valley.zero_current",
    "usadel": "temperature",
    "diffusive": "temperature",
    "shunted": "drive.amplitude.0",
    "circuit": "elements.L0.inductance",
}
# Not: a circuit whose phases have no time of their own, junctions of seconds each.
WITH_VOLTAGES = ("squid", "extended", "kapitza", "andreev", "wire", "shunted")
SLOW = ("kapitza", "usadel", "diffusive", "shunted", "circuit")

TABLE = """
unit = "nA"
[device]
type = "ExtendedJunction"
flux = 0.7
profile = [0.5, 1.0, 1.5]
[device.local]
type = "TabulatedRelation"
phase = {phase}
current = {current}
"""
OWN = """
[device]
type = "users_devices.Two"
first = 1.0
second = 0.4
delta = 1.0
"""


def tabulated():
    phase = [2 * math.pi * k / 64 for k in range(65)]
    current = [math.sin(x) - 0.25 * math.cos(2 * x) for x in phase]
    return TABLE.format(phase=phase, current=current)


def settles(visit, device_now, tolerance):
    """The page comes to η of what its boxes say and stays there; that device is returned.

    Its sign of being busy says nothing of a value that is still on its way to the server."""

    def off():
        return abs(visit.eta() - float(jd.diode_efficiency(device_now())))

    visit.wait(lambda: off() < tolerance)
    visit.rest()
    assert off() < tolerance
    return device_now()


def agrees(visit, path):
    """η, I₊ and I₋ of the page, and of the device that its boxes make of the file."""
    start = device_file.device(device_file.read(path))

    def boxes():
        values = {name: float(visit.box(name).input_value()) for name in jd.parameter_names(start)}
        return jd.replace(start, values)

    found = jd.critical_currents(settles(visit, boxes, 1e-10))
    size = max(abs(float(found.plus)), abs(float(found.minus)))
    assert abs(visit.number("plus") - float(found.plus)) < 1e-10 * size
    assert abs(visit.number("minus") - float(found.minus)) < 1e-10 * size
    assert math.isfinite(visit.eta())


def push(visit, name):
    """The slider of a parameter, by three steps of the keyboard; its box follows."""
    before, shown = visit.eta(), visit.box(name).input_value()
    names = visit.page.locator("[class*=value-] input")
    every = names.evaluate_all("x => x.map(y => y.getRootNode().host.className)")
    style = f"value-{name.replace('.', '-')}"
    (at,) = [k for k, found in enumerate(every) if style in found.split()]
    handle = visit.page.locator(".noUi-handle").nth(at)
    handle.focus()
    for _ in range(3):
        handle.press("ArrowLeft")
    visit.wait(lambda: visit.box(name).input_value() != shown and visit.eta() != before, 180)
    visit.rest()


def test_every_system_is_here():
    assert set(MOVED) == {system.name for system in SYSTEMS}


@pytest.mark.parametrize(
    "system", [pytest.param(s, marks=[pytest.mark.slow] if s in SLOW else []) for s in MOVED]
)
def test_an_example(visit, tmp_path, system):
    before = visit.eta()
    if system != "squid":  # which it opens with
        visit.choose(system)
        visit.wait(lambda: visit.eta() != before, 300)
    visit.rest(300)
    push(visit, MOVED[system])
    assert visit.message() == ""
    button = visit.page.get_by_text("I–V", exact=True)
    if system in WITH_VOLTAGES:
        figures = visit.page.locator(".bk-Figure:visible").count()
        button.click()
        visit.wait(lambda: visit.page.locator(".bk-Figure:visible").count() == figures + 1, 300)
        visit.rest(300)
        assert visit.message() == ""
    elif system == "circuit":
        button.click()
        visit.wait(visit.message)
        assert "must have a resistance or a capacitance" in visit.message()
    else:
        assert not button.is_visible()
    path = tmp_path / "example.toml"
    path.write_text(device_file.example(system), encoding="utf-8")
    agrees(visit, path)


@pytest.mark.parametrize(
    ("text", "name"), [(tabulated(), "flux"), (OWN, "delta")], ids=["tabulated", "own"]
)
def test_a_device_from_elsewhere(visit, tmp_path, monkeypatch, server, text, name):
    monkeypatch.syspath_prepend(str(server.modules))
    before = visit.eta()
    path = tmp_path / "device.toml"
    path.write_text(text)
    visit.load(path)
    visit.wait(lambda: visit.eta() != before)
    visit.rest()
    push(visit, name)
    agrees(visit, path)


def test_the_busy_sign_and_another_tab(visit, browser, address, tmp_path):
    """While one page compiles it says so, shows nothing that is stale, and holds up no other."""
    other = Visit(browser, address)
    path = tmp_path / "late.toml"
    path.write_text(OWN.replace("Two", "Late"))
    before = visit.eta()
    visit.load(path)
    figures, seen = visit.page.locator(".bk-Figure:visible"), set()

    def watched(condition):
        seen.add(figures.count())
        return condition()

    visit.wait(visit.busy)
    there = other.eta()
    other.type("flux.0", 0.3)
    other.wait(lambda: watched(lambda: other.eta() != there))
    assert visit.busy()
    assert visit.eta() == before
    visit.wait(lambda: watched(lambda: visit.eta() != before))
    visit.wait(lambda: watched(lambda: not visit.busy()))
    visit.rest()
    assert 1 in seen  # slopes and curve were to come, and those of the device before gone
    assert figures.count() == 3
    other.page.close()


def test_values_typed_while_it_computes(visit, tmp_path):
    """The last ones count, whatever came between."""
    path = tmp_path / "late.toml"
    path.write_text(OWN.replace("Two", "Late").replace("0.4", "0.3"))
    before = visit.eta()
    visit.load(path)
    visit.wait(lambda: visit.eta() != before)
    for value in (0.1, 0.2, 0.25):
        visit.type("second", value)
    visit.type("first", 1.5)
    device = jd.Harmonics(
        jnp.array([1.5, 0.25 * math.cos(1.0)]), jnp.array([0.0, 0.25 * math.sin(1.0)])
    )
    settles(visit, lambda: device, 1e-9)
