"""Log files of Labber: HDF5 with /Data, /Traces, /Channels and /Step list.

/Data/Data is (points of the fastest step, channels, entries), the entries running over the slower
steps, the second fastest first. Several logs of one file are the groups Log_2, Log_3, …
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .dataset import to_dataset
from .hdf5 import require_heaps, require_sizes
from .merge import merge
from .table import Column, Table, fault, find_names

if TYPE_CHECKING:
    import h5py
    import xarray


def is_labber(path: Path) -> bool:
    """Whether an HDF5 file has the parts of a log."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return "Step list" in file and "Channels" in file
    except (OSError, RuntimeError, KeyError, ValueError):
        return False


def read_labber(
    path: Path,
    run: int | None,
    axes: Sequence[str] | None,
    values: Sequence[str] | None,
    units: Mapping[str, str] | None,
) -> "xarray.Dataset":
    """One log of a file: the steps that vary are axes.

    Raises:
        ValueError: no log, parts of it that are missing, damaged or do not go together.
    """
    import h5py

    require_heaps(path)
    try:
        with h5py.File(path, "r") as file:
            require_sizes(path, file)
            return _read(path, file, run, axes, values, units)
    except UnicodeDecodeError as error:
        raise fault(path, "cannot be read as a log of Labber: it has damaged names") from error
    except ValueError as error:
        if str(path) in str(error) or str(error).startswith(("axes", "values", "units", "run")):
            raise
        raise fault(path, f"cannot be read as a log of Labber: {error}") from error
    except (OSError, RuntimeError, KeyError, TypeError, IndexError, AttributeError,
            MemoryError, OverflowError) as error:  # whatever stands in a damaged file  # fmt: skip
        raise fault(path, f"cannot be read as a log of Labber: {_first_line(error)}") from error


def _read(path, file, run, axes, values, units) -> "xarray.Dataset":
    logs = {1: file}
    for name in file:
        if match := re.fullmatch(r"Log_(\d+)", name):
            logs[int(match[1])] = file[name]
    if run is None and len(logs) > 1:
        listed = ", ".join(f"{k} ({_entries(log)} entries)" for k, log in sorted(logs.items()))
        raise fault(path, f"holds several logs, {listed}; say which with run=...")
    if run is not None and run not in logs:
        raise ValueError(f"run must be one of {sorted(logs)} in {str(path)!r}, got {run}")
    log = logs[run or 1]
    unit = {_text(row["name"]): _text(row["unitPhys"]) for row in log["Channels"][()]}
    steps = [_text(row["channel_name"]) for row in log["Step list"][()]]
    told = _told(file, run, len(logs))
    flat, shape = _channels(path, log)
    vectors = _traces(path, log, shape[1])
    swept = [name for name in steps if name in flat and _varies(flat[name])]
    told |= {
        f"step {name}": f"{flat[name].flat[0]:g} {unit.get(name, '')}".strip()
        for name in steps
        if name in flat and name not in swept and flat[name].size
    }
    swept = swept[::-1]  # Labber lists the fastest first
    measured = [name for name in flat if name not in steps]
    names = [*swept, *measured, *vectors]
    wanted = None if values is None else find_names(path, names, names, values, "values")
    chosen = None if axes is None else find_names(path, names, names, axes, "axes")
    scalars = [name for name in wanted or measured if name in flat and name not in (chosen or ())]
    parts = []
    if scalars:
        steps = chosen or _independent(swept, flat)
        own = [*steps, *scalars]
        own += [name for name in swept if name not in own] if wanted is None else []
        columns = [Column(name, flat[name].reshape(-1), unit.get(name, ""), name) for name in own]
        parts.append(_dataset(path, columns, told, steps, chosen, swept))
    for name, (inner, lengths) in vectors.items():
        if wanted is None or name in wanted:
            parts.append(_vector(path, name, inner, lengths, flat, shape, swept, unit, told))
    if not parts:
        raise fault(path, "holds no measured channel")
    return merge(path, parts, units)


def _dataset(path, columns, told, axes, chosen, swept) -> "xarray.Dataset":
    axes = chosen or [name for name in axes if name in swept]
    if not axes:
        axes = ["entry"]
        columns = [Column("entry", np.arange(columns[0].values.size) * 1.0), *columns]
    keep = np.isfinite([c.values for c in columns if c.name in axes]).all(axis=0)
    for column in columns:
        column.values = column.values[keep]
    table = Table(path, "labber", columns, told, axes=axes)
    table.place = lambda row: f"point {row + 1}"
    if not keep.all():
        table.guesses.append(f"{int(np.sum(~keep))} points were not measured: they have no steps")
    return to_dataset(table, axes, [c.name for c in columns if c.name not in axes])


def _independent(swept, flat) -> list[str]:
    """Steps without those that only follow another one, by a relation."""
    found: list[str] = []
    for name in swept:
        if not any(_follows(flat[name], flat[other]) for other in found):
            found.append(name)
    return found


