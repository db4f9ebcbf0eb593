"""Static states of a junction longer than its Josephson length, and where they end.

    φ'' = p(x) i(φ) − u I/ℓ,   φ'(−ℓ/2) = h − e_L I,   φ'(ℓ/2) = h + e_R I,   u + e_L + e_R = 1,

are the stationary points of U = ∫ (φ'²/2 + p E(φ)) dx − h (φ_R − φ_L) − I b·φ. On Gauss–Lobatto
nodes A (φ − hx) + w p i(φ) = I b with a symmetric A: a state is stable where A + diag(w p i′) > 0.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ...core.device import AbstractPhaseBiased
from ...numerics.bordered_folds import fold_step
from ...numerics.dense import bordered, inverse, is_positive_definite

Scalar = Float[Array, ""]
Nodes = Float[Array, " n"]

_STEP = 0.25  # radians along a branch
_SHORTEST = 1e-5
_STEPS = 300
_LEVEL = 1e-4  # of ℓ per radian: within 1e-3 radians of a fold, where both edges end at once
_DEGENERATE = 1e-5  # of a matrix whose other directions have 1e-3 and more
_CHORDS = 6  # corrections with the inverse of one step


class Problem(eqx.Module):
    """One direction of the bias.

    Attributes:
        relation: i(φ).
        stiffness: A.
        mass: w, the share of the length that each node has.
        weight: w p/i₀.
        tilt: h x.
        bias: b, of the direction's sign.
    """

    relation: AbstractPhaseBiased
    stiffness: Float[Array, "n n"]
    mass: Nodes
    weight: Nodes
    tilt: Nodes
    bias: Nodes

    @property
    def length(self) -> Scalar:
        return jnp.sum(self.mass)

    @property
    def never_passes(self) -> Bool[Array, ""]:
        """Whether the current pushes the phases one way everywhere.

        Overdamped, they then keep their order: where there is a static state, its translate by
        some turns lies above them, and they do not run (Middleton's rule).
        """
        along = self.bias * jnp.sum(self.bias)
        return jnp.all(along >= -1e-12)

    def stretched(self, change: Nodes) -> Nodes:
        """A of what a constant does not change: without it a short junction loses digits."""
        return self.stiffness @ (change - change[0])

    def with_slope(self, phase: Nodes) -> tuple[Nodes, Nodes]:
        return jax.jvp(self.relation.current, (phase,), (jnp.ones_like(phase),))

    def residual(self, phase: Nodes, current: Scalar) -> Nodes:
        inner = self.weight * self.relation.current(phase)
        return self.stretched(phase - self.tilt) + inner - current * self.bias

    def hessian(self, phase: Nodes) -> Float[Array, "n n"]:
        return self.stiffness + jnp.diag(self.weight * self.with_slope(phase)[1])

    def bent(self, phase: Nodes, change: Nodes) -> Nodes:
        """The Hessian times a change."""
        return self.stretched(change) + self.weight * self.with_slope(phase)[1] * change


class Fold(NamedTuple):
    """φ, the neutral perturbation v with b·v = |b|, and I."""

    phase: Nodes
    null: Nodes
    current: Scalar


def followed(problem: Problem, phase: Nodes, current: Scalar) -> tuple[Fold, Bool[Array, ""]]:
    """The end of the branch that a stable state lies on, along growing currents.

    A predictor along the tangent and chord iterations across it, currents in ℓ, until they fall.
    """
    n, length = phase.size, problem.length

    def tangent(column: Array) -> tuple[Nodes, Scalar]:
        size = jnp.sqrt(jnp.mean(column[:-1] ** 2) + column[-1] ** 2)
        return column[:-1] / size, column[-1] / size

    def one(walk: tuple):
        phase, load, along, rise, step, *_, k = walk
        guess, ahead = phase + step * along, load + step * rise
        matrix = bordered(problem.hessian(guess), -length * problem.bias, along / n, rise)
        inverted = inverse(matrix)

        def chord(_: Array, state: tuple):
            moved, loaded, _ = state
            off = along @ (moved - guess) / n + rise * (loaded - ahead)
            value = problem.residual(moved, loaded * length)
            change = inverted @ jnp.concatenate([value, off[None]])
            return moved - change[:-1], loaded - change[-1], jnp.max(jnp.abs(change))

        moved, loaded, size = jax.lax.fori_loop(0, _CHORDS, chord, (guess, ahead, jnp.ones(())))
        reach = step * jnp.max(jnp.abs(along))
        turned, rises = tangent(inverted[:, -1])
        good = (size < 1e-7) & (jnp.max(jnp.abs(moved - guess)) < 0.5 * reach)
        # Where edges end almost together a step may pass both folds: then two modes fall.
        matrix = problem.hessian(moved)
        stable = is_positive_definite(matrix)
        good = good & (stable | (jnp.linalg.slogdet(matrix)[0] < 0))
        longest = _STEP / jnp.max(jnp.abs(turned))
        new = moved, loaded, turned, rises, jnp.minimum(1.5 * step, longest), ~stable, reach, k + 1
        kept = phase, load, along, rise, step / 3, jnp.zeros((), bool), reach, k + 1
        return jax.tree.map(lambda a, b: jnp.where(good, a, b), new, kept)

    def unfinished(walk: tuple):
        *_, past, reach, k = walk
        return ~past & (reach > _SHORTEST) & (k < _STEPS)

    sensitive = inverse(problem.hessian(phase)) @ problem.bias * length
    along, rise = tangent(jnp.append(sensitive, 1.0))
    step = _STEP / jnp.max(jnp.abs(along))
    begin = phase, current / length, along, rise, step, jnp.zeros((), bool), jnp.ones(()), 0
    phase, load, along, rise, _, past, *_ = jax.lax.while_loop(unfinished, one, begin)
    size = jnp.sqrt(problem.bias @ problem.bias)
    fold, found = find_fold(
        problem, Fold(phase, along * size / (problem.bias @ along), load * length)
    )
    ends = found & (past | (jnp.abs(rise) < _LEVEL)) & is_marginal(problem, fold)
    near = jnp.max(jnp.abs(fold.phase - phase)) < 3 * _STEP
    return fold, ends & near & (fold.current > current - 1e-9 * length)


def find_fold(problem: Problem, start: Fold) -> tuple[Fold, Bool[Array, ""]]:
    """By Newton's method on {F = 0, Kv = 0, b·v = |b|}."""

    def newton(state: tuple):
        fold, _, k = state
        change = correction(problem, problem, fold, fold)
        apart = jnp.abs(change.current) / problem.length
        size = jnp.maximum(jnp.max(jnp.abs(change.phase)), apart)
        part = jnp.minimum(1.0, 0.3 / size)
        moved = Fold(
            fold.phase + part * change.phase, fold.null + change.null,
            fold.current + part * change.current,
        )  # fmt: skip
        return moved, size, k + 1

    def unfinished(state: tuple):
        _, size, k = state
        return (size > 1e-11) & (k < 25) & (size < 1e3)

    fold, size, _ = jax.lax.while_loop(unfinished, newton, (start, jnp.ones(()), 0))
    rounding = 1e-13 * jnp.max(jnp.abs(problem.stiffness))
    left = jnp.max(jnp.abs(problem.residual(fold.phase, fold.current)))
    rests = left < 1e-9 * problem.length + rounding
    return fold, (size < 1e-8) & rests & jnp.all(jnp.isfinite(fold.null))


def correction(problem: Problem, frozen: Problem, fold: Fold, at: Fold) -> Fold:
    """A Newton step of a fold, the Jacobian that of `frozen` in `at`."""
    size = jnp.sqrt(frozen.bias @ frozen.bias)
    normal = frozen.bias / size
    slope, bend = jax.jvp(
        lambda x: frozen.with_slope(x)[1], (at.phase,), (jnp.ones_like(at.phase),)
    )
    matrix = frozen.stiffness + jnp.diag(frozen.weight * slope)
    inverted = _inverse(bordered(matrix, -frozen.bias, normal))
    curvature = frozen.weight * bend * at.null
    return Fold(
        *fold_step(
            inverted,
            lambda dz: curvature * dz,
            problem.residual(fold.phase, fold.current),
            problem.bent(fold.phase, fold.null),
            normal @ fold.null,
        )
    )


def _inverse(matrix: Float[Array, "m m"]) -> Float[Array, "m m"]:
    """The inverse, but for a direction in which the matrix is all but zero.

    Edges far apart may end together: their modes are then degenerate to e^{−ℓ}, and steps noise
    along one of them. Without that direction the current is as exact, and v the common mode.
    """
    plain = inverse(matrix)

    def truncated() -> Float[Array, "m m"]:
        left, values, right = jnp.linalg.svd(matrix)
        kept = values > _DEGENERATE
        return (right.T * jnp.where(kept, 1 / jnp.where(kept, values, 1.0), 0.0)) @ left.T

    regular = jnp.max(jnp.abs(plain)) < 1 / _DEGENERATE
    return jax.lax.cond(regular, lambda: plain, truncated)


def differentiable(problem: Problem, fold: Fold) -> Scalar:
    """The current of a found fold, exact to second derivatives."""
    at = jax.tree.map(jax.lax.stop_gradient, fold)
    frozen = jax.tree.map(jax.lax.stop_gradient, problem)
    moved = at
    for _ in range(2):
        change = correction(problem, frozen, moved, at)
        moved = jax.tree.map(lambda a, b: a + b, moved, change)
    return moved.current


def is_marginal(problem: Problem, fold: Fold) -> Bool[Array, ""]:
    """Whether the states just before are stable."""
    size = jnp.max(jnp.abs(fold.null))
    before = fold.phase - 1e-3 / size * fold.null
    return is_positive_definite(problem.hessian(before))


def settled(problem: Problem, phase: Nodes, current: Scalar) -> tuple[Nodes, Bool[Array, ""]]:
    """A stable state by Newton's method from a near one."""

    def newton(state: tuple) -> tuple:
        phase, _, k = state
        change = -inverse(problem.hessian(phase)) @ problem.residual(phase, current)
        size = jnp.max(jnp.abs(change))
        return phase + jnp.minimum(1.0, 0.5 / size) * change, size, k + 1

    def unfinished(state: tuple) -> Bool[Array, ""]:
        _, size, k = state
        return (size > 1e-9) & (k < 20)

    phase, size, _ = jax.lax.while_loop(unfinished, newton, (phase, jnp.ones(()), 0))
    return phase, (size < 1e-6) & is_positive_definite(problem.hessian(phase))
