"""A diffusive layer without a gap, one scalar equation per band: shooting from its middle."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Inexact

from ...numerics.matrices import complexified

# Half a layer longer than this many decay lengths is cut: e^{−36} couples the interfaces.
_DEEPEST = 18.0


def matsubara_partner(value: Array) -> Array:
    """γ̃ = −γ*."""
    return -jnp.conj(value)


def half_layers(
    linear: Complex[Array, "2 bands *lanes"],
    wave_numbers: Inexact[Array, "bands *lane"],
    length: Float[Array, ""],
    steps: int,
    partner: Callable[[Array], Array] = matsubara_partner,
    part: Array | float = 1.0,
) -> tuple[Array, Array, Array, Array]:
    """γ and its outward slope at both interfaces, [bands, side, lane], and γ, γ′ in the middle.

    In each band

        γ″ = k²γ + 2γ̃ γ′²/(1 + γγ̃),  k = √(2ω/D).

    The unknowns are the interface values of the linear equation, of which the middle follows
    without loss of digits; from there both halves are integrated outwards, the direction in
    which solutions grow and errors do not. The linear part is exact (Lawson's Runge–Kutta
    method of order four): no step is too long for it where γ is small.

    Args:
        linear: γ at the left and right interface if the equation were linear.
        wave_numbers: k of each band.
        length: of the layer.
        steps: of each half.
        partner: γ → γ̃, for an array of any γ in this function.
        part: of the way from the middle to the interfaces at which to stop.
    """
    k = wave_numbers.reshape(wave_numbers.shape + (1,) * (linear.ndim - 1 - wave_numbers.ndim))
    half = length / 2
    reach = complexified(k) * complexified(jnp.minimum(half, _DEEPEST / k.real))
    k = complexified(k)
    middle = (linear[0] + linear[1]) / (2 * jnp.cosh(reach))
    rise = (linear[1] - linear[0]) / (2 * jnp.sinh(reach))
    value = jnp.stack([middle, middle], axis=1)
    slope = jnp.stack([-rise, rise], axis=1)
    h = complexified(jnp.asarray(part, float)) * (reach / max(steps, 1))[:, None]
    c, s = jnp.cosh(h / 2), jnp.sinh(h / 2)

    def pull(value, slope):
        other = partner(value)
        return 2 * other * slope**2 / (1 + value * other)

    def carried(value, slope):
        return c * value + s * slope, s * value + c * slope

    def step(_, state):
        value, slope = state
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


def spectral_current(value: Array, slope: Array) -> Array:
    """Re i Tr τ₃ G ∂G = −8 Im(γ′γ*)/(1 − |γ|²)² of one band on the Matsubara axis."""
    flow = slope.imag * value.real - slope.real * value.imag
    return -8 * flow / (1 - value.real**2 - value.imag**2) ** 2
