"""The equations at both interfaces, where superconductors and link meet, and their Jacobian.

Amplitudes here are arrays [pair, element, side, lane], four elements of the superconductor and
then those of the link; their changes along m directions have an axis m before the sides.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Inexact

from ....numerics.matrices import complexified
from ..interfaces.base import Segment
from ..interfaces.matrix_current import linearised_current, matrix_current
from ..layers.conjugation import AbstractConjugation
from ..layers.half_layer import halves
from .base import AbstractEquations

OWN = 8  # numbers of a superconductor at its interface


class Ends(NamedTuple):
    """Amplitudes at the interfaces, or their changes.

    Attributes:
        value: γ (and γ̃), each interface in its own frame.
        slope: σ∂ₙγ, n pointing away from the interface.
    """

    value: Complex[Array, "pair kinds *m 2 lanes"]
    slope: Complex[Array, "pair kinds *m 2 lanes"]


class Interfaces(NamedTuple):
    """The equations of both interfaces around a point.

    Attributes:
        residual: [side, equation, lane].
        rates: derivatives along the numbers of the own superconductor, then those of the link.
        physical: whether ‖γ‖ < 1 on both sides, [lane].
    """

    residual: Inexact[Array, "2 equations lanes"]
    rates: Inexact[Array, "2 equations m lanes"]
    physical: Bool[Array, " lanes"]


def link_amplitudes(
    link: Inexact[Array, "elements 2 2 lanes"], conjugation: AbstractConjugation
) -> Complex[Array, "pair 2 elements lanes"]:
    """γ at both ends from numbers [element, part, side, lane]."""
    return jnp.swapaxes(conjugation.amplitudes(link[:, 0], link[:, 1]), 1, 2)


def link_ends(
    equations: AbstractEquations, linear: Complex[Array, "pair 2 elements lanes"]
) -> Ends:
    """Amplitudes of the link, the right interface in its own frame."""
    link, twist, conjugation = equations.layers.link, equations.twist, equations.conjugation
    found = halves(linear, link, equations.frequency, equations.steps, conjugation)
    angle = jnp.stack([jnp.zeros_like(twist), twist], axis=1)
    turn = jax.lax.complex(jnp.cos(angle), -jnp.sin(angle))
    turn = jnp.stack([turn.conj() if tilde else turn for tilde in conjugation.tildes])
    sigma = complexified(link.conductivities())[:, None, None]
    return Ends(found.value * turn, -sigma * found.slope * turn)


def link_pushforward(
    equations: AbstractEquations, linear: Complex[Array, "pair 2 elements lanes"]
) -> tuple[Ends, Ends]:
    """`link_ends` and its derivatives along all numbers of the link."""
    link = equations.layers.link
    # Elements that do not know each other take the same directions at once.
    together = link.elements if link.coupled else 1
    unit = jnp.eye(4 * together).reshape(together, 2, 2, 4 * together)
    ahead = jnp.moveaxis(link_amplitudes(unit, equations.conjugation), -1, 0)[..., None]
    found, moved = pushforward(lambda z: link_ends(equations, z), linear, ahead)
    return found, moved if link.coupled else Ends(*map(_apart, moved))


def _apart(
    change: Complex[Array, "pair elements m 2 lanes"],
) -> Complex[Array, "pair elements em 2 lanes"]:
    """Changes of elements that do not know each other, by the directions of each."""
    pair, count, m, *lanes = change.shape
    own = jnp.eye(count, dtype=change.dtype)[:, :, None, None, None]
    return (own * change[:, :, None]).reshape(pair, count, count * m, *lanes)


def own_directions(conjugation: AbstractConjugation) -> Complex[Array, "pair 4 8"]:
    """Amplitudes of which one number is 1, for all numbers of a superconductor's γ."""
    return conjugation.amplitudes(*jnp.eye(OWN).reshape(2, 4, OWN))


def pushforward(
    function: Callable[[Array], Any],
    primal: Complex[Array, "..."],
    directions: Complex[Array, "m ..."],
) -> tuple[Any, Any]:
    """Value and derivatives along directions, which lie before sides and lanes of the results."""

    def along(direction):
        return jax.jvp(function, (primal,), (jnp.broadcast_to(direction, primal.shape),))

    return jax.vmap(along, out_axes=(None, -3))(directions)


