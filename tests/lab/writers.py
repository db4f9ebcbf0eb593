"""One map written as each acquisition program writes it, without those programs."""

import io
import json
import sqlite3
from contextlib import closing

import h5py
import numpy as np
import xarray

FIELD = np.linspace(-0.1, 0.2, 7)  # T
CURRENT = np.linspace(-2e-6, 2e-6, 21)  # A, both polarities


def voltages(field=FIELD, current=CURRENT):
    """V(B, I) of a junction with I₊ ≠ I₋ and noise."""
    random = np.random.default_rng(3)
    b, i = np.meshgrid(field, current, indexing="ij")
    limit = 1e-6 * np.where(i > 0, 1 + b, 1 - b)
    ohmic = 50 * np.sign(i) * np.sqrt(np.clip(i**2 - limit**2, 0, None))
    return ohmic + 1e-8 * random.standard_normal(b.shape)


VOLTAGE = voltages()


def rows():
    b, i = np.meshgrid(FIELD, CURRENT, indexing="ij")
    return np.stack([b.ravel(), i.ravel(), VOLTAGE.ravel()], axis=1)


def text(path, delimiter=",", header="B (T){0}I (A){0}V (V)", comma=False, encoding="utf-8",
         ends="\n", blocks=False, comment="", table=None):  # fmt: skip
    table = rows() if table is None else table
    lines = [comment + header.format(delimiter)] if header else []
    for k, row in enumerate(table):
        if blocks and k and row[0] != table[k - 1][0]:
            lines.append("")
        cells = delimiter.join(repr(float(x)) for x in row)
        lines.append(cells.replace(".", ",") if comma else cells)
    path.write_bytes((ends.join(lines) + ends).encode(encoding))


def matrix(path, corner="B (T)\\I (A)\\V (V)"):
    lines = ["\t".join([corner, *map(repr, CURRENT.tolist())])]
    for b, own in zip(FIELD.tolist(), VOLTAGE.tolist(), strict=True):
        lines.append("\t".join(map(repr, [b, *own])))
    path.write_text("\n".join(lines) + "\n")


def mtx(path, width=8, values=VOLTAGE, z=1):
    """x slowest; the axes from their first to their last value."""
    ends = [repr(float(x)) for x in (FIELD[0], FIELD[-1], CURRENT[0], CURRENT[-1])]
    first = "Units,V (V),B (T), {}, {},I (A), {}, {},Nothing, 0, 1\n".format(*ends)
    sizes = f"{FIELD.size} {CURRENT.size} {z} {width}\n"
    path.write_bytes((first + sizes).encode() + values.astype(f"<f{width}").tobytes())


def netcdf(path, engine="h5netcdf", **about):
    about_axis = {"B": "T", "I": "A", "V": "V"}
    made = xarray.Dataset({"V": (("B", "I"), VOLTAGE)}, {"B": FIELD, "I": CURRENT}, about)
    for name, unit in about_axis.items():
        made[name].attrs["units"] = unit
    made.to_netcdf(path, engine=engine)


def npy(array):
    """A blob as QCoDeS stores arrays and complex numbers."""
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), allow_pickle=False)
    return out.getvalue()


QCODES_TABLES = """
create table experiments (exp_id integer primary key, name text, sample_name text,
    start_time integer, end_time integer, run_counter integer, format_string text);
create table runs (run_id integer primary key, exp_id integer, name text,
    result_table_name text, result_counter integer, run_timestamp integer,
    completed_timestamp integer, is_completed bool, parameters text, guid text,
    run_description text, snapshot text);
create table layouts (layout_id integer primary key, run_id integer, parameter text, label text,
    unit text, inferred_from text);
create table dependencies (dependent integer, independent integer, axis_num integer);
insert into experiments values (1, 'diode', 'chip A', 1.7e9, null, 1, '{}-{}-{}');
"""


