"""`jaxdiode sweep` with a store, by shares, and what it says beforehand."""

import re
import sys

import numpy as np
import pytest
import xarray

import jaxdiode as jd
from jaxdiode import cli
from jaxdiode.cli.sweep import _duration, _size
from tests.helpers import refusal

DEVICE = """
[device]
type = "TunnelJunction"
critical_current = 2.0
[sweep]
critical_current = { start = 1, stop = 2, points = 11 }
"""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "device.toml").write_text(DEVICE)


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        line = ["jaxdiode", "sweep", "device.toml", *map(str, arguments), "--no-cache"]
        monkeypatch.setattr(sys, "argv", line)
        cli.main()
        return capsys.readouterr().out

    return call


@pytest.fixture
def refuse(run, capsys):
    def call(*arguments):
        return refusal(capsys, run, *arguments).err

    return call


@pytest.mark.thorough
def test_shares(run, refuse, tmp_path):
    store = ("--store", "map.zarr", "--chunk", 4)
    said = run(*store, "--shard", "2/3")
    assert said.splitlines() == [
        "3 of 11 devices are there",
        f"Results in {tmp_path / 'map.zarr'}",
    ]
    assert run(*store, "--shard", "0/3").startswith("7 of 11")
    said = run(*store, "--shard", "1/3")
    assert said.startswith("11 devices, 0 failed; largest eta +0.000000 at {'critical_current'")
    with xarray.open_zarr("map.zarr") as data:
        assert np.allclose(data["plus"], np.linspace(1, 2, 11), atol=1e-10)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["device.toml", "map.zarr"]
    assert run("--store", "map.zarr") == said  # found, with the store's chunks
    assert "with chunks of (4,) points, got (3,)" in refuse("--store", "map.zarr", "--chunk", 3)
    assert "--force) must be left out for a shard" in refuse(*store, "--shard", "0/3", "--force")
    run("--store", "map.zarr", "--chunk", 3, "--force")
    assert jd.load("map.zarr")["plus"].encoding["chunks"] == (3,)
    (tmp_path / "device.toml").write_text(DEVICE.replace("stop = 2", "stop = 3"))
    assert "with other values of the axis 'critical_current'" in refuse("--store", "map.zarr")
    assert "with other values of the axis" in refuse("--store", "map.zarr", "--explain")


@pytest.mark.thorough
def test_units_of_the_device_file_are_in_what_is_written(run, tmp_path):
    (tmp_path / "device.toml").write_text(f'unit = "uA"\n{DEVICE}')
    run("--out", "swept")
    run("--store", "map.zarr")
    run("--refine", 1e-2, "--store", "refined.zarr")
    with (
        xarray.open_dataset("swept/sweep.nc", engine="h5netcdf") as file,
        xarray.open_zarr("map.zarr") as store,
        xarray.open_zarr("refined.zarr") as refined,
    ):
        for data in (file, store, refined):
            for name in ("plus", "minus", "critical_current"):
                assert data[name].attrs["units"] == "uA", name
            assert "units" not in data["efficiency"].attrs
        assert file.attrs["statuses"] == "11 CONVERGED of 11 points"
    assert jd.load("refined.zarr")["plus_error"].attrs["units"] == "uA"


def test_explain(run, tmp_path):
    points, chunks, size, compiled, expected = run("--explain", "--chunk", 4).splitlines()
    assert points == "points    11 to compute, of a grid of 11"
    assert re.fullmatch(r"chunks    3 of 4 points; one takes \S+ s", chunks)
    assert size == "bytes     308 B for the whole grid, before compression"
    assert re.fullmatch(r"compile   \S+ s", compiled)
    assert re.fullmatch(r"expected  \S+ s, \S+ µs a point in \d+ blocks of 4 at once", expected)
    assert [p.name for p in tmp_path.iterdir()] == ["device.toml"]  # nothing is written


