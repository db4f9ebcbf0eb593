"""What a Zarr store says of its sweep, written once: axes, device, boxes, a sample of values."""

import hashlib
import json
import secrets
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from ..._version import __version__
from .blocks import Blocks
from .grid import Grid, unknown
from .labels import attributes_of, label
from .reports import reason
from .same import close

CHUNKS, DIGEST = "chunks", "digest"  # group of what xarray need not see
_SAMPLE, _AXIS, _FORMAT = "sample", "axis", 1


class Inputs(NamedTuple):
    """What a store was begun with.

    Attributes:
        blocks: the boxes of its chunks.
        lanes: points of a block of the program.
        axes: name → values.
        sample: output → its values at `sample_points`.
        device: in words; its table in JSON, where it has one.
        version: of jaxdiode.
        mark: of all of these.
        along: the axis of a continuation, or None.
    """

    blocks: Blocks
    lanes: int
    axes: dict[str, np.ndarray]
    sample: dict[str, np.ndarray]
    device: list[str]
    version: str
    mark: str
    along: str | None = None


def create_store(
    path: Path, grid: Grid, blocks: Blocks, lanes: int, sample: Mapping[str, np.ndarray]
) -> None:
    """Make the store in one step; left alone where another process was first."""
    unfinished = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}")
    try:
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        _write(unfinished, grid, blocks, lanes, sample)
        unfinished.rename(path)
    except OSError as error:
        if path.exists():  # another process was first
            return
        raise OSError(
            error.errno, f"store could not be written, {error.strerror or error}", str(path)
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_inputs(path: Path) -> Inputs:
    """What the store that is there was begun with.

    Raises:
        ValueError: something else is there, or a store of a newer format.
    """
    try:
        chunks = open_group(path)[CHUNKS]
        told = dict(chunks.attrs)
        axes = {n: np.asarray(chunks[f"{_AXIS} {n}"][...]) for n in told["axes"]}
        sample = {n: np.asarray(chunks[f"{_SAMPLE} {n}"][...]) for n in told["variables"]}
        mark = told.pop("mark")
        if told["format"] <= _FORMAT and mark != mark_of(told, axes, sample):
            raise ValueError("what it says of itself is damaged")
        blocks = Blocks.of(tuple(len(v) for v in axes.values()), tuple(told["box"]))
        found = Inputs(
            blocks, told["lanes"], axes, sample, told["device"], told["version"], mark,
            told.get("along"),
        )  # fmt: skip
    except Exception as error:  # whatever is there
        raise ValueError(
            f"store must be a new path or one that a sweep has written, {str(path)!r} cannot be "
            f"read ({reason(error)})"
        ) from error
    if told["format"] > _FORMAT:
        raise ValueError(
            f"store {str(path)!r} has format {told['format']}, this jaxdiode reads up to {_FORMAT}"
        )
    return found


def mend_coordinates(path: Path, inputs: Inputs) -> list[str]:
    """Write those again that are damaged; their names.

    Raises:
        ValueError: the store has none of that name.
    """
    mended = []
    for name, values in inputs.axes.items():
        stored = name if values.ndim == 1 else f"{name}_values"
        try:
            array = open_group(path, "r+")[stored]
        except Exception as error:  # whatever stands in a damaged file
            raise ValueError(f"store {str(path)!r} is damaged at its axis {name!r}") from error
        try:
            same = np.array_equal(array[...], values)
        except Exception:
            same = False
        if not same:
            array[...] = values
            mended.append(name)
    return mended


def remove_store(path: Path) -> None:
    """Remove it, but nothing else that is there."""
    read_inputs(path)
    shutil.rmtree(path)


def require_same(path: Path, inputs: Inputs, grid: Grid, chunk: int | None) -> None:
    """Refuse another study's store, as far as is known before anything is computed."""
    axes = grid.axes
    if grid.along != inputs.along:
        ways = [
            f"a continuation along {x!r}" if x else "no continuation"
            for x in (inputs.along, grid.along)
        ]
        _refuse(path, ", got ".join(ways))
    if list(axes) != list(inputs.axes):
        _refuse(path, f"axes {', '.join(inputs.axes)}, got {', '.join(axes)}")
    for name, values in axes.items():
        if not close(values, inputs.axes[name]):
            _refuse(path, f"other values of the axis {name!r}")
    if (device := _device(grid.about())) != inputs.device:
        _refuse(path, f"another device: {difference(inputs.device, device)}")
    if inputs.version != __version__:
        _refuse(path, f"jaxdiode {inputs.version}, this is {__version__}")
    if chunk is not None:
        box = Blocks(grid.shape, grid.whole_rows(chunk)).box
        if box != inputs.blocks.box:
            _refuse(path, f"chunks of {inputs.blocks.box} points, got {box}")


def require_same_values(path: Path, inputs: Inputs, sample: Mapping[str, np.ndarray]) -> None:
    """Refuse the store of another function: its name and code say nothing of what it closes over.

    Values are the same to rounding: another machine may go on.
    """
    if found := difference_of_values(inputs.sample, sample):
        _refuse(path, found)


def difference_of_values(
    known: Mapping[str, np.ndarray], sample: Mapping[str, np.ndarray]
) -> str | None:
    """What tells a function by its values at some points from that of a store, None if nothing."""
    if list(sample) != list(known):
        return f"the outputs {', '.join(known)}, the function has {', '.join(sample)}"
    for name, values in sample.items():
        if not close(values, known[name]):
            return f"other values of {name!r} at the same points: of another function"
    return None


def _refuse(path: Path, difference: str) -> None:
    raise ValueError(
        f"store {str(path)!r} holds another sweep, with {difference}; choose another path, or "
        "overwrite=True (--force) to remove it"
    )


def _write(path: Path, grid: Grid, blocks: Blocks, lanes: int, sample) -> None:
    import zarr

    about, axes = grid.about(), grid.axes
    label(grid.names, list(axes.values()), {}, about).to_zarr(path, consolidated=False)
    group = zarr.open_group(path, mode="r+")
    group.attrs["jaxdiode"] = __version__
    for name, values in sample.items():
        inner = values.shape[1:]
        made = group.create_array(
            name,
            shape=(*grid.shape, *inner),
            chunks=(*blocks.box, *(max(n, 1) for n in inner)),
            dtype=values.dtype,
            fill_value=unknown(values.dtype),
            dimension_names=(*grid.names, *(f"{name}_{k}" for k in range(len(inner)))),
        )
        made.attrs.update(attributes_of(name, values.dtype, grid.unit))
    chunks = group.create_group(CHUNKS)
    chunks.create_array(
        DIGEST, shape=(blocks.count, 32), chunks=(1, 32), dtype=np.uint8, fill_value=0,
        compressors=None,
    )  # fmt: skip
    for name, values in sample.items():
        chunks.create_array(f"{_SAMPLE} {name}", data=np.asarray(values))
    for name, values in axes.items():
        chunks.create_array(f"{_AXIS} {name}", data=np.asarray(values))
    told = {
        "box": list(blocks.box), "lanes": lanes, "axes": list(axes), "variables": list(sample),
        "device": _device(about), "version": __version__, "format": _FORMAT,
    }  # fmt: skip
    if grid.along is not None:
        told["along"] = grid.along
    chunks.attrs.update(told | {"mark": mark_of(told, axes, sample)})
    with (
        warnings.catch_warnings()
    ):  # that other programs than zarr-python and xarray do not know it
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path)


