"""Layers without a gap, by shooting from their middle to both ends."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Inexact

from ....numerics.matrices import complexified
from .conjugation import AbstractConjugation
from .link import AbstractLink

# Half a layer longer than this many decay lengths is cut: e^{−36} couples the interfaces.
_DEEPEST = 18.0


class Halves(NamedTuple):
    """γ (or γ and γ̃) of a link, and its derivative.

    Attributes:
        value, slope: γ and its outward derivative at both ends, [pair, element, side, lane].
        middle, rise: γ and γ′ in the middle, [pair, element, lane].
    """

    value: Complex[Array, "pair elements 2 *lanes"]
    slope: Complex[Array, "pair elements 2 *lanes"]
    middle: Complex[Array, "pair elements *lanes"]
    rise: Complex[Array, "pair elements *lanes"]


def halves(
    linear: Complex[Array, "pair 2 elements *lanes"],
    link: AbstractLink,
    frequency: Inexact[Array, "*lane"],
    steps: int,
    conjugation: AbstractConjugation,
    distance: Array | float = 0.0,
) -> Halves:
    """Both halves of a link, from the ends its linear equation would have; see `half_layers`."""
    pair, sides, elements, *lanes = linear.shape
    k = [link.decay_constants(frequency, tilde) for tilde in conjugation.tildes]

    def bend(value, slope):
        values, slopes = (x.reshape(pair, elements, *x.shape[1:]) for x in (value, slope))
        partners = conjugation.partners(values)
        bent = [link.bend(*x) for x in zip(values, slopes, partners, strict=True)]
        return jnp.concatenate(bent)

    together = jnp.moveaxis(linear, 0, 1).reshape(sides, pair * elements, *lanes)
    found = half_layers(
        together, jnp.concatenate(k), link.length, steps, bend, distance, coupled=link.coupled
    )
    return Halves(*(x.reshape(pair, elements, *x.shape[1:]) for x in found))


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
