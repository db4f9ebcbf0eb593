"""NumPy/SciPy reference for the phase-slip wire with valley-polarisation back-action (arXiv text of
Banerjee, Scheurer, "Dissipation-enhanced non-reciprocal superconductivity", Eqs. 2, 3, App. A).

V(j; ε) = ε^{3/2} v(k), k = j/ε^{3/2}.  With Δ = √ε sin(θ₀+d), sin²θ₀ = 2/3, Eq. (2) reads
v = 2F_top/∫a'dd/F, F² = κa + b, a = ∫a'dd, a' = 3 sin²(θ₀+d) - 2, b = ∫(k_c - j_s)a'dd,
κ = k - k_c.  Everything is a function of ln κ; d = √κ sinh t removes the layer at d ~ √κ.

Back-action: F = α₁Φ² + α₂Φ⁴ + 2c₁VΦ, α₁ = -|α| < 0, Φ₀² = -α₁/2α₂, so (c₁/|α|)V = Φ(1 - Φ²/Φ₀²),
V = sign(j)|V|, and ε = max(0, 1 + βΦ²).  The curve j(Φ) gives every state without iteration.
Symmetry: F and ε keep their form under (Φ, c₁) → (-Φ, -c₁) and under (Φ, j) → (-Φ, -j), so the
branch that starts at Φ₀ for c₁Φ₀ < 0 is the one for |c₁|, |Φ₀| with the two directions exchanged.
No jax.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

CRITICAL = 2 / (3 * np.sqrt(3))  # k_c
TOP = np.arctan(np.sqrt(0.5))  # d where Δ = √ε
PANEL = 0.75  # width in t; the nearest singularity of the integrand is π/2 away
LOWEST = -90.0  # ln κ below which v = slope/(offset - ln κ) to all digits
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


class State(NamedTuple):
    """A stationary state: Φ, V, dV/dj along its curve, and phase and extremum of F in words."""

    polarization: float
    voltage: float
    slope: float
    kind: str


def rise(d):
    """a'(d)/sin d."""
    return 2 * np.sqrt(2) * np.cos(d) - np.sin(d)


def deficit(d):
    """k_c - j_s."""
    e = (2 * np.sin(d / 2) ** 2 + np.sqrt(2) * np.sin(d)) / np.sqrt(3)
    return e**2 * (np.sqrt(3) - e)


@lru_cache
def scaled_moments():
    """Chebyshev series on [0, TOP] of a/d² and b/d⁴ (both analytic), from Gauss quadrature."""
    grid = (np.polynomial.chebyshev.chebpts1(40) + 1) * TOP / 2
    x, w = (NODES + 1) / 2, WEIGHTS / 2
    d = grid[:, None] * x
    slope = np.sin(d) * rise(d)
    scaled = [slope @ w / grid, (deficit(d) * slope) @ w / grid**3]
    return [np.polynomial.Chebyshev.fit(grid, s, 30, domain=[0, TOP]) for s in scaled]


def voltage_of_log(log_kappa):
    """v and dv/dk at ln κ (array); the two integrals are ∫a'/F and ∫aa'/F³ over d."""
    log_kappa = np.atleast_1d(np.asarray(log_kappa, float))
    root = np.exp(log_kappa / 2)
    stop = np.arcsinh(TOP / root)
    series_a, series_b = scaled_moments()
    first, second = np.zeros_like(root), np.zeros_like(root)
    for n in range(int(np.ceil(stop.max() / PANEL))):
        live = stop > n * PANEL
        low, high = n * PANEL, np.minimum((n + 1) * PANEL, stop[live])
        half = (high - low)[:, None] / 2
        t = low + half * (NODES + 1)
        d = np.minimum(root[live][:, None] * np.sinh(t), TOP)
        ratio = root[live][:, None] / d
        a, b = series_a(d), series_b(d)
        force = np.sqrt(ratio**2 * a + b)  # F/d²
        measure = half * WEIGHTS * root[live][:, None] * np.cosh(t) * np.sin(d) * rise(d) / d**2
        first[live] += np.sum(measure / force, axis=1)
        second[live] += np.sum(measure * a / force**3 / d**2, axis=1)
    a, b = series_a(TOP) * TOP**2, series_b(TOP) * TOP**4
    force = np.sqrt(np.exp(log_kappa) * a + b)
    return 2 * force / first, a / (force * first) + force * second / first**2


@lru_cache
def onset():
    """slope, offset of v = slope/(offset - ln κ) at κ → 0; slope = 2F_top(κ=0)/6^{1/4}."""
    slope = 2 * np.sqrt(scaled_moments()[1](TOP)) * TOP**2 / 6**0.25
    return slope, slope / voltage_of_log(LOWEST)[0][0] + LOWEST


