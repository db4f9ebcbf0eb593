"""How parameters move away from their values: by factors or distances, as far as they may."""

import math
from collections.abc import Iterable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ...core.device import AbstractDevice
from ...core.parameters import CURRENT
from ...core.paths import (
    allowed_range,
    declaration,
    elements_of,
    match_names,
    owner_of,
    parameter_values,
    tied_groups,
    with_values,
)

FACTOR = 2.0
FLUX = 0.5  # Φ₀: half the period of everything
ANGLE = math.pi
_INSIDE = 1 - 1e-9  # of the way to a limit that the parameter itself may not take


class Moves(eqx.Module):
    """A displacement x of n movable parameters (or groups of them) → a device.

    x = ±1 is the reach: value · factor^x where `factors` says so, else value + distance · x. The
    members of a group take the same factor or distance. At the end of its range a member is at its
    limit `low` or `high` itself, and not beyond by a rounding.
    """

    device: AbstractDevice
    start: Float[Array, " members"]
    width: Float[Array, " n"]  # ln factor, or distance
    low: Float[Array, " members"]
    high: Float[Array, " members"]
    names: tuple[str, ...] = eqx.field(static=True)
    factors: tuple[bool, ...] = eqx.field(static=True)
    targets: tuple[tuple[int, int], ...] = eqx.field(static=True)
    group: tuple[int, ...] = eqx.field(static=True)

    @property
    def first(self) -> list[int]:
        """Of every group its first member, whose value stands for it."""
        return [self.group.index(k) for k in range(len(self.names))]

    def values(self, x: Float[Array, " n"]) -> Float[Array, " members"]:
        """What all members are at x."""
        group = np.array(self.group)
        by_factor = np.array(self.factors)[group]
        way = (x * self.width)[group]
        moved = jnp.where(
            by_factor, self.start * jnp.exp(jnp.where(by_factor, way, 0.0)), self.start + way
        )
        return _within(moved, self.low, self.high)

    def at(self, x: Float[Array, " n"]) -> AbstractDevice:
        """The device at x."""
        values = self.values(x)
        targets = [(target,) for target in self.targets]
        return with_values(self.device, targets, list(values))


@jax.custom_jvp
def _within(values, low, high):
    """What lies beyond a limit is at it, with the slopes of what moves freely."""
    return jnp.clip(values, low, high)


@_within.defjvp
def _slope_within(primals, tangents):
    return _within(*primals), tangents[0]


def moves_of(
    device: AbstractDevice,
    names: str | Sequence[str] | None,
    ties: Iterable[str | Sequence[str]],
    reach: Mapping[str, float | int] | None,
) -> tuple[Moves, np.ndarray]:
    """The moves asked for, and how far the device allows each, (n, 2) with −1 … 0 and 0 … 1."""
    elements = elements_of(device)
    ranges = {name: allowed_range(*owner_of(device, name)) for name in elements}
    free = [name for name, (low, high) in ranges.items() if low < high]
    groups = _groups(elements, free, names, ties)
    values = parameter_values(device)
    kinds = [_kind(group, values, ranges) for group in groups]
    asked = _asked(elements, groups, kinds, reach)
    widths = []
    for group, by_factor, given in zip(groups, kinds, asked, strict=True):
        own = FACTOR if by_factor else max(_distance(device, n, values, ranges) for n in group)
        width = own if given is None else given
        widths.append(math.log(width) if by_factor else width)
    members = [name for group in groups for name in group]
    moves = Moves(
        device=device,
        start=jnp.array([values[name] for name in members], float),
        width=jnp.array(widths, float),
        low=jnp.array([ranges[name][0] for name in members], float),
        high=jnp.array([ranges[name][1] for name in members], float),
        names=tuple(group[0] for group in groups),
        factors=tuple(kinds),
        targets=tuple(elements[name] for name in members),
        group=tuple(k for k, group in enumerate(groups) for _ in group),
    )
    allowed = [
        _allowed(device, group, by_factor, width, values, ranges)
        for group, by_factor, width in zip(groups, kinds, widths, strict=True)
    ]
    return moves, np.array(allowed)


