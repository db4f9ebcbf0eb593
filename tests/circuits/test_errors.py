"""What a circuit refuses, each in a sentence."""

import jax
import pytest

import jaxdiode as jd
from tests.circuits import networks

J = networks.tunnel("1", "0", 1.0)
L = jd.Inductor("in", "1", 0.1)
ONE = {"J": J, "L": L}
TRIODE = networks.triode(0.0, 0.0)
WIRED = jd.Circuit({**ONE, "R": jd.Resistor("x", "0", 1.0)}, ("in", "0"))
FLUX = "elements.L.offset"


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
        (lambda: jd.critical_contour(J), "circuit must be a Circuit, got Junction"),
        (lambda: jd.critical_contour(TRIODE, ("A", "D")), "unknown node of nodes 'D'.*A, B, C"),
        (lambda: jd.critical_contour(TRIODE, ("A", "C")), "nodes must be other .* ground, got 'C'"),
        (lambda: jd.critical_contour(TRIODE, ("A", "A")), "two different nodes, got 'A' twice"),
        (lambda: jd.critical_contour(TRIODE, "AB"), "nodes must be the names of two nodes, got 'A"),
        (lambda: jd.critical_contour(TRIODE, directions=2), "directions must be .* at least 3"),
        (lambda: jd.critical_contour(TRIODE, directions=[]), "at least one angle, got none"),
        (lambda: jd.critical_contour(TRIODE, origin=[0.1]), "origin must have length 2"),
        (lambda: jd.critical_contour(TRIODE, criterion="best"), "unknown criterion 'best'"),
        (lambda: jd.critical_contour(WIRED, ("in", "1")), "inductors alone from 'in' to '1'"),
        (lambda: jd.critical_contour(WIRED, ("in", "x")), "path of junctions .*'x' has none"),
        (
            lambda: jd.threshold_curves(J, "offset", [0.1]),
            "circuit must be a Circuit, got Junction",
        ),
        (
            lambda: jd.threshold_curves(WIRED, "elements.L.flux", [0.1]),
            "unknown parameter 'element",
        ),
        (lambda: jd.threshold_curves(WIRED, FLUX, [0.2, 0.1]), "values must .* increase"),
        (lambda: jd.threshold_curves(WIRED, FLUX, []), "values must hold at least one number"),
        (
            lambda: jd.threshold_curves(WIRED, "elements.L.inductance", [-0.1]),
            r"values\['elements.L.inductance'\] must stay within 0 to inf, got -0.1",
        ),
        (
            lambda: jax.jit(lambda c: jd.threshold_curves(c, FLUX, [0.1]))(WIRED),
            "must hold numbers",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
