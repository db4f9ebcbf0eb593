"""Simulated noise: ramps against the theory of escape, mean voltages against exact ones."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from jaxdiode.dynamics.noise import steps_of
from tests.dynamics.two_phases import TwoJunctions

SINE = jd.TunnelJunction(1.0)
HALF = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
GENERIC = jd.Harmonics([1.0, 0.3 * np.cos(1)], [0.0, 0.3 * np.sin(1)])
BALANCED = jd.SeriesJunctions(1.0, 1.0)
DOUBLE_LOOP = jd.Squid.from_pairs([(4.2, 0.8), (3.8, 0.9), (0.8, 0.9)], flux=(0.403, 0.403))
TWO_WELLS = jd.Harmonics([1.0, 1.2 * np.cos(0.8)], [0.0, 1.2 * np.sin(0.8)])
RAMP = {"noise": 0.02, "rate": 1e-4}


def scaled(device, factor):
    return jax.tree.map(lambda x: x * factor, device)


def assert_as_predicted(found, theory, side):
    """Mean within .5 %, deviation within 7 % of the theory, and two standard errors.

    From the shallow one of two wells a few leave backwards before the bias has raised that barrier.
    """
    values = np.asarray((found.plus, found.minus)[side])
    assert np.all(found.status == Status.CONVERGED)
    mean, deviation = float(theory.mean[side]), float(theory.deviation[side])
    stayed = values < mean + 6 * deviation
    assert np.mean(stayed) > 0.93
    values = values[stayed]
    one = deviation / np.sqrt(values.size)
    print(f"{values.mean():.5f} ({mean:.5f}), {values.std():.5f} ({deviation:.5f})")
    assert abs(values.mean() - mean) < 5e-3 * mean + 2 * one
    assert abs(values.std() - deviation) < 0.07 * deviation + 2 * one


# ---- Ramps


@pytest.mark.thorough
def test_first_slips_follow_the_phase_slip_rate():
    """Of a ramp 10 times as fast as those of the sheet, whose slip comes some 5 r = .005 later."""
    found = jd.switching_currents(jd.Shunted(SINE), noise=0.02, rate=1e-3, samples=64, key=2)
    theory = jd.switching_distribution(SINE, noise=0.02, rate=1e-3)
    for side, values in enumerate((found.plus, found.minus)):
        error = float(theory.deviation[side]) / 8
        assert abs(float(jnp.mean(values)) - float(theory.mean[side])) < 3 * error + 5e-3
    assert np.all(found.status == Status.CONVERGED)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::jaxdiode.progress.LongRunWarning")
@pytest.mark.parametrize(
    ("device", "damping", "start", "sides"),
    [
        (GENERIC, None, None, (0, 1)),
        (BALANCED, None, None, (0, 1)),
        (DOUBLE_LOOP, None, None, (0,)),
        (GENERIC, 0.2, None, (0, 1)),
        (TWO_WELLS, 0.2, 2.94, (0,)),
    ],
    ids=["generic", "balanced", "double loop", "generic, β_c = 25", "second well"],
)
def test_ramps_of_the_sheet(device, damping, start, sides):
    shunted = jd.Shunted(device, damping)
    found = jd.switching_currents(shunted, samples=300, key=4, start=start, **RAMP)
    theory = jd.switching_distribution(device, damping=damping, start=start, **RAMP)
    for side in sides:
        assert_as_predicted(found, theory, side)


@pytest.mark.thorough
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_of_a_ramp(factor):
    """Rates in I₀² without capacitance."""
    drive = jd.Drive(0.7, 0.3)
    one = jd.switching_currents(
        jd.Shunted(GENERIC, drive=drive), noise=0.02, rate=1e-2, samples=4, key=1
    )
    other = jd.switching_currents(
        jd.Shunted(scaled(GENERIC, factor), drive=jd.Drive(0.7 * factor, 0.3 * factor)),
        noise=0.02 * factor, rate=1e-2 * factor**2, samples=4, key=1,
    )  # fmt: skip
    np.testing.assert_allclose(other.plus, factor * one.plus, rtol=1e-9)
    np.testing.assert_allclose(other.minus, factor * one.minus, rtol=1e-9)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "drive",
    [None, pytest.param(jd.Drive(1.0, 1.0), marks=pytest.mark.slow), jd.Drive(0.3, 2.0)],
)
def test_ramps_without_noise_end_at_the_critical_currents(drive):
    """Almost without noise they lag behind by a few rates^(2/3); a period of drive is a slip's."""
    shunted = jd.Shunted(HALF, drive=drive)
    exact, found = jd.critical_currents(shunted), jd.switching_currents(shunted)
    np.testing.assert_array_equal([found.plus, found.minus], [exact.plus, exact.minus])
    slow = jd.switching_currents(shunted, noise=1e-9, rate=1e-3, samples=2, key=0)
    for lags, edge in ((slow.plus, exact.plus), (slow.minus, exact.minus)):
        assert np.all((lags > edge) & (lags < edge + 0.06))


