"""NumPy/SciPy reference for a diffusive S/FI/sFM/FI/S junction: quasi-classical Usadel equation,
spin-active interfaces with the general boundary condition.  No jax, nothing of the package.

Units: T_c = 1 for energies, ξ₀ = √(D_S/2πT_c) = 1 (D_S = 2π), σ_S = 1 (per spin); for the barriers
E_F = k_F = 2m = ħ = 1, λ_F = 2π.  Currents in I₀ = πk_BT_cσ_SA/(eξ₀).

Conventions (everything that could be chosen otherwise):
 * x runs from the left S (outer end -d_S, interface 0) through F (0..d_F) to the right S (interface
   d_F, outer end d_F + d_S).  χ_L, χ_R: phases of the gaps, Δ_j = |Δ|e^{iχ_j}; Δχ = χ_R - χ_L.
 * Nambu (ψ↑, ψ↓, ψ↑†, ψ↓†), D∂(G∂G) = [ωτ₃ + Δ̂, G], Δ̂ = [[0, A], [B, 0]], A = iΔ·iσ_y,
   B = iΔ*·iσ_y, iσ_y = [[0, 1], [-1, 0]]; normal state G = τ₃ (ω > 0).  Retarded: ω = -i(E + i0).
 * G = P₊ - P₋ with γ (2x2, upper right) and γ̃ (lower left); γ̃ = -γ* for real ω.  The F bands are
   scalars γ_η for the pairs ψ_ηψ_η.  8x8 matrices: Nambu the slow index, then the channels S↑, S↓,
   F↑, F↓, so that γ of both sides is one 4x4 matrix, diag(γ_S, γ_↑, γ_↓).
 * Spin quantised along z, the sFM's moment: E = k² + V ∓ J for ↑, ↓ (↑ is the majority for J > 0).
   Barrier s = ± along m = (sin α cos φ, sin α sin φ, cos α) has the height V_I ∓ J_I, fills
   -d_s < x < 0 (coordinate from S to F for both interfaces: the right one is the mirror image with
   unchanged spins), and all amplitudes refer to x = 0 for both spins.  Δφ = φ_R - φ_L.
 * S takes incoming to outgoing amplitudes, flux normalised, 4x4; closed F channels: 1 on the
   diagonal.  Holes: Ŝ = diag(S, Sᵀ).  The normal n points from the interface into the medium.
 * Current I_η = T σ_η Σ_{ω>0} Re[i Tr τ₃ G_η ∂_x G_η], positive from left to right for Δχ > 0 in an
   ordinary junction (as `usadel_limits.sns`); charge I↑ + I↓.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_bvp
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq

D_S = 2 * np.pi
ISY = np.array([[0, 1], [-1, 0]], complex)
CHANNELS = ([0, 1], [2], [3])  # S, F↑, F↓


class Barrier(NamedTuple):
    """Box barrier: height V_I ∓ J_I, widths d↑, d↓ in λ_F, moment along (α, φ)."""

    height: float = 1.4
    exchange: float = 0.25
    widths: tuple[float, float] = (0.14, 0.14)
    alpha: float = np.pi / 2
    phi: float = 0.0


class Junction(NamedTuple):
    """Set A of the sheet by default; phases are given to the solvers."""

    temperature: float = 0.1
    gap: float = 1.763877
    length_s: float = 4.0
    length_f: float = 1.0
    conductance: float = 2.0  # κ
    exchange: float = 0.25
    potential: float = 0.25
    left: Barrier = Barrier()
    right: Barrier = Barrier()


SET_A = Junction()
SET_B = Junction(right=Barrier(widths=(0.5, 0.5)))


# --- scattering matrix -----------------------------------------------------------------------


def spinors(alpha, phi):
    """Columns |+m>, |-m> in the z basis."""
    c, s = np.cos(alpha / 2), np.sin(alpha / 2)
    return np.array([[c, -np.exp(-1j * phi) * s], [np.exp(1j * phi) * s, c]])


def scattering_matrix(barrier, exchange, potential, parallel):
    """S(k∥²), channels S↑, S↓, F↑, F↓, by matching ψ, ψ' at x = -d_s and x = 0 per barrier spin.

    S: (a_σ e^{iqx} + b_σ e^{-iqx})/√q, barrier: u e^{ip(x+d)} + v e^{-ipx}, F: (c_η e^{-ikx} +
    t_η e^{ikx})/√k with q² = 1-k∥², p² = q²-(V_I∓J_I), k² = q²-(V∓J); (b, t) = S(a, c).
    """
    q = np.sqrt(1 - parallel)
    sign = np.array([1.0, -1.0])
    k = np.sqrt(q**2 - (potential - sign * exchange) + 0j)
    p = np.sqrt(q**2 - (barrier.height - sign * barrier.exchange) + 0j)
    width = 2 * np.pi * np.asarray(barrier.widths)
    closed = k.imag > 0
    norm = np.where(closed, 1, np.sqrt(np.where(closed, 1, k)))
    bra = spinors(barrier.alpha, barrier.phi).conj().T
    unknown = np.zeros((8, 8), complex)  # b↑, b↓, t↑, t↓, u₊, u₋, v₊, v₋
    known = np.zeros((8, 4), complex)  # a↑, a↓, c↑, c↓
    for s in range(2):
        near, decay = np.exp(1j * q * width[s]), np.exp(1j * p[s] * width[s])
        row = 4 * s
        unknown[row, :2] = bra[s] * near / np.sqrt(q)
        unknown[row, [4 + s, 6 + s]] = -1, -decay
        known[row, :2] = -bra[s] / near / np.sqrt(q)
        unknown[row + 1, :2] = -q * bra[s] * near / np.sqrt(q)
        unknown[row + 1, [4 + s, 6 + s]] = -p[s], p[s] * decay
        known[row + 1, :2] = -q * bra[s] / near / np.sqrt(q)
        unknown[row + 2, 2:4] = bra[s] / norm
        unknown[row + 2, [4 + s, 6 + s]] = -decay, -1
        known[row + 2, 2:] = -bra[s] / norm
        unknown[row + 3, 2:4] = k * bra[s] / norm
        unknown[row + 3, [4 + s, 6 + s]] = -p[s] * decay, p[s]
        known[row + 3, 2:] = k * bra[s] / norm
    matrix = np.linalg.solve(unknown, known)[:4]
    for channel in 2 + np.flatnonzero(closed):
        matrix[channel], matrix[:, channel] = 0, 0
        matrix[channel, channel] = 1
    assert np.abs(matrix @ matrix.conj().T - np.eye(4)).max() < 1e-12
    return matrix


def momentum_rule(exchange, potential, points):
    """Nodes k∥² in (0, 1) and weights; segments split at k_↓², k_↑², w = a+(b-a)sin²(πt/2)."""
    edges = [1 - potential - exchange, 1 - potential + exchange]
    edges = np.unique([0.0, *np.clip(edges, 0, 1), 1.0])
    t, weight = np.polynomial.legendre.leggauss(points)
    t = (t + 1) / 2
    nodes, weights = [], []
    for a, b in pairwise(edges):
        nodes.append(a + (b - a) * np.sin(np.pi * t / 2) ** 2)
        weights.append((b - a) * np.pi / 4 * np.sin(np.pi * t) * weight)
    return np.concatenate(nodes), np.concatenate(weights)


class Interface(NamedTuple):
    """Ŝ(k∥²) (points, 8, 8), quadrature weights, -κ/2σ per channel."""

    scattering: np.ndarray
    weights: np.ndarray
    factors: np.ndarray


def wavenumbers(junction):
    """k_↑, k_↓ of the F bands (normal incidence); nan where a band is closed."""
    return np.sqrt(1 - junction.potential + np.array([1, -1]) * junction.exchange)


def nambu(matrix):
    """Ŝ = diag(S, Sᵀ)."""
    zero = np.zeros_like(matrix)
    return np.block([[matrix, zero], [zero, np.swapaxes(matrix, -1, -2)]])


def interface(junction, barrier, points=16):
    """Scattering matrices of one interface; σ_η = k_η³."""
    nodes, weights = momentum_rule(junction.exchange, junction.potential, points)
    matrices = [scattering_matrix(barrier, junction.exchange, junction.potential, w) for w in nodes]
    sigma = np.array([1, 1, *wavenumbers(junction) ** 3])
    return Interface(nambu(np.array(matrices)), weights, -junction.conductance / (2 * sigma))


# --- boundary condition ----------------------------------------------------------------------


def green(gamma, tilde):
    """G = P₊ - P₋, P₊ = (1; γ̃)(1+γγ̃)⁻¹(1, γ), P₋ = (-γ; 1)(1+γ̃γ)⁻¹(-γ̃, 1)."""
    one = np.broadcast_to(np.eye(gamma.shape[-1]), gamma.shape)
    plus, minus = np.linalg.inv(one + gamma @ tilde), np.linalg.inv(one + tilde @ gamma)
    return np.block(
        [
            [plus - gamma @ minus @ tilde, plus @ gamma + gamma @ minus],
            [tilde @ plus + minus @ tilde, tilde @ plus @ gamma - minus],
        ]
    )


def green_slope(gamma, tilde, dgamma, dtilde):
    """∂G of γ(x), γ̃(x): ∂G = 2·∂P₊, by the product rule."""
    one = np.eye(gamma.shape[-1])
    inner = np.linalg.inv(one + gamma @ tilde)
    dinner = -inner @ (dgamma @ tilde + gamma @ dtilde) @ inner
    column = np.concatenate([np.broadcast_to(one, gamma.shape), tilde], -2)
    dcolumn = np.concatenate([0 * gamma, dtilde], -2)
    row = np.concatenate([np.broadcast_to(one, gamma.shape), gamma], -1)
    drow = np.concatenate([0 * gamma, dgamma], -1)
    return 2 * (dcolumn @ inner @ row + column @ dinner @ row + column @ inner @ drow)


def matrix_current(green_function, scattering):
    """g_o - g_i, G' = ŜGŜ†, g_o = (2+G'-G)⁻¹(G'+G), g_i = Ŝ†g_oŜ."""
    adjoint = np.swapaxes(scattering.conj(), -1, -2)
    rotated = scattering @ green_function @ adjoint
    two = 2 * np.eye(green_function.shape[-1])
    outgoing = np.linalg.solve(two + rotated - green_function, rotated + green_function)
    return outgoing - adjoint @ outgoing @ scattering


def channel_matrix(values):
    """(..., 6) amplitudes (S row by row, F↑, F↓) to the (..., 4, 4) block matrix."""
    matrix = np.zeros((*values.shape[:-1], 4, 4), complex)
    matrix[..., :2, :2] = values[..., :4].reshape(*values.shape[:-1], 2, 2)
    matrix[..., 2, 2], matrix[..., 3, 3] = values[..., 4], values[..., 5]
    return matrix


def average_current(gamma, tilde, side):
    """⟨I⟩ = ∫₀¹dk∥²(g_o - g_i), (..., 8, 8), of (..., 4, 4) block matrices."""
    matrix = green(gamma, tilde)[..., None, :, :]
    return np.einsum("k,...kij->...ij", side.weights, matrix_current(matrix, side.scattering))


def normal_slopes(values, tildes, side):
    """∂ₙγ = -(κ/2σ)(1, γ)⟨I⟩(-γ; 1) and ∂ₙγ̃ = (κ/2σ)(-γ̃, 1)⟨I⟩(1; γ̃), (..., 6) each."""
    gamma, tilde = channel_matrix(values), channel_matrix(tildes)
    current = average_current(gamma, tilde, side)
    slopes, tilde_slopes = np.empty_like(values), np.empty_like(tildes)
    for block, place in zip(CHANNELS, ([0, 1, 2, 3], [4], [5]), strict=True):
        i, j = np.ix_(block, block)
        g, t = gamma[..., i, j], tilde[..., i, j]
        pp, ph = current[..., i, j], current[..., i, j + 4]
        hp, hh = current[..., i + 4, j], current[..., i + 4, j + 4]
        force = ph - pp @ g + g @ hh - g @ hp @ g
        tilde_force = hp - t @ pp + hh @ t - t @ ph @ t
        shape = (*values.shape[:-1], len(place))
        slopes[..., place] = side.factors[block[0]] * force.reshape(shape)
        tilde_slopes[..., place] = -side.factors[block[0]] * tilde_force.reshape(shape)
    return slopes, tilde_slopes


# --- the differential equation ---------------------------------------------------------------


def curvature(gamma, tilde, slope, frequency, diffusion, upper, lower):
    """γ'' = 2γ'(1+γ̃γ)⁻¹γ̃γ' + [2ωγ - A + γBγ]/D for (m, n, n) arrays; γ̃'': swap γ↔γ̃, A↔B."""
    one = np.eye(gamma.shape[-1])
    inner = np.linalg.solve(one + tilde @ gamma, tilde @ slope)
    source = 2 * frequency * gamma - upper + gamma @ lower @ gamma
    return 2 * slope @ inner + source / diffusion


def bulk(frequency, gap):
    """γ = A/(ω + √(ω²+|Δ|²)), γ̃ with B; gap complex."""
    omega = np.sqrt(frequency**2 + abs(gap) ** 2 + 0j)
    omega = omega if omega.real >= 0 else -omega
    return 1j * gap * ISY / (frequency + omega), 1j * np.conj(gap) * ISY / (frequency + omega)


def split(state, copies):
    """Real vector (40·copies, m) to fields and slopes d/ds, (copies, 10, m) complex each.

    Copies: γ, or γ and γ̃ (retarded).  Rows: left S (4, row by row), F↑, F↓, right S (4).
    """
    a, b, c, d = state.reshape(4, copies, 10, -1)
    return a + 1j * b, c + 1j * d


def join(fields, slopes):
    """Inverse of `split`."""
    parts = np.stack([fields.real, fields.imag, slopes.real, slopes.imag])
    return parts.reshape(-1, fields.shape[-1])


def both(fields):
    """γ and γ̃, (2, 10, m); γ̃ = -γ* where only γ is kept."""
    return fields if len(fields) == 2 else np.stack([fields[0], -fields[0].conj()])


LAYERS = (slice(0, 4), slice(6, 10))  # rows of the S layers
BANDS = slice(4, 6)


def flow(nodes, state, junction, frequency, gaps, copies):
    """d(state)/ds, s in [0, 1]; S layers from the outer end to the interface, F left to right."""
    fields, slopes = split(state, copies)
    pair, dpair = both(fields), both(slopes)
    bends = np.empty_like(fields)
    diffusion = D_S * wavenumbers(junction)[:, None] ** 2
    width = junction.length_s
    for which in range(copies):
        for rows, gap in zip(LAYERS, gaps, strict=True):
            value = gap(nodes)[:, None, None]
            sources = 1j * value * ISY, 1j * value.conj() * ISY
            gamma, tilde, slope = (
                part[rows].T.reshape(-1, 2, 2)
                for part in (pair[which], pair[1 - which], dpair[which] / width)
            )
            upper, lower = sources[which], sources[1 - which]
            bend = curvature(gamma, tilde, slope, frequency, D_S, upper, lower)
            bends[which, rows] = width**2 * bend.reshape(-1, 4).T
        gamma, tilde, slope = pair[which, BANDS], pair[1 - which, BANDS], dpair[which, BANDS]
        source = junction.length_f**2 * 2 * frequency * gamma / diffusion
        bends[which, BANDS] = 2 * slope**2 * tilde / (1 + gamma * tilde) + source
    return join(slopes, bends)


def residual(start, stop, junction, frequency, sides, gaps, copies):
    """γ - bulk at the outer ends and ∂ₙγ - `normal_slopes` at the interfaces; (40·copies, m)."""
    (first, dfirst), (last, dlast) = split(start, copies), split(stop, copies)
    middle, dmiddle = (first, last), (dfirst, -dlast)
    rest = np.empty((copies, 20, first.shape[-1]), complex)
    for j, rows in enumerate(LAYERS):
        ends = bulk(frequency, gaps[j](np.zeros(1))[0])
        values = np.concatenate([last[:, rows], middle[j][:, BANDS]], 1)
        layer, bands = -dlast[:, rows] / junction.length_s, dmiddle[j][:, BANDS]
        found = np.concatenate([layer, bands / junction.length_f], 1)
        gamma, tilde = np.swapaxes(both(values), 1, 2)
        wanted = normal_slopes(gamma, tilde, sides[j])
        for which in range(copies):
            rest[which, 10 * j : 10 * j + 4] = first[which, rows] - ends[which].reshape(4, 1)
            rest[which, 10 * j + 4 : 10 * j + 10] = found[which] - wanted[which].T
    return np.concatenate([rest.real, rest.imag]).reshape(-1, first.shape[-1])


def residual_jacobian(start, stop, *rest):
    """∂(residual)/∂(start), ∂(residual)/∂(stop) by central differences, all columns at once."""
    size, step = len(start), 1e-6
    both_ends = np.concatenate([start, stop])[:, None]
    shift = step * np.eye(2 * size)
    columns = np.concatenate([both_ends + shift, both_ends - shift], 1)
    values = residual(columns[:size], columns[size:], *rest)
    matrix = (values[:, : 2 * size] - values[:, 2 * size :]) / (2 * step)
    return matrix[:, :size], matrix[:, size:]


class Problem(NamedTuple):
    """A junction at fixed phases: interfaces, and Δ(s) of the left and right S layer."""

    junction: Junction
    sides: tuple[Interface, Interface]
    gaps: tuple


def problem(junction, delta_chi, delta_phi, points=16):
    """Homogeneous gaps with phases 0, Δχ; the right barrier turned by Δφ about z."""
    right = junction.right._replace(phi=junction.right.phi + delta_phi)
    sides = interface(junction, junction.left, points), interface(junction, right, points)

    def constant(phase):
        return lambda s: np.full(np.shape(s), junction.gap * np.exp(1j * phase))

    return Problem(junction, sides, (constant(0.0), constant(delta_chi)))


class Solution(NamedTuple):
    """Mesh s and state of `solve`, copies as in `split`."""

    nodes: np.ndarray
    state: np.ndarray
    copies: int
    frequency: complex


def cold(task, frequency, copies=1, count=41):
    """Bulk S layers, normal F."""
    fields = np.zeros((copies, 10, count), complex)
    for rows, gap in zip(LAYERS, task.gaps, strict=True):
        for which in range(copies):
            fields[which, rows] = bulk(frequency, gap(np.zeros(1))[0])[which].reshape(4, 1)
    nodes = np.sin(np.pi / 2 * np.linspace(0, 1, count)) ** 2
    return Solution(nodes, join(fields, 0 * fields), copies, frequency)


def solve(task, frequency, guess, tolerance=1e-6):
    """solve_bvp from the guess; asserts success and the physical branch ‖γ‖₂ < 1."""
    copies = guess.copies
    arguments = task.junction, frequency, task.sides, task.gaps, copies

    def boundary(a, b):
        return residual(a[:, None], b[:, None], *arguments)[:, 0]

    found = solve_bvp(
        lambda s, y: flow(s, y, task.junction, frequency, task.gaps, copies),
        boundary,
        guess.nodes,
        guess.state,
        bc_jac=lambda a, b: residual_jacobian(a, b, *arguments),
        tol=tolerance,
        max_nodes=4000,
    )
    if not found.success:
        raise RuntimeError(f"solve_bvp at {frequency}: {found.message}")
    solution = Solution(found.x, found.y, copies, frequency)
    norm = largest(solution)
    if norm >= 1:
        raise RuntimeError(f"unphysical branch at {frequency}: {norm}")
    return solution


def largest(solution):
    """Largest ‖γ‖₂ over the junction."""
    fields = split(solution.state, solution.copies)[0]
    norms = [np.abs(fields[:, BANDS]).max()]
    for rows in LAYERS:
        layer = np.moveaxis(fields[:, rows], 1, -1).reshape(-1, 2, 2)
        norms.append(np.linalg.norm(layer, 2, axis=(1, 2)).max())
    return max(norms)


def follow(task, frequencies, guess=None, tolerance=1e-6):
    """Solutions at the frequencies, each started from the one before (go from high to low)."""
    solutions = []
    for frequency in frequencies:
        guess = guess or cold(task, frequency)
        guess = solve(task, frequency, guess, tolerance)
        solutions.append(guess)
    return solutions


# --- observables -----------------------------------------------------------------------------


def band_flux(solution, junction):
    """Re[i Tr τ₃G_η∂_xG_η] on the mesh, (2, m): Tr τ₃G∂G = 4(γγ̃' - γ̃γ')/(1+γγ̃)² for scalars."""
    fields, slopes = split(solution.state, solution.copies)
    (gamma, tilde), (dgamma, dtilde) = both(fields)[:, BANDS], both(slopes)[:, BANDS]
    trace = 4 * (gamma * dtilde - tilde * dgamma) / (1 + gamma * tilde) ** 2
    return (1j * trace / junction.length_f).real


def layer_flux(solution, junction, side):
    """Re[i Tr τ₃G∂_xG] (4x4) on the mesh of the left (0) or right (1) S layer."""
    fields, slopes = split(solution.state, solution.copies)
    gamma, tilde, dgamma, dtilde = (
        part[LAYERS[side]].T.reshape(-1, 2, 2) for part in (*both(fields), *both(slopes))
    )
    product = green(gamma, tilde) @ green_slope(gamma, tilde, dgamma, dtilde)
    trace = np.einsum("a,maa->m", [1, 1, -1, -1], product)
    return (1 - 2 * side) * (1j * trace / junction.length_s).real


def matsubara_rule(temperature, exact=8, nodes=12, terms=400):
    """Frequencies (descending) and weights for Σ_{n<terms} f(ω_n): the first `exact` terms and the
    Gauss rule in √ω of the discrete measure of the rest (Stieltjes + Golub-Welsch)."""
    omega = np.pi * temperature * (2 * np.arange(terms) + 1)
    points = np.sqrt(omega[exact:])
    diagonal, off = [], []
    before, now = np.zeros(len(points)), np.full(len(points), 1 / np.sqrt(len(points)))
    for _ in range(nodes):
        diagonal.append(now @ (points * now))
        new = points * now - diagonal[-1] * now - (off[-1] * before if off else 0)
        off.append(np.linalg.norm(new))
        before, now = now, new / off[-1]
    jacobi = np.diag(diagonal) + np.diag(off[:-1], 1) + np.diag(off[:-1], -1)
    values, vectors = np.linalg.eigh(jacobi)
    weights = len(points) * vectors[0] ** 2
    frequencies = np.r_[omega[:exact], values**2]
    order = np.argsort(-frequencies)
    return frequencies[order], np.r_[np.ones(exact), weights][order]


def currents(junction, delta_chi, delta_phi, rule=None, tolerance=1e-6, points=16):
    """(I↑, I↓) in I₀: T σ_η Σ_ω Re[i Tr τ₃G_η∂_xG_η], mean over the F mesh."""
    frequencies, weights = rule or matsubara_rule(junction.temperature)
    task = problem(junction, delta_chi, delta_phi, points)
    solutions = follow(task, frequencies, tolerance=tolerance)
    return summed(solutions, weights, junction)


def summed(solutions, weights, junction):
    """(I↑, I↓) of solutions at the frequencies of a Matsubara rule."""
    flux = [band_flux(solution, junction).mean(axis=1) for solution in solutions]
    sigma = wavenumbers(junction) ** 3
    return junction.temperature * sigma * (np.asarray(weights) @ np.array(flux))


def bcs_gap(temperature, terms=20000):
    """|Δ|/T_c: ln(T/T_c) = 2πT Σ_ω [1/√(ω²+Δ²) - 1/ω]."""
    omega = np.pi * temperature * (2 * np.arange(terms) + 1)

    def balance(gap):
        sum_ = np.sum(1 / np.sqrt(omega**2 + gap**2) - 1 / omega)
        return np.log(temperature) - 2 * np.pi * temperature * sum_

    return brentq(balance, 1e-6, 3.0, xtol=1e-12)


def density(junction, delta_chi, delta_phi, energy, broadening=0.005, tolerance=1e-6, gaps=None):
    """Retarded solution at ω = -i(E + i·broadening): γ, γ̃ independent, reached from ω = 4 by the
    straight line in the complex plane. gaps: Δ(s) of both layers, if not homogeneous."""
    task = problem(junction, delta_chi, delta_phi)
    task = task._replace(gaps=gaps or task.gaps)
    target = broadening - 1j * energy
    guess = cold(task, 4.0, copies=2)
    for frequency in target + (4.0 - target) * np.geomspace(1, 1e-4, 9):
        guess = solve(task, frequency, guess, tolerance)
    return solve(task, target, guess, tolerance)


def band_density(solution, place=0.5):
    """N_η/N_η0 = Re (1-γγ̃)/(1+γγ̃) at s of the F layer."""
    fields, slopes = split(solution.state, solution.copies)
    pair = both(CubicHermiteSpline(solution.nodes, fields, slopes, axis=2)(place))[:, BANDS]
    product = pair[0] * pair[1]
    return ((1 - product) / (1 + product)).real


def layer_density(solution, side, place=1.0):
    """½ Tr Re g at s of an S layer, 1 being the interface."""
    fields, slopes = split(solution.state, solution.copies)
    smooth = CubicHermiteSpline(solution.nodes, fields, slopes, axis=2)(place)
    gamma, tilde = both(smooth)[:, LAYERS[side]]
    return green(gamma.reshape(2, 2), tilde.reshape(2, 2))[:2, :2].trace().real / 2
