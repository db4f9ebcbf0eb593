"""The result: devices, bands, trees for ArviZ, files, figures, and what it says."""

import warnings

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxdiode as jd
from jaxdiode.studies.posterior import mixing, nuts

pytest.importorskip("blackjax")

X = np.linspace(0.0, 6.0, 24)
DEVICE = jd.Harmonics([1.0, 0.4])


def model(device):
    x = jnp.asarray(X)
    return {"plus": device.current(x), "minus": -device.current(-x)}


def measured(offset=0.0):
    random = np.random.default_rng(2)
    exact = {name: np.asarray(value) for name, value in model(DEVICE).items()}
    shift = {"plus": offset, "minus": -offset}
    return {
        name: value + shift[name] + 0.05 * random.normal(size=X.size)
        for name, value in exact.items()
    }


SPACE = jd.Space(DEVICE, {"sine": (0.0, 3.0)})


@pytest.fixture(scope="module")
def found():
    return jd.sample_posterior(
        model, SPACE, measured(), along=X, per_row=True, key=0, draws=500, warmup=200,
        predictions=200, progress=False,
    )  # fmt: skip


@pytest.mark.thorough
def test_devices_are_devices(found):
    devices = found.devices(5)
    assert [type(device) for device in devices] == [jd.Harmonics] * 5
    one = found.device(2, 17)
    assert one.sine.tolist() == found.samples[2, 17, :2].tolist()
    plus = found.predict(jd.critical_currents, 50).plus
    assert plus.shape == (50,)
    first = jd.critical_currents(found.devices(50)[7]).plus
    assert plus[7] == pytest.approx(float(first), rel=1e-9)


@pytest.mark.thorough
def test_names_and_draws(found):
    assert found.names == ("sine.0", "sine.1", "sigma.data['minus']", "sigma.data['plus']")
    assert found.draws["sine.1"].shape == (4, 500)
    low, high = found.interval("sine.0", 0.9)
    assert low < found.parameters["sine.0"][0] < high
    assert found.interval().shape == (4, 2)


@pytest.mark.thorough
def test_predictions_and_new_measurements(found):
    values = found.samples[1, found.kept[3], :2]
    expected = model(SPACE.insert(jnp.asarray(values)))
    flat = np.concatenate([expected["minus"], expected["plus"]])
    assert np.allclose(found.prediction[1, 3], flat, rtol=1e-9)
    new = found.predictive(key=1)
    assert new.shape == found.prediction.shape
    assert np.std(new - found.prediction) == pytest.approx(0.05, rel=0.2)
    inside = np.mean(
        (np.quantile(new, 0.025, axis=(0, 1)) < found.data)
        & (found.data < np.quantile(new, 0.975, axis=(0, 1)))
    )
    assert 0.85 < inside <= 1.0


