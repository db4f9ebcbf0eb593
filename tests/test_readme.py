"""The README is run: every Python block, in order, as a reader would who begins at a heading."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.snippets import blocks_of, names_of

README = Path(__file__).resolve().parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = [(block.above, block.code) for block in blocks_of(TEXT) if block.kind == "python"]
HEADINGS = [
    (TEXT[: found.start()].count("\n"), found[1]) for found in re.finditer(r"^## (.*)$", TEXT, re.M)
]


def parts_of():
    """{heading: [(lines above, code)]}: a section that needs names of another is of its part.

    Only imports and settings are taken from above without that.
    """
    parts, imports, giver = {}, [], {}
    for k, (line, heading) in enumerate(HEADINGS):
        end = HEADINGS[k + 1][0] if k + 1 < len(HEADINGS) else TEXT.count("\n")
        blocks = [block for block in BLOCKS if line <= block[0] < end]
        if not blocks:
            continue
        used, given, own = names_of("\n".join(code for _, code in blocks))
        needed = used - given - names_of("\n".join(imports))[1]
        others = [giver[name] for name in needed if name in giver]
        part = max(others, key=list(parts).index) if others else heading
        if part == heading:
            parts[heading] = [(0, "; ".join(imports) + "\n")] if imports else []
        parts[part] += blocks
        imports += [line for line in own if line not in imports]
        giver |= dict.fromkeys(given, part)
    return parts


PARTS = parts_of()


def test_there_are_examples():
    assert BLOCKS, "README.md has no ```python block"
    assert sum(len(blocks) for blocks in PARTS.values()) == len(BLOCKS) + len(PARTS) - 1


@pytest.mark.document
@pytest.mark.parametrize("heading", PARTS)
def test_examples_run(heading, tmp_path):
    """In a fresh process and an empty folder; line numbers are the README's."""
    source = ""
    for above, code in PARTS[heading]:
        source += "\n" * (above - source.count("\n")) + code
    (tmp_path / "readme.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "readme.py"],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr


def test_a_device_of_ones_own_is_short():
    own = [code for _, code in BLOCKS if re.search(r"^class \w+\(.*Abstract", code, re.M)]
    if not own:
        pytest.fail("README.md shows no device of one's own")
    for code in own:
        assert len(code.strip().splitlines()) <= 25
