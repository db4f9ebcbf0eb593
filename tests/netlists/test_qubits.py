"""Input of scqubits and SQcircuit: their potentials, by their own formulas, against the circuit's.

scqubits: a branch [JJn, a, b, E₁ … Eₙ, E_C] has −Σ Eₖ cos k(φ_b − φ_a + Φ), [L, a, b, E_L] has
½E_L(φ_b − φ_a + Φ)², Φ in the branches that close a loop. SQcircuit: the phase of an element is
that of its lower node less that of its higher (of the other where the lower is the ground), and
phases of a loop, turned with its first element, add up to 2π times its flux.

The packages themselves are asked where they are installed.
"""

import math

import numpy as np
import pytest
from scipy.linalg import eigh_tridiagonal

import jaxdiode as jd
from jaxdiode import units

J, T, L = jd.Junction, jd.TunnelJunction, jd.Inductor
SCALE = jd.CircuitScale(20e-9, resistance=1500.0)
GHZ = units.hbar / (2 * units.elementary_charge) * 20e-9 / units.planck / 1e9  # E_J of I₀


def fluxonium():
    return jd.Circuit(
        {
            "J": J("1", "0", T(1.0), capacitance=1.0, offset=0.37),
            "L": L("1", "0", 1.5),
        },
        ("1", "0"),
    )


def network():
    """Three loops, branches either way round, offsets everywhere, a loop of two inductors."""
    return jd.Circuit(
        {
            "J0": J("top", "gnd", T(1.0), capacitance=0.4, offset=0.11),
            "J1": J("gnd", "left", T(0.7), capacitance=0.3, offset=-0.23),
            "J2": J("right", "left", T(0.5), offset=0.31),
            "L0": L("left", "top", 0.8, offset=0.07),
            "L1": L("top", "right", 1.3),
            "L2": L("right", "top", 2.1, offset=-0.4),
            "C": jd.Capacitor("right", "gnd", 0.2),
            "Cc": jd.Capacitor("top", "right", 0.1),
        },
        ("top", "gnd"),
    )


def harmonics():
    return jd.Circuit(
        {
            "J0": J("a", "0", jd.Harmonics([1.0, -0.3, 0.05]), capacitance=0.4, offset=0.2),
            "J1": J("a", "0", T(0.6), capacitance=0.3),
            "pair": J("0", "a", jd.SeriesJunctions(0.9, 0.5), capacitance=0.2, offset=-0.15),
        },
        ("a", "0"),
    )


CIRCUITS = {f.__name__: f for f in (fluxonium, network, harmonics)}


def own_potential(circuit, phases):
    """ΣE_J(θ) + ½Σ χ²/2πL in GHz, E_J by the closed forms; a pair at its inner phase `x inner`."""
    total = 0.0
    for name, element in circuit.elements.items():
        if not isinstance(element, J | L):
            continue
        a, b = (phases[node] for node in element.nodes)
        turn = 2 * math.pi * float(element.offset)
        if isinstance(element, L):
            total += (a - b + turn) ** 2 / (2 * 2 * math.pi * float(element.inductance))
        elif isinstance(element.relation, jd.SeriesJunctions):
            inner, pair = phases[f"{name} inner"], element.relation
            total -= float(pair.first) * math.cos(a - inner + turn)
            total -= float(pair.second) * math.cos(inner - b)
        elif isinstance(element.relation, jd.Harmonics):
            for n, amplitude in enumerate(element.relation.sine, start=1):
                total -= float(amplitude) / n * math.cos(n * (a - b + turn))
        else:
            total -= float(element.relation.critical_current) * math.cos(a - b + turn)
    return GHZ * total


def states(made, count=5):
    """(phases in the circuit by name, phases there by number) at random points."""
    rng = np.random.default_rng(3)
    for _ in range(count):
        there = rng.uniform(-4, 4, len(made["nodes"]))
        there[0] = 0.0
        yield {n: there[k] - made["shifts"][n] for n, k in made["nodes"].items()}, there


def scqubits_branches(made):
    for number, line in enumerate(made["input_string"].splitlines()[1:]):
        kind, a, b, *values = line.removeprefix("- [").removesuffix("]").split(", ")
        flux = dict(zip(made["closure_branches"], made["external_fluxes"], strict=True))
        turn = 2 * math.pi * flux.get(number, 0.0)
        yield kind, int(a), int(b), [float(x) for x in values], turn


