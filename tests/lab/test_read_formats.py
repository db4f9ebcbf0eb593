"""One map, written in each format: the same dataset."""

import numpy as np
import pytest

from jaxdiode.lab import read

from . import writers
from .writers import CURRENT, FIELD, VOLTAGE

FORMATS = {
    "comma": ("text", lambda path: writers.text(path)),
    "tab": ("text", lambda path: writers.text(path, "\t")),
    "blanks": ("text", lambda path: writers.text(path, " ")),
    "semicolon, decimal comma": ("text", lambda path: writers.text(path, ";", comma=True)),
    "tab, decimal comma": ("text", lambda path: writers.text(path, "\t", comma=True)),
    "blanks, decimal comma": ("text", lambda path: writers.text(path, " ", comma=True)),
    "units in square brackets": ("text", lambda p: writers.text(p, header="B [T]{0}I [A]{0}V [V]")),
    "header in a comment": ("text", lambda path: writers.text(path, "\t", comment="# ")),
    "blocks": ("text", lambda path: writers.text(path, " ", blocks=True, comment="#")),
    "UTF-8 with mark": ("text", lambda path: writers.text(path, encoding="utf-8-sig")),
    "UTF-16": ("text", lambda path: writers.text(path, "\t", encoding="utf-16")),
    "line ends of Windows": ("text", lambda path: writers.text(path, ends="\r\n")),
    "line ends of old Macs": ("text", lambda path: writers.text(path, ends="\r")),
    "matrix": ("text", writers.matrix),
    "mtx": ("mtx", writers.mtx),
    "qcodes": ("qcodes", writers.qcodes),
    "qcodes, arrays": ("qcodes", writers.qcodes_arrays),
    "labber": ("labber", writers.labber),
    "labber, traces": ("labber", writers.labber_traces),
    "netCDF": ("netcdf", writers.netcdf),
    "netCDF 3": ("netcdf", lambda path: writers.netcdf(path, "scipy")),
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_map(tmp_path, name):
    kind, write = FORMATS[name]
    path = tmp_path / "map.dat"
    write(path)
    found = read(path)
    assert found.attrs["format"] == kind
    assert found.attrs["source"] == "map.dat"
    assert found.attrs["missing_points"] == 0
    assert found.V.dims == ("B", "I")
    assert found.V.shape == VOLTAGE.shape
    assert list(found.data_vars) == ["V"]
    np.testing.assert_allclose(found.B, FIELD, rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(found.I, CURRENT, rtol=1e-12, atol=1e-21)
    assert np.array_equal(found.V, VOLTAGE)
    assert {n: found[n].attrs["units"] for n in "BIV"} == {"B": "T", "I": "A", "V": "V"}
    assert all(found[n].attrs["long_name"] for n in "BIV")


def test_single_precision(tmp_path):
    path = tmp_path / "map.mtx"
    writers.mtx(path, width=4)
    found = read(path)
    assert found.V.dtype == np.float64
    assert np.array_equal(found.V, VOLTAGE.astype(np.float32))


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_any_unit(tmp_path, scale):
    table = writers.rows() * scale
    path = tmp_path / "map.csv"
    writers.text(path, table=table)
    found = read(path)
    assert np.array_equal(found.V.values.ravel(), table[:, 2])
    assert np.array_equal(found.I, table[: CURRENT.size, 1])


def test_order_and_choice_of_names(tmp_path, unchecked):
    path = tmp_path / "map.csv"
    writers.text(path)
    assert read(path, axes=("I", "B")).V.dims == ("I", "B")
    assert np.array_equal(read(path, axes=("I", "B")).V, VOLTAGE.T)
    assert read(path, axes=("B (T)", "i")).V.dims == ("B", "I")  # with its unit, in any case
    found = read(path, units={"V": "mV"})
    assert found.V.attrs["units"] == "mV"
    assert np.array_equal(found.V, VOLTAGE)
    for kind, write in (("labber", writers.labber), ("mtx", writers.mtx)):
        write(tmp_path / kind)
        assert read(tmp_path / kind, axes=("I", "B")).V.dims == ("I", "B")
    for options, message in (
        ({"axes": ["b", "x"]}, r"unknown column .*axes.* 'x'; allowed: B, I, V"),
        ({"axes": ["B", "B"]}, "'B' comes twice"),
        ({"axes": ["B", "I"], "values": ["B"]}, "values must not be axes"),
        ({"axes": []}, "needs at least one swept axis"),
        ({"axes": ["B", "I", "V"]}, "nothing but the axes"),
        ({"units": {"W": "V"}}, "unknown column"),
        ({"units": "V"}, "units must be like"),
        ({"run": 1}, "run must be left out for text files"),
        ({"format": "csv"}, "unknown format 'csv'"),
    ):
        with pytest.raises(ValueError, match=message):
            read(path, **options)


def test_format_is_found_by_content_and_can_be_said(tmp_path):
    path = tmp_path / "map.txt"
    writers.mtx(path)
    assert read(path).attrs["format"] == "mtx"
    with pytest.raises(ValueError, match="must be text"):
        read(path, format="text")
    with pytest.raises(ValueError, match="cannot be read as netCDF"):
        read(path, format="netcdf")
    with pytest.raises(ValueError, match="cannot be read as a log of Labber"):
        read(path, format="labber")
    writers.text(path)
    with pytest.raises(ValueError, match="two lines of an mtx file"):
        read(path, format="mtx")


@pytest.mark.slow
def test_ten_million_points(tmp_path):
    """400 MB of text, and the same map in binary."""
    field, current = np.linspace(0, 1, 2500), np.linspace(-1e-6, 1e-6, 4000)
    values = np.random.default_rng(0).standard_normal((2500, 4000)).round(6)
    with (tmp_path / "map.csv").open("w") as file:
        file.write("B (T),I (A),V (V)\n")
        bias = [f"{i:.9e}" for i in current]
        for b, own in zip(field.tolist(), values.tolist(), strict=True):
            file.writelines(f"{b!r},{i},{v!r}\n" for i, v in zip(bias, own, strict=True))
    found = read(tmp_path / "map.csv")
    assert np.array_equal(found.V, values)
    assert np.array_equal(found.B, field)
    sizes = "Units,V (V),B (T),0,1,I (A),-1e-6,1e-6,Nothing,0,1\n2500 4000 1 8\n"
    (tmp_path / "map.mtx").write_bytes(sizes.encode() + values.astype("<f8").tobytes())
    assert np.array_equal(read(tmp_path / "map.mtx").V, values)
