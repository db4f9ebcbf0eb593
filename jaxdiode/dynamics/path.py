"""A path in time whose steps begin at the jumps of its drive."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..numerics.oscillator import dopri8
from .drive import off_the_jumps

Scalar = Float[Array, ""]


def path(
    rates: Callable[..., tuple[Array, ...]],
    start: tuple[Array, ...],
    times: Float[Array, " n"],
    longest: Scalar,
    piece: Scalar,
) -> tuple[Array, ...]:
    """States at rising times, the first of which is the start's.

    Args:
        rates: of a state's components, as a function of the time and of them.
        longest: step, of order 8.
        piece: of time, between the jumps.
    """

    def leg(now: Scalar, state: tuple[Array, ...], end: Scalar):
        count = jnp.maximum(jnp.ceil((end - now) / longest), 1.0)
        size = (end - now) / count

        def step(k: Array, state: tuple[Array, ...]):
            begin = now + size * jnp.asarray(k, float)

            def field(y: tuple[Array, ...]):
                time = off_the_jumps(y[0], begin + size / 2)
                return jnp.ones_like(time), *rates(time, *y[1:])

            return dopri8(field, (begin, *state), size)[1:]

        return jax.lax.fori_loop(0, count.astype(int), step, state)

    return by_pieces(leg, start, times, piece)


def by_pieces(
    leg: Callable[[Scalar, Any, Scalar], Any],
    start: Any,
    times: Float[Array, " n"],
    piece: Scalar | float,
) -> Any:
    """States at rising times by legs that end at these and at whole multiples of a piece.

    Args:
        leg: (time, state, later time) → the state then.
    """

    def sample(held: tuple[Scalar, Any], time: Scalar):
        def next_leg(held: tuple[Scalar, Any]):
            now, state = held
            jump = piece * (jnp.floor(now / piece + 1e-9) + 1)
            end = jnp.minimum(jump, time)
            return end, leg(now, state, end)

        held = jax.lax.while_loop(lambda held: held[0] < time, next_leg, held)
        return held, held[1]

    _, states = jax.lax.scan(sample, (times[0], start), times)
    return states
