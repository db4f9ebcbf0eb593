"""A sweep in a Zarr store: chunks written whole, by any number of processes, checked when read."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .blocks import Blocks
from .labels import described
from .reports import reason, say
from .zarr_layout import CHUNKS, DIGEST, Inputs, open_group, read_inputs

if TYPE_CHECKING:
    import xarray


class ZarrStore:
    """One Zarr chunk of every variable for each box of the grid.

    A box is finished when its digest is written, after its values: of the sweep's mark, the box's
    number and the values. A chunk that is missing, cut short, altered, or that of another box does
    not fit it and is computed again. Files are renamed into place; two processes at one box write
    the same bytes.
    """

    def __init__(self, path: Path, inputs: Inputs):
        self.path, self.blocks, self.mark = path, inputs.blocks, inputs.mark
        self.group = open_group(path, "r+")
        self._digests = self.group[f"{CHUNKS}/{DIGEST}"]
        self._variables = {name: self.group[name] for name in inputs.sample}

    def finished(self) -> np.ndarray:
        """Which boxes say that they are, unread."""
        return np.any(np.asarray(self._digests[:]) != 0, axis=1)

    def holds(self, number: int) -> bool:
        """Whether the box is there; a line on stderr where it is damaged."""
        return self.load(number) is not None

    def load(self, number: int) -> dict[str, np.ndarray] | None:
        """A box, in its shape; None where it is not there, a line on stderr where it is damaged."""
        try:
            told = np.asarray(self._digests[number])
            if not np.any(told):
                return None
            arrays = {k: np.asarray(v[self._place(number, v)]) for k, v in self._variables.items()}
        except Exception as error:  # whatever stands in a damaged file
            why = reason(error)
            say(f"chunk {number} of {self.path} cannot be read ({why}) and is computed again")
            return None
        if not np.array_equal(told, self._digest(number, arrays)):
            say(f"chunk {number} of {self.path} is damaged and is computed again")
            return None
        return arrays

    def save(self, number: int, values: Mapping[str, np.ndarray]) -> None:
        """All variables of a box, then its digest.

        Raises:
            OSError: the disk is full, or the store cannot be written; what is there is kept.
        """
        arrays = {k: _plain(self.blocks.shaped(number, values[k])) for k in self._variables}
        with self._written(f"chunk {number}"):
            for name, array in arrays.items():
                variable = self._variables[name]
                variable[self._place(number, variable)] = array
            self._digests[number] = self._digest(number, arrays)

    @contextmanager
    def _written(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            done = int(np.sum(self.finished()))
            raise OSError(
                error.errno,
                f"{what} of the store could not be written, {error.strerror or error}; "
                f"{done} of {self.blocks.count} are kept, and the same call goes on from there",
                str(self.path),
            ) from error

    def _place(self, number: int, variable) -> tuple[slice, ...]:
        region = self.blocks.region(number)
        return (*region, *[slice(None)] * (variable.ndim - len(region)))

    def _digest(self, number: int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        found = hashlib.sha256(f"{self.mark} {number}".encode())
        for name, array in arrays.items():
            found.update(f"{name} {array.dtype.str} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).tobytes())
        return np.frombuffer(found.digest(), np.uint8)


def read_store(path: Path) -> "xarray.Dataset":
    """The dataset, read from the store when it is looked at, and which points are finished."""
    import xarray
    from xarray.core import indexing

    inputs = read_inputs(path)
    blocks = inputs.blocks
    done = ZarrStore(path, inputs).finished()
    dataset = described(xarray.open_zarr(path, chunks=None, consolidated=False), count=False)
    if np.all(done):
        return dataset
    points = indexing.LazilyIndexedArray(_finished_points(done.reshape(blocks.counts), blocks))
    return dataset.assign(finished=xarray.Variable(tuple(inputs.axes), points))


def _finished_points(done: np.ndarray, blocks: Blocks) -> Any:
    """Which points are there, told from their boxes when they are looked at."""
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class Finished(BackendArray):
        shape, dtype = blocks.grid, np.dtype(bool)

        def __getitem__(self, key: Any) -> Any:
            support = indexing.IndexingSupport.OUTER
            return indexing.explicit_indexing_adapter(key, self.shape, support, self.read)

        def read(self, key: tuple[Any, ...]) -> Any:
            wanted = [np.arange(n)[k] for n, k in zip(self.shape, key, strict=True)]
            boxes = [np.atleast_1d(w) // b for w, b in zip(wanted, blocks.box, strict=True)]
            return done[np.ix_(*boxes)].reshape([n for w in wanted for n in w.shape])

    return Finished()


def _plain(array: np.ndarray) -> np.ndarray:
    """NaN of one bit pattern: that of a Zarr chunk that is left out because all of it is NaN."""
    if array.dtype.kind not in "fc":
        return array
    return np.where(np.isnan(array), np.asarray(np.nan, array.dtype), array)
