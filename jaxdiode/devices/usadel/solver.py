"""The boundary value problem of the junction, for many phases, from high frequency to low."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from ...numerics.matrices import complexified
from ...numerics.newton import Linearised, damped_newton, implicit_solution, solved
from . import ferromagnet, superconductor
from .barrier import Segment
from .interface import linearised_current, matrix_current

_UNKNOWNS = 24


class Layers(NamedTuple):
    """The junction in numbers: energies in k_BT_c, lengths in ξ₀ = √(ħD_S/2πk_BT_c).

    Attributes:
        gap: Δ.
        superconductor: d_S.
        ferromagnet: d_F.
        conductance: κ = (3/4)ξ₀/ℓ_S.
        wave_numbers: k↑², k↓², of which D_η/D_S = k_η² and σ_η/σ_S = k_η³.
        channels: S-matrices of the left and right interface, stacked on the last axis.
    """

    gap: Float[Array, ""]
    superconductor: Float[Array, ""]
    ferromagnet: Float[Array, ""]
    conductance: Float[Array, ""]
    wave_numbers: Float[Array, "2"]
    channels: tuple[Segment, ...]

    @property
    def occupied(self) -> Bool[Array, "2"]:
        return self.wave_numbers > 1e-6

    @property
    def conductivities(self) -> Float[Array, "2"]:
        return jnp.where(self.occupied, self._safe() ** 1.5, 0.0)

    @property
    def diffusion(self) -> Float[Array, "2"]:
        return self._safe()

    def _safe(self):
        return jnp.where(self.occupied, self.wave_numbers, 1.0)


class Spectral(NamedTuple):
    """Solutions at every frequency.

    Attributes:
        current: Re i Tr τ₃ (σ_η/σ_S) G_η ξ₀∂G_η of both bands, [frequency, 2, lane].
        converged: [frequency, lane].
        unknowns: [frequency, 24, lane].
    """

    current: Float[Array, "frequencies 2 lanes"]
    converged: Bool[Array, "frequencies lanes"]
    unknowns: Float[Array, "frequencies unknowns lanes"]


def solve(
    layers: Layers,
    frequencies: Float[Array, " frequencies"],
    twist: Float[Array, "2 lanes"],
    steps: int,
) -> Spectral:
    """Spectral currents at Matsubara frequencies that decrease, continued from one to the next.

    Args:
        layers: the junction.
        frequencies: ω > 0, falling (k_BT_c).
        twist: (θ↑, θ↓) = (Δχ − Δφ, Δχ + Δφ), radians.
        steps: of the integration of half the ferromagnet.
    """
    frozen = jax.lax.stop_gradient(layers)
    scale = jnp.sqrt(jax.lax.stop_gradient(frequencies))
    turned = jax.lax.stop_gradient(twist)
    zero = jnp.zeros((_UNKNOWNS, twist.shape[1]))

    def advance(state, root):
        before, last, x_before, x_last = state
        # A secant in √ω, of which γ and the decay of γ are smooth functions.
        fell = before > last
        ahead = jnp.where(fell, (last - root) / jnp.where(fell, before - last, 1.0), 0.0)
        predicted = x_last + ahead * (x_last - x_before)
        found = damped_newton(
            lambda x: _linearise(x, (frozen, root**2, turned), steps), x_last, predicted
        )
        return (last, root, x_last, found.x), found

    start = (scale[0], scale[0], zero, zero)
    _, found = jax.lax.scan(advance, start, scale)

    def current(pack):
        x, frequency = pack
        args = layers, frequency, twist
        x = implicit_solution(
            partial(_residual, steps=steps), partial(_answer, steps=steps), args, x
        )
        return current_of(x[16:], layers, frequency)

    spectral = jax.lax.map(jax.checkpoint(current), (found.x, frequencies))
    spectral = jnp.where(found.converged[:, None], spectral, jnp.nan)
    return Spectral(spectral, found.converged, found.x)


def _residual(x, args, *, steps):
    layers = args[0]
    pairs, slopes, _ = _interfaces(x, args, steps)
    flux = matrix_current(layers.channels, pairs, -pairs.conj())
    return _real(slopes - complexified(layers.conductance) * flux)


def _answer(x, args, vector, *, steps):
    return solved(_jacobian(x, args, steps)[1], vector)


def _linearise(x, args, steps) -> Linearised:
    residual, jacobian, inside = _jacobian(x, args, steps)
    return Linearised(residual, -solved(jacobian, residual), inside)


def _jacobian(x, args, steps):
    """The equations, their Jacobian, and whether the pair amplitudes are physical."""
    layers, frequency, twist = args
    slope, linear = _complex(x)
    lanes = x.shape[1]

    # Both sides, and both bands, take the same directions at once: they do not know each other.
    towards = _directions(4).reshape(8, 2, 2, 1, 1)
    (s_pairs, s_slopes, nome), (s_change, s_rise, _) = _pushforward(
        lambda z: _superconductor(z, layers, frequency), slope, towards
    )
    ahead = _directions(2).reshape(4, 2, 1, 1)
    (f_pairs, f_slopes), (f_change, f_rise) = _pushforward(
        lambda z: _ferromagnet(z, layers, frequency, twist, steps), linear, ahead
    )
    pairs = jnp.concatenate([s_pairs, f_pairs])
    none = jnp.zeros((1, 4, 2, lanes), pairs.dtype)
    change = _columns(s_change, f_change, none)
    rise = _columns(s_rise, f_rise, none)
    flux, rate = linearised_current(layers.channels, pairs, -pairs.conj(), change, -change.conj())
    kappa = complexified(layers.conductance)
    residual = jnp.concatenate([s_slopes, f_slopes]) - kappa * flux
    jacobian = _scattered(rise - kappa * rate)

    inside = physical(pairs) & superconductor.within_series(nome)
    return _real(residual), jacobian, jnp.all(inside, axis=0)


def physical(pairs: Complex[Array, "6 *lanes"]) -> Bool[Array, "*lanes"]:
    """‖γ‖ < 1 on both sides of an interface: beyond lie poles, and no physical solution."""
    squared = pairs.real**2 + pairs.imag**2
    size = jnp.sum(squared[:4], axis=0)
    determinant = pairs[0] * pairs[3] - pairs[1] * pairs[2]
    determinant = determinant.real**2 + determinant.imag**2
    largest = (size + jnp.sqrt(jnp.maximum(size**2 - 4 * determinant, 0.0))) / 2
    return (largest < 1) & jnp.all(squared[4:] < 1, axis=0)


def _interfaces(x, args, steps):
    layers, frequency, twist = args
    slope, linear = _complex(x)
    s_pairs, s_slopes, nome = _superconductor(slope, layers, frequency)
    f_pairs, f_slopes = _ferromagnet(linear, layers, frequency, twist, steps)
    return jnp.concatenate([s_pairs, f_pairs]), jnp.concatenate([s_slopes, f_slopes]), nome


def _superconductor(slope, layers, frequency):
    """γ and ∂ₙγ of both superconductors, [4, side, lane]; n points into them."""
    whole = jnp.sqrt(frequency**2 + layers.gap**2)
    bulk = layers.gap / (frequency + whole)
    gamma, rise, nome = superconductor.layer(
        slope, -slope.conj(), bulk, jnp.sqrt(whole / jnp.pi), layers.superconductor
    )
    shape = (4, *slope.shape[2:])
    return gamma.reshape(shape), -rise.reshape(shape), nome


def _ferromagnet(linear, layers, frequency, twist, steps):
    """γ and σ∂ₙγ of both bands, [band, side, lane], the right interface in its own frame."""
    decay = jnp.sqrt(frequency / (jnp.pi * layers.diffusion))
    value, slope, _, _ = ferromagnet.half_layers(linear, decay, layers.ferromagnet, steps)
    sigma = jnp.where(layers.occupied, layers.conductivities, 1.0)[:, None, None]
    turn = jnp.stack([jnp.zeros_like(twist), twist], axis=1)
    turn = jax.lax.complex(jnp.cos(turn), -jnp.sin(turn))
    return value * turn, -complexified(sigma) * slope * turn


def current_of(linear: Array, layers: Layers, frequency: Array) -> Array:
    """Spectral current of both bands from the ferromagnet's unknowns as real numbers."""
    decay = jnp.sqrt(frequency / (jnp.pi * layers.diffusion))
    middle, slope = ferromagnet.half_layers(bands(linear), decay, layers.ferromagnet, 0)[2:]
    return layers.conductivities[:, None] * ferromagnet.spectral_current(middle, slope)


