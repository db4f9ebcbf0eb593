"""Global maximum and minimum of a 2π-periodic function with known sharp features.

The caller provides sorted samples fine enough that every extremum lies between two of them
(see `clustered_grid`). The best few sampled extrema are then polished by Newton's method,
kept inside their brackets by bisection. Nothing of this search is differentiated: exact
derivatives come from re-evaluating the function at the end (`core.critical`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from .roots import Scalar, value_and_slope

CLOSEST = 1e-13  # offsets below this drown in the rounding of the phase itself
_COARSE = 1e-3  # spacing above which a peak between samples is worth extrapolating
_FARTHEST = 0.4  # from here on the uniform samples take over


class Extrema(NamedTuple):
    """Maximum (index 0) and minimum (index 1) over one period."""

    position: Float[Array, "2"]
    value: Float[Array, "2"]
    converged: Bool[Array, "2"]


def clustered_grid(
    kinks: ArrayLike | Sequence, widths: ArrayLike | Sequence, uniform: int, rungs: int = 14
) -> Float[Array, " n"]:
    """Sorted samples of [0, 2π): uniform ones, and ladders towards every near-kink.

    A near-kink of width w has its extrema at distances between w and 1 from it (at w^(2/3)
    when a background of slope one competes), so each ladder has `rungs` geometric steps
    from w/2 to 0.4 on either side.
    """
    kinks, widths = (jnp.ravel(jnp.asarray(x, float)) for x in (kinks, widths))
    if kinks.shape != widths.shape:
        raise ValueError(
            f"kinks must return as many widths as phases, got {kinks.size} and {widths.size}"
        )
    even = jnp.linspace(0.0, 2 * jnp.pi, uniform, endpoint=False)
    lowest = jnp.clip(widths / 2, CLOSEST, _FARTHEST / 2)
    # Ladders of coinciding kinks must not coincide: equal samples would bracket nothing.
    lowest = lowest * jnp.linspace(1.0, 1.3, widths.size)
    exponent = jnp.linspace(0.0, 1.0, rungs)
    ladder = lowest[:, None] * (_FARTHEST / lowest[:, None]) ** exponent
    ladder = ladder.at[:, -1].multiply(jnp.linspace(1.0, 0.9, widths.size))
    sides = kinks[:, None] + jnp.concatenate([-ladder, ladder], axis=1)
    return jnp.sort(jnp.concatenate([even, jnp.mod(sides.ravel(), 2 * jnp.pi)]))


def periodic_extrema(
    f: Callable[[Scalar], Scalar],
    grid: Float[Array, " n"],
    candidates: int = 4,
    steps: tuple[int, int] = (3, 9),
    tolerance: float = 1e-11,
) -> Extrema:
    """Largest and smallest value of `f` over one period, to `tolerance` × max|f|.

    Args:
        f: scalar function of a scalar, period 2π; jumps are allowed next to a grid point.
        grid: sorted samples of one period.
        candidates: sampled peaks considered; more only matter where that many peaks tie
            within the sampling error.
        steps: safeguarded Newton steps for every candidate, then for the best two.
    """
    samples = jax.vmap(f)(grid)
    left = jnp.roll(grid, 1).at[0].add(-2 * jnp.pi)
    right = jnp.roll(grid, -1).at[-1].add(2 * jnp.pi)
    scale = jnp.max(jnp.abs(samples))

    def extremum(sign):
        values = sign * samples
        rise, fall = values - jnp.roll(values, 1), values - jnp.roll(values, -1)
        # Start from, and rank by, the vertex of the parabola through three samples: it
        # separates peaks that the samples alone leave tied. On the close rungs of a ladder
        # the samples are exact enough, and across a jump the parabola would mean nothing.
        h, k = jnp.maximum(grid - left, CLOSEST / 10), jnp.maximum(right - grid, CLOSEST / 10)
        slope = (rise * k / h - fall * h / k) / (h + k)
        curvature = 2 * (rise / h + fall / k) / (h + k)
        shift = jnp.where(curvature > 0, slope / jnp.where(curvature > 0, curvature, 1), 0)
        shift = jnp.where(jnp.minimum(h, k) > _COARSE, jnp.clip(shift, -0.6 * h, 0.6 * k), 0.0)
        peak = (rise >= 0) & (fall >= 0)
        rank = jnp.where(peak, values + 0.5 * slope * shift, -jnp.inf)
        height, index = jax.lax.top_k(rank, candidates)
        climb = jax.vmap(lambda state, n: _climb(f, sign, state, n), (0, None))
        start = _Climb.begin(grid[index] + shift[index], left[index], right[index])
        state = climb(start, steps[0])
        bound = jnp.where(jnp.isneginf(height), -jnp.inf, state.value + state.error)
        _, promising = jax.lax.top_k(bound, 2)
        state = climb(jax.tree.map(lambda x: x[promising], state), steps[1])
        best = jnp.argmax(state.value)
        # A sample above the result means that its peak was not among the candidates.
        missed = jnp.max(values) - state.value[best]
        error = jnp.maximum(state.error[best], missed)
        return state.best[best], sign * state.value[best], error <= tolerance * scale

    return Extrema(*jax.vmap(extremum)(jnp.array([1.0, -1.0])))


class _Climb(NamedTuple):
    """One climb: next trial, bracket, best position with its value and error bound."""

    trial: Scalar
    low: Scalar
    high: Scalar
    best: Scalar
    value: Scalar
    error: Scalar

    @classmethod
    def begin(cls, trial, low, high):
        return cls(trial, low, high, trial, jnp.full_like(trial, -jnp.inf), high - low)


def _climb(f, sign, state, steps):
    """Climb sign·f inside the bracket by Newton's method, by bisection where that fails."""

    def step(_, s):
        x = s.trial
        (value, first), (_, second) = value_and_slope(lambda y: value_and_slope(f, y), x)
        value, first, second = sign * value, sign * first, sign * second
        low, high = jnp.where(first > 0, x, s.low), jnp.where(first > 0, s.high, x)
        newton = x - first / jnp.where(second < 0, second, -1.0)
        inside = (second < 0) & (newton > low) & (newton < high)
        following = jnp.where(inside, newton, 0.5 * (low + high))
        # What the next step could still gain: the bracket bounds it at a jump, Newton's
        # decrement at a smooth peak.
        error = jnp.abs(first) * jnp.where(inside, jnp.abs(newton - x), high - low)
        better = value > s.value
        error = jnp.where(better, error, jnp.minimum(error, s.error))
        return _Climb(
            following, low, high, jnp.where(better, x, s.best), jnp.maximum(value, s.value), error
        )

    return jax.lax.fori_loop(0, steps, step, state)
