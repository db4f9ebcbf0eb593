"""What is common to a map: leads, noise, normal state and the threshold that follows."""

from typing import NamedTuple

import numpy as np

from .extract_plateau import Plateaus

_NOISES = 6.0
_VOLTAGE_SHARE, _RESISTANCE_SHARE = 0.05, 2 / 3  # of R_n I_c and of R_n: the threshold
_WHITE = 0.85  # from this share on noise counts as white
_BENT = 4.0  # errors, by which the inner half of the plateaus is flatter than the whole
_LOWEST = 0.1  # quantile of the slopes, and share of R_n around it, that count as the leads'


class Scale(NamedTuple):
    """What is common to a map: medians over its curves with an edge.

    Attributes:
        series, series_error: resistance of the leads, given or that of the plateaus. The error
            holds what it changes to look at the inner half of the plateaus alone.
        own, own_error: resistance of the plateaus, whatever was given.
        given: whether it was.
        bend: resistance of the plateaus less that of their inner halves where these are clearly
            flatter and count; else 0.
        noise: standard deviation of one sample.
        white: share of it that neighbours do not have in common.
        normal: resistance beyond the edges, leads taken off.
        current: a typical edge.
    """

    series: float
    series_error: float
    own: float
    own_error: float
    given: bool
    bend: float
    noise: float
    white: float
    normal: float
    current: float

    @classmethod
    def of(cls, flat: list[Plateaus], halves: list[Plateaus], leads: float | None) -> "Scale":
        slope, error, noise, white, normal, edge = _joined(flat)
        inner, inner_error, calm, smooth = _joined(halves)[:4]
        given = leads is not None
        known = np.isfinite(slope) & np.isfinite(normal)
        ended = known & np.isfinite(edge)
        known = ended if ended.any() else known
        if not known.any():
            series = leads or 0.0
            return cls(series, 0.0, np.nan, np.nan, given, 0.0, 0.0, 1.0, np.nan, np.nan)
        rise = float(np.median((normal - slope)[known]))
        floor = 1e-6 * abs(rise)
        share = _noise(noise[known], white[known])[1]
        lowest = np.quantile(slope[known], _LOWEST, method="lower") + _LOWEST * abs(rise)
        near = known & (slope <= lowest + 2 * error)
        own, own_error = _mean(slope[near], error[near], floor)
        half = near & np.isfinite(inner)
        bend = 0.0
        if half.any():
            core, core_error = _mean(inner[half], inner_error[half], floor)
            apart = (inner - slope)[half]
            chance = correlated(share) * np.sqrt(max(core_error**2 - own_error**2, floor**2))
            chance = max(chance, np.std(apart) / np.sqrt(max(apart.size - 1, 1)))
            bent = bool(own - core > _BENT * chance)
            more = np.sqrt(max((core - own) ** 2 - chance**2, 0.0))
            bend = own - core if bent and not given else 0.0
            own, own_error = (core, core_error) if bent else (own, own_error)
            own_error = float(np.hypot(own_error, more / 2 if bent else more))
        noise, white = (calm, smooth) if bend else (noise, white)
        series, spread = (own, own_error) if leads is None else (float(leads), 0.0)
        typical = float(np.median(edge[known])) if ended.any() else np.nan
        whole, share = _noise(noise[known], white[known])
        normal = float(np.median(normal[known])) - series
        return cls(
            series, spread, own, own_error, given, bend, whole, share, normal, typical
        )  # fmt: skip

    def threshold(self, odd: bool) -> float:
        """The default."""
        share = _VOLTAGE_SHARE * self.current if odd else _RESISTANCE_SHARE
        return float(np.nanmax([_NOISES * self.noise, share * self.normal, np.finfo(float).tiny]))


def used(flat: list[Plateaus], halves: list[Plateaus], scale: Scale) -> list[Plateaus]:
    """The plateaus that count: where they bend the inner halves, whose lines they share.

    Whether a single curve is resistive the whole plateau tells, which knows its slope better.
    """
    if not scale.bend:
        return flat
    return [
        half._replace(zero=whole.zero - scale.bend, zero_error=whole.zero_error)
        for whole, half in zip(flat, halves, strict=True)
    ]


def _joined(flat: list[Plateaus]) -> list[np.ndarray]:
    """`_of_one` of the curves of all ways."""
    return [np.concatenate(x) for x in zip(*map(_of_one, flat), strict=True)]


def _noise(noise: np.ndarray, white: np.ndarray) -> tuple[float, float]:
    """Of a map, and the share of it that counts as white."""
    whole = float(np.median(noise))
    share = float(np.median(white)) / whole if whole > 0 else 1.0
    return whole, share if share < _WHITE else 1.0


def correlated(share: float) -> float:
    """By how much errors of means are larger than of white noise: exponential correlation."""
    memory = 2 - np.sqrt(1 + 3 * share**2)
    return float(np.sqrt((1 + memory) / (1 - memory))) if memory < 1 else np.inf


def _mean(values: np.ndarray, errors: np.ndarray, floor: float) -> tuple[float, float]:
    """Weighted mean and its standard error."""
    weight = 1 / (errors**2 + floor**2 + np.finfo(float).tiny)
    return float(np.sum(weight * values) / np.sum(weight)), float(1 / np.sqrt(np.sum(weight)))


def _of_one(flat: Plateaus):
    """Leads' resistance, its error, noise (white, too), normal state and a typical edge."""
    ends = np.isfinite(flat.edges)
    edge = np.where(ends, flat.edges, 0).sum(axis=0) / np.where(
        ends.any(axis=0), ends.sum(axis=0), np.nan
    )
    return flat.zero, flat.zero_error, flat.noise, flat.white, flat.normal, edge
