"""Macroscopic quantum tunnelling: actions, crossover, rates and histograms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

import jaxdiode as jd
from jaxdiode import Status

SINE = jd.TunnelJunction(1.0)
GENERIC = jd.Harmonics([1.0, 0.3 * np.cos(1)], [0.0, 0.3 * np.sin(1)])
DOUBLE_LOOP = jd.Squid.from_pairs([(4.2, 0.8), (3.8, 0.9), (0.8, 0.9)], flux=(0.403, 0.403))
BALANCED = jd.SeriesJunctions(1.0, 1.0)
LAMBDA = 0.05

# (device, direction): λB and its cubic approximation at i = .9 I_c, γ*/λ without damping, by
# independent code.
ACTIONS = [
    (SINE, 1, 0.653690, 0.653581, 0.10508),
    (GENERIC, 1, 0.615955, 0.491810, 0.08842),
    (GENERIC, -1, 0.511208, 0.499427, 0.13243),
    (DOUBLE_LOOP, 1, 0.117836, 0.186340, 0.23585),
    (DOUBLE_LOOP, -1, 0.483374, 0.272236, 0.04995),
]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("device", "sign", "action", "cubic", "border"), ACTIONS,
    ids=["sine", "generic+", "generic-", "double loop+", "double loop-"],
)  # fmt: skip
def test_actions(device, sign, action, cubic, border):
    critical = jd.critical_currents(device)
    bias = 0.9 * float(critical.plus if sign > 0 else -critical.minus)
    found = jd.escape_rate(device, bias, noise=1e-3, damping=1e-9, plasma_quantum=LAMBDA)
    np.testing.assert_allclose(LAMBDA * found.action, action, rtol=0, atol=5.1e-6)
    np.testing.assert_allclose(
        7.2 * found.barrier / found.well_frequency, cubic, rtol=0, atol=5.1e-6
    )
    np.testing.assert_allclose(found.crossover / LAMBDA, border, rtol=0, atol=5.1e-6)
    assert found.formula == "tunnelling"


@pytest.mark.thorough
def test_action_of_a_sine_by_quadrature():
    """And all of the rate, with damping."""
    for bias in (0.2, 0.7, 0.97):
        well, top = np.arcsin(bias), np.pi - np.arcsin(bias)

        def energy(x, bias=bias):
            return -np.cos(x) - bias * x

        lowest = energy(well)
        exit_point = brentq(lambda x, e=energy, y=lowest: e(x) - y, top, well + 2 * np.pi)
        whole = sum(
            quad(
                lambda x, e=energy, y=lowest: np.sqrt(max(2 * (e(x) - y), 0)), *ends, epsabs=1e-13
            )[0]
            for ends in ((well, top), (top, exit_point))
        )
        omega, damping = (1 - bias**2) ** 0.25, 0.3
        exponent = 2 * whole / LAMBDA * (1 + 0.87 * damping / omega)
        found = jd.escape_rate(
            SINE, bias, noise=0.1, damping=damping, plasma_quantum=LAMBDA, formula="tunnelling"
        )
        np.testing.assert_allclose(found.action, exponent, rtol=1e-8)
        barrier = energy(top) - lowest
        front = omega / (2 * np.pi) * np.sqrt(864 * np.pi * barrier / (LAMBDA * omega))
        np.testing.assert_allclose(found.log_rate, np.log(front) - exponent, rtol=1e-8)
        border = LAMBDA * (np.sqrt(omega**2 + damping**2 / 4) - damping / 2) / (2 * np.pi)
        np.testing.assert_allclose(found.crossover, border, rtol=1e-9)


@pytest.mark.thorough
def test_action_of_a_cusp_by_quadrature():
    """Balanced pair: −2 cos(φ/2) before the barrier at π, which has no crossover."""
    bias = 0.75
    well = 2 * np.arcsin(bias)

    def energy(x):
        return -2 * abs(np.cos(x / 2)) - bias * x

    exit_point = brentq(lambda x: energy(x) - energy(well), np.pi, well + 2 * np.pi)

    def speed(x):
        return np.sqrt(max(2 * (energy(x) - energy(well)), 0))

    ends = (well, np.pi), (np.pi, exit_point)
    whole = sum(quad(speed, *pair, epsabs=1e-13)[0] for pair in ends)
    found = jd.escape_rate(BALANCED, bias, noise=1e-3, damping=1e-9, plasma_quantum=LAMBDA)
    np.testing.assert_allclose(LAMBDA * found.action, 2 * whole, rtol=1e-8)
    assert np.isnan(found.crossover)
    assert found.formula == "tunnelling"
    assert found.status == Status.CONVERGED
    warm = jd.escape_rate(BALANCED, bias, noise=0.04, damping=0.2, plasma_quantum=LAMBDA)
    assert warm.formula == "cusp interpolation"


@pytest.mark.thorough
def test_below_and_above_the_crossover():
    """Below γ* the rate does not know the temperature; far above, λ hardly matters."""
    options = {"damping": 0.1, "plasma_quantum": LAMBDA}
    border = float(jd.escape_rate(SINE, 0.9, noise=0.01, **options).crossover)
    cold, colder = (jd.escape_rate(SINE, 0.9, noise=x * border, **options) for x in (0.5, 0.1))
    assert cold.formula == colder.formula == "tunnelling"
    np.testing.assert_allclose(cold.rate, colder.rate, rtol=1e-3)
    warm = jd.escape_rate(SINE, 0.9, noise=4 * border, **options)
    thermal = jd.escape_rate(SINE, 0.9, noise=4 * border, damping=0.1)
    assert warm.formula == thermal.formula == "Mel'nikov–Meshkov"
    np.testing.assert_allclose(warm.rate, thermal.rate, rtol=2e-3)
    assert thermal.crossover is None
    off = jd.escape_rate(SINE, 0.9, noise=4 * border, damping=0.1, plasma_quantum=0)
    np.testing.assert_array_equal(off.rate, thermal.rate)


@pytest.mark.thorough
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units(factor):
    """λ in √(unit of current)."""
    one = jd.escape_rate(GENERIC, 0.8, noise=2e-3, damping=0.1, plasma_quantum=LAMBDA)
    root = np.sqrt(factor)
    found = jd.escape_rate(
        jax.tree.map(lambda x: x * factor, GENERIC), 0.8 * factor, noise=2e-3 * factor,
        damping=0.1 * root, plasma_quantum=LAMBDA * root,
    )  # fmt: skip
    np.testing.assert_allclose(found.rate, root * one.rate, rtol=1e-9)
    np.testing.assert_allclose(found.crossover, factor * one.crossover, rtol=1e-9)
    np.testing.assert_allclose(found.action, one.action, rtol=1e-9)


def differences(function, at, k, step):
    near, far = (
        (function(at + n * step * jnp.eye(5)[k]) - function(at - n * step * jnp.eye(5)[k]))
        / (2 * n * step)
        for n in (0.5, 1.0)
    )
    return (4 * near - far) / 3


def device_of(x):
    return jd.Harmonics(jnp.stack([x, 0.3 * jnp.cos(1.0)]), [0.0, 0.3 * np.sin(1.0)])


@pytest.mark.thorough
def test_derivatives():
    """Of the logarithm of the rate, around the crossover."""

    def log(x):
        return jd.escape_rate(
            device_of(x[3]), x[0], noise=x[1], damping=x[2], plasma_quantum=x[4]
        ).log_rate  # fmt: skip

    at = jnp.array([0.75, 0.006, 0.2, 1.0, LAMBDA])
    slope, function = jax.jit(jax.jacfwd(log))(at), jax.jit(log)
    for k in range(5):
        expected = differences(function, at, k, 1e-3 * at[k])
        np.testing.assert_allclose(slope[k], expected, rtol=1e-5)


@pytest.mark.slow
def test_derivatives_of_a_histogram():
    def moments(x):
        found = jd.switching_distribution(
            device_of(x[3]), noise=x[0], rate=x[1], damping=x[2], plasma_quantum=x[4]
        )  # fmt: skip
        return jnp.concatenate([found.mean, found.deviation])

    at = jnp.array([0.002, 1e-5, 0.2, 1.0, LAMBDA])
    slope, function = jax.jit(jax.jacfwd(moments))(at), jax.jit(moments)
    for k in range(5):
        expected = differences(function, at, k, 2e-3 * at[k])
        size = float(jnp.max(jnp.abs(expected)))
        np.testing.assert_allclose(slope[:, k], expected, rtol=1e-4, atol=1e-5 * size)


@pytest.mark.slow
def test_histograms_saturate():
    """Below the crossover widths no longer shrink; P by the trapezoidal rule."""
    options = {"rate": 1e-6, "damping": 0.1, "plasma_quantum": LAMBDA}
    cold, colder = (jd.switching_distribution(SINE, noise=x, **options) for x in (1e-3, 5e-4))
    assert cold.formula == "tunnelling"
    np.testing.assert_allclose(cold.deviation, colder.deviation, rtol=1e-3)
    currents = np.linspace(0.6, 0.97, 2000)
    hazard = jd.escape_rate(SINE, currents, noise=1e-3, damping=0.1, plasma_quantum=LAMBDA)
    hazard = np.asarray(hazard.rate) / 1e-6
    steps = np.diff(currents) * (hazard[1:] + hazard[:-1]) / 2
    density = hazard * np.exp(-np.concatenate([[0.0], np.cumsum(steps)]))
    weight = density / np.sum(density)
    mean = np.sum(weight * currents)
    np.testing.assert_allclose(cold.mean, mean, rtol=2e-6)
    deviation = np.sqrt(np.sum(weight * (currents - mean) ** 2))
    np.testing.assert_allclose(cold.deviation, deviation, rtol=2e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"damping": None}, "damping must be a number for tunnelling.*got None"),
        ({"plasma_quantum": -0.1}, "plasma_quantum must be at least 0, got -0.1"),
        ({"plasma_quantum": None, "formula": "tunnelling"}, "plasma_quantum must be a positive"),
    ],
)
def test_errors(change, message):
    arguments = {"noise": 0.1, "damping": 0.1, "plasma_quantum": 0.1} | change
    with pytest.raises(ValueError, match=message):
        jd.escape_rate(SINE, 0.5, **arguments)
    with pytest.raises(ValueError, match=message):
        jd.switching_distribution(SINE, rate=1e-4, **arguments)
