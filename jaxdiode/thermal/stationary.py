"""The stationary Fokker–Planck equation of an overdamped phase in any periodic potential.

    φ̇ = i − I(φ) + ξ,  ⟨ξξ⟩ = 2γδ:    ⟨φ̇⟩ = 2πγ (1 − e^{−2πg(i−⟨I⟩)}) / Z,   g = 1/γ,
    Z = ∫₀^{2π}dφ ∫_φ^{φ+2π}dψ e^{g[U(ψ) − U(φ)]},   U = ∫I dφ − iφ,   i > ⟨I⟩,

and its mirror image below ⟨I⟩. Both integrals are sums over panels of positive terms, those between
two panels in the logarithmic domain: nothing cancels and nothing overflows.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .panels import FIRST, PAIR_WEIGHTS, SECOND, SHARE, WEIGHTS, Panels

Scalar = Float[Array, ""]
PerNode = Float[Array, "panels nodes"]

_NOTHING = -1e30  # logarithm of a sum without terms; −∞ has no derivative


class Weights(NamedTuple):
    """What all bias currents share: e^{gE} at the nodes, and e^{±g[E(φ+s)−E(φ)]} summed over φ."""

    boltzmann: PerNode
    ahead: PerNode
    back: PerNode


def weights(panels: Panels, g: Scalar) -> Weights:
    difference = jnp.einsum("srn,pn->psr", SECOND - FIRST, panels.inside)
    pairs = jnp.exp(g * difference)
    across = panels.length[:, None]
    return Weights(
        jnp.exp(g * panels.inside),
        across * jnp.einsum("psr,sr->ps", pairs, PAIR_WEIGHTS),
        across * jnp.einsum("psr,sr->ps", 1 / pairs, PAIR_WEIGHTS),
    )


def log_partition(panels: Panels, shared: Weights, g: Scalar, bias: Scalar) -> Scalar:
    """ln Z."""
    excess = bias - panels.mean
    forward = excess >= 0
    length = panels.length
    tilt = jnp.exp(-g * bias * length[:, None] * SHARE)
    up = shared.boltzmann * tilt
    rising = length * (up @ WEIGHTS)  # ∫ e^{g[U − U(start)]} over the panel
    falling = length * ((1 / up) @ WEIGHTS)
    pairs = jnp.where(forward, shared.ahead * tilt, shared.back / tilt)
    ordered = length * (pairs @ WEIGHTS)  # ψ past φ, both in one panel
    ahead = jnp.where(forward, 0.0, 2 * jnp.pi * g * excess)
    back = jnp.where(forward, -2 * jnp.pi * g * excess, 0.0)
    again = jnp.exp(ahead + back)  # a period later
    within = jnp.sum((1 - again) * ordered + again * rising * falling)

    level = g * (panels.energy - bias * panels.start)
    rising, falling = _log(rising), _log(falling)
    later = jax.lax.cumlogsumexp(rising + level, reverse=True)
    earlier = jax.lax.cumlogsumexp(rising + level)
    none = jnp.full(1, _NOTHING)
    later, earlier = jnp.concatenate([later[1:], none]), jnp.concatenate([none, earlier[:-1]])
    between = falling - level + jnp.logaddexp(later + ahead, earlier + back)
    return jnp.logaddexp(jnp.log(within), jax.nn.logsumexp(between))


def log_and_mean_velocity(
    panels: Panels, shared: Weights, g: Scalar, bias: Scalar
) -> tuple[Scalar, Scalar]:
    """ln|v| and v, each differentiable, v also where it is 0."""
    excess = 2 * jnp.pi * g * (bias - panels.mean)
    forward: Bool[Array, ""] = excess >= 0
    lead = jnp.log(2 * jnp.pi / g) - log_partition(panels, shared, g, bias)
    size = -jnp.expm1(-jnp.where(forward, excess, -excess))
    log = lead + jnp.log(size)
    return log, jnp.exp(lead) * jnp.where(forward, size, -size)


def _log(x: Float[Array, " n"]) -> Float[Array, " n"]:
    """ln x, of an empty panel that of nothing."""
    return jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), _NOTHING)
