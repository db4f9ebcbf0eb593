"""Measured switching currents from text files: both directions against a coil current."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from .columns import dimension, error_column, find_columns, split_unit, unit_ratio
from .missing import missing_values
from .table import Table, read_table

_LISTED = 8  # lines an error message lists before it stops
_NAMED = 3  # missing values it names


class _Columns(NamedTuple):
    coil: np.ndarray
    plus: np.ndarray
    minus: np.ndarray


class MeasuredCurrents(_Columns):
    """A measurement: unpacks as (coil current, I₊, I₋), three arrays sorted by coil current.

    I₊ or I₋ is NaN where it is missing and was asked to be kept so (drop_missing="values").

    Attributes:
        unit: of I₊ and I₋, "" if no header names one.
        coil_unit: of the coil current (or field), likewise.
        columns: the names of the three columns read.
        dropped: numbers of the lines left out because something was missing in them.
        lost: how many of these lines had a good value of one direction, which is left out, too.
        errors: standard errors of I₊ and I₋ where columns beside them hold these, by names such as
            "plus_error" or "sigma I+" (or "plus_total_error" where there is no other); else None.
            `sigma` of `fit` takes the pair.
        error_columns: the names of these columns.
        others: names of columns that have several values at one coil current, as a temperature
            or a repeat has; rows are not told apart by them.

    Example:
        >>> table = [["coil (mA)", "Ic+ (nA)", "Ic- (nA)"], [0.0, 110, -100], [0.5, 95, -120]]
        >>> np.savetxt("data.csv", table, fmt="%s", delimiter=",")
        >>> measured = jd.read_switching_currents("data.csv")
        >>> print(measured.describe())
        2 rows: I+ from 'Ic+' and I- from 'Ic-' in nA against 'coil' in mA
        >>> coil, plus, minus = measured
        >>> print(plus.tolist(), minus.tolist(), measured.unit)
        [110.0, 95.0] [100.0, 120.0] nA
    """

    unit: str
    coil_unit: str
    columns: tuple[str, str, str]
    dropped: tuple[int, ...]
    lost: int
    errors: tuple[np.ndarray, np.ndarray] | None
    error_columns: tuple[str, ...]
    others: tuple[str, ...]

    def __new__(
        cls, coil, plus, minus, *, unit="", coil_unit="", columns=("", "", ""), dropped=(),
        lost=0, errors=None, error_columns=(), others=(),
    ):  # fmt: skip
        made = super().__new__(cls, coil, plus, minus)
        made.unit, made.coil_unit = unit, coil_unit
        made.columns, made.dropped, made.lost = columns, dropped, lost
        made.errors, made.error_columns, made.others = errors, error_columns, others
        return made

    def describe(self) -> str:
        """What was read, in one line."""
        coil, plus, minus = (repr(split_unit(name)[0]) for name in self.columns)
        current, field = self.unit or "(no unit)", self.coil_unit or "(no unit)"
        dropped = f", {len(self.dropped)} left out" if self.dropped else ""
        if self.lost:
            dropped += f" (with {self.lost} good values of one direction)"
        gone = [int(np.sum(np.isnan(values))) for values in (self.plus, self.minus)]
        if any(gone):
            dropped += f", {gone[0]} of I+ and {gone[1]} of I- missing"
        several = ", ".join(map(repr, self.others))
        return (
            f"{len(self.coil)} rows{dropped}: I+ from {plus} and I- from {minus} in {current} "
            f"against {coil} in {field}"
            + (f"; rows of all {several} together: one device for them all" if several else "")
        )


def read_switching_currents(
    path: str | Path,
    coil: str | None = None,
    plus: str | None = None,
    minus: str | None = None,
    *,
    unit: str | None = None,
    coil_unit: str | None = None,
    signed: bool | None = None,
    drop_missing: bool | Literal["values"] = False,
) -> MeasuredCurrents:
    """Columns (coil current, I₊, I₋) of a CSV or tab-separated file with one header line.

    Columns are found by their usual names unless named. A name is compared letter by letter
    first, then without regard to case and blanks, at last without the unit of the column:
    `plus="Ic"` reads "Ic (nA)", never "Ic (-)". Rows are sorted by coil current.

    I₊ and I₋ come back as magnitudes: a column of negative currents is turned round. Columns that
    are exchanged show in their signs only; of magnitudes, nobody can tell.

    Args:
        path: text with comma, semicolon, tab or blanks between the cells (decimal commas but
            between commas), in UTF-8 or UTF-16. Lines that begin with #, % or // are comments.
        coil: name of the column of coil currents, fields or fluxes.
        plus: name of the column of I₊.
        minus: name of the column of I₋.
        unit: wanted unit of I₊ and I₋ ("nA"). Columns whose names carry another one, as
            "plus (µA)" does, are converted; those without are taken to be in it. Without it,
            I₋ is converted to the unit of I₊.
        coil_unit: wanted unit of the coil column, likewise ("A", "mT").
        signed: whether I₋ is the negative of its column everywhere (True), or both columns hold
            I₊ and I₋ as they are (False), for currents that change sign. Default: read from the
            signs, which must then be clear.
        drop_missing: True leaves rows with missing values out instead of refusing them, "values"
            only the values: I₊ or I₋ is NaN there, which `fit(drop_missing=True)` leaves out, and
            only rows without a coil current or with neither direction go. Missing is what is
            no finite number, what instruments write instead (9.9e37, 1e308, -9999 and the like
            far outside the rest), and a value that repeats 100 times beyond all others.

    Raises:
        ValueError: missing columns, names that fit several columns, one column for two roles,
            units that do not go together, missing values (the lines are named), signs that
            change or are those of the other direction, fewer than two rows.

    Example:
        >>> table = [["coil (mA)", "Ic+ (uA)", "Ic- (nA)"], [0.0, 0.11, 100], [0.5, 0.095, 120]]
        >>> np.savetxt("data.csv", table, fmt="%s", delimiter=",")
        >>> coil, plus, minus = jd.read_switching_currents("data.csv", unit="nA")
        >>> print(*(f"{x:.3f}" for x in plus), *(f"{x:.3f}" for x in minus))
        110.000 95.000 100.000 120.000
    """
    for name, value in (("unit", unit), ("coil_unit", coil_unit)):
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name} must be the name of a unit, got {value!r}")
    if not (isinstance(drop_missing, bool) or drop_missing == "values"):
        raise ValueError(f"drop_missing must be True, False or 'values', got {drop_missing!r}")
    table = read_table(path)
    column = find_columns(table.path, table.header, {"coil": coil, "plus": plus, "minus": minus})
    values = np.array([table.column(k) for k in column.values()])
    values, lines, dropped, lost = _complete(table, column, values, drop_missing)
    x, up, down = values
    units = {role: split_unit(table.header[k])[1] for role, k in column.items()}
    current = _common_unit(table, column, units, unit)
    if unit and units["plus"]:
        up = up * _ratio(table, column["plus"], units["plus"], unit)
    if units["minus"] and (target := unit or units["plus"]):
        down = down * _ratio(table, column["minus"], units["minus"], target)
    if coil_unit and units["coil"]:
        x = x * _ratio(table, column["coil"], units["coil"], coil_unit)
    for role, found in (("plus", up), ("minus", down)):
        if not np.any(np.nan_to_num(found)):
            missing = " or missing" if np.isnan(found).any() else ""
            raise ValueError(
                f"data file {str(table.path)!r} must hold both bias directions, "
                f"column {table.header[column[role]]!r} ({role}) is all zero{missing}"
            )
    up, down = _magnitudes(table, column, up, down, lines, signed)
    order = np.argsort(x, kind="stable")
    errors, error_columns = _errors(table, column, unit or units["plus"], lines)
    return MeasuredCurrents(
        x[order], up[order], down[order],
        unit=current,
        coil_unit=coil_unit or units["coil"],
        columns=tuple(table.header[k] for k in column.values()),
        dropped=dropped,
        lost=lost,
        errors=None if errors is None else (errors[0][order], errors[1][order]),
        error_columns=error_columns,
        others=_others(table, column, x, lines),
    )  # fmt: skip


def _others(table: Table, column, x: np.ndarray, lines) -> tuple[str, ...]:
    """Columns of few values that differ between rows of one coil current."""
    places = np.unique(x).size
    if places > x.size / 2:  # hardly a coil current comes twice
        return ()
    kept, found = np.isin(table.lines, lines), []
    for k, name in enumerate(table.header):
        try:
            values = np.asarray(table.column(k), float)[kept]
        except ValueError:  # text
            continue
        few = 1 < np.unique(values).size <= values.size / 2
        pairs = np.unique(np.stack([x, values]), axis=1).shape[1]
        if k not in column.values() and few and pairs > places:
            found.append(name)
    return tuple(found)


def _errors(table: Table, column, unit: str, lines):
    """Errors of plus and minus in the unit of these, and their columns' names, where both are."""
    places = [error_column(table.header, column[role]) for role in ("plus", "minus")]
    found = [k for k in places if k is not None]
    if len(found) < 2:
        return None, ()
    kept = np.isin(table.lines, lines)
    made = []
    for role, k in zip(("plus", "minus"), found, strict=True):
        own = split_unit(table.header[k])[1] or split_unit(table.header[column[role]])[1]
        ratio = _ratio(table, k, own, unit) if own and unit else 1.0
        made.append(ratio * np.asarray(table.column(k), float)[kept])
    return made, tuple(table.header[k] for k in found)


