"""The command line. Most cases call `main` in this process; one of each kind runs for real."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

import jaxdiode as jd
from jaxdiode import cli
from jaxdiode.devices import SYSTEMS
from jaxdiode.devices.usadel.torus import SpinResolvedRelation
from jaxdiode.files import device_file
from tests.helpers import refusal

SYSTEM_NAMES = [system.name for system in SYSTEMS]

TABLE_1 = """
[device]
type = "Squid.from_pairs"
pairs = [[420, 80], [380, 90], [80, 90]]
flux = [0.403, 0.403]
"""
SINGLE = """
[device]
type = "Squid"
branches = [
  { type = "TunnelJunction", critical_current = 3.0 },
  { type = "TunnelJunction", critical_current = 2.0 },
]
flux = [0.0]
"""
FIT = (
    SINGLE
    + """
[fit]
turns = [1.02]
sigma = 0.05
[fit.bounds]
"squid.branches" = [0.5, 10]
turns = [0.9, 1.1]
"""
)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["jaxdiode", *map(str, arguments)])
        cli.main()

    return call


@pytest.fixture
def refuse(run, capsys):
    """Exit code 2 and one line on stderr."""

    def call(*arguments):
        lines = refusal(capsys, run, *arguments).err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("jaxdiode: error: ")
        return lines[0]

    return call


@pytest.fixture
def write(tmp_path):
    def make(text, name="device.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return make


def in_a_process(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "jaxdiode", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"COLUMNS": "200"},
    )


@pytest.mark.thorough
def test_for_real(write):
    done = in_a_process("evaluate", write(TABLE_1))
    assert done.returncode == 0, done.stderr
    assert "eta  +0.53577199" in done.stdout
    assert "I+   97.612536" in done.stdout
    assert "status: converged" in done.stdout
    assert done.stderr == ""


@pytest.mark.thorough
def test_refusal_for_real(write):
    """Without the tests' own type checks, which would speak first."""
    text = '[device]\ntype = "TunnelJunction"\ncritical_current = "big"'
    done = in_a_process("evaluate", write(text))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("jaxdiode: error: critical_current must be a real number")
    assert len(done.stderr.splitlines()) == 1


def test_missing_file(refuse):
    assert "device file must exist, got 'none.toml'" in refuse("evaluate", "none.toml")


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help(run, capsys, command):
    with pytest.raises(SystemExit) as stopped:
        run(command, "--help")
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert re.search(rf"Example: jaxdiode {command}\b", text)


def test_help_lists_every_command(run, capsys):
    with pytest.raises(SystemExit):
        run("--help")
    text = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert command in text


def test_version(run, capsys):
    run("--version")
    assert capsys.readouterr().out == f"jaxdiode {jd.__version__}\n"


def test_new(run, capsys, refuse, tmp_path):
    run("new")
    assert "jaxdiode evaluate device.toml" in capsys.readouterr().out
    table = device_file.read("device.toml")
    device = device_file.device(table)
    assert isinstance(device, jd.Squid)
    space = device_file.space(table, device)
    assert space.names == (
        "branches.0.second", "branches.1.second", "branches.2.first", "branches.2.second", "flux.0"
    )  # fmt: skip
    assert device_file.axis("flux", table["sweep"]["flux"]).shape == (201,)
    (tmp_path / "device.toml").write_text("precious")
    assert "path must not exist yet" in refuse("new")
    assert (tmp_path / "device.toml").read_text() == "precious"


@pytest.mark.thorough
@pytest.mark.parametrize("system", SYSTEM_NAMES)
def test_examples_are_complete(run, system):
    """Each builds, its commented constructor too, and its bounds and axes fit the device."""
    run("new", "example.toml", "--system", system)
    table = device_file.read("example.toml")
    device = device_file.device(table)
    assert device_file.space(table, device).names
    assert all(device_file.axis(k, v).size > 1 for k, v in table["sweep"].items())
    spelt = re.search(r'# type = "\w+\.\w+"\n(?:# .*\n)+', device_file.example(system))
    if spelt:
        text = re.sub("^# ", "", spelt[0], flags=re.M)
        made = device_file.build(device_file.tomllib.loads(text))
        assert isinstance(made, type(device))


