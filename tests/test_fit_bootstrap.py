"""Errors of a fit by residuals drawn anew in blocks, where the true error is known otherwise."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import jaxdiode as jd
from jaxdiode.numerics.status import Status
from jaxdiode.studies.fit.blocks import automatic_length, drawn, together
from jaxdiode.studies.fit.data import lay_out
from jaxdiode.studies.fit.prediction import Prediction
from tests.helpers import slow
from tests.test_fit import Graphene

N = 400
X = np.linspace(-1.0, 1.0, N)
SPACE = jd.Space(jd.Harmonics([1.0, 0.0], [0.0, 0.0]), {"sine": (-10.0, 10.0)})
DESIGN = np.stack([X, np.ones(N)], 1)
QUIET = {"progress": False, "starts": 1}


def line(device, x):
    return device.sine[0] * x + device.sine[1]


def both(device, x):
    return line(device, x), line(device, x)


def red(rho, rng, count=N):
    """Autoregressive noise of unit variance, stationary from its first point."""
    noise = rng.normal(size=count) * np.sqrt(1 - rho**2)
    noise[0] /= np.sqrt(1 - rho**2)
    for k in range(1, count):
        noise[k] += rho * noise[k - 1]
    return noise


# ---- The length of a block


# By optimal_block_length of arch 8.0 ("circular") on eₜ = ρ eₜ₋₁ + normal, e₀ normal, of
# np.random.default_rng(seed): an independent program of the same rule.
ARCH = [
    (0, 0.0, 100, 1.6221846450524713), (1, 0.5, 150, 2.536905164971841),
    (2, 0.8, 300, 10.092885609294415), (3, -0.6, 200, 11.756979777291201),
    (4, 0.95, 120, 13.802362870827915),
]  # fmt: skip


@pytest.mark.parametrize(("seed", "rho", "count", "expected"), ARCH)
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_length_as_by_arch(seed, rho, count, expected, scale):
    noise = np.random.default_rng(seed).normal(size=count)
    for k in range(1, count):
        noise[k] += rho * noise[k - 1]
    assert automatic_length(scale * noise) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rho", [0.3, 0.7])
def test_length_as_by_theory(rho):
    """b = (6ρ²T/(1 − ρ²)²)^(1/3) for an autoregression: the rule's G/D = 2ρ/(1 − ρ²)."""
    count, rng = 4000, np.random.default_rng(0)
    found = np.mean([automatic_length(red(rho, rng, count)) for _ in range(20)])
    assert found == pytest.approx((6 * rho**2 / (1 - rho**2) ** 2 * count) ** (1 / 3), rel=0.1)


def test_length_at_its_limits():
    assert automatic_length(np.zeros(50)) == 1.0
    assert automatic_length(np.full(50, 3.0)) == 1.0
    assert automatic_length(np.arange(12.0)) <= 4
    assert automatic_length(np.cos(np.pi * np.arange(60))) <= 20
    assert automatic_length(np.cumsum(np.random.default_rng(0).normal(size=900))) <= 90


def test_points_measured_together_stay_together():
    """Both rows take the blocks of the same places, in the order of the axis, end joined to
    beginning; rows on other places draw blocks of their own."""
    order = np.random.default_rng(3).permutation(30)
    template = Prediction(lambda d: (jnp.ones(30), d.sine[0] * jnp.ones(30)), SPACE, ()).template
    rows = lay_out(template, None, np.arange(30.0)[order])
    groups = together(rows, np.zeros(60), 7)
    (group,) = groups
    values = np.concatenate([order, 100 + order]).astype(float)
    found = drawn(groups, values, np.random.default_rng(0))
    first, second = found[group.points]
    assert np.array_equal(second, first + 100)
    steps = np.diff(first).astype(int) % 30
    assert np.all(np.delete(steps, [6, 13, 20, 27]) == 1)
    apart = lay_out(template, None, (np.arange(30.0), np.arange(30.0) + 50))
    assert [one.labels for one in together(apart, np.zeros(60), 7)] == [("data[0]",), ("data[1]",)]


# ---- Errors


