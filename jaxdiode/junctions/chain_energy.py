"""Energies of current-phase relations, as polynomials on panels that shrink towards every turn."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..circuits.relations import Relations
from ..core.device import AbstractPhaseBiased
from ..numerics.extrema import clustered_grid

Phases = Float[Array, " junctions"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_FILLING = 1.0  # width of a turn that is none


class Turns(NamedTuple):
    """Where relations turn sharply, as many for each: what is missing is a turn of width 1."""

    phase: Float[Array, "junctions turns"]
    width: Float[Array, "junctions turns"]


class Energies(NamedTuple):
    """U(θ) = base + half · Σ powers_n uⁿ with u = (θ − middle)/half on every panel; U(0) = 0.

    Differentiable in what the relations depend on: panels follow the turns.
    """

    start: Float[Array, "junctions panels"]
    middle: Float[Array, "junctions panels"]
    half: Float[Array, "junctions panels"]
    base: Float[Array, "junctions panels"]
    powers: Float[Array, "junctions panels order"]
    drift: Phases  # U(2π) − U(0)

    def at(self, phase: Phases) -> Phases:
        return jax.vmap(lambda *row: _value(*row))(
            self.start, self.middle, self.half, self.base, self.powers, phase
        )

    def along(self, phase: Float[Array, " n"]) -> Float[Array, "n junctions"]:
        """Of all junctions at the same phases."""
        count = self.base.shape[0]
        return jax.vmap(lambda x: self.at(jnp.full(count, x)))(phase)


def turns_of(relations: Relations) -> Turns:
    parts = []
    for stacked in relations.groups:
        phases, widths = jax.vmap(lambda one: one.kinks())(stacked)
        parts.append((phases.reshape(phases.shape[0], -1), widths.reshape(widths.shape[0], -1)))
    most = max(phases.shape[1] for phases, _ in parts)

    def filled(array: Array, value: float) -> Array:
        gap = most - array.shape[1]
        return jnp.pad(array, ((0, 0), (0, gap)), constant_values=value)

    order = np.argsort(np.concatenate(relations.members))
    phase = jnp.concatenate([filled(x, 0.0) for x, _ in parts])[order]
    width = jnp.concatenate([filled(w, _FILLING) for _, w in parts])[order]
    return Turns(jnp.mod(phase, 2 * jnp.pi), jax.lax.stop_gradient(width))


def energies(relations: Relations, turns: Turns, samples: int) -> Energies:
    """∫₀^θ I dθ of every junction."""
    parts = []
    for members, stacked in zip(relations.members, relations.groups, strict=True):
        index = np.array(members)
        unit = relations.unit

        def one(relation: AbstractPhaseBiased, phase: Array, width: Array, unit: Array = unit):
            return _table(relation, unit, phase, width, samples)

        parts.append(jax.vmap(one)(stacked, turns.phase[index], turns.width[index]))
    order = np.argsort(np.concatenate(relations.members))
    return jax.tree.map(lambda *x: jnp.concatenate(x)[order], *parts)


def _table(
    relation: AbstractPhaseBiased, unit: Array, phase: Array, width: Array, samples: int
) -> Energies:
    edges = clustered_grid(phase, width, samples)
    edges = jnp.sort(jnp.concatenate([edges, phase, jnp.array([2 * jnp.pi])]))
    half = (edges[1:] - edges[:-1]) / 2
    middle = (edges[1:] + edges[:-1]) / 2
    current = relation.current(middle[:, None] + half[:, None] * _NODES) / unit
    total = half * (current @ _WEIGHTS)
    sums = jnp.cumsum(total)
    base = jnp.concatenate([jnp.zeros(1), sums[:-1]])
    return Energies(edges[:-1], middle, half, base, current @ _antiderivative().T, sums[-1])


def _value(
    start: Array, middle: Array, half: Array, base: Array, powers: Array, phase: Array
) -> Array:
    turned = phase - 2 * jnp.pi * jax.lax.stop_gradient(jnp.floor(phase / (2 * jnp.pi)))
    panel = jnp.searchsorted(start, jax.lax.stop_gradient(turned), side="right") - 1
    panel = jnp.clip(panel, 0, start.size - 1)
    width = half[panel]
    u = (turned - middle[panel]) / jnp.where(width > 0, width, 1.0)
    row, total = powers[panel], jnp.zeros(())
    for n in range(row.size - 1, -1, -1):
        total = total * u + row[n]
    return base[panel] + width * total


def _antiderivative() -> np.ndarray:
    """From values at the Gauss nodes to coefficients of u⁰ … u⁸ of the integral from −1."""
    to_powers = np.linalg.inv(np.vander(_NODES, increasing=True))
    count = _NODES.size
    raised = np.zeros((count + 1, count))
    raised[1:] = to_powers / np.arange(1, count + 1)[:, None]
    raised[0] = -((-1.0) ** np.arange(count + 1)) @ raised
    return raised
