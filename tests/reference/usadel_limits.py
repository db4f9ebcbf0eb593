"""Limits of diffusive junctions by independent formulas, and a scalar solver to judge them.

Units as in `usadel` (T_c, ξ₀ = √(D/2πT_c), D = 2π), but currents as eR_N I/(k_BT_c) with R_N of the
weak link alone (the N wire; interfaces not included) and φ = χ_R - χ_L; both spins.  In terms of
`usadel`, whose σ is per spin, eR_N I/(k_BT_c) = (π/2)(L/ξ₀)(σ_S/σ)·I/I₀.
"""

import numpy as np
from scipy.integrate import solve_bvp
from scipy.linalg import sqrtm

from .usadel import (
    D_S,
    LAYERS,
    follow,
    matsubara_rule,
    normal_slopes,
    problem,
    split,
    wavenumbers,
)


def matsubara(temperature, terms):
    """ω_n = πT(2n+1), n < terms."""
    return np.pi * temperature * (2 * np.arange(terms) + 1)


def kulik_omelyanchuk(phase, temperature, gap, terms=4000, tail=True):
    """KO-1 (dirty point contact, L ≪ ξ, any T): eR_N I = 4πT Σ_ω (Δcos(φ/2)/δ) atan(Δsin(φ/2)/δ),
    δ² = ω² + Δ²cos²(φ/2).  Kulik, Omelyanchuk, JETP Lett. 21, 96 (1975); Golubov, Kupriyanov,
    Il'ichev, Rev. Mod. Phys. 76, 411 (2004).  T = 0: maximum 2.08 Δ at φ = 1.97 rad.  The tail of
    the sum, Δ²sin(φ)/2ω² per term, is added if `tail`."""
    omega = matsubara(temperature, terms)
    c, s = gap * np.cos(phase / 2), gap * np.sin(phase / 2)
    delta = np.sqrt(omega**2 + c**2)
    total = np.sum(c / delta * np.arctan(s / delta))
    if tail:
        total += c * s / (4 * np.pi**2 * temperature**2 * terms)  # Σ_{n≥N} 1/ω² = 1/(4π²T²N)
    return 4 * np.pi * temperature * total


def long_sns(length, temperature, gap, terms=400):
    """I_c of a long SNS wire, rigid transparent ends, lowest order in e^{-L/L_ω}, L_ω = √(D/2ω):
    eR_N I_c = 64πT Σ_ω (L/L_ω) Δ² e^{-L/L_ω}/[ω + Ω + √(2(Ω² + ωΩ))]², Ω² = ω² + Δ².
    Zaikin, Zharkov, Sov. J. Low Temp. Phys. 7, 184 (1981); Dubos et al., PRB 63, 064502 (2001);
    regime: T ≳ 5 E_T, E_T = D/L² (sin φ only)."""
    omega = matsubara(temperature, terms)
    root = np.sqrt(omega**2 + gap**2)
    ratio = length * np.sqrt(2 * omega / D_S)
    bottom = (omega + root + np.sqrt(2 * (root**2 + omega * root))) ** 2
    return 64 * np.pi * temperature * np.sum(ratio * gap**2 * np.exp(-ratio) / bottom)


def long_sns_high_gap(length, temperature):
    """First term of `long_sns` for T ≪ Δ: 64πT/(3+2√2)·x e^{-x}, x = √(2πT/E_T) (Wilhelm, Zaikin,
    Schön, J. Low Temp. Phys. 106, 305 (1997))."""
    x = np.sqrt(2 * np.pi * temperature * length**2 / D_S)
    return 64 * np.pi * temperature / (3 + 2 * np.sqrt(2)) * x * np.exp(-x)


def sinis(length, ratio, temperature, gap, terms=400, exchange=0.0):
    """I_c of SINIS with Kupriyanov-Lukichev interfaces, r = R_B/R_N of one, linear in F_N:
    rL F' = ±(G_S F - F_S) at the ends, F'' = k²F, k² = 2ω/D, hence, with z = kL,
    eR_N I_c = 2πT Σ_ω F_S² z/{[(rz)² + G_S²] sinh z + 2rzG_S cosh z}, G_S = ω/Ω, F_S = Δ/Ω.
    (Kupriyanov, Lukichev, JETP 67, 1163 (1988), derived here; needs F_N ≪ 1: r(z²) ≫ F_S.)
    In an exchange field h, SIFIS, ω → ω ± ih in k for both kinds of pairs: the real part.
    (Buzdin, Rev. Mod. Phys. 77, 935 (2005), Sec. IV.)"""
    omega = matsubara(temperature, terms)
    root = np.sqrt(omega**2 + gap**2)
    g, f, z = omega / root, gap / root, length * np.sqrt(2 * (omega + 1j * exchange) / D_S)
    bottom = ((ratio * z) ** 2 + g**2) * np.sinh(z) + 2 * ratio * z * g * np.cosh(z)
    return 2 * np.pi * temperature * np.sum(f**2 * z / bottom).real


