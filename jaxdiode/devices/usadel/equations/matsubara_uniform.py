"""The boundary value problem of the junction, for many phases, from high frequency to low."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from ....numerics.continuation import swept
from ....numerics.matrices import complexified
from ....numerics.newton import Linearised, implicit_solution, solved
from ..interfaces.barrier import Segment
from ..interfaces.matrix_current import linearised_current, matrix_current
from ..layers import uniform as superconductor
from ..layers.link import AbstractLink, half_layers

SUPERCONDUCTORS = 16  # real unknowns of both


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

    @property
    def unknowns(self) -> int:
        """Real ones at one frequency: 8 of each superconductor, 4 of each element of the link."""
        return SUPERCONDUCTORS + self.link.unknowns


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
        twist: of every element of the link from left to right, radians; (θ↑, θ↓) =
            (Δχ − Δφ, Δχ + Δφ) for pairs of equal spin, Δχ for pairs of opposite spins.
        steps: of the integration of half the link.
    """
    frozen = jax.lax.stop_gradient(layers)
    scale = jnp.sqrt(jax.lax.stop_gradient(frequencies))
    turned = jax.lax.stop_gradient(twist)
    zero = jnp.zeros((layers.unknowns, twist.shape[1]))

    # In √ω, of which γ and the decay of γ are smooth functions.
    found = swept(lambda x, root: _linearise(x, (frozen, root**2, turned), steps), zero, scale)

    def current(pack):
        x, frequency = pack
        args = layers, frequency, twist
        x = implicit_solution(
            partial(_residual, steps=steps), partial(_answer, steps=steps), args, x
        )
        return current_of(x[SUPERCONDUCTORS:], layers, frequency)

    spectral = jax.lax.map(jax.checkpoint(current), (found.x, frequencies))
    spectral = jnp.where(found.converged[:, None], spectral, jnp.nan)
    return Spectral(spectral, found.converged, found.x)


def _residual(x, args, *, steps):
    layers = args[0]
    pairs, slopes, _ = interfaces(x, args, steps)
    flux = matrix_current(layers.channels, pairs, -pairs.conj())
    return real(slopes - complexified(layers.conductance) * flux)


def _answer(x, args, vector, *, steps):
    return solved(_system(x, args, steps)[1], vector)


def _linearise(x, args, steps) -> Linearised:
    residual, jacobian, inside = _system(x, args, steps)
    return Linearised(residual, -solved(jacobian, residual), inside)


def _system(x, args, steps):
    """The equations, their Jacobian, and whether the pair amplitudes are physical."""
    layers, frequency, twist = args
    slope, linear = _complex(x)

    # Both sides take the same directions at once: they do not know each other.
    towards = directions(4).reshape(8, 2, 2, 1, 1)
    (s_pairs, s_slopes, nome), (s_change, s_rise, _) = pushforward(
        lambda z: _superconductor(z, layers, frequency), slope, towards
    )
    (f_pairs, f_slopes), (f_change, f_rise) = link_pushforward(
        linear, layers, frequency, twist, steps
    )
    pairs = jnp.concatenate([s_pairs, f_pairs])
    change, rise = columns(s_change, f_change), columns(s_rise, f_rise)
    kappa = complexified(layers.conductance)
    slopes = jnp.concatenate([s_slopes, f_slopes])
    flux, rate = linearised_current(
        layers.channels, pairs, -pairs.conj(), change, -change.conj(), slopes / kappa
    )
    residual = slopes - kappa * flux
    parts = real_rates(rise - kappa * rate)
    jacobian = assembled(parts[:, :, :8], parts[:, :, 8:])

    inside = physical(pairs) & superconductor.within_series(nome)
    return real(residual), jacobian, jnp.all(inside, axis=0)


def physical(pairs: Complex[Array, "pairs *lanes"]) -> Bool[Array, "*lanes"]:
    """‖γ‖ < 1 on both sides of an interface: beyond lie poles, and no physical solution."""
    beyond = _norm(pairs[4:]) if len(pairs) == 8 else jnp.max(jnp.abs(pairs[4:]), axis=0)
    return (_norm(pairs[:4]) < 1) & (beyond < 1)


def _norm(elements):
    """Largest singular value of 2 × 2 matrices."""
    size = jnp.sum(elements.real**2 + elements.imag**2, axis=0)
    determinant = elements[0] * elements[3] - elements[1] * elements[2]
    determinant = determinant.real**2 + determinant.imag**2
    return jnp.sqrt((size + jnp.sqrt(jnp.maximum(size**2 - 4 * determinant, 0.0))) / 2)


def interfaces(x, args, steps):
    layers, frequency, twist = args
    slope, linear = _complex(x)
    s_pairs, s_slopes, nome = _superconductor(slope, layers, frequency)
    f_pairs, f_slopes = at_link_ends(linear, layers, frequency, twist, steps)
    return jnp.concatenate([s_pairs, f_pairs]), jnp.concatenate([s_slopes, f_slopes]), nome


def _superconductor(slope, layers, frequency):
    """γ and ∂ₙγ of both superconductors, [4, side, lane]; n points into them."""
    bulk, k = superconductor.bulk(layers.gap, frequency)
    gamma, rise, nome = superconductor.layer(
        slope, -slope.conj(), bulk, k, layers.superconductor_length
    )
    shape = (4, *slope.shape[2:])
    return gamma.reshape(shape), -rise.reshape(shape), nome


