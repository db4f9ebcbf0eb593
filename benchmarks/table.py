"""The README's table of the suite: `python -m benchmarks.table` writes it from the JSON.

It stands between two comments; `tests/test_benchmarks.py` compares it with the file.
"""

import json
import re
import sys
from pathlib import Path

from benchmarks.environment import RESULTS

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- benchmarks: {}, written by `python -m benchmarks.table` -->"
END = "<!-- end of benchmarks -->"
HEAD = (
    "| what | CPU time each | error | peer | CPU time each | error | ratio |",
    "|---|---|---|---|---|---|---|",
)


def table(figures: dict) -> str:
    """Markdown: a line for every row, then what it was measured on and what was skipped."""
    lines = [*HEAD]
    for part in figures["rows"].values():
        lines += [_line(row) for row in part]
    found = figures["environment"]
    names = ("python", "jax", "numpy", "scipy", "numba", "pyjjasim", "tdgl")
    versions = ", ".join(f"{name} {found[name]}" for name in names if name in found)
    device = found["processor"] if found["device"] == "cpu" else found["device"]
    lines += ["", f"{device}, {found['cores']} cores; {versions}."]
    lines += [f"Skipped: {part}, {reason}." for part, reason in figures["skipped"].items()]
    return "\n".join(lines)


def _line(row: dict) -> str:
    cells = [row["task"], _time(row["us"]), _error(row["error"])]
    if "ratio" in row:
        ratio = row["ratio"]
        shown = f"{ratio:.2g}" if ratio < 100 else f"{_two(ratio):.0f}"
        cells += [row["peer"], _time(row["peer us"]), _error(row["peer error"]), shown]
    else:
        cells += ["", "", "", ""]
    return "| " + " | ".join(cells) + " |"


def _two(value: float) -> float:
    """Two digits that count."""
    return float(f"{value:.2g}")


def _time(us: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if us >= size:
            return f"{_two(us / size):g} {unit}"
    return f"{_two(us):g} µs"


def _error(value: float | None) -> str:
    """Orders of magnitude: the last digits of an error are chance."""
    if value is None:
        return ""
    return f"{value:.0e}" if value else "0"


def block(text: str) -> tuple[str, str]:
    """(name of the JSON, table) that a README holds."""
    found = re.search(BEGIN.format(r"(\S+\.json)") + r"\n\n(.*?)\n\n" + END, text, re.DOTALL)
    if found is None:
        raise ValueError(f"no table of benchmarks between {BEGIN.format('…')} and {END}")
    return found[1], found[2]


def main() -> None:
    text = README.read_text()
    name, old = block(text)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / name
    new = table(json.loads(path.read_text()))
    around = text.replace(BEGIN.format(name), BEGIN.format(path.name))
    README.write_text(around.replace(old, new))
    print(f"README.md: the table of {path.name}")


if __name__ == "__main__":
    main()
