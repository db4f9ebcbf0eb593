"""Measured switching currents from text files."""

import numpy as np
import pytest

from jaxdiode.measurement import read_switching_currents as read

ROWS = "0.1,5,3\n0.3,6,2\n0.2,4,1\n"
COIL, PLUS, MINUS = [0.1, 0.2, 0.3], [5, 4, 6], [3, 1, 2]


@pytest.fixture
def write(tmp_path):
    def make(text, encoding="utf-8"):
        path = tmp_path / "data.csv"
        path.write_text(text, encoding=encoding)
        return path

    return make


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("header", ["coil,plus,minus", "I_mag,Crit_current_pos, crit_current_neg"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_formats(write, delimiter, header, encoding):
    found = read(write(f"{header}\n{ROWS}".replace(",", delimiter), encoding))
    for column, expected in zip(found, (COIL, PLUS, MINUS), strict=True):
        assert np.array_equal(column, expected)  # sorted by coil current


def test_line_ends_blank_lines_and_spare_columns(write):
    text = "minus,note,coil,plus\r\n3,a,0.1,5\r\n\r\n2,,0.3,6\r\n1,b,0.2,4\r\n\r\n"
    found = read(write(text))
    assert np.array_equal(found, [COIL, PLUS, MINUS])


def test_negative_branch_is_turned_round(write):
    found = read(write("coil,plus,minus\n0.1,5,-3\n0.3,6,-2\n0.2,4,-1\n"))
    assert np.array_equal(found[2], MINUS)
    # One stray sign does not turn the rest.
    found = read(write("coil,plus,minus\n0.1,5,3\n0.3,6,-2\n0.2,4,1\n"))
    assert np.array_equal(found[2], [3, 1, -2])


def test_named_columns(write):
    path = write("x,up,down,plus\n" + ROWS.replace("\n", ",9\n"))
    assert np.array_equal(read(path, coil="x", plus="UP", minus="down"), [COIL, PLUS, MINUS])
    assert np.array_equal(read(path, coil="x", minus="down")[1], [9, 9, 9])


def test_real_file(shared):
    path = shared / "data/graphene_double_squid/CPR_id12-13-11-14.csv"
    coil, plus, minus = read(path)
    raw = np.loadtxt(path, skiprows=1)
    order = np.argsort(raw[:, 0], kind="stable")
    assert np.array_equal([coil, plus, -minus], raw[order][:, [0, 2, 1]].T)
    assert np.median(minus) > 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("coil,plus\n1,2\n2,3\n", "no column for minus .* name it with minus="),
        ("x,plus,minus\n1,2,3\n2,3,4\n", "no column for coil"),
        ("", "no column for coil"),
        ("coil,plus,minus\n1,2,3\n", "at least two rows"),
        ("coil,plus,minus\n1,2,3\n2,nan,3\n3,4,x\n4,5\n", "mend or delete line 3, 4, 5$"),
        ("coil,plus,minus\n1,2,3\n2,inf,3\n", "line 3$"),
        ("coil,plus,minus\n\n1,2,3\n\n2,,3\n3,4,5\n", "line 5$"),
        ("coil,plus,minus\n" + "1,nan,2\n" * 20, "line 2, 3, 4, 5, 6, 7, 8, 9, …"),
        ("coil,plus,minus\n1,2,0\n2,3,0\n", r"both bias directions, column 'minus' \(minus\)"),
        ("coil,plus,minus\n1,0,2\n2,0,3\n", r"column 'plus' \(plus\) is all zero"),
    ],
)
def test_errors(write, text, message):
    with pytest.raises(ValueError, match=message):
        read(write(text))


def test_missing_file_and_column(tmp_path, write):
    with pytest.raises(ValueError, match="data file must exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(ValueError, match=r"unknown column .* 'pluss'; did you mean 'plus'"):
        read(write("coil,plus,minus\n" + ROWS), plus="pluss")
