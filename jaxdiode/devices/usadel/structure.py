"""What diffusive hybrid structures are made of, and their numbers at one temperature."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .equations.gap import bcs_gap
from .equations.layout import Layers
from .interfaces.base import AbstractInterface, Segment
from .layers.link import AbstractLink
from .resolution import UsadelResolution

COLDEST, WARMEST = 0.01, 0.999  # T/T_c


class AbstractHybridStructure(eqx.Module):
    """Superconductor | interface | layer without a gap | interface | superconductor, diffusive.

    A subclass says what the layer is (`link`) and which Fermi momenta it has.
    """

    temperature: eqx.AbstractVar[Float[Array, ""]]
    superconductor_length: eqx.AbstractVar[Float[Array, ""]]
    conductance: eqx.AbstractVar[Float[Array, ""]]
    left: eqx.AbstractVar[AbstractInterface]
    right: eqx.AbstractVar[AbstractInterface]
    self_consistent: eqx.AbstractVar[bool]
    resolution: eqx.AbstractVar[UsadelResolution]

    @abc.abstractmethod
    def link(self) -> AbstractLink:
        """The layer between the interfaces."""

    @abc.abstractmethod
    def squared_momenta(self) -> Float[Array, "2"]:
        """k↑², k↓² of that layer in the superconductor's k_F², as both interfaces see them."""

    @property
    def geometric_phase(self) -> Float[Array, ""]:
        """Δφ = φ_R − φ_L of the interfaces' moments, radians."""
        return self.right.azimuth - self.left.azimuth

    def twist(self, phase: Float[Array, "..."]) -> Float[Array, "elements ..."]:
        """Phases by which the link's pair amplitudes differ between its ends at Δχ."""
        return self.link().twist(phase, self.geometric_phase)

    def layers(self) -> Layers:
        """All that the equations need of it."""
        both = jax.tree.map(lambda *x: jnp.stack(x), self.left, self.right)
        squared_momenta, momenta = self.squared_momenta(), self.resolution.momenta
        found = jax.vmap(lambda side: side.channels(squared_momenta, momenta), out_axes=-1)(both)
        # Both interfaces see the same momenta of the link: one set of weights.
        channels = tuple(Segment(x.matrix[..., None], x.weight[:, 0]) for x in found)
        return Layers(
            bcs_gap(self.temperature),
            self.superconductor_length,
            self.link(),
            self.conductance,
            channels,
        )
