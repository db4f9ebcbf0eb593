"""Critical currents of raw maps: V(I) or dV/dI over field, gate, temperature or repeats."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .. import _plain_checks as _checks
from ..core.results import status_text
from ..numerics.status import Status
from .extract_choice import Curves, Leg, curves
from .extract_legs import FALLING, by_role, latched, leg_edges, leg_plateaus, one_way
from .extract_plateau import Plateaus
from .extract_result import ExtractedCurrents
from .extract_scale import Scale, correlated, used
from .extract_words import resistance_unit

if TYPE_CHECKING:
    from xarray import Dataset

_MATTERS = 0.1  # of the threshold, by a resistance too large: from here on the notes speak of it
_OFFSETS = ("retrapping", "normal")
_LEADS = 0.05  # of the resistance beyond the edges: from here on the notes speak of it


def switching_currents(
    dataset: "Dataset",
    *,
    current: str | None = None,
    voltage: str | None = None,
    resistance: str | None = None,
    threshold: float | None = None,
    series_resistance: float | None = None,
    current_offset: float | str = 0.0,
    hysteretic: bool | None = None,
    direction: str | None = None,
) -> ExtractedCurrents:
    """I₊, I₋ and retrapping currents of every curve of a map, with η and errors.

    From every curve the line through its zero-voltage plateau is taken off: the voltage offset of
    each curve and one series resistance of the whole map. An edge is where what is left crosses the
    threshold, between samples without any smoothing. Of a rounded V(I) that is the current
    at the threshold voltage, no more. Errors are given separately: noise of the voltage, distance
    of the bias points (a curve that jumps lies anywhere in its step, ±step/√12), and what half and
    twice the threshold change; of noise and step together intervals hold the current in 68 % of
    maps. They take the bias points as exact and the noise above an edge as that of the plateau;
    noise may be correlated over a few samples, of drift over tens of them they hold 60 %.

    The bias goes as its axis goes, or as a dimension "sweep" says ("up", "down"): a way from − to +
    shows retrapping at − and switching at +. Both ways give all four edges. One way alone shows one
    edge of each: where the junction latches, I_r is no I₋ and the missing one is NaN
    (NOT_SWEPT); else both count as switching currents, and a note says so.

    Args:
        dataset: of `jaxdiode.lab.read`: axes are dimensions, every variable has its units.
            Bias along one axis, both signs of it for η; missing points are NaN.
        current: axis of the bias; found by its unit or name if left out.
        voltage: variable that holds V(I); found likewise.
        resistance: variable that holds dV/dI, used if there is no voltage.
        threshold: above the plateau's line, in the variable's unit. If left out, for V the larger
            of 6 times the noise and .05 R_n I_c, for dV/dI of 6 times the noise and ⅔ R_n; R_n,
            I_c and the noise are medians over the map.
        series_resistance: of the leads, voltage unit per current unit. If left out, the smallest
            slope of plateaus in the map; where their inner half is flatter (a rounded V(I)), that,
            and errors hold half of the difference. Of four-terminal data say 0: then a slope is
            the device's.
        current_offset: to take off the bias: a number in its unit, "retrapping" (so that I_r± are
            equal) or "normal" (so that the normal state is odd). Nothing is taken off by itself:
            an offset mimics a diode and a diode mimics an offset. `summary` has both readings.
        hysteretic: whether the junction latches, where the bias went one way only. If left out, it
            does if its voltage jumps to the normal state within a step.
        direction: "up" or "down", in which the bias went where there is no dimension "sweep"; if
            left out as the axis goes. Many files hold their axis the other way round.

    Of an edge rounded by noise dV/dI rises earlier than V: at thermal currents of .001, .002 and
    .005 I_c I_c is read as .98, .97 and .96 from dV/dI, 5 to 6 errors too low, and as 1.00, .99
    and .98 from V, less than two. Fit such curves by `jd.experiment.VoltageCurve`.

    Statuses: NO_ZERO_VOLTAGE_STATE where the device is resistive at zero bias, NOT_SWITCHED where
    the threshold is not reached, BELOW_THRESHOLD where the normal state reaches it by itself,
    NOT_SWEPT without bias of that sign or way or near zero, TOO_FEW_POINTS on the plateau,
    LEADS_TOO_LARGE where the resistance given leaves a plateau that clearly falls.

    Raises:
        ValueError: no or several candidates for bias and voltage, or units and names of them that
            contradict each other (they are listed), a threshold that is not positive, or nothing
            found in any curve.

    Example:
        >>> import xarray
        >>> current, field = np.linspace(-1, 1, 201), np.linspace(-1, 1, 5)
        >>> limit = 0.5 + 0.1 * np.sin(field[:, None] + np.sign(current))
        >>> voltage = np.sign(current) * np.sqrt(np.maximum(current**2 - limit**2, 0))
        >>> noise = 0.002 * np.random.default_rng(0).normal(size=voltage.shape)
        >>> map = xarray.Dataset({"V": (("B", "I"), voltage + noise)}, {"B": field, "I": current})
        >>> found = jd.lab.switching_currents(map)
        >>> print(np.round(found.plus, 2), np.round(found.minus, 2))
        [0.5  0.55 0.59 0.61 0.6 ] [0.42 0.4  0.42 0.45 0.5 ]
        >>> print(np.round(found.plus_error, 3), found.significant)
        [0.003 0.003 0.003 0.003 0.003] [ True  True  True  True  True]
    """
    if threshold is not None:
        threshold = _checks.positive_number("threshold", threshold)
    if series_resistance is not None and not np.isfinite(series_resistance):
        raise ValueError(f"series_resistance must be finite, got {series_resistance!r}")
    if hysteretic is not None:
        hysteretic = _checks.flag("hysteretic", hysteretic)
    shift = 0.0 if isinstance(current_offset, str) else float(current_offset)
    if isinstance(current_offset, str) and current_offset not in _OFFSETS:
        raise _checks.unknown_name("current_offset", current_offset, _OFFSETS)
    if not np.isfinite(shift):
        raise ValueError(f"current_offset must be finite, got {shift}")
    if direction not in (None, "up", "down"):
        raise _checks.unknown_name("direction", direction, ("up", "down"))
    found = curves(dataset, current, voltage, resistance, direction)
    given = threshold, series_resistance, hysteretic
    with np.errstate(all="ignore"):  # what is not known is NaN, and has a status
        made = _extracted(found, shift, *given)
        if isinstance(current_offset, str):
            made = _extracted(found, _offset(made, current_offset), *given)
    return made


def _extracted(
    found: Curves, shift: float, threshold: float | None, leads: float | None, latches: bool | None
) -> ExtractedCurrents:
    odd = found.quantity == "voltage"
    legs = [leg._replace(current=leg.current - shift) for leg in found.legs]
    flat, halves = map(list, zip(*(leg_plateaus(leg, odd) for leg in legs), strict=True))
    scale = Scale.of(flat, halves, leads)
    flat = used(flat, halves, scale)
    level = scale.threshold(odd) if threshold is None else threshold
    read = [leg_edges(*x, scale, level, odd) for x in zip(legs, flat, strict=True)]
    values, statuses, jumps = by_role(legs, read)
    notes = one_way(values, statuses, latched(jumps) if latches is None else latches)
    offsets = [plateau.value - scale.series * plateau.bias for plateau in flat]
    currents, noise, step, spread = (values[:, k].reshape(4, *found.shape) for k in range(4))
    offset = np.mean(offsets, axis=0) if odd else np.zeros(len(offsets[0]))
    made = ExtractedCurrents(
        currents=currents,
        noise=noise,
        step=step,
        spread=spread,
        statuses=statuses.reshape(4, *found.shape),
        axes=found.axes,
        axis_units=found.units,
        threshold=float(level),
        voltage_noise=scale.noise,
        normal_resistance=scale.normal,
        series_resistance=scale.series,
        voltage_offset=offset.reshape(found.shape),
        current_offset=shift,
        offset_normal=read[0].offset.reshape(found.shape),
        offset_normal_error=read[0].offset_error.reshape(found.shape),
        unit=found.unit,
        value_unit=found.value_unit,
        quantity=found.quantity,
        bias=found.current,
        variable=found.name,
        notes=(),
        chosen=found.chosen,
    )
    count = max(leg.current.size for leg in found.legs)
    if not np.isfinite(made.currents).any():
        raise ValueError(_nothing(made, scale, count))
    sign = _one_sign(found.legs)
    notes += [sign] if sign else []
    notes += [*_warnings(made, scale, count), *_unlike(made, scale, flat)]
    return replace(made, notes=tuple(notes))


def _offset(made: ExtractedCurrents, reading: str) -> float:
    values = made.offset_retrapping if reading == "retrapping" else made.offset_normal
    known = values[np.isfinite(values)]
    if known.size == 0:
        raise ValueError(
            f"current_offset {reading!r} is not known from this map: "
            + ("no curve shows both retrapping currents" if reading == "retrapping" else
               "it needs voltages of the normal state in both directions")
        )  # fmt: skip
    return made.current_offset + float(np.median(known))


def _nothing(made: ExtractedCurrents, scale: Scale, count: int) -> str:
    unit = f" {made.value_unit}".rstrip()
    if peak := _in_a_peak(made):
        return f"dataset shows no edge: {peak}"
    if more := _too_much(made, scale):
        return f"dataset shows no edge: {more}"
    if few := _unknown(scale, count):
        return f"dataset shows no edge: {few}"
    return (
        f"dataset shows no edge: no curve crosses the threshold {made.threshold:.4g}{unit} out of "
        f"a zero-voltage plateau ({status_text(made.statuses[:2])}); another threshold, "
        "series_resistance or range?"
    )


def _unknown(scale: Scale, count: int) -> str:
    """Why noise and normal state of the map are not known, if so."""
    if np.isfinite(scale.normal):
        return ""
    return (
        f"curves of {count} points are too few to know noise, leads and normal state, which take 6 "
        "in each direction of the bias, 3 of them on the zero-voltage plateau: measure in finer "
        "steps"
    )


def _in_a_peak(made: ExtractedCurrents) -> str:
    """What to do where dV/dI crosses the threshold in its peak, if at all."""
    normal = made.normal_resistance
    if made.quantity != "resistance" or not made.threshold >= normal:
        return ""
    unit = f" {made.value_unit}".rstrip()
    return (
        f"the threshold {made.threshold:.4g}{unit} lies above the normal state, {normal:.4g}"
        f"{unit}: dV/dI crosses it in its peak alone, whose height is that of heat and of the "
        f"bias step; choose a threshold below {normal:.4g}{unit}, {2 / 3 * normal:.3g} say"
    )


def _one_sign(legs: list[Leg]) -> str:
    """What to do where the bias had one sign only."""
    ends = [(leg.current.min(), leg.current.max()) for leg in legs]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    if low < 0 < high:
        return ""
    here, other = ("+", "-") if high > 0 else ("-", "+")
    return (
        f"the bias has one sign only, {low:.4g} to {high:.4g}: I{other} and eta need the other; "
        "jd.lab.join puts a file of it beside this one, and jd.fit takes a model of I"
        f"{here} alone"
    )


def _too_much(made: ExtractedCurrents, scale: Scale) -> str:
    """What to do where the resistance given is more than the plateaus have, if it is."""
    at = scale.current if made.quantity == "voltage" else 1.0
    more = scale.series - scale.own
    shown = more * at > _MATTERS * made.threshold and more > FALLING * scale.own_error
    if not scale.given or not (shown or np.any(made.statuses == Status.LEADS_TOO_LARGE)):
        return ""
    unit = f" {resistance_unit(made, made.unit)}".rstrip()
    return (
        f"series_resistance {scale.series:.4g}{unit}: the plateaus have {scale.own:.4g} of it; "
        f"{scale.series:.4g} is more than there is, and makes currents too large; leave it out, "
        f"or give at most {scale.own:.4g}"
    )


def _leads(made: ExtractedCurrents, scale: Scale) -> str:
    """Of leads that were found, where they are much or move the edges by more than an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no edge of a kind: its median is NaN
        spread, error = np.nanmedian(made.spread), np.nanmedian(made.errors)
    slope = 0.75 * made.threshold / spread  # between half and twice the threshold
    moved = scale.series * (scale.current if made.quantity == "voltage" else 1.0) / slope
    if scale.given or not (scale.series > _LEADS * scale.normal or moved > error):
        return ""
    unit = f" {resistance_unit(made, made.unit)}".rstrip()
    larger = f", which makes currents {moved:.2g} {made.unit}".rstrip() + " larger" if moved else ""
    return (
        f"the plateaus have a resistance of {scale.series:.4g}{unit}, "
        f"{scale.series / (scale.series + scale.normal):.1%} of the whole, that was taken off as "
        f"the leads'{larger}; of four-terminal data it is the device's own, by phase slips or "
        "heat: say series_resistance=0"
    )


