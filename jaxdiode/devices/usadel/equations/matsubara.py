"""Spectral currents of a junction of uniform gap, from high Matsubara frequency to low."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ....numerics.continuation import swept
from ....numerics.lanes import where_needed
from ....numerics.newton import Solution, chord_iteration
from ..layers.conjugation import MatsubaraAxis
from ..layers.half_layer import halves
from .base import AbstractEquations, Known, at_frequency, exact
from .layout import Layers
from .uniform import UniformGap

_CLOSE, _MOST, _OLD = 1e-12, 20, 10  # last step of x from nearby, steps, and how many ask for new J


class Located(NamedTuple):
    """Solutions at every frequency, whether all of a lane were found, and inverse Jacobians."""

    unknowns: Float[Array, "frequencies unknowns lanes"]
    converged: Bool[Array, " lanes"]
    factors: Float[Array, "frequencies unknowns unknowns lanes"]

    def place(self) -> tuple[Array, ...]:
        """What a straight line is laid through."""
        return (self.unknowns,)


class Spectral(NamedTuple):
    """Solutions at every frequency.

    Attributes:
        current: Re i Tr τ₃ (σ/σ_S) G ξ₀∂G of both spins, [frequency, 2, lane].
        converged: [frequency, lane].
        unknowns: [frequency, unknown, lane].
        located: what a junction nearby may go on from, where that was asked for.
    """

    current: Float[Array, "frequencies 2 lanes"]
    converged: Bool[Array, "frequencies lanes"]
    unknowns: Float[Array, "frequencies unknowns lanes"]
    located: Located | None


def solve(
    layers: Layers,
    frequencies: Float[Array, " frequencies"],
    twist: Float[Array, "elements lanes"],
    steps: int,
    going_on: bool = False,
    known: Known | None = None,
) -> Spectral:
    """Spectral currents at Matsubara frequencies that decrease, continued from one to the next.

    Args:
        layers: the junction.
        frequencies: ω > 0, falling (k_BT_c).
        twist: of every element of the link, see `AbstractEquations`.
        steps: of the integration of half the link.
        going_on: whether a junction nearby is to go on from it.
        known: solutions of two junctions nearby, from which it is looked for.
    """

    equations = UniformGap(layers, frequencies[0], twist, MatsubaraAxis(), steps)
    frozen = jax.lax.stop_gradient(equations)

    def linearised(x, root):
        return at_frequency(frozen, root**2).linearised(x)

    roots = jnp.sqrt(jax.lax.stop_gradient(frequencies))

    def from_above(roots: Array) -> Solution:
        # In √ω, of which γ and the decay of γ are smooth functions.
        return swept(linearised, jnp.zeros((equations.size, twist.shape[1])), roots)

    located = None
    if known is not None:
        located = _from_nearby(frozen, roots, known, from_above)
        converged = jnp.broadcast_to(located.converged, (len(roots), twist.shape[1]))
        found = Solution(located.unknowns, converged)
    else:
        found = from_above(roots)
        if going_on:
            located = _with_factors(frozen, (found, roots))

    def current(pack):
        x, frequency = pack
        here = at_frequency(equations, frequency)
        return spectral_current(here, exact(here, x))

    spectral = jax.lax.map(jax.checkpoint(current), (found.x, frequencies))
    spectral = jnp.where(found.converged[:, None], spectral, jnp.nan)
    return Spectral(spectral, found.converged, found.x, located)


def _from_nearby(
    equations: UniformGap,
    roots: Float[Array, " frequencies"],
    known: Known,
    anew: Callable[[Array], Solution],
) -> Located:
    """With the Jacobians of the last junction; from the beginning where lanes are lost so."""
    last, (before,) = known
    factors = last.factors

    def advance(x: Float[Array, "frequencies unknowns lanes"]):
        def one(pack):
            root, x, factors = pack
            here = at_frequency(equations, root**2)
            step = here.chord(factors)(x)
            most = jnp.max(jnp.abs(x), axis=0)
            return x + step, jnp.max(jnp.abs(step), axis=0) / jnp.where(most > 0, most, 1.0)

        moved, size = jax.lax.map(one, (roots, x, factors))
        return moved, jnp.max(size, axis=0)

    x, good, count = chord_iteration(advance, 2 * last.unknowns - before, _CLOSE, _MOST)
    lost = ~jnp.all(good)
    found = Solution(x, jnp.broadcast_to(good, (len(roots), *good.shape)))
    other = where_needed(lost, anew, roots, found)
    x = jnp.where(good, x, other.x)
    good |= jnp.all(other.converged, axis=0)
    found = Solution(x, jnp.broadcast_to(good, other.converged.shape))
    return where_needed(
        lost | (count > _OLD),
        lambda args: _with_factors(equations, args),
        (found, roots),
        Located(x, good, factors),
    )


def _with_factors(equations: UniformGap, args: tuple[Solution, Array]) -> Located:
    found, roots = args
    factors = jax.lax.map(
        lambda pack: at_frequency(equations, pack[0] ** 2).factors(pack[1]), (roots, found.x)
    )
    return Located(found.x, jnp.all(found.converged, axis=0), factors)


def spectral_current(
    equations: AbstractEquations, x: Float[Array, "n lanes"]
) -> Float[Array, "2 lanes"]:
    """Spectral current of both spins at one frequency, in the middle of the link."""
    link = equations.layers.link
    # The middle follows from the unknowns without a step.
    found = halves(equations.link(x), link, equations.frequency, 0, equations.conjugation)
    return link.spectral_current(found.middle[0], found.rise[0])
