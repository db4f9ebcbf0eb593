"""Gate maps against scipy's PCHIP, which shares no code with the interpolant used here.

Values and inverses to 1e-10 of the range; gradients against scipy's analytic derivative, which on
a plateau of the map is 0.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

import jaxdiode as jd

VOLTAGE = np.array([-2.0, -1.5, -1.1, -0.3, 0.0, 0.7])
RISING = np.array([0.0, 3.0, 40.0, 41.0, 90.0, 120.0])
MAPS = {
    "rising": (VOLTAGE, RISING),
    "falling": (VOLTAGE, 130 - RISING),
    "two points": ([0, 1], [5, 9]),
}
INSIDE = np.linspace(0.003, 0.997, 57)

maps = pytest.mark.parametrize("name", MAPS)

forward = jax.jit(lambda gate_map, volts: gate_map(volts))
backward = jax.jit(lambda gate_map, currents: gate_map.inverse(currents))
slopes = jax.jit(jax.vmap(jax.grad(lambda volts, m: m(volts)), (0, None)))
inverse_slopes = jax.jit(jax.vmap(jax.grad(lambda current, m: m.inverse(current)), (0, None)))


def of(name):
    volts, currents = MAPS[name]
    inside = volts[0] + (volts[-1] - volts[0]) * INSIDE
    return jd.GateMap(volts, currents), PchipInterpolator(volts, currents), inside


@maps
def test_is_scipys_pchip(name):
    gate_map, pchip, volts = of(name)
    np.testing.assert_allclose(forward(gate_map, volts), pchip(volts), rtol=0, atol=1e-11)
    np.testing.assert_allclose(
        slopes(volts, gate_map), pchip.derivative()(volts), rtol=1e-9, atol=1e-9
    )


@maps
def test_passes_through_the_points(name):
    gate_map, _, _ = of(name)
    found = forward(gate_map, gate_map.voltage)
    np.testing.assert_allclose(found, gate_map.critical_current, rtol=0, atol=1e-12)


@pytest.mark.thorough
@maps
def test_inverse_is_exact(name):
    gate_map, pchip, volts = of(name)
    currents = pchip(volts)
    found = backward(gate_map, currents)
    np.testing.assert_allclose(found, volts, rtol=0, atol=1e-10)
    np.testing.assert_allclose(
        inverse_slopes(currents, gate_map), 1 / pchip.derivative()(volts), rtol=1e-7
    )


@maps
def test_inverse_at_the_ends(name):
    """PCHIP may end flat: rounding of the current is then its square root in the voltage."""
    gate_map, _, _ = of(name)
    ends = jnp.array([0, -1])
    found = backward(gate_map, gate_map.critical_current[ends])
    np.testing.assert_allclose(found, gate_map.voltage[ends], rtol=0, atol=3e-8)
    back = forward(gate_map, jnp.clip(found, gate_map.voltage[0], gate_map.voltage[-1]))
    np.testing.assert_allclose(back, gate_map.critical_current[ends], rtol=0, atol=1e-11)


@pytest.mark.thorough
def test_inverse_on_a_plateau():
    gate_map = jd.GateMap([0.0, 1.0, 2.0, 3.0], [1.0, 5.0, 5.0, 8.0])
    found = backward(gate_map, jnp.array([5.0]))
    assert 1 - 1e-6 <= found[0] <= 2 + 1e-6
    assert np.isfinite(inverse_slopes(jnp.array([5.0]), gate_map)).all()


def test_outside_the_map():
    gate_map, _, _ = of("rising")
    with pytest.raises(ValueError, match=r"voltage must lie inside .*-2 to 0\.7, got 0\.71"):
        gate_map(0.71)
    with pytest.raises(ValueError, match=r"critical_current must lie inside .*0 to 120, got -1"):
        gate_map.inverse(-1.0)
    with pytest.raises(ValueError, match=r"voltage must lie inside"):
        jd.Gate(gate_map, -2.1)
    found = forward(gate_map, jnp.array([-2.1, -1.1, 0.8]))
    np.testing.assert_array_equal(np.isnan(found), [True, False, True])
    found = backward(gate_map, jnp.array([-1.0, 40.0, 121.0]))
    np.testing.assert_array_equal(np.isnan(found), [True, False, True])


@pytest.mark.thorough
def test_shapes():
    gate_map, _, _ = of("rising")
    for shape in ((), (3,), (2, 3)):
        assert forward(gate_map, jnp.full(shape, -1.0)).shape == shape
        assert backward(gate_map, jnp.full(shape, 40.0)).shape == shape


def test_current_range():
    low, high = of("falling")[0].current_range
    assert (low, high) == (10.0, 130.0)


def test_from_measurement_sorts_averages_and_smooths():
    gate_map = jd.GateMap.from_measurement([1.0, 0.0, 2.0, 1.0, 3.0], [4.0, 1.0, 9.0, 6.0, 8.0])
    np.testing.assert_allclose(gate_map.voltage, [0, 1, 2, 3])
    np.testing.assert_allclose(gate_map.critical_current, [1, 5, 8.5, 8.5])


def test_from_measurement_finds_the_direction():
    rng = np.random.default_rng(3)
    volts = np.linspace(-1, 1, 50)
    noisy = 100 - 40 * volts + rng.normal(0, 3, 50)
    gate_map = jd.GateMap.from_measurement(volts, noisy)
    assert (np.diff(gate_map.critical_current) <= 0).all()
    assert np.max(np.abs(gate_map.critical_current - (100 - 40 * volts))) < 9


@pytest.mark.thorough
def test_a_gate_drives_a_junction():
    """∂I_c/∂V through a device is the slope of the map."""
    gate_map, pchip, _ = of("rising")
    device = jd.TunnelJunction(jd.Gate(gate_map, -0.2))
    gradient = jax.jit(jax.grad(lambda d: jd.critical_currents(d).plus))(device)
    slope = gradient.critical_current.voltage
    np.testing.assert_allclose(slope, pchip.derivative()(-0.2), rtol=1e-9)
    np.testing.assert_allclose(device.critical_current.critical_current, pchip(-0.2), rtol=1e-12)
