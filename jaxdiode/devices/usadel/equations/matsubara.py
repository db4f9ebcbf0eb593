"""Spectral currents of a junction of uniform gap, from high Matsubara frequency to low."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ....numerics.continuation import swept
from ..layers.conjugation import MatsubaraAxis
from ..layers.half_layer import halves
from .base import AbstractEquations, at_frequency, exact
from .layout import Layers
from .uniform import UniformGap


class Spectral(NamedTuple):
    """Solutions at every frequency.

    Attributes:
        current: Re i Tr τ₃ (σ/σ_S) G ξ₀∂G of both spins, [frequency, 2, lane].
        converged: [frequency, lane].
        unknowns: [frequency, unknown, lane].
    """

    current: Float[Array, "frequencies 2 lanes"]
    converged: Bool[Array, "frequencies lanes"]
    unknowns: Float[Array, "frequencies unknowns lanes"]


def solve(
    layers: Layers,
    frequencies: Float[Array, " frequencies"],
    twist: Float[Array, "elements lanes"],
    steps: int,
) -> Spectral:
    """Spectral currents at Matsubara frequencies that decrease, continued from one to the next.

    Args:
        layers: the junction.
        frequencies: ω > 0, falling (k_BT_c).
        twist: of every element of the link, see `AbstractEquations`.
        steps: of the integration of half the link.
    """

    equations = UniformGap(layers, frequencies[0], twist, MatsubaraAxis(), steps)
    frozen = jax.lax.stop_gradient(equations)

    def linearised(x, root):
        return at_frequency(frozen, root**2).linearised(x)

    # In √ω, of which γ and the decay of γ are smooth functions.
    zero = jnp.zeros((equations.size, twist.shape[1]))
    found = swept(linearised, zero, jnp.sqrt(jax.lax.stop_gradient(frequencies)))

    def current(pack):
        x, frequency = pack
        here = at_frequency(equations, frequency)
        return spectral_current(here, exact(here, x))

    spectral = jax.lax.map(jax.checkpoint(current), (found.x, frequencies))
    spectral = jnp.where(found.converged[:, None], spectral, jnp.nan)
    return Spectral(spectral, found.converged, found.x)


def spectral_current(
    equations: AbstractEquations, x: Float[Array, "n lanes"]
) -> Float[Array, "2 lanes"]:
    """Spectral current of both spins at one frequency, in the middle of the link."""
    link = equations.layers.link
    # The middle follows from the unknowns without a step.
    found = halves(equations.link(x), link, equations.frequency, 0, equations.conjugation)
    return link.spectral_current(found.middle[0], found.rise[0])
