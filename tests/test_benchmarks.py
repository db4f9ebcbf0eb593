"""The README's table is that of the committed JSON, and the suite's own arithmetic."""

import json
from types import SimpleNamespace

import pytest

from benchmarks import environment, run, table

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
