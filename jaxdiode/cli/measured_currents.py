"""The table of critical currents that `jaxdiode fit` and `jaxdiode posterior` read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from ..measurement import read_switching_currents, require_turns


class Columns(NamedTuple):
    """How the command line names the columns of a table of critical currents."""

    coil: str | None
    plus: str | None
    minus: str | None
    signed: bool | None
    drop_missing: bool | Literal["values"]
    coil_range: tuple[float, float] | None
    errors: bool


def require_one_noise(sigma: float | None, errors: bool) -> None:
    """Refuse two sources of the noise of a point."""
    if errors and sigma is not None:
        raise ValueError(f"errors must be left out beside sigma, got sigma = {sigma:g}")


def read(path: Path, table: dict[str, Any], columns: Columns):
    """Measured critical currents of the fitted range, with the file's own range and units."""
    options = table.get("fit", {})
    named = dict(options.get("columns", {}))
    axis = next(iter(options.get("axes", {})), None)
    measured = read_switching_currents(
        path,
        columns.coil or named.get("coil") or named.get(axis) or axis,
        columns.plus or named.get("plus"),
        columns.minus or named.get("minus"),
        unit=table.get("unit") or None,
        coil_unit=options.get("coil_unit"),
        signed=columns.signed,
        drop_missing=columns.drop_missing,
    )
    inside = _within(columns.coil_range or options.get("coil_range"), measured.coil)
    kept = tuple(column[inside] for column in measured)
    require_turns(kept[0], options.get("turns", ()))
    return measured, kept, _errors(path, measured, inside, kept[1:]) if columns.errors else None


def _errors(path: Path, measured, inside: np.ndarray, values) -> tuple[np.ndarray, ...]:
    """The columns of errors of the fitted range, of the values that are there."""
    if measured.errors is None:
        raise ValueError(
            f"errors needs columns such as 'plus_error' and 'minus_error' in {str(path)!r} beside "
            f"{measured.columns[1]!r} and {measured.columns[2]!r}, which are not there"
        )
    found = tuple(column[inside] for column in measured.errors)
    for name, column, own in zip(measured.error_columns, found, values, strict=True):
        bad = ~(np.isfinite(column) & (column > 0)) & ~np.isnan(own)
        if bad.any():
            raise ValueError(
                f"column {name!r} of {str(path)!r} must hold positive errors, "
                f"got {column[np.argmax(bad)]:g} in {np.sum(bad)} of {bad.size} rows"
            )
    return found


def _within(limits: Sequence | None, x: np.ndarray) -> np.ndarray:
    """Which rows of a measurement have their coil current between two limits, to rounding."""
    if limits is None:
        return np.ones(x.size, bool)
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError) as error:
        raise ValueError(f"coil_range must be (lowest, highest), got {limits!r}") from error
    if not low < high:
        raise ValueError(f"coil_range must be (lowest, highest), got {low:g} and {high:g}")
    slack = 1e-9 * (high - low)
    kept = (x >= low - slack) & (x <= high + slack)
    if not kept.any():
        raise ValueError(
            f"coil_range must hold some of the data, {x[0]:g} to {x[-1]:g}, got {low:g} to {high:g}"
        )
    return kept
