"""From circuits in SI units to the driven junction, and back."""

import jax.numpy as jnp
import numpy as np

from ... import _checks
from ...dynamics.circuits import CircuitScale as CircuitScale

_SAMPLES = 64  # of one drive period: harmonics exact to rounding up to θ_ac ~ 10


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
    if scale.capacitance is None:
        raise ValueError("scale must have a capacitance for a driven junction, got None")
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
