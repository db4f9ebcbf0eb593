"""Netlists of JoSIM: what is written against an independent parser, and read back.

`STATE` and `DECK_STATE` are what JoSIM 2.7 itself, built from its sources, settles to: on the
netlist of `network()` with a bias of 0.7 and shunts of 1 for the pair, and on `DECK` (phases of the
junctions and currents of the inductors after 0.8 and 0.9 ns, printed to seven digits). The signs of
offsets, PHI, mutual inductances, sources and bias are JoSIM's, not ours.
"""

import dataclasses
import math
import shutil
import subprocess

import jax
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import units
from tests.reference import josim

J, T, L = jd.Junction, jd.TunnelJunction, jd.Inductor
SCALE = jd.CircuitScale(100e-6, resistance=5.0)
AMPERE, OHM = 100e-6, 5.0
HENRY = units.flux_quantum / AMPERE
FARAD = units.flux_quantum / (2 * math.pi * AMPERE * OHM**2)

STATE = {
    "BJ0": 8.255190e-01, "BJ1": -2.552550e-01, "BPA": 1.491410e-01, "BPB": 2.400405e-01,
    "L0": 7.348999e-05, "L1": -1.537708e-05, "L2": 1.188710e-05,
}  # fmt: skip


def network():
    """Everything at once: harmonics, a pair, offsets of both signs, couplings, R, C, a source."""
    return jd.Circuit(
        {
            "J0": J("t0", "0", T(1.0), resistance=1.0, capacitance=0.3, offset=0.1),
            "J1": J("t1", "0", jd.Harmonics([0.6, -0.2]), resistance=1.0, capacitance=0.3),
            "P": J("t2", "0", jd.SeriesJunctions(0.8, 0.5), resistance=1.0, capacitance=0.3,
                   offset=-0.07),
            "L0": L("in", "t0", 0.2),
            "L1": L("in", "t1", 0.15, offset=-0.2),
            "L2": L("in", "t2", 0.3),
            "C0": jd.Capacitor("in", "0", 0.2),
            "R0": jd.Resistor("in", "0", 2.0),
        },
        terminals=("in", "0"),
        mutual={("L0", "L1"): 0.05, ("L1", "L2"): -0.02},
        sources={"t1": 0.1},
    )  # fmt: skip


def ladder():
    """Shared bias currents, names JoSIM would misread, a ground that is not called 0."""
    elements = {}
    for k in range(3):
        elements[f"rung{k}"] = J(f"t{k}", f"b{k}", T(1.0 + 0.1 * k))
    for k in range(2):
        elements[f"top{k}"] = J(f"t{k}", f"SINK{k}", T(0.8 - 0.05 * k), offset=0.2)
        elements[f"Ltop{k}"] = L(f"SINK{k}", f"t{k + 1}", 0.1)
        elements[f"Lbot{k}"] = L(f"b{k}", f"b{k + 1}", 0.15)
    third = 1 / 3
    return jd.Circuit(
        elements,
        terminals=(
            {"t0": third, "t1": third, "t2": third},
            {"b0": third, "b1": third, "b2": third},
        ),
        mutual={(f"Ltop{k}", f"Lbot{k}"): -0.03 for k in range(2)},
        criterion="ramp",
    )


def squid():
    """A SQUID diode, table b1 of the sheet of circuits, f = 0.3."""
    return jd.Circuit(
        {
            "J0": J("a", "0", T(1.0)),
            "J1": J("b", "0", T(0.5), offset=-0.3),
            "L0": L("in", "a", 0.25),
            "L1": L("in", "b", 0.25),
        },
        terminals=("in", "0"),
    )


def bare():
    """One junction with neither resistance nor capacitance, and one that has both."""
    return jd.Circuit(
        {"0x": J("n", "GND", T(2.0)), "j": J("n", "GND", T(1.0), resistance=3.0, capacitance=0.0)},
        terminals=("n", "GND"),
    )