@pytest.mark.parametrize("name", sorted(CIRCUITS))
def test_potential_of_scqubits(name):
    circuit = CIRCUITS[name]()
    made = jd.netlists.to_scqubits(circuit, scale=SCALE)
    for here, there in states(made):
        total = 0.0
        for kind, a, b, values, turn in scqubits_branches(made):
            phase = there[b] - there[a] + turn
            if kind == "L":
                total += values[0] * phase**2 / 2
            elif kind.startswith("JJ"):
                assert len(values) - 1 == int(kind[2:] or 1)
                total -= sum(e * math.cos((k + 1) * phase) for k, e in enumerate(values[:-1]))
        np.testing.assert_allclose(total, own_potential(circuit, here), rtol=1e-10)


@pytest.mark.parametrize("name", ["fluxonium", "network"])
def test_potential_of_sqcircuit(name):
    """Elements of a loop share its flux anyhow: here the last of them takes all."""
    circuit = CIRCUITS[name]()
    made = jd.netlists.to_sqcircuit(circuit, scale=SCALE)
    elements = [(edge, x) for edge, all_of in made["elements"].items() for x in all_of]
    superconducting = [(edge, x) for edge, x in elements if x["kind"] != "C"]
    assert all(a < b for a, b in made["elements"])
    weights = np.zeros((len(superconducting), len(made["nodes"])))
    for row, ((a, b), _) in enumerate(superconducting):
        weights[row, b if a == 0 else a] = 1.0
        if a:
            weights[row, b] = -1.0
    # Shares of the fluxes: loop sums are the fluxes, by least squares (any solution is a gauge).
    loops = np.zeros((len(made["loops"]), len(superconducting)))
    for k, loop in enumerate(made["loops"]):
        inside = [row for row, (_, x) in enumerate(superconducting) if loop in x["loops"]]
        null = np.linalg.svd(weights[inside].T)[2][-1]
        loops[k, inside] = np.round(null / null[0])
    assert np.all(np.abs(loops) <= 1)
    np.testing.assert_allclose(loops @ weights[:, 1:], 0, atol=1e-12)
    fluxes = 2 * math.pi * np.array(list(made["loops"].values()))
    shares = np.linalg.lstsq(loops, fluxes, rcond=None)[0]
    # The gauge: phases that the shares leave to the nodes, against those in which one branch of
    # each loop holds all of its flux.
    for here, _ in states(made):
        # Any phases of elements that obey the loops are w·φ + shares for some node phases φ.
        gap = turned(made, circuit, superconducting, here) - shares
        phases = np.linalg.lstsq(weights[:, 1:], gap, rcond=None)[0]
        np.testing.assert_allclose(weights[:, 1:] @ phases, gap, atol=1e-10)
        total = 0.0
        for (_, x), phase in zip(superconducting, weights[:, 1:] @ phases + shares, strict=True):
            value = x["value"]
            total += value * phase**2 / 2 if x["kind"] == "L" else -value * math.cos(phase)
        np.testing.assert_allclose(total, own_potential(circuit, here), rtol=1e-10)


def test_energies_are_those_of_the_elements():
    """E_J = ħI_c/2e, E_L = (Φ₀/2π)²/L, E_C = e²/2C, over h, from SI values."""
    circuit = fluxonium()
    scqubits = list(scqubits_branches(jd.netlists.to_scqubits(circuit, scale=SCALE)))
    sqcircuit = jd.netlists.to_sqcircuit(circuit, scale=SCALE)["elements"][0, 1]
    henry = 1.5 * units.flux_quantum / 20e-9
    farad = units.flux_quantum / (2 * math.pi * 20e-9 * 1500.0**2)
    inductive = (units.flux_quantum / (2 * math.pi)) ** 2 / henry / units.planck / 1e9
    charging = units.elementary_charge**2 / (2 * farad) / units.planck / 1e9
    np.testing.assert_allclose(scqubits[0][3], [GHZ, charging], rtol=1e-12)
    np.testing.assert_allclose(scqubits[1][3], [inductive], rtol=1e-12)
    assert [x["kind"] for x in sqcircuit] == ["JJ", "L"]
    np.testing.assert_allclose(
        [sqcircuit[0]["value"], sqcircuit[0]["charging_energy"], sqcircuit[1]["value"]],
        [GHZ, charging, inductive],
        rtol=1e-12,
    )


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_any_unit_of_current(factor):
    circuit = jd.Circuit(
        {
            "J": J("1", "0", T(factor), capacitance=factor, offset=0.37),
            "L": L("1", "0", 1.5 / factor),
        },
        ("1", "0"),
    )
    scale = jd.CircuitScale(20e-9 / factor, resistance=1500.0 * factor)
    plain = list(scqubits_branches(jd.netlists.to_scqubits(fluxonium(), scale=SCALE)))
    other = list(scqubits_branches(jd.netlists.to_scqubits(circuit, scale=scale)))
    for one, two in zip(plain, other, strict=True):
        np.testing.assert_allclose(two[3], one[3], rtol=1e-12)