def universal_voltage(k):
    """v(k), v'(k), elementwise; 0, 0 for |k| ≤ k_c; v odd in k."""
    k = np.asarray(k, float)
    value, slope = np.zeros(k.shape), np.zeros(k.shape)
    on = np.abs(k) > CRITICAL
    if on.any():
        log_kappa = np.log(np.abs(k[on]) - CRITICAL)
        result = [
            voltage_of_log(part) for part in np.array_split(log_kappa, 1 + log_kappa.size // 500)
        ]
        value[on] = np.concatenate([r[0] for r in result]) * np.sign(k[on])
        slope[on] = np.concatenate([r[1] for r in result])
    return value, slope


def adaptive_voltage(k):
    """v at one k > k_c by scipy's adaptive rule, as a harmonic mean: v = F_top/∫dF/(k - j_s)."""
    kappa = k - CRITICAL
    series_a, series_b = scaled_moments()

    def force(d):
        return np.sqrt(kappa * series_a(d) * d**2 + series_b(d) * d**4)

    def integrand(s):  # d = √κ sinh s, dF = ½(k - j_s)a'dd/F
        d = min(np.sqrt(kappa) * np.sinh(s), TOP)
        if d == 0:
            return 0.0
        return np.sin(d) * rise(d) / (2 * force(d)) * np.sqrt(kappa) * np.cosh(s)

    stop = np.arcsinh(TOP / np.sqrt(kappa))
    return force(TOP) / quad(integrand, 0, stop, epsabs=0, epsrel=1e-13, limit=200)[0]


@lru_cache
def inversion_table():
    grid = np.concatenate([np.linspace(LOWEST, 4, 1200), np.linspace(4, 60, 400)[1:]])
    return grid, voltage_of_log(grid)[0]


def log_inverse(v):
    """ln κ and v' at v > 0 (array): table, then Newton on ln v (v grows) or 1/v (onset)."""
    v = np.atleast_1d(np.asarray(v, float))
    slope, offset = onset()
    with np.errstate(over="ignore", divide="ignore"):
        y = offset - slope / v
        derivative = v**2 / slope * np.exp(-y)
    grid, table = inversion_table()
    inside = v > table[0]
    if inside.any():
        target = v[inside]
        guess = np.interp(target, table, grid)
        for _ in range(5):
            value, rate = voltage_of_log(guess)
            step = np.where(
                guess < 0,
                (value - target) / target * value / (np.exp(guess) * rate),
                np.log(value / target) * value / (np.exp(guess) * rate),
            )
            guess = guess - np.clip(step, -1, 1)
            if np.abs(step).max() < 1e-13:
                break
        y[inside] = guess
        derivative[inside] = voltage_of_log(guess)[1]
    return y, derivative


def inverse(v):
    """k ≥ 0 with v(k) = v, elementwise; k_c at v = 0."""
    v = np.asarray(v, float)
    k = np.full(v.shape, CRITICAL)
    on = v > 0
    k[on] = CRITICAL + np.exp(log_inverse(v[on])[0])
    return k


class Curve:
    """The curve j(Φ) for c₁ > 0, Φ₀ > 0, c = c₁/|α|; all real Φ."""

    def __init__(self, zero_current, coupling, beta, alpha):
        self.zero, self.c, self.beta = zero_current, coupling / abs(alpha), beta

    def strength(self, phi):
        return np.maximum(0.0, 1 + self.beta * np.asarray(phi) ** 2)

    def voltage(self, phi):
        return phi * (1 - phi / self.zero) * (1 + phi / self.zero) / self.c

    def point(self, phi):
        """j, dj/dΦ, dV/dj at Φ (array)."""
        phi = np.atleast_1d(np.asarray(phi, float))
        v = self.voltage(phi)
        rate = (1 - 3 * (phi / self.zero) ** 2) / self.c
        eps = self.strength(phi)
        j, change = np.abs(v), rate * np.sign(v)
        on = (eps > 0) & (v != 0)
        if on.any():
            scale = eps[on] ** 1.5
            ratio = np.abs(v[on]) / scale
            y, slope = log_inverse(ratio)
            k = CRITICAL + np.exp(y)
            growth = 3 * self.beta * phi[on] * np.sqrt(eps[on])  # dε^{3/2}/dΦ
            j[on] = scale * k
            change[on] = growth * (k - ratio / slope) + change[on] / slope
        still = (eps > 0) & (v == 0)
        j[still] = CRITICAL * eps[still] ** 1.5
        change = change * np.sign(v)
        with np.errstate(divide="ignore", invalid="ignore"):
            return j * np.sign(v), change, rate / change

    def current(self, phi):
        return float(self.point(phi)[0][0])

    def change(self, phi):
        return float(self.point(phi)[1][0])

    def solve(self, function, grid, values):
        """Roots of a scalar function whose samples on the grid are `values`."""
        found = []
        for n in np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0):
            found.append(brentq(function, grid[n], grid[n + 1], xtol=1e-15, rtol=1e-14))
        return found + list(grid[values == 0])


