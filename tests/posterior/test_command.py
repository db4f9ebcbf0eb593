"""`jaxdiode posterior`: the files of `jaxdiode fit`, draws and bands in a folder."""

import json
import sys

import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import cli
from tests.helpers import refusal

DEVICE = """
unit = "uA"
[device]
type = "Squid"
flux = [0.0]
branches = [{ type = "TunnelJunction", critical_current = 2.8 },
            { type = "TunnelJunction", critical_current = 2.1 }]
[fit]
turns = [1.02]
sigma = 0.05
[fit.bounds]
"squid.branches.0" = [2.6, 10]
"squid.branches.1" = [0.5, 2.5]
turns = [0.9, 1.1]
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.linspace(-0.7, 0.9, 21)
    current = np.sqrt(13 + 12 * np.cos(2 * np.pi * x))
    random = np.random.default_rng(0)
    plus, minus = (current + 0.05 * random.normal(size=x.size) for _ in range(2))
    rows = np.stack([x, plus, -minus], 1)
    np.savetxt("data.csv", rows, delimiter=",", header="coil,plus,minus", comments="")
    (tmp_path / "device.toml").write_text(DEVICE)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["jaxdiode", "posterior", *arguments])
        cli.main()

    return call


@pytest.mark.thorough
def test_posterior(run, capsys, tmp_path):
    pytest.importorskip("blackjax")
    run("device.toml", "data.csv", "--draws", "60", "--warmup", "40", "--chains", "2")
    out = capsys.readouterr().out
    assert "2 chains of 60 draws" in out
    assert "uA" in out
    folder = tmp_path / "jaxdiode-posterior"
    assert {p.name for p in folder.iterdir()} == {
        "posterior.json", "result.json", "posterior.png", "bands.png",
    }  # fmt: skip
    values = json.loads((folder / "posterior.json").read_text())["values"]["parameters"]
    found = values["squid.branches.0.critical_current"]
    assert abs(found["mean"] - 3) < 4 * found["deviation"] < 0.2
    assert jd.load(folder / "posterior.json").samples.shape == (2, 60, 3)
    assert jd.load(folder / "result.json").converged


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--chains", "0"], "chains must be a whole number, at least 1, got 0"),
        (["--noise", "cauchy"], "cauchy"),
    ],
)
def test_refusals(run, capsys, arguments, says):
    assert says in refusal(capsys, run, "device.toml", "data.csv", *arguments).err


@pytest.mark.thorough
def test_without_blackjax(run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "blackjax", None)
    with pytest.raises(SystemExit):
        run("device.toml", "data.csv")
    assert "pip install 'jaxdiode[inference]'" in capsys.readouterr().err
