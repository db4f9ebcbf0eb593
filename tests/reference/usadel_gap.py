"""Self-consistent gap of the junction of `usadel`: a fixed point of Δ(x) on a grid per S layer.

Δ(x)[ln(T/T_c) + 2πTΣ_ω 1/ω] = 2πTΣ_ω f_s(x, ω), both sums cut at the same ω; f_s is the singlet
part of the upper right block of G, i f_s·iσ_y, so that f_s = Δ/Ω in the bulk.  At an interface f_s
stays below Δ/ω by O(κ√(D/ω)), so the sum converges slowly there (set A, Δχ = Δφ = 0, gap at the
interface: 3000 terms .62982, 30 000 .63000 k_BT_c).  The outer ends keep their phases
and have the gap of the cut sum.  The current is conserved across S only as far as the gap has
converged: at an accuracy of 1e-6 in Δ to 3e-6 I₀, at 1e-7 to 6e-8 I₀.
"""

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from . import usadel


class Gap(NamedTuple):
    """Δ on `grid` (s, from the outer end) of the left and right layer, (2, m); the last solutions
    per frequency, and the largest change per iteration."""

    grid: np.ndarray
    values: np.ndarray
    solutions: list
    history: list


def grid_points(count=61):
    """s = 1-(1-u)², dense at the interface s = 1."""
    return 1 - (1 - np.linspace(0, 1, count)) ** 2


def anomalous(solution, grid):
    """f_s at the grid of both S layers, (2, m): (f↑↓ - f↓↑)/2i, f = 2(1+γγ̃)⁻¹γ."""
    fields, slopes = usadel.split(solution.state, solution.copies)
    smooth = CubicHermiteSpline(solution.nodes, fields, slopes, axis=2)(grid)
    pair = usadel.both(smooth)
    result = []
    for rows in usadel.LAYERS:
        gamma, tilde = (part[rows].T.reshape(-1, 2, 2) for part in pair)
        upper = usadel.green(gamma, tilde)[:, :2, 2:]
        result.append((upper[:, 0, 1] - upper[:, 1, 0]) / 2j)
    return np.array(result)


def interpolants(grid, values):
    """Δ(s) of both layers as functions."""
    return tuple(CubicSpline(grid, row) for row in values)


def anderson(arguments, images, depth=5):
    """Next argument of a fixed-point iteration from the last ones (type II, no damping)."""
    x = np.array([a.ravel().view(float) for a in arguments[-depth:]])
    f = np.array([b.ravel().view(float) for b in images[-depth:]]) - x
    best = x[-1] + f[-1]
    if len(x) > 1:
        dx, df = np.diff(x, axis=0), np.diff(f, axis=0)
        weights = np.linalg.lstsq(df.T, f[-1], rcond=1e-10)[0]
        best = best - weights @ (dx + df)
    return best.view(complex).reshape(arguments[-1].shape)


def cut_gap(junction, rule):
    """Bulk gap of the cut sum, by Newton from the BCS one."""
    omega, weights = rule
    temperature, gap = junction.temperature, junction.gap
    constant = np.log(temperature) + 2 * np.pi * temperature * np.sum(weights / omega)
    for _ in range(20):
        root = np.sqrt(omega**2 + gap**2)
        value = constant - 2 * np.pi * temperature * np.sum(weights / root)
        gap = gap - value / (2 * np.pi * temperature * np.sum(weights * gap / root**3))
    return gap


def self_consistent(
    junction, delta_chi, delta_phi, rule=None, tolerance=1e-5, accuracy=1e-7, count=61, start=None
):
    """Anderson iteration of the gap equation to a largest change `accuracy`."""
    rule = rule or usadel.matsubara_rule(junction.temperature)
    frequencies, weights = rule
    step = 2 * np.pi * junction.temperature
    constant = np.log(junction.temperature) + step * np.sum(weights / frequencies)
    task = usadel.problem(junction, delta_chi, delta_phi)
    grid = grid_points(count)
    ends = cut_gap(junction, rule) * np.exp(1j * np.array([0, delta_chi]))
    values = np.repeat(ends[:, None], count, axis=1) if start is None else start
    solutions, arguments, images, history = None, [], [], []
    for _ in range(60):
        task = task._replace(gaps=interpolants(grid, values))
        if solutions is None:
            first = solutions = usadel.follow(task, frequencies, tolerance=tolerance)
        else:
            guesses = [on_mesh(now, mesh.nodes) for now, mesh in zip(solutions, first, strict=True)]
            solutions = [
                usadel.solve(task, frequency, guess, tolerance)
                for frequency, guess in zip(frequencies, guesses, strict=True)
            ]
        total = sum(w * anomalous(s, grid) for w, s in zip(weights, solutions, strict=True))
        image = step * total / constant
        image[:, 0] = ends
        history.append(np.abs(image - values).max())
        if history[-1] < accuracy:
            return Gap(grid, values, solutions, history)
        arguments.append(values)
        images.append(image)
        values = anderson(arguments, images)
    raise RuntimeError(f"gap not converged: {history}")


def on_mesh(solution, nodes):
    """The solution interpolated to another mesh (keeps meshes from growing)."""
    fields, slopes = usadel.split(solution.state, solution.copies)
    smooth = CubicHermiteSpline(solution.nodes, fields, slopes, axis=2)
    state = usadel.join(smooth(nodes), smooth.derivative()(nodes))
    return usadel.Solution(nodes, state, solution.copies, solution.frequency)
