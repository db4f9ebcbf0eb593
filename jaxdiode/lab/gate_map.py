"""A gate's map from voltage to critical current, from what was measured."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _plain_checks as _checks
from ..measurement.columns import unit_ratio
from .rows import currents_along

if TYPE_CHECKING:
    from ..gates import GateMap

_WHICH = ("mean", "plus", "minus")


def gate_map(
    found: Any,
    along: str | None = None,
    *,
    which: str = "mean",
    share: float = 1.0,
    other: float = 0.0,
) -> "GateMap":
    """`jaxdiode.GateMap` of critical currents against gate voltage: monotone, in volts.

    Noise is smoothed by isotonic regression, `GateMap.from_measurement`. Points at which a current
    is not known are left out; where the device is pinched off there is none: the map ends there.

    Args:
        found: of `switching_currents` with one axis, a dataset with both directions as `join`
            makes it, or (voltage, I₊, I₋).
        along: the gate's axis, where `found` has others of length one. mV and the like become V,
            an axis without a unit counts as V.
        which: "mean" of I₊ and I₋, "plus" or "minus".
        share: of the current that the gated branch carries, such as ½ of two equal branches.
        other: what ungated branches in parallel carry; it is taken off.

    Raises:
        ValueError: other shapes, an axis in a unit that is no voltage, fewer than two points,
            currents below zero once `other` is taken off.

    Example:
        >>> volts = np.array([-1.2, -1.0, -0.8, -0.6])
        >>> gate = jd.lab.gate_map((volts, [10, 52, 98, 140], [10, 48, 102, 140]))
        >>> print(gate(-1.0), gate.critical_current)
        50.0 [ 10.  50. 100. 140.]
    """
    from ..gates import GateMap

    if which not in _WHICH:
        raise _checks.unknown_name("which", which, _WHICH)
    share = _checks.positive_number("share", share)
    rows = currents_along(found, along, both=which == "mean")
    current = {"mean": (rows.plus + rows.minus) / 2, "plus": rows.plus, "minus": rows.minus}[which]
    known = np.isfinite(current)
    volts, current = rows.field[known], (current[known] - other) * share
    if volts.size < 2:
        raise ValueError(f"found must have at least 2 known points, got {volts.size}")
    if np.any(current < 0):
        raise ValueError(
            f"other must be at most the smallest current, {np.min(current / share) + other:.4g}, "
            f"got {other:g}"
        )
    if rows.field_unit:
        try:
            volts = volts * unit_ratio(rows.field_unit, "V")
        except ValueError as error:
            raise ValueError(f"along must be a voltage, its unit is {rows.field_unit!r}") from error
    return GateMap.from_measurement(volts, current)
