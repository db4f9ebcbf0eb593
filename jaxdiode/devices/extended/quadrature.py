"""Panels over the width that follow the sharp turns of the local relation across the junction.

With y = x sgn f the local phase φ + 2π|f|y rises with y. Where it passes a turn the panels shrink
geometrically towards that place, so that neither a jump nor a turn of any width costs digits.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

NODES = 12  # Gauss nodes a panel
_RUNGS = 5  # panels on either side of a turn, from half its width to _FARTHEST
_FARTHEST = 0.8
_CLOSEST = 1e-12
_SAMPLES = 16  # of samples_per_period that one panel takes: 5 of the 12 harmonics a sample allows
_STILL = 1e-12  # phase across the width below which crossings are not looked for


def resolved_flux(flux: float) -> int:
    """Whole flux quanta that a device built at this flux resolves unless it is told otherwise."""
    return max(3, math.ceil(abs(flux)))


def still_edges(panels: int, largest: int, samples: int) -> np.ndarray:
    """Panels of a local relation without sharp turns: the same at every phase."""
    wanted = largest * max(samples / _SAMPLES, 1) + 1
    count = panels * math.ceil(wanted / panels)
    return np.linspace(-0.5, 0.5, count + 1)


def thin_edges(panels: int, least: int) -> np.ndarray:
    """Panels for the phase along a thin strip, whose curvature diverges at the ends."""
    count = panels * math.ceil(least / panels)
    inner = np.linspace(-0.5, 0.5, count + 1)
    ladder = 0.5 - 0.5 ** np.arange(2, 26) / count
    return np.concatenate([[-0.5], -ladder[::-1], inner[1:-1], ladder, [0.5]])


def offsets(kinks, widths, samples: int) -> Float[Array, " n"]:
    """Edges of one period, sorted, as distances from the first turn in [−π, π)."""
    kinks, widths = jnp.ravel(kinks), jax.lax.stop_gradient(jnp.ravel(widths))
    count = max(math.ceil(samples / _SAMPLES), 2)
    marks = [2 * math.pi * k / count - math.pi for k in range(count) if 2 * k != count]
    lowest = jnp.clip(widths / 2, _CLOSEST, _FARTHEST / 2)
    ladder = lowest[:, None] * (_FARTHEST / lowest[:, None]) ** jnp.linspace(0.0, 1.0, _RUNGS)
    around = jnp.concatenate([-ladder[:, ::-1], jnp.zeros_like(lowest)[:, None], ladder], axis=1)
    if kinks.size == 1 and 2 * math.pi > _FARTHEST * count:
        below = sum(mark < 0 for mark in marks)  # in order as they are
        parts = [jnp.array(marks[:below]), jnp.ravel(around), jnp.array(marks[below:])]
        return jnp.concatenate(parts)
    places = jnp.ravel((kinks - kinks[0])[:, None] + around)
    return _in_order(jnp.concatenate([jnp.array(marks), _wrapped(places)]))


def _in_order(edges):
    """Sorted; the order alone is no matter of derivatives."""
    return edges[jnp.argsort(jax.lax.stop_gradient(edges))]


def _wrapped(places):
    return places - 2 * jnp.pi * jnp.floor(places / (2 * jnp.pi) + 0.5)


def crossing_edges(phase, across, first, distances, panels: int, largest: int):
    """Edges −½ … ½ in y at one phase, those of the profile's panels among them, and whose panel
    each interval between two lies in.

    Where a turn stands on a step of the profile, an interval without width is left between them:
    its slope counts, and so does the side of the step that it belongs to.

    Args:
        phase: φ.
        across: 2π|f|.
        first: position of the first turn.
        distances: `offsets`.
        panels: of the profile.
        largest: flux quanta that there are edges for.
    """
    across = jnp.maximum(across, _STILL)
    start = phase - across / 2
    turns = jnp.ceil((start - first) / (2 * jnp.pi) - 0.5)
    periods = 2 * jnp.pi * (turns + jnp.arange(largest + 1, dtype=float))
    places = first + periods[:, None] + distances
    inside = jnp.clip((jnp.ravel(places) - phase) / across, -0.5, 0.5)
    profile = jnp.linspace(-0.5, 0.5, panels + 1)
    if panels == 1:
        edges = jnp.concatenate([profile[:1], inside, profile[1:]])
        return edges, jnp.zeros(edges.size - 1, int)
    edges = jnp.concatenate([profile[:-1], inside, profile[-1:]])
    order = jnp.argsort(jax.lax.stop_gradient(edges))  # alike ones stay as they are
    begins = jnp.cumsum((order < panels).astype(int)) - 1
    return edges[order], begins[:-1]


def rule(edges, nodes: int):
    """Gauss nodes and weights of all panels, flat."""
    where, weight = np.polynomial.legendre.leggauss(nodes)
    half = (edges[1:] - edges[:-1]) / 2
    middle = (edges[1:] + edges[:-1]) / 2
    return jnp.ravel(middle[:, None] + half[:, None] * where), jnp.ravel(half[:, None] * weight)