CIRCUITS = {f.__name__: f for f in (network, ladder, squid, bare)}
each = pytest.mark.parametrize("name", sorted(CIRCUITS))


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=0)


def test_the_independent_parser_finds_every_element_and_value():
    found = josim.parse(jd.to_netlist(network(), scale=SCALE, bias=0.7))
    assert set(found) == {
        "BJ0", "BJ1", "BPA", "BPB", "PBJ0", "PBP", "PL1", "L0", "L1", "L2", "K0", "K1", "C0", "R0",
        "RBP", "CBP", "ISRC0", "IBIAS0",
    }  # fmt: skip
    for label, value in {
        "L0": 0.2 * HENRY, "L1": 0.15 * HENRY, "L2": 0.3 * HENRY, "C0": 0.2 * FARAD,
        "R0": 2 * OHM, "RBP": OHM, "CBP": 0.3 * FARAD, "ISRC0": 0.1 * AMPERE,
        "IBIAS0": 0.7 * AMPERE, "PBJ0": -2 * math.pi * 0.1, "PBP": 2 * math.pi * 0.07,
        "PL1": 2 * math.pi * 0.2, "K0": 0.05 / math.sqrt(0.2 * 0.15),
        "K1": -0.02 / math.sqrt(0.15 * 0.3),
    }.items():  # fmt: skip
        close(found[label].value, value)
    for label, current, weights in (
        ("BJ0", 1.0, [1.0]),
        ("BJ1", 0.6, [1.0, -1 / 3]),
        ("BPA", 0.8, [1.0]),
        ("BPB", 0.5, [1.0]),
    ):
        model = found[label].model
        close(model["ICRIT"] * found[label].area, current * AMPERE)
        close(model["CPR"], weights)
        assert model["RTYPE"] == 0
        assert model["PHI"] == 0
    for label in ("BJ0", "BJ1"):
        close(found[label].model["RN"], OHM)
        close(found[label].model["CAP"], 0.3 * FARAD)
    for label in ("BPA", "BPB"):  # the shunt of a pair lies across both
        assert found[label].model["RN"] >= 1e20
        assert found[label].model["CAP"] == 0
    assert (
        found["RBP"].nodes == found["CBP"].nodes == (found["BPA"].nodes[0], found["BPB"].nodes[1])
    )
    assert found["BPA"].nodes[1] == found["BPB"].nodes[0]
    assert found["ISRC0"].nodes == ("0", "T1")
    assert found["IBIAS0"].nodes == ("0", "IN")
    assert found["K1"].nodes == ("L1", "L2")
    # A phase source lies between a node of the circuit and the first end of its element.
    assert found["PBJ0"].nodes == ("T0", found["BJ0"].nodes[0])
    assert found["PL1"].nodes == ("IN", found["L1"].nodes[0])


DECK = """* Subcircuits, parameters, PHI, CPR, phase sources, coupling
.param unit = 0.1m
.param other=1u
.param both = unit/4 + other
.model plain jj(rtype=0, icrit=unit, cap=20f, rn=4)
.model tilted jj(rtype=0, rn=8, cap=10f, icrit=50u, phi=pi/5, cpr={0.9, -0.1})
.subckt cell in out
Lx in mid 3p
Ly mid out {3p/2}
B1 mid 0 tilted area=2
K1 Lx Ly -0.25
.ends cell
.subckt two a b
X1 a m cell Lx=4p
X2 cell m b
.ends
Xtop in far two
B01 far 0 plain area=0.8
B02 far tip tilted ic=30u
P1 tip 0 dc 0.4
Rout far 0 2
Cin in 0 5.0e-2P
Lend far x 8p
P2 0 x dc -0.3
IB01 0 in pwl(0 0 5p both)
Iin far 0 2.5e-6
.tran 0.02p 900p
.end
"""
DECK_STATE = {
    "B01": 4.248992e-01, "B02": 2.489916e-02, "B1|X1|XTOP": 7.067271e-01,
    "B1|X2|XTOP": 5.199125e-01, "LX|X1|XTOP": 2.600000e-05, "LY|X1|XTOP": 2.051221e-05,
    "LX|X2|XTOP": 2.051221e-05, "LY|X2|XTOP": 2.809848e-05, "LEND": 5.138132e-06,
}  # fmt: skip


