"""What a sweep has found so far."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .grid import unknown
from .labels import described, label
from .store import INPUTS, about_of, chunk_files, folder_of, read_arrays, read_chunk
from .zarr_layout import require_zarr
from .zarr_store import read_store

if TYPE_CHECKING:
    import xarray


def read_sweep(path: str | Path) -> "xarray.Dataset":
    """The dataset of a sweep that was written to `path`, or what an unfinished one has so far.

    Of an unfinished sweep, running or interrupted, points that are not computed yet are NaN (−1
    in whole numbers, such as the status), and `finished` says which are. Of a Zarr store the
    values are read when they are looked at.

    Args:
        path: as given to `sweep(..., path=...)` or `sweep(..., store=...)`.

    Raises:
        ValueError: nothing there, or files that no sweep has written.
    """
    import xarray

    path = Path(path)
    if path.is_file():
        try:
            return described(xarray.load_dataset(path, engine="h5netcdf"))
        except Exception as error:  # whatever stands in a damaged file
            raise ValueError(f"path must be the netCDF file of a sweep, got {str(path)!r}: "
                             f"{' '.join(str(error).split())[:200]}") from error  # fmt: skip
    if path.is_dir():
        require_zarr()
        return read_store(path)
    folder = folder_of(path)
    try:
        inputs = read_arrays(folder / INPUTS)
        mark, about = str(inputs["sweep"]), about_of(inputs)
        axes = {k.removeprefix("axis "): v for k, v in inputs.items() if k.startswith("axis ")}
        size, chunk = int(np.prod([len(v) for v in axes.values()])), int(inputs["chunk"])
        sample = {
            k.removeprefix("sample "): v for k, v in inputs.items() if k.startswith("sample ")
        }
    except Exception as error:
        raise ValueError(
            f"path must be that of a sweep, {str(path)!r} is no file and {str(folder / INPUTS)!r} "
            "cannot be read"
        ) from error
    results = {
        k: np.full((size, *v.shape[1:]), unknown(v.dtype), v.dtype) for k, v in sample.items()
    }
    finished = np.zeros(size, bool)
    for file in chunk_files(folder):
        start = int(file.stem)
        try:
            found = read_chunk(file, sample, chunk, mark)
        except Exception:  # damaged: as if it were not there
            continue
        for k, v in found.items():
            results[k][start : start + len(v)] = v[: size - start]
            finished[start : start + len(v)] = True
    return described(
        label(tuple(axes), list(axes.values()), results | {"finished": finished}, about)
    )
