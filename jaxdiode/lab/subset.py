"""Parts of extracted currents, and their means over repeats."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .. import _plain_checks as _checks

if TYPE_CHECKING:
    from .extract_result import ExtractedCurrents


OF_EDGES = ("currents", "noise", "step", "spread", "statuses")
OF_CURVES = ("voltage_offset", "offset_normal", "offset_normal_error")


def taken(found: "ExtractedCurrents", name: str, at: int) -> "ExtractedCurrents":
    """The curves at one place of an axis, by its number."""
    axis = list(found.axes).index(name)
    made = {k: np.asarray(np.take(getattr(found, k), at, axis=1 + axis)) for k in OF_EDGES}
    made |= {k: np.asarray(np.take(getattr(found, k), at, axis=axis)) for k in OF_CURVES}
    return replace(found, **made, axes={k: v for k, v in found.axes.items() if k != name})


def averaged(found: "ExtractedCurrents", along: str) -> "ExtractedCurrents":
    """As `ExtractedCurrents.average` says."""
    if along not in found.axes:
        raise _checks.unknown_name("axis", along, found.axes or ("none",))
    at = list(found.axes).index(along)
    known = np.isfinite(found.currents)
    count = known.sum(axis=1 + at)

    def mean(values: np.ndarray) -> np.ndarray:
        return _mean(values, known, 1 + at)

    middle = mean(found.currents)
    spread = np.sqrt(
        mean((found.currents - np.expand_dims(middle, 1 + at)) ** 2)
        * count
        / np.maximum(count - 1, 1)
    )
    noise, step = np.sqrt(mean(found.noise**2)), np.sqrt(mean(found.step**2))
    root = np.sqrt(np.maximum(count, 1))
    # Curves that scatter by less than a step lie in the same one: its error does not average out.
    step = np.where(spread > step, step / root, step)
    first = np.take(found.statuses, 0, axis=1 + at)
    most = found.currents.shape[1 + at]
    of_curves = {k: getattr(found, k) for k in OF_CURVES}
    note = (
        f"mean over {most} curves along {along}, errors by their scatter; jd.lab.histograms has "
        "its distribution"
    )
    return replace(
        found,
        currents=middle,
        noise=np.asarray(np.maximum(noise, spread) / root),
        step=step,
        spread=mean(found.spread),
        statuses=np.where(count > 0, 0, first).astype(np.int32),
        axes={name: places for name, places in found.axes.items() if name != along},
        **{k: _mean(v, np.isfinite(v), at) for k, v in of_curves.items()},
        notes=(*found.notes, note),
    )


def _mean(values: np.ndarray, known: np.ndarray, at: int) -> np.ndarray:
    """Over the curves in which it is known; NaN where it is in none."""
    count = known.sum(axis=at)
    total = np.sum(np.where(known, values, 0.0), axis=at)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
