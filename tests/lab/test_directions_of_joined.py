"""From joined files of both directions to columns, a period and a guess."""

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

import jaxdiode as jd
from jaxdiode.measurement.columns import direction_of

B = np.linspace(0.0, 40.0, 201)


def pattern():
    plus = 1 + 0.3 * np.cos(2 * np.pi * B / 9.5 - 0.3)
    return plus, 1 + 0.3 * np.cos(2 * np.pi * B / 9.5 + 0.3)


def along_polarity(plus, minus, labels=("plus", "minus"), name="Ic"):
    data = {name: (("polarity", "B"), np.stack([plus, minus]), {"units": "uA"})}
    coords = {"polarity": list(labels), "B": ("B", B, {"units": "uT"})}
    return xarray.Dataset(data, coords)


def by_name(plus, minus, units=("uA", "uA")):
    data = {
        name: ("B", values, {"units": unit})
        for name, values, unit in zip(("Ic+", "Ic-"), (plus, minus), units, strict=True)
    }
    return xarray.Dataset(data, {"B": ("B", B, {"units": "uT"})})


@pytest.mark.parametrize("labels", [("plus", "minus"), ("+", "-"), ("pos", "neg"), ("Ic+", "Ic-")])
@pytest.mark.parametrize("turned", [1.0, -1.0])
def test_either_way_of_joining(labels, turned):
    plus, minus = pattern()
    for dataset in (
        along_polarity(plus, turned * minus, labels),
        along_polarity(turned * minus, plus, labels[::-1]),
        by_name(plus, turned * minus),
        by_name(plus, turned * minus).isel(B=slice(None, None, -1)),
    ):
        found = jd.lab.directions(dataset)
        assert np.array_equal(found, (B, plus, minus))
        assert (found.unit, found.coil_unit, found.dropped) == ("uA", "uT", ())


@pytest.mark.thorough
def test_verbs_take_the_dataset_as_the_columns():
    plus, minus = pattern()
    dataset = along_polarity(plus, minus)
    found, plain = jd.lab.flux_period(dataset), jd.lab.flux_period((B, plus, minus))
    assert found.period == plain.period == pytest.approx(9.5, abs=0.01)
    assert (found.unit, found.field_unit) == ("uA", "uT")
    assert "uT" in found.summary()
    kind = jd.Squid([jd.TunnelJunction(1), jd.TunnelJunction(1)], flux=[0])
    space, starts = jd.guess(kind, dataset)
    again, others = jd.guess(kind, (B, plus, minus))
    assert space.names == again.names
    assert np.array_equal(starts, others)


def test_missing_values_are_left_out():
    plus, minus = pattern()
    plus[3], minus[5] = np.nan, np.inf
    found = jd.lab.directions(along_polarity(plus, minus))
    assert found.dropped == (3, 5)
    assert np.all(np.isfinite(found))


def test_refusals():
    plus, minus = pattern()
    two = along_polarity(plus, minus).assign(Ir=along_polarity(plus / 2, minus / 2).Ic)
    assert np.array_equal(jd.lab.directions(two, "Ir").plus, plus / 2)
    with pytest.raises(ValueError, match="name must say which quantity is meant, there are Ic, Ir"):
        jd.lab.directions(two)
    with pytest.raises(ValueError, match="unknown quantity 'Iq'"):
        jd.lab.directions(two, "Iq")
    with pytest.raises(ValueError, match=r"hold both directions.*polarity \(2\), B \(201\)"):
        jd.lab.directions(along_polarity(plus, minus, ("a.csv", "b.csv")))
    with pytest.raises(ValueError, match="Ic look exchanged"):
        jd.lab.directions(along_polarity(-plus, minus))
    with pytest.raises(ValueError, match="one bias direction in minus, its sign changes"):
        jd.lab.directions(along_polarity(plus, minus * np.where(B < 20, 1, -1)))
    with pytest.raises(ValueError, match="those of plus are all zero"):
        jd.lab.directions(along_polarity(0 * plus, minus))
    with pytest.raises(ValueError, match="must have one unit, got 'uA' and 'nA'"):
        jd.lab.directions(by_name(plus, minus, ("uA", "nA")))
    deep = along_polarity(plus, minus).expand_dims(T=[0.1, 0.2])
    with pytest.raises(ValueError, match="one axis beside its directions, got T, B"):
        jd.lab.directions(deep)
    more = by_name(plus, minus).assign(plus=("B", plus))
    with pytest.raises(ValueError, match=r"one quantity for plus, got Ic\+, plus"):
        jd.lab.directions(more)


def test_no_dataset(unchecked):
    del unchecked
    with pytest.raises(ValueError, match=r"dataset must be an xarray\.Dataset, got tuple"):
        jd.lab.directions((B, *pattern()))


@pytest.mark.thorough
@given(st.text(max_size=6))
def test_any_label_says_one_direction_or_none(text):
    assert direction_of(text) in ("plus", "minus", None)


def test_codes_of_missing_numbers_are_left_out():
    plus, minus = pattern()
    plus[3], minus[5], minus[6] = 9.9e37, -9999.0, np.inf
    found = jd.lab.directions(by_name(plus, minus))
    assert len(found.dropped) == 3
    assert np.max(np.abs([found.plus, found.minus])) < 1.4
