"""Files of QCoDeS, Labber, spyview and xarray beyond the plain map."""

import sqlite3
from contextlib import closing

import h5py
import numpy as np
import pytest
import xarray

from jaxdiode.lab import describe, read

from . import writers
from .writers import CURRENT, FIELD, VOLTAGE

# ---- QCoDeS


def test_runs_are_chosen_by_their_number(tmp_path):
    path = tmp_path / "data.db"
    writers.qcodes(path, name="map")
    writers.qcodes_run(
        path,
        [("x", "numeric", "", "", ()), ("y", "numeric", "V", "", ("x",))],
        [{"x": k, "y": 2.0 * k} for k in range(4)],
        name="line",
    )
    assert list(read(path).data_vars) == ["y"]
    assert read(path).attrs["run_id"] == "2"
    found = read(path, run=1)
    assert found.V.attrs["long_name"] == "Voltage"
    assert found.attrs["experiment"] == "diode"
    assert found.attrs["sample"] == "chip A"
    assert found.attrs["started"] == "2023-11-14T22:13:20+00:00"
    assert "run_name: map" in describe(found)
    with pytest.raises(ValueError, match=r"run must be one of .*1 \(map\), 2 \(line\); got 7"):
        read(path, run=7)


def test_descriptions_of_old_databases(tmp_path):
    path = tmp_path / "data.db"
    writers.qcodes(path, description=False)
    assert np.array_equal(read(path).V, VOLTAGE)


def test_several_parameters_with_setpoints_of_their_own(tmp_path):
    path = tmp_path / "data.db"
    specs = [*writers.MAP_SPECS, ("T", "numeric", "K", "", ("B",)), ("W", "numeric", "", "", ())]
    specs.append(("G", "complex", "S", "", ("B", "I")))
    results = []
    for k, b in enumerate(FIELD):
        for i, v in zip(CURRENT, VOLTAGE[k], strict=True):
            results.append({"B": b, "I": i, "V": v})
            results.append({"B": b, "I": i, "G": writers.npy(np.array([v + 2j * b]))})
        results.append({"B": b, "T": 0.1 * b})
    writers.qcodes_run(path, specs, results)
    found = read(path)
    assert found.V.dims == found.G.dims == ("B", "I")
    assert found["T"].dims == ("B",)
    assert np.array_equal(found.V, VOLTAGE)
    assert np.array_equal(found["T"], 0.1 * FIELD)
    assert np.array_equal(found.G, VOLTAGE + 2j * FIELD[:, None])
    assert found.attrs["not_read"] == "W"
    assert list(read(path, values="T").variables) == ["T", "B"]
    with pytest.raises(ValueError, match="no setpoints for 'W', values may be 'V', 'T', 'G'"):
        read(path, values=["W"])


def test_aborted_run_with_a_parameter_per_line(tmp_path):
    """The last line has no value of T yet."""
    path = tmp_path / "data.db"
    specs = [*writers.MAP_SPECS, ("T", "numeric", "K", "", ("B",))]
    rows = [{"B": b, "I": i, "V": b + i} for b in (0.0, 1.0, 2.0) for i in (1.0, 2.0, 3.0)][:-2]
    writers.qcodes_run(path, specs, [*rows, {"B": 0.0, "T": 5.0}, {"B": 1.0, "T": 6.0}])
    found = read(path)
    assert np.array_equal(found["T"], [5, 6, np.nan], equal_nan=True)
    assert found.attrs["missing_points"] == 3
    assert found.B.attrs["units"] == "T"


def test_axes_in_place_of_the_setpoints(tmp_path):
    path = tmp_path / "data.db"
    specs = [*writers.MAP_SPECS, ("Bread", "numeric", "T", "", ("B", "I"))]
    results = [
        {"B": b, "I": i, "V": b + i, "Bread": 2 * b} for b in (0.0, 1.0) for i in (1.0, 2.0, 3.0)
    ]
    writers.qcodes_run(path, specs, results)
    found = read(path, axes=["Bread", "I"])
    assert found.V.dims == ("Bread", "I")
    assert np.array_equal(found.Bread, [0, 2])


