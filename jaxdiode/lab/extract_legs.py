"""Edges of all curves of one way of the bias, and what all ways say together."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..numerics.status import Status
from .edges import crossings
from .extract_choice import Leg
from .extract_plateau import (
    LEAST_POINTS,
    Plateaus,
    Side,
    baseline,
    integrated,
    intercepts,
    plateaus,
    sides,
)
from .extract_scale import Scale, correlated

_POINTS = 1 << 20  # samples that are worked on at once
_ENOUGH = 20  # samples that tell the noise of one curve from that of the map
_LOW = 1.25  # thresholds: less normal-state voltage at an edge is none of the edge's
_MIDDLE = 0.9  # of the range: where the lines of the normal state lie
_NEAREST = 0.1  # of it, that an edge counts as away from there
FALLING = 4.0  # errors, from which on a slope below zero is clear
_STEPS = 1.5  # from zero bias, within which a curve begins there
_RESISTIVE = 0.5  # of the threshold, by the slope at zero bias alone


class Edges(NamedTuple):
    """Of one way: plus and minus first.

    Attributes:
        values: position, noise, step and spread, (2, 4, rows).
        statuses: (2, rows).
        jumps: whether the voltage jumps to the normal state in one step, 1 or 0, else NaN.
        offset, offset_error: of the bias, by the asymptotes (of dV/dI those of its integral).
    """

    values: np.ndarray
    statuses: np.ndarray
    jumps: np.ndarray
    offset: np.ndarray
    offset_error: np.ndarray


def leg_plateaus(leg: Leg, odd: bool) -> tuple[Plateaus, Plateaus]:
    """Of all curves, and the same of the inner half of each."""
    made = [plateaus(sides(part, leg.current, odd), odd) for _, part in _chunks(leg)]
    whole, half = (
        Plateaus(*(np.concatenate(x, axis=-1) for x in zip(*parts, strict=True)))
        for parts in zip(*made, strict=True)
    )
    return whole, half


def leg_edges(leg: Leg, flat: Plateaus, scale: Scale, threshold: float, odd: bool) -> Edges:
    made = []
    for rows, part in _chunks(leg):
        own = Plateaus(*(x[..., rows] for x in flat))
        made.append(_edges(part, leg.current, own, scale, threshold, odd))
    return Edges(*(np.concatenate(x, axis=-1) for x in zip(*made, strict=True)))


def by_role(legs: list[Leg], read: list[Edges]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (4 edges, 4, rows), statuses and the jumps of outward ways; the first known counts."""
    count = read[0].statuses.shape[-1]
    values = np.full((4, 4, count), np.nan)
    statuses = np.full((4, count), Status.NOT_SWEPT, np.int32)
    jumps = np.full((len(legs), count), np.nan)
    for leg, found, jump in zip(legs, read, jumps, strict=True):
        for k, role in enumerate((0, 3) if leg.direction > 0 else (2, 1)):
            state, unknown = found.statuses[k], statuses[role] != Status.CONVERGED
            better = unknown & ((state == Status.CONVERGED) | (statuses[role] == Status.NOT_SWEPT))
            values[role] = np.where(better, found.values[k], values[role])
            statuses[role] = np.where(better, state, statuses[role])
            if role < 2:
                jump[:] = found.jumps[k]
    return values, statuses, jumps


def latched(jumps: np.ndarray) -> bool:
    """Whether most curves jump."""
    known = jumps[np.isfinite(jumps)]
    return known.size > 0 and float(np.mean(known)) > 0.5


