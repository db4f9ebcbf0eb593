"""Quasi-Newton ascent that survives ridges: BFGS with a weak Wolfe bisection line search.

The maximum of a diode efficiency lies where several extrema of I(φ) tie, so the objective is
a minimum of smooth functions and has a ridge there. BFGS with this line search converges on
such functions without knowing their pieces (Lewis & Overton, Math. Program. 141, 135 (2013));
strong-Wolfe and Armijo searches, the ones in the usual libraries, stall.

One call of `update` consumes one evaluation, so a batch of climbs stays in step under vmap
and the costly objective is compiled once, by the caller.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

_ARMIJO = 1e-4
_WOLFE = 0.9
_TRIALS = 30  # per line search, before the metric is reset


class Ascent(NamedTuple):
    """State of one climb; `trial` is the point to evaluate next."""

    trial: Float[Array, " n"]
    point: Float[Array, " n"]
    value: Float[Array, ""]
    gradient: Float[Array, " n"]
    inverse_hessian: Float[Array, "n n"]
    direction: Float[Array, " n"]
    shorter: Float[Array, ""]
    longer: Float[Array, ""]
    step: Float[Array, ""]
    trials: Int[Array, ""]
    fresh: Int[Array, ""]


def begin(point, value, gradient, first_step: float = 0.1) -> Ascent:
    """Start at a point whose value and gradient are known."""
    metric = _reset(gradient, first_step)
    direction = metric @ gradient
    zero, one = jnp.zeros(()), jnp.ones(())
    count = jnp.zeros((), jnp.int32)
    return Ascent(
        point + direction, point, value, gradient, metric, direction, zero, jnp.inf * one, one,
        count, count + 1,
    )  # fmt: skip


def resume(state: Ascent, value: Float[Array, ""], gradient: Float[Array, " n"]) -> Ascent:
    """Go on from `state.point` on a function that has changed little: these are its values there.

    What was learnt of its curvature stays.
    """
    direction = state.inverse_hessian @ gradient
    return state._replace(
        trial=state.point + direction,
        value=value,
        gradient=gradient,
        direction=direction,
        shorter=jnp.zeros(()),
        longer=jnp.full((), jnp.inf),
        step=jnp.ones(()),
        trials=jnp.zeros((), jnp.int32),
    )


def update(state: Ascent, value: Float[Array, ""], gradient: Float[Array, " n"]) -> Ascent:
    """Take in value and gradient at `state.trial`; non-finite values count as −∞."""
    finite = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
    value, gradient = jnp.where(finite, value, -jnp.inf), jnp.where(finite, gradient, 0.0)
    climb = state.gradient @ state.direction
    rises = finite & (value >= state.value + _ARMIJO * state.step * climb)
    levels = gradient @ state.direction <= _WOLFE * climb
    spent = state.trials >= _TRIALS
    accept = rises & (levels | spent)
    restart = ~rises & spent

    longer = jnp.where(rises, state.longer, state.step)
    shorter = jnp.where(rises, state.step, state.shorter)
    bisected = jnp.where(jnp.isfinite(longer), 0.5 * (shorter + longer), 2 * shorter)

    s, y = state.trial - state.point, state.gradient - gradient
    curved = accept & (s @ y > 0)
    sy = jnp.where(curved, s @ y, 1.0)
    yy = jnp.where(curved, y @ y, 1.0)
    metric = jnp.where(
        (state.fresh == 1) & curved, jnp.eye(s.size) * sy / yy, state.inverse_hessian
    )
    shear = jnp.eye(s.size) - jnp.outer(s, y) / sy
    metric = jnp.where(curved, shear @ metric @ shear.T + jnp.outer(s, s) / sy, metric)

    point = jnp.where(accept, state.trial, state.point)
    value = jnp.where(accept, value, state.value)
    gradient = jnp.where(accept, gradient, state.gradient)
    uphill = gradient @ metric @ gradient > 0
    restart = restart | (accept & ~uphill)
    metric = jnp.where(restart, _reset(gradient, 1e-3), metric)
    turn = accept | restart
    direction = jnp.where(turn, metric @ gradient, state.direction)
    step = jnp.where(turn, 1.0, bisected)
    return Ascent(
        trial=point + step * direction,
        point=point,
        value=value,
        gradient=gradient,
        inverse_hessian=metric,
        direction=direction,
        shorter=jnp.where(turn, 0.0, shorter),
        longer=jnp.where(turn, jnp.inf, longer),
        step=step,
        trials=jnp.where(turn, 0, state.trials + 1),
        fresh=jnp.where(restart, 1, jnp.where(accept, 0, state.fresh)),
    )


def _reset(gradient, length):
    norm = jnp.sqrt(gradient @ gradient)
    return jnp.eye(gradient.size) * length / jnp.where(norm > 0, norm, 1.0)
