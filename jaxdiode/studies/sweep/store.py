"""The chunks of an unfinished sweep on disk: written whole, checked when read, locked."""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..._atomic import atomic_write
from .grid import Grid
from .labels import CURRENT_UNIT
from .reports import reason, say
from .same import close, same_inputs

INPUTS, _LOCK = "inputs.npz", "lock"
_ABOUT = ("device", "device_table", "axes")
_ABOUT_SOME = ("along", "continuation", CURRENT_UNIT)
_CHUNK = re.compile(r"\d{12}\.npz")
_LEFT_BY_KILLED = re.compile(r"\..+\.[0-9a-f]{8}(\..*)?")
_SWEEP, _START, _VALUE = "sweep", "first point", "value "


class Store:
    """Chunks in a folder beside `path` until the netCDF file is whole; every write is a rename.

    Two sweeps are the same when their axes and chunks are and when the function gives the
    same values on a sample of the grid: its name and code say nothing of what it closes over.
    A chunk carries the mark of its sweep, its place and a checksum; what does not fit is computed
    again. Only one process at a time has the folder: the lock is the operating system's and
    ends with the process that holds it.
    """

    def __init__(self, path: Path, overwrite: bool):
        self.path, self.overwrite = path, overwrite
        self.folder = folder_of(path)
        self.mark = ""
        self._refuse_existing()
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(
                f"path needs a folder {str(self.folder)!r} beside it, where a file is; move it away"
            )
        self._lock = self._locked()
        self._refuse_existing()  # another process may just have ended

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_) -> None:
        """Let go of the folder; remove it if it holds nothing but the lock."""
        if [p.name for p in self.folder.glob("*")] == [_LOCK]:
            self._remove(_LOCK)
        self._lock.release()

    def open(self, grid: Grid, chunk: int, sample: Mapping[str, np.ndarray]) -> None:
        """Begin, or recognise the sweep that was begun here.

        Raises:
            ValueError: the folder holds a sweep with other inputs.
        """
        self._sample = dict(sample)
        self._chunk = chunk
        for file in self.folder.glob("*.npz"):
            if file.is_dir():
                raise ValueError(
                    f"path needs the file {str(file)!r}, where a folder is; move it away"
                )
        axes = {f"axis {name}": values for name, values in grid.axes.items()}
        values = {f"sample {k}": v for k, v in sample.items()}
        inputs = {"chunk": np.asarray(chunk), **axes, **values}
        if grid.along is not None:
            inputs["row"] = np.asarray(grid.row)
        label = self.folder / INPUTS
        if label.exists():
            try:
                known = read_arrays(label)
                self.mark = str(known.pop(_SWEEP))
                for name in about_of(known):
                    known.pop(name)
            except Exception as error:  # whatever stands in a damaged file
                self.mark = self._mark_of_chunks()
                say(f"{label} is damaged ({reason(error)}) and written again")
            else:
                if not same_inputs(inputs, known):
                    raise self._others()
                return
        self.mark = self.mark or secrets.token_hex(8)
        about = {name: np.asarray(text) for name, text in grid.about().items()}
        inputs |= {**about, _SWEEP: np.asarray(self.mark)}
        self._write(label, inputs)

    def save(self, start: int, arrays: Mapping[str, np.ndarray]) -> None:
        values = {_VALUE + k: v for k, v in arrays.items()}
        marks = {_SWEEP: np.asarray(self.mark), _START: np.asarray(start)}
        self._write(self._file(start), values | marks)

    def count(self) -> int:
        """Chunks that are there, unread."""
        return len(chunk_files(self.folder))

    def load(self, start: int) -> dict[str, np.ndarray] | None:
        """A finished chunk; None, and a line on stderr, where the file is no such thing."""
        file = self._file(start)
        if not file.exists():
            return None
        try:
            return read_chunk(file, self._sample, self._chunk, self.mark)
        except Exception as error:  # whatever stands in a damaged file
            say(f"chunk {file} is damaged ({reason(error)}) and computed again")
            return None

    def finish(self, dataset) -> None:
        self._refuse_existing()
        atomic_write(self.path, lambda p: dataset.to_netcdf(p, engine="h5netcdf"), self.folder)
        own = [p.name for p in (*chunk_files(self.folder), *self.folder.glob(".*"))]
        self._remove(*filter(_is_own, own), INPUTS, _LOCK)
        if self.folder.exists():
            say(f"{self.folder} is kept, it holds files that are not the sweep's")

    def _refuse_existing(self):
        if not self.path.exists():
            return
        if self.path.is_dir():
            raise ValueError(f"path must be a file to write, {str(self.path)!r} is a folder")
        if not self.overwrite:
            raise ValueError(
                f"path must not exist yet, {str(self.path)!r} does; jaxdiode.load or xarray."
                "open_dataset reads it, or move it away to sweep again"
            )

    def _locked(self):
        import filelock

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.folder / _LOCK)
            lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise ValueError(
                f"path {str(self.path)!r} is being written by another sweep that is running; wait "
                "for it or choose another path"
            ) from error
        except OSError as error:
            raise ValueError(
                f"path must lie where files can be written, {str(self.folder)!r} could not be: "
                f"{error.strerror}"
            ) from error
        return lock

    def _mark_of_chunks(self) -> str:
        """The mark of the chunks, if the first has the values that the sample has there."""
        marks = set()
        for file in chunk_files(self.folder):
            try:
                marks.add(str(read_arrays(file)[_SWEEP]))
            except Exception:  # computed again when its turn comes
                continue
        if not marks:
            return ""
        mark, file = marks.pop(), self._file(0)
        try:
            first = read_chunk(file, self._sample, self._chunk, mark)
        except Exception as error:
            raise self._others() from error
        if marks or not all(close(v[:1], self._sample[k][:1]) for k, v in first.items()):
            raise self._others()
        return mark

    def _others(self) -> ValueError:
        return ValueError(
            f"path has left-overs of a sweep with other inputs in {str(self.folder)!r}; "
            "repeat that sweep or delete the folder"
        )

    def _write(self, file, arrays):
        atomic_write(file, lambda p: np.savez(p, **arrays))  # pyright: ignore[reportArgumentType]

    def _remove(self, *names):
        try:
            for name in names:
                (self.folder / name).unlink(missing_ok=True)
            self.folder.rmdir()
        except OSError:  # other files are in it
            pass

    def _file(self, start: int) -> Path:
        return self.folder / f"{start:012d}.npz"


