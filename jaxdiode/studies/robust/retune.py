"""What stays tunable is set anew for every fabricated device: a maximum inside the expectation."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ...core.device import AbstractDevice
from ...core.paths import (
    Target,
    allowed_range,
    elements_of,
    match_names,
    owner_of,
    values_at,
    with_values,
)
from ...numerics import ascent
from .members import Absolute
from .spread import Spread

Objective = Callable[[AbstractDevice], Float[Array, ""]]

_REACH = 6.0  # standard deviations of a knob's own scatter
_SCAN = 31  # values of one knob that are tried before the climb
_SCAN_MORE = 32  # of several, times their number
_HALVINGS = 12  # of two steps of the scan
_CLIMB = 40  # evaluations of the climb from the best of them, times the number of knobs
_ASIDE = 1e-6  # of the reach: where both sides of a ridge are seen that bisection found
_ASIDE_MORE = 1e-4  # and one that a climb found
_CORNERS = 16  # at most, of the cube around it
_BALANCING = 300  # steps to the mixture of their slopes


class Knob(eqx.Module):
    """Parameters that are moved together, by at most `reach` to both sides."""

    targets: tuple[Target, ...] = eqx.field(static=True)
    reach: Float[np.ndarray | Array, ""]
    lowest: Float[np.ndarray | Array, " parameters"]
    highest: Float[np.ndarray | Array, " parameters"]


def reaches(retune: Any, spread: Spread) -> dict[str, float]:
    """{name: reach} of what is retuned.

    Raises:
        ValueError: no names, a reach that is not positive, one that is neither given nor follows
            from the scatter.
    """
    if isinstance(retune, str):
        retune = [retune]
    if isinstance(retune, Mapping):
        for name, reach in retune.items():
            if not _checks.is_number(reach) or not 0 < reach < np.inf:
                raise ValueError(f"reach of {name!r} in retune must be positive, got {reach!r}")
        return {name: float(reach) for name, reach in retune.items()}
    if not isinstance(retune, Sequence):
        raise ValueError(f"retune must be names or {{name: reach}}, got {retune!r}")
    found = {}
    for name in retune:
        own = spread.members.get(name, ()) if isinstance(name, str) else ()
        variance = sum(float(m.deviation) ** 2 for m in own if isinstance(m, Absolute))
        if not variance:
            raise ValueError(
                f"retune must be {{name: reach}} for {name!r}: how far it can be moved does not "
                "follow from a normal scatter of its own"
            )
        found[name] = _REACH * float(np.sqrt(variance))
    return found


def knobs(device: AbstractDevice, retune: Mapping[str, float]) -> tuple[Knob, ...]:
    """What is moved together in one device.

    Raises:
        ValueError: unknown names, one that two patterns name.
    """
    elements, seen, found = elements_of(device), set(), []
    for pattern, reach in retune.items():
        names = match_names(elements, pattern)
        if twice := seen & set(names):
            raise ValueError(f"retune must name each parameter once, {min(twice)!r} came twice")
        seen |= set(names)
        low, high = np.array([allowed_range(*owner_of(device, name)) for name in names], float).T
        found.append(Knob(tuple(elements[name] for name in names), np.asarray(reach), low, high))
    return tuple(found)


def largest(
    objective: Objective, device: AbstractDevice, moved: tuple[Knob, ...]
) -> Float[Array, ""]:
    """The largest objective of one device within the reach of its knobs; without any, its own.

    The best of a scan, and from there, by one knob, bisection of its slope; by several, a BFGS
    climb that survives ridges. A maximum narrower than a step of the scan may be missed.
    Derivatives are those of the maximum: at a smooth one the setting may be held (envelope
    theorem), on a ridge, where most diodes are best, they are the mixture of both sides'
    derivatives in which the knobs' own vanish.
    """
    if not moved:
        return objective(device)
    fixed = jax.tree.map(jax.lax.stop_gradient, device)

    def at(shares: Float[Array, " knobs"]) -> Float[Array, ""]:
        return objective(_moved(fixed, moved, shares))

    scan = _scan(len(moved))
    scores = jax.vmap(at)(scan)
    scores = jnp.where(jnp.isfinite(scores), scores, -jnp.inf)
    best = jnp.argmax(scores)
    end = (_bisected if len(moved) == 1 else _climbed)(at, scan[best])
    value = at(end)
    higher = value > scores[best]
    found = jax.lax.stop_gradient(jnp.where(higher, end, scan[best]))
    return _with_slope_of_maximum(
        objective, device, moved, found, jnp.where(higher, value, scores[best])
    )


def _bisected(at: Callable[[Array], Array], start: Float[Array, "1"]) -> Float[Array, "1"]:
    """Where the slope changes its sign within a step of the scan."""
    step = 2.0 / (_SCAN - 1)

    def value_and_slope(share: Array) -> tuple[Array, Array]:
        return jax.jvp(at, (share,), (jnp.ones(1),))

    def halve(ends: tuple[Array, Array], _: object) -> tuple[tuple[Array, Array], None]:
        low, high = ends
        middle = 0.5 * (low + high)
        _, slope = value_and_slope(middle)
        rises = jnp.where(jnp.isfinite(slope), slope > 0, middle < start)
        return (jnp.where(rises, middle, low), jnp.where(rises, high, middle)), None

    ends = jnp.maximum(start - step, -1.0), jnp.minimum(start + step, 1.0)
    (low, high), _ = jax.lax.scan(halve, ends, None, length=_HALVINGS)
    # Where both tangents meet: the ridge between two smooth sides, to second order.
    (left, rise), (right, fall) = value_and_slope(low), value_and_slope(high)
    meet = (right - left + rise * low - fall * high) / (rise - fall)
    return jnp.where((low < meet) & (meet < high), meet, 0.5 * (low + high))


def _climbed(at: Callable[[Array], Array], start: Float[Array, " knobs"]) -> Float[Array, " knobs"]:
    """The end of a climb in coordinates without ends, which begins a hundredth inside."""
    point = jnp.arctanh(jnp.clip(start, -0.99, 0.99))
    both = jax.value_and_grad(lambda coordinates: at(jnp.tanh(coordinates)))

    def step(state: ascent.Ascent, _: object) -> tuple[ascent.Ascent, None]:
        return ascent.update(state, *both(state.trial)), None

    value, slope = both(point)
    value = jnp.where(jnp.isfinite(value), value, -jnp.inf)
    slope = jnp.where(jnp.isfinite(slope), slope, 0.0)
    begun = ascent.begin(point, value, slope, 0.05)
    end, _ = jax.lax.scan(step, begun, None, length=_CLIMB * point.size)
    return jnp.tanh(end.point)


def _with_slope_of_maximum(objective, device, moved, found, value) -> Float[Array, ""]:
    """The value of a maximum over the knobs, with its derivatives by everything else."""
    aside = _ASIDE if len(moved) == 1 else _ASIDE_MORE
    sides = jnp.clip(found + aside * jnp.asarray(_around(len(moved))), -1, 1)

    def beside(shares: Array) -> Array:
        return objective(_moved(device, moved, shares))

    slopes = jax.vmap(jax.grad(beside))(jax.lax.stop_gradient(sides))
    outward = (jnp.abs(found) > 1 - aside) & (jnp.sign(found) * jnp.mean(slopes, axis=0) > 0)
    share = _balance(jax.lax.stop_gradient(jnp.where(outward, 0.0, slopes)))
    mixture = share @ jax.vmap(beside)(sides)
    known = jnp.isfinite(value)
    mixture = jnp.where(known, mixture, jnp.nan)
    return jax.lax.stop_gradient(jnp.where(known, value, jnp.nan) - mixture) + mixture


def _around(count: int) -> Float[np.ndarray, "sides knobs"]:
    """Directions to look into: along every knob, and between them."""
    along = np.concatenate([np.eye(count), -np.eye(count)])
    if count == 1:
        return along
    corners = np.array(list(itertools.islice(itertools.product((1.0, -1.0), repeat=count), 2**10)))
    chosen = corners[np.linspace(0, len(corners) - 1, min(len(corners), _CORNERS)).astype(int)]
    return np.concatenate([along, chosen])


def _balance(slopes: Float[Array, "sides knobs"]) -> Float[Array, " sides"]:
    """Shares ≥ 0 of sum one with the shortest mixture of slopes: by projected gradients."""
    slopes = jnp.where(jnp.isfinite(slopes), slopes, 0.0)
    square = slopes @ slopes.T
    longest = jnp.trace(square)
    square = square / jnp.where(longest > 0, longest, 1.0)

    def step(_: object, shares: Array) -> Array:
        return _onto_simplex(shares - square @ shares)

    start = jnp.full(slopes.shape[0], 1.0 / slopes.shape[0])
    return jax.lax.fori_loop(0, _BALANCING, step, start)


def _onto_simplex(point: Float[Array, " n"]) -> Float[Array, " n"]:
    """The nearest point with coordinates ≥ 0 of sum one.

    Source: Duchi et al., Proc. ICML 272 (2008).
    """
    falling = -jnp.sort(-point)
    surplus = (jnp.cumsum(falling) - 1) / jnp.arange(1.0, point.size + 1)
    last = jnp.sum(falling > surplus) - 1
    return jnp.maximum(point - surplus[last], 0.0)


def _scan(count: int) -> Float[Array, "points knobs"]:
    """Settings to try, in shares of the reach; the present one is the first."""
    if count == 1:
        points = np.linspace(-1, 1, _SCAN)[:, None]
    else:
        from scipy.stats import qmc

        size = (_SCAN_MORE * count - 1).bit_length()
        points = 2 * qmc.Sobol(count, scramble=False).random_base2(size) - 1
    return jnp.asarray(np.concatenate([np.zeros((1, count)), points]))


def _moved(device: AbstractDevice, moved: tuple[Knob, ...], shares: Array) -> AbstractDevice:
    targets, values = [], []
    for knob, share in zip(moved, shares, strict=True):
        present = values_at(device, knob.targets)
        targets += [(target,) for target in knob.targets]
        values += list(jnp.clip(present + knob.reach * share, knob.lowest, knob.highest))
    return with_values(device, targets, values)