def imbalance(circuit, state, bias, inner_phase):
    """(currents left at the nodes, phases left around the loops) at JoSIM's state.

    JoSIM's phase of a junction is that between its own nodes, PHI not taken off.
    """
    state = {key.upper(): value for key, value in state.items()}
    inductors = circuit.named(L)
    flows = {name: state[name.upper()] / AMPERE for name in inductors}
    chi = 2 * np.pi * np.asarray(circuit.inductance_matrix()) @ np.array(list(flows.values()))
    drops = {
        name: turn - 2 * np.pi * float(inductors[name].offset)
        for name, turn in zip(inductors, chi, strict=True)
    }
    for name, junction in circuit.named(J).items():
        theta = state[name.upper()] - inner_phase.get(name.upper(), 0.0)
        flows[name] = float(junction.relation.current(jax.numpy.asarray(theta)))
        drops[name] = theta - 2 * np.pi * float(junction.offset)
    ground = circuit.terminals[1][0][0]
    nodes = sorted({node for name in flows for node in circuit.elements[name].nodes} - {ground})
    incidence = np.zeros((len(nodes), len(flows)))
    for column, name in enumerate(flows):
        for node, sign in zip(circuit.elements[name].nodes, (1, -1), strict=True):
            if node != ground:
                incidence[nodes.index(node), column] = sign
    injected = np.array([float(circuit.sources.get(node, 0.0)) for node in nodes])
    for sign, shares in zip((bias, -bias), circuit.terminals, strict=True):
        for node, share in shares:
            if node != ground:
                injected[nodes.index(node)] += sign * share
    across = np.array([drops[name] for name in flows])
    phases = np.linalg.lstsq(incidence.T, across, rcond=None)[0]
    currents = np.array(list(flows.values()))
    return incidence @ currents - injected, incidence.T @ phases - across


def test_josim_settles_where_the_circuit_balances():
    """Seven printed digits and eight of JoSIM's Φ₀ leave 1e-6 of I₀ and of a radian."""
    again = labels(jd.to_netlist(network(), scale=SCALE))
    currents, phases = imbalance(again, STATE, 0.7, {})
    np.testing.assert_allclose(currents, 0, atol=1e-6)
    np.testing.assert_allclose(phases, 0, atol=1e-6)


def test_josim_settles_where_the_circuit_read_from_its_netlist_balances():
    circuit = jd.from_netlist(DECK, "IB01", scale=SCALE)
    tilt = math.pi / 5
    tilted = {"B02": tilt, "B1|X1|XTOP": tilt, "B1|X2|XTOP": tilt}
    currents, phases = imbalance(circuit, DECK_STATE, 26e-6 / AMPERE, tilted)
    assert currents.size == 5
    np.testing.assert_allclose(currents, 0, atol=1e-6)
    np.testing.assert_allclose(phases, 0, atol=1e-6)


def labels(text):
    """A circuit whose elements are named as in the netlist."""
    return jd.from_netlist(
        "\n".join(line for line in text.splitlines() if not line.startswith("*@ element"))
    )


