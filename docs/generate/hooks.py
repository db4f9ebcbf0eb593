"""Hooks of mkdocs: pages and pictures that are read from the package, and marks in pages.

A line `<!-- table: parameters Squid AndreevModes -->` becomes that table.
"""

import importlib.resources
import re
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from docs.generate import api, evidence, pictures, tables  # noqa: E402

FIGURES = ROOT / "notebooks" / "figures"
MARK = re.compile(r"^<!-- table: (\w+)(?: (.*?))? -->$", re.M)


def _challenges() -> str:
    from docs.challenges import problems

    return problems.table()


TABLES = {
    "parameters": tables.parameters,
    "all_parameters": tables.all_parameters,
    "statuses": tables.statuses,
    "gallery": pictures.gallery,
    "problems": evidence.problems,
    "references": evidence.references,
    "test_files": evidence.test_files,
    "challenges": _challenges,
}


def _mathjax() -> bytes:
    """One file with its fonts as outlines; it asks for nothing else."""
    return (importlib.resources.files("mathjax") / "static/mathjax/es5/tex-svg.js").read_bytes()


def on_files(files, config):
    contents = {**api.pages(), **pictures.pictures(), "assets/tex-svg.js": _mathjax()}
    for path in FIGURES.glob("*.png"):
        contents[f"figures/{path.name}"] = path.read_bytes()
    for path in pictures.NOTEBOOKS.glob("*.ipynb"):
        contents[f"notebooks/{path.name}"] = path.read_bytes()
    for path, content in contents.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown, page, config, files):
    def table(mark):
        kind, arguments = mark[1], (mark[2] or "").split()
        if kind not in TABLES:
            raise ValueError(f"{page.file.src_uri}: no table {kind!r}; {', '.join(TABLES)}")
        return TABLES[kind](*arguments)

    return MARK.sub(table, markdown)
