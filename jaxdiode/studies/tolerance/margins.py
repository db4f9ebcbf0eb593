"""The verb: margins of parameters, one at a time and in pairs."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ... import _checks
from ...core.device import AbstractDevice
from .boundary import NONE, Boundary, Evaluation, Rays, first_failures, met
from .moves import Moves, moves_of, relative_scale
from .result import Margins, ray_of
from .specification import Specification, specification_of


def margins(
    device: AbstractDevice,
    specification: Specification | Mapping[Any, Any],
    *,
    names: str | Sequence[str] | None = None,
    ties: Iterable[str | Sequence[str]] = (),
    reach: Mapping[str, float | int] | None = None,
    pairs: bool = True,
    points: int = 64,
    directions: int = 16,
    progress: bool = True,
) -> Margins:
    """How far each parameter, and each pair of them, may go before a specification fails.

    The parameter margins of superconducting circuits, with their critical margin, the smallest.
    Every parameter goes both ways from its value, the others staying where they are:

    - one that cannot be negative and is not 0 by factors, up to 2 (its logarithm is what counts);
    - a flux by up to ½ Φ₀, an angle by up to π, one that has two limits (a gate) up to these;
    - any other by up to its size: a plain number by max(|value|, 1), one with a unit by |value|,
      or, where that is 0, by the largest of those with this unit;

    and no further than the device allows. Each way is scanned at `points` points. Where slacks or
    slopes at two neighbouring ones say that a bound may have a minimum between them, it is looked
    for. The first failure is then bisected to 1e-10 of the reach. What cannot be seen: a failure
    narrower than 1/points of the reach that bends no slack at the points beside it.

    A device without a result (NaN) fails.

    Args:
        device: any device that meets the specification.
        specification: a `Specification`, or the bounds that make one. Functions in it must be
            differentiable (forward mode).
        names: patterns as in `Space` of the parameters to be moved, each by itself; all that may
            vary where left out.
        ties: groups of names, such as ["flux"], whose members move together, by the same factor or
            distance; they stand as their first.
        reach: {name: factor or distance} in place of those above.
        pairs: also follow `directions` rays in the plane of each two parameters.
        points: of the scan of every ray.
        directions: of a plane, a multiple of 4, the axes among them.
        progress: show a bar when stderr is a terminal.

    Raises:
        ValueError: the device does not meet the specification, or has no result; unknown names,
            parameters that cannot vary, ties of unlike parameters, a reach that is no factor above
            1 or distance above 0.

    Example:
        >>> squid = jd.Squid([jd.TunnelJunction(60), jd.TunnelJunction(40)], flux=[0.0])
        >>> found = jd.margins(
        ...     squid, {"plus": (90, 125)}, names="branches", points=16, progress=False
        ... )
        >>> for name, (down, up) in zip(found.names, found.relative):
        ...     print(f"{name} {down:+.2%} {up:+.2%}")
        branches.0.critical_current -16.67% +41.67%
        branches.1.critical_current -25.00% +62.50%
        >>> pair = found.nearest[0]
        >>> print(f"{pair.values[0]:.6f} {pair.values[1]:.6f} {pair.ended_by}")  # both × 0.9
        54.000000 36.000000 plus ≥ 90
    """
    if not isinstance(device, AbstractDevice):
        raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
    asked = specification_of(specification)
    _checks.whole_number("points", points, at_least=2)
    _checks.whole_number("directions", directions, at_least=4)
    if directions % 4:
        raise ValueError(f"directions must be a multiple of 4, got {directions}")
    _checks.flag("pairs", pairs)
    moves, allowed = moves_of(device, names, ties, reach)
    evaluate = Evaluation(moves, asked)
    count = len(moves.names)
    single = _single_rays(count, allowed)
    _require_met(evaluate, single)
    alone = first_failures(evaluate, single, points, label="margins", progress=progress)
    angle = 2 * np.pi * np.arange(directions) / directions
    planes = list(itertools.combinations(range(count), 2)) if pairs else []
    several = _pair_rays(count, planes, angle, allowed)
    both = first_failures(
        evaluate, _off_axes(several, len(planes), directions), points, label="pairs",
        progress=progress,
    )  # fmt: skip
    return _collected(moves, asked, allowed, alone, _with_axes(both, alone, planes, directions),
                      (angle, several), points, evaluate.count)  # fmt: skip


def _single_rays(count: int, allowed: np.ndarray) -> Rays:
    """Down and up along every parameter in turn."""
    direction = np.repeat(np.eye(count), 2, axis=0) * np.tile([-1.0, 1.0], count)[:, None]
    return Rays(direction, np.abs(allowed).ravel())


def _pair_rays(count, planes, angle, allowed) -> Rays:
    rays = np.array([ray_of(a) for a in angle])
    direction = np.zeros((len(planes), len(angle), count))
    for k, plane in enumerate(planes):
        direction[k][:, list(plane)] = rays
    direction = direction.reshape(-1, count)
    ends = np.where(direction > 0, allowed[:, 1], allowed[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.where(direction == 0, np.inf, ends / direction)
    return Rays(direction, np.min(length, axis=1, initial=np.inf))


def _on_axes(directions: int) -> np.ndarray:
    return np.arange(directions) % (directions // 4) == 0


def _off_axes(rays: Rays, planes: int, directions: int) -> Rays:
    """Without those that are followed already."""
    new = np.tile(~_on_axes(directions), planes)
    return Rays(rays.direction[new], rays.length[new])


def _with_axes(found: Boundary, alone: Boundary, planes, directions) -> Boundary:
    """(pairs, directions), from what was found off the axes and on them."""
    on = _on_axes(directions)
    distance = np.full((len(planes), directions), np.nan)
    fails = np.full((len(planes), directions), NONE)
    distance[:, ~on] = found.distance.reshape(len(planes), np.sum(~on))
    fails[:, ~on] = found.fails.reshape(len(planes), np.sum(~on))
    for k, (i, j) in enumerate(planes):
        axes = [2 * i + 1, 2 * j + 1, 2 * i, 2 * j]
        distance[k, on], fails[k, on] = alone.distance[axes], alone.fails[axes]
    return Boundary(distance, fails)


def _require_met(evaluate: Evaluation, rays: Rays) -> None:
    slack = evaluate(rays, np.zeros(1, int), np.zeros(1))[0]
    if met(slack).all():
        return
    device, asked = evaluate.moves.device, evaluate.specification
    values = ", ".join(f"{name} = {float(x):.6g}" for name, x in asked.values(device).items())
    raise ValueError(f"device must meet the specification {', '.join(asked.labels)}, got {values}")


def _collected(moves: Moves, asked, allowed, alone, both, planes, points, count) -> Margins:
    size = len(moves.names)
    sign = np.array([-1.0, 1.0])
    share = alone.distance.reshape(size, 2)
    nominal, width = (np.asarray(x) for x in (moves.start[jnp.array(moves.first)], moves.width))
    angle, rays = planes

    def value(x):
        way = x * width[:, None]
        by_factor = np.array(moves.factors)[:, None]
        one = nominal[:, None]
        return np.where(by_factor, one * np.exp(np.where(by_factor, way, 0.0)), one + way)

    low, high = value(sign * share).T
    scale = [
        one if by_factor else relative_scale(moves.device, name, float(one), float(way))
        for name, one, way, by_factor in zip(
            moves.names, nominal, width, moves.factors, strict=True
        )
    ]
    return Margins(
        device=moves.device,
        labels=asked.labels,
        names=moves.names,
        nominal=nominal,
        factors=moves.factors,
        low=low,
        high=high,
        share=share,
        allowed=allowed,
        scale=np.array(scale),
        width=width,
        fails=alone.fails.reshape(size, 2).astype(np.int32),
        angle=angle,
        pair_share=both.distance,
        pair_reach=rays.length.reshape(both.distance.shape),
        pair_fails=both.fails.astype(np.int32),
        points=points,
        evaluations=count,
    )
