"""Where circuits in time were once silently wrong: slow nodes, symmetric states, inner motion."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.dynamics.network import noise as noises
from jaxdiode.numerics.status import Status


def tunnel(start, end, current, resistance=1.0, **settings):
    return jd.Junction(start, end, jd.TunnelJunction(current), resistance=resistance, **settings)


@pytest.mark.slow
def test_a_slow_filter_is_not_said_to_have_settled():
    """No current flows into the capacitor: V(x) = V(in) = 1.732…, after a million of times."""
    circuit = jd.Circuit(
        {
            "J": tunnel("in", "0", 1.0),
            "R": jd.Resistor("in", "x", 1e6),
            "C": jd.Capacitor("x", "0", 1.0),
        },
        ("in", "0"),
    )
    for nodes in (("x", "0"), ("in", "0")):
        curve = jd.iv_curve(circuit, [2.0], between=nodes)
        exact = np.sqrt(3.0)
        assert abs(float(curve.up[0]) - exact) <= float(curve.up_error[0]) + 1e-6
        assert int(curve.up_status[0]) == Status.NOT_CONVERGED
    warm = jd.iv_curve(circuit, [1.5], noise=0.1, samples=4, duration=50.0, key=0)
    assert int(warm.status[0]) == Status.NOT_CONVERGED


@pytest.mark.slow
def test_a_slow_coil_is_not_said_to_have_settled():
    """V = √(I_J² − 1) with half of the current in the coil's resistor, in the end: .75 at I = 2."""
    circuit = jd.Circuit(
        {
            "J": tunnel("in", "0", 1.0),
            "L": jd.Inductor("in", "x", 3e4),
            "R": jd.Resistor("x", "0", 1.0),
        },
        ("in", "0"),
    )
    curve = jd.iv_curve(circuit, [2.0], longest=1000.0)
    assert int(curve.up_status[0]) == Status.NOT_CONVERGED
    assert abs(float(curve.up[0]) - 0.75) <= float(curve.up_error[0])


def _pitchfork():
    """Symmetric: the states at high currents are unstable, and two broken ones end at 1.52604."""
    return jd.Circuit(
        {
            "J0": tunnel("1", "0", 1.0),
            "J1": tunnel("2", "0", 1.0),
            "J2": tunnel("1", "2", 0.6, 2.0, offset=0.5),
            "L0": jd.Inductor("in", "1", 0.3),
            "L1": jd.Inductor("in", "2", 0.3),
        },
        ("in", "0"),
    )


@pytest.mark.slow
def test_unstable_symmetric_states_are_left():
    """Voltages by Runge–Kutta of an independent program, from a broken state."""
    curve = jd.iv_curve(_pitchfork(), [1.4, 1.5, 1.6, 1.8])
    assert np.asarray(curve.up) == pytest.approx([0.0, 0.0, 0.24544239, 0.48042657], abs=1e-7)
    found = jd.switching_currents(_pitchfork())
    known = jd.critical_currents(_pitchfork())
    assert float(found.plus) == pytest.approx(float(known.plus), abs=1e-4)


@pytest.mark.slow
def test_what_runs_beside_the_terminals_is_no_switching():
    """0.6 injected at B runs B → C; A stays at zero voltage up to about .98 and −1.01."""
    circuit = jd.Circuit(
        {
            "AC": tunnel("A", "C", 1.0),
            "BC": tunnel("B", "C", 0.3),
            "AB": tunnel("A", "B", 0.05, 50.0),
        },
        ("A", "C"),
        sources={"B": 0.6},
    )
    found = jd.switching_currents(circuit, accuracy=1e-3)
    for sign, current in ((1.0, float(found.plus)), (-1.0, float(found.minus))):
        edges = sorted(sign * (current + x) for x in (-0.02, 0.02))
        voltage = np.abs(np.asarray(jd.iv_curve(circuit, edges, tolerance=1e-3).up))
        still = 0 if sign > 0 else 1
        assert voltage[still] == 0.0
        assert voltage[1 - still] > 0.05


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::jaxdiode.progress.LongRunWarning")
def test_a_string_of_junctions_switches_at_its_weakest():
    """Its phase rises by many turns in all before that."""
    elements = {f"J{k}": tunnel(str(k + 1), str(k), 1 + 0.01 * k) for k in range(20)}
    string = jd.Circuit(elements, ("20", "0"))
    found = jd.switching_currents(string, noise=1e-6, rate=5e-3, samples=2, key=0)
    assert float(np.min(found.plus)) > 0.99


@pytest.mark.thorough
def test_steps_are_small_enough_for_unlike_resistances_or_say_so():
    circuit = jd.Circuit({"J0": tunnel("in", "m", 1.0), "J1": tunnel("m", "0", 1.0, 1e4)},
                         ("in", "0"))  # fmt: skip
    network = circuit.network()
    steps = noises.steps_of(network, jnp.asarray(0.1), jnp.asarray(1.2))
    assert bool(steps.fine)
    assert float(steps.size) < 1e-4
