"""`jaxdiode margins`."""

import json
import sys

import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import cli
from tests.helpers import refusal

DEVICE = """unit = "nA"
[device]
type = "Squid"
branches = [
  { type = "TunnelJunction", critical_current = 60.0 },
  { type = "TunnelJunction", critical_current = 40.0 },
]
flux = [0.0]
"""
ASKED = DEVICE + "[specification]\nplus = [90, inf]\n"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch, tmp_path):
    def call(text, *arguments):
        (tmp_path / "device.toml").write_text(text, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["jaxdiode", "margins", "device.toml", *arguments])
        cli.main()

    return call


@pytest.mark.thorough
def test_margins(run, capsys, tmp_path):
    settings = "[margins]\nreach = { flux = 0.3, branches = 3 }\npoints = 16\n"
    run(ASKED + settings, "--directions", "4")
    printed = capsys.readouterr().out
    assert "branches.0.critical_current          60 nA   50 -16.67% (plus ≥ 90)" in printed
    assert "> factor 3" in printed
    folder = tmp_path / "jaxdiode-margins"
    assert {p.name for p in folder.iterdir()} == {"result.json", "margins.png", "pairs.png"}
    found = jd.load(folder / "result.json")
    np.testing.assert_allclose(found.low[:2], [50, 30], rtol=1e-9)
    assert (found.points, found.pair_share.shape) == (16, (3, 4))
    values = json.loads((folder / "result.json").read_text())
    assert values["unit"] == "nA"
    assert values["values"]["critical"]["name"] == "branches.0.critical_current"
    assert values["sections"]["specification"] == {"plus": [90, None]}


@pytest.mark.thorough
def test_without_pairs(run, tmp_path):
    run(ASKED + '[margins]\nnames = ["flux"]\n', "--no-pairs", "--out", "found")
    assert {p.name for p in (tmp_path / "found").iterdir()} == {"result.json", "margins.png"}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEVICE, "device file must have a [specification] section"),
        (DEVICE + "[specification]\nplus = 101", "device must meet the specification plus ≥ 101"),
        (DEVICE + "[specification]\nplus = [60, 40]", "must satisfy low < high, got (60, 40)"),
        (DEVICE + '[specification]\nplus = "big"', "bounds of 'plus' must be a number"),
        (DEVICE + "[specification]\nplus = nan", "bounds of 'plus' must be known"),
        (DEVICE + "[specification]\npuls = 3", "unknown quantity of a specification 'puls'"),
        (DEVICE + "specification = 3", "section"),
        (ASKED + "[margins]\nname = 3", "unknown key of [margins] 'name'; did you mean 'names'"),
        (ASKED + "[margins]\nnames = 3", "names must be a list of names, got 3"),
        (ASKED + "[margins]\nnames = [3]", "a parameter must be named by its path, got 3"),
        (ASKED + '[margins]\nnames = ["x"]', "unknown parameter 'x'"),
        (ASKED + "[margins]\nties = [3]", "ties must be names or lists of names"),
        (ASKED + "[margins]\nreach = 3", "reach must be a table of names, got 3"),
        (ASKED + '[margins]\nreach = { flux = "a" }', "must be a real number"),
        (ASKED + "[margins]\npoints = 1", "points must be a whole number, at least 2"),
        (ASKED + "[margins]\ndirections = 5", "directions must be a multiple of 4, got 5"),
    ],
)
def test_what_is_refused(run, capsys, text, said, unchecked):
    (line,) = refusal(capsys, run, text).err.splitlines()
    assert line.startswith("jaxdiode: error: ")
    assert said in line
