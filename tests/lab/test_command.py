"""`jaxdiode extract`: from a file to currents, a table that `fit` takes, and a figure."""

import csv
import json
import sys

import numpy as np
import pytest

from jaxdiode.__main__ import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    def call(*words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["jaxdiode", *words])
        try:
            main()
        except SystemExit as error:
            return error.code or 0, capsys.readouterr()
        return 0, capsys.readouterr()

    return call


def write(path, scale=1.0):
    field, bias = np.linspace(-1, 1, 9), scale * np.linspace(-2, 2, 201)
    limit = scale * (1 + 0.2 * np.sin(3 * field[:, None]) * np.sign(bias))
    voltage = np.sign(bias) * np.sqrt(np.maximum(bias**2 - limit**2, 0))
    voltage += 1e-3 * scale * np.random.default_rng(0).normal(size=voltage.shape)
    rows = [(b, i, v) for b, line in zip(field, voltage, strict=True)
            for i, v in zip(bias, line, strict=True)]  # fmt: skip
    np.savetxt(path, rows, header="B (mT)\tI (nA)\tV (uV)", delimiter="\t")
    return field, scale * (1 + 0.2 * np.sin(3 * field)), scale * (1 - 0.2 * np.sin(3 * field))


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_a_map_becomes_a_table(run, tmp_path, scale):
    field, plus, minus = write(tmp_path / "map.dat", scale)
    code, said = run("extract", "map.dat")
    assert code == 0, said.err
    assert "B: 9 points" in said.out
    assert "significant" in said.out
    table = table_of(tmp_path / "jaxdiode-extract/currents.csv")
    np.testing.assert_allclose(table["B (mT)"], field, rtol=1e-12)
    for name, truth in (("plus", plus), ("minus", minus)):
        off = table[f"{name} (nA)"] - truth
        assert np.all(np.abs(off) < 5 * table[f"{name}_error (nA)"] + 0.02 * scale)
    for name in ("map.png", "result.json"):
        assert (tmp_path / "jaxdiode-extract" / name).stat().st_size > 1000
    coil, up, down = __import__("jaxdiode").read_switching_currents(
        tmp_path / "jaxdiode-extract/currents.csv"
    )
    np.testing.assert_array_equal(up, table["plus (nA)"])
    assert down.size == coil.size == 9


def repeats(path, count=5):
    """A map of a few repeats, whose edges scatter by 0.01; the limits of every curve."""
    field, bias = np.linspace(-1, 1, 9), np.linspace(-2, 2, 201)
    random = np.random.default_rng(1)
    limits, rows = np.empty((2, count, 9)), []
    for k in range(count):
        for j, b in enumerate(field):
            plus, minus = 1 + 0.2 * np.sin(3 * b) * np.array([1, -1]) + random.normal(0, 0.01, 2)
            limits[:, k, j] = plus, minus
            limit = np.where(bias > 0, plus, minus)
            voltage = np.sign(bias) * np.sqrt(np.maximum(bias**2 - limit**2, 0))
            voltage += 1e-3 * random.normal(size=bias.size)
            rows += [(k, b, i, v) for i, v in zip(bias, voltage, strict=True)]
    np.savetxt(path, rows, header="repeat\tB (mT)\tI (nA)\tV (uV)", delimiter="\t")
    return field, limits


