"""Hooks of mkdocs: pages and pictures that are read from the package, and marks in pages.

A line `<!-- table: parameters Squid AndreevModes -->` becomes that table.
"""

import importlib.resources
import re
import sys
from pathlib import Path

from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import jaxdiode as jd  # noqa: E402
from docs.generate import api, evidence, notebooks, papers, tables  # noqa: E402

FIGURES = ROOT / "notebooks" / "figures"
LOG = get_plugin_logger("jaxdiode")  # its warnings end a strict build
FENCED = re.compile(r"^(`{3,}).*?^\1$", re.M | re.S)
MARK = re.compile(r"^<!-- table: (\w+)(?: (.*?))? -->$", re.M)


# Of a page in the search: what explains comes before what is looked up.
BOOST = {
    "conventions.md": 4,
    "index.md": 3,
    "tutorials": 3,
    "how-to": 3,
    "systems": 2,
    "api": 0.7,
    "gallery": 0.5,
    "trust.md": 0.3,
}


def _challenges() -> str:
    from docs.challenges import problems

    return problems.table()


TABLES = {
    "parameters": tables.parameters,
    "all_parameters": tables.all_parameters,
    "statuses": tables.statuses,
    "papers": papers.papers,
    "gallery": notebooks.gallery,
    "problems": evidence.problems,
    "references": evidence.references,
    "test_files": evidence.test_files,
    "challenges": _challenges,
}


def _mathjax() -> bytes:
    """One file with its fonts as outlines; it asks for nothing else."""
    return (importlib.resources.files("mathjax") / "static/mathjax/es5/tex-svg.js").read_bytes()


def on_config(config):
    config.copyright = f"jaxdiode {jd.__version__} · {config.copyright}"


def on_files(files, config):
    contents = {**api.pages(), **notebooks.pages(), **notebooks.pictures()}
    contents["assets/tex-svg.js"] = _mathjax()
    for path in FIGURES.glob("*.png"):
        contents[f"figures/{path.name}"] = path.read_bytes()
    for path in notebooks.NOTEBOOKS.glob("*.ipynb"):
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

    page.meta.setdefault("search", {"boost": BOOST.get(page.file.src_uri.split("/")[0], 1)})
    filled = MARK.sub(table, markdown)
    for mark in re.findall(r"<!--\s*table.*", FENCED.sub("", filled), re.I):
        LOG.warning(
            "%s: no mark of a table, which stands alone in its line: %s", page.file.src_uri, mark
        )
    for row in uneven_rows(filled):
        LOG.warning("%s: a row has other columns than its table: %s", page.file.src_uri, row)
    return filled


def uneven_rows(markdown: str) -> list[str]:
    """Rows of tables with more or fewer cells than the table: a bar in a cell must be `\\|`."""
    found, columns = [], 0
    for line in FENCED.sub("", markdown).splitlines():
        if not line.startswith("|"):
            columns = 0
            continue
        bars = len(re.findall(r"(?<!\\)\|", line))
        columns = columns or bars
        if bars != columns:
            found.append(line)
    return found
