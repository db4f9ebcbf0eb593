"""Junctions in series by brute force: E(φ) = min Σ U_k(θ_k) over inner phases, NumPy alone.

A junction is ("tunnel", I_c), ("harmonics", sine, cosine), ("andreev", A, τ, Δ, T) of one mode, or
("shifted", junction, φ₀). (The last junction of a chain is not the one with a jump.)
Energies are written down in closed form here, not integrated:

    tunnel −I_c cos θ;   harmonics Σ (−a_n cos nθ + b_n sin nθ)/n;
    andreev −(2T A/Δ) ln 2cosh(Δr/2T), at T = 0 −A r, with r = √(1 − τ sin²(θ/2)).

The minimum is looked for on a product of even grids over the inner phases, every local minimum of
which is then polished; the current is that of the state of least energy.
"""

import itertools

import numpy as np


def energy(spec, x):
    kind, *args = spec
    if kind == "shifted":
        return energy(args[0], x + args[1])
    if kind == "tunnel":
        return -args[0] * np.cos(x)
    if kind == "harmonics":
        total = np.zeros_like(x)
        for n, (a, b) in enumerate(itertools.zip_longest(*args, fillvalue=0.0), 1):
            total = total + (-a * np.cos(n * x) + b * np.sin(n * x)) / n
        return total
    amplitude, tau, gap, temperature = args
    r = np.sqrt((1 - tau) + tau * np.cos(x / 2) ** 2)
    if temperature == 0:
        return -amplitude * r * 2
    y = gap * r / (2 * temperature)
    return -amplitude * 4 * temperature / gap * (y + np.log1p(np.exp(-2 * y)))


def current(spec, x):
    """(i, di/dθ)."""
    kind, *args = spec
    if kind == "shifted":
        return current(args[0], x + args[1])
    if kind == "tunnel":
        return args[0] * np.sin(x), args[0] * np.cos(x)
    if kind == "harmonics":
        value, slope = np.zeros_like(x), np.zeros_like(x)
        for n, (a, b) in enumerate(itertools.zip_longest(*args, fillvalue=0.0), 1):
            value = value + a * np.sin(n * x) + b * np.cos(n * x)
            slope = slope + n * (a * np.cos(n * x) - b * np.sin(n * x))
        return value, slope
    amplitude, tau, gap, temperature = args
    s, c = np.sin(x / 2), np.cos(x / 2)
    r = np.sqrt((1 - tau) + tau * c**2)
    dr = -tau * s * c / (2 * r)
    t = 1.0 if temperature == 0 else np.tanh(gap * r / (2 * temperature))
    dt = 0.0 if temperature == 0 else (1 - t**2) * gap / (2 * temperature) * dr
    sc, dsc = s * c, (c**2 - s**2) / 2
    value = amplitude * tau * sc / r * t
    return value, amplitude * tau * ((dsc / r - sc * dr / r**2) * t + sc / r * dt)


def _polished(specs, theta, phase, steps=60):
    """(E, I, θ): damped Newton on θ_1 … θ_{N−1}, states side by side as columns."""
    inner = theta[:-1].copy()
    n = len(specs)

    def parts(inner):
        last = phase - inner.sum(0)
        every = [*inner, last]
        value, slope = zip(*(current(s, x) for s, x in zip(specs, every, strict=True)), strict=True)
        total = sum(energy(s, x) for s, x in zip(specs, every, strict=True))
        return np.array(value), np.array(slope), total, np.array(every)

    value, slope, total, every = parts(inner)
    for _ in range(steps):
        gradient = value[:-1] - value[-1]
        hessian = np.zeros((inner.shape[1], n - 1, n - 1)) + slope[-1][:, None, None]
        hessian[:, np.arange(n - 1), np.arange(n - 1)] += slope[:-1].T
        w, v = np.linalg.eigh(hessian)
        w = np.maximum(np.abs(w), 1e-12 * np.abs(w).max(1, keepdims=True))
        along = np.einsum("lij,li->lj", v, gradient.T) / w
        step = -np.einsum("lij,lj->il", v, along)
        step *= np.minimum(1, 0.3 / np.maximum(np.abs(step).max(0), 1e-300))
        for _ in range(30):
            trial = parts(inner + step)
            worse = trial[2] > total + 1e-15 * np.abs(total)
            if not worse.any():
                break
            step = np.where(worse, step / 2, step)
        step = np.where(worse, 0.0, step)
        inner = inner + step
        value, slope, total, every = parts(inner)
        if np.abs(step).max() < 1e-15:
            break
    weight = 1 / np.where(np.abs(slope) > 1e-14, slope, 1e-14)
    return total, (value * weight).sum(0) / weight.sum(0), every


def ground_state(specs, phase, points=48):
    """(E, I, θ) of the state of least energy at one phase, θ_1 of a grid of starts."""
    n = len(specs)
    grid = (np.arange(points) + 0.31) * 2 * np.pi / points
    mesh = np.array(np.meshgrid(*[grid] * (n - 1), indexing="ij"))
    flat = mesh.reshape(n - 1, -1)
    total = sum(energy(s, x) for s, x in zip(specs, [*flat, phase - flat.sum(0)], strict=True))
    total = total.reshape((points,) * (n - 1))
    low = np.ones(total.shape, bool)
    for axis in range(n - 1):
        for side in (1, -1):
            low &= total <= np.roll(total, side, axis)
    index = np.argwhere(low)
    order = np.argsort(total[low])[:40]
    starts = grid[index[order]].T
    theta = np.concatenate([starts, (phase - starts.sum(0))[None]])
    energies, currents, states = _polished(specs, theta, phase)
    best = np.argmin(energies)
    found = energies[best], currents[best], states[:, best]
    for k in range(n - 1):  # the other side of a sharp turn at π, closer than the grid
        turned = states.copy()
        turned[k] = 2 * np.pi - np.mod(turned[k], 2 * np.pi)
        turned[-1] = phase - turned[:-1].sum(0)
        energies, currents, others = _polished(specs, turned, phase)
        best = np.argmin(energies)
        if energies[best] < found[0] - 1e-15 * abs(found[0]):
            found = energies[best], currents[best], others[:, best]
    return found


def relation(specs, phases, points=48):
    return np.array([ground_state(specs, x, points)[1] for x in phases])