def made_scqubits(scqubits, circuit):
    made = jd.netlists.to_scqubits(circuit, scale=SCALE)
    qubit = scqubits.Circuit(made["input_string"], from_file=False)
    closing = [qubit.branches[k] for k in made["closure_branches"]]
    if closing:
        qubit.configure(closure_branches=closing)
    for number, flux in enumerate(made["external_fluxes"], start=1):
        setattr(qubit, f"Φ{number}", flux)
    return made, qubit


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(CIRCUITS))
def test_scqubits_itself_has_this_potential(name):
    scqubits = pytest.importorskip("scqubits")
    circuit = CIRCUITS[name]()
    made, qubit = made_scqubits(scqubits, circuit)
    potential = qubit.symbolic_circuit.potential_node_vars
    for here, there in states(made, 2):
        values = {f"φ{k}": there[k] for k in range(1, len(there))}
        values |= {
            f"Φ{k}": 2 * math.pi * flux for k, flux in enumerate(made["external_fluxes"], start=1)
        }
        total = float(potential.subs({x: values[x.name] for x in potential.free_symbols}))
        np.testing.assert_allclose(total, own_potential(circuit, here), rtol=1e-10)


def own_levels():
    """Of the fluxonium, by diagonalisation on a grid of phases."""
    phases, step = np.linspace(-25, 25, 20001, retstep=True)
    (_, _, _, (josephson, charging), _), (_, _, _, (inductive,), _) = scqubits_branches(
        jd.netlists.to_scqubits(fluxonium(), scale=SCALE)
    )
    energy = -josephson * np.cos(phases + 2 * math.pi * 0.37) + inductive * phases**2 / 2
    kinetic = 4 * charging / step**2
    beside = np.full(phases.size - 1, -kinetic)
    return eigh_tridiagonal(2 * kinetic + energy, beside, select="i", select_range=(0, 3))[0]


@pytest.mark.filterwarnings("ignore")
def test_scqubits_finds_the_levels_of_a_fluxonium():
    """Its unit of flux and its charging energies too; 1e-4 is its basis and our grid."""
    _, qubit = made_scqubits(pytest.importorskip("scqubits"), fluxonium())
    qubit.cutoff_ext_1 = 110
    found = qubit.eigenvals(evals_count=4)
    np.testing.assert_allclose(np.diff(found), np.diff(own_levels()), rtol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_sqcircuit_finds_the_levels_of_a_fluxonium():
    _, qubit = made_sqcircuit(pytest.importorskip("SQcircuit"), fluxonium())
    qubit.set_trunc_nums([60])
    found, _ = qubit.diag(n_eig=4)
    np.testing.assert_allclose(np.diff(found), np.diff(own_levels()), rtol=1e-4)


def turned(made, circuit, rows, here):
    """Phases of SQcircuit's elements, in its direction of each, in a state of the circuit."""
    phases = []
    for (a, b), x in rows:
        element = circuit.elements[x["name"]]
        first, second = element.nodes
        ends = made["nodes"][first], made["nodes"][second]
        sign = 1 if ends == ((a, b) if a else (b, 0)) else -1
        phases.append(sign * (here[first] - here[second] + 2 * math.pi * float(element.offset)))
    return np.array(phases)


def made_sqcircuit(sq, circuit):
    made = jd.netlists.to_sqcircuit(circuit, scale=SCALE)
    loops = {name: sq.Loop(flux) for name, flux in made["loops"].items()}
    kinds = {"JJ": sq.Junction, "L": sq.Inductor}

    def element(x):
        if x["kind"] == "C":
            return sq.Capacitor(x["value"], "GHz")
        cap = x["charging_energy"] and sq.Capacitor(x["charging_energy"], "GHz")
        here = [loops[name] for name in x["loops"]]
        return kinds[x["kind"]](x["value"], "GHz", cap=cap, loops=here)

    edges = made["elements"].items()
    return made, sq.Circuit({edge: [element(x) for x in here] for edge, here in edges})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["fluxonium", "network"])