def about_of(inputs: Mapping[str, np.ndarray]) -> dict[str, str]:
    """What the attributes of the dataset say, which tells no sweep from another.

    Raises:
        KeyError: of a damaged file.
    """
    some = [name for name in _ABOUT_SOME if name in inputs]
    return {name: str(inputs[name]) for name in (*_ABOUT, *some)}


def folder_of(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file, nothing else: pickles are refused."""
    with path.open("rb") as file:  # of a damaged one, NumPy leaves its own open
        saved = np.load(file, allow_pickle=False)
        if not isinstance(saved, np.lib.npyio.NpzFile):
            raise ValueError("it is no npz file")
        with saved:
            return {k: saved[k] for k in saved.files}


def read_chunk(
    file: Path, sample: Mapping[str, np.ndarray], chunk: int, mark: str
) -> dict[str, np.ndarray]:
    """The values of a chunk of so many points, of the kinds of the sample, with the sweep's mark.

    Raises:
        ValueError: it has not; anything else where the file is damaged.
    """
    arrays = read_arrays(file)
    own, place = str(arrays.pop(_SWEEP, "")), arrays.pop(_START, None)
    found = {k.removeprefix(_VALUE): v for k, v in arrays.items()}
    shapes = {k: (v.shape, v.dtype) for k, v in found.items()}
    if shapes != {k: ((chunk, *v.shape[1:]), v.dtype) for k, v in sample.items()}:
        raise ValueError("its arrays are not those of this sweep")
    if own != mark:
        raise ValueError("it belongs to another sweep")
    if place is None or place.shape != () or place != int(file.stem):
        raise ValueError("it belongs elsewhere in the sweep")
    return {k: found[k] for k in sample}


def chunk_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.npz") if _CHUNK.fullmatch(p.name))


def _is_own(name: str) -> bool:
    return bool(_CHUNK.fullmatch(name) or _LEFT_BY_KILLED.fullmatch(name))
