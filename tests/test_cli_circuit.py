"""iv, shapiro, switching and rectify of files with [shunt] and [drive], against formulas."""

import json
import re
import sys

import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import cli
from tests.helpers import refusal

H, E, K = 6.62607015e-34, 1.602176634e-19, 1.380649e-23

PLAIN = '[device]\ntype = "TunnelJunction"\ncritical_current = 1.0\n[shunt]\n'
DRIVEN = PLAIN + "[drive]\nfrequency = 0.5\namplitude = 1.0\n"
NANO = 'unit = "nA"\n' + PLAIN.replace("1.0", "400.0") + "resistance = 50\n"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """What is printed by a command on a device file with this text."""

    def call(command, text, *options, name="device.toml"):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(sys, "argv", ["jaxdiode", command, name, *map(str, options)])
        cli.main()
        return capsys.readouterr().out

    return call


@pytest.fixture
def refuse(run, capsys):
    def call(*arguments):
        (line,) = refusal(capsys, run, *arguments).err.splitlines()
        return line

    return call


def columns(path):
    return np.genfromtxt(path, delimiter=",", names=True, deletechars="")


@pytest.mark.slow
def test_shapiro(run, tmp_path):
    """Edges of shared/physics/dynamics.md; a device that was saved does as well."""
    said = run("shapiro", DRIVEN, "--orders", "0", "1", "-1")
    assert "step 1     voltage +0.5       +0.5 to +1.1429353" in said
    assert "voltages in I₀R, times in ħ/2eI₀R, I₀ = 1" in said
    found = columns(tmp_path / "jaxdiode-shapiro/steps.csv")
    np.testing.assert_allclose(found["lower"], [-0.48630479991, 0.5, -1.14293530615], atol=1e-10)
    np.testing.assert_allclose(found["upper"], [0.48630479991, 1.14293530615, -0.5], atol=1e-10)
    np.testing.assert_array_equal(found["voltage"], [0, 0.5, -0.5])
    assert (tmp_path / "jaxdiode-shapiro/steps.png").stat().st_size > 1000
    again = jd.load(tmp_path / "jaxdiode-shapiro/result.json")
    np.testing.assert_array_equal(again.lower, found["lower"])
    jd.save("saved.json", jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.5, 1.0)))
    text = (tmp_path / "saved.json").read_text()
    assert (
        said.splitlines()[:3]
        == run(
            "shapiro", text, "--orders", "0", "1", "-1", "--out", "b", name="saved.json"
        ).splitlines()[:3]
    )


@pytest.mark.thorough
def test_shapiro_in_volts(run, tmp_path):
    """Steps lie at nhf/2e."""
    drive = "[drive]\nfrequency = 5e9\npower = -80\nimpedance = 50\n"
    said = run("shapiro", NANO + drive, "--orders", "1", "2", "0")
    found = columns(tmp_path / "jaxdiode-shapiro/steps.csv")
    np.testing.assert_allclose(
        found["voltage_V"], np.array([1, 2, 0]) * H * 5e9 / (2 * E), rtol=1e-9
    )
    assert "drive at 5 GHz: steps every 10.34 µV" in said
    assert "I₀R = 50 nV" in said


