"""Measured switching currents from text files."""

import csv

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from jaxdiode.measurement import read_switching_currents as read
from jaxdiode.measurement import require_turns

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
    found = read(write("coil,plus,minus\n0.1,-5,-3\n0.3,-6,-2\n0.2,-4,-1\n"))
    assert np.array_equal(found, [COIL, PLUS, MINUS])


def test_signs_that_are_not_clear(write):
    """A stray sign is named; noise about a zero is none; `signed` settles currents that change."""
    path = write("coil,plus,minus\n0.1,5,3\n0.3,6,-2\n0.2,4,1\n")
    with pytest.raises(ValueError, match=r"'minus' \(minus\) .* sign changes in line 3; mend"):
        read(path)
    assert np.array_equal(read(path, signed=False)[2], [3, 1, -2])
    assert np.array_equal(read(path, signed=True)[2], [-3, -1, 2])
    path = write("coil,plus,minus\n1,5,-3\n2,6,.01\n3,-.2,-1\n4,4,-3\n")
    assert np.array_equal(read(path)[1:], [[5, 6, -0.2, 4], [3, -0.01, 1, 3]])
    with pytest.raises(ValueError, match=r"'plus' .* sign changes in line 3, 5; mend"):
        read(write("coil,plus,minus\n1,5,3\n2,-6,2\n3,5,1\n4,-5,1\n"))


def test_exchanged_directions(write):
    path = write("coil,plus,minus\n1,-5,3\n2,-6,2\n")
    with pytest.raises(ValueError, match=r"look exchanged, 'plus' \(plus\) is negative"):
        read(path)
    assert np.array_equal(read(path, plus="minus", minus="plus")[1:], [[3, 2], [5, 6]])


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
        ("", "must hold a table, it has no line of data"),
        ("coil,plus,minus\n1,2,3\n", "at least two rows"),
        ("coil,plus,minus\n1,2,3\n2,nan,3\n3,4,x\n4,5\n", "mend or delete line 3, 4, 5, or"),
        ("coil,plus,minus\n1,2,3\n2,inf,3\n", "delete line 3, or"),
        ("coil,plus,minus\n\n1,2,3\n\n2,,3\n3,4,5\n", "delete line 5, or"),
        ("coil,plus,minus\n" + "1,nan,2\n" * 20, "line 2, 3, 4, 5, 6, 7, 8, 9, …, or leave"),
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


# ---- Which column


def columns(write, header, **names):
    """Read a file whose column k holds k + 1, 2 (k + 1), …: what came back tells where from."""
    width = len(next(csv.reader([header])))
    rows = "".join(",".join(str(r * (k + 1)) for k in range(width)) + "\n" for r in (1, 2))
    return [int(c[0]) for c in read(write(f"{header}\n{rows}"), **names)]


@pytest.mark.parametrize(
    ("header", "plus", "minus"),
    [
        ("B,Ic (+),Ic (-)", "Ic (+)", "Ic (-)"),
        ("B,Ic[0],Ic[1]", "Ic[0]", "Ic[1]"),
        ("B,Ic [L],Ic [R]", "Ic [L]", "Ic [R]"),
        ("B,IC,Ic", "IC", "Ic"),  # letter by letter first
        ("B,I c,Ic", "I c", "Ic"),
        ('B,"I (plus, up)","I (minus, up)"', "i (PLUS, up)", "I  (minus,_up)"),
        ("B,Ic (+) (nA),Ic (-) (nA)", "Ic (+)", "Ic (-)"),
        ("B,Ic+ / nA,Ic- / nA", "Ic+", "ic-"),
        ("B,I₊,I₋", "I₊", "I₋"),
        ("B,Ic (+),Ic (−)", None, None),
        ("B,Ic[+],Ic[-]", None, None),
        ("B,I_c^+,I_c^-", None, None),
        ("B,I₊,I₋", None, None),
        ("B,Ic_pos (nA),Ic_neg (nA)", None, None),
        ("B / mT,critical current plus / A,critical current minus / A", None, None),
    ],
)
def test_the_named_column_is_read(write, header, plus, minus):
    assert columns(write, header, plus=plus, minus=minus) == [1, 2, 3]
    if plus:
        assert columns(write, header, plus=minus, minus=plus) == [1, 3, 2]


