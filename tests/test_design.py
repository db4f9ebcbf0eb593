"""The design verb on problems whose optimum is known, and on the paper's own searches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests.reference import dense_squid

KEY = jax.random.key(0)
SMALL = {"starts": 8, "steps": 40, "polish": 60, "rounds": 2}


def dense_efficiency(device):
    """η of a SQUID of series pairs, evaluated outside jaxdiode."""
    pairs = [("series", float(b.first), float(b.second)) for b in device.branches]
    return dense_squid.efficiency(pairs, np.asarray(device.flux))


class TwoHarmonics(jd.AbstractPhaseBiased):
    """sin φ + b sin(2φ + δ): |η| ≤ 1/3, reached at b = 1/2, δ = ±π/2.

    There I = ½ + s − s² with s = sin φ: maximum ¾ (twice, a tie), minimum −3/2.
    """

    b: jax.Array
    delta: jax.Array

    def current(self, phase):
        return jnp.sin(phase) + self.b * jnp.sin(2 * phase + self.delta)


@pytest.fixture(scope="module")
def harmonics():
    device = TwoHarmonics(jnp.array(0.3), jnp.array(1.0))
    return jd.Space(device, {"b": (0.0, 2.0), "delta": (-np.pi, np.pi)})


@pytest.fixture(scope="module")
def found(harmonics):
    return jd.maximise(jd.diode_efficiency, harmonics, key=KEY, **SMALL)


@pytest.mark.slow
def test_tie_of_two_peaks(found):
    assert found.value >= 1 / 3 - 1e-5
    assert found.value <= 1 / 3 + 1e-10
    assert abs(found.parameters["b"] - 0.5) < 1e-3
    assert abs(abs(found.parameters["delta"]) - np.pi / 2) < 1e-3


@pytest.mark.thorough
def test_adam_alone_stalls_there(harmonics, found):
    """Otherwise the test above would not show what the second phase is for."""
    alone = jd.maximise(jd.diode_efficiency, harmonics, key=KEY, **(SMALL | {"polish": 0}))
    assert alone.value < 1 / 3 - 1e-5 < found.value
    assert alone.evaluations < found.evaluations


@pytest.mark.thorough
def test_result_is_consistent(harmonics, found):
    assert found.names == ("b", "delta")
    assert np.array_equal(harmonics.values(found.device), found.values[0])
    assert found.value == found.scores[0] == found.history[-1]
    assert np.all(np.diff(found.scores) <= 0)
    assert np.all(np.diff(found.history) >= 0)
    assert found.values.shape == (len(found.scores), 2)
    b, delta = found.values.T[..., None]
    phase = np.linspace(0, 2 * np.pi, 20001)
    scan = np.sin(phase) + b * np.sin(2 * phase + delta)
    scanned = (scan.max(1) + scan.min(1)) / (scan.max(1) - scan.min(1))
    assert np.allclose(scanned, found.scores, atol=1e-6)  # of a grid of 3e-4
    assert found.evaluations == 3 * (8 * 40 + 2 * 2 * 61)
    assert "objective 0.3333" in found.summary()


def test_one_key_one_result(harmonics, found):
    again = jd.maximise(jd.diode_efficiency, harmonics, key=KEY, **SMALL)
    assert np.array_equal(again.values, found.values)
    assert np.array_equal(again.history, found.history)
    other = jd.maximise(jd.diode_efficiency, harmonics, key=jax.random.key(1), **SMALL)
    assert not np.array_equal(other.values, found.values)


def hill(device):
    """A parabola in b with its top at ½, NaN above 0.7."""
    return jnp.where(device.b > 0.7, jnp.nan, -((device.b - 0.5) ** 2))


@pytest.mark.slow
@pytest.mark.parametrize("starts", [1, 5, 12])
def test_nan_lanes_are_left_behind(harmonics, starts):
    """Also: any number of starts will do, not only multiples of four."""
    key = jax.random.key(0)  # its first start lies below 0.7
    result = jd.maximise(hill, harmonics, key=key, starts=starts, steps=40, polish=20, rounds=1)
    assert result.value == pytest.approx(0.0, abs=1e-10)
    assert result.parameters["b"] == pytest.approx(0.5, abs=1e-5)
    assert np.all(np.isfinite(result.values))


@pytest.mark.thorough
def test_two_branch_squid_against_a_scan():
    """One free current, fluxes fixed: a scan with the independent evaluation knows the optimum."""
    device = jd.Squid.from_pairs([(100, 100), (300, 70)], flux=[0.3])
    space = jd.Space(device, {"branches.1.second": (5.0, 250.0)})
    found = jd.maximise(
        jd.diode_efficiency, space, key=KEY, starts=4, steps=60, polish=60, rounds=1
    )
    scan = max(
        dense_squid.efficiency([("series", 100.0, 100.0), ("series", 300.0, x)], [0.3])
        for x in np.linspace(5, 250, 491)
    )
    assert dense_efficiency(found.device) == pytest.approx(found.value, abs=1e-9)
    assert found.value >= scan
    assert found.value <= scan + 1e-3


def test_nan_everywhere_is_an_error(harmonics):
    with pytest.raises(ValueError, match="NaN or infinite at every start"):
        jd.maximise(lambda d: d.b * jnp.nan, harmonics, key=KEY, starts=2, steps=2)


def test_random_search_honours_ties_and_bounds():
    device = jd.Squid.from_pairs([(400, 100), (300, 70)], flux=[0.3])
    space = jd.Space(device, {"branches": (5.0, 250.0)}, ties=["branches.0"])

    def objective(d):
        """Far above all others where a tie, a bound or a fixed parameter is not respected."""
        first, second = d.branches[0].first, d.branches[0].second
        free = jnp.stack([first, d.branches[1].first, d.branches[1].second])
        kept = (first == second) & (free > 5).all() & (free < 250).all() & (d.flux[0] == 0.3)
        return jnp.where(kept, first - d.branches[1].first, 1e9)

    found = jd.random_search(objective, space, key=KEY, samples=3000, chunk=1000)
    # The difference of two uniform numbers: P(> 0.9 × width) = 0.005, 15 expected in 3000.
    assert 0.9 * 245 < found.value < 245
    assert found.value == float(objective(found.device))
    assert found.evaluations == 3000
    assert len(found.history) == 3
    assert np.all(np.diff(found.history) >= 0)
    again = jd.random_search(objective, space, key=KEY, samples=3000, chunk=1000)
    assert again.value == found.value


def test_random_search_passes_over_nan(harmonics):
    found = jd.random_search(
        lambda d: jnp.where(d.b > 1, jnp.nan, d.b), harmonics, key=KEY, samples=500
    )
    assert 0.95 < found.value <= 1


@pytest.mark.parametrize("name", ["starts", "steps", "rounds", "polish"])
def test_counts_must_be_counts(harmonics, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        jd.maximise(hill, harmonics, key=KEY, **(SMALL | {name: -1}))


@pytest.mark.thorough
def test_errors(harmonics):
    with pytest.raises(ValueError, match="one number per device"):
        jd.maximise(lambda d: jnp.stack([d.b, d.delta]), harmonics, key=KEY)
    with pytest.raises(ValueError, match="samples must be a whole number, at least 1"):
        jd.random_search(lambda d: d.b, harmonics, key=KEY, samples=0)
    endless = jd.Space(harmonics.device, {"b": (0.0, np.inf)})
    with pytest.raises(ValueError, match="bounds of 'b' must be finite"):
        jd.maximise(lambda d: d.b, endless, key=KEY)
    with pytest.raises(ValueError, match="bounds of 'b' must be finite"):
        jd.random_search(lambda d: d.b, endless, key=KEY, samples=10)


# ---- The searches of the paper, from random starts. No hints: every free number is drawn at
# random from its bounds; fluxes are tied only where the paper has one field for both loops.


def free_pairs(count, lower):
    return jd.Squid.from_pairs([(100, 100)] * count, [0.5] * (count - 1)), {
        "branches": (lower, 1000.0),
        "flux": (0.0, 1.0),
    }


def ungated_two():
    """E₁ = 420, E₃ = 380 fixed (0.8633, 0.7811 meV), the paper's constrained double loop."""
    device = jd.Squid.from_pairs([(420, 190), (380, 190), (190, 190)], (0.5, 0.5))
    gates = ("branches.0.second", "branches.1.second", "branches.2")
    return device, {name: (20.0, 360.0) for name in gates} | {"flux": (0.0, 1.0)}