def table_of(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    words = {name: [row[name] for row in rows] for name in rows[0]}
    said = np.array(words.pop("significant"))
    assert set(said) <= {"yes", "no"}
    numbers = {name: np.array(column, float) for name, column in words.items()}
    return {**numbers, "significant": said == "yes"}


@pytest.mark.thorough
def test_a_map_of_repeats(run, tmp_path):
    """All of them with a figure of both axes; their means; one of them."""
    field, (plus, minus) = repeats(tmp_path / "map.dat")
    code, said = run("extract", "map.dat")
    assert code == 0, said.err
    assert "several axes, repeat (5), B (9): --average repeat" in said.out
    assert (tmp_path / "jaxdiode-extract/map.png").stat().st_size > 1000
    assert table_of(tmp_path / "jaxdiode-extract/currents.csv")["repeat"].size == 45

    code, said = run("extract", "map.dat", "--average", "repeat", "--out", "mean")
    assert code == 0, said.err
    assert "note: mean over 5 curves along repeat" in said.out
    table = table_of(tmp_path / "mean/currents.csv")
    np.testing.assert_allclose(table["B (mT)"], field)
    for name, truth in (("plus", plus), ("minus", minus)):
        off = table[f"{name} (nA)"] - truth.mean(axis=0)
        assert np.all(np.abs(off) < 0.02)
    assert (tmp_path / "mean/map.png").stat().st_size > 1000

    code, said = run("extract", "map.dat", "--select", "repeat=3.2", "--out", "one")
    assert code == 0, said.err
    assert "selected: repeat = 3" in said.out
    table = table_of(tmp_path / "one/currents.csv")
    assert np.all(np.abs(table["plus (nA)"] - plus[3]) < 0.02)
    for words, message in (
        (("--select", "repeat"), "select must be NAME=PLACE"),
        (("--select", "repeat=a"), "must be a number for 'repeat', got 'a'"),
        (("--select", "repeats=1"), "did you mean 'repeat'"),
        (("--average", "repeats"), "did you mean 'repeat'"),
    ):
        code, said = run("extract", "map.dat", *words, "--out", "none")
        assert code == 2
        assert message in said.err


@pytest.mark.thorough
def test_a_map_of_three_axes(run, tmp_path):
    """There is a figure of what can be drawn; words are places too."""
    bias = np.linspace(-2, 2, 81)
    rows = [
        (gate, k, b, i, np.sign(i) * np.sqrt(max(i**2 - (1 + 0.1 * b) ** 2, 0)))
        for gate in (0.5, 0.7) for k in range(3) for b in range(4) for i in bias
    ]  # fmt: skip
    header = "gate (V)\trepeat\tB (mT)\tI (nA)\tV (uV)"
    np.savetxt(tmp_path / "map.dat", rows, header=header, delimiter="\t")
    words = ("extract", "map.dat", "--axes", "gate", "repeat", "B", "I")
    code, said = run(*words)
    assert code == 0, said.err
    assert "gate (2), repeat (3), B (4): --average repeat takes means over one" in said.out
    assert "the figure is of the first place on gate alone" in said.out
    assert (tmp_path / "jaxdiode-extract/map.png").stat().st_size > 1000
    code, said = run(*words, "--select", "gate=0.6999", "--average", "repeat", "--out", "one")
    assert code == 0, said.err
    assert "selected: gate = 0.7, one of 2" in said.out
    plus = table_of(tmp_path / "one/currents.csv")["plus (nA)"]
    np.testing.assert_allclose(plus, 1 + 0.1 * np.arange(4), atol=0.03)


def test_the_measured_map(run, shared, tmp_path):
    """Zuo et al., PRL 119, 187704: at −.1 T .21 and .17 nA by eye in steps of .02 nA, no diode."""
    path = shared / "data/nanowire_maps/fig1.mtx"
    code, said = run("extract", str(path), "--direction", "up")
    assert code == 0, said.err
    assert "I+    0.055781 to 1.8184 nA in 21 of 106 curves" in said.out
    table = table_of(tmp_path / "jaxdiode-extract/currents.csv")
    assert table["B (T)"][0] == pytest.approx(-0.1)
    assert table["plus (nA)"][0] == pytest.approx(0.21, abs=0.02)
    assert table["minus (nA)"][0] == pytest.approx(0.17, abs=0.02)
    for name in ("plus_error (nA)", "minus_error (nA)"):
        assert 0.005 < table[name][0] < 0.02  # of a step, and of where the threshold lies in it
    assert not table["significant"][0]
    assert not table["significant"][np.isnan(table["efficiency"])].any()
    assert table["significant"][np.argmax(table["plus (nA)"] > 1.8)]  # 1.82 and .72 nA at B = 0
    assert (tmp_path / "jaxdiode-extract/map.png").stat().st_size > 1000


def quick(path, points=13, bias=81, jump=False):
    """I± of period .8 mT, a few bias points, 4 Ω of leads and voltages in V over nA."""
    field, current = np.linspace(-1, 1, points), np.linspace(-2, 2, bias)
    limit = 1 + 0.2 * np.sign(current) * np.cos(2 * np.pi * field[:, None] / 0.8 + 0.4)
    normal = current if jump else np.sign(current) * np.sqrt(np.maximum(current**2 - limit**2, 0))
    edge = np.where(current < 0, 0.5 * limit, limit) if jump else limit
    voltage = np.where(np.abs(current) > edge, normal, 0) + 0.1 * current
    voltage += 2e-3 * np.random.default_rng(0).normal(size=voltage.shape)
    rows = [(b, i, 4e-8 * v) for b, line in zip(field, voltage, strict=True)
            for i, v in zip(current, line, strict=True)]  # fmt: skip
    np.savetxt(path, rows, header="B (mT)\tI (nA)\tV (V)", delimiter="\t", fmt="%.9g")
    return limit


def columns_of(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    return {k: np.array([float(r[k]) for r in rows]) for k in rows[0] if k != "significant"}


def test_names_of_the_table_are_those_of_the_json(run, tmp_path):
    """`fit --errors` takes what `sigma=found.plus_error` takes."""
    quick(tmp_path / "map.dat")
    code, said = run("extract", "map.dat")
    assert code == 0, said.err
    table = columns_of(tmp_path / "jaxdiode-extract/currents.csv")
    values = json.loads((tmp_path / "jaxdiode-extract/result.json").read_text())["values"]
    for name in ("plus", "plus_error", "plus_total_error", "minus_error", "minus_total_error"):
        np.testing.assert_allclose(table[f"{name} (nA)"], values[name], rtol=1e-12)
    assert np.ptp(table["plus_total_error (nA)"] / table["plus_error (nA)"]) > 0.1  # not one twice
    read = __import__("jaxdiode").read_switching_currents(
        tmp_path / "jaxdiode-extract/currents.csv"
    )
    assert read.error_columns == ("plus_error (nA)", "minus_error (nA)")
    np.testing.assert_array_equal(read.errors[0], table["plus_error (nA)"])
    unit = "the plateaus have a resistance of 4.0"
    line = next(x for x in said.out.split("\n") if unit in x)
    assert "e-09 V/nA, " in line


def test_the_period_of_a_field_is_printed(run, tmp_path):
    quick(tmp_path / "map.dat", 25)
    code, said = run("extract", "map.dat")
    assert code == 0, said.err
    line = said.out.split("flux period along B:\n  period ")[1].split("\n")[0]
    period, error = float(line.split(" ± ")[0]), float(line.split(" ± ")[1].split()[0])
    assert abs(period - 0.8) < max(3 * error, 0.01)
    assert line.split(" ± ")[1].split()[1] == "mT"
    quick(tmp_path / "short.dat", 9)
    code, said = run("extract", "short.dat", "--out", "short")
    assert "flux period along B: not known, found must have at least 12 points" in said.out
    text = (tmp_path / "short.dat").read_text().replace("B (mT)", "T (mK)")
    (tmp_path / "warm.dat").write_text(text)
    code, said = run("extract", "warm.dat", "--out", "warm")
    assert code == 0, said.err
    assert "flux period" not in said.out


def test_hysteretic_is_an_option(run, tmp_path):
    """What the note asks for."""
    limit = quick(tmp_path / "map.dat", 7, jump=True)
    code, said = run("extract", "map.dat")
    assert code == 0, said.err
    assert "--hysteretic False" in said.out
    assert np.isnan(columns_of(tmp_path / "jaxdiode-extract/currents.csv")["minus (nA)"]).all()
    code, said = run("extract", "map.dat", "--hysteretic", "False", "--out", "other")
    assert code == 0, said.err
    table = columns_of(tmp_path / "other/currents.csv")
    np.testing.assert_allclose(table["minus (nA)"], 0.5 * limit[:, 0], atol=0.03)
    np.testing.assert_allclose(table["plus (nA)"], limit[:, -1], atol=0.03)


ERRORS = {
    "no file": (("extract", "none.dat"), "none.dat"),
    "threshold": (
        ("extract", "map.dat", "--threshold", "-1"),
        "threshold must be a positive number, got -1",
    ),
    "beyond": (("extract", "map.dat", "--threshold", "1e9"), "threshold"),
    "axis": (("extract", "map.dat", "--current", "X"), "X"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(run, tmp_path, case):
    write(tmp_path / "map.dat")
    words, message = ERRORS[case]
    code, said = run(*words)
    assert code == 2
    assert message in said.err
    assert said.err.startswith("jaxdiode: error: ")
    assert len(said.err.strip().splitlines()) == 1