@pytest.mark.thorough
def test_as_plain_errors_for_independent_noise():
    """Both rows, known σ of each point included: errors within 5 σ of 400 refits, 3.5 % each."""
    rng = np.random.default_rng(1)
    sigma = np.linspace(0.5, 2.0, N)
    data = (X + sigma * rng.normal(size=N), X + rng.normal(size=N))
    found = jd.fit(
        both, SPACE, data, (sigma, np.ones(N)), arguments=[X], bootstrap=400, block=1, key=0,
        **QUIET,
    )  # fmt: skip
    ratio = found.bootstrap.errors / found.errors / np.sqrt(found.chi_squared)
    assert np.allclose(ratio, 1, atol=0.12)
    matrix = found.bootstrap.covariance
    own = matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1])
    plain = found.covariance[0, 1] / np.prod(found.errors)
    assert own == pytest.approx(plain, abs=0.2)
    assert found.bootstrap.failed == 0
    assert found.bootstrap.blocks == {"data[0]": 1, "data[1]": 1}


@pytest.mark.thorough
def test_few_points_pay_for_their_parameters():
    """12 points, 2 parameters: without the degrees of freedom errors would be 9 % too small."""
    x = X[::35]
    found = []
    for seed in range(15):
        y = x + np.random.default_rng(seed).normal(size=x.size)
        fit = jd.fit(line, SPACE, y, arguments=[x], bootstrap=100, block=1, key=seed, **QUIET)
        found.append(fit.bootstrap.errors / fit.errors)
    # Of 15 × 100 refits: 1.8 %; the mean of so few residuals is one more parameter of the line.
    assert np.allclose(np.mean(found, axis=0), 1, atol=0.05)


def coverage(rho, sets, refits, rng):
    """(bootstrap and plain errors over the true one, share of 68 % intervals with the truth)."""
    # The line is linear: (DᵀD)⁻¹Dᵀ C D(DᵀD)⁻¹ with C the covariance of the noise.
    matrix = rho ** np.abs(np.subtract.outer(np.arange(N), np.arange(N)))
    solve = np.linalg.solve(DESIGN.T @ DESIGN, DESIGN.T)
    true = np.sqrt(np.diag(solve @ matrix @ solve.T))
    errors, plain, inside = [], [], []
    for seed in range(sets):
        data = X + red(rho, rng)
        found = jd.fit(line, SPACE, data, arguments=[X], bootstrap=refits, key=seed, **QUIET)
        low, high = found.bootstrap.interval(0.68).T
        errors.append(found.bootstrap.errors / true)
        plain.append(found.errors / true)
        inside.append((low < [1, 0]) & (high > [1, 0]))
    return np.mean(errors, axis=0), np.mean(plain, axis=0), np.mean(inside)


@pytest.mark.thorough
def test_errors_of_correlated_noise():
    """A block of b points misses the share 2ρ/(1 − ρ²)/b of the variance, here 14 %."""
    errors, plain, _ = coverage(0.5, 15, 60, np.random.default_rng(0))
    assert np.all(plain < 0.65)  # √((1 − ρ)/(1 + ρ)) = .58
    # 15 sets tell a mean to 5 % beside the 7 % that the blocks miss.
    assert np.all((errors > 0.78) & (errors < 1.08))


@slow
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.7])
def test_coverage(rho):
    """100 measurements: errors to 2 %, coverage of 200 intervals to 3.3 % if independent."""
    errors, plain, inside = coverage(rho, 100, 120, np.random.default_rng(int(10 * rho)))
    print(f"\nρ = {rho}: bootstrap {errors}, plain {plain}, coverage {inside:.3f}")
    wanted = stats.norm.cdf(errors.mean()) * 2 - 1
    assert abs(inside - wanted) < 0.1
    missed = np.sqrt(1 - 2 * rho / (1 - rho**2) / (6 * rho**2 / (1 - rho**2) ** 2 * N) ** (1 / 3)
                     if rho else 1.0)  # fmt: skip
    assert np.allclose(errors, missed, atol=0.06)
    assert np.allclose(plain, np.sqrt((1 - rho) / (1 + rho)), atol=0.05)


