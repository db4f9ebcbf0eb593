"""Maps whose lines run up and down in turn, or down only, keep switching and retrapping apart."""

import numpy as np
import pytest
import xarray

import jaxdiode as jd

FIELD, BIAS = np.arange(6.0), np.linspace(-2, 2, 81)


def line(up):
    """A junction with I₊ = 1, I₋ = .8 and I_r = .3 that latches."""
    running = (BIAS > 1.0) | (BIAS < -0.3) if up else (BIAS > 0.3) | (BIAS < -0.8)
    noise = 1e-3 * np.random.default_rng(3).normal(size=BIAS.size)
    return np.where(running, BIAS, 0) + noise


def save(path, ways, first=0):
    rows = []
    for k, (b, up) in enumerate(zip(FIELD, ways, strict=True)):
        order = range(BIAS.size) if up else range(BIAS.size - 1 - (first if k == 0 else 0), -1, -1)
        voltage = line(up)
        rows += [(b, BIAS[j], voltage[j]) for j in order]
    np.savetxt(path, rows, header="B (mT)\tI (nA)\tV (uV)", delimiter="\t")
    return jd.lab.switching_currents(jd.lab.read(path))


def near(found, expected):
    known = np.asarray(expected, float)
    assert np.array_equal(np.isnan(found), np.isnan(known))
    assert np.nanmax(np.abs(found - known), initial=0.0) < 0.051


def test_serpentine(tmp_path):
    found = save(tmp_path / "map.dat", [True, False] * 3)
    near(found.plus, [1.0, np.nan] * 3)
    near(found.retrapping_minus, [0.3, np.nan] * 3)
    near(found.minus, [np.nan, 0.8] * 3)
    near(found.retrapping_plus, [np.nan, 0.3] * 3)


@pytest.mark.parametrize("first", [0, 8])
def test_descending_lines_whose_first_is_short(tmp_path, first):
    found = save(tmp_path / "map.dat", [False] * 6, first)
    near(found.plus, [np.nan] * 6)
    near(found.minus, [0.8] * 6)
    near(found.retrapping_plus, [0.3] * 6)


def test_legs_by_number_with_their_direction():
    voltage = np.array([line(True), line(False)] * 2)
    dataset = xarray.Dataset(
        {"V": (("sweep", "I"), voltage, {"units": "uV"})},
        {
            "I": ("I", BIAS, {"units": "nA"}),
            "sweep": [0, 1, 2, 3],
            "direction": ("sweep", ["up", "down", "up", "down"]),
        },
    )
    found = jd.lab.switching_currents(dataset)
    near(found.plus, 1.0)
    near(found.minus, 0.8)
    with pytest.raises(ValueError, match="direction must be left out"):
        jd.lab.switching_currents(dataset, direction="up")


def test_scattered_points_of_several_curves_are_refused():
    rows = np.concatenate([BIAS, 0.7 * BIAS])
    dataset = xarray.Dataset(
        {"V": ("point", np.concatenate([line(True)] * 2), {"units": "uV"})},
        {
            "I": ("point", rows, {"units": "nA"}),
            "B": ("point", np.repeat([0.0, 1.0], BIAS.size), {"units": "mT"}),
        },
    )
    with pytest.raises(ValueError, match="must be a grid over 'B'"):
        jd.lab.switching_currents(dataset)