@pytest.mark.parametrize("name", ["network", "squid", "ladder"])
def test_josim_itself_settles_there(name, tmp_path):
    """Where josim-cli is installed: what is written runs, and ends where the circuit balances."""
    program = shutil.which("josim-cli")
    if program is None:
        pytest.skip("no josim-cli")
    circuit = CIRCUITS[name]()
    again = labels(jd.to_netlist(circuit, scale=SCALE))
    wanted = [*again.named(J), *again.named(L)]
    prints = [f".print {'devi' if x in again.named(L) else 'phase'} {x}" for x in wanted]
    text = jd.to_netlist(
        circuit, scale=SCALE, bias=0.7, shunt=1.0, controls=[".tran 0.02p 900p 890p", *prints]
    )
    (tmp_path / "deck.cir").write_text(text)
    command = [program, "-m", "-o", "out.csv", "deck.cir"]
    subprocess.run(
        command,
        cwd=tmp_path,
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
    )
    last = (tmp_path / "out.csv").read_text().split()[-1].split(",")[1:]
    state = dict(zip(wanted, map(float, last), strict=True))
    currents, phases = imbalance(again, state, 0.7, {})
    np.testing.assert_allclose(currents, 0, atol=1e-6)
    np.testing.assert_allclose(phases, 0, atol=1e-6)


def numbers(circuit):
    """{what: number} of everything a circuit holds, pairs taken apart as a netlist has them."""
    found = {}
    for name, element in circuit.elements.items():
        found |= {
            f"{name}.{f.name}": getattr(element, f.name)
            for f in dataclasses.fields(element)
            if f.name not in ("relation", "start", "end")
        }
        found[f"{name}.nodes"] = element.nodes
        if isinstance(element, J):
            phase = jax.numpy.linspace(-3.0, 3.0, 7)
            found[f"{name}.current"] = element.relation.current(phase)
    found |= {f"mutual {k}": x for k, x in circuit.mutual.items()}
    found |= {f"source {k}": x for k, x in circuit.sources.items()}
    return found


@each
def test_what_is_written_is_read_back(name):
    circuit = CIRCUITS[name]()
    again = jd.from_netlist(jd.to_netlist(circuit, scale=SCALE, bias=0.3))
    assert again.terminals == circuit.terminals
    assert again.criterion == circuit.criterion
    before, after = numbers(circuit), numbers(again)
    pairs = {
        n for n, e in circuit.elements.items()
        if isinstance(e, J) and isinstance(e.relation, jd.SeriesJunctions)
    }  # fmt: skip
    assert pairs == ({"P"} if name == "network" else set())
    for what, value in before.items():
        if what.split(".")[0] in pairs:
            continue
        if isinstance(value, tuple) or value is None:
            assert after[what] == value, what
        elif what.endswith("capacitance") and value == 0:
            assert after[what] is None
        else:
            close(after[what], value)
    if name == "network":
        first, second = (again.elements[x] for x in ("BPa", "BPb"))
        close(first.relation.critical_current, 0.8)
        close(second.relation.critical_current, 0.5)
        assert (first.start, second.end, first.end) == ("t2", "0", second.start)
        close(first.offset, -0.07)
        close(again.elements["RBP"].resistance, 1.0)
        close(again.elements["CBP"].capacitance, 0.3)


@each
def test_reading_and_writing_again_changes_nothing(name):
    """A circuit that came from a netlist is written as the same netlist, to 1e-12."""
    once = jd.from_netlist(jd.to_netlist(CIRCUITS[name](), scale=SCALE))
    twice = jd.from_netlist(jd.to_netlist(once, scale=SCALE))
    before, after = numbers(once), numbers(twice)
    assert set(before) == set(after)
    for what, value in before.items():
        if isinstance(value, tuple) or value is None:
            assert after[what] == value
        else:
            close(after[what], value)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["squid", pytest.param("network", marks=pytest.mark.slow)])
