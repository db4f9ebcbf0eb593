"""A refined map in a store: whatever dies at any moment, the same call goes on to the same bits."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray
import zarr.storage._local as local

import jaxdiode as jd
from tests.sweep_store.problem import contents

from . import problem
from .problem import DEVICE, axes

pytest.importorskip("zarr")
OPTIONS = {"finest": 1 / 64, "chunk": 32, "progress": False}


def run(path, function=problem.regions, device=DEVICE, over=None, **options):
    over = axes(2) if over is None else over
    return jd.refine(function, device, over, store=path, **(OPTIONS | options))


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    path = tmp_path_factory.mktemp("truth") / "map.zarr"
    data = run(path)
    return path, contents(path), data


class Death(BaseException):
    """As SIGKILL: nothing catches it."""


@contextlib.contextmanager
def cut_off(count):
    """Lets Zarr write so many files, then dies."""
    written, real = itertools.count(), local._put

    def put(*args, **named):
        if next(written) >= count:
            raise Death
        return real(*args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "_put", put)
        yield


@pytest.mark.thorough
def test_as_in_memory(truth):
    path, _, data = truth
    assert data.identical(jd.refine(problem.regions, DEVICE, axes(2), **OPTIONS))
    assert jd.load(path).equals(data)
    assert jd.results.refined_map(jd.load(path), 31).equals(jd.results.refined_map(data, 31))
    assert data.sizes["point"] > 500


def test_found_again(truth, tmp_path):
    """A finished one asks for no point, and leaves every byte."""
    shutil.copytree(truth[0], tmp_path / "map.zarr")
    assert run(tmp_path / "map.zarr").identical(truth[2])
    assert contents(tmp_path / "map.zarr") == truth[1]


MOMENTS = [5, 100, *(pytest.param(n, marks=pytest.mark.thorough) for n in (0, 30, 33, 37, 60, 333))]


@pytest.mark.thorough
@pytest.mark.parametrize("moment", MOMENTS)
def test_death_at_a_write(tmp_path, truth, moment):
    path = tmp_path / "map.zarr"
    with cut_off(moment), pytest.raises(Death):
        run(path)
    if path.exists():
        with xarray.open_zarr(path) as seen:  # at any moment, with nothing said
            known = seen["known"].data
            assert np.all(np.isfinite(seen["sine.0"].data[known]))
        assert "flag" not in jd.load(path)
    assert run(path).identical(truth[2])
    assert contents(path) == truth[1]


PROGRAM = """
import jax, sys
jax.config.update("jax_enable_x64", True)
import numpy as np, jaxdiode as jd, jax.numpy as jnp

def jumps(device):
    x = device.sine
    return jnp.where(x[0] ** 2 + x[1] ** 2 > 0.6, x[0], 0.0)

