"""Circuits in SI units against plain formulas with the constants written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd

H, E, K = 6.62607015e-34, 1.602176634e-19, 1.380649e-23
HBAR, PHI_0 = H / (2 * np.pi), H / (2 * E)
OHM, FARAD, NANO = 50.0, 40e-15, 1e-9
SQUID = jd.Squid.from_pairs([(420, 80), (380, 90)], flux=[0.3])  # nA


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_units_with_capacitance():
    scale = jd.CircuitScale.in_units_of("nA", resistance=OHM, capacitance=FARAD)
    omega = np.sqrt(2 * np.pi * NANO / (PHI_0 * FARAD))
    close(scale.damping, 1 / (OHM * FARAD * omega))
    close(scale.unit_frequency, omega / (2 * np.pi))
    close(scale.amperes(420.0), 420e-9)
    close(scale.volts(0.7), 0.7 * HBAR * omega / (2 * E))
    close(scale.seconds(5.0), 5 / omega)
    close(scale.hertz(2.5), 2.5 * omega / (2 * np.pi))
    close(scale.per_second(1e-6), 1e-6 * omega)
    close(scale.ramp_rate(1e4), 1e4 / omega)
    close(scale.per_second(scale.ramp_rate(1e4)), 1e4)
    close(scale.stewart_mccumber(420.0), 2 * np.pi * 420e-9 * OHM**2 * FARAD / PHI_0)


def test_units_without_capacitance():
    scale = jd.CircuitScale.in_units_of("nA", resistance=OHM)
    assert scale.damping is None
    rate = 2 * E * NANO * OHM / HBAR
    close(scale.unit_frequency, rate / (2 * np.pi))
    close(scale.volts(300.0), 300e-9 * OHM)
    close(scale.seconds(2.0), 2 / rate)
    close(scale.hertz(scale.drive(5e9, amplitude=1.0).frequency), 5e9)
    close(scale.ramp_rate(1e4), 1e4 / rate)
    close(scale.volts(scale.drive(5e9, amplitude=1.0).frequency), PHI_0 * 5e9)
    assert scale.stewart_mccumber(420.0) == 0
    with pytest.raises(ValueError, match="capacitance must be a number for a plasma frequency"):
        _ = scale.plasma_frequency


@pytest.mark.parametrize(("unit", "ampere"), [("nA", 1e-9), ("uA", 1e-6), ("µA", 1e-6), ("A", 1)])
def test_noise_is_the_thermal_current(unit, ampere):
    scale = jd.CircuitScale.in_units_of(unit, resistance=1.0)
    close(scale.noise(0.1), 2 * E * K * 0.1 / HBAR / ampere)
    close(scale.noise(0.1), jd.units.thermal_current(0.1, current=unit))


def test_what_may_be_known():
    """β_c belongs to the critical current that is named: 9 = Q² of 400 nA, of 1 nA 9/400."""
    farad = 9 * PHI_0 / (2 * np.pi * 400e-9 * OHM**2)
    hertz = np.sqrt(2 * np.pi * 400e-9 / (PHI_0 * farad)) / (2 * np.pi)
    wanted = jd.CircuitScale.in_units_of("nA", resistance=OHM, capacitance=farad)
    close(wanted.stewart_mccumber(400.0), 9.0)
    close(wanted.damping**-2, 9 / 400)
    named = {"quality": 3, "critical_current": 400}
    for given in ({"resistance": OHM}, {"plasma_frequency": hertz}):
        found = jd.CircuitScale.in_units_of("nA", **named, **given)
        close(found.capacitance, farad)
        close(found.resistance, OHM)
    with pytest.raises(
        ValueError, match=r"known by resistance alone .* got quality, critical_curr"
    ):
        jd.CircuitScale.in_units_of("nA", **named)
    with pytest.raises(ValueError, match=r"resistance alone .* got nothing"):
        jd.CircuitScale.in_units_of("nA")
    with pytest.raises(ValueError, match="unknown current unit 'kA'"):
        jd.CircuitScale.in_units_of("kA", resistance=OHM)
    with pytest.raises(ValueError, match="quality must be positive, got -3"):
        jd.CircuitScale.in_units_of("nA", resistance=OHM, quality=-3, critical_current=400)


def test_power_of_a_drive():
    """−90 dBm is 1 pW: a = √(2P/Z) = 200 nA in 50 Ω."""
    close(jd.units.drive_amplitude(-90.0, impedance=50.0, current="nA"), 200.0)
    close(jd.units.drive_power(200.0, impedance=50.0, current="nA"), -90.0)
    scale = jd.CircuitScale.in_units_of("nA", resistance=OHM)
    close(scale.drive(5e9, power=[-90, -84], impedance=50).amplitude, [200, 200 * 10**0.3])


@pytest.mark.parametrize("farad", [None, FARAD])
def test_shunted(farad):
    """Ω is that of the drive's hertz, 2πf/ω_p or ħ2πf/2eI₀R; currents stay as they are."""
    scale = jd.CircuitScale.in_units_of("nA", resistance=OHM, capacitance=farad)
    made = scale.shunted(SQUID, frequency=5e9, amplitude=[100, 30], phase=[0, 1])
    omega = 2 * E * NANO * OHM / HBAR
    omega = np.sqrt(2 * E * NANO / (HBAR * farad)) if farad else omega
    close(made.drive.frequency, 2 * np.pi * 5e9 / omega)
    close(made.drive.amplitude, [100, 30])
    close(made.drive.phase, [0, 1])
    assert made.device is SQUID
    if farad is None:
        assert made.damping is None
    else:
        close(made.damping, 1 / (OHM * farad * omega))
    still = scale.shunted(SQUID)
    assert still.drive is None


