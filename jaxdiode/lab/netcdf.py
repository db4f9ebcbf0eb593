"""netCDF and HDF5 that xarray reads, exports of QCoDeS among them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .dataset import set_units, to_dataset
from .hdf5 import require_heaps, require_sizes
from .table import Column, Table, fault, find_names

if TYPE_CHECKING:
    import xarray

_LONGEST = 1000  # characters of an attribute that is kept
_OF_QCODES = {
    "exp_name": "experiment",
    "sample_name": "sample",
    "run_timestamp": "started",
    "completed_timestamp": "completed",
    "ds_name": "run_name",
    "guid": "guid",
    "run_id": "run_id",
}


def read_netcdf(
    path: Path,
    axes: Sequence[str] | None,
    values: Sequence[str] | None,
    units: Mapping[str, str] | None,
) -> "xarray.Dataset":
    """The dataset of the file in the form that all formats have here.

    Raises:
        ValueError: damaged files, or files without variables.
    """
    made = _opened(path)
    if not made.data_vars:
        raise fault(path, "must hold variables, it has none that xarray finds")
    exported = {"guid", "run_description"} <= made.attrs.keys()
    form = "qcodes" if exported else "netcdf"
    about = {
        (_OF_QCODES[str(key)] if exported else str(key)): str(value)
        for key, value in made.attrs.items()
        if (str(key) in _OF_QCODES if exported else len(str(value)) <= _LONGEST)
    }
    about = {k: v for k, v in about.items() if k not in ("source", "format", "guesses")}
    missing = about.pop("missing_points", "0")
    flat = [d for d in made.dims if _is_list(made, d)]
    if flat and set(made.dims) == set(flat):
        return _listed(path, made, form, about, axes, values, units)
    notes = []
    for name in made.dims:
        if name not in made.coords:
            made = made.assign_coords({name: np.arange(made.sizes[name])})
            notes.append(f"{name} has no values in the file: counted from 0")
    names = [str(name) for name in made.variables]
    labels = [str(_label(made[name], name)) for name in names]
    if values is not None:
        made = made[find_names(path, names, labels, values, "values")]
    if axes is not None:
        order = find_names(path, names, labels, axes, "axes")
        if set(order) != {str(d) for d in made.dims}:
            raise fault(
                path, f"is an array over {', '.join(map(str, made.dims))}, got axes={order}"
            )
        made = made.transpose(*order)
    for name in made.variables:
        made[name].attrs = {"units": _unit(made[name]), "long_name": _label(made[name], name)}
    made.attrs = {
        "source": path.name,
        "format": form,
        "missing_points": int(missing) if missing.isdigit() else 0,
        "guesses": "; ".join(notes),
        **about,
    }
    set_units(made, units or {})
    return made


def _opened(path: Path) -> "xarray.Dataset":
    import h5netcdf
    import h5py
    import xarray
    from xarray.backends import H5NetCDFStore

    require_heaps(path)
    try:
        with path.open("rb") as file:
            old = file.read(3) == b"CDF"
        # Times stay numbers: a unit "s" would make dates or durations of them.
        plain: Any = {"decode_times": False, "decode_timedelta": False}
        if old:
            return xarray.load_dataset(path, engine="scipy", **plain)
        # Opened and closed here: h5netcdf leaves a damaged file open.
        with h5py.File(path, "r") as raw:
            raw.attrs.get("_nc3_strict")
            require_sizes(path, raw)
            file = h5netcdf.File(raw, "r", phony_dims="access", decode_vlen_strings=True)
            with file, xarray.open_dataset(H5NetCDFStore(file), **plain) as made:
                return made.load()
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise fault(path, "cannot be read as netCDF or HDF5") from error
    except Exception as error:  # whatever stands in a damaged file
        told = f": {' '.join(str(error).split())[:120]}" if isinstance(error, OSError) else ""
        raise fault(path, f"cannot be read as netCDF or HDF5{told}") from error


def _is_list(made, dim) -> bool:
    """Whether a dimension only counts rows, whose axes are coordinates along it."""
    along = [name for name, c in made.coords.items() if c.dims == (dim,) and name != dim]
    return bool(along) and (dim not in made.coords or dim in ("multi_index", "point", "index"))


def _listed(path, made, form, about, axes, values, units) -> "xarray.Dataset":
    """Rows with coordinates, as QCoDeS exports what is no grid to it: as of a table."""
    (dim,) = made.dims if len(made.dims) == 1 else (None,)
    if dim is None:
        raise fault(path, f"has several lists of points, {', '.join(map(str, made.dims))}")
    found = {str(n): v for n, v in made.variables.items() if v.dims == (dim,) and n != dim}
    columns = [
        Column(name, np.asarray(v.values), _unit(v), _label(v, name)) for name, v in found.items()
    ]
    declared = [str(name) for name in made.coords if str(name) in found]
    table = Table(path, form, columns, about, axes=declared, ordered=False)
    table.place = lambda row: f"entry {row} of {dim}"
    return to_dataset(table, axes, values, units)


def _unit(variable) -> str:
    return str(variable.attrs.get("units", variable.attrs.get("unit", "")))


def _label(variable, name) -> str:
    return str(variable.attrs.get("long_name") or variable.attrs.get("label") or name)