def test_critical_currents_of_the_circuit_read_back(name):
    circuit = CIRCUITS[name]()
    again = jd.from_netlist(jd.to_netlist(circuit, scale=SCALE))
    before, after = (jd.critical_currents(x, "largest") for x in (circuit, again))
    assert before.status == after.status == jd.Status.CONVERGED
    close([after.plus, after.minus], [before.plus, before.minus])
    if name == "squid":  # the sheet of circuits, table b
        np.testing.assert_allclose([after.plus, after.minus], [1.35333591, 0.77655902], atol=2e-8)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_any_unit_of_current(factor):
    """The same circuit in a unit of current 10⁹ times smaller or larger is the same netlist."""
    elements = {
        "J": J("in", "0", T(1.5 * factor), resistance=1 / factor, capacitance=0.5 * factor),
        "L": L("in", "0", 0.2 / factor, offset=0.1),
    }
    scale = jd.CircuitScale(1e-6 / factor, resistance=50 * factor)
    circuit = jd.Circuit(elements, ("in", "0"))
    found = josim.parse(jd.to_netlist(circuit, scale=scale, bias=0.5 * factor))
    close(found["BJ"].model["ICRIT"], 1.5e-6)
    close(found["BJ"].model["RN"], 50.0)
    close(found["BJ"].model["CAP"], 0.5 * units.flux_quantum / (2 * math.pi * 1e-6 * 50.0**2))
    close(found["L"].value, 0.2 * units.flux_quantum / 1e-6)
    close(found["IBIAS0"].value, 0.5e-6)


def test_ideal_coupling():
    """M = √(L₁L₂), whose factor rounds to more than 1 for some of these."""
    for first, second in np.random.default_rng(5).uniform(0.1, 2.0, (40, 2)):
        circuit = jd.Circuit(
            {"J": J("a", "0", T(1.0)), "L1": L("a", "b", first), "L2": L("b", "0", second)},
            ("a", "0"),
            mutual={("L1", "L2"): -math.sqrt(first * second)},
        )
        text = jd.to_netlist(circuit, scale=SCALE)
        np.testing.assert_allclose(josim.parse(text)["K0"].value, -1.0, rtol=1e-15)
        jd.from_netlist(text)


def test_a_shunt_for_junctions_that_have_none():
    found = josim.parse(jd.to_netlist(network(), scale=SCALE, shunt=4.0))
    close([found[x].model["RN"] for x in ("BPA", "BPB")], 4 * OHM)
    close([found[x].model["RN"] for x in ("BJ0", "BJ1")], OHM)


def test_josim_reads_no_name_as_something_else():
    text = jd.to_netlist(ladder(), scale=SCALE)
    lines = [line.upper() for line in text.splitlines() if not line.startswith("*")]
    for line in lines:
        for word in ("SIN", "PWL", "PULSE", "CUS", "NOISE", "EXP", "GND"):
            assert word not in line
        assert line.count("DC") == line.count(" DC ")
    biases = [line.split() for line in lines if line.startswith("IBIAS")]
    assert len(biases) == 5  # of six shares that of the ground needs no source
    assert {words[1] for words in biases} == {"0"}


CELL = """* A netlist as people write it
.param unit = 0.1m   
.param inner={2*unit/4}
.param both = inner + other
.param other=1u
.model jmitll jj(rtype=1, vg=2.8mV, cap=0.07pF, r0=160, rN=16,
+ icrit=0.1mA)
.model shared jj(rtype=0, rn=8, cap=0, icrit=50u, phi=pi/2, cpr={0.9, -0.1})
.subckt cell in out
.param unit=3p
.model shared jj(rtype=0, rn=4, cap=1f, ic=20u)
Lx in mid {2 * unit}
Ly mid out 1.5p
B1 mid 0 shared area=2
K1 Lx Ly -0.25
.ends cell
.subckt two a b
X1 a m cell Lx=7p
X2 cell m b
.ends
   # comment
Xtop in far two
B01 far GND jmitll area=2.16
B02 FAR 0 999 shared ic=25u
Rout far 0 2k temp=4.2
Cin in 0 5.0e-2P
P1 far tip DC 0.5
Lend tip 0 1meg
IB01 0 in pwl(0 0
+ 5p both)
Iin far 0 2.5e-6
.tran 0.25p 1000p 0 0.25p
.print DEVV IB01
.end
this is not read
"""


