"""Rectified voltages: locked values, the quasi-static curve in closed form, square waves.

D1 = sin φ + ½ sin(2φ + π/2) has I₊ = 3/4, at two maxima, and I₋ = 3/2. Tabulated voltages and
thresholds are of independent code (collocation folds and long integrations).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from jaxdiode.dynamics.drive import Drive
from jaxdiode.dynamics.quasi_static import quasi_static
from tests.reference import rectification as reference

D1 = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
D2 = jd.Harmonics([1.0, 0.4 * np.cos(1)], [0.0, 0.4 * np.sin(1)])


def current_of_d1(phase):
    return np.sin(phase) + 0.5 * np.cos(2 * phase)


def driven(frequency, device=D1):
    return jd.Shunted(device, drive=jd.Drive(frequency, 1.0))


def slow(device, drive, bias, amplitudes):
    """The quasi-static curve alone, without integration."""
    return np.asarray(SLOW(device, drive, jnp.asarray(bias), jnp.asarray(amplitudes)))


SLOW = jax.jit(quasi_static)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("frequency", "voltage"),
    [(0.1, [0.0, 0.1, 0.2, 0.1]), (1.0, [0, 0, 0, 0]), (5.0, [0, 0, 0, 0])],
)
def test_locked_voltages(frequency, voltage):
    found = jd.rectified_voltage(driven(frequency), [0.8, 1.2, 1.4, 2.5])
    np.testing.assert_allclose(found.voltage, voltage, rtol=1e-13)
    np.testing.assert_array_equal(found.error, 0)
    np.testing.assert_array_equal(found.status, Status.CONVERGED)
    assert found.quasi_static is not None
    expected = [0.01799407, 0.16935371, 0.24484027, 0.15360853]
    np.testing.assert_allclose(found.quasi_static, expected, atol=1e-8)


@pytest.mark.thorough
def test_plateaus_against_direct_integration():
    """Among them narrow ones, where the bottleneck lets one more turn through."""
    amplitude = [1.3, 1.75, 2.35, 2.61]
    found = jd.rectified_voltage(driven(0.1), amplitude)
    turns = [
        reference.turns_per_period(current_of_d1, lambda x, a=a: a * np.cos(x), 20 * np.pi)
        for a in amplitude
    ]
    np.testing.assert_allclose(found.voltage / 0.1, turns, atol=1e-6)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("device", "frequency", "threshold"),
    [
        (D1, 0.1, 0.955482442),
        (D1, 0.3, 1.337325597),
        (D1, 0.7, 2.156101861),
        (D2, 0.1, 1.020194151),
    ],
)
def test_thresholds(device, frequency, threshold):
    """Voltage begins where the upper edge of the step 0 comes to zero bias."""
    around = threshold + np.array([-2e-4, -1e-2, 2e-4, 1e-2])
    found = jd.rectified_voltage(driven(frequency, device), around)
    np.testing.assert_array_equal(found.voltage[:2], 0)
    np.testing.assert_array_equal(found.error[:2], 0)
    assert np.all(np.asarray(found.voltage[2:]) > 0)


@pytest.mark.slow
def test_thresholds_are_edges_of_the_zero_step():
    device = jd.Shunted(D1, drive=jd.Drive(0.7, 2.156101861))
    np.testing.assert_allclose(jd.critical_currents(device).plus, 0, atol=2e-9)


@pytest.mark.thorough
def test_quasi_static_in_closed_form():
    amplitude = np.array([0.76, 1.49, 1.51, 7.0])
    for bias in (0.0, -0.6):
        found = slow(D1, Drive(0.1, 1.0), bias, amplitude)
        expected = [
            reference.quasi_static(
                reference.voltage_of_d1, (0.75, -1.5), lambda x, a=a, i=bias: i + a * np.cos(x)
            )
            for a in amplitude
        ]
        np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.slow
def test_quasi_static_of_several_tones():
    """Of each amplitude the largest |a_k|; a bias; the sine's V = √(i² − 1)."""
    drive = Drive(0.1, [1.0, 0.6, 0.3], phase=[0.0, 1.0, 2.0])
    amplitude = np.array([0.5, 0.9, 5.0, 100.0])
    found = slow(jd.TunnelJunction(1.0), drive, 0.3, amplitude)

    def push(a):
        return lambda x: 0.3 + a * (np.cos(x) + 0.6 * np.cos(2 * x + 1) + 0.3 * np.cos(3 * x + 2))

    expected = [
        reference.quasi_static(reference.voltage_of_sine, (1, -1), push(a)) for a in amplitude
    ]
    np.testing.assert_allclose(found, expected, atol=1e-9, rtol=1e-10)


