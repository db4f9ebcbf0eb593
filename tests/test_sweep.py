"""The sweep verb: labels, chunks, failures, resumption, several JAX devices."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxdiode as jd
from jaxdiode.studies.sweep.program import Program

SQUID = jd.Squid([jd.TunnelJunction(3.0), jd.Harmonics([2.0, 0.5])], [0.1])
PAIRS = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.4, 0.3))
FLUX = np.linspace(-0.4, 0.5, 7)
IC = np.array([1.0, 2.5])


def weigh(device):
    """Cheap, and different for every parameter."""
    return sum(
        (k + 1.0) * jnp.sum(jnp.asarray(leaf) ** 2)
        for k, leaf in enumerate(jax.tree.leaves(device))
    )


@pytest.fixture(scope="module")
def critical():
    axes = {"branches.0.critical_current": IC, "flux": FLUX}
    return jd.sweep(jd.critical_currents, SQUID, axes, chunk=4)


@pytest.mark.thorough
def test_equals_a_loop(critical):
    one = jax.jit(jd.critical_currents)
    for i, current in enumerate(IC):
        for j, flux in enumerate(FLUX):
            device = jd.Squid([jd.TunnelJunction(current), SQUID.branches[1]], [flux])
            expected = one(device)
            at = critical.isel({"branches.0.critical_current": i, "flux": j})
            assert float(at["plus"]) == pytest.approx(float(expected.plus), abs=1e-11)
            assert float(at["minus"]) == pytest.approx(float(expected.minus), abs=1e-11)
            assert float(at["efficiency"]) == pytest.approx(float(expected.efficiency), abs=1e-11)
            assert int(at["status"]) == 0


def test_labels(critical):
    assert set(critical.data_vars) == {"plus", "minus", "efficiency", "status"}
    for variable in critical.values():
        assert variable.dims == ("branches.0.critical_current", "flux")
        assert variable.shape == (2, 7)
    assert np.array_equal(critical["flux"], FLUX)
    assert np.array_equal(critical["branches.0.critical_current"], IC)
    assert critical["status"].dtype == np.int32
    assert float(critical["plus"].sel(flux=FLUX[2]).isel({"branches.0.critical_current": 1})) > 0


def test_axis_over_several_parameters():
    data = jd.sweep(weigh, PAIRS, {"branches.2": [1.0, 2.0], "flux": [0.5, 0.75, 1.0]})
    for i, current in enumerate((1.0, 2.0)):
        for j, flux in enumerate((0.5, 0.75, 1.0)):
            pairs = [(420, 80), (380, 90), (current, current)]
            expected = weigh(jd.Squid.from_pairs(pairs, flux=[flux, flux]))
            assert float(data["weigh"][i, j]) == pytest.approx(float(expected))


def test_axis_of_rows():
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    data = jd.sweep(weigh, PAIRS, {"flux": rows, "branches.0.first": [420.0]})
    assert data["weigh"].dims == ("flux", "branches.0.first")
    for k, row in enumerate(rows):
        expected = weigh(jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=row))
        assert float(data["weigh"][k, 0]) == pytest.approx(float(expected))
    assert any(np.array_equal(c, rows) for c in data.coords.values())


def test_outputs():
    axes = {"flux.0": [0.0, 1.0, 2.0]}
    data = jd.sweep(lambda d: {"a": d.flux[0], "b": jnp.stack([d.flux, -d.flux])}, PAIRS, axes)
    assert np.array_equal(data["a"], [0.0, 1.0, 2.0])
    assert data["b"].shape == (3, 2, 2)
    assert data["b"].dims[0] == "flux.0"
    assert np.array_equal(data["b"][2], [[2.0, 0.3], [-2.0, -0.3]])
    vector = jd.sweep(lambda d: d.flux * 2.0, PAIRS, axes)
    assert list(vector.data_vars) == ["value"]  # a lambda has no name of its own
    assert np.array_equal(vector["value"], [[0, 0.6], [2, 0.6], [4, 0.6]])
    whole = jd.sweep(lambda d: d.flux.size, PAIRS, axes)
    assert np.array_equal(whole["value"], [2, 2, 2])
    with pytest.raises(ValueError, match="function must return a number, an array, a dict"):
        jd.sweep(lambda d: (d.flux, d.flux), PAIRS, axes)


@pytest.mark.parametrize("chunk", [1, 3, 13, 14, 1000])
def test_any_chunk_gives_the_same(chunk):
    axes = {"branches.0.first": IC, "flux": FLUX}
    data = jd.sweep(weigh, PAIRS, axes, chunk=chunk)
    expected = [
        [weigh(jd.Squid.from_pairs([(a, 80), (380, 90), (80, 90)], [f, f])) for f in FLUX]
        for a in IC
    ]
    assert np.allclose(data["weigh"], np.array(expected), rtol=1e-14)


def test_one_trace_for_all_chunks():
    traces = []

    def counted(device):
        traces.append(1)
        return weigh(device)

    axes = {"flux": np.linspace(0, 1, 50)}
    first = jd.sweep(counted, PAIRS, axes, chunk=8)
    assert len(traces) <= 2  # for the shapes of the output, and to compile
    traces.clear()
    second = jd.sweep(counted, PAIRS, axes, chunk=8)
    assert len(traces) <= 1  # for the shapes
    xarray.testing.assert_identical(first, second)


class Fragile(jd.AbstractPhaseBiased):
    """sin φ with a parameter above which nothing is known."""

    size: jax.Array

    def current(self, phase):
        return jnp.where(self.size < 0.3, self.size * jnp.sin(phase), jnp.nan)


def test_failed_lanes_are_flagged_and_alone():
    device, values = Fragile(jnp.array(0.1)), [0.1, 0.5, 0.2, 0.4, 0.25]
    data = jd.sweep(jd.critical_currents, device, {"size": values}, chunk=3)
    failed = np.array([False, True, False, True, False])
    assert np.array_equal(data["status"], np.where(failed, int(jd.Status.NONFINITE), 0))
    for name in ("plus", "minus", "efficiency"):
        assert np.array_equal(np.isnan(data[name]), failed)
    alone = jd.sweep(jd.critical_currents, device, {"size": [0.1, 0.2, 0.25]}, chunk=3)
    assert np.array_equal(data["plus"][~failed], alone["plus"])


# ---- On disk


@pytest.fixture
def evaluations(monkeypatch):
    """Counts the chunks that are computed."""
    counted = []
    real = Program.start
    monkeypatch.setattr(Program, "start", lambda *a: (counted.append(1), real(*a))[1])
    return counted


def interrupted(monkeypatch, path, axes, after=2, **options):
    """A sweep that is killed once `after` chunks are on disk."""
    saved = []
    real = np.savez

    def savez(file, **arrays):
        if len(saved) == after:
            raise KeyboardInterrupt
        real(file, **arrays)
        saved.append(file)

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", savez)
        with pytest.raises(KeyboardInterrupt):
            jd.sweep(weigh, PAIRS, axes, path=path, **options)
    assert len(saved) == after


AXES = {"flux": np.linspace(0, 1, 50)}


def test_file_is_the_result(tmp_path):
    path = tmp_path / "new folder" / "sweep.nc"
    data = jd.sweep(weigh, PAIRS, AXES, path=str(path), chunk=8)
    assert [p.name for p in path.parent.iterdir()] == ["sweep.nc"]
    with xarray.open_dataset(path, engine="h5netcdf") as stored:
        xarray.testing.assert_identical(stored.load(), data)


def test_resumes(tmp_path, monkeypatch, evaluations):
    path = tmp_path / "sweep.nc"
    interrupted(monkeypatch, path, AXES, chunk=8)
    assert not path.exists()
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".")]
    evaluations.clear()
    data = jd.sweep(weigh, PAIRS, AXES, path=path, chunk=8)
    # One chunk was on disk before the interruption; one sample tells the two sweeps apart.
    assert len(evaluations) == 7 - 1 + 1
    xarray.testing.assert_identical(data, jd.sweep(weigh, PAIRS, AXES, chunk=8))
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.nc"]
    with xarray.open_dataset(path, engine="h5netcdf") as stored:
        xarray.testing.assert_identical(stored.load(), data)


def test_interrupted_before_the_last_write(tmp_path, monkeypatch, evaluations):
    path = tmp_path / "sweep.nc"
    with monkeypatch.context() as patch:
        patch.setattr(xarray.Dataset, "to_netcdf", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            jd.sweep(weigh, PAIRS, AXES, path=path, chunk=8)
    assert not path.exists()
    evaluations.clear()
    jd.sweep(weigh, PAIRS, AXES, path=path, chunk=8)
    assert len(evaluations) == 1  # the sample that recognises the sweep
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.nc"]


def heavier(device):
    return 2.0 * weigh(device)


@pytest.mark.parametrize("changed", ["function", "device", "values", "name", "chunk", "closure"])
def test_left_overs_of_another_sweep_are_refused(tmp_path, monkeypatch, changed):
    path = tmp_path / "sweep.nc"
    call = {"function": weigh, "device": PAIRS, "axes": AXES, "chunk": 8}
    if changed == "closure":  # same code, another number in it
        call["function"] = scaled(1.0)
        with monkeypatch.context() as patch:
            patch.setattr(xarray.Dataset, "to_netcdf", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                jd.sweep(**call, path=path)
    else:
        interrupted(monkeypatch, path, AXES, chunk=8)
    other = {
        "function": {"function": heavier},
        "device": {"device": jd.Squid.from_pairs([(421, 80), (380, 90), (80, 90)], (0.4, 0.3))},
        "values": {"axes": {"flux": np.linspace(0, 2, 50)}},
        "name": {"axes": {"flux.0": AXES["flux"]}},
        "chunk": {"chunk": 9},
        "closure": {"function": scaled(2.0)},
    }[changed]
    with pytest.raises(ValueError, match="left-overs of a sweep with other inputs"):
        jd.sweep(**(call | other), path=path)
    jd.sweep(**call, path=path)


def scaled(factor):
    def function(device):
        return factor * weigh(device)

    return function


RESUME = """
import sys
import jax
jax.config.update("jax_enable_x64", True)
import numpy as np, xarray
import jaxdiode as jd
def function(device):  # holds another function, whose address differs in every process
    return sum([(lambda leaf: (leaf**2).sum())(leaf) for leaf in (device.sine, device.cosine)])