def at_link_ends(linear, layers, frequency, twist, steps):
    """γ and σ∂ₙγ of the link, [element, side, lane], the right interface in its own frame."""
    value, slope, _, _ = halves(linear, layers.link, frequency, steps)
    sigma = layers.link.conductivities()[:, None, None]
    turn = jnp.stack([jnp.zeros_like(twist), twist], axis=1)
    turn = jax.lax.complex(jnp.cos(turn), -jnp.sin(turn))
    return value * turn, -complexified(sigma) * slope * turn


def halves(linear, link, frequency, steps):
    def bend(value, slope):
        return link.bend(value, slope, -value.conj())

    k = link.decay_constants(frequency)
    return half_layers(linear, k, link.length, steps, bend, coupled=link.coupled)


def link_pushforward(linear, layers, frequency, twist, steps):
    """`at_link_ends` and its derivatives along all its unknowns, [element, m, side, lane]."""
    count = layers.link.elements
    if layers.link.coupled:
        ahead = jnp.moveaxis(directions(2 * count).reshape(2, count, 2, count, 2), 0, 1)
        ahead = jnp.moveaxis(ahead.reshape(4 * count, count, 2), 1, 2)[..., None]
    else:
        ahead = directions(2).reshape(4, 2, 1, 1)
    found, moved = pushforward(
        lambda z: at_link_ends(z, layers, frequency, twist, steps), linear, ahead
    )
    return found, tuple(x if layers.link.coupled else apart(x) for x in moved)


def apart(change: Complex[Array, "elements m *lanes"]) -> Complex[Array, "elements em *lanes"]:
    """Changes of elements that do not know each other, by the directions of each."""
    count, m, *lanes = change.shape
    own = jnp.eye(count, dtype=change.dtype)[:, :, None, None, None]
    return (own * change[:, None]).reshape(count, count * m, *lanes)


def current_of(linear: Array, layers: Layers, frequency: Array) -> Array:
    """Spectral current of both spins from the link's unknowns as real numbers."""
    middle, slope = halves(link_values(linear), layers.link, frequency, 0)[2:]
    return layers.link.spectral_current(middle, slope)


def link_values(x: Array) -> Array:
    """[element, (real, imaginary), side] of real numbers as complex [side, element, lane]."""
    parts = x.reshape(-1, 2, 2, x.shape[1])
    return jnp.moveaxis(jax.lax.complex(parts[:, 0], parts[:, 1]), 0, 1)


def _complex(x):
    """Unknowns: `slope` [2, 2, side, lane] of the superconductors, `linear` of the link."""
    lanes = x.shape[1]
    s = x[:SUPERCONDUCTORS].reshape(2, 2, 4, lanes)  # side, (real, imaginary), element
    slope = jax.lax.complex(s[:, 0], s[:, 1])
    slope = jnp.moveaxis(slope, 0, 1).reshape(2, 2, 2, lanes)
    return slope, link_values(x[SUPERCONDUCTORS:])


def real(z):
    """Complex equations [pair, side, lane] as real ones: side, (real, imaginary), equation."""
    parts = jnp.stack([z.real, z.imag])  # part, equation, side, lane
    return jnp.moveaxis(parts, 2, 0).reshape(-1, z.shape[-1])


def directions(count):
    """Real unit directions of `count` complex numbers in the order of the unknowns."""
    unit = jnp.eye(count)
    zero = jnp.zeros_like(unit)
    return jnp.concatenate([jax.lax.complex(unit, zero), jax.lax.complex(zero, unit)])


def pushforward(function, primal, directions, axis=1):
    """Value and derivatives along `directions`, which lie on `axis` of every result."""

    def along(direction):
        return jax.jvp(function, (primal,), (jnp.broadcast_to(direction, primal.shape),))

    return jax.vmap(along, out_axes=(None, axis))(directions)


def columns(of_superconductor: Array, of_link: Array) -> Array:
    """Changes of all amplitudes along 8 directions of S and m of the link, [pair, 8 + m, …]."""
    m = of_link.shape[1]
    s = jnp.pad(of_superconductor, [(0, 0), (0, m), (0, 0), (0, 0)])
    f = jnp.pad(of_link, [(0, 0), (8, 0), (0, 0), (0, 0)])
    return jnp.concatenate([s, f])


def real_rates(rate: Array) -> Array:
    """Rates [pair, column, side, lane] of real equations, [side, equation, column, lane]."""
    return by_side(jnp.stack([rate.real, rate.imag]))


def by_side(rates: Array) -> Array:
    """Rates [part, pair, column, side, lane] as [side, equation, column, lane]."""
    parts, kinds, count, sides, lanes = rates.shape
    return jnp.moveaxis(rates, 3, 0).reshape(sides, parts * kinds, count, lanes)


def assembled(own: Array, of_link: Array) -> Array:
    """The Jacobian of both sides' equations: a side meets its own superconductor, and the link."""
    zero = jnp.zeros_like(own[0])
    left = jnp.concatenate([own[0], zero, of_link[0]], axis=1)
    right = jnp.concatenate([zero, own[1], of_link[1]], axis=1)
    return jnp.concatenate([left, right])
