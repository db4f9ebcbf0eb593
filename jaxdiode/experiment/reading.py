"""A measurement in a text file, as an observable predicts it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import PyTree

from .. import _checks
from ..core.tables import made
from ..measurement.columns import dimension, find_columns, split_unit, unit_ratio
from ..measurement.missing import missing_values
from ..measurement.table import Table, read_table
from .observables import (
    AbstractObservable,
    DensityOfStates,
    ShapiroEdges,
    SwitchingHistogram,
    VoltageCurve,
)

_BINS = 40


class Reading(NamedTuple):
    """What a fit needs of a file.

    Attributes:
        observable: with its abscissa from the file.
        data: as the observable predicts it.
        sigma: where the observable knows the noise, else None.
        columns: {axis: values}, for `Experiment.predict`.
        along: the axis on which neighbouring residuals are neighbours.
        text: what was read, in a line.

    Example:
        >>> np.savetxt("dos.csv", [[0.1, 0.9], [0.2, 1.1]], delimiter=",", header="energy,density")
        >>> found = jd.experiment.read_observable("dos.csv", "DensityOfStates", {"broadening": 0.1})
        >>> print(found.text, found.along, found.data)
        2 rows: energy from 'energy', density from 'density' [0.1 0.2] [0.9 1.1]
    """

    observable: AbstractObservable
    data: PyTree
    sigma: float | None
    columns: dict[str, np.ndarray]
    along: np.ndarray | None
    text: str


def read_observable(
    path: str | Path,
    kind: str,
    options: Mapping[str, Any],
    *,
    axes: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    unit: str = "",
    bins: int = _BINS,
) -> Reading:
    """Columns of a text file for one of `VoltageCurve`, `SwitchingHistogram`, `ShapiroEdges`,
    `DensityOfStates`.

    Currents whose columns name a unit are converted to `unit`. Without `columns` a column has the
    name of its role: "current" and "voltage"; "plus" and "minus", an event in each row; for every
    order n "lower n" and "upper n"; "energy" and "density"; and the names of the axes.

    Args:
        kind: name of the observable.
        options: its other arguments.
        axes: columns that are axes (of `ShapiroEdges`).
        columns: {role: header}, where names differ.
        unit: of the device's currents.
        bins: of a histogram, equal ones from the lowest event to the highest.

    Raises:
        ValueError: no such file, columns missing or not finite, units that do not go together.

    Example:
        >>> rows = [["I (uA)", "V (uV)"], [1, 0.1], [2, 3.5], [3, 5.6]]
        >>> np.savetxt("iv.csv", rows, fmt="%s", delimiter=",")
        >>> read = jd.experiment.read_observable(
        ...     "iv.csv", "VoltageCurve", {"noise": 50.0, "resistance": 2e-3}, unit="nA",
        ...     columns={"current": "I", "voltage": "V"},
        ... )
        >>> print(read.observable.current, read.data)
        [1000. 2000. 3000.] [0.1 3.5 5.6]
    """
    readers = {
        "VoltageCurve": _voltage_curve,
        "SwitchingHistogram": _histogram,
        "ShapiroEdges": _shapiro,
        "DensityOfStates": _density,
    }
    if kind not in readers:
        raise _checks.unknown_name("observable", kind, ("ObservedCurrents", *readers))
    if axes and kind != "ShapiroEdges":
        raise ValueError(
            f"axes must be left out for {kind}, one curve at fixed settings is read, got "
            f"{', '.join(axes)}"
        )
    table = read_table(path)
    take = _Columns(table, dict(columns or {}), unit)
    return readers[kind](take, dict(options), tuple(axes), bins)


class _Columns:
    """Columns of a table by their roles."""

    def __init__(self, table: Table, named: dict[str, str], unit: str):
        self.table, self.named, self.unit = table, named, unit
        self.read: list[str] = []

    def __call__(self, role: str, *, current: bool = False, pure: str = "") -> np.ndarray:
        """One column, finite; currents in the device's unit, or pure numbers of what is said."""
        name = self.named.get(role, role)
        k = find_columns(self.table.path, self.table.header, {role: name})[role]
        values = np.asarray(self.table.column(k), float)
        bad = np.flatnonzero(missing_values(values))
        if bad.size:
            lines = ", ".join(str(self.table.lines[i]) for i in bad[:8])
            raise ValueError(
                f"data file {str(self.table.path)!r} must hold finite numbers only, column "
                f"{self.table.header[k]!r} has none (or one that stands for a missing one) in line "
                f"{lines}"
            )
        own = split_unit(self.table.header[k], of_any=bool(pure))[1]
        if pure and own and dimension(own):
            raise ValueError(
                f"column {self.table.header[k]!r} of {str(self.table.path)!r} must hold {role} in "
                f"units of {pure}, got {own}: divide it by that"
            )
        if current and own and self.unit:
            values = values * unit_ratio(own, self.unit)
        self.read.append(f"{role} from {self.table.header[k]!r}")
        return values

    def text(self) -> str:
        return f"{len(self.table.rows)} rows: {', '.join(self.read)}"


def _made(kind: type, options: dict[str, Any], **read: Any) -> Any:
    """An observable of its options and of what the file gives."""
    for name in read:
        if name in options:
            raise ValueError(
                f"{name} of {kind.__name__} must be left out: it is read from the file"
            )
    return made(kind.__name__, kind, {**options, **read}, "")


def _voltage_curve(take: _Columns, options, axes, bins) -> Reading:
    current, voltage = take("current", current=True), take("voltage")
    order = np.argsort(current, kind="stable")
    observable = _made(VoltageCurve, options, current=current[order])
    return Reading(observable, voltage[order], None, {}, current[order], take.text())


def _histogram(take: _Columns, options, axes, bins) -> Reading:
    _checks.whole_number("bins", bins)
    plus, minus = (np.abs(take(role, current=True)) for role in ("plus", "minus"))
    both = np.concatenate([plus, minus])
    low, high = float(np.min(both)), float(np.max(both))
    margin = 0.02 * (high - low)
    edges = np.linspace(low - margin, high + margin, bins + 1)
    observable = _made(SwitchingHistogram, options, edges=edges, ramps=plus.size)
    return Reading(observable, observable.data(plus, minus), 1.0, {}, None, take.text())


def _shapiro(take: _Columns, options, axes, bins) -> Reading:
    if "orders" not in options:
        raise ValueError("ShapiroEdges needs 'orders', the steps whose edges were measured")
    observable = _made(ShapiroEdges, options)
    columns = {name: take(name) for name in axes}
    edges = [
        np.stack([take(f"{side} {_spelled(n)}", current=True) for n in observable.orders])
        for side in ("lower", "upper")
    ]
    if not axes and edges[0].shape[1] != 1:
        raise ValueError(
            f"data file {str(take.table.path)!r} must hold one row without axes, got "
            f"{edges[0].shape[1]}: say which column drives what by axes"
        )
    data = tuple(edges) if axes else tuple(edge[:, 0] for edge in edges)
    along = columns[axes[0]] if axes else None
    return Reading(observable, data, None, columns, along, take.text())


def _spelled(order: Any) -> str:
    return "/".join(map(str, order)) if isinstance(order, tuple) else str(order)


def _density(take: _Columns, options, axes, bins) -> Reading:
    energy = take("energy", pure="k_BT_c")
    density = take("density", pure="that of the normal state")
    order = np.argsort(energy, kind="stable")
    observable = _made(DensityOfStates, options, energy=energy[order])
    return Reading(observable, density[order], None, {}, energy[order], take.text())
