"""One program of few lanes: the same bits on any number of cores and devices, compiled once."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.studies.sweep import memory, program
from jaxdiode.studies.sweep.grid import Grid
from jaxdiode.studies.sweep.memory import lanes_of

from .problem import PAIRS, contents, run, weigh

FLUX = {"flux": np.linspace(0, 1, 700)}


@pytest.fixture
def compilations():
    """The compilations that JAX tells of."""
    seen = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            seen.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield seen
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads(tmp_path, monkeypatch, threads):
    devices, _ = program.devices_and_threads()
    monkeypatch.setattr(program, "devices_and_threads", lambda: (devices, threads))
    run(tmp_path / "map.zarr")
    monkeypatch.undo()
    run(tmp_path / "truth.zarr")
    assert contents(tmp_path / "map.zarr") == contents(tmp_path / "truth.zarr")


SCRIPT = """
import sys, jax
jax.config.update("jax_enable_x64", True)
import numpy as np, jaxdiode as jd
assert jax.device_count() == int(sys.argv[1])
squid = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.403, 0.2))
axes = {"flux.0": np.linspace(0, 1, 31), "flux.1": np.linspace(0, 1, 40)}
if sys.argv[2] == "in turn":  # as accelerators are used
    from jaxdiode.studies.sweep import program
    program.devices_and_threads = lambda: (jax.local_devices(), 8)
for shard in sys.argv[3:]:
    jd.sweep(jd.critical_currents, squid, axes, store=sys.argv[2], chunk=300, shard=shard)