def _unlike(made: ExtractedCurrents, scale: Scale, flat: list[Plateaus]) -> list[str]:
    """Of plateaus whose resistances differ by more than their errors, where that moves edges."""
    odd = made.quantity == "voltage"
    known = np.all(made.statuses[:2] == Status.CONVERGED, axis=0).ravel()
    spread, own = (np.mean(x[:2], axis=0).ravel() for x in (made.spread, made.errors))
    per_slope = spread / (0.75 * made.threshold)
    resistances, moved = [], []
    for one in flat:
        apart = one.zero - scale.series
        error = np.hypot(one.zero_error * correlated(scale.white), scale.series_error)
        shift = apart * (np.mean(one.edges, axis=0) if odd else 1.0) * per_slope
        clear = known & (np.abs(apart) > FALLING * error) & (np.abs(shift) > own)
        resistances.append(one.zero[clear])
        moved.append(shift[clear])
    count = max(x.size for x in moved)
    if not count:
        return []
    unit = f" {resistance_unit(made, made.unit)}".rstrip()
    every, largest = np.concatenate(resistances), np.max(np.abs(np.concatenate(moved)))
    return [
        f"the plateaus do not share one resistance: {count} of {known.size} curves have "
        f"{np.min(every):.4g} to {np.max(every):.4g}{unit}, beyond its errors; "
        f"{scale.series:.4g}{unit} was taken off all, which moves their edges by up to "
        f"{largest:.2g} {made.unit}".rstrip()
        + ": where leads (or heat) differ, extract these curves by themselves"
    ]


def _warnings(made: ExtractedCurrents, scale: Scale, count: int) -> Iterator[str]:
    known = _unknown(scale, count), _in_a_peak(made), _too_much(made, scale)
    yield from filter(None, (*known, _leads(made, scale)))
    if made.threshold < 3 * scale.noise:
        yield f"the threshold is less than 3 times the noise, {scale.noise:.3g}"
    if made.current_offset:
        yield (
            f"{made.current_offset:.4g} was taken off the bias: the currents and eta are those of "
            "that choice"
        )
    if not made.unit:
        yield "the bias has no unit: the currents are in whatever its axis is"
