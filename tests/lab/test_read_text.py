"""Ways to write a table as text, and what is refused, by its line."""

import csv
import importlib

import numpy as np
import pytest

from jaxdiode.lab import describe, read
from jaxdiode.lab.dataset import to_dataset
from jaxdiode.lab.table import Column, Table

ROWS = "0,1,5\n1,2,6\n2,3,4\n"


@pytest.fixture
def write(tmp_path):
    def make(text, encoding="utf-8"):
        path = tmp_path / "data.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return make


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("x,I (nA),V", [("x", ""), ("I", "nA"), ("V", "")]),
        ("B [T],I_nA,R (kOhm)", [("B", "T"), ("I", "nA"), ("R", "kOhm")]),
        ("B / T,I / nA,dV/dI", [("B", "T"), ("I", "nA"), ("dV/dI", "")]),
        ("T (K),Ic (+),Ic (-)", [("T", "K"), ("Ic (+)", ""), ("Ic (-)", "")]),
        ("B (mT),I (nA),I (uA)", [("B", "mT"), ("I (nA)", "nA"), ("I (uA)", "uA")]),
        ("B,I,I", [("B", ""), ("I (column 2)", ""), ("I (column 3)", "")]),
        ('"B, coil (A)",I,V', [("B, coil", "A"), ("I", ""), ("V", "")]),
        (",I,V", [("column 1", ""), ("I", ""), ("V", "")]),
        ("Feld (µT),I,Ω", [("Feld", "μT"), ("I", ""), ("Ω", "")]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_names_and_units(write, header, expected, encoding):
    if encoding == "cp1252" and "Ω" in header:
        header = header.replace("Ω", "R")
        expected = [*expected[:2], ("R", "")]
    found = read(write(f"{header}\n{ROWS}", encoding), axes=[expected[0][0]])
    names = [expected[0][0], *found.data_vars]
    assert [(n, found[n].attrs["units"]) for n in names] == expected
    labels = next(csv.reader([header]))
    assert [found[n].attrs["long_name"] for n in names] == [
        label or name for label, name in zip(labels, names, strict=True)
    ]
    assert np.array_equal(found[names[2]], [5, 6, 4])


@pytest.mark.parametrize(
    "text",
    [
        "x y z\n0 1 5\n1 2 6\n2 3 4\n",
        "  x    y    z\n  0    1    5\n  1    2    6\n  2    3    4\n",
        "x\ty\tz\n0\t1\t5\n1\t2\t6\n2\t3\t4",
        "x;y;z\n0;1,0;5\n1;2,0;6\n2;3,0;4\n",
        "x,y,z\n\n0,1,5\n\n\n1,2,6\n2,3,4\n\n",
        "x,y,z,\n0,1,5,\n1,2,6,\n2,3,4,\n",
        "x,y,z\n0,1,5\n1,2,6\n2,3,4\n,,\n,,\n",
        "# a comment\n# x\ty\tz\n# a comment of a row\n0\t1\t5\n1\t2\t6\n2\t3\t4\n".replace(
            "# a comment of a row\n", ""
        ),
        "% x,y,z\n0,1,5\n1,2,6\n// paused\n2,3,4\n",
        "taken at night\nT = 20 mK\nx,y,z\n0,1,5\n1,2,6\n2,3,4\n",
        'x,y,z\n"0","1","5"\n"1","2","6"\n"2","3","4"\n',
        "x,y,z\n+0,1.,5e0\n1,2,6.0\n2,3,4\n\x1a",
        "# x\ty\tz\n# 3\t1\n0\t1\t5\n1\t2\t6\n2\t3\t4\n",
        "x,y,z\nT,nA,V\n0,1,5\n1,2,6\n2,3,4\n",
    ],
)
def test_ways_to_write_a_table(write, text):
    found = read(write(text))
    assert dict(found.sizes) == {"x": 3}
    assert np.array_equal(np.stack([found.x, found.y, found.z]), [[0, 1, 2], [1, 2, 3], [5, 6, 4]])
    if "T,nA,V" in text:
        assert [found[n].attrs["units"] for n in "xyz"] == ["T", "nA", "V"]


def test_header_with_units_between_blanks(write):
    found = read(write("# B (T)   I (nA)   V (uV)\n0 1 5\n0 2 6\n1 1 4\n1 2 3\n"))
    assert dict(found.sizes) == {"B": 2, "I": 2}
    found = read(write("B (T) I (nA) V (uV)\n0 1 5\n0 2 6\n1 1 4\n1 2 3\n"))
    assert found.V.attrs["units"] == "uV"


@pytest.mark.parametrize("title", ["Sample,A,3", "Wafer 7b,Device 3x,cold"])
def test_a_title_above_names_is_no_header(write, title):
    found = read(write(f"{title}\nB (mT),I (nA),V\n{ROWS}"))
    assert set(found.variables) >= {"B", "I", "V"}
    assert found.I.attrs["units"] == "nA"
    below = read(write(f"B,I,V\n(mT),(nA),uV\n{ROWS}"))
    assert [below[n].attrs["units"] for n in "BIV"] == ["mT", "nA", "uV"]


def test_no_header(write):
    found = read(write(ROWS))
    assert list(found.variables) == ["column 2", "column 3", "column 1"]
    assert "no names in the file" in found.attrs["guesses"]


def test_qtlab(write):
    text = (
        "# Filename: map.dat\n# Timestamp: Mon\n\n# Column 1:\n#\tend: 1\n#\tname: Field (T)\n"
        "#\tsize: 2\n#\ttype: coordinate\n# Column 2:\n#\tname: Bias (nA)\n#\ttype: coordinate\n"
        "# Column 3:\n#\tname: V (mV)\n#\ttype: value\n\n"
        "0\t-1\t5\n0\t0\t6\n0\t1\t7\n\n1\t-1\t1\n1\t0\t2\n1\t1\t3\n"
    )
    found = read(write(text))
    assert found.V.dims == ("Field", "Bias")
    assert np.array_equal(found.V, [[5, 6, 7], [1, 2, 3]])
    assert found.Bias.attrs["units"] == "nA"
    assert "Timestamp: Mon" in found.attrs["comments"]


def test_columns_of_text_are_told(write):
    text = "when,x,y\n2024-05-01 10:00,0,5\n2024-05-01 10:01,1,6\n,2,7\n"
    found = read(write(text))
    assert list(found.data_vars) == ["y"]
    assert found.attrs["text_columns"] == "when"
    assert "columns of text, not read: when" in describe(found)
    with pytest.raises(ValueError, match=r"unknown column .*'when'"):
        read(write(text), values=["when"])


def test_missing_numbers(write):
    found = read(write("x,y,z\n0,nan,5\n1,,6\n2,--,NaN\n3,1,2\n"))
    assert np.array_equal(found.y, [np.nan, np.nan, np.nan, 1], equal_nan=True)
    assert np.array_equal(found.z, [5, 6, np.nan, 2], equal_nan=True)
    found = read(write("x,y\n0,9.9e37\n1,5\n2,6\n"))
    assert found.y[0] == 9.9e37  # as it stands in the file
    assert "5 to 6 (no unit), 1 numbers that stand for missing ones" in describe(found)


def test_matrices(write):
    body = "\t-1\t0\t1\t2\n0\t5\t6\t7\t8\n1\t1\t2\t3\t4\n"
    expected = [[5, 6, 7, 8], [1, 2, 3, 4]]
    found = read(write("B (T)\\I (nA)" + body))
    assert found["value"].dims == ("B", "I")
    assert np.array_equal(found["value"], expected)
    assert found.I.attrs["units"] == "nA"
    found = read(write("V" + body))
    assert found["value"].dims == ("row", "column")
    found = read(write(body.replace("\t", "", 1)), axes=["B", "I"], values=["V"])
    assert found.V.dims == ("B", "I")
    assert np.array_equal(found.I, [-1, 0, 1, 2])
    found = read(write("0" + body), axes=["B", "I"], values=["V"], format="matrix")
    assert np.array_equal(found.V, expected)
    top = np.linspace(-1, 1, 9)
    table = np.column_stack([np.linspace(0, 1, 8), np.random.default_rng(0).normal(size=(8, 9))])
    numbers = np.vstack([np.append(0, top), table])
    path = write("\n".join(" ".join(map(repr, row)) for row in numbers.tolist()) + "\n")
    found = read(path)
    assert np.array_equal(found["value"], table[:, 1:])
    assert "evenly spaced" in found.attrs["guesses"]
    with pytest.raises(ValueError, match="each value of the axis 'column' once"):
        read(write("V\t1\t1\t2\n0\t5\t6\t7\n1\t1\t2\t3\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "it is empty"),
        ("\n\n", "it has no line of data"),
        ("# x,y\n# nothing\n", "it has no line of data"),
        ("x,y,z\n", "rows of at least two numbers .* line 1 is 'x,y,z'"),
        ("x,y\n1,2\n", "at least two rows"),
        ("x\n1\n2\n3\n", "rows of at least two numbers"),
        ("x,y\n0,1\n1,2,3\n2,3\n", "3 cells in line 3 where rows have 2"),
        ("x,y,z\n0,1,2\n1,2\n2,3,4\n", "2 cells in line 3 where rows have 3"),
        ("x,y,z\n0,1\n1,2\n2,3\n", "3 cells in line 1 and 2 in the rows|names|header"),
        ("x,y\n0,1,2\n1,2,3\n2,3,4\n", "names 2 columns in its header and has 3"),
        ("x,y\n0,1\n1,OVLD\n2,3\n", "text where numbers belong, 'OVLD' in line 3"),
        ("x,y\n0,OVLD\n1,2\n2,3\n3,4\n", "text where numbers belong, 'OVLD' in line 2"),
        ("0,1\n1,2\n2,3x\n3,4\n", "text where numbers belong, '3x' in line 3"),
        ("x,y\n0,1\n1,1_0\n2,3\n", "'1_0' in line 3"),
        ("x,y\n0,1\n1,0x10\n2,3\n", "'0x10' in line 3"),
        ("x,y\n0,1\n1,2 # note\n2,3\n", "'2 # note' in line 3"),
        ("x,y\n0,1\n1;2\n2,3\n", "1 cells in line 3 where rows have 2"),
        ("x;y\n0;1.5\n1;2,5\n2;3.5\n", "'2,5' in line 3"),
        ("x;y\n0;1,5\n1;1.234,5\n2;3,5\n", "text where numbers|'1.234,5' in line 3"),
        ("x,y\n0,1\n1,2\n2,3\n" + "3,\x00\n", "control character|must be text"),
        ("x,y\n0,1\n1,2\n2,3\n\n4 5\n", "1 cells in line 6 where rows have 2"),
        ("x,y\n0,1\n1,2\nThe end, really\n", "text where numbers belong, 'The end' in line 4"),
        (bytes(range(128, 256)) * 20, "must be text|rows of at least"),
    ],
)
def test_what_is_refused(write, text, message):
    with pytest.raises(ValueError, match=message) as error:
        read(write(text))
    assert "data.txt" in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(ValueError, match="must exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="must be a file"):
        read(tmp_path)


def test_a_last_line_that_may_be_cut(write):
    whole = "".join(f"{b},{i},{b + i:.6f}\n" for b in range(3) for i in range(5))
    header = "B,I,V\n"
    assert read(write(header + whole[:-1])).V.shape == (3, 5)  # all there but the line's end
    for cut in range(2, 9):
        with pytest.raises(ValueError, match=r"cut|cells in line|finite numbers|missing"):
            read(write((header + whole)[:-cut]))
    with pytest.raises(ValueError, match="no line end after its last row, within a sweep"):
        read(write((header + whole)[: -len("2,4,6.000000\n") - 1]))


@pytest.mark.thorough
def test_many_rows(write, monkeypatch):
    """Blocks end anywhere; what a block cannot hold plainly is read cell by cell."""
    from jaxdiode.lab import numbers

    monkeypatch.setattr(numbers, "_BLOCK", 50)
    x = np.arange(300)
    lines = [f"{k},{k * k}" for k in x]
    found = read(write("x,y\n" + "\n".join(lines) + "\n"))
    assert np.array_equal(found.y, x**2)
    lines[150] = "150,"
    lines[70] += "\n# paused\n"
    found = read(write("x,y\n" + "\r\n".join(lines) + "\r\n"))
    assert np.isnan(found.y[150])
    assert np.array_equal(np.delete(found.y, 150), np.delete(x**2, 150))
    lines[222] = "222,abc"
    with pytest.raises(ValueError, match="'abc' in line 226"):
        read(write("x,y\n" + "\n".join(lines) + "\n"))


def test_keys_of_a_file_do_not_stand_in_for_ours(tmp_path):
    """A file that says "missing_points" of itself: it is what was counted, a number."""
    b, i = (x.ravel()[:-1] for x in np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij"))
    about = {"missing_points": "none", "format": "old", "operator": "A. B."}
    columns = [Column("B", b), Column("I", i), Column("V", b + i)]
    found = to_dataset(Table(tmp_path / "map", "labber", columns, about, axes=["B", "I"]))
    assert found.attrs["missing_points"] == 1
    assert isinstance(found.attrs["missing_points"], int)
    assert (found.attrs["format"], found.attrs["operator"]) == ("labber", "A. B.")


def test_a_format_without_a_reader_is_not_read_as_text(tmp_path, monkeypatch):
    module = importlib.import_module("jaxdiode.lab.read")
    monkeypatch.setattr(module, "FORMATS", (*module.FORMATS, "new"))
    (tmp_path / "map.csv").write_text("B,I,V\n0,0,1\n0,1,2\n1,0,3\n1,1,4\n")
    with pytest.raises(NotImplementedError, match="no reader for format 'new'"):
        module.read(tmp_path / "map.csv", format="new")
