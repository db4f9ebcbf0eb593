"""The junction at real energies: retarded functions, and the local density of states from them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ....numerics.continuation import followed
from ....numerics.matrices import complexified
from ....numerics.newton import Linearised, Solution, damped_newton, solved
from ..interfaces.matrix_current import linearised_current
from ..layers import uniform as superconductor
from ..layers.link import half_layers, spin_density
from .matsubara_uniform import (
    SUPERCONDUCTORS,
    Layers,
    apart,
    assembled,
    by_side,
    columns,
    physical,
    pushforward,
)

_HIGH = 4.0  # broadening (k_BT_c) at which the equations are easy
_LONGEST, _SHORTEST = 1 / 12, 1e-3  # steps of the way from there, as parts of it


def solve(
    layers: Layers,
    energies: Float[Array, " lanes"],
    broadening: Float[Array, ""],
    twist: Float[Array, "elements lanes"],
    steps: int,
) -> Solution:
    """Unknowns of the junction at ω = broadening − i energy, [unknown, lane].

    With the bulk's gap up to the interfaces. γ and γ̃ are independent here, and every equation is
    holomorphic in both.
    """
    zero = jnp.zeros((layers.unknowns, energies.size), complex)

    def linearise(z, frequency):
        return _linearise(z, layers, frequency, twist, steps)

    return from_high_broadening(linearise, zero, energies, broadening)


def from_high_broadening(
    linearise: Callable[[Array, Array], Linearised],
    start: Complex[Array, "unknowns lanes"],
    energies: Float[Array, " lanes"],
    broadening: Float[Array, ""],
) -> Solution:
    """Roots of equations (z, ω) at ω = broadening − i energy.

    The energy is kept and the broadening falls geometrically from a high value: the gap's edge,
    where solutions change on the scale of the broadening, is then approached in steps of that
    scale.
    """
    fall = jnp.log(broadening / _HIGH)

    def correct(share, last, predicted):
        frequency = jax.lax.complex(_HIGH * jnp.exp(share * fall), -energies)
        return damped_newton(lambda z: linearise(z, frequency), last, predicted)

    return followed(correct, start, _LONGEST, _SHORTEST)


def link_density(
    unknowns: Complex[Array, "unknowns lanes"],
    layers: Layers,
    frequency: Complex[Array, " lanes"],
    position: Float[Array, ""],
    steps: int,
) -> Float[Array, "2 lanes"]:
    """N/N⁰ of both spins at a distance from the left interface of the link, [spin, lane]."""
    linear = unknowns[-layers.link.unknowns :]  # the last ones, whatever the superconductors'
    left, right = position, layers.link.length - position
    value = _half_layers(link_values(linear), layers, frequency, steps, jnp.minimum(left, right))[0]
    value = jnp.where(left > right, value[..., 1, :], value[..., 0, :])
    return layers.link.density(value[0], value[1])


def superconductor_density(
    unknowns: Complex[Array, "unknowns lanes"],
    layers: Layers,
    frequency: Complex[Array, " lanes"],
    distance: Float[Array, ""],
    side: int,
) -> Float[Array, "2 lanes"]:
    """N/N⁰ of both spins at a distance from an interface, [spin, lane]; spins along the link's."""
    slope, _ = _fields(unknowns)
    bulk, k = superconductor.bulk(layers.gap, frequency)
    length = layers.superconductor_length
    # At its very end the layer has no length, and its series no value but the bulk's.
    near = complexified(jnp.maximum(length - distance, 1e-9 * length))
    # The same solution nearer its outer end.
    far = complexified(length)  # sinh(k near)/sinh(k far), which must not overflow
    shorter = jnp.exp(k * (near - far)) * jnp.expm1(-2 * k * near) / jnp.expm1(-2 * k * far)
    one, two = shorter * slope[0][:, :, side], shorter * slope[1][:, :, side]
    pair = superconductor.layer(one, two, bulk, k, near)[0]
    partner = superconductor.layer(two, one, bulk, k, near)[0]
    return spin_density(pair, partner)


def _half_layers(linear, layers, frequency, steps, distance: Array | float = 0.0):
    """Values and outward slopes [pair, element, side, lane] from `linear`."""
    link, n = layers.link, layers.link.elements
    k = jnp.concatenate(
        [link.decay_constants(frequency), link.decay_constants(frequency, tilde=True)]
    )
    stacked = jnp.concatenate([linear[0], linear[1]], axis=1)  # side, (pair, element), lane

    def bend(value, slope):
        one = link.bend(value[:n], slope[:n], value[n:])
        return jnp.concatenate([one, link.bend(value[n:], slope[n:], value[:n])])

    value, slope, _, _ = half_layers(
        stacked, k, link.length, steps, bend, distance, coupled=link.coupled
    )
    shape = (2, n, *value.shape[1:])
    return value.reshape(shape), slope.reshape(shape)


