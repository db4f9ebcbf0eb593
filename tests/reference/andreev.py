"""NumPy/SciPy reference for the nonequilibrium Andreev interferometer (arXiv text of Shaffer, Li,
Hasan, Titov, Levchenko, "Josephson diode effect from nonequilibrium current ...", Eqs. 10-17).

Units: energies in E_T = D/L², currents in J_0 = σLα²E_T/e = G_N E_T(αL)²/(eS); ℓ = l/L, d = 1-ℓ.
z = √(-2iε), Re z ≥ 0; F₁ and F₂ of Eqs. (10b, c) with α² taken out are even in z, hence meromorphic
in ε with poles at ε = -iπ²n²/2 (n ≥ 1) only.  `coefficients` integrates (15a-c) on the real axis,
`matsubara` sums residues: two methods without a common step but F itself.  No jax.
"""

from math import factorial

import numpy as np
from scipy.special import bernoulli, digamma

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
RATIO = 1.5  # least distance (panel centre to singularity) / (half width of the panel)
REACH = 45.0  # e-folds after which a tail is dropped
TERMS = 20  # Matsubara terms summed one by one
ORDERS = 8  # Euler-Maclaurin corrections


def propagators(z, spacing):
    """F₁, F₂ of Eqs. (10b, c) without α², L = 1, for Re z ≥ 0, z ≠ 0; never overflows."""

    def falling(a):
        return -np.expm1(-2 * z * a)

    below = 2 * z * falling(1.0)
    half = falling(spacing / 2)
    first = half * falling(1 - spacing / 2) / below
    return first, half**2 * np.exp(-z * (1 - spacing)) / below


def graded(start, stop, singularities):
    """Gauss nodes and weights on [start, stop], panels small against the distance to the poles."""
    poles = np.asarray(singularities, complex)
    todo, nodes, weights = [(start, stop)], [], []
    while todo:
        a, b = todo.pop()
        centre, half = (a + b) / 2, (b - a) / 2
        if half * RATIO > np.abs(poles - centre).min():
            todo += [(a, centre), (centre, b)]
        else:
            nodes.append(centre + half * NODES)
            weights.append(half * WEIGHTS)
    return np.concatenate(nodes), np.concatenate(weights)


def distributions(energy, potentials, temperatures):
    """h₀, h_T, h_μ, h_μT below Eq. (11); h_a - h̄_a = -tanh(μ/T)(1 - h_a h̄_a) without cancelling."""
    even, odd = [], []
    for mu, temperature in zip(potentials, temperatures, strict=True):
        h = np.tanh((energy - mu) / (2 * temperature))
        bar = np.tanh((energy + mu) / (2 * temperature))
        even.append(h + bar)
        odd.append(-np.tanh(mu / temperature) * (1 - h * bar))
    return even[0] + even[1], even[0] - even[1], odd[0] + odd[1], odd[0] - odd[1]


def spectrum(spacing, potentials, temperatures):
    """Energies ε > 0, weights (doubled: all integrands are even in ε), and F₁, F₂ there."""
    singular = [-0.5j * np.pi**2]
    for mu, temperature in zip(potentials, temperatures, strict=True):
        singular += [mu + 1j * np.pi * temperature, -mu + 1j * np.pi * temperature]
    stop = max(np.abs(potentials)) + REACH * max(temperatures) + (REACH / (1 - spacing)) ** 2
    energy, weight = graded(0.0, stop, singular)
    return energy, 2 * weight, *propagators((1 - 1j) * np.sqrt(energy), spacing)


def coefficients(spacing, potentials, temperatures):
    """(J₀ⁿ, J₁, J₂) in J_0: J₁ = ⅛∫h₀ Im F₂, J₀ⁿ = -(d/8)∫h_μT Re F₁, J₂ = -(d/8)∫h_μT Re F₂."""
    energy, weight, first, second = spectrum(spacing, potentials, temperatures)
    h0, _, _, difference = distributions(energy, potentials, temperatures)
    factor = -(1 - spacing) / 8
    return (
        float(factor * np.sum(weight * difference * first.real)),
        float(np.sum(weight * h0 * second.imag) / 8),
        float(factor * np.sum(weight * difference * second.real)),
    )


def drained(spacing, potentials, temperatures):
    """(K₀, K₂) in J_0 of K = K₀ + K₂ cos φ, the net current from the wire into the superconductors.

    With G^{R,A} = ±τ_z, Tr τ_z I^K = 4 dh_σ/dx, so the current in the wire is (σ/2e)∫dh_σ/dx dε (it
    gives σ(μ₁-μ₂)/(eL) without proximity effect).  What is lost at an interface is minus the jump:
    K_± = -(σ/2e)∫δ[dh_σ/dx]_{±d/2} dε.  Then Eq. (14) is J_s = (K₋ - K₊)/2: a current that enters
    the loop at -d/2 and leaves it at +d/2, the mean of the two.  Eqs. (11b, 12) give, L = 1,
    δ₊ - δ₋ = -(d/2) h_μT Re[F₁+F₂ cos φ], hence (15b, c), and δ₊ + δ₋ = ½ h_μ Re[F₁+F₂ cos φ], so
        K = K₊ + K₋ = -¼∫h_μ Re[F₁ + F₂ cos φ] dε   (in J_0),
    positive for a wire at positive potential, zero for μ₁ = -μ₂, T₁ = T₂.  The jump (12) is only
    the part with h_σ: see `drained_sine` for the other one.
    """
    energy, weight, first, second = spectrum(spacing, potentials, temperatures)
    _, _, total, _ = distributions(energy, potentials, temperatures)
    return (
        float(-np.sum(weight * total * first.real) / 4),
        float(-np.sum(weight * total * second.real) / 4),
    )


