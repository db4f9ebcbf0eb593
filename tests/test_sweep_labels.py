"""What a sweep says of itself: statuses, units, ways up and down an axis."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxdiode as jd
from jaxdiode.studies.sweep import Grid, sweep_grid
from jaxdiode.studies.sweep.labels import directions
from jaxdiode.studies.sweep.store import Store

SQUID = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
AXES = {"branches.0.first": [60.0, 100.0], "flux": [0.0, 0.25, 0.5]}
NAMES = {int(one): one.name for one in jd.Status}


def doubling(device):
    """Currents that are not known from a flux of 0.3 on."""
    fails = device.flux[0] > 0.3
    plus = jnp.where(fails, jnp.nan, device.branches[0].first)
    status = jnp.where(fails, int(jd.Status.PERIOD_DOUBLING), 0).astype(jnp.int32)
    return {"plus": plus, "minus": plus, "efficiency": 0 * plus, "status": status}


class Follow(jd.continuation.AbstractContinuation):
    def start(self, device):
        return jnp.zeros(())

    def advance(self, device, state):
        return doubling(device) | {"count": state + 1}, state + 1


def kept(tmp_path, function=doubling, axes=AXES, **options):
    """The same sweep in memory, of its file and of its store, and of these when loaded."""
    yield jd.sweep(function, SQUID, axes, **options)
    yield jd.sweep(function, SQUID, axes, path=tmp_path / "map.nc", **options)
    yield jd.load(tmp_path / "map.nc")
    yield jd.sweep(function, SQUID, axes, store=tmp_path / "map.zarr", **options)
    yield jd.load(tmp_path / "map.zarr")


def test_a_status_says_what_it_means(tmp_path):
    for data in kept(tmp_path):
        told = data["status"].attrs
        meanings = told["flag_meanings"].split()
        assert dict(zip(told["flag_values"], meanings, strict=True)) == NAMES
        assert told["long_name"] == "status, jaxdiode.Status"
        counts = {"CONVERGED": 4, "PERIOD_DOUBLING": 2}
        assert jd.results.status_counts(data) == counts
    with xarray.open_dataset(tmp_path / "map.nc") as data:
        assert list(data["status"].attrs["flag_values"]) == list(NAMES)
        assert data.attrs["statuses"] == "4 CONVERGED, 2 PERIOD_DOUBLING of 6 points"
        data.drop_attrs().to_netcdf(tmp_path / "bare.nc")  # as of an earlier version
    bare = jd.load(tmp_path / "bare.nc")
    assert bare.attrs["statuses"] == "4 CONVERGED, 2 PERIOD_DOUBLING of 6 points"
    assert bare["status"].attrs["flag_meanings"].split() == list(NAMES.values())


@pytest.mark.thorough
def test_a_refined_map_says_it_too(tmp_path):
    options = {"finest": 0.5, "progress": False}
    axes = {"flux": AXES["flux"]}
    data = jd.refine(doubling, SQUID, axes, store=tmp_path / "map.zarr", **options)
    for each in (data, jd.load(tmp_path / "map.zarr")):
        assert each["status"].attrs["flag_meanings"].split() == list(NAMES.values())
        counts = jd.results.status_counts(each)
        told = ", ".join(f"{n} {name}" for name, n in counts.items())
        assert each.attrs["statuses"] == f"{told} of {each.sizes['point']} points"
        assert sum(counts.values()) == each.sizes["point"]
    assert "statuses" not in jd.results.refined_map(data, 5).attrs, "a grid has other points"


def test_counts_of_parts_and_of_other_statuses():
    data = jd.sweep(lambda d: {"here": jd.critical_currents(d), "own": 1.0}, SQUID, AXES)
    assert jd.results.status_counts(data, "here.status") == {"CONVERGED": 6}
    assert data.attrs["statuses"] == "here.status: 6 CONVERGED of 6 points"
    with pytest.raises(ValueError, match=r"variable must be one of here.status, got 'status'"):
        jd.results.status_counts(data)
    part = jd.sweep(doubling, SQUID, AXES).sel(flux=0.5)
    assert jd.results.status_counts(part) == {"PERIOD_DOUBLING": 2}
    assert jd.results.status_counts(part.isel({"branches.0.first": 0})) == {"PERIOD_DOUBLING": 1}
    own = xarray.Dataset({"status": ("x", np.array([-1, 0, 99, 0]))})
    assert jd.results.status_counts(own) == {"CONVERGED": 2, "code 99": 1, "not computed": 1}
    bare = jd.sweep(jd.diode_efficiency, SQUID, {"flux": [0.1]})
    assert "statuses" not in bare.attrs
    with pytest.raises(ValueError, match="variable must be a status, the data have none, got"):
        jd.results.status_counts(bare)


# ---- Units


def test_units_of_currents_and_axes(tmp_path):
    def run(**options):
        return sweep_grid(doubling, Grid(SQUID, AXES, unit="uA"), **options)

    datasets = [run(), run(path=tmp_path / "map.nc"), run(store=tmp_path / "map.zarr")]
    with xarray.open_dataset(tmp_path / "map.nc") as file:
        datasets.append(file.load())
    datasets += [xarray.open_zarr(tmp_path / "map.zarr"), jd.load(tmp_path / "map.nc")]
    datasets.append(jd.files.with_units(jd.sweep(doubling, SQUID, AXES), SQUID, "uA"))
    for data in datasets:
        units = {str(name): v.attrs.get("units") for name, v in data.variables.items()}
        assert units == {
            "plus": "uA", "minus": "uA", "branches.0.first": "uA", "flux": "Φ₀",
            "efficiency": None, "status": None,
        }  # fmt: skip
    unknown = jd.sweep(doubling, SQUID, AXES)
    assert "units" not in unknown["plus"].attrs
    assert "units" not in unknown["branches.0.first"].attrs


def test_a_store_goes_on_whether_its_unit_was_said_or_not(tmp_path):
    """Units are labels: they tell no sweep from another."""
    grids = [Grid(SQUID, AXES, unit=unit) for unit in ("", "uA")]
    for k, pair in enumerate((grids, grids[::-1])):
        store = tmp_path / f"{k}.zarr"
        for share, grid in enumerate(pair):
            data = sweep_grid(doubling, grid, store=store, chunk=1, shard=(share, 2))
        assert "finished" not in data


# ---- Ways


@pytest.mark.parametrize(
    ("values", "ways"),
    [
        ([0, 1, 2, 1, 0], "UUUDD"),
        ([0, 1, 2, 2, 1, 0], "UUUDDD"),
        ([2, 1, 0, 1], "DDDU"),
        ([0, 0, 1, 1, 2], "UUUUU"),
        ([1, 0, 0], "DDD"),
        ([0, 1, -1, 0], "UUDU"),
        ([3], "U"),
        ([3, 3], "UU"),
    ],
)
def test_ways(values, ways):
    assert "".join(one[0].upper() for one in directions(np.array(values, float))) == ways


UP_AND_DOWN = {"flux": [0.0, 0.25, 0.5, 0.25, 0.0], "branches.0.first": [60.0, 100.0]}
WAYS = ["up", "up", "up", "down", "down"]


def test_a_continuation_says_which_way_it_went(tmp_path):
    for data in kept(tmp_path, Follow(), UP_AND_DOWN, along="flux"):
        assert data["direction"].dims == ("flux",)
        assert list(data["direction"].values) == WAYS
        both = data["count"].sel(flux=0.25)
        assert list(both["direction"].values) == ["up", "down"]
        assert np.array_equal(both[0], [2, 4])
        up = data.isel(flux=data["direction"].values == "up")
        assert np.array_equal(up["count"].sel(flux=0.25), [2, 2])
    for data in kept(tmp_path / "rising", Follow(), AXES, along="flux"):
        assert "direction" not in data.variables


def test_names_and_axes_that_have_no_way():
    class Named(Follow):
        def advance(self, device, state):
            return {"direction": state}, state

    found = jd.sweep(Named(), SQUID, UP_AND_DOWN, along="flux")
    assert "direction" in found.data_vars, "the function's own output"
    rows = {"flux": np.array([[0.0], [0.5], [0.0]])}
    assert "direction" not in jd.sweep(Follow(), SQUID, rows, along="flux").variables
    turned = jd.sweep(doubling, SQUID, UP_AND_DOWN)
    assert "direction" not in turned.variables, "points that do not follow each other"


@pytest.mark.parametrize("unit", ["", "uA"])
def test_a_continuation_goes_on_from_its_chunks(tmp_path, monkeypatch, unit):
    """Killed after the last chunk, or after the first: the rest is as if nothing had happened."""
    path = tmp_path / "map.nc"
    grid = Grid(SQUID, UP_AND_DOWN, "flux", unit)
    whole, counted = sweep_grid(Follow(), grid), itertools.count()

    def save(self, start, arrays):
        if next(counted):
            raise KeyboardInterrupt
        real(self, start, arrays)

    real = Store.save
    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", save)
        with pytest.raises(KeyboardInterrupt):
            sweep_grid(Follow(), grid, path=path, chunk=5)
    part = jd.load(path)
    assert list(part["direction"].values) == WAYS
    assert jd.results.status_counts(part)["not computed"] == 5
    assert part["plus"].attrs.get("units", "") == unit
    found = sweep_grid(Follow(), grid, path=path, chunk=5)
    xarray.testing.assert_identical(found, whole)
    xarray.testing.assert_identical(jd.load(path), whole)
