"""Scales between laboratory units and the numbers the models take.

Φ₀ = h/2e, E_J = ħI_c/2e. Units are named by strings; micro is u, µ or μ. The unit of currents must
be named: a device knows numbers alone, and a wrong guess would be off by powers of ten.
Constants: exact SI values of h, e and k_B (2019).
"""

import math

import jax.numpy as jnp
from jaxtyping import Array

from . import _checks
from ._checks import Numbers
from ._plain_checks import AMPERES, with_u

planck = 6.62607015e-34  # J s
elementary_charge = 1.602176634e-19  # C
boltzmann = 1.380649e-23  # J/K
hbar = planck / (2 * math.pi)
flux_quantum = planck / (2 * elementary_charge)  # Wb
bcs_gap_ratio = 1.7638769888620456  # Δ₀/k_BT_c of weak coupling, π e^{−γ} with Euler's γ

_MOST_HENRY = 0.01  # no circuit with Josephson junctions has more; pH taken for H have
_ENERGY = {
    "J": 1.0,
    "eV": elementary_charge,
    "meV": 1e-3 * elementary_charge,
    "ueV": 1e-6 * elementary_charge,
    "GHz": 1e9 * planck,
    "K": boltzmann,
    "mK": 1e-3 * boltzmann,
}


def josephson_energy(critical_current: Numbers, *, current: str, energy: str = "meV"):
    """E_J = ħI_c/2e; also any energy in Φ₀/2π × current, such as `CurrentPhaseRelation.energy`.

    420 nA ↔ 0.8627 meV.

    Args:
        critical_current: in the unit named by `current` (A, mA, uA, nA, pA).
        energy: J, eV, meV, ueV, GHz (E/h), K or mK (E/k_B).

    Example:
        >>> print(f"{jd.units.josephson_energy(420, current='nA'):.6f} meV")
        0.862730 meV
        >>> print(f"{jd.units.josephson_energy(10, current='nA', energy='GHz'):.6f} GHz")
        4.966835 GHz
    """
    factor = hbar / (2 * elementary_charge) * _scale("current", current, AMPERES)
    return _array("critical_current", critical_current) * (
        factor / _scale("energy", energy, _ENERGY)
    )


def critical_current(josephson_energy: Numbers, *, current: str, energy: str = "meV"):
    """I_c = 2eE_J/ħ, the inverse of `josephson_energy`.

    Example:
        >>> print(f"{jd.units.critical_current(0.86273, current='nA'):.4f} nA")
        420.0002 nA
        >>> print(f"{jd.units.critical_current(1, energy='K', current='nA'):.6f} nA")
        41.951502 nA
    """
    factor = 2 * elementary_charge / hbar * _scale("energy", energy, _ENERGY)
    return _array("josephson_energy", josephson_energy) * (
        factor / _scale("current", current, AMPERES)
    )


def thermal_current(temperature: Numbers, *, current: str):
    """γ = 2ek_BT/ħ, the thermal energy as a current: 41.95 nA at 1 K; k_BT/E_J = γ/I_c.

    Args:
        temperature: T (K).

    Example:
        >>> print(f"{float(jd.units.thermal_current(0.1, current='nA')):.6f}")
        4.195150
    """
    return critical_current(temperature, energy="K", current=current)


def amperes(value: Numbers, *, current: str):
    """A current in the unit named by `current` → A.

    Example:
        >>> print(f"{jd.units.amperes(420, current='nA'):.6e}")
        4.200000e-07
    """
    return _array("value", value) * _scale("current", current, AMPERES)


def drive_amplitude(power: Numbers, *, impedance: Numbers, current: str):
    """Amplitude a of the current a cos ωt that brings a power in dBm, P = ½a²Z.

    Args:
        power: at the device (dBm), attenuation of the line subtracted.
        impedance: Z that P belongs to (Ω).

    Example:
        >>> print(f"{jd.units.drive_amplitude(-60, impedance=50, current='nA'):.6f} nA")  # 1 nW
        6324.555320 nA
    """
    watt = 1e-3 * 10 ** (_array("power", power) / 10)
    ohm = _checks.real_array("impedance", impedance, above=0.0)
    return jnp.sqrt(2 * watt / ohm) / _scale("current", current, AMPERES)


def drive_power(amplitude: Numbers, *, impedance: Numbers, current: str):
    """Power in dBm of a current of this amplitude, the inverse of `drive_amplitude`.

    Example:
        >>> print(f"{jd.units.drive_power(6324.555320, impedance=50, current='nA'):.6f} dBm")
        -60.000000 dBm
    """
    ampere = _array("amplitude", amplitude) * _scale("current", current, AMPERES)
    ohm = _checks.real_array("impedance", impedance, above=0.0)
    return 10 * jnp.log10(ampere**2 * ohm / 2 * 1e3)


