"""Databases of QCoDeS, read without QCoDeS: SQLite, with numbers or .npy blobs in the results."""

import io
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .dataset import to_dataset
from .merge import merge
from .table import Column, Table, fault, find_names

if TYPE_CHECKING:
    import xarray

_LISTED = 8  # runs an error message lists
_ROWS = 100_000  # fetched at once


def read_database(
    path: Path,
    run: int | None,
    axes: Sequence[str] | None,
    values: Sequence[str] | None,
    units: Mapping[str, str] | None,
) -> "xarray.Dataset":
    """One run of a database; every measured parameter over its own setpoints.

    Raises:
        ValueError: no database of QCoDeS, no such run, results that are damaged.
    """
    try:
        with closing(_connect(path)) as connection:
            return _read_run(path, connection, run, axes, values, units)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise fault(path, "has damaged text in its tables") from error
        raise fault(path, f"cannot be read as a database of QCoDeS: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    with path.open("rb") as file:
        logged = file.read(20)[18:20] == b"\2\2"
    log = path.with_name(path.name + "-wal")
    # A database with nothing in its log is read where no file may be written beside it.
    still = logged and not (log.exists() and log.stat().st_size)
    where = path.resolve().as_uri() + ("?mode=ro&immutable=1" if still else "?mode=ro")
    return sqlite3.connect(where, uri=True)


def _read_run(path, connection, run, axes, values, units) -> "xarray.Dataset":
    tables = {name for (name,) in connection.execute("select name from sqlite_master")}
    if not {"runs", "experiments"} <= tables:
        raise fault(path, "must be a database of QCoDeS, it has no tables 'runs', 'experiments'")
    connection.row_factory = sqlite3.Row
    about = _choose(path, connection, run)
    parameters, trees, table = _described(path, connection, about)
    names = list(parameters)
    labels = [parameters[name].get("label") or name for name in names]
    wanted = None if values is None else find_names(path, names, labels, values, "values")
    swept = None if axes is None else find_names(path, names, labels, axes, "axes")
    told = _told(connection, about)
    left = [name for name in names if name not in trees and not _is_setpoint(name, trees)]
    if wanted is not None:
        for name in wanted:
            if name not in trees:
                raise fault(path, f"has no setpoints for {name!r}, values may be {_list(trees)}")
    elif left:
        told["not_read"] = ", ".join(left)
    chosen = {name: trees[name] for name in wanted or trees if name not in (swept or ())}
    if not chosen:
        raise fault(path, f"has no parameter with setpoints in run {about['run_id']}")
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, setpoints in chosen.items():
        groups.setdefault(tuple(setpoints), []).append(name)
    parts = []
    for setpoints, measured in groups.items():
        for own in _together(connection, table, measured, (*setpoints, *(swept or ()))):
            columns = list(dict.fromkeys((*(swept or setpoints), *own)))
            arrays = _columns(path, connection, table, columns, parameters, own[0])
            made = [
                Column(name, arrays[name], p.get("unit") or "", p.get("label") or name)
                for name in columns
                for p in [parameters[name]]
            ]
            rows = Table(path, "qcodes", made, told, axes=list(setpoints))
            rows.place = lambda row: f"result {row + 1}"
            parts.append(to_dataset(rows, swept, own))
    return merge(path, parts, units)


def _is_setpoint(name, trees) -> bool:
    return any(name in setpoints for setpoints in trees.values())


def _choose(path, connection, run) -> dict:
    rows = connection.execute("select * from runs order by run_id").fetchall()
    if not rows:
        raise fault(path, "must hold a run, it has none")
    found = [row for row in rows if run is None or row["run_id"] == run]
    if not found:
        listed = ", ".join(f"{row['run_id']} ({row['name']})" for row in rows[-_LISTED:])
        more = f"the last {_LISTED} of {len(rows)}: " if len(rows) > _LISTED else ""
        raise ValueError(f"run must be one of data file {str(path)!r}, {more}{listed}; got {run}")
    return dict(found[-1])


def _described(path, connection, about) -> tuple[dict[str, dict], dict[str, list[str]], str]:
    """Parameters by name, what each measured one depends on, and the table of results."""
    ident, table = about["run_id"], about["result_table_name"]
    try:
        text = json.loads(about.get("run_description") or "{}")
        specs = text.get("interdependencies", {}).get("paramspecs")
        if specs is None:
            specs = _of_layouts(connection, ident)
        parameters = {spec["name"]: spec for spec in specs}
        trees = {s["name"]: list(s["depends_on"]) for s in specs if s["depends_on"]}
        words = {s["name"] for s in specs if s.get("paramtype") == "text"}
        trees = {k: on for k, on in trees.items() if not words & {k, *on}}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise fault(path, f"has a damaged description of run {ident}: {error!r}") from error
    unknown = [x for tree in trees.values() for x in tree if x not in parameters]
    known = {row[1] for row in connection.execute(f"pragma table_info({_quoted(table)})")}
    unknown += [name for name in parameters if name not in known]
    if unknown or not parameters:
        raise fault(path, f"has no results of {unknown[:1] or 'any parameter'} in run {ident}")
    return parameters, trees, table


def _of_layouts(connection, run) -> list[dict]:
    rows = connection.execute("select * from layouts where run_id = ?", (run,)).fetchall()
    name = {row["layout_id"]: row["parameter"] for row in rows}
    found = []
    for row in rows:
        on = connection.execute(
            "select independent from dependencies where dependent = ? order by axis_num",
            (row["layout_id"],),
        ).fetchall()
        found.append(
            {
                "name": row["parameter"],
                "label": row["label"],
                "unit": row["unit"],
                "depends_on": [name[x["independent"]] for x in on],
            }
        )
    return found


def _told(connection, about) -> dict[str, str]:
    """What the database says of a run, in words."""
    found = {"run_id": str(about["run_id"]), "run_name": str(about.get("name") or "")}
    where = (about.get("exp_id"),)
    for row in connection.execute("select * from experiments where exp_id = ?", where):
        found["experiment"] = str(row["name"] or "")
        found["sample"] = str(row["sample_name"] or "")
    for key, name in (("run_timestamp", "started"), ("completed_timestamp", "completed")):
        if isinstance(about.get(key), int | float):
            try:
                found[name] = datetime.fromtimestamp(about[key], UTC).isoformat(timespec="seconds")
            except (ValueError, OSError):
                found[name] = str(about[key])
    if about.get("guid"):
        found["guid"] = str(about["guid"])
    if not about.get("is_completed"):
        found["completed"] = "no"
    return found


def _together(connection, table, measured, setpoints) -> list[list[str]]:
    """Parameters that stand in the same results; one table each where they were added apart."""
    quoted = [_quoted(name) for name in measured]
    same = " + ".join(f"({q} is null)" for q in quoted)
    apart = connection.execute(
        f"select 1 from {_quoted(table)} where {same} not in (0, {len(measured)}) limit 1"
    ).fetchone()
    return [[name] for name in measured] if apart else [list(measured)]


def _columns(path, connection, table, names, parameters, given) -> dict[str, np.ndarray]:
    """Flat columns of all results in which `given` stands; arrays in them are laid out in turn."""
    listed = ", ".join(map(_quoted, names))
    cursor = connection.execute(
        f"select {listed} from {_quoted(table)} where {_quoted(given)} is not null order by id"
    )
    cursor.row_factory = None
    plain = all(parameters[n].get("paramtype", "numeric") == "numeric" for n in names)
    parts: list[list[np.ndarray]] = [[] for _ in names]
    row = 0
    while rows := cursor.fetchmany(_ROWS):
        arrays = None
        if plain:
            try:
                block = np.array(rows, dtype=float)
                arrays = list(block.T) if not np.isnan(block).any() else None
            except (TypeError, ValueError, OverflowError):
                pass
        if arrays is None:
            arrays = _unpacked(path, names, rows, row)
        for part, array in zip(parts, arrays, strict=True):
            part.append(array)
        row += len(rows)
    if not row:
        raise fault(path, f"has no results of {given!r}")
    return {name: np.concatenate(part) for name, part in zip(names, parts, strict=True)}


def _unpacked(path, names, rows, first) -> list[np.ndarray]:
    parts: list[list[np.ndarray]] = [[] for _ in names]
    for k, row in enumerate(rows):
        cells = [_value(path, name, cell, first + k) for name, cell in zip(names, row, strict=True)]
        try:
            cells = np.broadcast_arrays(*cells)
        except ValueError as error:
            raise fault(
                path, f"has arrays of different shapes in result {first + k + 1}: {error}"
            ) from error
        for part, cell in zip(parts, cells, strict=True):
            part.append(cell.reshape(-1))
    return [np.concatenate(part) for part in parts]


def _value(path, name, cell, row) -> np.ndarray:
    where = f"{name!r} in result {row + 1}"
    if cell is None:
        raise fault(path, f"has no value of {where}")
    try:
        if isinstance(cell, bytes):
            cell = np.lib.format.read_array(io.BytesIO(cell), allow_pickle=False)
            if cell.dtype.kind not in "iufcb":
                raise ValueError(f"{cell.dtype} is no number")
            return cell.astype(np.result_type(cell.dtype, float), copy=False)
        if isinstance(cell, str) and "_" in cell:
            raise ValueError(cell[:20])
        return np.asarray(float(cell))
    except Exception as error:  # whatever stands in a damaged blob
        shown = repr(cell[:20]) if isinstance(cell, str) else "damaged bytes"
        raise fault(path, f"has no number for {where}, it has {shown}") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _list(names) -> str:
    return ", ".join(map(repr, names))