@pytest.mark.thorough
def test_ramps_with_square_waves():
    """Slow ones switch where their top does: I₊ − A and I₋ − A."""
    shunted = jd.Shunted(HALF, drive=jd.SquareWave(2 * np.pi / 200, 0.3))
    found = jd.switching_currents(shunted, noise=1e-9, rate=3e-4, samples=2, key=0)
    assert np.all((found.plus > 0.45) & (found.plus < 0.55))
    assert np.all((found.minus > 1.2) & (found.minus < 1.3))


@pytest.mark.thorough
def test_a_phase_that_runs_at_zero_bias():
    shunted = jd.Shunted(HALF, drive=jd.SquareWave(2 * np.pi / 60, 1.2))
    found = jd.switching_currents(shunted, noise=0.01, rate=1e-2, samples=3, key=0)
    assert np.all(found.status == Status.NO_ZERO_VOLTAGE_STATE)
    assert np.all(np.isnan(found.plus))


@pytest.mark.thorough
def test_start():
    """In the other well of two."""
    shunted = jd.Shunted(TWO_WELLS, 0.2)
    near, far = (
        jd.switching_currents(shunted, noise=1e-3, rate=1e-2, samples=4, key=0, start=start)
        for start in (None, 2.94)
    )
    assert abs(float(jnp.mean(near.plus) - jnp.mean(far.plus))) > 0.1
    again = jd.switching_currents(shunted, noise=1e-3, rate=1e-2, samples=4, key=0, start=-0.3)
    np.testing.assert_allclose(again.plus, near.plus, rtol=1e-9)


# ---- Mean voltages


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("device", "bias", "noise", "sheet"),
    [
        (SINE, 0.9, 0.2, 0.33121),
        pytest.param(HALF, 0.7, 0.1, 0.16761, marks=pytest.mark.slow),
        pytest.param(DOUBLE_LOOP, -0.25, 0.08, -0.07471, marks=pytest.mark.slow),
        (BALANCED, 0.9, 0.1, 0.26774),
    ],
    ids=["sine", "half diode", "double loop", "balanced"],
)
def test_voltages_against_exact_ones(device, bias, noise, sheet):
    exact = float(jd.thermal_iv(device, bias, noise=noise).voltage)
    assert abs(exact - sheet) < 5.1e-6
    found = jd.iv_curve(jd.Shunted(device), [bias], noise=noise, duration=600.0, settle=0.1, key=3)
    voltage, error = float(found.up[0]), float(found.up_error[0])
    print(voltage, error, exact)
    assert abs(voltage - exact) < 4 * error
    assert error < 0.015
    assert found.status[0] == Status.CONVERGED
    np.testing.assert_array_equal(found.up, found.down)


@pytest.mark.slow
def test_voltages_are_exact_to_a_part_in_a_thousand():
    """And the errors stated are those of 24 keys."""
    bias = np.array([0.9, 1.5])
    exact = jd.thermal_iv(SINE, bias, noise=0.2).voltage
    runs = [
        jd.iv_curve(jd.Shunted(SINE), bias, noise=0.2, duration=200.0, samples=512, key=key)
        for key in range(24)
    ]
    voltages, errors = np.array([x.up for x in runs]), np.array([x.up_error for x in runs])
    whole = np.mean(errors, 0) / np.sqrt(len(runs))
    assert np.all(np.abs(np.mean(voltages, 0) - exact) < 4 * whole)
    assert np.all(whole < 3e-3 * exact)
    ratio = np.std(voltages, 0, ddof=1) / np.mean(errors, 0)
    assert np.all((ratio > 0.6) & (ratio < 1.5))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "drive",
    [pytest.param(jd.Drive(0.5, [1.0, 0.3]), marks=pytest.mark.slow), jd.SquareWave(0.5, 1.0)],
)
def test_driven_voltages_without_noise_to_speak_of(drive):
    bias = [0.0, 0.3, 0.9]
    shunted = jd.Shunted(HALF, drive=drive)
    exact = jd.iv_curve(shunted, bias)
    found = jd.iv_curve(shunted, bias, noise=1e-10, samples=2, duration=300.0, key=0)
    np.testing.assert_allclose(found.up, exact.up, atol=2e-3)


