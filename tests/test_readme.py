"""The README is run: every Python block, in order, in one namespace."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)


def test_there_are_examples():
    assert BLOCKS, "README.md has no ```python block"


@pytest.mark.document
def test_examples_run(tmp_path):
    """In a fresh process and an empty folder, as a reader would; line numbers are the README's."""
    text = README.read_text(encoding="utf-8")
    source, position = "", 0
    for block in BLOCKS:
        position = text.index(block, position)
        source += "\n" * (text[:position].count("\n") - source.count("\n")) + block
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
    own = [block for block in BLOCKS if re.search(r"^class \w+\(.*Abstract", block, re.M)]
    if not own:
        pytest.fail("README.md shows no device of one's own")
    for block in own:
        assert len(block.strip().splitlines()) <= 25
