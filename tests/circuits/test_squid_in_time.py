"""From a SQUID with inductances to its motion in time, in SI units, without silent steps."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers


def screened():
    return jd.Squid(
        [jd.TunnelJunction(1.0), jd.TunnelJunction(0.6)], flux=[0.3], inductance=[0.3, 0.1]
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    "call",
    [
        lambda d: jd.iv_curve(d, [0.0, 1.5]),
        lambda d: jd.trajectory(d, 1.5),
        lambda d: jd.switching_currents(d),
        lambda d: jd.rectified_voltage(d, [1.0]),
        lambda d: jd.shapiro_steps(d, [0]),
    ],
    ids=["curve", "trajectory", "ramp", "rectification", "steps"],
)
def test_one_phase_is_not_enough_for_several_flux_states(call):
    """I(φ) has several values: finite voltages came out of the first at hand."""
    driven = jd.Shunted(screened(), 0.5, drive=jd.Drive(0.5, 1.0))
    with pytest.raises(ValueError, match=r"multivalued.*device\.circuit\(resistance"):
        call(driven)


def test_circuit_units():
    """R/R₀, 2πI₀R₀²C/Φ₀ and I₀L/Φ₀; times in Φ₀/2πI₀R₀."""
    scale = jd.CircuitScale.in_units_of("uA", resistance=10)
    found = scale.in_circuit_units(resistance=20, capacitance=50e-15, inductance=600e-12)
    quantum = 2.067833848e-15
    helpers.assert_close(found["resistance"], 2.0, absolute=1e-12)
    helpers.assert_close(
        found["capacitance"], 2 * np.pi * 1e-6 * 100 * 50e-15 / quantum, absolute=1e-9
    )
    helpers.assert_close(found["inductance"], 600e-12 * 1e-6 / quantum, absolute=1e-9)
    with pytest.raises(ValueError, match="without capacitance"):
        jd.CircuitScale(1e-6, 1e-15, resistance=10).in_circuit_units(resistance=20)


@pytest.mark.slow
def test_shunts_of_a_squid():
    """An unscreened SQUID with a shunt each is one junction with all of them in parallel."""
    squid = jd.Squid([jd.TunnelJunction(1.0), jd.TunnelJunction(0.6)], flux=[0.3])
    circuit = squid.circuit(resistance=[2.0, 2.0], capacitance=0.4)
    bias = np.array([1.5, 2.0])
    found = jd.iv_curve(circuit, bias)
    # R = 1 together, C = .8: β_c = .8 in units where I₀R₀ = 1
    one = jd.iv_curve(jd.Shunted(squid, 1 / np.sqrt(0.8)), bias)
    helpers.assert_close(found.up, one.up * np.sqrt(1 / 0.8), absolute=2e-6)
    with pytest.raises(ValueError, match="resistance must have length 2"):
        squid.circuit(resistance=[1.0, 2.0, 3.0])


def test_inductances_in_henries_are_noticed():
    junction = jd.Junction("1", "0", jd.TunnelJunction(1.0))
    with pytest.warns(UserWarning, match=r"units\.inductance converts"):
        jd.Circuit({"J": junction, "L": jd.Inductor("1", "0", 20e-12)}, ("1", "0"))


@pytest.mark.usefixtures("unchecked")
def test_verbs_of_circuits_say_how_a_squid_becomes_one():
    for call in (jd.folds, lambda c: jd.static_states(c, 0.0)):
        with pytest.raises(ValueError, match=r"got Squid: its circuit\(\) is one"):
            call(screened())


def test_files_of_circuits_are_for_people(tmp_path):
    circuit = jd.Circuit(
        {
            "JA": jd.Junction("m", "g", jd.TunnelJunction(1.0)),
            "JB": jd.Junction("b", "g", jd.TunnelJunction(0.7)),
            "L0": jd.Inductor("m", "b", 0.2, offset=0.1),
            "L1": jd.Inductor("m", "b", 0.2),
        },
        ("m", {"g": 0.25, "b": 0.75}),
        mutual={("L0", "L1"): 0.05},
        sources={"b": 1 / 3},
        drive=jd.Drive(0.5, 1.0),
    )
    for ending in ("toml", "json"):
        path = tmp_path / f"circuit.{ending}"
        jd.save(path, circuit)
        again = jd.load(path)
        assert again.terminals == circuit.terminals
        assert again.sources["b"] == circuit.sources["b"]
        assert again.mutual["L0,L1"] == circuit.mutual["L0,L1"]
        assert jnp.array_equal(again.drive.amplitude, circuit.drive.amplitude)
    text = (tmp_path / "circuit.toml").read_text()
    assert "array" not in text
    assert f"b = {1 / 3!r}" in text


def test_errors_in_files_say_where(tmp_path):
    path = tmp_path / "device.toml"
    path.write_text(
        '[device]\ntype = "Circuit"\nterminals = ["a", "b"]\n[device.elements.JB]\n'
        'type = "Junction"\nstart = "a"\nend = "b"\nrelation = {type = "TunnelJunction"}\n'
    )
    with pytest.raises(
        ValueError, match=r"'critical_current' \(in elements\.JB\.relation of \[dev"
    ):
        jd.load(path)