def plasma_quantum(critical_current: Numbers, capacitance: Numbers, *, current: str):
    """ħω_p/E_J = 2eω_p/I_c, ω_p = √(2πI_c/Φ₀C): the quantum that `escape_rate` takes.

    Args:
        critical_current: in the unit named by `current` (A, mA, uA, nA, pA): of a device its unit
            of current, 1 where its currents are in nA.
        capacitance: C (F).

    Example:
        >>> print(f"{float(jd.units.plasma_quantum(100.0, 1e-12, current='nA')):.6f}")
        0.055856
    """
    amperes = _array("critical_current", critical_current) * _scale("current", current, AMPERES)
    frequency = jnp.sqrt(
        2 * math.pi * amperes / (flux_quantum * _array("capacitance", capacitance))
    )
    return 2 * elementary_charge * frequency / amperes


def inductance(henry: Numbers, *, current: str):
    """Inductance in H → Φ₀ per unit of current, as `Squid(inductance=…)` takes it.

    Args:
        henry: L (H), at most 0.01: more is a number in pH.
        current: unit of the device's currents (A, mA, uA, nA, pA).

    Raises:
        ValueError: an unknown unit, an inductance above 0.01 H.

    Example:
        >>> print(f"{jd.units.inductance(20e-12, current='nA'):.6e}")  # 20 pH in Φ₀/nA
        9.671957e-06
    """
    given = _checks.real_array("henry", henry, at_least=-_MOST_HENRY, at_most=_MOST_HENRY, unit="H")
    return given * (_scale("current", current, AMPERES) / flux_quantum)


def henry(inductance: Numbers, *, current: str):
    """Inductance in Φ₀ per unit of current → H, the inverse of `inductance`.

    Example:
        >>> print(f"{1e12 * jd.units.henry(1e-5, current='nA'):.6f} pH")  # 10⁻⁵ Φ₀/nA
        20.678338 pH
    """
    return _array("inductance", inductance) * (flux_quantum / _scale("current", current, AMPERES))


def flux(area: Numbers, field: Numbers):
    """Loop area (m²) × perpendicular field (T) → flux in Φ₀.

    Example:
        >>> print(f"{jd.units.flux(10e-12, 1e-4):.6f}")  # 10 µm² in 0.1 mT
        0.483598
    """
    return _array("area", area) * _array("field", field) / flux_quantum


def flux_from_coil(coil_current: Numbers, period: Numbers, offset: Numbers = 0.0):
    """Coil current → flux in Φ₀: (coil_current − offset)/period.

    Args:
        coil_current, period, offset: in one unit; `period` is the coil current per Φ₀.
            Several loops: give `period` the shape (loops,) and coil_current (points, 1).

    Example:
        >>> print(f"{jd.units.flux_from_coil(2.5, period=10, offset=0.5):.6f}")
        0.200000
    """
    coil, start = _array("coil_current", coil_current), _array("offset", offset)
    turns = _array("period", period)
    if _checks.is_concrete(turns) and bool(jnp.any(turns == 0)):
        raise ValueError("period must not be zero, got 0")
    return (coil - start) / turns


def thouless_energy(diffusion: Numbers, length: Numbers, *, energy: str = "J"):
    """E_T = ħD/L² of a diffusive wire.

    100 cm²/s and 1 µm: 6.58 µeV, 76 mK.

    Args:
        diffusion: D (m²/s).
        length: L (m).
        energy: J, eV, meV, ueV, GHz (E/h), K or mK (E/k_B).

    Example:
        >>> print(f"{jd.units.thouless_energy(0.01, 1e-6, energy='ueV'):.6f} µeV")
        6.582120 µeV
        >>> print(f"{jd.units.thouless_energy(0.01, 1e-6, energy='mK'):.6f} mK")
        76.382326 mK
    """
    joule = hbar * _array("diffusion", diffusion) / _array("length", length) ** 2
    return joule / _scale("energy", energy, _ENERGY)


def zero_temperature_gap(critical_temperature: Numbers, *, energy: str = "meV"):
    """Δ₀ = 1.763877 k_BT_c, the weak-coupling gap at T = 0; `bcs_gap` is Δ(T)/Δ₀.

    Args:
        critical_temperature: T_c (K).
        energy: J, eV, meV, ueV, GHz (E/h), K or mK (E/k_B).

    Example:
        >>> print(f"{jd.units.zero_temperature_gap(1.2):.6f} meV")  # aluminium
        0.182399 meV
    """
    kelvin = _array("critical_temperature", critical_temperature)
    return kelvin * (bcs_gap_ratio * boltzmann / _scale("energy", energy, _ENERGY))


def _array(name: str, value: Numbers) -> Array:
    return _checks.real_array(name, value)


def _scale(kind: str, name: str, table: dict[str, float]) -> float:
    """A unit by its name, with u or either µ for micro. A guess would be off by powers of ten."""
    plain = with_u(name) if isinstance(name, str) else name
    if plain not in table:
        raise ValueError(f"unknown {kind} unit {name!r}; allowed: {', '.join(table)}")
    return table[plain]
