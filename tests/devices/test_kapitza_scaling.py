"""Nothing depends on the unit of currents: (a, b, c, i) → λ·, rates → √λ·, from 1e-9 to 1e9.

Steps of integrations and tolerances are counted in the junction's own unit, so that only rounding
differs: 1e-12, or 1e-9 where 10⁴ steps of a running phase carry it on. Chaotic states, whose
rounding grows, are left out.
"""

import jax
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import jaxdiode as jd
from tests import helpers

SIX = np.array([-2.2, -0.5, 1.3, 1.6, 1.9, 2.3])
FACTORS = st.floats(-9.0, 9.0).map(lambda x: 10.0**x)


def junction(factor=1.0, a1=1.0, beta=0.5, omega=3.0, **options):
    root = np.sqrt(factor)
    return jd.KapitzaJunction(
        beta * root,
        omega * root,
        mean_current=factor,
        drive_current=factor * a1,
        static_current=factor,
        phase_offset=np.pi / 2,
        **options,
    )


def assert_scaled(found, expected, unit, relative=1e-12):
    scale = unit * np.nanmax(np.abs(expected))
    helpers.assert_close(
        np.nan_to_num(found / scale, nan=-7.0),
        np.nan_to_num(np.asarray(expected) * unit / scale, nan=-7.0),
        absolute=relative,
    )


@pytest.mark.slow
@settings(max_examples=3)
@example(factor=1e-9, a1=1.0, omega=1.0)
@example(factor=1e9, a1=1.0, omega=3.0)
@given(factor=FACTORS, a1=st.floats(0.1, 1.5), omega=st.floats(1.6, 5.0))
def test_limits_and_critical_currents(factor, a1, omega):
    expected, found = (junction(x, a1, 0.5, omega) for x in (1.0, factor))
    one, other = expected.limits(), found.limits()
    np.testing.assert_array_equal(one.status, other.status)
    for name in ("fold", "flip", "ramp", "period_two_fold"):
        want, have = (np.asarray(getattr(x, name)) for x in (one, other))
        if name == "ramp":  # after a period doubling a coarse ramp is chaos, and ends anywhere
            settled = np.asarray(one.status) == jd.Status.CONVERGED
            want, have = want[settled], have[settled]
        if np.isfinite(want).any():
            assert_scaled(have, want, factor)
        else:
            assert np.isnan(have).all()
    for criterion in ("fold", "switching", "stability"):
        a, b = (jd.critical_currents(x, criterion) for x in (expected, found))
        assert a.status == b.status
        if np.isfinite(a.plus):
            helpers.assert_close(a.efficiency, b.efficiency, absolute=1e-12)
    for form in ("corrected", "paper"):
        a, b = (x.averaged(form) for x in (expected, found))
        assert_scaled(np.asarray(b.sine), np.asarray(a.sine), factor)


@pytest.mark.slow
@settings(max_examples=6)
@example(factor=1e-9, a1=0.0)
@example(factor=1e9, a1=1.0)
@given(factor=FACTORS, a1=st.sampled_from([0.0, 1.0]))
def test_voltages(factor, a1):
    root = np.sqrt(factor)
    one = jd.iv_curve(junction(a1=a1), SIX, duration=100.0)
    other = jd.iv_curve(junction(factor, a1), factor * SIX, duration=100.0 / root)
    for name in ("up", "down"):
        assert_scaled(getattr(other, name), getattr(one, name), root, 1e-9)
        status = f"{name}_status"
        np.testing.assert_array_equal(getattr(one, status), getattr(other, status))
        errors = getattr(other, f"{name}_error") / root, getattr(one, f"{name}_error")
        helpers.assert_close(*errors, absolute=1e-8)


@pytest.mark.slow
@pytest.mark.usefixtures("optimised")  # long integrations
@settings(max_examples=4)
@example(factor=1e-9)
@example(factor=1e9)
@given(factor=FACTORS)
def test_trajectories_and_measurements(factor):
    root = np.sqrt(factor)
    one, other = junction(), junction(factor)
    a = jd.trajectory(one, 2.2, duration=20.0, samples=21)
    b = jd.trajectory(other, 2.2 * factor, duration=20.0 / root, samples=21)
    helpers.assert_close(a.phase, b.phase, absolute=1e-9)
    helpers.assert_close(a.velocity, b.velocity / root, absolute=1e-9)
    noisy = {"samples": 2, "key": jax.random.key(1)}
    pairs = (
        (jd.switching_currents(x, accuracy=1e-2) for x in (one, other)),
        (
            jd.switching_currents(x, noise=0.01 * f, rate=5e-3 * f**1.5, **noisy)
            for x, f in ((one, 1.0), (other, factor))
        ),
        (
            jd.switching_currents(x, "quench", accuracy=1e-2, duration=50 / np.sqrt(f))
            for x, f in ((one, 1.0), (other, factor))
        ),
    )
    for a, b in pairs:
        assert_scaled(np.array([b.plus, b.minus]), np.array([a.plus, a.minus]), factor, 1e-9)


@pytest.mark.parametrize("current", [1e-15, 1e-9, 1e3])
@pytest.mark.parametrize("farads", [1e-18, 1e-6])
def test_circuits_of_any_size(current, farads):
    """Amperes, seconds and volts go round: V = Φ₀ f for f = ⟨φ'⟩ f_p, ω_p² = 2πI₀/Φ₀C."""
    scale = jd.kapitza.CircuitScale(current, farads, resistance=50.0)
    quantum, boltzmann = 2.067833848461929e-15, 1.380649e-23
    plasma = np.sqrt(2 * np.pi * current / (quantum * farads))
    for found, expected in (
        (scale.plasma_frequency, plasma / (2 * np.pi)),
        (scale.damping, 1 / (50 * farads * plasma)),
        (scale.amperes(2.0), 2 * current),
        (scale.volts(2.0), quantum * plasma / np.pi),
        (scale.seconds(2.0), 2 / plasma),
        (scale.hertz(2.0), plasma / np.pi),
        (scale.noise(0.05), boltzmann * 0.05 * 2 * np.pi / (quantum * current)),
    ):
        helpers.assert_close(found / expected, 1.0, absolute=1e-12)
