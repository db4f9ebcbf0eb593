"""Every transition of a ramp: hold → verdict → next step and record, on states made by hand.

Nothing is integrated. Unit of currents 2, direction −1 where signs matter.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.dynamics.climb import (
    COARSE,
    SWITCHED,
    Climb,
    Held,
    Hold,
    Schedule,
    Verdict,
    classify,
    first_step,
    next_step,
    record,
)

UNIT, DOWN = jnp.asarray(2.0), jnp.asarray(-1.0)
FINE = COARSE.fine * 2.0
FIRST = COARSE.first * 2.0


def held(current=-0.5, phase=0.3, velocity=0.1, period=1):
    return Held(jnp.asarray(current), jnp.array([phase]), jnp.array([velocity]), jnp.array(period))


def climb(last=None, settled=None, **changes) -> Climb:
    """Stepping, two holds into the stay at −0.52 with a fine step, held at −0.5 before."""
    start = first_step(jnp.array([0.2]), UNIT, COARSE)
    last = held() if last is None else last
    found = start.found._replace(held=last, settled=last if settled is None else settled)
    found = found._replace(**{k: changes.pop(k) for k in ("gap", "flipped") if k in changes})
    values = {"target": -0.52, "size": FINE, "holds": 2, "bisections": 0, "driven": True} | changes
    return start._replace(found=found, **{k: jnp.asarray(v) for k, v in values.items()})


def hold(moved=0.0, change=0.0, margin=1.0, advance=0.1) -> Hold:
    """At rest with the drive's period, far from a period doubling."""
    numbers = (jnp.asarray(float(x)) for x in (advance, moved, change, margin))
    return Hold(jnp.array([0.4]), jnp.array([0.7]), *numbers)


MOVES = {"moved": 1.0}  # not settled
TWICE = {"change": 1.0}  # repeats after two periods
RUNS = {"advance": 1.01 * SWITCHED, **MOVES}
LINGERS = {"margin": -0.5}
AT_REST = {"driven": False, "target": 0.0, "size": FIRST}
BISECTING = {"bisections": 2, "size": 0.01}
RESTLESS_BEFORE = {"last": held(period=0)}