def bands(x: Array) -> Array:
    """[band, (real, imaginary), side] of real numbers as complex [side, band, lane]."""
    parts = x.reshape(2, 2, 2, x.shape[1])
    return jnp.moveaxis(jax.lax.complex(parts[:, 0], parts[:, 1]), 0, 1)


def _complex(x):
    """Unknowns: `slope` [2, 2, side, lane] of the superconductors, `linear` [side, band, lane]."""
    lanes = x.shape[1]
    s = x[:16].reshape(2, 2, 4, lanes)  # side, (real, imaginary), element
    slope = jax.lax.complex(s[:, 0], s[:, 1])
    slope = jnp.moveaxis(slope, 0, 1).reshape(2, 2, 2, lanes)
    return slope, bands(x[16:])


def _real(z):
    """Complex equations [6, side, lane] as 24 real ones: side, (real, imaginary), equation."""
    parts = jnp.stack([z.real, z.imag])  # part, equation, side, lane
    return jnp.moveaxis(parts, 2, 0).reshape(_UNKNOWNS, z.shape[-1])


def _directions(count):
    """Real unit directions of `count` complex numbers in the order of the unknowns."""
    unit = jnp.eye(count)
    zero = jnp.zeros_like(unit)
    return jnp.concatenate([jax.lax.complex(unit, zero), jax.lax.complex(zero, unit)])


def _pushforward(function, primal, directions):
    """Value and derivatives along `directions`, which come second in every result."""

    def along(direction):
        return jax.jvp(function, (primal,), (jnp.broadcast_to(direction, primal.shape),))

    return jax.vmap(along, out_axes=(None, 1))(directions)


def _columns(of_superconductor, of_ferromagnet, none):
    """Changes of the six amplitudes along 8 + 4 + 4 directions, [6, 16, side, lane]."""
    s = jnp.concatenate([of_superconductor, jnp.zeros_like(of_superconductor)], axis=1)
    up = jnp.concatenate([none, none, of_ferromagnet[:1], none], axis=1)
    down = jnp.concatenate([none, none, none, of_ferromagnet[1:]], axis=1)
    return jnp.concatenate([s, up, down])


def _scattered(rate):
    """[6, 16, side, lane] as the Jacobian [24, 24, lane]: a side meets its own superconductor."""
    lanes = rate.shape[-1]
    parts = jnp.stack([rate.real, rate.imag])  # part, equation, column, side, lane
    parts = jnp.moveaxis(parts, 3, 0).reshape(2, 12, 16, lanes)
    zero = jnp.zeros((12, 8, lanes))
    left = jnp.concatenate([parts[0, :, :8], zero, parts[0, :, 8:]], axis=1)
    right = jnp.concatenate([zero, parts[1, :, :8], parts[1, :, 8:]], axis=1)
    return jnp.concatenate([left, right])
