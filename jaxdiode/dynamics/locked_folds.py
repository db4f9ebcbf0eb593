"""Upper edges of steps without capacitance, found at once and proven.

The equation is of first order, so that phases keep their order: where one phase gets ahead of a
lock by a turn, no phase is locked. A fold past which that happens is the edge.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..numerics import locking
from ..numerics.locking import LockedFold, find_locked_orbit
from ..numerics.orbits import MarginalOrbit, interpolate
from . import strobe
from .averages import guesses
from .strobe import Locked, restoring

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

RESOLVED = 3e-6  # largest tail of an orbit's spectrum; the edge's error is of its square
_WELL_RESOLVED = 1e-9  # of less, that of its gradient is rounding too
PAST = 3e-5  # of max|I|: past the edge nothing is locked
_BESIDE = 0.05  # largest distance from the orbit that ended, in radians, at which a phase starts
_PATIENCE = 1000.0  # time within which it is there again


class Edge(NamedTuple):
    """A fold, counted from the drive phase `problem.origin`, and whether it is the edge."""

    fold: LockedFold
    proven: Bool[Array, ""]


def direct_edge(problem: Locked, periods: Scalar, points: tuple[int, ...]) -> Edge:
    """The upper edge of one sign's problem, on as many points as its orbit needs."""
    rate = problem.drive.frequency / periods
    args = problem, periods, 1.0

    def newton(orbit: Samples, parameter: Scalar):
        found, good = find_locked_orbit(restoring, args, rate, orbit, parameter, turns=periods)
        return found, good, locking.tail(found)

    def better(best: tuple, each: tuple):
        orbit, height, real = each

        def found():
            one = newton(orbit, height)
            higher = one[1] & (~best[1] | (one[0].parameter > best[0].parameter))
            return jax.tree.map(lambda x, y: jnp.where(higher, x, y), one, best)

        return jax.lax.cond(real, found, lambda: best), None

    guess = guesses(problem, periods, None, points[0])
    nothing = jnp.zeros(points[0])
    best = MarginalOrbit(jnp.zeros(()), nothing, nothing), jnp.zeros((), bool), jnp.zeros(())
    best, _ = jax.lax.scan(better, best, tuple(guess))
    for size in points[1:]:
        finer = jax.tree.map(lambda x, n=size: x if x.ndim == 0 else interpolate(x, n), best[0])
        best = jax.lax.cond(
            best[1] & ~(best[2] < _WELL_RESOLVED),
            lambda seed=finer: newton(seed.orbit, seed.parameter),
            lambda seed=finer, state=best[1:]: (seed, *state),
        )
    found, good, tail = best
    good = good & (tail < RESOLVED)
    proven = jax.lax.cond(
        good, lambda: _gets_ahead(problem, periods, found), lambda: jnp.zeros((), bool)
    )
    return Edge(weighted(problem, periods, found), proven)


def weighted(problem: Locked, periods: Scalar, found: MarginalOrbit) -> LockedFold:
    rate = problem.drive.frequency / periods
    return locking.weighted(restoring, (problem, periods, 1.0), rate, found, turns=periods)


def _gets_ahead(problem: Locked, periods: Scalar, found: MarginalOrbit) -> Bool[Array, ""]:
    """Whether a phase that starts ahead of the orbit that ended comes up to it from behind."""
    bias = found.parameter + PAST + problem.turns * problem.drive.frequency / periods
    beside = _BESIDE * found.null[0] / jnp.max(found.null)
    goal = found.orbit[0] + 2 * jnp.pi - beside
    patience = _PATIENCE * problem.drive.frequency / (2 * jnp.pi * periods)
    later: Callable = strobe.later(problem, bias, periods)

    def waiting(held: tuple):
        return (held[0] < goal) & (held[1] < patience)

    def one(held: tuple):
        return later(held[0]), held[1] + 1

    x, _ = jax.lax.while_loop(waiting, one, (found.orbit[0] + beside, jnp.zeros(())))
    return x >= goal