def test_a_netlist_as_people_write_it():
    """Values worked out by hand, and those of the independent parser."""
    circuit = jd.from_netlist(CELL, ("in", "0"), scale=SCALE)
    elements = circuit.elements
    assert set(elements) == {
        "Lx|X1|Xtop", "Ly|X1|Xtop", "B1|X1|Xtop", "Lx|X2|Xtop", "Ly|X2|Xtop", "B1|X2|Xtop",
        "B01", "B02", "Rout", "Cin", "Lend",
    }  # fmt: skip
    inductance = {n: float(e.inductance) * HENRY for n, e in elements.items() if isinstance(e, L)}
    close(inductance["Lx|X1|Xtop"], 7e-12)
    close(inductance["Lx|X2|Xtop"], 6e-12)
    close(inductance["Lend"], 1e6)
    close(circuit.mutual["Lx|X2|Xtop,Ly|X2|Xtop"], -0.25 * math.sqrt(9e-24) / HENRY)
    assert elements["Lx|X1|Xtop"].nodes == ("in", "mid|X1|Xtop")
    assert elements["Ly|X1|Xtop"].nodes == ("mid|X1|Xtop", "m|Xtop")
    assert elements["Ly|X2|Xtop"].nodes == ("mid|X2|Xtop", "far")
    inner = elements["B1|X2|Xtop"]
    close(inner.relation.critical_current, 40e-6 / AMPERE)
    close([inner.resistance, inner.capacitance], [2 / OHM, 2e-15 / FARAD])
    first, second = elements["B01"], elements["B02"]
    close(first.relation.critical_current, 2.16)
    close([first.resistance, first.capacitance], [160 / 2.16 / OHM, 2.16 * 0.07e-12 / FARAD])
    close(second.relation.sine, np.array([0.9, -0.1]) * 25e-6 / AMPERE)
    close([second.offset, second.resistance], [-0.25, 16 / OHM])
    assert second.capacitance is None
    close(elements["Rout"].resistance, 2000 / OHM)
    close(elements["Cin"].capacitance, 0.05e-12 / FARAD)
    # φ_far − φ_tip = ½, tip is gone: φ_far − φ_0 = ½ + 2πL I.
    assert elements["Lend"].nodes == ("far", "0")
    close(elements["Lend"].offset, -0.5 / (2 * math.pi))
    close([circuit.sources[x] for x in ("in", "far")], [51e-6 / AMPERE, -2.5e-6 / AMPERE])
    by_source = jd.from_netlist(CELL, "ib01", scale=SCALE)
    assert by_source.terminals == circuit.terminals
    assert set(by_source.sources) == {"far"}


def test_what_people_wrote_is_written_and_read_again():
    """Names of subcircuits, which JoSIM reserves, come back too."""
    once = jd.from_netlist(CELL, "IB01", scale=SCALE)
    twice = jd.from_netlist(jd.to_netlist(once, scale=SCALE))
    before, after = numbers(once), numbers(twice)
    assert set(before) == set(after)
    assert twice.terminals == once.terminals
    for what, value in before.items():
        if isinstance(value, tuple) or value is None:
            assert after[what] == value
        else:
            close(after[what], value)


def test_files_and_what_they_include(tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "models.inc").write_text(".model j jj(rtype=0, icrit=1m, cap=0)\n")
    path = tmp_path / "cell.cir"
    path.write_text(".include library/models.inc\nB1 1 0 j\nL1 1 0 2p\n")
    for source in (path, str(path)):
        circuit = jd.from_netlist(source, ("1", "0"), scale=SCALE)
        close(circuit.elements["B1"].relation.critical_current, 10.0)
    (tmp_path / "library" / "models.inc").write_text("\n.model j jj(rtype=0, icrit=1q)\n")
    with pytest.raises(ValueError, match=r"^library/models.inc, line 2: unknown suffix 'Q'"):
        jd.from_netlist(path, ("1", "0"), scale=SCALE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.5", 2.5), (".5p", 0.5e-12), ("1e-3", 1e-3), ("1E+2k", 1e5), ("3meg", 3e6),
        ("3MEGohm", 3e6), ("2x", 2e6), ("5f", 5e-15), ("7g", 7e9), ("1t", 1e12), ("2.8mV", 2.8e-3),
        ("0.07pF", 0.07e-12), ("16ohm", 16.0), ("-4n", -4e-9), ("2+3*4^2", 50.0), ("-2^2", -4.0),
        ("(1+2)*[3-1]", 6.0), ("sqrt(2)*sin(pi/6)", math.sqrt(2) / 2), ("2*pi", 2 * math.pi),
        ("10u/2", 5e-6), ("2^-1", 0.5), ("exp(log(3))", 3.0), ("2e-3*-2", -4e-3),
    ],
)  # fmt: skip
def test_numbers_and_expressions(text, value):
    from jaxdiode.netlists.expressions import evaluate

    np.testing.assert_allclose(evaluate(text), value, rtol=1e-15)
    other = josim.plain(text.upper().replace("[", "(").replace("]", ")"), {})
    np.testing.assert_allclose(other, value, rtol=1e-15)