def drained_sine(spacing, potentials, temperatures):
    """K₁ of K = K₀ + K₁ sin φ + K₂ cos φ: K₁ = (d/4)∫h_T Im F₂ dε, which Eq. (12) leaves out.

    Eq. (7) with f of (10a), corrected to e^{iχ}, gives at ∓d/2, upper sign first,
    δ[dh_σ/dx] = L{h_σ Re[F₁+F₂ cos φ] ∓ h sin φ Im F₂}; the last term is the supercurrent
    of the even distribution (11a).  Half the difference of the interfaces is (15a), the sum is K₁
    (h_T is odd in ε, as Im F₂).  Zero for T₁ = T₂, |μ₁| = |μ₂|.
    """
    energy, weight, _, second = spectrum(spacing, potentials, temperatures)
    _, heat, _, _ = distributions(energy, potentials, temperatures)
    return float((1 - spacing) / 4 * np.sum(weight * heat * second.imag))


def matsubara(spacing, voltage, temperature):
    """(J₀ⁿ, J₁, J₂) at μ = ±V/2 and one temperature: 2πT Σ of -, ω_n = (2n+1)πT, z² = 2ω_n - iV,
    J₁: Re F₂, J₂: d Im F₂, J₀ⁿ: d Im F₁.

    The real-axis integrals close in the upper half plane; the arcs of ∫h F₁ ~ ∫h/(2z) cancel in the
    real part.  Tail: midpoint Euler-Maclaurin at ω* = 2πT·TERMS with Taylor coefficients of F from
    a Cauchy circle, and ∫_{ω*}^∞ F dω = ∫ zF dz along z* + t, where zF₂ decays as e^{-zd} and
    zF₁ = ½(1-e^{-zℓ}) - ½E(ℓ/2)² e^{-z(2-ℓ)}/E(1), whose first part is done by hand.
    """
    step = 2 * np.pi * temperature
    chemical = voltage / 2

    def both(omega):
        return np.array(propagators(np.sqrt(2 * omega - 2j * chemical), spacing))

    total = step * both(step * (np.arange(TERMS) + 0.5)).sum(axis=1)
    start = step * TERMS
    total = total + euler_maclaurin(both, start, step)

    corner = np.sqrt(2 * start - 2j * chemical)
    length = REACH / (1 - spacing)
    poles = 1j * np.pi * np.arange(-60, 61)
    path, weight = graded(0.0, length, poles[poles != 0] - corner)
    z = corner + path
    half = -np.expm1(-z * spacing)
    full = -np.expm1(-2 * z)
    crossed = half**2 / (2 * full)
    remainder = -np.sum(weight * crossed * np.exp(-z * (2 - spacing)))
    first = remainder - corner**2 * spacing / 2 * exponential_remainder(corner * spacing)
    second = np.sum(weight * crossed * np.exp(-z * (1 - spacing)))
    total = total + np.array([first, second])
    return (
        float((1 - spacing) * total[0].imag),
        float(total[1].real),
        float((1 - spacing) * total[1].imag),
    )


def exponential_remainder(w):
    """(e^{-w} - 1 + w)/w², by its series where that would cancel."""
    if abs(w) > 1:
        return (np.expm1(-w) + w) / w**2
    return sum((-w) ** n / factorial(n + 2) for n in range(20))


def euler_maclaurin(function, start, step):
    """Σ_n step·f(start + (n+½)step) - ∫_start^∞ f = -Σ_k B_2k(½) step^2k/(2k)! f^(2k-1)(start)."""
    count = 64
    angle = np.exp(2j * np.pi * np.arange(count) / count)
    radius = (start + np.pi**2 / 2) / 2
    taylor = np.fft.fft(function(start + radius * angle)) / count  # f^(m)(start) radius^m/m!
    numbers = bernoulli(2 * ORDERS)
    total = 0
    for order in range(2, 2 * ORDERS + 1, 2):
        half = (2.0 ** (1 - order) - 1) * numbers[order]  # B_order(½)
        total = total - half * step / order * (step / radius) ** (order - 1) * taylor[:, order - 1]
    return total


def low_limits(spacing, voltage):
    """(J₀ⁿ, J₁, J₂) for T, V → 0: Eqs. (17b), (17a) corrected, (17c).

    h_μT = -4 for |ε| < V/2, F₁(0) = ℓ(2-ℓ)/4, F₂(0) = ℓ²/4 give (17b, c).  J₁ = ∫zF₂ dz =
    ½∫(cosh zℓ - 1)/sinh z dz = -¼[ψ(½+ℓ/2) + ψ(½-ℓ/2) - 2ψ(½)]; the printed +1/(2√2) is wrong in
    sign and by a factor √2.
    """
    bracket = digamma(0.5 + spacing / 2) + digamma(0.5 - spacing / 2) - 2 * digamma(0.5)
    bias = (1 - spacing) * voltage / 2
    return (
        float(bias * spacing * (2 - spacing) / 4),
        float(-bracket / 4),
        float(bias * spacing**2 / 4),
    )
