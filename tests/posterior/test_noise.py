"""Likelihoods of every kind of noise against SciPy's densities."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxdiode.studies.fit.data import Rows, lay_out
from jaxdiode.studies.posterior import noise as noises
from jaxdiode.studies.posterior.noise import noise_model

RANDOM = np.random.default_rng(3)
SIZES = (7, 5)


def rows(shuffled=False):
    import jax

    template = tuple(jax.ShapeDtypeStruct((n,), float) for n in SIZES)
    along = tuple(RANDOM.permutation(n).astype(float) for n in SIZES) if shuffled else None
    return lay_out(template, ("plus", "minus"), along)


def model(kind="normal", sigma=None, along: Rows | None = None, **options):
    given = dict(sigma_range=None, per_row=False, correlated=False, degrees=4.0, taken=()) | options
    along = along or rows()
    return noise_model(kind, along, RANDOM.normal(size=sum(SIZES)), sigma, **given)


RESIDUAL = RANDOM.normal(size=sum(SIZES)) * 3


def test_normal():
    noise, unknowns = model()
    assert unknowns.names == ("sigma",)
    found = noise.log_likelihood(jnp.asarray(RESIDUAL), jnp.log(jnp.array([2.0])))
    assert np.allclose(found, stats.norm(0, 2).logpdf(RESIDUAL))


def test_normal_of_known_width():
    sigma = np.linspace(1, 2, sum(SIZES))
    noise, unknowns = model(sigma=sigma)
    assert unknowns.names == ()
    found = noise.log_likelihood(jnp.asarray(RESIDUAL), jnp.zeros(0))
    assert np.allclose(found, stats.norm(0, sigma).logpdf(RESIDUAL))


def test_width_of_each_row():
    noise, unknowns = model(per_row=True)
    assert unknowns.names == ("sigma.plus", "sigma.minus")
    found = noise.log_likelihood(jnp.asarray(RESIDUAL), jnp.log(jnp.array([2.0, 5.0])))
    assert np.allclose(found, stats.norm(0, np.repeat([2.0, 5.0], SIZES)).logpdf(RESIDUAL))


@pytest.mark.parametrize("degrees", [1.0, 4.0, None])
def test_student(degrees):
    noise, unknowns = model("student", degrees=degrees)
    free = [] if degrees is not None else [np.log(3.0)]
    assert unknowns.names == ("sigma", "degrees")[: 1 + len(free)]
    eta = jnp.asarray([np.log(2.0), *free])
    found = noise.log_likelihood(jnp.asarray(RESIDUAL), eta)
    assert np.allclose(found, stats.t(degrees or 3.0, 0, 2).logpdf(RESIDUAL))


@pytest.mark.parametrize("per_row", [False, True])
def test_correlated_along_the_axis(per_row):
    """The product of conditional densities is the joint density of the dense covariance."""
    along = rows(shuffled=True)
    noise, unknowns = model(correlated=True, per_row=per_row, along=along)
    sigma = np.array([2.0, 5.0]) if per_row else np.full(2, 2.0)
    rho = np.array([0.7, -0.4]) if per_row else np.full(2, 0.7)
    count = 2 if per_row else 1
    assert len(unknowns.names) == 2 * count
    eta = jnp.asarray([*np.log(sigma[:count]), *rho[:count]])
    found = float(jnp.sum(noise.log_likelihood(jnp.asarray(RESIDUAL), eta)))
    expected = 0.0
    for k in range(2):
        own = along.row == k
        place = along.place[own]
        rank = np.argsort(np.argsort(place))
        apart = np.abs(rank[:, None] - rank[None])
        covariance = sigma[k] ** 2 * rho[k] ** apart
        expected += stats.multivariate_normal(cov=covariance).logpdf(RESIDUAL[own])
    assert found == pytest.approx(expected, rel=1e-9)


def test_names_that_the_device_has_too():
    assert model(taken=("sigma",))[1].names == ("noise.sigma",)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_range_of_an_unknown_width_has_the_unit_of_the_data(unit):
    data = unit * (10 + np.random.default_rng(0).normal(size=sum(SIZES)))
    options = dict(sigma_range=None, per_row=False, correlated=False, degrees=4.0, taken=())
    found = noise_model("normal", rows(), data, None, **options)[1]
    assert np.exp(found.upper[0]) == pytest.approx(
        10 * unit * np.std(np.random.default_rng(0).normal(size=sum(SIZES))), rel=0.2
    )
    assert found.upper[0] - found.lower[0] == pytest.approx(np.log(1e7))


ERRORS = {
    "kind": (dict(kind="cauchy"), "unknown noise 'cauchy'"),
    "degrees": (dict(kind="student", degrees=0.0), "degrees must be positive"),
    "range": (dict(sigma_range=(2.0, 1.0)), "sigma_range must satisfy 0 < lowest < highest"),
    "no range": (dict(sigma_range=3.0), r"sigma_range must be \(lowest, highest\)"),
    "both": (dict(sigma=np.ones(12), sigma_range=(1, 2)), "must be left out where sigma is known"),
    "flag": (dict(per_row=1), "per_row must be True or False"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case, unchecked):
    arguments, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        model(**arguments)


def test_noise_without_a_density_is_none_of_the_others(unchecked, monkeypatch):
    """A name added to the list alone stops, in place of being Student's t or normal."""
    assert noises.KINDS == ("normal", "student")
    with pytest.raises(AssertionError, match="cauchy"):
        noises._log_density(jnp.ones(2), jnp.ones(()), "cauchy")
    monkeypatch.setattr(noises, "KINDS", ("normal", "student", "cauchy"))
    with pytest.raises(AssertionError, match="cauchy"):
        model("cauchy")
