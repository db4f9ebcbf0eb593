"""Escape rates against closed forms, simulated rates and independent quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from jaxdiode.thermal.escape import require_phase_biased
from jaxdiode.thermal.rates import depopulation
from jaxdiode.thermal.wells import landscape, retrapping_current
from tests.reference.escape import independent_rates


def generic():
    """sin φ + .3 sin(2φ + 1)."""
    return jd.Harmonics([1.0, 0.3 * np.cos(1.0)], [0.0, 0.3 * np.sin(1.0)])


BALANCED = jd.SeriesJunctions(1.0, 1.0)


def test_depopulation_factor():
    found = depopulation(jnp.array([0.01, 1.0, 10.0]))
    np.testing.assert_allclose(found, [0.0092092, 0.4429783, 0.9741715], rtol=0, atol=5.1e-8)


@pytest.mark.thorough
def test_tunnel_junction_in_closed_form():
    """ΔU = 2√(1−i²) − i(π − 2 asin i), ω₀ = ω_b = (1−i²)^¼; v/2π of the table of voltages."""
    i = np.array([0.1, 0.4, 0.7, 0.9, -0.7])
    found = jd.escape_rate(jd.TunnelJunction(1.0), i, noise=1 / 20)
    size = np.abs(i)
    exact = 2 * np.sqrt(1 - size**2) - size * (np.pi - 2 * np.arcsin(size))
    np.testing.assert_allclose(found.barrier, exact, rtol=1e-11)
    np.testing.assert_allclose(found.well_frequency, (1 - size**2) ** 0.25, rtol=1e-9)
    np.testing.assert_allclose(found.barrier_frequency, (1 - size**2) ** 0.25, rtol=1e-9)
    voltages = [-33.93514044, -18.21825978, -6.688341371, -2.229310324, -6.688341371]
    np.testing.assert_allclose(found.log_rate, np.array(voltages) - np.log(2 * np.pi), rtol=1e-9)
    assert found.formula == "phase slip rate"
    assert Status.BARRIER_BELOW_TEMPERATURE not in found.status[:3]


@pytest.mark.thorough
def test_cusp():
    """Closed forms of the balanced pair, and its simulated rates."""
    i = np.array([0.3, 0.75, 0.9, -0.75])
    found = jd.escape_rate(BALANCED, i, noise=0.04, damping=0.2)
    size = np.abs(i)
    exact = 2 * np.sqrt(1 - size**2) - size * (np.pi - 2 * np.arcsin(size))
    np.testing.assert_allclose(found.barrier, exact, rtol=1e-11)
    np.testing.assert_allclose(found.well_frequency**2, np.sqrt(1 - size**2) / 2, rtol=1e-9)
    assert np.all(np.isinf(found.barrier_frequency))
    assert found.formula == "cusp interpolation"
    for damping, rates in (
        (0.2, {"cusp interpolation": 2.304e-4, "quadrature": 3.078e-3}),
        (5.0, {"cusp interpolation": 1.048e-4, "quadrature": 1.231e-4}),
        (None, {"quadrature": 6.155e-4}),
    ):
        for formula, expected in rates.items():
            one = jd.escape_rate(BALANCED, 0.75, noise=0.04, damping=damping, formula=formula)
            np.testing.assert_allclose(one.rate, expected, rtol=3e-4)
    simulated = {0.2: (2.333e-4, 7e-6), 5.0: (1.070e-4, 4e-6)}
    for damping, (rate, error) in simulated.items():
        one = jd.escape_rate(BALANCED, 0.75, noise=0.04, damping=damping)
        assert abs(float(one.rate) - rate) < 3 * error


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1, -1])
def test_formulas_by_independent_quadrature(sign):
    """Both directions, each against its own flipped relation on a dense grid."""
    for size in (0.55, 0.75):
        expected = independent_rates(0.3, sign * 1.0, size, 0.02, 0.2)
        for formula, rate in expected.items():
            found = jd.escape_rate(generic(), sign * size, noise=0.02, damping=0.2, formula=formula)
            np.testing.assert_allclose(found.rate, rate, rtol=2e-5, err_msg=formula)
            assert found.formula == formula


@pytest.mark.thorough
def test_several_wells():
    """sin φ + ½ sin(2φ + π/2): two wells for ½ < i < ¾, where v/2π is 19 times below Kramers."""
    device = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    found = jd.escape_rate(device, [0.4, 0.6], noise=0.01)
    assert found.formula == "phase slip rate, quadrature"
    slips, kramers = (
        jd.escape_rate(device, 0.6, noise=0.01, formula=name).rate
        for name in ("phase slip rate", "Kramers")
    )
    np.testing.assert_allclose(kramers / slips, 19, rtol=0.03)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units(scale):
    i = np.array([0.6, -0.9])
    one = jd.escape_rate(generic(), i, noise=0.02, damping=0.3)
    device = jax.tree.map(lambda x: x * scale, generic())
    found = jd.escape_rate(device, scale * i, noise=0.02 * scale, damping=0.3 * np.sqrt(scale))
    np.testing.assert_allclose(found.rate, one.rate * np.sqrt(scale), rtol=1e-9)
    np.testing.assert_allclose(found.barrier, one.barrier * scale, rtol=1e-10)
    np.testing.assert_array_equal(found.status, one.status)


@pytest.mark.thorough
def test_derivatives():
    """Against extrapolated central differences, in bias, noise, damping and a coefficient."""

    def log(x):
        device = jd.Harmonics(jnp.stack([x[3], 0.3 * jnp.cos(1.0)]), [0.0, 0.3 * np.sin(1.0)])
        return jd.escape_rate(device, x[0], noise=x[1], damping=x[2]).log_rate

    at = jnp.array([0.7, 0.02, 0.2, 1.0])
    slope, function = jax.jit(jax.jacfwd(log))(at), jax.jit(log)
    for k in range(4):
        step = 1e-3 * at[k] * jnp.eye(4)[k]
        near, far = (
            float(function(at + n * step) - function(at - n * step)) / (2 * n * float(step[k]))
            for n in (0.5, 1.0)
        )
        np.testing.assert_allclose(slope[k], (4 * near - far) / 3, rtol=1e-6)


@pytest.mark.thorough
def test_retrapping_to_first_order():
    """(4/π)β of a tunnel junction."""
    from jaxdiode.thermal.panels import on_panels

    land = landscape(on_panels(jd.TunnelJunction(1.0).relation(), 32))
    np.testing.assert_allclose(retrapping_current(land, jnp.array(0.2)), 0.254648, atol=5.1e-7)


@pytest.mark.thorough
def test_status():
    found = jd.escape_rate(jd.TunnelJunction(1.0), [0.5, 0.99, 1.1], noise=0.1, damping=0.3)
    expected = [Status.CONVERGED, Status.BARRIER_BELOW_TEMPERATURE, Status.NO_WELL]
    np.testing.assert_array_equal(found.status, expected)
    assert np.isfinite(found.rate[1])
    assert np.isnan(found.rate[2])
    exact = jd.escape_rate(jd.TunnelJunction(1.0), 1.1, noise=0.1)
    assert np.isfinite(exact.rate)
    assert np.isnan(exact.barrier)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": 0.0}, "noise must be positive, got 0"),
        ({"damping": -1.0}, "damping must be positive, got -1"),
        ({"currents": np.inf}, "currents must be finite"),
        ({"formula": "Arrhenius"}, "unknown formula 'Arrhenius'"),
        ({"formula": "Mel'nikov-Meshkov"}, "damping must be a number"),
        ({"noise": 1e-6}, "noise must be at least"),
    ],
)
def test_errors(change, message):
    arguments = {"device": jd.TunnelJunction(1.0), "currents": 0.5, "noise": 0.1} | change
    device, currents = arguments.pop("device"), arguments.pop("currents")
    with pytest.raises(ValueError, match=message):
        jd.escape_rate(device, currents, **arguments)


def test_a_device_without_wells_is_refused():
    with pytest.raises(ValueError, match=r"device must be phase-biased.*PhaseSlipWire"):
        require_phase_biased(jd.PhaseSlipWire())
