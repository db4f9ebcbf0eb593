"""Curves of static states over the bias, through their folds, unstable parts included."""

from collections.abc import Iterator
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .climb import Point, at_fold, correct, first_tangent, walls_crossed
from .ends import find_fold, is_marginal
from .relations import Wells
from .relax import convex_state, label, labels, largest_bias, settle
from .statics import Bias, Scalar, State, Statics

_LEVELS = 25  # of the bias, at which starts are looked for
_BATCH = 4  # flux states whose starts are looked for in one call
_HALVINGS = 8  # of the way between two points on both sides of a fold
_BESIDE = 0.02  # radians from a fold, where following its curve begins
_MOST = 3000  # points of a curve in one direction
_LONGEST, _SHORTEST, _TURN = 0.3, 1e-8, 0.95
_SAME = 1e-2  # radians: starts nearer than this to a known curve lie on it


class Curve(NamedTuple):
    """Points of one curve in order, as NumPy arrays.

    Attributes:
        state, bias, tangent, slope: z, p, dz and dp per arc length of every point.
        stable: whether K is positive definite there.
        windings: k.
    """

    state: np.ndarray
    bias: np.ndarray
    tangent: np.ndarray
    slope: np.ndarray
    stable: np.ndarray
    windings: np.ndarray


class _Trace(NamedTuple):
    state: Float[Array, "points unknowns"]
    bias: Float[Array, " points"]
    tangent: Float[Array, "points unknowns"]
    slope: Float[Array, " points"]
    stable: Bool[Array, " points"]


def curves(statics: Statics, wells: Wells, bias: Bias, levels: np.ndarray) -> Iterator[Curve]:
    """Every curve that has a stable state at one of the levels of the bias, once."""
    known: list[Curve] = []
    for state, windings, level in _starts(statics, wells, bias, levels):
        if any(_lies_on(statics, curve, state, windings, level) for curve in known):
            continue
        curve = whole(statics, wells, bias, state, windings, level)
        known.append(curve)
        yield curve


@eqx.filter_jit
def usual_levels(statics: Statics, bias: Bias) -> Float[Array, " levels"]:
    return largest_bias(statics, bias) * jnp.linspace(-1, 1, _LEVELS + 2)[1:-1]


@eqx.filter_jit
def count_labels(statics: Statics, wells: Wells, bias: Bias) -> Int[Array, ""]:
    """How many flux states there may be."""
    return labels(statics, wells, bias)[0]


def folds_of(
    statics: Statics, bias: Bias, curve: Curve
) -> Iterator[tuple[np.ndarray, float, bool, bool]]:
    """(state, p, whether stable states end there, whether located) of every fold of a curve."""
    turns = np.flatnonzero(curve.slope[:-1] * curve.slope[1:] < 0)
    for k in turns:
        here, ahead = (
            Point(*(x[i] for x in (curve.state, curve.bias, curve.tangent, curve.slope)))
            for i in (k, k + 1)
        )
        found, good = _located(statics, bias, curve.windings, here, ahead)
        ends = bool(curve.stable[k] != curve.stable[k + 1])
        yield np.asarray(found.state), float(found.bias), ends, bool(good)


def crossings(
    statics: Statics, bias: Bias, curve: Curve, level: float
) -> Iterator[tuple[np.ndarray, bool]]:
    """(state, whether located) wherever a curve passes a bias."""
    for start in _interpolated(curve, level):
        state, good = _at_bias(statics, bias, curve.windings, start, np.asarray(level))
        yield np.asarray(state), bool(good)


def _interpolated(curve: Curve, level: float) -> Iterator[np.ndarray]:
    """States between two points of a curve wherever it passes a bias."""
    side = curve.bias - level
    for k in np.flatnonzero((side[:-1] <= 0) != (side[1:] <= 0)):
        part = side[k] / (side[k] - side[k + 1])
        yield (1 - part) * curve.state[k] + part * curve.state[k + 1]