def test_the_unit_does_not_change_the_circuit():
    """The same junction in nA and in µA: in its own unit, in volts and kelvin it is one."""
    found = []
    for unit, most in (("nA", 400.0), ("uA", 0.4)):
        scale = jd.CircuitScale.in_units_of(unit, resistance=OHM, capacitance=FARAD)
        made = scale.shunted(jd.TunnelJunction(most), frequency=5e9, power=-85, impedance=50)
        own = made.rescaled(jnp.asarray(most))
        found.append([
            own.damping, own.drive.frequency, own.drive.amplitude[0],
            scale.stewart_mccumber(most), scale.volts(0.5 * most**0.5), scale.noise(0.3) / most,
        ])  # fmt: skip
    np.testing.assert_allclose(*found, rtol=1e-12)
    close(found[0][0] ** -2, found[0][3])


WRONG = {
    "hertz": (
        {"frequency": 0.5, "amplitude": 100.0},
        r"frequency must be in Hz, within a factor of 1000 of .* Hz, got 0.5",
    ),
    "amperes": (
        {"frequency": 5e9, "amplitude": 1e-7},
        r"amplitude must be in the device's unit of current, 1e-09 A, .* got 1e-07",
    ),
    "both": ({"frequency": 5e9, "amplitude": 1, "power": -90, "impedance": 50}, "got both"),
    "neither": ({"frequency": 5e9}, "must have an amplitude or a power, got neither"),
    "impedance": ({"frequency": 5e9, "power": -90}, "power and impedance must be given together"),
    "frequency": ({"amplitude": 100.0}, "frequency must be given for a drive, got None"),
    "negative": ({"frequency": -5e9, "amplitude": 1.0}, "frequency must be positive, got -5"),
}


@pytest.mark.parametrize("name", WRONG)
def test_numbers_of_another_unit(name):
    given, message = WRONG[name]
    scale = jd.CircuitScale.in_units_of("nA", resistance=OHM, capacitance=FARAD)
    with pytest.raises(ValueError, match=message):
        scale.shunted(SQUID, **given)


def test_a_scale_without_capacitance_makes_no_driven_junction():
    with pytest.raises(ValueError, match="scale must have a capacitance"):
        jd.KapitzaJunction.gated_squid(
            jd.CircuitScale(1e-8, resistance=50), 1e-8, drive_current=0.0, static_current=0.0,
            frequency=1e9,
        )  # fmt: skip


def test_derivative_by_the_resistance():
    """V = R√(i² − I²) of a tunnel junction: everything is differentiable in SI."""

    def volts(ohm):
        scale = jd.CircuitScale.in_units_of("nA", resistance=ohm)
        made = scale.shunted(jd.TunnelJunction(400.0), frequency=10e9, amplitude=jnp.array(200.0))
        return scale.volts(made.drive.frequency), made.drive.frequency

    (value, frequency), slope = jax.jvp(volts, (OHM,), (1.0,))
    close(value, PHI_0 * 10e9)  # whatever the resistance
    assert abs(slope[0]) < 1e-18
    close(slope[1], -frequency / OHM)