# {id: (relation, what the sentence must say)}
REFUSED = {
    "andreev": (lambda: jd.AndreevModes(1.0, 0.9), r"^relation of 'J1'.*AndreevModes.*allowed"),
    "phases": (lambda: jd.Harmonics([1.0], [0.2]), r"^relation of 'J1'.*no cosine terms"),
    "link": (lambda: jd.LinearLink(1.0, 9.0), r"^relation of 'J1'.*LinearLink has a phase that is"),
    "squid": (lambda: jd.Squid([T(1.0), T(2.0)], flux=0.1), r"^relation of 'J1'.*a Squid has no"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_josim_cannot_express_is_refused(case):
    relation, sentence = REFUSED[case]
    circuit = jd.Circuit({"J0": J("in", "0", T(1.0)), "J1": J("in", "0", relation())}, ("in", "0"))
    with pytest.raises(ValueError, match=sentence):
        jd.to_netlist(circuit, scale=SCALE)


def test_a_drive_is_refused():
    junction = jd.Junction("in", "0", jd.TunnelJunction(1.0), resistance=1.0)
    circuit = jd.Circuit({"J": junction}, ("in", "0"), drive=jd.Drive(0.1, 1.0))
    with pytest.raises(ValueError, match="circuit must have no drive, which is not written"):
        jd.to_netlist(circuit, scale=jd.CircuitScale(1e-6, resistance=1.0))


def test_wrong_arguments():
    circuit = squid()
    with pytest.raises(ValueError, match=r"^unknown dialect 'spice'; allowed: josim"):
        jd.to_netlist(circuit, "spice", scale=SCALE)
    with pytest.raises(ValueError, match=r"^scale must be one without capacitance"):
        jd.to_netlist(circuit, scale=jd.CircuitScale(1e-6, 1e-12, resistance=1.0))
    with pytest.raises(ValueError, match=r"^shunt must be positive, got -1"):
        jd.to_netlist(circuit, scale=SCALE, shunt=-1.0)
    with pytest.raises(ValueError, match=r"^controls must be a list of lines"):
        jd.to_netlist(circuit, scale=SCALE, controls=".tran 1p 1n")
    with pytest.raises(ValueError, match=r"^circuit must hold numbers, not traced"):
        jax.jit(lambda x: len(jd.to_netlist(x, scale=SCALE)))(circuit)
    text = "B1 1 0 m\nL1 1 0 2p\n.model m jj(rtype=0)\n"
    with pytest.raises(ValueError, match=r"^scale must be given"):
        jd.from_netlist(text, ("1", "0"))
    with pytest.raises(ValueError, match=r"^terminals must be given"):
        jd.from_netlist(text, scale=SCALE)
    with pytest.raises(ValueError, match=r"^unknown current source 'IB'"):
        jd.from_netlist(text, "IB", scale=SCALE)
    with pytest.raises(ValueError, match=r"^source must be a netlist or the path of one"):
        jd.from_netlist("no_such_file.cir", ("1", "0"), scale=SCALE)
