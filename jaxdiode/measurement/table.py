"""A text table as header and cells: encodings, comments, delimiters, decimal commas."""

import codecs
import csv
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .columns import units_in
from .unit_row import with_units

COMMENT = re.compile(r"\s*(#|%|//)")
COMMA_NUMBER = re.compile(r"\s*[-+−]?\d*,\d+([eE][-+]?\d+)?\s*")
DELIMITERS = ("\t", ";", ",")
_LOOKED_AT = 30  # lines that decide the delimiter


class Table(NamedTuple):
    """Cells as text, with the line of the file each row stands in."""

    path: Path
    header: list[str]
    lines: list[int]
    rows: list[list[str]]
    number: Callable[[str], float]  # NaN where a cell holds none

    def column(self, k: int) -> list[float]:
        return [self.number(row[k]) if k < len(row) else math.nan for row in self.rows]


def read_table(path: str | Path) -> Table:
    """The table of a CSV, semicolon-, tab- or blank-separated file with one header line.

    Lines that begin with #, % or // are comments; the last one above the first row is the header
    where the file has no other (`numpy.savetxt` writes it so). Units in the row below the header,
    or in a comment above the numbers, count as those of the header: "coil" becomes "coil (mA)".

    Raises:
        ValueError: no such file, not text, no header, rows longer than the header, a first row
            that holds text and is none of units.
    """
    path = Path(path)
    text = _text(path)
    lines = [(i, line) for i, line in enumerate(re.split(r"\r\n|\r|\n", text), 1) if line.strip()]
    body = [(i, line) for i, line in lines if not COMMENT.match(line)]
    if not body:
        raise ValueError(f"data file {str(path)!r} must hold a table, it has no line of data")
    delimiter = _delimiter([line for _, line in body[:_LOOKED_AT]])
    rows = parse_rows(path, body, delimiter)
    comma = _has_decimal_commas(rows, delimiter)

    def number(cell: str) -> float:
        return plain_number(cell.replace(",", ".") if comma else cell)

    header, top = [name.strip() for name in rows[0][1]], rows[0][0]
    comments = _comments(lines, delimiter)
    if all(math.isfinite(number(name)) for name in header):
        header = _header_in_comment(comments, top, len(header), number)
        if header is None:
            raise ValueError(
                f"data file {str(path)!r} must begin with a header line that names the columns, "
                "got numbers"
            )
    else:
        rows = rows[1:]
    above = [(i, cells) for i, cells in comments if rows and i < rows[0][0]]
    header, rows = with_units(path, header, rows, above, number)
    for i, row in rows:
        if any(cell.strip() for cell in row[len(header) :]):
            raise ValueError(
                f"line {i} of data file {str(path)!r} has {len(row)} cells where the header has "
                f"{len(header)}; decimal commas need semicolons or tabs between the cells"
            )
    return Table(path, header, [i for i, _ in rows], [row for _, row in rows], number)


def _text(path: Path) -> str:
    raw = read_bytes(path)
    text = raw.decode(encoding_of(path, raw), "strict")
    if "\0" in text:
        raise _no_text(path)
    return text


def read_bytes(path: Path, size: int = -1) -> bytes:
    """The first `size` bytes of a file, all without it.

    Raises:
        ValueError: no such file, or it cannot be read.
    """
    if not path.exists():
        raise ValueError(f"data file must exist, got {str(path)!r}")
    if not path.is_file():
        raise ValueError(f"data file must be a file, {str(path)!r} is none")
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise ValueError(f"data file {str(path)!r} cannot be read: {error.strerror}") from error


def encoding_of(path: Path, raw: bytes, *, whole: bool = True) -> str:
    """Which encoding a text has; `raw` may end within a character unless it is the whole file."""
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    # What is no UTF-8 is the µ of a spreadsheet's one-byte code page.
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(raw, whole)
        except UnicodeDecodeError:
            continue
        return encoding
    raise _no_text(path)


def _no_text(path: Path) -> ValueError:
    return ValueError(
        f"data file {str(path)!r} must be text (UTF-8, or UTF-16 with its byte order mark)"
    )


def parse_rows(path: Path | None, body, delimiter) -> list[tuple[int, list[str]]]:
    """Rows with the number of the line each ends in; blank rows are left out."""
    if delimiter is None:
        return [(i, line.split()) for i, line in body]
    reader = csv.reader((line for _, line in body), delimiter=delimiter, skipinitialspace=True)
    try:
        rows = [(body[reader.line_num - 1][0], row) for row in reader]
    except csv.Error as error:
        raise ValueError(f"data file {str(path)!r} is no table: {error}") from error
    return [(i, row) for i, row in rows if any(cell.strip() for cell in row)]


def _delimiter(lines: list[str]) -> str | None:
    """What cuts the most lines into as many cells as the header; None stands for blanks."""

    def fit(delimiter):
        try:
            rows = parse_rows(None, list(enumerate(lines)), delimiter)
        except ValueError:
            return (0, 0)
        width = len(rows[0][1]) if rows else 0
        return (sum(len(row) == width for _, row in rows), width) if width > 1 else (0, 0)

    best = max(DELIMITERS, key=fit)
    if fit(best) == (0, 0):
        return None if len(lines[0].split()) > 1 else ","
    return best


def _has_decimal_commas(rows, delimiter) -> bool:
    """Whether a comma is the decimal point; beside a dot it marks thousands."""
    cells = [cell for _, row in rows[1:] for cell in row]
    commas = any(map(COMMA_NUMBER.fullmatch, cells))
    dots = any("." in cell and math.isfinite(plain_number(cell)) for cell in cells)
    return delimiter != "," and commas and not dots


def _comments(lines, delimiter) -> list[tuple[int, list[str]]]:
    """Cells of the lines of comment: cut as the table is, at blanks where that gives units."""
    found = []
    for i, line in lines:
        if COMMENT.match(line):
            text = COMMENT.sub("", line, count=1)
            rows = parse_rows(None, [(0, text)], delimiter)
            blank = text.split()
            cells = blank if len(blank) > 1 and units_in(blank) else rows[0][1] if rows else []
            found.append((i, [cell.strip() for cell in cells]))
    return found


def _header_in_comment(comments, first, width, number) -> list[str] | None:
    """The last comment above the numbers, or the one above it where that holds units."""
    above = [cells for i, cells in comments if i < first]
    if above and units_in(above[-1]) and len(above[-1]) == width:
        above = above[:-1]
    header = above[-1] if above else []
    named = len(header) == width and not any(math.isfinite(number(name)) for name in header)
    return header if named else None


def plain_number(cell: str) -> float:
    """A number in plain writing; NaN for all else, underscores between digits included."""
    try:
        return math.nan if "_" in cell else float(cell.replace("−", "-"))
    except ValueError:
        return math.nan
