"""What was read, in words."""

from typing import TYPE_CHECKING

import numpy as np

from ..measurement.missing import missing_values

if TYPE_CHECKING:
    import xarray

_KNOWN = {"source", "format", "missing_points", "guesses", "left_out", "text_columns", "not_read"}
_LONGEST = 72


def describe(dataset: "xarray.Dataset") -> str:
    """What a measurement holds: format, axes, quantities with units and ranges, what is missing.

    Args:
        dataset: as `lab.read` or `lab.join` returns it.

    Returns:
        Lines to print. They name numbers that instruments write where they have none, such as
        9.9e37, which stand in the dataset as they stand in the file.

    Example:
        >>> np.savetxt("data.csv", [[0.0, 5.0], [0.1, 4.0]], delimiter=",", header="B (T),Ic (nA)")
        >>> print(jd.lab.describe(jd.lab.read("data.csv")))
        data.csv, text
        axes
          B: 2 points, 0 to 0.1 T
        values
          Ic (B): 4 to 5 nA
        missing points: 0
        guesses: axes B: the first column that runs one way (so does Ic)
    """
    attrs = dataset.attrs
    lines = [f"{attrs.get('source', 'dataset')}, {attrs.get('format', 'xarray')}", "axes"]
    for name, coordinate in dataset.coords.items():
        along = "" if coordinate.dims == (name,) else f" ({', '.join(map(str, coordinate.dims))})"
        lines.append(f"  {name}{along}: {_axis(coordinate)}")
    lines.append("values")
    for name, variable in dataset.data_vars.items():
        over = ", ".join(map(str, variable.dims))
        lines.append(f"  {name} ({over}): {_range(variable)}")
    lines.append(f"missing points: {attrs.get('missing_points', 0)}")
    for key, words in (
        ("guesses", "guesses"),
        ("left_out", "columns left out"),
        ("text_columns", "columns of text, not read"),
        ("not_read", "parameters without setpoints, not read"),
    ):
        if attrs.get(key):
            lines.append(f"{words}: {attrs[key]}")
    for key, value in attrs.items():
        if key not in _KNOWN:
            text = " ".join(str(value).split())
            lines.append(f"{key}: {text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}")
    return "\n".join(lines)


def _unit(variable) -> str:
    return variable.attrs.get("units") or "(no unit)"


def _axis(coordinate) -> str:
    values = coordinate.values
    if values.dtype.kind not in "fiu":
        known = list(dict.fromkeys(map(str, values.reshape(-1))))
        return ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
    first, last = values.reshape(-1)[[0, -1]] if values.size else (np.nan, np.nan)
    return f"{values.size} points, {first:g} to {last:g} {_unit(coordinate)}"


def _range(variable) -> str:
    values = variable.values
    if values.dtype.kind not in "fciu":
        return f"{values.dtype}"
    if values.dtype.kind == "c":
        values = np.abs(values)
    missing = missing_values(values.reshape(-1).astype(float))
    left = values.reshape(-1)[~missing]
    coded = int(np.sum(missing & np.isfinite(values.reshape(-1))))
    size = "|·| " if variable.dtype.kind == "c" else ""
    found = f"{size}{left.min():g} to {left.max():g}" if left.size else "nothing but NaN"
    more = f", {coded} numbers that stand for missing ones" if coded else ""
    return f"{found} {_unit(variable)}{more}"
