"""Switching currents and Shapiro maps of circuits; circuits in time through files and sweeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests.circuits import networks
from tests.circuits.networks import with_shunts
from tests.circuits.test_motion import B3, in_units, resistive
from tests.helpers import slow


@pytest.mark.slow
def test_a_ramp_ends_where_no_state_catches_the_phase():
    """Fold currents of shared/physics/circuits.md, b: −1.32216837 is the first one only."""
    light, heavy = (
        jd.switching_currents(with_shunts(networks.squid(*B3, 0.24), capacitance=c))
        for c in (10.0, 30.0)
    )
    assert float(light.plus) == pytest.approx(1.84010757, abs=4e-5)
    assert float(light.minus) == pytest.approx(1.77069169, abs=4e-5)
    assert float(heavy.plus) == pytest.approx(1.84010757, abs=4e-5)
    assert float(heavy.minus) == pytest.approx(1.32216837, abs=4e-5)


@pytest.mark.thorough
def test_switching_in_any_unit():
    squid = with_shunts(networks.squid(*B3, 0.24), capacitance=10.0)
    plain, tiny = (jd.switching_currents(in_units(squid, x)) for x in (1.0, 1e-9))
    assert float(tiny.minus) == pytest.approx(1e-9 * float(plain.minus), rel=1e-9)


@slow
def test_histogram_of_the_sheet():
    """β_c = 25, γ = .1, ramped at 2·10⁻⁴ per plasma time: mean .6517(8), σ .0697(6)."""
    junction = jd.Junction("1", "0", jd.TunnelJunction(1.0), resistance=1.0, capacitance=25.0)
    circuit = jd.Circuit({"J": junction}, ("1", "0"))
    found = jd.switching_currents(circuit, noise=0.1, rate=2e-4 / 5, samples=800, key=1)
    for currents in (found.plus, found.minus):
        error = np.std(currents) / np.sqrt(currents.size)
        assert abs(np.mean(currents) - 0.6517) < 4 * np.hypot(error, 8e-4)
        assert np.std(currents) == pytest.approx(0.0697, rel=4 / np.sqrt(2 * currents.size))


@pytest.mark.slow
def test_noisy_ramps_of_a_screened_squid_switch_below_their_folds():
    squid = with_shunts(networks.squid((1.0, 0.5), (0.25, 0.25), 0.3))
    found = jd.switching_currents(squid, noise=0.01, rate=1e-4, samples=32, key=0)
    assert 1.2 < float(np.mean(found.plus)) < 1.42  # 1.35333591 without noise, infinitely slow
    assert 0.65 < float(np.mean(found.minus)) < 0.85  # 0.77655902
    assert np.all(found.status == 0)


@pytest.mark.slow
def test_map_of_a_junction_is_that_of_the_shunted_one():
    drive = jd.Drive(0.7, 1.0)
    biases, powers = [0.2, 0.8, 1.6], [-20.0, 0.0]
    expected = jd.shapiro_map(jd.Shunted(jd.TunnelJunction(1.0), drive=drive), biases, powers)
    circuit = resistive(drive=drive)
    for sweep in ("up", "down"):
        found = jd.shapiro_map(circuit, biases, powers, sweep=sweep)
        assert found.voltage == pytest.approx(expected.voltage, abs=2e-4)
        assert np.array_equal(found.voltage[found.error == 0], [0.0, 0.0, 0.0, 0.7, 1.4])
    at = found.at(0)
    assert float(at.drive.size()) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="device must be Shunted"):
        found.steps()


@pytest.mark.slow
def test_driven_circuits_are_saved_and_loaded(tmp_path):
    squid = with_shunts(
        networks.squid((1.0, 0.5), (0.25, 0.25), 0.3),
        drive=jd.Drive(0.1, [1.0, 0.5]),
        drive_terminals=("1", "0"),
    )
    jd.save(tmp_path / "circuit.json", squid)
    again = jd.load(tmp_path / "circuit.json")
    assert again.drive_terminals == squid.drive_terminals
    assert np.array_equal(jd.iv_curve(again, [1.0]).up, jd.iv_curve(squid, [1.0]).up)
    path = jd.trajectory(squid, 1.0, duration=10.0, samples=5)
    jd.save(tmp_path / "path.json", path)
    assert np.array_equal(jd.load(tmp_path / "path.json").phase, path.phase)


@pytest.mark.thorough
def test_a_driven_gate_of_a_triode():
    """What flows into B alone does not flow through A."""
    triode = with_shunts(networks.triode(0.0, 0.0), drive=jd.Drive(0.2, 0.3))
    gated = with_shunts(
        networks.triode(0.0, 0.0), drive=jd.Drive(0.2, 0.3), drive_terminals=("B", "C")
    )
    for circuit, node in ((triode, "A"), (gated, "B")):
        into = dict(zip(circuit.nodes, circuit.network().driven, strict=True))
        assert {name: float(x) for name, x in into.items() if x} == {node: 1.0}


@pytest.mark.slow
def test_one_curve_per_flux_under_vmap():
    def voltage(flux):
        squid = with_shunts(networks.squid((1.0, 0.5), (0.25, 0.25), flux))
        return jd.iv_curve(squid, [1.6]).up[0]

    fluxes = jnp.array([0.1, 0.3])
    assert jax.vmap(voltage)(fluxes) == pytest.approx(np.array([voltage(f) for f in fluxes]))


@pytest.mark.slow
@pytest.mark.parametrize("frequency", [0.05, 0.3])
def test_a_square_wave_drives_nodes_that_jump_with_it(frequency):
    """The node between the inductors is algebraic; quasi-static pulses are counted whole."""
    drive = jd.SquareWave(frequency, 1.0)
    squid = with_shunts(networks.squid((1.0, 0.5), (0.25, 0.25), 0.3), drive=drive)
    found = jd.rectified_voltage(squid, [0.5, 1.2])
    voltage = np.asarray(found.voltage)
    assert voltage[0] == 0.0
    assert voltage[1] == np.round(voltage[1] / frequency) * frequency
    assert voltage[1] <= 0
    assert np.all(found.status == 0)
