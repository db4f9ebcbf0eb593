"""Leads, rounding, curves that are cut and few points: what is read, and what is said of it."""

import numpy as np
import pytest
from scipy.optimize import brentq

import jaxdiode as jd

from .maps import dataset, latching, noisy, overdamped, scores

CURRENT = np.linspace(-2, 2, 401)
FIELD = np.linspace(0, 1, 7)
PLUS, MINUS = 1 + 0.2 * np.cos(FIELD), 0.8 + 0.1 * FIELD


def field_map(current=CURRENT, noise=0.004, leads=0.0):
    voltage = noisy(overdamped(current, PLUS, MINUS), noise) + leads * current
    return dataset(current, voltage, ("B", "I"), B=("B", FIELD, {"units": "T"}))


@pytest.mark.parametrize("given", [0.5, 0.9])
def test_more_leads_than_the_plateaus_have(given):
    """The plateaus' slope is that of a line through them, by numpy."""
    map = field_map(leads=0.25)
    inner = np.abs(CURRENT) < 0.6
    own = np.mean([np.polyfit(CURRENT[inner], v[inner], 1)[0] for v in map["V"].values])
    message = rf"uV/uA: the plateaus have (.*) of it; {given} is more than there is"
    with pytest.raises(ValueError, match=message) as caught:
        jd.lab.switching_currents(map, series_resistance=given)
    said = float(str(caught.value).split("plateaus have ")[1].split()[0])
    assert said == pytest.approx(own, abs=1e-3)


def test_more_leads_than_some_plateaus_have():
    """Curves with less than what is given are not known; the others are as they were."""
    map = field_map(leads=0.25)
    map["V"].values[2:5] += 0.5 * CURRENT
    found = jd.lab.switching_currents(map, series_resistance=0.75)
    wanted = [jd.Status.LEADS_TOO_LARGE] * 2 + [0] * 3 + [jd.Status.LEADS_TOO_LARGE] * 2
    assert found.statuses[0].tolist() == found.statuses[1].tolist() == wanted
    assert np.all(np.abs(found.plus - np.hypot(PLUS, found.threshold))[2:5] < 0.01)
    assert "of it; 0.75 is more than there is" in found.summary()
    assert "falls with the bias" in found.summary()


@pytest.mark.parametrize("given", [None, 0.0, 0.25])
def test_leads_that_are_there_are_not_called_too_large(given):
    leads = 0.25 if given is None else given
    found = jd.lab.switching_currents(field_map(leads=leads), series_resistance=given)
    assert not found.statuses[:2].any()
    assert "more than there is" not in found.summary()


def test_a_little_more_than_the_plateaus_have_is_said():
    """Of a threshold of .054 it is .03 at the edge: currents are known, by less than an error."""
    found = jd.lab.switching_currents(field_map(leads=0.25), series_resistance=0.27)
    assert "of it; 0.27 is more than there is" in found.summary()
    assert np.all(np.abs(found.plus - np.hypot(PLUS, found.threshold)) < 0.01)


@pytest.mark.parametrize(
    ("width", "noise"), [(0.05, 0.02), (0.05, 0.05), (0.15, 0.02), (0.1, 0.02), (0.1, 0.01)]
)
def test_rounding_is_no_resistance_of_leads(width, noise):
    """V = w ln(1 + exp((|I| − I_c)/w)) − V(0): no leads; the error holds what is taken for them."""

    def one(current, limit):
        return width * (
            np.logaddexp(0, (np.abs(current) - limit) / width) - np.logaddexp(0, -limit / width)
        )

    shape = np.sign(CURRENT) * one(CURRENT, np.where(CURRENT > 0, 1.0, 0.8))
    map = dataset(CURRENT, noisy(np.repeat(shape[None], 300, 0), noise, 2), ("B", "I"))
    found = jd.lab.switching_currents(map)
    for value, error, limit in ((found.plus, found.plus_error, 1.0),
                                (found.minus, found.minus_error, 0.8)):  # fmt: skip
        truth = brentq(lambda i, c=limit: one(i, c) - found.threshold, 0, 2)
        bias, share = scores(value, error, truth)
        assert abs(bias) < 0.5
        assert share > 0.63
    # What R_s moves is at most R_s I_c over the slope at the threshold, which is V'(I) there.
    slope = 1 - np.exp(-found.threshold / width)
    moved = found.series_resistance / slope
    assert moved < 1.1 * np.median(found.plus_error) or "was taken off as the leads'" in str(
        found.notes
    )


def test_leads_that_move_edges_are_noted():
    """3 % of the normal state, 2.5 errors of the edges; with less of it nothing is said."""
    limit = np.where(CURRENT > 0, 1.0, 0.8)
    rest = np.abs(CURRENT) - limit
    shape = np.sign(CURRENT) * np.where(rest > 0, rest, 0)  # R = 1, no steeper at the edge
    for leads, said in ((0.03, True), (0.001, False)):
        values = noisy(np.repeat((shape + leads * CURRENT)[None], 20, 0), 0.002)
        found = jd.lab.switching_currents(dataset(CURRENT, values, ("B", "I")))
        assert found.series_resistance == pytest.approx(leads, abs=1e-3)
        assert ("was taken off as the leads'" in found.summary()) == said


