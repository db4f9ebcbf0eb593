"""How a text file is written: encoding, separator, decimal point, header, where numbers begin."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..measurement.columns import split_unit
from ..measurement.table import (
    COMMA_NUMBER,
    COMMENT,
    DELIMITERS,
    encoding_of,
    parse_rows,
    plain_number,
    read_bytes,
)
from ..measurement.unit_row import MISSING
from .table import fault

_HEAD = 2**18  # bytes that decide
_MOST_LINES = 2000
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_NEARLY = re.compile(r"[\s\"+−-]*[.,]?\d")  # begins like a number
_DATE = re.compile(r"\d\s*[-:/.]\s*\d+\s*[-:/.]\s*\d|\d:\d")
_HEADER_CELL = re.compile(r'"[^"]*"|[^\s(\[]+(?:\s*[(\[][^)\]]*[)\]])?|\S+')


@dataclass
class Layout:
    """What `read_numbers` needs to know."""

    path: Path
    encoding: str
    delimiter: str | None  # None: blanks
    comma: bool  # the decimal point is one
    first: int  # line of the first row, from 1
    width: int  # cells of a row
    header: list[str] | None
    units: list[str] | None = None  # of a line of their own
    text: tuple[int, ...] = ()  # columns without numbers
    trailing: bool = False  # every row ends with a separator
    comments: list[str] = field(default_factory=list)
    samples: list[list[str]] = field(default_factory=list)

    def cells(self, line: str) -> list[str]:
        rows = parse_rows(self.path, [(0, line)], self.delimiter)
        return rows[0][1] if rows else []


def is_comment(line: str) -> bool:
    return bool(COMMENT.match(line))


def number(cell: str, comma: bool) -> float:
    """A number in plain writing, NaN for all else."""
    if comma and COMMA_NUMBER.fullmatch(cell):
        cell = cell.replace(",", ".")
    return plain_number(cell)


def is_number(cell: str, comma: bool) -> bool:
    value = number(cell, comma)
    return value == value or cell.strip().casefold() in MISSING


def find_layout(path: Path) -> Layout:
    """Read off the first lines.

    Raises:
        ValueError: no text, no rows of numbers, a header that does not fit them.
    """
    raw = read_bytes(path, _HEAD)
    encoding = encoding_of(path, raw, whole=len(raw) < _HEAD)
    text = raw.decode(encoding, "ignore" if len(raw) == _HEAD else "strict")
    if _CONTROL.search(text):
        at = _CONTROL.search(text)
        line = text.count("\n", 0, at.start() if at else 0) + 1
        raise fault(path, f"must be text, line {line} has a control character")
    lines = re.split(r"\r\n|\r|\n", text)
    if len(raw) == _HEAD:
        lines = lines[:-1]  # cut
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip()][:_MOST_LINES]
    body = [(i, line) for i, line in numbered if not is_comment(line)]
    if not body:
        raise fault(path, "must hold a table, it has no line of data")
    best = max(
        (_try(path, body, delimiter) for delimiter in (*DELIMITERS, None)), key=lambda x: x[0]
    )
    (rows, width), delimiter, comma, first, pattern = best
    if rows == 0 or width < 2:
        at, line = body[min(1, len(body) - 1)]
        raise fault(
            path,
            "must hold rows of at least two numbers (comma, semicolon, tab or blanks between "
            f"them), line {at} is {line.strip()[:40]!r}",
        )
    found = Layout(path, encoding, delimiter, comma, first, width, None)
    samples = [line for i, line in body if i >= first][:200]
    found.samples = [found.cells(line) for line in samples]
    found.text = tuple(k for k, numeric in enumerate(pattern) if not numeric)
    for k, row in itertools.product(found.text, found.samples):
        if len(row) == width and _NEARLY.match(row[k]) and not _DATE.search(row[k]):
            raise fault(
                path, f"has text where numbers belong, {row[k].strip()[:20]!r} in column {k + 1}"
            )
    _find_header(found, numbered, body)
    named = found.header or []
    empty = all(len(r) == width and not r[-1].strip() for r in found.samples)
    if delimiter is not None and empty and (len(named) < width or not named[-1]):
        found.trailing, found.width = True, width - 1
        found.header = found.header and named[: width - 1]
        found.units = found.units and found.units[: width - 1]
    elif found.header is not None and len(named) < width:
        raise fault(
            path, f"names {len(named)} columns in its header and has {width} in the rows below"
        )
    return found


def _try(path, body, delimiter):
    """How many rows a separator gives, with what it says of them."""
    try:
        rows = [(i, _cells(path, i, line, delimiter)) for i, line in body]
    except ValueError:
        return (0, 0), delimiter, False, 0, ()
    rows = [(i, cells) for i, cells in rows if cells]
    loose = [cell for _, cells in rows for cell in cells]
    commas = delimiter != "," and any(map(COMMA_NUMBER.fullmatch, loose))
    dots = commas and any("." in c and plain_number(c) == plain_number(c) for c in loose)
    comma = commas and not dots
    patterns = [tuple(is_number(cell, comma) for cell in cells) for _, cells in rows]
    filled = [
        any(number(cell, comma) == number(cell, comma) for cell in cells) for _, cells in rows
    ]
    counts = Counter(p for p, some in zip(patterns, filled, strict=True) if len(p) > 1 and some)
    if not counts:
        return (0, 0), delimiter, comma, 0, ()
    pattern = max(counts, key=lambda p: (counts[p], sum(p), len(p)))
    first = next(i for (i, _), p in zip(rows, patterns, strict=True) if p == pattern)
    score = (counts[pattern] if all(pattern) else counts[pattern] / 2, len(pattern))
    return score, delimiter, comma, first, pattern


def _cells(path, i, line, delimiter) -> list[str]:
    found = parse_rows(path, [(i, line)], delimiter)
    return found[0][1] if found else []


def _find_header(layout: Layout, numbered, body) -> None:
    above = [(i, line) for i, line in numbered if i < layout.first]
    plain = [(i, line) for i, line in above if not is_comment(line)]
    layout.comments = [line.strip() for _, line in above if is_comment(line)]
    if plain:
        _plain_header(layout, plain)
        return
    known = _of_comments(layout, [COMMENT.sub("", c, count=1) for c in layout.comments])
    if known is not None:
        layout.header = known[1]
        del layout.comments[known[0]]


def _plain_header(layout: Layout, plain) -> None:
    """The line above the rows; of units, where the one above it names as many columns."""
    at, line = plain[-1]
    names = _split(layout, line)
    first = layout.cells(line)
    if len(first) == layout.width - 1 and all(is_number(c, layout.comma) for c in first):
        layout.header = ["", *first]  # of a matrix without a corner
        return
    if names is None:
        raise fault(
            layout.path,
            f"has {len(layout.cells(line))} cells in line {at} and {layout.width} in the rows "
            f"below; decimal commas need semicolons or tabs between the cells",
        )
    numbers = [k for k, c in enumerate(names) if number(c, layout.comma) == number(c, layout.comma)]
    layout.header = names
    if numbers:  # a row with a fault, or the first row of a matrix
        if len(numbers) < layout.width - 1 or 0 in numbers:
            bad = next(k for k in range(len(names)) if k not in numbers)
            raise fault(
                layout.path,
                f"has text where numbers belong, {names[bad][:20]!r} in line {at}",
            )
        return
    if len(plain) > 1:
        upper = _split(layout, plain[-2][1])
        if (
            upper is not None
            and _are_units(names)
            and not any(number(c, layout.comma) == number(c, layout.comma) for c in upper)
        ):
            layout.header = upper
            layout.units = [name.strip().strip("()[]") for name in names]
            plain = plain[:-1]
    layout.comments += [line.strip() for _, line in plain[:-1]]


def _are_units(cells: list[str]) -> bool:
    """Whether a line holds units and not names, with units of their own perhaps."""
    own = [split_unit(cell.strip(), of_any=True)[1] for cell in cells]
    bare = [cell.strip().strip("()[]") for cell in cells]
    return not any(own) and any(split_unit(f"x ({unit})", of_any=True)[1] for unit in bare if unit)


def _split(layout: Layout, line: str) -> list[str] | None:
    """The names of a header line: as the rows are separated, or with blanks before their units."""
    width = layout.width
    ways: Iterator[list[str]] = itertools.chain(
        [layout.cells(line)],
        [line.strip().split("\t"), re.split(r"\s{2,}", line.strip())],
        [_HEADER_CELL.findall(line)] if layout.delimiter in (None, "\t") else [],
    )
    for cells in ways:
        names = [cell.strip().strip('"') for cell in cells]
        if len(names) == width or (len(names) == width - 1 and layout.delimiter is not None):
            return names
    return None


def _of_comments(layout: Layout, lines: list[str]) -> tuple[int, list[str]] | None:
    """Names in the comments above the rows, below which only sizes may stand."""
    for at, line in reversed(list(enumerate(lines))):
        if not line.strip():
            continue
        cells = layout.cells(line)
        if len(cells) <= layout.width and all(
            number(c, layout.comma) == number(c, layout.comma) for c in cells
        ):
            continue
        names = _split(layout, line)
        numeric = names and any(is_number(c, layout.comma) for c in names)
        return (at, names) if names and not numeric else None
    return None
