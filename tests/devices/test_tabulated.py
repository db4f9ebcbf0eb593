"""Relations from tables (shared/physics/field.md, section 5), against what they came from."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import jaxdiode as jd
from jaxdiode.core.tables import from_table, to_table
from jaxdiode.files.types import resolve
from tests import helpers

TURN = 2 * np.pi


def two_branches(transparency):
    """i(φ) + .7 i(φ − .6π) of Andreev modes."""
    modes = [jd.AndreevModes(a, transparency) for a in (1.0, 0.7)]
    return jd.Squid(modes, flux=[0.3])


def table_of(device, rows):
    phase = np.linspace(0, TURN, rows + 1)
    current = np.array(device.current(jnp.asarray(phase)))
    current[-1] = current[0]
    return jd.TabulatedRelation(phase, current)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transparency", "rows", "error"),
    [(0.9, 64, 1e-6), (0.9, 128, 1e-7), (0.999, 256, 5e-7), (0.999, 512, 6e-8)],
)
def test_errors_of_the_rule(transparency, rows, error):
    """16/w rows for 1e-6 (w = .316: 51; .0316: 506, and 256 are enough here)."""
    device = two_branches(transparency)
    table = table_of(device, rows)
    found, expected = helpers.values(table), helpers.values(device)
    assert found.status == jd.Status.CONVERGED
    actual = abs(found.efficiency - expected.efficiency)
    assert 1e-10 < actual < error
    estimate = table.error_estimate()
    assert estimate.status == jd.Status.CONVERGED
    assert estimate.efficiency > actual  # said before it is met
    assert estimate.efficiency < 1e-2


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("device", "rows"),
    [
        (jd.ExtendedJunction(jd.AndreevModes(1.0, 0.9), [0.4, 1.6], 0.7), 512),
        (jd.Squid.from_pairs([(1.0, 0.5), (0.8, 0.6)], [0.3]), 512),
    ],
    ids=["Andreev modes", "SQUID"],
)
def test_read_back(device, rows):
    """η to 1e-8 from a device of ours."""
    found, expected = helpers.values(table_of(device, rows)), helpers.values(device)
    assert abs(expected.efficiency) > 0.01
    helpers.assert_close(found.efficiency, expected.efficiency, absolute=1e-8)


@pytest.mark.thorough
def test_spline_is_that_of_scipy():
    rng = np.random.default_rng(1)
    phase = np.concatenate([[0.3], np.sort(rng.uniform(0.4, 6.4, 12)), [0.3 + TURN]])
    current = rng.normal(size=14)
    current[-1] = current[0]
    with pytest.warns(UserWarning, match="rows do not resolve"):
        table = jd.TabulatedRelation(phase, current)
    expected = CubicSpline(phase, current, bc_type="periodic")
    at = np.linspace(-7, 9, 41)
    helpers.assert_close(
        table.current(jnp.asarray(at)), expected(0.3 + np.mod(at - 0.3, TURN)), absolute=1e-11
    )
    helpers.assert_close(table.current(jnp.asarray(phase)), current, absolute=1e-12)


def jumping(rows):
    """Two branches of ballistic modes with rows on both sides of each jump."""
    device = two_branches(1.0)
    jumps = np.sort([np.pi, np.mod(1.6 * np.pi, TURN)])
    even = np.linspace(0, TURN, rows + 1)
    even = even[np.min(np.abs(even[:, None] - jumps), axis=1) > 1e-3]
    phase = np.sort(np.concatenate([even, jumps, jumps]))
    side = np.zeros_like(phase)
    first = np.flatnonzero(np.diff(phase) == 0)
    side[first], side[first + 1] = -1e-13, 1e-13
    current = np.array(device.current(jnp.asarray(phase + side)))
    current[-1] = current[0]
    return device, phase, current


@pytest.mark.thorough
def test_jumps_split_the_spline():
    device, phase, current = jumping(32)
    table = jd.TabulatedRelation(phase, current)
    assert len(table.pieces) == 2
    found, expected = helpers.values(table), helpers.values(device)
    assert found.status == jd.Status.CONVERGED
    helpers.assert_close(found.plus, expected.plus, absolute=1e-7)
    helpers.assert_close(found.efficiency, expected.efficiency, absolute=2e-8)
    inner = jnp.linspace(0.1, 6.2, 50)
    helpers.assert_close(table.current(inner), device.current(inner), absolute=1e-4)
    with pytest.warns(UserWarning, match="rows do not resolve"):
        plain = table_of(device, 32)  # not told of the jumps
    assert abs(helpers.values(plain).plus / expected.plus - 1) > 0.01


@pytest.mark.thorough
def test_a_jump_where_the_table_ends():
    phase = np.linspace(-np.pi, np.pi, 17)
    table = jd.TabulatedRelation(phase, np.sin(phase / 2), corners=[-np.pi])
    found = helpers.values(table)
    helpers.assert_close([found.plus, found.minus], 1.0, absolute=2e-6)
    helpers.assert_close(table.current(jnp.array(2.0)), np.sin(1.0), absolute=1e-5)


@pytest.mark.slow
def test_corners():
    """|cos(φ/2)| − ½ has one at π: split there it is smooth."""
    phase = np.linspace(0, TURN, 33)
    current = np.abs(np.cos(phase / 2)) - 0.5
    at = np.linspace(0, TURN, 200)
    errors = [
        np.max(np.abs(table.current(jnp.asarray(at)) - (np.abs(np.cos(at / 2)) - 0.5)))
        for table in (
            jd.TabulatedRelation(phase, current),
            jd.TabulatedRelation(phase, current, corners=[np.pi]),
        )
    ]
    assert errors[0] > 5e-3
    assert errors[1] < 2e-6
    found = helpers.values(jd.TabulatedRelation(phase, current, corners=[np.pi]))
    helpers.assert_close([found.plus, found.minus], 0.5, absolute=1e-11)


@pytest.mark.slow
def test_gradients_are_those_of_the_spline():
    """dI₊/d(entry) = the spline's cardinal function where the maximum is (envelope)."""
    device = two_branches(0.9)
    table = table_of(device, 24)
    found = jd.critical_currents(table)
    with jax.numpy_dtype_promotion("standard"):  # interpax mixes integers with floats
        gradient = jax.grad(lambda t: jd.critical_currents(t).plus)(table).currents
    phase, current = np.asarray(table.phase), np.asarray(table.currents)
    for k in (3, 7, 11):
        unit = np.zeros_like(current)
        unit[k] = 1.0
        cardinal = CubicSpline(phase, unit, bc_type="periodic")(float(found.phase_plus))
        helpers.assert_close(gradient[k], cardinal, absolute=1e-7)


