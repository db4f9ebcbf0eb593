"""The gap of a weak-coupling superconductor against temperature."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from . import _checks
from ._checks import Numbers
from .numerics.matsubara import EXPLICIT, explicit_terms
from .units import bcs_gap_ratio

_COLD = 0.03  # T/T_c below which Δ is Δ₀ to 1e-24
_STEPS = 6
_PLACE, _WEIGHT = explicit_terms()


def bcs_gap(reduced_temperature: Numbers) -> Float[Array, "..."]:
    """Δ(T)/Δ₀ of the weak-coupling theory, against t = T/T_c.

    ln t = −Σ_{n≥0} [1/(n+½) − 1/√((n+½)² + x²)], x = Δ/2πk_BT, with Δ₀ = 1.763877 k_BT_c
    (`units.bcs_gap_ratio`). To 1e-14, 0 at and above T_c; derivatives of every order are exact
    (the slope is −∞ as t → 1 from below, and 0 from there on).

    Args:
        reduced_temperature: t ≥ 0, of any shape.

    Raises:
        ValueError: negative or not finite. Inside jit, where values are unknown, the result is
            NaN instead.

    Source: Bardeen, Cooper, Schrieffer, Phys. Rev. 108, 1175 (1957), Eq. (3.27).

    Example:
        >>> print(*(f"{x:.10f}" for x in jd.bcs_gap([0.0, 0.5, 0.8, 1.0])))
        1.0000000000 0.9568847159 0.7110430424 0.0000000000
        >>> print(f"{jax.grad(jd.bcs_gap)(0.9):.7f}")
        -2.3997689
    """
    t = _checks.real_array("reduced_temperature", reduced_temperature, at_least=0.0)
    return gap_over_zero(jnp.where(t < 0, jnp.nan, t))


def tunnel_share(reduced_temperature: Numbers) -> Float[Array, "..."]:
    """I_c(T)/I_c(0) of a tunnel junction, δ tanh(δ Δ₀/2k_BT), δ = Δ/Δ₀, against t = T/T_c.

    Source: Ambegaokar, Baratoff, Phys. Rev. Lett. 10, 486 (1963).
    """
    t = _checks.real_array("reduced_temperature", reduced_temperature, at_least=0.0)
    share = bcs_gap(t)
    cold = t < _COLD
    warm = jnp.where(cold, 1.0, t)
    return jnp.where(cold, share, share * jnp.tanh(bcs_gap_ratio * share / (2 * warm)))


@jax.custom_jvp
def gap_over_zero(reduced: Float[Array, "..."]) -> Float[Array, "..."]:
    """`bcs_gap` without its checks."""
    inside = _inside(reduced)
    safe = jnp.where(inside, reduced, 0.5)
    target = -jnp.log(safe)
    guess = jnp.tanh(1.74 * jnp.sqrt(1 / safe - 1))
    squared = (guess * bcs_gap_ratio / (2 * jnp.pi * safe)) ** 2
    for _ in range(_STEPS):  # the deficit is concave in x²: after one step from below, always
        value, slope = _deficit(squared)
        squared = jnp.abs(squared - (value - target) / slope)
    found = jnp.where(inside, 2 * jnp.pi * safe / bcs_gap_ratio * jnp.sqrt(squared), 1.0)
    known = jnp.where(reduced >= 1, 0.0, found)
    return jnp.where(jnp.isnan(reduced), jnp.nan, known)


@gap_over_zero.defjvp
def _gap_over_zero_jvp(primals, tangents):
    """dδ/dt = δ/t − 2π/(Δ₀/k_BT_c · S′(x)), S the sum."""
    (reduced,) = primals
    gap = gap_over_zero(reduced)
    inside = _inside(reduced)
    safe, size = jnp.where(inside, reduced, 0.5), jnp.where(inside, gap, 0.9568847159)
    x = bcs_gap_ratio * size / (2 * jnp.pi * safe)
    slope = size / safe - 2 * jnp.pi / (bcs_gap_ratio * 2 * x * _deficit(x**2)[1])
    slope = jnp.where(inside, slope, jnp.where(jnp.isnan(reduced), jnp.nan, 0.0))
    return gap, slope * tangents[0]


def _inside(reduced):
    """Where there is an equation to solve."""
    return (reduced > _COLD) & (reduced < 1)


def _deficit(squared):
    """The sum as a function of x², and its slope; the rest of it is an integral in closed form."""
    place, weight = jnp.asarray(_PLACE), jnp.asarray(_WEIGHT)
    s = squared[..., None]
    root = jnp.sqrt(place**2 + s)
    value = jnp.sum(weight * (s / (place * root * (place + root))), axis=-1)
    slope = jnp.sum(weight / (2 * root**3), axis=-1)
    end = jnp.sqrt(EXPLICIT**2 + squared)
    value = value + jnp.log1p(squared / (end + EXPLICIT) / (2 * EXPLICIT))
    return value, slope + 1 / (2 * end * (end + EXPLICIT))