@pytest.mark.thorough
def test_wire(run, capsys, tmp_path):
    run("new", "wire.toml", "--system", "wire")
    run("evaluate", "wire.toml", "--out", "found")
    printed = capsys.readouterr().out
    assert re.search(r"^retrap +\+ 0\.10178738 +- 0\.10147735$", printed, re.M)
    assert re.search(r"^flip +\+ 2\.8824841 +- none$", printed, re.M)
    assert (
        json.loads((tmp_path / "found/result.json").read_text())["values"]["limits"]["flip"][1]
        is None
    )
    run("iv", "wire.toml", "--points", "11", "--maximum", "4")
    rows = np.loadtxt(tmp_path / "jaxdiode-iv/iv.csv", delimiter=",", skiprows=1)
    assert rows.shape == (6 + 11 + 11, 6)
    assert rows[4, 3] < 0 < rows[3, 3]  # flipped between 2.4 and 3.2
    assert (tmp_path / "jaxdiode-iv/iv.png").stat().st_size > 1000


def test_the_commented_half_of_the_example_works_too():
    text = device_file.example("squid")
    assert "# [fit]" in text
    text = re.sub(r"^# (\[fit\]|turns|offset|sigma|bounds|ties)", r"\1", text, flags=re.M)
    device_file.tomllib.loads(text)
    spelt = re.search(r'# type = "Squid"\n(?:# .*\n)+', text)[0].replace("# ", "")
    made = device_file.build(device_file.tomllib.loads(spelt + "flux = [0.1, 0.2]"))
    assert [type(b).__name__ for b in made.branches] == [
        "SeriesJunctions", "TunnelJunction", "AndreevModes"
    ]  # fmt: skip


def test_evaluate(run, capsys, write, refuse, tmp_path):
    run("evaluate", write('unit = "x"\n' + SINGLE), "--out", "results")
    assert re.search(r"^I\+   5 x$", capsys.readouterr().out, re.M)
    found = json.loads((tmp_path / "results/result.json").read_text())["values"]
    assert found["critical_currents"]["plus"] == pytest.approx(5)
    assert found["critical_currents"]["minus"] == pytest.approx(5)
    device = jd.load(tmp_path / "results/result.json").device
    assert device.branches[0].critical_current == 3
    assert (tmp_path / "results/cpr.png").stat().st_size > 1000
    before = (tmp_path / "results/result.json").stat().st_mtime_ns
    assert "add --force" in refuse("evaluate", "device.toml", "--out", "results")
    assert (tmp_path / "results/result.json").stat().st_mtime_ns == before
    run("evaluate", "device.toml", "--out", "results", "--force")
    assert (tmp_path / "results/result.json").stat().st_mtime_ns > before
    (tmp_path / "file").write_text("precious")
    assert "out must be a folder" in refuse("evaluate", "device.toml", "--out", "file", "--force")
    assert (tmp_path / "file").read_text() == "precious"


@pytest.fixture
def measurement(tmp_path):
    """Two tunnel junctions, I = |3 + 2 exp(2πi x)| up to noise."""
    x = np.linspace(-0.7, 0.9, 41)
    current = np.sqrt(13 + 12 * np.cos(2 * np.pi * x))
    rng = np.random.default_rng(0)
    plus, minus = (current + 0.05 * rng.normal(size=x.size) for _ in range(2))
    rows = np.stack([x, plus, -minus], 1)
    header = "coil,plus,minus"
    np.savetxt(tmp_path / "data.csv", rows, delimiter=",", header=header, comments="")
    return "data.csv"


@pytest.mark.thorough
def test_fit(run, capsys, write, measurement, tmp_path):
    run("fit", write(FIT), measurement)
    out = capsys.readouterr().out
    assert "noise σ = 0.05" in out
    found = json.loads((tmp_path / "jaxdiode-fit/result.json").read_text())["values"]
    turns = found["parameters"]["turns.0"]
    assert abs(turns["value"] - 1) < 4 * turns["error"] < 0.1
    pair = [found["parameters"][f"squid.branches.{k}.critical_current"] for k in (0, 1)]
    assert abs(pair[0]["value"] - 3) < 4 * pair[0]["error"] < 0.2
    assert abs(pair[1]["value"] - 2) < 4 * pair[1]["error"] < 0.2
    assert 0.7 < found["chi_squared_per_degree"] < 1.3
    names = {p.name for p in (tmp_path / "jaxdiode-fit").iterdir()}
    assert names == {"result.json", "device.toml", "fit.png", "parameters.png"}
    again = device_file.read(tmp_path / "jaxdiode-fit/device.toml")
    fitted = jd.load(tmp_path / "jaxdiode-fit/result.json").device
    same = zip(jax.tree.leaves(device_file.device(again)), jax.tree.leaves(fitted), strict=True)
    assert all(np.array_equal(a, b) for a, b in same)
    assert set(device_file.space(again, fitted).names) >= {"turns.0"}


