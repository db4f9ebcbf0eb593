"""Where static states of a long junction lie: many starts relaxed side by side on a coarse grid."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...core.device import AbstractPhaseBiased

Scalar = Float[Array, ""]
Lanes = Float[Array, "points lanes"]

LEVELS = 24  # of the current
PHASES = 3  # of a start
_ROUNDS = 30
_SOLVED = 1e-8


class Coarse(NamedTuple):
    """Central differences at evenly spaced points, the first and last on the edges.

    Attributes:
        spacing: of the points.
        mass: w, the share of the length that each has.
        weight: w p of each.
        field, bias: h c and b.
    """

    relation: AbstractPhaseBiased
    spacing: Scalar
    mass: Float[Array, " points"]
    weight: Float[Array, " points"]
    field: Float[Array, " points"]
    bias: Float[Array, " points"]


def relaxed(
    coarse: Coarse, start: Lanes, current: Float[Array, " lanes"]
) -> tuple[Lanes, Bool[Array, " lanes"]]:
    """The states that starts flow downhill to, and whether these are stable states of rest."""
    side = 1 / coarse.spacing
    points = start.shape[0]
    links = np.full(points, 2.0)
    links[[0, -1]] = 1.0
    weight, push = coarse.weight[:, None], coarse.field[:, None] + coarse.bias[:, None] * current

    def force(phase: Lanes) -> tuple[Lanes, Lanes]:
        value, slope = jax.jvp(coarse.relation.current, (phase,), (jnp.ones_like(phase),))
        around = jnp.concatenate([phase[1:], phase[-1:]]) - phase
        around = around + jnp.concatenate([phase[:1], phase[:-1]]) - phase
        flow = -side * around
        return flow + weight * value - push, side * links[:, None] + weight * slope

    def one(k: Array, phase: Lanes) -> Lanes:
        out, diagonal = force(phase)
        rate = coarse.mass[:, None] * 2.0 / (0.5 * 1.7 ** k.astype(float))
        change, _ = solved(diagonal + rate, -side, -out)
        part = jnp.minimum(1.0, 1.0 / jnp.maximum(jnp.max(jnp.abs(change), axis=0), 1e-300))
        return phase + part * change

    phase = jax.lax.fori_loop(0, _ROUNDS, one, start)
    out, diagonal = force(phase)
    _, positive = solved(diagonal, -side, out)
    rests = jnp.max(jnp.abs(out / coarse.mass[:, None]), axis=0) < _SOLVED
    return phase, rests & positive


def solved(diagonal: Lanes, side: Scalar, right: Lanes) -> tuple[Lanes, Bool[Array, " lanes"]]:
    """A symmetric tridiagonal system of every lane, and whether its matrix is positive definite."""

    def down(last: tuple[Array, Array, Array], row: tuple[Array, Array]):
        pivot, value, positive = last
        factor = side / pivot
        pivot, value = row[0] - factor * side, row[1] - factor * value
        return (pivot, value, positive & (pivot > 0)), (pivot, value)

    first = diagonal[0], right[0], diagonal[0] > 0
    (*_, positive), (pivots, values) = jax.lax.scan(down, first, (diagonal[1:], right[1:]))
    pivots = jnp.concatenate([diagonal[:1], pivots])
    values = jnp.concatenate([right[:1], values])

    def up(after: Array, row: tuple[Array, Array]):
        pivot, value = row
        x = (value - side * after) / pivot
        return x, x

    last = values[-1] / pivots[-1]
    _, before = jax.lax.scan(up, last, (pivots[:-1], values[:-1]), reverse=True)
    return jnp.concatenate([before, last[None]]), positive
