"""Every error in a netlist is a ValueError that names its line and says what is wrong."""

import numpy as np
import pytest

import jaxdiode as jd
from tests.netlists.test_josim import CELL, network

SCALE = jd.CircuitScale(1e-6, resistance=1.0)
GOOD = """* line 1
.model m jj(rtype=0, icrit=1u, cap=1f, rn=10)
B1 a 0 m
B2 b 0 m area=2
L1 a in 1p
L2 in b 2p
K1 L1 L2 0.1
R1 in 0 5
.end
"""


def changed(old, new):
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def added(*lines):
    return GOOD.replace(".end\n", "\n".join([*lines, ".end\n"]))


# {id: (netlist, what the message must match)}
CASES = {
    "empty": ("", r"^line 1: a netlist must hold elements"),
    "blank": ("\n  \n", r"^line 1: a netlist must hold elements"),
    "comments alone": ("* nothing\n# here\n", r"^line 1: a netlist must hold elements"),
    "unknown model": (changed("B1 a 0 m", "B1 a 0 n"), r"^line 3: unknown model 'n'; defined: M"),
    "no model": (changed("B1 a 0 m", "B1 a 0"), r"^line 3: B1 must name a model, got none"),
    "area but no model": (
        changed("b 0 m area=2", "b 0 area=2"),
        r"^line 4: B2 must name a model, got none",
    ),
    "no value": (changed("L1 a in 1p", "L1 a in"), r"^line 5: L1 must have one value, got none"),
    "two values": (
        changed("L1 a in 1p", "L1 a in 1 p"),
        r"^line 5: L1 must have one value, got 1 p",
    ),
    "one node": (changed("R1 in 0 5", "R1 in"), r"^line 8: R1 must have two nodes"),
    "bad suffix": (changed("L1 a in 1p", "L1 a in 1q"), r"^line 5: unknown suffix 'Q'; allowed: F"),
    "no number": (
        changed("L1 a in 1p", "L1 a in one"),
        r"^line 5: unknown parameter or constant 'ONE'",
    ),
    "strange sign": (
        changed("L1 a in 1p", "L1 a in 1%"),
        r"^line 5: a number must not contain '%'",
    ),
    "open operator": (changed("L1 a in 1p", "L1 a in 1p*"), r"^line 5: an expression must not end"),
    "open bracket": (changed("L1 a in 1p", "L1 a in (1p"), r"^line 5: parentheses must be closed"),
    "open brace": (changed("L1 a in 1p", "L1 a in {1p"), r"^line 5: braces must be closed"),
    "division by zero": (changed("L1 a in 1p", "L1 a in 1/0"), r"^line 5: '1/0' has no value"),
    "root of minus": (
        changed("L1 a in 1p", "L1 a in sqrt(-1)"),
        r"^line 5: 'sqrt\(-1\)' has no value",
    ),
    "overflow": (changed("L1 a in 1p", "L1 a in 1e999"), r"^line 5: a value must be finite"),
    "duplicate": (changed("B2 b 0 m", "b1 b 0 m"), r"^line 4: b1 must have a name of its own"),
    "floating node": (added("L3 a loose 1p"), r"^line 9: node LOOSE floats: L3 alone ends there"),
    "island": (added("L3 x y 1p", "L4 x y 2p"), r"^line 9: node X floats: no element joins it"),
    "source alone": (added("I1 0 x 1u", "I2 0 x 1u"), r"^line 9: node X floats: no element joins"),
    "unknown inductor": (
        changed("K1 L1 L2 0.1", "K1 L1 L3 0.1"),
        r"^line 7: K1 must couple inductors, unknown inductor L3",
    ),
    "coupled resistor": (changed("K1 L1 L2", "K1 L1 R1"), r"^line 7: .*unknown inductor R1"),
    "coupling too large": (
        changed("K1 L1 L2 0.1", "K1 L1 L2 -1.01"),
        r"^line 7: K1 must be a coupling factor from −1 to 1, got -1\.01",
    ),
    "coupled twice": (added("K2 L2 L1 0.2"), r"^line 9: L2 and L1 must be coupled once"),
    "self-coupling": (changed("K1 L1 L2", "K1 L1 L1"), r"^line 7: K1 must have two different ends"),
    "negative resistance": (
        changed("R1 in 0 5", "R1 in 0 -5"),
        r"^line 8: R1 must be a positive resistance, got -5",
    ),
    "negative inductance": (changed("in b 2p", "in b -2p"), r"^line 6: L2 must be at least 0, got"),
    "negative area": (
        changed("area=2", "area=-2"),
        r"^line 4: B2 must have a positive area, got -2",
    ),
    "area and ic": (
        changed("area=2", "area=2 ic=1u"),
        r"^line 4: B2 must have area or ic, got both",
    ),
    "unknown option": (
        changed("area=2", "ics=2u"),
        r"^line 4: unknown option 'ics=2u' of B2; allowed: AREA, IC",
    ),
    "both ends": (changed("R1 in 0 5", "R1 gnd 0 5"), r"^line 8: R1 must have two different ends"),
    "ground by accident": (changed("R1 in 0 5", "R1 in gnd1 5"), r"^line 8: node 'GND1' is the gr"),
    "open subcircuit": (
        added(".subckt cell p", "L9 p 0 1p"),
        r"^line 9: \.subckt CELL must be closed by \.ends",
    ),
    "closed twice": (added(".ends"), r"^line 9: \.ends must close a \.subckt, got none"),
    "nested definition": (
        added(".subckt one p", "L9 p 0 1p", ".subckt two q"),
        r"^line 11: \.subckt must not begin inside another, ONE is open",
    ),
    "subcircuit without nodes": (added(".subckt one"), r"^line 9: \.subckt must have a name and"),
    "unknown subcircuit": (added("X1 a 0 cell"), r"^line 9: unknown subcircuit in 'X1 a 0 cell'"),
    "nodes of a subcircuit": (
        added("X1 a in cell", ".subckt cell p", "L9 p 0 1p", ".ends"),
        r"^line 9: X1 must name the 1 nodes of CELL, got 2",
    ),
    "value of nothing": (
        added("X1 a cell L8=3p", ".subckt cell p", "L9 p 0 1p", ".ends"),
        r"^line 9: CELL has no element 'L8'",
    ),
    "a subcircuit in itself": (
        added("X1 a cell", ".subckt cell p", "X2 p cell", ".ends"),
        r"^line 11: subcircuit CELL must not hold itself",
    ),
    "model type": (changed("jj(rtype", "npn(rtype"), r"^line 2: \.model must be of type jj"),
    "model parameter": (
        changed("cap=1f", "cup=1f"),
        r"^line 2: unknown parameter 'CUP' of a model",
    ),
    "model value": (changed("cap=1f", "cap=1w"), r"^line 2: unknown suffix 'W'"),
    "model without value": (
        changed("cap=1f", "cap="),
        r"^line 2: a model's parameter must be name",
    ),
    "model twice": (added(".model m jj(rtype=0)"), r"^line 9: model 'm' must be defined once"),
    "model parameter twice": (changed("rn=10", "rn=10, RN=9"), r"^line 2: .* RN came twice"),
    "model resistance": (changed("rn=10", "rn=0"), r"^line 2: RN must be positive, got 0"),
    "model current": (changed("icrit=1u", "icrit=-1u"), r"^line 2: ICRIT must be at least 0"),
    "model temperature": (changed("rn=10", "rn=10, t=4.2"), r"^line 2: a model's T makes"),
    "unfinished model": (changed("jj(rtype=0, icrit=1u, cap=1f, rn=10)", ""), r"^line 2: \.model"),
    "parameter twice": (
        added(".param x=1", ".param x=2"),
        r"^line 10: parameter 'X' must be defined",
    ),
    "parameter without value": (added(".param x"), r"^line 9: \.param must be \.param name=value"),
    "parameters in circles": (
        added(".param x=2*y", ".param y=x", "L3 a 0 x"),
        r"^line 11: parameter 'X' must not depend on itself",
    ),
    "continues nothing": ("+ 5p\n" + GOOD, r"^line 1: a continuation '\+' must follow a line"),
    "unknown control": (added(".transient 1p 1n"), r"^line 9: unknown control '\.transient'"),
    "include of a text": (added(".include models.inc"), r"^line 9: \.include needs the path"),
    "voltage source": (added("V1 a 0 1m"), r"^line 9: V1 is a voltage source, which a circuit"),
    "transmission line": (added("T1 a 0 b 0 td=1p z0=5"), r"^line 9: T1 is a transmission line"),
    "controlled source": (added("G1 a 0 b 0 2"), r"^line 9: G1 is a controlled source"),
    "unknown element": (added("Q1 a 0 b"), r"^line 9: unknown element 'Q1'; allowed: B, L"),
    "time-dependent source": (
        added("I1 0 a sin(0 1u 1g)"),
        r"^line 9: I1 must be constant or a pwl\(\).*got sin\(\)",
    ),
    "falling times": (added("I1 0 a pwl(0 0 5p 1u 4p 2u)"), r"^line 9: I1 must have rising times"),
    "odd ramp": (added("I1 0 a pwl(0 0 5p)"), r"^line 9: I1 must have pairs of time and value"),
    "source without value": (added("I1 0 a"), r"^line 9: I1 must have a value, got none"),
    "phase sources in a loop": (
        added("P1 a c 1", "P2 c a 1"),
        r"^line 10: P2 must not close a loop of phase sources",
    ),
    "bridged": (added("P1 a in 1"), r"^line 5: L1 must not be bridged by phase sources"),
    "dots": (added("L1.2 a 0 1p"), r"^line 9: L1\.2 must be a name without dots"),
    "no junction": (
        "L1 a 0 1p\nL2 a 0 1p\n",
        r"^netlist: elements must hold at least one Junction",
    ),
    "couplings of three": (
        added("L3 a b 1p", "K2 L1 L3 0.9", "K3 L2 L3 -0.9").replace("L2 0.1", "L2 0.9"),
        r"^netlist: mutual must leave the inductance matrix positive",
    ),
}


