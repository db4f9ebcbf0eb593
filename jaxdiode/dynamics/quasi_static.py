"""Rectification in the limit of a slow drive: the I–V curve averaged over the drive.

V = (1/2π)∮V(i + f(θ))dθ.  V(i) rises as √(i − I₊) from an edge (more steeply where I(φ)
jumps), so it is a table in x = √(i − I₊); θ is a square away from where the drive crosses the
edge, and both have panels that narrow towards it, for peaks of I(φ) nearly as high.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..core.device import AbstractPhaseBiased
from .drive import AbstractDrive, off_the_jumps
from .quadrature import mean_velocity

Scalar = Float[Array, ""]

_ORDER, _PANELS = 20, 14
_CROSSED = 60  # halvings
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(_ORDER)
_EDGES = np.concatenate([[0.0], 0.5 ** np.arange(_PANELS - 1, -1, -1)])  # of [0, 1]
_NODES = np.cos(np.pi * (2 * np.arange(_ORDER) + 1) / (2 * _ORDER))
_BARYCENTRIC = (-1.0) ** np.arange(_ORDER) * np.sin(
    np.pi * (2 * np.arange(_ORDER) + 1) / (2 * _ORDER)
)


class Branch(NamedTuple):
    """Voltages of one direction beyond its edge.

    Attributes:
        sign, edge: the branch conducts where sign × bias > edge.
        reach: largest x = √(sign × bias − edge).
        voltage: magnitudes at the nodes of every panel of x/reach.
    """

    sign: Scalar
    edge: Scalar
    reach: Scalar
    voltage: Float[Array, "panels order"]

    def at(self, beyond: Float[Array, " n"]) -> Float[Array, " n"]:
        """|V| at sign × bias − edge."""
        x = jnp.sqrt(jnp.maximum(beyond, 0.0)) / self.reach
        panel = jnp.clip(jnp.searchsorted(_EDGES[1:], x), 0, _PANELS - 1)
        low, high = jnp.asarray(_EDGES)[panel], jnp.asarray(_EDGES)[panel + 1]
        place = (2 * x - low - high) / (high - low)
        apart = place[:, None] - _NODES
        apart = jnp.where(apart == 0, 1e-300, apart)
        weight = _BARYCENTRIC / apart
        return jnp.sum(weight * self.voltage[panel], axis=1) / jnp.sum(weight, axis=1)


def quasi_static(
    relation: AbstractPhaseBiased, drive: AbstractDrive, bias: Scalar, amplitudes: Array
) -> Float[Array, " n"]:
    """V at every amplitude, of a relation without capacitance whose currents are of size 1."""
    turns = drive.turning_points()
    shape = drive.of_size(jnp.ones(()))
    ends = relation.critical_currents()
    most = jnp.max(amplitudes) * shape.largest_current()

    def branch(of: tuple[Scalar, Scalar]) -> Branch:
        sign, edge = of
        reach = jnp.sqrt(jnp.maximum(sign * bias + most - edge, 1e-3))
        low, high = _EDGES[:-1, None], _EDGES[1:, None]
        x = reach * ((low + high) / 2 + (high - low) / 2 * _NODES)

        def one(x: Scalar) -> Scalar:
            return mean_velocity(relation, sign * (edge + x**2))[0]

        return Branch(sign, edge, reach, jax.lax.map(jax.vmap(one), x))

    edges = jnp.array([1.0, -1.0]), jnp.stack([ends.plus, ends.minus])
    branches = jax.lax.map(branch, edges)

    def one(amplitude: Scalar) -> Scalar:
        def part(branch: Branch, low: Scalar, high: Scalar) -> Scalar:
            return branch.sign * _along(branch, shape, bias, amplitude, low, high)

        along = jax.vmap(part, (None, 0, 0))
        parts = jax.vmap(along, (0, None, None))(branches, turns[:-1], turns[1:])
        return jnp.sum(parts) / (2 * jnp.pi)

    return jax.lax.map(one, amplitudes)


def _along(
    branch: Branch,
    shape: AbstractDrive,
    bias: Scalar,
    amplitude: Scalar,
    begin: Scalar,
    end: Scalar,
) -> Scalar:
    """∫|V|dθ between two turning points of the drive, over what lies beyond the edge."""
    middle, smooth = (begin + end) / 2, shape.pieces() == 1

    def beyond(angle: Float[Array, "..."]) -> Float[Array, "..."]:
        push = shape.current(angle if smooth else off_the_jumps(angle, middle))
        return branch.sign * (bias + amplitude * push) - branch.edge

    rises = beyond(end) > beyond(begin)
    top, foot = jnp.where(rises, end, begin), jnp.where(rises, begin, end)

    def halve(_: Array, bracket: tuple[Scalar, Scalar]):
        inside, outside = bracket
        half = (inside + outside) / 2
        conducts = beyond(half) > 0
        return jnp.where(conducts, half, inside), jnp.where(conducts, outside, half)

    inside, outside = jax.lax.fori_loop(0, _CROSSED, halve, (top, foot))
    crossing = jnp.where(beyond(foot) > 0, foot, (inside + outside) / 2)
    width = np.diff(_EDGES)[:, None]
    w = (_EDGES[:-1, None] + width * (1 + _POINTS) / 2).ravel()
    share = (width * _WEIGHTS / 2).ravel() * 2 * w
    angle = crossing + (top - crossing) * w**2
    found = jnp.sum(share * branch.at(beyond(angle))) * jnp.abs(top - crossing)
    return jnp.where(beyond(top) > 0, found, 0.0)
