"""Fits at turning points of their model, and of less than one period."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import lsq_linear

import jaxdiode as jd

X = np.linspace(-1, 2, 60)
DESIGN = np.stack([np.ones_like(X), X, X**2], 1)
NOISE = 0.1


def exchanged(device, x):
    """Symmetric in two parameters, as critical currents are in two equal junctions."""
    a, b = device.sine
    return a + b + (a - b) ** 2 * x + device.cosine[0] * x**2


def data(slope, seed=0):
    return DESIGN @ [2.0, slope, 0.3] + np.random.default_rng(seed).normal(0, NOISE, X.size)


def space(start=(1.2, 0.7)):
    device = jd.Harmonics(list(start), [0.1, 0.0])
    return jd.Space(device, {"sine": (-5.0, 5.0), "cosine.0": (-5.0, 5.0)})


def test_errors_beside_a_turning_point():
    """(a − b)² wants to be negative: a = b, and the third error is that of a line in the square."""
    found = jd.fit(exchanged, space(), data(-0.5), NOISE, arguments=[X], starts=1)
    assert found.values[0] == pytest.approx(found.values[1], abs=1e-4)
    assert np.isnan(found.errors).tolist() == [True, True, False]
    covariance = NOISE**2 * np.linalg.inv(DESIGN.T @ DESIGN)
    assert found.errors[2] == pytest.approx(np.sqrt(covariance[2, 2]), rel=1e-3)
    assert found.robust_errors[2] > 0.5 * found.errors[2]
    ((words, reach),) = found.turning
    assert "+1 in sine." in words
    assert "-1 in sine." in words
    assert reach == pytest.approx(np.sqrt(np.sqrt(covariance[1, 1])) / 2, rel=1e-2)
    assert found.indistinct == found.unseen == ()
    assert f"the prediction turns round in {words}" in found.summary()
    assert found.as_dict()["turning"] == {words: reach}


def test_a_fit_leaves_a_saddle():
    """From two equal parameters there is no slope along their difference, though it is not zero."""
    found = jd.fit(exchanged, space((1.0, 1.0)), data(0.5), NOISE, arguments=[X], starts=1)
    a, b = found.values[:2]
    line = np.linalg.lstsq(DESIGN, data(0.5))[0]
    np.testing.assert_allclose([a + b, (a - b) ** 2, found.values[2]], line, rtol=1e-6)
    assert np.all(np.isfinite(found.errors))
    assert found.turning == ()


@pytest.mark.parametrize(("slope", "start"), [(-0.5, 0.0), (0.5, 0.0)])
def test_one_parameter_that_enters_by_its_square(slope, start):
    def model(device, x):
        return device.sine[1] + device.sine[0] ** 2 * x + device.cosine[0] * x**2

    found = jd.fit(model, space((start, 1.0)), data(slope), NOISE, arguments=[X], starts=1)
    if slope < 0:
        assert [words for words, _ in found.turning] == ["sine.0"]
        assert found.unseen == ()
    else:
        line = np.linalg.lstsq(DESIGN, data(slope))[0]
        np.testing.assert_allclose(
            [found.values[1], found.values[0] ** 2, found.values[2]], line, rtol=1e-6
        )


def test_a_curved_line_of_equal_predictions_is_no_turning_point():
    def model(device, x):
        return device.sine[0] * device.sine[1] * x + device.cosine[0]

    found = jd.fit(model, space(), 0.9 * X + 0.2, NOISE, arguments=[X], starts=1)
    assert found.turning == ()
    assert len(found.indistinct) == 1
    design = NOISE * np.sqrt(np.linalg.inv(DESIGN[:, :2].T @ DESIGN[:, :2])[0, 0])
    assert found.errors[2] == pytest.approx(design, rel=1e-6)


def test_refits_leave_the_turning_point():
    """Their scatter is that of fits with a square that is not negative, by SciPy."""
    found = jd.fit(
        exchanged, space(), data(-0.05), NOISE, arguments=[X], starts=1, bootstrap=200, block=1,
        progress=False,
    )  # fmt: skip
    assert len(found.turning) == 1
    random, bounds = np.random.default_rng(1), ([-np.inf, 0, -np.inf], np.inf)
    fitted = exchanged(found.device, X)
    drawn = [lsq_linear(DESIGN, fitted + random.normal(0, NOISE, X.size), bounds).x
             for _ in range(400)]  # fmt: skip
    spread = np.std(drawn, axis=0)
    assert found.bootstrap is not None
    assert found.bootstrap.errors[2] == pytest.approx(spread[2], rel=0.25)
    assert np.all(found.bootstrap.errors[:2] > 0.02)


def switching(squid, coil):
    return squid.switching_currents(coil)


SQUID = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(60)], flux=[0])


@pytest.mark.parametrize("periods", [0.5, 2.0])
def test_periods_that_the_axis_holds(periods):
    truth = jd.CoilBiasedSquid(SQUID, turns=[-65])
    coil = jnp.linspace(0, periods / 65, 41)
    exact = switching(truth, coil)
    where = jd.Space(truth, {"turns": (-70, -60), "squid.branches.0": (50, 120)})
    noise = np.random.default_rng(0).normal(0, 0.5, (2, 41))
    measured = [x + y for x, y in zip((exact.plus, exact.minus), noise, strict=True)]
    found = jd.fit(switching, where, measured, 0.5, arguments=[coil], along=coil, starts=1)
    assert found.periods == {"turns.0": pytest.approx(periods, rel=0.05)}
    assert "periods along the axis: " in found.summary()
    assert any("of a period of turns.0" in text for text in found.warnings) == (periods < 1)


def test_periods_of_an_experiment():
    """The scale of an axis that drives a flux counts them, that of another parameter does not."""
    axis = jd.experiment.Axis(["flux", "branches.0.critical_current"], [65.0, 1.0], offset=-90.0)
    setup = jd.experiment.Experiment(SQUID, {"coil": axis})
    assert setup.flux_scales() == ("axes.coil.scale.0",)
    setup = jd.experiment.Experiment(SQUID, {"coil": jd.experiment.Axis("flux", 65.0)})
    coil = np.linspace(0, 0.5 / 65, 21)
    exact = setup.predict({"coil": jnp.asarray(coil)})
    where = jd.Space(setup, {"axes.coil.scale": (55, 75)})
    found = jd.fit(
        jd.experiment.Experiment.predict, where, exact, 1.0, arguments=[{"coil": coil}],
        along=coil, starts=1,
    )  # fmt: skip
    assert found.periods == {"axes.coil.scale.0": pytest.approx(0.5, rel=1e-6)}
    assert "of a period of axes.coil.scale.0" in str(found.warnings)


def decaying(device, x):
    """Exponential in one parameter: a line only for small errors of it."""
    return device.sine[1] + device.cosine[0] * jnp.exp(device.sine[0] * x)


@pytest.mark.parametrize(("noise", "bent"), [(0.01, False), (0.5, True)])
def test_a_model_that_bends_within_an_error(noise, bent):
    device = jd.Harmonics([0.5, 1.0], [0.5, 0.0])
    where = jd.Space(device, {"sine": (-9.0, 9.0), "cosine.0": (-9.0, 9.0)})
    exact = decaying(device, X)
    measured = exact + noise * np.random.default_rng(3).normal(size=X.size)
    found = jd.fit(decaying, where, measured, noise, arguments=[X], starts=1)
    assert found.curved is not None
    assert (np.nanmax(found.curved) > 1) == bent
    assert any("the model bends within an error of" in x for x in found.warnings) == bent


def test_second_order_against_differences():
    """b = ½ v'f''v along axes of the ellipse by numpy, with f = c exp(a x) alone."""

    def model(device, x):
        return device.cosine[0] * jnp.exp(device.sine[0] * x)

    device = jd.Harmonics([0.5, 0.0], [0.5, 0.0])
    where = jd.Space(device, {"sine.0": (-5.0, 5.0), "cosine.0": (0.01, 5.0)})
    exact = np.asarray(model(device, X))
    found = jd.fit(model, where, exact + 0.05 * np.cos(9 * X), 0.2, arguments=[X], starts=1)
    a, c = found.values
    rise = np.exp(a * X)
    slopes = np.stack([c * X * rise, rise], 1) / 0.2
    covariance = np.linalg.inv(slopes.T @ slopes)
    errors = np.sqrt(np.diag(covariance))
    powers, axes = np.linalg.eigh(covariance / np.outer(errors, errors))
    worst = np.zeros(2)
    for power, axis in zip(powers, axes.T, strict=True):
        da, dc = np.sqrt(power) * axis * errors
        second = (c * X**2 * rise * da**2 + 2 * X * rise * da * dc) / 2 / 0.2
        moves = np.linalg.lstsq(slopes, second)[0] / errors
        own = np.linalg.norm(second) * np.abs([da, dc]) / errors
        worst = np.maximum(worst, np.maximum(np.abs(moves), own))
    assert found.curved is not None
    np.testing.assert_allclose(found.curved, worst, rtol=0.02)
    assert worst.max() > 0.04


