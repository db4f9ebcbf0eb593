"""Whatever stands in a file or on the command line: exit code 0 or 2, one sentence, nothing lost.

What costs minutes and is not tested here (searches, fits, figures) is left out: a study that
is reached counts as a success. 100 cases of each kind; `slow` runs a thousand.
"""

import os
import random
import shutil
import sys

import jaxtyping
import pytest
import xarray

import jaxdiode as jd
from tests import fuzz

FEW, MANY = range(100), range(int(os.environ.get("JAXDIODE_FUZZ", "1000")))


@pytest.fixture(autouse=True)
def unchecked(tmp_path, monkeypatch):
    """Users do not have the type checks of the test suite."""
    jaxtyping.config.update("jaxtyping_disable", True)
    monkeypatch.chdir(tmp_path)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def accept(*_, **__):
    raise SystemExit(0)


@pytest.fixture
def quick(monkeypatch):
    """Studies end where they begin to compute."""
    for module, name in [
        ("jaxdiode.studies.design", "maximise"),
        ("jaxdiode.studies.fit", "fit"),
        ("jaxdiode.studies.sweep.store", "Store"),
        ("jaxdiode.demo", "run_demo"),
        ("jaxdiode.devices.kapitza.junction", "iv_curve"),
    ]:
        __import__(module)
        monkeypatch.setattr(sys.modules[module], name, accept)
    monkeypatch.setattr(sys.modules["jaxdiode.studies.sweep.verb"], "Store", accept)
    for kind in (jd.AbstractDevice, jd.AbstractPhaseBiased, jd.KapitzaJunction, jd.PhaseSlipWire):
        monkeypatch.setattr(kind, "report", accept)
    monkeypatch.setattr(jd.PhaseSlipWire, "trace", accept)
    monkeypatch.setattr(jd.PhaseSlipWire, "limits", accept)


def check(folder, seeds, case):
    """`case(dice)` writes files and returns a command line."""
    failures, counts = [], {0: 0, 2: 0}
    for seed in seeds:
        dice = random.Random(seed)
        line = case(dice)
        before = fuzz.snapshot(folder)
        try:
            code, _, err = fuzz.outcome(*line)
        except Exception as error:
            failures.append((seed, f"{line}: {error!r}"))
            continue
        counts[code] = counts.get(code, 0) + 1
        if found := fuzz.complaint(code, err):
            failures.append((seed, f"{line}: {found}"))
        after = fuzz.snapshot(folder)
        if changed := [str(p) for p, raw in before.items() if after.get(p) != raw]:
            failures.append((seed, f"{line}: changed: {changed}"))
    print(f"{len(seeds)} cases: {counts}, {len(failures)} of them bad")
    assert not failures, "\n".join(f"seed {seed}: {what}" for seed, what in failures)


FIT = fuzz.SMALL[1]


def device_files(folder):
    (folder / "data.csv").write_text(fuzz.TABLES[0])

    def case(dice):
        text = dice.choice(fuzz.TEXTS)
        raw = fuzz.mutate_text(dice, text, fuzz.mutate_toml)
        (folder / "device.toml").write_bytes(raw)
        command = dice.choice(fuzz.commands(text))
        data = ["data.csv"] if command == "fit" else []
        return [command, "device.toml", *data, "--no-cache", "--force"]

    return case


def measurements(folder):
    (folder / "device.toml").write_text(FIT)

    def case(dice):
        raw = fuzz.mutate_text(dice, dice.choice(fuzz.TABLES), fuzz.mutate_table)
        (folder / "data.csv").write_bytes(fuzz.encode(dice, raw))
        line = ["fit", "device.toml", "data.csv", "--no-cache"]
        for role in ("--coil", "--plus", "--minus"):
            if dice.random() < 0.15:
                line.append(f"{role}={dice.choice(fuzz.NAMED)}")
        return line

    return case


def command_lines(folder):
    (folder / "device.toml").write_text(FIT)
    (folder / "data.csv").write_text(fuzz.TABLES[0])
    (folder / "folder").mkdir()
    (folder / "old").mkdir()
    for name in ("result.json", "sweep.nc", "cpr.png"):
        (folder / "old" / name).write_text("precious")
    (folder / "link").symlink_to("nowhere")
    return fuzz.command_line


CASES = {"device files": device_files, "measurements": measurements, "lines": command_lines}


# ---- Partial sweeps: for real, but for the figure

SWEEP = fuzz.SMALL[0].replace("points = 5", "points = 24")


class Figure:
    def savefig(self, path):
        pass


@pytest.fixture
def unfinished(tmp_path, monkeypatch):
    """A folder of all chunks to copy, the file that is right, and chunks of another device."""
    monkeypatch.setattr(sys.modules["jaxdiode"].plot, "dataset", lambda data: Figure())
    made = []
    for name, text in (("own", SWEEP), ("foreign", SWEEP.replace("sine = [1.0", "sine = [2.0"))):
        (tmp_path / "device.toml").write_text(text)
        with monkeypatch.context() as patch:
            patch.setattr(xarray.Dataset, "to_netcdf", lambda *_, **__: 1 / 0)
            code, _, err = fuzz.outcome(*LINE, "--out", name)
        assert code == 2, err
        made.append(tmp_path / name / "sweep.nc.partial")
    (tmp_path / "device.toml").write_text(SWEEP)
    assert fuzz.outcome(*LINE, "--out", "truth")[0] == 0
    return (*made, xarray.load_dataset(tmp_path / "truth/sweep.nc", engine="h5netcdf"))


