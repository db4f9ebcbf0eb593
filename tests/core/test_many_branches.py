"""Eight branches of nearly or exactly balanced pairs, peaks nearly tied, against a dense scan."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests.reference import dense_squid

BRANCHES, DEVICES = 8, 300


@pytest.mark.thorough
def test_eight_branches():
    rng = np.random.default_rng(5)
    shape = (DEVICES, BRANCHES)
    first = np.where(rng.random((DEVICES, 1)) < 0.5, 80.0, rng.uniform(50.0, 100.0, shape))
    second = first * (1 - rng.choice([0.0, 1e-9, 1e-6, 1e-3, 0.03, 0.1], shape))
    loops = (DEVICES, BRANCHES - 1)
    even = rng.choice([1 / 8, 1 / 8 + 1e-6, 1 / 4, 1 / 2], loops)
    flux = np.where(rng.random((DEVICES, 1)) < 0.3, even, rng.uniform(0.0, 1.0, loops))

    def one(first, second, flux):
        pairs = [jd.SeriesJunctions(first[k], second[k]) for k in range(BRANCHES)]
        found = jd.critical_currents(jd.Squid(pairs, flux=flux))
        return jnp.stack([found.plus, found.minus]), found.status

    found, status = jax.jit(jax.vmap(one))(*map(jnp.asarray, (first, second, flux)))
    np.testing.assert_array_equal(status, 0)
    for k in range(DEVICES):
        branches = [("series", *pair) for pair in zip(first[k], second[k], strict=True)]
        expected = dense_squid.critical_currents(branches, list(flux[k]))
        np.testing.assert_allclose(found[k], expected, rtol=0, atol=1e-12 * first[k].sum())
