"""What the page of `jaxdiode explore` does, without the page."""

import importlib
import math
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.cli.explorer import PHASES, Explorer, read
from jaxdiode.cli.explorer_code import python_of
from jaxdiode.core.tables import to_table
from jaxdiode.devices import SYSTEMS
from jaxdiode.files import device_file

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.thorough


def opened(system, folder):
    path = folder / f"{system}.toml"
    path.write_text(device_file.example(system), encoding="utf-8")
    return Explorer(*read(path))


@pytest.fixture(scope="module")
def squid(tmp_path_factory):
    return opened("squid", tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def explorer(squid):
    return Explorer(squid.device, squid.unit, dict(squid.ranges))


def test_a_reading_is_what_the_functions_say(explorer):
    found = explorer.reading()
    direct = jd.critical_currents(explorer.device)
    assert found.efficiency == pytest.approx(float(direct.efficiency), rel=1e-12)
    assert found.plus == pytest.approx(float(direct.plus), rel=1e-12)
    assert found.status == "converged"
    np.testing.assert_allclose(
        found.current, explorer.device.current(jax.numpy.asarray(PHASES)), rtol=1e-10
    )
    assert found.phases[0] == pytest.approx(float(direct.phase_plus), abs=1e-9)


def test_a_relation_with_several_values_is_not_drawn():
    branches = [jd.TunnelJunction(1.3), jd.TunnelJunction(0.7)]
    found = Explorer(jd.Squid(branches, flux=[0.24], inductance=[0.75, 0.75])).reading()
    assert found.status == "converged"
    assert np.all(np.isnan(found.current))


def test_a_cusp_has_no_slope():
    """∂η/∂τ at τ = 1 is that of (1 − τ)^(1/3): no bar beside which all others vanish."""
    device = jd.Squid([jd.TunnelJunction(1.0), jd.AndreevModes(1.0, 1.0)], flux=[0.3])
    slopes = Explorer(device).slopes()
    assert math.isnan(slopes["branches.1.transparency.0"])
    assert 0 < abs(slopes["flux.0"]) < 10


def test_a_climb_from_no_diode_takes_the_side_that_rises():
    device = jd.Squid([jd.TunnelJunction(1.0), jd.AndreevModes(1.0, 0.8)], flux=[0.0])
    start = Explorer(device, bounds={"flux": (0.0, 0.3)})
    before, after = start.climb()
    assert before < 1e-9
    assert after > 0.01
    assert abs(start.reading().efficiency) == pytest.approx(after, rel=1e-9)


def test_a_climb_of_currents_of_one_sign_does_not_run_up_the_pole(tmp_path):
    andreev = opened("andreev", tmp_path)
    for _ in range(3):
        before, after = andreev.climb()
        assert before - 1e-12 <= after <= 1.0


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-9, -1e9, 1e17])
def test_ranges_of_odd_values(value):
    for device in (
        jd.Squid([jd.TunnelJunction(1.0), jd.AndreevModes(1.0, [0.9])], flux=[value]),
        jd.Harmonics([value, 1.0]),
        jd.TunnelJunction(abs(value)),
    ):
        for slider in Explorer(device).sliders:
            assert math.isfinite(slider.low)
            assert slider.low <= slider.value <= slider.high
            assert slider.low < slider.high


def test_a_slider_reaches_the_end_that_is_allowed():
    (range_of,) = (
        (s.low, s.high)
        for s in Explorer(jd.AndreevModes(1.0, 0.9)).sliders
        if s.name == "transparency.0"
    )
    assert range_of == (0.0, 1.0)


def test_nothing_to_slide():
    table = jd.TabulatedRelation(
        np.linspace(0, 2 * np.pi, 33), np.sin(np.linspace(0, 2 * np.pi, 33))
    )
    with pytest.raises(ValueError, match="a TabulatedRelation has no parameter"):
        Explorer(table)


def test_slopes_are_differences_over_a_slider(explorer):
    slopes = explorer.slopes()
    slider = next(s for s in explorer.sliders if s.name == "flux.0")
    step = 1e-6 * (slider.high - slider.low)
    ends = [
        float(jd.diode_efficiency(jd.replace(explorer.device, {"flux.0": slider.value + x})))
        for x in (-step, step)
    ]
    assert slopes["flux.0"] == pytest.approx((ends[1] - ends[0]) / 2e-6, rel=1e-5)


