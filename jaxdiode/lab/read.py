"""One verb for the files of acquisition programs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .. import _plain_checks
from ..measurement.table import read_bytes
from .mtx import is_mtx, read_mtx
from .table import fault

if TYPE_CHECKING:
    import xarray

FORMATS = ("qcodes", "labber", "mtx", "text", "matrix", "netcdf")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_SQLITE = b"SQLite format 3\0"
_NETCDF3 = (b"CDF\x01", b"CDF\x02", b"CDF\x05")


def read(
    path: str | Path,
    *,
    axes: Iterable[str] | None = None,
    values: Iterable[str] | None = None,
    units: Mapping[str, str] | None = None,
    run: int | None = None,
    format: str | None = None,
) -> "xarray.Dataset":
    """A measurement as a labelled dataset: swept axes are dimensions, the rest variables.

    Files are told apart by what they hold: QCoDeS (its database, and netCDF exported from it),
    Labber (HDF5), spyview (.mtx), netCDF, and text (columns with comma, semicolon, tab or blanks
    between them, blocks, matrices). Names are the file's; a unit that a header names, as in
    "I (nA)", stands in `attrs["units"]` and the whole header in `attrs["long_name"]`.

    Rows that span a grid become arrays over it. Sweeps that go both ways get the dimension "sweep"
    ("up", "down"; or 0, 1, … with the coordinate "direction" where they turn more than once),
    points measured again the dimension "repeat". Cells without a row are NaN, and
    `attrs["missing_points"]` counts them. Rows that fill less than half of a grid stay on the
    dimension "point". Values of an axis that differ by rounding (1e-12 of the largest) are one.
    Nothing is averaged, interpolated or left out; `attrs["guesses"]` says what was decided, and
    `lab.describe` shows it.

    Args:
        path: of the file.
        axes: names of the swept columns, which then are the dimensions in this order. Default: what
            the file says; of text, columns that span a grid or, without any, the first that runs
            one way.
        values: names of the measured columns to read. Default: all others.
        units: unit of each name, in place of the file's ({"I": "nA"}); numbers stay as they are.
        run: which run of a QCoDeS database (default: the last) or log of a Labber file.
        format: "qcodes", "labber", "mtx", "text", "matrix" (text, its first row and column
            being the axes) or "netcdf", where the file is not to be asked.

    Raises:
        ValueError: no such file, run or column; a file that is cut, no text, or not what its
            format says, by its line; text where numbers belong; columns that could be axes in
            several ways; points that repeat irregularly.

    Example:
        >>> rows = [[b, i, i * (abs(i) > 2 + b)] for b in (0, 1) for i in range(-4, 5)]
        >>> np.savetxt("map.dat", rows, header="B (mT)\\tI (nA)\\tV (uV)")
        >>> measured = jd.lab.read("map.dat")
        >>> print(dict(measured.sizes), measured.V.attrs["units"], float(measured.V.sel(B=0, I=3)))
        {'B': 2, 'I': 9} uV 3.0
    """
    path = Path(path)
    axes, values = _names("axes", axes), _names("values", values)
    if units is not None and not isinstance(units, Mapping):
        raise ValueError(f"units must be like {{'I': 'nA'}}, got {units!r}")
    if run is not None:
        run = _plain_checks.whole_number("run", run)
    if format is not None and format not in FORMATS:
        raise _plain_checks.unknown_name("format", format, FORMATS)
    head = read_bytes(path, 2**14)
    if not head:
        raise fault(path, "must hold a measurement, it is empty")
    kind = format or _kind(path, head)
    if run is not None and kind not in ("qcodes", "labber"):
        raise ValueError(f"run must be left out for {kind} files, got {run}")
    if kind == "mtx":
        from .dataset import to_dataset

        return to_dataset(read_mtx(path), axes, values, units)
    if kind == "qcodes" and head.startswith(_SQLITE):
        from .qcodes import read_database

        return read_database(path, run, axes, values, units)
    if kind == "labber":
        from .labber import read_labber

        return read_labber(path, run, axes, values, units)
    if kind in ("netcdf", "qcodes"):  # QCoDeS exports netCDF
        from .netcdf import read_netcdf

        return read_netcdf(path, axes, values, units)
    if kind in ("text", "matrix"):
        from .text import read_text

        return read_text(path, axes, values, units, matrix=kind == "matrix")
    raise NotImplementedError(f"no reader for format {kind!r}")


def _names(role: str, names) -> list[str] | None:
    if names is None:
        return None
    names = [names] if isinstance(names, str) else list(names)
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"{role} must hold names of columns, got {names!r}")
    return names


def _kind(path: Path, head: bytes) -> str:
    """The format by the first bytes; of HDF5, by what it holds."""
    if head.startswith(_SQLITE):
        return "qcodes"
    if head.startswith(_NETCDF3):
        return "netcdf"
    if is_mtx(head):
        return "mtx"
    if head.startswith(_HDF5):
        from .labber import is_labber

        return "labber" if is_labber(path) else "netcdf"
    return "text"