def one_way(values: np.ndarray, statuses: np.ndarray, latches: bool) -> list[str]:
    """Where the bias went one way only, the edge on the way back stands for the other, or not.

    Changes the arrays; the notes that it gives back say so.
    """
    for role in (0, 1):
        unseen = not (np.isfinite(values[role, 0]) | np.isfinite(values[role + 2, 0])).any()
        if unseen and (statuses[role] == Status.NOT_SWEPT).all() and not latches:
            statuses[role] = statuses[role + 2]
    lacking = [
        role for role in (0, 1)
        if (statuses[role] == Status.NOT_SWEPT).all() and np.isfinite(values[role + 2, 0]).any()
    ]  # fmt: skip
    if not lacking:
        return []
    (role,) = lacking[:1]
    name = "+-"[role]
    if latches:
        return [
            f"the bias went one way only and the junction latches: I_r{name} is its retrapping "
            f"current, I{name} and eta are not known (hysteretic=False, or --hysteretic False, "
            f"takes it for I{name})"
        ]
    for k in lacking:
        values[k], statuses[k] = values[k + 2], statuses[k + 2]
    other = 1 - role
    larger = values[role, 0] - values[other, 0] > 3 * np.hypot(values[role, 1], values[role, 2])
    smaller = values[other, 0] - values[role, 0] > 3 * np.hypot(values[role, 1], values[role, 2])
    notes = []
    if np.sum(larger) > 2 * np.sum(smaller) and np.sum(larger) > 1:
        way = "up" if role == 0 else "down"
        notes = [
            f"in {np.sum(larger)} curves the edge on the way to zero is the larger one, which no "
            f"hysteresis gives: a diode, or the bias went the other way (direction={way!r})"
        ]
    return [
        *notes,
        f"the bias went one way only: I{name} is where the voltage vanishes on the way to zero, "
        "the switching current only without hysteresis; with it, eta is no diode effect",
    ]