def test_numbers_as_sqlite_keeps_them(tmp_path):
    """QCoDeS writes NaN as text, whole numbers as integers."""
    path = tmp_path / "data.db"
    specs = [("x", "numeric", "", "", ()), ("y", "numeric", "V", "", ("x",))]
    writers.qcodes_run(path, specs, [{"x": 0, "y": "nan"}, {"x": 1, "y": 5}, {"x": 2, "y": 0.5}])
    assert np.array_equal(read(path).y, [np.nan, 5, 0.5], equal_nan=True)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "no results of 'y'"),
        ([{"x": 1, "y": "high"}, {"x": 2, "y": 3}], "no number for 'y' in result 1"),
        ([{"x": 1, "y": 2}, {"y": 3}], "no value of 'x' in result 2"),
        ([{"x": 1, "y": b"\x93NUMPY broken"}], "no number for 'y' in result 1"),
        ([{"x": 1, "y": writers.npy(np.array(["a"]))}], "no number for 'y'"),
        (
            [{"x": writers.npy(np.arange(3.0)), "y": writers.npy(np.arange(4.0))}],
            "arrays of different shapes in result 1",
        ),
    ],
)
def test_damaged_results(tmp_path, results, message):
    path = tmp_path / "data.db"
    specs = [("x", "array", "", "", ()), ("y", "array", "V", "", ("x",))]
    writers.qcodes_run(path, specs, results)
    with pytest.raises(ValueError, match=message):
        read(path)


def test_databases_of_others(tmp_path):
    path = tmp_path / "data.db"
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("create table things (x integer)")
    with pytest.raises(ValueError, match="no tables 'runs', 'experiments'"):
        read(path)
    writers.qcodes(tmp_path / "cut.db")
    whole = (tmp_path / "cut.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut.db.* cannot be read as a database of QCoDeS"):
        read(tmp_path / "cut.db")


def test_a_database_in_use(tmp_path):
    """The program that measures holds it open; what it committed is read."""
    path = tmp_path / "data.db"
    writers.qcodes(path)
    with closing(sqlite3.connect(path)) as base:
        base.execute("pragma journal_mode=wal")
        base.execute("update runs set name = 'newer'")
        base.commit()
        assert read(path).attrs["run_name"] == "newer"
    assert np.array_equal(read(path).V, VOLTAGE)
    (tmp_path / "data.db").chmod(0o444)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.db"]  # nothing left beside it


def test_written_by_qcodes(tmp_path):
    dataset = pytest.importorskip("qcodes.dataset", reason="qcodes is not installed")
    from qcodes.parameters import ManualParameter

    path = tmp_path / "data.db"
    dataset.initialise_or_create_database_at(str(path))
    experiment = dataset.load_or_create_experiment("diode", sample_name="chip A")
    b, i, v = (ManualParameter(n, unit=u) for n, u in (("B", "T"), ("I", "A"), ("V", "V")))
    measurement = dataset.Measurement(exp=experiment, name="map")
    measurement.register_parameter(b)
    measurement.register_parameter(i)
    measurement.register_parameter(v, setpoints=(b, i))
    with measurement.run() as saver:
        for k, field in enumerate(FIELD):
            for current, voltage in zip(CURRENT, VOLTAGE[k], strict=True):
                saver.add_result((b, field), (i, current), (v, voltage))
    saver.dataset.export("netcdf", path=str(tmp_path))
    for file in (path, next(tmp_path.glob("*.nc"))):
        found = read(file)
        assert found.attrs["format"] == "qcodes"
        assert found.attrs["sample"] == "chip A"
        assert found.V.dims == ("B", "I")
        # Its export goes through 17 digits of SQLite's own.
        np.testing.assert_allclose(found.V, VOLTAGE, rtol=1e-12)
        assert found.I.attrs["units"] == "A"