def test_sqcircuit_itself_obeys_the_loops(name):
    """Phases of its elements, w·φ + B·flux, add up around each loop to what ours do (1e-4: it
    rounds B to five digits)."""
    sq = pytest.importorskip("SQcircuit")
    circuit = CIRCUITS[name]()
    made, qubit = made_sqcircuit(sq, circuit)
    fluxes = 2 * math.pi * np.array(list(made["loops"].values()))
    order = [list(made["loops"])[[*made["loops"].values()].index(x.value() / (2 * math.pi))]
             for x in qubit.loops]  # fmt: skip
    fluxes = 2 * math.pi * np.array([made["loops"][x] for x in order])
    shares = np.asarray(qubit.B) @ fluxes
    rows = [(edge, x) for edge, here in made["elements"].items() for x in here if x["kind"] != "C"]
    weights = np.zeros((len(rows), len(made["nodes"]) - 1))
    for row, ((a, b), _) in enumerate(rows):
        if a:
            weights[row, [a - 1, b - 1]] = 1, -1
        else:
            weights[row, b - 1] = 1
    for here, _ in states(made, 2):
        gap = turned(made, circuit, rows, here) - shares
        phases = np.linalg.lstsq(weights, gap, rcond=None)[0]
        np.testing.assert_allclose(weights @ phases, gap, atol=1e-4)


R = 1.0
REFUSED = {
    "resistor": (
        {"J": J("1", "0", T(1.0)), "R": jd.Resistor("1", "0", R)}, {}, "both",
        r"^resistance must be left out for .*whose Hamiltonian has no loss, got the resistor 'R'",
    ),
    "shunt": (
        {"J": J("1", "0", T(1.0), resistance=R)}, {}, "both",
        r"^resistance must be left out .* got that of 'J'",
    ),
    "andreev": (
        {"J": J("1", "0", jd.AndreevModes(1.0, 0.8))}, {}, "both",
        r"^relation of 'J' must be one that .* has, got a AndreevModes; allowed",
    ),
    "link": (
        {"J": J("1", "0", T(1.0)), "N": J("1", "0", jd.LinearLink(1.0, 5.0))}, {}, "both",
        r"^relation of 'N' must be one that .* has, got a LinearLink",
    ),
    "cosines": (
        {"J": J("1", "0", jd.Harmonics([1.0], [0.1]))}, {}, "both",
        r"^relation of 'J' must have no cosine terms",
    ),
    "wire": (
        {"J": J("1", "0", T(1.0)), "L": L("1", "0", 0.0)}, {}, "both",
        r"^inductance of 'L' must be positive for",
    ),
    "mutual": (
        {"J": J("1", "0", T(1.0)), "L": L("1", "0", 1.0), "M": L("1", "0", 1.0)},
        {"mutual": {("L", "M"): 0.1}}, "both",
        r"^mutual\['L,M'\] must be left out for",
    ),
    "source": (
        {"J": J("1", "0", T(1.0)), "K": J("2", "1", T(1.0))}, {"sources": {"2": 0.1}}, "both",
        r"^sources must be left out for .* got one at '2'",
    ),
    "harmonics": (
        {"J": J("1", "0", jd.Harmonics([1.0, 0.2]))}, {}, "SQcircuit",
        r"^relation of 'J' must be one positive sine for SQcircuit, got harmonics",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_they_cannot_express_is_refused(case):
    elements, more, who, sentence = REFUSED[case]
    circuit = jd.Circuit(elements, ("1", "0"), **more)
    with pytest.raises(ValueError, match=sentence):
        jd.netlists.to_sqcircuit(circuit, scale=SCALE)
    if who == "both":
        with pytest.raises(ValueError, match=sentence):
            jd.netlists.to_scqubits(circuit, scale=SCALE)
    else:
        assert jd.netlists.to_scqubits(circuit, scale=SCALE)["input_string"].count("JJ2") == 1


def test_a_scale_with_capacitance_is_refused():
    scale = jd.CircuitScale(1e-9, 1e-15, resistance=1.0)
    for export in (jd.netlists.to_scqubits, jd.netlists.to_sqcircuit):
        with pytest.raises(ValueError, match=r"^scale must be one without capacitance"):
            export(fluxonium(), scale=scale)
