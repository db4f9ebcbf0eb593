"""What every lane of a front climbs to: the scalarisation of two objectives, and its points."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_SUM = 1e-6  # weight of the sum beside the minimum: no lane rests where one could still grow
_SAME = 1e-6  # of the front's extent: points as close are one
_WORSE = 1e-9  # of the same: rounding
_SHORTEST = 1e-7  # extent of a front, of all values seen


class Aims(NamedTuple):
    """What every lane climbs: min over objectives of weight · (f − origin); 0 leaves one out.

    And a little of the sum of scale · (f − origin).
    """

    origin: Float[Array, "lanes 2"]
    weight: Float[Array, "lanes 2"]
    scale: Float[Array, "lanes 2"]


def single_aims(lanes: int) -> Aims:
    """Half of the lanes climb the first objective alone, half the second."""
    return Aims(jnp.zeros((lanes, 2)), jnp.eye(2)[np.arange(lanes) % 2], jnp.ones((lanes, 2)))


def aims_between(value: np.ndarray, points: int) -> Aims:
    """Both ends, and between them points on the line that joins what is reached there."""
    known = value[np.all(np.isfinite(value), axis=1)]
    first, last = (known[np.argmax(known[:, k] + _SUM * known[:, 1 - k])] for k in (0, 1))
    extent = np.maximum([first[0] - last[0], last[1] - first[1]], _SHORTEST * np.ptp(known, axis=0))
    scale = np.tile(1 / np.where(extent > 0, extent, 1.0), (points, 1))
    share = np.linspace(0, 1, points)[:, None]
    weight = scale.copy()
    weight[0, 1] = weight[-1, 0] = 0.0
    return Aims(*map(jnp.asarray, (first + share * (last - first), weight, scale)))


@jax.jit
@jax.vmap
def climbed_of(aim, terms):
    known = jnp.isfinite(terms.values[0])
    value, share = _aimed(aim, jnp.where(known, terms.values, -jnp.inf))
    return value, share @ terms.slopes


def _aimed(aim, value):
    """What one lane climbs, and the weights of both objectives in its gradient."""
    scaled = jnp.where(aim.weight > 0, aim.weight * (value - aim.origin), jnp.inf)
    share = jax.nn.one_hot(jnp.argmin(scaled), 2) * aim.weight + _SUM * aim.scale
    known = jnp.all(jnp.isfinite(value))
    return jnp.where(known, share @ (jnp.where(known, value, 0.0) - aim.origin), -jnp.inf), share


@jax.jit
def ranks(aims, values):
    """How good every value is for every aim, (aims, values)."""
    return jax.vmap(lambda aim: jax.vmap(lambda value: _aimed(aim, value)[0])(values))(aims)


def not_dominated(value: np.ndarray) -> np.ndarray:
    """Rows that no other is better than, one of those that are the same."""
    kept: list[int] = []
    for i, own in enumerate(value):
        over = value - own
        worse = np.all(over >= -_WORSE, axis=1) & np.any(over > _SAME, axis=1)
        twin = any(np.all(np.abs(over[j]) <= _SAME) for j in kept)
        if not worse.any() and not twin:
            kept.append(i)
    return np.array(kept)