def mark_of(told: Mapping[str, Any], *arrays: Mapping[str, np.ndarray]) -> str:
    found = hashlib.sha256(repr(sorted(told.items())).encode())
    for each in arrays:
        for name, values in each.items():
            found.update(f"{name} {values.dtype.str} {values.shape}".encode())
            found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def _device(about: Mapping[str, str]) -> list[str]:
    return [about["device"], about["device_table"]]


def difference(known: list[str], given: list[str]) -> str:
    """Where two devices differ first."""
    if not known[1] or not given[1]:
        return "{}, got {}".format(*(" ".join(each[0].split())[:200] for each in (known, given)))
    where, one, other = "", json.loads(known[1]), json.loads(given[1])
    while type(one) is type(other) and one != other:
        if isinstance(one, dict) and one.keys() == other.keys():
            key = next(k for k in one if one[k] != other[k])
        elif isinstance(one, list) and len(one) == len(other):
            key = next(
                k for k, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]
            )
        else:
            break
        where, one, other = f"{where}.{key}", one[key], other[key]
    return f"{where[1:] or 'device'} is {str(one)[:100]}, got {str(other)[:100]}"


def open_group(path: Path, mode: Literal["r", "r+"] = "r") -> Any:
    import zarr

    return zarr.open_group(path, mode=mode, zarr_format=3, use_consolidated=False)


def require_zarr() -> None:
    """Raise with the remedy where the library is not installed."""
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise ImportError("a store needs Zarr: pip install 'jaxdiode[cluster]'") from error
