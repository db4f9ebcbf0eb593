"""Objectives over scatter: closed forms, common random numbers, and the published double loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxdiode as jd
from jaxdiode.studies.robust import retune
from jaxdiode.studies.robust.statistics import (
    RISKS,
    estimate,
    of_sample,
    paired,
    quantile_weights,
    tail_weights,
)
from jaxdiode.tolerance import Relative

JUNCTION = jd.TunnelJunction(2.0)
SCATTER = jd.Spread({"critical_current": Relative(0.3)})


def critical_current(device):
    return device.critical_current


def double_loop(e2, e4, e5, e6, flux):
    return jd.Squid.from_pairs([(420, e2), (380, e4), (e5, e6)], flux=[flux, flux])


NOMINAL = double_loop(64.73, 65.27, 49.21, 49.21, 0.4077)


def log_normal(level=0.1, threshold=1.7, median=2.0, s=0.3):
    """Mean, quantile, mean below it and share above the threshold of a log-normal number."""
    z = stats.norm.ppf(level)
    mean = median * np.exp(s**2 / 2)
    share = stats.norm.sf(np.log(threshold / median) / s)
    return {
        "mean": mean,
        "quantile": median * np.exp(s * z),
        "cvar": mean * stats.norm.cdf(z - s) / level,
        "yield": share,
    }


@pytest.mark.parametrize("risk", ["mean", "quantile", "cvar", "yield"])
def test_statistic_of_a_log_normal_number(risk):
    found = jd.robust(critical_current, SCATTER, risk=risk, threshold=1.7, samples=4096)
    # A Sobol sample of one number: far closer than 1/√4096. The blur of a yield costs h²/2 p'.
    tolerance = {"mean": 2e-3, "quantile": 5e-3, "cvar": 5e-3, "yield": 0.01}[risk]
    assert abs(float(found(JUNCTION)) - log_normal()[risk]) < tolerance


def test_fresh_statistics_have_the_errors_they_say():
    robustness = jd.robust(critical_current, SCATTER, risk="yield", threshold=1.7, samples=64)
    found = robustness.statistics(JUNCTION, key=5, samples=40_000)
    expected = log_normal()
    for name in ("mean", "quantile", "cvar"):
        error = getattr(found, f"{name}_error")
        assert abs(getattr(found, name) - expected[name]) < 4 * error
    assert abs(found.mean_error / (2 * np.sqrt(np.exp(0.09) * (np.exp(0.09) - 1) / 4e4)) - 1) < 0.03
    low, high = found.yield_interval
    assert low < expected["yield"] < high
    assert found.yield_fraction == np.mean(found.values >= 1.7)
    assert found.nominal == 2.0
    assert found.failed == 0


@pytest.mark.thorough
@pytest.mark.parametrize("risk", ["mean", "quantile", "cvar", "yield"])
def test_errors_cover_as_often_as_they_should(risk):
    generator = np.random.default_rng(7)
    hits, gains, pairs = 0, 0, 0
    for k in range(600):
        z, other = generator.standard_normal((2, 500))
        first = 2 * np.exp(0.3 * z)
        found = estimate(first, risk, 0.1, 1.7)
        hits += abs(found.value - log_normal()[risk]) < found.error
        # A design 2 % larger, with a little scatter of its own, on the same numbers.
        if risk == "quantile" and k >= 200:
            continue
        second = 2.04 * np.exp(0.3 * (z + 0.2 * other) / np.sqrt(1.04))
        gain, error = paired(second, first, risk, 0.1, 1.7)
        truth = log_normal(median=2.04)[risk] - log_normal()[risk]
        gains, pairs = gains + (abs(gain - truth) < error), pairs + 1
    assert 0.62 < hits / 600 < 0.745
    assert 0.6 < gains / pairs < 0.765  # three standard errors of 200


def test_weights_of_order_statistics():
    weights = quantile_weights(501, 0.3)
    assert abs(weights.sum() - 1) < 1e-12
    assert abs(weights @ np.arange(501) / 500 - 0.3) < 1e-3
    expected = stats.mstats.hdquantiles(np.arange(501.0) ** 2, [0.3])[0]
    np.testing.assert_allclose(weights @ np.arange(501.0) ** 2, expected, rtol=1e-12)
    np.testing.assert_allclose(tail_weights(10, 0.25)[:4], [0.4, 0.4, 0.2, 0.0])


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("risk", ["mean", "quantile", "cvar", "yield"])
def test_derivatives_are_those_of_the_common_sample_in_any_unit(risk, scale):
    robustness = jd.robust(
        lambda device: device.sine[0] + device.sine[1] ** 2 / scale, jd.Spread({"sine": "20 %"}),
        risk=risk, level=0.2, threshold=1.6 * scale, samples=128,
    )  # fmt: skip
    run = jax.jit(lambda x: robustness(jd.Harmonics(scale * x)))
    x = jnp.array([1.0, 0.8])
    slopes = jax.grad(run)(x)
    h = 1e-6
    for k in range(2):
        step = h * jnp.eye(2)[k]
        difference = (float(run(x + step)) - float(run(x - step))) / (2 * h)
        # Silverman's width cares for no unit: the yield and its slope have none.
        unit = 1.0 if risk == "yield" else scale
        assert abs(float(slopes[k]) - difference) < 2e-7 * unit
        assert abs(difference) > 0.05 * unit


@pytest.mark.thorough
@pytest.mark.parametrize("risk", ["mean", "quantile", "cvar", "yield"])
def test_without_scatter_it_is_the_objective_itself(risk):
    still = jd.Spread({"sine": "0 %", "cosine": 0.0})
    relation = jd.Harmonics([1.0, 0.3], [0.1, -0.2])
    robustness = jd.robust(jd.diode_efficiency, still, risk=risk, threshold=0.01, samples=16)
    value, slopes = jax.jit(jax.value_and_grad(robustness))(relation)
    nominal, expected = jax.value_and_grad(jd.diode_efficiency)(relation)
    if risk == "yield":
        assert float(value) == float(nominal >= 0.01)
        assert np.all(np.isfinite(slopes.sine))
    else:
        assert abs(float(value - nominal)) < 1e-14
        np.testing.assert_allclose(slopes.sine, expected.sine, rtol=1e-12)
        np.testing.assert_allclose(slopes.cosine, expected.cosine, rtol=1e-12)


def test_failed_devices():
    modes = jd.AndreevModes(1.0, 0.95)
    spread = jd.Spread({"transparency": 0.05})
    plain = jd.robust(lambda device: jnp.sum(device.transparency), spread, samples=64)
    assert np.isnan(float(plain(modes)))
    counted = jd.robust(
        lambda device: jnp.sum(device.transparency), spread, samples=4096, failed=0.0
    )
    # 0.95 + 0.05 z where that is at most 1, else 0.
    share, below = stats.norm.cdf(1.0), 0.95 * stats.norm.cdf(1.0) - 0.05 * stats.norm.pdf(1.0)
    assert abs(float(counted(modes)) - below) < 2e-3
    found = plain.statistics(modes, key=0, samples=2000, threshold=0.9)
    assert found.status == jd.Status.NONFINITE
    assert abs(found.failed / 2000 - (1 - share)) < 0.04
    assert f"{found.failed} devices have no result" in found.summary()
    expected = stats.norm.cdf(1.0) - stats.norm.cdf(-1.0)
    assert found.yield_interval[0] < expected < found.yield_interval[1]
    assert abs(found.mean - below / share) < 5 * found.mean_error


def ridge(device):
    """Largest at y = x of the knob y = cosine 1, where it is 0.3 x."""
    x, y = device.sine[0], device.cosine[0]
    return 0.3 * x - jnp.where(y > x, 2 * (y - x), 0.5 * (x - y))


def hill(device):
    x, y = device.sine[0], device.cosine[0]
    return 0.3 * x - (y - x**2) ** 2


def slope(device):
    """Largest at the end of the knob's reach."""
    return device.cosine[0] * device.sine[0]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("objective", "value", "by_sine", "by_knob"),
    [
        (ridge, 0.3 * 1.03, 0.3, 0.0),
        (hill, 0.3 * 1.03, 0.3, 0.0),
        (slope, 1.5 * 1.03, 1.5, 1.03),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_largest_over_a_knob(objective, value, by_sine, by_knob, several):
    relation = jd.Harmonics([1.03, 2.0], [1.0, 5.0])

    def both(device):
        return objective(device) - float(several) * jnp.abs(device.cosine[1] - 5.2)

    wanted = {"cosine.0": 0.5} | ({"cosine.1": 0.9} if several else {})
    moved = retune.knobs(relation, wanted)
    run = jax.jit(jax.value_and_grad(lambda device: retune.largest(both, device, moved)))
    found, slopes = run(relation)
    assert abs(float(found) - value) < (1e-5 if several else 1e-9)
    assert abs(float(slopes.sine[0]) - by_sine) < 1e-4
    assert abs(float(slopes.cosine[0]) - by_knob) < 1e-4
    assert abs(float(slopes.cosine[1])) < 1e-3


def test_a_knob_moves_all_parameters_of_its_name_alike():
    squid = jd.Squid.from_pairs([(100, 50), (80, 60), (70, 70)], flux=[0.3, 0.35])
    spread = jd.Spread({"flux": 0.01})
    robustness = jd.robust(
        lambda device: -((device.flux[0] - 0.32) ** 2) - (device.flux[1] - 0.35) ** 2,
        spread, retune=["flux"], samples=64,
    )  # fmt: skip
    assert robustness.retune == {"flux": pytest.approx(0.06)}
    rows = jnp.asarray(spread.numbers(squid, 5, 0))
    found = robustness.values_at(squid, rows)
    apart = 0.05 + 0.01 * (rows[:, 1] - rows[:, 0])
    np.testing.assert_allclose(found, -((apart - 0.03) ** 2) / 2, atol=1e-10)


def test_designs_compared():
    found = jd.robust(critical_current, SCATTER, risk="yield", threshold=1.7, samples=16).compare(
        jd.TunnelJunction(2.1), JUNCTION, key=3, samples=5000
    )
    truth = {name: log_normal(median=2.1)[name] - value for name, value in log_normal().items()}
    for name, gain in found.gains.items():
        assert abs(gain - truth[name]) < 4 * found.errors[name]
    # On the same numbers the difference of both is 5 % of each value, and so is its error.
    assert found.errors["mean"] < 0.06 * found.second.mean_error
    assert found.gains["yield"] == found.first.yield_fraction - found.second.yield_fraction
    assert "yield" in found.summary()


def test_results_come_back_from_files(tmp_path):
    robustness = jd.robust(critical_current, SCATTER, risk="yield", threshold=1.7, samples=16)
    for found in (
        robustness.statistics(JUNCTION, key=0, samples=50),
        robustness.compare(jd.TunnelJunction(2.1), JUNCTION, key=0, samples=50),
    ):
        jd.save(tmp_path / "found.json", found)
        again = jd.load(tmp_path / "found.json")
        assert again.summary() == found.summary()
        assert jax.tree.all(jax.tree.map(np.array_equal, again, found))
        assert again.as_dict().keys() == found.as_dict().keys()
        assert found.plot().axes


@pytest.mark.parametrize("failed", [None, 0.0, -1e6, 1e6])
def test_failed_devices_are_bad_ones_of_a_yield(failed):
    """A junction above 3 has no value: the blur is that of the others, whatever `failed` says."""

    def below_three(device):
        x = device.critical_current
        return jnp.where(x < 3, jnp.sqrt(jnp.where(x < 3, 3 - x, 1.0)), jnp.nan)

    robustness = jd.robust(
        below_three, SCATTER, risk="yield", threshold=0.5, samples=4096, failed=failed
    )
    share = stats.norm.cdf(np.log(2.75 / 2) / 0.3)
    slope, value = jax.grad(robustness)(JUNCTION), robustness(JUNCTION)
    assert abs(float(value) - share) < 0.01
    # d/dm Φ(ln(2.75/m)/s), beside what the smooth end at 3 takes: none, devices there fail.
    expected = -stats.norm.pdf(np.log(2.75 / 2) / 0.3) / (0.3 * 2)
    assert abs(float(slope.critical_current) - expected) < 0.03
    other = jd.TunnelJunction(2.2)
    found = robustness.statistics(JUNCTION, key=1, samples=2000)
    both = robustness.compare(JUNCTION, other, key=1, samples=2000)
    assert found.failed > 100
    assert found.yield_fraction == np.mean(np.nan_to_num(found.values, nan=-1.0) >= 0.5)
    assert both.gains["yield"] == both.first.yield_fraction - both.second.yield_fraction


@pytest.mark.thorough
def test_a_search_may_start_from_designs():
    space = jd.Space(jd.Harmonics([1.0, 0.3]), {"sine": (0.1, 3)})

    def peak(device):  # narrow, where no random start finds it
        return jnp.exp(-jnp.sum((device.sine - jnp.array([2.345, 1.234])) ** 2) / 1e-6)

    near = jd.Harmonics([2.3452, 1.2338])
    few = {"key": 0, "starts": 4, "steps": 20, "polish": 40, "rounds": 1}
    assert jd.maximise(peak, space, initial=near, **few).value > 0.999
    assert jd.maximise(peak, space, initial=[jd.Harmonics([1, 1]), near], **few).value > 0.999
    for given, message in (
        ([near] * 5, "at most as many devices as starts, 4"),
        (jd.Harmonics([1.0, 4.0]), "within the bounds of 'sine.1', 0.1 to 3, got 4"),
        (jd.TunnelJunction(1.0), "like that of the space"),
    ):
        with pytest.raises(ValueError, match=message):
            jd.maximise(peak, space, initial=given, **few)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"risk": "median"}, "risk"),
        ({"risk": "yield"}, "threshold must be given for a yield"),
        ({"level": 0.0}, "level must lie between 0 and 1, got 0.0"),
        ({"level": 1.0}, "level must lie between 0 and 1, got 1.0"),
        ({"threshold": np.nan}, "threshold must be a finite number, got nan"),
        ({"width": 0.0}, "width must be positive, got 0.0"),
        ({"samples": 1}, "samples must be a whole number, at least 2, got 1"),
        ({"key": -1}, "key must be a whole number, at least 0, got -1"),
        ({"failed": np.inf}, "failed must be a finite number, got inf"),
        ({"retune": ["critical_current"]}, "does not follow from a normal scatter of its own"),
        ({"retune": {"critical_current": -1.0}}, "must be positive, got -1.0"),
        ({"retune": 3}, "retune must be names"),
    ],
)
def test_options_that_are_none(options, message, unchecked):
    with pytest.raises(ValueError, match=message):
        jd.robust(critical_current, SCATTER, **options)


