"""The script for job queues on the page about clusters."""

import subprocess
from pathlib import Path

import pytest

from tests.snippets import blocks_of, environment

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/cluster.md"
TYPED = [
    block.code for block in blocks_of(PAGE.read_text(encoding="utf-8")) if block.kind == "console"
]
MAP = """
[device]
type = "TunnelJunction"
critical_current = 2.0
[sweep]
critical_current = { start = 1, stop = 2, points = 20000 }
"""


@pytest.mark.document
def test_the_job_array_runs(tmp_path):
    """As Slurm would: the script itself, once for each index that has a chunk."""
    (script,) = [code for code in TYPED if "#SBATCH" in code]
    assert "--array=0-63" in script
    (tmp_path / "job.sh").write_text(script)
    (tmp_path / "device.toml").write_text(MAP)
    folder = tmp_path / "bin"
    folder.mkdir()
    commands = environment(folder)
    for index in (2, 0, 1):
        done = subprocess.run(
            ["bash", "job.sh"],
            cwd=tmp_path,
            env=commands | {"SLURM_ARRAY_TASK_ID": str(index)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
    assert "20000 devices, 0 failed" in done.stdout
