"""Mean voltages of I–V curves and their errors.

Undriven against periods between two passages by SciPy (tests.reference.kapitza_means, good to
1e-8) and the retrapping currents of shared/physics/dynamics.md. Driven: locked states are exact;
regular ones against SciPy, chaotic ones against an ensemble in NumPy, both within three of the
errors returned.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxdiode as jd
from jaxdiode import Status
from tests import helpers
from tests.reference.kapitza import Drive
from tests.reference.kapitza_means import cycle_voltage, driven_voltage, ensemble_voltage

HALF = np.pi / 2
SIX = np.array([-1.2, 0.0, 0.5, 0.9, 0.95, 1.2])
BIASES = (1.001, 1.01, 1.1, 1.3, 2.0, 3.0)


@pytest.fixture(autouse=True)
def _compiled_as_for_users(optimised):
    """Long integrations."""


def plain(beta):
    """sin φ, no drive."""
    return jd.KapitzaJunction(damping=beta, drive_frequency=1.0)


def reference(beta, a1=0.0, omega=1.0, b=0.0):
    return Drive(1.0, (a1,), b, HALF, omega, beta)


def driven(beta, omega, a1):
    return jd.KapitzaJunction(
        beta, omega, mean_current=1.0, drive_current=a1, static_current=1.0, phase_offset=HALF
    )


# ---- Without drive


@pytest.mark.thorough
def test_values_that_a_box_average_missed():
    for beta, current, voltage in (
        (10, 1.02, 0.02010008),
        (10, 1.1, 0.0458271),
        (5, 1.3, 0.16623652),
    ):
        found = jd.iv_curve(plain(float(beta)), [current])
        helpers.assert_close(found.up, voltage, absolute=6e-9)
        np.testing.assert_array_equal(found.up, found.down)


@pytest.mark.thorough
@pytest.mark.parametrize("beta", [0.3, 1.0, 3.0, 5.0, 10.0, 30.0])
def test_running_state_is_that_of_whole_periods(beta):
    """Alone and as one of several, in both directions and sweeps."""
    expected = [cycle_voltage(reference(beta), i) for i in BIASES]
    several = jd.iv_curve(plain(beta), BIASES)
    helpers.assert_close(several.up, expected, absolute=1e-8 * np.array(expected))
    negative = jd.iv_curve(plain(beta), [-x for x in BIASES[::-1]])
    np.testing.assert_array_equal(negative.up, -several.up[::-1])
    np.testing.assert_array_equal(negative.down, negative.up)
    np.testing.assert_array_equal(several.up, several.down)
    assert (several.up_status == Status.CONVERGED).all()
    assert (several.up_error <= 1e-8 * np.abs(several.up)).all()
    for k in (0, 3):
        alone = jd.iv_curve(plain(beta), [BIASES[k]])
        np.testing.assert_array_equal(alone.up, several.up[k])


@pytest.mark.thorough
@settings(max_examples=12)
@given(
    beta=st.floats(-0.5, 1.5).map(lambda x: 10.0**x),
    excess=st.floats(-3.0, 0.3).map(lambda x: 10.0**x),
)
def test_any_running_state(beta, excess):
    found = jd.iv_curve(plain(beta), [1 + excess], duration=60.0)
    expected = cycle_voltage(reference(beta), 1 + excess)
    for voltage, error in ((found.up, found.up_error), (found.down, found.down_error)):
        assert abs(voltage[0] - expected) <= 1e-6 * expected
        assert error[0] <= 1e-6 * expected


RETRAPPING = {0.1: 0.1270088598, 0.3: 0.3734743858, 0.5: 0.5973832003, 0.8: 0.8591111050}


@pytest.mark.thorough
@pytest.mark.parametrize("beta", RETRAPPING)
def test_hysteresis_ends_where_the_cycle_does(beta):
    """Up it rests below 1, down it runs above the retrapping current."""
    edge = RETRAPPING[beta]
    biases = np.array([-1.5, 1e-6, edge - 1e-8, edge + 1e-8, 1.0, 1.5])
    found = jd.iv_curve(plain(beta), biases)
    np.testing.assert_array_equal(found.up[1:5], 0.0)
    np.testing.assert_array_equal(found.down[1:3], 0.0)
    np.testing.assert_array_equal(found.up_error[1:5], 0.0)
    assert (found.down[3:5] > 0.1).all()
    assert found.up[5] == found.down[5]
    assert found.up[0] == found.down[0] == -found.up[5]
    assert (found.up_status == Status.CONVERGED).all()
    assert (found.down_status == Status.CONVERGED).all()


@pytest.mark.thorough
@pytest.mark.parametrize("beta", [1.2, 1.5, pytest.param(5.0, marks=pytest.mark.slow)])
def test_no_hysteresis_where_damping_is_strong(beta):
    biases = np.array([-0.9999, 0.5, 0.9999, 1.0, 1 + 1e-5, 1.5])
    found = jd.iv_curve(plain(beta), biases)
    np.testing.assert_array_equal(found.up, found.down)
    np.testing.assert_array_equal(found.up[:4], 0.0)
    expected = cycle_voltage(reference(beta), biases[4], tolerance=1e-10)
    helpers.assert_close(found.up[4], expected, absolute=1e-6 * expected)
    assert found.up_error[4] < 1e-6 * expected
    assert (found.up_status == Status.CONVERGED).all()


def test_shifted_relation_and_no_supercurrent():
    """a₀ sin φ + b sin(φ + π/2) is √2 sin(φ + π/4): V(i) = 2^¼ v(i/√2, β/2^¼)."""
    root = 2**0.25
    shifted = jd.iv_curve(driven(root * 0.8, 3.0, 0.0), np.sqrt(2) * SIX)
    plainly = jd.iv_curve(plain(0.8), SIX)
    helpers.assert_close(shifted.up, root * plainly.up, absolute=1e-11)
    helpers.assert_close(shifted.down, root * plainly.down, absolute=1e-11)
    empty = jd.iv_curve(jd.KapitzaJunction(0.5, 1.0, mean_current=0.0), SIX)
    helpers.assert_close(empty.up, 2 * SIX, absolute=1e-14)


# ---- With drive


@pytest.mark.thorough
def test_locked_states_are_exact():
    found = jd.iv_curve(driven(0.5, 3.0, 1.0), [-1.2, 0.0, 1e-6, 1.3, 1.6, 1.9])
    np.testing.assert_array_equal(found.up[:4], 0.0)
    np.testing.assert_array_equal(found.up[4:], 3.0)
    np.testing.assert_array_equal(found.up_error, 0.0)
    for current, voltage in ((0.1, 1 / 4), (0.3, 1 / 3)):
        assert jd.iv_curve(driven(0.5, 1.0, 2.5), [current]).up[0] == voltage


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "current"), [((0.5, 3.0, 1.0), 2.2), ((0.5, 1.0, 2.5), -1.7), ((2.0, 1.0, 0.5), 2.0)]
)
def test_regular_motion(device, current):
    beta, omega, a1 = device
    found = jd.iv_curve(driven(beta, omega, a1), [current])
    assert found.up_status[0] == Status.CONVERGED
    assert 0 < found.up_error[0] <= 1e-6 * abs(found.up[0])
    same = reference(beta, a1, omega, 1.0)
    expected = driven_voltage(same, current, (0.0, current / beta), 40, 400)
    assert abs(found.up[0] - expected) <= 3 * found.up_error[0]


@pytest.mark.slow
@pytest.mark.parametrize("current", [-0.7, -0.5])
def test_chaos_has_an_honest_error(current):
    found = jd.iv_curve(driven(0.5, 1.0, 2.5), [current])
    same = reference(0.5, 2.5, 1.0, 1.0)
    expected, spread = ensemble_voltage(same, current, lanes=192, periods=200, steps=80)
    for voltage, error, status in (
        (found.up[0], found.up_error[0], found.up_status[0]),
        (found.down[0], found.down_error[0], found.down_status[0]),
    ):
        assert status == Status.NOT_CONVERGED
        assert 1e-3 < error < 0.1
        assert abs(voltage - expected) <= 3 * np.hypot(error, spread)


@pytest.mark.slow
def test_chaotic_errors_are_standard_errors():
    """48 windows at four biases: deviations over errors have a root mean square of about 1."""
    same = reference(0.5, 2.5, 1.0, 1.0)
    scores = []
    for current in (-0.7, -0.5, -0.3, -0.1):
        expected, spread = ensemble_voltage(same, current, lanes=128, periods=600, steps=80)
        for longest in np.linspace(500.0, 2900.0, 6):
            found = jd.iv_curve(driven(0.5, 1.0, 2.5), [current], longest=longest, duration=500.0)
            for way in ((found.up, found.up_error), (found.down, found.down_error)):
                scores.append((way[0][0] - expected) / np.hypot(way[1][0], spread))
    print(np.sqrt(np.mean(np.square(scores))), np.max(np.abs(scores)))
    assert np.sqrt(np.mean(np.square(scores))) < 1.5
    assert np.mean(np.abs(scores) > 3) <= 0.05


@pytest.mark.thorough
def test_a_beat_longer_than_the_window():
    """V is 4e-4 below step 5: one beat takes 16 000. Short stays say what they cannot know."""
    device = driven(0.1, 3.0, 1.0)
    exact = jd.iv_curve(device, [1.5], duration=60_000.0, longest=60_000.0)
    assert 1e-4 < 15 - exact.up[0] < 5e-4
    for duration in (200.0, 500.0, 2000.0):
        short = jd.iv_curve(device, [1.5], duration=duration, longest=duration)
        assert abs(short.up[0] - exact.up[0]) <= 3 * short.up_error[0]
        assert abs(short.down[0] - exact.up[0]) <= 3 * short.down_error[0]


def test_chaos_within_a_well_has_no_voltage():
    """Past the period doublings of a₁ = Ω = 1 (flip .616, ramp .696) the phase stays."""
    for current in (-0.68, -0.6):
        found = jd.iv_curve(driven(0.5, 1.0, 1.0), [current])
        assert found.up[0] == found.down[0] == 0.0
        assert found.up_error[0] <= 2 * np.pi / 4000
    assert (found.up_error[0], found.up_status[0]) == (0.0, Status.CONVERGED)


@pytest.mark.slow
def test_lanes_of_driven_and_undriven_junctions():
    def curve(a1):
        return jd.iv_curve(driven(0.5, 3.0, a1), SIX, duration=100.0)

    together = jax.jit(jax.vmap(curve))(jnp.array([0.0, 1.0]))
    for k, a1 in enumerate((0.0, 1.0)):
        alone = curve(a1)
        for one, other in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            helpers.assert_close(one[k], other, absolute=1e-9)


@pytest.mark.thorough
def test_biases_may_be_traced():
    for device, voltage in ((plain(10.0), 0.0458271), (driven(0.5, 3.0, 1.0), 0.0)):
        found = jax.jit(lambda i, device=device: jd.iv_curve(device, i).up)(jnp.array([1.1]))
        helpers.assert_close(found, voltage, absolute=6e-9)


def test_the_longest_stay_is_checked():
    with pytest.raises(ValueError, match=r"^longest must be at least duration \(500\), got 100"):
        jd.iv_curve(plain(0.5), [1.0], longest=100.0)
    with pytest.raises(ValueError, match=r"^tolerance must be positive"):
        jd.iv_curve(plain(0.5), [1.0], tolerance=0.0)
