"""What sample_posterior refuses, and how it says so."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.inverse import LogNormal, Normal, Smooth

pytest.importorskip("blackjax")

X = np.linspace(0.0, 1.0, 12)
DEVICE = jd.Harmonics([1.0, 0.5])


def line(device):
    return device.sine[0] * X + device.sine[1]


def half(device):
    """NaN above 1.05: not at the start, but near it."""
    return jnp.where(device.sine[0] > 1.05, jnp.nan, 1.0) * line(device)


def space(**bounds):
    return jd.Space(DEVICE, bounds or {"sine": (-5.0, 5.0)})


INF = np.inf
REFUSED = {
    "chains": (dict(chains=0), "chains must be a whole number, at least 1, got 0"),
    "draws": (dict(draws=5), "draws must be a whole number, at least 10, got 5"),
    "warmup": (dict(warmup=0), "warmup must be a whole number, at least 20, got 0"),
    "predictions": (dict(predictions=0), "predictions must be a whole number"),
    "moves": (dict(moves=0, method="smc"), "moves must be a whole number, at least 1, got 0"),
    "sigma": (dict(sigma=-1.0), "sigma must be positive, got -1"),
    "noise": (dict(noise="cauchy"), "unknown noise 'cauchy'"),
    "method": (dict(method="nut"), "unknown method 'nut'; did you mean 'nuts'"),
    "key": (dict(key=None), "key must be given to draw from a posterior, got None"),
    "key kind": (dict(key="1"), "key must be jax.random.key"),
    "target": (dict(target_acceptance=1.5), "target_acceptance must lie between 0.3 and 0.999"),
    "data": (dict(data=X[:3]), "data must look like the prediction"),
    "NaN": (dict(data=np.where(X > 0.5, np.nan, X)), "data must be finite"),
    "space": (dict(space={"sine": (0, 1)}), "space must be a jaxdiode Space, got dict"),
    "start": (dict(start=3.0), "start must be a fit or a device, got float"),
    "outside": (
        dict(start=jd.Harmonics([9.0, 0.5])),
        "'sine.0' must start inside its bounds, got 9 outside -5 to 5",
    ),
    "infinite": (
        dict(space=space(sine=(-INF, INF))),
        "bounds of 'sine.0' must be finite, or it needs a prior Normal or LogNormal",
    ),
    "half infinite": (
        dict(space=space(sine=(0.0, INF))), "a flat one from 0 to inf is no density",
    ),
    "excluded": (
        dict(prior={"sine.0": Normal(100.0, 1.0)}),
        "must leave something inside the bounds, got .* 95 deviations away",
    ),
    "no positive": (
        dict(space=space(**{"sine.1": (-5.0, 5.0)}), prior={"sine.1": LogNormal(1e9, 0.1)}),
        "must leave something inside the bounds",
    ),
    "weight": (dict(prior={"sine": Smooth(order=1)}), "must have a weight, got None"),
    "prior": (dict(prior={"cosine": Normal(0, 1)}), "prior must name parameters that are fitted"),
    "prior kind": (dict(prior=Normal(0, 1)), "prior must be {name: prior}"),
    "NaN everywhere": (
        dict(model=lambda device: line(device) * jnp.nan),
        "model is NaN or infinite at the start, at 12 of 12 points",
    ),
    "prior NaN": (
        dict(prior={"sine": lambda x: jnp.log(-jnp.abs(x))}), "must be finite at the start",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_errors(case, unchecked):
    arguments, message = REFUSED[case]
    given = dict(model=line, space=space(), data=X, sigma=0.1, key=0, progress=False) | arguments
    with pytest.raises(ValueError, match=message):
        jd.sample_posterior(**given)


def test_fit_of_other_parameters():
    found = jd.fit(line, space(**{"sine.0": (-5.0, 5.0)}), X, 0.1)
    with pytest.raises(ValueError, match="start must be a fit of the same parameters"):
        jd.sample_posterior(line, space(), X, 0.1, start=found, key=0)


def test_without_blackjax(monkeypatch):
    monkeypatch.setitem(sys.modules, "blackjax", None)
    with pytest.raises(ImportError, match=r"needs blackjax: pip install 'jaxdiode\[inference\]'"):
        jd.sample_posterior(line, space(), X, 0.1, key=0)


@pytest.mark.thorough
def test_where_the_model_is_nan_the_density_is_zero():
    """The truth, 1, lies close to the edge: nothing beyond it is drawn, and it is told."""
    found = jd.sample_posterior(
        half, space(), X + 0.5, 0.3, key=jax.random.key(0), draws=200, progress=False
    )
    assert found.samples[..., 0].max() <= 1.05
    assert found.undefined.any()
    assert np.all(found.divergent[found.undefined])
    assert any("came where the model is NaN" in text for text in found.warnings)
