"""Shapiro maps against closed forms, exact edges and curves made one bias at a time."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxdiode as jd
from tests.dynamics.test_steps import EDGES

DIODE = jd.Harmonics([1.0, 0.4 * np.cos(1)], [0.0, 0.4 * np.sin(1)])  # sin φ + .4 sin(2φ + 1)


SINE: Any = jd.TunnelJunction(1.0)


def trace(bias, amplitude, frequency):
    """Of the period map of tan(φ/2) of a pure sine without capacitance: locked where |tr| ≥ 2."""

    def field(t, y):
        force = bias + amplitude * np.cos(frequency * t)
        return (np.array([[-1, force], [-force, 1]]) @ y.reshape(2, 2) / 2).ravel()

    period = 2 * np.pi / frequency
    end = solve_ivp(field, (0, period), [1, 0, 0, 1], rtol=1e-11, atol=1e-12, method="DOP853")
    return end.y[0, -1] + end.y[3, -1]


@pytest.fixture(scope="module")
def sine():
    driven = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.8, 1.0))
    return jd.shapiro_map(driven, np.linspace(-0.4, 2.2, 14), [-10.0, 0.0, 8.0])


@pytest.mark.slow
def test_rotation_numbers_of_a_sine(sine):
    """Off the steps V = (Ω/π) arccos(tr/2) up to its branch; on them V = nΩ exactly."""
    frequency = 0.8
    checked = 0
    for row, amplitude in enumerate(10.0 ** (sine.power / 20)):
        for column, bias in enumerate(sine.current):
            found = sine.voltage[row, column] / frequency
            tr = trace(bias, amplitude, frequency)
            if abs(tr) > 2 + 1e-6:
                assert sine.error[row, column] == 0
                assert found == np.round(found)
                assert (-1) ** int(found) * tr > 0
            elif abs(tr) < 2 - 1e-6:
                wanted = np.arccos(tr / 2) / np.pi
                apart = abs(abs((found + 1) % 2 - 1) - wanted) * frequency
                assert 0 < sine.error[row, column] <= 1.1e-4
                assert apart <= sine.error[row, column]
                checked += 1
    assert checked > 10
    assert np.all(sine.status == jd.Status.CONVERGED)


@pytest.mark.thorough
def test_on_its_exact_steps():
    """Inside the edges of a step, fractional ones too, V is exact; outside it is not that."""
    driven = jd.Shunted(DIODE, drive=jd.Drive(1.0, 1.5))
    sheet = EDGES["two harmonics"][-1]
    edges = np.array(list(sheet.values())).T
    voltage = [n if isinstance(n, int) else n[0] / n[1] for n in sheet]
    beside = np.sort(np.concatenate([edges - 2e-3, edges + 2e-3]).ravel())
    found = jd.shapiro_map(driven, beside, [0.0])
    for k in range(4):
        inside = (beside > edges[0, k]) & (beside < edges[1, k])
        assert inside.sum() == 2
        np.testing.assert_array_equal(found.voltage[0, inside], voltage[k])
        outside = np.abs(found.voltage[0, ~inside] - voltage[k])
        assert np.all(outside > found.error[0, ~inside])
    along = found.steps((0, 1))
    np.testing.assert_allclose(along.upper[0], edges[1, :2], atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("damping", [None, 0.7])
def test_rows_are_curves(damping):
    """Every row is the curve of the drive at its power."""
    driven = jd.Shunted(DIODE, damping, drive=jd.Drive(1.3, [0.8, 0.5], phase=[0.0, 1.0]))
    biases = np.linspace(-1.8, 1.8, 10)
    found = jd.shapiro_map(driven, biases, [-6.0, 6.0])
    for row in range(2):
        curve = jd.iv_curve(found.at(row), biases, tolerance=1e-5)
        both = found.error[row] + np.asarray(curve.up_error) + 2e-5 * np.abs(found.voltage[row])
        np.testing.assert_array_less(np.abs(found.voltage[row] - np.asarray(curve.up)), both + 1e-9)
    np.testing.assert_allclose(found.amplitude[1], 10**0.3 * 0.8)


@pytest.mark.thorough
def test_square_wave():
    """Three slips of 2π in a period of 60, one in a period of 20, none in the other half."""
    half = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    for period, slips in ((60.0, 3), (20.0, 1)):
        wave = jd.SquareWave(2 * np.pi / period, 1.2)
        found = jd.shapiro_map(jd.Shunted(half, drive=wave), [0.0], [0.0])
        assert found.voltage[0, 0] == pytest.approx(2 * np.pi * slips / period, rel=1e-12)


@pytest.mark.thorough
def test_hysteresis():
    """An underdamped junction runs on the way down where it rested on the way up."""
    driven = jd.Shunted(jd.TunnelJunction(1.0), 0.2, drive=jd.Drive(3.0, 1.0))
    biases = np.array([0.2, 0.5, 1.3])
    up = jd.shapiro_map(driven, biases, [-30.0])
    down = jd.shapiro_map(driven, biases, [-30.0], sweep="down")
    assert up.voltage[0, 1] == 0
    assert up.voltage[0, 2] == pytest.approx(down.voltage[0, 2], abs=2e-4)
    assert down.voltage[0, 1] > 2


@pytest.mark.slow
def test_sharp_turns_are_in_the_error():
    """The jump of a balanced pair is crossed without locating it: two steps tell the error."""
    pair = jd.SeriesJunctions(1.0, 1.0)
    driven = jd.Shunted(pair, drive=jd.Drive(0.7, 1.0))
    biases = np.array([1.15, 1.55, 1.95])
    found = jd.shapiro_map(driven, biases, [0.0])

    def field(t, y):
        phase = np.mod(y + np.pi, 2 * np.pi) - np.pi
        return biases + np.cos(0.7 * t) - np.sin(phase / 2)

    end = 2 * np.pi / 0.7 * 150
    path = solve_ivp(field, (0, end), np.zeros(3), max_step=0.05, rtol=1e-6, atol=1e-8)
    for k, turns in enumerate(path.y[:, -1] / end):
        assert found.voltage[0, k] == pytest.approx(turns, abs=found.error[0, k] + 0.7 / 150 + 1e-3)


@pytest.mark.slow
def test_other_units():
    biases, powers = np.linspace(-1.2, 1.9, 5), [0.0, 4.0]
    for damping in (None, 1.5):
        wanted = jd.shapiro_map(
            jd.Shunted(DIODE, damping, drive=jd.Drive(0.9, 1.0)), biases, powers
        )
        for size in (1e-9, 1e9):
            rate = size if damping is None else size**0.5
            scaled = jd.Harmonics(size * DIODE.sine, size * DIODE.cosine)
            drive = jd.Drive(0.9 * rate, size)
            own = None if damping is None else damping * rate
            found = jd.shapiro_map(jd.Shunted(scaled, own, drive=drive), size * biases, powers)
            both = rate * (wanted.error + 1e-9) + found.error
            np.testing.assert_array_less(np.abs(found.voltage - rate * wanted.voltage), both)
            assert np.all(found.status == wanted.status)


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    driven = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(1.0, 1.0))
    still = jd.Shunted(jd.TunnelJunction(1.0))
    none = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(1.0, 0.0))
    for match, call in {
        "device must be Shunted.*TunnelJunction": lambda: jd.shapiro_map(SINE, [0.0], [0]),
        "without a drive": lambda: jd.shapiro_map(still, [0.0], [0.0]),
        "amplitude must not be zero": lambda: jd.shapiro_map(none, [0.0], [0.0]),
        "currents must .*increase": lambda: jd.shapiro_map(driven, [0.1, 0.0], [0.0]),
        "powers must hold": lambda: jd.shapiro_map(driven, [0.1], []),
        "powers must be finite": lambda: jd.shapiro_map(driven, [0.1], [-np.inf]),
        "tolerance must be": lambda: jd.shapiro_map(driven, [0.1], [0.0], tolerance=0.0),
        "unknown sweep 'sideways'; allowed: up, down": lambda: jd.shapiro_map(
            driven, [0.1], [0.0], sweep="sideways"
        ),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()


@pytest.mark.thorough
def test_chaos_has_a_wide_error():
    """A strongly driven underdamped junction: the error is not as asked, and says so."""
    driven = jd.Shunted(jd.TunnelJunction(1.0), 0.3, drive=jd.Drive(0.6, 1.0))
    found = jd.shapiro_map(driven, [0.05, 0.3], [0.0, 3.0], longest=600)
    assert np.all(np.isfinite(found.voltage))
    loose = found.status == jd.Status.NOT_CONVERGED
    assert loose.any()
    assert np.all(found.error[loose] > 1e-4)


@pytest.mark.thorough
def test_of_a_failed_device():
    broken = jax.tree.map(lambda x: x * jnp.nan, jd.TunnelJunction(1.0))
    driven = jd.Shunted(broken, drive=jd.Drive(1.0, 1.0))
    found = jd.shapiro_map(driven, [0.1, 0.2], [0.0])
    assert np.all(np.isnan(found.voltage))
    assert np.all(found.status != jd.Status.CONVERGED)
