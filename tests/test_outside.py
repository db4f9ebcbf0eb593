"""Devices from outside the package get every verb, files and the command line, nothing touched."""

import json
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import cli
from tests.files.test_saved import same
from tests.outside import SkewedJunction, Threshold

FILES = {
    SkewedJunction: """
unit = "nA"
[device]
type = "tests.outside.SkewedJunction"
critical_current = 20.0
skew = 0.3
shift = -1.0
[bounds]
skew = [0, 0.5]
shift = [-3, 0]
[sweep]
shift = { start = 0.0, stop = 1.5, points = 4 }
""",
    Threshold: """
[device]
type = "tests.outside.Threshold"
mean = 2.0
half_difference = 0.5
[bounds]
half_difference = [0, 1]
[sweep]
half_difference = [0.0, 0.5, 1.0]
""",
}


@pytest.fixture(params=FILES, ids=lambda kind: kind.__name__)
def kind(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "device.toml").write_text(FILES[request.param])
    return request.param


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["jaxdiode", *arguments])
    cli.main()


@pytest.mark.thorough
def test_the_command_line(kind, tmp_path, monkeypatch, capsys):
    """Evaluate, design, sweep; then the same again from the design's own result."""
    run(monkeypatch, "evaluate", "device.toml")
    printed = capsys.readouterr().out
    assert "status: converged" in printed
    assert ("nA" in printed) == (kind is SkewedJunction)
    run(monkeypatch, "design", "device.toml", "--starts", "8", "--steps", "20", "--polish", "40")
    values = json.loads((tmp_path / "jaxdiode-design/result.json").read_text())["values"]
    # sin φ + ½ sin(2φ + π/2) has |η| = 1/3; (a + b − (a − b))/2a = b/a.
    best = {SkewedJunction: 1 / 3, Threshold: 0.5}[kind]
    assert values["objective"] == pytest.approx(best, abs=1e-3)
    for verb in ("evaluate", "sweep"):
        run(monkeypatch, verb, "jaxdiode-design/result.json", "--out", verb)
    data = jd.load("sweep/sweep.nc")
    same(jd.load("jaxdiode-design/result.json").device, jd.files.device_of(data))
    if kind is SkewedJunction:
        assert data["shift"].attrs == {"long_name": "shift", "units": "rad"}
        assert (tmp_path / "evaluate/cpr.png").stat().st_size > 1000
    with pytest.raises(SystemExit):
        run(monkeypatch, "iv", "device.toml")
    assert "has none" in capsys.readouterr().err


def test_the_library(kind, tmp_path):
    numbers = {SkewedJunction: (20.0, 0.3, 1.0), Threshold: (jnp.array(2.0), jnp.array(0.5))}
    device = kind(*numbers[kind])
    for name in ("a.json", "a.toml"):
        jd.save(tmp_path / name, device)
        same(device, jd.load(tmp_path / name))
    report = device.report()
    jd.save(tmp_path / "report.json", report)
    same(report, jd.load(tmp_path / "report.json"))
    assert report.plot().axes


@pytest.mark.thorough
def test_declarations_hold_outside_too():
    device = SkewedJunction(20.0, 0.3)
    with pytest.raises(ValueError, match="skew must be at most 1, got 2"):
        SkewedJunction(20.0, 2.0)
    with pytest.raises(ValueError, match="must stay within 0 to 1, got 0 to 2"):
        jd.Space(device, {"skew": (0, 2)})
    with pytest.raises(ValueError, match="must stay within 0 to 1, got 3"):
        jd.replace(device, {"skew": 3})
    found = jd.fit(
        lambda d, x: d.current(x),
        jd.Space(device, {"critical_current": (0, 100)}), 30 * np.sin(np.arange(1.0, 9.0)),
        arguments=[np.arange(1.0, 9.0)], progress=False,
    )  # fmt: skip
    assert "nA" in found.summary("nA").split("critical_current")[1].split("\n")[0]
