"""The junction at real energies with a gap of any profile, such as the self-consistent one."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from ....numerics.matrices import complexified
from ....numerics.newton import Linearised, Solution
from ..layers import mesh as profile
from ..layers import uniform as superconductor
from ..layers.link import spin_density
from ..layers.mesh import Unknowns
from .matsubara_uniform import Layers, columns
from .real_uniform import at_interfaces, from_high_broadening, link_pushforward, link_values

# γ and γ̃ of the bulk, which are alike at phase 0.
_PAIRING = np.tile(superconductor.PAIRING.ravel(), 2)


def solve(
    layers: Layers,
    order_parameter: Complex[Array, "nodes 2 1"],
    energies: Float[Array, " lanes"],
    broadening: Float[Array, ""],
    twist: Float[Array, "elements lanes"],
    steps: int,
) -> Solution:
    """Unknowns (`profile.flattened`) at ω = broadening − i energy with given Δ(x)."""
    nodes, lanes = order_parameter.shape[0], energies.size
    start = Unknowns(
        jnp.zeros((nodes, 16, 2, lanes), complex),
        jnp.zeros((layers.link.unknowns, lanes), complex),
    )

    def linearise(z, frequency):
        return _linearise(z, order_parameter, layers, frequency, twist, steps)

    return from_high_broadening(linearise, profile.flattened(start), energies, broadening)


def superconductor_density(
    unknowns: Complex[Array, "unknowns lanes"],
    layers: Layers,
    distance: Float[Array, ""],
    side: int,
) -> Float[Array, "2 lanes"]:
    """N/N⁰ of both spins at a distance from an interface, [spin, lane]; spins along the link's."""
    intervals = profile.intervals_of(unknowns.shape[0], layers)
    layer = profile.unflattened(unknowns, intervals).layer[:, :, side]
    at = layers.superconductor_length - distance
    nodes = layers.superconductor_length * jnp.asarray(profile.mesh(intervals))
    k = jnp.clip(jnp.searchsorted(nodes, at) - 1, 0, intervals - 1)
    h = nodes[k + 1] - nodes[k]
    t = (at - nodes[k]) / h
    # Hermite's cubic between the nodes, as in the equations.
    weights = jnp.stack([(1 + 2 * t) * (1 - t) ** 2, t**2 * (3 - 2 * t)])
    leans = jnp.stack([h * t * (1 - t) ** 2, h * t**2 * (t - 1)])
    ends = jax.lax.dynamic_slice_in_dim(layer, k, 2)
    value = jnp.einsum("n,nvl->vl", complexified(weights), ends[:, :8])
    value += jnp.einsum("n,nvl->vl", complexified(leans), ends[:, 8:])
    pair, partner = value.reshape(2, 2, 2, -1)
    return spin_density(pair, partner)


def _linearise(z, order_parameter, layers, frequency, twist, steps) -> Linearised:
    intervals, lanes = order_parameter.shape[0] - 1, z.shape[1]
    x = profile.unflattened(z, intervals)
    last = x.layer[-1].reshape(2, 2, 4, 2, lanes)  # (value, slope), pair, element, side, lane
    (f_pairs, f_slopes), (f_change, f_rise) = link_pushforward(
        link_values(x.linear), layers, frequency, twist, steps
    )
    unit = jnp.eye(8, dtype=z.dtype).reshape(2, 4, 8, 1, 1)
    s_change = jnp.broadcast_to(unit, (2, 4, 8, 2, lanes))
    joined = jax.vmap(columns)
    joint, rates, inside = at_interfaces(
        jnp.concatenate([last[0], f_pairs], axis=1),
        jnp.concatenate([-last[1], f_slopes], axis=1),
        joined(s_change, f_change),
        joined(jnp.zeros_like(s_change), f_rise),
        layers,
    )
    bulk = superconductor.bulk(layers.gap, frequency)[0]
    outer = x.layer[0, :8] - (bulk * _PAIRING[:, None])[:, None]
    inner = profile.intervals(x.layer, order_parameter, layers, frequency)
    factors = profile.factorised(x.layer, rates, order_parameter, layers, frequency)
    step = profile.answer(factors, -outer, -inner, -joint)
    residual = [part.reshape(-1, lanes) for part in (outer, inner, joint)]
    return Linearised(jnp.concatenate(residual), profile.flattened(step), inside)