def test_a_curve_goes_through_the_present_value(explorer):
    along, plus, minus = explorer.curve("flux.1")
    where = len(along) // 3
    found = jd.critical_currents(jd.replace(explorer.device, {"flux.1": float(along[where])}))
    assert plus[where] == pytest.approx(float(found.plus), rel=1e-10)
    assert minus[where] == pytest.approx(float(found.minus), rel=1e-10)


def test_voltages_of_a_junction_are_those_of_a_resistor_beside_it(explorer):
    """Overdamped and cold, against the closed form of V(I) by a sum over phases."""
    found = explorer.voltages()
    assert found.unit == "nA R"
    np.testing.assert_array_equal(found.up, found.down)
    critical = jd.critical_currents(explorer.device)
    inside = (found.current < float(critical.plus)) & (found.current > -float(critical.minus))
    assert inside.sum() > 20
    assert np.all(found.up[inside] == 0)
    phases = 2 * np.pi * np.arange(20000) / 20000
    relation = np.asarray(explorer.device.current(jax.numpy.asarray(phases)))
    for k in (3, -2):
        exact = 1 / np.mean(1 / (found.current[k] - relation))
        assert found.up[k] == pytest.approx(exact, rel=1e-8)


def test_voltages_of_a_wire_are_its_history(tmp_path):
    wire = opened("wire", tmp_path)
    found, trace = wire.voltages(), wire.device.iv(points=101)
    voltage = np.asarray(trace.voltage)
    grows = np.diff(np.asarray(trace.current)) > 0
    assert {True, False} == set(grows.tolist())
    for way, of in ((found.up, grows), (found.down, ~grows)):
        np.testing.assert_array_equal(way[:-1][of], voltage[:-1][of])
        np.testing.assert_array_equal(way[1:][of], voltage[1:][of])
        assert np.isnan(way).any()


def test_a_climb_raises_and_undo_goes_back(explorer):
    before = explorer.sliders
    first, after = explorer.climb()
    assert first == pytest.approx(0.5357719929, abs=1e-9)
    assert after > first + 0.01
    assert abs(explorer.reading().efficiency) == pytest.approx(after, rel=1e-12)
    for slider in explorer.sliders:
        assert slider.low <= slider.value <= slider.high
    assert explorer.undo()
    assert explorer.sliders == before
    assert not explorer.undo()


def test_a_climb_leaves_what_has_no_bounds(tmp_path):
    path = tmp_path / "device.toml"
    path.write_text(
        '[device]\ntype = "Squid.from_pairs"\npairs = [[420, 80], [380, 90], [80, 90]]\n'
        'flux = [0.35, 0.35]\n[bounds]\nflux = [0, 1]\n"branches.0.second" = [50, 100]\n'
    )
    start = Explorer(*read(path))
    before = {slider.name: slider.value for slider in start.sliders}
    first, after = start.climb()
    assert after > first + 0.01
    moved = {s.name for s in start.sliders if s.value != before[s.name]}
    assert moved == {"flux.0", "flux.1", "branches.0.second"}
    start.load(path)
    assert start.undo()
    assert set(start.state.climbing) == moved


def test_a_drag_is_one_step_back(explorer):
    before = explorer.sliders
    explorer.move({"flux.0": 0.2})
    explorer.move({"flux.0": 0.3}, goes_on=True)
    assert explorer.undo()
    assert explorer.sliders == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"flux.0": 7.0}, "flux.0 must stay within 0 to 1, got 7"),
        ({"flux.0": math.nan}, "flux.0 must stay within"),
        ({"branches.9": 1.0}, "there is no slider 'branches.9'"),
    ],
)
def test_what_no_slider_takes(explorer, values, message):
    before = explorer.sliders
    with pytest.raises(ValueError, match=message):
        explorer.move(values)
    assert explorer.sliders == before
    assert not explorer.undo()