@pytest.mark.parametrize(
    ("header", "names", "message"),
    [
        (
            "coil (set),coil (read),plus,minus",
            {"coil": "coil"},
            r"unknown column .*'coil'; .*allowed: coil \(set\), coil \(read\), plus, minus",
        ),
        ("coil (set),coil (read),plus,minus", {}, r"found coil \(set\), coil \(read\), plus"),
        (
            "coil,plus (uA),plus (nA),minus",
            {"plus": "plus"},
            r"fits 'plus \(uA\)' \(column 2\) and 'plus \(nA\)' \(column 3\); give the whole",
        ),
        ("coil,plus (uA),plus (nA),minus", {}, r"its usual names .* fit 'plus \(uA\)' .* and "),
        ("coil,field,plus,minus", {}, r"usual names .* fit 'coil' \(column 1\) and 'field' "),
        (
            "coil,plus,plus,minus",
            {"plus": "plus"},
            r"'plus' fits 'plus' \(column 2\) and 'plus' \(column 3\); rename all but one",
        ),
        ("coil,plus,plus,minus", {}, "rename all but one"),
        ("coil,Plus,PLUS,minus", {"plus": "plus"}, r"'plus' fits 'Plus' .* and 'PLUS' "),
        (
            "coil,I,minus",
            {"plus": "I", "minus": "I"},
            "plus and minus must be different columns .* both name 'I'; it has coil, I, minus",
        ),
        ("coil,plus,minus", {"coil": "plus"}, "coil and plus must be|no column for plus"),
        ("B,Ic (+),Ic (-)", {"plus": "Ic", "minus": "Ic"}, r"unknown column .*Ic \(\+\), Ic \(-\)"),
        ("coil,plus (uA),minus", {"plus": "plus (nA)"}, r"unknown column .*did you mean 'plus \("),
        ("y_field,Ic", {}, r"no column for plus .*one file for each direction\?"),
    ],
)
def test_what_fits_no_column_or_several_is_refused(write, header, names, message):
    with pytest.raises(ValueError, match=message):
        columns(write, header, **names)


STEMS = ["Ic", "coil", "plus", "I sw"]
MARKS = ["", " (+)", " (-)", "[0]", "[1]", " (set)", " (read)", " (up)", " {a}"]
UNITS = {"": None, " (uA)": 1e-6, " [nA]": 1e-9, " (µA)": 1e-6}


@hypothesis.given(
    header=st.lists(
        st.tuples(st.sampled_from(STEMS), st.sampled_from(MARKS), st.sampled_from([*UNITS])),
        min_size=3,
        max_size=6,
    ),
    chosen=st.permutations(range(3)),
    change=st.sampled_from(["none", "case", "blanks", "no unit", "no mark"]),
)
def test_a_column_is_what_was_meant_or_an_error(tmp_path_factory, header, chosen, change):
    """Success returns the columns that the names were made from; a name that is one column's and
    no other's is never refused for being like another."""
    names = ["".join(parts) for parts in header]
    asked = []
    for k in chosen:
        stem, mark, unit = header[k]
        parts = {"no unit": stem + mark, "no mark": stem + unit}.get(change, stem + mark + unit)
        asked.append({"case": parts.upper(), "blanks": parts.replace(" ", "  ")}.get(change, parts))
    path = tmp_path_factory.mktemp("columns") / "data.csv"
    data = np.arange(1.0, 3.0)[:, None] * np.arange(1.0, len(names) + 1)
    np.savetxt(path, data, delimiter=",", header=",".join(names), comments="", encoding="utf-8")
    scales = [UNITS[header[k][2]] for k in chosen[1:]]
    ratio = 1.0 if scales[0] == scales[1] else scales[1] and scales[0] and scales[1] / scales[0]
    exact = change == "none" and all(names.count(name) == 1 for name in asked)
    refused = None
    try:
        found = read(path, *asked)
    except ValueError as error:
        refused = str(error)
    if refused is not None:
        assert not exact or ratio is None  # only units that cannot be compared
        assert any(name.strip() in refused for name in names)
        return
    assert ratio is not None
    for values, k, factor in zip(found, chosen, (1.0, 1.0, ratio), strict=True):
        if change == "no mark":  # the mark may be some other column's
            assert names.count(names[round(values[0] / factor) - 1]) == 1
        else:
            assert np.allclose(values, data[:, k] * factor, rtol=1e-12)