SEARCHES = {
    "constrained double loop": (ungated_two, ("flux",), 6, 0.6374),
    "single loop": (lambda: free_pairs(2, 0.1), (), 6, 0.4999),
    "three branches, equal fluxes": (lambda: free_pairs(3, 0.1), ("flux",), 10, 0.6630),
    "three branches": (lambda: free_pairs(3, 1.0), (), 6, 0.6660),
    "four branches": (lambda: free_pairs(4, 1.0), (), 6, 0.7650),
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("search", SEARCHES)
def test_searches(search, seed):
    build, ties, rounds, wanted = SEARCHES[search]
    space = jd.Space(*build(), ties=ties)
    found = jd.maximise(jd.diode_efficiency, space, key=jax.random.key(seed), rounds=rounds)
    dense = dense_efficiency(found.device)
    print(f"\n{search}, key {seed}: {dense:.7f}")
    assert dense == pytest.approx(found.value, abs=1e-8)
    assert dense >= wanted


@pytest.mark.parametrize(
    ("scores", "values", "flat"),
    [
        ([2e-16, -1e-16], [[0.1], [0.6]], True),  # eta of a reciprocal device
        ([7.0, 7.0], [[0.1], [0.6]], True),
        ([0.2, 0.2], [[0.3], [0.3]], False),  # both at one optimum
        ([2e-9, 1e-9], [[0.1], [0.6]], False),  # a current in amperes
    ],
)
def test_an_objective_that_is_the_same_everywhere_is_told(scores, values, flat):
    best = jd.results.DesignResult(
        jd.Harmonics([1.0]), scores[0], ("sine.0",), np.array(values), np.array(scores),
        np.full(3, scores[0]), 6,
    )  # fmt: skip
    assert best.flat == flat
    assert ("the same at every start" in best.summary()) == flat
