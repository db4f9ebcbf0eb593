"""What lies between the interfaces: layers without a gap, and the equations they obey."""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Inexact

from ....numerics.matrices import complexified, identity, inverse, product


class AbstractLink(eqx.Module):
    """A layer without a gap: which elements γ has there, and the equation they obey,

        γ″ = k²γ + bend(γ, γ′, γ̃),   every element with its own k.

    Linear terms that mix elements (spin–orbit relaxation) have no place here yet, and the layer is
    symmetric about its spin axis: only the difference of two interfaces' azimuths matters.

    Attributes:
        length: in ξ₀ of the superconductors.
        turns: of every element: between the interfaces it turns by Δχ + turns · Δφ, spins ↑↑ by
            −1 and ↓↓ by 1.
        coupled: whether the equation of one knows the others.
    """

    length: eqx.AbstractVar[Float[Array, ""]]
    turns: eqx.AbstractClassVar[tuple[int, ...]]
    coupled: eqx.AbstractClassVar[bool]

    @property
    def elements(self) -> int:
        return len(self.turns)

    @property
    def unknowns(self) -> int:
        """Real ones, of γ at both ends."""
        return 4 * self.elements

    def twist(
        self, phase: Float[Array, "*lanes"], geometric_phase: Float[Array, ""]
    ) -> Float[Array, "elements *lanes"]:
        """Phases by which the elements differ between the interfaces."""
        return jnp.stack([phase + turn * geometric_phase for turn in self.turns])

    @abc.abstractmethod
    def decay_constants(self, frequency: Inexact[Array, "*lanes"], tilde: bool = False) -> Array:
        """k of every element of γ (or γ̃) at ω, in 1/ξ₀, [element, *lanes]."""

    @abc.abstractmethod
    def conductivities(self) -> Float[Array, " elements"]:
        """σ/σ_S of every element; anything but 0 where there is none."""

    @abc.abstractmethod
    def bend(self, value: Array, slope: Array, partner: Array) -> Array:
        """The nonlinear part of γ″, of γ, γ′ and γ̃, [element, …]."""

    @abc.abstractmethod
    def spectral_current(self, value: Array, slope: Array) -> Array:
        """Re i (σ/σ_S) Tr τ₃G∂G of spins ↑ and ↓ on the Matsubara axis, [2, …]."""

    @abc.abstractmethod
    def density(self, value: Array, partner: Array) -> Array:
        """Density of states of spins ↑ and ↓ over that of the normal layer, [2, …]."""


class StrongFerromagnet(AbstractLink):
    """Two spin bands without coherence between them: pairs of equal spin only.

    Attributes:
        length: d_F.
        squared: k↑², k↓² (units of k_F), of which D_η/D_S = k_η² and σ_η/σ_S = k_η³.
    """

    length: Float[Array, ""]
    squared: Float[Array, "2"]
    turns: ClassVar[tuple[int, ...]] = (-1, 1)
    coupled: ClassVar[bool] = False

    @property
    def occupied(self) -> Bool[Array, "2"]:
        # An all but empty band carries as little, and its decay length goes to zero.
        return self.squared > 1e-6

    @property
    def diffusion(self) -> Float[Array, "2"]:
        return jnp.where(self.occupied, self.squared, 1.0)

    def decay_constants(self, frequency: Inexact[Array, "*lanes"], tilde: bool = False) -> Array:
        del tilde
        diffusion = self.diffusion.reshape(2, *(1 for _ in frequency.shape))
        return jnp.sqrt(frequency / (jnp.pi * diffusion).astype(frequency.dtype))

    def conductivities(self) -> Float[Array, "2"]:
        return self.diffusion**1.5

    def bend(self, value: Array, slope: Array, partner: Array) -> Array:
        return scalar_bend(value, slope, partner)

    def spectral_current(self, value: Array, slope: Array) -> Array:
        occupied = jnp.where(self.occupied, self.conductivities(), 0.0)
        shape = (2,) + (1,) * (value.ndim - 1)
        return occupied.reshape(shape) * scalar_current(value, slope)

    def density(self, value: Array, partner: Array) -> Array:
        square = value * partner
        shape = (2,) + (1,) * (value.ndim - 1)
        return jnp.where(self.occupied.reshape(shape), ((1 - square) / (1 + square)).real, 0.0)