def test_tree_for_arviz(found):
    tree = found.to_datatree(predictive=True, pointwise=True)
    assert set(tree.children) == {
        "posterior", "sample_stats", "observed_data", "posterior_predictive", "log_likelihood",
    }  # fmt: skip
    posterior = tree["posterior"].to_dataset()
    assert dict(posterior.sizes) == {"chain": 4, "draw": 500}
    assert np.array_equal(posterior["sine.0"], found.draws["sine.0"])
    assert tree["sample_stats"]["diverging"].dims == ("chain", "draw")
    total = sum(
        tree["log_likelihood"][name].sum(axis=-1).to_numpy() for name in tree["observed_data"]
    )
    assert np.allclose(total, found.log_likelihood[:, found.kept], rtol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arviz = pytest.importorskip("arviz")
        groups = {name: node.to_dataset() for name, node in tree.children.items()}
        table = arviz.summary(arviz.InferenceData(**groups), round_to="none")
        loo = arviz.loo(arviz.InferenceData(**groups), var_name=next(iter(tree["observed_data"])))
        if arviz.__version__ < "1":  # a dictionary of dictionaries, as the tutorial has it
            plain = {
                name: {key: array.to_numpy() for key, array in node.data_vars.items()}
                for name, node in tree.children.items()
            }
            other = arviz.summary(arviz.from_dict(**plain), round_to="none")
            assert np.allclose(other["r_hat"], found.rhat)
    assert np.allclose(table["r_hat"], found.rhat)
    assert np.allclose(table["ess_bulk"], found.bulk)
    assert np.isfinite(loo.elpd_loo)


def test_saved_and_loaded(found, tmp_path):
    jd.save(tmp_path / "posterior.json", found)
    again = jd.load(tmp_path / "posterior.json")
    assert type(again) is jd.results.Posterior
    for name in ("samples", "prediction", "rhat", "log_posterior", "divergent", "kept"):
        assert np.array_equal(getattr(again, name), getattr(found, name)), name
    assert again.summary() == found.summary()
    assert np.array_equal(again.predictive(3), found.predictive(3))
    assert again.device(0, 0).sine.tolist() == found.device(0, 0).sine.tolist()


def test_figures(found):
    figure = found.plot()
    assert len(figure.axes) == 16
    figure.canvas.draw()
    bands = jd.plot.posterior_predictive(found, unit="nA")
    assert len(bands.axes) == 2
    assert jd.plot.posterior(found, ["sine.1"]).axes[0].get_xlabel() == "sine.1"
    with pytest.raises(ValueError, match=r"unknown parameter 'sin.1'; did you mean 'sine.1'"):
        jd.plot.posterior(found, ["sin.1"])


def test_summary(found):
    text = found.summary("nA")
    for part in ("4 chains of 500 draws after 200 of warm-up", "other modes", "flat inside", "R̂"):
        assert part in text
    assert found.warnings == ()
    table = found.as_dict()
    assert table["parameters"]["sine.0"]["rhat"] == found.rhat[0]
    assert table["chains"] == 4


def test_an_offset_of_the_current_is_seen():
    shifted = jd.sample_posterior(
        model, SPACE, measured(0.1), along=X, per_row=True, key=0, draws=300, warmup=100,
        progress=False,
    )  # fmt: skip
    said = [text for text in shifted.warnings if "residuals (model − data) have a mean" in text]
    assert len(said) == 1
    assert sorted(np.sign(list(shifted.offsets.values()))) == [-1, 1]


@pytest.mark.thorough
def test_a_sigma_that_is_too_small(found):
    tight = jd.sample_posterior(
        model, SPACE, measured(), 0.01, along=X, key=0, draws=100, progress=False
    )
    assert any("σ is too small" in text for text in tight.warnings)


def test_other_data_compile_nothing(found):
    """The sampler is kept: new numbers, bounds and starts run at once."""
    before = nuts._advance._cached._cache_size()
    space = jd.Space(jd.Harmonics([1.1, 0.3]), {"sine": (0.0, 4.0)})
    other = {name: 1.1 * value for name, value in measured().items()}
    jd.sample_posterior(
        model, space, other, along=X, per_row=True, key=5, draws=50, warmup=30, progress=False
    )
    assert nuts._advance._cached._cache_size() == before


@pytest.mark.thorough
def test_chains_that_stay_apart():
    """Two modes that no chain leaves: said, and not converged."""

    def square(device):
        return device.sine[:1] ** 2

    space = jd.Space(jd.Harmonics([1.0, 0.0]), {"sine.0": (-3.0, 3.0)})
    options = dict(key=0, chains=2, draws=100, progress=False)
    starts = [
        jd.sample_posterior(
            square, space, np.ones(1), 0.02, start=jd.Harmonics([sign, 0.0]), **options
        )
        for sign in (1.0, -1.0)
    ]
    assert starts[0].mean[0] * starts[1].mean[0] < 0
    both = np.concatenate([one.samples[..., 0] for one in starts])
    assert mixing.rhat(both) > 1.5
    joined = eqx.tree_at(
        lambda one: (one.samples, one.rhat),
        starts[0],
        (both[..., None], np.array([mixing.rhat(both)])),
    )
    assert int(joined.status) == jd.Status.CHAINS_NOT_MIXED
    assert any("chains did NOT mix" in text for text in joined.warnings)


@pytest.mark.thorough
def test_random_numbers_are_those_of_the_noise():
    """Correlated Student noise, drawn again, has the memory it was given."""
    x = np.linspace(0, 1, 200)

    def flat(device):
        return device.sine[0] + 0.0 * x

    random = np.random.default_rng(0)
    own = np.zeros(200)
    for k in range(200):
        own[k] = (0.7 * own[k - 1] if k else 0) + random.normal() * np.sqrt(1 - 0.49)
    one = jd.sample_posterior(
        flat, jd.Space(jd.Harmonics([0.0]), {"sine": (-3.0, 3.0)}), own, 1.0, correlated=True,
        key=0, draws=100, progress=False,
    )  # fmt: skip
    noise = one.predictive() - one.prediction
    lag = np.mean(noise[..., 1:] * noise[..., :-1]) / np.mean(noise**2)
    assert lag == pytest.approx(one.mean[1], abs=0.05)
    assert stats.kstest(noise.ravel()[::7], "norm").pvalue > 1e-4