"""


@pytest.mark.thorough
def test_one_two_and_four_devices_and_shards(tmp_path):
    """As users run it, optimised: the values, their digests and all that describes them."""
    stores = []
    for name, count, shards in (
        ("one", 1, ["0/1"]),
        ("two", 2, ["0/1"]),
        ("four", 4, ["2/3", "0/3", "1/3"]),
        ("in turn", 3, ["1/2", "0/2"]),
    ):
        flags = os.environ.get("XLA_FLAGS", "")
        flags += f" --xla_force_host_platform_device_count={count}"
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(count), name, *shards],
            env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        stores.append(contents(tmp_path / name))
    assert len(stores[0]) > 5 * 4  # four variables and a digest of each chunk
    assert stores[0] == stores[1] == stores[2] == stores[3]


# ---- Compilations


def test_nothing_compiles_after_the_first_chunk(tmp_path, compilations):
    """Also the last chunk, which is smaller, and the sample that recognises a sweep."""
    after = []

    def largest(device):
        return device.current(jnp.linspace(0, 6, 50)).max()

    real = program.Program.fetch

    def fetch(self, started):
        found = real(self, started)
        after.append(len(compilations))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program.Program, "fetch", fetch)
        for options in ({"store": tmp_path / "map.zarr"}, {"path": tmp_path / "map.nc"}, {}):
            after.clear()
            jd.sweep(largest, PAIRS, FLUX, chunk=64, progress=False, **options)
            assert len(after) >= 11
            assert after[0] == after[-1] >= 1
    compilations.clear()
    jd.sweep(largest, PAIRS, FLUX, store=tmp_path / "map.zarr", progress=False)
    assert compilations == []  # nor for the same sweep again


# ---- Lanes and memory


@pytest.mark.parametrize(
    ("points", "lanes"), [(1, 1), (15, 15), (16, 16), (17, 9), (40, 14), (700, 88), (2100, 234)]
)
def test_blocks_share_their_points_evenly(points, lanes):
    assert lanes_of(points) == lanes
    assert lanes_of(8192) == lanes_of(10**6) == 256


def wide(device):
    """80 kB of outputs a point."""
    return device.flux[0] * jnp.ones(10_000)


MANY = {"flux": np.linspace(0, 1, 10**6)}


def test_a_chunk_fits_into_memory(monkeypatch):
    _, threads = program.devices_and_threads()
    for size, chunk in ((2**34, 8192), (2**30, 2**30 // 32 // 80_000)):
        monkeypatch.setattr(memory, "host_memory", lambda size=size: size)
        made, found = memory.fitted(lambda d: d.flux[0], Grid(PAIRS, MANY), None)
        assert (made.lanes, found) == (256, 8192)  # eight bytes a point
        made, found = memory.fitted(wide, Grid(PAIRS, MANY), None)
        assert found == min(chunk, 2**34 // 32 // 80_000)
    monkeypatch.setattr(memory, "host_memory", lambda: 2**25)
    made, found = memory.fitted(wide, Grid(PAIRS, MANY), None)
    room = 2**25 / (2 * threads)
    assert made.memory()[0] <= room < 4 * made.memory()[0]
    assert found == made.lanes < 256


def test_memory_that_control_groups_leave(tmp_path, monkeypatch):
    """The limit of a job is often that of a group further up."""
    whole = memory.host_memory()
    (tmp_path / "job/step").mkdir(parents=True)
    (tmp_path / "job/memory.max").write_text("123456789\n")
    (tmp_path / "job/step/memory.max").write_text("max\n")
    (tmp_path / "cgroup").write_text("1:name=other:/x\n0::/job/step\n")

    def path(text):
        return {"/sys/fs/cgroup": tmp_path, "/proc/self/cgroup": tmp_path / "cgroup"}[text]

    monkeypatch.setattr(memory, "Path", path)
    assert memory.host_memory() == 123456789 < whole
    (tmp_path / "cgroup").unlink()
    assert memory.host_memory() >= whole


def test_a_large_grid_has_at_most_4096_chunks():
    grid = Grid(PAIRS, {"flux.0": np.linspace(0, 1, 10**4), "flux.1": np.linspace(0, 1, 10**4)})
    _, chunk = memory.fitted(lambda d: d.flux[0], grid, None)
    assert chunk == -(-(10**8) // 4096)


class Accelerator:
    platform = "gpu"

    def memory_stats(self):
        return {"bytes_limit": 2**32, "bytes_in_use": 2**31}


def test_an_accelerator_has_as_many_lanes_as_its_memory_holds(monkeypatch):
    monkeypatch.setattr(memory, "devices_and_threads", lambda: ([Accelerator()] * 3, 6))
    monkeypatch.setattr(memory, "host_memory", lambda: 2**40)
    made, chunk = memory.fitted(wide, Grid(PAIRS, MANY), None)
    assert made.lanes == 2**12  # of 80 kB and little more: a quarter of what is free
    assert made.memory()[0] <= 2**31 / 4
    assert chunk == 8192
    made, chunk = memory.fitted(lambda d: d.flux[0], Grid(PAIRS, MANY), None)
    assert (made.lanes, chunk) == (2**16, 2**16)
    made, chunk = memory.fitted(lambda d: d.flux[0], Grid(PAIRS, FLUX), None)
    assert (made.lanes, chunk) == (700, 700)
    made, chunk = memory.fitted(lambda d: d.flux[0], Grid(PAIRS, MANY), 5000)
    assert (made.lanes, chunk) == (5000, 5000)


def full_above(monkeypatch, lanes):
    real = program.Program._run

    def run_if_it_fits(self, compiled, where):
        if len(where[0]) > lanes:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 99999999999 bytes.")
        return real(self, compiled, where)

    monkeypatch.setattr(program.Program, "_run", run_if_it_fits)


@pytest.mark.parametrize("kind", ["store", "path", "memory"])
def test_out_of_memory_halves_the_points_at_once(tmp_path, monkeypatch, capsys, kind):
    """Once for each size, however many blocks were under way with it."""
    options = {"store": {"store": tmp_path / "a"}, "path": {"path": tmp_path / "a"}, "memory": {}}
    expected = jd.sweep(weigh, PAIRS, FLUX, chunk=200)
    full_above(monkeypatch, 8)
    data = jd.sweep(weigh, PAIRS, FLUX, chunk=200, progress=False, **options[kind])
    assert capsys.readouterr().err.splitlines() == [
        f"sweep: out of memory with {n} points at once, goes on with {n // 2}" for n in (25, 12)
    ]
    for name, variable in expected.items():
        assert np.allclose(data[name], variable, rtol=1e-13, atol=1e-13, equal_nan=True)


def test_out_of_memory_with_a_single_point(tmp_path, monkeypatch):
    full_above(monkeypatch, 0)
    with pytest.raises(MemoryError, match="out of memory with a single point at once"):
        jd.sweep(weigh, PAIRS, FLUX, chunk=4, store=tmp_path / "map.zarr")
    assert list(tmp_path.iterdir()) == []


LITTLE = """
import resource, jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp, numpy as np, jaxdiode as jd
from jaxdiode.studies.sweep import memory, program
def many(device):
    waves = device.sine[0] * jnp.arange(1_500_000.0)
    return jax.lax.fori_loop(0, 3, lambda k, x: jnp.sin(x), waves).max()
def start(self, points, real=program.Program.start):
    self.compiled()
    pages = int(open("/proc/self/statm").read().split()[0])
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        most = pages * resource.getpagesize() + 100 * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return real(self, points)
program.Program.start = start
memory.host_memory = lambda: 2**40  # the limit is one that nobody tells of
data = jd.sweep(many, jd.Harmonics([1.0]), {"sine.0": np.linspace(1, 2, 40)})
assert bool(np.isfinite(data["many"]).all())
"""


@pytest.mark.thorough
def test_out_of_memory_for_real():
    """A block of 14 lanes takes 168 MB."""
    done = subprocess.run(
        [sys.executable, "-c", LITTLE], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "sweep: out of memory with 14 points at once, goes on with 7" in done.stderr
