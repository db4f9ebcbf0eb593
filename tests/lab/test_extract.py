"""Roles of edges, offsets, statuses, errors, units, files, figures and measured maps."""

import numpy as np
import pytest
import xarray

import jaxdiode as jd
from jaxdiode.lab.edges import crossings, dithered

from .maps import dataset, latching, noisy, overdamped

CURRENT = np.linspace(-2, 2, 401)
FIELD = np.linspace(0, 1, 7)
PLUS, MINUS = 1 + 0.2 * np.cos(FIELD), 0.8 + 0.1 * FIELD


def field_map(current=CURRENT, noise=0.004, leads=0.0, offset=0.0, **more):
    voltage = noisy(overdamped(current, PLUS, MINUS), noise) + offset + leads * current
    return dataset(current, voltage, ("B", "I"), B=("B", FIELD, {"units": "T"}), **more)


def test_crossing_of_a_straight_line_is_exact():
    bias = np.arange(40.0)[None]
    found = crossings(bias, np.array([[0.1, 0.2]]).T * (bias - 3.3), 1.0, np.zeros(2))
    assert np.allclose(found.position, [13.3, 8.3], atol=1e-12)
    assert np.allclose(found.spread, [7.5, 3.75])


def test_noise_of_crossings_is_that_of_simulations():
    """`dithered` says 2 %."""
    rng = np.random.default_rng(0)
    for ratio in (0.05, 0.3, 1.0, 3.0, 12.0):
        x = np.arange(int(60 + 16 * ratio))
        start = x.size / 2 + rng.uniform(-0.5, 0.5, (4000, 1))
        y = x - start + ratio * rng.normal(size=(4000, x.size))
        low, high = y[:, :-1], y[:, 1:]
        share = np.clip(-np.minimum(low, high) / np.abs(high - low), 0, 1)
        error = np.std(np.sum(share, axis=1) - start[:, 0])
        assert dithered(np.array([ratio]))[0] == pytest.approx(error, rel=0.05)


def test_up_and_down_give_all_four():
    edges = [PLUS, MINUS, 0.5 * PLUS, 0.6 * MINUS]
    voltage = noisy(latching(CURRENT, *edges) + 0.1 + 0.3 * CURRENT, 0.004)
    map = dataset(CURRENT, voltage, ("sweep", "B", "I"), B=FIELD, sweep=["up", "down"])
    found = jd.lab.switching_currents(map)
    assert np.all(np.abs(found.currents - edges) < 0.0051)
    assert found.series_resistance == pytest.approx(0.3, abs=3e-3)
    assert np.allclose(found.voltage_offset, 0.1, atol=3e-3)
    assert np.all(found.step[np.isfinite(found.step)] <= 0.01 / np.sqrt(12) + 1e-12)
    assert not found.statuses.any()


@pytest.mark.parametrize("direction", ["up", "down"])
def test_one_way_of_a_latching_junction_hides_one_current(direction):
    """η would be hysteresis: the missing current is NaN, its retrapping current is given."""
    edges = [PLUS, MINUS, 0.5 * PLUS, 0.6 * MINUS]
    k = ["up", "down"].index(direction)
    voltage = noisy(latching(CURRENT, *edges)[k], 0.004)
    way = slice(None, None, 1 if direction == "up" else -1)
    map = dataset(CURRENT[way], voltage[:, way], ("B", "I"), B=FIELD)
    found = jd.lab.switching_currents(map)
    shown, hidden = (0, 1) if direction == "up" else (1, 0)
    assert np.all(np.abs(found.currents[shown] - edges[shown]) < 0.0051)
    assert np.all(np.abs(found.currents[2 + hidden] - edges[2 + hidden]) < 0.0051)
    assert np.all(np.isnan(found.currents[hidden]))
    assert np.all(found.statuses[hidden] == jd.Status.NOT_SWEPT)
    assert np.all(np.isnan(found.efficiency))
    assert "latches" in found.summary()
    same = jd.lab.switching_currents(map, hysteretic=False)
    assert np.array_equal(same.currents[hidden], found.currents[2 + hidden])
    other = jd.lab.switching_currents(map, direction={"up": "down", "down": "up"}[direction])
    assert np.array_equal(other.currents[shown + 2], found.currents[shown])


