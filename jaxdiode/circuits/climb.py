"""A static state followed as the bias grows, to where it ends."""

import enum
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..numerics.dense import inverse
from .relations import Wells
from .statics import Bias, PerJunction, Scalar, State, Statics

_FIRST, _LONGEST, _SHORTEST = 0.05, 0.4, 1e-9  # of the arc length
_MOST = 600  # steps
_TURN = 0.95  # cosine between tangents of one step
BESIDE = 1e-12  # radians before a jump
_BISECTIONS = 40


class End(enum.IntEnum):
    """What became of a state."""

    REACHED = 0  # the bias that was asked for
    FOLD = 1
    WALL = 2  # a current that jumps, a link that slips
    BRANCH = 3  # instability without a fold
    LOST = 4


class Climb(NamedTuple):
    """The last point of a branch.

    Attributes:
        end: `End`.
        state, bias: z and p there.
        direction: tangent dz per arc length (at a fold the neutral perturbation).
        junction, wall: which junction meets a wall, and the phase there.
        side: +1 where it comes from below.
    """

    end: Int[Array, ""]
    state: State
    bias: Scalar
    direction: State
    junction: Int[Array, ""]
    wall: Scalar
    side: Scalar


class Point(NamedTuple):
    """z, p and the unit tangent of a branch."""

    z: State
    p: Scalar
    tz: State
    tp: Scalar


def climb(
    statics: Statics,
    wells: Wells,
    z: State,
    windings: PerJunction,
    p: Scalar,
    bias: Bias,
    target: Scalar,
) -> Climb:
    """From a stable state at p up to the target, or to where it ends (by arc length)."""
    start = Point(z, p, *first_tangent(statics, z, windings, bias))

    def unfinished(state):
        _, _, step, end, k = state
        return (end < 0) & (k < _MOST) & (step > _SHORTEST)

    def advance(state):
        point, _, step, end, k = state
        over = (point.p + step * point.tp - target) >= 0
        new, fine, slope = correct(statics, windings, bias, point, step, over, target)
        along = new.tz @ point.tz + new.tp * point.tp
        fine = fine & (over | (along > _TURN))
        crossed = walls_crossed(statics, wells, windings, point.z, new.z)[0] < jnp.inf
        turned = new.tp <= 0
        unstable = ~statics.is_stable(slope)
        kind = jnp.where(over & ~crossed & ~unstable & ~turned, End.REACHED, -1)
        kind = jnp.where(unstable & ~turned, End.BRANCH, kind)
        kind = jnp.where(turned, End.FOLD, kind)
        kind = jnp.where(crossed, End.WALL, kind)
        end = jnp.where(fine, kind, -1).astype(jnp.int32)
        moves = fine & (end < 0)
        last = jax.tree.map(lambda a, b: jnp.where(fine & (end >= 0), b, a), point, new)
        kept = jax.tree.map(lambda a, b: jnp.where(moves, b, a), point, new)
        longer = jnp.where(along > 0.99, 1.6, 1.0)
        step = jnp.where(fine, jnp.minimum(longer * step, _LONGEST), step / 3)
        return kept, last, step, end, k + 1

    first = start, start, jnp.asarray(_FIRST), jnp.asarray(-1, jnp.int32), 0
    before, after, _, end, _ = jax.lax.while_loop(unfinished, advance, first)
    end = jnp.where(end < 0, End.LOST, end).astype(jnp.int32)
    return _located(statics, wells, windings, bias, before, after, end)


def _located(
    statics: Statics, wells: Wells, windings: PerJunction, bias: Bias, before: Point,
    after: Point, end: Int[Array, ""],
) -> Climb:
    """The end between two points of a branch, near enough for Newton's method."""
    _, junction, wall, side = walls_crossed(statics, wells, windings, before.z, after.z)

    def reached():
        return after

    def fold():
        part = before.tp / jnp.where(before.tp == after.tp, 1.0, before.tp - after.tp)
        part = jnp.clip(part, 0.0, 1.0)
        return jax.tree.map(lambda a, b: a + part * (b - a), before, after)

    def wall_met():
        beside = side * BESIDE * jnp.asarray(wells.periodic, float)[junction]
        return _at_wall(statics, windings, bias, before, junction, wall - beside)

    def branch():
        return bisected(statics, windings, bias, before, _distance(before, after))

    point = jax.lax.switch(jnp.minimum(end, 3), [reached, fold, wall_met, branch])
    return Climb(end, point.z, point.p, point.tz, junction, wall, side)


def bisected(
    statics: Statics, windings: PerJunction, bias: Bias, before: Point, length: Scalar
) -> Point:
    """The last stable point within an arc length."""

    def halve(_: Array, ends):
        low, high, best = ends
        middle = (low + high) / 2
        new, fine, slope = correct(
            statics, windings, bias, before, middle, jnp.zeros((), bool), before.p
        )
        good = fine & statics.is_stable(slope) & (new.tp > 0)
        best = jax.tree.map(lambda a, b: jnp.where(good, b, a), best, new)
        return jnp.where(good, middle, low), jnp.where(good, high, middle), best

    return jax.lax.fori_loop(0, _BISECTIONS, halve, (jnp.zeros(()), length, before))[2]


