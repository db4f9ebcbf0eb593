"""Unit conversions against CODATA (scipy.constants) and the sheet's 420 nA ↔ 0.8627 meV.

1e-12 relative: h, e and k_B are exact, so nothing but rounding differs.
"""

import numpy as np
import pytest
import scipy.constants as si
from hypothesis import given
from hypothesis import strategies as st

from jaxdiode import units

FLUX_QUANTUM = si.physical_constants["mag. flux quantum"][0]


def test_constants():
    assert units.planck == si.h
    assert units.elementary_charge == si.e
    assert units.boltzmann == si.k
    assert units.hbar == pytest.approx(si.hbar, rel=1e-15)
    assert units.flux_quantum == pytest.approx(FLUX_QUANTUM, rel=1e-9)  # 10 digits printed


def test_sheet():
    assert f"{units.josephson_energy(420.0, current='nA'):.4f}" == "0.8627"


CURRENTS = {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9, "pA": 1e-12}
ENERGIES = {
    "J": 1.0,
    "eV": si.e,
    "meV": si.milli * si.e,
    "ueV": si.micro * si.e,
    "GHz": si.giga * si.h,
    "K": si.k,
    "mK": si.milli * si.k,
}


@pytest.mark.parametrize("current", CURRENTS)
@pytest.mark.parametrize("energy", ENERGIES)
def test_josephson_energy_and_back(current, energy):
    values = np.array([3.7, 0.0, 420.0])
    found = units.josephson_energy(values, current=current, energy=energy)
    expected = si.hbar * values * CURRENTS[current] / (2 * si.e) / ENERGIES[energy]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    back = units.critical_current(found, energy=energy, current=current)
    np.testing.assert_allclose(back, values, rtol=1e-12)


def test_inductance_and_back():
    """100 pH carry 1 Φ₀ at 20.68 µA."""
    found = units.inductance(100e-12, current="uA")
    np.testing.assert_allclose(1 / found, FLUX_QUANTUM / 100e-12 * 1e6, rtol=1e-9)
    np.testing.assert_allclose(units.henry(found, current="uA"), 100e-12, rtol=1e-12)


def test_flux_of_a_loop():
    np.testing.assert_allclose(units.flux(1e-12, 1e-3), 1e-15 / FLUX_QUANTUM, rtol=1e-9)


def test_flux_from_a_coil():
    np.testing.assert_allclose(
        units.flux_from_coil([1.0, 2.0], period=4.0, offset=0.5), [0.125, 0.375]
    )
    several = units.flux_from_coil(np.ones((5, 1)), period=[4.0, 2.0])
    np.testing.assert_allclose(several, np.tile([0.25, 0.5], (5, 1)))


@pytest.mark.parametrize("micro", ["u", "\u00b5", "\u03bc"])
def test_both_micro_signs(micro):
    """15 GHz is I_c = 4πe·15 GHz = 30.2 nA (E_J/h = I_c/4πe)."""
    found = units.critical_current(15, energy="GHz", current=f"{micro}A")
    assert float(found) == pytest.approx(4e6 * np.pi * 1.602176634e-19 * 15e9, rel=1e-12)
    energy = units.josephson_energy(1.0, current=f"{micro}A", energy=f"{micro}eV")
    assert float(energy) == pytest.approx(
        1e3 * float(units.josephson_energy(1.0, current="nA")) * 1e3, rel=1e-12
    )


@given(st.text("munpkAVeKJ\u00b5 ", max_size=4))
def test_no_unit_is_ever_guessed(name):
    """What is close to a name is a factor of powers of ten off: nothing is suggested."""
    if name.replace("\u00b5", "u") in ("A", "mA", "uA", "nA", "pA"):
        units.critical_current(1.0, energy="GHz", current=name)
        return
    with pytest.raises(ValueError, match=r"unit .*; allowed: A, mA, uA, nA, pA$"):
        units.critical_current(1.0, energy="GHz", current=name)


def test_the_unit_of_currents_must_be_named():
    """A device in µA whose inductances are taken for Φ₀/nA has another sign of η."""
    for convert in (units.inductance, units.henry, units.thermal_current, units.amperes):
        with pytest.raises(TypeError, match="current"):
            convert(1e-12)
    for convert in (units.josephson_energy, units.critical_current):
        with pytest.raises(TypeError, match="current"):
            convert(1.0)


@pytest.mark.parametrize("value", [120.0, [90.0, 30.0], -1.0])
def test_picohenries_are_no_henries(value):
    with pytest.raises(ValueError, match=r"henry must be at (most 0\.01|least -0\.01) H"):
        units.inductance(value, current="uA")
    assert float(units.inductance(0.01, current="uA")) > 0
