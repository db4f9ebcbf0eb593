"""Scatter of parameters: what is drawn has the distribution that was asked for."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxdiode as jd
from jaxdiode.studies.posterior import mixing
from jaxdiode.tolerance import Absolute, Relative

SQUID = jd.Squid.from_pairs([(420, 64.73), (380, 65.27), (49.21, 49.21)], flux=[0.4077, 0.41])
COUNT = 4000


def drawn(spread, device, count=COUNT, key=0):
    """{name: values} of many devices."""
    rows = spread.numbers(device, count, key)
    names = jd.parameter_names(device)
    space = jd.Space(device, {name: (-1e9, 1e9) if "flux" in name else (0, 1e9) for name in names})

    def values(row):
        one, good = spread.device(device, row)
        return space.values(one), good

    found, valid = jax.jit(jax.vmap(values))(jnp.asarray(rows))
    assert bool(jnp.all(valid))
    return dict(zip(names, np.asarray(found).T, strict=True)), rows


def test_factors_keep_the_median_or_the_mean():
    for keep, expected in (("median", 0.0), ("mean", -0.08)):
        spread = jd.Spread({"branches.0.first": Relative(0.4, keep=keep)})
        values, rows = drawn(spread, SQUID)
        logarithms = np.log(values["branches.0.first"] / 420)
        np.testing.assert_allclose(logarithms, expected + 0.4 * rows[:, 0], rtol=0, atol=1e-13)
        assert np.ptp(values["branches.0.second"]) == 0
    assert abs(np.mean(np.exp(0.4 * rows[:, 0] - 0.08)) - 1) < 4 * 0.42 / np.sqrt(COUNT)


def test_every_parameter_of_a_name_has_its_own_number_unless_common():
    own, _ = drawn(jd.Spread({"flux": 0.01}), SQUID)
    assert abs(np.corrcoef(own["flux.0"], own["flux.1"])[0, 1]) < 0.1
    assert abs(np.std(own["flux.0"]) / 0.01 - 1) < 0.1
    both, _ = drawn(jd.Spread({"flux": Absolute(0.01, common=True)}), SQUID)
    np.testing.assert_allclose(both["flux.0"] - 0.4077, both["flux.1"] - 0.41, atol=1e-15)


def test_several_members_and_names_that_overlap_add():
    spread = jd.Spread({"flux": (Absolute(0.03, common=True), 0.04), "flux.1": 0.12})
    values, rows = drawn(spread, SQUID)
    assert rows.shape[1] == 4
    assert abs(np.std(values["flux.0"]) / 0.05 - 1) < 0.06
    assert abs(np.std(values["flux.1"]) / 0.13 - 1) < 0.06


@pytest.mark.parametrize("correlation", [-1.0, -0.7, 0.5, 1.0])
def test_correlated_numbers(correlation):
    spread = jd.Spread(
        {"flux": 0.01, "branches.0": "5 %"},
        correlation={("flux.0", "branches.0.second"): correlation},
    )
    values, _ = drawn(spread, SQUID)
    pair = values["flux.0"], np.log(values["branches.0.second"])
    assert abs(np.corrcoef(*pair)[0, 1] - correlation) < 0.06
    other = values["flux.1"], np.log(values["branches.0.second"])
    assert abs(np.corrcoef(*other)[0, 1]) < 0.1
    assert abs(np.std(pair[1]) / 0.05 - 1) < 0.06


@given(
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
    deviation=st.floats(0, 0.5),
    key=st.integers(0, 2**31),
)
@settings(max_examples=20, deadline=None)
def test_factors_know_no_unit(scale, deviation, key):
    junction = jd.TunnelJunction(2.5 * scale)
    spread = jd.Spread({"critical_current": Relative(deviation)})
    (row,) = spread.numbers(junction, 1, key)
    found, valid = spread.device(junction, row)
    assert bool(valid)
    expected = 2.5 * scale * np.exp(deviation * row[0])
    np.testing.assert_allclose(found.critical_current, expected, rtol=1e-14)


def test_a_number_beyond_its_range_is_said_and_stays_at_the_end():
    modes = jd.AndreevModes(1.0, 0.98)
    spread = jd.Spread({"transparency": 0.05})
    _, valid = spread.device(modes, jnp.array([0.39]))
    assert bool(valid)
    found, valid = spread.device(modes, jnp.array([0.41]))
    assert not bool(valid)
    assert found.transparency.tolist() == [1.0]
    with pytest.raises(ValueError, match=r"ranges of the parameters, \d+ of 50 devices"):
        spread.devices(modes, 50, key=0)


def test_even_numbers_are_normal_and_closer_than_chance():
    spread = jd.Spread({"branches": "5 %", "flux": 0.01})
    rows = spread.numbers(SQUID, 1024, 3, even=True)
    assert rows.shape == (1024, 8)
    assert np.all(np.abs(rows.mean(axis=0)) < 0.2 / np.sqrt(1024))
    assert np.all(np.abs(rows.std(axis=0) - 1) < 0.01)
    assert np.array_equal(rows, spread.numbers(SQUID, 1024, 3, even=True))
    assert not np.array_equal(rows, spread.numbers(SQUID, 1024, 4, even=True))
    assert spread.numbers(SQUID, 1000, 3, even=True).shape == (1000, 8)
    assert np.all(np.isfinite(spread.numbers(SQUID, 1, 0, even=True)))


@pytest.mark.thorough
def test_draws_of_a_posterior():
    x = jnp.linspace(0, 2 * np.pi, 21)
    pair = jd.SeriesJunctions(90, 60)
    space = jd.Space(pair, {"first": (70, 120), "second": (40, 70)})
    found = jd.sample_posterior(
        lambda device: device.current(x), space, pair.current(x), sigma=1.0, key=0, draws=100
    )
    spread = jd.Spread(found)
    squid_like = jd.SeriesJunctions(1.0, 2.0)  # another design: the draws are what it is
    devices = spread.devices(squid_like, 50, key=1)
    flat = {tuple(row) for row in found.flat[:, :2].tolist()}
    assert all((float(d.first), float(d.second)) in flat for d in devices)
    assert len({float(d.first) for d in devices}) > 40
    assert len(spread.numbers(pair, 1000, 0)) == 1000  # more than there are draws
    with pytest.raises(ValueError, match="parameter of the posterior"):
        spread.place(jd.TunnelJunction(1.0))
    objective = jd.robust(lambda device: device.first, spread, samples=8)
    with pytest.raises(ValueError, match="must not vary what the posterior's draws set"):
        jd.maximise(objective, jd.Space(pair, {"first": (50, 100)}), key=0, starts=2, steps=2)


def chains(random, correlation, chains=4, draws=250):
    """A posterior of one current, its draws an autoregression of mean 100 and deviation 3."""
    noise = random.standard_normal((chains, draws))
    for k in range(1, draws):
        noise[:, k] = correlation * noise[:, k - 1] + np.sqrt(1 - correlation**2) * noise[:, k]
    samples = (100 + 3 * noise)[:, :, None]
    sizes = {"bulk": mixing.ess_bulk, "tail": mixing.ess_tail}
    found = types.SimpleNamespace(
        space=jd.Space(jd.TunnelJunction(100.0), {"critical_current": (50, 150)}),
        flat=samples.reshape(-1, 1),
        **{name: np.array([size(samples[:, :, 0])]) for name, size in sizes.items()},
    )
    spread = jd.Spread({"critical_current": 1.0})
    spread.posterior = found
    return spread


@pytest.mark.thorough
@pytest.mark.parametrize("samples", [100, 20_000])
@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_errors_are_those_of_effective_draws(correlation, samples):
    """No draw counts twice, and draws that follow each other count for fewer."""
    random = np.random.default_rng(2)
    off, hits = [], 0
    for k in range(40):
        robustness = jd.robust(
            lambda device: device.critical_current, chains(random, correlation), samples=8
        )
        found = robustness.statistics(
            jd.TunnelJunction(100.0), key=k, samples=samples, threshold=99.0
        )
        assert found.values.size == min(samples, 1000) == len(set(found.values.tolist()))
        off.append((found.mean - 100) / found.mean_error)
        low, high = found.yield_interval
        hits += low < 0.63056 < high  # Φ(1/3)
    assert 0.6 < np.sqrt(np.mean(np.square(off))) < 1.25  # the fewest effective ones are in tails
    assert hits >= 35


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "members must be"),
        ("5 %", "members must be"),
        ({"flux": -0.01}, "'flux': deviation must be a number, at least 0, got -0.01"),
        ({"flux": np.nan}, "at least 0, got nan"),
        ({"flux": np.inf}, "at least 0, got inf"),
        ({"flux": True}, "at least 0, got True"),
        ({"flux": "a lot"}, "like '5 %', got 'a lot'"),
        ({"flux": "x %"}, "like '5 %', got 'x %'"),
        ({"flux": "-5 %"}, "at least 0, at most 5, got -0.05"),
        ({"flux": "600 %"}, "at most 5, got 6"),
        ({"flux": ()}, "must say how it scatters"),
        ({"flux": (0.1, [0.2])}, "deviation must be a number"),
    ],
)
def test_members_that_are_none(members, message, unchecked):
    with pytest.raises(ValueError, match=message):
        jd.Spread(members)


@pytest.mark.parametrize(
    ("correlation", "message"),
    [
        ({("flux.0", "flux.1"): 1.1}, "must lie within -1 to 1, got 1.1"),
        ({("flux.0", "flux.0"): 0.5}, "must be of two names"),
        ({"flux.0": 0.5}, "must be of two names"),
        ([0.5], "correlation must be"),
    ],
)
def test_correlations_that_are_none(correlation, message, unchecked):
    with pytest.raises(ValueError, match=message):
        jd.Spread({"flux": 0.1}, correlation=correlation)


def test_what_a_device_does_not_have(unchecked):
    with pytest.raises(ValueError, match="parameter"):
        jd.Spread({"fluxx": 0.1}).place(SQUID)
    with pytest.raises(ValueError, match="scatter in one way of their own"):
        jd.Spread({"flux": 0.1}, correlation={("flux.0", "branches.0.first"): 0.5}).place(SQUID)
    with pytest.raises(ValueError, match="scatter in one way of their own"):
        jd.Spread({"flux": (0.1, 0.2)}, correlation={("flux.0", "flux.1"): 0.5}).place(SQUID)
    names = ("branches.0.first", "branches.0.second", "branches.1.first")
    far = {(a, b): -0.9 for a, b in zip(names, names[1:] + names[:1], strict=True)}
    with pytest.raises(ValueError, match=r"eigenvalue .* below 0"):
        jd.Spread({"branches": "5 %"}, correlation=far).place(SQUID)
    for name in ("keep",):
        with pytest.raises(ValueError, match="must be 'median' or 'mean'"):
            Relative(0.1, **{name: "mode"})
