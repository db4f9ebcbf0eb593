"""Periods, time reversal, gate maps and histograms of what was read."""

import numpy as np
import pytest
import scipy.stats

import jaxdiode as jd

from .maps import dataset, noisy, overdamped

FIELD = np.linspace(-30, 50, 321)  # µT
PERIOD, OFFSET = 9.5, 3.2


def rows(seed, noise=0.03, shift=0.0, width=40.0):
    """A two-harmonic pattern that time reversal maps on itself about OFFSET."""

    def pattern(b):
        turn = 2 * np.pi * b / PERIOD
        envelope = np.exp(-((b / width) ** 2))
        return 1 + envelope * (0.3 * np.cos(turn - 0.4) + 0.1 * np.cos(2 * turn + 0.3))

    b = FIELD - OFFSET
    plus, minus = pattern(b) + shift, pattern(-b) - shift
    rng = np.random.default_rng(seed)
    return plus + noise * rng.normal(size=b.size), minus + noise * rng.normal(size=b.size)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("width", "names"), [(1e3, ("period", "current_offset")), (40.0, ("offset", "current_offset"))]
)
def test_errors_cover_the_truth(width, names):
    """The period of an even pattern, the offset of one with an envelope that tells it."""
    found = [jd.lab.flux_period((FIELD, *rows(k, shift=0.02, width=width))) for k in range(60)]
    for name in names:
        truth = {"period": PERIOD, "offset": OFFSET, "current_offset": 0.02}[name]
        value = np.array([getattr(x, name) for x in found])
        error = np.array([getattr(x, f"{name}_error") for x in found])
        off = (value - truth) / error
        assert abs(np.mean(off)) < 0.35, name
        assert 0.5 < np.mean(np.abs(off) < 1) < 0.9, name
    assert all(x.asymmetry < 0.3 for x in found)


@pytest.mark.thorough
def test_an_envelope_makes_the_period_less_sure():
    """What the model does not hold counts as correlated noise: never too small an error."""
    off = [
        (found.period - PERIOD) / found.period_error
        for found in (jd.lab.flux_period((FIELD, *rows(k))) for k in range(20))
    ]
    assert np.mean(np.abs(off) < 1) > 0.68


@pytest.mark.parametrize(
    ("parts", "period"),
    [
        ((0.05, 0.3, 0.05), PERIOD),  # the second harmonic is the largest
        ((0.02, 0.3, 0.0), PERIOD),  # the first lies below the noise of a point
        ((0.05, 0.04, 0.3), PERIOD),
        ((0.0, 0.3, 0.0), PERIOD / 2),
        ((0.3, 0.1, 0.0), PERIOD),
    ],
)
@pytest.mark.parametrize("width", [40.0, 1e3])
def test_an_overtone_may_be_the_strongest(parts, period, width):
    random, b = np.random.default_rng(5), FIELD - OFFSET

    def pattern(b):
        turn = 2 * np.pi * b / PERIOD * np.arange(1, 4)[:, None] - np.array([[0.4], [-0.3], [-0.1]])
        return 1 + np.exp(-((b / width) ** 2)) * (np.array(parts) @ np.cos(turn))

    for noise in (0.0, 0.03):
        data = np.stack([pattern(b), pattern(-b)]) + noise * random.normal(size=(2, b.size))
        found = jd.lab.flux_period((FIELD, *data))
        assert found.period == pytest.approx(period, rel=0.02), noise
        assert found.candidates[0] == found.period


@pytest.mark.thorough
def test_noise_makes_no_period_longer():
    found = [jd.lab.flux_period((FIELD, *rows(k, width=1e3))).period for k in range(100, 200)]
    assert max(found) < 1.02 * PERIOD


def test_offset_of_a_periodic_pattern_is_known_up_to_half_a_period():
    b = FIELD - OFFSET
    plus, minus = (1 + 0.3 * np.cos(2 * np.pi * s * b / PERIOD - 0.4) for s in (1, -1))
    found = jd.lab.flux_period((FIELD, plus, minus))
    assert found.offset == pytest.approx(OFFSET - PERIOD / 2, abs=0.02)  # the nearest to zero
    assert found.offsets.size > 5
    assert np.allclose(np.diff(found.offsets), PERIOD / 2, atol=0.05)
    assert "as good" in found.summary()


def test_no_symmetry_is_told():
    """I₋ of another device: nothing maps it on I₊."""
    rng = np.random.default_rng(1)
    plus = 1 + 0.3 * np.cos(2 * np.pi * FIELD / PERIOD)
    minus = 1 + 0.3 * np.cos(2 * np.pi * FIELD / 6.1 + 1) + 0.05 * rng.normal(size=FIELD.size)
    assert jd.lab.flux_period((FIELD, plus, minus)).asymmetry > 0.7


