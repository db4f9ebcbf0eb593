"""Largest stable currents of a long junction by shooting, exhaustively in (φ(left), I); NumPy.

φ'' = sin φ − uI/ℓ from the left edge by Runge–Kutta, with the variation v of v(left) = 1,
v'(left) = 0. A state has φ'(right) = h + e_R I; it is stable where v has no zero and v'(right) > 0.
"""

import numpy as np


def shot(start, current, length, flux, feed, steps):
    """(φ'(right) − h − e_R I, v'(right), min v) for arrays of starts and currents."""
    u, left, right = feed
    height = 2 * np.pi * flux / length
    y = np.stack(np.broadcast_arrays(start, height - left * current, 1.0, 0.0)).astype(float)
    push, size = u * current / length, length / steps
    lowest = np.ones(y.shape[1:])

    def rates(y):
        return np.stack([y[1], np.sin(y[0]) - push, y[3], np.cos(y[0]) * y[2]])

    for _ in range(steps):
        a = rates(y)
        b = rates(y + size / 2 * a)
        c = rates(y + size / 2 * b)
        d = rates(y + size * c)
        y = y + size / 6 * (a + 2 * (b + c) + d)
        lowest = np.minimum(lowest, y[2])
    return y[1] - height - right * current, y[3], lowest


def largest(length, flux, feed, sign=1.0, starts=1200, levels=200, steps=120):
    """The largest I/ℓ on a ladder of currents with a stable state, and the ladder's step."""
    phase = np.linspace(0, 2 * np.pi, starts, endpoint=False)
    ladder = np.linspace(length, -length, 2 * levels + 1)
    for current in ladder:
        miss, slope, lowest = shot(phase, sign * current, length, flux, feed, steps)
        after = np.roll(miss, -1)
        crosses = (miss * after <= 0) & (slope > 0) & (lowest > 0)
        crosses |= (miss * after <= 0) & (np.roll(slope, -1) > 0) & (np.roll(lowest, -1) > 0)
        if np.any(crosses):
            return current / length, 1.0 / levels
    return np.nan, 1.0 / levels
