"""`jaxdiode sweep --refine`."""

import sys

import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import cli
from tests.helpers import refusal

DEVICE = """
[device]
type = "Squid"
branches = [
    { type = "AndreevModes", amplitude = 100.0, transparency = 0.9 },
    { type = "TunnelJunction", critical_current = 60.0 },
]
flux = [0.3]
[sweep]
flux = { start = 0, stop = 0.5, points = 5 }
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "device.toml").write_text(DEVICE)

    def call(*arguments):
        line = ["jaxdiode", "sweep", "device.toml", *map(str, arguments), "--no-cache"]
        monkeypatch.setattr(sys, "argv", line)
        cli.main()
        return capsys.readouterr().out.splitlines()

    return call


@pytest.mark.thorough
def test_to_a_folder_and_to_a_store(run, tmp_path):
    first, best, where = run("--refine", 3e-3)
    assert where == f"Results in {tmp_path / 'jaxdiode-sweep'}"
    names = sorted(p.name for p in (tmp_path / "jaxdiode-sweep").iterdir())
    assert names == ["efficiency.png", "refined.nc"]
    data = jd.load("jaxdiode-sweep/refined.nc")
    assert first.startswith(f"{data.sizes['point']} points, {data.sizes['cell']} cells: ")
    assert best.startswith("largest eta +")
    again = run("--refine", 3e-3, "--store", "map.zarr")
    assert again == [first, best, f"Results in {tmp_path / 'map.zarr'}"]
    stored = jd.load("map.zarr")
    assert np.array_equal(stored["efficiency"], data["efficiency"])
    few = run("--refine", 3e-3, "--points", 17, "--store", "few.zarr")
    assert few[0].startswith("17 points")
    assert "unfinished" in few[0]


REFUSED = {
    "--refine 0": "refine must be a positive number, got 0",
    "--points 100": "points needs --refine",
    "--refine 1e-3 --points 0": "points must be a whole number, at least 1, got 0",
    "--refine 1e-3 --explain": "explain must be left out with --refine",
    "--refine 1e-3 --store map.zarr --shard 0/2": "shard must be left out with --refine",
    "--refine 1e-3 --store device.toml": "store must be a new path or one that refine has written",
}


@pytest.mark.parametrize("line", REFUSED)
def test_refused(run, capsys, tmp_path, line):
    assert REFUSED[line] in refusal(capsys, run, *line.split()).err
    assert [p.name for p in tmp_path.iterdir()] == ["device.toml"]