def qcodes_run(path, specs, results, name="map", description=True):
    """A run as QCoDeS 0.5x lays it out: `specs` are (name, type, unit, label, depends_on)."""
    new = not path.exists()
    with closing(sqlite3.connect(path)) as base, base:
        if new:
            base.executescript(QCODES_TABLES)
        (run,) = base.execute("select count(*) + 1 from runs").fetchone()
        table = f"results-1-{run}"
        listed = [
            {"name": n, "paramtype": kind, "unit": unit, "label": label, "inferred_from": [],
             "depends_on": list(on)}
            for n, kind, unit, label, on in specs
        ]  # fmt: skip
        text = json.dumps({"version": 3, "interdependencies": {"paramspecs": listed}})
        base.execute(
            "insert into runs values (?, 1, ?, ?, ?, 1.7e9, 1.7e9, 1, '', 'guid', ?, null)",
            (run, name, table, run, text if description else None),
        )
        ids = {}
        for n, _, unit, label, _ in specs:
            cursor = base.execute(
                "insert into layouts (run_id, parameter, label, unit) values (?, ?, ?, ?)",
                (run, n, label, unit),
            )
            ids[n] = cursor.lastrowid
        for n, *_, on in specs:
            for k, other in enumerate(on):
                base.execute("insert into dependencies values (?, ?, ?)", (ids[n], ids[other], k))
        columns = ", ".join(f'"{n}" {kind}' for n, kind, *_ in specs)
        base.execute(f'create table "{table}" (id integer primary key, {columns})')
        for row in results:
            names = ", ".join(f'"{n}"' for n in row)
            marks = ", ".join("?" * len(row))
            base.execute(f'insert into "{table}" ({names}) values ({marks})', tuple(row.values()))
    return run


MAP_SPECS = [
    ("B", "numeric", "T", "Field", ()),
    ("I", "numeric", "A", "Bias", ()),
    ("V", "numeric", "V", "Voltage", ("B", "I")),
]


def qcodes(path, **more):
    results = [dict(zip("BIV", map(float, row), strict=True)) for row in rows()]
    return qcodes_run(path, MAP_SPECS, results, **more)


def qcodes_arrays(path):
    """One result per sweep, its currents and voltages as arrays."""
    specs = [(n, "numeric" if n == "B" else "array", *rest) for n, _, *rest in MAP_SPECS]
    results = [
        {"B": float(b), "I": npy(CURRENT), "V": npy(own)}
        for b, own in zip(FIELD, VOLTAGE, strict=True)
    ]
    return qcodes_run(path, specs, results)


_WORDS = h5py.string_dtype()
_CHANNELS = [("name", _WORDS), ("instrument", _WORDS), ("quantity", _WORDS),
             ("unitPhys", _WORDS), ("unitInstr", _WORDS)]  # fmt: skip


def labber(path, group=None, *, entries=None, last=None, channels=None, steps=("I", "B")):
    """Steps fastest first; Data/Data is (points, channels, entries)."""
    units = {"B": "T", "I": "A", "V": "V"}
    b, i = np.meshgrid(FIELD, CURRENT, indexing="ij")
    data = {"I": i, "B": b, "V": VOLTAGE} if channels is None else channels
    infos, columns = [], []
    for name, values in data.items():
        parts = {"": values}
        if np.iscomplexobj(values):
            parts = {"Real": values.real, "Imaginary": values.imag}
        for info, part in parts.items():
            infos.append((name, info))
            columns.append(part.T)
    stack = np.stack(columns, axis=1)[:, :, :entries].copy()
    if last is not None:
        stack[last:, :, -1] = 0.0
    with h5py.File(path, "a") as file:
        log = file if group is None else file.create_group(group)
        log.attrs["log_name"] = "diode map"
        log.attrs["creation_time"] = 1.7e9
        log.attrs["comment"] = ""
        log["Channels"] = np.array(
            [(name, "SMU", name, units.get(name, ""), "") for name in data], _CHANNELS
        )
        log["Step list"] = np.array([(name,) for name in steps], [("channel_name", _WORDS)])
        log["Log list"] = np.array(
            [(name,) for name in data if name not in steps], [("channel_name", _WORDS)]
        )
        log["Data/Data"] = stack
        log["Data/Channel names"] = np.array(infos, [("name", _WORDS), ("info", _WORDS)])
        log["Data/Time stamp"] = np.arange(stack.shape[2]) * 1.0
        log["Data"].attrs["Completed"] = last is None
        log["Data"].attrs["Step dimensions"] = np.array(VOLTAGE.T.shape)
        if last is not None:
            log["Data"].attrs["Entries, last trace"] = last


def labber_traces(path):
    """Each point of B logs V as a vector over I."""
    labber(path, channels={"B": FIELD[None, :]}, steps=("B",))
    with h5py.File(path, "a") as file:
        channels = file["Channels"][()]
        del file["Channels"]
        file["Channels"] = np.array([*channels.tolist(), ("V", "SMU", "V", "V", "")], _CHANNELS)
        file["Traces/V"] = VOLTAGE.T[:, None, :]
        file["Traces/V"].attrs["complex"] = False
        file["Traces/V"].attrs["x, name"] = "I"
        file["Traces/V"].attrs["x, unit"] = "A"
        file["Traces/V_N"] = np.array([CURRENT.size])
        file["Traces/V_t0dt"] = np.array([[CURRENT[0], CURRENT[1] - CURRENT[0]]])
        file["Traces/Time stamp"] = np.arange(FIELD.size) * 1.0
