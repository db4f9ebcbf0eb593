"""Switching currents, I–V curves and trajectories of a driven junction, and wrong arguments.

Tolerances. Ramps: three times what the sheet (shared/physics/kapitza.md) allows for its own, plus
half of its last digit; out of chaos, where the result depends on how long one holds, 1 %.
Integrations in time against SciPy's DOP853 at 1e-11: constant steps of T/40 leave 1e-8, and less
than 1e-7 over these times. Noise: standard errors of N ramps, σ/√N for the mean and σ/√2N for the
width.
"""

import hypothesis
import jax
import jaxtyping
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import jaxdiode as jd
from jaxdiode import Status
from tests import helpers

HALF = np.pi / 2


def junction(a1, omega, beta=0.5, b=1.0, phi0=HALF):
    return jd.KapitzaJunction(
        beta, omega, mean_current=1.0, drive_current=a1, static_current=b, phase_offset=phi0
    )


# ---- Ramps

RAMPS = [
    ((0.5, 2.0), 1.42630, 1.39702, 0.01037, 3e-6),
    ((1.0, 1.5), 1.48234, 1.29427, 0.06773, 6e-6),
    ((1.0, 3.0), 1.43907, 1.38518, 0.01908, 1e-6),
    ((2.0, 2.0, 1.0), 1.57481, 1.19584, 0.13678, 4e-5),
    ((3.0, 4.0), 1.54561, 1.27113, 0.09744, 2e-6),
    ((8.0, 5.0), 2.01637, 1.00701, 0.33385, 6e-6),
    ((1.0, 3.0, 0.5, 1.0, 1.5 * HALF), 0.78485, 0.74714, 0.02461, 6e-6),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("arguments", "plus", "minus", "eta", "error"), RAMPS)
def test_ramp_of_the_sheet(arguments, plus, minus, eta, error):
    found = jd.switching_currents(junction(*arguments))
    assert found.status == Status.CONVERGED
    accuracy = 1e-5 * max(plus, minus)  # that of the ramp asked for
    allowed = 3 * error * plus + 5e-6 + accuracy
    helpers.assert_close([found.plus, found.minus], [plus, minus], absolute=allowed)
    helpers.assert_close(found.efficiency, eta, absolute=3 * error + 5e-6 + accuracy)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "plus", "minus"),
    [((1.0, 1.0), 1.47915, 0.696), ((3.0, 1.1, 1.0), 1.3411, 0.28088)],
)
def test_ramp_after_a_period_doubling(arguments, plus, minus):
    found = jd.switching_currents(junction(*arguments))
    assert found.status == Status.CONVERGED
    helpers.assert_close(found.plus, plus, absolute=1e-4)
    helpers.assert_close(found.minus, minus, absolute=0.01 * minus)


@pytest.mark.thorough
def test_ramp_of_a_resonant_drive_does_not_end_at_its_fold():
    """The + fold at 1.018 leads to another orbit in the well, which ends at 1.379."""
    found = jd.switching_currents(junction(0.5, 0.9, 0.1))
    helpers.assert_close(found.plus, 1.379, absolute=2e-3)


def test_ramp_of_a_state_that_runs_has_a_status():
    found = jd.switching_currents(junction(3.0, 2.0))
    assert found.status == Status.NO_ZERO_VOLTAGE_STATE
    assert np.isnan([found.plus, found.minus, found.efficiency]).all()


@pytest.mark.thorough
def test_slow_drive_is_no_diode():
    """At Ω = 0.1 both directions switch within 1.5 % of √((a₀ − a₁)² + b²) = 1."""
    found = jd.switching_currents(junction(1.0, 0.1))
    helpers.assert_close([found.plus, found.minus], 1.0, absolute=0.015)
    assert abs(found.efficiency) < 0.006


def test_ramp_without_drive_finds_no_diode():
    found = jd.switching_currents(junction(0.0, 3.0, 0.3))
    helpers.assert_close([found.plus, found.minus], np.sqrt(2), absolute=3e-5)


# ---- Quenches