# What a hold shows, where the ramp stands, the verdict.
VERDICTS = {
    "moves": (MOVES, {}, Verdict.UNDECIDED),
    "moves, in the first hold": (MOVES, {"holds": 0}, Verdict.UNDECIDED),
    "repeats, in the first hold": ({}, {"holds": 0}, Verdict.UNDECIDED),
    "repeats": ({}, {}, Verdict.SETTLED),
    "repeats after two periods": (TWICE, {}, Verdict.DOUBLED),
    "repeats after two periods, past a flip": (TWICE | LINGERS, {}, Verdict.DOUBLED),
    "repeats, past a flip": (LINGERS, {}, Verdict.LINGERS),
    "moves until patience ends": (MOVES, {"holds": COARSE.patience}, Verdict.RESTLESS),
    "moves almost as long": (MOVES, {"holds": COARSE.patience - 1}, Verdict.UNDECIDED),
    "lingers until patience ends": (LINGERS, {"holds": COARSE.patience}, Verdict.RESTLESS),
    "repeats as patience ends": ({}, {"holds": COARSE.patience}, Verdict.SETTLED),
    "moves, and did before": (
        MOVES,
        RESTLESS_BEFORE | {"holds": COARSE.restless},
        Verdict.RESTLESS,
    ),
    "moves, but had settled": (MOVES, {"holds": COARSE.restless}, Verdict.UNDECIDED),
    "runs": (RUNS, {}, Verdict.SWITCHED),
    "runs in the first hold": (RUNS, {"holds": 0}, Verdict.SWITCHED),
    "is NaN": (MOVES | {"advance": np.nan}, {}, Verdict.SWITCHED),
    "is NaN at last": (RUNS | {"margin": np.nan}, {}, Verdict.SWITCHED),
    # After a coarse step, all but a settled state is met again.
    "coarse, moves": (MOVES, {"size": FIRST}, Verdict.UNDECIDED),
    "coarse, runs": (RUNS, {"size": FIRST}, Verdict.TOO_COARSE),
    "coarse, doubled": (TWICE, {"size": FIRST}, Verdict.TOO_COARSE),
    "coarse, lingers": (LINGERS, {"size": FIRST}, Verdict.TOO_COARSE),
    "coarse, restless": (MOVES, {"size": FIRST, "holds": 8}, Verdict.TOO_COARSE),
    "coarse, settled": ({"margin": 0.6}, {"size": FIRST}, Verdict.SETTLED),
    # Steps larger than 2 × 0.08 of the margin are too close to a flip.
    "settled near a flip": ({"margin": 0.12}, {}, Verdict.TOO_CLOSE),
    "settled not so near": ({"margin": 0.14}, {}, Verdict.SETTLED),
    "settled near a flip, narrowest": ({"margin": 0.0}, {"size": 2 / 401}, Verdict.SETTLED),
    "doubled near a flip": (TWICE | {"margin": 0.01}, {}, Verdict.DOUBLED),
    # None of this while bisecting, or before the drive is on.
    "bisecting, runs": (RUNS, BISECTING | {"size": FIRST}, Verdict.SWITCHED),
    "bisecting, settled near a flip": ({"margin": 0.01}, BISECTING, Verdict.SETTLED),
    "at rest, runs": (RUNS, AT_REST, Verdict.SWITCHED),
    "at rest, doubled": (TWICE, AT_REST, Verdict.DOUBLED),
    "at rest, near a flip": ({"margin": 0.01}, AT_REST, Verdict.SETTLED),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(name):
    shown, stands, expected = VERDICTS[name]
    assert Verdict(int(classify(climb(**stands), hold(**shown), UNIT, COARSE))) is expected


def after(verdict, shown=None, **stands):
    """The state before, after one transition, and what was shown."""
    before, shows = climb(**stands), hold(**(shown or {}))
    following = next_step(before, shows, jnp.asarray(int(verdict)), DOWN, UNIT, COARSE)
    found = record(before, shows, jnp.asarray(int(verdict)), following)
    return before, following._replace(found=found), shows


def assert_holds_on(before, now, phase, velocity=0.7):
    np.testing.assert_allclose([now.phase[0], now.velocity[0]], [phase, velocity])
    assert (now.target, now.size, now.holds) == (before.target, before.size, before.holds + 1)
    assert (now.bisections, now.driven) == (before.bisections, before.driven)
    assert now.found.held == before.found.held
    assert now.found.settled == before.found.settled


def assert_goes_on(before, now, size):
    """To the next bias, from the state that was shown."""
    assert now.found.held.current == before.target
    np.testing.assert_allclose(now.target, before.target - size)
    np.testing.assert_allclose([now.phase[0], now.velocity[0]], [0.4, 0.7])
    np.testing.assert_allclose(now.size, size)
    assert now.holds == 0
    assert now.driven


def assert_goes_back(before, now, size):
    """To a step from the bias held before, and its state."""
    assert now.found.held == before.found.held
    np.testing.assert_allclose(now.target, before.found.held.current - size)
    np.testing.assert_allclose([now.phase[0], now.velocity[0]], [0.3, 0.1])
    np.testing.assert_allclose(now.size, size)
    assert now.holds == 0


def test_undecided_holds_on():
    before, now, _ = after(Verdict.UNDECIDED, MOVES)
    assert_holds_on(before, now, 0.4)
    assert now.attracting
    assert not now.found.flipped


def test_undecided_past_a_flip_is_recorded_once():
    before, now, _ = after(Verdict.UNDECIDED, MOVES | LINGERS)
    assert_holds_on(before, now, 0.4)
    assert not now.attracting
    assert now.found.flipped
    assert now.found.flip == before.found.held
    assert now.found.past_flip.current == before.target
    np.testing.assert_allclose(now.found.past_flip.phase, 0.42)
    assert now.found.past_flip.period == 0


@pytest.mark.parametrize(
    "stands",
    [
        {"flipped": jnp.array(True)},
        {"attracting": False},
        {"last": held(period=2)},
        {"holds": 0},
        AT_REST,
    ],
)
def test_no_flip_is_recorded(stands):
    """Known, not attracting, after a doubled state, in the first hold, before the drive is on."""
    before, now, _ = after(Verdict.UNDECIDED, MOVES | LINGERS, **stands)
    assert now.found.flip == before.found.flip
    assert now.found.flipped == before.found.flipped


@pytest.mark.parametrize("verdict", [Verdict.SWITCHED, Verdict.TOO_COARSE, Verdict.TOO_CLOSE])
def test_no_flip_at_a_bias_that_does_not_count(verdict):
    before, now, _ = after(verdict, LINGERS)
    assert not now.found.flipped
    assert now.attracting == before.attracting


def test_lingering_is_pushed():
    before, now, _ = after(Verdict.LINGERS, LINGERS)
    assert_holds_on(before, now, 0.42)
    assert not now.attracting
    assert now.found.flipped


@pytest.mark.parametrize(
    ("margin", "size"), [(1.0, 0.16), (2.0, FIRST), (0.2, 0.032), (-1e-3, 2 / 800)]
)
def test_settled_goes_on_by_the_margin(margin, size):
    before, now, _ = after(Verdict.SETTLED, {"margin": margin})
    assert_goes_on(before, now, size)
    assert now.found.held.period == 1
    assert now.found.settled == now.found.held
    assert now.bisections == 0
    assert np.isinf(now.found.gap)
    assert now.attracting == (margin > 0)


@pytest.mark.parametrize(("verdict", "period"), [(Verdict.DOUBLED, 2), (Verdict.RESTLESS, 0)])
def test_doubled_or_restless_goes_on_finely(verdict, period):
    before, now, _ = after(verdict, TWICE, size=0.01)
    assert_goes_on(before, now, FINE)
    assert now.found.held.period == period
    settles = verdict == Verdict.DOUBLED
    assert now.found.settled == (now.found.held if settles else before.found.settled)
    # After a restless bias the settled one keeps its distance to the first that was not.
    np.testing.assert_allclose(now.found.gap, np.inf if settles else 0.02)


def test_gap_is_the_nearest():
    _, now, _ = after(Verdict.RESTLESS, gap=jnp.array(0.013))
    np.testing.assert_allclose(now.found.gap, 0.013)


def test_switched_bisects():
    before, now, _ = after(Verdict.SWITCHED, RUNS)
    assert_goes_back(before, now, 0.5 * FINE)
    assert now.bisections == 1
    assert not now.found.running
    np.testing.assert_allclose(now.found.gap, 0.02)


def test_held_while_bisecting_halves_too():
    before, now, _ = after(Verdict.SETTLED, **BISECTING)
    assert_goes_on(before, now, 0.005)
    assert now.bisections == 3
    # The bias that failed lies twice the new step ahead.
    np.testing.assert_allclose(now.found.gap, 0.01)


def test_too_coarse_goes_back_to_fine_steps():
    before, now, _ = after(Verdict.TOO_COARSE, RUNS, size=FIRST)
    assert_goes_back(before, now, FINE)
    assert now.bisections == 0
    assert now.found == before.found


def test_too_close_goes_back_to_a_safe_step():
    before, now, _ = after(Verdict.TOO_CLOSE, {"margin": 0.1})
    assert_goes_back(before, now, 2 * 0.08 * 0.1)
    assert now.bisections == 0
    assert now.found == before.found


def test_start_turns_up_the_drive_at_zero_bias():
    start = first_step(jnp.array([0.2]), UNIT, COARSE)
    assert (start.target, start.holds, start.bisections) == (0.0, 0, 0)
    assert not start.driven
    assert start.found.held.period == 1
    np.testing.assert_allclose(start.size, FIRST)


@pytest.mark.parametrize(
    ("verdict", "shown", "doubled"),
    [
        (Verdict.SETTLED, {}, False),
        (Verdict.SETTLED, LINGERS, True),
        (Verdict.DOUBLED, TWICE, True),
        (Verdict.RESTLESS, MOVES, True),
        (Verdict.UNDECIDED, MOVES, False),
        (Verdict.LINGERS, LINGERS, True),
    ],
)
def test_doubled_at_rest(verdict, shown, doubled):
    """The last hold at zero bias says so; the step stays the first."""
    before, now, _ = after(verdict, shown, **AT_REST)
    assert now.found.doubled_at_rest == doubled
    if verdict not in (Verdict.UNDECIDED, Verdict.LINGERS):
        assert_goes_on(before, now, FIRST)
        assert now.bisections == 0


def test_at_rest_a_switch_means_running():
    _, now, _ = after(Verdict.SWITCHED, RUNS, **AT_REST)
    assert now.found.running
    assert now.bisections == 0


def test_later_verdicts_leave_what_was_found_at_rest():
    _, now, _ = after(Verdict.DOUBLED, TWICE)
    assert not now.found.doubled_at_rest


def test_steps_of_a_measurement_are_its_first():
    """A first step smaller than the fine one bounds both."""
    schedule = Schedule(first=1 / 200)
    for shows in (hold(), hold(change=1.0)):
        before = climb(size=0.01)
        verdict = classify(before, shows, UNIT, schedule)
        now = next_step(before, shows, verdict, DOWN, UNIT, schedule)
        np.testing.assert_allclose(now.size, 0.01)
