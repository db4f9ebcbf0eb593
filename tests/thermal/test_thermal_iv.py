"""V(I) at temperature T against tables by independent code, closed forms and limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import airy, iv

import jaxdiode as jd
from jaxdiode import Status
from tests.reference.thermal import VOLTAGES


def half_diode(second=0.5):
    """sin φ + b sin(2φ + π/2)."""
    return jd.Harmonics([1.0, 0.0], [0.0, second])


def double_loop(pair=80.0, flux=0.403):
    """Table 1 of the double-loop paper, in nA."""
    return jd.Squid.from_pairs([(420, 80), (380, 90), (pair, 90)], flux=(flux, flux))


DEVICES = {
    "sine": jd.TunnelJunction(1.0),
    "half diode": half_diode(),
    "balanced pair": jd.SeriesJunctions(1.0, 1.0),
    "Andreev": jd.AndreevModes(1.0, 0.95),
    "double loop": double_loop(),
}


def table(name):
    return [(noise, rows) for device, noise, rows in VOLTAGES if device == name]


@pytest.mark.thorough
@pytest.mark.parametrize("name", DEVICES)
def test_tables(name):
    for noise, rows in table(name):
        current, log, slope = zip(*rows, strict=True)
        found = jd.thermal_iv(DEVICES[name], np.array(current), noise=noise)
        assert np.all(found.status == Status.CONVERGED)
        # Ten digits are listed.
        expected = np.array(log)
        np.testing.assert_allclose(found.log_voltage, expected, atol=1e-8, rtol=6e-10)
        np.testing.assert_allclose(found.voltage, np.sign(current) * np.exp(found.log_voltage))
        for mine, theirs in zip(found.resistance, slope, strict=True):
            if theirs is not None:
                np.testing.assert_allclose(mine, theirs, rtol=6e-7)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["sine", "balanced pair"])
def test_jit_and_vmap_over_both_axes(name):
    noises, rows = zip(*table(name)[:3], strict=True)
    currents = jnp.array([[row[0] for row in one[:6]] for one in rows])
    expected = np.array([[row[1] for row in one[:6]] for one in rows])
    device = DEVICES[name]

    @jax.jit
    def both(device, currents, noises):
        def one(current, noise):
            return jd.thermal_iv(device, current, noise=noise).log_voltage

        return jax.vmap(jax.vmap(one, (0, None)))(currents, noises)

    np.testing.assert_allclose(both(device, currents, jnp.array(noises)), expected, atol=1e-8)


def test_sine_in_closed_form():
    """v = sinh(πgi)/(πg|I_{igi}(g)|²); |I_{iν}(g)|² = (1/π)∫₀^π I₀(2g cos θ) cosh(2νθ) dθ."""
    for g, i in ((0.3, 0.2), (2.0, 0.8), (6.0, 1.1)):
        square = quad(
            lambda x, g=g, i=i: iv(0, 2 * g * np.cos(x)) * np.cosh(2 * g * i * x),
            0, np.pi / 2, epsabs=0, epsrel=1e-13,
        )[0] * 2 / np.pi  # fmt: skip
        expected = np.sinh(np.pi * g * i) / (np.pi * g * square)
        found = jd.thermal_iv(jd.TunnelJunction(1.0), i, noise=1 / g)
        np.testing.assert_allclose(found.voltage, expected, rtol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "value", "current", "noise", "expected"),
    [
        (jd.TunnelJunction, 1.0, 0.7, 0.05, -26.276861679),
        (half_diode, 0.5, 0.5, 0.05, 2.041029326),
        (lambda x: jd.AndreevModes(1.0, x), 0.95, 0.5, 0.05, -60.332331),
    ],
)
def test_derivatives_in_parameters(build, value, current, noise, expected):
    def log(x):
        return jd.thermal_iv(build(x), current, noise=noise).log_voltage

    np.testing.assert_allclose(jax.grad(log)(value), expected, rtol=1e-7)


@pytest.mark.thorough
def test_derivatives_in_parameters_of_a_double_loop():
    """In both, at one bias each."""

    @jax.jit
    @jax.grad
    def slopes(x, current):
        device = double_loop(pair=x["pair"], flux=x["flux"])
        return jd.thermal_iv(device, current, noise=8.0).log_voltage

    at = {"pair": 80.0, "flux": 0.403}
    np.testing.assert_allclose(slopes(at, 80.0)["flux"], -18.115612626, rtol=1e-7)
    np.testing.assert_allclose(slopes(at, -20.0)["pair"], -0.0867797540, rtol=1e-7)


@pytest.mark.slow
def test_derivatives_in_bias_and_noise_are_differences_of_the_formula():
    """Central differences of two step sizes, extrapolated; also at I± and at ρ = 1."""
    for device in (DEVICES["balanced pair"], DEVICES["half diode"]):
        for current, noise in ((1.0, 0.1), (0.75, 0.05), (0.3, 0.5)):

            def log(x, device=device):
                return jd.thermal_iv(device, x[0], noise=x[1]).log_voltage

            at = np.array([current, noise])
            slope = jax.grad(log)(jnp.array(at))
            for k in range(2):
                step = np.eye(2)[k] * 1e-3 * at[k]
                near, far = (
                    float(log(at + n * step) - log(at - n * step)) / (2 * n * step[k])
                    for n in (1, 2)
                )
                np.testing.assert_allclose(slope[k], (4 * near - far) / 3, rtol=1e-7)


@pytest.mark.slow
def test_jump_of_the_relation_moves_with_its_parameters():
    """A balanced pair in a SQUID: its jump moves with the flux."""

    def log(flux):
        branches = [jd.SeriesJunctions(1.0, 1.0), jd.TunnelJunction(0.4)]
        return jd.thermal_iv(jd.Squid(branches, flux=[flux]), 0.7, noise=0.1).log_voltage

    def reversed_log(flux):
        branches = [jd.TunnelJunction(0.4), jd.SeriesJunctions(1.0, 1.0)]
        return jd.thermal_iv(jd.Squid(branches, flux=[-flux]), 0.7, noise=0.1).log_voltage

    step = 1e-3
    for function in (log, reversed_log):
        near, far = (
            float(function(0.2 + k * step) - function(0.2 - k * step)) / (2 * k * step)
            for k in (1, 2)
        )
        np.testing.assert_allclose(jax.grad(function)(0.2), (4 * near - far) / 3, rtol=1e-7)
    np.testing.assert_allclose(jax.grad(log)(0.2), jax.grad(reversed_log)(0.2), rtol=1e-10)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "noise", "slope"),
    [
        pytest.param("sine", 1.0, 0.62386036043, marks=pytest.mark.slow),
        ("half diode", 1.0, 0.60477993972),
        pytest.param("double loop", 20.0, 0.2078292623, marks=pytest.mark.slow),
        pytest.param("balanced pair", 0.2, 0.0027582980, marks=pytest.mark.slow),
        pytest.param("Andreev", 1.0, 0.7642515048, marks=pytest.mark.slow),
    ],
)
def test_zero_bias(name, noise, slope):
    """One resistance of both directions; there the voltage is 0 and has its slope."""
    found = jd.thermal_iv(DEVICES[name], [0.0, 1e-12, -1e-12], noise=noise)
    digits = 2e-8 if slope < 0.01 else 3e-10
    np.testing.assert_allclose(found.resistance, slope, rtol=digits)
    assert found.voltage[0] == 0
    assert found.log_voltage[0] == -np.inf

    def voltage(i):
        return jd.thermal_iv(DEVICES[name], i, noise=noise).voltage

    np.testing.assert_allclose(jax.grad(voltage)(0.0), slope, rtol=digits)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bend"), [("half diode", 0.042171375), ("sine", 0.0)])
def test_rectification_at_zero_bias(name, bend):
    def voltage(i):
        return jd.thermal_iv(DEVICES[name], i, noise=1.0).voltage

    np.testing.assert_allclose(jax.grad(jax.grad(voltage))(0.0) / 2, bend, atol=2e-9)


def _flipped(sine, cosine):
    """−I(−φ)."""
    return jd.Harmonics(sine, -np.asarray(cosine))


@pytest.mark.thorough
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    st.floats(-3, 3),
    st.floats(0.02, 3),
    st.sampled_from([1e-9, 1.0, 1e9]),
)
def test_reversal_and_units(sine, cosine, current, noise, scale):
    sine, cosine = np.array(sine), np.array(cosine)
    sine[0] += 1.5
    found = jd.thermal_iv(jd.Harmonics(sine, cosine), current, noise=noise)
    back = jd.thermal_iv(_flipped(sine, cosine), -current, noise=noise)
    np.testing.assert_allclose(found.voltage, -back.voltage, rtol=1e-12, atol=1e-300)
    large = jd.thermal_iv(
        jd.Harmonics(scale * sine, scale * cosine), scale * current, noise=scale * noise
    )
    np.testing.assert_allclose(large.voltage, scale * found.voltage, rtol=1e-11)
    np.testing.assert_allclose(large.resistance, found.resistance, rtol=1e-11)
    np.testing.assert_array_equal(large.status, found.status)


def test_reversal_to_rounding():
    current = np.linspace(0.05, 2, 9)
    sine, cosine = [1.0, 0.3], [0.1, 0.2]
    found = jd.thermal_iv(jd.Harmonics(sine, cosine), -current, noise=0.1)
    back = jd.thermal_iv(_flipped(sine, cosine), current, noise=0.1)
    np.testing.assert_allclose(found.voltage, -back.voltage, rtol=1e-13)


class Constant(jd.AbstractPhaseBiased):
    """sin φ and a current that does not depend on the phase."""

    mean: jax.Array

    def current(self, phase):
        return jnp.sin(phase) + self.mean


@pytest.mark.thorough
def test_a_relation_with_a_mean():
    """Nothing but the difference to ⟨I⟩ counts."""
    shifts = np.array([-0.9, -0.2, 0.0, 0.3, 1.2])
    plain = jd.thermal_iv(jd.TunnelJunction(1.0), shifts, noise=0.2)
    for mean in (0.7, -2.0):
        found = jd.thermal_iv(Constant(jnp.asarray(mean)), shifts + mean, noise=0.2)
        np.testing.assert_allclose(found.voltage, plain.voltage, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(found.resistance, plain.resistance, rtol=1e-11)


@pytest.mark.thorough
def test_without_noise():
    """2π/∮dφ/(i − I) past the critical currents, as γ → 0."""
    for name, current in (("sine", 1.3), ("half diode", 1.1), ("balanced pair", 1.4)):
        device = DEVICES[name]
        time = quad(
            lambda x, d=device, i=current: float(1 / (i - d.current(jnp.asarray(x)))),
            -np.pi, np.pi, points=[0.0], epsrel=1e-11, limit=300,
        )[0]  # fmt: skip
        found = jd.thermal_iv(device, current, noise=1e-3)
        np.testing.assert_allclose(found.voltage, 2 * np.pi / time, rtol=5e-4)


@pytest.mark.thorough
def test_edge_of_a_smooth_maximum():
    """(2^{1/3}/π)κ^{2/3}γ^{1/3}/[Ai² + Bi²](z); of sin φ within 1.3e-6 at γ = 1e-3."""
    noise = 1e-3
    width = (noise**2 / 2) ** (1 / 3)
    z = np.array([-1.0, 0.0, 1.0])
    ai, _, bi, _ = airy(-z)
    expected = 2 ** (1 / 3) / np.pi * noise ** (1 / 3) / (ai**2 + bi**2)
    found = jd.thermal_iv(jd.TunnelJunction(1.0), 1 + z * width, noise=noise)
    np.testing.assert_allclose(found.voltage[1], expected[1], rtol=2e-6)
    np.testing.assert_allclose(found.voltage, expected, rtol=5e-3)


@pytest.mark.thorough
def test_far_below_and_far_above():
    found = jd.thermal_iv(DEVICES["half diode"], [0.01, -0.01, 8.0, -8.0], noise=1e-3)
    assert np.all(np.isfinite(found.log_voltage))
    assert np.all(found.log_voltage[:2] < -1500)
    ohmic = jd.thermal_iv(DEVICES["half diode"], [300.0, -300.0], noise=0.1)
    # i − Σ ½(aₙ² + bₙ²) i/(i² + n²γ²) − ⟨I³⟩/i²
    for current, voltage in zip([300.0, -300.0], ohmic.voltage, strict=True):
        squares = ((1, 1.0), (2, 0.25))
        first = sum(a / 2 * current / (current**2 + (n * 0.1) ** 2) for n, a in squares)
        np.testing.assert_allclose(voltage, current - first + 0.375 / current**2, rtol=0, atol=3e-8)


@pytest.mark.slow
def test_gradients_are_finite_at_the_edges():
    for device, current in (
        (DEVICES["balanced pair"], 1.0),
        (DEVICES["half diode"], 0.75),
        (DEVICES["half diode"], -1.5),
        (DEVICES["sine"], 0.0),
    ):

        def value(device, current=current):
            return jd.thermal_iv(device, current, noise=0.02).voltage

        slopes = jax.tree.leaves(jax.grad(value)(device))
        assert all(np.all(np.isfinite(x)) for x in slopes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jd.thermal_iv(jd.TunnelJunction(1.0), 0.5, noise=0.0), "noise must be positive"),
        (lambda: jd.thermal_iv(jd.TunnelJunction(1.0), 0.5, noise=1e-6), "noise must be at least"),
        (lambda: jd.thermal_iv(jd.TunnelJunction(1.0), np.nan, noise=1.0), "currents must be fin"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class Step(jd.AbstractPhaseBiased):
    """A jump that kinks() does not tell of."""

    width: jax.Array

    def current(self, phase):
        return jnp.tanh(jnp.sin(phase - 0.3) / self.width)


@pytest.mark.thorough
def test_what_is_not_resolved_is_not_a_number():
    found = jd.thermal_iv(Step(jnp.asarray(1e-4)), [0.3, 0.8], noise=0.1)
    assert np.all(found.status == Status.NOT_CONVERGED)
    assert np.all(np.isnan(found.voltage))


@pytest.mark.thorough
def test_status_of_the_relation():
    device = jd.Squid([jd.TunnelJunction(1.0)] * 2, flux=[0.3], inductance=[0.4, 0.4])
    found = jd.thermal_iv(device, 0.5, noise=0.1)
    assert found.status == Status.MULTIVALUED
    assert np.isnan(found.voltage)