def test_one_way_without_hysteresis_shows_both():
    found = jd.lab.switching_currents(field_map())
    assert np.all(np.abs(found.plus - np.hypot(PLUS, found.threshold)) < 0.006)
    assert np.all(np.abs(found.minus - np.hypot(MINUS, found.threshold)) < 0.006)
    assert "one way only" in found.summary()
    forced = jd.lab.switching_currents(field_map(), hysteretic=True)
    assert np.all(np.isnan(forced.minus))
    assert np.array_equal(forced.plus, found.plus)


def test_a_loop_in_one_axis():
    """0 → +max → −max → 0."""
    edges = [np.array(x) for x in (1.0, 0.8, 0.5, 0.4)]
    out, back = np.linspace(0, 2, 201), np.linspace(2, -2, 401)[1:]
    home = np.linspace(-2, 0, 201)[1:]
    way = np.concatenate([out, back, home])
    up, down = latching(way, *edges)
    voltage = np.concatenate([up[:201], down[201:601], up[601:]])
    found = jd.lab.switching_currents(dataset(way, voltage))
    assert np.all(np.abs(found.currents - edges) < 0.0051)
    text = found.summary()
    assert "I_r+" in text
    assert "significant" in text


def test_bias_offset_is_told_and_not_taken_off():
    edges = [np.ones(7), np.ones(7), 0.6 * np.ones(7), 0.6 * np.ones(7)]
    voltage = noisy(latching(CURRENT - 0.1, *edges), 0.004)
    map = dataset(CURRENT, voltage, ("sweep", "B", "I"), B=FIELD, sweep=["up", "down"])
    found = jd.lab.switching_currents(map)
    assert np.all(np.abs(found.efficiency - 0.1) < 0.01)
    assert np.all(np.abs(found.offset_retrapping - 0.1) < 0.006)
    assert np.all(np.abs(found.offset_normal - 0.1) < 0.02)
    assert "mimics a diode" in found.summary()
    for reading in ("retrapping", "normal", 0.1):
        better = jd.lab.switching_currents(map, current_offset=reading)
        assert np.all(np.abs(better.efficiency) < 0.01)
        assert better.current_offset == pytest.approx(0.1, abs=6e-3)
        assert "taken off the bias" in better.summary()


@pytest.mark.parametrize("leads", [0.0, 0.3])
def test_bias_offset_of_a_resistance_swept_one_way(leads):
    """Of dV/dI by its integral. The error holds what a diode adds, and an offset mimics one."""
    bias, read, errors = np.linspace(-6, 6, 1201), [], []
    for seed in range(40):
        ends = [np.array([1.0, 1.0, 1.2]), np.array([1.0, 0.9, 0.8])]
        at = [bias - 0.1 + s for s in np.linspace(-0.02, 0.02, 9)]  # lock-in, 1 of 2 steps wide
        wide = [overdamped(x + 0.01, *ends) - overdamped(x - 0.01, *ends) for x in at]
        slope = noisy(np.mean(wide, axis=0) / 0.02 + leads, 0.03, seed)
        map = dataset(bias, slope, ("B", "I"), B=np.arange(3.0), units=("uA", "Ohm"), name="dV/dI")
        found = jd.lab.switching_currents(map)
        read.append(found.offset_normal)
        errors.append(found.offset_normal_error)
    off = np.array(read) - 0.1
    print(f"\nmean {off.mean(axis=0)}, scatter {off.std(axis=0)}, error {np.mean(errors, axis=0)}")
    assert abs(np.mean(off[:, 0])) < 0.005
    assert np.all(np.mean(errors, axis=0) < 0.13)
    assert np.all(np.mean(np.abs(off) < errors, axis=0) > 0.6)
    assert "asymptotes of the integral would put a bias offset at +0.1" in found.summary()
    one_sign = jd.lab.switching_currents(map.sel(I=slice(0, None)))
    assert "a bias offset is not known from this map" in one_sign.summary()


def test_threshold_is_told_and_scales_what_is_found():
    map = field_map()
    found = jd.lab.switching_currents(map, threshold=0.3)
    assert found.threshold == 0.3
    assert np.all(np.abs(found.plus - np.hypot(PLUS, 0.3)) < 0.01)
    low, high = (np.hypot(PLUS, x) for x in (0.15, 0.6))
    assert np.allclose(found.spread[0], (high - low) / 2, atol=0.01)
    assert "threshold: V = 0.3 uV" in found.summary()


