"""All folds of two junctions with inductances, exhaustively (shared/physics/circuits.md).

With Λ = 2π(L₀ + L₁), κ_k = I_k cos ψ_k: κ₀κ₁Λ + κ₀ + κ₁ = 0 gives κ₁ of every ψ₀, so two ψ₁; the
fluxoid ψ₀ − ψ₁ + 2π(L₀I₀ sin ψ₀ − L₁I₁ sin ψ₁) = 2πf mod 2π is then an equation in ψ₀ alone.
"""

import numpy as np
from scipy.optimize import brentq

POINTS = 20_000


def folds(critical, inductance, flux):
    """[(current, stable)] of every fold, sorted."""
    (first, second), (before, after) = critical, inductance
    total = 2 * np.pi * (before + after)

    def other(psi, sign):
        kappa = first * np.cos(psi)
        cosine = -kappa / (kappa * total + 1) / second
        return sign * np.arccos(cosine)

    def miss(psi, sign):
        with np.errstate(invalid="ignore", divide="ignore"):
            psi1 = other(psi, sign)
        screened = before * first * np.sin(psi) - after * second * np.sin(psi1)
        return (psi - psi1) / (2 * np.pi) + screened - flux

    grid = np.linspace(-np.pi, np.pi, POINTS + 1)
    found = []
    for sign in (1.0, -1.0):
        value = miss(grid, sign)
        whole = np.floor(value)
        for k in np.flatnonzero(np.isfinite(whole[:-1]) & np.isfinite(whole[1:])):
            low, high = sorted((whole[k], whole[k + 1]))
            if high - low > 3:  # across a pole
                continue
            for n in np.arange(low + 1, high + 1):
                psi = brentq(lambda x, n=n, s=sign: miss(x, s) - n, *grid[k : k + 2], xtol=1e-15)
                psi1 = other(psi, sign)
                stiff = first * np.cos(psi) + second * np.cos(psi1) + 2 / total
                found.append((first * np.sin(psi) + second * np.sin(psi1), bool(stiff > 0)))
    return sorted(found)


def largest(critical, inductance, flux):
    """(I₊, I₋) over all stable folds."""
    stable = [current for current, good in folds(critical, inductance, flux) if good]
    return max(stable), -min(stable)
