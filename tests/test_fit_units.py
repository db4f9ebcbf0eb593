"""Fits, designs and spaces do not depend on the unit of the currents."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import jaxdiode as jd

PHASE = np.array([0.5, 1.0, 1.5])


def sinusoid(junction, phase):
    return junction.current(jnp.asarray(phase))


@pytest.mark.parametrize("true", [3e-7, 3e-6, 3e-5, 3.0, 3e9])
@pytest.mark.parametrize("upper", [4 / 3, np.inf])
def test_small_currents_are_fitted(true, upper):
    """A start at two thirds of the truth was returned as converged."""
    space = jd.Space(jd.TunnelJunction(true * 2 / 3), {"critical_current": (0.0, true * upper)})
    found = jd.fit(sinusoid, space, true * np.sin(PHASE), arguments=[PHASE])
    assert found.converged
    assert found.values[0] == pytest.approx(true, rel=1e-8)
    assert found.at_bound == ()


# ---- Two unequal harmonics with a pseudo-random misfit, in any unit: everything that comes out
# is the result in another unit. The tolerance is that of two rounding histories.

X = np.linspace(0.1, 6.0, 40)
MISFIT = 0.05 * np.sin(37 * X**2)


def harmonics(device, phase):
    return device.current(jnp.asarray(phase))


def fitted(unit, case, loss, sigma):
    start = jd.Harmonics(unit * np.array([0.7, -0.3]), unit * np.array([0.0, 0.4]))
    bounds = {
        "two bounds": {"sine": (-2 * unit, 3 * unit), "cosine": (-unit, unit)},
        "one bound": {"sine": (-2 * unit, np.inf), "cosine": (-np.inf, 2 * unit)},
        "no bounds": {"sine": (-np.inf, np.inf), "cosine": (-np.inf, np.inf)},
        "active": {"sine": (-0.35 * unit, np.inf), "cosine": (-unit, unit)},
    }[case]
    data = unit * (np.sin(X) - 0.5 * np.sin(2 * X) + 0.2 * np.cos(X) + MISFIT)
    noise = None if sigma is None else sigma * unit
    return jd.fit(
        harmonics, jd.Space(start, bounds), data, noise, arguments=[X], along=X, loss=loss
    )


@pytest.mark.thorough
@settings(max_examples=20)
@given(
    exponent=st.floats(-9, 9),
    case=st.sampled_from(["two bounds", "one bound", "no bounds", "active"]),
    loss=st.sampled_from(["linear", "soft_l1", "cauchy"]),
    sigma=st.sampled_from([None, 0.05]),
)
@example(exponent=-9, case="no bounds", loss="linear", sigma=None)
@example(exponent=-9, case="active", loss="cauchy", sigma=None)
@example(exponent=9, case="one bound", loss="soft_l1", sigma=None)
def test_a_fit_in_any_unit(exponent, case, loss, sigma):
    unit = 10.0**exponent
    one, other = fitted(1.0, case, loss, sigma), fitted(unit, case, loss, sigma)
    assert np.allclose(other.values / unit, one.values, rtol=1e-8, atol=1e-8)
    for name in ("errors", "robust_errors", "sigma", "residuals"):
        expected = getattr(one, name)
        size = np.max(np.abs(expected))
        assert np.allclose(getattr(other, name) / unit, expected, rtol=1e-6, atol=1e-6 * size)
    assert other.successive_noise / unit == pytest.approx(one.successive_noise, rel=1e-6)
    for name in ("converged", "at_bound", "unmoved", "unseen", "indistinct", "lag"):
        assert getattr(other, name) == getattr(one, name), name
    assert other.at_bound == (("sine.1",) if case == "active" else ())
    words = [text.split(" by ")[0].split(" is ")[0] for text in one.warnings]
    assert [text.split(" by ")[0].split(" is ")[0] for text in other.warnings] == words


def test_a_large_sigma_is_no_reason_to_stop():
    """σ a million times too large scales errors and nothing else."""
    small, large = (fitted(1.0, "no bounds", "linear", s) for s in (0.05, 5e7))
    assert np.allclose(large.values, small.values, rtol=1e-8, atol=1e-8)
    assert np.allclose(large.errors, 1e9 * small.errors, rtol=1e-6)


@settings(max_examples=20)
@given(exponent=st.floats(-9, 9), bounded=st.sampled_from(["both", "one", "none"]))
@example(exponent=-9, bounded="none")
@example(exponent=9, bounded="one")
def test_coordinates_have_no_unit(exponent, bounded):
    """A free parameter that is zero, beside others that are not, took 1 for its size."""
    unit = 10.0**exponent

    def space(size):
        bounds = {"both": (-size, 2 * size), "one": (-size, np.inf), "none": (-np.inf, np.inf)}
        device = jd.Harmonics(size * np.array([0.5, 0.0]), [0.0, 0.0])
        return jd.Space(device, {"sine": bounds[bounded]})

    values = np.array([0.7, 0.2])
    one, other = space(1.0), space(unit)
    coordinates = np.asarray(one.unbounded(jnp.asarray(values)))
    assert np.allclose(other.unbounded(jnp.asarray(unit * values)), coordinates, atol=1e-9)
    assert np.allclose(other.bounded(jnp.asarray(coordinates)) / unit, values, atol=1e-9)


def homogeneous(device):
    """2√(ab) − 1.5 b: in the unit of its two currents, largest at a's bound and b = a/2.25."""
    a, b = device.sine
    return 2 * jnp.sqrt(a * b) - 1.5 * b


