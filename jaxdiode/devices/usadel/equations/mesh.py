"""The junction with a gap of any profile: superconductors on a mesh, eliminated by shooting."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact

from ....numerics import shooting
from ....numerics.matrices import product
from ....numerics.newton import Linearised, inverted, multiplied
from ..layers import mesh
from ..layers.conjugation import AbstractConjugation
from .base import AbstractEquations
from .joint import (
    OWN,
    Ends,
    Interfaces,
    assembled,
    interface_residual,
    joined,
    joined_changes,
    linearised_interfaces,
    link_amplitudes,
    link_ends,
    link_pushforward,
    own_directions,
)
from .layout import (
    Layers,
    Layout,
    MeshEquations,
    MeshUnknowns,
    mesh_equations,
    mesh_unknowns,
    uniform_unknowns,
)


class Factors(NamedTuple):
    """All that a Newton step needs of the Jacobian.

    Attributes:
        intervals: eliminated to the interfaces.
        value: how the interfaces' equations see the superconductor's γ there.
        joined: the inverse of how they see what is left, slopes of the superconductors there and
            the link.
    """

    intervals: shooting.Elimination
    value: Inexact[Array, "2 equations 8 lanes"]
    joined: Inexact[Array, "n n lanes"]


class GapProfile(AbstractEquations):
    """Unknowns and equations as in `layout.MeshUnknowns` and `layout.MeshEquations`.

    Attributes:
        order_parameter: Δ of both superconductors on the mesh, each in its own frame.
    """

    layers: Layers
    frequency: Inexact[Array, "*lane"]
    twist: Float[Array, "elements lanes"]
    conjugation: AbstractConjugation
    steps: int = eqx.field(static=True)
    order_parameter: Complex[Array, "nodes 2 lane"]

    @property
    def unknowns(self) -> Layout[MeshUnknowns]:
        return mesh_unknowns(self.layers.link, len(self.order_parameter))

    @property
    def equations(self) -> Layout[MeshEquations]:
        return mesh_equations(self.layers.link, len(self.order_parameter))

    @property
    def profile(self) -> mesh.Profile:
        length, order = self.layers.superconductor_length, self.order_parameter
        return mesh.Profile(length, order, self.frequency, self.conjugation)

    @property
    def size(self) -> int:
        return self.unknowns.size

    def bulk(self) -> Inexact[Array, "n lanes"]:
        """The bulk up to the interfaces, and nothing in the link."""
        nodes, lanes = len(self.order_parameter), self.twist.shape[1]
        numbers = mesh.bulk_numbers(self.layers.gap, self.frequency, self.conjugation)
        layer = jnp.zeros((nodes, 16, 2, lanes), self.conjugation.dtype).at[:, :8].set(numbers)
        link = jnp.zeros((self.layers.link.elements, 2, 2, lanes), self.conjugation.dtype)
        return self.unknowns.pack(MeshUnknowns(layer, link))

    def residual(self, x: Inexact[Array, "n lanes"]) -> Inexact[Array, "n lanes"]:
        layer = self.layer(x)
        ends = joined(_own_ends(layer, self.conjugation), link_ends(self, self.link(x)))
        found = MeshEquations(*self._superconductors(layer), interface_residual(self, ends))
        return self.equations.pack(found)

    def linearised(self, x: Inexact[Array, "n lanes"]) -> Linearised:
        layer, interfaces = self.layer(x), self._interfaces(x)
        factors = self._factors(layer, interfaces)
        found = MeshEquations(*self._superconductors(layer), interfaces.residual)
        step = self.changes(factors, MeshEquations(*(-part for part in found)))
        return Linearised(
            self.equations.pack(found),
            self.unknowns.pack(step),
            interfaces.physical,
            self.chord(factors),
        )

    def layer(self, x: Inexact[Array, "n lanes"]) -> Inexact[Array, "nodes 16 2 lanes"]:
        """γ and ∂ₓγ of the superconductors."""
        return self.unknowns.unpack(x).layer

    def link(self, x: Inexact[Array, "n lanes"]) -> Complex[Array, "pair 2 elements lanes"]:
        return link_amplitudes(self.unknowns.unpack(x).link, self.conjugation)

    def superconductor(
        self, x: Inexact[Array, "n lanes"], distance: Float[Array, ""], side: int
    ) -> Complex[Array, "pair 2 2 lanes"]:
        layer, length = self.layer(x)[:, :, side], self.layers.superconductor_length
        numbers = mesh.interpolated(layer, length, distance)
        return self.conjugation.amplitudes(*numbers.reshape(2, 2, 2, -1))

    def factors(self, x: Inexact[Array, "n lanes"]) -> Factors:
        """The Jacobian at x, as `answer` takes it."""
        return self._factors(self.layer(x), self._interfaces(x))

    def answer(
        self, factors: Factors, vector: Inexact[Array, "n lanes"]
    ) -> Inexact[Array, "n lanes"]:
        return self.unknowns.pack(self.changes(factors, self.equations.unpack(vector)))

    def changes(self, factors: Factors, vector: MeshEquations) -> MeshUnknowns:
        """J⁻¹ vector."""
        last, kept = shooting.reduced(factors.intervals, -vector.intervals, vector.outer)
        shifted = jnp.sum(factors.value * jnp.moveaxis(last, 1, 0)[:, None], axis=2)
        interfaces = (vector.interfaces - shifted).reshape(-1, shifted.shape[-1])
        # What is left has the unknowns of a uniform gap.
        both = uniform_unknowns(self.layers.link).unpack(multiplied(factors.joined, interfaces))
        slope = both.superconductors.reshape(2, OWN, -1)
        layer = shooting.expanded(factors.intervals, kept, jnp.moveaxis(slope, 0, 1))
        return MeshUnknowns(layer, both.link)

    def _superconductors(
        self, layer: Inexact[Array, "nodes 16 2 lanes"]
    ) -> tuple[Inexact[Array, "8 2 lanes"], Inexact[Array, "m 16 2 lanes"]]:
        """Residuals of the outer ends and of the intervals."""
        bulk = mesh.bulk_numbers(self.layers.gap, self.frequency, self.conjugation)
        return layer[0, :8] - bulk, mesh.intervals(layer, self.profile)

    def _interfaces(self, x: Inexact[Array, "n lanes"]) -> Interfaces:
        own = _own_ends(self.layer(x), self.conjugation)
        link, link_change = link_pushforward(self, self.link(x))
        unit = own_directions(self.conjugation)[..., None, None]
        unit = jnp.broadcast_to(unit, (*unit.shape[:3], *own.value.shape[2:]))
        changes = joined_changes(Ends(unit, jnp.zeros_like(unit)), link_change)
        return linearised_interfaces(self, joined(own, link), changes)

    def _factors(
        self, layer: Inexact[Array, "nodes 16 2 lanes"], interfaces: Interfaces
    ) -> Factors:
        """The intervals eliminated, and what is left at the interfaces."""
        found = shooting.eliminate(*mesh.interval_jacobians(layer, self.profile))
        value, link = interfaces.rates[:, :, :OWN], interfaces.rates[:, :, OWN:]
        # ∂ₙγ = −∂ₓγ towards the interface; the value moves with it by the layer's compliance.
        own = product(jnp.moveaxis(value, 0, 2), found.compliance[-1])
        sees = jnp.asarray(_own_slope(value.shape[1] // 2), value.dtype)
        own = jnp.moveaxis(own, 2, 0) - sees[None, :, :, None]
        return Factors(found, value, inverted(assembled(own, link)))


def _own_ends(layer: Inexact[Array, "nodes 16 2 lanes"], conjugation: AbstractConjugation) -> Ends:
    """Amplitudes of the superconductors at their interfaces."""
    parts = layer[-1].reshape(2, 2, 4, *layer.shape[2:])  # (γ, ∂ₓγ), part, element, side, lane
    return Ends(conjugation.amplitudes(*parts[0]), -conjugation.amplitudes(*parts[1]))


def _own_slope(kinds: int) -> np.ndarray:
    """How the equations of one interface see the superconductor's slope there, [equation, 8]."""
    seen = np.zeros((2, kinds, 2, 4))
    seen[0, :4, 0], seen[1, :4, 1] = np.eye(4), np.eye(4)
    return seen.reshape(2 * kinds, OWN)
