"""What lies between the interfaces: layers without a gap, by shooting from their middle."""

import abc
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Inexact

from ....numerics.matrices import complexified, identity, inverse, product

# Half a layer longer than this many decay lengths is cut: e^{−36} couples the interfaces.
_DEEPEST = 18.0


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


def _matrix(elements):
    return elements.reshape(2, 2, *elements.shape[1:])


def half_layers(
    linear: Complex[Array, "2 elements *lanes"],
    k: Inexact[Array, "elements *lane"],
    length: Float[Array, ""],
    steps: int,
    bend: Callable[[Array, Array], Array],
    distance: Array | float = 0.0,
    coupled: bool = False,
) -> tuple[Array, Array, Array, Array]:
    """γ and its outward slope at both interfaces, [element, side, lane], and γ, γ′ in the middle.

    For every element γ″ = k²γ + bend(γ, γ′). The unknowns are the interface values of the linear
    equation, of which the middle follows without loss of digits; from there both halves are
    integrated outwards, the direction in which solutions grow and errors do not. The linear part
    is exact (Lawson's Runge–Kutta method of order four): no step is too long for it where γ is
    small.

    Args:
        linear: γ at the left and right interface if the equation were linear.
        k: decay constant of each element.
        length: of the layer.
        steps: of each half.
        bend: the nonlinear part, of all elements at once, [element, side, lane].
        distance: from the interfaces, at which to stop; half a layer at most.
        coupled: whether elements know each other. If not, each is cut at its own depth.
    """
    k = k.reshape(k.shape + (1,) * (linear.ndim - 1 - k.ndim))
    half = length / 2
    slowest = jnp.min(k.real, axis=0) if coupled else k.real
    depth = jnp.minimum(half, _DEEPEST / slowest)
    reach = complexified(k) * complexified(depth)
    k = complexified(k)
    middle = (linear[0] + linear[1]) / (2 * jnp.cosh(reach))
    rise = (linear[1] - linear[0]) / (2 * jnp.sinh(reach))
    value = jnp.stack([middle, middle], axis=1)
    slope = jnp.stack([-rise, rise], axis=1)
    whole = reach * complexified(jnp.maximum(1 - distance / depth, 0.0))
    whole = whole[:, None]
    longest = jnp.max(whole.real, axis=0) if coupled else whole.real

    def pull(value, slope):  # slopes are in units of k
        return bend(value, k[:, None] * slope) / k[:, None] ** 2

    def step(i, state):
        value, slope = state
        start, end = (_share(jnp.asarray(n, float) / steps, longest) for n in (i, i + 1))
        h = whole * complexified(end - start)
        c, s = jnp.cosh(h / 2), jnp.sinh(h / 2)

        def carried(value, slope):
            return c * value + s * slope, s * value + c * slope

        first = pull(value, slope)
        half_value, half_slope = carried(value, slope)
        first_value, first_slope = s * first, c * first
        second = pull(half_value + h / 2 * first_value, half_slope + h / 2 * first_slope)
        third = pull(half_value, half_slope + h / 2 * second)
        end_value, end_slope = carried(half_value, half_slope)
        fourth = pull(end_value + h * s * third, end_slope + h * c * third)
        first_value, first_slope = carried(first_value, first_slope)
        inner = 2 * (second + third)
        value = end_value + h / 6 * (first_value + s * inner)
        slope = end_slope + h / 6 * (first_slope + c * inner + fourth)
        return value, slope

    value, slope = jax.lax.fori_loop(0, steps, step, (value, slope))
    return value, k[:, None] * slope, middle, k * rise


def _share(part, reach):
    """Part of the way, of length `reach` in decay lengths, that is done after a part of the steps.

    The nonlinear part falls as the square of γ: near the end steps are short, and grow by
    e^{0.4} a decay length away from it, so that a long way costs no accuracy there.
    """
    reach = 0.4 * jnp.maximum(reach, 1e-6)
    return 1 + jnp.log1p((1 - part) * jnp.expm1(-reach)) / reach