def test_curves_that_are_cut_off_before_zero():
    """They never came to zero bias: nothing is said of what is there."""
    map = field_map()
    values = map["V"].values
    values[0, np.abs(CURRENT) < 1.4] = np.nan
    values[1, CURRENT < 1.4] = np.nan
    values[2, CURRENT > -1.4] = np.nan
    values[3] = 1.1 * CURRENT  # resistive at zero bias, indeed
    found = jd.lab.switching_currents(map)
    S = jd.Status
    assert found.statuses[0].tolist() == [S.NOT_SWEPT] * 3 + [S.NO_ZERO_VOLTAGE_STATE, 0, 0, 0]
    assert found.statuses[1].tolist() == [S.NOT_SWEPT] * 3 + [S.NO_ZERO_VOLTAGE_STATE, 0, 0, 0]
    assert "1 × the phase runs already at zero bias" in found.summary()
    assert "3 × the measured bias does not show this edge" in found.summary()


def test_a_threshold_that_no_curve_reaches():
    """Without hysteresis, both ends of the bias are said not to reach it."""
    with pytest.raises(ValueError, match="no edge") as caught:
        jd.lab.switching_currents(field_map(), threshold=1000.0)
    assert "does not cross the threshold" in str(caught.value)
    assert "never had this sign" not in str(caught.value)


def test_a_threshold_far_up_is_no_jump():
    """√(I² − I_c²) up to 4 I_c: at 1.2 R_n I_c the step is no jump; V = I beyond I_c is one."""
    current = 2 * CURRENT
    smooth = noisy(overdamped(current, PLUS, MINUS), 0.004)
    found = jd.lab.switching_currents(dataset(current, smooth, ("B", "I"), B=FIELD), threshold=1.2)
    assert "latches" not in found.summary()
    for value, limit in ((found.plus, PLUS), (found.minus, MINUS)):
        assert np.all(np.abs(value - np.hypot(limit, 1.2)) < 0.02)
    jump = noisy(latching(current, PLUS, MINUS, 0.5 * PLUS, 0.5 * MINUS)[0], 0.004)
    assert "latches" in jd.lab.switching_currents(dataset(current, jump, ("B", "I"))).summary()


@pytest.mark.parametrize("points", [13, 15, 17])
@pytest.mark.parametrize("threshold", [None, 0.2])
def test_curves_of_few_points(points, threshold):
    """The last three samples of a side stand for the normal state where a fifth has fewer."""
    rng = np.random.default_rng(points)
    got, step = [], 4 / (points - 1)
    for seed in range(20):
        current = np.linspace(-2, 2, points) + rng.uniform(-0.5, 0.5) * step
        plus, minus = rng.uniform(0.9, 1.1, (2, 20))
        voltage = noisy(overdamped(current, plus, minus), 0.01, seed) + 0.3 * current + 0.2
        found = jd.lab.switching_currents(
            dataset(current, voltage, ("B", "I")), threshold=threshold
        )
        off = found.currents[:2] - np.hypot([plus, minus], found.threshold)
        got.append((off / found.errors[:2])[np.isfinite(off)])
    off = np.concatenate(got)
    assert off.size > 0.9 * 20 * 40
    assert abs(np.mean(off)) < 0.3
    assert np.mean(np.abs(off) < 1) > 0.6


@pytest.mark.parametrize(("more", "said"), [(0.0, False), (0.001, False), (0.01, True)])
def test_leads_that_differ_between_curves_are_noted(more, said):
    """Three curves with other leads; their edges move by ΔR I_c/R, R = 1, of which errors know
    nothing."""
    limit = np.where(CURRENT > 0, 1.0, 0.8)
    rest = np.abs(CURRENT) - limit
    shape = np.sign(CURRENT) * np.where(rest > 0, rest, 0)
    for seed in range(5):
        values = noisy(np.repeat((shape + 0.05 * CURRENT)[None], 20, 0), 0.002, seed)
        values[5:8] += more * CURRENT
        field = np.arange(20.0)
        found = jd.lab.switching_currents(dataset(CURRENT, values, ("B", "I"), B=("B", field)))
        notes = [note for note in found.notes if "do not share one resistance" in note]
        assert bool(notes) == said
        if said:
            (note,) = notes
            largest = float(note.split(" uV/uA, beyond")[0].split(" to ")[-1])
            assert largest == pytest.approx(0.06, abs=8e-4)  # 3 errors of a slope
            moved = np.median(found.plus[5:8]) - np.median(np.delete(found.plus, [5, 6, 7]))
            told = float(note.split("by up to ")[1].split()[0])
            assert told == pytest.approx(-moved, abs=0.003)


@pytest.mark.parametrize("noise", [0.001, 0.02])
def test_curves_of_one_resistance_share_it(noise):
    """Currents that differ and are rounded a little are no other leads."""
    limits = 1 + 0.3 * np.cos(6 * FIELD)

    def one(limit, width=0.02):
        rest = np.logaddexp(0, (np.abs(CURRENT) - limit) / width) - np.logaddexp(0, -limit / width)
        return np.sign(CURRENT) * width * rest

    voltage = np.array([one(np.where(CURRENT > 0, x, 0.8 * x)) for x in limits])
    for values in (voltage, overdamped(CURRENT, limits, 0.8 * limits)):
        map = dataset(CURRENT, noisy(values + 0.1 * CURRENT, noise), ("B", "I"))
        assert "share one resistance" not in str(jd.lab.switching_currents(map).notes)
