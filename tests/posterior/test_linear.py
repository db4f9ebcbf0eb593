"""Posteriors that textbooks have: a straight line under every kind of knowledge beside the data."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxdiode as jd
from jaxdiode.inverse import LogNormal, Normal
from jaxdiode.studies.posterior.box import LOGNORMAL
from jaxdiode.studies.posterior.prior import sorted_out

pytest.importorskip("blackjax")

X = np.linspace(-1.0, 2.0, 30)
DESIGN = np.stack([X, np.ones_like(X)], 1)
Y = 1.7 * X - 0.4 + 0.2 * np.random.default_rng(0).normal(size=X.size)
LINE = jd.Harmonics([1.0, 0.5], [0.0, 0.0])


def line(device, x):
    return device.sine[0] * x + device.sine[1]


def sample(space, data=Y, sigma=None, **options):
    given = dict(arguments=[X], key=0, draws=500, warmup=100, progress=False) | options
    return jd.sample_posterior(line, space, data, sigma, **given)


def assert_posterior(found, mean, deviation, count=2):
    """Means within 4 standard errors of as many effective draws, deviations likewise."""
    off = np.abs(found.mean[:count] - mean) / (deviation / np.sqrt(found.bulk[:count]))
    assert np.all(off < 4), off
    ratio = found.deviation[:count] / deviation
    assert np.all(np.abs(ratio - 1) < 4 / np.sqrt(2 * np.minimum(found.tail, found.bulk)[:count]))


def least_squares(weight=None, own=None, right=0.0):
    weight = np.ones_like(X) if weight is None else weight
    curvature = DESIGN.T @ (weight[:, None] * DESIGN) + (0 if own is None else own)
    covariance = np.linalg.inv(curvature)
    return covariance @ (DESIGN.T @ (weight * Y) + right), covariance


@pytest.mark.thorough
@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
def test_known_noise_in_any_unit(unit):
    space = jd.Space(
        jd.Harmonics([1.0 * unit, 0.5 * unit], [0.0, 0.0]), {"sine": (-10 * unit, 10 * unit)}
    )
    found = sample(space, Y * unit, 0.2 * unit)
    mean, covariance = least_squares(np.full(X.size, 25.0))
    assert_posterior(found, mean * unit, np.sqrt(np.diag(covariance)) * unit)
    r = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert np.corrcoef(found.flat.T)[0, 1] == pytest.approx(r, abs=0.08)
    assert np.all(found.rhat < 1.01)
    assert int(found.status) == jd.Status.CONVERGED
    assert not found.divergent.any()
    # The density of the data at a draw, and the flat prior's beside it.
    values = found.samples[1, 7]
    expected = stats.norm(0, 0.2 * unit).logpdf(Y * unit - DESIGN @ values).sum()
    assert found.log_likelihood[1, 7] == pytest.approx(expected, rel=1e-9)
    area = 2 * np.log(20 * unit)
    assert found.log_posterior[1, 7] == pytest.approx(expected - area, rel=1e-9)


@pytest.mark.thorough
def test_unknown_noise_is_students():
    """σ with 1/σ integrated out: (x − x̂)/s is Student's t of N − 2 degrees of freedom."""
    found = sample(jd.Space(LINE, {"sine": (-10.0, 10.0)}))
    mean, covariance = least_squares()
    scale = np.sqrt(np.sum((Y - DESIGN @ mean) ** 2) / 28)
    deviation = scale * np.sqrt(np.diag(covariance)) * stats.t(28).std()
    assert_posterior(found, mean, deviation)
    precision = stats.gamma(14, scale=2 / (28 * scale**2))  # of 1/σ²
    sigma = 1 / np.sqrt(precision.ppf([0.975, 0.5, 0.025]))
    ends = np.quantile(found.draws["sigma"], [0.025, 0.5, 0.975])
    assert np.allclose(ends, sigma, rtol=0.06)
    assert found.names == ("sine.0", "sine.1", "sigma")


@pytest.mark.thorough
def test_noise_of_each_point():
    sigma = np.linspace(0.1, 0.5, X.size)
    found = sample(jd.Space(LINE, {"sine": (-10.0, 10.0)}), sigma=sigma)
    mean, covariance = least_squares(1 / sigma**2)
    assert_posterior(found, mean, np.sqrt(np.diag(covariance)))


@pytest.mark.thorough
def test_normal_prior_without_bounds():
    space = jd.Space(LINE, {"sine": (-np.inf, np.inf)})
    found = sample(space, sigma=0.2, prior={"sine": Normal(1.0, 0.05)})
    own = np.eye(2) / 0.05**2
    mean, covariance = least_squares(np.full(X.size, 25.0), own, np.full(2, 1.0) / 0.05**2)
    assert_posterior(found, mean, np.sqrt(np.diag(covariance)))
    assert found.prior == ("Normal(1 ± 0.05) of sine",)


def test_a_second_prior_of_one_parameter_leaves_the_others_their_density():
    """The first is a density in x, 1/x included; what comes after it tells as a measurement."""
    space = jd.Space(LINE, {"sine": (0.1, 10.0)})
    given = {"sine.0": LogNormal(1.0, 0.3), "sine": LogNormal(2.0, 0.4)}
    bells, terms, _ = sorted_out(space, given)
    assert bells == {0: (LOGNORMAL, 0.0, 0.3), 1: (LOGNORMAL, np.log(2.0), 0.4)}
    (term,) = terms
    np.testing.assert_allclose(term.at(np.array([3.0, 7.0]))[0], [np.log(1.5) / 0.4], rtol=1e-14)


