"""The gap of a bulk superconductor at temperature T, in units of k_BT_c."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ....numerics.roots import bracketed_root, implicit_root

_TERMS = 64
_ZERO_TEMPERATURE = 1.7638769  # π e^{−C}, C = Euler's constant


def bcs_gap(temperature: Float[Array, ""]) -> Float[Array, ""]:
    """Δ(T) of the weak-coupling theory: ln T/T_c = Σ_{n≥0} [1/√((n+½)² + δ²) − 1/(n+½)].

    δ = Δ/2πk_BT. Accurate to 1e-12; 0 at and above T_c.

    Args:
        temperature: T/T_c, above 0.001.
    """
    below = temperature < 1
    safe = jnp.where(below, temperature, 0.5)

    def balance(squared, temperature):
        return jnp.log(temperature) - _deficit(squared / (2 * jnp.pi * temperature) ** 2)

    frozen = jax.lax.stop_gradient(safe)
    top = 1.01 * jnp.full_like(frozen, _ZERO_TEMPERATURE**2)
    found = bracketed_root(balance, frozen, jnp.zeros_like(frozen), top, steps=40)
    squared = implicit_root(balance, safe, found)
    return jnp.where(below, jnp.sqrt(jnp.maximum(squared, 1e-300)), 0.0)


def _deficit(delta2):
    """The sum above as a function of δ²: terms, and Euler and Maclaurin's formula for the rest."""
    x = jnp.arange(_TERMS, dtype=float) + 0.5
    root = jnp.sqrt(x**2 + delta2)
    terms = jnp.sum(-delta2 / (x * root * (x + root)))
    n = float(_TERMS)
    edge = jnp.sqrt(n**2 + delta2)
    integral = -jnp.log((n + edge) / (2 * n))
    slope = 1 / n**2 - n / edge**3
    third = 6 / n**4 + 9 * n / edge**5 - 15 * n**3 / edge**7
    return terms + integral + slope / 24 - 7 * third / 5760
