"""Voltage of a wire with phase-slip centres in the limit γ ≫ 1: one universal function.

Source: Banerjee and Scheurer, "Dissipation-enhanced non-reciprocal superconductivity", Eqs. (2a),
(2b), after Ivlev and Kopnin. With Δ = √ε sin(θ₀ + d), sin²θ₀ = 2/3, both integrals are over d from
0 to atan(1/√2), and with E = ε^{3/2} and the excess K = j − k_cE over the critical supercurrent
they become homogeneous,

    V(K, E) = 2√X_top / ∫ a′/√X dd,   X(d) = K a(d) + E b(d),

so that nothing is singular where superconductivity ends (E = 0, V = j). Only √X depends on the
arguments: a, b and a′ are tabulated at Gauss nodes of panels that shrink towards d = 0, where
the integrand turns at d ~ √(K/E).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

CRITICAL = 2 / (3 * math.sqrt(3))  # k_c: largest supercurrent over ε^{3/2}
_TOP = math.atan(1 / math.sqrt(2))
# Onset: V/E = _RISE/(_SHIFT − ln(K/E)) for K ≪ E.
_RISE, _SHIFT = 0.3505, -0.5964
_NORMAL = 0.2601698  # j − V → _NORMAL · E for j ≫ E
_FAINT = 0.009  # V/E below which K/E < 1e-17, nothing beside k_c


def _table(panels=30, order=10):
    """a, b and weighted a′ at nodes that are exact for K/E down to 1e-17."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    edges = _TOP * np.concatenate([[0.0], 2.0 ** -np.arange(panels, -1.0, -1.0)])
    half = np.diff(edges)[:, None] / 2
    d = np.append(((edges[1:] + edges[:-1])[:, None] / 2 + half * nodes).ravel(), _TOP)
    weight = np.append((half * weights).ravel(), 0.0)

    def slope(d):
        return math.sqrt(2) * np.sin(2 * d) - np.sin(d) ** 2

    def drop(d):  # k_c − j_s
        e = (2 * np.sin(d / 2) ** 2 + math.sqrt(2) * np.sin(d)) / math.sqrt(3)
        return e**2 * (math.sqrt(3) - e)

    # Integrals from 0 to each node, of entire functions.
    inner, inner_weights = np.polynomial.legendre.leggauss(24)
    x = d[:, None] / 2 * (1 + inner)
    a = slope(x) @ inner_weights * d / 2
    b = (slope(x) * drop(x)) @ inner_weights * d / 2
    return a, b, weight * slope(d)


_A, _B, _WEIGHTED = _table()


def voltage(excess: Float[Array, "..."], strength: Float[Array, "..."]) -> Float[Array, "..."]:
    """V(K, E) at K = j − k_cE, elementwise; 0 for K ≤ 0, where the wire is superconducting.

    To 1e-13 for K/E ≥ 1e-16. V rises from 0 with vertical slope, V ≃ .3505 E/(−.5964 − ln K/E).
    """
    resistive = excess > 0
    positive = jnp.where(resistive, excess, 1.0)[..., None]
    return jnp.where(resistive, _quotient(positive, strength[..., None], jnp), 0.0)


def _quotient(excess, strength, library):
    x = excess * _A + strength * _B
    root = library.sqrt(x)
    return 2 * root[..., -1] / library.sum(_WEIGHTED / root, axis=-1)


@jax.custom_jvp
def excess_current(
    volts: Float[Array, "..."], strength: Float[Array, "..."]
) -> Float[Array, "..."]:
    """K(V, E), the inverse of `voltage` at V > 0, elementwise: the current is k_cE + K.

    Exact derivatives of every order. Newton's method for 1/V against ln K, which is convex and
    nearly straight at both ends.
    """
    target = jnp.where(volts > 0, volts, 1.0)
    faint = _faint_excess(target, strength)
    start = jnp.maximum(faint, target - (CRITICAL - _NORMAL) * strength)

    def step(_, log):
        excess = jnp.exp(log)
        value, slope = jax.jvp(voltage, (excess, strength), (excess, jnp.zeros_like(strength)))
        change = value * (1 - value / target) / jnp.where(slope > 0, slope, 1.0)
        return log + jnp.clip(change, -5.0, 5.0)

    start = jnp.log(jnp.maximum(start, 1e-18 * target))
    log = jax.lax.fori_loop(0, 7, step, start)
    excess = jnp.where(target < _FAINT * strength, faint, jnp.exp(log))
    return jnp.where(volts > 0, excess, 0.0)


@excess_current.defjvp
def _excess_current_jvp(primals, tangents):
    volts, strength = primals
    excess = excess_current(volts, strength)
    faint = volts < _FAINT * strength
    target = jnp.where(volts > 0, volts, 1.0)
    at = jnp.where(faint, 1.0, excess), strength
    by_excess = _derivative(at, 0)
    by_strength = _derivative(at, 1)
    slope_v = jnp.where(faint, excess * _RISE * strength / target**2, 1 / by_excess)
    known = jnp.where(strength > 0, strength, 1.0)
    slope_e = jnp.where(faint, excess * (1 / known - _RISE / target), -by_strength / by_excess)
    return excess, slope_v * tangents[0] + slope_e * tangents[1]


def _derivative(at, which):
    tangents = tuple(
        jnp.ones_like(x) if k == which else jnp.zeros_like(x) for k, x in enumerate(at)
    )
    return jax.jvp(voltage, at, tangents)[1]


def _faint_excess(volts, strength):
    return strength * jnp.exp(_SHIFT - _RISE * strength / volts)


def _half() -> float:
    low, high = CRITICAL, 1.0
    for _ in range(60):
        k = 0.5 * (low + high)
        low, high = (k, high) if _quotient(k - CRITICAL, 1.0, np) < k / 2 else (low, k)
    return low


HALF = _half()  # k at which v(k) = k/2
