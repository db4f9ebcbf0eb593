"""Local density of states of a hybrid structure: what tunnelling into a layer measures."""

from typing import NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ...numerics.newton import Solution
from .currents import OrderParameter, order_parameter
from .equations import real
from .equations.base import AbstractEquations
from .equations.layout import Layers
from .equations.mesh import GapProfile
from .equations.uniform import UniformGap
from .layers.conjugation import RealEnergies
from .structure import AbstractHybridStructure

LAYERS = ("link", "left", "right")
SHARPEST = 1e-6  # broadening in k_BT_c: closer to the poles inside a gap ‖γ‖ is 1 to rounding
_Energies: TypeAlias = Float[Array | np.ndarray, " lanes"]
_TOGETHER = 8  # energies solved side by side: no more than a last piece is filled up with


class Place(NamedTuple):
    """Where the density is looked for.

    Attributes:
        layer: one of `LAYERS`.
        position: distance from the left interface in the link, from its own in a superconductor.
    """

    layer: str
    position: Float[Array, "..."]


def densities(
    structure: AbstractHybridStructure,
    place: Place,
    energy: Float[Array, "..."],
    phase: Float[Array, ""],
    broadening: Float[Array, ""],
) -> Float[Array, "2 ..."]:
    """N/N⁰ of both spins, [spin, *energy, *position]; NaN where nothing was found."""
    profile = order_parameter(structure, phase) if structure.self_consistent else None
    found = [
        _chunk(structure, profile, place, some, phase, broadening) for some in _in_chunks(energy)
    ]
    # Arrays that are known are cut by NumPy: JAX would compile for every number of energies.
    library = np if all(_checks.is_concrete(some) for some in found) else jnp
    several = library.concatenate(found, axis=1)[:, : energy.size]
    return jax.device_put(several.reshape(2, *energy.shape, *place.position.shape))


def _chunk(
    structure: AbstractHybridStructure,
    profile: OrderParameter | None,
    place: Place,
    energy: _Energies,
    phase: Float[Array, ""],
    broadening: Float[Array, ""],
) -> Float[Array, "2 lanes ..."]:
    """In closed form where the gap is uniform, or on the mesh.

    Beside the gap's edge, where superconductors of a few ξ₀ are shorter than their decay length,
    the closed form's series end: those energies take the mesh.
    """
    closed = None
    if profile is None:
        closed = _density(*solved_in_closed_form(structure, energy, phase, broadening), place)
        if _checks.is_concrete(closed) and not np.any(np.isnan(closed)):
            return closed
        profile = order_parameter(structure, phase)
    meshed = _density(*solved_on_mesh(structure, profile, energy, phase, broadening), place)
    return meshed if closed is None else jnp.where(jnp.isnan(closed), meshed, closed)


@eqx.filter_jit
def solved_in_closed_form(
    structure: AbstractHybridStructure,
    energy: _Energies,
    phase: Float[Array, ""],
    broadening: Float[Array, ""],
) -> tuple[UniformGap, Solution]:
    """Retarded functions with the bulk's gap up to the interfaces."""
    equations = UniformGap(*_problem(structure, energy, phase, broadening))
    return equations, real.solve(equations)


@eqx.filter_jit
def solved_on_mesh(
    structure: AbstractHybridStructure,
    profile: OrderParameter,
    energy: _Energies,
    phase: Float[Array, ""],
    broadening: Float[Array, ""],
) -> tuple[GapProfile, Solution]:
    """Retarded functions with the gap of a profile."""
    order_parameter = jnp.stack([profile.left, profile.right], axis=1)[:, :, None]
    equations = GapProfile(*_problem(structure, energy, phase, broadening), order_parameter)
    return equations, real.solve(equations)


@eqx.filter_jit
def _density(
    equations: AbstractEquations, solution: Solution, place: Place
) -> Float[Array, "2 lanes ..."]:
    def at(position):
        if place.layer == "link":
            return real.link_density(equations, solution.x, position)
        side = 0 if place.layer == "left" else 1
        return real.superconductor_density(equations, solution.x, position, side)

    found = jax.vmap(at, out_axes=-1)(place.position.ravel())
    found = jnp.where(solution.converged[:, None], found, jnp.nan)
    return found.reshape(*found.shape[:2], *place.position.shape)


def _problem(
    structure: AbstractHybridStructure,
    energy: _Energies,
    phase: Float[Array, ""],
    broadening: Float[Array, ""],
) -> tuple[Layers, Array, Array, RealEnergies, int]:
    """Layers, frequency, twist, conjugation and steps, which both kinds of equations begin with."""
    frequency = jax.lax.complex(jnp.broadcast_to(broadening, energy.shape), -energy)
    twist = structure.twist(jnp.broadcast_to(phase, energy.shape))
    return structure.layers(), frequency, twist, RealEnergies(), structure.resolution.steps


def _in_chunks(energies: Float[Array, "..."]) -> list[_Energies]:
    """Pieces of one size, the last one filled up: one compilation serves any number of energies."""
    count = max(1, -(-energies.size // _TOGETHER))
    library = np if _checks.is_concrete(energies) else jnp
    filled = library.pad(
        library.asarray(energies).ravel(), (0, count * _TOGETHER - energies.size), mode="edge"
    )
    return list(filled.reshape(count, _TOGETHER))