def currents(unit):
    device = jd.Harmonics([0.5 * unit, 0.5 * unit])
    return jd.Space(device, {"sine.0": (0.2 * unit, 0.9 * unit), "sine.1": (0.05 * unit, unit)})


def designed(unit):
    return jd.maximise(
        homogeneous, currents(unit), key=0, starts=4, steps=60, polish=40, rounds=1, progress=False
    )


@pytest.fixture(scope="module")
def design():
    return designed(1.0)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_a_design_in_any_unit(unit, design):
    """Adam compares gradients with an absolute 1e-8: amperes climbed another way."""
    found = designed(unit)
    assert found.value / unit == pytest.approx(0.6, abs=1e-4)
    assert np.allclose(found.history / unit, design.history, rtol=1e-8)
    assert found.values[0, 1] / unit == pytest.approx(0.4, abs=1e-3)
    assert found.at_bound == ("sine.0",)
    assert found.summary().count("at its bound") == 1
    assert f"objective {found.value:.8g} after" in found.summary()


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_random_search_in_any_unit(unit):
    one, other = (
        jd.random_search(homogeneous, currents(size), key=3, samples=64, progress=False)
        for size in (1.0, unit)
    )
    assert other.value / unit == pytest.approx(one.value, rel=1e-12)
    assert np.allclose(other.values / unit, one.values, rtol=1e-12)


def test_random_search_that_finds_nothing_says_so():
    space = jd.Space(jd.TunnelJunction(1.0), {"critical_current": (0.5, 2.0)})
    with pytest.raises(ValueError, match="NaN or infinite at every sample"):
        jd.random_search(lambda d: jnp.nan * d.critical_current, space, key=0, samples=5)


@pytest.mark.parametrize("key", [1, jax.random.key(1)])
def test_a_seed_is_a_key(key):
    space = jd.Space(jd.TunnelJunction(2.0), {"critical_current": (0.1, 4.0)})
    found = jd.fit(sinusoid, space, 3 * np.sin(PHASE), arguments=[PHASE], starts=3, key=key)
    assert found.values[0] == pytest.approx(3.0, rel=1e-8)
    assert found.starts == 3
    with pytest.raises(ValueError, match="key must be"):
        jd.fit(sinusoid, space, 3 * np.sin(PHASE), arguments=[PHASE], starts=3, key=True)