@pytest.mark.thorough
def test_what_cannot_be_asked(unchecked):
    with pytest.raises(ValueError, match="spread must be a Spread"):
        jd.robust(critical_current, {"critical_current": 0.1})
    with pytest.raises(ValueError, match="objective must be a function"):
        jd.robust(1.0, SCATTER)
    robustness = jd.robust(lambda device: device.sine, jd.Spread({"sine": "5 %"}), samples=4)
    with pytest.raises(ValueError, match="one number per device"):
        robustness(jd.Harmonics([1.0, 0.3]))
    twice = {"sine": 0.1, "sine.0": 0.1}
    robustness = jd.robust(
        lambda device: device.sine[0], jd.Spread({"sine": "5 %"}), samples=4, retune=twice
    )
    with pytest.raises(ValueError, match=r"'sine.0' came twice"):
        robustness(jd.Harmonics([1.0, 0.3]))
    with pytest.raises(ValueError, match="same parameters that scatter"):
        jd.robust(lambda d: d.sine[0], jd.Spread({"sine": "5 %"}), samples=4).compare(
            jd.Harmonics([1.0]), jd.Harmonics([1.0, 0.3]), key=0, samples=4
        )


# The published double loop: 2·10⁵ devices by independent code (mean, quantile .1, yield ≥ .5) with
# their standard errors.
PUBLISHED = {
    (0.02, 0.0): ((0.60633, 4e-5), (0.5850, 1e-4), (1.0000, 5e-5)),
    (0.05, 0.0): ((0.56517, 8e-5), (0.5148, 2e-4), (0.9435, 5e-4)),
    (0.05, 0.01): ((0.54218, 1e-4), (0.4797, 2e-4), (0.8225, 9e-4)),
    (0.1, 0.01): ((0.47945, 1.8e-4), (0.3782, 4e-4), (0.4431, 1.1e-3)),
}


