"""A static state followed as the bias grows, to where it ends."""

import enum
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ..numerics.dense import bordered, inverse
from .relations import Wells
from .statics import Bias, PerJunction, Scalar, State, Statics

_FIRST, _LONGEST, _SHORTEST = 0.05, 0.4, 1e-10  # of the arc length
_NEAR_FOLD = 1e-5  # steps on which a fold's bias is known to their square
_MOST = 600  # steps
_TURN = 0.95  # cosine between tangents of one step
BESIDE = 1e-12  # radians before a jump


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
        _, _, end, k = state
        return (end < 0) & (k < _MOST)

    def advance(state):
        point, (step, block, found), _, k = state
        over = (point.p + step * point.tp - target) >= 0
        new, fine, slope = correct(statics, windings, bias, point, step, over, target)
        along = new.tz @ statics.measured(point.tz) + new.tp * point.tp
        fine = fine & (along > _TURN)
        # A step across a jump need not converge: where it was to go tells of the jump.
        tried = jnp.where(fine, new.z, point.z + step * point.tz)
        part, *wall = walls_crossed(statics, wells, windings, point.z, tried)
        # What a step runs into: shorter ones then lead up to it.
        meets = jnp.where(statics.is_stable(slope), -1, End.BRANCH)
        meets = jnp.where(new.tp <= 0, End.FOLD, meets)
        meets = jnp.where(fine, meets, -1)
        meets = jnp.where(part < jnp.inf, End.WALL, meets).astype(jnp.int32)
        moves = fine & (meets < 0)
        block = jnp.where(meets >= 0, meets, block)
        found = jax.tree.map(lambda a, b: jnp.where(meets == End.WALL, b, a), found, tuple(wall))
        longer = jnp.where((along > 0.99) & (block < 0), 1.6, 1.0)
        longer = jnp.minimum(longer * step, _LONGEST)
        step = jnp.where(moves, longer, step / jnp.where(meets >= 0, 4.0, 3.0))
        last = step < jnp.where(block == End.FOLD, _NEAR_FOLD, _SHORTEST)
        end = jnp.where(last, jnp.where(block >= 0, block, End.LOST), -1)
        end = jnp.where(moves & over, End.REACHED, end).astype(jnp.int32)
        point = jax.tree.map(lambda a, b: jnp.where(moves, b, a), point, new)
        return point, (step, block, found), end, k + 1

    no = jnp.asarray(-1, jnp.int32)
    nothing = jnp.zeros((), int), jnp.zeros(()), jnp.zeros(())
    first = start, (jnp.asarray(_FIRST), no, nothing), no, 0
    point, (_, _, wall), end, _ = jax.lax.while_loop(unfinished, advance, first)
    end = jnp.where(end < 0, End.LOST, end).astype(jnp.int32)
    return Climb(end, point.z, point.p, point.tz, *wall)


def at_fold(z: State, p: Scalar, tz: State) -> Climb:
    """A climb that is at a fold already, as far as one knows."""
    zero = jnp.zeros(())
    return Climb(jnp.asarray(End.FOLD, jnp.int32), z, p, tz, jnp.zeros((), int), zero, zero)


def first_tangent(
    statics: Statics, z: State, windings: PerJunction, bias: Bias
) -> tuple[State, Scalar]:
    along = inverse(statics.matrix(statics.slope(z, windings))) @ statics.pushed(bias)
    size = jnp.sqrt(along @ statics.measured(along) + 1.0)
    return along / size, 1 / size


def correct(
    statics: Statics,
    windings: PerJunction,
    bias: Bias,
    point: Point,
    step: Scalar,
    over: Bool[Array, ""],
    target: Scalar,
) -> tuple[Point, Bool[Array, ""], PerJunction]:
    """The branch's point a step ahead, or at the target where that would lie beyond it."""
    part = jnp.where(over, (target - point.p) / jnp.where(point.tp == 0, 1.0, point.tp), step)
    length = jnp.where(over, target - point.p, step)
    measured = statics.measured(point.tz)
    row = jnp.where(over, 0.0, measured)
    corner = jnp.where(over, 1.0, point.tp)
    pushed = statics.pushed(bias)
    size = statics.unknowns + 1

    def newton(state):
        z, p, _, _, _, k = state
        value, slope = statics.evaluate(z, windings, p, bias)
        miss = row @ (z - point.z) + corner * (p - point.p) - length
        inverted = inverse(bordered(statics.matrix(slope), -pushed, row, corner))
        change = -inverted @ jnp.concatenate([value, miss[None]])
        change_of = jnp.max(jnp.abs(change))
        return z + change[:-1], p + change[-1], inverted[:, -1], slope, change_of, k + 1

    def unfinished(state):
        *_, change, k = state
        return (change > 1e-11) & (k < 7) & (change < 1.0)

    z, p = point.z + part * point.tz, point.p + part * point.tp
    first = z, p, jnp.zeros(size), jnp.zeros_like(statics.offset), jnp.asarray(0.5), 0
    z, p, tangent, slope, change, _ = jax.lax.while_loop(unfinished, newton, first)
    square = tangent[:-1] @ statics.measured(tangent[:-1]) + tangent[-1] ** 2
    tangent = tangent / jnp.sqrt(square)
    tangent = tangent * jnp.sign(tangent[:-1] @ measured + tangent[-1] * point.tp)
    return Point(z, p, tangent[:-1], tangent[-1]), change < 1e-7, slope


def walls_crossed(
    statics: Statics, wells: Wells, windings: PerJunction, old: State, new: State
) -> tuple[Scalar, Int[Array, ""], Scalar, Scalar]:
    """(part of the step, junction, phase of the wall, side) of the first wall on a step."""
    begin, finish = (statics.turned_phases(x, windings) for x in (old, new))
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


def wall_row(statics: Statics, junction: Int[Array, ""]) -> State:
    """∂θ_j/∂z."""
    column = jnp.asarray(statics.graph.of_junctions)[:, junction]
    return jnp.concatenate([column, jnp.zeros(len(statics.graph.inductors))])