@pytest.mark.thorough
def test_noise_has_no_period():
    rng = np.random.default_rng(2)
    known = 0
    for _ in range(20):
        found = jd.lab.flux_period((FIELD, *(1 + 0.1 * rng.normal(size=(2, FIELD.size)))))
        known += np.isfinite(found.period)
        assert (found.status == 0) == np.isfinite(found.period)
    assert known <= 1
    assert "not known" in jd.lab.flux_period((FIELD, *np.ones((2, FIELD.size)))).summary()


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units(scale):
    plus, minus = rows(0)
    one = jd.lab.flux_period((FIELD, plus, minus))
    other = jd.lab.flux_period((scale * FIELD, plus / scale, minus / scale))
    assert other.period == pytest.approx(scale * one.period, rel=1e-6)
    assert other.period_error == pytest.approx(scale * one.period_error, rel=1e-3)
    assert other.offset == pytest.approx(scale * one.offset, rel=1e-6)
    assert other.current_offset == pytest.approx(one.current_offset / scale, rel=1e-6)
    assert other.asymmetry == pytest.approx(one.asymmetry, rel=1e-6)


def test_measured_interferometer(shared):
    """The owner's reading: 9.5 µT, η from −.14 to .35, ⟨I₊⟩ .40 µA above ⟨I₋⟩."""
    folder = shared / "data" / "diode_vs_field"
    if not folder.is_dir():
        pytest.skip("the measured currents are not here")
    plus, minus = (np.loadtxt(folder / f"kay164Ic{s}.csv", delimiter=",", skiprows=1) for s in "+-")
    found = jd.lab.flux_period((1e6 * plus[:, 0], 1e6 * plus[:, 1], 1e6 * minus[:, 1]))
    assert found.period == pytest.approx(9.5, abs=0.1)
    assert found.period_error < 0.1
    eta = (found.plus - found.minus) / (found.plus + found.minus)
    assert (eta.min(), eta.max()) == pytest.approx((-0.14, 0.35), abs=5e-3)
    assert found.mean_difference == pytest.approx(0.40, abs=5e-3)
    assert found.asymmetry < 0.5 * found.asymmetry_without
    text = found.summary()
    assert "either a bias offset" in text
    assert "or a diode" in text


@pytest.mark.parametrize(
    ("found", "arguments", "said"),
    [
        ((FIELD, FIELD), {}, "must be of switching_currents or"),
        ((FIELD, FIELD, FIELD[:3]), {}, "three rows of one length"),
        ((FIELD[:5], FIELD[:5], FIELD[:5]), {}, "at least 12 points"),
        ((FIELD, FIELD, FIELD), {"shortest": -1.0}, "shortest must be a positive"),
        ((FIELD, FIELD, FIELD), {"shortest": 3.0, "longest": 2.0}, "must be below longest"),
        ((0 * FIELD, FIELD, FIELD), {}, "must be different"),
    ],
)
def test_errors(found, arguments, said, unchecked):
    with pytest.raises(ValueError, match=said):
        jd.lab.flux_period(found, **arguments)


def read(**axes):
    """A map over these axes, extracted."""
    current = np.linspace(-2, 2, 201)
    shape = tuple(len(v) for v in axes.values())
    limit = 1 + 0.2 * np.random.default_rng(0).uniform(size=shape)
    map = dataset(current, overdamped(current, limit, limit), (*axes, "I"), **axes)
    for name, unit in (("B", "uT"), ("gate", "mV")):
        if name in map.coords:
            map[name].attrs["units"] = unit
    return jd.lab.switching_currents(map)


def test_results_are_taken_as_they_are():
    found = read(B=np.linspace(0, 1, 20))
    assert jd.lab.flux_period(found).field_unit == "uT"
    assert jd.lab.flux_period(found).unit == "uA"
    with pytest.raises(ValueError, match="it has B, T"):
        jd.lab.flux_period(read(B=np.arange(20.0), T=np.arange(2.0)))
    with pytest.raises(ValueError, match="unknown axis 'C'"):
        jd.lab.flux_period(found, "C")


def test_saved_and_drawn(tmp_path):
    found = jd.lab.flux_period((FIELD, *rows(0)))
    jd.save(tmp_path / "period.json", found)
    assert jd.load(tmp_path / "period.json").summary() == found.summary()
    assert len(found.plot().axes) == 2


def test_gate_map_is_in_volts():
    found = read(gate=np.linspace(-900, 0, 10))
    gate = jd.lab.gate_map(found, which="plus")
    assert float(gate.voltage[0]) == pytest.approx(-0.9)
    halves = jd.lab.gate_map(found, which="plus", share=0.5)
    assert np.allclose(halves.critical_current, gate.critical_current / 2)
    with pytest.raises(ValueError, match="must be a voltage, its unit is 'uT'"):
        jd.lab.gate_map(read(B=np.arange(3.0)))
    with pytest.raises(ValueError, match="other must be at most"):
        jd.lab.gate_map(found, other=10.0)
    with pytest.raises(ValueError, match="unknown which 'both'"):
        jd.lab.gate_map(found, which="both")