@pytest.mark.slow
def test_fast_drive_is_a_relation_of_its_own():
    """Of a fast drive of size A the phase feels J₀(A/Ω) sin φ."""
    shunted = jd.Shunted(SINE, drive=jd.Drive(20.0, 20.0))
    found = jd.iv_curve(shunted, [0.6], noise=0.2, duration=200.0, key=1)
    exact = jd.thermal_iv(jd.TunnelJunction(0.7651977), 0.6, noise=0.2).voltage
    assert abs(float(found.up[0] - exact)) < 4 * float(found.up_error[0]) + 5e-3


@pytest.mark.slow
def test_capacitance_is_forgotten_at_strong_damping():
    """φ'' + βφ' = …: β⟨φ'⟩ of β = 8 is the voltage without capacitance within a few per cent."""
    found = jd.iv_curve(jd.Shunted(SINE, 8.0), [0.9], noise=0.2, duration=3000.0, key=1)
    exact = float(jd.thermal_iv(SINE, 0.9, noise=0.2).voltage)
    for voltage, error in ((found.up, found.up_error), (found.down, found.down_error)):
        assert abs(8 * float(voltage[0]) - exact) < 32 * float(error[0]) + 0.02 * exact
    assert found.status[0] == Status.CONVERGED


@pytest.mark.thorough
def test_hysteresis_is_told():
    found = jd.iv_curve(jd.Shunted(SINE, 0.3), [0.6, 2.0], noise=0.01, duration=200.0, key=1)
    assert found.status.tolist() == [Status.NOT_CONVERGED, Status.CONVERGED]
    assert abs(found.up[0]) < 1e-3 < 1 < found.down[0]
    assert "1 of 2 biases are hysteretic" in found.summary()
    least = 2 * np.pi / (64 * 100.0)  # one slip in all
    np.testing.assert_allclose(found.up_error[0], least, rtol=1e-3)


@pytest.mark.thorough
@pytest.mark.parametrize("factor", [1e-9, 1e9])
@pytest.mark.parametrize("damping", [None, 0.5])
def test_units_of_a_voltage(factor, damping):
    options = {"samples": 4, "key": 1}
    root = 1.0 if damping is None else np.sqrt(factor)
    rate = factor if damping is None else root
    one = jd.iv_curve(jd.Shunted(GENERIC, damping), [1.0], noise=0.1, duration=50.0, **options)
    other = jd.iv_curve(
        jd.Shunted(scaled(GENERIC, factor), None if damping is None else damping * root),
        [factor], noise=0.1 * factor, duration=50.0 / rate, **options,
    )  # fmt: skip
    np.testing.assert_allclose(other.up, rate * one.up, rtol=1e-7)
    np.testing.assert_allclose(other.up_error, rate * one.up_error, rtol=1e-7)


def test_several_phases():
    coupled = TwoJunctions((0.5, 0.8), 3.0, (1.0, 0.4), (1.0, 0.6), coupling=0.3)
    found = jd.iv_curve(coupled, [0.5, 3.0], noise=0.01, duration=50.0, samples=4, key=0)
    assert found.up.shape == (2, 2)
    assert np.all(np.isfinite(found.up))


def test_steps_are_short():
    unit = jd.Shunted(SINE)
    assert steps_of(unit, jnp.asarray(0.1), jnp.asarray(0.0)).size <= 0.04
    square = jd.Shunted(SINE, drive=jd.SquareWave(0.7, 1.0))
    steps = steps_of(square, jnp.asarray(0.1), jnp.asarray(0.0))
    assert float(steps.count) % 2 == 0
    np.testing.assert_allclose(steps.count * steps.size, 2 * np.pi / 0.7, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: jd.iv_curve(x, [0.5], noise=0.1), "key must be given with noise"),
        (lambda x: jd.iv_curve(x, [0.5], noise=-0.1, key=0), "noise must be at least 0, got -0.1"),
        (lambda x: jd.iv_curve(x, [0.5], noise=0.1, key=0, samples=1), "samples must be a whole"),
        (lambda x: jd.switching_currents(x, noise=0.1), "key must be given with noise"),
        (lambda x: jd.switching_currents(x, "quench"), "protocol must be 'ramp' without"),
        (lambda x: jd.switching_currents(x, start=1.0), "start must be left out"),
        (
            lambda x: jd.iv_curve(x, [0.5], noise=0.1, key=0, duration=1e12),
            "duration must leave less than 3 days of work",
        ),
        (
            lambda x: jd.switching_currents(x, noise=0.1, key=0, rate=1e-12),
            "rate must leave less than 3 days of work",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(jd.Shunted(SINE))


@pytest.mark.thorough
def test_long_runs_are_announced():
    with warnings.catch_warnings():
        warnings.simplefilter("error", jd.LongRunWarning)
        with pytest.raises(jd.LongRunWarning, match=r"iv_curve of 1 biases with 64 samples"):
            jd.iv_curve(jd.Shunted(SINE), [0.5], noise=0.1, key=0, duration=1e7)