def sns(length, phase, temperature, gap, ratio=None, terms=60, tolerance=1e-6):
    """eR_N I of an SNS wire between rigid reservoirs: full nonlinear Usadel equation by solve_bvp.

    Singlet: γ = c·iσ_y, γ̃ = c*·(-iσ_y) and c'' = 2c'²c*/(1+|c|²) + 2ωc/D; ends: the bulk values
    (ratio None) or Kupriyanov-Lukichev ones, r = R_B/R_N, LG∂ₙG = [G_S, G]/2r (n into N), which is
    rL∂ₙc = `tunnel_force`.  eR_N I = (πT/2) L Σ_ω Re[i Tr τ₃G∂_xG] = 2πT L Σ_ω Im F*∂_xF, with
    F = 2c/(1+|c|²): Re[i Tr] = 16 Im(c*∂_xc)/(1+|c|²)².  `terms` cuts the sum.
    """
    total, nodes, state = 0.0, np.linspace(0, 1, 41), np.zeros((4, 41))
    for omega in matsubara(temperature, terms)[::-1]:
        ends = [1j * gap * np.exp(1j * p) / (omega + np.hypot(omega, gap)) for p in (0, phase)]

        def slope(_, y, omega=omega):
            c, d = y[0] + 1j * y[1], y[2] + 1j * y[3]
            bend = 2 * d**2 * c.conj() / (1 + abs(c) ** 2) + length**2 * 2 * omega * c / D_S
            return np.array([y[2], y[3], bend.real, bend.imag])

        def boundary(a, b, ends=ends):
            rest = []
            for y, end, sign in ((a, ends[0], 1), (b, ends[1], -1)):
                c, d = y[0] + 1j * y[1], y[2] + 1j * y[3]
                if ratio is None:
                    rest.append(c - end)
                else:
                    rest.append(ratio * sign * d - tunnel_force(c, end))
            return np.array([part for r in rest for part in (r.real, r.imag)])

        found = solve_bvp(slope, boundary, nodes, state, tol=tolerance, max_nodes=4000)
        assert found.success, found.message
        nodes, state = found.x, found.y
        c, d = state[0] + 1j * state[1], state[2] + 1j * state[3]
        flux = 16 * (c.conj() * d).imag / (1 + abs(c) ** 2) ** 2
        total += np.pi * temperature / 2 * flux.mean()
    return total


def sns_density(length, energy, gap, broadening, exchange=0.0):
    """Density of states in the middle of a rigid transparent SNS wire without a phase difference.

    θ'' = (2ω/D) sin θ, ω = Γ - iE, tan θ = Δ/ω at the ends, Re cos θ.  Continued from Γ = 4 T_c.
    In an exchange field, of spin ↑ at the energy -h (a pair of ↑ and ↓ costs E + h): ω - ih.
    """
    nodes, state = np.linspace(0, 1, 101), np.zeros((4, 101))
    for blur in np.geomspace(4, broadening, 25):
        omega = blur - 1j * energy
        end = np.arctan(gap / omega)

        def slope(_, y, omega=omega):
            inside = omega - 1j * exchange
            bend = length**2 * 2 * inside / D_S * np.sin(y[0] + 1j * y[1])
            return np.array([y[2], y[3], bend.real, bend.imag])

        def boundary(a, b, end=end):
            return np.array([y[k] - e for y in (a, b) for k, e in enumerate((end.real, end.imag))])

        found = solve_bvp(slope, boundary, nodes, state, tol=1e-7, max_nodes=20000)
        assert found.success, found.message
        nodes, state = found.x, found.y
    middle = found.sol(0.5)
    return np.cos(middle[0] + 1j * middle[1]).real


def tunnel_force(c, end):
    """rL∂ₙc of a Kupriyanov-Lukichev interface: g_S c - f_S/2 + c²f_S*/2, with the S value e
    [c(1-|e|²) - e + c²e*]/(1+|e|²); n into N."""
    return (c * (1 - abs(end) ** 2) - end + c**2 * end.conjugate()) / (1 + abs(end) ** 2)


