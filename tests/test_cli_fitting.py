"""What `jaxdiode fit` makes of a file before it fits: whose noise counts."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import experiment
from jaxdiode.cli import fit as cli
from jaxdiode.cli import fitting
from jaxdiode.cli.measured_currents import Columns

TASK = fitting.Task(None, None, None, [], None, [], None, None, [], None)
JUNCTION = {"type": "TunnelJunction", "critical_current": 3.0}
CURVE = {"type": "VoltageCurve", "noise": 0.1, "resistance": 2.0}


@pytest.fixture
def noise_of_fit(monkeypatch):
    """The noise that a task's fit is run with."""
    heard = []
    fit = lambda *arguments, **options: heard.append(arguments[3])  # noqa: E731
    monkeypatch.setattr("jaxdiode.studies.fit.fit", fit)

    def call(task, sigma=None):
        _, told = fitting.best_fit(task, sigma, None, 0)
        assert heard[-1] is told
        return told

    return call


def test_the_command_line_counts_before_the_task(noise_of_fit):
    assert noise_of_fit(TASK) is None
    assert noise_of_fit(TASK._replace(sigma=0.2)) == 0.2
    assert noise_of_fit(TASK._replace(sigma=0.2), 0.7) == 0.7
    assert noise_of_fit(TASK._replace(sigma=(1.0, 2.0)), 0.7) == 0.7


@pytest.mark.parametrize("known", [None, 1.0, (0.5, 0.6)])
@pytest.mark.parametrize("own", [None, 0.3])
def test_the_file_counts_before_an_observable(tmp_path, monkeypatch, noise_of_fit, own, known):
    """Whatever it knows: one number for all points, or one for each of its parts."""
    path = tmp_path / "iv.csv"
    path.write_text("current,voltage\n0,0\n4,5\n5,8\n")
    reading = experiment.read_observable(path, "VoltageCurve", {"noise": 0.1, "resistance": 2.0})
    monkeypatch.setattr(
        "jaxdiode.experiment.read_observable", lambda *_, **__: reading._replace(sigma=known)
    )
    options = {"observable": CURVE, "bounds": {"device.critical_current": [1, 5]}}
    options |= {} if own is None else {"sigma": own}
    task = fitting.prepare(path, {"device": JUNCTION, "fit": options}, None, 0)
    assert noise_of_fit(task) == (known if own is None else own)


@pytest.mark.parametrize("asked", [False, True])
def test_columns_of_errors_count_before_the_file(tmp_path, noise_of_fit, asked):
    path = tmp_path / "data.csv"
    rows = np.column_stack([np.linspace(0, 1, 9), *np.full((4, 9), [[3.0], [0.1], [3.0], [0.2]])])
    header = "coil,plus,plus_error,minus,minus_error"
    np.savetxt(path, rows, delimiter=",", header=header, comments="")
    squid = {"type": "Squid", "branches": [JUNCTION, JUNCTION], "flux": [0.0]}
    options = {"turns": [1.0], "sigma": 0.3, "bounds": {"turns": [0.5, 2.0]}}
    table = {"device": squid, "fit": options}
    read = fitting.read(path, table, Columns(None, None, None, None, False, None, asked))
    told = noise_of_fit(fitting.prepare(path, table, read, 0))
    if asked:
        np.testing.assert_allclose(told, np.full((2, 9), [[0.1], [0.2]]))
    else:
        assert told == 0.3


class Weighted(experiment.AbstractObservable):
    """Two amplifiers at points of the table."""

    points: jax.Array = jd.parameter(table=True)
    gains: jax.Array = jd.parameter(label="gains")
    offset: jax.Array | None = jd.parameter(label="offset")

    def of(self, device):
        return jnp.outer(self.gains, self.points) * device.critical_currents().plus


def test_a_fit_of_a_result_keeps_all_numbers_of_its_observable():
    """Arrays too; points are those of the new table."""
    found = Weighted(jnp.arange(3.0), jnp.array([1.5, 2.5]), jnp.array(0.25))
    read = Weighted(jnp.arange(4.0), jnp.ones(2), jnp.array(0.0))
    kept = fitting._fitted(found, read)
    np.testing.assert_array_equal(kept.gains, found.gains)
    np.testing.assert_array_equal(kept.points, read.points)
    assert kept.offset == 0.25
    without = fitting._fitted(Weighted(found.points, found.gains, None), read)
    assert without.offset == 0.0
    with pytest.raises(ValueError, match=r"must have gains of shape \(3,\) .* got \(2,\)"):
        fitting._fitted(found, Weighted(read.points, jnp.ones(3), None))


def test_single_values_are_left_out_and_units_of_a_row_are_read(tmp_path, monkeypatch, capsys):
    """61 rows of two junctions in a coil: three lack a direction, one is far off."""
    x, random = np.linspace(-16, 16, 61), np.random.default_rng(0)
    squid = jd.Squid([jd.TunnelJunction(90.0), jd.TunnelJunction(60.0)], flux=[0])
    exact = jd.CoilBiasedSquid(squid, turns=[0.065]).switching_currents(x)
    up, down = (np.asarray(c) + random.normal(0, 1, 61) for c in (exact.plus, exact.minus))
    up[[5, 30]] = down[20] = np.nan
    up[10] += 40
    rows = [f"{a:.6f},{b / 1e3:.6f},{-c / 1e3:.6f}" for a, b, c in zip(x, up, down, strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["Imag,I+,I-", "mA,uA,uA", *rows]))
    (tmp_path / "device.toml").write_text(
        'unit = "nA"\n[device]\ntype = "Squid"\nflux = [0]\nbranches = ['
        '{ type = "TunnelJunction", critical_current = 80 }, '
        '{ type = "TunnelJunction", critical_current = 70 }]\n[fit]\nturns = [0.064]\nbounds = '
        '{ turns = [0.05, 0.08], "squid.branches.*.critical_current" = [20, 200] }\n'
    )
    monkeypatch.chdir(tmp_path)
    cli.fit(
        Path("device.toml"), Path("data.csv"), drop_missing=True, sigma=1.0, starts=1,
        loss="cauchy", cache=False,
    )  # fmt: skip
    said = capsys.readouterr().out
    assert "61 rows, 2 of I+ and 1 of I- missing: I+ from 'I+' and I- from 'I-' in nA" in said
    assert "3 values missing (NaN) and left out, 119 fitted" in said
    assert f"1 point lies beyond 5 σ: plus at coil current = {x[10]:.6g} mA (+" in said
    assert "Φ₀/mA" in said
    found = jd.load(tmp_path / "jaxdiode-fit/result.json")
    assert (found.missing, found.degrees_of_freedom, found.outliers) == (3, 116, 1)
    assert np.all(np.abs(found.values - [90, 60, 0.065]) < 5 * found.errors)
    assert (tmp_path / "jaxdiode-fit/fit.png").exists()