@pytest.mark.slow
def test_quench_finds_a_diode_where_there_is_none():
    for beta, eta in ((0.1, 0.276), (0.3, 0.186), (0.5, 0.116)):
        found = jd.switching_currents(junction(0.0, 3.0, beta), "quench")
        helpers.assert_close(found.efficiency, eta, absolute=3e-3)
        assert found.plus <= np.sqrt(2)
    driven = jd.switching_currents(junction(1.0, 3.0, 0.1), "quench")
    # SciPy's DOP853 at biases .0025 apart: 1.355 and .325 hold, 1.3575 and .3275 run.
    helpers.assert_close(driven.plus, 1.35625, absolute=2e-3)
    helpers.assert_close(driven.minus, 0.32625, absolute=2e-3)
    ramp = jd.switching_currents(junction(1.0, 3.0, 0.1))
    helpers.assert_close(ramp.efficiency, 0.0196, absolute=1e-4)


# ---- Noise


def euler_heun(direction, samples, seed, *, a1=1.0, omega=3.0, beta=0.5, gamma=0.01, rate=5e-4):
    """Noisy ramps in NumPy (a₀ = b = 1, φ₀ = π/2): drive on in half of 40/ω_p, then the bias."""
    rng = np.random.default_rng(seed)
    size, settling, rest = 0.05, 40.0, -np.pi / 4
    x, v = np.full(samples, rest), np.zeros(samples)
    current = np.full(samples, np.nan)
    spread = np.sqrt(2 * beta * gamma * size)

    def pull(t, x, v):
        drive = a1 * min(t / 20.0, 1.0) * np.cos(omega * t)
        bias = direction * rate * max(t - settling, 0.0)
        return bias - beta * v - (1 + drive) * np.sin(x) - np.sin(x + HALF)

    k = 0
    while np.isnan(current).any():
        t = k * size
        kick = spread * rng.standard_normal(samples)
        a = pull(t, x, v)
        x1, v1 = x + size * v, v + size * a + kick
        x, v = x + size * (v + v1) / 2, v + size * (a + pull(t + size, x1, v1)) / 2 + kick
        ran = (np.abs(x - rest) > 4 * np.pi) & np.isnan(current)
        current[ran] = rate * (t + size - settling)
        k += 1
    return current


@pytest.mark.slow
def test_noisy_ramps_are_those_of_the_sheet_and_of_numpy():
    """a₁ = 1, Ω = 3, γ = 0.01, rate 5e-4: ⟨I⟩ = 1.398/1.350 and σ = 0.024/0.021.

    256 ramps: standard errors 1.5e-3 (means) and 1.0e-3 (widths). Two of them, and half of the
    sheet's last digit; three of the difference to NumPy's 256.
    """
    count = 256
    found = jd.switching_currents(junction(1.0, 3.0), noise=0.01, samples=count, key=5)
    assert found.plus.shape == found.minus.shape == (count,)
    assert (found.status == Status.CONVERGED).all()
    sheet = ((found.plus, 1, 1.398, 0.024), (found.minus, -1, 1.350, 0.021))
    for currents, direction, mean, width in sheet:
        one = width / np.sqrt(count)
        print(direction, np.mean(currents), np.std(currents))
        helpers.assert_close(np.mean(currents), mean, absolute=2 * one + 5e-4)
        helpers.assert_close(np.std(currents), width, absolute=2 * one / np.sqrt(2) + 5e-4)
        other = euler_heun(direction, count, seed=11)
        print(direction, np.mean(other), np.std(other))
        helpers.assert_close(np.mean(currents), np.mean(other), absolute=3 * one * np.sqrt(2))
        helpers.assert_close(np.std(currents), np.std(other), absolute=3 * one)
    helpers.assert_close(
        found.efficiency,
        (np.mean(found.plus) - np.mean(found.minus)) / np.mean([found.plus, found.minus]) / 2,
        absolute=1e-12,
    )


def test_noise_is_drawn_from_the_key():
    device = junction(1.0, 3.0)
    one, same, other = (
        jd.switching_currents(device, noise=0.01, rate=5e-3, samples=4, key=key)
        for key in (3, jax.random.key(3), 4)
    )
    np.testing.assert_array_equal(one.plus, same.plus)
    assert (one.plus != other.plus).any()
    assert len(set(np.asarray(one.plus).tolist())) > 1