@pytest.mark.thorough
def test_fit_with_columns_of_errors(run, capsys, write, refuse, measurement, tmp_path):
    """Said to be there; taken where asked for, in the fitted range; refused where unusable."""
    x, plus, minus = np.loadtxt(measurement, delimiter=",", skiprows=1).T
    errors = np.linspace(0.04, 0.06, x.size)
    rows = np.stack([x, plus, errors, minus, 2 * errors], axis=1)
    header = "coil,plus,plus_error,minus,minus_error"
    np.savetxt(measurement, rows[::-1], delimiter=",", header=header, comments="")
    run("fit", write(FIT), measurement)
    assert "not used: errors in 'plus_error' and 'minus_error'; --errors" in capsys.readouterr().out
    run("fit", "device.toml", measurement, "--errors", "--coil-range", -0.5, 0.5, "--force")
    assert "noise of every point from 'plus_error'" in capsys.readouterr().out
    kept = (x > -0.501) & (x < 0.501)
    found = jd.load(tmp_path / "jaxdiode-fit/result.json")
    np.testing.assert_allclose(found.sigma, np.append(errors[kept], 2 * errors[kept]))
    said = refuse("fit", "device.toml", measurement, "--errors", "--sigma", 1, "--force")
    assert "errors must be left out beside sigma, got sigma = 1" in said
    rows[3, 2] = 0
    np.savetxt(measurement, rows, delimiter=",", header=header, comments="")
    said = refuse("fit", "device.toml", measurement, "--errors", "--force")
    assert "must hold positive errors, got 0 in 1 of 41 rows" in said
    np.savetxt(measurement, rows[:, [0, 1, 3]], delimiter=",", header="coil,plus,minus")
    said = refuse("fit", "device.toml", measurement, "--errors", "--force")
    assert "errors needs columns such as 'plus_error'" in said


@pytest.mark.thorough
def test_errors_by_refits(run, capsys, write, refuse, measurement, tmp_path):
    run("fit", write(FIT), measurement, "--bootstrap", 30)
    assert "± bootstrap" in capsys.readouterr().out
    found = json.loads((tmp_path / "jaxdiode-fit/result.json").read_text())["values"]
    plain = found["parameters"]["turns.0"]["error"]
    again = found["bootstrap"]["errors"]["turns.0"]
    assert 0.4 < again / plain < 2.5
    assert "bootstrap must be" in refuse("fit", write(FIT), measurement, "--bootstrap", 3)


@pytest.mark.thorough
def test_fit_with_bounds_beside_a_guess(run, capsys, write, refuse, measurement, tmp_path):
    """Without turns to start from, bounds of the file replace and extend those guessed."""
    rows = np.loadtxt(measurement, delimiter=",", skiprows=1)
    rows[:, 1:] += 0.5  # an offset: minus holds −I₋
    np.savetxt(measurement, rows, delimiter=",", header="coil,plus,minus", comments="")
    some = "[fit]\nbounds = { current_offset = [-2, 2], turns = [0.8, 1.2] }\n"
    run("fit", write(SINGLE + some), measurement)
    out = capsys.readouterr().out
    assert "; of the file: turns.0 0.8 to 1.2, current_offset -2 to 2" in out
    found = json.loads((tmp_path / "jaxdiode-fit/result.json").read_text())["values"]["parameters"]
    assert len(found) == 5
    assert abs(found["current_offset"]["value"] - 0.5) < 4 * found["current_offset"]["error"] < 0.2
    for text, message in (
        ("[fit]\noffset = 0.1\n", "needs 'turns' beside offset"),
        (some + 'ties = ["turns"]\n', "nothing guessed"),
    ):
        assert message in refuse("fit", write(SINGLE + text), measurement, "--force")


