"""HDF5 files that may be damaged: nothing is read that cannot be there."""

import mmap
from pathlib import Path
from typing import TYPE_CHECKING

from .table import fault

if TYPE_CHECKING:
    import h5py

_ALLOWED = 2**32  # bytes that any file may claim, as one whose values are not written yet
_RATIO = 1000  # of what compression gains at most
_ROWS = 10**6  # of a table of words
_HEAP = b"GCOL\1\0\0\0"


def require_sizes(path: Path, file: "h5py.File") -> None:
    """Refuse a file whose datasets claim far more than it has: reading them would never end.

    Raises:
        ValueError: such a dataset, by its name.
    """
    size = path.stat().st_size

    def check(name, thing):
        if not hasattr(thing, "dtype") or not hasattr(thing, "shape") or thing.shape is None:
            return
        claimed = thing.size * thing.dtype.itemsize
        words = thing.dtype.kind in "OV" and thing.size > max(_ROWS, size)
        if words or claimed > max(_ALLOWED, _RATIO * size):
            raise fault(path, f"claims {claimed:.3g} bytes for {name}, it has {size} in all")

    file.visititems(check)


def require_heaps(path: Path) -> None:
    """Refuse damaged heaps of words, in which the HDF5 library would look for their end for ever.

    Raises:
        ValueError: an object of a heap ("GCOL") without a size.
    """
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        at = raw.find(_HEAP)
        while at >= 0:
            size = int.from_bytes(raw[at + 8 : at + 16], "little")
            end = min(at + size, len(raw))
            place = at + 16
            while place + 16 <= end:
                index = int.from_bytes(raw[place : place + 2], "little")
                length = int.from_bytes(raw[place + 8 : place + 16], "little")
                if index == 0 and length < 16:
                    raise fault(path, f"is damaged at byte {place}: a heap of words has no end")
                place += length if index == 0 else 16 + -(-length // 8) * 8
            at = raw.find(_HEAP, at + 8)
