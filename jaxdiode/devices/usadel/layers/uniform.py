"""A superconducting layer of uniform gap, solved exactly: a matrix pendulum in theta functions."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ....numerics.matrices import complexified, exponential, identity, inverse, product

# −σ_y = i · iσ_y, whose square is 1: what the gap couples, at phase 0.
PAIRING = np.array([[0, 1j], [-1j, 0]])

_LARGEST_NOME = 0.3  # the theta series below leave 1e-8 of a term here, 1e-12 at .2


def bulk(gap: Array, frequency: Array) -> tuple[Array, Array]:
    """β of γ_b = −β σ_y at phase 0, and k = √(2Ω/D) in 1/ξ₀; ω real, or complex with Re ω > 0."""
    gap = gap.astype(frequency.dtype)
    # The root with positive real part; Re ω > 0 keeps it off its cut.
    whole = jnp.sqrt(frequency**2 + gap**2)
    return gap / (frequency + whole), jnp.sqrt(whole / jnp.pi)


def layer(
    slope: Complex[Array, "2 2 *lanes"],
    partner: Complex[Array, "2 2 *lanes"],
    bulk_pair: Array,
    wave_number: Array,
    length: Array,
) -> tuple[Complex[Array, "2 2 *lanes"], Complex[Array, "2 2 *lanes"], Array]:
    """γ at the interface of a layer whose outer end is bulk, and ∂γ towards the interface.

    With G = G_b e^W and {W, G_b} = 0 the Usadel equation D ∂(G∂G) = Ω[G_b, G] of a uniform gap
    becomes W″ = k² sinh W, k² = 2Ω/D, whose solutions that vanish at the outer end commute with
    themselves everywhere. In y = k · (distance from that end)

        tanh(W/4) = Σₙ (−1)ⁿ p^{(2n+1)²} 2 sinh((2n+1)ζy) / [1 + 2 Σₙ (−1)ⁿ p^{4n²} cosh(2nζy)],

    ζ = 1/θ₃(p²)², θ₃(q) = 1 + 2Σ q^{n²}: a pendulum from rest, by the descending Landen step of
    its Jacobi function. The matrix p is the unknown, given as `slope` = 2 sinh(y) p: of order one
    at the interface, where it equals tanh(W/4) of a half-infinite layer.

    Args:
        slope: upper right block of that matrix, in the frame in which G_b = τ₃.
        partner: its tilde conjugate; −slope* on the Matsubara axis.
        bulk_pair: β, and
        wave_number: k, as from `bulk`.
        length: of the layer.

    Returns:
        γ, ∂γ along the direction towards the interface, and the size of the nome p², beyond
        `_LARGEST_NOME` of which the series are no solution.
    """
    wave_number = complexified(wave_number)
    g, rise, nome = _pendulum(slope, partner, wave_number * complexified(length))
    one = identity(g)
    pair = complexified(bulk_pair) * pairing(g)
    closer = inverse(one - product(pair, g))
    gamma = product(pair + g, closer)
    return gamma, wave_number * product(product(one + product(gamma, pair), rise), closer), nome


def within_series(nome: Float[Array, "..."]) -> Array:
    """Whether the theta series of `layer` have converged."""
    return nome <= _LARGEST_NOME


def _pendulum(
    slope: Complex[Array, "2 2 *lanes"], partner: Complex[Array, "2 2 *lanes"], y: Array
) -> tuple[Array, Array, Array]:
    """tanh(W/2) at y and its derivative. e^{−2y} = ε is taken out of every growing term."""
    square = -product(slope, partner)
    one = identity(square)
    eps = jnp.exp(-2 * y)
    n1 = square / (1 - eps) ** 2
    nome = eps * n1
    n2 = product(n1, n1)
    n4 = product(n2, n2)
    n8 = product(n4, n4)
    theta = one + 2 * nome + 2 * eps**4 * n4 + 2 * eps**9 * product(n8, n1)
    zeta = inverse(product(theta, theta))
    up, down = exponential(y * (zeta - one)), exponential(y * (one - zeta))
    grow, decay = _powers(up), _powers(down)

    def total(k, sign):
        return grow[k] + sign * eps**k * decay[k]

    third, fifth = eps**3 * n4, eps**10 * product(n8, n4)
    above = total(1, -1) - product(third, total(3, -1)) + product(fifth, total(5, -1))
    rising = total(1, 1) - 3 * product(third, total(3, 1)) + 5 * product(fifth, total(5, 1))
    second, fourth = eps * n2, eps**6 * n8
    below = one - product(second, total(2, 1)) + product(fourth, total(4, 1))
    falling = -2 * product(second, total(2, -1)) + 4 * product(fourth, total(4, -1))

    divide = inverse(below)
    ratio = product(divide, above)
    change = product(divide, product(zeta, rising - product(falling, ratio)))
    quarter = product(ratio, slope) / (1 - eps)
    # tanh 2x = 2 tanh x/(1 + tanh² x); the square of an off-diagonal W has upper block −w w̃.
    squared = product(product(ratio, ratio), square) / (1 - eps) ** 2
    half = inverse(one + squared)
    g = 2 * product(half, quarter)
    rise = 2 * product(product(product(half, half), one - squared), product(change, slope))
    size = jnp.sqrt(jnp.sum(jnp.abs(nome) ** 2, axis=(0, 1)))
    return g, rise / (1 - eps), size


def _powers(a):
    found = [identity(a), a]
    for _ in range(4):
        found.append(product(found[-1], a))
    return found


def pairing(like: Array) -> Array:
    """`PAIRING` with an axis of length one for every lane axis of `like`."""
    return jnp.asarray(PAIRING).reshape((2, 2) + (1,) * (like.ndim - 2))
