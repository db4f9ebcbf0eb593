"""Chunks of a store by workers of dask, one of which is killed, and of the standard library."""

import multiprocessing
import os
import subprocess
import sys
import types
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import jax
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.studies.sweep import workers

from . import as_in_tests
from .problem import contents, run


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    path = tmp_path_factory.mktemp("truth") / "map.zarr"
    run(path)
    return contents(path)


def test_threads(tmp_path, truth):
    with ThreadPoolExecutor(4) as pool:
        data = run(tmp_path / "map.zarr", executor=pool)
        assert contents(tmp_path / "map.zarr") == truth
        assert "finished" not in data
        run(tmp_path / "map.zarr", executor=pool)
    assert contents(tmp_path / "map.zarr") == truth


def test_a_worker_sees_that_a_store_is_another(tmp_path, truth):
    """Of the same function, device and grid, in the same place."""
    path = tmp_path / "map.zarr"
    with ThreadPoolExecutor(1) as pool:
        for chunk in (25, 50):
            run(path, chunk=chunk, executor=pool, overwrite=path.exists())
    assert contents(path) == truth


class Stopped(Exception):
    pass


def test_a_task_that_comes_late_leaves_another_store_alone(tmp_path, truth):
    """It was submitted for a sweep whose place another has taken since."""
    path, late = tmp_path / "map.zarr", []

    class Queue:
        def submit(self, *task):
            late.append(task)
            raise Stopped

    axes = {"sine.0": np.linspace(1.0, 2.0, 10)}
    with pytest.raises(Stopped):
        jd.sweep(lambda d: d.sine[0], jd.Harmonics([1.0]), axes, store=path, executor=Queue())
    run(path, overwrite=True)
    (function, *arguments) = late[0]
    workers._jobs.clear()
    with pytest.raises(ValueError, match="has become that of another sweep"):
        function(*arguments)
    assert contents(path) == truth


def test_programs_of_a_worker_are_let_go(tmp_path):
    axes = {"sine.0": np.linspace(1.0, 2.0, 10)}
    with ThreadPoolExecutor(1) as pool:
        for k in range(6):
            jd.sweep(
                lambda d, k=k: k * d.sine[0], jd.Harmonics([1.0]), axes,
                store=tmp_path / f"{k}.zarr", executor=pool, progress=False,
            )  # fmt: skip
    assert len(workers._jobs) == workers._KEPT


def test_more_chunks_than_wait_at_an_executor(tmp_path, truth, monkeypatch):
    monkeypatch.setattr(workers, "_SUBMITTED", 1)
    with ThreadPoolExecutor(2) as pool:
        run(tmp_path / "map.zarr", executor=pool)
    assert contents(tmp_path / "map.zarr") == truth


def test_a_worker_computes_as_its_caller(tmp_path):
    """Precision is a setting of the process; workers take the caller's, whatever theirs is."""
    axes = {"sine.0": np.linspace(1.0, 2.0, 10)}
    call = (lambda d: d.sine[0] / 3, jd.Harmonics([1.0]), axes)
    path = tmp_path / "map.zarr"
    jd.sweep(*call, store=path, chunk=5, shard="1/2", progress=False)
    with ThreadPoolExecutor(1, initializer=_in_single_precision) as pool:
        data = jd.sweep(*call, store=path, chunk=5, executor=pool, progress=False)
    assert data["value"].dtype == np.float64
    assert np.array_equal(data["value"], jd.sweep(*call, chunk=5)["value"])


def test_a_worker_without_memory_computes_as_its_caller(tmp_path, monkeypatch):
    """What it compiles anew, for fewer lanes, too."""
    real = workers.Program._run

    def run_if_it_fits(self, compiled, where):
        if len(where[0]) > 2:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        return real(self, compiled, where)

    call = (lambda d: d.sine[0] / 3, jd.Harmonics([1.0]), {"sine.0": np.linspace(1.0, 2.0, 40)})
    path = tmp_path / "map.zarr"
    jd.sweep(*call, store=path, chunk=8, shard="4/5", progress=False)
    monkeypatch.setattr(workers.Program, "_run", run_if_it_fits)
    with ThreadPoolExecutor(1, initializer=_in_single_precision) as pool:
        data = jd.sweep(*call, store=path, chunk=8, executor=pool, progress=False)
    assert np.allclose(data["value"], np.linspace(1.0, 2.0, 40) / 3, rtol=1e-14, atol=0)


def _in_single_precision():
    jax.enable_x64(False).__enter__()


class Pool:
    def __init__(self, processes):
        self._max_workers = processes


@pytest.mark.parametrize(
    ("executor", "threads"),
    [(Pool(4), 2), (Pool(8), 1), (Pool(100), 1), (Pool(None), None), (object(), None)],
)
def test_processes_of_a_pool_share_the_cores(executor, threads):
    assert workers._threads_of(executor, 8) == threads
    with ThreadPoolExecutor(4) as pool:  # one process, whose program has all of them
        assert workers._threads_of(pool, 8) is None


def test_threads_are_those_of_a_worker_of_dask(monkeypatch):
    """One for each task that dask gives it at once."""
    distributed = pytest.importorskip("distributed")
    assert workers._threads_here() is None
    worker = types.SimpleNamespace(state=types.SimpleNamespace(nthreads=3))
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    assert workers._threads_here() == 3


def test_what_goes_wrong_in_a_worker_is_raised(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("the worker's own trouble")

    monkeypatch.setattr(workers.ZarrStore, "save", broken)
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(RuntimeError, match="the worker's own trouble"),
    ):
        run(tmp_path / "map.zarr", executor=pool)


@pytest.mark.thorough
def test_processes(tmp_path, truth):
    """Spawned ones, with the settings of the tests."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, context, initializer=as_in_tests) as pool:
        run(tmp_path / "map.zarr", executor=pool)
    assert contents(tmp_path / "map.zarr") == truth


KILLED = """
import os, signal, sys, threading, time
from pathlib import Path
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp, numpy as np, jaxdiode as jd

def waves(device):
    return {"wave": jnp.sin(device.sine[0]), "list": jnp.cos(device.sine * jnp.arange(4.0))}

call = (waves, jd.Harmonics([1.0]), {"sine.0": np.linspace(1.0, 5.0, 6000)})

if __name__ == "__main__":
    from dask.distributed import Client, LocalCluster
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            pids = client.run(os.getpid)
            folder = Path("dask.zarr/chunks/digest/c")

            def kill():
                while not folder.exists() or len(list(folder.iterdir())) < 40:
                    time.sleep(0.005)
                os.kill(min(pids.values()), signal.SIGKILL)

            killer = threading.Thread(target=kill)
            killer.start()
            data = jd.sweep(*call, store="dask.zarr", chunk=20, executor=client.get_executor())
            killer.join()
            assert "finished" not in data
            client.wait_for_workers(2, timeout=60)
            assert len(set(client.run(os.getpid).values()) - set(pids.values())) == 1
    jd.sweep(*call, store="alone.zarr", chunk=20)
"""


@pytest.mark.thorough
def test_a_dask_worker_that_is_killed_and_replaced(tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    done = subprocess.run(
        [sys.executable, "killed.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "dask.zarr") == contents(tmp_path / "alone.zarr")