if sys.argv[1] == "first":
    xarray.Dataset.to_netcdf = lambda *_, **__: sys.exit(3)
jd.sweep(function, jd.Harmonics([1.0, 2.0]), {"sine.0": [1.0, 2.0, 3.0]}, path="sweep.nc")
"""


@pytest.mark.thorough
def test_resumes_in_another_process(tmp_path):
    def run(which):
        command = [sys.executable, "-c", RESUME, which]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    first = run("first")
    assert first.returncode == 3, first.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.nc.partial"]
    second = run("second")
    assert second.returncode == 0, second.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.nc"]


def test_existing_file_is_kept(tmp_path):
    path = tmp_path / "sweep.nc"
    path.write_text("precious")
    with pytest.raises(ValueError, match="path must not exist yet"):
        jd.sweep(weigh, PAIRS, AXES, path=path)
    assert path.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.nc"]


# ---- Several devices, and memory

SCRIPT = """
import resource
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_enable_x64", True)
import jaxdiode as jd
assert jax.device_count() == 4
device = jd.Squid([jd.TunnelJunction(3.0), jd.Harmonics([2.0, 0.5])], [0.1])
axes = {"branches.0.critical_current": [1.0, 2.5], "flux": np.linspace(-0.4, 0.5, 7)}
data = jd.sweep(jd.critical_currents, device, axes, chunk=5)
np.savez("sharded.npz", **{k: v.values for k, v in data.items()})