# ---- Units


def test_units_of_the_header(write):
    rows = "1,5,3000\n2,6,2000\n"
    found = read(write(f"coil (mA),plus (µA),minus (nA)\n{rows}"))
    assert np.array_equal(found, [[1, 2], [5, 6], [3, 2]])
    assert (found.unit, found.coil_unit) == ("μA", "mA")
    assert found.columns == ("coil (mA)", "plus (µA)", "minus (nA)")
    found = read(write(f"coil (mA),plus (µA),minus (nA)\n{rows}"), unit="nA", coil_unit="A")
    assert np.allclose(found, [[1e-3, 2e-3], [5e3, 6e3], [3e3, 2e3]], rtol=1e-15)
    assert "in nA against 'coil' in A" in found.describe()
    found = read(write(f"coil,plus,minus\n{rows}"), unit="nA")
    assert np.array_equal(found, [[1, 2], [5, 6], [3e3, 2e3]])
    assert (found.unit, found.coil_unit) == ("nA", "")


@pytest.mark.parametrize(
    "names",
    [("plus_error (nA)", "minus_error (nA)"), ("plus err", "err of minus"),
     ("sigma plus", "minus std"), ("Plus Standard Error (nA)", "minus_total_error_nA")],
)  # fmt: skip
def test_columns_of_errors(write, names):
    rows = "0.2,3,0.3,-5,0.5\n0.1,2,0.2,-4,0.4\n0.3,nan,0.1,-2,0.1\n"
    header = f"coil,plus (nA),{names[0]},minus (nA),{names[1]}\n"
    found = read(write(header + rows), drop_missing=True)
    assert found.error_columns == names
    np.testing.assert_allclose(found.errors, [[0.2, 0.3], [0.4, 0.5]])
    other = read(write(header + rows), unit="uA", drop_missing=True)
    np.testing.assert_allclose(other.errors, [[2e-4, 3e-4], [4e-4, 5e-4]])


def test_errors_of_one_direction_are_none(write):
    found = read(write("coil,plus,plus_error,minus\n0,3,0.3,5\n1,2,0.2,4\n"))
    assert found.errors is None
    assert found.error_columns == ()


def test_coil_in_another_unit_than_the_turns(shared):
    """8700 µT/A and 0.196 Φ₀/µT: 1708 flux quanta per ampere."""
    coil = read(shared / "data/graphene_double_squid/CPR_id12-13-11-14.csv").coil
    require_turns(coil, [85.1, 1708.0])
    with pytest.raises(
        ValueError, match=r"1708 would change the flux by 85\.4 flux quanta from po"
    ):
        require_turns(1e3 * coil, [85.1, 1708.0])
    with pytest.raises(ValueError, match=r"1\.708 would change .* over all"):
        require_turns(1e-3 * coil, [0.0851, 1.708])


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("coil,plus (uA),minus", {}, r"both name their unit or neither, got 'plus \(uA\)' and"),
        ("coil,plus (uA),minus (V)", {"unit": "uA"}, r"'minus \(V\)' is in V; name another"),
        ("coil,plus (mV),minus (mV)", {}, "for plus .*must hold a current, 'plus .mV.' is in mV"),
        ("coil (mT),plus (uA),minus (uA)", {"coil_unit": "A"}, "'mT' cannot be turned into 'A'"),
        ("coil,plus (uA),minus (uA)", {"unit": "I_0"}, "'uA' cannot be turned into 'I_0'"),
    ],
)
def test_units_that_do_not_go_together(write, header, options, message):
    with pytest.raises(ValueError, match=message):
        read(write(f"{header}\n1,2,3\n2,3,4\n"), **options)


# ---- Missing values


