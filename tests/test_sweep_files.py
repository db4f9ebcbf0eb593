"""Sweeps on disk: damaged, foreign and missing files, two processes, modes, what is readable."""

import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
import time

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxdiode as jd
from jaxdiode.studies.sweep.program import Program

PAIRS = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.4, 0.3))
AXES = {"branches.0.first": np.array([1.0, 2.5]), "flux": np.linspace(0, 1, 25)}
CHUNKS = [f"{start:012d}.npz" for start in range(0, 50, 8)]


def weigh(device):
    """Cheap, different for every parameter; a number, a whole number and a list."""
    leaves = [jnp.sum(jnp.asarray(leaf) ** 2) for leaf in jax.tree.leaves(device)]
    total = sum((k + 1.0) * leaf for k, leaf in enumerate(leaves))
    return {"total": total, "whole": jnp.asarray(total, int), "both": device.flux * total}


def heavier(device):
    return {k: 2 * v for k, v in weigh(device).items()}


def run(folder, function=weigh, **options):
    options = {"path": folder / "sweep.nc", "chunk": 8} | options
    return jd.sweep(function, PAIRS, AXES, **options)


def stopped(folder, function=weigh):
    """Every chunk on disk, the file not written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xarray.Dataset, "to_netcdf", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(folder, function)
    return folder / "sweep.nc.partial"


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    return run(tmp_path_factory.mktemp("truth"))


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    """A folder of all chunks, to copy."""
    return stopped(tmp_path_factory.mktemp("unfinished"))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """The same of another function: equal names, shapes and types."""
    return stopped(tmp_path_factory.mktemp("foreign"), heavier)


@pytest.fixture
def partial(tmp_path, unfinished):
    return shutil.copytree(unfinished, tmp_path / "sweep.nc.partial")


@pytest.fixture
def evaluations(monkeypatch):
    counted = []
    real = Program.start
    monkeypatch.setattr(Program, "start", lambda *a: (counted.append(1), real(*a))[1])
    return counted


def rewrite(change):
    def damage(file, foreign):
        with np.load(file) as saved:
            arrays = dict(saved)
        change(arrays)
        np.savez(file, **arrays)

    return damage


def flip(file, foreign):
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 16
    file.write_bytes(raw)


def one_array(file, foreign):
    with file.open("wb") as opened:
        np.save(opened, np.ones(8))


DAMAGES = {
    "truncated": lambda file, _: file.write_bytes(file.read_bytes()[:300]),
    "end cut": lambda file, _: file.write_bytes(file.read_bytes()[:-1]),
    "empty": lambda file, _: file.write_bytes(b""),
    "text": lambda file, _: file.write_text("precious"),
    "pickle": lambda file, _: file.write_bytes(pickle.dumps({"total": np.ones(8)})),
    "pickles inside": rewrite(lambda a: a.update({"value total": np.array([{}] * 8)})),
    "one array": one_array,
    "a bit": flip,
    "shape": rewrite(lambda a: a.update({"value total": np.ones(7)})),
    "type": rewrite(lambda a: a.update({"value total": np.ones(8, np.float32)})),
    "a name more": rewrite(lambda a: a.update({"value more": np.ones(8)})),
    "a name less": rewrite(lambda a: a.pop("value whole")),
    "another place": lambda file, _: shutil.copy(file.with_name(CHUNKS[4]), file),
    "another sweep": lambda file, foreign: shutil.copy(foreign / file.name, file),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_chunk_is_computed_again(
    partial, foreign, truth, evaluations, capsys, damage, tmp_path
):
    DAMAGES[damage](partial / CHUNKS[2], foreign)
    data = run(tmp_path)
    xarray.testing.assert_identical(data, truth)
    assert len(evaluations) == 2  # the sample and this chunk
    found, said = capsys.readouterr().err.splitlines()
    assert found.startswith("sweep: 7 of 7 chunks found")
    assert said.startswith(f"sweep: chunk {partial / CHUNKS[2]} is damaged (")
    assert said.endswith(") and computed again")
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.nc"]


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "a bit"])
def test_damaged_inputs(partial, foreign, truth, evaluations, capsys, damage, tmp_path):
    """The chunks are kept if the first has the values of the sweep, else nothing is touched."""
    DAMAGES[damage](partial / "inputs.npz", foreign)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="left-overs of a sweep with other inputs"):
        run(tmp_path, heavier)
    assert contents(tmp_path) == before
    evaluations.clear()
    xarray.testing.assert_identical(run(tmp_path), truth)
    assert len(evaluations) == 1
    assert "inputs.npz is damaged (" in capsys.readouterr().err


def test_damaged_inputs_and_no_chunk(partial, truth, tmp_path):
    for file in partial.iterdir():
        file.write_bytes(b"")
    xarray.testing.assert_identical(run(tmp_path), truth)


def test_damaged_inputs_and_chunks_that_cannot_be_recognised(partial, tmp_path):
    (partial / "inputs.npz").write_bytes(b"")
    (partial / CHUNKS[0]).unlink()
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="left-overs of a sweep with other inputs"):
        run(tmp_path)
    assert contents(tmp_path) == before


def contents(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
        for p in sorted(folder.rglob("*"))
        if p.name != "lock"
    }


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("sweep.nc", "path must be a file to write, .* is a folder"),
        ("sweep.nc.partial/000000000016.npz", "path needs the file .* where a folder is"),
        ("sweep.nc.partial/inputs.npz", "path needs the file .* where a folder is"),
        ("sweep.nc.partial/lock", "path must lie where files can be written"),
    ],
)
def test_folders_in_the_way(tmp_path, place, message):
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "precious").write_text("precious")
    with pytest.raises(ValueError, match=message):
        run(tmp_path)
    assert (tmp_path / place / "precious").read_text() == "precious"


def test_files_in_the_way(tmp_path):
    (tmp_path / "sweep.nc.partial").write_text("precious")
    with pytest.raises(ValueError, match=r"needs a folder .*partial' beside it, where a file is"):
        run(tmp_path)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ValueError, match="path must lie where files can be written"):
        run(tmp_path / "file")
    assert {p.read_text() for p in tmp_path.iterdir()} == {"precious"}


def test_other_files_in_the_folder_are_kept(partial, truth, capsys, tmp_path):
    (partial / "notes.txt").write_text("precious")
    (partial / ".000000000016.npz.0123abcd.npz").write_text("left by a killed process")
    xarray.testing.assert_identical(run(tmp_path), truth)
    assert [p.name for p in partial.iterdir()] == ["notes.txt"]
    assert "is kept, it holds files that are not the sweep's" in capsys.readouterr().err


def test_overwrite_replaces_only_at_the_end(tmp_path, truth):
    path = tmp_path / "sweep.nc"
    path.write_text("precious")
    with pytest.raises(ValueError, match="path must not exist yet"):
        run(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xarray.Dataset, "to_netcdf", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(tmp_path, overwrite=True)
    assert path.read_text() == "precious"
    run(tmp_path, overwrite=True)
    xarray.testing.assert_identical(jd.load(path), truth)


@pytest.mark.parametrize("key", ["flux", "a/b", ""])
def test_outputs_that_cannot_be_labelled_are_refused_at_once(tmp_path, key):
    with pytest.raises(ValueError, match=r"function must .*name"):
        run(tmp_path, lambda device: {key: device.flux[0]})
    with pytest.raises(ValueError, match=r"function must .*name"):
        run(tmp_path, lambda device: {key: device.flux[0]}, path=None)
    assert list(tmp_path.iterdir()) == []


def test_a_grid_beyond_all_memory():
    axes = {"flux": np.zeros(10**5), "branches.0.first": np.ones(10**5), "branches.1": [1.0, 2.0]}
    with pytest.raises(ValueError, match=r"axes must span at most 1e\+10 points .* got 2e\+10"):
        jd.sweep(weigh, PAIRS, axes)


# ---- Modes


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_files_follow_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        partial = stopped(tmp_path)
        made = [*partial.iterdir()]
        assert len(made) == len(CHUNKS) + 2
        modes = {stat.S_IMODE(p.stat().st_mode) for p in made}
        run(tmp_path)
        jd.save(tmp_path / "result.json", jd.TunnelJunction(1.0))
    finally:
        os.umask(before)
    modes |= {stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("sweep.nc", "result.json")}
    assert modes == {0o666 & ~mask}


# ---- What an unfinished sweep says


def test_an_unfinished_sweep_is_readable(partial, truth, tmp_path):
    for name in (CHUNKS[1], CHUNKS[6]):
        (partial / name).unlink()
    (partial / CHUNKS[4]).write_bytes(b"")
    data = jd.load(tmp_path / "sweep.nc")
    done = np.ones(50, bool)
    done[8:16] = done[48:] = done[32:40] = False
    assert np.array_equal(data["finished"].values.ravel(), done)
    for name, variable in truth.items():
        flat = data[name].values.reshape(50, -1)
        assert np.array_equal(flat[done], variable.values.reshape(50, -1)[done])
        assert np.all(np.isnan(flat[~done]) if flat.dtype.kind == "f" else flat[~done] == -1)
        assert data[name].dims == variable.dims
    for name in AXES:
        assert np.array_equal(data[name], AXES[name])
    assert data.attrs["device"] == repr(PAIRS)
    with np.load(partial / "inputs.npz") as inputs:  # and without this package
        assert np.array_equal(inputs["axis flux"], AXES["flux"])
        assert str(inputs["device"]) == repr(PAIRS)


def test_a_finished_sweep_is_readable(tmp_path, truth):
    run(tmp_path)
    xarray.testing.assert_identical(jd.load(tmp_path / "sweep.nc"), truth)


def test_what_is_no_sweep(tmp_path):
    with pytest.raises(ValueError, match="path must be that of a sweep"):
        jd.load(tmp_path / "none.nc")
    (tmp_path / "some.nc").write_text("text")
    with pytest.raises(ValueError, match="path must be the netCDF file of a sweep"):
        jd.load(tmp_path / "some.nc")


# ---- Two processes

SLOW = """
import sys, time, jax
jax.config.update("jax_enable_x64", True)
import numpy as np, jaxdiode as jd
from jaxdiode.studies.sweep import store
real = store.Store.save
def save(*args):
    real(*args)
    print("saved", flush=True)
    time.sleep(float(sys.argv[1]))
