"""Results on disk and back."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxdiode as jd
from jaxdiode import results
from jaxdiode._atomic import atomic_write

DEVICE = jd.Harmonics([1.0, 0.25], [0.5])


def through_disk(result, tmp_path):
    path = tmp_path / "result.json"
    results.write_json(path, result)
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]
    text = path.read_text(encoding="utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text
    return results.read_json(path)


def test_device(tmp_path):
    back = through_disk(DEVICE, tmp_path)
    assert back.pop("type") == "Harmonics"
    assert back == {"sine.0": 1.0, "sine.1": 0.25, "cosine.0": 0.5, "cosine.1": 0.0}
    assert tuple(back) == jd.parameter_names(DEVICE)


def test_critical_currents_and_nan(tmp_path):
    found = jd.CriticalCurrents(
        jnp.array([1 / 3, jnp.nan]), jnp.array([0.1, jnp.inf]), jnp.array([0, 2])
    )
    back = through_disk(found, tmp_path)
    assert back["plus"] == [1 / 3, None]  # every digit survives
    assert back["minus"] == [0.1, None]
    assert back["status"] == [0, 2]
    assert back["efficiency"][1] is None


def test_plain_values(tmp_path):
    given = {"a": np.float64(0.1), "b": (1, None, True, "η"), 3: jnp.arange(2), "c": float("-inf")}
    assert through_disk(given, tmp_path) == {
        "a": 0.1, "b": [1, None, True, "η"], "3": [0, 1], "c": None
    }  # fmt: skip


def test_design(tmp_path):
    space = jd.Space(DEVICE, {"sine.1": (0.0, 1.0)})
    found = jd.random_search(lambda d: d.sine[1], space, key=jax.random.key(0), samples=100)
    back = through_disk(found, tmp_path)
    assert back["objective"] == found.value
    assert back["parameters"] == {"sine.1": found.value}
    assert back["evaluations"] == 100
    assert back["scores"] == [found.value]
    assert back["device"]["sine.1"] == found.value
    assert back["device"]["cosine.0"] == 0.5


def test_fit(tmp_path):
    space = jd.Space(DEVICE, {"sine": (0.0, 3.0), "cosine.1": (-1.0, 1.0)})

    def model(device):  # the data say nothing of cosine.1
        return device.sine[0] * jnp.arange(1.0, 9.0) + device.sine[1]

    found = jd.fit(model, space, 1.2 * jnp.arange(1.0, 9.0) + 0.7, sigma=0.5)
    back = through_disk(found, tmp_path)
    assert back["parameters"]["sine.0"]["value"] == pytest.approx(1.2)
    assert back["parameters"]["cosine.1"] == {
        "value": 0.0, "error": None, "robust_error": None,
    }  # fmt: skip
    assert back["converged"] is True
    assert back["at_bound"] == []
    assert back["degrees_of_freedom"] == 5
    assert back["rms"] < 1e-6
    assert np.shape(back["covariance"]) == (3, 3)


def test_sweep_through_netcdf(tmp_path):
    axes = {"cosine.0": [0.0, 0.5], "sine": [[1.0, 0.1], [1.0, 0.2], [1.0, 0.3]]}

    def function(device):
        return {"total": device.sine.sum() + device.cosine[0], "both": device.sine}

    data = jd.sweep(function, DEVICE, axes)
    data.to_netcdf(tmp_path / "sweep.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "sweep.nc", engine="h5netcdf") as back:
        xarray.testing.assert_identical(data, back.load())


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.json"
    results.write_json(path, {"a": 1})

    def fail(temporary):
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, fail)
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]
