"""All folds of three junctions A → C, B → C, A → B without inductance, exhaustively.

I_B = I₁ sin b − I₂ sin(a − b + 2πf) = |w| sin(b + arg w), w = I₁ + I₂ exp(−i(a + 2πf)), gives both
b at every a in closed form: a curve over a, or two. On it a current I_A has a fold where det K = 0,
and stable states end there where the trace of K is positive.
"""

import numpy as np
from scipy.optimize import brentq

POINTS = 20_000
CURRENTS = (1.0, 0.7, 0.5)


def folds(control, flux, currents=CURRENTS):
    """[(I_A, stable)] of every fold at one I_B, sorted."""
    first, second, third = currents
    turn = 2 * np.pi * flux
    grid = np.linspace(0.0, 2 * np.pi, POINTS)

    def reach(a):
        return np.abs(second + third * np.exp(-1j * (a + turn))) - abs(control)

    pieces = []
    if abs(control) < abs(second - third):
        pieces.append((0.0, 2 * np.pi, False))
    elif abs(control) < second + third:  # around a = −2πf, up to where both b meet
        half = brentq(lambda x: reach(x - turn), 0.0, np.pi, xtol=1e-15)
        pieces.append((-turn - half, -turn + half, True))
    found = []
    for low, high, meets in pieces:
        for side in (1.0, -1.0):

            def at(t, low=low, high=high, meets=meets, side=side):
                """(det K, trace K, I_A)."""
                part = (1 - np.cos(t / 2)) / 2 if meets else t / (2 * np.pi)
                a = low + (high - low) * part
                w = second + third * np.exp(-1j * (a + turn))
                x = np.arcsin(np.clip(control / np.abs(w), -1.0, 1.0))
                b = (x if side > 0 else np.pi - x) - np.angle(w)
                across = third * np.cos(a - b + turn)
                one, other = first * np.cos(a) + across, second * np.cos(b) + across
                current = first * np.sin(a) + third * np.sin(a - b + turn)
                return one * other - across**2, one + other, current

            value = at(grid)[0]
            for k in np.flatnonzero(value[:-1] * value[1:] < 0):
                t = brentq(lambda t, at=at: at(t)[0], *grid[k : k + 2], xtol=1e-15)
                _, trace, current = at(t)
                found.append((float(current), bool(trace > 0)))
    return sorted(found)


def window(control, flux, currents=CURRENTS):
    """(smallest, largest) I_A at which a stable state ends."""
    stable = [current for current, ends in folds(control, flux, currents) if ends]
    return min(stable), max(stable)


def critical_currents(currents, control, flux):
    """(I₊, I₋) of A at a given I_B; NaN without any state."""
    if not any(ends for _, ends in folds(control, flux, currents)):
        return np.nan, np.nan
    low, high = window(control, flux, currents)
    return high, -low