@pytest.mark.thorough
def test_which_fits_are_guessed(run, write, measurement, monkeypatch):
    """Old files, with bounds and turns, are fitted as they were; `vary` asks for the guess."""
    guesses = []
    real = jd.guess

    def noted(*given, **options):
        guesses.append(options)
        return real(*given, **options)

    monkeypatch.setattr("jaxdiode.experiment.guess", noted)
    run("fit", write(FIT), measurement)
    assert not guesses
    vary = FIT.replace("sigma", 'vary = "offset"\nsigma')
    run("fit", write(vary), measurement, "--force")
    assert guesses[0]["vary"] == "offset"
    assert set(guesses[0]["bounds"]) == {"squid.branches", "turns"}


SWEEP = SINGLE + "[sweep]\nflux = { start = 0, stop = 1, points = 11 }\n"


def test_sweep_and_resume(run, capsys, write, refuse, tmp_path, monkeypatch):
    path = write(SWEEP)
    saves = []
    real = np.savez

    def savez(*args, **kwargs):
        if len(saves) == 1:
            raise KeyboardInterrupt
        saves.append(real(*args, **kwargs))

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", savez)
        with pytest.raises(SystemExit) as stopped:
            run("sweep", path, "--chunk", 4)
        assert stopped.value.code == 130
    assert not (tmp_path / "jaxdiode-sweep/sweep.nc").exists()
    run("sweep", path, "--chunk", 4)  # goes on without --force
    assert "11 devices, 0 failed" in capsys.readouterr().out
    assert {p.name for p in (tmp_path / "jaxdiode-sweep").iterdir()} == {
        "sweep.nc", "efficiency.png"
    }  # fmt: skip
    with xarray.open_dataset(tmp_path / "jaxdiode-sweep/sweep.nc", engine="h5netcdf") as data:
        expected = np.sqrt(13 + 12 * np.cos(2 * np.pi * np.linspace(0, 1, 11)))
        assert np.allclose(data["plus"], expected, atol=1e-10)
        assert np.allclose(data["flux"], np.linspace(0, 1, 11))
    assert "add --force" in refuse("sweep", path, "--chunk", 4)
    run("sweep", path, "--chunk", 4, "--force")


@pytest.mark.thorough
def test_sweep_where_some_or_all_fail(run, capsys, write):
    for values, failed in (("[1, 0]", 1), ("[0, 0.0]", 2)):  # no current, no efficiency
        text = f'{SINGLE}[sweep]\n"branches.*.critical_current" = {values}\n'
        run("sweep", write(text), "--force")
        assert f"2 devices, {failed} failed" in capsys.readouterr().out


HARMONICS = """
[device]
type = "Harmonics"
sine = [1.0, 0.1]
cosine = [0.0, 0.2]
"""


@pytest.mark.thorough
def test_design(run, capsys, write, tmp_path):
    text = f"""{HARMONICS}[bounds]
"cosine.1" = [0.0, 1.0]
[design]
starts = 4
"""
    run("design", write(text), "--steps", 10, "--polish", 30, "--rounds", 1)
    found = json.loads((tmp_path / "jaxdiode-design/result.json").read_text())
    chance = json.loads((tmp_path / "jaxdiode-design/monte_carlo.json").read_text())
    assert found["values"]["objective"] >= chance["values"]["objective"] - 1e-6
    assert "Monte Carlo at the same cost" in capsys.readouterr().out
    names = {p.name for p in (tmp_path / "jaxdiode-design").iterdir()}
    assert names == {"result.json", "monte_carlo.json", "search.png", "cpr.png"}


@pytest.mark.thorough
def test_another_criterion_and_why_there_is_no_figure(run, capsys, write, tmp_path):
    text = """
unit = "uA"
[device]
type = "Squid"
flux = [0.25]
inductance = [0.0435, 0.0145]
branches = [
    { type = "TunnelJunction", critical_current = 10 },
    { type = "TunnelJunction", critical_current = 6 },
]
"""
    run("evaluate", write(text), "--criterion", "first")
    said = capsys.readouterr().out
    own, first = re.findall(r"^I-\s+(\S+) uA$", said, re.MULTILINE)
    assert 'by the criterion "first":' in said
    assert float(first) < float(own)
    assert "no figure of the current-phase relation: a branch inductance makes" in said
    found = jd.load(tmp_path / "jaxdiode-evaluate/result.json")
    assert float(found.critical.minus) == pytest.approx(float(own), rel=1e-7)
    assert float(found.details["first"].minus) == pytest.approx(float(first), rel=1e-7)
    assert not (tmp_path / "jaxdiode-evaluate/cpr.png").exists()


