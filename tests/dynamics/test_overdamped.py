"""Mean voltages and paths without capacitance: closed forms, quadrature, locked and free motion."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

import jaxdiode as jd
from jaxdiode import Status

SINE = jd.TunnelJunction(1.0)
D1 = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
D2 = jd.Harmonics([1.0, 0.4 * np.cos(1)], [0.0, 0.4 * np.sin(1)])
# A balanced pair, whose current jumps, + sin(φ + 5π/4)/√2: I₊ = 3/2 at the jump.
L1 = jd.Squid([jd.SeriesJunctions(1.0, 1.0), jd.TunnelJunction(np.sqrt(0.5))], flux=[-5 / 8])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (D1, {-2: -1.484895628698, -1.6: -0.692482361372, 0.751: 0.027422588746,
              1.6: 1.296895671674}),
        (L1, {-0.6: -0.284163970, 1.501: 0.429260470, 1.6: 1.022050195}),
        (SINE, {-4.0: -np.sqrt(15.0), 1.3: np.sqrt(0.69)}),
        (jd.SeriesJunctions(1.0, 1.0), {1.0001: np.sqrt(1.0001**2 - 1), 1.3: np.sqrt(0.69)}),
    ],
)  # fmt: skip
def test_without_drive(device, expected):
    found = jd.iv_curve(jd.Shunted(device), list(expected))
    digits = 1e-9 if device is L1 else 2e-12
    np.testing.assert_allclose(found.up, list(expected.values()), atol=digits)
    np.testing.assert_array_equal(found.up, found.down)
    assert np.all(found.status == Status.CONVERGED)


@pytest.mark.parametrize("excess", [1e-10, 1e-8, 1e-6, 1e-3])
def test_next_to_an_edge(excess):
    """√(i² − 1), as accurate as i − 1 is known."""
    found = jd.iv_curve(jd.Shunted(SINE), [1 + excess])
    bias = float(found.current[0])
    expected = np.sqrt((bias - 1) * (bias + 1))
    assert abs(found.up[0] - expected) <= found.up_error[0]
    assert found.up_error[0] < 3e-15 / np.sqrt(excess) + 1e-13


@pytest.mark.thorough
@pytest.mark.parametrize("excess", [1e-5, 1e-3])
def test_two_peaks_nearly_as_high(excess):
    """D1 with its tie broken by 1e-4."""
    tilted = jd.Harmonics([1.0, 0.0], [1e-4, 0.5])
    bias = float(jd.critical_currents(tilted).plus) + excess

    def time(x):
        return 1 / (bias - np.sin(x) - 0.5 * np.cos(2 * x) - 1e-4 * np.cos(x))

    near = [0.0, *np.geomspace(1e-4, 0.4, 10)]
    cuts = [p + s * w for p in (np.pi / 6, 5 * np.pi / 6) for w in near for s in (-1, 1)]
    cuts = np.unique([0.0, *cuts, 2 * np.pi])
    pieces = [quad(time, a, b, epsrel=1e-12)[0] for a, b in itertools.pairwise(cuts)]
    found = jd.iv_curve(jd.Shunted(tilted), [bias])
    np.testing.assert_allclose(found.up[0], 2 * np.pi / sum(pieces), rtol=1e-9)


@pytest.mark.thorough
def test_at_rest_between_the_edges():
    found = jd.iv_curve(jd.Shunted(D2), [-1.375, -1.0, 0.0, 0.9235])
    np.testing.assert_array_equal(found.up, 0)
    np.testing.assert_array_equal(found.up_error, 0)
    beyond = jd.iv_curve(jd.Shunted(D2), [-1.3751, 0.9237])
    assert beyond.up[0] < 0 < beyond.up[1]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("amplitude", "frequency", "voltage"),
    [(0.8, 0.1, 0.0), (1.2, 0.1, 0.1), (1.4, 0.1, 0.2), (2.5, 0.1, 0.1), (1.2, 1.0, 0.0)],
)
def test_rectified_voltages_are_locked(amplitude, frequency, voltage):
    drive = jd.Drive(frequency=frequency, amplitude=amplitude)
    found = jd.iv_curve(jd.Shunted(D1, drive=drive), [0.0])
    np.testing.assert_allclose(found.up, voltage, rtol=1e-13, atol=0)
    assert found.up_error[0] == 0


def _by_trace(bias, amplitude, frequency):
    """V of a pure sine off its steps: the period map is a matrix of determinant 1."""

    def rate(time, y):
        push = bias + amplitude * np.cos(frequency * time)
        return 0.5 * np.array([-y[0] + push * y[1], -push * y[0] + y[1]])

    period = 2 * np.pi / frequency
    columns = [solve_ivp(rate, (0, period), e, rtol=1e-12, atol=1e-14).y[:, -1] for e in np.eye(2)]
    angle = np.arccos(np.clip(np.trace(np.array(columns)) / 2, -1, 1))
    return angle * frequency / np.pi


@pytest.mark.slow
def test_off_the_steps():
    """Between steps 1 and 2 of the sine at Ω = .5, a = 1; modulo 2Ω the trace knows the sign."""
    drive = jd.Drive(frequency=0.5, amplitude=1.0)
    bias = np.array([1.15, 1.16, 1.17, 1.18, 1.62, 1.65])
    found = jd.iv_curve(jd.Shunted(SINE, drive=drive), bias, longest=20_000.0)
    for i, voltage, error in zip(bias, found.up, found.up_error, strict=True):
        around = _by_trace(i, 1.0, 0.5)
        candidates = np.array([around, 1.0 - around, 1.0 + around, 2.0 - around])
        miss = np.min(np.abs(candidates - float(voltage)))
        assert miss < max(2 * float(error), 1e-7)
        assert error < 1e-4


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units(scale):
    def curve(s):
        device = jd.Harmonics(s * D2.sine, s * D2.cosine)
        drive = jd.Drive(frequency=0.7 * s, amplitude=s)
        driven = jd.iv_curve(
            jd.Shunted(device, drive=drive), s * np.array([0.3, 1.4]), duration=500.0 / s
        )
        still = jd.iv_curve(jd.Shunted(device), s * np.array([-1.6, 0.2, 1.4]))
        return np.concatenate([driven.up, still.up])

    np.testing.assert_allclose(curve(scale), scale * curve(1.0), rtol=1e-7)


@pytest.mark.thorough
def test_trajectory():
    drive = jd.Drive(frequency=0.8, amplitude=[0.5, 0.2], phase=[0.0, 0.4])
    device = jd.Shunted(D2, drive=drive)
    found = jd.trajectory(device, 1.1, duration=20.0, samples=41, start=(0.3, 0.0))

    def rate(time, x):
        push = 1.1 + 0.5 * np.cos(0.8 * time) + 0.2 * np.cos(1.6 * time + 0.4)
        return push - np.sin(x) - 0.4 * np.sin(2 * x + 1)

    expected = solve_ivp(rate, (0, 20), [0.3], t_eval=found.time, rtol=1e-10, atol=1e-12).y[0]
    np.testing.assert_allclose(found.phase, expected, atol=1e-5)
    np.testing.assert_allclose(found.velocity, rate(np.asarray(found.time), expected), atol=1e-5)


@pytest.mark.slow
def test_underdamped_devices_move_too():
    """A shunted tunnel junction is the undriven junction of the Kapitza diode."""
    bias = [0.2, 0.9, 1.2]
    shunted = jd.iv_curve(jd.Shunted(SINE, damping=0.5), bias)
    known = jd.iv_curve(jd.KapitzaJunction(0.5, 1.0), bias)
    np.testing.assert_allclose(shunted.up, known.up, rtol=2e-6)
    np.testing.assert_allclose(shunted.down, known.down, rtol=2e-6)
