"""From circuits in SI units to the driven junction, and back."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks, units
from ..._checks import Numbers
from ...core.parameters import AbstractParameters, parameter

_SAMPLES = 64  # of one drive period: harmonics exact to rounding up to θ_ac ~ 10


class CircuitScale(AbstractParameters):
    """Units of current, time and voltage of a junction circuit, shunts included.

    ω_p = √(2πI₀/Φ₀C), β = 1/(RCω_p). 10 nA with 1 pF: f_p = 0.88 GHz.

    Args:
        critical_current: reference current I₀ (A); for a symmetric double loop the paper takes
            the sum of the outer two.
        capacitance: total, of all branches (F).
        resistance: of all shunts in parallel (Ω).

    Raises:
        ValueError: values that are not positive.

    Example:
        >>> scale = jd.kapitza.CircuitScale(10e-9, capacitance=1e-12, resistance=360)
        >>> print(f"{scale.plasma_frequency / 1e9:.6f} GHz, damping {scale.damping:.6f}")
        0.877308 GHz, damping 0.503924
        >>> print(f"{scale.noise(0.05):.6f} {scale.volts(0.5) * 1e6:.6f} µV")  # 50 mK, ⟨φ'⟩ = 0.5
        0.209758 0.907064 µV
    """

    critical_current: Float[Array, ""] = parameter(
        above=0.0, unit="A", label="reference current I₀"
    )
    capacitance: Float[Array, ""] = parameter(above=0.0, unit="F", label="capacitance")
    resistance: Float[Array, ""] = parameter(above=0.0, unit="Ω", label="resistance")

    def __init__(self, critical_current: Numbers, capacitance: Numbers, *, resistance: Numbers):
        self.critical_current = self.checked("critical_current", critical_current)
        self.capacitance = self.checked("capacitance", capacitance)
        self.resistance = self.checked("resistance", resistance)

    @property
    def plasma_frequency(self) -> Float[Array, ""]:
        """f_p = ω_p/2π (Hz)."""
        ratio = self.critical_current / (2 * jnp.pi * units.flux_quantum * self.capacitance)
        return jnp.sqrt(ratio)

    @property
    def damping(self) -> Float[Array, ""]:
        """β."""
        time_constant = self.resistance * self.capacitance
        return 1 / (2 * jnp.pi * self.plasma_frequency * time_constant)

    def amperes(self, current: Numbers) -> Array:
        """Dimensionless current → A."""
        return _checks.real_array("current", current) * self.critical_current

    def volts(self, voltage: Numbers) -> Array:
        """Dimensionless voltage ⟨φ'⟩ → V: times Φ₀f_p."""
        scale = units.flux_quantum * self.plasma_frequency
        return _checks.real_array("voltage", voltage) * scale

    def seconds(self, time: Numbers) -> Array:
        """Dimensionless time τ → s."""
        return _checks.real_array("time", time) / (2 * jnp.pi * self.plasma_frequency)

    def hertz(self, drive_frequency: Numbers) -> Array:
        """Ω → Hz."""
        return _checks.real_array("drive_frequency", drive_frequency) * self.plasma_frequency

    def noise(self, temperature: Numbers) -> Array:
        """γ = k_BT/E_J at a temperature in K, as `switching_currents` takes it."""
        energy = units.josephson_energy(self.critical_current, current="A", energy="J")
        kelvin = _checks.real_array("temperature", temperature, at_least=0.0)
        return units.boltzmann * kelvin / energy


def gated_squid(scale, mean_current, drive_current, static_current, frequency, flux, phase_offset):
    """Arguments of `KapitzaJunction`; see `KapitzaJunction.gated_squid`."""
    mean = _checks.real_array("mean_current", mean_current, ndim=0, at_least=0.0)
    drive = _checks.real_array("drive_current", drive_current, ndim=0)
    static = _checks.real_array("static_current", static_current, ndim=0)
    if _checks.is_concrete(mean) and _checks.is_concrete(drive) and abs(drive) > mean:
        raise ValueError(
            f"drive_current must be at most mean_current ({float(mean):g}), since a gate does not "
            f"make a critical current negative, got {float(drive):g}"
        )
    offset = _checks.real_array("phase_offset", phase_offset, ndim=0)
    offset = offset - 2 * jnp.pi * _checks.real_array("flux", flux, ndim=0)
    return {
        **_common(scale, frequency),
        "mean_current": mean / scale.critical_current,
        "drive_current": drive / scale.critical_current,
        "static_current": static / scale.critical_current,
        "phase_offset": offset,
    }


def double_loop(
    scale, outer_current, middle_current, phase_offset, dc_flux, ac_flux, frequency, harmonics, weak
):
    """Arguments of `KapitzaJunction`; see `KapitzaJunction.double_loop`."""
    harmonics = _checks.whole_number("harmonics", harmonics)
    if harmonics >= _SAMPLES // 2:
        raise ValueError(f"harmonics must be less than {_SAMPLES // 2}, got {harmonics}")
    outer = _pair("outer_current", outer_current) / scale.critical_current
    middle = _checks.real_array("middle_current", middle_current, ndim=0) / scale.critical_current
    offset = _checks.real_array("phase_offset", phase_offset, ndim=0)
    sides = jnp.array([1.0, -1.0])
    dc = sides * 2 * jnp.pi * _pair("dc_flux", dc_flux)
    ac = sides * 2 * jnp.pi * _pair("ac_flux", ac_flux)
    theta = 2 * np.pi * np.arange(_SAMPLES) / _SAMPLES
    if weak:
        sine, cosine = outer * jnp.cos(dc), outer * jnp.sin(dc)
        means = jnp.sum(sine), jnp.sum(cosine)
        amplitudes = jnp.sum(-ac * cosine), jnp.sum(ac * sine)
    else:
        # sin(φ + θ) = sin φ cos θ + cos φ sin θ; both factors as Fourier series of the drive.
        total = dc[:, None] + ac[:, None] * jnp.asarray(np.cos(theta))
        waves = outer @ jnp.cos(total), outer @ jnp.sin(total)
        means = tuple(jnp.mean(wave) for wave in waves)
        order = np.arange(1, harmonics + 1)
        basis = jnp.asarray(2 / _SAMPLES * np.cos(np.outer(order, theta)))
        amplitudes = tuple(basis @ wave for wave in waves)
    # The static parts of the outer pair beyond a₀ sin φ join the middle junction's.
    in_phase = middle * jnp.cos(offset)
    quadrature = middle * jnp.sin(offset) + means[1]
    return {
        **_common(scale, frequency),
        "mean_current": means[0],
        "drive_current": amplitudes[0],
        "quadrature_current": amplitudes[1],
        "static_current": jnp.hypot(in_phase, quadrature),
        "phase_offset": jnp.arctan2(quadrature, in_phase),
    }


def _common(scale, frequency):
    if not isinstance(scale, CircuitScale):
        raise ValueError(f"scale must be a CircuitScale, got {type(scale).__name__}")
    hertz = _checks.positive("frequency", frequency)
    ratio = hertz / scale.plasma_frequency
    if _checks.is_concrete(ratio) and not 1e-3 <= ratio <= 1e3:
        raise ValueError(
            "frequency must be in Hz, within a factor of 1000 of the plasma frequency "
            f"{float(scale.plasma_frequency):.4g}, got {float(hertz):.4g}"
        )
    return {"damping": scale.damping, "drive_frequency": ratio}


def _pair(name, value):
    array = _checks.real_array(name, value)
    if array.shape not in ((), (2,)):
        raise ValueError(f"{name} must be one number or two, got shape {array.shape}")
    return jnp.broadcast_to(array, (2,))