def test_the_good_one_is_read():
    circuit = jd.from_netlist(GOOD, ("in", "0"), scale=SCALE)
    assert sorted(circuit.elements) == ["B1", "B2", "L1", "L2", "R1"]


@pytest.mark.parametrize("case", sorted(CASES))
def test_an_error_names_its_line(case):
    text, sentence = CASES[case]
    with pytest.raises(ValueError, match=sentence) as caught:
        jd.from_netlist(text, ("in", "0"), scale=SCALE)
    assert "\n" not in str(caught.value)


LETTERS = "0123456789.-+*/()={}|,abceghiklmprsxABCKLPX \n\t%'\"é"


WRITTEN = jd.to_netlist(network(), scale=SCALE)


@pytest.mark.thorough
@pytest.mark.parametrize("text", [GOOD, CELL, WRITTEN], ids=["good", "cell", "written"])
def test_nothing_but_errors_of_that_kind(text):
    """Letters dropped, changed, put in, lines swapped and repeated: a circuit or a ValueError."""
    rng = np.random.default_rng(11)
    read, errors = 0, []
    for _ in range(250):
        letters = list(text)
        for _ in range(rng.integers(1, 4)):
            place = int(rng.integers(len(letters)))
            kind = rng.integers(3)
            new = [] if kind == 0 else [LETTERS[rng.integers(len(LETTERS))]]
            letters[place : place + (kind < 2)] = new
        lines = "".join(letters).split("\n")
        if rng.integers(4) == 0:
            a, b = rng.integers(len(lines), size=2)
            lines[a], lines[b] = lines[b], lines[a if rng.integers(2) else b]
        terminals = None if text == WRITTEN else ("in", "0")
        try:
            jd.from_netlist("\n".join(lines), terminals, scale=None if terminals is None else SCALE)
            read += 1
        except ValueError as error:
            errors.append(str(error))
    known = (
        "line ",
        "netlist: ",
        "scale: ",
        "unknown node of terminals",
        "scale must",
        "terminals must",
    )
    assert [x for x in errors if not x.startswith(known)] == []
    assert 10 < read < 240
