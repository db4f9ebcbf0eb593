"""A sweep in a Zarr store: chunks written whole, by any number of processes, checked when read."""

import hashlib
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ...numerics.status import Status
from .blocks import Blocks
from .grid import Grid, label, long_name
from .same import same_inputs

if TYPE_CHECKING:
    import xarray

_CHUNKS = "chunks"  # group of what xarray need not see
_DIGEST, _SAMPLE, _AXIS = "digest", "sample", "axis"
_MARK, _BOX, _FORMAT = "sweep", "box", 1


class ZarrStore:
    """One Zarr chunk of every variable for each box of the grid.

    A box is finished when its digest is written, after its values: of the sweep's mark, the box's
    number and the values. A chunk that is missing, cut short, altered, or that of another box does
    not fit it and is computed again. Files are renamed into place; two processes at one box write
    the same bytes. Two sweeps are the same when their axes and boxes are and when the function
    gives the same values on a sample of the grid.
    """

    def __init__(self, path: Path, blocks: Blocks):
        self.path, self.blocks = path, blocks
        self.group = _opened(path, "r+")
        self.mark = str(self.group[_CHUNKS].attrs[_MARK])
        self._digests = self.group[f"{_CHUNKS}/{_DIGEST}"]
        self.names = list(self.group[_CHUNKS].attrs["variables"])

    @classmethod
    def begun(
        cls, path: Path, grid: Grid, blocks: Blocks, sample: Mapping[str, np.ndarray]
    ) -> "ZarrStore":
        """The store of this sweep, made unless it is there.

        Raises:
            ValueError: something else is there, or a sweep with other inputs.
        """
        axes = {n: np.asarray(v) for n, v in zip(grid.names, grid.values, strict=True)}
        if not path.exists():
            unfinished = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}")
            try:
                unfinished.parent.mkdir(parents=True, exist_ok=True)
                _create(unfinished, grid, axes, blocks, sample)
                try:
                    unfinished.rename(path)
                except OSError:  # another process was first
                    if not path.exists():
                        raise
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        inputs = _inputs_of(path)
        wanted = {_BOX: np.asarray(blocks.box)}
        wanted |= {f"{_AXIS} {k}": v for k, v in axes.items()}
        wanted |= {f"{_SAMPLE} {k}": v for k, v in sample.items()}
        if not same_inputs(wanted, inputs):
            raise ValueError(
                f"store holds a sweep with other inputs, got {str(path)!r}; choose another path, "
                "or overwrite=True to remove it"
            )
        return cls(path, blocks)

    def finished(self) -> np.ndarray:
        """Which boxes say that they are, unread."""
        return np.any(np.asarray(self._digests[:]) != 0, axis=1)

    def holds(self, number: int) -> bool:
        """Whether the box is there; a line on stderr where it is damaged."""
        told = np.asarray(self._digests[number])
        if not np.any(told):
            return False
        region, arrays = self.blocks.region(number), {}
        try:
            for name in self.names:
                variable = self.group[name]
                rest = (slice(None),) * (variable.ndim - len(region))
                arrays[name] = np.asarray(variable[(*region, *rest)])
        except Exception as error:  # whatever stands in a damaged file
            why = " ".join(str(error).split())[:100] or type(error).__name__
            _say(f"chunk {number} of {self.path} cannot be read ({why}) and is computed again")
            return False
        if not np.array_equal(told, self._digest(number, arrays)):
            _say(f"chunk {number} of {self.path} is damaged and is computed again")
            return False
        return True

    def save(self, number: int, values: Mapping[str, np.ndarray]) -> None:
        """All variables of a box, then its digest.

        Raises:
            OSError: the disk is full, or the store cannot be written; what is there is kept.
        """
        region = self.blocks.region(number)
        arrays = {name: self.blocks.inside(number, values[name]) for name in self.names}
        try:
            for name, array in arrays.items():
                rest = (slice(None),) * (array.ndim - len(region))
                self.group[name][(*region, *rest)] = array
            self._digests[number] = self._digest(number, arrays)
        except OSError as error:
            done = int(np.sum(self.finished()))
            raise OSError(
                error.errno,
                f"chunk {number} of the store could not be written, {error.strerror or error}; "
                f"{done} of {self.blocks.count} are kept, and the same call goes on from there",
                str(self.path),
            ) from error

    def _digest(self, number: int, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        found = hashlib.sha256(f"{self.mark} {number}".encode())
        for name, array in arrays.items():
            found.update(f"{name} {array.dtype.str} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).tobytes())
        return np.frombuffer(found.digest(), np.uint8)


def is_store(path: Path) -> bool:
    """Whether a sweep has written it."""
    try:
        return _MARK in _opened(path)[_CHUNKS].attrs
    except Exception:  # no store, or another's
        return False


def read_store(path: Path) -> "xarray.Dataset":
    """The dataset, read from the store when it is looked at, and which points are finished."""
    import xarray

    group = _opened(path)
    blocks = blocks_of(path)
    done = np.any(np.asarray(group[f"{_CHUNKS}/{_DIGEST}"][:]) != 0, axis=1)
    dataset = xarray.open_zarr(path, chunks=None, consolidated=False)
    if np.all(done):
        return dataset
    grown = done.reshape(blocks.counts)
    for axis, size in enumerate(blocks.box):
        grown = np.repeat(grown, size, axis=axis)
    grown = grown[tuple(slice(0, n) for n in blocks.grid)]
    names = list(group[_CHUNKS].attrs["axes"])
    return dataset.assign(finished=(tuple(names), grown))


def blocks_of(path: Path) -> Blocks:
    """The boxes of the store that is there."""
    told = _opened(path)[_CHUNKS].attrs
    blocks = Blocks(tuple(told["grid"]), int(np.prod(told[_BOX])))
    blocks.box = tuple(told[_BOX])
    return blocks


def remove_store(path: Path) -> None:
    if not is_store(path):
        raise ValueError(f"store must be one that a sweep has written, got {str(path)!r}")
    shutil.rmtree(path)


def _create(
    path: Path, grid: Grid, axes: Mapping[str, np.ndarray], blocks: Blocks,
    sample: Mapping[str, np.ndarray],
) -> None:  # fmt: skip
    import zarr

    about = grid.about()
    label(grid.names, list(axes.values()), {}, about).to_zarr(path, consolidated=False)
    group = zarr.open_group(path, mode="r+")
    group.attrs.update(
        {
            "jaxdiode": _version(),
            "status": {str(one.value): one.name for one in Status},
        }
    )
    for name, values in sample.items():
        inner, count = values.shape[1:], len(grid.shape)
        made = group.create_array(
            name,
            shape=(*grid.shape, *inner),
            chunks=(*blocks.box, *(max(n, 1) for n in inner)),
            dtype=values.dtype,
            fill_value=_unknown(values.dtype),
            dimension_names=(*grid.names, *(f"{name}_{k}" for k in range(len(inner)))),
        )
        if (text := long_name(name)) and count:
            made.attrs["long_name"] = text
    chunks = group.create_group(_CHUNKS)
    chunks.create_array(
        _DIGEST, shape=(blocks.count, 32), chunks=(1, 32), dtype=np.uint8, fill_value=0,
        compressors=None,
    )  # fmt: skip
    for name, values in sample.items():
        chunks.create_array(f"{_SAMPLE} {name}", data=np.asarray(values))
    for name, values in axes.items():
        chunks.create_array(f"{_AXIS} {name}", data=np.asarray(values))
    chunks.attrs.update(
        {
            _MARK: secrets.token_hex(8), _BOX: list(blocks.box), "grid": list(grid.shape),
            "axes": list(grid.names), "variables": list(sample), "format": _FORMAT,
        }
    )  # fmt: skip


def _inputs_of(path: Path) -> dict[str, np.ndarray]:
    try:
        chunks = _opened(path)[_CHUNKS]
        told = chunks.attrs
        if told["format"] > _FORMAT:
            raise ValueError(
                f"store {str(path)!r} has format {told['format']}, this jaxdiode reads up to "
                f"{_FORMAT}"
            )
        inputs = {_BOX: np.asarray(told[_BOX])}
        for kind, names in ((_AXIS, told["axes"]), (_SAMPLE, told["variables"])):
            inputs |= {f"{kind} {n}": np.asarray(chunks[f"{kind} {n}"][...]) for n in names}
    except (KeyError, FileNotFoundError, TypeError) as error:
        raise ValueError(
            f"store must be a new path or one that a sweep has written, got {str(path)!r}"
        ) from error
    return inputs


def _opened(path: Path, mode: Literal["r", "r+"] = "r") -> Any:
    import zarr

    return zarr.open_group(path, mode=mode, zarr_format=3, use_consolidated=False)


def _version() -> str:
    from ... import __version__

    return __version__


def _unknown(dtype: np.dtype) -> Any:
    if dtype.kind == "b":
        return False
    return np.nan if dtype.kind in "fc" else -1


def _say(text: str) -> None:
    print(f"sweep: {text}", file=sys.stderr)


def require_zarr() -> None:
    """Raise with the remedy where the library is not installed."""
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise ImportError("a store needs Zarr: pip install 'jaxdiode[cluster]'") from error
