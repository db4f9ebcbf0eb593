"""Extended junctions by harmonics, in NumPy alone.

I(φ; f) = Re Σ C_n P(nf) e^{inφ}: C_n by a fast Fourier transform of the local relation (with
another formula for it, `dense_squid.branch_current`), P by closed transforms of boxes and of
straight lines between samples. For smooth local relations; extrema on a dense grid, then Newton.
"""

import numpy as np

from tests import helpers
from tests.reference import dense_squid

_SAMPLES = 4096
_DENSE = 8192


def transform(profile, interpolation, k):
    """∫ p e^{2πikx} dx, p of mean one, in closed form."""
    k = np.asarray(k, float)
    if profile is None:
        return np.sinc(k).astype(complex)
    values = np.asarray(profile, float)
    if interpolation == "boxes":
        edges = np.linspace(-0.5, 0.5, values.size + 1)
        centres, share = (edges[1:] + edges[:-1]) / 2, 1 / values.size
        phases = np.exp(2j * np.pi * np.multiply.outer(k, centres))
        return np.sinc(k * share) * (phases @ values) * share / np.mean(values)
    # Straight lines are hats of area h about every sample, half hats at the ends.
    x = np.linspace(-0.5, 0.5, values.size)
    h = x[1] - x[0]
    a = 2 * np.pi * k * h
    safe = np.where(np.abs(a) > 1e-3, a, 1.0)
    hat = np.where(np.abs(a) > 1e-3, (1 + 1j * safe - np.exp(1j * safe)) / safe**2,
                   0.5 + 1j * a / 6 - a**2 / 24)  # fmt: skip
    # ∫₀¹ (1 − t) e^{iat} dt, to the right of a sample; its conjugate to the left.
    phases = np.exp(2j * np.pi * np.multiply.outer(k, x)) * values
    total = hat * np.sum(phases[..., :-1], axis=-1)
    total += np.conj(hat) * np.sum(phases[..., 1:], axis=-1)
    return total * h / (h * (np.sum(values) - (values[0] + values[-1]) / 2))


def harmonics(local, profile, interpolation, flux):
    """C_n P(nf), n = 0 … , of a junction over a local relation phase → current."""
    phase = 2 * np.pi * np.arange(_SAMPLES) / _SAMPLES
    found = np.fft.rfft(local(phase))[: _SAMPLES // 4] * 2 / _SAMPLES
    found[0] /= 2
    found[np.abs(found) < 1e-17 * np.max(np.abs(found))] = 0
    return found * transform(profile, interpolation, flux * np.arange(found.size))


def extrema(coefficients):
    """(max, −min) of Re Σ c_n e^{inφ}."""
    order = np.arange(coefficients.size)
    dense = np.fft.irfft(np.pad(coefficients, (0, _DENSE // 2 + 1 - order.size)), _DENSE)
    dense = (dense + coefficients[0].real / _DENSE) * _DENSE / 2
    found = []
    for sign in (1, -1):
        phase = 2 * np.pi * np.argmax(sign * dense) / _DENSE
        for _ in range(6):
            terms = coefficients * np.exp(1j * order * phase)
            slope, curve = np.sum(1j * order * terms).real, -np.sum(order**2 * terms).real
            if sign * curve < 0:
                phase -= slope / curve
        found.append(sign * np.sum(coefficients * np.exp(1j * order * phase)).real)
    return tuple(found)


def efficiency(device):
    """(I₊, I₋, η) of an `ExtendedJunction` between bulk banks."""
    (spec,), _, _ = helpers.specification(device.local)
    flux = float(device.flux) * (1.0 if device.focusing is None else float(device.focusing))
    found = harmonics(
        lambda phase: dense_squid.branch_current(spec, phase),
        device.profile, device.interpolation, flux,
    )  # fmt: skip
    return helpers.with_efficiency(*extrema(found))
