"""One temperature that reaches every part of a device: shared/physics/field.md, section 4."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers
from tests.reference import short_junctions as reference


def tunnel(t):
    """I_c(T)/I_c(0) of Ambegaokar and Baratoff, by the gap's integral over energies."""
    delta = reference.gap(t)
    return delta * math.tanh(reference.RATIO * delta / (2 * t)) if delta else 0.0


@pytest.mark.thorough
@pytest.mark.parametrize("t", [0.02, 0.2, 0.5, 0.8, 0.95, 0.9999, 1.0, 3.0])
def test_tunnel_junctions_follow_ambegaokar_and_baratoff(t):
    cold = jd.TunnelJunction(100.0)
    helpers.assert_close(
        cold.at_reduced_temperature(t).critical_current, 100 * tunnel(t), absolute=1e-9
    )
    pair = jd.SeriesJunctions(50.0, 20.0).at_reduced_temperature(t)
    helpers.assert_close(pair.first, 50 * tunnel(t), absolute=1e-9)
    helpers.assert_close(pair.second, 20 * tunnel(t), absolute=1e-9)
    kelvin = jd.AmbegaokarBaratoffJunction(1.0, 9.2)
    warm, at_zero = (
        jd.critical_currents(x).plus for x in (kelvin.at_reduced_temperature(t), kelvin)
    )
    helpers.assert_close(warm / at_zero, tunnel(t), absolute=1e-11)


@pytest.mark.parametrize("t", [0.05, 0.5, 0.9])
def test_every_part_of_a_nested_device_follows(t):
    modes = jd.AndreevModes(40.0, 0.9)
    shifted = jd.PhaseShiftedJunction(modes, 0.3)
    inside = jd.ExtendedJunction(shifted, [0.4, 1.6], 0.7)
    squid = jd.Squid([inside, jd.TunnelJunction(30.0)], flux=0.25, inductance=[1e-4, 0.0])
    warm = squid.at_reduced_temperature(t)
    own = warm.branches[0].local.device
    delta = reference.gap(t)
    helpers.assert_close(own.amplitude, [40 * delta], absolute=1e-11)
    helpers.assert_close(own.temperature / own.gap, t / (reference.RATIO * delta), absolute=1e-12)
    helpers.assert_close(warm.branches[1].critical_current, 30 * tunnel(t), absolute=1e-11)
    helpers.assert_close(warm.inductance, squid.inductance, absolute=1e-15)
    helpers.assert_close(warm.branches[0].profile, inside.profile, absolute=1e-15)


@pytest.mark.thorough
def test_circuits_pass_it_on():
    def circuit(first, second):
        return jd.Circuit(
            {
                "J0": jd.Junction("1", "0", first),
                "J1": jd.Junction("2", "0", second),
                "L0": jd.Inductor("in", "1", 0.25, offset=0.24),
                "L1": jd.Inductor("in", "2", 0.1),
            },
            terminals=("in", "0"),
        )

    cold = circuit(jd.TunnelJunction(1.0), jd.TunnelJunction(0.7))
    share = tunnel(0.6)
    expected = jd.critical_currents(
        circuit(jd.TunnelJunction(share), jd.TunnelJunction(0.7 * share)), "largest"
    )
    found = jd.critical_currents(cold.at_reduced_temperature(0.6), "largest")
    helpers.assert_close(found.plus, expected.plus, absolute=1e-11)
    helpers.assert_close(found.minus, expected.minus, absolute=1e-11)


@pytest.mark.slow
def test_a_long_junction_gets_shorter():
    """ℓ = L/λ_J and λ_J ∝ 1/√j_c."""
    cold = jd.LongJunction(jd.TunnelJunction(2.0), 2.0, 0.7, feed="right", points=40)
    share = tunnel(0.9)
    expected = jd.critical_currents(
        jd.LongJunction(
            jd.TunnelJunction(2.0 * share), 2.0 * np.sqrt(share), 0.7, feed="right", points=40
        )
    )
    found = jd.critical_currents(cold.at_reduced_temperature(0.9))
    helpers.assert_close(found.plus, expected.plus, absolute=1e-9)
    helpers.assert_close(found.minus, expected.minus, absolute=1e-9)


def test_parts_that_are_warm_already_are_refused():
    warm = jd.AndreevModes(40.0, 0.9, gap=1.0, temperature=0.3)
    with pytest.raises(ValueError, match=r"T = 0, its branches\.0\.temperature is 0\.3"):
        jd.TemperatureScaledJunction(jd.Squid([warm, jd.TunnelJunction(1.0)], flux=0.1), 0.5)


def test_relations_are_not_cooled_again():
    relation = jd.AndreevModes(40.0, 0.9).relation()
    with pytest.raises(ValueError, match="known law"):
        relation.at_reduced_temperature(0.5)