# --- limits of the general matrix current ----------------------------------------------------


def nazarov(first, second, transmission):
    """g_o - g_i on side 1 for one spin-inactive channel, 2T[G₁, G₂]/(4 + T({G₁, G₂} - 2)), G₁ the
    own side (the sheet's formula has the sides the other way).  Nazarov, Superlattices
    Microstruct. 25, 1221 (1999)."""
    commutator = first @ second - second @ first
    anti = first @ second + second @ first
    one = np.eye(len(first))
    return 2 * transmission * commutator @ np.linalg.inv(4 * one + transmission * (anti - 2 * one))


def spin_mixing(green, angle, moment):
    """g_o - g_i of a reflecting S = e^{iθm·σ/2}: i(θ/2)[diag(m·σ, (m·σ)ᵀ), G] + O(θ²)."""
    x, y, z = moment
    sigma = np.array([[z, x - 1j * y], [x + 1j * y, -z]])
    full = np.block([[sigma, np.zeros((2, 2))], [np.zeros((2, 2)), sigma.T]])
    return 0.5j * angle * (full @ green - green @ full)


def semi_infinite(green, frequency, gap):
    """G∂ₙG at the interface of a homogeneous semi-infinite S, n into it:
    -k[G_b, G](2 + {G_b, G})^{-1/2}, k² = 2Ω/D."""
    omega = np.sqrt(frequency**2 + abs(gap) ** 2)
    upper, lower = (1j * z * np.array([[0, 1], [-1, 0]]) for z in (gap, np.conj(gap)))
    home = np.block([[frequency * np.eye(2), upper], [lower, -frequency * np.eye(2)]]) / omega
    anti = home @ green + green @ home
    root = np.linalg.inv(sqrtm(2 * np.eye(4) + anti))
    return -np.sqrt(2 * omega / D_S) * (home @ green - green @ home) @ root


def tunnelling(junction, delta_chi, delta_phi, rule=None, reflection=True, tolerance=1e-7):
    """(I↑, I↓) of opaque barriers: ∂ₙγ_η = s_η + Σ_ν ℓ_ην γ_ν at the ends, γ_η'' = k_η²γ_η,
    k_η² = 2ω/D_η, I_η = -Tσ_ηΣ_ω 8 Im(γ_η*∂_xγ_η); s, ℓ: value and slope of ∂ₙγ at γ_F = 0.

    ℓ does not vanish with the transparency: a noncollinear barrier reflects F↑ into F↓.  Without it
    (`reflection` False): -Tσ_ηΣ_ω 8 Im(s_L* s_R)/(k sinh kd_F), which with equal barriers is the
    sheet's |s|² sin θ_η, θ↑ = Δχ - Δφ, θ↓ = Δχ + Δφ.  γ_S at the interface, taken from
    `usadel.solve`, is not the bulk one: spin mixing acts on it however opaque the barrier."""
    frequencies, weights = rule or matsubara_rule(junction.temperature)
    task = problem(junction, delta_chi, delta_phi)
    momenta, length, step = wavenumbers(junction), junction.length_f, 1e-4
    total = np.zeros(2)
    solutions = follow(task, frequencies, tolerance=tolerance)
    for solution, weight in zip(solutions, weights, strict=True):
        fields = split(solution.state, solution.copies)[0][0, :, -1]
        k = np.diag(np.sqrt(2 * solution.frequency / D_S) / momenta)
        c, s = np.cosh(k * length) * np.eye(2), np.sinh(k * length)
        sources, leaks = [], []
        for rows, side in zip(LAYERS, task.sides, strict=True):
            shift = np.concatenate([np.zeros((2, 4)), step * np.eye(2)], 1)
            values = np.concatenate([fields[rows], [0, 0]]) + np.concatenate([shift, -shift])
            slopes = normal_slopes(values, -values.conj(), side)[0][:, 4:]
            sources.append(slopes.mean(axis=0))
            leaks.append(reflection * (slopes[:2] - slopes[2:]).T / (2 * step))
        # γ = a cosh kx + b sinh kx
        left = [-leaks[0], k]
        right = [-k @ s - leaks[1] @ c, -k @ c - leaks[1] @ s]
        a, b = np.linalg.solve(np.block([left, right]), np.concatenate(sources)).reshape(2, 2)
        total -= weight * 8 * (a.conj() * np.diag(k) * b).imag
    return junction.temperature * momenta**3 * total
