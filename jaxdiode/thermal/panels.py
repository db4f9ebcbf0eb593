"""A current-phase relation and its energy on panels of Gauss nodes, split at every sharp turn."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import _checks
from ..core.device import AbstractPhaseBiased
from ..core.extrema import largest_current

Scalar = Float[Array, ""]

NODES = 16
MOST_PANELS = 4096
MOST_VARIATION = 18.0  # of an exponent over one panel
_ENTRIES = 2**20  # at once in memory
_RUNGS, _CLOSEST, _FARTHEST = 12, 1e-7, 0.5  # of the ladders of edges towards a sharp turn

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)
SHARE = (1 + _POINTS) / 2  # of a panel's length, from its start to each node
WEIGHTS = _WEIGHTS / 2
_VALUES = np.polynomial.legendre.legvander(_POINTS, NODES - 1)
COEFFICIENTS = (np.arange(NODES) + 0.5)[:, None] * _VALUES.T * _WEIGHTS  # Legendre, of samples


def _matrix(shares: np.ndarray) -> np.ndarray:
    """Values at shares of a panel's length from those at its nodes."""
    basis = np.polynomial.legendre.legvander(2 * np.ravel(shares) - 1, NODES - 1)
    return (basis @ COEFFICIENTS).reshape(*shares.shape, NODES)


def _antiderivative() -> np.ndarray:
    """∫ from the start of a panel of unit length to each node, from the values at the nodes."""
    upper = SHARE[:, None] * SHARE  # nodes of [0, share]
    return np.einsum("ij,j,ijk->ik", np.broadcast_to(SHARE[:, None], upper.shape), WEIGHTS,
                     _matrix(upper))  # fmt: skip


ANTIDERIVATIVE = _antiderivative()
# Pairs (φ, φ + s) inside a panel, s at share σ of its length and φ at share τ of what is left.
_LEFT = 1 - SHARE
FIRST = _matrix(_LEFT[:, None] * SHARE)
SECOND = _matrix(_LEFT[:, None] * SHARE + SHARE[:, None])
PAIR_WEIGHTS = _LEFT[:, None] * WEIGHTS


class Panels(NamedTuple):
    """I(φ) and E(φ) = ∫I dφ over one period.

    Attributes:
        start, length: of every panel; the lengths add up to 2π, some may be 0.
        energy: E at the starts.
        inside: E − E(start) at the nodes.
        current: I at the nodes.
        mean: ⟨I⟩ over the period.
        error: of E, from the smallness of the highest coefficients.
    """

    start: Float[Array, " panels"]
    length: Float[Array, " panels"]
    energy: Float[Array, " panels"]
    inside: Float[Array, "panels nodes"]
    current: Float[Array, "panels nodes"]
    mean: Scalar
    error: Scalar


def on_panels(relation: AbstractPhaseBiased, uniform: int) -> Panels:
    """The relation on `uniform` equal panels, cut at its sharp turns and finer towards them.

    Edges at a turn move with it, so that derivatives see a jump of I(φ) move.
    """
    edges = _edges(relation, uniform)
    start, length = edges[:-1], jnp.diff(edges)
    current = relation.current(start[:, None] + length[:, None] * SHARE)
    inside = length[:, None] * (current @ ANTIDERIVATIVE.T)
    whole = length * (current @ WEIGHTS)
    energy = jnp.concatenate([jnp.zeros(1), jnp.cumsum(whole)])
    mean = energy[-1] / (2 * jnp.pi)
    # A mean that is rounding is none: at zero bias the voltage is 0.
    rounding = jnp.abs(mean) <= 1e-13 * jnp.max(jnp.abs(current))
    mean = mean - jax.lax.stop_gradient(jnp.where(rounding, mean, 0.0))
    highest = jnp.abs(current @ COEFFICIENTS[-2:].T)
    error = jnp.sum(jnp.max(highest, axis=1) * length / NODES)
    return Panels(start, length, energy[:-1], inside, current, mean, jax.lax.stop_gradient(error))


def resolving_count(
    relation: AbstractPhaseBiased,
    noise: Array,
    largest_bias: Callable[[Array], Array],
    *,
    traced: int,
    where: str,
    remedy: str,
) -> int:
    """How many equal panels resolve e^{U/γ} at the largest bias; `traced` where that is not known.

    The largest bias is a function of the largest current of the relation.

    Raises:
        ValueError: the noise is too small for `MOST_PANELS`; the sentence says where, and a remedy.
    """
    if not _checks.all_concrete((relation, noise, largest_bias(jnp.zeros(())))):
        return traced
    largest = largest_current(relation)
    most = float(largest + largest_bias(largest))
    variation, limit = 2 * math.pi * most / float(noise), MOST_PANELS * MOST_VARIATION
    if variation > limit:
        raise ValueError(
            f"noise must be at least {2 * math.pi * most / limit:.3g} {where}where currents are up "
            f"to {most:.3g}, got {float(noise):.3g}: {remedy}"
        )
    return panel_count(relation, variation)


def panel_count(relation: AbstractPhaseBiased, variation: float = 0.0) -> int:
    """A power of two of equal panels on which exponents with that total variation are smooth."""
    needed = max(32, relation.samples_per_period() / 2, variation / 14)
    if not math.isfinite(needed):
        return MOST_PANELS
    return min(MOST_PANELS, 2 ** math.ceil(math.log2(needed)))


def batch_size(lanes: int, current: Float[Array, "..."]) -> int:
    """Biases at once, each of which takes the memory of one number per sample of the current."""
    return max(1, min(lanes, _ENTRIES // current.size))


def _edges(relation: AbstractPhaseBiased, uniform: int) -> Float[Array, " edges"]:
    even = jnp.linspace(0.0, 2 * jnp.pi, uniform + 1)
    kinks, widths = (jnp.ravel(jnp.asarray(x, float)) for x in relation.kinks())
    if not kinks.size:
        return even
    fixed, widths = jax.lax.stop_gradient((kinks, widths))
    lowest = jnp.clip(widths, _CLOSEST, _FARTHEST / 2)[:, None]
    ladder = lowest * (_FARTHEST / lowest) ** jnp.linspace(0.0, 1.0, _RUNGS)
    beside = jnp.concatenate([-ladder, jnp.zeros_like(lowest), ladder], axis=1)
    turns = jnp.mod(fixed[:, None] + beside, 2 * jnp.pi).ravel()
    moved = jnp.broadcast_to((kinks - fixed)[:, None], beside.shape).ravel()
    edges = jnp.concatenate([even, turns])
    shifts = jnp.concatenate([jnp.zeros_like(even), moved])
    order = jnp.argsort(edges)
    return (edges + shifts)[order]