@pytest.mark.thorough
def test_a_design_that_chance_beats_is_not_kept(run, capsys, write, tmp_path):
    """One start and one step: three devices at random are better, and the climb goes on there."""
    text = f"""{HARMONICS}[bounds]
"cosine.1" = [-1.0, 1.0]
"""
    options = ("--starts", 1, "--steps", 1, "--polish", 0, "--rounds", 0, "--seed", 1)
    run("design", write(text), *options)
    said = capsys.readouterr().out
    found, chance = (
        json.loads((tmp_path / f"jaxdiode-design/{name}.json").read_text())["values"]["objective"]
        for name in ("result", "monte_carlo")
    )
    first = float(re.search(r"objective\s+([-+.\d]+)", said)[1])
    assert first < chance - 0.01
    assert found >= chance
    assert "WARNING: that is more than the climbs had found" in said


@pytest.mark.thorough
def test_a_device_of_the_folder_one_stands_in(tmp_path):
    """By the script that is installed, whose path does not begin there."""
    script = Path(sys.executable).with_name("jaxdiode")
    if not script.exists():
        pytest.skip("jaxdiode is not installed as a script")
    code = """
import jaxdiode as jd


class Sine(jd.AbstractPhaseBiased):
    size: float = jd.parameter(at_least=0.0)

    def current(self, phase):
        return jd.TunnelJunction(self.size).current(phase)
"""
    (tmp_path / "a_folders_own.py").write_text(code)
    (tmp_path / "mine.toml").write_text('[device]\ntype = "a_folders_own.Sine"\nsize = 3.0\n')
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [script, "evaluate", "mine.toml"], cwd=tmp_path, env=environment, capture_output=True,
        text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "I+   3" in done.stdout


DESIGNED = sys.modules["jaxdiode.cli.design"]  # the module, not the command


@pytest.mark.parametrize("system", SYSTEM_NAMES)
def test_every_key_of_every_example_is_accepted(system):
    """Of what an example has commented out, too."""
    text = device_file.example(system)
    written = device_file.tomllib.loads(text)
    assert written["design"]
    options = DESIGNED._options(written["design"], {})
    assert all(
        options[name] == written["design"][name] for name in options if name in written["design"]
    )
    fitted = re.sub(r"^# (\[fit\]|turns|offset|sigma|bounds|ties)", r"\1", text, flags=re.M)
    section = device_file.tomllib.loads(fitted).get("fit", {})
    assert set(section) <= set(sys.modules["jaxdiode.cli.fitting"].KEYS)
    assert bool(section) == (system == "squid")


VALUES = {
    "starts": st.integers(1, 10**6),
    "steps": st.integers(1, 10**6),
    "polish": st.integers(0, 10**6),
    "rounds": st.integers(0, 100),
    "compare": st.booleans(),
    "objective": st.sampled_from(list(DESIGNED.OBJECTIVES)),
    "seed": st.integers(0, 2**32),
}
some_options = st.fixed_dictionaries({}, optional=VALUES)


@given(some_options, some_options)
def test_design_takes_options_from_the_command_then_the_file(written, given):
    options = DESIGNED._options({**written, "ties": ["flux"]}, given)
    assert options == {**DESIGNED.DEFAULTS, **written, **given}
    assert set(VALUES) == set(DESIGNED.DEFAULTS)


def test_the_choices_of_an_objective_are_the_table(run, capsys):
    with pytest.raises(SystemExit):
        run("design", "--help")
    assert "{" + ",".join(["None", *DESIGNED.OBJECTIVES]) + "}" in capsys.readouterr().out.replace(
        "\n", ""
    )


