"""Two phases: uncoupled as two junctions of one phase each, coupled as SciPy integrates them.

Uncoupled junctions share steps and natural units with the one-phase runs, so trajectories agree to
rounding; locked voltages are whole multiples and exact. SciPy (DOP853, 1e-10) checks the coupled
ones: trajectories to the error of Tsit5's fixed steps, 1e-6 at steps of 1/20; ends of the ramp by
staying 0.3 % below for 300/ω_p and leaving 0.3 % above; voltages by means over whole periods.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxdiode as jd
from jaxdiode import Status
from jaxdiode.dynamics.folds import fold_limit
from tests.dynamics.two_phases import TwoJunctions

DRIVES, BETA, OMEGA = (1.0, 0.4), 0.5, 3.0


@pytest.fixture(autouse=True)
def _compiled_as_for_users(optimised):
    """Long integrations."""


def one(k, frequency=OMEGA):
    return jd.KapitzaJunction(
        BETA,
        frequency,
        mean_current=1.0,
        drive_current=DRIVES[k],
        static_current=1.0,
        phase_offset=np.pi / 2,
    )


def two(coupling=0.0, drives=DRIVES, frequency=OMEGA):
    return TwoJunctions(BETA, frequency, drives, (1.0, 1.0), coupling=coupling)


COUPLED = TwoJunctions((0.5, 0.8), 3.0, (1.0, 0.4), (1.0, 0.6), coupling=0.3)


def scipy_phases(device, bias, times, start, drive=lambda t: 1.0):
    """φ at times, by other code than the device's; `bias` and `drive` are functions of time."""
    beta, a0, a, b = (
        np.asarray(x)
        for x in (
            device.damping, device.mean_current, device.drive_current, device.static_current,
        )
    )  # fmt: skip
    omega, offset, g = (
        float(x) for x in (device.drive_frequency, device.phase_offset, device.coupling)
    )

    def field(t, y):
        x, v = y[:2], y[2:]
        flows = [
            (a0[k] + a[k] * drive(t) * np.cos(omega * t)) * np.sin(x[k])
            + b[k] * np.sin(x[k] + offset)
            + g * (x[k] - x[1 - k])
            for k in (0, 1)
        ]
        return [*v, *(bias(t) - beta[k] * v[k] - flows[k] for k in (0, 1))]

    found = solve_ivp(
        field, (times[0], times[-1]), np.ravel(start), "DOP853", times, rtol=1e-10, atol=1e-10
    )
    return found.y[:2].T


@pytest.mark.slow
def test_trajectory_uncoupled():
    found = jd.trajectory(two(), 1.6, duration=60.0, samples=121)
    assert found.phase.shape == found.velocity.shape == (121, 2)
    for k in (0, 1):
        alone = jd.trajectory(one(k), 1.6, duration=60.0, samples=121)
        np.testing.assert_allclose(found.phase[:, k], alone.phase, rtol=0, atol=1e-11)
        np.testing.assert_allclose(found.velocity[:, k], alone.velocity, rtol=0, atol=1e-11)


@pytest.mark.thorough
@pytest.mark.parametrize("bias", [0.6, 1.9])
def test_trajectory_coupled(bias):
    start = [0.1, -0.3], [0.2, 0.0]
    found = jd.trajectory(COUPLED, bias, duration=40.0, samples=81, start=start)
    expected = scipy_phases(COUPLED, lambda t: bias, np.asarray(found.time), start)
    np.testing.assert_allclose(found.phase, expected, rtol=0, atol=2e-6)


