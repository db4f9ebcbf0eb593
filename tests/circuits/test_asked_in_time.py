"""What may be asked of a circuit in time, and what sharp or even relations ask of its steps."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.dynamics.network import switching
from jaxdiode.dynamics.network.noise import steps_of


def single(relation, capacitance=None, **named):
    junction = jd.Junction("1", "0", relation, resistance=1.0, capacitance=capacitance)
    return jd.Circuit({"J": junction}, ("1", "0"), **named)


@pytest.mark.thorough
def test_noisy_curves_of_even_relations_are_hysteretic_too():
    """sin 2φ carries nothing at π/2, where a sine carries all."""
    curve = jd.iv_curve(
        single(jd.Harmonics([0.0, 1.0]), 25.0), [0.6], noise=1e-3, key=0, samples=8, duration=100.0
    )
    assert abs(float(curve.up[0])) < 0.01
    assert 0.5 < float(curve.down[0]) < 0.65  # it runs: i R nearly


@pytest.mark.thorough
def test_steps_follow_sharp_turns():
    """½/√(1 − τ) is the slope of a turn of width √(1 − τ), between 128 even samples."""
    sharp, smooth = (single(jd.AndreevModes(1.0, tau), 1.0).network() for tau in (1 - 1e-8, 0.9))
    assert float(jnp.max(sharp.relations.steepest() * sharp.current)) > 1000
    sizes = [steps_of(x, jnp.asarray(0.1), jnp.asarray(1.0)).size for x in (sharp, smooth)]
    assert sizes[0] < sizes[1] / 10


def test_elements_of_other_kinds_are_refused():
    class Stub(jd.Resistor):
        pass

    elements = {"J": jd.Junction("1", "0", jd.TunnelJunction(1.0)), "S": Stub("1", "0", 1.0)}
    with pytest.raises(ValueError, match="must be a Junction, Inductor, Resistor or Capacitor"):
        jd.Circuit(elements, ("1", "0"))


@pytest.mark.parametrize(
    "call",
    [
        lambda c: jd.iv_curve(c, [0.5]),
        lambda c: jd.iv_curve(c, [0.5], noise=0.1, key=0, samples=4),
        lambda c: jd.trajectory(c, 0.5, duration=10.0),
        lambda c: jd.switching_currents(c),
    ],
    ids=["curve", "noisy curve", "trajectory", "ramp"],
)
def test_drives_in_hertz_are_refused(call):
    circuit = single(jd.TunnelJunction(1.0), drive=jd.Drive(1e9, 0.5))
    with pytest.raises(ValueError, match=r"drive.frequency must be between 0.001 and 1e\+03"):
        call(circuit)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: jd.trajectory(c, 0.5, duration=1e12), "duration must leave less than 3 days"),
        (
            lambda c: jd.switching_currents(c, noise=0.02, rate=1e-12, samples=64, key=0),
            "rate must leave less than 3 days",
        ),
    ],
)
def test_endless_work_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(single(jd.TunnelJunction(1.0)))


def test_long_work_is_announced(monkeypatch):
    monkeypatch.setattr(
        switching, "noisy_ramps", lambda *_: (jnp.zeros((2, 1)), jnp.zeros((2, 1), int))
    )
    circuit = single(jd.TunnelJunction(1.0))
    with pytest.warns(jd.LongRunWarning, match="switching_currents of 4096 samples of a circuit"):
        jd.switching_currents(circuit, noise=0.02, rate=1e-5, samples=4096, key=0)


@pytest.mark.thorough
def test_largest_currents_see_sharp_turns():
    relations = single(jd.AndreevModes(2.0, 1.0)).network().relations
    assert np.isclose(float(jnp.max(relations.largest())), 1.0, rtol=1e-9)