class WeakLink(AbstractLink):
    """A normal metal, or a ferromagnet so weak that both spins are one band.

        D ∂(G∂G) = [ωτ₃ − ih σ_z, G]:   2(ω − ih) for γ_↑↓, 2(ω + ih) for γ_↓↑, 2ω for equal spins.

    Attributes:
        length: of the layer.
        conductivity: σ_N/σ_S.
        diffusion: D_N/D_S.
        exchange_field: h in k_BT_c; the energies are ∓h for spin ↑ and ↓.
    """

    length: Float[Array, ""]
    conductivity: Float[Array, ""]
    diffusion: Float[Array, ""]
    exchange_field: Float[Array, ""]
    turns: ClassVar[tuple[int, ...]] = (-1, 0, 0, 1)
    coupled: ClassVar[bool] = True

    def decay_constants(self, frequency: Inexact[Array, "*lanes"], tilde: bool = False) -> Array:
        spins = np.array([0.0, 1.0, -1.0, 0.0] if tilde else [0.0, -1.0, 1.0, 0.0])
        field = (spins * self.exchange_field).reshape(4, *(1 for _ in frequency.shape))
        whole = complexified(frequency) + jax.lax.complex(jnp.zeros_like(field), field)
        return jnp.sqrt(whole / complexified(jnp.pi * self.diffusion))

    def conductivities(self) -> Float[Array, "4"]:
        return jnp.broadcast_to(self.conductivity, (4,))

    def bend(self, value: Array, slope: Array, partner: Array) -> Array:
        return matrix_bend(*(_matrix(x) for x in (value, slope, partner))).reshape(value.shape)

    def spectral_current(self, value: Array, slope: Array) -> Array:
        # (G∂G)₁₁ = 2N(γγ̃′ − γ′γ̃)N, N = (1 + γγ̃)⁻¹; the lower block adds as much.
        g, d = _matrix(value), _matrix(slope)
        weight = inverse(identity(g) - product(g, g.conj()))
        flow = product(product(weight, product(d, g.conj()) - product(g, d.conj())), weight)
        return -4 * self.conductivity * jnp.stack([flow[0, 0].imag, flow[1, 1].imag])

    def density(self, value: Array, partner: Array) -> Array:
        return spin_density(_matrix(value), _matrix(partner))


def scalar_bend(value: Array, slope: Array, partner: Array) -> Array:
    """2γ̃γ′²/(1 + γγ̃) of one band."""
    return 2 * partner * slope**2 / (1 + value * partner)


def matrix_bend(value: Array, slope: Array, partner: Array) -> Array:
    """2γ′(1 + γ̃γ)⁻¹γ̃γ′ of 2 × 2 matrices."""
    middle = inverse(identity(value) + product(partner, value))
    return 2 * product(product(slope, middle), product(partner, slope))


def scalar_current(value: Array, slope: Array) -> Array:
    """Re i Tr τ₃ G ∂G = −8 Im(γ′γ*)/(1 − |γ|²)² of one band on the Matsubara axis."""
    flow = slope.imag * value.real - slope.real * value.imag
    return -8 * flow / (1 - value.real**2 - value.imag**2) ** 2


def spin_density(value: Array, partner: Array) -> Array:
    """Diagonal of Re (1 + γγ̃)⁻¹(1 − γγ̃) = Re 2(1 + γγ̃)⁻¹ − 1 of matrices, [spin, …]."""
    square = product(value, partner)
    whole = inverse(identity(square) + square)
    return jnp.stack([2 * whole[0, 0] - 1, 2 * whole[1, 1] - 1]).real


def _matrix(elements: Array) -> Array:
    """Elements [4, …] as [2, 2, …]."""
    return elements.reshape(2, 2, *elements.shape[1:])