def _chunks(leg: Leg) -> Iterator[tuple[slice, np.ndarray]]:
    rows = max(1, _POINTS // leg.current.size)
    for start in range(0, len(leg.values), rows):
        part = slice(start, start + rows)
        yield part, leg.values[part]


def _edges(
    values: np.ndarray, current: np.ndarray, flat: Plateaus, scale: Scale, threshold: float,
    odd: bool,
) -> Edges:  # fmt: skip
    count = np.maximum(flat.count, 1)
    own = np.where(np.isfinite(flat.noise), flat.noise, scale.noise)
    noise = np.sqrt((count * own**2 + _ENOUGH * scale.noise**2) / (count + _ENOUGH))
    typical = np.where(np.isfinite(flat.edges), flat.edges, 0).max(axis=0)
    at = typical if odd else 1.0
    common = noise * np.sqrt(1 - scale.white**2)  # no crossing of several averages it
    apart = np.maximum(count / correlated(scale.white) ** 2, 1.0)
    shift = np.sqrt(noise**2 / apart + (scale.series_error * at) ** 2 + common**2)
    found, lines, held = [], [], np.zeros(len(values), int)
    both = sides(values, current, odd)
    for side, sign in zip(both, (1, -1), strict=True):
        if side.values.shape[1] < 2:
            found.append(None)
            continue
        line = (
            baseline(side.bias, flat.bias, flat.value, scale.series, sign) if odd else scale.series
        )
        rest = side._replace(values=side.values - line)
        own = crossings(rest.bias, rest.values, threshold, scale.white * noise, shift)
        held = held + own.last + 1
        found.append((own, rest))
        lines.append(intercepts(rest) if odd else integrated(rest))
    made, statuses, jumps = [], [], []
    for pair in found:
        if pair is None:
            made.append(np.full((4, len(values)), np.nan))
            statuses.append(np.full(len(values), Status.NOT_SWEPT, np.int32))
            jumps.append(np.full(len(values), np.nan))
            continue
        own, rest = pair
        state = _status(own.position, rest, flat, scale, threshold, held, odd)
        falls = _falls(flat, scale, threshold, count / apart, odd)
        state = np.where(falls & (state != Status.NOT_SWEPT), Status.LEADS_TOO_LARGE, state)
        state = state.astype(np.int32)
        made.append(np.where(state == Status.CONVERGED, np.array(own[:4]), np.nan))
        statuses.append(state)
        jumps.append(_jumps(own.last, rest, scale, state) if odd else np.full(len(values), np.nan))
    offset = _offset(lines) if len(lines) == 2 else np.full((2, len(values)), np.nan)
    lags = [_lag(one[0], _MIDDLE * np.max(np.abs(current))) for one in made]
    offset[1] += np.abs(lags[0] - lags[1]) / 2
    return Edges(np.array(made), np.array(statuses), np.array(jumps), *offset)


def _falls(flat: Plateaus, scale: Scale, threshold: float, together, odd: bool) -> np.ndarray:
    """Whether the resistance given leaves a plateau that clearly falls with the bias."""
    if not scale.given:
        return np.zeros(flat.zero.shape, bool)
    own, reach = flat.zero - scale.series, 1.0
    if odd:
        ends = np.isfinite(flat.edges)
        reach = np.where(ends, flat.edges, 0).max(axis=0)
        reach = np.where(ends.any(axis=0), reach, scale.current)
    clear = own < -FALLING * flat.zero_error * np.sqrt(together)
    return clear & (own * reach < -_RESISTIVE * threshold)


def _status(position, rest: Side, flat: Plateaus, scale: Scale, threshold, held, odd: bool):
    """Why an edge is not known."""
    values = rest.values
    some = np.isfinite(values).sum(axis=1) > 1  # zero bias belongs to both sides
    known = np.isfinite(position)
    own = flat.zero - scale.series
    carried = own * (position if odd else 1.0) > _RESISTIVE * threshold
    clear = own > 2 * np.hypot(flat.zero_error, scale.series_error)
    resistive = known & ((carried & clear) | (values[:, 0] >= threshold))
    low = known & (position * scale.normal < _LOW * threshold) if odd else np.zeros_like(known)
    few = (flat.count < LEAST_POINTS) | (known & (held < LEAST_POINTS))
    state = np.where(known, Status.CONVERGED, Status.NOT_SWITCHED)
    state = np.where(low, Status.BELOW_THRESHOLD, state)
    state = np.where(few, Status.TOO_FEW_POINTS, state)
    state = np.where(resistive, Status.NO_ZERO_VOLTAGE_STATE, state)
    state = np.where(resistive & ~_from_zero(rest), Status.NOT_SWEPT, state)
    return np.where(some, state, Status.NOT_SWEPT).astype(np.int32)


def _from_zero(rest: Side) -> np.ndarray:
    """Whether the curves begin at zero bias, but for a step."""
    known = np.isfinite(rest.values)
    bias = np.broadcast_to(rest.bias, rest.values.shape)
    far = np.where(known, bias, 0.0).max(axis=1)
    step = (far - bias[:, 0]) / np.maximum(known.sum(axis=1) - 1, 1)
    return bias[:, 0] <= _STEPS * np.maximum(step, bias[:, 1] - bias[:, 0])


def _jumps(last, rest, scale: Scale, state) -> np.ndarray:
    """Whether one step rises nearer to the normal state than √(I² − I_c²) can."""
    every = np.arange(len(last))
    bias = np.broadcast_to(rest.bias, rest.values.shape)
    ahead = np.minimum(last + 1, bias.shape[1] - 1)
    before, after = bias[every, last], bias[every, ahead]
    share = (rest.values[every, ahead] - rest.values[every, last]) / (scale.normal * after)
    smooth = np.sqrt(np.maximum(1 - (before / after) ** 2, 0.0))
    known = (state == Status.CONVERGED) & np.isfinite(share)
    return np.where(known, share > (1 + smooth) / 2, np.nan)


def _lag(limit: np.ndarray, at: float) -> np.ndarray:
    """Of the tangent of √(I² − I_c²) behind R I, in units of R: an offset by I_c² alone."""
    return limit**2 / np.sqrt(np.maximum(at**2 - limit**2, (_NEAREST * at) ** 2))


def _offset(lines) -> np.ndarray:
    (plus, plus_error, up), (minus, minus_error, down) = lines
    total = np.where(up + down > 0, up + down, np.nan)
    return np.array([(minus - plus) / total, np.hypot(plus_error, minus_error) / total])
