"""Escape rates and histograms of sin φ + a sin(2φ + δ) on dense grids, with SciPy's roots.

Shares no code with jaxdiode. The table of ramps is by direct Langevin simulation.
"""

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq


def independent_rates(second, shift, bias, noise, damping):
    """Rates by formula name, of the direction + of sin φ + a sin(2φ + δ)."""

    def current(x):
        return np.sin(x) + second * np.sin(2 * x + shift) - bias

    def energy(x):
        return -np.cos(x) - second / 2 * np.cos(2 * x + shift) - bias * x

    def slope(x):
        return np.cos(x) + 2 * second * np.cos(2 * x + shift)

    x = np.linspace(-2 * np.pi, 4 * np.pi, 60001)
    roots = np.array([
        brentq(current, x[k], x[k + 1], xtol=1e-14)
        for k in np.flatnonzero(np.diff(np.sign(current(x))))
    ])  # fmt: skip
    wells, tops = roots[slope(roots) > 0], roots[slope(roots) < 0]
    well = wells[wells > -np.pi / 2][0]
    top, behind, ahead = tops[tops > well][0], tops[tops < well][-1], wells[wells > well][0]
    barrier, g = energy(top) - energy(well), 1 / noise
    transition = np.sqrt(slope(well)) / (2 * np.pi) * np.exp(-g * barrier)
    omega = np.sqrt(-slope(top))
    kramers = transition * (np.sqrt(damping**2 / 4 + omega**2) - damping / 2) / omega
    left = x[(x < well) & (energy(x) > energy(top))][-1]
    first = brentq(lambda y: energy(y) - energy(top), left, well)
    speed = quad(lambda y: np.sqrt(max(2 * (energy(top) - energy(y)), 0)), first, top, limit=400)[0]
    loss = g * damping * 2 * speed
    factor = quad(
        lambda y: np.log(-np.expm1(-loss * (y**2 + 0.25))) / (y**2 + 0.25), -np.inf, np.inf,
        limit=400,
    )[0]  # fmt: skip
    over = np.linspace(behind, top, 40001), np.linspace(well, ahead, 40001)
    held = np.trapezoid(np.exp(-g * (energy(over[0]) - energy(well))), over[0])
    passed = np.trapezoid(np.exp(g * (energy(over[1]) - energy(top))), over[1])
    return {
        "transition state": transition,
        "Kramers": kramers,
        "Mel'nikov–Meshkov": np.exp(factor / (2 * np.pi)) * kramers,
        "Büttiker–Harris–Landauer": 4 / (np.sqrt(1 + 4 / loss) + 1) ** 2 * transition,
        "quadrature": noise / (held * passed) * np.exp(-g * barrier) / damping,
    }


# (case, index of the direction, damping, simulated mean ± and deviation ±, {formula: (mean, σ)});
# γ = .02, r = 1e-4. MM: Mel'nikov–Meshkov, BHL: Büttiker–Harris–Landauer, TST: transition state.
RAMPS = [
    ("generic", 0, None, 0.78302, 0.02639,
     {"v": (0.78374, 0.02674), "quadrature": (0.78347, 0.02636), "Kramers": (0.78089, 0.02543)}),
    ("generic", 0, 1.0, 0.78798, 0.02578,
     {"MM": (0.78581, 0.02595), "BHL": (0.77025, 0.02401), "Kramers": (0.78580, 0.02594),
      "TST": (0.76929, 0.02370), "quadrature": (0.78354, 0.02622)}),
    ("generic", 0, 0.2, 0.77473, 0.02560,
     {"MM": (0.77387, 0.02504), "BHL": (0.77359, 0.02527), "Kramers": (0.77269, 0.02433),
      "TST": (0.76918, 0.02393), "quadrature": (0.75111, 0.02221)}),
    ("generic", 1, None, 1.12576, 0.03152,
     {"v": (1.12524, 0.03258), "Kramers": (1.12291, 0.03145)}),
    ("generic", 1, 0.2, 1.12622, 0.03089,
     {"MM": (1.12444, 0.03160), "BHL": (1.12590, 0.03196), "Kramers": (1.12272, 0.03071),
      "TST": (1.11991, 0.03035)}),
    ("double loop", 0, None, 0.71295, 0.03969,
     {"v": (0.71397, 0.04078), "Kramers": (0.70926, 0.03943)}),
    ("balanced", 0, None, 0.88163, 0.02647,
     {"v": (0.87958, 0.02766), "quadrature": (0.87932, 0.02761)}),
    ("balanced", 0, 0.2, 0.89507, 0.02568,
     {"cusp": (0.89505, 0.02595), "TST": (0.89441, 0.02548), "quadrature": (0.84523, 0.02371)}),
    ("generic", 0, 0.05, 0.78154, 0.02650,
     {"MM": (0.78019, 0.02789), "BHL": (0.78328, 0.02829), "Kramers": (0.77005, 0.02402),
      "TST": (0.76918, 0.02393), "quadrature": (0.72717, 0.01951)}),
]  # fmt: skip
NAMES = {
    "v": "phase slip rate",
    "MM": "Mel'nikov–Meshkov",
    "BHL": "Büttiker–Harris–Landauer",
    "TST": "transition state",
    "cusp": "cusp interpolation",
}
