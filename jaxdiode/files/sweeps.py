"""The device of a sweep, from its dataset."""

import json
from typing import TYPE_CHECKING

from .types import resolve

if TYPE_CHECKING:
    import xarray

    from ..core.device import AbstractDevice


def with_units(
    dataset: "xarray.Dataset", device: "AbstractDevice", current: str
) -> "xarray.Dataset":
    """The dataset of a sweep or of `refine` with units, the device's unit of current being known.

    A device in Python does not say what unit its currents have. I₊, I₋ and currents of folds get
    it, and axes the units that their parameters declare, as "nA" or "Φ₀/nA".

    Args:
        dataset: what `sweep` or `refine` returned, or `load` of its file or store.
        device: that was swept, such as `jd.files.device_of(dataset)`.
        current: unit of its currents.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> data = jd.sweep(jd.critical_currents, squid, {"flux": np.linspace(0, 1, 5)})
        >>> named = jd.files.with_units(data, squid, "nA")
        >>> print(named["plus"].attrs["units"], named["flux"].attrs["units"])
        nA Φ₀
    """
    from ..core.paths import elements_of, match_names, unit_of
    from ..studies.sweep.labels import is_current

    made, elements = dataset.copy(), elements_of(device)
    axes = made["axis"].values if "cells" in made.attrs else made.dims  # of `refine`, a sweep
    for name in made.coords.keys() & {str(one) for one in axes}:
        if found := unit_of(device, match_names(elements, str(name))[0], current):
            made[name].attrs["units"] = found
    for name in map(str, made.data_vars):
        if current and is_current(name):
            made[name].attrs["units"] = current
    return made


def device_of(dataset: "xarray.Dataset") -> "AbstractDevice":
    """The device that a sweep started from.

    Raises:
        ValueError: the dataset says none: it is no sweep's, or of a device that files do not hold.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> axes = {"flux": np.linspace(0, 1, 5)}
        >>> data = jd.sweep(jd.critical_currents, squid, axes, path="sweep.nc")
        >>> print(jd.files.device_of(jd.load("sweep.nc")).flux.tolist())
        [0.3]
    """
    from ..core.tables import from_table

    table = getattr(dataset, "attrs", {}).get("device_table")
    if not table:
        raise ValueError("dataset must be a sweep's with the table of its device, it has none")
    try:
        return from_table(json.loads(table), resolve)
    except (TypeError, ValueError) as error:
        raise ValueError(f"dataset must be a sweep's, its device is damaged: {error}") from error
