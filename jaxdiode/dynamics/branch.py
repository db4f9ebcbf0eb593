"""A branch of periodic orbits of one phase, followed by shooting to its fold or down from it.

A period takes (x, v) at a bias i to P(x, v; i). Orbits P = (x, v) lie on a curve in (x, v, i) along
the null vector t of (M − 1, ∂P/∂i), M the monodromy: with t = the cross product of the two rows
its share of i is det(1 − M), positive where no multiplier is beyond 1, and changes sign at folds,
through which the curve runs smoothly. det(1 + M) tells of period doublings on the way.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..numerics.oscillator import advance, packed, rk4

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]
State = Float[Array, "3"]  # x, v, i
Force = Callable[[Scalar, Scalar, Scalar, Scalar], Scalar]  # (τ, x, v, i) → φ''

_ACCURATE = 3e-3  # correction after which a point is on the curve, to its square
_AIM = 5e-4  # of a prediction
_FIRST, _LONGEST, _SHORTEST = 0.05, 0.3, 1e-3  # steps along the curve
_TRIES = 3
_MOST = 80  # shootings
_CURVED = 0.1  # of det(1 + M) along the curve at least, in units of 1 + T²
_FLAT = 0.02  # share of the bias in a tangent that may be a fold's
_AWAY = 0.1  # radians from a fold, in the direction in which the phase leaves
_BACK = 0.02  # radians that it may go back by in a period
_NEAR = 0.3  # radians from the next image of the fold's orbit
_LIMIT = 40.0  # relaxation times within which it is there


class Periodic(NamedTuple):
    """Motion that is asked for orbits.

    Attributes:
        force: φ'' at a time, in units in which it and the phase's own times are of order 1.
        period: of the orbit.
        steps: of the integration, in one period.
        turned: phase that an orbit advances by in one period, 2πn.
        determinant: of the monodromy, e^{−βT}.
    """

    force: Force
    period: Scalar
    steps: Scalar
    turned: Scalar
    determinant: Scalar

    def at(self, bias: Scalar) -> Callable:
        return lambda time, x, v: self.force(time, x, v, bias)

    def shoot(self, state: State) -> tuple[Float[Array, "2"], Float[Array, "2 3"]]:
        """By how much a state misses itself after a period, and (M − 1, ∂P/∂i)."""
        size = self.period / self.steps
        bias = state[2]

        def body(k: Array, held: Array):
            x, v, *columns = held
            time = size * jnp.asarray(k, float)

            def one(x, v, bias):
                return rk4(self.at(bias), time, x, v, size)

            after, push = jax.linearize(one, x, v, bias)
            for column in range(3):  # ∂/∂x, ∂/∂v, ∂/∂i
                after += push(*columns[2 * column :][:2], jnp.asarray(float(column == 2)))
            return packed(after)

        begin = packed([*state[:2], *jnp.eye(3, 2).ravel()])
        found = jax.lax.fori_loop(0, self.steps.astype(int), body, begin)
        (x, v), rows = found[:2], found[2:].reshape(3, 2).T
        miss = jnp.stack([x - self.turned - state[0], v - state[1]])
        return miss, rows - jnp.eye(2, 3)

    def path(self, state: State, points: int) -> Samples:
        """u = φ − nθ/m at equidistant times of a period from a state."""
        between = jnp.ceil(self.steps / points)
        size = self.period / (points * between)

        def one(held: tuple[Scalar, Scalar], k: Array):
            x, v = held
            begin = size * between * k
            return advance(self.at(state[2]), begin, x, v, size, between.astype(int)), x

        part = jnp.arange(points, dtype=float)
        _, found = jax.lax.scan(one, (state[0], state[1]), part)
        return found - self.turned * part / points


class Point(NamedTuple):
    """A point of the curve.

    Attributes:
        state: x, v, i.
        tangent: of length 1.
        margin: det(1 + M).
        bend: its second derivative along the curve, as far as is known.
    """

    state: State
    tangent: State
    margin: Scalar
    bend: Scalar


class _Walk(NamedTuple):
    first: Point
    before: Point
    last: Point
    target: State  # where the next shooting begins
    size: Scalar  # of the step to it, along the curve
    reach: Scalar  # of the step before
    tries: Int[Array, ""]
    points: Int[Array, ""]
    shots: Int[Array, ""]
    ended: Bool[Array, ""]
    failed: Bool[Array, ""]


class Followed(NamedTuple):
    """The first and the last two points, and whether all from first to last are stable."""

    first: Point
    before: Point
    last: Point
    good: Bool[Array, ""]
    shots: Int[Array, ""]


def follow(
    motion: Periodic,
    start: State,
    end: Callable[[Point], Bool[Array, ""]],
    *,
    way: float = 1.0,
) -> Followed:
    """The branch from near a state until `end`, way = −1: in the other sense of the tangent.

    With the tangent the bias grows as long as no multiplier is beyond 1. Steps are so short that
    det(1 + M) does not dip below 0 and rise again unseen between two points.
    """

    def unfinished(walk: _Walk):
        return ~walk.ended & ~walk.failed & (walk.shots < _MOST)

    def step(walk: _Walk) -> _Walk:
        found, off = _corrected(motion, walk.target)
        first = walk.points == 0
        found = found._replace(bend=jnp.where(walk.points > 1, _bend(walk, found), 0.0))
        curved = _CURVED * (1 + motion.period**2) + 2 * jnp.maximum(walk.last.bend, found.bend)
        least = jnp.minimum(walk.last.margin, found.margin)
        seen = first | (curved * walk.size**2 / 8 < least)
        onto = (off < _ACCURATE) & (seen | (found.margin <= 0))
        lost = ~onto & ((off < _ACCURATE) | ~(off < 0.5) | (walk.tries >= _TRIES))
        grown = jnp.where(first, 1.0, jnp.clip(jnp.cbrt(_AIM / jnp.maximum(off, 1e-9)), 0.5, 2.0))
        size = jnp.where(onto, grown * walk.size, jnp.where(lost, walk.size / 3, walk.size))
        allowed = 2 * jnp.sqrt(jnp.maximum(found.margin, 0.0) / curved)
        size = jnp.where(onto, jnp.minimum(jnp.minimum(size, allowed), _LONGEST), size)
        here, behind, begin = (
            jax.tree.map(lambda x, y, c=condition: jnp.where(c, x, y), one, other)
            for condition, one, other in (
                (onto, found, walk.last),
                (onto & ~first, walk.last, walk.before),
                (onto & first, found, walk.first),
            )
        )
        reach = jnp.where(onto, walk.size, walk.reach)
        points = walk.points + jnp.where(onto, 1, 0)
        # To second order by the last two tangents.
        known = jnp.where(points > 1, size / (2 * reach), 0.0)
        ahead = here.tangent + known * (here.tangent - behind.tangent)
        unstable = found.margin <= 0
        if way < 0:
            unstable = unstable | (~first & (found.tangent[2] < -_FLAT))
        return _Walk(
            first=begin,
            before=behind,
            last=here,
            target=jnp.where(onto | lost, here.state + way * size * ahead, found.state),
            size=size,
            reach=reach,
            tries=jnp.where(onto | lost, 0, walk.tries + 1),
            points=points,
            shots=walk.shots + 1,
            ended=onto & ~first & end(found),
            failed=(onto & unstable) | (lost & (first | (size < _SHORTEST))),
        )

    zero, none, no, begun = jnp.zeros(()), jnp.zeros((), int), jnp.zeros((), bool), jnp.ones(())
    nothing = Point(start, jnp.zeros(3), begun, zero)
    begin = _Walk(
        nothing, nothing, nothing, start, _FIRST * begun, _FIRST * begun, none, none, none, no, no
    )
    walk = jax.lax.while_loop(unfinished, step, begin)
    return Followed(walk.first, walk.before, walk.last, walk.ended & ~walk.failed, walk.shots)


def _corrected(motion: Periodic, state: State) -> tuple[Point, Scalar]:
    """The point of the curve next to a state, to the square of its distance, and that."""
    miss, rows = motion.shoot(state)
    normal = jnp.cross(rows[0], rows[1])
    square = normal @ normal
    across = jnp.cross(miss[1] * rows[0] - miss[0] * rows[1], normal) / square
    margin = 3 + rows[0, 0] + rows[1, 1] + motion.determinant
    point = Point(state + across, normal / jnp.sqrt(square), margin, jnp.zeros(()))
    return point, jnp.max(jnp.abs(across))


def _bend(walk: _Walk, found: Point) -> Scalar:
    """|second derivative| of det(1 + M) through the last three points."""
    rise = (found.margin - walk.last.margin) / walk.size
    before = (walk.last.margin - walk.before.margin) / walk.reach
    return 2 * jnp.abs(rise - before) / (walk.size + walk.reach)


def folds(point: Point) -> Bool[Array, ""]:
    """The curve has turned back."""
    return point.tangent[2] <= 0


def turning_point(followed: Followed) -> State:
    """The fold between the last two points, by cubic interpolation."""
    one, two = followed.before, followed.last
    rise, fall = one.tangent[2], two.tangent[2]
    share = rise / (rise - fall)
    size = jnp.linalg.norm(two.state - one.state)
    s, c = share, 1 - share
    ends = c**2 * (1 + 2 * s) * one.state + s**2 * (1 + 2 * c) * two.state
    return ends + size * s * c * (c * one.tangent - s * two.tangent)


def leaves_at_once(
    motion: Periodic, state: State, null: Float[Array, "2"], relaxation: Scalar, past: Scalar
) -> Bool[Array, ""]:
    """Whether past a fold the phase comes straight to the next image of the orbit that ended there.

    Past a fold nothing is at rest near it, so that the phase leaves in the direction of the neutral
    perturbation, `null` of length 1: from some way along it, which is most of the time it takes.
    False says only that it is not there soon, or moves to and fro: another orbit may hold it then.
    """
    start = state + jnp.concatenate([_AWAY * null, past[None]])
    size = motion.period / motion.steps
    sense = jnp.sign(null[0])

    def waiting(held: tuple):
        _, _, ahead, k, back = held
        return (ahead < 2 * jnp.pi - _NEAR) & (k < _LIMIT * relaxation / motion.period) & ~back

    def one(held: tuple):
        x, v, before, k, _ = held
        x, v = advance(motion.at(start[2]), 0.0, x, v, size, motion.steps.astype(int))
        x = x - motion.turned
        ahead = sense * (x - state[0])
        return x, v, ahead, k + 1, ~(ahead > before - _BACK) | (ahead < 0)

    ahead = sense * (start[0] - state[0])
    begin = start[0], start[1], ahead, 0.0, jnp.zeros((), bool)
    _, _, ahead, _, back = jax.lax.while_loop(waiting, one, begin)
    return (ahead >= 2 * jnp.pi - _NEAR) & ~back