def rows_with(value, scale=1.0):
    """Ten rows, the third I₊ and the fifth I₋ replaced."""
    table = np.stack([np.arange(10.0), 5 + np.sin(np.arange(10)), 4 + np.cos(np.arange(10))], 1)
    table[:, 1:] *= scale
    cells = [[repr(float(x)) for x in row] for row in table]
    cells[2][1] = cells[4][2] = value
    return "coil,plus,minus\n" + "\n".join(map(",".join, cells)) + "\n", table


@pytest.mark.parametrize(
    "value",
    ["-9999", "9.9e37", "9.91E+37", "-9.9e37", "1e308", "-999", "999", "-9999.0", "nan", "NaN", "",
     "OVLD", "inf", "--", "#N/A", "1_0", "32767", "-99999"],
)  # fmt: skip
def test_missing_values_are_named_or_left_out(write, value):
    text, table = rows_with(value)
    with pytest.raises(ValueError, match="mend or delete line 4, 6, or leave out with drop_missin"):
        read(write(text))
    found = read(write(text), drop_missing=True)
    assert found.dropped == (4, 6)
    assert np.array_equal(found, np.delete(table, [2, 4], axis=0).T)


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("value", ["9.9e37", "1e308"])
def test_missing_values_in_any_unit(write, value, scale):
    with pytest.raises(ValueError, match="delete line 4, 6, or"):
        read(write(rows_with(value, scale)[0]))


@hypothesis.given(
    scale=st.floats(-9, 9).map(lambda x: 10.0**x),
    seed=st.integers(0, 99),
    peak=st.floats(1.0, 30.0),
)
def test_measured_values_are_not_taken_for_missing(tmp_path_factory, scale, seed, peak):
    """Noisy, quantised, with an outlier, and with the very numbers that codes use."""
    random = np.random.default_rng(seed)
    table = np.stack([np.arange(30.0), *(1.2 + random.random((2, 30)))], 1)
    table[3, 1] *= peak
    table[:, 1:] = np.round(table[:, 1:], 1) * scale
    table[:, 0] = 999.0 + np.arange(30)  # a code that is a value like the others
    path = tmp_path_factory.mktemp("values") / "data.csv"
    np.savetxt(path, table, delimiter=",", header="coil,plus,minus", comments="")
    assert np.allclose(read(path), table.T, rtol=1e-15)


def test_a_value_that_repeats_far_from_all_others(write):
    """Whatever a program writes for an overload; once, it is an outlier and stays."""
    text, _ = rows_with("12345.0")
    found = read(write(text))
    assert found.plus.max() == 12345
    again = text.replace("\n5.0,", "\n5.0,12345.0,3\n5.5,")
    with pytest.raises(ValueError, match=r"'12345.0' in column 'plus' .* delete line 4, 7, or"):
        read(write(again))


def test_a_column_of_nothing_but_codes(write):
    with pytest.raises(ValueError, match="delete line 2, 3, or"):
        read(write("coil,plus,minus\n1,2,-9999\n2,3,-9999\n"))
    with pytest.raises(ValueError, match="at least two rows without missing values"):
        read(write("coil,plus,minus\n1,2,-9999\n2,3,-9999\n"), drop_missing=True)


# ---- Ways to write a table


TABLE = [COIL, PLUS, MINUS]