def test_default_threshold_is_above_the_noise():
    quiet, loud = (jd.lab.switching_currents(field_map(noise=x)) for x in (1e-4, 0.02))
    normal = quiet.normal_resistance * np.median((PLUS + MINUS) / 2)
    assert quiet.threshold == pytest.approx(0.05 * normal, rel=0.05)
    assert loud.threshold == pytest.approx(6 * 0.02, rel=0.1)


def test_statuses_keep_the_other_curves():
    map = field_map().copy(deep=True)
    values = map["V"].values
    values[0] = 0.0  # never switches
    values[1] = 1.1 * CURRENT  # resistive
    values[2] = np.nan  # not measured
    values[3, CURRENT < 0] = np.nan  # one sign only
    found = jd.lab.switching_currents(map)
    S = jd.Status
    wanted = [S.NOT_SWITCHED, S.NO_ZERO_VOLTAGE_STATE, S.NOT_SWEPT]
    assert found.statuses[0, :3].tolist() == wanted
    assert np.isnan(found.currents[:, :3]).all()
    assert found.statuses[:2, 3].tolist() == [0, S.NOT_SWEPT]
    assert not found.statuses[:2, 4:].any()
    assert np.all(np.abs(found.plus[3:] - PLUS[3:]) < 0.01)
    assert found.status.tolist() == [*wanted, S.NOT_SWEPT, 0, 0, 0]


def test_normal_state_below_the_threshold_is_no_edge():
    plus = np.array([1.0, 1.0, 0.05])
    map = dataset(CURRENT, noisy(latching(CURRENT, plus, plus, plus, plus)[0], 0.03), ("B", "I"))
    found = jd.lab.switching_currents(map, hysteretic=False)
    assert found.threshold > 0.1
    assert found.statuses[0].tolist()[:2] == [0, 0]
    assert found.statuses[0, 2] in (jd.Status.BELOW_THRESHOLD, jd.Status.NO_ZERO_VOLTAGE_STATE)


def test_slope_at_zero_bias_is_the_leads_or_the_devices():
    """What four-terminal data say: no plateau. The same with leads cannot tell, and says so."""
    voltage = np.sign(CURRENT) * np.log(np.cosh(3 * CURRENT)) / 3 + 0.3 * CURRENT
    map = dataset(CURRENT, noisy(voltage, 0.001))
    with pytest.raises(ValueError, match="zero bias"):
        jd.lab.switching_currents(map, series_resistance=0.0, threshold=0.1)
    assert "series_resistance=0" in jd.lab.switching_currents(map, threshold=0.1).summary()


def test_one_direction_only():
    here = CURRENT >= 0
    map = field_map().isel(I=here)
    found = jd.lab.switching_currents(map)
    assert np.all(np.abs(found.plus - PLUS) < 0.01)
    assert np.all(found.statuses[1] == jd.Status.NOT_SWEPT)
    assert np.all(np.isnan(found.efficiency))
    assert "not known" in found.summary()
    assert "note: the bias has one sign only, 0 to 2: I- and eta need the other" in found.summary()
    other = jd.lab.switching_currents(field_map().isel(I=CURRENT <= 0))
    assert "I+ and eta need the other" in other.summary()
    assert "one sign" not in jd.lab.switching_currents(field_map()).summary()


def test_a_threshold_inside_the_peak():
    """Of dV/dI, above the normal state: crossed in some curves or in none, by chance."""
    height = np.linspace(2.0, 6.0, 7)[:, None]
    peak = height * np.exp(-((np.abs(CURRENT) - 1) ** 2) / (2 * 0.05**2))
    values = noisy((np.abs(CURRENT) > 1) + peak, 0.01)
    map = dataset(CURRENT, values, ("B", "I"), units=("uA", "Ohm"), name="R", B=FIELD)
    found = jd.lab.switching_currents(map, threshold=1.5)
    message = "the threshold 1.5 Ohm lies above the normal state, 1 Ohm: dV/dI crosses it in its"
    assert message in found.summary()
    assert "choose a threshold below 1 Ohm, 0.667 say" in found.summary()
    with pytest.raises(ValueError, match="shows no edge: the threshold 9 Ohm lies above the"):
        jd.lab.switching_currents(map, threshold=9.0)
    assert "normal state, 1" not in jd.lab.switching_currents(map).summary()


