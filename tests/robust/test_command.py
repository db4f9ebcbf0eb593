"""`jaxdiode design --spread`: from a device file to a design for scatter and back."""

import json
import sys

import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import cli
from tests.helpers import refusal

TEXT = """
unit = "nA"
[device]
type = "Squid.from_pairs"
pairs = [[100, 50], [80, 60]]
flux = [0.5]
[bounds]
flux = [0, 1]
[design]
starts = 2
steps = 10
polish = 10
rounds = 1
compare = false
[spread]
branches = "10 %"
flux = {{ deviation = 0.02, common = true }}
{more}
[robust]
{options}
samples = 16
starts = 2
steps = 10
polish = 5
"""


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(options="", more="", text=None):
        written = TEXT.format(options=options, more=more) if text is None else text
        (tmp_path / "device.toml").write_text(written, encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["jaxdiode", "design", "device.toml", "--spread"])
        cli.main()
        return tmp_path / "jaxdiode-design"

    return call


@pytest.mark.thorough
def test_a_design_for_scatter(run, capsys):
    folder = run('risk = "quantile"\nlevel = 0.2\nthreshold = 0.1')
    said = capsys.readouterr().out
    assert "designed for the scatter" in said
    assert "yield" in said
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "result.json", "nominal.json", "scatter.json", "scatter.png", "search.png", "cpr.png"
    }  # fmt: skip
    found, nominal = jd.load(folder / "result.json"), jd.load(folder / "nominal.json")
    both = jd.load(folder / "scatter.json")
    assert both.first.device.flux[0] == found.device.flux[0]
    assert both.second.device.flux[0] == nominal.device.flux[0]
    assert both.first.level == 0.2
    assert both.first.threshold == 0.1
    # The same objective in Python, on other devices.
    spread = jd.Spread({"branches": "10 %", "flux": jd.tolerance.Absolute(0.02, common=True)})
    own = jd.robust(jd.diode_efficiency, spread, risk="quantile", level=0.2, samples=16)
    assert abs(float(own(found.device)) - found.value) < 1e-12
    fresh = own.statistics(found.device, key=77, samples=4000)
    apart = np.hypot(fresh.quantile_error, both.first.quantile_error)
    assert abs(fresh.quantile - both.first.quantile) < 4 * apart
    table = json.loads((folder / "scatter.json").read_text())
    assert table["sections"]["spread"]["branches"] == "10 %"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("options", "more", "message"),
    [
        ('risk = "median"', "", "unknown risk 'median'"),
        ('risk = "yield"', "", "threshold must be given for a yield"),
        ("levels = 0.2", "", "unknown key of [robust] 'levels'"),
        ("rounds = -1", "", "rounds must be a whole number"),
        ('retune = ["branches"]', "", "retune must be {name: reach} for 'branches'"),
        ("", "fluks = 0.1", "unknown parameter 'fluks'"),
        ("retune = { fluks = 0.1 }", "", "unknown parameter 'fluks'"),
        ("", '"branches.0" = "-3 %"', "at least 0"),
        ("", '"branches.0" = { deviation = 0.1, comon = true }', "unknown key of the spread"),
        ("", 'correlation = [["flux.0", 0.5]]', "must be [[name, name, number]]"),
        ("", 'correlation = [["flux.0", "flux.0", 0.5]]', "must be of two names"),
    ],
)
def test_what_files_may_not_say(run, capsys, options, more, message, unchecked):
    said = refusal(capsys, run, options, more)
    (line,) = said.err.splitlines()
    assert message in line
    assert not said.out  # before the first of the searches


@pytest.mark.thorough
def test_no_scatter_in_the_file(run, capsys):
    with pytest.raises(SystemExit):
        run(text=TEXT.split("[spread]")[0])
    assert "must have a [spread] section" in capsys.readouterr().err
