"""Short junctions by NumPy and SciPy alone: the gap, momentum of the pairs, KO-1 as an average.

Energies in Δ(T) and currents in eΔ(T)/ħ, if nothing else is said. Nothing here sums, samples or
searches as the package does: the gap is from the integral over energies in place of the sum over
frequencies, α is complex, tails are integrals in ln ω, KO-1 is an average over transparencies.
"""

import math

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

RATIO = math.pi * math.exp(-np.euler_gamma)  # Δ₀/k_BT_c
_TERMS = 400


def gap(t):
    """Δ(T)/Δ₀ at t = T/T_c: ln(1/δ) = 2 ∫₀^∞ du/(1 + e^{(Δ/T) cosh u})."""
    if t >= 1:
        return 0.0

    def balance(delta):
        y = RATIO * delta / t
        last = math.acosh(max(700 / y, 1.0 + 1e-12))
        fermi = lambda u: 1 / (1 + math.exp(min(y * math.cosh(u), 700.0)))  # noqa: E731
        knee = min(math.acosh(max(3 / y, 1.0)), last)
        found = sum(
            quad(fermi, *ends, epsabs=1e-15, epsrel=1e-13, limit=400)[0]
            for ends in ((0, knee), (knee, last))
            if ends[1] > ends[0]
        )
        return math.log(1 / delta) - 2 * found

    return brentq(balance, 1e-4, 1.0, xtol=1e-15, rtol=1e-14)


def _term(omega, phase, tau, d):
    """−8τ Im(α²e^{iφ})/W."""
    z = 1j * omega + d
    root = np.sqrt(z - 1) * np.sqrt(z + 1)
    alpha = 1 / (z + root)
    turned = alpha**2 * np.exp(1j * phase)
    size = np.abs(alpha) ** 2
    return -8 * tau * turned.imag / (1 + size**2 + 2 * (1 - tau) * size - 2 * tau * turned.real)


def mode(phase, tau, d, temperature):
    """I(φ) of one channel; the jump of τ = 1 at T = 0 by its closed form."""
    phase = np.asarray(phase, float)
    if temperature == 0 and tau == 1:
        folded = np.mod(phase, 2 * np.pi)
        if abs(d) <= 1:
            return np.sin(folded / 2) * np.sign(np.cos(folded / 2) - d) + 2 * d / np.pi
        edge = np.sign(d) / (abs(d) + math.sqrt(d * d - 1))
        log = np.arctanh(edge * np.exp(0.5j * folded))
        return 2 / np.pi * edge - 4 / np.pi * np.sin(folded / 2) * log.imag
    start, total, step = 0.0, 0.0, 2 * np.pi * temperature
    x, h = np.linspace(-38, 38, 501, retstep=True)  # trapezoid in ln ω: exponentially exact
    if temperature > 0:
        omega = step * (np.arange(_TERMS) + 0.5)
        total = temperature * _term(omega, phase[..., None], tau, d).sum(-1)
        start = step * _TERMS
        # ∫ from there on in 1/ω, and Euler and Maclaurin's h²f′/24.
        nodes, weights = np.polynomial.legendre.leggauss(24)
        inverse = (nodes + 1) / (2 * start)
        tail = _term(1 / inverse, phase[..., None], tau, d) / inverse**2
        up, down = (_term(start * (1 + x), phase, tau, d) for x in (1e-3, -1e-3))
        slope = (up - down) / (2e-3 * start)
        rest = (tail * weights).sum(-1) / (2 * start) + step**2 / 24 * slope
        return total + rest / (2 * np.pi)
    omega = np.exp(x)
    return (_term(omega, phase[..., None], tau, d) * omega).sum(-1) * h / (2 * np.pi)


def diffusive(phase, temperature):
    """KO-1, eR_N I/Δ: Andreev modes averaged over Dorokhov's ρ(τ) = 1/(2τ√(1−τ))."""
    phase = np.asarray(phase, float)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    x = (nodes + 1) / 2  # τ = 1 − x²
    c, s = np.cos(phase / 2)[..., None], np.sin(phase / 2)[..., None]
    r = np.hypot(c, x * s)
    occupation = np.tanh(r / (2 * temperature)) if temperature > 0 else 1.0
    return np.pi / 2 * np.sin(phase) * (weights / 2 * occupation / r).sum(-1)


def extrema(current, points=181):
    """(I₊, I₋) of a relation by samples, and by zooms into the largest."""
    found = []
    for sign in (1, -1):
        phases = np.linspace(0, 2 * np.pi, points)
        for _ in range(9):
            values = sign * current(phases)
            k = int(np.argmax(values))
            low, high = phases[max(k - 1, 0)], phases[min(k + 1, phases.size - 1)]
            phases = np.linspace(low, high, 25)
        found.append(float(values.max()))
    return tuple(found)
