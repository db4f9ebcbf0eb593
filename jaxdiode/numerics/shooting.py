"""Newton steps of boundary value problems on many short intervals: the block-bidiagonal system.

A first-order system y′ = f, y = (a, b) with a given at one end, on nodes 0 … m. Each interval ties
its ends by r(yᵢ, yᵢ₊₁) = 0. Elimination runs from the given end in the direction in which solutions
grow and expresses a at every node by b there: a compliance, which stays bounded however stiff the
layer is, where the transfer matrices of single shooting grow as the solutions do.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Inexact

from .dense import inverse
from .matrices import product


class Elimination(NamedTuple):
    """The intervals' equations solved for everything but the last b; matrices [row, column, …].

    Attributes:
        before, after: derivatives of r in its two ends, [m, 2n, 2n, …].
        inverted: what turns r into (change of b at the first end, of a at the second), [m, …].
        compliance: change of a per change of b at every node, [m + 1, n, n, …].
    """

    before: Inexact[Array, "m n2 n2 *lanes"]
    after: Inexact[Array, "m n2 n2 *lanes"]
    inverted: Inexact[Array, "m n2 n2 *lanes"]
    compliance: Inexact[Array, "nodes n n *lanes"]


def eliminate(
    before: Inexact[Array, "m n2 n2 *lanes"], after: Inexact[Array, "m n2 n2 *lanes"]
) -> Elimination:
    """Factorises the system with a fixed at node 0."""
    n = before.shape[1] // 2
    solve = inverse
    for _ in range(before.ndim - 3):
        solve = jax.vmap(solve, in_axes=-1, out_axes=-1)

    def advance(compliance, ends):
        first, second = ends
        left = product(first[:, :n], compliance) + first[:, n:]
        inverted = solve(jnp.concatenate([left, second[:, :n]], axis=1))
        following = -product(inverted[n:], second[:, n:])
        return following, (inverted, following)

    start = jnp.zeros((n, n, *before.shape[3:]), before.dtype)
    _, (inverted, compliance) = jax.lax.scan(advance, start, (before, after))
    return Elimination(before, after, inverted, jnp.concatenate([start[None], compliance]))


def reduced(
    found: Elimination, residual: Inexact[Array, "m n2 *lanes"], given: Inexact[Array, "n *lanes"]
) -> tuple[Array, tuple[Array, Array]]:
    """Change of a at the last node while b there is kept, and what `expanded` needs.

    Args:
        found: factors.
        residual: r of every interval.
        given: what is missing to the given a at node 0.
    """
    n = given.shape[0]

    def advance(offset, here):
        before, inverted, r = here
        answer = -_times(inverted, r + _times(before[:, :n], offset))
        return answer[n:], (offset, answer[:n])

    last, (offsets, slopes) = jax.lax.scan(advance, given, (found.before, found.inverted, residual))
    return last, (jnp.concatenate([offsets, last[None]]), slopes)


def expanded(
    found: Elimination, kept: tuple[Array, Array], last: Inexact[Array, "n *lanes"]
) -> Inexact[Array, "nodes n2 *lanes"]:
    """Changes of (a, b) at all nodes, given that of b at the last."""
    offsets, slopes = kept
    n = last.shape[0]

    def back(following, here):
        after, inverted, slope = here
        b = slope - _times(inverted[:n], _times(after[:, n:], following))
        return b, b

    _, b = jax.lax.scan(back, last, (found.after, found.inverted, slopes), reverse=True)
    b = jnp.concatenate([b, last[None]])
    a = offsets + jnp.sum(found.compliance * b[:, None], axis=2)
    return jnp.concatenate([a, b], axis=1)


def _times(matrix, vector):
    return jnp.sum(matrix * vector[None], axis=1)
