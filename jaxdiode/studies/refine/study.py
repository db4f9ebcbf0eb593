"""What the store of a refined map says of its study, and how it is made and removed."""

import json
import secrets
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..._version import __version__
from ..sweep.grid import unknown
from ..sweep.labels import attributes_of
from ..sweep.reports import reason
from ..sweep.zarr_layout import (
    CHUNKS,
    DIGEST,
    difference,
    difference_of_values,
    mark_of,
    open_group,
)
from .columns import SLOPE
from .lattice import Lattice
from .source import KNOWN, PLACE

_FORMAT, _SAMPLE = 1, "sample"


class Study(NamedTuple):
    """What a store was begun with.

    Attributes:
        told: plain numbers and words: axes, tolerance, finest, chunk, lanes, device, version.
        sample: output → its values at the first points.
        mark: of these.
    """

    told: dict[str, Any]
    sample: dict[str, np.ndarray]
    mark: str


def told_of(lattice: Lattice, tolerance: Any, chunk: int, lanes: int) -> dict[str, Any]:
    about = lattice.grid.about()
    return {
        "axes": {name: values.tolist() for name, values in lattice.grid.axes.items()},
        "tolerance": dict(tolerance) if isinstance(tolerance, Mapping) else tolerance,
        "finest": lattice.finest, "chunk": chunk, "lanes": lanes,
        "device": [about["device"], about["device_table"]],
        "version": __version__, "format": _FORMAT,
    }  # fmt: skip


def create(path: Path, lattice: Lattice, told: dict[str, Any], sample) -> None:
    """Make the store in one step, without points."""
    unfinished = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}")
    try:
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        _write(unfinished, lattice, told, sample)
        unfinished.rename(path)
    except OSError as error:
        raise OSError(
            error.errno, f"store could not be written, {error.strerror or error}", str(path)
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_study(path: Path) -> Study:
    """What the store that is there was begun with.

    Raises:
        ValueError: something else is there.
    """
    try:
        chunks = open_group(path)[CHUNKS]
        told = json.loads(str(chunks.attrs["refined"]))
        names = list(chunks.attrs["variables"])
        sample = {n: np.asarray(chunks[f"{_SAMPLE} {n}"][...]) for n in names}
        if chunks.attrs["mark"] != mark_of(told, sample):
            raise ValueError("what it says of itself is damaged")
        if told["format"] != _FORMAT:
            raise ValueError(f"it has format {told['format']}, this jaxdiode reads {_FORMAT}")
        return Study(told, sample, str(chunks.attrs["mark"]))
    except Exception as error:  # whatever is there
        raise ValueError(
            f"store must be a new path or one that refine has written, {str(path)!r} cannot be "
            f"read ({reason(error)})"
        ) from error


def require_same(path: Path, known: Study, told: Mapping[str, Any]) -> None:
    """Refuse another study's store, as far as is known before anything is computed."""
    given = json.loads(json.dumps(told))
    for name in ("version", "axes", "tolerance", "finest", "chunk"):
        if known.told[name] != given[name]:
            _refuse(path, f"{name} {str(known.told[name])[:200]}, got {str(given[name])[:200]}")
    if known.told["device"] != given["device"]:
        _refuse(path, f"another device: {difference(known.told['device'], given['device'])}")


def require_same_values(path: Path, known: Study, sample: Mapping[str, np.ndarray]) -> None:
    """Refuse the store of another function."""
    if found := difference_of_values(known.sample, sample):
        _refuse(path, found)


def _refuse(path: Path, what: str) -> None:
    raise ValueError(
        f"store {str(path)!r} holds another study, with {what}; choose another path, or "
        "overwrite=True (--force) to remove it"
    )


@contextmanager
def written_by_one(path: Path) -> Iterator[None]:
    """The lock of a store, which ends with the process that holds it."""
    import filelock

    file = path.with_name(path.name + ".lock")
    lock = filelock.FileLock(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        raise ValueError(
            f"store {str(path)!r} is being written by another process; wait for it or choose "
            "another path"
        ) from error
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        lock.release()


def remove(path: Path) -> None:
    """Remove it, but nothing else that is there."""
    read_study(path)
    shutil.rmtree(path)


def consolidate(path: Path) -> None:
    import zarr

    with warnings.catch_warnings():  # that other programs do not know it
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path)


def _write(path: Path, lattice: Lattice, told: dict[str, Any], sample) -> None:
    import zarr

    about, chunk, names = lattice.grid.about(), told["chunk"], list(lattice.grid.axes)
    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.attrs.update({k: v for k, v in about.items() if v and k != "axes"})
    group.attrs.update({"jaxdiode": __version__, "refined": json.dumps(told)})
    labels = json.loads(about["axes"])

    def array(name: str, dtype: Any, inner: tuple[int, ...], dimensions: tuple[str, ...]) -> Any:
        return group.create_array(
            name, shape=(0, *inner), chunks=(chunk, *(max(n, 1) for n in inner)), dtype=dtype,
            fill_value=unknown(np.dtype(dtype)), dimension_names=("point", *dimensions),
        )  # fmt: skip

    for name in names:
        text, unit = labels[name]
        array(name, np.float64, (), ()).attrs.update(
            {"long_name": text} | ({"units": unit} if unit else {})
        )
    for name, values in sample.items():
        array(name, values.dtype, values.shape[1:], dimensions_of(name, values, list(sample))
              ).attrs.update(attributes_of(name, values.dtype, lattice.grid.unit))  # fmt: skip
    array(PLACE, np.int64, (len(names),), ("axis",))
    array(KNOWN, bool, (), ())
    chunks = group.create_group(CHUNKS)
    chunks.create_array(
        DIGEST, shape=(0, 32), chunks=(1, 32), dtype=np.uint8, fill_value=0, compressors=None
    )
    for name, values in sample.items():
        chunks.create_array(f"{_SAMPLE} {name}", data=np.asarray(values))
    chunks.attrs.update({
        "refined": json.dumps(told), "variables": list(sample),
        "mark": mark_of(json.loads(json.dumps(told)), sample),
    })  # fmt: skip
    consolidate(path)


def dimensions_of(name: str, values: np.ndarray, outputs: list[str]) -> tuple[str, ...]:
    """Of an output after its points; a slope has the axes first."""
    smooth = name.removesuffix(SLOPE)
    if smooth != name and smooth in outputs:
        return ("axis", *(f"{smooth}_{k}" for k in range(values.ndim - 2)))
    return tuple(f"{name}_{k}" for k in range(values.ndim - 1))
