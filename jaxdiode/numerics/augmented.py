"""Ascent under equality constraints: the augmented Lagrangian, and the way back onto them.

    L = f − λ·g − ½ρ|g|²,    λ: ∇f ≈ λ·∇g, renewed where a climb on L has come to rest,

with f and every g in units of their own typical slope, so that no unit of the user's enters. Its
maximum is smooth across g = 0 where f and g are, and λ makes it lie there at a finite ρ (Hestenes,
J. Optim. Theory Appl. 4, 303 (1969)).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from . import ascent
from .ascent import Ascent

PENALTY = 10.0  # ρ at first, and what a distance from the constraints costs where points are ranked
_RAISE, _SLOW = 4.0, 0.25  # ρ grows by this where a renewal left more of |g| than that
_REST = 0.1  # of |g| is the gradient where a climb has come to rest
_LONGEST = 60  # evaluations until λ is renewed at the latest: on a ridge nothing comes to rest
_EXACT = 1e-14  # |g| that is as good as 0


class Terms(NamedTuple):
    """f and the g of one point with their gradients: f first."""

    values: Float[Array, " terms"]
    slopes: Float[Array, "terms n"]


class Multipliers(NamedTuple):
    """λ and ρ of one climb, and |g| when they were last renewed."""

    multiplier: Float[Array, " constraints"]
    penalty: float | Float[Array, ""]
    violation: float | Float[Array, ""]


class Constrained(NamedTuple):
    """State of one climb: on L, with f and g at `ascent.point`, evaluations since λ was renewed."""

    ascent: Ascent
    terms: Terms
    multipliers: Multipliers
    since: Int[Array, ""]


def typical_slopes(terms: Terms) -> Float[Array, " terms"]:
    """Units of f and g from the lanes of a batch: the middle one of their gradients' lengths."""
    length = jnp.linalg.norm(terms.slopes, axis=-1)
    typical = jnp.nanmedian(jnp.where(length > 0, length, jnp.nan), axis=0)
    return jnp.where(typical > 0, typical, 1.0)


def penalised(terms: Terms) -> tuple[Float[Array, ""], Float[Array, " n"]]:
    """f − ½ρ|g|² and its gradient: what a search for basins may follow, without multipliers."""
    return lagrangian(terms, Multipliers(jnp.zeros_like(terms.values[1:]), PENALTY, jnp.inf))


def lagrangian(terms: Terms, with_: Multipliers) -> tuple[Float[Array, ""], Float[Array, " n"]]:
    """L and its gradient."""
    off = terms.values[1:]
    pull = with_.multiplier + with_.penalty * off
    value = terms.values[0] - (with_.multiplier + 0.5 * with_.penalty * off) @ off
    return value, terms.slopes[0] - pull @ terms.slopes[1:]


def ranking(terms: Terms) -> Float[Array, ""]:
    """By which points of different climbs are compared: f less a price of the distance."""
    return terms.values[0] - PENALTY * jnp.sum(jnp.abs(terms.values[1:]))


def begin(point: Float[Array, " n"], terms: Terms) -> Constrained:
    multipliers = _renewed(terms, jnp.full((), PENALTY))
    start = ascent.begin(point, *lagrangian(terms, multipliers))
    return Constrained(start, terms, multipliers, jnp.zeros((), jnp.int32))


def update(state: Constrained, terms: Terms) -> Constrained:
    """Take in f and g at `state.ascent.trial`; without constraints this is `ascent.update`."""
    moved = ascent.update(state.ascent, *lagrangian(terms, state.multipliers))
    accepted = jnp.any(moved.point != state.ascent.point)
    here = jax.tree.map(lambda x, y: jnp.where(accepted, x, y), terms, state.terms)
    off = jnp.max(jnp.abs(here.values[1:]), initial=0.0)
    rested = accepted & (jnp.linalg.norm(moved.gradient) <= _REST * off)
    due = (rested | (state.since >= _LONGEST)) & (off > _EXACT)
    slow = rested & (off > _SLOW * state.multipliers.violation)
    following = _renewed(here, jnp.where(slow, _RAISE, 1.0) * state.multipliers.penalty)
    resumed = ascent.resume(moved, *lagrangian(here, following))
    moved, following = jax.tree.map(
        lambda x, y: jnp.where(due, x, y), (resumed, following), (moved, state.multipliers)
    )
    return Constrained(moved, here, following, jnp.where(due, 0, state.since + 1))


def restored(point: Float[Array, " n"], terms: Terms) -> Float[Array, " n"]:
    """One Newton step of least length towards g = 0."""
    across = terms.slopes[1:]
    return point - jnp.linalg.pinv(across) @ terms.values[1:]


def closer(one: tuple[Array, Terms], other: tuple[Array, Terms]) -> tuple[Array, Terms]:
    """Of two points the one whose constraints are met better."""

    def distance(terms: Terms):
        far = jnp.max(jnp.abs(terms.values[1:]), initial=0.0)
        return jnp.where(jnp.isfinite(terms.values[0]), far, jnp.inf)

    better = distance(other[1]) < distance(one[1])
    return jax.tree.map(lambda x, y: jnp.where(better, y, x), one, other)


def _renewed(terms: Terms, penalty: Float[Array, ""]) -> Multipliers:
    """λ that leaves least of the gradient; at rest that is λ + ρg."""
    across = terms.slopes[1:]
    violation = jnp.max(jnp.abs(terms.values[1:]), initial=0.0)
    return Multipliers(jnp.linalg.pinv(across).T @ terms.slopes[0], penalty, violation)
