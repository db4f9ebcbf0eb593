"""The README's table is that of the committed JSON, the suite's arithmetic, and every script tiny.

Peers that are not installed are skipped with the reason that the suite gives; what is ours is
measured against the same references as there, but with other sizes.
"""

import importlib
import json
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from benchmarks import environment, gpu, growth, run, table

FIGURES = {
    "environment": {"device": "cpu", "processor": "A & B", "cores": 2, "jax": "0.10"},
    "seconds": {"squid": 3.0},
    "skipped": {"circuits": "pyjjasim is not installed"},
    "rows": {"squid": [{"task": "η", "us": 15.234, "error": 9.9e-14, "peer": "NumPy",
                        "peer us": 1670.7, "peer error": 8.03e-5, "ratio": 109.67},
                       {"task": "map", "us": 2.5e6, "error": None}]},
}  # fmt: skip


def test_readme_has_the_table_of_the_committed_file():
    name, shown = table.block(table.README.read_text())
    figures = json.loads((environment.RESULTS / name).read_text())
    assert shown == table.table(figures)


def test_committed_files_have_every_part_or_say_why_not():
    for path in environment.RESULTS.glob("suite-*.json"):
        figures = json.loads(path.read_text())
        done = {part for part, rows in figures["rows"].items() if rows}
        assert done | set(figures["skipped"]) == set(run.PARTS), path.name


def test_table_by_hand():
    lines = table.table(FIGURES).splitlines()
    assert lines[2] == "| η | 15 µs | 1e-13 | NumPy | 1.7 ms | 8e-05 | 110 |"
    assert lines[3] == "| map | 2.5 s |  |  |  |  |  |"
    assert lines[-2:] == [
        "A & B, 2 cores; jax 0.10.",
        "Skipped: circuits, pyjjasim is not installed.",
    ]


def test_a_text_without_table_is_named():
    with pytest.raises(ValueError, match="no table of benchmarks between <!-- benchmarks"):
        table.block("# README")


def test_row_by_hand():
    ours = {"cpu": 2.0, "clock": 1.0, "first": 5.0}
    theirs = {"cpu": 3.0, "clock": 3.0, "first": 3.0}
    found = environment.row("x", ours, 4, 1e-9, peer="NumPy", theirs=theirs, peer_count=2)
    assert (found["us"], found["us on the clock"], found["peer us"]) == (5e5, 2.5e5, 1.5e6)
    assert found["ratio"] == 3.0


def test_parts_that_were_run_replace_those_of_the_file():
    old = {"seconds": {"squid": 1.0, "circuits": 0.0}, "skipped": {"circuits": "absent"},
           "rows": {"squid": [1], "circuits": []}}  # fmt: skip
    new = {"seconds": {"circuits": 2.0}, "skipped": {}, "rows": {"circuits": [2]}}
    found = run.merged(old, new)
    assert found["skipped"] == {}
    assert found["rows"] == {"squid": [1], "circuits": [2]}
    assert found["seconds"] == {"squid": 1.0, "circuits": 2.0}


def test_a_peer_that_is_absent_skips_its_part_with_a_reason(monkeypatch):
    def rows():
        yield FIGURES["rows"]["squid"][0]
        environment.require("no_such_peer")

    monkeypatch.setattr(run.importlib, "import_module", lambda name: SimpleNamespace(rows=rows))
    found = run.run(["circuits"])
    assert found["rows"]["circuits"] == FIGURES["rows"]["squid"][:1]
    assert found["skipped"]["circuits"] == (
        "no_such_peer is not installed: pip install -r benchmarks/peers.txt"
    )


# What rows() takes to be quick, and what the error of any row may be at most.
SMALL = {
    "squid": ({"side": 3, "sampled": 6}, 1e-11),
    "extended": ({"side": 3}, 1e-9),
    "circuits": ({"count": 5, "loops": 1}, 1e-9),
    "circuits_in_time": ({"count": 2}, 1e-8),
    "kapitza": ({"biases": 12, "side": 2}, 1e-8),
    "nonequilibrium": ({"count": 40}, 1e-9),
    "usadel": ({"points": 1, "rounds": 1}, 2e-6),
    "wire": ({"duration": 20.0, "finer": (40, 80)}, 1e-2),
}
DEAR = {"usadel"}