def test_objectives():
    """Of two bands 2 sin φ and −sin(φ + 1): by a scan of both, without jaxdiode."""
    sine = jnp.array([[0.0, 2.0, 0.3], [0.0, -np.cos(1.0), 0.0]])
    cosine = jnp.array([[0.0, 0.0, 0.4], [0.0, -np.sin(1.0), 0.0]])
    zero = jnp.zeros(())
    relation = SpinResolvedRelation(sine, cosine, jnp.zeros((), jnp.int32), zero, zero)
    phase = np.linspace(0, 2 * np.pi, 2_000_001)
    up = 2 * np.sin(phase) + 0.3 * np.sin(2 * phase) + 0.4 * np.cos(2 * phase)
    down = -np.sin(phase + 1)
    total, spin = up + down, np.abs(up - down)
    plus, minus = total.max(), -total.min()
    at = spin[total.argmax()], spin[total.argmin()]
    expected = {
        "eta": (plus - minus) / (plus + minus),
        "eta-prime": (plus - minus) / (plus + minus),
        "minus-eta": (minus - plus) / (plus + minus),
        "spin-eta": (at[0] - at[1]) / (at[0] + at[1]),
    }
    found = {name: float(f(relation)) for name, f in DESIGNED.OBJECTIVES.items()}
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.thorough
def test_an_objective_that_does_not_apply(refuse, write):
    text = TABLE_1 + "[bounds]\nflux = [0, 1]\n"
    said = refuse("design", write(text), "--objective", "spin-eta", "--starts", 2, "--steps", 1)
    assert "'spin-eta' needs a device with spin-resolved currents" in said
    assert said.endswith("got Squid")


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_evaluate_in_any_unit(run, capsys, write, tmp_path, scale):
    """Currents times λ: the same η, the same words, a figure."""
    pairs = [[420 * scale, 80 * scale], [380 * scale, 90 * scale], [80 * scale, 90 * scale]]
    run("evaluate", write(TABLE_1.replace("[[420, 80], [380, 90], [80, 90]]", str(pairs))))
    said = capsys.readouterr().out
    assert "eta  +0.53577199" in said
    assert "status: converged" in said
    plus = float(re.search(r"^I\+   (\S+)$", said, re.M)[1])
    assert plus == pytest.approx(97.612536 * scale, rel=1e-7)
    found = json.loads((tmp_path / "jaxdiode-evaluate/result.json").read_text())["values"]
    efficiency = found["critical_currents"]["efficiency"]
    assert efficiency == pytest.approx(0.5357719928680874, abs=1e-12)


@pytest.mark.thorough
def test_evaluate_of_a_reciprocal_and_of_a_multivalued_device(run, capsys, write, tmp_path):
    run("evaluate", write(SINGLE.replace("[0.0]", "[0.3]")))
    assert "eta  +0.00000000" in capsys.readouterr().out
    run("evaluate", write(SINGLE + "inductance = [0.1, 0.1]"), "--force", "--out", "loops")
    assert "status: converged" in capsys.readouterr().out  # of its flux states; no I(φ) to draw
    assert [p.name for p in (tmp_path / "loops").iterdir()] == ["result.json"]


@pytest.mark.thorough
@pytest.mark.parametrize("system", ["squid", "andreev", "wire"])
def test_evaluate_compiles_one_program(run, system):
    """Beside it only conversions of single numbers, and none of the figure's."""
    run("new", "device.toml", "--system", system)
    jax.clear_caches()
    durations = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            durations.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        run("evaluate", "device.toml")
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert len(durations) <= 8
    assert sum(durations) < 1.3 * max(durations)


def toml(device="", rest=""):
    return f"[device]\n{device}\n{rest}"


