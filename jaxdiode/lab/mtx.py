"""Maps of spyview: two lines of text, then numbers, the first axis slowest."""

import re
from pathlib import Path

import numpy as np

from .grid import Grid
from .table import Column, Table, fault, named_with_units

_SIZES = re.compile(rb"\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*")
_LONGEST_LINE = 4096


def is_mtx(head: bytes) -> bool:
    """Whether a file begins with the two lines of the format."""
    first, _, rest = head.partition(b"\n")
    second = rest.split(b"\n", 1)[0]
    return first.startswith(b"Units,") and b"," not in second and second.strip()[:1].isdigit()


def read_mtx(path: Path) -> Table:
    """The map, its axes from the first to the last value that the first line names.

    Raises:
        ValueError: lines that are none of the format, a size that is not that of the file.
    """
    with path.open("rb") as file:
        lines = [file.readline(_LONGEST_LINE) for _ in range(2)]
        start = file.tell()
    if not lines[1].endswith(b"\n") or not lines[0].startswith(b"Units"):
        raise fault(path, "must begin with the two lines of an mtx file, 'Units, …' and its sizes")
    sizes = _SIZES.fullmatch(lines[1].strip())
    if sizes is None:
        raise fault(path, f"must have 'nx ny nz bytes' in line 2, got {_shown(lines[1])}")
    *shape, width = map(int, sizes.groups())
    if width not in (4, 8) or 0 in shape:
        raise fault(path, f"must have sizes above 0 and 4 or 8 bytes, got {_shown(lines[1])}")
    found, wanted = path.stat().st_size - start, width
    for size in shape:
        wanted *= size
    if found != wanted:
        raise fault(
            path,
            f"must have {wanted} bytes of numbers after its two lines "
            f"({' × '.join(map(str, shape))} of {width} bytes), it has {found}",
        )
    label, ends = _first_line(path, lines[0])
    values = np.fromfile(path, f"<f{width}", offset=start).astype(np.float64, copy=False)
    names = named_with_units([*(name for name, _, _ in ends), label])
    shaped = {}
    for (name, _, _), size, (_, first, last) in zip(names, shape, ends, strict=False):
        if size > 1 and first == last:
            raise fault(path, f"must have different ends of the axis {name!r}, got {first!r} twice")
        shaped[name] = np.linspace(first, last, size)
    lone = [size == 1 and k > 0 for k, size in enumerate(shape)]
    axes = [name for name, drop in zip(shaped, lone, strict=True) if not drop]
    columns = [
        Column(name, shaped.get(name, values), unit, text)
        for name, unit, text in names
        if name in axes or name == names[-1][0]
    ]
    about = {} if not lone[1] else {names[1][2] or names[1][0]: f"{ends[1][1]:g}"}
    grid = Grid(tuple(axes), tuple(len(shaped[a]) for a in axes), {a: shaped[a] for a in axes})
    return Table(path, "mtx", columns, about, axes=axes, grid=grid)


def _first_line(path, line: bytes) -> tuple[str, list[tuple[str, float, float]]]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    cells = [cell.strip() for cell in text.strip().split(",")]
    if len(cells) < 11:
        raise fault(
            path,
            "must name in line 1 'Units, value, x, first, last, y, first, last, z, first, last', "
            f"got {_shown(line)}",
        )
    ends = []
    for k in (-9, -6, -3):
        try:
            first, last = float(cells[k + 1]), float(cells[k + 2] if k < -3 else cells[-1])
        except ValueError:
            first = last = np.nan
        if not np.isfinite([first, last]).all():
            raise fault(
                path, f"must have numbers for the ends of axis {cells[k]!r} in line 1, "
                f"got {_shown(line)}"
            )  # fmt: skip
        ends.append((cells[k], first, last))
    return ", ".join(cells[1:-9]), ends


def _shown(line: bytes) -> str:
    return repr(line.strip()[:60].decode("latin-1"))
