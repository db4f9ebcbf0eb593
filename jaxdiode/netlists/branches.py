"""A circuit as numbered nodes and branches with energies, as programs for qubits take it."""

import math
from dataclasses import dataclass, field

import numpy as np

from .. import _checks
from .. import units as si
from ..circuits.circuit import Circuit, require_circuit
from ..circuits.elements import Capacitor, Inductor, Junction, Resistor
from ..circuits.graph import ground_of
from ..dynamics.circuits import CircuitScale
from ..gates import value_of
from ..junctions import Harmonics, SeriesJunctions, TunnelJunction
from .scale import Units, units_of


@dataclass
class Branch:
    """From node a to node b; energies E/h in GHz.

    kind "JJ": −Σ energies[n−1] cos nθ; "L": ½ energies[0] θ²; "C": charging energy e²/2C.
    """

    kind: str
    name: str
    start: int
    end: int
    energies: tuple[float, ...]
    offset: float = 0.0
    charging: float | None = None  # of a junction's own capacitance
    loops: list[str] = field(default_factory=list)


@dataclass
class Branches:
    """Attributes:
    found: in the order of the elements.
    nodes: {name in the circuit: number}; the ground is 0.
    shifts: {name: radians}: phase there = phase in the circuit + shift, which leaves external
        flux in the closing branches alone.
    closing: {index of a branch: flux (Φ₀)}, one for each loop.
    """

    found: list[Branch]
    nodes: dict[str, int]
    shifts: dict[str, float]
    closing: dict[int, float]


def branches_of(circuit: Circuit, scale: CircuitScale, program: str, mutual: str) -> Branches:
    """All branches; elements that no Hamiltonian of a qubit has are refused by name.

    `mutual` says what the program does with mutual inductances.
    """
    require_circuit(circuit)
    if not _checks.all_concrete(circuit):
        raise ValueError("circuit must hold numbers, not traced values")
    _refuse(circuit, program, mutual)
    collector = _Collector(circuit, units_of(scale), program)
    for name, element in circuit.named(Junction).items():
        collector.add_junction(name, element)
    for name, element in circuit.named(Inductor).items():
        collector.add_inductor(name, element)
    for name, element in circuit.named(Capacitor).items():
        collector.add_capacitor(name, element.nodes, float(element.capacitance))
    shifts, closing = _loops(collector.found, len(collector.nodes))
    names = {number: name for name, number in collector.nodes.items()}
    return Branches(
        collector.found,
        collector.nodes,
        {names[number]: shift for number, shift in enumerate(shifts)},
        closing,
    )


def _refuse(circuit: Circuit, program: str, mutual: str) -> None:
    for pair, value in circuit.mutual.items():
        if float(value) != 0:
            raise ValueError(
                f"mutual[{pair!r}] must be left out for {program}, which {mutual}, got "
                f"{float(value):g}"
            )
    lossless = f"resistance must be left out for {program}, whose Hamiltonian has no loss, got"
    for name in circuit.named(Resistor):
        raise ValueError(f"{lossless} the resistor {name!r}")
    for name, element in circuit.named(Junction).items():
        if element.resistance is not None:
            raise ValueError(f"{lossless} that of {name!r}")
    for node, value in circuit.sources.items():
        if float(value) != 0:
            raise ValueError(f"sources must be left out for {program}, got one at {node!r}")


