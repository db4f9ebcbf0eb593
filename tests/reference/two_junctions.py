"""All folds of two junctions with inductances, exhaustively (shared/physics/circuits.md).

With Λ = 2π(L₀ + L₁) and κ_k = I_k cos ψ_k a fold has κ₀κ₁Λ + κ₀ + κ₁ = 0, a hyperbola:
κ = (−1 ± e^{±s})/Λ, its upper arm stable, its lower one not. Along each arm and for each sign of
sin ψ_k the fluxoid ψ₀ − ψ₁ + 2π(L₀I₀ sin ψ₀ − L₁I₁ sin ψ₁) = 2πf mod 2π is an equation in s.
"""

import itertools

import numpy as np
from scipy.optimize import brentq

POINTS = 4_000


def folds(critical, inductance, flux):
    """[(current, stable)] of every fold, sorted."""
    critical, inductance = np.asarray(critical, float), np.asarray(inductance, float)
    total = 2 * np.pi * inductance.sum()
    found = []
    for stable in (True, False):
        span = _span(total * critical, stable)
        if span is None:
            continue
        middle, half = sum(span) / 2, (span[1] - span[0]) / 2
        grid = np.linspace(0.0, np.pi, POINTS)
        for signs in itertools.product((1.0, -1.0), repeat=2):

            def at(t, signs=signs, stable=stable, middle=middle, half=half):
                s = middle - half * np.cos(t)
                power = np.exp(np.multiply.outer([1.0, -1.0], s))
                kappa = (-1 + power) / total if stable else (-1 - power) / total
                cosine = np.clip((kappa.T / critical).T, -1.0, 1.0)
                psi = (np.asarray(signs) * np.arccos(cosine).T).T
                current = (critical * np.sin(psi).T).T
                turned = psi / (2 * np.pi) + (inductance * current.T).T
                return turned[0] - turned[1] - flux, current.sum(0)

            value = at(grid)[0]
            for k in range(POINTS - 1):
                low, high = sorted(value[k : k + 2])
                for n in np.arange(np.ceil(low), np.floor(high) + 1):
                    t = brentq(lambda x, n=n, at=at: at(x)[0] - n, *grid[k : k + 2], xtol=1e-15)
                    found.append((float(at(t)[1]), stable))
    return sorted(found)


def largest(critical, inductance, flux):
    """(I₊, I₋) over all stable folds."""
    stable = [current for current, good in folds(critical, inductance, flux) if good]
    return max(stable), -min(stable)


def _span(limit, stable):
    """Where |κ_k| ≤ I_k, `limit` being ΛI_k."""
    if not stable:
        if np.any(limit <= 1):
            return None
        low, high = -np.log(limit[1] - 1), np.log(limit[0] - 1)
    else:
        low, high = -np.log(1 + limit[1]), np.log(1 + limit[0])
        if limit[0] < 1:
            low = max(low, np.log(1 - limit[0]))
        if limit[1] < 1:
            high = min(high, -np.log(1 - limit[1]))
    return (low, high) if low < high else None
