"""The junction at real energies: retarded functions, and the local density of states from them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ....numerics.continuation import followed
from ....numerics.newton import Linearised, Solution, damped_newton
from ..layers.half_layer import halves
from ..layers.link import spin_density
from .base import AbstractEquations, at_frequency

_HIGH = 4.0  # broadening (k_BT_c) at which the equations are easy
_LONGEST, _SHORTEST = 1 / 12, 1e-3  # steps of the way from there, as parts of it


def solve(equations: AbstractEquations) -> Solution:
    """Unknowns of the junction at ω = broadening − i energy, [unknown, lane].

    The energy is kept and the broadening falls geometrically from a high value: the gap's edge,
    where solutions change on the scale of the broadening, is then approached in steps of that
    scale.
    """
    frequency = equations.frequency
    fall = jnp.log(frequency.real / _HIGH)

    def correct(share, last, predicted):
        on_the_way = jax.lax.complex(_HIGH * jnp.exp(share * fall), frequency.imag)
        here = at_frequency(equations, on_the_way)

        def linearised(x: Array) -> Linearised:
            # Lanes are few here, and what compiles sooner gains more than chords.
            return here.linearised(x)._replace(chord=None)

        return damped_newton(linearised, last, predicted)

    zero = jnp.zeros((equations.size, frequency.size), complex)
    return followed(correct, zero, _LONGEST, _SHORTEST)


def link_density(
    equations: AbstractEquations,
    x: Complex[Array, "unknowns lanes"],
    position: Float[Array, ""],
) -> Float[Array, "2 lanes"]:
    """N/N⁰ of both spins at a distance from the left interface of the link, [spin, lane]."""
    link, frequency = equations.layers.link, equations.frequency
    left, right = position, link.length - position
    nearest = jnp.minimum(left, right)
    linear, conjugation = equations.link(x), equations.conjugation
    value = halves(linear, link, frequency, equations.steps, conjugation, nearest).value
    value = jnp.where(left > right, value[..., 1, :], value[..., 0, :])
    return link.density(value[0], value[1])


def superconductor_density(
    equations: AbstractEquations,
    x: Complex[Array, "unknowns lanes"],
    distance: Float[Array, ""],
    side: int,
) -> Float[Array, "2 lanes"]:
    """N/N⁰ of both spins at a distance from an interface, [spin, lane]; spins along the link's."""
    value, partner = equations.superconductor(x, distance, side)
    return spin_density(value, partner)