def test_every_part_has_a_small_size():
    assert tuple(SMALL) == run.PARTS


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(part, marks=pytest.mark.slow if part in DEAR else pytest.mark.thorough)
        for part in SMALL
    ],
)
def test_rows_of_a_part(part):
    options, most = SMALL[part]
    rows = importlib.import_module(f"benchmarks.{part}").rows(**options)
    found, absent = [], ""
    try:
        found.extend(rows)
    except ModuleNotFoundError as error:
        absent = str(error)
    assert not absent or absent.endswith("pip install -r benchmarks/peers.txt")
    if absent and not found:
        pytest.skip(absent)
    for row in found:
        complete(row, most)
    assert len({row["task"] for row in found}) == len(found) > 0


def complete(row, most):
    numbers = ["count", "us", "us on the clock"]
    if "peer" in row:
        numbers += ["peer us", "peer us on the clock", "ratio"]
        assert row["ratio"] == row["peer us"] / row["us"]
        assert row["peer"]
        assert row["error"] is None or 0 <= row["peer error"] < 1
    assert all(np.isfinite(row[name]) and row[name] > 0 for name in numbers), row
    assert row["first call (s)"] >= 0
    assert row["error"] is None or 0 <= row["error"] < most, row
    assert json.loads(json.dumps(row)) == row


@pytest.mark.thorough
def test_wire_of_the_benchmark_against_numpy():
    """Our side of the part, for which no peer is needed; errors fall like the step squared."""
    wire = importlib.import_module("benchmarks.wire")
    exact = wire.extrapolated(20.0, (40, 80))
    errors = [
        np.max(np.abs(np.asarray(wire.simulated(h, 20.0, wire.at_rest(h)).mean_voltage) - exact))
        for h in (0.5, 0.25)
    ]
    assert errors[0] < 1e-2
    assert errors[1] < 0.4 * errors[0]


@pytest.mark.thorough
def test_gpu_rows_small(tmp_path):
    path = tmp_path / "results" / "gpu.json"
    figures = gpu.run(path, small=True)
    assert json.loads(path.read_text()) == figures
    assert [row["task"] for row in figures["rows"]] == [task for task, *_ in gpu.ROWS]
    for row in figures["rows"]:
        assert "failed" not in row, row
        assert row["per second"] > 0
        assert row["finite"] > 0.5, row
    assert figures["environment"]["device"] == jax.devices()[0].device_kind


def test_a_row_that_fails_is_its_reason_and_others_go_on(tmp_path):
    def broken(count):
        raise MemoryError(f"{count} do not fit\nsecond line")

    rows = (
        ("broken", broken, 10, 1),
        ("fine", lambda count: (count, lambda: jax.numpy.ones(count)), 10, 1),
    )
    found = gpu.run(tmp_path / "gpu.json", small=False, rows=rows)["rows"]
    assert found[0] == {"task": "broken", "failed": "MemoryError: 10 do not fit"}
    assert (found[1]["task"], found[1]["count"], found[1]["finite"]) == ("fine", 10, 1.0)
    late = gpu.run(tmp_path / "gpu.json", small=False, limit=-1.0, rows=rows)["rows"]
    assert [row["failed"] for row in late] == ["not begun: -1 s were over"] * 2


@pytest.mark.thorough
def test_growth_small(tmp_path):
    figures = growth.measure(small=True)
    assert len(figures) == 6
    for found in figures.values():
        assert len(found["sizes"]) == len(found["seconds"]) == 2
        assert all(t > 0 for t in found["seconds"])
    growth.draw(figures, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes()[1:4] == b"PNG"


def test_slope_of_growth_by_hand():
    cubic = [(n, 2e-6 * n**3) for n in (1, 2, 4, 8, 16)]
    assert growth.slope([(1, 5.0), (2, 5.0), *cubic[2:]]) == pytest.approx(3.0, abs=1e-12)
    assert growth.slope([(1, 4.0), (2, 2.0)]) == pytest.approx(-1.0, abs=1e-12)