# ---- Trajectories and I–V curves


def motion(a1, omega, beta, current):
    """(φ', φ'') of a₀ = b = 1, φ₀ = π/2, typed anew."""

    def derivative(t, y):
        flowing = (1 + a1 * np.cos(omega * t)) * np.sin(y[0]) + np.cos(y[0])
        return y[1], current - beta * y[1] - flowing

    return derivative


def integrate(derivative, duration, state, times=None):
    return solve_ivp(
        derivative, (0, duration), state, "DOP853", times, rtol=1e-11, atol=1e-11
    ).y  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("current", [0.7, 2.2, -1.9])
def test_trajectory(current):
    """From the static minimum at rest; ±: within the well and running."""
    found = jd.trajectory(junction(1.0, 3.0), current, duration=50.0, samples=201)
    np.testing.assert_allclose(found.time, np.linspace(0, 50, 201), atol=1e-12)
    expected = integrate(motion(1.0, 3.0, 0.5, current), 50.0, (-np.pi / 4, 0.0), found.time)
    helpers.assert_close(found.phase, expected[0], absolute=1e-7)
    helpers.assert_close(found.velocity, expected[1], absolute=1e-7)
    assert abs(found.phase[-1]) > 50 or abs(current) < 1


@pytest.mark.thorough
def test_trajectory_from_a_given_start():
    found = jd.trajectory(junction(1.0, 3.0), 0.3, duration=50.0, start=(2.0, -1.5), samples=201)
    expected = integrate(motion(1.0, 3.0, 0.5, 0.3), 50.0, (2.0, -1.5), found.time)
    helpers.assert_close(found.phase, expected[0], absolute=1e-7)


BIASES = np.linspace(0.25, 3.0, 12)


@pytest.mark.slow
def test_steps_of_the_drive():
    """Locked voltages are Ω to rounding over a range of biases; zero voltage is zero."""
    found = jd.iv_curve(junction(1.0, 3.0), BIASES, duration=500.0)
    assert (np.abs(found.up[BIASES < 1.4]) < 1e-9).all()
    locked = (BIASES >= 1.5) & (BIASES <= 2.0)
    assert locked.sum() == 3
    helpers.assert_close(found.up[locked], 3.0, absolute=1e-9)
    assert found.up[-1] - found.up[-2] > 0.3  # no step any more


@pytest.mark.thorough
def test_hysteresis_without_drive():
    """Switching at √2, retrapping at 4β√I₁/π (weak damping), ohmic far above: V = i/β."""
    beta = 0.25
    found = jd.iv_curve(junction(0.0, 3.0, beta), BIASES)
    retrapping = 4 * beta * 2**0.25 / np.pi
    assert 0.25 < retrapping < 0.5
    np.testing.assert_array_equal(np.abs(found.up) > 0.1, np.sqrt(2) < BIASES)
    np.testing.assert_array_equal(np.abs(found.down) > 0.1, retrapping < BIASES)
    ohmic = BIASES / beta
    assert (found.up[BIASES > 1.4] < ohmic[BIASES > 1.4]).all()
    helpers.assert_close(found.up[-1], ohmic[-1], absolute=2e-3 * ohmic[-1])
    assert ohmic[-1] - found.up[-1] < 0.5 * (ohmic[6] - found.up[6])


# ---- Wrong arguments

FARADS, OHMS = 1e-13, 1000.0


def _scale(current=1e-8, farads=FARADS, ohms=OHMS):
    return jd.kapitza.CircuitScale(current, farads, resistance=ohms)


def _gated(**changes):
    given = {"mean_current": 1e-8, "drive_current": 5e-9, "static_current": 1e-8, "frequency": 5e9}
    return jd.KapitzaJunction.gated_squid(**({"scale": _scale()} | given | changes))


def _loops(**changes):
    given = {
        "outer_current": 1e-8,
        "middle_current": 1e-8,
        "phase_offset": 1.0,
        "dc_flux": 0.2,
        "ac_flux": 0.1,
        "frequency": 5e9,
    }
    return jd.KapitzaJunction.double_loop(**({"scale": _scale()} | given | changes))


