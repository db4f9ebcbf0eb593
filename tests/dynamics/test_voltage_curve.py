"""dV/dI of I–V curves, and curves of any device that gives its voltages itself."""

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from jaxdiode.core.stationary import AbstractStationary, StationaryVoltages


def curve(current, up, down=None, **more):
    arrays = (jnp.asarray(x, float) for x in (current, up, up if down is None else down))
    return jd.results.IVCurve(*arrays, **more)


# ---- dV/dI

UNEVEN = np.array([0.0, 0.1, 0.5, 0.6, 1.0, 1.7])


def test_centred_differences_are_exact_of_a_parabola():
    """V = 1 + 2I + 3I² up and twice that down, unevenly spaced; nothing at the ends."""
    volts = 1 + 2 * UNEVEN + 3 * UNEVEN**2
    up, down = curve(UNEVEN, volts, 2 * volts).resistance()
    np.testing.assert_allclose(up[1:-1], 2 + 6 * UNEVEN[1:-1], rtol=1e-13)
    np.testing.assert_allclose(down[1:-1], 2 * up[1:-1], rtol=1e-13)
    assert np.isnan([up[0], up[-1], down[0], down[-1]]).all()


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_biases_have_none(count):
    found = curve(np.arange(1.0, 1.0 + count), np.ones(count)).resistance()
    assert found[0].shape == found[1].shape == (count,)
    assert np.isnan(found).all()


@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e9])
def test_nan_across_the_ends_of_a_hysteresis(factor):
    """Up: rest to I = 4, V = 2I beyond. Down: V = 2I to I = 2, rest below."""
    current = np.arange(8.0)
    up, down = (np.where(current > end, 2 * current, 0.0) for end in (4, 1))
    found = curve(factor * current, factor * up, factor * down).resistance()
    np.testing.assert_array_equal(found[0], [np.nan, 0, 0, 0, np.nan, np.nan, 2, np.nan])
    np.testing.assert_array_equal(found[1], [np.nan, np.nan, np.nan, 2, 2, 2, 2, np.nan])


def test_a_jump_between_two_voltages_is_told_by_the_other_sweep():
    """Two ohmic branches, V = I and V = I + 1: up leaves the lower after 4, down the upper at 3."""
    current = np.arange(1.0, 9.0)
    up, down = (current + (current > end) for end in (4, 2))
    found = curve(current, up, down).resistance()
    none = np.nan
    np.testing.assert_array_equal(found[0], [none, 1, 1, none, none, 1, 1, none])
    np.testing.assert_array_equal(found[1], [none, none, none, 1, 1, 1, 1, none])
    # Within the errors nothing is hysteretic.
    error = jnp.full(8, 0.2)
    found = curve(current, up, down, up_error=error, down_error=error).resistance()
    np.testing.assert_array_equal(found[0], [none, 1, 1, 1.5, 1.5, 1, 1, none])


@pytest.mark.thorough
def test_against_the_closed_form_without_capacitance():
    """V = √(I² − 1), dV/dI = I/V; the difference is h²V‴/6 = h²I/2V⁵."""
    current = np.linspace(1.2, 2.0, 81)
    found, _ = jd.iv_curve(jd.Shunted(jd.TunnelJunction(1.0)), current).resistance()
    volts = np.sqrt(current**2 - 1)
    inside = slice(1, -1)
    error = 1e-4 * current / (2 * volts**5)
    missed = (found - current / volts)[inside] / error[inside]
    np.testing.assert_allclose(missed, 1.0, atol=0.02)


@pytest.mark.thorough
def test_lanes_phases_and_numpy():
    current = np.arange(5.0)
    single = curve(current, current**2).resistance()[0]
    volts = np.stack([current**2, 3 * current**2], axis=-1)
    found = curve(current, volts).resistance()[0]
    np.testing.assert_allclose(found, np.stack([single, 3 * single], axis=-1))
    assert isinstance(found, jax.Array)
    host = jax.tree.map(np.asarray, curve(current, volts))
    assert isinstance(host.resistance()[1], np.ndarray)
    np.testing.assert_array_equal(host.resistance()[0], found)
    lanes = curve(np.stack([current, 2 * current]), np.stack([current**2, current**2]))
    np.testing.assert_allclose(lanes.resistance()[0], np.stack([single, single / 2]))
    traced = jax.jit(lambda c: c.resistance())(curve(current, volts))
    np.testing.assert_allclose(traced[0], found)


# ---- Devices that give their voltages themselves


class Film(AbstractStationary):
    """V = RI, worse known at large currents and not at all beyond 10."""

    resistance: jax.Array = jd.parameter(at_least=0.0)

    def critical_currents(self, criterion=None):
        del criterion
        zero = jnp.zeros(())
        return jd.CriticalCurrents(zero, zero, jnp.int32(Status.NO_SUPERCURRENT))

    @property
    def voltage_unit(self):
        return "mV"

    @property
    def current_unit(self):
        return "mA"

    def stationary_voltages(self, currents):
        known = jnp.abs(currents) < 10
        voltage = jnp.where(known, self.resistance * currents, jnp.nan)
        error = jnp.where(known, 1e-9 * currents**4, jnp.nan)
        status = jnp.where(known, Status.CONVERGED, Status.NOT_CONVERGED).astype(jnp.int32)
        slope = jnp.where(known, self.resistance, jnp.nan)
        return StationaryVoltages(voltage, error, slope, status)


def test_a_device_of_ones_own():
    found = jd.iv_curve(Film(jnp.asarray(2.0)), [-1.0, 0.0, 3.0, 20.0], tolerance=1e-9)
    for way in (found.up, found.down):
        np.testing.assert_array_equal(way, [-2.0, 0.0, 6.0, np.nan])
    np.testing.assert_allclose(found.up_error, [1e-9, 0.0, 8.1e-8, np.nan], rtol=1e-14)
    late = Status.NOT_CONVERGED  # of 3 the error is above the tolerance
    np.testing.assert_array_equal(found.up_status, [0, 0, late, late])
    np.testing.assert_array_equal(found.resistance()[1], [2.0, 2.0, 2.0, np.nan])
    (axes,) = found.plot().axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("bias (mA)", "mean voltage (mV)")


@pytest.mark.thorough
def test_other_devices_are_told_what_is_missing():
    squid = jd.Squid([jd.TunnelJunction(1.0), jd.TunnelJunction(1.0)], [0.2])
    film, bias = Film(jnp.asarray(2.0)), [0.5]
    jaxtyping.config.update("jaxtyping_disable", True)  # users do not have these checks
    try:
        with pytest.raises(ValueError, match=r"got Squid: give it a shunt, Shunted\(device\)$"):
            jd.iv_curve(squid, bias)  # pyright: ignore
        with pytest.raises(ValueError, match="got Film, whose states are stationary: iv_curve ta"):
            jd.trajectory(film, 0.5)  # pyright: ignore
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