@pytest.mark.thorough
def test_onset_is_linear():
    """c(a − I₊)/√(8a) with 1/c the sum of 1/√(2|I''|) over both maxima: c = √3/2."""
    excess = np.array([1e-6, 1e-5, 1e-4, 1e-3])
    amplitude = 0.75 + excess
    found = slow(D1, Drive(0.1, 1.0), 0.0, amplitude)
    law = np.sqrt(3) / 2 * excess / np.sqrt(8 * amplitude)
    np.testing.assert_allclose(found / law, 1, atol=np.sqrt(excess).max())
    assert np.all(np.abs(found / law - 1) < 1.5 * np.sqrt(excess) + 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("amplitude", "period", "slips"), [(1.2, 60, 3), (1.2, 20, 1), (1.0, 40, 1)]
)
def test_square_waves(amplitude, period, slips):
    """A half-wave rectifier: I₊ < A < I₋."""
    device = jd.Shunted(D1, drive=jd.SquareWave(2 * np.pi / period, 1.0))
    found = jd.rectified_voltage(device, [amplitude])
    np.testing.assert_allclose(found.voltage, 2 * np.pi * slips / period, rtol=1e-13)
    np.testing.assert_array_equal(found.error, 0)
    assert found.quasi_static is not None
    expected = reference.voltage_of_d1(amplitude) / 2  # the other half does not conduct
    np.testing.assert_allclose(found.quasi_static, expected, atol=1e-10)


@pytest.mark.thorough
def test_square_wave_against_direct_integration():
    """Both halves conduct; turns counted by an integration that is cut at the jumps."""
    device = jd.Shunted(D1, drive=jd.SquareWave(2 * np.pi / 30, 1.0))
    for amplitude in (1.6, 2.0):
        found = jd.rectified_voltage(device, [amplitude])
        turns = reference.turns_per_period(
            current_of_d1,
            lambda x, a=amplitude: a if x < np.pi else -a,
            30.0,
            settle=12,
            jumps=(0.5,),
        )
        np.testing.assert_allclose(found.voltage * 30 / (2 * np.pi), turns, atol=1e-6)


def test_pulses_of_a_rectifier():
    """Whole turns in one half of the period, and the phase stays in its well in the other."""
    device = jd.Shunted(D1, drive=jd.SquareWave(2 * np.pi / 60, 1.2))
    path = jd.trajectory(device, 0.0, duration=180.0, samples=1801)
    phase = np.asarray(path.phase)
    later = phase[1200] - phase[600]
    np.testing.assert_allclose(later, 6 * np.pi, atol=1e-6)
    negative = phase[900:1201]
    rest = np.median(negative)
    assert np.all(np.abs(negative[50:] - rest) < 0.1)
    assert np.ptp(negative) < 2 * np.pi


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units(scale):
    """Without capacitance: all currents and the frequency times λ, voltages times λ."""
    device = jd.Harmonics(scale * D1.sine, scale * D1.cosine)
    drive = jd.Drive(0.1 * scale, 0.3 * scale)
    amplitude = np.array([0.8, 1.2, 1.4, 2.5])
    found = jd.rectified_voltage(jd.Shunted(device, drive=drive), scale * amplitude)
    np.testing.assert_allclose(found.voltage / scale, [0.0, 0.1, 0.2, 0.1], rtol=1e-12)
    unit = slow(D1, Drive(0.1, 1.0), 0.0, amplitude)
    assert found.quasi_static is not None
    np.testing.assert_allclose(found.quasi_static / scale, unit, rtol=1e-9)


@pytest.mark.slow
def test_without_drive_and_off_the_steps():
    """Amplitude 0 is the I–V curve; far above it the phase runs freely, with an error."""
    found = jd.rectified_voltage(driven(0.1), [0.0, 0.01, 0.8, 1.2], bias=1.6, duration=200.0)
    assert abs(found.voltage[0] - 1.296895671674) < 1e-9
    assert found.quasi_static is not None
    miss = abs(found.voltage[1] - found.quasi_static[1])  # a weak slow drive
    assert miss < 2 * found.error[1] < 2e-3
    assert found.status.tolist() == [0, Status.NOT_CONVERGED, Status.NOT_CONVERGED, 0]
    np.testing.assert_allclose(found.voltage[3], 1.25, rtol=1e-13)  # locked, 25/2