# ---- Labber


def test_labber_says_what_it_is(tmp_path):
    path = tmp_path / "log.hdf5"
    writers.labber(path)
    found = read(path)
    assert found.attrs["experiment"] == "diode map"
    assert found.attrs["started"] == "2023-11-14T22:13:20+00:00"


def test_labber_run_that_was_aborted(tmp_path):
    path = tmp_path / "log.hdf5"
    writers.labber(path, entries=4, last=6)
    found = read(path)
    assert found.V.shape == (4, len(CURRENT))
    assert found.attrs["missing_points"] == len(CURRENT) - 6
    assert np.array_equal(found.V[:3], VOLTAGE[:3])
    assert np.array_equal(found.V[3, :6], VOLTAGE[3, :6])
    assert np.isnan(found.V[3, 6:]).all()


def test_labber_complex_fixed_and_related_steps(tmp_path):
    path = tmp_path / "log.hdf5"
    b, i = np.meshgrid(FIELD, CURRENT, indexing="ij")
    channels = {"I": i, "B": b, "Vg": 0 * b + 0.3, "Bz": 2 * b, "S21": VOLTAGE * (1 + 2j)}
    writers.labber(path, channels=channels, steps=("I", "B", "Vg", "Bz"))
    found = read(path)
    assert set(found.S21.dims) == {"I", "Bz"}
    assert found.attrs["step Vg"] == "0.3"
    assert np.array_equal(found.S21.transpose("Bz", "I"), VOLTAGE * (1 + 2j))
    assert np.array_equal(found.B.transpose("Bz", "I"), b)  # follows Bz
    assert read(path, axes=["B", "I"], values="S21").S21.dims == ("B", "I")


def test_labber_with_more_followers_than_channels(tmp_path):
    path = tmp_path / "log.hdf5"
    b, i = np.meshgrid(FIELD, CURRENT, indexing="ij")
    channels = {"I": i, "B": b, "Bcoil": 2 * b, "Bset": 3 * b, "V": VOLTAGE}
    writers.labber(path, channels=channels, steps=("I", "B", "Bcoil", "Bset"))
    found = read(path)
    assert set(found.V.dims) == {"I", "Bset"}
    assert np.array_equal(found.V.transpose("Bset", "I"), VOLTAGE)
    assert np.array_equal(found.Bcoil.transpose("Bset", "I"), 2 * b)


def test_labber_with_several_logs(tmp_path):
    path = tmp_path / "log.hdf5"
    writers.labber(path)
    writers.labber(path, "Log_2", entries=3)
    with pytest.raises(ValueError, match=r"several logs, 1 \(7 entries\), 2 \(3 entries\); say"):
        read(path)
    assert read(path, run=1).V.shape == VOLTAGE.shape
    assert read(path, run=2).V.shape == (3, len(CURRENT))
    with pytest.raises(ValueError, match=r"run must be one of \[1, 2\]"):
        read(path, run=3)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: f.__delitem__("Data/Channel names"), "cannot be read as a log of Labber"),
        (lambda f: f.__delitem__("Data"), "cannot be read as a log of Labber"),
        (
            lambda f: (f.__delitem__("Data/Data"), f.create_dataset("Data/Data", data=[1.0])),
            r"must have Data/Data of \(points, 3 channels, entries\), got \(1,\)",
        ),
        (lambda f: f["Data/Data"].__setitem__((2, 0, 1), np.nan), None),
    ],
)
def test_damaged_logs(tmp_path, damage, message):
    path = tmp_path / "log.hdf5"
    writers.labber(path)
    with h5py.File(path, "a") as file:
        damage(file)
    if message is None:
        found = read(path)
        assert found.attrs["missing_points"] == 1
        assert "1 points were not measured" in found.attrs["guesses"]
        return
    with pytest.raises(ValueError, match=message):
        read(path)