def scatter(s, flux):
    return jd.Spread({"branches": Relative(s)} | ({"flux": flux} if flux else {}))


@pytest.mark.slow
@pytest.mark.parametrize("case", PUBLISHED)
def test_double_loop_against_independent_code(case):
    robustness = jd.robust(jd.diode_efficiency, scatter(*case), threshold=0.5, samples=64)
    found = robustness.statistics(NOMINAL, key=1, samples=200_000)
    error = (found.yield_interval[1] - found.yield_interval[0]) / 3.92
    own = (found.mean, found.mean_error), (found.quantile, found.quantile_error), (
        found.yield_fraction, error)  # fmt: skip
    for (value, own_error), (known, known_error) in zip(own, PUBLISHED[case], strict=True):
        assert abs(value - known) < 3 * np.hypot(own_error, known_error) + 5e-5  # its last digit


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "risk", "published"),
    [
        ((0.05, 0.01), "quantile", (56.3, 55.9, 44.61, 44.52, 0.4042)),
        ((0.05, 0.0), "quantile", (52.8, 54.4, 40.41, 39.69, 0.4117)),
        ((0.05, 0.01), "mean", (61.3, 61.6, 48.81, 49.58, 0.4033)),
    ],
)
def test_robust_designs_are_as_good_as_published_ones(case, risk, published):
    robustness = jd.robust(jd.diode_efficiency, scatter(*case), risk=risk)
    bounds = {"branches.0.second": (20, 360), "branches.1.second": (20, 360),
              "branches.2": (20, 360), "flux": (0.3, 0.5)}  # fmt: skip
    space = jd.Space(NOMINAL, bounds, ties=["flux"])
    best = jd.maximise(
        robustness, space, key=0, starts=8, steps=60, polish=40, rounds=1, initial=NOMINAL
    )
    gain = robustness.compare(best.device, NOMINAL, key=9, samples=200_000)
    assert gain.gains[risk] > 5 * gain.errors[risk]
    beside = robustness.compare(best.device, double_loop(*published), key=9, samples=200_000)
    assert beside.gains[risk] > -0.001


