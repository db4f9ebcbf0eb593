"""A sweep in a Zarr store: the values of one in memory, its chunks, its labels, its refusals."""

import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxdiode as jd
from jaxdiode.studies.sweep import zarr_layout
from jaxdiode.studies.sweep.blocks import Blocks
from jaxdiode.studies.sweep.program import Program
from jaxdiode.studies.sweep.zarr_store import ZarrStore

from .problem import AXES, CHUNK, COUNT, PAIRS, contents, heavier, run, weigh


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    path = tmp_path_factory.mktemp("truth") / "map.zarr"
    run(path)
    return path


@pytest.fixture
def copy(truth, tmp_path):
    return shutil.copytree(truth, tmp_path / "map.zarr")


@pytest.fixture
def saved(monkeypatch):
    """The numbers of the chunks that are written."""
    numbers = []
    real = ZarrStore.save
    monkeypatch.setattr(ZarrStore, "save", lambda *a: (numbers.append(a[1]), real(*a))[1])
    return numbers


def test_the_bits_of_a_sweep_in_memory(truth):
    data = jd.load(truth)
    memory = jd.sweep(weigh, PAIRS, AXES, chunk=CHUNK)
    assert dict(data.sizes) == dict(memory.sizes)
    for name, variable in memory.items():
        assert data[name].dims == variable.dims
        assert data[name].dtype == variable.dtype
        found, expected = data[name].values, variable.values
        nan = np.isnan(expected)  # whose sign may differ
        assert np.array_equal(np.isnan(found), nan)
        assert found[~nan].tobytes() == expected[~nan].tobytes()
    for name, values in AXES.items():
        assert np.array_equal(data[name], values)
        assert data[name].attrs == memory[name].attrs
    known = {k: v for k, v in memory.attrs.items() if k != "statuses"}  # not read to be counted
    assert {k: data.attrs[k] for k in known} == known
    assert data.attrs["jaxdiode"] == jd.__version__
    assert np.all(np.isnan(data["partly"][:2]))  # a Zarr chunk of NaN only has no file


def test_a_store_is_the_same_wherever_it_was_made(truth, tmp_path):
    run(tmp_path / "other.zarr")
    assert contents(tmp_path / "other.zarr") == contents(truth)
    assert [p.name for p in tmp_path.iterdir()] == ["other.zarr"]


@pytest.mark.thorough
def test_a_sweep_of_critical_currents_says_what_its_status_means(tmp_path):
    axes = {"flux": [0.0, 0.25]}
    data = jd.sweep(jd.critical_currents, PAIRS, axes, store=tmp_path / "map.zarr")
    codes = data["status"].attrs["flag_values"]
    meanings = data["status"].attrs["flag_meanings"].split()
    assert dict(zip(codes, meanings, strict=True)) == {int(s): s.name for s in jd.Status}
    assert data["efficiency"].attrs["long_name"] == "diode efficiency η"
    device = jd.files.device_of(jd.load(tmp_path / "map.zarr"))
    assert float(device.branches[0].first) == 420.0