@slow
def test_outliers_and_a_robust_loss():
    """5 % of the points far off: as the spread of 80 fits, known to 8 %."""
    rng = np.random.default_rng(4)
    values, errors = [], []
    for seed in range(80):
        data = X + 0.1 * red(0.5, rng)
        data[rng.integers(0, N, 20)] += rng.choice([-2.0, 2.0], 20)
        found = jd.fit(
            line, SPACE, data, arguments=[X], loss="cauchy", bootstrap=100, key=seed, **QUIET
        )
        values.append(found.values)
        errors.append(found.bootstrap.errors)
    ratio = np.mean(errors, axis=0) / np.std(values, axis=0)
    print(f"\n{ratio}")
    assert np.allclose(ratio, 0.95, atol=0.25)


@slow
def test_measured_squid(shared):
    """Residuals of the graphene SQUID: neighbours make the error of a constant 1.9 to 2.2 times as
    large; parameters whose slopes change sign with the flux feel less of it."""
    table = np.loadtxt(shared / "data/graphene_double_squid/CPR_id12-13-11-14.csv", skiprows=1)
    measured = Graphene(table)
    found = measured.fit(measured.data, bootstrap=100, key=0, **QUIET)
    print(f"\n{found.summary('nA')}")
    ratio = dict(zip(found.names, found.bootstrap.errors / found.errors, strict=True))
    assert set(found.bootstrap.blocks.values()) == {22}
    assert found.bootstrap.failed == 0
    assert 1.4 < ratio["critical.2"] < 2.2
    assert all(0.65 < x < 1.5 for name, x in ratio.items() if name != "critical.2")


@pytest.mark.thorough
@settings(max_examples=8)
@given(scale=st.sampled_from([1e-9, 1.0, 1e9]), seed=st.integers(0, 9))
def test_any_unit(scale, seed):
    data = X + 0.1 * red(0.6, np.random.default_rng(seed))
    space = jd.Space(jd.Harmonics([scale, 0.0], [0.0, 0.0]), {"sine": (-10 * scale, 10 * scale)})
    one = jd.fit(line, SPACE, data, arguments=[X], bootstrap=20, key=seed, **QUIET)
    found = jd.fit(line, space, scale * data, arguments=[X], bootstrap=20, key=seed, **QUIET)
    assert found.bootstrap.blocks == one.bootstrap.blocks
    assert np.allclose(found.bootstrap.errors, scale * one.bootstrap.errors, rtol=1e-3, atol=0)


@pytest.mark.thorough
def test_a_prior_scatters_as_it_says():
    """A slope that only the prior knows keeps the prior's width."""
    x = np.zeros(40)
    data = 0.1 * np.random.default_rng(0).normal(size=40)
    prior = {"sine.0": jd.inverse.Normal(1.0, 0.3)}
    found = jd.fit(
        line, SPACE, data, 0.1, arguments=[x], prior=prior, bootstrap=300, block=1, key=0, **QUIET
    )
    assert found.bootstrap.errors[0] == pytest.approx(0.3, rel=0.17)  # 4 σ of 300 draws
    assert found.bootstrap.errors[1] == pytest.approx(0.1 / np.sqrt(40), rel=0.3)


# ---- What is said, and refused


def test_what_the_result_tells(tmp_path):
    data = X + red(0.6, np.random.default_rng(0))
    found = jd.fit(line, SPACE, data, arguments=[X], bootstrap=30, key=0, **QUIET)
    size = found.bootstrap.blocks["data"]
    assert f"± bootstrap, 30 refits, blocks of {size} points" in found.summary()
    assert f"30 refits, blocks of {size} points, 0 failed" in found.bootstrap.summary("nA")
    assert found.as_dict()["bootstrap"]["failed"] == 0
    assert found.bootstrap.interval("sine.1", 0.95).shape == (2,)
    jd.save(tmp_path / "fit.json", found)
    again = jd.load(tmp_path / "fit.json")
    assert np.array_equal(again.bootstrap.samples, found.bootstrap.samples)
    assert again.summary() == found.summary()
    assert jd.fit(line, SPACE, data, arguments=[X], **QUIET).bootstrap is None
    same = jd.fit(line, SPACE, data, arguments=[X], bootstrap=30, key=0, **QUIET)
    assert np.array_equal(same.bootstrap.samples, found.bootstrap.samples)


