"""Static states of a junction longer than its Josephson length, and where they end.

    φ'' = p(x) i(φ) − u I/ℓ,   φ'(−ℓ/2) = h − e_L I,   φ'(ℓ/2) = h + e_R I,   u + e_L + e_R = 1,

are the stationary points of U = ∫ (φ'²/2 + p E(φ)) dx − h (φ_R − φ_L) − I b·φ. On Gauss–Lobatto
nodes A φ + w p i(φ) = h c + I b with a symmetric A: a state is stable where A + diag(w p i′) > 0.
"""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...core.device import AbstractPhaseBiased
from ...numerics.bordered_folds import fold_step
from ...numerics.dense import bordered, inverse, is_positive_definite

Scalar = Float[Array, ""]
Nodes = Float[Array, " n"]


class Problem(eqx.Module):
    """One direction of the bias.

    Attributes:
        relation: i(φ).
        stiffness: A.
        weight: w p.
        field: h c.
        bias: b, of the direction's sign.
    """

    relation: AbstractPhaseBiased
    stiffness: Float[Array, "n n"]
    weight: Nodes
    field: Nodes
    bias: Nodes

    def with_slope(self, phase: Nodes) -> tuple[Nodes, Nodes]:
        return jax.jvp(self.relation.current, (phase,), (jnp.ones_like(phase),))

    def residual(self, phase: Nodes, current: Scalar) -> Nodes:
        inner = self.weight * self.relation.current(phase)
        return self.stiffness @ phase + inner - self.field - current * self.bias

    def hessian(self, phase: Nodes) -> Float[Array, "n n"]:
        return self.stiffness + jnp.diag(self.weight * self.with_slope(phase)[1])


class Fold(NamedTuple):
    """φ, the neutral perturbation v with b·v = |b|, and I."""

    phase: Nodes
    null: Nodes
    current: Scalar


@functools.lru_cache(maxsize=16)
def lobatto(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes on [−1, 1], weights and the matrix of derivatives."""
    order = count - 1
    legendre = np.zeros(count)
    legendre[-1] = 1.0
    inner = np.sort(np.polynomial.legendre.legroots(np.polynomial.legendre.legder(legendre)).real)
    x = np.concatenate([[-1.0], inner, [1.0]])
    value = np.polynomial.legendre.legval(x, legendre)
    weight = 2 / (order * (order + 1) * value**2)
    apart = x[:, None] - x + np.eye(count)
    slope = value[:, None] / (value * apart)
    np.fill_diagonal(slope, 0.0)
    slope[0, 0], slope[-1, -1] = -order * (order + 1) / 4, order * (order + 1) / 4
    return x, weight, slope


def find_fold(problem: Problem, start: Fold) -> tuple[Fold, Bool[Array, ""]]:
    """By Newton's method on {F = 0, Kv = 0, b·v = |b|}."""

    def newton(state: tuple):
        fold, _, k = state
        change = correction(problem, problem, fold, fold)
        size = jnp.maximum(jnp.max(jnp.abs(change.phase)), jnp.abs(change.current))
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
    return fold, (size < 1e-8) & jnp.all(jnp.isfinite(fold.null))


def correction(problem: Problem, frozen: Problem, fold: Fold, at: Fold) -> Fold:
    """A Newton step of a fold, the Jacobian that of `frozen` in `at`."""
    size = jnp.sqrt(frozen.bias @ frozen.bias)
    normal = frozen.bias / size
    slope, bend = jax.jvp(
        lambda x: frozen.with_slope(x)[1], (at.phase,), (jnp.ones_like(at.phase),)
    )
    matrix = frozen.stiffness + jnp.diag(frozen.weight * slope)
    inverted = inverse(bordered(matrix, -frozen.bias, normal))
    curvature = frozen.weight * bend * at.null
    return Fold(
        *fold_step(
            inverted,
            lambda dz: curvature * dz,
            problem.residual(fold.phase, fold.current),
            problem.hessian(fold.phase) @ fold.null,
            normal @ fold.null,
        )
    )


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
    before = fold.phase - 1e-4 / size * fold.null
    return is_positive_definite(problem.hessian(before))
