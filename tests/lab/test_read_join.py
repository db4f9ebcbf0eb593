"""Datasets of one experiment put together, and converted; real files where they are."""

import numpy as np
import pytest

from jaxdiode.lab import describe, in_units, join, read


def write(path, header, rows):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return read(path)


@pytest.fixture
def pair(tmp_path):
    plus = write(tmp_path / "plus.csv", "B (T),Ic (nA)", [(0.1 * k, 5 + k) for k in range(4)])
    minus = write(tmp_path / "minus.csv", "B (T),Ic (nA)", [(0.1 * k, 4 - k) for k in range(4)])
    return plus, minus


def test_one_file_per_polarity(pair):
    found = join(pair, along="polarity", labels=["plus", "minus"])
    assert found.Ic.dims == ("polarity", "B")
    assert np.array_equal(found.Ic, [[5, 6, 7, 8], [4, 3, 2, 1]])
    assert found.Ic.attrs["units"] == "nA"
    assert found.attrs["source"] == "plus.csv, minus.csv"
    assert list(join(pair, along="file").file.values) == ["plus.csv", "minus.csv"]
    renamed = [d.rename(Ic=f"Ic{sign}") for d, sign in zip(pair, "+-", strict=True)]
    found = join(renamed)
    assert list(found.data_vars) == ["Ic+", "Ic-"]
    assert np.array_equal(found["Ic-"], [4, 3, 2, 1])


def test_grids_are_compared_to_rounding(pair):
    plus, minus = pair
    near = minus.assign_coords(B=minus.B * (1 + 1e-14))
    near.B.attrs = minus.B.attrs
    found = join([plus, near], along="polarity")
    assert np.array_equal(found.B, plus.B)
    assert found.Ic.shape == (2, 4)
    far = minus.assign_coords(B=minus.B.values + np.array([0, 0, 1e-3, 0]))
    far.B.attrs = minus.B.attrs
    with pytest.raises(ValueError, match=r"'B', point 2 is 0\.2 in the first and 0\.201 in num"):
        join([plus, far], along="polarity")
    with pytest.raises(ValueError, match=r"the first has 4, number 2 has 3"):
        join([plus, minus.isel(B=slice(3))], along="polarity")
    with pytest.raises(ValueError, match="runs the other way: sort both"):
        join([plus, minus.isel(B=slice(None, None, -1))], along="polarity")


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_rounding_goes_with_the_unit(pair, scale):
    plus, minus = (d.assign_coords(B=d.B * scale) for d in pair)
    assert join([plus, minus], along="p").Ic.shape == (2, 4)
    off = minus.assign_coords(B=minus.B + 1e-6 * scale)
    with pytest.raises(ValueError, match="same values of 'B'"):
        join([plus, off], along="p")


def test_axes_that_go_on(pair):
    plus, minus = pair
    later = minus.assign_coords(B=minus.B + 0.4)
    later.B.attrs = minus.B.attrs
    found = join([plus, later], along="B")
    assert found.Ic.dims == ("B",)
    assert np.array_equal(found.Ic, [5, 6, 7, 8, 4, 3, 2, 1])
    with pytest.raises(ValueError, match=r"several have 0"):
        join(pair, along="B")


def test_what_cannot_be_joined(pair, unchecked):
    plus, minus = pair
    with pytest.raises(ValueError, match="different quantities, 'Ic' is in several"):
        join(pair)
    with pytest.raises(ValueError, match="same unit of 'Ic', the first has 'nA', number 2 'A'"):
        join([plus, in_units(minus, {"Ic": "A"})], along="p")
    with pytest.raises(ValueError, match="labels must be 2 different names"):
        join(pair, along="p", labels=["a", "a"])
    with pytest.raises(ValueError, match="same quantities"):
        join([plus, minus.rename(Ic="I")], along="p")
    with pytest.raises(ValueError, match="labels must be left out"):
        join(pair, labels=["a", "b"])
    with pytest.raises(ValueError, match="two or more"):
        join([plus])
    with pytest.raises(ValueError, match="'Ic' is a quantity"):
        join(pair, along="Ic")


