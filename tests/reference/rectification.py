"""Rectified voltages from independent code: closed forms, scipy's quadrature and integration.

D1 = sin φ + ½ sin(2φ + π/2): with y = sin φ, i − I = (y − r₊)(y − r₋), r± = (1 ± √(3 − 4i))/2, and
∮dφ/(r − sin φ) = 2π/(√(r − 1)√(r + 1)).
"""

import itertools

import numpy as np
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq


def voltage_of_d1(bias):
    """V(i) without drive; the critical currents are 3/4 and 3/2."""
    if -1.5 <= bias <= 0.75:
        return 0.0
    root = np.sqrt(3 - 4 * bias + 0j)
    upper, lower = (1 + root) / 2, (1 - root) / 2

    def turn(r):
        return 2 * np.pi / (np.sqrt(r - 1) * np.sqrt(r + 1))

    time = (turn(lower) - turn(upper)) / (upper - lower)
    return 2 * np.pi / time.real


def voltage_of_sine(bias):
    return np.sign(bias) * np.sqrt(max(bias**2 - 1, 0.0))


def quasi_static(voltage, edges, push):
    """(1/2π)∮V(push(θ))dθ, cut where the push crosses an edge of the zero-voltage state."""
    grid = np.linspace(0, 2 * np.pi, 4001)
    cuts = [0.0, 2 * np.pi]
    for edge in edges:
        beyond = np.array([push(x) - edge for x in grid])
        for k in np.flatnonzero(beyond[1:] * beyond[:-1] < 0):
            found = brentq(lambda x, e=edge: push(x) - e, grid[k], grid[k + 1], xtol=1e-15)
            cuts.append(found)  # pyright: ignore[reportArgumentType]
    cuts = np.sort(cuts)
    total = 0.0
    for a, b in itertools.pairwise(cuts):
        # θ = middle + half sin s takes the square roots off both ends.
        def part(s, a=a, b=b):
            return voltage(push((a + b) / 2 + (b - a) / 2 * np.sin(s))) * np.cos(s)

        total += (b - a) / 2 * quad(part, -np.pi / 2, np.pi / 2, epsabs=1e-12, limit=400)[0]
    return total / (2 * np.pi)


def turns_per_period(current, push, period, *, settle=3, periods=12, jumps=()):
    """Turns of φ̇ + I(φ) = push(θ) after `settle` periods, in `periods` of them."""
    cuts = np.array([0.0, *jumps, 1.0])
    phase, marks = 0.0, []
    for _ in range(settle + periods):
        marks.append(phase)
        for a, b in itertools.pairwise(cuts):
            middle = np.pi * (a + b)

            def rate(time, x, middle=middle):
                angle = middle if jumps else 2 * np.pi * time / period
                return push(angle) - current(x)

            span = (a * period, b * period)
            phase = solve_ivp(rate, span, [phase], method="DOP853", rtol=1e-8, atol=1e-9).y[0, -1]
    return (phase - marks[settle]) / (2 * np.pi * periods)
