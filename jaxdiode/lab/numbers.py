"""The numbers of a text file, block by block: quickly where a block is plain, else cell by cell."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..measurement.table import parse_rows
from ..measurement.unit_row import MISSING
from .layout import Layout, is_comment, number
from .table import fault

_BLOCK = 2**24  # characters


def read_numbers(layout: Layout) -> np.ndarray:
    """Rows × columns; NaN for cells that are empty or say so, and for columns of text.

    Raises:
        ValueError: rows of another length, or text where numbers belong, by their line.
    """
    parts = []
    for start, block in _blocks(layout, layout.first):
        found = _plain(layout, block)
        parts.append(_careful(layout, start, block) if found is None else found)
    return np.concatenate(parts)


def line_of(layout: Layout, row: int) -> int:
    """The line of the file a row stands in."""
    for start, block in _blocks(layout, layout.first):
        for k, line in enumerate(block.split("\n")):
            if _is_row(line):
                if row == 0:
                    return start + k
                row -= 1
    return 0


def ends_within_a_line(layout: Layout) -> bool:
    """Whether the file has no line end after its last row."""
    with layout.path.open("rb") as file:
        file.seek(0, io.SEEK_END)
        file.seek(max(0, file.tell() - 4))
        tail = file.read().rstrip(b"\0")
    return not tail.endswith((b"\n", b"\r"))


def _blocks(layout: Layout, first: int) -> Iterator[tuple[int, str]]:
    """Whole lines from line `first` on, with the number of the line each block begins with."""
    with layout.path.open(encoding=layout.encoding, errors="replace") as file:
        for _ in range(first - 1):
            file.readline()
        line = first
        while block := file.read(_BLOCK):
            block += file.readline()
            yield line, block
            line += block.count("\n")


def _is_row(line: str) -> bool:
    """A spreadsheet ends with rows of separators, an old DOS program with Ctrl-Z."""
    return bool(line.strip(" \t\r,;\x1a")) and not is_comment(line)


def _plain(layout: Layout, block: str) -> np.ndarray | None:
    """A block of nothing but numbers; None if there is anything else."""
    if any(mark in block for mark in "#%/"):
        kept = [line for line in block.split("\n") if not is_comment(line)]
        block = "\n".join(kept)
    if layout.comma:
        if "." in block:
            return None
        block = block.replace(",", ".")
    if layout.trailing:
        end = f"{layout.delimiter}\n"
        if not block.endswith("\n"):
            block += "\n"
        if block.count(end) != block.count("\n"):
            return None
        block = block.replace(end, "\n")
    if not block.strip():
        return np.empty((0, layout.width))
    dtype = np.dtype(float)
    if layout.text:
        dtype = np.dtype(
            [(f"c{k}", "S1" if k in layout.text else float) for k in range(layout.width)]
        )
    try:
        found: Any = np.loadtxt(
            io.BytesIO(block.encode()), dtype, delimiter=layout.delimiter, comments=None,
            ndmin=1 if layout.text else 2,
        )  # fmt: skip
    except (ValueError, TypeError):
        return None
    if layout.text:
        made = np.full((found.size, layout.width), np.nan)
        for k in range(layout.width):
            if k not in layout.text:
                made[:, k] = found[f"c{k}"]
        return made
    return found if found.shape[1] == layout.width else None


def _careful(layout: Layout, start: int, block: str) -> np.ndarray:
    body = [(start + k, line) for k, line in enumerate(block.split("\n")) if _is_row(line)]
    made = np.full((len(body), layout.width), np.nan)
    for row, (at, line) in enumerate(body):
        found = parse_rows(layout.path, [(at, line)], layout.delimiter)
        cells = found[0][1] if found else []
        if len(cells) > layout.width and not any(c.strip() for c in cells[layout.width :]):
            cells = cells[: layout.width]
        if len(cells) != layout.width:
            raise fault(
                layout.path,
                f"has {len(cells)} cells in line {at} where rows have {layout.width}; decimal "
                "commas need semicolons or tabs between the cells",
            )
        for k, cell in enumerate(cells):
            if k in layout.text:
                continue
            value = number(cell, layout.comma)
            if value != value and cell.strip().casefold() not in MISSING:
                raise fault(
                    layout.path,
                    f"has text where numbers belong, {cell.strip()[:20]!r} in line {at}",
                )
            made[row, k] = value
    return made
