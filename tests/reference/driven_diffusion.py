"""A driven overdamped phase with thermal noise in NumPy alone: by its density, and by its paths.

φ̇ = a cos Ωt − I(φ) + ξ,   ⟨ξξ⟩ = 2γδ.
"""

import numpy as np
from scipy.linalg import expm


def density_voltage(current, amplitude, frequency, noise, modes=64, step=0.02, periods=2):
    """⟨φ̇⟩ over the last period: the Fokker–Planck equation in Fourier modes, Strang splitting.

    The drive turns the phases of the modes, exactly; the rest is one matrix, exactly. Errors are of
    the step squared and of what the density forgets in the first periods.
    """
    k = np.arange(-modes, modes + 1)
    samples = 4 * modes + 4
    phase = 2 * np.pi * np.arange(samples) / samples
    harmonics = np.fft.fft(current(phase)) / samples
    static = 1j * k[:, None] * harmonics[np.subtract.outer(k, k)] - np.diag(noise * k**2)
    steps = int(np.ceil(2 * np.pi / frequency / step))
    half = expm(static * (np.pi / frequency / steps))
    grid = 2 * np.pi / frequency * np.arange(steps + 1) / steps
    turned = amplitude / frequency * np.diff(np.sin(frequency * grid))
    density = (k == 0) / (2 * np.pi) + 0j
    mean_current = 2 * np.pi * np.conj(harmonics[k])  # ∫I P dφ as a product with the modes
    for _ in range(periods):
        carried = 0.0
        for turn in turned:
            density = half @ density
            turned_density = np.exp(-1j * k * turn) * density
            carried += (mean_current @ (density + turned_density)).real / 2
            density = turned_density
            density = half @ density
    return -carried / steps


def path_voltage(current, amplitude, frequency, noise, rng, lanes=4000, periods=4, step=0.01):
    """Mean and standard error of ⟨φ̇⟩ over whole periods after one, by stochastic Heun steps."""
    steps = int(np.ceil(2 * np.pi / frequency / step))
    h = 2 * np.pi / frequency / steps
    drive = amplitude * np.cos(2 * np.pi * np.arange(steps + 1) / steps)
    phase = np.zeros(lanes)
    for period in range(periods + 1):
        if period == 1:
            start = phase.copy()
        for n in range(steps):
            kick = np.sqrt(2 * noise * h) * rng.standard_normal(lanes)
            slope = drive[n] - current(phase)
            ahead = phase + h * slope + kick
            phase = phase + h / 2 * (slope + drive[n + 1] - current(ahead)) + kick
    velocity = (phase - start) / (periods * 2 * np.pi / frequency)
    return velocity.mean(), velocity.std(ddof=1) / np.sqrt(lanes)
