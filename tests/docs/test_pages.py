"""Pages of the site: every block runs, and prints what stands below it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.snippets import ROOT, blocks_of, expected

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
RUN = [
    page for page in PAGES if any(b.kind in ("python", "sh") for b in blocks_of(page.read_text()))
]
# Half the compile time, for pages whose programs do not run longer than they compile.
QUICK = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
OPTIMISED = {
    "systems/kapitza", "systems/shunted", "tutorials/time", "systems/usadel", "systems/circuits",
    "systems/circuits-in-time",
    "systems/extended", "systems/wire", "tutorials/laboratory",
}  # fmt: skip
INSTALLATION = re.compile(r"(pip install|make|#!/bin/bash|#SBATCH|jaxdiode sweep .*\$SLURM_)")


def name(page: Path) -> str:
    return page.relative_to(DOCS).with_suffix("").as_posix()


def test_there_are_pages():
    assert {"index", "tutorials/fit", "systems/squid", "how-to/map"} <= set(map(name, RUN))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_are_of_a_kind_that_runs(page):
    """Nothing is shown that nobody runs: what is typed elsewhere installs, or submits jobs."""
    text = page.read_text(encoding="utf-8")
    blocks = blocks_of(text)
    fences = re.findall(r"^[ \t]*(?:```|~~~).*$", text, re.MULTILINE)
    assert len(fences) == 2 * len(blocks), "a block inside a list or a note, which nobody runs"
    for block in blocks:
        assert block.kind in ("python", "py", "sh", "toml", "text", "console"), block.kind
        if block.kind == "py":  # a script, which a command below runs
            below = [b.code for b in blocks if b.kind == "sh" and b.above > block.above]
            assert any(f"python {block.title}" in code for code in below), f"line {block.above}"
        assert block.title or block.kind != "toml", f"line {block.above}: a file without a name"
        if block.kind == "console":
            for line in filter(None, block.code.splitlines()):
                assert INSTALLATION.match(line), line


@pytest.mark.parametrize("page", RUN, ids=name)
def test_what_is_printed_is_shown(page):
    """Every `text` block belongs to a block that runs, and holds something."""
    shown = expected(page)
    outputs = [b for b in blocks_of(page.read_text(encoding="utf-8")) if b.kind == "text"]
    assert {block.above for block in shown.values()} == {block.above for block in outputs}
    assert all(block.code.strip() for block in outputs)


@pytest.mark.document
@pytest.mark.parametrize("page", RUN, ids=name)
def test_page_runs(page, tmp_path):
    settings = {"MPLBACKEND": "agg"} | ({} if name(page) in OPTIMISED else QUICK)
    done = subprocess.run(
        [sys.executable, "-m", "tests.snippets", "--check", str(page)],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