@eqx.filter_jit
def _located(statics, bias, windings, here: Point, ahead: Point):
    """The fold between two neighbouring points: by halving the way, then by Newton's method."""
    windings = jnp.asarray(windings)
    here, ahead = jax.tree.map(jnp.asarray, (here, ahead))
    way = statics.measured(here.tz) @ (ahead.z - here.z) + here.tp * (ahead.p - here.p)
    no = jnp.zeros((), bool)

    def halve(_: Array, held: tuple[Scalar, Scalar, Point]) -> tuple[Scalar, Scalar, Point]:
        low, high, point = held
        middle = (low + high) / 2
        new, fine, _ = correct(statics, windings, bias, here, middle, no, here.p)
        before = new.tp * here.tp > 0
        low, high = jnp.where(before, middle, low), jnp.where(before, high, middle)
        return low, high, jax.tree.map(lambda a, b: jnp.where(fine, b, a), point, new)

    part = here.tp / (here.tp - ahead.tp)
    between = jax.tree.map(lambda a, b: (1 - part) * a + part * b, here, ahead)
    *_, near = jax.lax.fori_loop(0, _HALVINGS, halve, (jnp.zeros(()), way, between))
    return _fold_at(statics, bias, windings, near)


@eqx.filter_jit
def neighbour(statics: Statics, bias: Bias, windings, state, level):
    """(fold, whether located, whether stable states end there, a point on its curve, if found).

    From a fold of a circuit that differs little.
    """
    state, windings, level = (jnp.asarray(x, float) for x in (state, windings, level))
    tangent = first_tangent(statics, state, windings, bias)
    fold, good = _fold_at(statics, bias, windings, Point(state, level, *tangent))
    along = fold.null / jnp.sqrt(fold.null @ statics.measured(fold.null))
    there = Point(fold.state, fold.bias, along, jnp.zeros(()))
    no = jnp.zeros((), bool)
    beside, fine, _ = correct(statics, windings, bias, there, jnp.asarray(_BESIDE), no, fold.bias)
    other_way = fold._replace(null=-fold.null)
    ends = is_marginal(statics, windings, fold) | is_marginal(statics, windings, other_way)
    return fold, good, ends, beside, fine


def _fold_at(statics: Statics, bias: Bias, windings, point: Point):
    return find_fold(statics, windings, bias, at_fold(point.z, point.p, point.tz))


@eqx.filter_jit
def _at_bias(statics, bias, windings, state, level):
    level = jnp.asarray(level, float)

    def newton(_: Array, held: tuple[State, Scalar]) -> tuple[State, Scalar]:
        z, _ = held
        value, slope = statics.evaluate(z, windings, level, bias)
        step = -jnp.linalg.solve(statics.matrix(slope), value)
        size = jnp.max(jnp.abs(step))
        return z + jnp.minimum(1.0, 0.3 / size) * step, size

    state, size = jax.lax.fori_loop(0, 10, newton, (state, jnp.ones(())))
    return state, size < 1e-8


@eqx.filter_jit
def _settled(statics: Statics, wells: Wells, bias: Bias, numbers: Array, levels: Array):
    _, radix, lowest = labels(statics, wells, bias)

    def one(number: Int[Array, ""], level: Scalar):
        windings, ends = label(statics, wells, number, radix, lowest)
        guess, _, _ = convex_state(statics, ends, windings, level, bias)
        return settle(statics, wells, guess, windings, level, bias, steps=200)

    return jax.lax.map(lambda n: jax.lax.map(lambda level: one(n, level), levels), numbers)


