"""Fits to data with missing values and with outliers: against the formulas, written out."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import jaxdiode as jd
from jaxdiode.studies.fit import period_candidates

N = 41
X = np.linspace(-1.0, 1.0, N)
SPACE = jd.Space(jd.Harmonics([1.0, 0.0], [0.0, 0.0]), {"sine": (-10.0, 10.0)})
QUIET: dict[str, Any] = {"progress": False}


def line(device, x):
    """Two rows: a x + b and a x − b, so that each row alone says both."""
    a, b = device.sine
    return a * x + b, a * x - b


DESIGN = np.concatenate([np.stack([X, np.ones(N)], 1), np.stack([X, -np.ones(N)], 1)])
TRUTH = np.array([3.0, 0.5])
MISSING = np.array([5, 6, 20, N + 5, N + 33])  # at place 5 both rows, else one


def measured(seed=0):
    return DESIGN @ TRUTH + np.random.default_rng(seed).normal(0, 0.1, 2 * N)


def with_gaps(y):
    y = y.copy()
    y[MISSING] = np.nan
    return y.reshape(2, N)


def fitted(y, sigma=None, **options):
    y = np.reshape(y, (2, N))
    return jd.fit(line, SPACE, tuple(y), sigma, arguments=[X], along=X, **{**QUIET, **options})


# ---- Missing values


@pytest.mark.parametrize("sigma", [None, 0.1])
def test_missing_values_have_no_weight(sigma):
    y = measured()
    found = fitted(with_gaps(y), sigma, drop_missing=True)
    kept = np.setdiff1d(np.arange(2 * N), MISSING)
    values, left, *_ = np.linalg.lstsq(DESIGN[kept], y[kept])
    variance = left[0] / (kept.size - 2) if sigma is None else sigma**2
    np.testing.assert_allclose(found.values, values, rtol=1e-7)
    normal = np.linalg.inv(DESIGN[kept].T @ DESIGN[kept])
    np.testing.assert_allclose(found.covariance, variance * normal, rtol=1e-6)
    assert (found.degrees_of_freedom, found.missing) == (kept.size - 2, 5)
    np.testing.assert_allclose(found.rms, np.sqrt(left[0] / kept.size), rtol=1e-7)
    np.testing.assert_allclose(found.chi_squared, left[0] / variance / (kept.size - 2), rtol=1e-7)
    assert np.array_equal(np.flatnonzero(np.isnan(found.residuals)), MISSING)
    assert found.row_lengths == (N - 3, N - 2)
    assert "5 values missing (NaN) and left out, 77 fitted" in found.summary()


def test_statistics_of_residuals_are_those_of_real_values():
    y = measured(1)
    found = fitted(with_gaps(y), 0.1, drop_missing=True)
    rows = [r[np.isfinite(r)] for r in found.residuals.reshape(2, N)]
    for (label, lag_one), r in zip(found.correlation.items(), rows, strict=True):
        np.testing.assert_allclose(lag_one, r[1:] @ r[:-1] / (r @ r), rtol=1e-12)
        np.testing.assert_allclose(found.means[label][0], r.mean(), rtol=1e-12)
    differences = np.concatenate([np.diff(r, 2) for r in rows])
    ceiling = np.sqrt(np.mean(differences**2) / 6)
    assert 0 < found.successive_noise <= ceiling * (1 + 1e-12)
    assert 0.08 < found.successive_noise < 0.13


def test_a_place_without_any_value_is_a_row_left_out():
    y = measured(2).reshape(2, N).copy()
    y[:, [0, 7, 8, 30]] = np.nan
    kept = np.isfinite(y[0])
    found = fitted(y, 0.1, drop_missing=True, bootstrap=20, key=0)
    other = jd.fit(
        line, SPACE, tuple(y[:, kept]), 0.1, arguments=[X[kept]], along=X[kept], bootstrap=20,
        key=0, **QUIET,
    )  # fmt: skip
    for name in ("values", "covariance", "robust_covariance", "halves"):
        np.testing.assert_allclose(getattr(found, name), getattr(other, name), rtol=1e-6)
    assert (found.lag, found.chance) == (other.lag, pytest.approx(other.chance))
    assert found.bootstrap is not None
    assert other.bootstrap is not None
    np.testing.assert_allclose(found.bootstrap.errors, other.bootstrap.errors, rtol=1e-5)


def test_a_row_without_any_value():
    y = measured(3).reshape(2, N).copy()
    y[1] = np.nan
    found = fitted(y, 0.1, drop_missing=True)
    np.testing.assert_allclose(found.values, np.polyfit(X, y[0], 1), rtol=1e-7)
    assert list(found.correlation) == ["data[0]"]


def test_noise_of_missing_values_may_be_missing():
    y, sigma = with_gaps(measured()), np.full((2, N), 0.1)
    sigma[np.isnan(y)] = np.nan
    found = fitted(y, tuple(sigma), drop_missing=True)
    np.testing.assert_allclose(found.values, fitted(y, 0.1, drop_missing=True).values, rtol=1e-9)
    sigma[0, 0] = np.nan
    with pytest.raises(ValueError, match="sigma must be positive, got nan"):
        fitted(y, tuple(sigma), drop_missing=True)


def test_periods_of_data_with_gaps():
    x = np.linspace(-1.0, 1.0, 201)
    squid = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(60)], flux=[0])
    space = jd.Space(jd.CoilBiasedSquid(squid, turns=[3.0]), {"turns": (1.0, 10.0)})
    row = np.cos(2 * np.pi * 5 * x)
    row[[3, 50, 51, 120]] = np.nan
    found = period_candidates(space, "turns", x, (row, row))
    np.testing.assert_allclose(found["turns.0"][0], 5, atol=0.05)


def test_gaps_do_not_bias_a_bootstrap():
    found = fitted(with_gaps(measured(4)), 0.1, drop_missing=True, bootstrap=200, key=1, block=1)
    assert found.bootstrap is not None
    np.testing.assert_allclose(found.bootstrap.errors, found.errors, rtol=0.25)


def test_nan_is_refused_unless_it_may_be_left_out():
    y = with_gaps(measured())
    with pytest.raises(ValueError, match=r"got 5 NaN .*data\[0\]\[5\].*drop_missing=True leave"):
        fitted(y)
    y[0, 0] = np.inf
    with pytest.raises(ValueError, match=r"data must be finite, got 1 NaN or infinite"):
        fitted(y, drop_missing=True)
    with pytest.raises(ValueError, match="data must hold values, all 82 are NaN"):
        fitted(np.full((2, N), np.nan), drop_missing=True)


def test_results_with_gaps_are_saved(tmp_path):
    found = fitted(with_gaps(measured()), drop_missing=True)
    jd.save(tmp_path / "fit.json", found)
    again = jd.load(tmp_path / "fit.json")
    assert (again.missing, again.outlying, again.loss) == (5, found.outlying, "linear")
    np.testing.assert_array_equal(again.residuals, found.residuals)
    assert again.summary() == found.summary()


# ---- Outliers

FAR = {3: 1.4, 25: -2.0, N + 10: 2.2}  # 14 to 22 σ


def spoilt(seed=0):
    y = measured(seed)
    for k, off in FAR.items():
        y[k] += off
    return y.reshape(2, N)


@pytest.mark.parametrize("sigma", [None, 0.1])
def test_outliers_of_least_squares_are_named(sigma):
    """Also where σ is estimated: the three stretch it to four times the noise."""
    found = fitted(spoilt(), sigma)
    assert found.outliers == 3
    inside = np.abs(found.residuals) <= 5 * found.sigma
    expected = np.sum((found.residuals / found.sigma)[inside] ** 2) / (inside.sum() - 2)
    np.testing.assert_allclose(found.robust_chi_squared, expected, rtol=1e-12)
    assert [words for words, _ in found.outlying] == [
        f"data[1] at {X[10]:.6g}", f"data[0] at {X[25]:.6g}", f"data[0] at {X[3]:.6g}"
    ]  # fmt: skip
    assert [np.sign(off) for _, off in found.outlying] == [1, -1, 1]
    said = found.summary(axis="coil", axis_unit="mA")
    assert "WARNING: 3 points lie beyond 5 σ" in said
    assert "data[1] at coil = -0.5 mA (+" in said
    assert "loss='soft_l1' or 'cauchy' (--loss)" in said


@pytest.mark.parametrize("sigma", [None, 0.1])
def test_good_data_have_no_outliers(sigma):
    for seed in range(20):
        found = fitted(measured(seed), sigma, starts=1)
        assert found.outliers == 0
        assert not any("beyond" in text for text in found.warnings)


def test_rounding_is_no_outlier():
    y = DESIGN @ TRUTH
    y[3] += 1e-13
    assert fitted(y.reshape(2, N)).outliers == 0


def test_many_far_points_are_a_wrong_model_not_outliers():
    found = fitted((measured() + 0.9 * np.cos(9 * np.tile(X, 2))).reshape(2, N), 0.1)
    assert found.outliers > 0.1 * 2 * N
    assert not any("soft_l1" in text for text in found.warnings)
    assert f"{found.outliers} points lie beyond 5 σ" in found.summary()


@pytest.mark.parametrize("loss", ["soft_l1", "cauchy"])
def test_a_robust_fit_is_judged_by_the_points_within(loss):
    found = fitted(spoilt(), 0.1, loss=loss)
    assert np.all(np.abs(found.values - TRUTH) < 4 * found.errors)
    inside = np.setdiff1d(np.arange(2 * N), list(FAR))
    r = found.residuals[inside] / 0.1
    np.testing.assert_allclose(found.robust_chi_squared, r @ r / (2 * N - 3 - 2), rtol=1e-12)
    assert found.chi_squared > 10
    assert abs(found.robust_chi_squared - 1) < 5 * np.sqrt(2 / found.degrees_of_freedom)
    np.testing.assert_allclose(found.near_rms, 0.1 * np.sqrt(np.mean(r**2)), rtol=1e-12)
    assert 0.07 < found.successive_noise < 0.13
    assert found.explained > 0.99
    assert not [w for w in found.warnings if "χ²" in w or "rms" in w or "explains" in w]
    said = found.summary()
    assert f"{found.chi_squared:.3g}, {found.robust_chi_squared:.3g} of the points within" in said
    assert "3 points lie beyond 5 σ: data[1] at -0.5 (+" in said
    assert [one["point"] for one in found.as_dict()["outlying"]] == [x for x, _ in found.outlying]


@pytest.mark.parametrize("factor", [3.0, 30.0])
def test_a_robust_fit_with_too_small_a_noise(factor):
    """Few points lie within 5 σ at 30 times: the plain χ² counts then."""
    found = fitted(measured(), 0.1 / factor, loss="cauchy")
    assert any("χ² of the points within 5 σ is" in text for text in found.warnings)
    expected = factor**2 if factor > 10 else float(stats.truncnorm(-5 / 3, 5 / 3).var()) * 9
    assert 0.5 < found.robust_chi_squared / expected < 2


# ---- The unit of the axis


def test_the_unit_of_the_axis():
    squid = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(60)], flux=[0])
    coil = np.linspace(-0.01, 0.01, 21)
    truth = jd.CoilBiasedSquid(squid, turns=[65], offset=0.001)
    exact = truth.switching_currents(coil)
    space = jd.Space(truth, {"turns": (60, 70), "offset": (-0.01, 0.01)})
    found = jd.fit(
        jd.CoilBiasedSquid.switching_currents, space, exact, 1.0, arguments=[coil], starts=1,
        along=coil, **QUIET,
    )  # fmt: skip
    assert "Φ₀/coil unit" in found.summary("nA")
    said = found.summary("nA", axis_unit="mA")
    assert "Φ₀/mA" in said
    assert "coil unit" not in said
