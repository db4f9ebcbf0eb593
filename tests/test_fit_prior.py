"""Priors of a fit: the Gaussian posterior of textbooks, the evidence, and what stays the data's."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

import jaxdiode as jd
from jaxdiode.inverse import FixedMean, Normal, Smooth
from jaxdiode.studies.fit import errors, verdict
from jaxdiode.studies.fit.data import Rows

# ---- A linear model: twelve numbers, sums over windows of them measured

COUNT, SIGMA = 12, 0.05
DESIGN = np.exp(-((np.linspace(0, 11, 30)[:, None] - np.arange(COUNT)) ** 2) / 8)
TRUTH = 2 + np.sin(np.arange(COUNT) / 2)
SECOND = np.diff(np.eye(COUNT), 2, axis=0)


def model(device):
    return DESIGN @ device.sine


def noisy(seed=0, sigma=SIGMA):
    return DESIGN @ TRUTH + sigma * np.random.default_rng(seed).normal(size=len(DESIGN))


def space(scale=1.0, **bounds):
    return jd.Space(
        jd.Harmonics(scale * np.ones(COUNT)), bounds or {"sine": (-50 * scale, 50 * scale)}
    )


class Second:
    """Second differences, their weight to be chosen."""

    weight = None

    def __call__(self, values):
        return jnp.diff(values, 2)


def rough(values):
    return 3.0 * jnp.diff(values, 2)


def posterior(y, rows, sigma=SIGMA):
    """(mean, covariance, number of parameters determined) of linear rows without offset."""
    data = DESIGN.T @ DESIGN / sigma**2
    covariance = np.linalg.inv(data + rows.T @ rows)
    return covariance @ DESIGN.T @ y / sigma**2, covariance, np.trace(covariance @ data)


def log_evidence(y, strength, sigma):
    """log of the probability of y, by its own covariance: no posterior, no trace.

    The two directions that second differences do not see are free: their prior is wide.
    """
    unseen = np.linalg.svd(SECOND)[2][-2:]
    prior = np.linalg.pinv(strength * SECOND.T @ SECOND) + 1e5 * unseen.T @ unseen
    covariance = DESIGN @ prior @ DESIGN.T + sigma**2 * np.eye(len(y))
    return -0.5 * (y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(covariance)[1])


@pytest.mark.thorough
def test_posterior_of_a_linear_model():
    y = noisy()
    found = jd.fit(model, space(), y, SIGMA, prior={"sine": rough})
    values, covariance, determined = posterior(y, 3.0 * SECOND)
    assert found.converged
    assert np.allclose(found.values, values, atol=1e-8)
    assert np.allclose(found.covariance, covariance, rtol=1e-7)
    assert found.determined == pytest.approx(determined, rel=1e-8)
    # χ², degrees of freedom and the residuals are those of the data alone.
    residual = DESIGN @ values - y
    assert found.residuals.shape == y.shape
    assert np.allclose(found.residuals, residual, atol=1e-8)
    assert found.degrees_of_freedom == pytest.approx(len(y) - determined)
    expected = np.sum((residual / SIGMA) ** 2) / (len(y) - determined)
    assert found.chi_squared == pytest.approx(expected)
    assert found.row_lengths == (len(y),)
    assert list(found.correlation) == ["data"]
    assert found.prior == ("rough of sine, weight 1",)
    assert f"the data determine {determined:.1f} of 12 parameters" in found.summary()


def test_normal_prior_is_a_measurement():
    """Of every parameter, as if it had been measured beside the data."""
    y = noisy()
    found = jd.fit(model, space(), y, SIGMA, prior={"sine": Normal(2.0, 0.3)})
    design = np.concatenate([DESIGN / SIGMA, np.eye(COUNT) / 0.3])
    right = np.concatenate([y / SIGMA, np.full(COUNT, 2.0) / 0.3])
    assert np.allclose(found.values, np.linalg.lstsq(design, right)[0], atol=1e-8)
    assert np.allclose(found.covariance, np.linalg.inv(design.T @ design), rtol=1e-7)


@pytest.mark.parametrize(("mean", "off"), [(2.0, 0.0), (5.0, 30.0)])
def test_a_prior_that_contradicts_the_data_is_named(mean, off):
    """A number measured as 2 ± 0.1/√30: the prior lies (mean − 2)/√(deviation² + that²) off."""
    y, deviation = np.full(30, 2.0) + 1e-3 * np.cos(np.arange(30)), 0.1
    error = 0.1 / np.sqrt(30)
    box = jd.Space(jd.Harmonics([1.5, 0.0]), {"sine.0": (-10.0, 10.0)})
    found = jd.fit(
        lambda d: d.sine[0] * jnp.ones(30), box, y, 0.1, prior={"sine.0": Normal(mean, deviation)},
        progress=False,
    )  # fmt: skip
    wanted = abs(mean - np.mean(y)) / np.hypot(deviation, error)
    assert found.tensions == pytest.approx((wanted,), rel=1e-6, abs=1e-6)
    said = [text for text in found.warnings if "contradicts" in text]
    assert len(said) == (off > 0)
    for text in said:
        assert text.startswith("the prior Normal of sine.0, weight 1 contradicts the data")
        assert float(text.split("lie ")[1].split()[0]) == pytest.approx(wanted, rel=5e-3)


def test_the_tension_of_one_of_several_priors():
    """Of each row: what χ² loses at the fit without it, by another fit. A row that the data say
    nothing of contradicts nothing."""
    both = {"sine.0": Normal(2.5, 0.05), "sine": rough, "cosine.1": Normal(7.0, 0.1)}
    box = jd.Space(jd.Harmonics(np.ones(COUNT)), {"sine": (-50, 50), "cosine.1": (-50, 50)})

    def least(prior):
        found = jd.fit(model, box, noisy(), SIGMA, prior=prior, progress=False)
        rows = [((found.values[0] - 2.5) / 0.05) ** 2 if "sine.0" in prior else 0.0]
        rows.append(np.sum((3 * np.diff(found.values[:COUNT], 2)) ** 2))
        return found, np.sum((found.residuals / SIGMA) ** 2) + sum(rows)

    found, total = least(both)
    _, without = least({name: one for name, one in both.items() if name != "sine.0"})
    assert found.tensions[0] == pytest.approx(np.sqrt(total - without), rel=1e-6)
    assert found.tensions[0] > 4
    assert found.tensions[2] == 0


@pytest.mark.parametrize(
    ("prior", "far"),
    [
        (Normal(3.0, 1e-3), "1.7e\\+03 deviations away"),
        (jd.inverse.LogNormal(1e-3, 0.1), "70.9 deviations away"),
    ],
)
def test_a_prior_outside_the_bounds(prior, far):
    box = jd.Space(jd.Harmonics([1.25]), {"sine": (1.2, 1.3)})
    with pytest.raises(ValueError, match=f"must leave something inside the bounds, .*{far}"):
        jd.fit(lambda d: d.sine * jnp.ones(3), box, np.ones(3), 0.1, prior={"sine": prior})


def test_weight_of_largest_evidence():
    y = noisy()
    found = jd.fit(model, space(), y, SIGMA, prior={"sine": Second()})

    def lost(logarithm):
        return -log_evidence(y, np.exp(logarithm), SIGMA)

    best = optimize.minimize_scalar(lost, bounds=(-5, 8), method="bounded", options={"xatol": 1e-6})
    assert 2 * np.log(found.weights[0]) == pytest.approx(best.x, abs=0.01)  # pyright: ignore
    assert "Second of sine" in found.prior[0]
    assert "chosen from the data" in found.prior[0]


def test_weight_and_noise_of_largest_evidence():
    y = noisy()
    found = jd.fit(model, space(), y, prior={"sine": Second()})
    best = optimize.minimize(
        lambda x: -log_evidence(y, np.exp(x[0]), np.exp(x[1])), [1.0, -2.0],
        method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9},
    )  # fmt: skip
    assert 2 * np.log(found.weights[0]) == pytest.approx(best.x[0], abs=0.03)
    assert np.log(found.sigma[0]) == pytest.approx(best.x[1], abs=0.01)
    assert found.chi_squared == pytest.approx(1.0, rel=0.01)
    assert not found.sigma_known


@pytest.mark.thorough
def test_weight_of_zero_is_no_prior():
    y = noisy()
    bare = jd.fit(model, space(), y, SIGMA)
    found = jd.fit(model, space(), y, SIGMA, prior={"sine": Smooth(0.0)})
    for name in ("values", "covariance", "robust_covariance", "residuals", "sigma", "halves"):
        assert np.array_equal(getattr(found, name), getattr(bare, name), equal_nan=True), name
    assert found.degrees_of_freedom == bare.degrees_of_freedom == len(y) - COUNT
    assert isinstance(found.degrees_of_freedom, int)
    assert found.prior == ()
    assert found.determined == COUNT
    assert "prior" not in found.as_dict()
    assert "prior" not in found.summary()


@pytest.mark.thorough
@pytest.mark.parametrize("order", [1, 2])
def test_a_huge_weight_leaves_a_straight_line(order):
    found = jd.fit(model, space(), noisy(), SIGMA, prior={"sine": Smooth(1e6, order)})
    assert np.allclose(np.diff(found.values, order), 0, atol=1e-4)
    assert found.determined == pytest.approx(order, abs=1e-3)
    # The best straight line, by least squares of its own.
    columns = DESIGN @ np.vander(np.arange(COUNT, dtype=float), order)
    line = np.linalg.lstsq(columns, noisy())[0]
    assert np.allclose(found.values, np.vander(np.arange(COUNT), order) @ line, atol=1e-3)


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1e9])
@pytest.mark.parametrize("weight", [10.0, None])
@pytest.mark.parametrize("known", [True, False])
def test_no_unit(scale, weight, known):
    y = noisy()
    one = jd.fit(model, space(), y, SIGMA if known else None, prior={"sine": Smooth(weight)})
    other = jd.fit(
        model, space(scale), scale * y, scale * SIGMA if known else None,
        prior={"sine": Smooth(weight)},
    )  # fmt: skip
    assert np.allclose(other.values, scale * one.values, rtol=1e-6)
    assert np.allclose(other.errors, scale * one.errors, rtol=1e-4)
    assert other.weights[0] == pytest.approx(one.weights[0], rel=1e-4)


def test_fewer_data_than_parameters():
    y = noisy()[:8]

    def few(device):
        return model(device)[:8]

    with pytest.raises(ValueError, match="more points than parameters, got 8 points for 12"):
        jd.fit(few, space(), y, SIGMA)
    found = jd.fit(few, space(), y, SIGMA, prior={"sine": rough})
    data, rows = DESIGN[:8] / SIGMA, 3.0 * SECOND
    covariance = np.linalg.inv(data.T @ data + rows.T @ rows)
    assert np.allclose(found.values, covariance @ data.T @ (y / SIGMA), atol=1e-6)
    assert np.allclose(found.errors, np.sqrt(np.diag(covariance)), rtol=1e-6)
    assert found.determined < 8


def test_a_robust_loss_of_the_data_alone():
    """Rows of the prior stay Gaussian, however far: they are no outliers."""
    y = noisy()
    y[7] += 3.0

    def cost(x):
        own = 1 + ((DESIGN @ x - y) / SIGMA) ** 2
        return np.sum(2 * (np.sqrt(own) - 1)) + np.sum((40.0 * SECOND @ x) ** 2)

    exact = optimize.minimize(cost, TRUTH, method="BFGS", options={"gtol": 1e-7})
    found = jd.fit(
        model, space(), y, SIGMA, loss="soft_l1", prior={"sine": lambda x: 40.0 * jnp.diff(x, 2)}
    )
    assert np.max(np.abs(40.0 * SECOND @ found.values)) > 2  # far, on the scale of a loss
    assert np.allclose(found.values, exact.x, atol=2e-5)


def test_tied_and_fixed_parameters_are_members():
    """A line through a fixed and two tied numbers."""
    device = jd.Harmonics([1.0, 5.0, 5.0, 5.0])
    where = jd.Space(device, {"sine.1": (0, 9), "sine.2": (0, 9)}, ties=[("sine.2", "sine.3")])

    def read(device):
        return device.sine[2:3] * jnp.ones(3)

    found = jd.fit(read, where, [4.0, 4.0, 4.0], 0.1, prior={"sine": lambda x: jnp.diff(x, 2)})
    # Rows 1 − 2a + b and a − 2b + b: a minimum at a = (2 + 3b)/5.
    slope = np.array([[-2.0, 1.0], [1.0, -1.0]])
    design = np.concatenate([slope, np.tile([0.0, 10.0], (3, 1))])
    right = np.array([-1.0, 0.0, 40.0, 40.0, 40.0])
    assert np.allclose(found.values, np.linalg.lstsq(design, right)[0], atol=1e-6)


def test_bounds_are_kept():
    found = jd.fit(model, space(sine=(0.0, 2.2)), noisy(), SIGMA, prior={"sine": Smooth(10.0)})
    assert np.all((found.values >= 0) & (found.values <= 2.2))
    assert found.at_bound


@pytest.mark.thorough
def test_a_mean_is_held_where_no_factor_is_seen():
    def shape(device):
        return DESIGN @ (device.sine / jnp.mean(device.sine))

    y = DESIGN @ (TRUTH / np.mean(TRUTH))
    loose = jd.fit(shape, space(sine=(0, 50)), y, SIGMA, prior={"sine": Smooth(10.0)})
    assert np.all(np.isnan(loose.errors))  # the factor takes part in all of them
    held = jd.fit(
        shape, space(sine=(0, 50)), y, SIGMA, prior={"sine": (Smooth(10.0), FixedMean(3.0))}
    )
    assert np.mean(held.values) == pytest.approx(3.0, rel=1e-6)
    assert np.all((held.errors > 0) & (held.errors < 3))


@pytest.mark.thorough
def test_robust_errors_of_independent_noise():
    """As large as the plain ones, on the average."""
    ratios = [
        found.robust_errors / found.errors
        for seed in range(8)
        for found in [jd.fit(model, space(), noisy(seed), SIGMA, prior={"sine": rough})]
    ]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.15)


def test_saved(tmp_path):
    found = jd.fit(model, space(), noisy(), SIGMA, prior={"sine": Smooth()})
    jd.save(tmp_path / "fit.json", found)
    assert jd.load(tmp_path / "fit.json").summary() == found.summary()


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ({"sines": rough}, "unknown parameter 'sines'"),
        ({"cosine": rough}, "prior must name parameters that are fitted"),
        ({"sine": 3.0}, "must be a function of its parameters"),
        ({"sine": jnp.sum}, "must give one vector of rows"),
        ({"sine": lambda x: jnp.log(x - 1)}, "must be finite at the start"),
        ({"sine.0": Smooth()}, "needs more than 2 parameters, got 1"),
    ],
)
def test_errors(prior, message):
    with pytest.raises(ValueError, match=message):
        jd.fit(model, space(), noisy(), SIGMA, prior=prior)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Smooth(-1.0), "weight must be finite and at least 0"),
        (lambda: Smooth(np.inf), "weight must be finite and at least 0"),
        (lambda: Smooth(1.0, 0), "order must be a whole number"),
        (lambda: Normal(1.0, 0.0), "deviation must be positive"),
        (lambda: FixedMean(0.0), "mean must be finite and not zero"),
    ],
)
def test_errors_of_priors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_data_without_noise():
    """σ not known falls to rounding, the prior no longer matters."""
    found = jd.fit(model, space(), DESIGN @ TRUTH, prior={"sine": Smooth()})
    assert found.converged
    assert np.allclose(found.values, TRUTH, atol=1e-8)
    assert found.sigma[0] < 1e-12


def test_a_straight_truth_has_no_largest_weight():
    """It grows until the prior alone decides: two parameters are determined."""
    line = np.arange(1.0, 13.0)
    found = jd.fit(model, space(), DESIGN @ line, SIGMA, prior={"sine": Smooth()})
    assert found.converged
    assert np.allclose(found.values, line, atol=1e-8)
    assert found.determined == pytest.approx(2.0, abs=1e-3)


@pytest.mark.thorough
@pytest.mark.parametrize("loss", ["soft_l1", "cauchy"])
def test_outliers_and_a_weight_from_the_data(loss):
    y = noisy()
    y[[5, 20]] += 2.0
    for sigma in (SIGMA, None):
        found = jd.fit(model, space(), y, sigma, prior={"sine": Smooth()}, loss=loss)
        assert found.converged
        assert np.sqrt(np.mean((found.values - TRUTH) ** 2)) < np.mean(found.errors)
        assert 3 < found.determined < 8


@pytest.mark.parametrize("count", [30, 200])
def test_halves_beside_a_prior_differ_as_their_errors_say(count):
    """Parameters drawn from the prior, so many points that either half sees a part of them only.

    Errors from long runs are too small for few points: by a quarter here, and there the limit of
    what is told is higher.
    """
    rng = np.random.default_rng(0)
    at = np.arange(count)
    design = np.exp(-((at[:, None] * 11 / (count - 1) - np.arange(COUNT)) ** 2) / 8) / SIGMA
    rows = Rows(("y",), 0 * at, at, 0 * at, at, at.astype(float))
    prior = 5 * SECOND
    inverse = np.linalg.inv(design.T @ design + prior.T @ prior)
    differences, variances = [], []
    for _ in range(400):
        line = rng.normal() + rng.normal() * np.arange(COUNT)
        truth = np.linalg.pinv(prior) @ rng.normal(size=COUNT - 2) + line
        y = design @ truth + rng.normal(size=count)
        best = inverse @ design.T @ y
        found = errors.halves(design @ best - y, design, rows, (prior @ best, prior))
        assert found is not None
        differences.append(found[0])
        variances.append(np.diag(found[1]))
    ratio = np.sqrt(np.mean(np.square(differences), 0) / np.mean(variances, 0))
    assert np.all((ratio > 0.9) & (ratio < (1.4 if count == 30 else 1.1)))
    used = float(np.trace(inverse @ design.T @ design))
    told = SimpleNamespace(row_lengths=(count,), determined=used, names=range(COUNT))
    apart = np.max(np.abs(differences) / np.sqrt(variances), axis=1)
    assert np.mean(apart > verdict._apart(told)) < 0.01  # pyright: ignore[reportArgumentType]
