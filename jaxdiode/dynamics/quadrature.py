"""The voltage of a phase without capacitance and without drive, by quadrature.

    φ̇ = i − I(φ):    V = 2π/∮dφ/(i − I(φ))  for i outside [−I₋, I₊], 0 inside.

Next to an edge 1/(i − I) peaks as sharply as (i − I₊)^(1/2), at every maximum of I(φ) that is
nearly as high: panels follow ∫dφ/√|i − I|, which gives each peak as many as its logarithm.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core.device import AbstractPhaseBiased
from ..numerics.extrema import clustered_grid

Scalar = Float[Array, ""]

_PANELS, _ROUNDS = 96, 5
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_SHARE, _PART = (1 + _POINTS) / 2, _WEIGHTS / 2


def mean_velocity(relation: AbstractPhaseBiased, bias: Scalar) -> tuple[Scalar, Scalar]:
    """|V| and its error at a bias beyond an edge; where there is none beyond, not a number."""
    kinks, widths = relation.kinks()
    sharp = clustered_grid(kinks, widths, relation.samples_per_period())

    def gap(phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.abs(bias - relation.current(phase))

    def nodes(edges: Float[Array, " edges"]):
        length = jnp.diff(edges)
        return length, gap(edges[:-1, None] + length[:, None] * _SHARE)

    def follow(edges: Float[Array, " edges"], _: None):
        length, here = nodes(edges)
        mass = length * (jax.lax.rsqrt(jnp.maximum(here, 1e-300)) @ _PART)
        total = jnp.concatenate([jnp.zeros(1), jnp.cumsum(mass)])
        even = total[-1] * jnp.linspace(0.0, 1.0, _PANELS + 1)
        return jnp.interp(even, total, edges), None

    ends = jnp.array([0.0, 2 * jnp.pi])
    first = jnp.sort(jnp.concatenate([sharp, ends]))
    start = jnp.interp(jnp.linspace(0, 1, _PANELS + 1), jnp.linspace(0, 1, first.size), first)
    edges, _ = jax.lax.scan(follow, start, None, length=_ROUNDS)
    edges = jnp.sort(jnp.concatenate([edges, sharp]))
    length, here = nodes(edges)
    time = jnp.sum(length * ((1 / here) @ _PART))
    size = jnp.max(jnp.abs(bias) + jnp.abs(bias - here))
    return 2 * jnp.pi / time, 2 * jnp.pi / time * (1e-13 + 1e-15 * size / jnp.min(here))