def _starts(
    statics: Statics, wells: Wells, bias: Bias, levels: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """In batches of flux states: one program, whatever their number."""
    count, every = int(count_labels(statics, wells, bias)), jnp.asarray(levels, float)
    for first in range(0, count, _BATCH):
        found = _settled(statics, wells, bias, first + jnp.arange(_BATCH), every)
        states, windings, good = map(np.asarray, found)
        for n, k in zip(*np.nonzero(good[: count - first]), strict=True):
            yield states[n, k], windings[n, k], float(levels[k])


def whole(statics, wells, bias, state, windings, level) -> Curve:
    """Both ways from a start, in order."""
    halves = []
    for sign in np.array([1.0, -1.0]):
        start = state, windings, np.asarray(level)  # as arrays: numbers would compile anew
        trace, count, closed = _trace(statics, wells, bias, *start, sign)
        halves.append(jax.tree.map(lambda x, n=int(count): np.asarray(x)[:n], trace))
        if bool(closed):
            return _curve(list(halves[0]), windings)
    ahead, back = halves
    joined = [np.concatenate([b[:0:-1], a]) for a, b in zip(ahead, back, strict=True)]
    turned = len(back.bias) - 1
    joined[2][:turned] *= -1.0
    joined[3][:turned] *= -1.0
    return _curve(joined, windings)


def _curve(rows: list[np.ndarray], windings: np.ndarray) -> Curve:
    state, bias, tangent, slope, stable = rows
    return Curve(state, bias, tangent, slope, stable, windings)


@eqx.filter_jit
def _trace(statics, wells, bias, state, windings, level, sign):
    state, windings = jnp.asarray(state), jnp.asarray(windings)
    level = jnp.asarray(level, float)
    tz, tp = first_tangent(statics, state, windings, bias)
    first = Point(state, level, sign * tz, sign * tp)
    size = statics.unknowns
    trace = _Trace(
        jnp.zeros((_MOST, size)).at[0].set(state), jnp.zeros(_MOST).at[0].set(level),
        jnp.zeros((_MOST, size)).at[0].set(first.tz), jnp.zeros(_MOST).at[0].set(first.tp),
        jnp.broadcast_to(statics.is_stable(statics.slope(state, windings)), _MOST),
    )  # fmt: skip
    most = 2 * largest_bias(statics, bias) + 1

    def unfinished(held):
        _, _, step, count, ended, closed = held
        return (count < _MOST) & (step > _SHORTEST) & ~ended & ~closed

    def advance(held):
        point, trace, step, count, _, _ = held
        no = jnp.zeros((), bool)
        new, fine, slope = correct(statics, windings, bias, point, step, no, level)
        along = new.tz @ statics.measured(point.tz) + new.tp * point.tp
        fine = fine & (along > _TURN)
        ended = fine & (walls_crossed(statics, wells, windings, point.z, new.z)[0] < jnp.inf)
        ended = ended | (jnp.abs(new.p) > most)
        stable = statics.is_stable(slope)
        row = _Trace(new.z, new.p, new.tz, new.tp, stable)
        keep = fine & ~ended
        closed = keep & (count > 10) & _has_passed(statics, new, first, step)
        trace = jax.tree.map(lambda x, y: x.at[count].set(jnp.where(keep, y, x[count])), trace, row)
        point = jax.tree.map(lambda a, b: jnp.where(keep, b, a), point, new)
        longer = jnp.where(along > 0.99, 1.5, 1.0)
        step = jnp.where(fine, jnp.minimum(longer * step, _LONGEST), step / 3)
        return point, trace, step, count + keep.astype(int), ended, closed

    no = jnp.zeros((), bool)
    begin = first, trace, jnp.asarray(0.05), jnp.ones((), int), no, no
    _, trace, _, count, _, closed = jax.lax.while_loop(unfinished, advance, begin)
    return trace, count, closed


def _has_passed(statics: Statics, point: Point, first: Point, step: Scalar) -> Bool[Array, ""]:
    """Whether a closed curve came back: its first point lies behind, within the last step."""
    apart, through = statics.apart(point.z, first.z)
    past = point.p - first.p
    of = jnp.asarray(statics.graph.of_junctions)
    ahead = apart @ (of.T @ first.tz[: statics.nodes]) + past * first.tp
    aside = jnp.sqrt(jnp.maximum(apart @ apart + past**2 - ahead**2, 0.0))
    aside = jnp.maximum(aside, jnp.max(jnp.abs(through), initial=0.0))
    same_way = point.tz @ statics.measured(first.tz) + point.tp * first.tp > 0.5
    return same_way & (ahead >= 0) & (ahead < 1.1 * step) & (aside < step)


def _lies_on(
    statics: Statics, curve: Curve, state: np.ndarray, windings: np.ndarray, level: float
) -> bool:
    of, nodes = statics.graph.of_junctions, statics.nodes
    for here in _interpolated(curve, level):
        apart = of.T @ (here - state)[:nodes] - 2 * np.pi * (curve.windings - windings)
        apart = np.mod(apart + np.pi, 2 * np.pi) - np.pi
        through = (here - state)[nodes:]
        if max(np.abs(apart).max(), np.abs(through).max(initial=0.0)) < 3 * _SAME:
            return True
    return False
