"""Whatever stands in a file or on the command line: exit code 0 or 2, one sentence, nothing lost.

What costs minutes and is not what is tested here (searches, fits, figures) is left out: a study that
is reached counts as a success. 100 cases of each kind; `slow` runs a thousand.
"""

import os
import random
import sys

import jaxtyping
import pytest

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
        ("jaxdiode.evaluation", "evaluate"),
        ("jaxdiode.design", "maximise"),
        ("jaxdiode.fit", "fit"),
        ("jaxdiode.sweep.store", "Store"),
        ("jaxdiode.demo", "run_demo"),
        ("jaxdiode.devices.kapitza.transport", "iv_curve"),
    ]:
        __import__(module)
        monkeypatch.setattr(sys.modules[module], name, accept)
    monkeypatch.setattr(sys.modules["jaxdiode.sweep.verb"], "Store", accept)
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


@pytest.mark.parametrize("kind", CASES)
def test_a_hundred(tmp_path, quick, kind):
    check(tmp_path, FEW, CASES[kind](tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_a_thousand(tmp_path, quick, kind):
    check(tmp_path, MANY, CASES[kind](tmp_path))