def _switch(*arguments, **options):
    return jd.switching_currents(junction(1.0, 3.0), *arguments, **options)


def _curve(currents, **options):
    return jd.iv_curve(junction(1.0, 3.0), currents, **options)


def _path(**options):
    return jd.trajectory(junction(1.0, 3.0), 0.5, **options)


# id: (what is called, what the message must match)
CASES = {
    "damping 0": (lambda: junction(1.0, 3.0, 0.0), r"^damping must be positive, got 0"),
    "damping NaN": (lambda: junction(1.0, 3.0, np.nan), r"^damping must be finite, got nan"),
    "frequency negative": (lambda: junction(1.0, -3.0), r"^drive_frequency must be pos.*got -3"),
    "frequency list": (lambda: junction(1.0, [3.0]), r"^drive_frequency must be a single number"),
    "drive NaN": (lambda: junction(np.nan, 3.0), r"^drive_current must be finite, got nan"),
    "drive none": (lambda: junction([], 3.0), r"^drive_current must be a number or a list"),
    "drive matrix": (lambda: junction([[1.0]], 3.0), r"^drive_current must be .*\(1, 1\)"),
    "offset infinite": (lambda: junction(1.0, 3.0, phi0=np.inf), r"^phase_offset must be finite"),
    "quadrature text": (
        lambda: jd.KapitzaJunction(0.5, 3.0, quadrature_current="a"),
        r"^quadrature_current must be a real number.*'a'",
    ),
    "criterion": (
        lambda: jd.KapitzaJunction(0.5, 3.0, criterion="folds"),
        r"^unknown criterion 'folds'; did you mean 'fold'\? allowed: fold, switching, stability",
    ),
    "average": (
        lambda: junction(1.0, 3.0).averaged("papers"),
        r"^unknown form 'papers'; did you mean 'paper'\?",
    ),
    "scale current": (lambda: _scale(0.0), r"^critical_current must be positive, got 0"),
    "scale capacitance": (lambda: _scale(farads=-1e-12), r"^capacitance must be positive, got -1"),
    "scale resistance": (lambda: _scale(ohms=0.0), r"^resistance must be positive, got 0"),
    "temperature": (lambda: _scale().noise(-0.1), r"^temperature must be at least 0, got -0\.1"),
    "gate turns negative": (
        lambda: _gated(drive_current=1.1e-8),
        r"^drive_current must be at most mean_current \(1e-08\).*got 1\.1e-08",
    ),
    "gate mean": (lambda: _gated(mean_current=-1e-8), r"^mean_current must be at least 0, got -1"),
    "gate frequency": (lambda: _gated(frequency=0.0), r"^frequency must be positive, got 0"),
    "gate flux": (lambda: _gated(flux=np.nan), r"^flux must be finite, got nan"),
    "scale missing": (lambda: _gated(scale=1e-8), r"^scale must be .*CircuitScale"),
    "loops frequency": (lambda: _loops(frequency=-1.0), r"^frequency must be positive, got -1"),
    "loops harmonics": (lambda: _loops(harmonics=0), r"^harmonics must be a whole number.*got 0"),
    "loops outer": (
        lambda: _loops(outer_current=[1e-8] * 3),
        r"^outer_current must be one number or two, got shape \(3,\)",
    ),
    "loops flux": (lambda: _loops(dc_flux=[[0.1]]), r"^dc_flux must be one number or two"),
    "switching device": (
        lambda: jd.switching_currents(jd.TunnelJunction(1.0)),
        r"^device must have an equation of motion, as a KapitzaJunction has, got TunnelJunction",
    ),
    "protocol": (
        lambda: _switch("ramps"),
        r"^unknown protocol 'ramps'; did you mean 'ramp'\? allowed: ramp, quench",
    ),
    "noise negative": (lambda: _switch(noise=-0.1), r"^noise must be at least 0, got -0\.1"),
    "noise without key": (lambda: _switch(noise=0.1), r"^key must be given with noise"),
    "noise with quench": (
        lambda: _switch("quench", noise=0.1, key=1),
        r"^noise must be 0 with protocol 'quench'",
    ),
    "accuracy": (lambda: _switch(accuracy=0.0), r"^accuracy must be positive, got 0"),
    "quench duration": (lambda: _switch("quench", duration=-1.0), r"^duration must be positive"),
    "rate": (lambda: _switch(noise=0.1, key=1, rate=0.0), r"^rate must be positive, got 0"),
    "samples": (lambda: _switch(noise=0.1, key=1, samples=0), r"^samples must be a whole.*got 0"),
    "curve device": (lambda: jd.iv_curve(3.0, [1.0]), r"^device must have an equation.*got float"),
    "curve empty": (lambda: _curve([]), r"^currents must hold at least one bias, got none"),
    "curve number": (lambda: _curve(1.0), r"^currents must be a list of numbers"),
    "curve falls": (lambda: _curve([1.0, 0.5]), r"^currents must increase"),
    "curve repeats": (lambda: _curve([1.0, 1.0]), r"^currents must increase"),
    "curve short": (
        lambda: _curve([1.0], duration=3.0),
        r"^duration must leave at least one drive period to average over, got 3",
    ),
    "curve settles": (lambda: _curve([1.0], settle=0.95), r"^settle must be at most 0\.9"),
    "path device": (lambda: jd.trajectory(3.0, 0.5), r"^device must have an equation.*got float"),
    "path duration": (lambda: _path(duration=0.0), r"^duration must be positive, got 0"),
    "path samples": (lambda: _path(samples=1), r"^samples must be a whole.*least 2, got 1"),
    "path start": (lambda: _path(start=(1.0, 2.0, 3.0)), r"^start must be \(phase, velocity\)"),
    "path start NaN": (lambda: _path(start=(1.0, np.nan)), r"^start\[1\] must be finite, got nan"),
}