@lru_cache(maxsize=32)
def dense(zero, coupling, beta, alpha):
    """The curve, and per piece of the Φ axis between V = 0 a grid with its folds, and j on it."""
    curve = Curve(zero, coupling, beta, alpha)
    fine = 10.0 ** np.linspace(-9, 0, 400)
    inner = np.unique(np.concatenate([fine / 2, 1 - fine / 2, np.linspace(0.001, 0.999, 600)]))
    outer = 1 + np.concatenate([fine, 10.0 ** np.linspace(0.005, 2, 200)])
    special = np.array([1 / np.sqrt(-beta)]) if beta < 0 else np.array([])
    pieces = []
    for grid in (inner * zero, outer * zero):
        edge = special[(special > grid[0]) & (special < grid[-1])]
        grid = np.unique(np.concatenate([grid, edge]))
        change = curve.point(grid)[1]
        grid = np.unique(np.concatenate([grid, curve.solve(curve.change, grid, change)]))
        j = curve.point(grid)[0]
        pieces += [(grid, j), (-grid[::-1], -j[::-1])]
    return curve, pieces


def wire_states(current, zero_current, coupling, beta=-1.2, alpha=-1.0):
    """All stationary states at a current: V = 0 at ±Φ₀ and 0 where j_s carries it, then the rest.

    Kinds: "superconducting", "resistive" (ε > 0) or "normal" (ε = 0), then "minimum" or "maximum"
    of F at fixed V.  A resistive minimum with a negative slope is the middle branch of the S.
    Not resolved: states with |Φ²/Φ₀² - 1| < 1e-9 and V ≠ 0 (relative windows of 1e-9 above j_s0).
    """
    zero = abs(zero_current)
    flip = -1.0 if coupling < 0 else 1.0
    states = []
    for phi in (zero, -zero, 0.0):
        carried = CRITICAL * max(0.0, 1 + beta * phi**2) ** 1.5
        if abs(current) <= carried and (carried > 0 or current == 0):
            phase = "superconducting" if carried > 0 else "normal"
            extremum = "minimum" if phi else "maximum"
            states.append(State(phi, 0.0, 0.0 if carried > 0 else 1.0, f"{phase} {extremum}"))
    if current == 0:
        return states
    if coupling == 0:
        return states + [
            uncoupled(current, phi, beta)
            for phi in (zero, -zero, 0.0)
            if abs(current) > CRITICAL * max(0.0, 1 + beta * phi**2) ** 1.5
        ]
    curve, pieces = dense(zero, abs(coupling), beta, alpha)
    for grid, j in pieces:
        for phi in curve.solve(lambda p: curve.current(p) - current, grid, j - current):
            phase = "resistive" if 1 + beta * phi**2 > 0 else "normal"
            extremum = "minimum" if 3 * phi**2 > zero**2 else "maximum"
            slope = float(curve.point(phi)[2][0])
            states.append(
                State(flip * phi, float(curve.voltage(phi)), slope, f"{phase} {extremum}")
            )
    return states


def uncoupled(current, phi, beta):
    """The state with c₁ = 0."""
    scale = max(0.0, 1 + beta * phi**2) ** 1.5
    extremum = "minimum" if phi else "maximum"
    if scale == 0:
        return State(phi, current, 1.0, f"normal {extremum}")
    v, slope = universal_voltage(current / scale)
    return State(phi, float(scale * v), float(slope), f"resistive {extremum}")


def first_root(curve, function, grid):
    """The root of function(Φ) that comes first along the grid, or nan."""
    values = function(grid)
    signs = np.sign(values)
    for n in np.flatnonzero(signs[:-1] * signs[1:] < 0):
        return brentq(lambda p: float(function(np.array([p]))[0]), grid[n], grid[n + 1], xtol=1e-15)
    return np.nan