def _doppler(phase, momentum):
    """A relation that depends on a parameter smoothly (the diode of two harmonics)."""
    return np.sin(phase) + 0.4 * momentum * np.sin(2 * phase + momentum**2) * np.exp(-momentum)


@pytest.mark.slow
@pytest.mark.parametrize(("values", "error"), [(9, 2e-4), (17, 2e-5)])
def test_parameter(values, error):
    phase, axis = np.linspace(0, TURN, 129), np.linspace(0, 1.2, values)
    current = _doppler(phase[:, None], axis)
    current[-1] = current[0]
    table = jd.TabulatedRelation(phase, current, axis, parameter=0.5)
    assert jd.parameter_names(table) == ("parameter",)

    def efficiency(at):
        return jd.diode_efficiency(jd.replace(table, {"parameter": at}))

    at = np.array([0.07, 0.33, 0.777, 1.13])
    found = jax.jit(jax.vmap(efficiency))(at)
    for momentum, mine in zip(at, found, strict=True):
        dense = np.linspace(0, TURN, 100_001)
        exact = _doppler(dense, momentum)
        expected = (exact.max() + exact.min()) / (exact.max() - exact.min())
        helpers.assert_close(mine, expected, absolute=error)
    slope = jax.jit(jax.grad(efficiency))(0.6)
    rise = float(efficiency(0.6 + 1e-4) - efficiency(0.6 - 1e-4)) / 2e-4
    helpers.assert_close(slope, rise, absolute=1e-6)
    outside = jax.jit(lambda p: jd.critical_currents(jd.replace(table, {"parameter": p})))(1.3)
    assert outside.status == jd.Status.NONFINITE
    assert np.isnan(outside.plus)


