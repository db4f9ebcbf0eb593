"""A diffusive layer without a gap, one scalar equation per band: shooting from its middle."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ...numerics.matrices import complexified

# Half a layer longer than this many decay lengths is cut: e^{−36} couples the interfaces.
_DEEPEST = 18.0


def half_layers(
    linear: Complex[Array, "2 bands *lanes"],
    wave_numbers: Float[Array, " bands"],
    length: Float[Array, ""],
    steps: int,
) -> tuple[Array, Array, Array, Array]:
    """γ and its outward slope at both interfaces, [bands, side, lane], and γ, γ′ in the middle.

    In each band, on the Matsubara axis (γ̃ = −γ*),

        γ″ = k²γ − 2 γ* γ′²/(1 − |γ|²),  k = √(2ω/D).

    The unknowns are the interface values of the linear equation, of which the middle follows
    without loss of digits; from there both halves are integrated outwards, the direction in
    which solutions grow and errors do not. The linear part is exact (Lawson's Runge–Kutta
    method of order four): no step is too long for it where γ is small.

    Args:
        linear: γ at the left and right interface if the equation were linear.
        wave_numbers: k of each band.
        length: of the layer.
        steps: of each half.
    """
    k = wave_numbers.reshape(wave_numbers.shape + (1,) * (linear.ndim - 2))
    reach = complexified(jnp.minimum(k * length / 2, _DEEPEST))
    k = complexified(k)
    middle = (linear[0] + linear[1]) / (2 * jnp.cosh(reach))
    rise = (linear[1] - linear[0]) / (2 * jnp.sinh(reach))
    value = jnp.stack([middle, middle], axis=1)
    slope = jnp.stack([-rise, rise], axis=1)
    h = (reach / max(steps, 1))[:, None]
    c, s = jnp.cosh(h / 2), jnp.sinh(h / 2)

    def carried(value, slope):
        return c * value + s * slope, s * value + c * slope

    def step(_, state):
        value, slope = state
        first = _pull(value, slope)
        half_value, half_slope = carried(value, slope)
        first_value, first_slope = s * first, c * first
        second = _pull(half_value + h / 2 * first_value, half_slope + h / 2 * first_slope)
        third = _pull(half_value, half_slope + h / 2 * second)
        end_value, end_slope = carried(half_value, half_slope)
        fourth = _pull(end_value + h * s * third, end_slope + h * c * third)
        first_value, first_slope = carried(first_value, first_slope)
        inner = 2 * (second + third)
        value = end_value + h / 6 * (first_value + s * inner)
        slope = end_slope + h / 6 * (first_slope + c * inner + fourth)
        return value, slope

    value, slope = jax.lax.fori_loop(0, steps, step, (value, slope))
    return value, k[:, None] * slope, middle, k * rise


def _pull(value, slope):
    return -2 * jnp.conj(value) * slope**2 / complexified(1 - value.real**2 - value.imag**2)


def spectral_current(value: Array, slope: Array) -> Array:
    """Re i Tr τ₃ G ∂G = −8 Im(γ′γ*)/(1 − |γ|²)² of one band on the Matsubara axis."""
    flow = slope.imag * value.real - slope.real * value.imag
    return -8 * flow / (1 - value.real**2 - value.imag**2) ** 2
