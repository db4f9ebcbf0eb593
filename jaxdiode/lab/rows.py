"""I₊ and I₋ along one axis, from results or plain arrays."""

from typing import Any, NamedTuple

import numpy as np

from .. import _plain_checks as _checks
from ..measurement.joined import joined_currents
from .extract_result import ExtractedCurrents


class Rows(NamedTuple):
    """I₊ and I₋ along one axis, sorted, both known."""

    field: np.ndarray
    plus: np.ndarray
    minus: np.ndarray
    unit: str
    field_unit: str


def currents_along(found: Any, along: str | None, both: bool = True) -> Rows:
    """I₊ and I₋ along one axis of what a verb takes."""
    if isinstance(found, ExtractedCurrents):
        long = [k for k, v in found.axes.items() if len(v) > 1]
        if along is not None and along not in found.axes:
            raise _checks.unknown_name("axis", along, found.axes)
        name = along or (long[0] if len(long) == 1 else None)
        if name is None or (set(long) - {name}):
            raise ValueError(
                f"found must have one axis, it has {', '.join(long) or 'none'}: select others, "
                "such as found.select(T=0.1)"
            )
        if isinstance(found.axes[name], tuple):
            raise ValueError(f"along must be an axis of numbers, {name!r} holds words")
        field, unit, field_unit = found.axes[name], found.unit, found.axis_units.get(name, "")
        plus, minus = found.plus.ravel(), found.minus.ravel()
    else:
        if hasattr(found, "data_vars"):
            found = joined_currents(found)
        try:
            field, plus, minus = (np.asarray(x, float) for x in found)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"found must be of switching_currents or (field, plus, minus), got "
                f"{type(found).__name__}"
            ) from error
        unit, field_unit = getattr(found, "unit", ""), getattr(found, "coil_unit", "")
    field = np.asarray(field, float)
    if field.ndim != 1 or plus.shape != field.shape or minus.shape != field.shape:
        raise ValueError(
            f"found must hold three rows of one length, got {field.shape}, {plus.shape} and "
            f"{minus.shape}"
        )
    known = (
        np.isfinite(plus) & np.isfinite(minus) if both else np.isfinite(plus) | np.isfinite(minus)
    )
    known &= np.isfinite(field)
    order = np.flatnonzero(known)[np.argsort(field[known], kind="stable")]
    return Rows(field[order], plus[order], minus[order], unit, field_unit)