@pytest.mark.slow
def test_as_local_relation_and_through_files(tmp_path):
    _, phase, current = jumping(128)
    junction = jd.ExtendedJunction(jd.TabulatedRelation(phase, current), [0.4, 1.6], 0.7)
    exact = jd.ExtendedJunction(two_branches(1.0), [0.4, 1.6], 0.7)
    found, expected = helpers.values(junction), helpers.values(exact)
    helpers.assert_close(found.plus, expected.plus, absolute=1e-7)
    assert abs(expected.efficiency) > 0.003
    helpers.assert_close(found.efficiency, expected.efficiency, absolute=1e-7)
    for suffix in ("json", "toml"):
        jd.save(tmp_path / f"device.{suffix}", junction)
        again = jd.load(tmp_path / f"device.{suffix}")
        assert again.local.pieces == junction.local.pieces
        for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(junction), strict=True):
            np.testing.assert_array_equal(one, other)
    smooth = jd.ExtendedJunction(jd.TunnelJunction(1.0), flux=0.4)
    for relation in (junction.local.relation(), smooth.relation()):
        again = from_table(to_table(relation), resolve)
        for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(relation), strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


PHASE = np.linspace(0, TURN, 9)
SINE = np.sin(PHASE)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": PHASE[::-1]}, "phase must increase; sort the rows"),
        ({"phase": PHASE * 0.99}, "phase must span one period"),
        ({"phase": np.degrees(PHASE)}, "phase must span one period"),
        ({"phase": [*PHASE[:8], np.nan]}, "phase must be finite"),
        ({"current": [*SINE[:8], np.nan]}, "current must be finite"),
        ({"phase": PHASE[[0, 1, 8]], "current": SINE[[0, 1, 8]]}, "at least 5 rows, got 3"),
        ({"current": SINE[:8]}, r"shape \(phases,\) with 9 phases, got \(8,\)"),
        ({"current": SINE + 0.1 * PHASE}, "same in the first and the last row"),
        ({"corners": [1.0]}, "corners must be phases of the table, got 1"),
        ({"corners": PHASE[[2, 4]]}, "at least 4 rows between jumps and corners, got 3"),
        ({"phase": PHASE[[0, 0, *range(2, 9)]]}, "once at the ends of the period"),
        ({"phase": PHASE[[0, 1, 2, 2, 2, *range(5, 9)]]}, "phase must come at most twice"),
        ({"parameter": 1.0}, "parameters must be given with a parameter"),
        ({"current": np.ones((9, 4)), "parameters": [0, 1, 2, 3]}, "got None"),
        (
            {"current": np.ones((9, 3)), "parameters": [0, 1, 2], "parameter": 1},
            "at least 4 values",
        ),
        (
            {"current": np.ones((9, 4)), "parameters": [0, 1, 1, 2], "parameter": 1},
            "parameters must increase strictly",
        ),
        (
            {"current": np.ones((9, 4)), "parameters": [0, 1, 2, 3], "parameter": 4},
            "parameter must lie within 0 to 3, got 4",
        ),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        jd.TabulatedRelation(**({"phase": PHASE, "current": SINE} | arguments))


@pytest.mark.slow
def test_too_few_rows_to_be_halved():
    with pytest.raises(ValueError, match="more rows to be halved, got 5"):
        jd.TabulatedRelation(PHASE[::2], SINE[::2]).error_estimate()


@pytest.mark.thorough
def test_noisy_rows_at_uneven_phases():
    """The spline turns between rows that lie close together: its extrema are all looked at."""
    rng = np.random.default_rng(3)
    phase = np.sort(np.concatenate([[0], rng.uniform(0.05, 6.2, 60), [2 * np.pi]]))
    values = np.sin(phase) - 0.3 * np.sin(2 * phase + 0.7) + 0.01 * rng.normal(size=phase.size)
    values[-1] = values[0]
    expected = CubicSpline(phase, values, bc_type="periodic")
    turns = expected(expected.derivative().roots(extrapolate=False))
    with pytest.warns(UserWarning, match="a spline swings there"):
        table = jd.TabulatedRelation(phase, values)
    found = jd.critical_currents(table)
    np.testing.assert_allclose([found.plus, found.minus], [turns.max(), -turns.min()], rtol=1e-9)


