"""Charts and priors on the line: densities that integrate to one, and draws from them."""

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as numbers
from scipy import integrate, stats

from jaxdiode.studies.posterior.box import LOGNORMAL, NORMAL, boxed

INF = np.inf
# (lower, upper, start, (kind, location, deviation) or None, SciPy's distribution)
CASES = {
    "flat": (2.0, 5.0, 3.0, None, stats.uniform(2, 3)),
    "flat far from zero": (1e6, 1e6 + 1, 1e6 + 0.5, None, stats.uniform(1e6, 1)),
    "flat, small units": (2e-9, 5e-9, 3e-9, None, stats.uniform(2e-9, 3e-9)),
    "normal": (-INF, INF, 0.0, (NORMAL, 3.0, 2.0), stats.norm(3, 2)),
    "normal cut off": (2.0, 5.0, 3.0, (NORMAL, 1.0, 1.0), stats.truncnorm(1, 4, 1, 1)),
    "normal above": (0.0, INF, 0.0, (NORMAL, 1.0, 1.0), stats.truncnorm(-1, INF, 1, 1)),
    "normal below": (-INF, 0.5, 0.0, (NORMAL, 1.0, 1.0), stats.truncnorm(-INF, -0.5, 1, 1)),
    "normal, far tail": (9.0, 20.0, 9.5, (NORMAL, 0.0, 1.0), stats.truncnorm(9, 20)),
    "log-normal": (0.0, INF, 0.0, (LOGNORMAL, np.log(3.0), 0.5), stats.lognorm(0.5, scale=3)),
    "log-normal, unbounded": (-INF, INF, 1.0, (LOGNORMAL, 0.0, 1.0), stats.lognorm(1.0)),
    "log-normal, large units": (
        0.0, 1e12, 1e9, (LOGNORMAL, np.log(3e9), 0.5), stats.lognorm(0.5, scale=3e9),
    ),
}  # fmt: skip


def made(case):
    low, high, start, bell, reference = CASES[case]
    arrays = (np.array([x]) for x in (low, high, start))
    return boxed(*arrays, {} if bell is None else {0: bell}), reference


@pytest.mark.parametrize("case", CASES)
def test_density(case):
    box, reference = made(case)
    x = reference.ppf(np.linspace(0.02, 0.98, 13))
    found = jax.vmap(box.log_prior)(jnp.asarray(x)[:, None])[:, 0]
    assert np.allclose(found, reference.logpdf(x), rtol=1e-9, atol=1e-9)
    z = jax.vmap(box.coordinates)(jnp.asarray(x)[:, None])
    assert np.allclose(jax.vmap(box.values)(z)[:, 0], x, rtol=1e-10)
    slope = jax.vmap(jax.jacfwd(box.values))(z)[:, 0, 0]
    assert np.allclose(np.log(np.abs(slope)), jax.vmap(box.log_jacobian)(z)[:, 0], atol=1e-7)


@pytest.mark.thorough
@pytest.mark.parametrize("case", CASES)
def test_density_on_the_line_integrates_to_one(case):
    box, reference = made(case)
    ends = jax.vmap(box.coordinates)(jnp.asarray(reference.ppf([0.05, 0.95]))[:, None])[:, 0]
    first, last = sorted(map(float, ends))
    z = np.linspace(first, last, 4001)
    density = np.exp(jax.vmap(box.log_density)(jnp.asarray(z)[:, None]))
    assert integrate.simpson(density, x=z) == pytest.approx(0.9, abs=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_draws(case):
    box, reference = made(case)
    z = jax.vmap(box.sample)(jax.random.split(jax.random.key(1), 4000))
    x = np.asarray(jax.vmap(box.values)(z))[:, 0]
    assert stats.kstest(reference.cdf(x), "uniform").pvalue > 1e-3


@pytest.mark.thorough
@hypothesis.given(
    centre=numbers.floats(-1e6, 1e6),
    width=numbers.floats(1e-3, 1e6),
    share=numbers.floats(0.001, 0.999),
    unit=numbers.sampled_from([1e-9, 1.0, 1e9]),
)
def test_any_bounds(centre, width, share, unit):
    """There and back to rounding, and a density of 1/width anywhere inside."""
    low, high = centre * unit, (centre + width) * unit
    x = low + share * (high - low)
    box = boxed(*(np.array([y]) for y in (low, high, x)), {})
    z = box.coordinates(jnp.array([x]))
    rounding = 1e-12 * (abs(low) + abs(high)) + 1e-9 * (high - low)
    assert abs(float(box.values(z)[0]) - x) <= rounding
    expected = -np.log(high - low)
    found = float(box.log_density(z) - box.log_jacobian(z)[0])
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_start_on_a_bound_is_taken_inside():
    box, _ = made("flat")
    for edge in (2.0, 5.0):
        z = box.coordinates(jnp.array([edge]))
        assert np.all(np.isfinite(z))
        assert 2 < float(box.values(z)[0]) < 5
