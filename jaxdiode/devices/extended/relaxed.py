"""Where static states of a long junction lie: many starts relaxed side by side on a coarse grid."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...core.device import AbstractPhaseBiased

Scalar = Float[Array, ""]
Points = Float[Array, " points"]
Lanes = Float[Array, "points lanes"]

APART = 0.05  # radians between two states
_SLOPES = 6
_PHASES = 3  # of a start
_POINTS = 64  # more of them: more slopes and candidates
_CANDIDATES = 4
_ROUNDS = 30
_SOLVED = 1e-5  # radians: of a last step of Newton's


class Coarse(NamedTuple):
    """Central differences at evenly spaced points, the first and last on the edges.

    Attributes:
        mass: w, the share of the length that each has.
        weight: w p/i₀ of each.
        tilt: h x.
        bias: b.
    """

    relation: AbstractPhaseBiased
    mass: Points
    weight: Points
    tilt: Points
    bias: Points

    @property
    def place(self) -> Points:
        """x/L, −½ to ½."""
        return jnp.linspace(-0.5, 0.5, self.mass.size)

    @property
    def length(self) -> Scalar:
        return jnp.sum(self.mass)


def relaxed(
    coarse: Coarse, start: Lanes, current: Float[Array, " lanes"]
) -> tuple[Lanes, Bool[Array, " lanes"]]:
    """The states that starts flow downhill to, and whether these are stable states of rest."""
    points = start.shape[0]
    side = (points - 1) / coarse.length
    links = np.full(points, 2.0)
    links[[0, -1]] = 1.0
    weight, push = coarse.weight[:, None], coarse.bias[:, None] * current
    tilt = coarse.tilt[:, None]

    def force(phase: Lanes) -> tuple[Lanes, Lanes]:
        value, slope = jax.jvp(coarse.relation.current, (phase,), (jnp.ones_like(phase),))
        steps = jnp.diff(phase - tilt, axis=0)
        flow = side * jnp.diff(jnp.pad(steps, ((1, 1), (0, 0))), axis=0)
        return weight * value - push - flow, side * links[:, None] + weight * slope

    def one(k: Array, phase: Lanes) -> Lanes:
        out, diagonal = force(phase)
        rate = coarse.mass[:, None] * 2.0 / (0.5 * 1.7 ** k.astype(float))
        change, _ = solved(diagonal + rate, -side, -out)
        part = jnp.minimum(1.0, 1.0 / jnp.maximum(jnp.max(jnp.abs(change), axis=0), 1e-300))
        return phase + part * change

    phase = jax.lax.fori_loop(0, _ROUNDS, one, start)
    out, diagonal = force(phase)
    change, positive = solved(diagonal, -side, out)
    return phase, positive & (jnp.max(jnp.abs(change), axis=0) < _SOLVED)


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


def starts(coarse: Coarse, resolution: int) -> Lanes:
    """Straight lines of different slope and phase."""
    slopes = _SLOPES if resolution <= _POINTS else resolution // 8
    flux = 0.5 * (coarse.tilt[-1] - coarse.tilt[0]) / jnp.pi
    turns = jnp.where(flux < 0, -1.0, 1.0) * jnp.linspace(-1.0, jnp.abs(flux) + 1.5, slopes)
    offset = 2 * jnp.pi / _PHASES * jnp.arange(_PHASES, dtype=float)
    lines = 2 * jnp.pi * coarse.place[:, None, None] * turns[:, None] + offset
    return lines.reshape(coarse.mass.size, -1)


def candidates(resolution: int) -> int:
    """How many states are worth a look."""
    return _CANDIDATES if resolution <= _POINTS else 2 * _CANDIDATES


def apart(phase: Lanes, one: Points) -> tuple[Float[Array, " lanes"], Float[Array, " lanes"]]:
    """How much states differ from one across the junction, and in its middle but for turns."""
    half = one.size // 2
    middle = phase[half] - one[half]
    across = phase[-1] - phase[0] - (one[-1] - one[0])
    return jnp.abs(across), jnp.abs(jnp.mod(middle + jnp.pi, 2 * jnp.pi) - jnp.pi)


def is_same(phase: Lanes, one: Points) -> Bool[Array, " lanes"]:
    """Which lanes are one state."""
    across, middle = apart(phase, one)
    return (across < APART) & (middle < APART)
