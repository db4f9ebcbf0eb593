"""What long work says on stderr where that is no terminal."""

import pytest

from jaxdiode import progress


@pytest.mark.parametrize(("seconds", "lines"), [(0.05, 0), (1.0, 9), (10.0, 10)])
def test_progress_in_a_log(monkeypatch, capsys, seconds, lines):
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    for _ in progress.track(range(97), "sweep", 97, True):
        clock[0] += seconds
    said = capsys.readouterr().err.splitlines()
    assert len(said) == lines
    if lines:
        assert said[-1] == f"sweep: 97 of 97 after {97 * seconds:.0f} s"
        assert all(" s left" in line for line in said[:-1])
    list(progress.track(range(97), "sweep", 97, False))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("durations", "lines"),
    [
        ([15.0] + 29 * [0.01], []),  # the first compiles, the others come at once
        (
            [30.0] + 19 * [5.0],
            [
                *(f"sweep: {k} of 20 after {25 + 5 * k} s, about {5 * (20 - k)} s left"
                  for k in range(2, 20, 2)),
                "sweep: 20 of 20 after 125 s",
            ],
        ),
        (
            [20.0, 5.0, 5.0],
            [
                "sweep: 1 of 3 after 20 s",
                "sweep: 2 of 3 after 25 s, about 5 s left",
                "sweep: 3 of 3 after 30 s",
            ],
        ),
    ],
)  # fmt: skip
def test_the_first_step_is_no_part_of_the_estimate(monkeypatch, capsys, durations, lines):
    clock, count = [0.0], len(durations)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    for k in progress.track(range(count), "sweep", count, True):
        clock[0] += durations[k]
    assert capsys.readouterr().err.splitlines() == lines