def _distance(before: Point, after: Point) -> Scalar:
    gap = after.z - before.z
    return jnp.sqrt(gap @ gap + (after.p - before.p) ** 2)


def first_tangent(
    statics: Statics, z: State, windings: PerJunction, bias: Bias
) -> tuple[State, Scalar]:
    slope = statics.relations.with_slope(statics.phases(z) - 2 * jnp.pi * windings)[1]
    along = inverse(statics.matrix(slope)) @ statics.pushed(bias)
    size = jnp.sqrt(along @ along + 1.0)
    return along / size, 1 / size


def bordered(matrix: Array, column: Array, row: Array, corner: Scalar) -> Array:
    upper = jnp.concatenate([matrix, column[:, None]], axis=1)
    return jnp.concatenate([upper, jnp.concatenate([row, corner[None]])[None]])


def correct(
    statics: Statics, windings: PerJunction, bias: Bias, point: Point, step: Scalar,
    over: Bool[Array, ""], target: Scalar,
) -> tuple[Point, Bool[Array, ""], PerJunction]:
    """The branch's point a step ahead, or at the target where that would lie beyond it."""
    part = jnp.where(over, (target - point.p) / jnp.where(point.tp == 0, 1.0, point.tp), step)
    row = jnp.where(over, 0.0, point.tz)
    corner = jnp.where(over, 1.0, point.tp)
    pushed = statics.pushed(bias)
    z, p = point.z + part * point.tz, point.p + part * point.tp

    def newton(state):
        z, p, _, k = state
        value, slope = statics.evaluate(z, windings, p, bias)
        miss = row @ (z - point.z) + corner * (p - point.p) - jnp.where(over, target - point.p, step)
        inverted = inverse(bordered(statics.matrix(slope), -pushed, row, corner))
        change = -inverted @ jnp.concatenate([value, miss[None]])
        return z + change[:-1], p + change[-1], jnp.max(jnp.abs(change)), k + 1

    def unfinished(state):
        *_, size, k = state
        return (size > 1e-11) & (k < 6) & (size < 1.0)

    z, p, size, _ = jax.lax.while_loop(unfinished, newton, (z, p, jnp.asarray(0.5), 0))
    slope = statics.relations.with_slope(statics.phases(z) - 2 * jnp.pi * windings)[1]
    inverted = inverse(bordered(statics.matrix(slope), -pushed, point.tz, point.tp))
    tangent = inverted[:, -1]
    tangent = tangent / jnp.sqrt(tangent @ tangent)
    return Point(z, p, tangent[:-1], tangent[-1]), size < 1e-7, slope


def walls_crossed(
    statics: Statics, wells: Wells, windings: PerJunction, old: State, new: State
) -> tuple[Scalar, Int[Array, ""], Scalar, Scalar]:
    """(part of the step, junction, phase of the wall, side) of the first wall on a step."""
    turn = 2 * jnp.pi * windings
    begin, finish = (statics.phases(x) - turn for x in (old, new))
    moved = (finish - begin)[:, None]
    side = jnp.where(moved >= 0, 1.0, -1.0)
    periodic = jnp.asarray(wells.periodic)[:, None]
    ahead = wells.walls - begin[:, None]
    again = jnp.mod(side * ahead - 1e-9, 2 * jnp.pi) + 1e-9  # the next one on the way
    distance = jnp.where(periodic, again, side * ahead)
    outward = periodic | (side * wells.walls > 0)
    part = distance / jnp.where(moved == 0, 1e-300, jnp.abs(moved))
    part = jnp.where(outward & jnp.isfinite(part) & (part <= 1.0), part, jnp.inf)
    if not part.size:
        nothing = jnp.zeros(())
        return jnp.asarray(jnp.inf), jnp.zeros((), int), nothing, nothing
    first = jnp.argmin(part)
    junction = first // part.shape[1]
    wall = begin[junction] + (side * distance).ravel()[first]
    return part.ravel()[first], junction, wall, side[junction, 0]


def _at_wall(
    statics: Statics, windings: PerJunction, bias: Bias, point: Point, junction: Int[Array, ""],
    phase: Scalar,
) -> Point:
    """The branch's point at which one junction has a phase."""
    row, turn = wall_row(statics, junction), 2 * jnp.pi * windings[junction]
    pushed = statics.pushed(bias)

    def newton(_: Array, state):
        z, p = state
        value, slope = statics.evaluate(z, windings, p, bias)
        miss = statics.phases(z)[junction] - turn - phase
        inverted = inverse(bordered(statics.matrix(slope), -pushed, row, jnp.zeros(())))
        change = -inverted @ jnp.concatenate([value, miss[None]])
        part = jnp.minimum(1.0, 0.5 / jnp.max(jnp.abs(change)))
        return z + part * change[:-1], p + part * change[-1]

    z, p = jax.lax.fori_loop(0, 12, newton, (point.z, point.p))
    return point._replace(z=z, p=p)


def wall_row(statics: Statics, junction: Int[Array, ""]) -> State:
    """∂θ_j/∂z."""
    column = jnp.asarray(statics.graph.of_junctions)[:, junction]
    return jnp.concatenate([column, jnp.zeros(len(statics.graph.inductors))])
