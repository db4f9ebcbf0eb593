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
from functools import cache

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

    Exact derivatives of every order. Newton's method for 1/V against ln K, which is nearly
    straight, from a table.
    """
    target = jnp.where(volts > 0, volts, 1.0)
    ratio = strength / target
    faint = _faint_excess(target, strength)
    guesses, spacing = _guesses()
    place = jnp.clip(jnp.log1p(ratio) / spacing, 0.0, guesses.size - 1.001)
    k = jnp.floor(jnp.where(jnp.isnan(place), 0.0, place)).astype(int)
    table = jnp.asarray(guesses)
    log = table[k] + (place - k.astype(float)) * (table[k + 1] - table[k])
    for _ in range(2):
        excess = jnp.exp(log) * target
        value, slope, _ = _with_slopes(excess, strength)
        log = log + value * (1 - value / target) / (excess * slope)
    excess = jnp.where(target < _FAINT * strength, faint, jnp.exp(log) * target)
    return jnp.where(volts > 0, excess, 0.0)


@excess_current.defjvp
def _excess_current_jvp(primals, tangents):
    volts, strength = primals
    excess = excess_current(volts, strength)
    by_voltage, by_strength = excess_slopes(excess, volts, strength)
    return excess, by_voltage * tangents[0] + by_strength * tangents[1]


def excess_slopes(
    excess: Float[Array, "..."], volts: Float[Array, "..."], strength: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """∂K/∂V and ∂K/∂E at a point K = K(V, E), from the sums of V(K, E) without differentiation."""
    faint = volts < _FAINT * strength
    _, slope, softening = _with_slopes(jnp.where(faint | (excess <= 0), 1.0, excess), strength)
    target = jnp.where(volts > 0, volts, 1.0)
    known = jnp.where(strength > 0, strength, 1.0)
    by_voltage = jnp.where(faint, excess * _RISE * strength / target**2, 1 / slope)
    by_strength = jnp.where(faint, excess * (1 / known - _RISE / target), -softening / slope)
    return by_voltage, by_strength


def _with_slopes(excess, strength):
    """V, ∂V/∂K and ∂V/∂E for K > 0."""
    x = excess[..., None] * _A + strength[..., None] * _B
    root = jnp.sqrt(x)
    term = _WEIGHTED / root
    curved = term / x
    sums = jnp.sum(term, axis=-1)
    half = root[..., -1] / sums
    top = x[..., -1]
    slope = half * (_A[-1] / top + jnp.sum(curved * _A, axis=-1) / sums)
    softening = half * (_B[-1] / top + jnp.sum(curved * _B, axis=-1) / sums)
    return 2 * half, slope, softening


def _faint_excess(volts, strength):
    return strength * jnp.exp(_SHIFT - _RISE * strength / volts)


@cache
def _guesses(size=1024) -> tuple[np.ndarray, float]:
    """ln(K/V) at V = 1, evenly in ln(1 + E) up to where the voltage is faint."""
    spacing = math.log1p(1 / _FAINT) / (size - 1)
    strength = np.expm1(spacing * np.arange(size))[:, None]
    onset = strength * np.exp(_SHIFT - _RISE * strength)
    log = np.log(np.maximum(onset, 1 - (CRITICAL - _NORMAL) * strength))
    for _ in range(8):  # Newton for 1/V; dV/dlnK by a difference is good enough here
        value, ahead = (_quotient(np.exp(x), strength, np)[:, None] for x in (log, log + 1e-5))
        log = log + value * (1 - value) * 1e-5 / (ahead - value)
    return log[:, 0], spacing


def _half() -> float:
    low, high = CRITICAL, 1.0
    for _ in range(60):
        k = 0.5 * (low + high)
        low, high = (k, high) if _quotient(k - CRITICAL, 1.0, np) < k / 2 else (low, k)
    return low


HALF = _half()  # k at which v(k) = k/2