def test_to_netcdf(truth, tmp_path):
    data = jd.load(truth)
    data.to_netcdf(tmp_path / "map.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "map.nc", engine="h5netcdf") as stored:
        xarray.testing.assert_equal(stored.load(), data.load())
        assert stored.attrs["device"] == repr(PAIRS)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_shards_in_any_order(truth, tmp_path, saved, order):
    path = tmp_path / "map.zarr"
    for done, share in enumerate(order):
        data = run(path, shard=f"{share}/3")
        assert saved == [*order[: done + 1]]
        assert ("finished" in data) == (done < 2)
    assert contents(path) == contents(truth)


def test_more_shards_than_chunks(truth, tmp_path, saved):
    path = tmp_path / "map.zarr"
    for share in range(5):
        run(path, shard=(share, 5))
    assert saved == [0, 1, 2]
    assert contents(path) == contents(truth)


def test_an_unfinished_store(copy):
    (copy / "chunks/digest/c/1/0").unlink()
    data = jd.load(copy)
    expected = np.ones((6, 25), bool)
    expected[2:4] = False
    assert data["finished"].dims == tuple(AXES)
    assert np.array_equal(data["finished"], expected)


def test_values_of_any_type(tmp_path):
    """And what stands for those that are not there yet."""
    expected = {
        "complex64": np.nan, "complex128": np.nan, "float32": np.nan, "uint8": 255, "int8": -1,
        "bool": False,
    }  # fmt: skip

    def typed(device):
        return {name: device.flux[0].astype(name) for name in expected}

    axes = {"flux.0": [1.0, 2.0]}
    for options in ({"store": tmp_path / "map.zarr", "shard": "1/2"}, {}):
        data = jd.sweep(typed, PAIRS, axes, chunk=1, **options)
        for name, missing in expected.items():
            assert data[name].dtype == name
            first, second = data[name].values
            assert second == (name == "bool" or 2)
            assert np.array_equal(first, missing if options else 1, equal_nan=True)


def test_the_same_call_goes_on(copy, truth, saved, capsys):
    (copy / "chunks/digest/c/1/0").unlink()
    run(copy, progress=True)
    assert saved == [1]
    assert capsys.readouterr().err == f"sweep: 2 of 3 chunks found in {copy}\n"
    run(copy, chunk=None)  # chunks are those of the store
    assert saved == [1]
    assert contents(copy) == contents(truth)


# ---- Damage


def swap(one, other):
    one_bytes, other_bytes = one.read_bytes(), other.read_bytes()
    one.write_bytes(other_bytes)
    other.write_bytes(one_bytes)


def flip(file):
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 16
    file.write_bytes(raw)


VALUES, DIGEST = "total/c/1/0", "chunks/digest/c/1/0"
DAMAGES = {
    "truncated": lambda s, f: (s / f).write_bytes((s / f).read_bytes()[:-5]),
    "empty": lambda s, f: (s / f).write_bytes(b""),
    "zeroed": lambda s, f: (s / f).write_bytes(bytes(len((s / f).read_bytes()))),
    "a bit": lambda s, f: flip(s / f),
    "removed": lambda s, f: (s / f).unlink(),
    "a folder": lambda s, f: ((s / f).unlink(), (s / f).mkdir()),
    "another variable's": lambda s, f: shutil.copy(s / "both/c/1/0/0", s / f),
}


@pytest.mark.parametrize("file", [VALUES, DIGEST])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_chunk_is_computed_again(copy, truth, saved, capsys, damage, file):
    DAMAGES[damage](copy, file)
    if damage == "a folder":  # in the way of a file: cannot be mended, but must be told
        with pytest.raises(OSError, match=r"chunk 1 of the store could not be written"):
            run(copy)
        return
    run(copy)
    assert saved == [1]
    assert contents(copy) == contents(truth)
    said = capsys.readouterr().err
    silent = file == DIGEST and damage in ("removed", "zeroed")  # as if not computed yet
    assert ("chunk 1 of" in said and "computed again" in said) != silent


@pytest.mark.parametrize("with_digests", [False, True])
def test_swapped_chunks_are_computed_again(copy, truth, saved, with_digests):
    for name in weigh(PAIRS):
        (one,) = (p for p in (copy / name / "c/1").rglob("*") if p.is_file())
        swap(one, copy / name / "c/2" / one.relative_to(copy / name / "c/1"))
    if with_digests:
        swap(copy / "chunks/digest/c/1/0", copy / "chunks/digest/c/2/0")
    run(copy)
    assert saved == [1, 2]
    assert contents(copy) == contents(truth)


def test_a_chunk_of_another_sweep_is_computed_again(copy, truth, saved, tmp_path):
    run(tmp_path / "other.zarr", heavier)
    saved.clear()
    for file in (VALUES, DIGEST):
        shutil.copy(tmp_path / "other.zarr" / file, copy / file)
    run(copy)
    assert saved == [1]
    assert contents(copy) == contents(truth)


@pytest.mark.parametrize("damage", ["truncated", "empty", "removed", "zeroed"])
def test_damaged_coordinates_are_written_again(copy, truth, saved, capsys, damage):
    DAMAGES[damage](copy, "flux/c/0")
    run(copy)
    assert "axis 'flux' of" in capsys.readouterr().err
    assert saved == []
    assert contents(copy) == contents(truth)


@pytest.mark.parametrize("file", ["axis flux/c/0", "sample total/c/0", "zarr.json"])
def test_a_damaged_description_is_refused(copy, file):
    path = copy / "chunks" / file
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"lanes": ', b'"lanes": 1') if file == "zarr.json" else raw[:-9])
    before = contents(copy)
    with pytest.raises(ValueError, match="cannot be read"):
        run(copy)
    assert contents(copy) == before


def test_an_axis_that_is_gone(copy):
    (copy / "flux/zarr.json").unlink()
    with pytest.raises(ValueError, match="is damaged at its axis 'flux'"):
        run(copy)


def test_a_store_that_does_not_say_what_it_is(copy):
    (copy / "chunks/zarr.json").write_text("{")
    before = contents(copy)
    for options in ({}, {"overwrite": True}):
        with pytest.raises(ValueError, match=r"store must be .* one that a sweep has written, .* "):
            run(copy, **options)
    with pytest.raises(ValueError, match=r"store must be .* one that a sweep has written"):
        jd.load(copy)
    assert contents(copy) == before


# ---- Another study

OTHERS = {
    "device": (
        {"device": jd.Squid.from_pairs([(420, 80), (381, 90), (80, 90)], (0.4, 0.3))},
        r"another device: branches\.1\.first is 380\.0, got 381\.0",
    ),
    "branches": (
        {"device": jd.Squid.from_pairs([(1, 2)] * 4, [0.1] * 3)},
        r"another device: branches is \[\{.*, got \[\{",
    ),
    "axes": ({"axes": {**AXES, "flux": AXES["flux"] + 1}}, "other values of the axis 'flux'"),
    "points": ({"axes": {**AXES, "flux": [0.0]}}, "other values of the axis 'flux'"),
    "names": (
        {"axes": {"flux": AXES["flux"]}},
        "axes branches.0.first, flux, got flux",
    ),
    "order": ({"axes": dict(reversed(AXES.items()))}, "got flux, branches.0.first"),
    "function": ({"function": heavier}, "other values of 'total' at the same points"),
    "outputs": ({"function": lambda d: weigh(d)["both"]}, "the function has value"),
    "shape": ({"function": lambda d: weigh(d) | {"both": d.flux[:1]}}, "other values of 'both'"),
    "chunk": ({"chunk": 25}, r"chunks of \(2, 25\) points, got \(1, 25\)"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_store_of_another_study_is_refused(copy, truth, other):
    change, message = OTHERS[other]
    with pytest.raises(ValueError, match=f"holds another sweep, with .*{message}"):
        run(copy, **change)
    assert contents(copy) == contents(truth)
    run(copy, **change, overwrite=True)
    assert contents(copy) != contents(truth)


def test_a_store_of_another_version_is_refused(copy, truth, monkeypatch):
    monkeypatch.setattr(zarr_layout, "__version__", "0.0.9")
    with pytest.raises(ValueError, match=rf"with jaxdiode {jd.__version__}, this is 0\.0\.9"):
        run(copy)
    monkeypatch.undo()
    monkeypatch.setattr(zarr_layout, "_FORMAT", 0)
    with pytest.raises(ValueError, match="has format 1, this jaxdiode reads up to 0"):
        run(copy)
    assert contents(copy) == contents(truth)


class Scaled(jd.AbstractPhaseBiased):
    """A device with a function in it, which files do not hold."""

    size: jax.Array
    shape: Callable = eqx.field(static=True, default=jnp.sin)

    def current(self, phase):
        return self.size * self.shape(phase)


def test_a_device_that_has_no_table(tmp_path):
    call = (lambda d: d.size, {"size": [1.0, 2.0]})
    for size in (1.0, 1.0):
        data = jd.sweep(call[0], Scaled(jnp.array(size)), call[1], store=tmp_path / "map.zarr")
    assert np.array_equal(data["value"], [1.0, 2.0])
    with pytest.raises(ValueError, match="another device: Scaled"):
        jd.sweep(call[0], Scaled(jnp.array(3.0)), call[1], store=tmp_path / "map.zarr")


# ---- Arguments

REFUSED = {
    "shard 3/3": ({"shard": "3/3"}, "shard k/n must have 0 ≤ k < n, got 3/3"),
    "shard -1/3": ({"shard": "-1/3"}, "k of shard must be a whole number, at least 0, got -1"),
    "shard 0/0": ({"shard": "0/0"}, "n of shard must be a whole number, at least 1, got 0"),
    "shard text": ({"shard": "first"}, "shard must be \"k/n\" or .* got 'first'"),
    "shard half": ({"shard": (0.5, 2)}, "k of shard must be a whole number"),
    "shard number": ({"shard": 3}, 'shard must be "k/n"'),
    "shard and executor": (
        {"shard": "0/2", "executor": ThreadPoolExecutor(1)},
        "shard must be left out with an executor",
    ),
    "shard and overwrite": (
        {"shard": "0/2", "overwrite": True},
        r"overwrite \(--force\) must be left out for a shard",
    ),
    "executor": ({"executor": "dask"}, "executor must have submit, .* got str"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arguments_that_are_refused(truth, case, unchecked):
    options, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        run(truth, **options)


def test_a_file_and_a_store(tmp_path):
    with pytest.raises(ValueError, match="path must be left out where a store is given"):
        jd.sweep(weigh, PAIRS, AXES, store=tmp_path / "map.zarr", path=tmp_path / "map.nc")


@pytest.mark.parametrize("name", ["shard", "executor"])
def test_what_needs_a_store(name):
    with pytest.raises(ValueError, match=f"{name} needs a store"):
        jd.sweep(weigh, PAIRS, AXES, **{name: "0/2"})


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_store_is_kept(tmp_path, overwrite):
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("precious")
    for name in ("file", "folder", "file/store"):
        with pytest.raises((ValueError, OSError), match="store"):
            run(tmp_path / name, overwrite=overwrite)
    assert {p.read_text() for p in tmp_path.rglob("file")} == {"precious"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("key", ["flux", "a/b", ""])
def test_outputs_that_cannot_be_labelled_are_refused_at_once(tmp_path, key):
    with pytest.raises(ValueError, match=r"function must .*name"):
        run(tmp_path / "map.zarr", lambda device: {key: device.flux[0]})
    assert list(tmp_path.iterdir()) == []


def test_without_zarr(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError, match=r"pip install 'jaxdiode\[cluster\]'"):
        run(tmp_path / "map.zarr")


# ---- At the same time


@pytest.mark.filterwarnings("ignore:Consolidated metadata")  # silenced, but not in two threads
def test_two_at_once(truth, tmp_path):
    """From the creation on; both find the right store."""
    path = tmp_path / "map.zarr"
    together = threading.Barrier(2)

    def one(_):
        together.wait()
        return run(path)

    with ThreadPoolExecutor(2) as pool:
        for data in pool.map(one, range(2)):
            assert np.array_equal(data["total"], jd.load(truth)["total"])
    assert contents(path) == contents(truth)
    assert [p.name for p in tmp_path.iterdir()] == ["map.zarr"]


def test_another_process_was_first_with_other_chunks(tmp_path, monkeypatch):
    """Machines with more memory take larger chunks; who comes second takes those that are there."""
    path = tmp_path / "map.zarr"
    real = zarr_layout._write

    def write(unfinished, *args):
        real(unfinished, *args)
        monkeypatch.setattr(zarr_layout, "_write", real)
        run(path, chunk=25)

    monkeypatch.setattr(zarr_layout, "_write", write)
    data = run(path, chunk=None)
    assert data["total"].encoding["chunks"] == (1, 25)
    assert np.array_equal(data["total"], jd.sweep(weigh, PAIRS, AXES, chunk=25)["total"])


def test_open_zarr_at_any_moment(truth, tmp_path, monkeypatch):
    """Whatever is there is right, and the rest NaN, −1 or false."""
    path, expected = tmp_path / "map.zarr", jd.load(truth).load()
    monkeypatch.setattr(Program, "ahead", lambda *_: 0)
    unknown = {"status": -1, "positive": False}
    seen = set()
    real = ZarrStore.save

    def look():
        data = xarray.open_zarr(path).load()
        assert dict(data.sizes) == dict(expected.sizes)
        rows = []
        for name, variable in expected.items():
            found, right = data[name].values, variable.values
            same = [np.array_equal(a, b, equal_nan=True) for a, b in zip(found, right, strict=True)]
            none = [
                np.all(np.isnan(a) if name not in unknown else a == unknown[name]) for a in found
            ]
            assert all(a or b for a, b in zip(same, none, strict=True))
            rows.append(sum(same))
        seen.add(tuple(rows))

    def save(self, number, values):
        for name in self._variables:  # one variable after the other, looked at between
            look()
            variable = self._variables[name]
            array = np.asarray(self.blocks.shaped(number, values[name]))
            variable[self._place(number, variable)] = array
        look()
        real(self, number, values)

    monkeypatch.setattr(ZarrStore, "save", save)
    run(path)
    look()
    assert len(seen) > COUNT
    assert contents(path) == contents(truth)


# ---- Boxes


@pytest.mark.parametrize("grid", [(1,), (7,), (6, 25), (3, 1, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("most", [1, 2, 7, 30, 1000])
def test_boxes_cover_the_grid_once(grid, most):
    blocks = Blocks(grid, most)
    assert blocks.size <= most
    points = np.concatenate([blocks.points(k) for k in range(blocks.count)])
    assert np.array_equal(np.sort(points), np.arange(np.prod(grid)))
    filled = np.full(grid, -1)
    for k in range(blocks.count):
        filled[blocks.region(k)] = blocks.shaped(k, blocks.points(k))
    assert np.array_equal(filled.ravel(), np.arange(np.prod(grid)))
