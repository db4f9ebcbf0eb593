"""What a circuit refuses, each in a sentence."""

import jaxtyping
import pytest

import jaxdiode as jd
from tests.circuits import networks

J = networks.tunnel("1", "0", 1.0)
L = jd.Inductor("in", "1", 0.1)
ONE = {"J": J, "L": L}


@pytest.fixture
def unchecked():
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jd.Circuit({}, ("1", "0")), "elements must hold at least one Junction"),
        (lambda: jd.Circuit([J], ("1", "0")), "elements must be {name: element}, got list"),
        (lambda: jd.Circuit({"J.1": J}, ("1", "0")), "names without dots"),
        (lambda: jd.Circuit({"J": jd.TunnelJunction(1.0)}, ("1", "0")), "must be a Junction, Ind"),
        (lambda: jd.Circuit(ONE, ("in", "2")), "node of terminals .*'2'"),
        (lambda: jd.Circuit(ONE, ("in", "in")), "terminals must be different nodes"),
        (lambda: jd.Circuit(ONE, "in"), "terminals must be two"),
        (lambda: jd.Circuit(ONE, ({"in": 0.5}, "0")), "shares that add up to 1, got 0.5"),
        (lambda: jd.Circuit(ONE, ("in", "0"), mutual={("L", "M"): 1.0}), "inductor of mutual"),
        (lambda: jd.Circuit(ONE, ("in", "0"), mutual={("L", "L"): 1.0}), "named by two inductors"),
        (lambda: jd.Circuit(ONE, ("in", "0"), sources={"x": 1.0}), "node of sources"),
        (lambda: jd.Circuit(ONE, ("in", "0"), sources={"0": 1.0}), "other nodes than the ground"),
        (lambda: jd.Circuit(ONE, ("in", "0"), criterion="best"), "criterion"),
        (
            lambda: jd.Circuit({**ONE, "K": networks.tunnel("a", "b", 1.0)}, ("in", "a")),
            "no such path between 'in' and 'a'",
        ),
        (
            lambda: jd.Circuit(
                {**ONE, "R": jd.Resistor("x", "0", 1.0)}, ("in", "0"), sources={"x": 1.0}
            ),
            "'x' has none",
        ),
        (
            lambda: jd.Circuit(
                {**ONE, "M": jd.Inductor("in", "0", 0.1)}, ("in", "0"), mutual={"L,M": 0.2}
            ),
            "inductance matrix positive",
        ),
        (
            lambda: jd.Circuit(
                {"J": J, "L": jd.Inductor("in", "1", 0), "M": jd.Inductor("1", "in", 0)},
                ("in", "0"),
            ),
            "no ring of inductors without",
        ),
        (lambda: jd.Junction("1", "1", jd.TunnelJunction(1.0)), "end must be another node"),
        (lambda: jd.Junction("1", "0", jd.TunnelJunction(1.0), resistance=0), "resistance must be"),
        (lambda: jd.Inductor("1", "0", -0.1), "inductance must be"),
        (lambda: jd.Capacitor("1", "0", -0.1), "capacitance must be"),
        (lambda: jd.LinearLink(1.0, -1.0), "critical_phase must be positive"),
        (lambda: jd.critical_currents(jd.Circuit(ONE, ("in", "0")), "best"), "criterion"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
