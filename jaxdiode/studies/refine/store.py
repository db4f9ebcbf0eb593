"""The points of a refined map in a Zarr store, chunk by chunk in the order of its rounds."""

import json
import secrets
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from ..sweep.blocks import Blocks
from ..sweep.grid import unknown
from ..sweep.labels import described
from ..sweep.zarr_layout import (
    CHUNKS,
    DIGEST,
    Inputs,
    open_group,
)
from ..sweep.zarr_store import ZarrStore
from .source import KNOWN, PLACE
from .study import Study, consolidate, read_study

if TYPE_CHECKING:
    import xarray

CELLS = "cells"  # the group of what xarray reads in the end


class PointStore:
    """Chunks of points that only ever are appended, each written whole, with a checksum.

    Arrays grow by a round at a time; what opens them sees the last round that was begun, points
    that are not there yet being NaN with `known` false.
    """

    def __init__(self, path: Path, study: Study):
        self.path, self.study, self.outputs = path, study, list(study.sample)
        self.chunk = int(study.told["chunk"])
        self._axes = list(study.told["axes"])
        variables = [*self.outputs, *self._axes, PLACE, KNOWN]
        self._group = open_group(path, "r+")
        self._variables = {name: self._group[name] for name in variables}
        self._digests = self._group[f"{CHUNKS}/{DIGEST}"]
        self._reopen()

    def grow(self, chunks: int) -> None:
        """Make room for so many, all rounds together."""
        if chunks <= self._store.blocks.count:
            return
        self._digests.resize((chunks, 32))
        for array in self._variables.values():
            array.resize((chunks * self.chunk, *array.shape[1:]))
        consolidate(self.path)
        self._reopen()

    def load(self, number: int) -> dict[str, np.ndarray] | None:
        return self._store.load(number) if number < self._store.blocks.count else None

    def save(
        self, number: int, places: Int[np.ndarray, "points axes"],
        coordinates: Float[np.ndarray, "points axes"], values: Mapping[str, np.ndarray],
    ) -> None:  # fmt: skip
        arrays = dict(values) | dict(zip(self._axes, coordinates.T, strict=True))
        arrays |= {PLACE: places, KNOWN: np.ones(len(places), bool)}
        self._store.save(number, {name: self._padded(each) for name, each in arrays.items()})

    def write_cells(self, cells: "xarray.Dataset") -> None:
        """The cells of all points, once there are no more to come; in one step."""
        target = self.path / CELLS
        made = self.path / f".{CELLS}.{secrets.token_hex(4)}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cells.to_zarr(made, mode="w", zarr_format=3)
            shutil.rmtree(target, ignore_errors=True)
            made.rename(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        consolidate(self.path)

    def _reopen(self) -> None:
        count = int(self._digests.shape[0])
        sizes = {array.shape[0] // self.chunk for array in self._variables.values()}
        if sizes != {count}:  # killed while it grew
            count = min(count, *sizes)
            for array in self._variables.values():
                array.resize((count * self.chunk, *array.shape[1:]))
            self._digests.resize((count, 32))
        blocks = Blocks.of((count * self.chunk,), (self.chunk,))
        sample = {name: np.zeros(0) for name in self._variables}
        inputs = Inputs(blocks, 0, {}, sample, [], "", self.study.mark)
        self._store = ZarrStore(self.path, inputs)

    def _padded(self, array: np.ndarray) -> np.ndarray:
        rest = np.full((self.chunk - len(array), *array.shape[1:]), unknown(array.dtype))
        return np.concatenate([array, rest.astype(array.dtype)])


def is_refined(path: Path) -> bool:
    """Whether a Zarr store there says that it is a refined map's."""
    if not path.is_dir():
        return False
    try:
        return "refined" in open_group(path).attrs
    except Exception:  # whatever is there
        return False


def read_refined(path: Path) -> "xarray.Dataset":
    """Points that are there, and the cells if those are all."""
    import xarray

    names = list(read_study(path).told["axes"])
    points = xarray.open_zarr(path, chunks=None, consolidated=False)
    points = points.isel(point=np.flatnonzero(np.asarray(points[KNOWN])))
    points = points.set_coords(names).drop_vars([KNOWN, PLACE]).assign_coords(axis=names).load()
    points.attrs.pop("refined")
    points.attrs.pop("jaxdiode")
    if (path / CELLS).is_dir():
        cells = xarray.open_zarr(path / CELLS, chunks=None, consolidated=False).load()
        count = json.loads(cells.attrs["cells"])["points"]
        if count <= points.sizes["point"]:
            points = points.isel(point=slice(count)).merge(cells).assign_attrs(cells.attrs)
    return described(points)