@pytest.mark.parametrize("units", [("A", "V"), ("nA", "mV"), ("", "mV"), ("uA", "")])
def test_results_are_in_the_axis_unit(units):
    map = field_map(units=units) if units[0] else field_map(units=("", units[1]))
    found = jd.lab.switching_currents(map)
    assert found.unit == units[0]
    assert np.all(np.abs(found.plus - PLUS) < 0.01)
    assert found.to_xarray()["plus"].attrs.get("units", "") == units[0]


def test_dv_di_maps():
    """The derivative of a rounded curve; threshold ⅔ of R_n, where it crosses is known."""

    def slope(i, limit):
        return 2.0 / (1 + np.exp(-(np.abs(i) - limit) / 0.03)) + 0.5

    limit = np.where(CURRENT > 0, PLUS[:, None], MINUS[:, None])
    values = noisy(slope(CURRENT, limit), 0.02)
    map = dataset(CURRENT, values, ("B", "I"), units=("nA", "kOhm"), name="R", B=FIELD)
    found = jd.lab.switching_currents(map)
    assert found.quantity == "resistance"
    assert found.series_resistance == pytest.approx(0.5, abs=0.02)
    assert found.threshold == pytest.approx(2 / 3 * 2.0, rel=0.03)
    truth = 0.03 * np.log(2) + np.array([PLUS, MINUS])
    assert np.all(np.abs(found.currents[:2] - truth) < 4 * found.errors[:2] + 0.002)


def units_of(bias, field, value="uV", names=("I", "B", "V")):
    """A map whose axes and variable have these units."""
    i, b, v = names
    map = field_map().rename({"I": i, "B": b, "V": v} if names != ("I", "B", "V") else {})
    for name, unit in zip(names, (bias, field, value), strict=True):
        map[name].attrs["units"] = unit
    return map