def criteria(zero_current, coupling, beta=-1.2, alpha=-1.0):
    """Name -> (I₊, I₋), magnitudes, on the branch from Φ₀; nan where there is no such point.

    onset: k_c ε(Φ₀)^{3/2}.  retrap: least |j| of the resistive branch.  half: |V| = |j|/2, first
    point from Φ₀ (V/ε^{3/2} = k_h/2, v(k_h) = k_h/2).  gapless: ε passes 0.  ohmic: dV/dj = 1 at
    ε > 0, and where that does not occur `gapless`; from ε(Φ₀) = 0, 0 if the wire stays normal and
    nan if the current makes it superconduct (from `gapless` on).  flip: Φ₀/√3, only where |Φ|
    falls; flip_voltage: |V| there.
    """
    zero, nan = abs(zero_current), np.nan
    strength = max(0.0, 1 + beta * zero**2)
    js = CRITICAL * strength**1.5
    half_k = brentq(lambda k: float(universal_voltage(k)[0]) - k / 2, 0.39, 1.0, xtol=1e-15)
    result = {"onset": (js, js)}
    if coupling == 0:
        pair = {"retrap": js, "half": half_k * strength**1.5 or nan}
        none = ("gapless", "ohmic", "flip", "flip_voltage")
        return result | {k: (v, v) for k, v in pair.items()} | {k: (nan, nan) for k in none}
    curve, pieces = dense(zero, abs(coupling), beta, alpha)
    spinodal = zero / np.sqrt(3)
    inner, outer = pieces[0][0], pieces[2][0]
    down = np.concatenate([inner[inner > spinodal][::-1], [spinodal]])
    rows = {name: [] for name in ("retrap", "half", "gapless", "ohmic", "flip", "flip_voltage")}
    for grid, opens in ((down, False), (outer, True)):
        critical = 1 / np.sqrt(-beta) if beta < 0 else nan
        reached = min(grid[0], grid[-1]) < critical < max(grid[0], grid[-1])
        gapless = abs(curve.current(critical)) if reached else nan
        j = np.abs(curve.point(grid)[0])
        rows["retrap"].append(min(js, j.min()))

        def excess(phi):
            return np.abs(curve.voltage(phi)) - half_k / 2 * curve.strength(phi) ** 1.5

        at = first_root(curve, excess, grid) if strength > 0 else nan
        rows["half"].append(nan if np.isnan(at) else abs(curve.current(at)))
        rows["gapless"].append(gapless)
        if strength > 0:

            def bend(phi):  # dj/dV - 1, of the sign of 1 - dV/dj but finite at folds
                rate = (1 - 3 * (phi / zero) ** 2) / curve.c
                return np.where(curve.strength(phi) > 0, curve.point(phi)[1] / rate - 1, 0.0)

            inside = grid[(curve.strength(grid) > 0) & (np.abs(grid - spinodal) > 1e-9 * zero)]
            at = first_root(curve, bend, inside)
            rows["ohmic"].append(gapless if np.isnan(at) else abs(curve.current(at)))
        else:
            rows["ohmic"].append(0.0 if np.isnan(gapless) else nan)
        rows["flip"].append(nan if opens else abs(curve.current(spinodal)))
        rows["flip_voltage"].append(nan if opens else abs(float(curve.voltage(spinodal))))
    swapped = coupling * zero_current < 0
    return result | {k: tuple(v[::-1] if swapped else v) for k, v in rows.items()}


def quasi_static(currents, zero_current, coupling, beta=-1.2, alpha=-1.0):
    """V, Φ through a history of currents from V = 0 at Φ₀; the state is left only where it ends.

    Of `wire_states` only minima with dV/dj ≥ 0 can be held.  Order: the same valley with and then
    without voltage as before, then the other valley, with voltage first.
    """
    valley, dissipative = np.sign(zero_current), False
    volts, phis = [], []
    for current in currents:
        states = wire_states(float(current), zero_current, coupling, beta, alpha)
        held = [s for s in states if s.kind.endswith("minimum") and s.slope >= 0]
        # the state of the present valley and phase, else the other phase, else the other valley
        wanted = (
            (valley, dissipative),
            (valley, not dissipative),
            (-valley, True),
            (-valley, False),
        )
        for side, resists in wanted:
            fits = [s for s in held if s.polarization * side > 0 and (s.voltage != 0) == resists]
            if fits:
                break
        previous = phis[-1] if phis else zero_current
        state = min(fits, key=lambda s: abs(s.polarization - previous))
        valley, dissipative = np.sign(state.polarization), state.voltage != 0
        volts.append(state.voltage)
        phis.append(state.polarization)
    return np.array(volts), np.array(phis)
