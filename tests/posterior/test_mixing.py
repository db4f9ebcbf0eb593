"""R̂ and effective sample sizes against ArviZ, which warns when it is imported."""

import warnings

import numpy as np
import pytest

from jaxdiode.studies.posterior import mixing

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    arviz = pytest.importorskip("arviz")


def chains(rho, shape, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=shape)
    for k in range(1, shape[1]):
        x[:, k] += rho * x[:, k - 1]
    return x


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.5, 0.95])
@pytest.mark.parametrize("shape", [(4, 500), (2, 301), (3, 40), (2, 10)])
def test_as_arviz(rho, shape):
    for seed in range(5):
        x = chains(rho, shape, seed) * 1e-9
        assert mixing.rhat(x) == pytest.approx(float(arviz.rhat(x)), rel=1e-12)
        assert mixing.ess_bulk(x) == pytest.approx(float(arviz.ess(x, method="bulk")), rel=1e-9)
        assert mixing.ess_tail(x) == pytest.approx(float(arviz.ess(x, method="tail")), rel=1e-9)


def test_one_chain():
    x = chains(0.5, (1, 400))
    assert mixing.ess_bulk(x) == pytest.approx(float(arviz.ess(x, method="bulk")), rel=1e-9)
    assert mixing.rhat(x) < 1.02  # of its halves


def test_chains_apart():
    x = chains(0.0, (4, 200))
    x[0] += 1.0
    assert mixing.rhat(x) > 1.1
    wide = chains(0.0, (4, 200))
    wide[0] *= 4  # the same mean: seen by the folded draws
    assert mixing.rhat(wide) > 1.1


def test_what_has_none():
    assert np.isnan(mixing.rhat(np.ones((4, 50))))
    assert np.isnan(mixing.ess_bulk(np.full((4, 50), np.nan)))