def _sides(slope, layers, frequency):
    """γ, γ̃ and ∂ₙ of both at the superconductors' interfaces, [pair, 4, side, lane]; the nome."""
    bulk, k = superconductor.bulk(layers.gap, frequency)
    one = superconductor.layer(slope[0], slope[1], bulk, k, layers.superconductor_length)
    two = superconductor.layer(slope[1], slope[0], bulk, k, layers.superconductor_length)
    shape = (4, *slope.shape[3:])
    value = jnp.stack([one[0].reshape(shape), two[0].reshape(shape)])
    slopes = -jnp.stack([one[1].reshape(shape), two[1].reshape(shape)])
    return value, slopes, jnp.maximum(one[2], two[2])


def _at_link_ends(linear, layers, frequency, twist, steps):
    """γ, γ̃ and σ∂ₙ of both, [pair, element, side, lane], each interface in its own frame."""
    value, slope = _half_layers(linear, layers, frequency, steps)
    angle = jnp.stack([jnp.zeros_like(twist), twist], axis=1)
    turn = jax.lax.complex(jnp.cos(angle), -jnp.sin(angle))
    turn = jnp.stack([turn, turn.conj()])
    sigma = complexified(layers.link.conductivities())[:, None, None]
    return value * turn, -sigma * slope * turn


def _linearise(z, layers, frequency, twist, steps) -> Linearised:
    slope, linear = _fields(z)
    unit = jnp.eye(8, dtype=z.dtype)
    towards = unit.reshape(8, 2, 2, 2, 1, 1)
    (s_pairs, s_slopes, nome), (s_change, s_rise, _) = pushforward(
        lambda y: _sides(y, layers, frequency), slope, towards, axis=-3
    )
    (f_pairs, f_slopes), (f_change, f_rise) = link_pushforward(
        linear, layers, frequency, twist, steps
    )
    pairs = jnp.concatenate([s_pairs, f_pairs], axis=1)
    slopes = jnp.concatenate([s_slopes, f_slopes], axis=1)
    joined = jax.vmap(columns)
    change, rise = joined(s_change, f_change), joined(s_rise, f_rise)
    residual, rates, inside = at_interfaces(pairs, slopes, change, rise, layers)
    jacobian = assembled(rates[:, :, :8], rates[:, :, 8:])
    inside &= jnp.all(superconductor.within_series(nome), axis=0)
    return Linearised(residual, -solved(jacobian, residual), inside)


def at_interfaces(
    pairs: Complex[Array, "2 kinds 2 lanes"],
    slopes: Complex[Array, "2 kinds 2 lanes"],
    change: Complex[Array, "2 kinds m 2 lanes"],
    rise: Complex[Array, "2 kinds m 2 lanes"],
    layers: Layers,
) -> tuple[Array, Array, Array]:
    """Equations of both interfaces, from γ and γ̃ and their changes along m directions.

    Returns:
        Residual [n, lane], its rates [side, equation, m, lane], and whether ‖γ‖ < 1.
    """
    kappa = complexified(layers.conductance)
    mirrored = tuple(part._replace(matrix=part.matrix.conj()) for part in layers.channels)
    flux, rate = linearised_current(
        layers.channels, pairs[0], pairs[1], change[0], change[1], slopes[0] / kappa
    )
    back, back_rate = linearised_current(
        mirrored, pairs[1], pairs[0], change[1], change[0], slopes[1] / kappa
    )
    residual = slopes - kappa * jnp.stack([flux, back])
    rates = by_side(rise - kappa * jnp.stack([rate, back_rate]))
    residual = jnp.moveaxis(residual, 2, 0).reshape(-1, residual.shape[-1])
    inside = jnp.all(physical(pairs[0]) & physical(pairs[1]), axis=0)
    return residual, rates, inside


def _fields(z):
    """`slope` [pair, 2, 2, side, lane] and `linear` [pair, side, element, lane]."""
    lanes = z.shape[1]
    slope = z[:SUPERCONDUCTORS].reshape(2, 2, 2, 2, lanes)  # side, pair, row, column
    return jnp.moveaxis(slope, 0, 3), link_values(z[SUPERCONDUCTORS:])


def link_values(z: Complex[Array, "unknowns lanes"]) -> Complex[Array, "2 2 elements lanes"]:
    """Unknowns of the link as [pair, side, element, lane]."""
    return jnp.moveaxis(z.reshape(-1, 2, 2, z.shape[1]), 0, 2)


def link_pushforward(linear, layers, frequency, twist, steps):
    """`_at_link_ends` and its derivatives along all its unknowns, [pair, element, m, …]."""
    count, coupled = layers.link.elements, layers.link.coupled
    unit = jnp.eye(4 * count if coupled else 4, dtype=linear.dtype)
    if coupled:  # element, pair, side
        ahead = jnp.moveaxis(unit.reshape(4 * count, count, 2, 2), 1, 3)[..., None]
    else:
        ahead = unit.reshape(4, 2, 2, 1, 1)
    found, moved = pushforward(
        lambda z: _at_link_ends(z, layers, frequency, twist, steps), linear, ahead, axis=2
    )
    return found, tuple(x if coupled else jax.vmap(apart)(x) for x in moved)
