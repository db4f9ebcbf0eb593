"""Junctions at the limits of their parameters, and units that would be silent."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jaxdiode as jd
from tests import helpers


def _mode(parameters):
    return jd.AndreevModes(1.0, 0.9, gap=parameters[0], temperature=parameters[1])


@jax.jit
def _derivatives(parameters):
    def plus(x):
        return jd.critical_currents(_mode(x)).plus

    return plus(parameters), jax.grad(plus)(parameters), jax.hessian(plus)(parameters)


@pytest.mark.thorough
@given(st.floats(-308, 3))
def test_temperature_of_a_mode_from_nothing_to_everything(exponent):
    """I₊ of one mode: A(1 − √(1−τ)) at T = 0; e^{−Δ/T} later where T < Δ/40; derivatives known."""
    value, gradient, hessian = _derivatives(jnp.array([1.0, 10.0**exponent]))
    assert np.isfinite(gradient).all()
    assert np.isfinite(hessian).all()
    if exponent < -2.2:
        helpers.assert_close(value, 1 - np.sqrt(0.1), absolute=1e-15)
        assert np.abs(gradient).max() < 1e-10
    # Homogeneous of degree 0 in (Δ, T).
    helpers.assert_close(gradient @ np.array([1.0, 10.0**exponent]), 0.0, absolute=1e-13)


@pytest.mark.thorough
@pytest.mark.parametrize("temperature", [0.0, 5e-324, 1e-300, 1e-230, 1e-160])
def test_coldest_temperatures_are_the_ground_state(temperature):
    value, gradient, _ = _derivatives(jnp.array([1.0, temperature]))
    helpers.assert_close(value, 1 - np.sqrt(0.1), absolute=1e-15)
    assert (gradient == 0).all()


@pytest.mark.thorough
@pytest.mark.parametrize("gap", [None, 1.0, 3.0])
def test_slopes_of_the_ground_state(gap):
    """I₊ = A(1 − √(1−τ)), whether the gap is said or not."""
    slopes = jax.grad(lambda mode: jd.critical_currents(mode).plus)(
        jd.AndreevModes(3.0, 0.9, gap=gap)
    )
    helpers.assert_close(slopes.amplitude, 1 - np.sqrt(0.1), absolute=1e-14)
    helpers.assert_close(slopes.transparency, 1.5 / np.sqrt(0.1), absolute=1e-12)
    assert slopes.temperature is None if gap is None else slopes.temperature == 0


def test_temperature_needs_the_gap_that_gives_its_unit():
    assert jd.AndreevModes(1.0, 0.9).gap is None
    cold = jax.jit(lambda a: jd.critical_currents(jd.AndreevModes(a, 0.9)).plus)  # built in a trace
    helpers.assert_close(cold(2.0), 2 - 2 * np.sqrt(0.1), absolute=1e-14)
    with pytest.raises(ValueError, match=r"gap must be given with a temperature.*beside 0.05"):
        jd.AndreevModes(1.0, 0.9, temperature=0.05)
    with pytest.raises(ValueError, match="gap must be given with a temperature"):
        jax.jit(lambda t: jd.AndreevModes(1.0, 0.9, temperature=t).temperature)(0.0)
    with pytest.raises(ValueError, match="unknown parameter 'temperature'"):
        jd.Space(jd.AndreevModes(1.0, 0.9), {"temperature": (0.0, 1.0)})


@pytest.mark.parametrize("current", [1e-9, 1.0, 400.0, 1e9])
def test_inductances_in_henries_are_noticed(current):
    pair = [jd.TunnelJunction(current), jd.TunnelJunction(0.7 * current)]
    with pytest.warns(UserWarning, match="makes 2 pi L I_c = .* which changes nothing"):
        jd.Squid(pair, flux=[0.3], inductance=[2e-9 / current, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jd.Squid(pair, flux=[0.3], inductance=[0.02 / current, 2e-9 / current])
        jd.Squid(pair, flux=[0.3], inductance=[0.0, 0.0])


def test_device_says_how_it_is_changed():
    device = jd.Squid.from_pairs([(300, 95), (110, 320)], flux=[0.0])
    with pytest.raises(AttributeError, match=r"jaxdiode.replace\(device, \{'flux': ...\}\)"):
        device.flux = 0.2
    changed = jd.replace(device, {"flux": 0.2, "branches.0.second": 90.0, "branches.1": [3, 4]})
    assert changed == jd.Squid.from_pairs([(300, 90), (3, 4)], flux=[0.2])
    assert device == jd.Squid.from_pairs([(300, 95), (110, 320)], flux=[0.0])
    # Traced numbers go in as well.
    assert jax.jit(lambda x: jd.replace(device, {"flux": x}).flux[0])(0.2) == 0.2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fluxx": 1.0}, "unknown parameter 'fluxx'; did you mean 'flux'"),
        (
            {"branches.0.first": -1},
            r"values\['branches.0.first'\] must stay within 0 to inf, got -1",
        ),
        ({"branches": [1, 2, 3]}, "must be one number or 4"),
        ({"flux": 0.1, "flux.0": 0.2}, "'flux.0' came twice"),
        ({"flux": "a"}, r"values\['flux'\] must be a real number"),
        ({"flux": np.nan}, r"values\['flux'\] must be finite"),
    ],
)
def test_replace_refuses(values, message):
    device = jd.Squid.from_pairs([(300, 95), (110, 320)], flux=[0.0])
    with pytest.raises(ValueError, match=message):
        jd.replace(device, values)


@pytest.mark.thorough
def test_modes_of_a_critical_current():
    for arguments in ({}, {"gap": 0.18, "temperature": 0.05}):
        modes = jd.AndreevModes.from_critical_current(20.0, [0.75, 0.9], **arguments)
        helpers.assert_close(jd.critical_currents(modes).plus, 20.0, absolute=1e-11)
    one = jd.AndreevModes.from_critical_current(2.0, 0.9)
    helpers.assert_close(one.amplitude, 2.0 / (1 - np.sqrt(0.1)), absolute=1e-11)
    with pytest.raises(ValueError, match="transparency must be positive of some mode, got 0"):
        jd.AndreevModes.from_critical_current(2.0, [0.0, 0.0])
    with pytest.raises(ValueError, match="critical_current must be at least 0, got -2"):
        jd.AndreevModes.from_critical_current(-2.0, 0.9)


@pytest.mark.thorough
def test_modes_at_a_reduced_temperature():
    """Gap and amplitude follow Δ(T): at T_c/2 both are 0.9568847159 of those at T = 0."""
    modes = jd.AndreevModes([2.0, 1.0], [0.9, 0.4], gap=0.18).at_reduced_temperature(0.5)
    helpers.assert_close(modes.amplitude, 0.9568847159 * np.array([2.0, 1.0]), absolute=2e-10)
    helpers.assert_close(modes.gap, 0.9568847159 * 0.18, absolute=1e-10)
    helpers.assert_close(modes.temperature, 0.5 * 0.18 / 1.7638769888620456, absolute=1e-15)
    cold = jd.AndreevModes(1.0, 0.9)
    slope = jax.jit(jax.grad(lambda t: cold.at_reduced_temperature(t).current(jnp.array(1.0))))
    assert slope(0.0) == 0.0
    assert slope(0.7) < 0.0
    assert cold.at_reduced_temperature(1.2).current(jnp.array(1.0)) == 0.0
