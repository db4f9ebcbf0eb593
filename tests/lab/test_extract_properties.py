"""What must not change a result, or must change it in a known way, on generated maps."""

import hypothesis.strategies as st
import numpy as np
import xarray
from hypothesis import given, settings

import jaxdiode as jd

from .maps import dataset, latching, noisy, overdamped


@st.composite
def maps(draw, fewest=61):
    """A map of three curves, latching or not, with noise, offset and leads."""
    points = draw(st.integers(fewest, fewest + 100))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    current = np.linspace(-2, 2, points) + draw(st.floats(-0.01, 0.01))
    plus, minus = rng.uniform(0.5, 1.5, (2, 3))
    if draw(st.booleans()):
        back = draw(st.floats(0.4, 0.9))
        voltage = latching(current, plus, minus, back * plus, back * minus)
    else:
        voltage = np.array([overdamped(current, plus, minus)] * 2)
    noise, offset, leads = draw(st.tuples(st.floats(1e-4, 0.02), st.floats(-1, 1), st.floats(0, 2)))
    voltage = noisy(voltage, noise, draw(st.integers(0, 100))) + offset + leads * current
    return dataset(current, voltage, ("sweep", "B", "I"), sweep=["up", "down"], B=np.arange(3.0))


def same(one, other, rel=0.0):
    for name in ("currents", "noise", "step", "spread"):
        x, y = getattr(one, name), getattr(other, name)
        assert np.array_equal(np.isnan(x), np.isnan(y)), name
        assert np.allclose(x, y, rtol=rel, atol=0, equal_nan=True), name
    assert np.array_equal(one.statuses, other.statuses)


@given(maps())
@settings(max_examples=30)
def test_turning_signs_swaps_directions_exactly(map):
    found = jd.lab.switching_currents(map)
    turned = xarray.Dataset(
        {"V": (map["V"].dims, -map["V"].values, map["V"].attrs)},
        {**map.coords, "I": ("I", -map["I"].values, map["I"].attrs),
         "sweep": ["down", "up"]},
    )  # fmt: skip
    other = jd.lab.switching_currents(turned)
    assert np.array_equal(other.currents[[1, 0, 3, 2]], found.currents, equal_nan=True)
    assert np.array_equal(other.noise[[1, 0, 3, 2]], found.noise, equal_nan=True)
    assert np.array_equal(other.statuses[[1, 0, 3, 2]], found.statuses)
    assert np.array_equal(other.voltage_offset, -found.voltage_offset)
    assert other.threshold == found.threshold


@given(maps())
@settings(max_examples=15)
def test_order_of_the_axis_says_nothing_beside_sweep(map):
    same(
        jd.lab.switching_currents(map),
        jd.lab.switching_currents(map.isel(I=slice(None, None, -1))),
    )


@given(maps())
@settings(max_examples=15)
def test_order_of_the_axis_is_the_way_without_sweep(map):
    up = map.isel(sweep=0, drop=True)
    turned = up.isel(I=slice(None, None, -1))
    one = jd.lab.switching_currents(up, hysteretic=True)
    other = jd.lab.switching_currents(turned, hysteretic=True)
    assert np.array_equal(one.currents[[0, 3]], other.currents[[2, 1]], equal_nan=True)
    assert np.isnan(one.currents[[1, 2]]).all()
    same(one, jd.lab.switching_currents(turned, hysteretic=True, direction="up"))
    same(one, jd.lab.switching_currents(up.expand_dims(sweep=["up"]), hysteretic=True))


@given(maps(), st.sampled_from([1e-9, 1e9]), st.sampled_from([1e-9, 1e9]))
@settings(max_examples=20)
def test_units_change_nothing(map, size, volt):
    other = map.assign_coords(I=("I", size * map["I"].values))
    other = other.assign(V=(map["V"].dims, volt * map["V"].values))
    one, two = jd.lab.switching_currents(map), jd.lab.switching_currents(other)
    for name in ("currents", "noise", "step", "spread"):
        x, y = getattr(one, name), getattr(two, name)
        assert np.allclose(size * x, y, rtol=1e-6, atol=1e-9 * size, equal_nan=True), name
    assert np.array_equal(one.statuses, two.statuses)
    assert np.isclose(two.threshold, volt * one.threshold, rtol=1e-6)
    assert np.allclose(one.efficiency, two.efficiency, atol=1e-6, equal_nan=True)


@given(maps())
@settings(max_examples=15)
def test_repeats_are_read_one_by_one(map):
    """The same curve twice: the map's medians, so the threshold, stay what they are."""
    found = jd.lab.switching_currents(map)
    twice = jd.lab.switching_currents(
        xarray.concat([map, map], "repeat"),
    )
    for k in range(2):
        picked = np.take(twice.currents, k, axis=1 + list(twice.axes).index("repeat"))
        assert np.allclose(picked, found.currents, rtol=1e-9, atol=0, equal_nan=True)


@given(maps(fewest=141), st.data())
@settings(max_examples=20)
def test_missing_points_away_from_edges_hardly_matter(map, data):
    """Where a plateau's point is missing the line changes by its noise, an edge by as little."""
    found = jd.lab.switching_currents(map, threshold=0.2, series_resistance=None)
    values = map["V"].values.copy()
    centre = values.shape[-1] // 2
    holes = data.draw(st.lists(st.integers(-6, 6), min_size=1, max_size=4))
    values[..., centre + np.array(holes)] = np.nan
    values[..., :3] = np.nan
    holed = jd.lab.switching_currents(map.assign(V=(map["V"].dims, values)), threshold=0.2)
    known = np.isfinite(found.currents)
    assert np.array_equal(known, np.isfinite(holed.currents))
    off = np.abs(holed.currents - found.currents)[known]
    assert np.all(off <= 2 * found.noise[known] + 0.05 * np.diff(map["I"].values[:2]))


@given(maps())
@settings(max_examples=15)
def test_a_missing_point_at_an_edge_widens_its_step(map):
    found = jd.lab.switching_currents(map, threshold=0.2)
    values, current = map["V"].values.copy(), map["I"].values
    plus = found.currents[0, 0]
    if not np.isfinite(plus):
        return
    values[0, 0, np.searchsorted(current, plus)] = np.nan
    holed = jd.lab.switching_currents(map.assign(V=(map["V"].dims, values)), threshold=0.2)
    step = current[1] - current[0]
    assert abs(holed.currents[0, 0] - plus) < 2.1 * step
    if found.step[0, 0] > 0.28 * step:
        assert holed.step[0, 0] > found.step[0, 0]


@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 4))
@settings(max_examples=60)
def test_any_numbers_give_numbers_or_reasons(seed, points, rows):
    """Noise, constants, gaps: a result in which every NaN has a status, or a ValueError."""
    rng = np.random.default_rng(seed)
    current = np.sort(rng.normal(size=points)) * 10.0 ** rng.integers(-9, 9)
    voltage = rng.normal(size=(rows, points)) * 10.0 ** rng.integers(-9, 9, (rows, 1))
    voltage[rng.uniform(size=voltage.shape) < 0.1] = np.nan
    try:
        found = jd.lab.switching_currents(dataset(current, voltage, ("B", "I")))
    except ValueError as error:
        if "must" not in str(error) and "shows no edge" not in str(error):
            raise
        return
    assert np.array_equal(np.isnan(found.currents), found.statuses != 0)
    assert np.all(found.currents[np.isfinite(found.currents)] >= 0)
    assert found.summary()
