"""Starting values for flux periods, read from the data's own periodogram."""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import PyTree

from ...core.paths import declaration, elements_of, match_names, owner_of
from ..space import Space
from .data import Rows, flat_like, lay_out

_PEAKS = 3  # per parameter
_PEAKS_BESIDE = 2  # of them are looked at from all sides
_BESIDE = (0.0, 0.25, -0.25, 0.5, -0.5)  # resolutions
_MOST = 12  # starts in all
_PER_AXIS = "Φ₀/coil unit"  # declared unit of what counts periods of a flux along an axis
_PER_RESOLUTION = 10  # frequencies per 1/(length of the axis)


def periodogram(
    position: np.ndarray, values: np.ndarray, lowest: float, highest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lomb–Scargle power of one row (0 to 1: share of its variance) at frequencies of an axis.

    Frequencies count periods per unit of the axis. Mean and slope are taken out first.
    Source: VanderPlas, Astrophys. J. Suppl. 236, 16 (2018).
    """
    from scipy.signal import lombscargle

    span = np.ptp(position)
    count = int(np.ceil((highest - lowest) * span * _PER_RESOLUTION)) + 1
    frequency = np.linspace(lowest, highest, int(np.clip(count, 2, 200_000)))
    centred = (position - np.mean(position)) / span
    rest = values - np.polyval(np.polyfit(centred, values, 1), centred)
    if not np.any(np.abs(rest) > 1e-12 * np.max(np.abs(values))):
        return frequency, np.zeros_like(frequency)
    power = lombscargle(centred, rest / np.std(rest), 2 * np.pi * frequency * span, normalize=True)
    return frequency, power


def peaks(position: Sequence[np.ndarray], values: Sequence[np.ndarray], low: float, high: float):
    """The strongest frequencies between two limits, of several rows together, strongest first.

    Nothing is found below 1/(length of the axis), where no period is seen whole, nor above half
    a period per (median) step.
    """
    axis = np.unique(np.concatenate(position))
    if axis.size < 8:
        return np.zeros(0)
    lowest = max(low, 1 / np.ptp(axis))
    highest = min(high, 0.5 / float(np.median(np.diff(axis))))
    if not lowest < highest:
        return np.zeros(0)
    power = 0.0
    frequency = np.zeros(0)
    for x, y in zip(position, values, strict=True):
        frequency, own = periodogram(x, y, lowest, highest)
        power = power + own
    power = np.asarray(power) / len(values)
    inner = np.flatnonzero((power[1:-1] >= power[:-2]) & (power[1:-1] > power[2:])) + 1
    ends = [k for k in (0, power.size - 1) if power[k] == np.max(power)]
    found = np.concatenate([inner, np.array(ends, int)])
    found = found[np.argsort(-power[found])]
    chosen = [k for k in found if power[k] > 0.1 * power[found[0]]][:_PEAKS]
    return frequency[np.array(chosen, int)]


def period_candidates(
    space: Space, names: str | Sequence[str], along: PyTree, data: PyTree
) -> dict[str, np.ndarray]:
    """Values of flux-period parameters at which the data oscillate, strongest first.

    Such a parameter counts periods per unit of an axis, as the `turns` of a coil do (flux quanta
    per coil current): switching currents then oscillate along the axis with that frequency. Peaks
    of the Lomb–Scargle periodogram within the parameter's bounds are its candidates, with the
    sign that the bounds (or the start) give it.

    Args:
        space: what is fitted; `names` must be free in it.
        names: parameters or patterns, e.g. "turns".
        along: positions along the axis, e.g. coil currents, one for each point of a row.
        data: one row or several of the axis' length, e.g. (I₊, I₋); NaN is left out.

    Raises:
        ValueError: a name that is not free, positions of another length than the rows.
    """
    import jax

    if not isinstance(data, tuple | list):
        data = (data,)
    template = jax.tree.map(lambda row: jax.ShapeDtypeStruct(np.shape(row), float), tuple(data))
    rows, flat = lay_out(template, None, along), flat_like(template, tuple(data), "data")
    known = ~np.isnan(flat)
    return candidates(space, names, rows.only(known), flat[known])


def candidates(space: Space, names, rows: Rows, flat: np.ndarray) -> dict[str, np.ndarray]:
    """`period_candidates` of data laid out."""
    patterns = (names,) if isinstance(names, str) else tuple(names)
    wanted = [n for p in patterns for n in match_names(elements_of(space.device), p)]
    free = [name for name in dict.fromkeys(wanted) if name in space.names]
    if not free:
        raise ValueError(
            f"periods must name parameters that are fitted ({', '.join(space.names)}), "
            f"got {', '.join(patterns)}"
        )
    parts = [row for row in rows.sorted_rows() if row.size > 8 and np.ptp(rows.position[row]) > 0]
    x, y = [rows.position[row] for row in parts], [flat[row] for row in parts]
    first = np.asarray(space.values())
    found = {}
    for name in free:
        k = space.names.index(name)
        low, high = float(space.lower[k]), float(space.upper[k])
        values = []
        for sign in (1.0, -1.0) if first[k] >= 0 else (-1.0, 1.0):
            ends = sorted((sign * low, sign * high))
            if parts and ends[1] > 0:
                values.append(sign * peaks(x, y, max(ends[0], 0.0), ends[1]))
        # The opposite turn is a start of its own only where the start does not choose one.
        values = values[:1] if first[k] != 0 or len(values) < 2 else values
        found[name] = np.concatenate(values) if values else np.zeros(0)
    return found


def period_starts(space: Space, names, rows: Rows, flat: np.ndarray) -> list[np.ndarray]:
    """Starting points with the candidates in place of the start's periods.

    Where several loops beat, their line is split or shifted by about half a resolution,
    1/(length of the axis), and a fit bridges a third of one: quarters of it beside every
    candidate are starts too.
    """
    found = candidates(space, names, rows, flat)
    first = np.asarray(space.values())
    resolution = 1 / np.ptp(rows.position)
    choices = []
    for k, name in enumerate(space.names):
        near: list[float] = [first[k]]
        for step in _BESIDE:
            for peak in found.get(name, ())[:_PEAKS_BESIDE]:
                value = float(np.clip(peak + step * resolution, space.lower[k], space.upper[k]))
                if all(abs(value - other) > 0.2 * resolution for other in near[1:]):
                    near.append(value)
        choices.append(near)
    # The strongest peaks first: ranks add up over the parameters.
    ranked = sorted(
        itertools.product(*(enumerate(c) for c in choices)), key=lambda x: sum(k for k, _ in x)
    )
    return [np.array([value for _, value in point]) for point in ranked[1 : _MOST + 1]]


def seen(
    space: Space, names: str | Sequence[str], along: PyTree, rows: Rows, values: np.ndarray
) -> dict[str, float]:
    """{parameter: periods that the axis holds} of those fitted that count periods along it.

    They are those that `names` name, those declared in flux quanta per unit of a coil, and those
    that the device calls its `flux_scales`.
    """
    if along is None:
        return {}
    patterns = (names,) if isinstance(names, str) else tuple(names)
    known = elements_of(space.device)
    counted = {name for pattern in patterns for name in match_names(known, pattern)}
    counted |= set(getattr(space.device, "flux_scales", tuple)())
    span = float(np.ptp(rows.position))
    return {
        name: span * abs(float(value))
        for name, value in zip(space.names, values, strict=True)
        if name in counted or declaration(*owner_of(space.device, name)).unit == _PER_AXIS
    }
