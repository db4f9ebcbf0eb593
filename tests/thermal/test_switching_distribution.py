"""Switching distributions against simulated ramps and the predictions of every formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from tests.reference.escape import NAMES, RAMPS, independent_rates

pytestmark = pytest.mark.slow  # an example in the docstring stands for them in short runs


def generic(amplitude=1.0):
    """sin φ + .3 sin(2φ + 1)."""
    sine = jnp.stack([jnp.asarray(amplitude, float), jnp.asarray(0.3 * np.cos(1.0))])
    return jd.Harmonics(sine, [0.0, 0.3 * np.sin(1.0)])


def double_loop():
    """Table 1 of the double-loop paper, in 100 nA."""
    return jd.Squid.from_pairs([(4.2, 0.8), (3.8, 0.9), (0.8, 0.9)], flux=(0.403, 0.403))


DEVICES = {
    "generic": generic(),
    "double loop": double_loop(),
    "balanced": jd.SeriesJunctions(1.0, 1.0),
}
RAMP = {"noise": 0.02, "rate": 1e-4}


@pytest.mark.parametrize("row", RAMPS, ids=lambda row: f"{row[0]}{'+-'[row[1]]} {row[2]}")
def test_simulated_ramps(row):
    """Means within .5 %, deviations within 7 %, by the formula that is chosen."""
    name, side, damping, mean, deviation, _ = row
    found = jd.switching_distribution(DEVICES[name], damping=damping, **RAMP)
    np.testing.assert_allclose(found.mean[side], mean, rtol=5e-3)
    np.testing.assert_allclose(found.deviation[side], deviation, rtol=0.07)
    assert -0.9 < found.skewness[side] < -0.4
    chosen = "v" if damping is None else "cusp" if name == "balanced" else "MM"
    assert found.formula == NAMES[chosen]
    # i_r = .2481 β/.2 of generic in first order: at β = 1 it is above the mean.
    retraps = damping == 1.0
    assert found.status[side] == (Status.RETRAPS if retraps else Status.CONVERGED)


@pytest.mark.parametrize(
    ("row", "formula"),
    [(row, formula) for row in RAMPS for formula in row[-1]],
    ids=lambda x: x if isinstance(x, str) else f"{x[0]}{'+-'[x[1]]} {x[2]}",
)
def test_predictions(row, formula):
    """Those of v/2π to all digits.

    The others were taken from a ramp that starts at about ¾ I±, which cuts the lower tail: it
    moves means by 3e-4 and deviations by 2 % at most, by more where the phase escapes as early as
    by the overdamped formula at β = .05 and .2.
    """
    name, side, damping, _, _, predicted = row
    found = jd.switching_distribution(
        DEVICES[name], damping=damping, formula=NAMES.get(formula, formula), **RAMP
    )
    mean, deviation = predicted[formula]
    early = formula == "quadrature" and damping is not None
    exact = formula == "v" and name != "double loop"
    np.testing.assert_allclose(found.mean[side], mean, rtol=7e-4 if early else 3e-4)
    within = 3e-4 if exact else 0.05 if early else 0.02
    np.testing.assert_allclose(found.deviation[side], deviation, rtol=within)


@pytest.mark.parametrize("side", [0, 1])
def test_moments_by_independent_rates(side):
    """P = κ/r exp(−∫κ/r) by the trapezoidal rule from rates on a dense grid."""
    name = "Kramers"
    top = (0.885191, 1.277867)[side]
    currents = np.linspace(0.55 * top, 0.985 * top, 300)
    rates = [independent_rates(0.3, (1, -1)[side], i, 0.02, 0.2)[name] for i in currents]
    hazard = np.array(rates) / 1e-4
    steps = np.diff(currents) * (hazard[1:] + hazard[:-1]) / 2
    density = hazard * np.exp(-np.concatenate([[0.0], np.cumsum(steps)]))
    weight = density / np.sum(density)
    mean = np.sum(weight * currents)
    deviation = np.sqrt(np.sum(weight * (currents - mean) ** 2))
    found = jd.switching_distribution(generic(), damping=0.2, formula=name, **RAMP)
    np.testing.assert_allclose(found.mean[side], mean, rtol=2e-5)
    np.testing.assert_allclose(found.deviation[side], deviation, rtol=3e-4)


def test_double_loop_negative():
    """Two near-tied barriers in series: the switch is at 25 nA, the first step at 9 to 10 nA."""
    found = jd.switching_distribution(double_loop(), **RAMP)
    assert abs(found.mean[1] - 0.25) < 0.012
    assert found.status[1] == Status.CONVERGED
    well = jd.switching_distribution(double_loop(), formula="quadrature", **RAMP)
    assert 0.085 < well.mean[1] < 0.11
    assert well.status[1] == Status.WELL_ONLY_SLIPS
    damped = jd.switching_distribution(double_loop(), damping=0.2, **RAMP)
    assert abs(damped.mean[1] - 0.094) < 0.003
    assert damped.status[1] == Status.WELL_ONLY_SLIPS
    assert damped.status[0] == Status.CONVERGED


def test_a_histogram_that_begins_at_zero_bias():
    """The phase slip rate is 0 there, its logarithm −∞: mean = ∫exp(−∫v dτ/2π) di."""
    device = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.403, 0.403))
    found = jd.switching_distribution(device, noise=4.2, rate=1e-3)
    assert np.all(found.status == Status.CONVERGED)
    for side, sign in enumerate((1, -1)):
        bias = np.linspace(0.0, 60.0, 2001)
        slips = np.abs(jd.thermal_iv(device, sign * bias, noise=4.2).voltage) / (2 * np.pi * 1e-3)
        left = np.exp(-np.append(0, np.cumsum((slips[1:] + slips[:-1]) / 2 * np.diff(bias))))
        np.testing.assert_allclose(found.mean[side], np.trapezoid(left, bias), rtol=1e-5)


def test_start():
    """sin φ + 1.2 sin(2φ + .8): wells at two phases, each with its own histogram."""
    device = jd.Harmonics([1.0, 1.2 * np.cos(0.8)], [0.0, 1.2 * np.sin(0.8)])
    near, far = (
        jd.switching_distribution(device, damping=0.2, start=start, **RAMP)
        for start in (None, 2.94)
    )
    again = jd.switching_distribution(device, damping=0.2, start=-0.3, **RAMP)
    np.testing.assert_allclose(again.mean, near.mean, rtol=1e-9)
    assert abs(far.mean[0] - near.mean[0]) > 0.1


@pytest.mark.parametrize("damping", [0.2, None])
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units(damping, scale):
    """β scales as √λ and r as λ^{3/2}, r as λ² without capacitance."""
    one = jd.switching_distribution(generic(), damping=damping, **RAMP)
    found = jd.switching_distribution(
        jax.tree.map(lambda x: x * scale, generic()),
        noise=0.02 * scale,
        rate=1e-4 * scale ** (2 if damping is None else 1.5),
        damping=None if damping is None else damping * np.sqrt(scale),
    )
    np.testing.assert_allclose(found.mean, scale * one.mean, rtol=1e-9)
    np.testing.assert_allclose(found.deviation, scale * one.deviation, rtol=1e-7)
    np.testing.assert_allclose(found.skewness, one.skewness, rtol=1e-6)
    np.testing.assert_array_equal(found.status, one.status)


@pytest.mark.parametrize("damped", [True, False])
def test_derivatives(damped):
    """Of mean and deviation, against extrapolated central differences, under jit."""

    def moments(x):
        found = jd.switching_distribution(
            generic(x[2]), noise=x[0], rate=x[1], damping=x[3] if damped else None,
            formula=None if damped else "quadrature",
        )  # fmt: skip
        return jnp.concatenate([found.mean, found.deviation])

    at = jnp.array([0.02, 1e-4, 1.0, 0.2])
    slope, function = jax.jit(jax.jacfwd(moments))(at), jax.jit(moments)
    for k in range(4 if damped else 3):
        step = 2e-3 * at[k] * jnp.eye(4)[k]
        near, far = (
            (function(at + n * step) - function(at - n * step)) / (2 * n * step[k])
            for n in (0.5, 1.0)
        )
        expected = (4 * near - far) / 3
        size = float(jnp.max(jnp.abs(expected)))
        np.testing.assert_allclose(slope[:, k], expected, rtol=1e-6, atol=1e-7 * size)


def test_derivative_of_the_phase_slip_rate():
    def mean(noise):
        return jd.switching_distribution(generic(), noise=noise, rate=1e-4).mean

    slope, function = jax.jit(jax.jacfwd(mean))(0.02), jax.jit(mean)
    near, far = (
        (function(0.02 + n * 1e-5) - function(0.02 - n * 1e-5)) / (2e-5 * n) for n in (1, 2)
    )
    np.testing.assert_allclose(slope, (4 * near - far) / 3, rtol=1e-6)


def test_normalised_and_drawn():
    found = jd.switching_distribution(generic(), damping=0.2, **RAMP)
    for side in (0, 1):
        total = np.trapezoid(found.density[side], found.current[side])
        np.testing.assert_allclose(total, 1, rtol=2e-3)
        assert np.all(np.diff(found.current[side]) >= 0)
    assert found.plus == found.mean[0]
    np.testing.assert_allclose(found.efficiency, -0.1847, atol=5e-4)
    figure = found.plot()
    assert figure.axes[0].get_title() == "Mel'nikov–Meshkov"


def test_status_at_the_start_of_the_ramp():
    found = jd.switching_distribution(jd.TunnelJunction(1.0), noise=3.0, rate=1e-4, damping=0.2)
    assert np.all(found.status == Status.BARRIER_BELOW_TEMPERATURE)


def test_status_of_the_relation():
    device = jd.Squid([jd.TunnelJunction(1.0)] * 2, flux=[0.3], inductance=[0.4, 0.4])
    found = jd.switching_distribution(device, **RAMP)
    assert np.all(found.status == Status.MULTIVALUED)
    assert np.all(np.isnan(found.mean))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": 0.0}, "noise must be positive, got 0"),
        ({"rate": -1e-4}, "rate must be positive, got -0.0001"),
        ({"damping": 0.0}, "damping must be positive, got 0"),
        ({"formula": "BHL"}, "unknown formula 'BHL'"),
        ({"noise": 1e-6}, "noise must be at least"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        jd.switching_distribution(jd.TunnelJunction(1.0), **(RAMP | change))