def _complete(table: Table, column, values, drop):
    """The rows that are kept, their lines, the lines left out and the good values in these."""
    if len(table.rows) < 2:
        raise ValueError(f"data file {str(table.path)!r} must hold at least two rows of data")
    missing = np.array([missing_values(v) for v in values])
    one_direction = ~missing[0] & (missing[1] ^ missing[2])
    bad = missing.any(axis=0)
    if drop == "values":
        bad &= ~one_direction
        values = np.where(missing, np.nan, values)
    lines = np.array(table.lines)
    if bad.any() and not drop:
        raise ValueError(
            f"data file {str(table.path)!r} must hold finite numbers only, got "
            f"{_missing_in_words(table, column, missing)}, which is none or stands for a missing "
            f"one; mend or delete line {_list(lines[bad])}, or leave out with drop_missing=True "
            "(--drop-missing)"
        )
    if np.sum(~bad) < 2:
        raise ValueError(
            f"data file {str(table.path)!r} must hold at least two rows without missing values"
        )
    lost = int(np.sum(one_direction & bad))
    return values[:, ~bad], lines[~bad], tuple(lines[bad].tolist()), lost


def _missing_in_words(table: Table, column, missing: np.ndarray) -> str:
    """Cell, column and line of the first few missing values, in the order of the file."""
    places = np.argwhere(missing.T)
    found = []
    for row, which in places[:_NAMED].tolist():
        k = list(column.values())[which]
        cell = table.rows[row][k].strip() if k < len(table.rows[row]) else ""
        found.append(f"{cell[:20]!r} in column {table.header[k]!r} of line {table.lines[row]}")
    if len(places) > _NAMED:
        return f"{', '.join(found)} and {len(places) - _NAMED} more"
    return " and ".join(found)