def relative_scale(device: AbstractDevice, name: str, value: float, distance: float) -> float:
    """What changes that are no factors are told in: Φ₀ of fluxes, else their value or reach."""
    if declaration(*owner_of(device, name)).unit == "Φ₀":
        return 1.0
    return abs(value) or distance


def _groups(elements, free, names, ties) -> list[tuple[str, ...]]:
    if names is None:
        chosen = list(free)
    else:
        patterns = (names,) if isinstance(names, str) else names
        if not isinstance(patterns, Sequence):
            raise ValueError(f"names must be a list of parameters, got {names!r}")
        chosen = list(dict.fromkeys(n for p in patterns for n in match_names(elements, p)))
        if fixed := [name for name in chosen if name not in free]:
            raise ValueError(f"names must be of parameters that may vary, {fixed[0]!r} may not")
    tied = {name: group for group in tied_groups(elements, ties) for name in group}
    order = dict.fromkeys(tied.get(name, (name,)) for name in elements if name in chosen)
    if not order:
        raise ValueError("names must name at least one parameter, got none")
    return list(order)


def _kind(group, values, ranges) -> bool:
    """Whether a group moves by factors: parameters that cannot be negative and are not 0."""
    kinds = {ranges[name][0] >= 0 and values[name] > 0 for name in group}
    if len(kinds) > 1:
        raise ValueError(
            f"ties must join parameters that all move by factors (positive ones) or all by "
            f"distances, got {', '.join(group)}"
        )
    return kinds.pop()


def _asked(elements, groups, kinds, reach) -> list[float | None]:
    if not isinstance(reach, Mapping | None):
        raise ValueError(f"reach must be {{name: factor or distance}}, got {reach!r}")
    asked: list[float | None] = [None] * len(groups)
    for pattern, given in (reach or {}).items():
        named = set(match_names(elements, pattern))
        hit = [k for k, group in enumerate(groups) if named & set(group)]
        if not hit:
            raise ValueError(f"reach must be of parameters that move, {pattern!r} does not")
        size = float(_checks.real_array(f"reach[{pattern!r}]", given, ndim=0))
        for k in hit:
            if asked[k] is not None:
                raise ValueError(
                    f"reach must name each parameter once, {groups[k][0]!r} came twice"
                )
            if size <= (1 if kinds[k] else 0):
                wanted = "a factor above 1" if kinds[k] else "a distance above 0"
                raise ValueError(f"reach[{pattern!r}] must be {wanted}, got {size:g}")
            asked[k] = size
    return asked


def _distance(device, name, values, ranges) -> float:
    """Default reach of what moves by distances: up to both of its limits, if it has two.

    Else it must carry the parameter's unit, so that nothing depends on the user's: a parameter of 0
    takes its size from others of that unit, or from the currents where the unit has them below.
    """
    unit = declaration(*owner_of(device, name)).unit
    if unit in ("Φ₀", "rad"):
        return FLUX if unit == "Φ₀" else ANGLE
    low, high = ranges[name]
    if math.isfinite(high - low):
        return high - low
    size = abs(values[name])
    if not unit:
        return max(size, 1.0)

    def largest(of):
        same = (abs(v) for n, v in values.items() if declaration(*owner_of(device, n)).unit == of)
        return max(same, default=0.0)

    below = largest(CURRENT) if unit.endswith(f"/{CURRENT}") else 0.0
    return size or largest(unit) or (1 / below if below else 1.0)


def _allowed(device, group, by_factor, width, values, ranges) -> tuple[float, float]:
    """−1 … 0 and 0 … 1: the reach, or less where a member may not go so far."""
    least, most = -1.0, 1.0
    for name in group:
        declared, value = declaration(*owner_of(device, name)), values[name]
        low, high = ranges[name]
        ways = []
        for end, excluded in ((low, declared.above), (high, declared.below)):
            if math.isinf(end) or (by_factor and end <= 0):
                ways.append(math.copysign(math.inf, end if end else -1.0))
                continue
            way = (math.log(end / value) if by_factor else end - value) / width
            ways.append(way * _INSIDE if excluded == end else way)
        least, most = max(least, ways[0]), min(most, ways[1])
    return min(least, 0.0), max(most, 0.0)