@pytest.mark.slow
def test_ramp_uncoupled_ends_with_the_first_junction():
    found = jd.switching_currents(two())
    alone = [jd.switching_currents(one(k)) for k in (0, 1)]
    assert int(found.status) == Status.CONVERGED
    for name in ("plus", "minus"):
        expected = min(float(getattr(x, name)) for x in alone)
        np.testing.assert_allclose(getattr(found, name), expected, rtol=0, atol=5e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("sign", [1, -1])
def test_ramp_coupled(sign):
    """Raised slowly by SciPy, from the state of rest of the ramp."""
    found = jd.switching_currents(COUPLED)
    end = float(found.plus if sign > 0 else found.minus)
    start = np.concatenate([np.asarray(COUPLED.rest()), np.zeros(2)])
    for part, leaves in ((0.997, False), (1.003, True)):

        def bias(t, most=sign * part * end):
            return most * np.clip((t - 100) / 300, 0, 1)

        times = np.linspace(0.0, 700.0, 701)
        phases = scipy_phases(COUPLED, bias, times, start, lambda t: min(t / 60, 1.0))
        gone = np.abs(phases[-1] - phases[0]).max() > 4 * np.pi
        assert gone == leaves


@pytest.mark.slow
def test_voltages_uncoupled():
    """Locked ones exactly, others within both errors."""
    biases = np.array([-1.9, 0.3, 1.2, 1.6, 2.2])
    found = jd.iv_curve(two(), biases, duration=200.0)
    assert found.up.shape == found.up_error.shape == found.up_status.shape == (5, 2)
    for k in (0, 1):
        alone = jd.iv_curve(one(k), biases, duration=200.0)
        for name in ("up", "down"):
            have, want = getattr(found, name)[:, k], getattr(alone, name)
            errors = getattr(found, name + "_error")[:, k] + getattr(alone, name + "_error")
            assert np.all(np.abs(have - want) <= 3 * errors + 1e-12)


@pytest.mark.thorough
def test_voltages_coupled():
    """Both phases run together; the mean over 120 periods of SciPy's, after 40."""
    biases = np.array([0.5, 1.7, 2.3])
    found = jd.iv_curve(COUPLED, biases, duration=200.0)
    np.testing.assert_allclose(found.up[:, 0], found.up[:, 1], atol=2e-6)
    np.testing.assert_array_equal(found.up[0], 0.0)
    period = 2 * np.pi / 3.0
    for k in (1, 2):
        times = period * np.array([0.0, 40.0, 160.0])
        phases = scipy_phases(COUPLED, lambda t, i=biases[k]: i, times, np.zeros(4))
        mean = (phases[2] - phases[1]) / (120 * period)
        # A window that is no whole number of turns leaves up to one turn.
        np.testing.assert_allclose(found.up[k], mean, atol=2 * np.pi / (120 * period))
        assert np.all(found.up[k] > 0.5)


@pytest.mark.thorough
def test_without_drive():
    """Strobed by the plasma frequency; one junction knows its limit cycle."""
    device = two(drives=(0.0, 0.0), frequency=None)
    found = jd.iv_curve(device, [0.4, 1.0, 1.8], duration=200.0, tolerance=1e-5)
    alone = jd.iv_curve(
        jd.KapitzaJunction(
            BETA,
            3.0,
            mean_current=1.0,
            drive_current=0.0,
            static_current=1.0,
            phase_offset=np.pi / 2,
        ),
        [0.4, 1.0, 1.8],
    )
    for name in ("up", "down"):
        want = getattr(alone, name)[:, None]
        errors = getattr(found, name + "_error")
        assert np.all(np.abs(getattr(found, name) - want) <= 3 * errors + 1e-9)


@pytest.mark.slow
def test_ramp_without_drive():
    """Ends at the critical current of both, √2."""
    ramp = jd.switching_currents(two(drives=(0.0, 0.0), frequency=None))
    np.testing.assert_allclose([ramp.plus, ramp.minus], np.sqrt(2.0), atol=1e-4)


@pytest.mark.thorough
def test_noise_of_vanishing_strength_switches_at_the_ramp():
    """A rate of 1e-3 lags by less than 3 %; both samples agree."""
    found = jd.switching_currents(COUPLED, noise=1e-9, rate=1e-3, samples=2, key=1)
    ramp = jd.switching_currents(COUPLED)
    for name in ("plus", "minus"):
        np.testing.assert_allclose(getattr(found, name), getattr(ramp, name), rtol=3e-2)
        np.testing.assert_allclose(*getattr(found, name), rtol=1e-3)


@pytest.mark.slow
def test_noise_uncoupled_is_that_of_two_junctions():
    """Each sample ends with the first of two: means of 64 samples within four standard errors."""
    options = {"noise": 0.01, "rate": 5e-3, "samples": 64}
    found = jd.switching_currents(two(), **options, key=1)
    alone = [jd.switching_currents(one(k), **options, key=2 + k) for k in (0, 1)]
    for name in ("plus", "minus"):
        have = np.asarray(getattr(found, name))
        want = np.min([getattr(x, name) for x in alone], axis=0)
        spread = np.hypot(have.std(), want.std()) / 8
        assert spread > 1e-3
        assert abs(have.mean() - want.mean()) < 4 * spread


@pytest.mark.slow
def test_quench():
    found = jd.switching_currents(two(), "quench", accuracy=1e-3, duration=100.0)
    alone = [jd.switching_currents(one(k), "quench", accuracy=1e-3, duration=100.0) for k in (0, 1)]
    expected = min(float(x.plus) for x in alone)
    np.testing.assert_allclose(found.plus, expected, atol=1e-2)


def test_start_is_one_of_each_phase():
    with pytest.raises(ValueError, match=r"^start\[0\] must be a list of numbers, got shape \(\)"):
        jd.trajectory(COUPLED, 0.1, start=(0.0, 0.0))
    with pytest.raises(ValueError, match=r"^start\[1\] must have length 2 \(one of each phase\)"):
        jd.trajectory(COUPLED, 0.1, start=([0.0, 0.0], [0.0]))


def test_folds_are_of_one_phase():
    with pytest.raises(ValueError, match=r"^device must have one phase, got 2"):
        fold_limit(COUPLED, jnp.asarray(1.0))