store.Store.save = save
def first(device):
    return device.sine[0]
jd.sweep(first, jd.Harmonics([1.0]), {"sine.0": np.arange(1.0, 5.0)}, chunk=1, path="sweep.nc")
"""


def first(device):
    return device.sine[0]


def test_a_second_process_is_refused_at_once_and_a_killed_one_leaves_no_lock(tmp_path):
    command = [sys.executable, "-c", SLOW, "300"]
    other = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    call = (first, jd.Harmonics([1.0]), {"sine.0": np.arange(1.0, 5.0)})
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "saved\n"
        began = time.monotonic()
        with pytest.raises(ValueError, match="is being written by another sweep that is running"):
            jd.sweep(*call, chunk=1, path=tmp_path / "sweep.nc")
        assert time.monotonic() - began < 2
        assert int(jd.load(tmp_path / "sweep.nc")["finished"].sum()) == 1
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    data = jd.sweep(*call, chunk=1, path=tmp_path / "sweep.nc")
    assert np.array_equal(data["first"], np.arange(1.0, 5.0))
    assert [p.name for p in tmp_path.iterdir()] == ["sweep.nc"]


def test_nothing_is_traced_before_the_path_is_known_to_be_free(tmp_path):
    (tmp_path / "sweep.nc").write_text("precious")
    with pytest.raises(ValueError, match="path must not exist yet"):
        run(tmp_path, lambda device: 1 / 0)


# ---- Any damage at all

Damage = st.tuples(
    st.sampled_from([*CHUNKS, "inputs.npz"]),
    st.sampled_from(["cut", "flip", "empty", "remove", "copy", "foreign", "insert"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 7),
)


def damage(partial, foreign, name, kind, where, bit):
    file = partial / name
    if not file.exists():
        return
    raw = file.read_bytes()
    at = int(where * len(raw))
    if kind == "remove":
        file.unlink()
    elif kind == "copy":
        shutil.copy(partial / CHUNKS[bit % len(CHUNKS)], file) if raw else None
    elif kind == "foreign":
        shutil.copy(foreign / name, file)
    else:
        changed = {
            "cut": raw[:at],
            "empty": b"",
            "insert": raw[:at] + bytes([bit]) + raw[at:],
            "flip": raw[:at] + bytes(b ^ (1 << bit) for b in raw[at : at + 1]) + raw[at + 1 :],
        }
        file.write_bytes(changed[kind])


def check_damages(folder, unfinished, foreign, truth, damages):
    """The right result, or a refusal that leaves every file as it is."""
    partial = shutil.copytree(unfinished, folder / "sweep.nc.partial")
    for one in damages:
        try:
            damage(partial, foreign, *one)
        except (FileNotFoundError, shutil.SameFileError):
            continue
    before = contents(folder)
    data, refused = None, ""
    try:
        data = run(folder, progress=False)
    except ValueError as error:
        refused = str(error)
    if data is None:
        assert "left-overs of a sweep with other inputs" in refused
        assert contents(folder) == before
        return "refused"
    xarray.testing.assert_identical(data, truth)
    assert [p.name for p in folder.iterdir()] == ["sweep.nc"]
    return "computed"


@pytest.mark.thorough
@hypothesis.settings(max_examples=60)
@hypothesis.given(st.lists(Damage, min_size=1, max_size=4))
def test_any_damage(tmp_path_factory, unfinished, foreign, truth, damages):
    check_damages(tmp_path_factory.mktemp("sweep"), unfinished, foreign, truth, damages)