def test_another_minimum_is_named():
    """cos(a x) of few points: a line at another frequency fits as well within the noise."""

    def model(device, x):
        return jnp.cos(device.sine[0] * x) + device.cosine[0]

    x = np.arange(12) + 0.02 * np.sin(np.arange(12) ** 2)
    where = jd.Space(
        jd.Harmonics([1.0, 0.0], [0.0, 0.0]), {"sine.0": (0.2, 6.1), "cosine.0": (-1, 1)}
    )
    measured = np.asarray(model(where.device, x))
    found = jd.fit(model, where, measured, 0.3, arguments=[x], starts=[[5.3, 0.0]])
    ((more, values),) = found.rivals
    assert values[0] == pytest.approx(2 * np.pi - 1, abs=0.05)
    off = [np.sum((np.asarray(np.cos(v[0] * x) + v[1]) - measured) ** 2) / 0.3**2
           for v in (values, found.values)]  # fmt: skip
    assert more == pytest.approx(off[0] - off[1], rel=1e-6)
    assert "another minimum fits as well" in found.summary()
    assert found.as_dict()["rivals"][0]["sine.0"] == values[0]
    alone = jd.fit(model, where, measured, 0.003, arguments=[x], starts=[[5.3, 0.0]])
    assert alone.rivals == ()