over = {"sine.0": np.linspace(0, 1, 5), "sine.1": np.linspace(0, 1, 5)}
jd.refine(jumps, jd.Harmonics([0.3, 0.4]), over, store=sys.argv[1], finest=1 / 256, chunk=32)
"""


@pytest.mark.thorough
def test_killed_at_three_moments(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def start(name):
        return subprocess.Popen(
            [sys.executable, "program.py", name], cwd=tmp_path, env=environment,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    assert start("whole.zarr").wait(300) == 0
    whole = contents(tmp_path / "whole.zarr")
    digests = tmp_path / "killed.zarr" / "chunks" / "digest" / "c"
    count = len(list((tmp_path / "whole.zarr" / "chunks" / "digest" / "c").iterdir()))
    for share in (0.2, 0.5, 0.9):
        process = start("killed.zarr")
        while process.poll() is None and (
            not digests.exists() or len(list(digests.iterdir())) < share * count
        ):
            time.sleep(0.005)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start("killed.zarr").wait(300) == 0
    assert contents(tmp_path / "killed.zarr") == whole


@pytest.mark.thorough
def test_damage(tmp_path, truth, capsys):
    """Cut short, zeroed, exchanged, lost: found, and computed again."""
    path = tmp_path / "map.zarr"
    shutil.copytree(truth[0], path)
    values = path / "value" / "c"
    one, other = (values / str(k) for k in (1, 2))
    one.write_bytes(one.read_bytes()[:20])
    other.write_bytes(bytes(len(other.read_bytes())))
    (path / "both" / "c" / "3" / "0").write_bytes((path / "both" / "c" / "4" / "0").read_bytes())
    (path / "place" / "c" / "5" / "0").unlink()
    assert run(path).identical(truth[2])
    assert contents(path) == truth[1]
    said = capsys.readouterr().err
    assert said.count("computed again") == 4
    for number in (1, 2, 3, 5):
        assert f"chunk {number} of" in said


@pytest.mark.thorough
def test_more_points(tmp_path, truth):
    """A budget that is spent can be raised; a smaller one finds its part."""
    path = tmp_path / "map.zarr"
    few = run(path, points=200)
    assert few.sizes["point"] == 200
    assert jd.load(path).equals(few)
    assert run(path).identical(truth[2])
    assert jd.load(path).equals(truth[2])
    assert run(path, points=200).identical(few)
    assert jd.load(path).equals(few)
    assert run(path).identical(truth[2])


def scaled(device):
    found = problem.regions(device)
    return found | {"value": 1.001 * found["value"]}


def renamed(device):
    return {f"{k}s": v for k, v in problem.regions(device).items()}


OTHERS = [
    ({"tolerance": 1e-2}, "with tolerance 0.001, got 0.01"),
    ({"finest": 0.5}, "with finest 0.015625, got 0.5"),
    ({"chunk": 16}, "with chunk 32, got 16"),
    ({"over": axes(1)}, "with axes"),
    ({"device": jd.replace(DEVICE, {"sine.2": 0.6})}, r"another device: sine.2 is 0.5, got 0.6"),
    ({"function": scaled}, "other values of 'value' at the same points: of another function"),
    ({"function": renamed}, "with the outputs both, both_slope"),
]


@pytest.mark.parametrize(("other", "message"), OTHERS)
def test_another_study_is_refused(truth, other, message):
    before = contents(truth[0])
    with pytest.raises(ValueError, match=message):
        run(truth[0], **other)
    assert contents(truth[0]) == before


def test_stores_of_sweeps_and_other_things(tmp_path):
    path = tmp_path / "map.zarr"
    jd.sweep(problem.smooth, DEVICE, axes(1), store=path, progress=False)
    before = contents(path)
    for options in ({}, {"overwrite": True}):
        with pytest.raises(ValueError, match="store must be a new path or one that refine has"):
            run(path, **options)
    assert contents(path) == before
    run(tmp_path / "refined.zarr", over=axes(1))
    with pytest.raises(ValueError, match="store must be a new path or one that a sweep has"):
        jd.sweep(problem.smooth, DEVICE, axes(1), store=tmp_path / "refined.zarr", progress=False)


def test_overwrite(tmp_path):
    path = tmp_path / "map.zarr"
    run(path, over=axes(1))
    data = run(path, over=axes(1), function=scaled, overwrite=True)
    assert jd.load(path).equals(data)


def test_one_process_at_a_time(tmp_path):
    filelock = pytest.importorskip("filelock")
    path = tmp_path / "map.zarr"
    with filelock.FileLock(str(path) + ".lock"), pytest.raises(ValueError, match="another process"):
        run(path)
    run(path, over=axes(1))
    assert [p.name for p in tmp_path.iterdir()] == ["map.zarr"]


def test_to_netcdf_and_back(tmp_path):
    data = jd.refine(problem.smooth, DEVICE, axes(2), **OPTIONS)
    data.to_netcdf(tmp_path / "map.nc", engine="h5netcdf")
    again = jd.load(tmp_path / "map.nc")
    assert jd.results.refined_map(again, 21).equals(jd.results.refined_map(data, 21))
    assert jd.files.device_of(again).sine.tolist() == [0.3, 0.4, 0.5]


def test_open_zarr_has_units_and_statuses(truth):
    with xarray.open_zarr(truth[0]) as seen:
        assert seen["status"].attrs["flag_meanings"].startswith("CONVERGED")
        assert seen["sine.0"].dims == ("point",)
        assert int(seen["known"].sum()) == truth[2].sizes["point"]
    with xarray.open_zarr(truth[0], group="cells") as cells:
        assert cells.sizes["cell"] == truth[2].sizes["cell"]
