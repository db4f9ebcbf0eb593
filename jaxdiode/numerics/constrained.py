"""Ascent under equality constraints: coordinates along g = 0, and the way onto it.

    z(u) = z₀ + T u + N w,    g(z(u)) = 0,    df/du = Tᵀ(∇f − Jᵀ(JN)⁻ᵀNᵀ∇f)

with J the gradients of g, N its rows' directions at z₀ and T what is perpendicular to them: the
generalised reduced gradient (Abadie and Carpentier, in Optimization, ed. Fletcher (1969)). A climb
in u is one without constraints. Multipliers would be wrong on a ridge of f, where ∇f is that of one
side. f and every g are in units of their own typical slope: no unit of the user's enters.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

PENALTY = 10.0  # what a distance from the constraints costs where none is met


class Terms(NamedTuple):
    """f and the g of one point with their gradients: f first."""

    values: Float[Array, " terms"]
    slopes: Float[Array, "terms n"]


class Chart(NamedTuple):
    """z₀, T and N."""

    base: Float[Array, " n"]
    along: Float[Array, "n free"]
    across: Float[Array, "n constraints"]

    def place(self, u: Float[Array, " free"], w: Float[Array, " constraints"]) -> Array:
        """z of u and w."""
        return self.base + self.along @ u + self.across @ w


def chart_at(point: Float[Array, " n"], terms: Terms) -> tuple[Chart, Float[Array, " free"]]:
    """A chart around a point, and the u of that point; without constraints u is the point."""
    count, size = terms.slopes.shape[0] - 1, point.size
    if not count:
        return Chart(jnp.zeros(size), jnp.eye(size), jnp.zeros((size, 0))), point
    directions = jnp.linalg.qr(terms.slopes[1:].T, mode="complete")[0]
    chart = Chart(point, directions[:, count:], directions[:, :count])
    return chart, jnp.zeros(size - count)


def reduced_gradient(chart: Chart, terms: Terms) -> Float[Array, " free"]:
    """df/du."""
    slope, across = terms.slopes[0], terms.slopes[1:]
    if across.shape[0]:
        normal = across @ chart.across
        slope = slope - across.T @ jnp.linalg.solve(normal.T, chart.across.T @ slope)
    return chart.along.T @ slope


def typical_slopes(terms: Terms) -> Float[Array, " terms"]:
    """Units of f and g from the lanes of a batch: the middle one of their gradients' lengths."""
    length = jnp.linalg.norm(terms.slopes, axis=-1)
    typical = jnp.nanmedian(jnp.where(length > 0, length, jnp.nan), axis=0)
    return jnp.where(typical > 0, typical, 1.0)


def penalised(terms: Terms) -> tuple[Float[Array, ""], Float[Array, " n"]]:
    """f − ½ρ|g|² and its gradient: what a search for basins may follow."""
    off = terms.values[1:]
    value = terms.values[0] - 0.5 * PENALTY * off @ off
    return value, terms.slopes[0] - PENALTY * off @ terms.slopes[1:]


def ranking(terms: Terms) -> Float[Array, ""]:
    """By which points of different climbs are compared: f less a price of the distance."""
    return terms.values[0] - PENALTY * jnp.sum(jnp.abs(terms.values[1:]))


def distance(terms: Terms) -> Float[Array, ""]:
    """Largest |g|; infinite where f is not known."""
    far = jnp.max(jnp.abs(terms.values[1:]), initial=0.0)
    return jnp.where(jnp.isfinite(terms.values[0]), far, jnp.inf)


def restored(point: Float[Array, " n"], terms: Terms) -> Float[Array, " n"]:
    """One Newton step of least length towards g = 0."""
    across = terms.slopes[1:]
    return point - jnp.linalg.pinv(across) @ terms.values[1:]


def closer(one: tuple[Array, Terms], other: tuple[Array, Terms]) -> tuple[Array, Terms]:
    """Of two points the one whose constraints are met better."""
    better = distance(other[1]) < distance(one[1])
    return jax.tree.map(lambda x, y: jnp.where(better, y, x), one, other)
