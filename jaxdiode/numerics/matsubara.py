"""Sums over Matsubara frequencies, from any temperature down to none, by one short rule."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

COLDEST = 1e-16  # T over the gap: what is colder differs from T = 0 at no phase that has digits

EXPLICIT = 20  # terms before the integral takes over
_CORRECTED = 6  # on either side of that place, with weights that make up for the difference
_PANELS = 12
_INNER, _INNER_WEIGHTS = np.polynomial.legendre.leggauss(16)
_OUTER, _OUTER_WEIGHTS = np.polynomial.legendre.leggauss(10)


def _end_corrections() -> np.ndarray:
    """e_j with Σ_{n≥N} g(n+½) = ∫_N^∞ g dy + Σ_j e_j [g(N+j−½) − g(N−j+½)], j = 1 … 6.

    Euler and Maclaurin's formula with its derivatives by central differences: exact where g is a
    polynomial of degree 12 near N.
    """
    bernoulli = np.array([1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730])
    order = 2 * np.arange(1, _CORRECTED + 1)
    place = np.arange(1, _CORRECTED + 1) - 0.5
    wanted = (1 - 2.0 ** (1 - order)) * bernoulli / order
    return np.linalg.solve(2 * place[None, :] ** (order[:, None] - 1), wanted)


def explicit_terms() -> tuple[np.ndarray, np.ndarray]:
    """n + ½ and weights such that Σ_{n≥0} g(n + ½) = Σ weight g + ∫ g dy from `EXPLICIT` on.

    To 1e-14 of its first terms, for a g that is analytic where Re y > 0.
    """
    place = np.arange(EXPLICIT + _CORRECTED) + 0.5
    weight = np.where(place < EXPLICIT, 1.0, 0.0)
    ends = _end_corrections()
    weight[EXPLICIT:] += ends
    weight[EXPLICIT - _CORRECTED : EXPLICIT] -= ends[::-1]
    return place, weight


_PLACE, _WEIGHT = explicit_terms()


def matsubara_rule(
    temperature: Float[Array, ""], scale: Float[Array, ""]
) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    """y and w such that Σ_{n≥0} f(ω_n) = Σ_k w_k f(2πT y_k), ω_n = 2πT (n + ½).

    f must be analytic in the right half plane, as every function of the retarded kind is, and fall
    as 1/ω² beyond `scale`. Nodes are not differentiated: sum and integral are taken at fixed y, so
    derivatives of the terms by T are those of the sum.

    Args:
        temperature: k_BT > 0 in the unit of ω; at least `COLDEST` of the gap.
        scale: ω beyond which f has a series in 1/ω, twice over.
    """
    step, scale = jax.lax.stop_gradient((2 * jnp.pi * temperature, scale))
    # Singularities on the imaginary axis are as far as ±iπ/2 everywhere in ln y, and infinity is a
    # point like others in 1/y.
    first = jnp.log(float(EXPLICIT))
    last = jnp.maximum(first, jnp.log(scale) - jnp.log(step))
    edge = first + (last - first) * jnp.linspace(0.0, 1.0, _PANELS + 1)
    half = (edge[1:] - edge[:-1])[:, None] / 2
    inner = jnp.exp((edge[1:] + edge[:-1])[:, None] / 2 + half * _INNER).ravel()
    inner_weight = (half * _INNER_WEIGHTS).ravel() * inner
    inverse = jnp.exp(-last) * (_OUTER + 1) / 2
    outer_weight = jnp.exp(-last) * _OUTER_WEIGHTS / 2 / inverse**2
    y = jnp.concatenate([jnp.asarray(_PLACE), inner, 1 / inverse])
    return y, jnp.concatenate([jnp.asarray(_WEIGHT), inner_weight, outer_weight])