def test_gate_map_keeps_one_direction():
    """I₋ was never measured: I₊ makes a map, the mean none."""
    volts, plus = np.arange(4.0), np.array([1.0, 2.0, 3.0, 4.0])
    gate = jd.lab.gate_map((volts, plus, np.full(4, np.nan)), which="plus")
    assert np.allclose(gate.critical_current, plus)
    with pytest.raises(ValueError, match="at least 2 known points"):
        jd.lab.gate_map((volts, plus, np.full(4, np.nan)))


def gumbel(seed, repeats, lanes=()):
    """Currents as escape gives them: skewness −1.14, deviation .05."""
    rng = np.random.default_rng(seed)
    return 1 - rng.gumbel(scale=0.05 * np.sqrt(6) / np.pi, size=(*lanes, repeats))


@pytest.mark.thorough
def test_moments_and_their_errors():
    """200 histograms of 400 repeats: the exact moments of Gumbel's law are covered."""
    current = np.linspace(-2, 2, 1601)
    scale = 0.05 * np.sqrt(6) / np.pi
    mean, deviation, skewness = (
        1 - np.euler_gamma * scale,
        0.05,
        -scipy.stats.gumbel_r.stats(moments="s"),
    )
    limit = gumbel(0, 400, (40,))
    voltage = noisy((np.abs(current) > limit[..., None]) * current, 1e-3)
    map = dataset(current, voltage, ("B", "repeat", "I"), B=np.arange(40.0))
    found = jd.lab.histograms(jd.lab.switching_currents(map, hysteretic=False))
    for name, truth in (("mean", mean), ("deviation", deviation), ("skewness", skewness)):
        off = (getattr(found, name)[0] - truth) / getattr(found, f"{name}_error")[0]
        assert abs(np.mean(off)) < 0.5, name
        assert 0.5 < np.mean(np.abs(off) < 1) < 0.9, name
    assert np.allclose(found.mean[0], np.mean(limit, axis=1), atol=3e-4)
    assert np.allclose(found.own_deviation[0], np.std(limit, axis=1, ddof=1), rtol=0.02)


def test_reading_errors_are_told_apart():
    """Coarse steps widen a narrow distribution by step/√12, which own_deviation takes off."""
    current = np.linspace(-2, 2, 81)  # steps of .05
    limit = np.random.default_rng(0).normal(1.0, 0.02, 4000)
    map = dataset(current, (np.abs(current) > limit[:, None]) * current, ("repeat", "I"))
    found = jd.lab.histograms(jd.lab.switching_currents(map, hysteretic=False))
    assert found.instrument[0] == pytest.approx(0.05 / np.sqrt(12), rel=0.05)
    assert abs(found.own_deviation[0] - 0.02) < abs(found.deviation[0] - 0.02)


@pytest.mark.thorough
def test_histograms_stand_beside_theory(tmp_path):
    limit = gumbel(1, 200)
    current = np.linspace(-2, 2, 401)
    map = dataset(current, (np.abs(current) > limit[:, None]) * current, ("repeat", "I"))
    found = jd.lab.histograms(jd.lab.switching_currents(map, hysteretic=False))
    theory = jd.switching_distribution(jd.TunnelJunction(1.2), noise=0.02, rate=1e-4)
    assert theory.mean.shape == found.mean.shape
    assert len(found.plot(theory=theory).axes) == 1
    assert "skewness" in found.summary()
    jd.save(tmp_path / "histogram.json", found)
    assert jd.load(tmp_path / "histogram.json").summary() == found.summary()


def test_few_repeats_have_no_moments():
    found = jd.lab.histograms(read(repeat=np.arange(4)))
    assert np.all(found.status == jd.Status.TOO_FEW_POINTS)
    assert np.all(np.isnan(found.mean))
    assert "I+   4 repeats, fewer than the 8 that moments with errors need" in found.summary()
    current = np.linspace(-2, 2, 101)
    voltage = np.ones((5, 3, 1)) * overdamped(current, 1.0, 0.9)
    map = dataset(current, voltage, ("repeat", "B", "I"))
    several = jd.lab.histograms(jd.lab.switching_currents(map)).summary()
    assert "status: 6 of 6 distributions have 5 repeats" in several
    assert "plateau" not in several
    with pytest.raises(ValueError, match="unknown axis 'repeat'"):
        jd.lab.histograms(read(B=np.arange(4.0)))
