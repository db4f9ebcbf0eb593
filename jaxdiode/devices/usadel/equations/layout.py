"""The junction in numbers, and the order of the unknowns and equations at one frequency."""

import math
from typing import Generic, NamedTuple, TypeVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from ..interfaces.base import Segment
from ..layers.link import AbstractLink

_Blocks = TypeVar("_Blocks", bound=tuple)


class Layers(NamedTuple):
    """The junction in numbers: energies in k_BT_c, lengths in ξ₀ = √(ħD_S/2πk_BT_c).

    Attributes:
        gap: Δ.
        superconductor_length: d_S.
        link: the layer between the interfaces.
        conductance: κ of both interfaces, were they transparent.
        channels: S-matrices of the left and right interface, stacked on the last axis.
    """

    gap: Float[Array, ""]
    superconductor_length: Float[Array, ""]
    link: AbstractLink
    conductance: Float[Array, ""]
    channels: tuple[Segment, ...]


class Layout(Generic[_Blocks]):
    """Named blocks of numbers one after another, as one array [n, lane].

    Args:
        blocks: a named tuple of arrays [*shape, lane].
        shapes: of every block by its name, without the lanes.
    """

    def __init__(self, blocks: type[_Blocks], **shapes: tuple[int, ...]):
        self._blocks, self._shapes = blocks, shapes

    @property
    def size(self) -> int:
        return sum(math.prod(shape) for shape in self._shapes.values())

    def pack(self, blocks: _Blocks) -> Inexact[Array, "n lanes"]:
        return jnp.concatenate([block.reshape(-1, block.shape[-1]) for block in blocks])

    def unpack(self, numbers: Inexact[Array, "n lanes"]) -> _Blocks:
        found, start = {}, 0
        for name, shape in self._shapes.items():
            end = start + math.prod(shape)
            found[name] = numbers[start:end].reshape(*shape, numbers.shape[-1])
            start = end
        return self._blocks(**found)


class UniformUnknowns(NamedTuple):
    """What determines the solution where the gap is uniform.

    Attributes:
        superconductors: parts of the slope of either at its interface, see `layers.uniform.layer`.
        link: parts of γ at the ends its linear equation would have.
    """

    superconductors: Inexact[Array, "side=2 part=2 element=4 lanes"]
    link: Inexact[Array, "elements part=2 side=2 lanes"]


class MeshUnknowns(NamedTuple):
    """What determines the solution where the gap varies.

    Attributes:
        layer: γ and ∂ₓγ on the mesh, which runs from the outer end to the interface.
        link: as in `UniformUnknowns`.
    """

    layer: Inexact[Array, "nodes 16 side=2 lanes"]
    link: Inexact[Array, "elements part=2 side=2 lanes"]


class MeshEquations(NamedTuple):
    """Residuals where the gap varies.

    Attributes:
        outer: of the given values at the outer ends.
        intervals: of the Usadel equation in the superconductors.
        interfaces: of the currents through both interfaces.
    """

    outer: Inexact[Array, "8 side=2 lanes"]
    intervals: Inexact[Array, "m 16 side=2 lanes"]
    interfaces: Inexact[Array, "side=2 part_kinds lanes"]


def uniform_unknowns(link: AbstractLink) -> Layout[UniformUnknowns]:
    return Layout(UniformUnknowns, superconductors=(2, 2, 4), link=(link.elements, 2, 2))


def mesh_unknowns(link: AbstractLink, nodes: int) -> Layout[MeshUnknowns]:
    return Layout(MeshUnknowns, layer=(nodes, 16, 2), link=(link.elements, 2, 2))


def mesh_equations(link: AbstractLink, nodes: int) -> Layout[MeshEquations]:
    kinds = 4 + link.elements  # of amplitudes at an interface: the superconductor's, the link's
    return Layout(
        MeshEquations, outer=(8, 2), intervals=(nodes - 1, 16, 2), interfaces=(2, 2 * kinds)
    )
