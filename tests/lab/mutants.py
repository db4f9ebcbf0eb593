"""Mutated measurements, each from its seed alone, and an independent reading of what they hold."""

import functools
import re
import tempfile
from pathlib import Path

import numpy as np

from . import writers

TEXTS = {
    "comma": {},
    "tab": {"delimiter": "\t"},
    "blanks": {"delimiter": " ", "blocks": True, "comment": "# "},
    "semicolon": {"delimiter": ";", "comma": True},
    "no header": {"header": ""},
    "wide": {"delimiter": "\t", "encoding": "utf-16"},
}
BINARY = {
    "mtx": writers.mtx,
    "qcodes": writers.qcodes,
    "qcodes, arrays": writers.qcodes_arrays,
    "labber": writers.labber,
    "labber, traces": writers.labber_traces,
    "netcdf": writers.netcdf,
    "netcdf 3": lambda path: writers.netcdf(path, "scipy"),
}
_WORDS = ["abc", "OVLD", "1e", "0x10", "1_0", "--5", "1.2.3", "٣", "1 2", "True", "1+2j"]


@functools.cache
def original(name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        if name in TEXTS:
            writers.text(path, **TEXTS[name])
        else:
            BINARY[name](path)
        return path.read_bytes()


def mutant(seed):
    """(format, bytes, whether they say the same as the original)."""
    random = np.random.default_rng(seed)
    name = str(random.choice([*TEXTS, *TEXTS, *BINARY]))
    raw = original(name)
    if name in TEXTS and name != "wide":
        kind = random.integers(3)
        if kind == 0:
            return name, _harmless(random, name, raw), True
        if kind == 1:
            return name, _harmful(random, name, raw), False
    return name, _bytes(random, raw), False


def _harmless(random, name, raw):
    text = raw.decode()
    delimiter = TEXTS[name].get("delimiter", ",")
    lines = text.split("\n")[:-1]
    head, body = (lines[:1], lines[1:]) if name != "no header" else ([], lines)
    for kind in random.choice(9, random.integers(1, 4), replace=False):
        if kind == 0:
            body.insert(int(random.integers(len(body))), "")
        elif kind == 1:
            body.insert(int(random.integers(1, len(body))), "# a note, with: 1;2\t3")
        elif kind == 2:
            body = [body[k] for k in random.permutation(len(body))]
        elif kind == 3 and delimiter != " ":
            body = [re.sub(f"({delimiter})", r"\1 ", line) for line in body]
        elif kind == 4:
            body = [line + "  " if delimiter == " " else line for line in body]
        elif kind == 5:
            body += [""] * 5
        elif kind == 6 and name != "no header":
            head = ["# measured at night", *head]
        elif kind == 7 and delimiter != " ":
            body = [
                delimiter.join(f'"{c}"' for c in line.split(delimiter))
                if line and line[0] != "#" else line for line in body
            ]  # fmt: skip
        elif kind == 8:
            body = [line if line[:1] in '-#" ' else "+" + line for line in body]
    ends = str(random.choice(["\n", "\r\n", "\r"]))
    encoding = str(random.choice(["utf-8", "utf-8-sig", "utf-16"]))
    return (ends.join([*head, *body]) + ends).encode(encoding)


def _harmful(random, name, raw):
    delimiter = TEXTS[name].get("delimiter", ",")
    lines = raw.decode().split("\n")[:-1]
    full = [k for k, line in enumerate(lines) if line and k]
    for _ in range(random.integers(1, 3)):
        k = int(random.choice(full))
        cells = lines[k].split(delimiter)
        at = int(random.integers(len(cells)))
        kind = random.integers(8)
        if kind == 0:
            del cells[at]
        elif kind == 1:
            cells.insert(at, cells[at])
        elif kind == 2:
            cells[at] = str(random.choice(_WORDS))
        elif kind == 3:
            lines[k] = lines[k].replace(delimiter, str(random.choice([";", "\t", " ", ","])))
            continue
        elif kind == 4:
            cells[at] = ""
        elif kind == 5:
            lines.insert(k, lines[int(random.choice(full))])
            continue
        elif kind == 6:
            cells[at] = cells[at][: len(cells[at]) // 2] + "\0" + cells[at][len(cells[at]) // 2 :]
        else:
            cells[at] += " 7"
        lines[k] = delimiter.join(cells)
    return ("\n".join(lines) + "\n").encode()


def _bytes(random, raw):
    raw = bytearray(raw)
    for _ in range(random.integers(1, 5)):
        kind, at = random.integers(6), int(random.integers(max(1, len(raw))))
        size = int(random.integers(1, 40))
        if kind == 0:
            del raw[at:]
        elif kind == 1:
            del raw[at : at + size]
        elif kind == 2:
            raw[at:at] = random.bytes(size)
        elif kind == 3:
            raw[at : at + size] = random.bytes(size)
        elif kind == 4 and at < len(raw):
            raw[at] ^= 1 << int(random.integers(8))
        else:
            raw[at:at] = raw[at : at + size]
    return bytes(raw)


# ---- What stands in a text, read without the package


def rows_of(raw):
    """Sorted numbers of every line, with a decimal comma and without."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = raw.decode("utf-16", "replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")
    found = set()
    for line in re.split(r"[\r\n]", text):
        for cells in (re.split(r"[\s;,]+", line), re.split(r"[\s;]+", line.replace(",", "."))):
            found.add(_numbers(cells))
    return found


def _numbers(cells):
    values = []
    for cell in cells:
        try:
            values.append(float(cell.strip().strip('"').replace("−", "-")))
        except ValueError:
            continue
    return _sorted(values)


def _sorted(values):
    """To the rounding within which values of an axis are one."""
    return tuple(sorted(round(x, 12) + 0.0 for x in values if x == x))


def rows_in(dataset):
    """The same of a dataset, one for each cell that holds a number."""
    names = [n for n, c in dataset.coords.items() if n not in ("sweep", "repeat", "direction")]
    names += list(dataset.data_vars)
    import xarray

    arrays = xarray.broadcast(*(dataset[n] for n in names))
    dims = arrays[-1].dims
    flat = np.stack([a.transpose(*dims).values.reshape(-1) for a in arrays], axis=1)
    axes = len(names) - len(dataset.data_vars)
    filled = np.isfinite(flat[:, axes:]).any(axis=1)
    return [_sorted(row) for row in flat[filled].tolist()]
