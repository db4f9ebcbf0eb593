"""Sines and cosines that run on the vector units of a CPU.

XLA calls a scalar function of the C library for every sine of a double, 20 ns each; a polynomial
of the reduced angle takes less than 2 ns where lanes run side by side.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal
from jaxtyping import Array, Float

# Source: S. Moshier, Cephes library, sin.c: π/2 in three parts, the first two with so few digits
# that multiples up to 2²⁸ of them are exact, and minimax polynomials on [−π/4, π/4].
_QUARTERS = (
    2 * 7.85398125648498535156e-1, 2 * 3.77489470793079817668e-8, 2 * 2.69515142907905952645e-15,
)  # fmt: skip
_SINE = (
    1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
    -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1,
)  # fmt: skip
_COSINE = (
    -1.13585365213876817300e-11, 2.08757008419747316778e-9, -2.75573141792967388112e-7,
    2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2,
)  # fmt: skip
_INLINED = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call")


def sine_and_cosine(x: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """sin x and cos x to a unit or two in the last place of x or of the result.

    Not to be differentiated.
    """
    quarters = jnp.round(x * (2 / jnp.pi))
    for part in _QUARTERS:
        x = x - quarters * part
    square = x * x
    sine, cosine = (jnp.full_like(x, one[0]) for one in (_SINE, _COSINE))
    for one, two in zip(_SINE[1:], _COSINE[1:], strict=True):
        sine, cosine = sine * square + one, cosine * square + two
    sine = x + x * square * sine
    cosine = 1 - 0.5 * square + square * square * cosine
    quadrant = quarters - 4 * jnp.floor(0.25 * quarters)
    odd = (quadrant == 1) | (quadrant == 3)
    sine, cosine = jnp.where(odd, cosine, sine), jnp.where(odd, sine, cosine)
    negative = (quadrant == 1) | (quadrant == 2)
    return jnp.where(quadrant >= 2, -sine, sine), jnp.where(negative, -cosine, cosine)


def with_vector_trigonometry(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with every sine and cosine of doubles taken by `sine_and_cosine`.

    Both of one angle cost as much as one. What stands in loops and branches stays as it is. Not to
    be differentiated: differentiate `function`.
    """

    def changed(*args: Any) -> Any:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        found = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shape), found)

    return changed


def _changed(closed: ClosedJaxpr) -> ClosedJaxpr:
    return jax.make_jaxpr(lambda *args: _evaluate(closed.jaxpr, closed.consts, list(args)))(
        *closed.in_avals
    )


def _evaluate(jaxpr: Jaxpr, consts: list[Any], args: list[Any]) -> list[Any]:
    known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))
    pairs: dict[Any, tuple[Array, Array]] = {}

    def value(atom):
        return atom.val if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.eqns:
        values = [value(atom) for atom in equation.invars]
        primitive, params = equation.primitive, equation.params
        kind = getattr(equation.outvars[0].aval, "dtype", None)
        if primitive.name in ("sin", "cos") and kind == jnp.float64:
            angle = equation.invars[0]
            pair = pairs.get(id(angle)) or sine_and_cosine(values[0])
            pairs[id(angle)] = pair
            found = [pair[primitive.name == "cos"]]
        elif primitive.name in _INLINED:
            inner = params["jaxpr"] if "jaxpr" in params else params["call_jaxpr"]
            found = _evaluate(inner.jaxpr, inner.consts, values)
        elif primitive.name == "scan":
            found = primitive.bind(*values, **params | {"jaxpr": _changed(params["jaxpr"])})
        else:
            found = primitive.bind(*values, **params)
            found = found if primitive.multiple_results else [found]
        known.update(zip(equation.outvars, found, strict=True))
    return [value(atom) for atom in jaxpr.outvars]