class _Collector:
    def __init__(self, circuit: Circuit, units: Units, program: str):
        self.program = program
        self.found: list[Branch] = []
        ground = ground_of(circuit.terminals)
        names = [node for e in circuit.elements.values() for node in e.nodes if node != ground]
        self.nodes = {name: k for k, name in enumerate([ground, *dict.fromkeys(names)])}
        hertz = si.planck * 1e9
        self.josephson = si.flux_quantum * units.ampere / (2 * math.pi) / hertz
        self.inductive = (si.flux_quantum / (2 * math.pi)) ** 2 / units.henry / hertz
        self.charging = si.elementary_charge**2 / (2 * units.farad) / hertz

    def add_junction(self, name: str, junction: Junction) -> None:
        start, end = (self.nodes[node] for node in junction.nodes)
        capacitance = 0.0 if junction.capacitance is None else float(junction.capacitance)
        charging = self.charging / capacitance if capacitance else None
        offset, relation = float(junction.offset), junction.relation
        if isinstance(relation, SeriesJunctions):
            inner = f"{name} inner"
            middle = self.nodes[inner] = len(self.nodes)
            for k, (value, ends) in enumerate(
                zip(
                    (relation.first, relation.second),
                    ((start, middle), (middle, end)),
                    strict=True,
                )
            ):
                energy = (float(value_of(value)) * self.josephson,)
                one = Branch("JJ", name + "ab"[k], *ends, energy, offset if k == 0 else 0.0)
                self.found.append(one)
            if charging is not None:
                self.found.append(Branch("C", f"{name} capacitance", start, end, (charging,)))
            return
        currents = _sines(name, relation, self.program)
        energies = tuple(x * self.josephson / (n + 1) for n, x in enumerate(currents))
        self.found.append(Branch("JJ", name, start, end, energies, offset, charging))

    def add_inductor(self, name: str, inductor: Inductor) -> None:
        inductance = float(inductor.inductance)
        if inductance == 0:
            raise ValueError(
                f"inductance of {name!r} must be positive for {self.program}, join its nodes; got 0"
            )
        start, end = (self.nodes[node] for node in inductor.nodes)
        energy = (self.inductive / inductance,)
        self.found.append(Branch("L", name, start, end, energy, float(inductor.offset)))

    def add_capacitor(self, name: str, nodes: tuple[str, str], capacitance: float) -> None:
        if capacitance:
            start, end = (self.nodes[node] for node in nodes)
            self.found.append(Branch("C", name, start, end, (self.charging / capacitance,)))


def _sines(name: str, relation: object, program: str) -> list[float]:
    """Amplitudes of sin θ, sin 2θ, …"""
    if isinstance(relation, TunnelJunction):
        return [float(value_of(relation.critical_current))]
    allowed = "allowed: TunnelJunction, SeriesJunctions and Harmonics of sines"
    if isinstance(relation, Harmonics):
        if np.any(np.asarray(relation.cosine) != 0):
            raise ValueError(
                f"relation of {name!r} must have no cosine terms, {program} gives harmonics no "
                f"phases of their own; {allowed}"
            )
        return [float(x) for x in np.asarray(relation.sine)]
    raise ValueError(
        f"relation of {name!r} must be one that {program} has, got a {type(relation).__name__}; "
        f"{allowed}"
    )


def _loops(found: list[Branch], count: int) -> tuple[list[float], dict[int, float]]:
    """Shifts that take the offsets out of a spanning tree, and the fluxes of all other branches."""
    superconducting = [k for k, branch in enumerate(found) if branch.kind != "C"]
    shifts: list[float | None] = [None] * count
    tree: set[int] = set()
    for root in range(count):
        if shifts[root] is not None:
            continue
        shifts[root] = 0.0
        grown = True
        while grown:
            grown = False
            for k in superconducting:
                branch = found[k]
                a, b = shifts[branch.start], shifts[branch.end]
                if (a is None) == (b is None):
                    continue
                turn = 2 * math.pi * branch.offset
                if b is None and a is not None:
                    shifts[branch.end] = a - turn
                elif b is not None:
                    shifts[branch.start] = b + turn
                tree.add(k)
                grown = True
    known = [0.0 if shift is None else shift for shift in shifts]
    closing = {}
    for k in superconducting:
        if k not in tree:
            branch = found[k]
            moved = (known[branch.start] - known[branch.end]) / (2 * math.pi)
            closing[k] = branch.offset - moved
    return known, closing


def around(found: list[Branch], closing: dict[int, float], chord: int) -> dict[int, int]:
    """{branch: ±1} of the loop that a closing branch makes with the others of the tree."""
    tree = [k for k, branch in enumerate(found) if branch.kind != "C" and k not in closing]
    start, goal = found[chord].end, found[chord].start
    before: dict[int, tuple[int, int, int]] = {}
    reached, pending = {start}, [start]
    while pending:
        node = pending.pop()
        for k in tree:
            branch = found[k]
            for here, there, sign in (
                (branch.start, branch.end, 1),
                (branch.end, branch.start, -1),
            ):
                if here == node and there not in reached:
                    before[there] = (node, k, sign)
                    reached.add(there)
                    pending.append(there)
    loop = {chord: 1}
    while goal != start:
        goal, k, sign = before[goal]
        loop[k] = sign
    return loop
