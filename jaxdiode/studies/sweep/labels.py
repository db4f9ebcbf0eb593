"""What datasets of sweeps say of themselves: names, units, statuses, ways up and down an axis."""

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ...numerics.status import Status

if TYPE_CHECKING:
    import xarray

CURRENT_UNIT = "current_unit"  # attribute: of the device's currents, where it is known
CURRENTS = ("plus", "minus", "fold")
NOT_COMPUTED = "not computed"
_NOT_COMPUTED = -1  # what stands for a status that is not there yet
_AT_ONCE = 10**7  # values
_NAMES = {int(one): one.name for one in Status} | {_NOT_COMPUTED: NOT_COMPUTED}
_OUTPUTS = {
    "plus": "critical current I₊",
    "minus": "critical current I₋",
    "efficiency": "diode efficiency η",
    "diode_efficiency": "diode efficiency η",
    "fluxoids": "fluxoid numbers of the loops",
    "energy": "energy of the flux state",
    "falls": "falls into another flux state",
    "fold": "fold current",
    "status": "status, jaxdiode.Status",
}


def long_name(output: str) -> str:
    """What figures call an output of the function; nothing where it is the user's own."""
    return _OUTPUTS.get(output, "")


def is_status(name: str, dtype: np.dtype) -> bool:
    return dtype.kind == "i" and name.rpartition(".")[2] == "status"


def is_current(name: str) -> bool:
    """Whether an output, or the error of one, is in the unit of the device's currents."""
    return name.rpartition(".")[2].removesuffix("_error") in CURRENTS


def attributes_of(name: str, dtype: np.dtype, unit: str = "") -> dict[str, Any]:
    """Of an output: what figures call it, its unit; of a status its codes, by CF conventions."""
    made: dict[str, Any] = {}
    flags = is_status(name, dtype)
    if text := long_name("status" if flags else name):
        made["long_name"] = text
    if flags:
        made["flag_values"] = [int(one) for one in Status]
        made["flag_meanings"] = " ".join(one.name for one in Status)
    if unit and is_current(name):
        made["units"] = unit
    return made


def label(names, values, results, about: Mapping[str, str]) -> "xarray.Dataset":
    """Flat results as a dataset on the grid that the axes span."""
    import xarray

    shape = tuple(map(len, values))
    data = {}
    for key, flat in results.items():
        inner = [f"{key}_{i}" for i in range(flat.ndim - 1)]
        data[key] = ((*names, *inner), flat.reshape(*shape, *flat.shape[1:]))
    coords = {}
    for name, array in zip(names, values, strict=True):
        if array.ndim == 1:
            coords[name] = array
        else:
            coords[f"{name}_values"] = ((name, f"{name}_component"), array)
    kept = {k: v for k, v in about.items() if v and k != "axes"}
    made = xarray.Dataset(data, coords, kept)
    for name, (text, unit) in json.loads(about.get("axes") or "{}").items():
        if name in made.coords:
            made[name].attrs |= {"long_name": text} | ({"units": unit} if unit else {})
    return made


def described(data: "xarray.Dataset", count: bool = True) -> "xarray.Dataset":
    """A sweep with what is told from its values: what statuses mean, ways up and down an axis.

    Args:
        count: also how many points have which status, for which these are read.
    """
    unit = str(data.attrs.get(CURRENT_UNIT, ""))
    made = data.copy()
    for name, variable in made.data_vars.items():
        variable.attrs |= attributes_of(str(name), variable.dtype, unit)
    along = str(data.attrs.get("along", ""))
    if along in data.coords and "direction" not in data.data_vars:
        made = made.drop_vars("direction", errors="ignore")
        ways = directions(np.asarray(data[along].values, float))
        if len(set(ways)) > 1:
            said = {"long_name": f"way of the sweep along {along}"}
            made = made.assign_coords(direction=(along, ways, said))
    if count and (told := statuses_of(made)):
        made.attrs["statuses"] = told
    return made


def directions(values: Float[np.ndarray, " points"]) -> np.ndarray:
    """ "up" or "down" of every point of an axis, by the step that leads to it.

    The first point, and one that repeats the value before it, has the way of the next step.
    """
    signs = np.sign(np.diff(values))
    known = np.flatnonzero(signs)
    if not len(known):
        return np.full(len(values), "up")
    next_step = known[np.minimum(np.searchsorted(known, np.arange(len(signs))), len(known) - 1)]
    signs = signs[next_step]
    return np.where(np.concatenate([signs[:1], signs]) > 0, "up", "down")


def status_names(data: "xarray.Dataset") -> list[str]:
    """Variables that are statuses."""
    return [str(n) for n, v in data.data_vars.items() if is_status(str(n), v.dtype)]


def status_counts(data: "xarray.Dataset", variable: str = "status") -> dict[str, int]:
    """How many points of a sweep, or of a part of it, have which status.

    Args:
        data: what `sweep` or `refine` returned, or `load` of its file or store.
        variable: the status that is counted; `here.status` of a function that returns
            `{"here": jd.critical_currents(device)}`.

    Returns:
        {name of `jd.Status`: points}, in the order of their codes; "not computed" are points of a
        sweep that is not finished.

    Raises:
        ValueError: there is no such status, as of a function that returns numbers alone.

    Example:
        >>> junction = jd.KapitzaJunction(damping=0.5, drive_frequency=1, drive_current=3)
        >>> data = jd.sweep(jd.critical_currents, junction, {"drive_current": [0.0, 1.0, 3.0]})
        >>> print(jd.results.status_counts(data))
        {'CONVERGED': 2, 'PERIOD_DOUBLING': 1}
    """
    known = status_names(data)
    if variable not in known:
        have = f"one of {', '.join(known)}" if known else "a status, the data have none"
        raise ValueError(f"variable must be {have}, got {variable!r}")
    values, counts = data[variable], dict[int, int]()
    if values.ndim:
        rest = math.prod(values.shape[1:])
        rows = max(_AT_ONCE // max(rest, 1), 1)
        parts = (values[k : k + rows] for k in range(0, values.shape[0], rows))
    else:
        parts = iter([values])
    for part in parts:
        for code, count in zip(*np.unique(part.values, return_counts=True), strict=True):
            counts[int(code)] = counts.get(int(code), 0) + int(count)
    order = sorted(counts, key=lambda code: (code < 0, code))
    return {name_of_status(code): counts[code] for code in order}


def name_of_status(code: int) -> str:
    """Of `Status`; a function of one's own may have other codes."""
    return _NAMES.get(code, f"code {code}")


def statuses_of(data: "xarray.Dataset") -> str:
    """The counts of every status in a line, empty where there is none.

    With the number of points: parts of a dataset keep its attributes.
    """
    told = {}
    for name in status_names(data):
        counts = status_counts(data, name)
        listed = ", ".join(f"{count} {status}" for status, count in counts.items())
        told[name] = f"{listed} of {sum(counts.values())} points"
    if list(told) == ["status"]:
        return told["status"]
    return "; ".join(f"{name}: {text}" for name, text in told.items())
