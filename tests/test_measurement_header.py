"""Units below the header, names of columns, and values that are missing one by one."""

import numpy as np
import pytest

from jaxdiode import read_switching_currents as read

ROWS = "1,5,3\n2,6,2\n3,4,1\n"


@pytest.fixture
def write(tmp_path):
    def call(text):
        path = tmp_path / "data.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return call


# ---- Units in a line of their own


@pytest.mark.parametrize(
    "head",
    [
        "Imag,I+,I-\nmA,uA,uA\n",
        "Imag,I+,I-\n(mA),[uA],(uA)\n",
        "Imag,I+,I-\nmA,µA,μA\n",
        "Imag (mA),I+,I-\nmA,uA,uA\n",
        "# mA,uA,uA\nImag,I+,I-\n",
        "Imag,I+,I-\n# mA uA uA\n",
        "# Imag,I+,I-\n# mA,uA,uA\n",
        "# a night in May\nImag,I+,I-\n\nmA,uA,uA\n",
    ],
)
@pytest.mark.parametrize("drop", [False, True, "values"])
def test_units_in_a_line_of_their_own(write, head, drop):
    found = read(write(head + ROWS), unit="nA", coil_unit="A", drop_missing=drop)
    np.testing.assert_allclose(
        found, [[1e-3, 2e-3, 3e-3], [5e3, 6e3, 4e3], [3e3, 2e3, 1e3]], rtol=1e-14
    )
    assert (found.unit, found.coil_unit, found.dropped) == ("nA", "A", ())


def test_units_of_some_columns(write):
    found = read(write("coil,I+,I-,note\n,uA,nA,-\n1,5,3000,0\n2,6,2000,0\n"), unit="nA")
    assert np.array_equal(found, [[1, 2], [5e3, 6e3], [3e3, 2e3]])
    assert found.coil_unit == ""


@pytest.mark.parametrize("drop", [False, True, "values"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "coil,I+,I-\nmA,microA,microA\n" + ROWS,
            "line 2 .*'microA' and no number: is it a row of",
        ),
        (
            "title,,\ncoil,I+,I-\n" + ROWS,
            r"line 2 .* 'coil', 'I\+', 'I-' and no number: .* second h",
        ),
        ("coil,I+,I-\nmA,uA,uA\n,sample 3,\n" + ROWS, "line 3 .* holds 'sample 3' and no number"),
        ("coil (mA),I+,I-\nA,uA,uA\n" + ROWS, r"'coil \(mA\)' .* one unit, line 2 says 'A'"),
        ("# A,nA,nA\ncoil,I+,I-\nA,uA,uA\n" + ROWS, "must have one unit, line 3 says 'uA'"),
    ],
)
def test_rows_that_are_no_units(write, text, message, drop):
    with pytest.raises(ValueError, match=message):
        read(write(text), unit="nA", drop_missing=drop)


def test_a_first_row_without_values_is_a_missing_one(write):
    text = "coil,I+,I-,time\nnan,--,#N/A,10:30\n" + "".join(f"{r},10:31\n" for r in ROWS.split())
    assert read(write(text), drop_missing=True).dropped == (2,)


# ---- Names of columns


@pytest.mark.parametrize(
    "name", ["I_magnet [mA]", "magnet (mA)", "Magnet current [mA]", "magnet coil / mA", "I_mag_mA"]
)
def test_names_of_a_magnet(write, name):
    found = read(write(f"{name},I+ [uA],I- [uA]\n{ROWS}"), coil_unit="A")
    np.testing.assert_allclose(found.coil, [1e-3, 2e-3, 3e-3], rtol=1e-14)
    assert found.unit == "uA"


@pytest.mark.parametrize("named", [{}, {"plus": "I+ (microA)", "minus": "I- (microA)"}])
def test_units_in_words_are_refused(write, named):
    with pytest.raises(ValueError, match=r"'I\+ \(microA\)' \(plus\) .* unknown unit 'microA'"):
        read(write(f"coil,I+ (microA),I- (microA)\n{ROWS}"), unit="nA", **named)


def test_brackets_that_are_no_units(write):
    found = read(write(f"coil,Ic (+),Ic (sample A)\n{ROWS}"), minus="Ic (sample A)")
    assert np.array_equal(found.minus, [3, 2, 1])
    with pytest.raises(ValueError, match=r"unknown unit 'raw'; .* if it is no unit, name another"):
        read(write(f"coil (raw),I+,I-\n{ROWS}"))


# ---- Missing values of one direction

HOLES = "coil,I+ (µA),I- (µA)\n1,NaN,-3\n2,6,-2\n3,4,-9999\n4,,\n,5,-2\n5,7,-4\n"


def test_each_missing_value_is_named(write):
    with pytest.raises(ValueError, match="must hold finite numbers only, got 'NaN' in") as error:
        read(write(HOLES))
    text = str(error.value)
    assert (
        "'NaN' in column 'I+ (µA)' of line 2, '-9999' in column 'I- (µA)' of line 4, '' in" in text
    )
    assert "of line 5 and 2 more" in text
    assert "delete line 2, 4, 5, 6" in text


def test_good_values_of_lost_rows_are_counted(write):
    found = read(write(HOLES), drop_missing=True)
    assert np.array_equal(found, [[2, 5], [6, 7], [2, 4]])
    assert (found.dropped, found.lost) == ((2, 4, 5, 6), 2)
    assert "2 rows, 4 left out (with 2 good values of one direction): I+" in found.describe()


def test_values_of_one_direction_are_kept(write):
    found = read(write(HOLES), drop_missing="values", unit="nA")
    expected = [[1, 2, 3, 5], [np.nan, 6e3, 4e3, 7e3], [3e3, 2e3, np.nan, 4e3]]
    np.testing.assert_array_equal(found, expected)
    assert (found.dropped, found.lost) == ((5, 6), 0)
    assert "4 rows, 2 left out, 1 of I+ and 1 of I- missing: I+" in found.describe()
    with pytest.raises(ValueError, match=r"column 'I\+' \(plus\) is all zero or missing"):
        read(write("coil,I+,I-\n1,NaN,3\n2,NaN,2\n"), drop_missing="values")


@pytest.mark.usefixtures("unchecked")
def test_ways_to_drop(write):
    with pytest.raises(ValueError, match="drop_missing must be True, False or 'values', got 'all'"):
        read(write(HOLES), drop_missing="all")  # pyright: ignore
