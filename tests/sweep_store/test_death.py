"""Whatever dies at any moment, the same call goes on to the very store it would have made."""

import contextlib
import errno
import itertools
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
import zarr.storage._local as local

import jaxdiode as jd

from .problem import contents, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    path = tmp_path_factory.mktemp("truth") / "map.zarr"
    run(path)
    return contents(path)


class Death(BaseException):
    """As SIGKILL: nothing catches it."""


@contextlib.contextmanager
def cut_off(count, instead):
    """Lets Zarr write so many files, then another function has its place."""
    written, real = itertools.count(), local._put

    def put(*args, **named):
        return (real if next(written) < count else instead)(*args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "_put", put)
        yield


def die(*_, **__):
    raise Death


@pytest.mark.parametrize("moment", range(12))
def test_death_at_any_write(tmp_path, truth, moment):
    """A chunk has five files of values, or one less where all are NaN, and its digest."""
    path = tmp_path / "map.zarr"
    run(path, shard="0/3")
    begun = len(contents(path))
    with cut_off(moment, die), pytest.raises(Death):
        run(path)
    assert len(contents(path)) == begun + moment
    assert "finished" not in run(path)
    assert contents(path) == truth


# ---- A full disk


def full(path, *_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_a_disk_that_fills(tmp_path, truth):
    path = tmp_path / "map.zarr"
    run(path, shard="0/3")
    message = (
        r"chunk 2 of the store could not be written, No space left on device; 2 of 3 are kept, "
        r"and the same call goes on from there: .*map\.zarr"
    )
    with cut_off(8, full), pytest.raises(OSError, match=message) as raised:
        run(path)
    assert raised.value.errno == errno.ENOSPC
    run(path)
    assert contents(path) == truth


@pytest.mark.parametrize("files", [0, 1, 9])
def test_no_room_for_a_store(tmp_path, truth, files):
    message = "store could not be written, No space left on device"
    with cut_off(files, full), pytest.raises(OSError, match=message):
        run(tmp_path / "map.zarr")
    assert list(tmp_path.iterdir()) == []
    run(tmp_path / "map.zarr")
    assert contents(tmp_path / "map.zarr") == truth


def noise(device):
    """32 bytes a point that no compression makes less."""
    return np.pi * device.sine * np.sqrt(2.0) ** np.arange(1.0, 5.0) % 1.0


@pytest.mark.thorough
def test_a_small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk of 20 MB needs the right to mount one")
    try:
        call = (noise, jd.Harmonics([1.0]), {"sine.0": np.linspace(1.0, 2.0, 800_000)})
        path = folder / "map.zarr"
        with pytest.raises(OSError, match=r"No space left on device; \d+ of 98 are kept"):
            jd.sweep(*call, store=path, progress=False)
        kept = jd.load(path)
        assert 0.5 < float(kept["finished"].mean()) < 0.9
        subprocess.run(["mount", "-o", "remount,size=60m", str(folder)], check=True)
        jd.sweep(*call, store=path, progress=False)
        jd.sweep(*call, store=tmp_path / "whole.zarr", progress=False)
        assert contents(path) == contents(tmp_path / "whole.zarr")
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# ---- Workers


class Lossy:
    """An executor whose workers die: at some submission, and with it all that wait."""

    def __init__(self, after):
        self.left, self.pool = after, ThreadPoolExecutor(1)

    def submit(self, function, *args):
        if self.left == 0:
            broken = Future()
            broken.set_exception(BrokenProcessPool("a worker has died"))
            return broken
        self.left -= 1
        return self.pool.submit(function, *args)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_worker_that_dies(tmp_path, truth, after):
    path = tmp_path / "map.zarr"
    executor = Lossy(after)
    with pytest.raises(BrokenProcessPool):
        run(path, executor=executor)
    executor.pool.shutdown()
    with ThreadPoolExecutor(2) as pool:
        run(path, executor=pool)
    assert contents(path) == truth


class Job:
    """The future of a library that has a class of its own, as submitit's."""

    def __init__(self, future):
        self.done, self.result, self.cancel = future.done, future.result, future.cancel


def test_futures_of_another_library(tmp_path, truth):
    with ThreadPoolExecutor(2) as pool:

        class Jobs:
            def submit(self, *args):
                return Job(pool.submit(*args))

        run(tmp_path / "map.zarr", executor=Jobs())
    assert contents(tmp_path / "map.zarr") == truth


def test_an_executor_that_forks_is_refused(tmp_path):
    message = r"executor must not fork, .*'spawn'"
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("fork"))  # starts none by itself
    with pytest.raises(ValueError, match=message):
        run(tmp_path / "map.zarr", executor=pool)
    assert list(tmp_path.iterdir()) == []


# ---- Processes that are killed

SWEEP = """
import sys, jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp, numpy as np, jaxdiode as jd
def waves(device):
    return {"wave": jnp.sin(device.sine[0]), "list": jnp.cos(device.sine * jnp.arange(4.0)),
            "status": jnp.asarray(device.sine[0] > 3, jnp.int32)}
axes = {"sine.0": np.linspace(1.0, 5.0, 6000)}
shard = sys.argv[2] if len(sys.argv) > 2 else None
if __name__ == "__main__":
    jd.sweep(waves, jd.Harmonics([1.0]), axes, store=sys.argv[1], shard=shard, chunk=20)
"""
SWEPT = 300  # chunks


def start(store, *args):
    """A process that sweeps into the store."""
    return subprocess.Popen(
        [sys.executable, "-c", SWEEP, str(store), *args],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_when(process, store, digests):
    """SIGKILL once so many chunks are there; whether it was still running."""
    folder = Path(store) / "chunks/digest/c"
    while process.poll() is None:
        if folder.exists() and len(list(folder.iterdir())) >= digests:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def finish(process):
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """The store of a process that nobody killed."""
    path = tmp_path_factory.mktemp("swept") / "map.zarr"
    finish(start(path))
    return contents(path)


@pytest.mark.thorough
def test_sigkill_three_times(tmp_path, swept):
    path, random = tmp_path / "map.zarr", np.random.default_rng()
    moments = np.sort(random.integers(1, SWEPT - 20, 3))
    for moment in moments:
        assert kill_when(start(path), path, moment), f"{moments}"
    assert not int(jd.load(path)["finished"].all())
    finish(start(path))
    assert contents(path) == swept, f"{moments}"


@pytest.mark.thorough
def test_four_shards_of_which_two_are_killed(tmp_path, swept):
    path = tmp_path / "map.zarr"
    shards = [start(path, f"{k}/4") for k in range(4)]
    assert kill_when(shards[1], path, 5)
    assert kill_when(shards[2], path, 30)
    finish(shards[0])
    finish(shards[3])
    assert "finished" in jd.load(path)
    for k in (1, 2):
        finish(start(path, f"{k}/4"))
    assert "finished" not in jd.load(path)
    assert contents(path) == swept


@pytest.mark.thorough
def test_three_processes_at_once(tmp_path, swept):
    path = tmp_path / "map.zarr"
    for process in [start(path) for _ in range(3)]:
        finish(process)
    assert contents(path) == swept
    assert [p.name for p in tmp_path.iterdir()] == ["map.zarr"]