PAIRS = 'type = "Squid.from_pairs"\npairs = [[420, 80], [380, 90]]\nflux = [0.1]'
REFUSED = {
    "not TOML": ("evaluate", "[device\n", "not valid TOML"),
    "no device": ("evaluate", 'unit = "nA"', r"must have a \[device\] section"),
    "no type": ("evaluate", toml("flux = [1]"), r"\[device\] must have a type: .*Squid"),
    "section": (
        "evaluate",
        toml(PAIRS, "[swep]\n"),
        "unknown section .*'swep'; did you mean 'sweep'",
    ),
    "type": ("evaluate", toml('type = "Squib"'), "unknown type 'Squib'; did you mean 'Squid'"),
    "abstract": ("evaluate", toml('type = "AbstractDevice"'), "unknown type 'AbstractDevice'"),
    "private": ("evaluate", toml('type = "Squid.__init__"'), "unknown constructor of Squid"),
    "argument": (
        "evaluate",
        toml(PAIRS + "\nfluxx = 1"),
        "unknown argument of .*'fluxx'; did you mean 'flux'",
    ),
    "missing": (
        "evaluate",
        toml('type = "TunnelJunction"'),
        "needs the argument 'critical_current'",
    ),
    "negative": (
        "evaluate",
        toml('type = "TunnelJunction"\ncritical_current = -1'),
        "critical_current must be at least 0, got -1",
    ),
    "NaN": (
        "evaluate",
        toml('type = "TunnelJunction"\ncritical_current = nan'),
        "must be finite, got nan",
    ),
    "gate alone": (
        "evaluate",
        toml('type = "GateMap"\nvoltage = [0, 1]\ncritical_current = [0, 1]'),
        "type must be a device",
    ),
    "flux": ("evaluate", toml(PAIRS.replace("[0.1]", "[0.1, 0.2]")), "flux must have length 1"),
    "pair": ("evaluate", toml(PAIRS.replace("380, 90", "380")), r"pairs\[1\] must hold two"),
    "no bounds": ("design", toml(PAIRS), r"must have a \[bounds\] section"),
    "bounds": ("design", toml(PAIRS, "[bounds]\nflux = [1, 0]"), "must satisfy lower < upper"),
    "one bound": ("design", toml(PAIRS, "[bounds]\nflux = [1]"), r"must be \(lower, upper\)"),
    "parameter": ("design", toml(PAIRS, "[bounds]\nfluks = [0, 1]"), "unknown parameter 'fluks'"),
    "design key": (
        "design",
        toml(PAIRS, "[bounds]\nflux = [0, 1]\n[design]\nstart = 3"),
        "unknown key of .*'start'; did you mean 'starts'",
    ),
    "design starts": (
        "design",
        toml(PAIRS, "[bounds]\nflux = [0, 1]\n[design]\nstarts = 0"),
        "starts must be a whole number, at least 1",
    ),
    "no sweep": ("sweep", toml(PAIRS), r"must have a \[sweep\] section"),
    "sweep axis": ("sweep", toml(PAIRS, "[sweep]\nfluks = [0]"), "unknown parameter 'fluks'"),
    "sweep key": (
        "sweep",
        toml(PAIRS, "[sweep]\nflux = { start = 0, stop = 1, point = 3 }"),
        "unknown key of sweep.flux 'point'; did you mean 'points'",
    ),
    "sweep points": (
        "sweep",
        toml(PAIRS, "[sweep]\nflux = { start = 0, stop = 1, points = 0 }"),
        "points of sweep.flux must be a whole number, at least 1",
    ),
    "sweep stop": (
        "sweep",
        toml(PAIRS, "[sweep]\nflux = { start = 0, points = 3 }"),
        "needs start, stop and points",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(refuse, write, tmp_path, case):
    command, text, message = REFUSED[case]
    assert re.search(message, refuse(command, write(text)))
    # Nothing is left behind but, at most, the empty folder of the results.
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["device.toml"]


CSV = "coil,plus,minus\n0,5,5\n0.1,4.9,4.9\n0.2,4.5,4.5\n0.3,4,4\n"
REFUSED_FITS = {
    "no fit": (SINGLE, CSV, "data must hold 8 points or more along an axis, got 4"),
    "no bounds": (SINGLE + "[fit]\nturns = [1]", CSV, "data must hold 8 points or more"),
    "ties alone": (SINGLE + '[fit]\nties = ["turns"]', CSV, r"ties of \[fit\] need bounds"),
    "axes": (SINGLE + "[fit]\naxes = 3", CSV, r"axes of \[fit\] must be tables such as"),
    "axes and turns": (
        SINGLE + '[fit]\nturns = [1]\naxes.coil = { parameters = "flux" }',
        CSV,
        "not both",
    ),
    "observable and an offset": (
        SINGLE + "[fit]\ncurrent_offset = 1"
        '\nobservable = { type = "VoltageCurve", noise = 1, resistance = 2 }',
        CSV,
        "observable or current_offset.* not both; a current_offset belongs into the table of the",
    ),
    "what is not read": (
        SINGLE + "[fit]\ncoil_range = [0, 1]\nbins = 3"
        '\nobservable = { type = "VoltageCurve", noise = 1, resistance = 2 }',
        CSV,
        "coil_range, bins must be left out for VoltageCurve",
    ),
    "two axes": (
        SINGLE + '[fit]\naxes.coil = { parameters = "flux" }\naxes.T = { parameters = "flux" }',
        CSV,
        "must be one for critical currents, got coil, T",
    ),
    "observable": (SINGLE + "[fit]\nobservable = 3", CSV, "must be a table such as"),
    "unknown observable": (
        SINGLE + '[fit]\nobservable = { type = "Voltage" }',
        CSV,
        "unknown observable 'Voltage'",
    ),
    "observable alone": (
        SINGLE + '[fit]\nobservable = { type = "VoltageCurve", noise = 1, resistance = 2 }',
        "current,voltage\n0,0\n1,1\n2,2\n",
        r"\[fit\] needs 'bounds' for VoltageCurve",
    ),
    "column": (
        SINGLE + '[fit]\nobservable = { type = "VoltageCurve", noise = 1, resistance = 2 }',
        "I,V\n0,0\n1,1\n",
        "column",
    ),
    "fit key": (
        FIT.replace("sigma", "sigmas"),
        CSV,
        "unknown key of .*'sigmas'; did you mean 'sigma'",
    ),
    "turns": (FIT.replace("[1.02]", "[1.0, 1.0]"), CSV, "turns must have length 1"),
    "sigma": (FIT.replace("0.05", "-1.0"), CSV, "sigma must be positive, got -1"),
    "outside": (FIT.replace("[0.5, 10]", "[5, 10]"), CSV, "must start inside its bounds"),
    "parameter": (FIT.replace("squid.b", "b"), CSV, "unknown parameter 'branches'"),
    "no squid": ('[device]\ntype = "TunnelJunction"\ncritical_current = 1', CSV, "a Squid"),
    "columns": (FIT, "coil,plus\n1,2\n2,3\n", "no column for minus"),
    "NaN": (FIT, CSV + "0.4,nan,3\n0.5,1,1\n0.6,,3\n", "mend or delete line 6, 8"),
    "one way": (FIT, "coil,plus,minus\n1,2,0\n2,3,0\n", "both bias directions"),
    "too few": (FIT, "coil,plus,minus\n1,2,1\n", "at least two rows"),
    "empty": (FIT, "", "no line of data"),
}


@pytest.mark.parametrize("case", REFUSED_FITS)
def test_refused_fits(refuse, write, case):
    text, data, message = REFUSED_FITS[case]
    assert re.search(message, refuse("fit", write(text), write(data, "data.csv")))


def test_missing_data_and_columns(refuse, write, measurement):
    assert "data file must exist" in refuse("fit", write(FIT), "none.csv")
    line = refuse("fit", "device.toml", measurement, "--plus", "pluss")
    assert "unknown column" in line
    assert "did you mean 'plus'" in line


@pytest.mark.thorough
def test_main_switches_to_double_precision(run, write):
    jax.config.update("jax_enable_x64", False)
    try:
        run("evaluate", write(SINGLE))
        assert jnp.ones(1).dtype == np.float64
    finally:
        jax.config.update("jax_enable_x64", True)


@pytest.mark.parametrize("name", ["usadel", "diffusive"])
def test_options_that_an_example_comments_out(name, tmp_path):
    """They work, and say the defaults."""
    text = device_file.example(name)
    plain = device_file.device(device_file.read(written(tmp_path, text)))
    options = r"^# (\[device\.resolution\]|type|terms|tail|steps)"
    same = written(tmp_path, re.sub(options, r"\1", text, flags=re.M))
    assert device_file.device(device_file.read(same)).resolution == plain.resolution
    own = written(tmp_path, text.replace("# self_consistent", "self_consistent"))
    assert device_file.device(device_file.read(own)).self_consistent
    assert not plain.self_consistent


def test_a_table_without_a_type(tmp_path):
    text = device_file.example("usadel").replace(
        '[device.left]\ntype = "SpinBarrier"', "[device.left]"
    )
    with pytest.raises(ValueError, match="must have a type, the one with 'height'"):
        device_file.device(device_file.read(written(tmp_path, text)))


def written(folder, text):
    path = folder / "device.toml"
    path.write_text(text, encoding="utf-8")
    return path