# ---- spyview


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw[:-3], "must have 1176 bytes of numbers .*7 × 21 × 1 of 8.*, it has 1173"),
        (lambda raw: raw + b"\0", "it has 1177"),
        (lambda raw: raw.replace(b"7 21 1 8", b"7 21 1 5"), "4 or 8 bytes"),
        (lambda raw: raw.replace(b"7 21 1 8", b"7 21 1"), "'nx ny nz bytes' in line 2"),
        (lambda raw: raw.replace(b"7 21 1 8", b"0 21 1 8"), "sizes above 0"),
        (lambda raw: raw.replace(b"-0.1", b"low"), r"ends of axis 'B \(T\)' in line 1"),
        (lambda raw: raw.replace(b"-0.1", b"0.2"), "different ends of the axis 'B'"),
        (lambda raw: raw.replace(b",Nothing", b""), "must name in line 1|numbers for the ends"),
        (lambda raw: b"Units,\n" + raw.split(b"\n", 1)[1], "must name in line 1"),
    ],
)
def test_damaged_maps(tmp_path, change, message):
    path = tmp_path / "map.mtx"
    writers.mtx(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        read(path)


def test_maps_of_three_axes(tmp_path):
    path = tmp_path / "map.mtx"
    values = np.stack([VOLTAGE, 2 * VOLTAGE], axis=2)
    writers.mtx(path, values=values, z=2)
    found = read(path)
    assert found.V.dims == ("B", "I", "Nothing")
    assert np.array_equal(found.V, values)


# ---- xarray


def test_netcdf_of_others(tmp_path):
    path = tmp_path / "data.nc"
    made = xarray.Dataset(
        {"V": (("B", "n"), [[1.0, 2.0, 3.0]] * 2), "t": ("B", [5, 6], {"units": "s"})},
        {"B": [0.5, 1.5]},
        {"operator": "me", "run": 5},
    )
    made.V.attrs.update(unit="mV", label="Voltage")
    made.to_netcdf(path, engine="h5netcdf")
    found = read(path)
    assert found.V.attrs == {"units": "mV", "long_name": "Voltage"}
    assert np.array_equal(found.t, [5, 6])  # no durations of them
    assert np.array_equal(found.n, [0, 1, 2])
    assert "n has no values in the file" in found.attrs["guesses"]
    assert found.attrs["operator"] == "me"
    assert read(path, axes=["n", "B"]).V.dims == ("n", "B")
    assert list(read(path, values=["t"]).data_vars) == ["t"]


def test_netcdf_as_qcodes_exports_rows(tmp_path):
    path = tmp_path / "data.nc"
    b, i = np.meshgrid(FIELD, CURRENT, indexing="ij")
    coords = {"B": ("multi_index", b.ravel()), "I": ("multi_index", i.ravel())}
    made = xarray.Dataset({"V": ("multi_index", VOLTAGE.ravel())}, coords)
    made.isel(multi_index=slice(-4)).to_netcdf(path, engine="h5netcdf")
    found = read(path)
    assert found.V.dims == ("B", "I")
    assert found.attrs["missing_points"] == 4
    assert np.array_equal(found.V[:-1], VOLTAGE[:-1])


def test_what_read_returns_can_be_saved_and_read_again(tmp_path):
    writers.text(tmp_path / "map.csv", table=writers.rows()[:-5])
    found = read(tmp_path / "map.csv")
    found.to_netcdf(tmp_path / "map.nc", engine="h5netcdf")
    again = read(tmp_path / "map.nc")
    assert again.V.attrs == found.V.attrs
    assert again.attrs["missing_points"] == 5
    assert np.array_equal(again.V, found.V, equal_nan=True)


def test_hdf5_without_dimensions(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["V"] = VOLTAGE
    found = read(path)
    assert np.array_equal(found.V, VOLTAGE)
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file.create_group("a")
    with pytest.raises(ValueError, match="must hold variables"):
        read(tmp_path / "empty.h5")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cannot be read as netCDF or HDF5"):
        read(path)
