"""Critical currents at a voltage criterion, and the best diode at a temperature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ive

import jaxdiode as jd
from jaxdiode import Status


def double_loop(detuning=0.0, common=49.21, flux=0.4077):
    """Table 1 of the double-loop paper at its constrained optimum, in nA: E₅/E₆ = e^detuning."""
    pair = common * jnp.exp(detuning / 2), common * jnp.exp(-detuning / 2)
    return jd.Squid.from_pairs([(420, 64.73), (380, 65.27), pair], flux=(flux, flux))


@pytest.mark.thorough
# By an independent calculation; at T = 0 it is 0.63731 and 0.63527.
@pytest.mark.parametrize(
    ("detuning", "noise", "efficiency"),
    [(0.0, 0.2, 0.604552), (0.0, 2.0, 0.526092), (1e-3, 0.2, 0.604452), (1e-3, 2.0, 0.526067)],
)
def test_double_loop(detuning, noise, efficiency):
    found = jd.current_at_voltage(double_loop(detuning), 2.0, noise=noise)
    assert found.status == Status.CONVERGED
    assert found.efficiency == pytest.approx(efficiency, abs=6e-7)


@pytest.mark.thorough
@pytest.mark.parametrize("noise", [2e-3, 0.05, 20.0])
@pytest.mark.parametrize("voltage", [1e-300, 1e-12, 1e-3, 1.0])
def test_it_has_the_voltage(noise, voltage):
    diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    found = jd.current_at_voltage(diode, voltage, noise=noise)
    assert found.status == Status.CONVERGED
    biases = jnp.stack([found.plus, -found.minus])
    there = jd.thermal_iv(diode, biases, noise=noise)
    np.testing.assert_allclose(there.log_voltage, np.log(voltage), atol=1e-8)
    assert np.sign(there.voltage[1]) == -1


@pytest.mark.thorough
def test_without_noise():
    """At γ → 0 v = √(i² − 1) of a tunnel junction."""
    found = jd.current_at_voltage(jd.TunnelJunction(1.0), 0.5, noise=2e-3)
    assert found.plus == pytest.approx(np.sqrt(1.25), abs=1e-4)
    assert found.minus == pytest.approx(np.sqrt(1.25), abs=1e-4)


def test_at_high_temperature_against_zero_bias_resistance():
    """v = i/I₀(g)² at small bias."""
    g = 2.0
    found = jd.current_at_voltage(jd.TunnelJunction(1.0), 1e-6, noise=1 / g)
    assert found.plus == pytest.approx(1e-6 * (ive(0, g) * np.exp(g)) ** 2, rel=1e-6)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_scales(factor):
    def at(unit):
        diode = jd.Harmonics([unit, 0.0], [0.0, 0.5 * unit])
        return jd.current_at_voltage(diode, 0.01 * unit, noise=0.02 * unit)

    one, other = at(1.0), at(factor)
    assert other.plus / factor == pytest.approx(float(one.plus), rel=1e-11)
    assert other.minus / factor == pytest.approx(float(one.minus), rel=1e-11)


@pytest.mark.slow
def test_derivatives_jit_and_vmap():
    def both(x):
        diode = jd.Harmonics([1.0, 0.0], jnp.stack([jnp.zeros(()), x[0]]))
        found = jd.current_at_voltage(diode, x[1], noise=x[2])
        return jnp.stack([found.plus, found.minus])

    x = np.array([0.5, 0.01, 0.02])
    slopes = jax.jit(jax.jacrev(both))(x)
    twice = jax.jit(jax.vmap(both))
    steps = np.array([1e-4, 1e-5, 1e-5])
    shifted = np.concatenate([x + np.diag(steps), x - np.diag(steps)])
    values = twice(shifted)
    differences = ((values[:3] - values[3:]) / (2 * steps[:, None])).T
    np.testing.assert_allclose(slopes, differences, rtol=3e-6)


@pytest.mark.slow
def test_no_cusp_where_the_pair_balances():
    """η(T = 0) falls as |E₅/E₆ − 1|^⅔ from there; at a criterion its slope passes through 0."""

    def warm(detuning):
        return jd.current_at_voltage(double_loop(detuning), 2.0, noise=2.0).efficiency

    at = np.array([-1e-3, -1e-5, 0.0, 1e-5, 1e-3])
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(warm)))(at)
    np.testing.assert_allclose(slope, -slope[::-1], atol=1e-8)
    assert slope[0] > 20 * slope[1] > 0
    cold = [float(jd.diode_efficiency(double_loop(d))) for d in (0.0, 1e-3)]
    assert cold[0] - cold[1] > 50 * (value[2] - value[4]) > 0


@pytest.mark.slow
def test_best_diode_at_a_temperature():
    """The pair and the flux are free; the optimum lies where the pair balances."""

    def warm(device):
        return jd.current_at_voltage(device, 2.0, noise=2.0).efficiency

    device = double_loop()
    space = jd.Space(
        device, {"branches.2": (20.0, 100.0), "flux.0": (0.3, 0.5)}, ties=["flux"]
    )  # fmt: skip
    found = jd.maximise(warm, space, key=0, starts=4, steps=40, polish=60, rounds=1)
    pair = found.device.branches[2]
    first, second = float(pair.first), float(pair.second)
    print(found.summary("nA"))
    assert first / second == pytest.approx(1.0, abs=5e-3)
    assert found.value > float(warm(device)) > float(warm(double_loop(0.02)))
    unbalanced = jax.grad(lambda d: warm(double_loop(d, first, float(found.device.flux[0]))))
    assert abs(float(unbalanced(0.0))) < 1e-8


@pytest.mark.thorough
def test_statuses():
    loop = jd.Squid([jd.TunnelJunction(1.0)] * 2, flux=[0.3], inductance=[0.5, 0.5])
    found = jd.current_at_voltage(loop, 0.1, noise=0.1)
    assert found.status == Status.MULTIVALUED
    assert np.isnan(found.plus)
    cold = jax.jit(lambda g: jd.current_at_voltage(jd.TunnelJunction(1.0), 0.1, noise=g))(1e-5)
    assert cold.status == Status.NOT_CONVERGED
    assert np.isnan(cold.minus)


def test_arguments():
    junction = jd.TunnelJunction(1.0)
    with pytest.raises(ValueError, match="voltage must be positive"):
        jd.current_at_voltage(junction, 0.0, noise=0.1)
    with pytest.raises(ValueError, match="noise must be positive"):
        jd.current_at_voltage(junction, 0.1, noise=-0.1)
    with pytest.raises(ValueError, match="noise must be at least"):
        jd.current_at_voltage(junction, 0.1, noise=1e-6)