@pytest.mark.parametrize(
    "text",
    [
        "coil;plus;minus\n0,1;5,0;3\n0,3;6;2\n0,2;4;1\n",
        "coil\tplus\tminus\n0,1\t5\t3\n0,3\t6\t2\n0,2\t4\t1\n",
        "# taken at night\n#\n\ncoil,plus,minus\n0.1,5,3\n# a pause\n0.3,6,2\n0.2,4,1\n",
        "# coil,plus,minus\n0.1,5,3\n0.3,6,2\n0.2,4,1\n",
        "# coil plus minus\n0.1 5 3\n0.3 6 2\n0.2 4 1\n",
        "coil   plus  minus\n0.1    5 3\n0.3 6  2\n0.2 4     1\n",
        '"coil", "plus", "minus"\n"0.1", "5", "3"\n0.3,6,2\n0.2,4,1\n',
        "coil,plus,minus,\r0.1,5,3,\r0.3,6,2,\r0.2,4,1,\r",
        ",coil,plus,minus\n0,0.1,5,−3\n1,0.3,6,−2\n2,0.2,4,−1\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_ways_to_write_a_table(write, text, encoding):
    assert np.array_equal(read(write(text, encoding)), TABLE)


def test_the_micro_of_a_one_byte_code_page(write):
    found = read(write("coil,plus (µA),minus (µA)\n" + ROWS, "cp1252"))
    assert np.array_equal(found, TABLE)
    assert found.unit == "μA"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.1,5,3\n0.3,6,2\n", "must begin with a header line"),
        ("coil,plus,minus\n0,1,5,0,3,1\n0,3,6,0,2,1\n", "line 2 .* has 6 cells where .* has 3"),
        ("coil;plus;minus\n0,1;1.5;3\n0.2;1,234;2\n", "mend or delete line 2, 3, or"),
        ("# only\n# comments\n", "no line of data"),
        ("coil,plus,minus\n1,2,\0\n", "must be text"),
        ('coil,plus,minus\n1,2,"3\n' + "4,5,6\n" * 30000, "is no table: field larger than"),
        ("\x1b[31m,plus,minus\n1,2,3\n2,3,4\n", r"found \?\[31m, plus"),
    ],
)
def test_what_is_no_table(write, text, message):
    with pytest.raises(ValueError, match=message) as raised:
        read(write(text))
    assert str(raised.value).isprintable()


def test_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="data file must be a file"):
        read(tmp_path)


@pytest.mark.parametrize("header", ["coil,Ic+", "coil,plus,plus_error", "minus,coil,T"])
def test_one_direction_only(write, header):
    rows = "\n".join(",".join("123"[: header.count(",") + 1]) for _ in range(2))
    with pytest.raises(ValueError, match=r"put both side by side\); one direction alone is"):
        read(write(f"{header}\n{rows}\n"))


@pytest.mark.parametrize("name", ["Ic+.csv", "Ic-.csv"])
def test_one_file_for_each_direction(shared, name):
    path = shared / f"data/diode_vs_field/kay164{name}"
    with pytest.raises(ValueError, match=r"no column for plus .* put both side by side\)"):
        read(path)


def test_measured_files_have_nothing_missing(shared):
    for path in sorted((shared / "data/graphene_double_squid").glob("*.csv")):
        found = read(path)
        assert found.dropped == ()
        assert min(map(np.median, found[1:])) > 0


def test_rows_of_further_axes_are_told(tmp_path):
    path = tmp_path / "data.csv"
    rows = [(b, t, 1 + 0.1 * b + t, 1 - 0.1 * b) for t in (0.1, 0.2) for b in range(4)]
    np.savetxt(path, [("B", "T (K)", "plus", "minus"), *rows], fmt="%s", delimiter=",")
    found = read(path)
    assert found.others == ("T (K)",)
    assert "rows of all 'T (K)' together: one device for them all" in found.describe()
    np.savetxt(path, [("B", "T (K)", "plus", "minus"), *rows[:4]], fmt="%s", delimiter=",")
    assert read(path).others == ()


@pytest.mark.parametrize("total_first", [False, True])
def test_errors_and_total_errors_side_by_side(write, total_first):
    """As `jaxdiode extract` writes them: the plain ones count; totals where they are alone."""
    names, rows = ["error", "total_error"], [[0.1, 0.3, 0.2, 0.4], [0.5, 0.7, 0.6, 0.8]]
    both = np.array(rows)
    if total_first:
        names, both = names[::-1], both[:, [1, 0, 3, 2]]
    header = ",".join(["coil", "plus", *(f"plus_{n} (nA)" for n in names), "minus",
                       *(f"minus_{n} (nA)" for n in names)])  # fmt: skip
    lines = [f"{k},3,{r[0]},{r[1]},5,{r[2]},{r[3]}" for k, r in enumerate(both)]
    found = read(write("\n".join([header, *lines]) + "\n"))
    assert found.error_columns == ("plus_error (nA)", "minus_error (nA)")
    np.testing.assert_array_equal(found.errors, [[0.1, 0.5], [0.2, 0.6]])
    alone = read(
        write("coil,plus,plus_total_error,minus,minus_total_error\n0,3,1,5,2\n1,2,3,4,4\n")
    )
    np.testing.assert_array_equal(alone.errors, [[1, 3], [2, 4]])
