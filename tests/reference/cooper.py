"""NumPy (long double) reference for the Cooper bubble of a valley-polarised metal (arXiv text of
Banerjee, Scheurer, "Dissipation-enhanced non-reciprocal superconductivity", App. B, Eqs. B1-B5).

(B1) pairs k+q/2 in valley + with -k+q/2 in valley -; by time reversal ξ_{p,-} = ξ_{-p,+} ≡ ξ(-p),
so the two energies are E_ν = ξ(k+νq/2) + νΦ, as printed.  E₊ + E₋ = ξ₊ + ξ₋ ≡ S does not depend on
Φ, so only the tanh's are expanded: d tanh/dE = (1-t²)/2T, ½d²tanh/dE² = (t³-t)/4T² with
t_ν = tanh ξ_ν/2T, and
    a = 1/g - α + α'Φ - α''Φ² + O(Φ³),
    α = (1/2N)Σ (t₊+t₋)/S,  α' = (1/4NT)Σ (t₊²-t₋²)/S,  α'' = (1/8NT²)Σ (t₊³-t₊+t₋³-t₋)/S:
(B5a, b) hold in sign and factor.  The next term is O(Φ⁴), as (B4) says, only where α'_q = 0 by
symmetry; in general it is O(Φ³).  With P = (t₊+t₋)/S all three are finite as S → 0:
    α: P → (1-t²)/2T;   α': P(t₊-t₋) → t(1-t²)/T;   α'': P(t₊²-t₊t₋+t₋²-1) → (3t²-1)(1-t²)/2T.
α' is odd in q and Σ_k of an odd function under k → -k if ξ(k) = ξ(-k) (zero after the sum, not term
by term), and zero at q = 0 for any ξ.  To first order in q it is (1/8NT²)Σ q·∇_k G(ξ),
G' = t(1-t²)/ξ, a total derivative: α' = O(q³) for any ξ, ∝ q_x³ - 3q_xq_y² for trigonal warping
(if the momenta cover the zone, or all |ξ| ≲ 30T).  No jax.
"""

from fractions import Fraction

import numpy as np

REAL = np.longdouble


def pair_energies(dispersion, momenta, pair_momentum):
    """ξ(k+q/2), ξ(k-q/2) in long double; momenta (N, 2), pair momentum (2,)."""
    k = np.asarray(momenta, REAL)
    q = np.asarray(pair_momentum, REAL)
    return [dispersion(*(k + sign * q / 2).T) for sign in (1, -1)]


def pair_kernel(first, second, temperature):
    """(tanh E₊/2T + tanh E₋/2T)/(E₊+E₋) = sinh(x+y)/[(x+y) cosh x cosh y]/2T, finite everywhere."""
    x, y = first / (2 * temperature), second / (2 * temperature)
    total = np.abs(x + y)
    safe = np.where(total == 0, REAL(1), total)
    grown = np.where(total == 0, REAL(1), -np.expm1(-2 * safe) / (2 * safe))  # e^{-X} sinh X/X
    falls = np.exp(total - np.abs(x) - np.abs(y))  # e^X/(cosh x cosh y), up to what follows
    falls = falls * 4 / ((1 + np.exp(-2 * np.abs(x))) * (1 + np.exp(-2 * np.abs(y))))
    return grown * falls / (2 * temperature)


def cooper_bubble(dispersion, momenta, pair_momentum, temperature, polarization):
    """Γ_q of Eq. (B3) at one valley polarisation Φ; `dispersion(kx, ky)` is ξ of valley +."""
    first, second = pair_energies(dispersion, momenta, pair_momentum)
    phi, temperature = REAL(polarization), REAL(temperature)
    return pair_kernel(first + phi, second - phi, temperature).mean() / 2


def coefficients(dispersion, momenta, pair_momentum, temperature):
    """α_q, α'_q, α''_q from (B5a, b) with the common factor P taken out."""
    first, second = pair_energies(dispersion, momenta, pair_momentum)
    temperature = REAL(temperature)
    kernel = pair_kernel(first, second, temperature)
    plus, minus = np.tanh(first / (2 * temperature)), np.tanh(second / (2 * temperature))
    curved = plus**2 - plus * minus + minus**2 - 1
    return (
        kernel.mean() / 2,
        (kernel * (plus - minus)).mean() / (4 * temperature),
        (kernel * curved).mean() / (8 * temperature**2),
    )


def central_weights(half):
    """Exact weights, points -half..half, of the first and of half the second derivative."""
    size = 2 * half + 1
    rows = [[Fraction(n) ** p for n in range(-half, half + 1)] for p in range(size)]
    answers = []
    for order in (1, 2):
        table = [[*row, Fraction(int(p == order))] for p, row in enumerate(rows)]
        for n in range(size):
            pivot = next(m for m in range(n, size) if table[m][n] != 0)
            table[n], table[pivot] = table[pivot], table[n]
            table[n] = [entry / table[n][n] for entry in table[n]]
            for m in range(size):
                if m != n and table[m][n] != 0:
                    scale = table[m][n]
                    table[m] = [a - scale * b for a, b in zip(table[m], table[n], strict=True)]
        answers.append([REAL(r[-1].numerator) / REAL(r[-1].denominator) for r in table])
    return [np.array(a) for a in answers]


def coefficients_by_differences(dispersion, momenta, pair_momentum, temperature, half=8):
    """α, α', α'' from Γ_q(Φ) alone: central differences of order 2·half, step T/8 (poles at πT)."""
    step = REAL(temperature) / 8
    first, second = central_weights(half)
    gamma = np.array(
        [
            cooper_bubble(dispersion, momenta, pair_momentum, temperature, n * step)
            for n in range(-half, half + 1)
        ]
    )
    return gamma[half], -(first @ gamma) / step, (second @ gamma) / step**2