phase = jnp.linspace(0, 2 * np.pi, 1000)
def largest(d):
    return d.current(phase).max()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
many = {"flux": np.linspace(0, 1, 50_000)}
jd.sweep(largest, device, {"flux": many["flux"][:4096]}, chunk=4096)
before = peak()
data = jd.sweep(largest, device, many, chunk=4096)
assert data["largest"].size == 50_000 and bool(np.isfinite(data["largest"]).all())
print("MiB", peak() - before)
"""


@pytest.mark.thorough
def test_four_devices_and_many_squids(tmp_path, critical):
    """All at once would take 50 000 × 1000 × 2 branches × 8 bytes = 800 MB."""
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ
        | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "sharded.npz") as sharded:
        for name, variable in critical.items():
            assert np.allclose(sharded[name], variable, rtol=0, atol=1e-11)
    assert float(done.stdout.split()[1]) < 400


ERRORS = {
    "no axes": ({}, "axes must name at least one parameter"),
    "unknown": ({"fluxes": [0.0]}, "unknown parameter 'fluxes'; did you mean 'flux"),
    "empty": ({"flux": []}, r"axes\['flux'\] must be a non-empty list"),
    "number": ({"flux": 0.5}, "must be a non-empty list"),
    "NaN": ({"flux": [0.0, np.nan]}, "must be finite"),
    "infinite": ({"flux": [0.0, np.inf]}, "must be finite"),
    "twice": ({"flux": [0.0], "flux.1": [0.0]}, "'flux.1' came twice"),
    "row length": ({"flux": [[0.0, 1.0, 2.0]]}, "must have length 2"),
    "too deep": ({"flux": np.zeros((2, 2, 2))}, "must be a non-empty list"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    axes, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        jd.sweep(weigh, PAIRS, axes)


def test_chunk_must_be_positive():
    with pytest.raises(ValueError, match="chunk must be a whole number, at least 1, got 0"):
        jd.sweep(weigh, PAIRS, AXES, chunk=0)


def test_values_outside_the_model_are_refused():
    with pytest.raises(ValueError, match="must stay within"):
        jd.sweep(jd.critical_currents, jd.TunnelJunction(3.0), {"critical_current": [-1.0, 5.0]})