@pytest.mark.thorough
def test_rows_of_a_function():
    def nearly_equal(values):
        return jnp.diff(values) / 0.05

    space = jd.Space(LINE, {"sine": (-10.0, 10.0)})
    found = sample(space, sigma=0.2, prior={"sine": nearly_equal})
    own = np.array([[1, -1], [-1, 1]]) / 0.05**2
    mean, covariance = least_squares(np.full(X.size, 25.0), own)
    assert_posterior(found, mean, np.sqrt(np.diag(covariance)))


@pytest.mark.thorough
def test_fewer_data_than_parameters():
    space = jd.Space(LINE, {"sine": (-10.0, 10.0)})
    found = sample(space, Y[:1], 0.2, arguments=[X[:1]], prior={"sine": Normal(1.0, 0.3)})
    row = DESIGN[:1]
    covariance = np.linalg.inv(np.eye(2) / 0.09 + row.T @ row / 0.04)
    mean = covariance @ (np.full(2, 1 / 0.09) + row[0] * Y[0] / 0.04)
    assert_posterior(found, mean, np.sqrt(np.diag(covariance)))
    assert any("1 points for 2 parameters" in text for text in found.warnings)


# ---- No data: the prior comes back, however a Space searches


def nothing(device, x):
    return 0.0 * device.first + jnp.zeros_like(x)


@pytest.fixture(scope="module")
def uninformed():
    """A pair with its cusp coordinate, bounds over three decades, and a log-normal one."""
    pair = jd.SeriesJunctions(90.0, 60.0)
    space = jd.Space(pair, {"first": (1.0, 1000.0), "second": (0.0, np.inf)})
    return jd.sample_posterior(
        nothing, space, np.zeros(5), 1.0, arguments=[np.zeros(5)], key=3, draws=1500,
        prior={"second": LogNormal(60, 0.5)}, progress=False,
    )  # fmt: skip


@pytest.mark.thorough
def test_prior_comes_back(uninformed):
    uniform, positive = stats.uniform(1, 999), stats.lognorm(0.5, scale=60)
    for name, expected in (("first", uniform), ("second", positive)):
        share = expected.cdf(uninformed.draws[name].ravel())
        count = uninformed.bulk.min()
        for level in (0.05, 0.25, 0.5, 0.75, 0.95):
            error = np.sqrt(level * (1 - level) / count)
            assert abs(np.mean(share < level) - level) < 4 * error, (name, level)
    assert "the data say nothing of first beyond the bounds" in uninformed.warnings
    assert int(uninformed.status) == jd.Status.CONVERGED


def test_piled_up_on_a_bound():
    space = jd.Space(LINE, {"sine.0": (-10.0, 1.7), "sine.1": (-10.0, 10.0)})
    start = jd.replace(LINE, {"sine.0": 1.6})
    found = sample(space, Y + 0.1 * X, 0.2, start=start)
    assert int(found.status) == jd.Status.POSTERIOR_AT_BOUND
    assert any("piled up on a bound of sine.0:" in text for text in found.warnings)
    # The other parameter's posterior is that of the normal cut off there.
    mean, covariance = least_squares(np.full(X.size, 25.0))
    mean[0] += 0.1
    first = stats.truncnorm(-np.inf, (1.7 - mean[0]) / np.sqrt(covariance[0, 0]))
    expected = mean[0] + np.sqrt(covariance[0, 0]) * first.mean()
    assert found.mean[0] == pytest.approx(expected, abs=0.006)


# ---- Memory and tails


def memory_by_quadrature(data):
    """Mean of ρ, with the line and σ integrated out for each by the formulas of least squares."""
    apart = np.abs(np.subtract.outer(np.arange(X.size), np.arange(X.size)))
    values, logs = np.linspace(-0.99, 0.998, 400), []
    for rho in values:
        matrix = rho**apart
        inverse = np.linalg.inv(matrix)
        curvature = DESIGN.T @ inverse @ DESIGN
        left = data - DESIGN @ np.linalg.solve(curvature, DESIGN.T @ inverse @ data)
        size = np.linalg.slogdet(matrix)[1] + np.linalg.slogdet(curvature)[1]
        logs.append(-0.5 * size - (X.size - 2) / 2 * np.log(left @ inverse @ left))
    weight = np.exp(np.array(logs) - np.max(logs))
    return np.sum(weight * values) / np.sum(weight)


@pytest.mark.thorough
def test_correlated_noise_widens_the_posterior():
    random = np.random.default_rng(5)
    own = np.zeros(X.size)
    for k in range(X.size):
        own[k] = (0.8 * own[k - 1] if k else 0.0) + 0.1 * random.normal()
    data = DESIGN @ [1.7, -0.4] + own
    space = jd.Space(LINE, {"sine": (-10.0, 10.0)})
    plain, wide = sample(space, data), sample(space, data, correlated=True)
    assert wide.names[-1] == "correlation"
    assert wide.deviation[1] > 1.5 * plain.deviation[1]
    assert wide.mean[-1] == pytest.approx(memory_by_quadrature(data), abs=0.05)
    assert plain.correlation["data"] > 0.5  # thirty points are too few for a warning


@pytest.mark.thorough
def test_student_withstands_outliers():
    data = Y.copy()
    data[[3, 17]] += 5.0
    space = jd.Space(LINE, {"sine": (-10.0, 10.0)})
    plain, robust = sample(space, data), sample(space, data, noise="student")
    true = least_squares()[0]
    assert np.max(np.abs(robust.mean[:2] - true)) < 0.1
    assert np.max(np.abs(plain.mean[:2] - true)) > 0.2
    assert robust.deviation[0] < plain.deviation[0] / 2