# ---- Rows that do not say what lies between them


def said_of(current, rows, noise=0.0, seed=0, **options):
    """Warnings of a table of these rows; the first current once more at the end."""
    phase = np.linspace(0, 2 * np.pi, rows + 1)
    values = current(phase) + noise * np.random.default_rng(seed).normal(size=rows + 1)
    values[-1] = values[0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jd.TabulatedRelation(phase, values, **options)
    return [str(one.message) for one in caught]


def modes(transparency):
    return lambda phase: np.sin(phase) / (2 * np.sqrt(1 - transparency * np.sin(phase / 2) ** 2))


SMOOTH = {
    "sine": np.sin,
    "harmonics": lambda x: np.sin(x) - 0.5 * np.sin(2 * x + 0.4) + 0.3 * np.cos(3 * x),
    "0.5": modes(0.5),
    "0.9": modes(0.9),
    "0.99": modes(0.99),
}


@pytest.mark.parametrize("rows", [64, 100, 256])
@pytest.mark.parametrize("name", SMOOTH)
def test_rows_that_resolve_a_relation_are_taken_in_silence(name, rows):
    current = SMOOTH[name]
    assert said_of(current, rows) == []
    size = np.ptp(current(np.linspace(0, 2 * np.pi, 1000)))
    for seed in range(10):
        for noise in (0.003, 0.03, 0.1):
            assert said_of(current, rows, noise * size, seed) == []


@pytest.mark.parametrize("rows", [8, 12])
def test_few_rows_of_a_sine_are_enough(rows):
    assert said_of(np.sin, rows) == []


def saw(phase):
    """Jumps by 2 between the rows before and at π."""
    return np.sin(phase / 2) * np.where(phase < np.pi - 1e-9, 1.0, -1.0)


def step(phase):
    """A tenth of it, and two of them."""
    return np.sin(phase) + 0.3 * np.where((phase > 1.1) & (phase < 4.0), 1.0, -1.0)


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("rows", [16, 64, 256])
def test_a_jump_that_is_not_declared_is_named(rows, noise):
    (text,) = said_of(saw, rows, noise)
    phase = np.linspace(0, 2 * np.pi, rows + 1)
    before, after = phase[rows // 2 - 1], phase[rows // 2]
    assert f"between phases {before:.6g} and {after:.6g}" in text
    assert float(text.split("changes by ")[1].split()[0]) == pytest.approx(2, abs=0.06)
    assert len(said_of(step, rows, noise)) == 1


def test_a_jump_where_the_table_ends_is_named():
    (text,) = said_of(lambda x: np.where(x > 2 * np.pi - 0.15, -1.0, x / np.pi - 1) ** 3, 64)
    assert "between phases" in text


def test_a_declared_jump_is_taken_in_silence():
    half = np.linspace(0, np.pi, 33)
    phase = np.r_[half, half + np.pi]
    current = np.r_[np.sin(half / 2), np.sin(half / 2 + np.pi / 2) * -1]
    current[-1] = current[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jd.TabulatedRelation(phase, current)
        phase = np.linspace(-np.pi, np.pi, 33)
        jd.TabulatedRelation(phase, np.sin(phase / 2), corners=[-np.pi])
    with pytest.warns(UserWarning, match="do not resolve"):  # one more, inside a piece
        jd.TabulatedRelation(phase, np.sin(phase / 2) + 0.5 * (phase > 0.5), corners=[-np.pi])


@pytest.mark.parametrize("rows", [4, 7])
def test_few_rows_are_said(rows):
    (text,) = said_of(np.sin, rows)
    assert f"the table has {rows} rows in a period" in text


def test_one_column_of_several_is_enough():
    phase = np.linspace(0, 2 * np.pi, 65)
    table = np.stack([np.sin(phase)] * 4, 1)
    table[:, 2] += 0.5 * ((phase > 2) & (phase < 4))
    with pytest.warns(UserWarning, match="do not resolve"):
        jd.TabulatedRelation(phase, table, [0.0, 1.0, 2.0, 3.0], parameter=0.5)