COIL = ("I_bias", "I_coil", "V")
CONTRADICTIONS = {
    "bias in mV": (units_of("mV", "mA", names=COIL), "'I_bias' is called like one but is in mV, "
                   "'I_coil' is in mA but called like a coil.*current='I_bias'"),
    "field in A": (units_of("mV", "A"), "'I' is called like one but is in mV, 'B' is in A"),
    "bias in mV alone": (units_of("mV", "mT"), "'I' is called like one but is in mV; say current"),
    "another in nA": (units_of("mV", "nA", names=("I", "x", "V")), "'x' is in nA but not called"),
    "dV/dI in V": (units_of("uA", "T", "mV", names=("I", "B", "dV/dI")),
                   "'dV/dI' is in mV but called otherwise.*resistance='dV/dI'"),
    "V in Ohm": (units_of("uA", "T", "kOhm"), "'V' is in kOhm but called otherwise"),
    "V in T": (units_of("uA", "T", "mT"), "no voltage or dV/dI over 'I'.*it has 'V' in mT"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_units_that_contradict_names(case):
    """Which column is wrong only the user knows; asked for by name it is taken."""
    map, message = CONTRADICTIONS[case]
    with pytest.raises(ValueError, match=message):
        jd.lab.switching_currents(map)
    (value,) = map.data_vars
    found = jd.lab.switching_currents(map, current=map[value].dims[-1], voltage=value)
    assert found.chosen.count("as asked") == 2


CHOICES = {
    "units": (units_of("nA", "mT"), "bias from 'I' (its unit is nA), V from 'V' (its unit is uV)"),
    "names": (units_of("", "mT", ""), "bias from 'I' (its name; it has no unit), V from 'V' (its"),
    "a coil": (units_of("", "mA", names=COIL), "bias from 'I_bias' (its name; it has no unit)"),
    "both in A": (units_of("nA", "mA", names=COIL), "bias from 'I_bias' (its unit is nA)"),
    "arbitrary": (units_of("uA", "a.u.", names=("x", "I", "V")), "bias from 'x' (its unit is uA)"),
}


@pytest.mark.parametrize("case", CHOICES)
def test_what_was_chosen_is_printed(case):
    map, text = CHOICES[case]
    assert f"read: {text}" in jd.lab.switching_currents(map).summary()


def drop(**names):
    return field_map().rename(names)


@pytest.mark.parametrize(
    ("map", "arguments", "said"),
    [
        (field_map, {"threshold": 0.0}, "threshold must be a positive number, got 0"),
        (field_map, {"threshold": -1.0}, "threshold must be a positive number, got -1"),
        (field_map, {"threshold": 1e3}, "no curve crosses the threshold 1000"),
        (field_map, {"current": "J"}, "unknown current 'J'"),
        (field_map, {"current": "V"}, "must be an axis of numbers"),
        (field_map, {"voltage": "W"}, "unknown voltage"),
        (field_map, {"voltage": "V", "resistance": "V"}, "must not both be given"),
        (field_map, {"direction": "left"}, "unknown direction 'left'"),
        (field_map, {"current_offset": "mean"}, "unknown current_offset"),
        (field_map, {"current_offset": "retrapping"}, "no curve shows both retrapping"),
        (field_map, {"current_offset": np.nan}, "must be finite"),
        (field_map, {"series_resistance": np.inf}, "must be finite"),
        (lambda: field_map().assign_coords(I=CURRENT).rename(I="x"), {}, "say current="),
        (lambda: field_map().assign(W=field_map()["V"]), {}, "'V', 'W'.*say voltage="),
        (lambda: field_map(units=("uA", ""), name="data"), {}, "'data': say voltage="),
        (lambda: field_map().isel(I=slice(0, 1)), {}, "at least two known points"),
        (lambda: field_map() * 1j, {}, "must be real"),
        (lambda: field_map()["V"], {}, "must be an xarray.Dataset, got DataArray"),
        (lambda: field_map().expand_dims(sweep=["a"]), {}, "labelled 'up' or 'down'"),
        (lambda: field_map() * 0, {}, "shows no edge"),
    ],
)
def test_errors_say_what_is_wrong(map, arguments, said, unchecked):
    with pytest.raises(ValueError, match=said):
        jd.lab.switching_currents(map(), **arguments)


def test_two_currents_are_told_apart_or_listed(unchecked):
    coil = field_map().rename(B="I_coil").assign_coords(I_coil=("I_coil", FIELD, {"units": "mA"}))
    assert jd.lab.switching_currents(coil).bias == "I"
    both = coil.rename(I="I_1", I_coil="I_2")
    with pytest.raises(ValueError, match="'I_1', 'I_2' may be; say current"):
        jd.lab.switching_currents(both)
    assert jd.lab.switching_currents(both, current="I_1").bias == "I_1"


def test_few_points_are_no_plateau():
    current = np.linspace(-2, 2, 5)  # the plateau holds one point
    map = dataset(current, overdamped(current, np.array([0.5]), np.array([0.5])), ("B", "I"))
    for more in ({}, {"threshold": 0.1}):
        with pytest.raises(ValueError, match=r"no edge: curves of 5 points are too few to know no"):
            jd.lab.switching_currents(map, **more)


def test_strays_far_from_an_edge_change_nothing():
    map = field_map().copy(deep=True)
    clean = jd.lab.switching_currents(map, threshold=0.1, series_resistance=0.0)
    map["V"].values[:, 230] += 5.0  # on the plateau
    map["V"].values[:, 60] = 0.0  # in the normal state
    found = jd.lab.switching_currents(map, threshold=0.1, series_resistance=0.0)
    assert np.all(np.abs(found.currents[:2] - clean.currents[:2]) < 0.002)


def test_more_axes_and_selection():
    temperature = np.array([0.1, 0.2])
    voltage = noisy(overdamped(CURRENT, PLUS * np.array([[1.0], [0.9]]), MINUS), 0.004)
    map = dataset(CURRENT, voltage, ("T", "B", "I"), T=temperature, B=FIELD)
    found = jd.lab.switching_currents(map.transpose("I", "B", "T"))
    assert found.plus.shape == (7, 2)
    one = found.select(T=0.19)
    assert list(one.axes) == ["B"]
    assert np.array_equal(one.plus, found.plus[:, 1])
    table = found.to_xarray()
    assert dict(table.sizes) == {"B": 7, "T": 2}
    assert np.array_equal(table["minus"].values, found.minus)
    with pytest.raises(ValueError, match="unknown axis 'x'"):
        found.select(x=1.0)


def test_saved_and_loaded(tmp_path):
    found = jd.lab.switching_currents(field_map())
    jd.save(tmp_path / "found.json", found)
    back = jd.load(tmp_path / "found.json")
    assert back.summary() == found.summary()
    assert np.array_equal(back.currents, found.currents, equal_nan=True)
    assert back.axes["B"].tolist() == FIELD.tolist()
    assert back.notes == found.notes


def test_figures():
    map = field_map()
    found = jd.lab.switching_currents(map)
    figure = found.plot(map, model=(PLUS, MINUS))
    assert len(figure.axes) == 3
    assert len(found.plot().axes) == 2
    one = found.select(B=0.0)
    assert len(one.plot(map.isel(B=0)).axes) == 1
    with pytest.raises(ValueError, match="the map that was read"):
        found.plot(map.isel(B=slice(0, 3)))
    with pytest.raises(ValueError, match="a pair of currents at every place"):
        found.plot(model=(PLUS[:3], MINUS[:3]))


def nanowire(shared):
    path = shared / "data" / "nanowire_maps" / "fig1.mtx"
    if not path.is_file():
        pytest.skip("the measured maps are not here")
    _, sizes, raw = path.read_bytes().split(b"\n", 2)
    nx, ny, nz, _ = map(int, sizes.split())
    values = np.frombuffer(raw, "<f8", nx * ny * nz).reshape(nx, ny)
    return xarray.Dataset(
        {"dV/dI": (("B", "I"), values, {"units": "kOhm"})},
        {
            "B": ("B", np.linspace(-0.1, 2.0, nx), {"units": "T"}),
            "I": ("I", np.linspace(2.110038, -2.110021, ny), {"units": "nA"}),
        },
    )


@pytest.mark.parametrize("alone", [False, True])
def test_measured_nanowire(shared, alone):
    """Zuo et al., PRL 119, 187704: at −.1 T .21 and .17 nA by eye, in steps of .02 nA."""
    map = nanowire(shared)
    found = jd.lab.switching_currents(map.isel(B=[0]) if alone else map).select(B=-0.1)
    assert found.plus == pytest.approx(0.21, abs=0.02)
    assert found.minus == pytest.approx(0.17, abs=0.02)
    assert not found.significant
    assert "not significant" in found.summary()


def test_measured_nanowire_loses_its_plateau(shared):
    """Above .25 T what is left is a dip: no current is given but in a lobe at .85 T."""
    found = jd.lab.switching_currents(nanowire(shared))
    field = found.axes["B"]
    resistive = found.status == jd.Status.NO_ZERO_VOLTAGE_STATE
    assert resistive[field > 1.0].all()
    assert not found.status[field < 0.1].any()
    assert "direction='up'" in found.summary()  # the file holds its axis the other way round


def test_ungridded_points_of_one_curve():
    """On a dimension "point" the bias is a variable like others."""
    way = np.concatenate([np.linspace(-2, 2, 201), np.linspace(2, -2, 201)[1:]])
    edges = [np.array(x) for x in (1.0, 0.8, 0.5, 0.4)]
    up, down = latching(way, *edges)
    voltage = np.concatenate([up[:201], down[201:]])
    map = xarray.Dataset(
        {
            "bias": ("point", way, {"units": "uA"}),
            "V": ("point", voltage, {"units": "mV"}),
            "gate": ("point", 0 * way, {"units": "V"}),
        }
    )
    found = jd.lab.switching_currents(map, voltage="V")
    assert np.all(np.abs(found.currents - edges) < 0.0101)
    with pytest.raises(ValueError, match="voltage must be one variable, 'V', 'gate' may be"):
        jd.lab.switching_currents(map)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("repeats", [2, 3])
def test_a_switch_while_the_bias_stands_still(repeats, scale):
    """Several samples at each bias, as of a logger: those before the switch show no voltage."""
    current = scale * np.repeat(np.arange(-100, 101.0), repeats)
    voltage = np.where(np.abs(current) > 50.5 * scale, current, 0.0)
    voltage[np.flatnonzero(current == 51 * scale)[0]] = 0
    found = jd.lab.switching_currents(xarray.Dataset({"V": ("I", voltage)}, {"I": current}))
    assert float(found.plus) == pytest.approx(51 * scale, abs=0.51 * scale)
    assert 0.1 * scale < float(found.plus_error) < scale


def test_means_over_repeats():
    """Errors are by the scatter, less by √n; that of the threshold, which all share, stays."""
    random = np.random.default_rng(3)
    limits = 1 + 0.05 * random.normal(size=(2, 400))
    rows = latching(CURRENT, *limits, *limits)[0].reshape(400, 1, -1)
    rows = np.repeat(rows, 2, axis=1)
    rows[:7, 1] = np.nan
    map = dataset(CURRENT, rows, ("repeat", "B", "I"))
    found = jd.lab.switching_currents(map, hysteretic=False)
    mean = found.average("repeat")
    assert list(mean.axes) == ["B"]
    known = found.plus[7:]
    assert mean.plus == pytest.approx([found.plus[:, 0].mean(), known[:, 1].mean()])
    assert mean.noise[0] == pytest.approx(
        [found.plus[:, 0].std(ddof=1) / 20, known[:, 1].std(ddof=1) / np.sqrt(393)], rel=1e-6
    )
    assert np.all(mean.plus_error < 0.004)
    assert mean.spread[0] == pytest.approx(found.spread[0, 7:].mean(axis=0), rel=0.01)
    assert not mean.statuses[:2].any()
    assert np.all(np.abs(mean.efficiency) < 4 * mean.efficiency_error)
    with pytest.raises(ValueError, match="unknown axis 'repeats'; did you mean 'repeat'"):
        found.average("repeats")


def test_columns_of_a_map():
    """As fits take them: sorted, and without the curves that have no edge."""
    map = field_map().isel(B=slice(None, None, -1)).copy(deep=True)
    map["V"].values[2] = 0.0
    found = jd.lab.switching_currents(map)
    measured = found.columns()
    x, plus, minus = measured
    kept = np.isfinite(found.plus)
    np.testing.assert_array_equal(x, np.sort(found.axes["B"][kept]))
    np.testing.assert_array_equal(plus, found.plus[kept][::-1])
    assert minus.size == 6
    assert (measured.unit, measured.dropped) == ("uA", (2,))
    with pytest.raises(ValueError, match="found must have one axis, it has none"):
        found.select(B=0).columns()


@pytest.mark.parametrize("order", [("gate", "B"), ("B", "gate")])
def test_figure_over_two_axes(order):
    """Maps of I₊, I₋ and η, the longer axis to the right, whatever the order of the dataset."""
    map = field_map().isel(B=slice(None, None, -1)).expand_dims(gate=[0.0, 1.0])
    found = jd.lab.switching_currents(map.transpose(*order, "I"))
    panels = found.plot().axes[:3]
    wanted = found.to_xarray().sortby("B").transpose("gate", "B")
    for axes, name in zip(panels, ("plus", "minus", "efficiency"), strict=True):
        (drawn,) = axes.collections
        np.testing.assert_allclose(drawn.get_array(), wanted[name].values)
    assert panels[-1].get_xlabel().startswith("B")
    with pytest.raises(ValueError, match="one axis to be drawn over a map"):
        found.plot(map)
    with pytest.raises(ValueError, match="two axes at most"):
        jd.lab.switching_currents(map.expand_dims(run=2)).plot()


def test_overloads_are_no_voltages():
    """What an instrument writes out of range, at the ends of every curve and inside one."""
    current = np.linspace(-2, 2, 201)
    limit = np.array([0.59, 0.6, 0.61, 0.62, 0.63])
    voltage = overdamped(current, limit, limit)
    voltage[:, -3:], voltage[:, :3] = 9.9e37, -9.9e37
    voltage[2, 150] = 9.91e37
    map = dataset(current, voltage, ("B", "I"), B=np.arange(5.0))
    found = jd.lab.switching_currents(map)
    np.testing.assert_allclose(found.plus, limit, atol=0.02)
    np.testing.assert_allclose(found.minus, limit, atol=0.02)
    assert "31 of 1005 samples are overloads, left out" in found.summary()
