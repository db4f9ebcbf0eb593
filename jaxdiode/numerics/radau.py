"""Linear equations w' + r w = f of first order, w known at the start, on panels of Radau nodes.

Collocation at the right Radau nodes damps what decays within a panel, so that r may be anything
from 0 to infinity: where r dominates w = f/r.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

NODES = 10


def shares(count: int) -> np.ndarray:
    """Of a panel's length, from its start to each node; the last is its end."""
    highest = np.zeros(count + 1)
    highest[-2:] = -1.0, 1.0
    roots = np.sort(np.polynomial.legendre.legroots(highest).real)
    return np.append((1 + roots[:-1]) / 2, 1.0)


SHARE = shares(NODES)
_BASIS = np.polynomial.legendre.legvander(2 * SHARE - 1, NODES - 1)
_COEFFICIENTS = np.linalg.inv(_BASIS)


def _antiderivative() -> np.ndarray:
    """∫ from the start of a panel of unit length to each node, from the values at the nodes."""
    points, weights = np.polynomial.legendre.leggauss(NODES)
    inside = np.outer(SHARE, (1 + points) / 2)
    values = np.polynomial.legendre.legvander(2 * inside.ravel() - 1, NODES - 1) @ _COEFFICIENTS
    return np.einsum("i,j,ijk->ik", SHARE, weights / 2, values.reshape(NODES, NODES, NODES))


_ANTIDERIVATIVE = _antiderivative()


class Propagator(NamedTuple):
    """The solved equation of one rate r, for any f and any start.

    Attributes:
        start: w at the nodes for w = 1 at a panel's start, f = 0.
        source: w at the nodes for f = 1 / (the panel's length) at one of them, w = 0 at the start.
    """

    start: Float[Array, "nodes panels"]
    source: Float[Array, "nodes nodes panels"]


def propagator(rate: Float[Array, "nodes panels"], length: Float[Array, " panels"]) -> Propagator:
    steps = jnp.asarray(_ANTIDERIVATIVE)[:, :, None] * jnp.ones_like(length)
    matrix = jnp.eye(NODES)[:, :, None] + steps * length * rate
    whole = jnp.concatenate([matrix, jnp.ones_like(rate)[:, None], steps], axis=1)

    def eliminate(k: Array, rows: Float[Array, "nodes columns panels"]):
        # No pivoting: the leading minors of a Radau matrix are positive.
        top = rows[k] / rows[k, k]
        rest = rows - rows[:, k][:, None] * top
        return jnp.where((jnp.arange(NODES) == k)[:, None, None], top, rest)

    solved = jax.lax.fori_loop(0, NODES, eliminate, whole)
    return Propagator(solved[:, NODES], solved[:, NODES + 1 :])


def solved(
    through: Propagator, source: Float[Array, "nodes panels"], start: Float[Array, ""]
) -> Float[Array, "nodes panels"]:
    """w at the nodes of all panels, from w at the start of the first; `source` is f × length."""
    own = jnp.sum(through.source * source, axis=1)

    def panel(value: Float[Array, ""], step: tuple[Float[Array, ""], Float[Array, ""]]):
        return step[0] * value + step[1], value

    _, starts = jax.lax.scan(panel, start, (through.start[-1], own[-1]))
    return own + through.start * starts


def end_weights(through: Propagator) -> tuple[Float[Array, "nodes panels"], Float[Array, ""]]:
    """What f × length at each node, and w at the very start, contribute to w at the very end."""
    factor = through.start[-1]
    after = jnp.cumprod(factor[::-1])[::-1]
    later = jnp.append(after[1:], 1.0)
    return through.source[-1] * later, after[0]


def tail(values: Float[Array, "nodes panels"]) -> Float[Array, ""]:
    """Largest of the two highest Legendre coefficients on any panel."""
    return jnp.max(jnp.abs(jnp.asarray(_COEFFICIENTS[-2:]) @ values))