def test_explain_what_is_left(run):
    run("--store", "map.zarr", "--chunk", 2, "--shard", "1/3")
    points, chunks, *_ = run("--store", "map.zarr", "--explain").splitlines()
    assert points == "points    7 to compute, of a grid of 11"
    assert chunks.startswith("chunks    6 of 2 points, 2 of them there; one takes")
    points, chunks, *_ = run("--store", "map.zarr", "--explain", "--shard", "2/3").splitlines()
    assert points == "points    3 to compute, of a grid of 11"  # the last chunk has one
    assert chunks.startswith("chunks    2 of 2 points; one takes")


def test_an_estimate_is_of_the_right_size():
    """The time itself is the machine's: here only that it is that of the points it is said of."""
    from jaxdiode.studies.sweep import Grid, estimate

    junction = jd.TunnelJunction(1.0)
    few = {"critical_current": np.linspace(1, 2, 5000)}
    told = estimate(lambda d: d.critical_current * np.ones(3), Grid(junction, few), chunk=1000)
    assert (told.points, told.chunks, told.found, told.bytes) == (5000, 5, 0, 5000 * 3 * 8)
    assert 0 < told.point_seconds < 1e-3
    assert 0 < told.compile_seconds < 60


REFUSED = {
    "--shard 0/3": "shard needs a store that all jobs can reach: --store map.zarr",
    "--store map.zarr --shard 3/3": "shard k/n must have 0 ≤ k < n, got 3/3",
    "--store map.zarr --shard one": "shard must be",
    "--store device.toml": "store must be a new path or one that a sweep has written",
    "--store map.zarr --chunk 0": "chunk must be a whole number, at least 1, got 0",
    "--store device.toml --force": "store must be a new path or one that a sweep has written",
}


@pytest.mark.parametrize("line", REFUSED)
def test_refused(refuse, line, tmp_path):
    assert REFUSED[line] in refuse(*line.split())
    assert [p.name for p in tmp_path.iterdir()] == ["device.toml"]
    assert (tmp_path / "device.toml").read_text() == DEVICE


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.1234, "0.12 s"),
        (100.0, "100 s"),
        (150.0, "2.5 minutes"),
        (1e4, "2.78 hours"),
        (1e6, "11.6 days"),
    ],
)
def test_durations(seconds, text):
    assert _duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 B"), (1234, "1.23 kB"), (28e9, "28 GB"), (1.5e12, "1.5 TB")]
)
def test_sizes(count, text):
    assert _size(int(count)) == text


SQUID = """
unit = "uA"
[device]
type = "Squid"
branches = [{ type = "TunnelJunction", critical_current = 1.0 },
            { type = "TunnelJunction", critical_current = 1.0 }]
flux = [0.0]
inductance = [0.4, 0.4]
[sweep]
flux = [0.0, 0.7, 1.4, 0.7, 0.0]
"branches.0.critical_current" = [1.0, 1.1]
"""


@pytest.mark.thorough
def test_along_an_axis(run, refuse, tmp_path):
    (tmp_path / "device.toml").write_text(SQUID)
    told = run("--along", "flux", "--explain")
    assert re.match(r"points +10 to compute, of a grid of 2 × 5", told)
    run("--along", "flux", "--out", "swept")
    data = jd.load("swept/sweep.nc")
    assert data["fluxoids"].dims[:2] == ("branches.0.critical_current", "flux")
    assert np.array_equal(np.abs(data["fluxoids"][0, :, 0]), [0, 0, 1, 1, 1])
    assert (tmp_path / "swept/efficiency.png").stat().st_size > 1000
    run("--along", "flux", "--store", "map.zarr")
    assert np.array_equal(jd.load("map.zarr")["plus"], data["plus"])
    assert "unknown along 'fluss'; did you mean 'flux'?" in refuse("--along", "fluss")
    assert "along must be left out with --refine" in refuse("--along", "flux", "--refine", 1e-2)
    (tmp_path / "device.toml").write_text(DEVICE)
    said = refuse("--along", "critical_current")
    assert "along needs a device with a continuation" in said
    assert "a TunnelJunction has none" in said
