"""The device of a sweep, from its dataset."""

import json
from typing import TYPE_CHECKING

from .types import resolve

if TYPE_CHECKING:
    import xarray

    from ..core.device import AbstractDevice


def device_of(dataset: "xarray.Dataset") -> "AbstractDevice":
    """The device that a sweep started from.

    Raises:
        ValueError: the dataset says none: it is no sweep's, or of a device that files do not hold.
    """
    from ..core.tables import from_table

    table = dataset.attrs.get("device_table")
    if not table:
        raise ValueError("dataset must be a sweep's with the table of its device, it has none")
    try:
        return from_table(json.loads(table), resolve)
    except (TypeError, ValueError) as error:
        raise ValueError(f"dataset must be a sweep's, its device is damaged: {error}") from error