@pytest.mark.thorough
def test_iv_and_its_thermal_curve(run, tmp_path):
    """V = R√(i² − I²) without noise; thermal_iv beside it."""
    said = run("iv", NANO, "--maximum", "800", "--points", "9", "--temperature", "0.3")
    found = columns(tmp_path / "jaxdiode-iv/iv.csv")
    volts = 50e-9 * np.sqrt(np.maximum(found["current"] ** 2 - 400.0**2, 0))
    np.testing.assert_allclose(np.abs(found["voltage_up_V"]), volts, rtol=1e-6, atol=1e-12)
    gamma = 2 * E * K * 0.3 / (H / (2 * np.pi)) * 1e9
    assert f"k_BT as a current {gamma:.6g} nA" in said
    assert "no voltage on the way up from -400 to +400 nA" in said
    warm = columns(tmp_path / "jaxdiode-iv/thermal.csv")
    expected = jd.thermal_iv(jd.TunnelJunction(400.0), found["current"], noise=gamma)
    np.testing.assert_allclose(warm["voltage"], expected.voltage, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(warm["voltage_V"], 50e-9 * warm["voltage"], rtol=1e-12)
    for name in ("iv.png", "thermal.png", "thermal.json", "result.json"):
        assert (tmp_path / "jaxdiode-iv" / name).stat().st_size > 1000


@pytest.mark.thorough
def test_switching(run, tmp_path):
    """Ramp and temperature in SI are those of formulas; densities are normalised."""
    options = ("--temperature", "0.3", "--ramp", "1e5")
    said = run("switching", NANO, *options)
    rate = 1e5 * H / (2 * np.pi) / (2 * E * 1e-9 * 50)
    gamma = 2 * E * K * 0.3 / (H / (2 * np.pi)) * 1e9
    found = jd.load(tmp_path / "jaxdiode-switching/result.json")
    np.testing.assert_allclose([found.rate, found.noise], [rate, gamma], rtol=1e-12)
    assert f"I+   {float(found.mean[0]):.8g} ± {float(found.deviation[0]):.4g} nA" in said
    assert "phase slip rate, converged" in said
    assert "(1e+05 nA/s)" in said
    table = columns(tmp_path / "jaxdiode-switching/density.csv")
    for sign in ("plus", "minus"):
        total = np.trapezoid(table[f"density_{sign}"], table[f"current_{sign}"])
        assert abs(total - 1) < 1e-2
    values = json.loads((tmp_path / "jaxdiode-switching/result.json").read_text())["values"]
    assert values["status"] == [0, 0]
    assert (tmp_path / "jaxdiode-switching/switching.png").stat().st_size > 1000


WARM = ("--noise", "0.1", "--rate", "1e-3")
BARE = '[device]\ntype = "TunnelJunction"\ncritical_current = 1.0\n'
REFUSED = {
    "no shunt": ("shapiro", BARE, (), r"device file must have a \[shunt\] section: damping"),
    "no drive": ("shapiro", PLAIN, (), r"device file must have a \[drive\] section"),
    "order": ("shapiro", DRIVEN, ("--orders", "1/0"), "orders must be whole numbers n or"),
    "no shunt to switch": ("switching", BARE, WARM, r"must have a \[shunt\] section"),
    "driven": ("switching", DRIVEN, WARM, r"must have no \[drive\] section here"),
    "neither": ("switching", PLAIN, WARM[2:], "noise or temperature must be given, got neither"),
    "both": (
        "switching", PLAIN, (*WARM, "--ramp", "1"), "rate or ramp must be given, got both"
    ),
    "kelvin": (
        "switching", PLAIN, ("--temperature", "1", *WARM[2:]), r"temperature \(K\) needs the unit"
    ),
    "seconds": (
        "switching", PLAIN, (*WARM[:2], "--ramp", "1"), r"ramp \(current per second\) needs"
    ),
    "formula": ("switching", PLAIN, (*WARM, "--formula", "Kramer"), "unknown formula 'Kramer'"),
    "damped": (
        "iv", PLAIN + "damping = 1\n", WARM[:2], "must have no damping and no capacitance"
    ),
    "warm and driven": ("iv", DRIVEN, WARM[:2], r"must have no \[drive\] section here"),
    "noise": ("iv", PLAIN, ("--noise", "-1"), "noise must be a positive number, got -1"),
    "another system": (
        "iv", '[device]\ntype = "KapitzaJunction"\ndamping = 1\ndrive_frequency = 2\n', WARM[:2],
        r"must have a \[shunt\]",
    ),
    "rectify": ("rectify", PLAIN, (), r"must have a \[drive\] section"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(refuse, tmp_path, name):
    command, text, options, message = REFUSED[name]
    line = refuse(command, text, *options)
    assert re.search(message, line), line
    assert {path.name for path in tmp_path.iterdir()} == {"device.toml"}


@pytest.mark.thorough
def test_sweep_evaluate_and_design(run, tmp_path):
    """Parameters of the junction, the shunt and the drive go by their paths."""
    text = NANO + '[bounds]\n"device.critical_current" = [10, 500]\n'
    text += '[sweep]\n"device.critical_current" = [100.0, 200.0]\n'
    assert "I+   400 nA" in run("evaluate", text)
    assert "2 devices, 0 failed" in run("sweep", text)
    found = jd.load(tmp_path / "jaxdiode-sweep/sweep.nc")
    np.testing.assert_allclose(found["plus"], [100.0, 200.0], rtol=1e-11)
    options = ("--starts", "1", "--steps", "2", "--polish", "0", "--rounds", "0")
    run("design", text, *options, "--no-compare")
    best = jd.load(tmp_path / "jaxdiode-design/result.json").device
    assert isinstance(best, jd.Shunted)
    assert best.damping is None


NODES = 'unit = "µA"\n[device]\ntype = "Circuit"\nterminals = ["1", "0"]\n'
NODE = (
    '[device.elements.J]\ntype = "Junction"\nstart = "1"\nend = "0"\nresistance = 1.0\n'
    'relation = { type = "TunnelJunction", critical_current = 1.0 }\n'
    '[device.elements.R]\ntype = "Resistor"\nstart = "1"\nend = "2"\nresistance = 2.0\n'
    '[device.elements.S]\ntype = "Resistor"\nstart = "2"\nend = "0"\nresistance = 2.0\n'
)
NODE_DRIVE = '[device.drive]\ntype = "Drive"\nfrequency = 0.5\namplitude = 1.0\n'


@pytest.mark.slow
def test_circuits_of_many_nodes(run, tmp_path):
    """V = √(I² − 1) R, R = 4/5, and half of it from 2 to the ground."""
    said = run("iv", NODES + NODE, "--maximum", 2, "--points", 5)
    assert "no voltage on the way up from -1 to +1 µA" in said
    found = columns(tmp_path / "jaxdiode-iv/iv.csv")
    np.testing.assert_allclose(found["voltage_up"][-1], 0.8 * np.sqrt(3), rtol=1e-9)
    run("iv", NODES + NODE, "--maximum", 2, "--points", 5, "--between", 2, 0, "--force")
    half = columns(tmp_path / "jaxdiode-iv/iv.csv")["voltage_up"]
    np.testing.assert_allclose(half, found["voltage_up"] / 2, rtol=1e-9)
    said = run("rectify", NODES + NODE + NODE_DRIVE, "--points", 3)
    assert "voltages in I₀R₀, times in Φ₀/2πI₀R₀, I₀ = 1 µA" in said
    assert (tmp_path / "jaxdiode-rectify/rectify.png").stat().st_size > 1000


def test_circuits_of_many_nodes_refused(refuse):
    assert "must have a drive" in refuse("rectify", NODES + NODE)
    assert "node of between '7'" in refuse("iv", NODES + NODE, "--between", "7", "0")
    assert "between must be left out for a Shunted" in refuse("iv", PLAIN, "--between", "1", "0")
    bare = NODES + NODE.replace("resistance = 1.0\n", "").split("[device.elements.R]")[0]
    assert "must have a resistance or a capacitance" in refuse("iv", bare)
