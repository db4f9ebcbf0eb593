"""Device files of junctions in a field and at a temperature: what commands say of them."""

import re
import sys

import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import cli
from tests import helpers
from tests.helpers import refusal

WARM = """unit = "nA"
[device]
type = "TemperatureScaledJunction"
temperature = 0.3
critical_temperature = 1.2
[device.device]
type = "ExtendedJunction"
flux = 0.7
profile = [0.4, 1.6]
local = { type = "TunnelJunction", critical_current = 100 }
[sweep]
"temperature" = [0.3, 1.3]
"device.flux" = [0.0, 0.7]
"""
LONG = """unit = "µA"
[device]
type = "LongJunction"
length = 0.5
flux = 0.3
feed = "right"
local = { type = "TunnelJunction", critical_current = 10 }
"""
MOVING = """[device]
type = "BallisticJunction"
amplitude = 2
transparency = 0.9
momentum = 0.3
"""
TABLE = """[device]
type = "TabulatedRelation"
phase = [{phase}]
current = [{current}]
"""
CONTACT = """unit = "A"
[device]
type = "AmbegaokarBaratoffJunction"
resistance = 1000
critical_temperature = 1.2
temperature = 0.6
"""
SHIFTED = """[device]
type = "PhaseShiftedJunction"
device = [1, 0.2]
shift = [0, 0]
field = 1.0
shift_per_field = [0, 1.4]
field_angle = 1.0471975511965976
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    def call(command, text, *options):
        (tmp_path / "device.toml").write_text(text)
        monkeypatch.setattr(sys, "argv", ["jaxdiode", command, "device.toml", *options])
        cli.main()
        return capsys.readouterr().out

    return call


def currents(said):
    return [float(re.search(rf"^I\{sign} +(\S+)", said, re.M)[1]) for sign in "+-"]


def table():
    phase = np.linspace(0, 2 * np.pi, 65)
    current = np.sin(phase) + 0.2 * np.sin(2 * phase + 0.7) - 0.2 * np.sin(0.7)
    current[-1] = current[0]
    return TABLE.format(
        phase=", ".join(map(repr, phase.tolist())), current=", ".join(map(repr, current.tolist()))
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("text", "expected", "accuracy"),
    [  # numbers of shared/physics/field.md, or closed forms
        (LONG, (8.428719373, 8.736386305), 1e-7),
        (MOVING, (2 * 0.7052960919, 2 * 0.6188543633), 1e-7),
        (table(), (0.9410643548 - 0.2 * np.sin(0.7), 1.1583958283 + 0.2 * np.sin(0.7)), 1e-5),
        (CONTACT, (256.0285e-9, 256.0285e-9), 1e-12),
        (SHIFTED, (0.9410643548, 1.1583958283), 1e-7),
    ],
    ids=["long", "momentum", "table", "resistance", "shifted"],
)
def test_evaluate(run, text, expected, accuracy):
    helpers.assert_close(currents(run("evaluate", text)), expected, absolute=accuracy)
    found = jd.critical_currents(jd.load("device.toml"))
    helpers.assert_close([found.plus, found.minus], expected, absolute=accuracy)


@pytest.mark.thorough
def test_sweep_over_temperature_and_flux(run, tmp_path):
    run("sweep", WARM, "--out", "map")
    (path,) = (tmp_path / "map").glob("*.nc")
    data = jd.load(path)
    share = np.tanh(jd.units.bcs_gap_ratio * 4 * float(jd.bcs_gap(0.25)) / 2)
    cold = 100 * share * float(jd.bcs_gap(0.25))
    k = 1.4 * np.pi  # ∫(1 + 1.2x) e^{ikx} dx by parts
    tilted = abs(np.sin(k / 2) / (k / 2) + 1.2j * (np.sin(k / 2) / k**2 * 2 - np.cos(k / 2) / k))
    helpers.assert_close(data["plus"].values[0], [cold, cold * tilted], absolute=1e-8)
    assert (data["plus"].values[1] == 0).all()
    assert (data["status"].values[1] == jd.Status.NO_SUPERCURRENT).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WARM.replace("= 0.3\n", "= -0.3\n", 1), "temperature must be at least 0, got -0.3"),
        (WARM.replace("TunnelJunction", "Harmonics").replace("critical_current = 100", "sine=[1]"),
         "known law of temperature"),
        (LONG.replace("right", "top"), "unknown feed 'top'"),
        (MOVING + "temperature = 0.1\n", "gap must be given with a temperature"),
        (table().replace("0.0, ", "0.1, ", 1), "phase"),
        (SHIFTED.replace("field = 1.0\n", ""), "field and shift_per_field must come together"),
    ],
)  # fmt: skip
def test_refused(run, capsys, text, message):
    (line,) = refusal(capsys, run, "evaluate", text).err.splitlines()
    assert message in line
