"""The end of a branch as a differentiable function of the circuit.

A fold solves F(z, p) = 0, S v = 0, ℓ·v = 1 (Moore and Spence), ℓ the bias; an end at a wall
F(z, p) = 0, θ_j = wall.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..core.extrema import slope_unless
from ..numerics.bordered_folds import fold_step
from ..numerics.dense import bordered, inverse
from .climb import BESIDE, Climb, End, wall_row
from .relations import Wells
from .statics import Bias, PerJunction, Scalar, State, Statics

_WIDE = 0.5  # how far Newton's method may go from where the branch was left


class Fold(NamedTuple):
    """z, the neutral perturbation v with ℓ·v = 1, and p."""

    state: State
    null: State
    bias: Scalar


class _Frozen(NamedTuple):
    inverted: Float[Array, "n n"]
    curvature: PerJunction
    normal: State


def find_fold(
    statics: Statics, windings: PerJunction, bias: Bias, near: Climb
) -> tuple[Fold, Bool[Array, ""]]:
    """The fold near the end of a climb by Newton's method, and whether it was found."""
    normal = _normal(statics, bias)
    null = near.direction / (normal @ near.direction)
    start = Fold(near.state, null, near.bias)

    def newton(state):
        fold, _, k = state
        frozen = _invert(statics, windings, bias, fold)
        dz, dv, dp = _correction(statics, windings, bias, fold, frozen)
        size = jnp.maximum(jnp.max(jnp.abs(dz)), jnp.abs(dp))
        part = jnp.minimum(1.0, 0.2 / size)
        moved = Fold(fold.state + part * dz, fold.null + dv, fold.bias + part * dp)
        return moved, size, k + 1

    def unfinished(state):
        _, size, k = state
        return (size > 1e-11) & (k < 15) & (size < 1e3)

    fold, size, _ = jax.lax.while_loop(unfinished, newton, (start, jnp.ones(()), 0))
    of = jnp.asarray(statics.graph.of_junctions)
    apart = jnp.max(jnp.abs(of.T @ (fold.state - near.state)[: statics.nodes]))
    return fold, (size < 1e-8) & (apart < _WIDE) & jnp.all(jnp.isfinite(fold.null))


def differentiable(statics: Statics, windings: PerJunction, bias: Bias, fold: Fold) -> Scalar:
    """p of a found fold, exact to second derivatives: two Newton steps with its own Jacobian."""
    fold = jax.tree.map(jax.lax.stop_gradient, fold)
    frozen = _invert(statics.frozen(), windings, jax.tree.map(jax.lax.stop_gradient, bias), fold)
    for _ in range(2):
        dz, dv, dp = _correction(statics, windings, bias, fold, frozen)
        fold = Fold(fold.state + dz, fold.null + dv, fold.bias + dp)
    return fold.bias


def differentiable_wall(
    statics: Statics, wells: Wells, windings: PerJunction, bias: Bias, found: Climb
) -> Scalar:
    """The same of an end at a wall, which moves with its own parameters."""
    found = jax.tree.map(jax.lax.stop_gradient, found)
    junction, frozen = found.junction, statics.frozen()
    row = wall_row(statics, junction)
    stiffness = frozen.matrix(frozen.slope(found.state, windings))
    matrix = bordered(stiffness, -frozen.pushed(bias), row)
    inverted = jax.lax.stop_gradient(inverse(matrix))
    walls = wells.walls[junction]
    mine = jnp.nanargmin(jnp.abs(jnp.mod(walls - found.wall + jnp.pi, 2 * jnp.pi) - jnp.pi))
    wall = walls[mine]
    wall = wall + jax.lax.stop_gradient(found.wall - wall)
    wall = wall - found.side * BESIDE * jnp.asarray(wells.periodic, float)[junction]
    z, p = found.state, found.bias
    for _ in range(2):
        value = statics.residual(z, windings, p, bias)
        miss = statics.turned_phases(z, windings)[junction] - wall
        change = -inverted @ jnp.concatenate([value, miss[None]])
        z, p = z + change[:-1], p + change[-1]
    return p


def end_bias(
    statics: Statics,
    wells: Wells,
    windings: PerJunction,
    bias: Bias,
    found: tuple[Climb, Fold],
) -> Scalar:
    """p of the end that was found, of whatever kind; derivatives of a BRANCH are NaN."""
    climb, fold = found

    def kept(x: Array, use: Bool[Array, ""]) -> Array:
        return jnp.where(use, x, jax.lax.stop_gradient(x))

    folds, walls = climb.end == End.FOLD, climb.end == End.WALL
    smooth, pushed = jax.tree.map(lambda x: kept(x, folds), (statics, bias))
    at_fold = differentiable(smooth, windings, pushed, fold)
    value = jnp.where(folds, at_fold, jax.lax.stop_gradient(climb.bias))
    if wells.walls.shape[1]:
        moved, pushed = jax.tree.map(lambda x: kept(x, walls), (statics, bias))
        at_wall = differentiable_wall(moved, wells, windings, pushed, climb)
        value = jnp.where(walls, at_wall, value)
    return slope_unless(~folds & ~walls, value)


def _normal(statics: Statics, bias: Bias) -> State:
    along = bias.along / jnp.sqrt(bias.along @ bias.along)
    return jnp.concatenate([along, jnp.zeros(len(statics.graph.inductors))])


def _invert(statics: Statics, windings: PerJunction, bias: Bias, fold: Fold) -> _Frozen:
    phase = statics.turned_phases(fold.state, windings)
    slope, bend = statics.relations.slope_and_bend(phase)
    normal = _normal(statics, bias)
    matrix = bordered(statics.matrix(slope), -statics.pushed(bias), normal)
    turned = statics.graph.of_junctions.T @ fold.null[: statics.nodes]
    return _Frozen(inverse(matrix), bend * turned, normal)


def _correction(
    statics: Statics, windings: PerJunction, bias: Bias, fold: Fold, frozen: _Frozen
) -> tuple[State, State, Scalar]:
    """Newton's step of z, v and p."""
    z, v, p = fold
    of = statics.graph.of_junctions
    value, slope = statics.evaluate(z, windings, p, bias)

    def bent(dz: State) -> State:
        change = of @ (frozen.curvature * (of.T @ dz[: statics.nodes]))
        return jnp.concatenate([change, jnp.zeros(len(statics.graph.inductors))])

    stretched = statics.matrix(slope) @ v
    return fold_step(frozen.inverted, bent, value, stretched, frozen.normal @ v)


def is_marginal(statics: Statics, windings: PerJunction, fold: Fold) -> Bool[Array, ""]:
    """Whether the states just before a fold are stable: K has one zero and no negative value."""
    size = jnp.max(jnp.abs(fold.null[: statics.nodes]), initial=1e-300)
    before = fold.state - 1e-4 / size * fold.null
    return statics.is_stable(statics.slope(before, windings))
