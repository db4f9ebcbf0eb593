"""Simulation-based calibration: draws whose truth is known are ranked and scored.

A truth from the prior, data from it, draws from the posterior: the rank of the truth among
independent draws is uniform, and z = (truth − mean)/deviation has mean 0 and variance 1. Source:
Talts et al., arXiv 1804.06788. The tests have power: draws 20 % too narrow or wide fail them.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxdiode as jd
from tests.helpers import slow

pytest.importorskip("blackjax")

COIL = jnp.linspace(-0.01, 0.01, 20)
BOUNDS = {
    "squid.branches.0": (60.0, 140.0), "squid.branches.1": (20.0, 55.0),
    "turns": (40.0, 90.0), "offset": (-0.004, 0.004),
}  # fmt: skip
RANGE = (0.3, 3.0)  # of σ, its prior 1/σ
SETS, RANKS, BINS = 400, 99, 10


def model(device, coil):
    """Two tunnel junctions in the flux of a coil: I_c = |I₀ + I₁ e^{2πif}|, in closed form."""
    one, other = (branch.critical_current for branch in device.squid.branches)
    phase = 2 * jnp.pi * device.turns[0] * (coil - device.offset)
    return jnp.sqrt(one**2 + other**2 + 2 * one * other * jnp.cos(phase))


def scores(sets, draws=300):
    """(ranks, z) of shape (sets, names)."""
    junctions = [jd.TunnelJunction(100.0), jd.TunnelJunction(40.0)]
    device = jd.CoilBiasedSquid(jd.Squid(junctions, flux=[0.0]), turns=[60.0], offset=0.0)
    space = jd.Space(device, BOUNDS)
    low, high = np.asarray(space.lower), np.asarray(space.upper)
    random = np.random.default_rng(11)
    ranks, z = [], []
    for k in range(sets):
        truth = random.uniform(low, high)
        sigma = np.exp(random.uniform(*np.log(RANGE)))
        start = space.insert(jnp.asarray(truth))
        data = np.asarray(model(start, COIL)) + sigma * random.normal(size=COIL.size)
        found = jd.sample_posterior(
            model, space, data, arguments=[COIL], start=start, sigma_range=RANGE, key=k,
            chains=2, warmup=150, draws=draws, predictions=2, progress=False,
        )  # fmt: skip
        logs = found.flat.copy()
        logs[:, -1] = np.log(logs[:, -1])
        known = np.append(truth, np.log(sigma))
        thinned = logs[:: len(logs) // RANKS][:RANKS]
        ranks.append(np.sum(thinned < known, axis=0))
        z.append((known - logs.mean(axis=0)) / logs.std(axis=0))
    return np.array(ranks), np.array(z)


def chances(ranks):
    """p of χ² of the counts of ranks in ten bins, of every name."""
    found = []
    for column in ranks.T:
        counts = np.histogram(column, BINS, (-0.5, RANKS + 0.5))[0]
        found.append(stats.chisquare(counts).pvalue)
    return np.array(found)


def judged(z):
    """(|mean|√N/3, |deviation − 1|√(2N)/3): below one where calibrated."""
    count = len(z)
    return (
        np.abs(z.mean(axis=0)) * np.sqrt(count) / 3,
        np.abs(z.std(axis=0) - 1) * np.sqrt(2 * count) / 3,
    )


@slow
def test_calibration():
    ranks, z = scores(SETS)
    p, (mean, deviation) = chances(ranks), judged(z)
    print(f"\np of ranks {p.round(3)}, mean of z {mean.round(2)}, deviation {deviation.round(2)}")
    assert np.all(p > 0.01 / len(p))
    assert np.all(mean < 1)
    assert np.all(deviation < 1)
    # Draws as they would be with a width 20 % off, by the same scores.
    for factor in (0.8, 1.25):
        assert np.any(judged(z / factor)[1] > 1)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_power(factor):
    """Ranks and scores of an exact sampler pass; those of a width 20 % off do not."""
    random = np.random.default_rng(0)
    truth, noise = random.normal(size=(SETS, 1)), random.normal(size=(SETS, 1))
    mean, deviation = (truth + noise) / 2, np.sqrt(0.5)  # of a normal prior and one measurement
    draws = mean + deviation * random.normal(size=(SETS, RANKS))
    ranks = np.sum(draws < truth, axis=1, keepdims=True)
    assert chances(ranks)[0] > 0.01
    assert np.all(np.concatenate(judged((truth - mean) / deviation)) < 1)
    wrong = mean + factor * (draws - mean)
    assert chances(np.sum(wrong < truth, axis=1, keepdims=True))[0] < 0.01
    assert judged((truth - mean) / (factor * deviation))[1][0] > 1