def _follows(one, other) -> bool:
    one, other = one.reshape(-1), other.reshape(-1)
    first = np.unique(other, return_index=True)[1]
    pairs = np.unique(np.stack([one, other]), axis=1).shape[1]
    return pairs == first.size == np.unique(one).size


def _channels(path, log) -> tuple[dict[str, np.ndarray], tuple[int, int]]:
    """{channel: entries × points}, and how many points and entries there are."""
    data = log["Data/Data"]
    infos = [(_text(r["name"]), _text(r["info"])) for r in log["Data/Channel names"][()]]
    if data.ndim != 3 or data.shape[1] != len(infos) or data.dtype.kind not in "fiu":
        raise fault(
            path,
            f"must have Data/Data of (points, {len(infos)} channels, entries), got {data.shape}",
        )
    values = data[()].astype(float, copy=False)
    points, _, entries = values.shape
    if not points or not entries:
        raise fault(path, "has no entries in Data/Data")
    last = log["Data"].attrs.get("Entries, last trace")
    done = bool(log["Data"].attrs.get("Completed", True))
    found: dict[str, np.ndarray] = {}
    for k, (name, info) in enumerate(infos):
        own = values[:, k, :].T.copy()
        if last is not None and not done and 0 < int(last) < points:
            own[-1, int(last) :] = np.nan  # not measured yet
        if info in ("Real", "Imaginary"):
            before = found.get(name, np.zeros(own.shape, complex))
            found[name] = before + (own if info == "Real" else 1j * own)
        elif name in found:
            raise fault(path, f"has channel {name!r} twice in Data/Channel names")
        else:
            found[name] = own
    return found, (points, entries)


def _traces(path, log, entries) -> dict[str, tuple]:
    """{channel that logs vectors: (entries × points, (name of x, its unit, x))}."""
    group = log.get("Traces", {})
    found: dict[str, tuple] = {}
    for name in group:
        if name == "Time stamp" or name.endswith(("_N", "_t0dt")):
            continue
        data = group[name]
        parts = 2 if bool(data.attrs.get("complex", False)) else 1
        if data.ndim != 3 or data.shape[1] != parts:
            raise fault(
                path,
                f"must have Traces/{name} of (points, {parts}, entries), got {data.shape}; "
                "traces with points of their own are not read",
            )
        values = data[()].astype(float)
        made = values[:, 0, :] if parts == 1 else values[:, 0, :] + 1j * values[:, 1, :]
        timing = np.atleast_2d(group[f"{name}_t0dt"][()])
        lengths = np.atleast_1d(group[f"{name}_N"][()]).astype(int)
        if np.any(timing != timing[0]) or np.any(lengths != lengths[0]):
            raise fault(path, f"has traces of {name!r} with different points, which is not read")
        size = int(lengths[0])
        if not 0 < size <= values.shape[0]:
            raise fault(path, f"says that traces of {name!r} have {size} points, got {data.shape}")
        x = timing[0, 0] + timing[0, 1] * np.arange(size)
        about = (_text(data.attrs.get("x, name", "")) or "x", _text(data.attrs.get("x, unit", "")))
        found[name] = (made[:size].T, (*about, x))
    return found


def _vector(path, name, inner, about, flat, shape, swept, unit, told) -> "xarray.Dataset":
    """A channel of vectors: each point of the steps has one, its x the innermost axis."""
    points, entries = shape
    x_name, x_unit, x = about
    if inner.shape[0] > points * entries:
        raise fault(path, f"has {inner.shape[0]} traces of {name!r} for {points * entries} points")
    count = inner.shape[0]
    steps = [s for s in _independent(swept, flat) if s != x_name]
    columns = [
        Column(s, np.repeat(flat[s].reshape(-1)[:count], x.size), unit.get(s, ""), s) for s in steps
    ]
    columns += [
        Column(x_name, np.tile(x, count), x_unit, x_name),
        Column(name, inner.reshape(-1), unit.get(name, ""), name),
    ]
    return _dataset(path, columns, told, [*steps, x_name], None, [*steps, x_name])


def _told(file: "h5py.File", run, logs) -> dict[str, str]:
    found = {}
    for key, name in (("log_name", "experiment"), ("comment", "comment"), ("version", "version")):
        if text := _text(file.attrs.get(key, "")):
            found[name] = text
    made = file.attrs.get("creation_time")
    if made is not None:
        found["started"] = datetime.fromtimestamp(float(made), UTC).isoformat(timespec="seconds")
    for key in ("Project", "User", "Tags"):
        value = file["Tags"].attrs.get(key) if "Tags" in file else None
        words = [] if value is None else [_text(v) for v in np.atleast_1d(value)]
        if any(words):
            found[key.lower()] = ", ".join(words)
    return found | ({"run_id": str(run)} if logs > 1 else {})


def _entries(log) -> int:
    return int(log["Data/Data"].shape[-1]) if "Data/Data" in log else 0


def _varies(values) -> bool:
    known = values[np.isfinite(values)]
    return known.size > 0 and bool(np.any(known != known[0]))


def _text(value) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _first_line(error) -> str:
    return " ".join(str(error).split())[:120]