def test_units_are_converted(pair):
    found = in_units(pair[0], {"B": "mT", "Ic": "A"})
    np.testing.assert_allclose(found.B, [0, 100, 200, 300], rtol=1e-12)
    np.testing.assert_allclose(found.Ic, np.array([5, 6, 7, 8]) * 1e-9, rtol=1e-12)
    assert found.B.attrs["units"] == "mT"
    assert pair[0].B.attrs["units"] == "T"  # the other stays as it was
    assert found.Ic.sel(B=100, method="nearest") == pytest.approx(6e-9, rel=1e-12)
    back = in_units(found, {"B": "G", "Ic": "nA"})
    np.testing.assert_allclose(back.B, pair[0].B * 1e4, rtol=1e-12)
    with pytest.raises(ValueError, match="'T' cannot be turned into 'A'"):
        in_units(pair[0], {"B": "A"})
    with pytest.raises(ValueError, match="unknown quantity 'I'"):
        in_units(pair[0], {"I": "A"})
    bare = pair[0].copy()
    bare.B.attrs["units"] = ""
    with pytest.raises(ValueError, match="'B' has none"):
        in_units(bare, {"B": "A"})


# ---- Measured data


def test_real_polarities(shared):
    folder = shared / "data/diode_vs_field"
    both = [read(folder / f"kay164Ic{sign}.csv", units={"Ic": "A"}) for sign in "+-"]
    found = join(both, along="polarity", labels=["plus", "minus"])
    raw = [np.loadtxt(folder / f"kay164Ic{s}.csv", delimiter=",", skiprows=1) for s in "+-"]
    assert np.array_equal(found.Ic, [r[:, 1] for r in raw])
    assert np.array_equal(found.y_field, raw[0][:, 0])
    offset = float((found.Ic.sel(polarity="plus") - found.Ic.sel(polarity="minus")).mean())
    assert offset == pytest.approx(0.40e-6, abs=0.005e-6)  # its README


def test_real_tables(shared):
    for path in sorted((shared / "data/graphene_double_squid").glob("*.csv")):
        found = read(path)
        raw = np.loadtxt(path, skiprows=1)
        if found.crit_current_pos.dims == ("I_mag",) and len(found.I_mag) == len(raw):
            assert np.array_equal(found.crit_current_pos, raw[:, 2])
            assert np.array_equal(found.crit_current_neg, raw[:, 1])
        assert found.crit_current_pos.notnull().sum() == len(raw)


@pytest.mark.parametrize(
    ("name", "sizes", "ends"),
    [
        ("fig1", {"B": 106, "I": 212}, (-0.1, 2.0, 2.110038, -2.110021)),
        ("fig2a", {"magnetic": 52, "Ic": 501}, (0.0, 0.5, 3.82, -0.18)),
        ("fig3a", {"gate": 101, "Ic": 201}, (0.575, 1.075, 3.3, -0.18)),
    ],
)
def test_real_maps(shared, name, sizes, ends):
    path = shared / f"data/nanowire_maps/{name}.mtx"
    found = read(path)
    assert dict(found.sizes) == sizes
    x, y = found.sizes
    assert (*found[x].values[[0, -1]], *found[y].values[[0, -1]]) == ends
    (value,) = found.data_vars
    raw = path.read_bytes()
    count = sizes[x] * sizes[y]
    assert np.array_equal(found[value].values.ravel(), np.frombuffer(raw[-8 * count :], "<f8"))
    if name == "fig1":
        assert found["dV/dI"].attrs["units"] == "kOhm"
        assert "B: 106 points, -0.1 to 2 T" in describe(found)
        near_zero = found["dV/dI"].sel(B=-0.1, method="nearest").sel(I=0, method="nearest")
        assert float(near_zero) < 0.5 * float(found["dV/dI"].max())  # x is slowest