LINE = ("sweep", "device.toml", "--chunk", "5", "--no-cache")


def check_partial_sweeps(folder, seeds, own, foreign, truth):
    """The right file, or a refusal after which every chunk is still there."""
    failures, counts = [], {0: 0, 2: 0}
    for seed in seeds:
        dice = random.Random(seed)
        out = folder / f"case {seed}"
        partial = shutil.copytree(own, out / "sweep.nc.partial")
        what = [fuzz.damage(dice, partial, foreign) for _ in range(dice.choice([1, 1, 2, 4]))]
        force = ["--force"] if dice.random() < 0.3 else []
        before = fuzz.snapshot(out)
        try:
            code, _, err = fuzz.outcome(*LINE, "--out", out, *force)
        except Exception as error:
            failures.append((seed, f"{what}: {error!r}"))
            continue
        counts[code] = counts.get(code, 0) + 1
        if found := fuzz.complaint(code, err):
            failures.append((seed, f"{what}: {found}"))
        if code == 0:
            data = xarray.load_dataset(out / "sweep.nc", engine="h5netcdf")
            if not data.identical(truth):
                failures.append((seed, f"{what}: another result"))
            before = {p: raw for p, raw in before.items() if fuzz.is_foreign(p)}
        after = fuzz.snapshot(out)
        if lost := [p.name for p, raw in before.items() if after.get(p) != raw]:
            failures.append((seed, f"{what}: lost {lost}"))
        shutil.rmtree(out)
    print(f"{len(seeds)} partial sweeps: {counts}, {len(failures)} of them bad")
    assert not failures, "\n".join(f"seed {seed}: {what}" for seed, what in failures)


@pytest.mark.slow
def test_a_hundred_partial_sweeps(tmp_path, unfinished):
    check_partial_sweeps(tmp_path, FEW, *unfinished)


@pytest.mark.slow
def test_a_thousand_partial_sweeps(tmp_path, unfinished):
    check_partial_sweeps(tmp_path, MANY, *unfinished)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", CASES)
def test_a_hundred(tmp_path, quick, kind):
    check(tmp_path, FEW, CASES[kind](tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_a_thousand(tmp_path, quick, kind):
    check(tmp_path, MANY, CASES[kind](tmp_path))


# ---- Devices for real


NUMBERS = [0.0, -0.0, 1.0, -1.0, 1e-300, 5e-324, 1e-160, 1e-9, 1e9, 1e150, 1e160, 1e300, -1e300]
MADE = [
    '[device]\ntype = "Harmonics"\nsine = [{}, {}]\ncosine = [{}, {}]\n',
    '[device]\ntype = "SeriesJunctions"\nfirst = {}\nsecond = {}\n',
    '[device]\ntype = "Squid.from_pairs"\npairs = [[{}, {}], [{}, 1]]\nflux = {}\n',
    '[device]\ntype = "AndreevModes"\namplitude = {}\ntransparency = {}\ngap = {}\n'
    "temperature = {}\n",
]


@pytest.mark.slow
def test_extreme_numbers_for_real(tmp_path, monkeypatch):
    """Numbers and a status, or a sentence; only the figure is left out."""
    monkeypatch.setattr(sys.modules["jaxdiode"].plot, "current_phase", lambda *_, **__: Figure())

    def case(dice):
        text = dice.choice(MADE)
        numbers = [dice.choice(NUMBERS) for _ in range(text.count("{}"))]
        (tmp_path / "device.toml").write_text(text.format(*numbers))
        out = tmp_path / f"out{dice.random()}"
        return ["evaluate", "device.toml", "--no-cache", "--out", out]

    check(tmp_path, range(300), case)


# ---- What a mutation would seldom find


def test_a_coil_in_another_unit_is_refused(tmp_path):
    (tmp_path / "device.toml").write_text(fuzz.SMALL[1])
    rows = "".join(f"{1000 * x},5,4\n" for x in range(4))
    (tmp_path / "data.csv").write_text("coil,plus,minus\n" + rows)
    code, _, err = fuzz.outcome("fit", "device.toml", "data.csv")
    assert code == 2
    assert "1 would change the flux by 1e+03 flux quanta from point to point" in err
    (tmp_path / "data.csv").write_text("coil (mA),plus,minus\n" + rows)
    (tmp_path / "device.toml").write_text(fuzz.SMALL[1].replace("[fit]", '[fit]\ncoil_unit = "V"'))
    assert "'mA' cannot be turned into 'V'" in fuzz.outcome("fit", "device.toml", "data.csv")[2]


def test_force_keeps_the_old_result_until_there_is_a_new_one(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sweep.nc").write_text("precious")
    text = fuzz.SMALL[0].replace("start = 0", "start = nan")
    (tmp_path / "device.toml").write_text(text)
    code, _, err = fuzz.outcome("sweep", "device.toml", "--out", "out", "--force", "--no-cache")
    assert code == 2, err
    (tmp_path / "device.toml").write_text(text.replace('"cosine.1" = { s', '"cosin" = { s'))
    assert fuzz.outcome("sweep", "device.toml", "--out", "out", "--force", "--no-cache")[0] == 2
    assert (tmp_path / "out/sweep.nc").read_text() == "precious"