@pytest.mark.slow
def test_reports_and_flux_states_of_a_screened_loop():
    loop = jd.Squid([jd.TunnelJunction(1.0), jd.TunnelJunction(1.0)], 0.3, inductance=[1.0, 0.0])
    warm = jd.TemperatureScaledJunction(loop, 0.5)
    found, report = jd.critical_currents(warm), warm.report()
    share = tunnel(0.5)
    branches = [jd.TunnelJunction(share), jd.TunnelJunction(share)]
    expected = jd.critical_currents(jd.Squid(branches, 0.3, inductance=[1.0, 0.0]))
    helpers.assert_close(found.plus, expected.plus, absolute=1e-9)
    helpers.assert_close(report.critical.plus, expected.plus, absolute=1e-9)
    assert isinstance(report.device, jd.TemperatureScaledJunction)
    shifted = jd.critical_currents(jd.PhaseShiftedJunction(loop, 0.4))
    helpers.assert_close(shifted.plus, jd.critical_currents(loop).plus, absolute=1e-12)


def of_a_temperature(temperature, critical=1.2, unit=1.0):
    loop = jd.Squid(
        [jd.AndreevModes(40.0 * unit, [0.9, 0.5]), jd.TunnelJunction(30.0 * unit)], flux=0.25
    )
    return jd.TemperatureScaledJunction(loop, temperature, critical_temperature=critical)


@pytest.mark.thorough
def test_slopes_by_temperature():
    def efficiency(temperature, critical):
        return jd.diode_efficiency(of_a_temperature(temperature, critical))

    step = 1e-4
    value = jax.jit(efficiency)
    slope = jax.jit(jax.grad(efficiency, (0, 1)))
    for temperature in (0.03, 0.3, 0.9, 1.15):
        found = slope(temperature, 1.2)
        for place, at in enumerate(((step, 0.0), (0.0, step))):
            ahead, behind, further, back = (
                value(temperature + k * at[0], 1.2 + k * at[1]) for k in (1, -1, 2, -2)
            )
            expected = (8 * (ahead - behind) - (further - back)) / (12 * step)
            helpers.assert_close(found[place], expected, absolute=1e-7)


@pytest.mark.thorough
def test_cold_is_the_device_itself():
    cold = of_a_temperature(0.0)
    found, expected = jd.critical_currents(cold), jd.critical_currents(cold.device)
    helpers.assert_close(found.plus, expected.plus, absolute=1e-12)
    assert jnp.isfinite(jax.grad(jd.diode_efficiency)(cold).temperature)


@pytest.mark.parametrize("temperature", [1.2, 5.0])
def test_nothing_flows_above(temperature):
    found = jd.critical_currents(of_a_temperature(temperature))
    assert found.status == jd.Status.NO_SUPERCURRENT
    assert (found.plus, found.minus) == (0.0, 0.0)
    assert jnp.isnan(found.efficiency)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units(unit):
    found = jd.critical_currents(of_a_temperature(0.7, unit=unit))
    plain = jd.critical_currents(of_a_temperature(0.7))
    helpers.assert_close(found.plus / unit, plain.plus, absolute=1e-10)
    millikelvin = jd.critical_currents(of_a_temperature(700.0, 1200.0))
    helpers.assert_close(millikelvin.plus, plain.plus, absolute=1e-11)


def test_one_temperature_for_parts_with_critical_temperatures_of_their_own():
    loop = jd.Squid(
        [jd.AmbegaokarBaratoffJunction(1.0, 9.2), jd.BallisticPointContact(1.0, 1.2)], flux=0.25
    )
    now = jd.TemperatureScaledJunction(loop, 0.5).now()
    helpers.assert_close(
        np.array([now.branches[0].temperature, now.branches[1].temperature]), [4.6, 0.6],
        absolute=1e-14,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("device", "named"),
    [
        (lambda: jd.Harmonics([1.0, 0.2]), "Harmonics"),
        (lambda: jd.Squid([jd.TunnelJunction(1.0), jd.Harmonics([1.0])], flux=0.1), "Harmonics"),
        (lambda: jd.KapitzaJunction(0.3, 1.0), "KapitzaJunction"),
    ],
)
def test_what_has_no_law_is_named(device, named):
    with pytest.raises(ValueError, match=f"known law of temperature.*{named}"):
        device().at_reduced_temperature(0.5)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"temperature": -0.1}, "temperature must be at least 0, got -0.1"),
        ({"temperature": 0.1, "critical_temperature": 0.0}, "critical_temperature must be"),
        ({"temperature": np.nan}, "temperature must be finite"),
    ],
)
def test_numbers_outside_their_ranges(arguments, named):
    with pytest.raises(ValueError, match=named):
        jd.TemperatureScaledJunction(jd.TunnelJunction(1.0), **arguments)


@pytest.mark.thorough
def test_saved_and_swept(tmp_path):
    device = of_a_temperature(0.6)
    jd.save(tmp_path / "warm.toml", device)
    again = jd.load(tmp_path / "warm.toml")
    assert isinstance(again, jd.TemperatureScaledJunction)
    assert jd.diode_efficiency(again) == jd.diode_efficiency(device)
    axes = {"temperature": [0.3, 0.6, 1.3], "device.flux.0": [0.1, 0.25]}
    swept = jd.sweep(jd.critical_currents, again, axes)
    expected = jd.critical_currents(device)
    helpers.assert_close(swept["plus"].values[1, 1], expected.plus, absolute=1e-11)
    assert (swept["status"].values[2] == jd.Status.NO_SUPERCURRENT).all()
    assert (swept["plus"].values[2] == 0.0).all()
