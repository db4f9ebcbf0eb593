"""Means over time with their errors: smooth windows, blocks, and what their scatter says.

A box cut off at an arbitrary time leaves an error of a period over the window. The weight sin⁴
leaves the fifth power of that, so that quasi-periodic signals need no whole number of periods.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

BLOCKS = 16
LONGEST_CYCLE = 12  # periods after which a return is looked for
_SCALES = (16, 4, 2, 1)  # the window in sixteenths, quarters, halves and whole
_FASTER = 20.0  # scatter falls so much from sixteenths to quarters only if it is no noise

Sums = Float[Array, "parts columns"]  # Σ weight·value of each signal, and Σ weight, of every part
Means = Float[Array, " n"]


def smooth_window(part: Float[Array, "..."]) -> Float[Array, "..."]:
    """sin⁴(π part), the weight of a mean at a part of its window between 0 and 1."""
    return jnp.sin(jnp.pi * part) ** 4


def empty_sums(signals: int) -> Sums:
    return jnp.zeros((sum(_SCALES), signals + 1))


def add(sums: Sums, value: Means, part: Float[Array, ""]) -> Sums:
    """One more value of each signal at a part of the window.

    It goes into the sixteenth, quarter and half that the part lies in.
    """
    scales = jnp.array(_SCALES, float)
    first = jnp.array([sum(_SCALES[:k]) for k in range(len(_SCALES))])
    place = part * scales
    weight = smooth_window(place - jnp.floor(place))
    where = first + jnp.floor(place).astype(int)
    weight = weight[:, None]
    return sums.at[where].add(jnp.concatenate([weight * value, weight], axis=1))


def add_all(
    sums: Float[Array, "parts 2 lanes"],
    values: Float[Array, "times lanes"],
    part: Float[Array, " times"],
) -> Float[Array, "parts 2 lanes"]:
    """The same for one signal of many lanes, at many parts of one window at once."""
    weights = []
    for scale in _SCALES:
        place = part * scale
        inside = jnp.floor(place) == jnp.arange(scale, dtype=float)[:, None]
        weights.append(jnp.where(inside, smooth_window(place - jnp.floor(place)), 0.0))
    weight = jnp.concatenate(weights)
    whole = jnp.broadcast_to(jnp.sum(weight, axis=1)[:, None], (weight.shape[0], values.shape[1]))
    return sums + jnp.stack([weight @ values, whole], axis=1)


def halves(sums: Sums) -> Float[Array, "2 n"]:
    """The means over both halves of a full window."""
    return sums[20:22, :-1] / sums[20:22, -1:]


def mean(sums: Sums) -> Means:
    """The means over a full window."""
    return sums[-1, :-1] / sums[-1, -1]


def beats(mean: Means, periods: Float[Array, ""]) -> Means:
    """Turns by which a motion runs ahead of the step n/m closest to it, m ≤ LONGEST_CYCLE.

    Args:
        mean: turns per period.
        periods: in the window.
    """
    ahead = jnp.arange(1.0, LONGEST_CYCLE + 1)[:, None] * mean
    return jnp.min(jnp.abs(ahead - jnp.round(ahead)), axis=0) * periods


def error(sums: Sums, beats: Means) -> Means:
    """Standard error of the means over a full window, or a bound of it.

    Of a regular (periodic or quasi-periodic) signal the scatter of smooth means falls by powers
    as parts get longer, and halves bound the error of the whole. Of a chaotic or noisy signal it
    falls by the square root: the error is the largest of the standard errors that sixteenths,
    quarters and halves give. A window that holds but a part of the slowest beat sees only a part
    of its size.

    Args:
        sums: of a full window.
        beats: number of the slowest beats of each signal in the window.
    """
    values = sums[:, :-1] / sums[:, -1:]
    sixteenths, quarters, halves, whole = values[:16], values[16:20], values[20:22], values[22]
    fine, coarse = (jnp.std(x, axis=0, ddof=1) for x in (sixteenths, quarters))
    between = jnp.abs(halves[0] - halves[1])
    bound = jnp.maximum(between, jnp.max(jnp.abs(halves - whole), axis=0))
    noise = jnp.maximum(jnp.maximum(fine / 4, coarse / 2), between / 2)
    size = jnp.where(coarse * _FASTER < fine, bound, jnp.maximum(noise, bound / 2))
    # Part of a beat: its size from slope and curvature, one of which any phase of it has.
    part = jnp.minimum(2 * beats, 1.0)
    bent = jnp.abs(quarters[0] - quarters[1] - quarters[2] + quarters[3])
    return jnp.where(part < 1, (size + bent / part) / part, size)