@pytest.mark.slow
def test_capacitance():
    """The same as an I–V curve at that bias; no quasi-static curve, which hysteresis splits."""
    found = jd.rectified_voltage(
        jd.Shunted(D1, damping=0.8, drive=jd.Drive(0.3, 5.0)), [1.4], duration=400.0
    )
    one = jd.iv_curve(jd.Shunted(D1, damping=0.8, drive=jd.Drive(0.3, 1.4)), [0.0], duration=400.0)
    np.testing.assert_allclose(found.voltage, one.up, rtol=1e-12)
    assert found.quasi_static is None
    assert "quasi_static" not in found.as_dict()


@pytest.mark.thorough
def test_words():
    found = jd.rectified_voltage(driven(0.1), [1.4, 0.8, 1.2, 2.5])
    assert found.summary("nA").split("\n") == [
        "no voltage up to an amplitude of 0.8 nA",
        "largest voltage 0.2 = 2 Ω at an amplitude of 1.4 nA",
    ]
    assert len(found.plot().axes) == 1


def test_is_not_differentiable():
    def voltage(a):
        return jnp.sum(jd.rectified_voltage(driven(0.1), a).voltage)

    with pytest.raises(RuntimeError, match="rectified_voltage"):
        jax.grad(voltage)(jnp.ones(4))


def test_refusals():
    square = jd.Shunted(D1, drive=jd.SquareWave(0.1, 1.0))
    with pytest.raises(ValueError, match=r"device must be Shunted.*without a drive"):
        jd.rectified_voltage(jd.Shunted(D1), [1.0])
    with pytest.raises(ValueError, match=r"drive\.amplitude must not be zero"):
        jd.rectified_voltage(jd.Shunted(D1, drive=jd.Drive(0.1, 0.0)), [1.0])
    for amplitudes, words in (([], "at least one"), ([-1.0], "at least"), (1.0, "list")):
        with pytest.raises(ValueError, match=f"amplitudes must .*{words}"):
            jd.rectified_voltage(square, amplitudes)
    with pytest.raises(ValueError, match="duration must be positive"):
        jd.rectified_voltage(square, [1.0], duration=0.0)
    with pytest.raises(ValueError, match="less than 3 days"):
        jd.rectified_voltage(square, [1.0], duration=1e13)
    for verb in (jd.shapiro_steps, jd.critical_currents):
        with pytest.raises(ValueError, match=r"drive must be a Drive.*got SquareWave"):
            verb(square)
    with pytest.raises(ValueError, match="without jumps"):
        jd.switching_currents(jd.Shunted(D1, damping=1.0, drive=jd.SquareWave(0.1, 1.0)))
    with pytest.raises(ValueError, match="frequency must be positive"):
        jd.SquareWave(0.0, 1.0)


@pytest.mark.thorough
def test_turning_points():
    drive = Drive(1.0, [1.0, 0.6, 0.3], phase=[0.0, 1.0, 2.0])
    points = np.asarray(drive.turning_points())
    fine = np.linspace(0, 2 * np.pi, 200_001)
    values = np.asarray(drive.current(jnp.asarray(fine)))
    turns = fine[1:-1][np.diff(np.sign(np.diff(values))) != 0]
    for turn in turns:
        assert np.min(np.abs(np.exp(1j * points) - np.exp(1j * turn))) < 1e-4
    assert abs(points[-1] - points[0] - 2 * np.pi) < 1e-12


@pytest.mark.thorough
def test_picture_of_a_rectifier():
    """The mean is over whole periods, wherever the path ends."""
    device = jd.Shunted(D1, drive=jd.SquareWave(2 * np.pi / 10, 1.2))
    time = jnp.linspace(0.0, 33.0, 1001)
    phase = 0.3 * time + jnp.sin(2 * np.pi * time / 10)
    path = jd.results.Trajectory(time, phase, 0.3 + 0.2 * np.pi * jnp.cos(2 * np.pi * time / 10))
    top, below = jd.plot.rectifier(path, device, unit="nA", title="mine").axes
    assert (top.get_ylabel(), top.get_title()) == ("current (nA)", "mine")
    assert set(np.abs(np.asarray(top.lines[0].get_ydata()))) == {1.2}
    assert below.lines[1].get_label() == "mean 0.3"
    with pytest.raises(ValueError, match="path must last at least one period"):
        jd.plot.rectifier(path, jd.Shunted(D1, drive=jd.Drive(0.1, 1.0)))
    with pytest.raises(ValueError, match="device must be Shunted with a drive"):
        jd.plot.rectifier(path, jd.Shunted(D1))
