"""Cubic splines of a periodic relation, solved for once."""

import equinox as eqx
import interpax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._checks import Numbers
from ...core.device import Relation


class SplineRelation(Relation):
    """I(φ) by one cubic a cell, solved for once.

    Attributes:
        starts: where the cells begin, over one period.
        coefficients: of each cell, the highest power of φ − start first.
        turns, widths: jumps and corners.
        largest: size of the largest entry of the table.
        code: `Status` of the table.
        finest: samples of a period that its closest rows ask for.
    """

    starts: Float[Array, " n"]
    coefficients: Float[Array, "4 n"]
    turns: Float[Array, " k"]
    widths: Float[Array, " k"]
    largest: Float[Array, ""]
    code: Int[Array, ""]
    finest: int = eqx.field(static=True)

    def __init__(
        self,
        starts: Numbers,
        coefficients: Numbers,
        turns: Numbers,
        widths: Numbers,
        largest: Numbers,
        code: Numbers,
        finest: int = 64,
    ):
        self.starts, self.coefficients = jnp.asarray(starts), jnp.asarray(coefficients)
        self.turns, self.widths = jnp.asarray(turns, float), jnp.asarray(widths, float)
        self.largest, self.code = jnp.asarray(largest), jnp.asarray(code)
        self.finest = finest

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        phase = jnp.asarray(phase)
        periods = jnp.floor((phase - self.starts[0]) / (2 * jnp.pi))
        return value_of(self.starts, self.coefficients, phase - 2 * jnp.pi * periods)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        return self.turns, self.widths

    def samples_per_period(self) -> int:
        return max(64, self.starts.size + 1, self.finest)

    def magnitude(self) -> Float[Array, ""]:
        return self.largest

    def status(self) -> Int[Array, ""]:
        return self.code


def spline(x, y, ends):
    """Coefficients (4, cells, …)."""
    with jax.numpy_dtype_promotion("standard"):  # interpax mixes integers with floats
        return interpax.CubicSpline(x, y, bc_type=ends, check=False).c


def value_of(starts, coefficients, at):
    cell = jnp.clip(jnp.searchsorted(starts, at, side="right") - 1, 0, starts.size - 1)
    t = at - starts[cell]
    a, b, c, d = (coefficients[k][cell] for k in range(4))
    return ((a * t + b) * t + c) * t + d
