"""Datasets of one experiment as one, and in other units."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _plain_checks
from ..measurement.columns import unit_ratio

if TYPE_CHECKING:
    import xarray

_ROUNDING = 1e-9  # of the largest value of an axis


def join(
    datasets: "Sequence[xarray.Dataset]",
    along: str | None = None,
    labels: Sequence[str] | None = None,
) -> "xarray.Dataset":
    """Datasets of one experiment, such as one file per polarity, as one.

    Without `along` they hold different quantities on one grid. With a new name they hold the same
    quantities, and `along` is a dimension that tells them apart. With the name of an axis they
    follow each other on it. All other axes must be equal, to rounding (1e-9 of their largest
    value); the first dataset's are kept. Nothing is interpolated.

    Args:
        datasets: two or more, as `lab.read` returns them.
        along: a new dimension, or the axis they continue.
        labels: coordinates of a new dimension, one per dataset. Default: the files' names.

    Raises:
        ValueError: axes that differ (the first difference is named), quantities that only some
            hold or that have other units, a point of the axis `along` in two datasets.

    Example:
        >>> for polarity, sign in (("plus", 1), ("minus", -1)):
        ...     rows = [[0.0, 5.0], [0.1, 5.0 + sign], [0.2, 4.0]]
        ...     np.savetxt(f"{polarity}.csv", rows, delimiter=",", header="B (T),Ic (nA)")
        >>> both = [jd.lab.read(f"{polarity}.csv") for polarity in ("plus", "minus")]
        >>> measured = jd.lab.join(both, along="polarity", labels=["plus", "minus"])
        >>> print(measured.Ic.sel(polarity="minus").values, measured.Ic.attrs["units"])
        [5. 4. 4.] nA
    """
    import xarray

    datasets = list(datasets)
    if len(datasets) < 2 or not all(isinstance(d, xarray.Dataset) for d in datasets):
        raise ValueError(f"datasets must be two or more xarray.Dataset, got {len(datasets)}")
    first = datasets[0]
    axis = along if along is not None and along in first.dims else None
    if labels is not None and (along is None or axis is not None):
        raise ValueError("labels must be left out unless along=... is a new dimension")
    aligned = [_aligned(first, other, k, axis) for k, other in enumerate(datasets)]
    if along is None:
        made = _merged(aligned)
    elif axis is not None:
        made = _continued(aligned, axis)
    else:
        made = _told_apart(aligned, along, labels)
    made.attrs = _attributes(datasets)
    return made


def in_units(dataset: "xarray.Dataset", units: Mapping[str, str]) -> "xarray.Dataset":
    """The dataset with some quantities in other units: numbers and `attrs["units"]` change.

    Args:
        dataset: as `lab.read` returns it.
        units: the wanted unit of each name, as {"B": "mT"}; units that differ by a power of ten
            (mT, T and G; nA, A; kΩ, Ohm).

    Raises:
        ValueError: no such name, a quantity without a unit, units of something else.

    Example:
        >>> np.savetxt("data.csv", [[0.0, 5.0], [0.1, 4.0]], delimiter=",", header="B (T),Ic (nA)")
        >>> measured = jd.lab.in_units(jd.lab.read("data.csv"), {"B": "mT"})
        >>> print(measured.B.values, measured.B.attrs["units"])
        [  0. 100.] mT
    """
    made = dataset.copy()
    names = [str(name) for name in dataset.variables]
    for name, wanted in units.items():
        if name not in names:
            raise _plain_checks.unknown_name("quantity", name, names)
        unit = dataset[name].attrs.get("units", "")
        if not unit:
            raise ValueError(
                f"units must be of quantities that have one, {name!r} has none; say it with "
                "lab.read(..., units={...})"
            )
        try:
            ratio = unit_ratio(unit, wanted)
        except ValueError as error:
            raise ValueError(f"units must go with those of {name!r}: {error}") from error
        scaled = (dataset[name].dims, dataset[name].values * ratio, dict(dataset[name].attrs))
        made = made.assign_coords({name: scaled}) if name in made.coords else made.assign(
            {name: scaled}
        )  # fmt: skip
        made[name].attrs["units"] = wanted
    return made


def _aligned(first, other, k, along):
    """`other` on the very axes of `first`, which it has to rounding."""
    for name in first.dims:
        if name not in other.dims:
            raise ValueError(f"datasets must have the same axes, number {k + 1} has no {name!r}")
    for name in other.dims:
        if name not in first.dims:
            raise ValueError(f"datasets must have the same axes, the first has no {name!r}")
        if name == along:
            continue
        a, b = first[name].values, other[name].values
        if a.size != b.size:
            raise ValueError(
                f"datasets must have the same values of {name!r}, the first has {a.size}, "
                f"number {k + 1} has {b.size}"
            )
        _require_equal(name, a, b, k)
    _require_units([name for name in first.variables if name in other.variables], first, other, k)
    return other.assign_coords({name: first[name] for name in first.dims if name != along})


def _require_equal(name, a, b, k):
    if a.dtype.kind in "fiu" and b.dtype.kind in "fiu":
        different = ~(np.abs(a - b) <= _ROUNDING * np.max(np.abs(a), initial=0.0))
    else:
        different = a != b
    if np.any(different):
        at = int(np.argmax(different))
        turned = a.dtype.kind == "f" and np.allclose(a, b[::-1], rtol=_ROUNDING, atol=0)
        hint = "; one runs the other way: sort both, dataset.sortby(...)" if turned else ""
        raise ValueError(
            f"datasets must have the same values of {name!r}, point {at} is {a[at]} in the first "
            f"and {b[at]} in number {k + 1}{hint}"
        )


def _require_units(names, first, other, k):
    for name in names:
        one, two = (d[name].attrs.get("units", "") for d in (first, other))
        if one != two:
            raise ValueError(
                f"datasets must have the same unit of {name!r}, the first has {one!r}, number "
                f"{k + 1} {two!r}; convert with lab.in_units"
            )


def _merged(datasets) -> "xarray.Dataset":
    made = datasets[0]
    for k, other in enumerate(datasets[1:], 2):
        for name in other.data_vars:
            if name in made.data_vars:
                raise ValueError(
                    f"datasets must hold different quantities, {name!r} is in several (also in "
                    f"number {k}); rename it, or tell them apart with along='polarity'"
                )
        made = made.assign({name: other[name] for name in other.data_vars})
    return made


def _require_same_quantities(datasets):
    names = set(datasets[0].data_vars)
    for k, other in enumerate(datasets[1:], 2):
        if different := sorted(map(str, names ^ set(other.data_vars))):
            raise ValueError(
                f"datasets must hold the same quantities, {different[0]!r} is not in both the "
                f"first and number {k}"
            )


def _continued(datasets, axis) -> "xarray.Dataset":
    import xarray

    _require_same_quantities(datasets)
    values = np.concatenate([d[axis].values for d in datasets])
    known = np.sort(values)
    if axis in datasets[0].coords and values.dtype.kind == "f":
        close = np.diff(known) <= _ROUNDING * np.max(np.abs(known))
        if close.any():
            raise ValueError(
                f"datasets must have different values of {axis!r} to follow each other, several "
                f"have {known[int(np.argmax(close))]:g}"
            )
    having = [str(n) for n, v in datasets[0].data_vars.items() if axis in v.dims]
    if fixed := [str(n) for n in datasets[0].data_vars if str(n) not in having]:
        raise ValueError(f"datasets must have {axis!r} in all quantities, {fixed[0]!r} has not")
    return xarray.concat(datasets, axis, combine_attrs="override", join="exact", data_vars="all")


def _told_apart(datasets, along, labels) -> "xarray.Dataset":
    import xarray

    _require_same_quantities(datasets)
    if along in datasets[0].variables:
        raise ValueError(f"along must be a new name or an axis, {along!r} is a quantity")
    if labels is None:
        labels = [str(d.attrs.get("source", k)) for k, d in enumerate(datasets)]
    if len(labels) != len(datasets) or len({*labels}) < len(labels):
        raise ValueError(f"labels must be {len(datasets)} different names, got {list(labels)!r}")
    index = xarray.DataArray(list(labels), dims=along, name=along)
    index.attrs = {"units": "", "long_name": along}
    return xarray.concat(datasets, index, combine_attrs="override", join="exact", data_vars="all")


def _attributes(datasets) -> dict:
    """What all say is kept; of the rest, all sources, guesses and missing points."""
    first = datasets[0].attrs
    kept = {k: v for k, v in first.items() if all(d.attrs.get(k) == v for d in datasets)}
    for key, between in (("source", ", "), ("format", ", "), ("guesses", "; ")):
        words = [str(d.attrs[key]) for d in datasets if d.attrs.get(key)]
        kept[key] = between.join(dict.fromkeys(words))
    kept["missing_points"] = sum(int(d.attrs.get("missing_points", 0)) for d in datasets)
    return kept