def test_files_and_code_give_the_device_back(explorer, tmp_path):
    explorer.move({"flux.0": 0.123456789})
    path = tmp_path / "device.toml"
    path.write_text(explorer.toml(), encoding="utf-8")
    other = Explorer(*read(path))
    assert other.sliders == explorer.sliders
    assert other.unit == "nA"
    names = {}
    exec(explorer.python(), names)
    pairs = zip(jax.tree.leaves(names["device"]), jax.tree.leaves(explorer.device), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("kind", ["experiment", "usadel", "own"])
def test_code_gives_other_devices_back(kind, tmp_path, monkeypatch):
    """As a fit of [fit] axes leaves them, of one system's namespace, and of a user's module."""
    if kind == "own":
        lines = [
            "import jaxdiode as jd", "", "", "class Sine(jd.AbstractPhaseBiased):",
            "    size: float", "", "    def current(self, phase):",
            "        return self.size * jd.TunnelJunction(1.0).current(phase)",
        ]  # fmt: skip
        (tmp_path / "own_sine.py").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(tmp_path)
        device = importlib.import_module("own_sine").Sine(2.0)
    elif kind == "usadel":
        device = jd.usadel.SpinBarrier(2.5, 0.5, width_up=0.1, width_down=0.2)
    else:
        squid = jd.Squid([jd.TunnelJunction(3.0), jd.AndreevModes(2.0, [0.9])], flux=[0.1])
        field = jd.experiment.Axis("flux", scale=0.4, offset=0.05)
        device = jd.experiment.Experiment(squid, {"field (mT)": field})
    names = {}
    exec(python_of(to_table(device)), names)
    assert type(names["device"]) is type(device)
    pairs = zip(jax.tree.leaves(names["device"]), jax.tree.leaves(device), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_another_file_and_back(explorer, tmp_path):
    path = tmp_path / "pair.toml"
    path.write_text('[device]\ntype = "TunnelJunction"\ncritical_current = 2.0\n')
    before = explorer.sliders
    explorer.load(path)
    assert [s.name for s in explorer.sliders] == ["critical_current"]
    assert explorer.reading().efficiency == pytest.approx(0.0, abs=1e-12)
    assert explorer.undo()
    assert explorer.sliders == before
    assert explorer.unit == "nA"


def test_a_fit_and_a_broken_table(explorer, tmp_path):
    rng = np.random.default_rng(0)
    coil = np.linspace(-1.0, 1.0, 81)
    truth = jd.Squid([jd.TunnelJunction(100.0), jd.AndreevModes(160.0, 0.8)], flux=[0.0])
    found = jd.CoilBiasedSquid(truth, [1.7], offset=0.05).switching_currents(coil)
    columns = (coil, found.plus, found.minus)
    table = np.stack([np.asarray(c) for c in columns], 1) + rng.normal(0, 0.5, (81, 3)) * [0, 1, 1]
    path = tmp_path / "measured.csv"
    np.savetxt(path, table, delimiter=",", header="coil,plus,minus", comments="")
    start = Explorer(jd.replace(truth, {"branches.0": 70.0}), "nA")
    rows = path.read_text().splitlines()
    rows[40] = rows[40].rpartition(",")[0] + ","  # I₋ is missing there
    path.write_text("\n".join(rows).replace("coil,", "coil (mA),"))
    fitted, said = start.fit(path)
    assert "1 value missing (NaN) and left out, 161 fitted" in said
    assert "Φ₀/mA" in said
    assert fitted.rms < 0.6
    assert {"turns.0", "squid.branches.0.critical_current"} <= {s.name for s in start.sliders}
    assert start.undo()
    path.write_text("coil,plus\nx,y\n")
    with pytest.raises(ValueError, match=r"measured\.csv"):
        start.fit(path)


@pytest.mark.slow
@pytest.mark.parametrize("system", [s.name for s in SYSTEMS])
def test_every_system_opens(system, tmp_path):
    explorer = opened(system, tmp_path)
    found = explorer.reading()
    assert found.efficiency == pytest.approx(float(jd.diode_efficiency(explorer.device)), abs=1e-10)
    path = tmp_path / "again.toml"
    path.write_text(explorer.toml(), encoding="utf-8")
    assert Explorer(*read(path)).sliders == explorer.sliders