def _common_unit(table, column, units, wanted) -> str:
    if bool(units["plus"]) != bool(units["minus"]):
        with_unit, without = ("plus", "minus") if units["plus"] else ("minus", "plus")
        raise ValueError(
            f"columns for plus and minus of data file {str(table.path)!r} must both name their "
            f"unit or neither, got {table.header[column[with_unit]]!r} and "
            f"{table.header[column[without]]!r}"
        )
    for role in ("plus", "minus"):
        if dimension(units[role]) not in ("A", None):
            raise ValueError(
                f"column for {role} of data file {str(table.path)!r} must hold a current, "
                f"{table.header[column[role]]!r} is in {units[role]}; name another with "
                f"{role}=... or --{role}"
            )
    return wanted or units["plus"]


def _ratio(table, k, unit, wanted) -> float:
    try:
        return unit_ratio(unit, wanted)
    except ValueError as error:
        raise ValueError(
            f"column {table.header[k]!r} of data file {str(table.path)!r} must have a unit that "
            f"goes with the other's, {error}"
        ) from error


def _magnitudes(table, column, up, down, lines, signed):
    if signed is not None:
        return up, (-down if signed else down)
    signs = {}
    for role, values in (("plus", up), ("minus", down)):
        size = np.abs(values)
        typical = np.median(size[size > 0])
        # Votes of equal weight: one far outlier does not turn a column round.
        signs[role] = 1.0 if np.nansum(np.clip(values, -typical, typical)) >= 0 else -1.0
        stray = signs[role] * values < -0.5 * typical
        if stray.any():
            raise ValueError(
                f"column {table.header[column[role]]!r} ({role}) of data file {str(table.path)!r} "
                f"must hold one bias direction, its sign changes in line {_list(lines[stray])}; "
                "mend them, or say signed=True or False if the current itself changes sign"
            )
    if signs["plus"] < 0 < signs["minus"]:
        names = (table.header[column[role]] for role in ("plus", "minus"))
        raise ValueError(
            "columns for plus and minus of data file {!r} look exchanged, {!r} (plus) is negative "
            "and {!r} (minus) positive; name them the other way round, or turn their signs".format(
                str(table.path), *names
            )
        )
    return signs["plus"] * up, signs["minus"] * down


def _list(lines) -> str:
    return ", ".join(map(str, lines[:_LISTED])) + (", …" if len(lines) > _LISTED else "")


def require_turns(coil, turns) -> None:
    """Refuse a coil calibration that the coil currents cannot show: one of them has another unit.

    Args:
        coil: coil currents of a measurement.
        turns: flux quanta per unit of coil current, one per loop.

    Raises:
        ValueError: even the fastest loop changes by less than 0.01 flux quanta over the whole
            measurement, or by more than 2 from one coil current to the next.
    """
    try:
        fastest = np.max(np.abs(np.asarray(turns, float)), initial=0.0)
    except (TypeError, ValueError):  # no numbers: for others to refuse
        return
    places = np.unique(coil)
    if fastest == 0 or places.size < 2:
        return
    span, step = fastest * np.ptp(places), fastest * np.median(np.diff(places))
    if span < 0.01 or step > 2:
        change, where = (span, "over all") if span < 0.01 else (step, "from point to point")
        raise ValueError(
            f"turns must go with the coil currents, {places[0]:g} to {places[-1]:g}: {fastest:g} "
            f"would change the flux by {change:.3g} flux quanta {where}; has one another unit?"
        )