@pytest.mark.slow
def test_trimming_gains_more_than_any_design():
    robustness = jd.robust(
        jd.diode_efficiency, scatter(0.05, 0.01), retune=["flux"], threshold=0.5, samples=64
    )
    found = robustness.statistics(NOMINAL, key=2, samples=6000)
    assert found.quantile - 2 * found.quantile_error > 0.540
    assert abs(found.mean - 0.5823) < 0.006  # of a grid of 31 fluxes, which stays below
    assert found.mean > 0.5823 - 3 * np.hypot(found.mean_error, 0.0008)


@pytest.mark.slow
@pytest.mark.parametrize("risk", ["mean", "quantile", "yield"])
def test_derivatives_of_the_double_loop(risk):
    robustness = jd.robust(jd.diode_efficiency, scatter(0.05, 0.01), risk=risk, threshold=0.5)
    names = jd.parameter_names(NOMINAL)
    space = jd.Space(NOMINAL, {n: (0, 1) if "flux" in n else (1, 1000) for n in names})
    run = jax.jit(lambda x: robustness(space.insert(x)))
    x = space.values()
    slopes = jax.jit(jax.grad(lambda x: robustness(space.insert(x))))(x)
    for k in range(len(names)):
        step = 1e-6 * x[k] * jnp.eye(len(names))[k]
        difference = float((run(x + step) - run(x - step)) / (2 * step[k]))
        # Devices whose maxima swap within the step have another slope on its other side.
        assert abs(float(slopes[k]) - difference) < 2e-3 * max(abs(difference), 1e-3 / float(x[k]))


def test_a_risk_that_has_no_statistic_is_none_of_the_others(unchecked):
    """A name added to the list alone stops, in place of being the quantile or the mean below it."""
    assert RISKS == ("mean", "quantile", "cvar", "yield")
    values = np.linspace(1.0, 2.0, 9)
    for ask in (
        lambda: of_sample("median", 9, 0.1, 1.7, None),
        lambda: estimate(values, "median", 0.1, 1.7),
        lambda: paired(values, values + 1, "median", 0.1, 1.7),
    ):
        with pytest.raises(AssertionError, match="median"):
            ask()
