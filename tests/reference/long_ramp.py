"""Critical currents of a long junction on a slow ramp: finite differences, integrated in time.

φ_t = φ_xx − p(x) i(φ) + uI/ℓ on evenly spaced points, φ_x(∓ℓ/2) = h ∓ e_{L,R} I. From the state
of least energy at I = 0 the current goes up in steps; at each the phases move in time (LSODA) until
they rest or run. A step in which they move far is halved until it is short. NumPy and SciPy only.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import solve_banded

SINE = np.sin, np.cos, lambda phase: 1 - np.cos(phase)


def two_harmonics(second):
    """sin φ + second · sin 2φ over its largest value."""
    fine = np.linspace(0, 2 * np.pi, 2_000_001)
    top = np.max(np.sin(fine) + second * np.sin(2 * fine))
    return (
        lambda phase: (np.sin(phase) + second * np.sin(2 * phase)) / top,
        lambda phase: (np.cos(phase) + 2 * second * np.cos(2 * phase)) / top,
        lambda phase: (1 - np.cos(phase) + second * (1 - np.cos(2 * phase)) / 2) / top,
    )


class Ramped:
    """One junction, currents in j_c w λ_J.

    Args:
        profile: mean of p over each cell of points + 1 points (half cells at the edges), or None.
        relation: i, its slope and its energy, functions of the phase.
    """

    def __init__(self, length, flux, feed, sign=1.0, points=100, profile=None, relation=SINE):
        self.current, self.slope, self.stored = relation
        self.length, self.flux, self.points = length, flux, points
        self.spacing = length / points
        self.x = np.linspace(-0.5, 0.5, points + 1)
        self.mass = np.full(points + 1, self.spacing)
        self.mass[[0, -1]] /= 2
        u, left, right = feed
        self.bias = u * self.mass / length
        self.bias[0] += left
        self.bias[-1] += right
        self.bias *= sign
        self.sign = sign
        self.profile = np.ones(points + 1) if profile is None else profile

    def force(self, phase, current):
        """−∂U/∂φ per length."""
        tilted = phase - 2 * np.pi * self.flux * self.x
        steps = np.diff(tilted) / self.spacing
        flow = np.diff(np.concatenate([[0.0], steps, [0.0]]))
        return (flow + current * self.bias) / self.mass - self.profile * self.current(phase)

    def energy(self, phase):
        tilted = phase - 2 * np.pi * self.flux * self.x
        bend = np.sum(np.diff(tilted) ** 2) / self.spacing / 2
        return bend + np.sum(self.mass * self.profile * self.stored(phase))

    def banded(self, phase):
        """∂(−force)/∂φ as the rows of a tridiagonal matrix."""
        own = np.full(self.points + 1, 2 / self.spacing**2)
        up, down = -np.ones((2, self.points + 1)) / self.spacing**2
        up[1], down[-2] = 2 * up[1], 2 * down[-2]
        return np.stack([up, own + self.profile * self.slope(phase), down])

    def newton(self, phase, current):
        for _ in range(12):
            change = solve_banded((1, 1), self.banded(phase), self.force(phase, current))
            phase = phase + change
            if np.max(np.abs(change)) < 1e-11:
                return phase
        return np.full_like(phase, np.nan)

    def moved(self, phase, current):
        """(state, True) at rest, (phases, False) where they run."""
        begin, span = phase, 20.0
        for _ in range(40):
            found = solve_ivp(
                lambda _, y: self.force(y, current), (0, span), phase, method="LSODA",
                rtol=1e-7, atol=1e-9, lband=1, uband=1,
                jac=lambda _, y: -self.banded(y),
            )  # fmt: skip
            phase, span = found.y[:, -1], 1.6 * span
            if np.min(self.sign * (phase - begin)) > 4 * np.pi:
                return phase, False
            if np.max(np.abs(self.force(phase, current))) < 1e-5:
                rest = self.newton(phase, current)
                if np.max(np.abs(rest - phase)) < 1e-2:
                    return rest, True
        raise RuntimeError("neither at rest nor running")

    def at_rest(self):
        """The state of least energy, from straight lines."""
        found = []
        for turns in np.arange(-1, np.ceil(abs(self.flux)) + 2) * (-1 if self.flux < 0 else 1):
            for offset in (0.3, 2.4, 4.5):
                state, _ = self.moved(2 * np.pi * turns * self.x + offset, 0.0)
                found.append((self.energy(state), state))
        return min(found, key=lambda pair: pair[0])[1]

    def ramp(self, steps=40, accuracy=1e-7):
        """(critical current/ℓ, currents at which it fell and was caught)."""
        state, current = self.at_rest(), 0.0
        step, falls = self.length / steps, []
        while True:
            after, rests = self.moved(state, current + step)
            far = not rests or np.max(np.abs(after - state)) > 0.5
            if far and step > accuracy * self.length:
                step /= 2
                continue
            current += step
            if not rests:
                return current / self.length, falls
            if far:
                falls.append(current / self.length)
            state, step = after, min(2 * step, self.length / steps)


def critical_current(length, flux, feed, sign=1.0, points=60, profile=None, relation=SINE):
    """Extrapolated from two grids; `profile(points)` gives its means over cells."""
    coarse, fine = (
        Ramped(
            length, flux, feed, sign, n, None if profile is None else profile(n), relation
        ).ramp()[0]
        for n in (points, 2 * points)
    )
    return fine + (fine - coarse) / 3


def boxes(values):
    """Means of a profile of boxes over cells, of mean one."""

    def means(points):
        cut = np.clip((np.arange(points + 2) - 0.5) / points, 0.0, 1.0)
        total = np.concatenate([[0.0], np.cumsum(values)]) / np.sum(values)
        return np.diff(np.interp(cut, np.linspace(0, 1, len(values) + 1), total)) / np.diff(cut)

    return means
