"""Rows as they come: any order, both ways, again and again, cut short, or no grid at all."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from jaxdiode.lab import read

B = np.array([0.0, 0.5, 1.0, 1.5])
I = np.linspace(-1.0, 1.0, 9)  # noqa: E741


def value(b, i, turn=0):
    return 10 * b + i + 100 * turn


def write(path, rows, header="B (T),I (nA),V (uV)"):
    lines = [header, *(",".join(repr(float(x)) for x in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "map.csv"


def grid(found):
    b, i = np.meshgrid(found.B, found.I, indexing="ij")
    return value(b, i)


@pytest.mark.parametrize("seed", range(5))
def test_rows_in_any_order(path, seed):
    rows = np.array([[b, i, value(b, i)] for b in B for i in I])
    found = read(write(path, np.random.default_rng(seed).permutation(rows)))
    assert found.V.dims == ("B", "I")
    assert np.array_equal(found.B, B)
    assert np.array_equal(found.V, grid(found))


def test_axes_that_run_downwards_stay_so(path):
    found = read(write(path, [[b, i, value(b, i)] for b in B[::-1] for i in I[::-1]]))
    assert np.array_equal(found.B, B[::-1])
    assert np.array_equal(found.I, I[::-1])
    assert np.array_equal(found.V, grid(found))


def test_slowest_axis_last_in_the_file(path):
    rows = [[i, b, value(b, i)] for b in B for i in I]
    found = read(write(path, rows, "I (nA),B (T),V (uV)"))
    assert found.V.dims == ("B", "I")
    assert np.array_equal(found.V, grid(found))


def test_three_axes(path):
    rows = [[g, b, i, value(b, i) + 1000 * g] for g in (3, 2) for b in B for i in I]
    found = read(write(path, rows, "Vg (V),B (T),I (nA),V (uV)"))
    assert found.V.dims == ("Vg", "B", "I")
    assert np.array_equal(found.V.sel(Vg=2), grid(found) + 2000)


def test_a_value_measured_once_per_line_and_a_clock(path):
    rows = [[k, b, i, value(b, i), 7 * b] for k, (b, i) in enumerate((b, i) for b in B for i in I)]
    found = read(write(path, rows, "time (s),B (T),I (nA),V (uV),T (K)"))
    assert found.V.dims == ("B", "I")
    assert np.array_equal(found.time.values.ravel(), np.arange(len(rows)))
    assert np.array_equal(found["T"], 7 * found.B.values[:, None] + 0 * found.I.values)


def test_swept_to_and_fro(path):
    """The turning point, measured once, belongs to the way it ends."""
    rows = [[b, i, value(b, i, k)] for b in B for k, way in enumerate((I, I[-2::-1])) for i in way]
    found = read(write(path, rows))
    assert found.V.dims == ("sweep", "B", "I")
    assert list(found.sweep.values) == ["up", "down"]
    assert np.array_equal(found.V.sel(sweep="up"), grid(found))
    down = found.V.sel(sweep="down").values
    assert np.array_equal(down[:, :-1], grid(found)[:, :-1] + 100)
    assert np.all(np.isnan(down[:, -1]))
    assert found.attrs["missing_points"] == len(B)
    twice = [[b, i, value(b, i, k)] for b in B for k, way in enumerate((I, I[::-1])) for i in way]
    found = read(write(path, twice))
    assert found.attrs["missing_points"] == 0
    assert np.array_equal(found.V.sel(sweep="down"), grid(found) + 100)
    back = [[b, i, value(b, i, k)] for b in B for k, way in enumerate((I[::-1], I)) for i in way]
    found = read(write(path, back))
    assert list(found.sweep.values) == ["down", "up"]
    assert np.array_equal(found.V.sel(sweep="up"), grid(found) + 100)


def test_one_sweep_to_and_fro(path):
    rows = [[i, value(0, i, k)] for k, way in enumerate((I, I[::-1])) for i in way]
    found = read(write(path, rows, "I (nA),V (uV)"))
    assert found.V.dims == ("sweep", "I")
    assert np.array_equal(found.V.sel(sweep="down"), I + 100)


def test_maps_one_after_the_other_both_ways(path):
    rows = [[b, i, value(b, i, k)] for k, way in enumerate((I, I[::-1])) for b in B for i in way]
    found = read(write(path, rows))
    assert found.V.dims == ("sweep", "B", "I")
    assert np.array_equal(found.V.sel(sweep="down"), grid(found) + 100)


def test_loops_from_zero_and_back(path):
    """0 → + → − → 0: each branch on its own, its direction beside it."""
    up, through, back = I[4:], I[-2::-1], I[1:5]
    rows = [
        [b, i, value(b, i, k)] for b in B for k, way in enumerate((up, through, back)) for i in way
    ]
    found = read(write(path, rows))
    assert found.V.dims == ("sweep", "B", "I")
    assert list(found.sweep.values) == [0, 1, 2]
    assert list(found.direction.values) == ["up", "down", "up"]
    for k, way in enumerate((up, through, back)):
        own = found.V.sel(sweep=k, I=way)
        assert np.array_equal(own, grid(found.sel(I=way)) + 100 * k)
    assert int(np.isfinite(found.V).sum()) == len(rows)
    assert found.attrs["missing_points"] == found.V.size - len(rows)


def test_lines_up_and_down_in_turn(path):
    rows = [[b, i, value(b, i)] for k, b in enumerate(B) for i in (I[::-1] if k % 2 else I)]
    found = read(write(path, rows))
    assert found.V.dims == ("B", "I")
    assert np.array_equal(found.V, grid(found))
    assert found.direction.dims == ("B",)
    assert list(found.direction.values) == ["up", "down", "up", "down"]


@pytest.mark.parametrize("times", [2, 3])
def test_sweeps_measured_again(path, times):
    rows = [[b, i, value(b, i, k)] for b in B for k in range(times) for i in I]
    found = read(write(path, rows))
    assert found.V.dims == ("repeat", "B", "I")
    assert all(np.array_equal(found.V[k], grid(found) + 100 * k) for k in range(times))
    rows = [[b, i, value(b, i, k)] for b in B for i in I for k in range(times)]  # at each point
    found = read(write(path, rows))
    assert all(np.array_equal(found.V[k], grid(found) + 100 * k) for k in range(times))


def test_both_ways_again(path):
    ways = (I, I[::-1], I, I[::-1])
    rows = [[b, i, value(b, i, k)] for b in B for k, way in enumerate(ways) for i in way]
    found = read(write(path, rows))
    assert found.V.dims == ("repeat", "sweep", "B", "I")
    for k in range(4):
        assert np.array_equal(found.V[k // 2, k % 2], grid(found) + 100 * k)


def test_points_that_repeat_irregularly(path):
    rows = [[b, i, value(b, i)] for b in B for i in I]
    write(path, [*rows, *[rows[3]] * 6])
    with pytest.raises(ValueError, match=r"once.*line 5 and line .* at B = 0, I = -0\.25; name"):
        read(path, axes=["B", "I"])


@pytest.mark.parametrize("cut", [1, 5, 9, 12])
def test_a_run_that_was_aborted(path, cut):
    rows = [[b, i, value(b, i)] for b in B for i in I][:-cut]
    found = read(write(path, rows))
    assert found.V.dims == ("B", "I")
    assert found.attrs["missing_points"] == (-len(rows)) % len(I)
    assert np.isnan(found.V.values.ravel()[len(rows) :]).all()
    assert np.array_equal(found.V.values.ravel()[: len(rows)], [r[2] for r in rows])


def test_sweeps_that_stop_early(path):
    rows = [[b, i, value(b, i)] for k, b in enumerate(B) for i in I[: len(I) - k]]
    found = read(write(path, rows), axes=["B", "I"])
    assert found.attrs["missing_points"] == 6
    assert np.nansum(found.V) == pytest.approx(sum(r[2] for r in rows), rel=1e-12)


def test_no_grid(path):
    random = np.random.default_rng(0)
    rows = random.normal(size=(50, 3))
    write(path, rows)
    with pytest.raises(ValueError, match="'B', 'I', 'V', none of which runs like a swept one; say"):
        read(path)
    found = read(path, axes=["B", "I"])
    assert found.V.dims == ("point",)
    assert "B" not in found.indexes
    assert np.array_equal(np.stack([found.B, found.I, found.V], 1), rows)
    assert "kept as points" in found.attrs["guesses"]


def test_axes_that_may_be_either(path):
    """A counter beside two columns that happen to span a grid."""
    rows = [[x, a, b] for x, (a, b) in enumerate((a, b) for a in (1, 2, 3) for b in (5, 6, 7))]
    write(path, rows, "x,a,b")
    with pytest.raises(ValueError, match=r"may be swept along \('a', 'b'\) or \('x'\); say which"):
        read(path)
    assert read(path, axes="x").a.dims == ("x",)
    assert read(path, axes=["a", "b"]).x.shape == (3, 3)


def test_quantised_currents_are_no_axes(path):
    random = np.random.default_rng(1)
    field = np.linspace(0, 1, 40)
    currents = 60e-9 * np.round(20 + 4 * np.sin(9 * field + [[0], [1]]) + random.normal(size=40))
    found = read(write(path, np.stack([field, *currents], 1), "B,Ic+,Ic-"))
    assert dict(found.sizes) == {"B": 40}
    assert list(found.data_vars) == ["Ic+", "Ic-"]


def test_axes_with_rounding_are_one(path):
    """0.1 + 0.2 in one line and 0.3 in another."""
    rows = [[b, i * (1 + 1e-16 * k), value(b, i)] for k, b in enumerate(B) for i in I]
    rows[10][1] = np.nextafter(rows[10][1], 2)
    found = read(write(path, rows))
    assert found.V.shape == (4, 9)
    assert found.attrs["missing_points"] == 0


def test_axes_with_holes_are_refused(path):
    rows = [[b, i, value(b, i)] for b in B for i in I]
    rows[3][1] = np.nan
    with pytest.raises(ValueError, match="finite numbers along the axis 'I', line 5"):
        read(write(path, rows), axes=["B", "I"])
    rows = [[b, i, value(b, i)] for b in B for i in I]
    rows[3][2] = np.nan
    assert np.isnan(read(write(path, rows)).V[0, 3])


@pytest.mark.thorough
@hypothesis.given(
    sizes=st.tuples(st.integers(2, 6), st.integers(3, 7)),
    order=st.sampled_from(["scan", "mixed", "snake", "back", "cut"]),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
    seed=st.integers(0, 99),
)
def test_every_row_is_where_it_belongs(tmp_path_factory, sizes, order, scale, seed):
    """Whatever the order, each number of the file stands at its axes, once."""
    random = np.random.default_rng(seed)
    b, i = (np.sort(random.normal(size=n)) * scale for n in sizes)
    ways = {"back": (i, i[::-1])}.get(order, (i,))
    turned = [order == "snake" and k % 2 == 1 for k in range(len(b))]
    rows = [
        [x, y] for x, t in zip(b, turned, strict=True) for w in ways for y in (w[::-1] if t else w)
    ]
    if order == "cut":
        rows = rows[: max(len(rows) - random.integers(0, sizes[1]), sizes[1] + 1)]
    rows = np.array(rows)
    if order == "mixed":
        rows = random.permutation(rows)
    rows = np.column_stack([rows, random.normal(size=len(rows))])
    path = tmp_path_factory.mktemp("grid") / "map.csv"
    found = read(write(path, rows), axes=["B", "I"]).V
    stacked = found.stack(point=found.dims).dropna("point")
    got = np.stack([stacked.B, stacked.I, stacked], 1)
    assert np.array_equal(got[np.argsort(got[:, 2])], rows[np.argsort(rows[:, 2])])
    assert found.size - len(rows) == int(np.isnan(found).sum())
