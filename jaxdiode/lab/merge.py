"""Datasets of one file that have some of their axes in common."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .dataset import set_units
from .table import fault

if TYPE_CHECKING:
    import xarray


def merge(
    path: Path, parts: "Sequence[xarray.Dataset]", units: Mapping[str, str] | None
) -> "xarray.Dataset":
    """One dataset; an axis that one part has less of, as of an aborted run, is filled by NaN.

    Raises:
        ValueError: axes of one name with other values in another order.
    """
    import xarray

    for name in sorted({str(d) for part in parts for d in part.dims}):
        having = [part for part in parts if name in part.dims]
        longest = max(having, key=lambda part: part.sizes[name])
        for k, part in enumerate(parts):
            if name in part.dims and not _same(part, longest, name):
                parts = [*parts[:k], _filled(path, part, longest, name), *parts[k + 1 :]]
    first, *rest = parts
    if not rest:
        set_units(first, units or {})
        return first
    made = xarray.merge(parts, join="exact", compat="equals", combine_attrs="override")
    made.attrs = dict(first.attrs)
    made.attrs["missing_points"] = sum(part.attrs["missing_points"] for part in parts)
    notes = [part.attrs["guesses"] for part in parts if part.attrs["guesses"]]
    made.attrs["guesses"] = "; ".join(dict.fromkeys(notes))
    set_units(made, units or {})
    return made


def _same(one, other, name) -> bool:
    if one.sizes[name] != other.sizes[name]:
        return False
    return name not in one.coords or np.array_equal(one[name].values, other[name].values)


def _filled(path, part, longest, name):
    """`part` on the values that `longest` has, if those include its own."""
    where = np.isin(longest[name].values, part[name].values) if name in longest.coords else None
    if where is None or not np.array_equal(longest[name].values[where], part[name].values):
        some = ", ".join(map(str, part.data_vars))
        raise fault(
            path,
            f"has other values of {name!r} for {some} than for "
            f"{', '.join(map(str, longest.data_vars))}; read them one by one with values=...",
        )
    before = sum(variable.size for variable in part.data_vars.values())
    made = part.reindex({name: longest[name].values})
    made[name].attrs = dict(part[name].attrs)
    after = sum(variable.size for variable in made.data_vars.values())
    made.attrs["missing_points"] += (after - before) // max(1, len(part.data_vars))
    return made
