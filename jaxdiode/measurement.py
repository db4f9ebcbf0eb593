"""Measured switching currents from text files."""

import csv
import re
from pathlib import Path

import numpy as np

from . import _plain_checks as _checks

_GUESSES = {
    "coil": ("coil", "coil_current", "i_mag", "i_coil", "icoil", "flux", "field", "b"),
    "plus": ("plus", "i_plus", "i+", "ip", "ic+", "crit_current_pos", "ic_pos"),
    "minus": (
        "minus",
        "i_minus",
        "i-",
        "im",
        "ic-",
        "crit_current_neg",
        "ic_neg",
        "switching_minus",
    ),
}


def read_switching_currents(
    path: str | Path,
    coil: str | None = None,
    plus: str | None = None,
    minus: str | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns (coil current, I₊, I₋) of a CSV or tab-separated file with one header line.

    I₋ comes back as a magnitude: a column of negative currents is turned round. Columns are
    found by their usual names unless named. Rows are sorted by coil current.

    Raises:
        ValueError: missing columns, cells that are no finite numbers (the rows are named),
            one direction only, fewer than two rows.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"data file must exist, got {str(path)!r}")
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    delimiter = max("\t,;", key=first.count)
    lines = csv.reader(text.splitlines(), delimiter=delimiter)
    rows = [(lines.line_num, row) for row in lines if any(row)]
    header = [name.strip() for name in rows[0][1]] if rows else []
    chosen = {"coil": coil, "plus": plus, "minus": minus}
    column = {role: _column(role, name, header, path) for role, name in chosen.items()}
    if len(rows) < 3:
        raise ValueError(f"data file {str(path)!r} must hold at least two rows of data")
    table = np.array([[_number(row, k) for k in column.values()] for _, row in rows[1:]])
    bad = [rows[i + 1][0] for i in np.flatnonzero(~np.all(np.isfinite(table), axis=1))]
    if bad:
        listed = ", ".join(map(str, bad[:8])) + (", …" if len(bad) > 8 else "")
        raise ValueError(
            f"data file {str(path)!r} must hold finite numbers only; mend or delete line {listed}"
        )
    x, up, down = table[np.argsort(table[:, 0], kind="stable")].T
    down = -down if np.median(down) < 0 else down
    for role, values in (("plus", up), ("minus", down)):
        if not np.any(values):
            raise ValueError(
                f"data file {str(path)!r} must hold both bias directions, "
                f"column {header[column[role]]!r} ({role}) is all zero"
            )
    return x, up, down


def _column(role, name, header, path) -> int:
    if header and all(np.isfinite(_number(header, k)) for k in range(len(header))):
        raise ValueError(f"data file {str(path)!r} must begin with a header line, got numbers")
    lower = [_plain(h) for h in header]
    wanted = (_plain(name),) if name else _GUESSES[role]
    for candidate in wanted:
        if candidate in lower:
            return lower.index(candidate)
    if name:
        raise _checks.unknown_name(f"column in {str(path)!r}", name, header)
    raise ValueError(
        f"data file {str(path)!r} has no column for {role} (looked for {', '.join(wanted)}; "
        f"found {', '.join(header)}); name it with {role}=... or --{role}"
    )


def _plain(name: str) -> str:
    """A column name without case and without its unit in brackets."""
    return re.sub(r"[(\[].*?[)\]]", "", name).strip().lower().replace(" ", "_")


def _number(row, k) -> float:
    try:
        return float(row[k])
    except (ValueError, IndexError):
        return float("nan")