def test_failed_refits_are_counted():
    """Beyond a slope of 1.02 the model is NaN: refits that want to go there stop at its edge."""

    def model(device, x):
        return jnp.where(device.sine[0] < 1.02, line(device, x), jnp.nan)

    data = X + 0.3 * np.random.default_rng(2).normal(size=N)
    free = jd.fit(line, SPACE, data, arguments=[X], **QUIET)
    data = data + (1.015 - free.values[0]) * X  # the error of a slope is .026
    found = jd.fit(model, SPACE, data, arguments=[X], bootstrap=40, block=1, key=0, **QUIET)
    again = found.bootstrap
    assert found.converged
    assert 5 < again.failed < 35
    failed = again.status != Status.CONVERGED
    assert np.array_equal(np.isnan(again.samples).all(axis=1), failed)
    assert np.all(np.isfinite(again.errors))
    assert f"{again.failed} of 40 refits of the bootstrap failed" in found.summary()


def test_refits_on_a_bound_are_counted():
    space = jd.Space(jd.Harmonics([0.5, 0.0]), {"sine.0": (-10.0, 1.0), "sine.1": (-10.0, 10.0)})
    data = X + 0.3 * np.random.default_rng(2).normal(size=N)
    data += (0.99 - jd.fit(line, SPACE, data, arguments=[X], **QUIET).values[0]) * X
    found = jd.fit(line, space, data, arguments=[X], bootstrap=40, block=1, key=0, **QUIET)
    assert 5 < found.bootstrap.on_bound < 35
    assert "ended on a bound: quote its interval()" in found.summary()


def test_what_the_data_do_not_know_has_no_error():
    space = jd.Space(jd.Harmonics([1.0, 0.0], [0.0, 0.0]), {"sine": (-9, 9), "cosine.0": (-9, 9)})
    data = X + 0.1 * np.random.default_rng(0).normal(size=N)
    found = jd.fit(line, space, data, arguments=[X], bootstrap=10, key=0, **QUIET)
    assert np.array_equal(np.isnan(found.bootstrap.errors), np.isnan(found.errors))
    assert np.isnan(found.bootstrap.interval("cosine.0")).all()


def test_an_exact_fit_has_no_error():
    found = jd.fit(line, SPACE, X.copy(), arguments=[X], bootstrap=10, key=0, **QUIET)
    assert np.all(found.bootstrap.errors < 1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bootstrap": 3}, "bootstrap must be a whole number, at least 10, got 3"),
        ({"bootstrap": True}, "bootstrap must be a whole number"),
        ({"bootstrap": 10, "block": 0}, "block must be a whole number, at least 1, got 0"),
        ({"block": 4}, "block must be left out without bootstrap, got 4"),
        ({"bootstrap": 10, "block": 134}, "a third of every row, got 134 for the 400 points of da"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        jd.fit(line, SPACE, X + 0.01 * np.cos(9 * X), arguments=[X], **options, **QUIET)


def test_rows_too_short_for_blocks():
    x = X[:9]
    with pytest.raises(ValueError, match="rows of 10 points or more to draw blocks from, got 9 in"):
        jd.fit(line, SPACE, x + x**2, arguments=[x], bootstrap=10, **QUIET)
    one = jd.fit(line, SPACE, X[:10] + X[:10] ** 2, arguments=[X[:10]], bootstrap=10, **QUIET)
    assert 1 <= one.bootstrap.blocks["data"] <= 3


def test_outliers_to_one_side_do_not_shift():
    """Events that come early, as premature switching does: refits scatter about the fit itself."""
    rng = np.random.default_rng(0)
    data = X + 0.1 * rng.normal(size=N)
    data[::12] -= 2.0
    found = jd.fit(line, SPACE, data, arguments=[X], loss="soft_l1", bootstrap=60, key=0, **QUIET)
    low, high = np.array(found.bootstrap.interval(0.95)).T
    assert np.all((low < found.values) & (found.values < high))