@pytest.mark.parametrize("case", CASES)
def test_value_error(case):
    call, pattern = CASES[case]
    # Users do not have the run-time type checks of the test suite.
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with pytest.raises(ValueError, match=pattern) as raised:
            call()
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
    assert "\n" not in str(raised.value)


# ---- Long runs

LONG = {
    "ramps": (
        lambda junction, x: jd.switching_currents(junction, noise=0.01, rate=1 / x, key=0),
        r"^rate must leave less than 3 days of work: switching_currents of 256 samples with "
        r"rate = 1e-10 takes about 3\d\d days; raise rate",
    ),
    "quench": (
        lambda junction, x: jd.switching_currents(junction, "quench", duration=x),
        r"^duration must leave less than 3 days of work: a quench",
    ),
    "trajectory": (
        lambda junction, x: jd.trajectory(junction, 1.0, duration=x),
        r"^duration must leave less than 3 days of work: trajectory",
    ),
    "curve": (
        lambda junction, x: jd.iv_curve(junction, np.linspace(-2, 2, 401), duration=x),
        r"^duration must leave less than 3 days of work: iv_curve of 401 biases",
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_days_of_work_are_refused_before_they_begin(name):
    call, message = LONG[name]
    with pytest.raises(ValueError, match=message):
        call(junction(1.0, 3.0), 1e10)


@hypothesis.given(
    name=st.sampled_from(sorted(LONG)), exponent=st.floats(7.0, 60.0), factor=st.floats(-9, 9)
)
def test_no_long_run_begins_without_a_word(name, exponent, factor):
    """Warnings are errors here, so that none begins; times are in the junction's own unit."""
    scale = 10.0**factor
    root = np.sqrt(scale)
    device = jd.KapitzaJunction(
        0.5 * root,
        3.0 * root,
        mean_current=scale,
        drive_current=scale,
        static_current=scale,
        phase_offset=HALF,
    )
    time = 10.0**exponent / (scale * root if name == "ramps" else root)
    with pytest.raises((ValueError, jd.LongRunWarning), match="takes about"):
        LONG[name][0](device, time)


def test_a_minute_of_work_is_announced():
    with pytest.raises(jd.LongRunWarning, match=r"rate = 1e-05 takes about .* minutes; raise rate"):
        jd.switching_currents(junction(1.0, 3.0), noise=0.01, rate=1e-5, key=0)