def joined(superconductors: Ends, link: Ends) -> Ends:
    """Amplitudes of both sides of the interfaces."""
    both = zip(superconductors, link, strict=True)
    return Ends(*(jnp.concatenate(sides, axis=1) for sides in both))


def joined_changes(superconductors: Ends, link: Ends) -> Ends:
    """Changes of both sides, along the numbers of the superconductor and then those of the link."""
    m = link.value.shape[2]
    kept = [(0, 0)] * 2
    own = Ends(*(jnp.pad(x, [*kept, (0, m), *kept]) for x in superconductors))
    return joined(own, Ends(*(jnp.pad(x, [*kept, (OWN, 0), *kept]) for x in link)))


def interface_residual(equations: AbstractEquations, ends: Ends) -> Inexact[Array, "2 n lanes"]:
    """σ∂ₙγ − κ times the matrix current, as numbers [side, equation, lane]."""
    conjugation = equations.conjugation
    partners = conjugation.partners(ends.value)
    flux = jnp.stack(
        [
            matrix_current(_channels(equations, tilde), ends.value[k], partners[k])
            for k, tilde in enumerate(conjugation.tildes)
        ]
    )
    return _numbers(ends.slope - complexified(equations.layers.conductance) * flux, conjugation)


def linearised_interfaces(equations: AbstractEquations, ends: Ends, changes: Ends) -> Interfaces:
    """`interface_residual` and its derivatives along changes of the amplitudes."""
    conjugation, kappa = equations.conjugation, complexified(equations.layers.conductance)
    partners, turned = (conjugation.partners(x) for x in (ends.value, changes.value))
    found = [
        linearised_current(
            _channels(equations, tilde),
            ends.value[k],
            partners[k],
            changes.value[k],
            turned[k],
            ends.slope[k] / kappa,
        )
        for k, tilde in enumerate(conjugation.tildes)
    ]
    flux, rates = (jnp.stack(x) for x in zip(*found, strict=True))
    physical = jnp.stack([_physical(x) for x in ends.value])
    return Interfaces(
        _numbers(ends.slope - kappa * flux, conjugation),
        _numbers(changes.slope - kappa * rates, conjugation),
        jnp.all(physical, axis=(0, 1)),
    )


def assembled(
    own: Inexact[Array, "2 equations 8 lanes"], link: Inexact[Array, "2 equations m lanes"]
) -> Inexact[Array, "n n lanes"]:
    """The Jacobian of both sides' equations: a side meets its own superconductor, and the link."""
    zero = jnp.zeros_like(own[0])
    left = jnp.concatenate([own[0], zero, link[0]], axis=1)
    right = jnp.concatenate([zero, own[1], link[1]], axis=1)
    return jnp.concatenate([left, right])


def _channels(equations: AbstractEquations, tilde: bool) -> tuple[Segment, ...]:
    """S-matrices as γ or γ̃ meets them."""
    channels = equations.layers.channels
    if not tilde:
        return channels
    return tuple(part._replace(matrix=part.matrix.conj()) for part in channels)


def _numbers(
    amplitudes: Complex[Array, "pair kinds *m 2 lanes"], conjugation: AbstractConjugation
) -> Inexact[Array, "2 part_kinds *m lanes"]:
    """Equations of amplitudes as equations of numbers, by sides."""
    parts = conjugation.parts(amplitudes)
    by_side = jnp.moveaxis(parts, -2, 0)
    return by_side.reshape(2, -1, *by_side.shape[3:])


def _physical(pairs: Complex[Array, "kinds *lanes"]) -> Bool[Array, "*lanes"]:
    """‖γ‖ < 1 on both sides of an interface: beyond lie poles, and no physical solution."""
    beyond = _norm(pairs[4:]) if len(pairs) == 8 else jnp.max(jnp.abs(pairs[4:]), axis=0)
    return (_norm(pairs[:4]) < 1) & (beyond < 1)


def _norm(elements: Complex[Array, "4 *lanes"]) -> Array:
    """Largest singular value of 2 × 2 matrices."""
    size = jnp.sum(elements.real**2 + elements.imag**2, axis=0)
    determinant = elements[0] * elements[3] - elements[1] * elements[2]
    determinant = determinant.real**2 + determinant.imag**2
    return jnp.sqrt((size + jnp.sqrt(jnp.maximum(size**2 - 4 * determinant, 0.0))) / 2)
