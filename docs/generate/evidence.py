"""Reference values of the tests, who computed them and how."""

import ast
import importlib
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "tests"
SHEET = "sheet of reference values by independent code"


def _escaped(text: str) -> str:
    text = re.sub(
        r"(shared/)?physics/\w+\.md|\b(squid|kapitza|field|circuits|usadel)\.md", SHEET, text
    )
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _value(number) -> str:
    return "–" if number is None else f"{number:.10g}".replace("-", "−")


def problems() -> str:
    """Every device whose critical currents are known from elsewhere."""
    lines = ["| device | I₊ | I₋ | η | within | source |", "|---|---|---|---|---|---|"]
    known = importlib.import_module("tests.problems").PROBLEMS
    for problem in known:
        row = [problem.name, *map(_value, (problem.plus, problem.minus, problem.efficiency))]
        row += [f"{problem.current_tolerance:.0e}".replace("-", "−"), _escaped(problem.source)]
        lines.append("| " + " | ".join([_escaped(row[0]), *row[1:]]) + " |")
    return "\n".join(lines)


def _lead(path: Path) -> str:
    """The first paragraph of a file's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return _escaped(text.split("\n\n")[0])


def references() -> str:
    """Independent implementations, by the first paragraph of their docstrings."""
    lines = ["| code | what it computes, and how |", "|---|---|"]
    for path in sorted((TESTS / "reference").glob("[a-z]*.py")):
        lines.append(f"| `reference/{path.name}` | {_lead(path)} |")
    return "\n".join(lines)


def test_files() -> str:
    """What every file of tests is about, and what it compares with."""
    lines = ["| tests | |", "|---|---|"]
    for path in sorted(TESTS.rglob("test_*.py")):
        name = path.relative_to(TESTS).as_posix()
        lines.append(f"| `{name}` | {_lead(path)} |")
    return "\n".join(lines)
