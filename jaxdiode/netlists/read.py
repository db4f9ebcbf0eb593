"""From a JoSIM netlist to a circuit."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .. import _checks
from ..circuits.circuit import Circuit
from ..circuits.elements import AbstractElement, Capacitor, Inductor, Junction, Resistor
from ..core.device import AbstractPhaseBiased
from ..dynamics.circuits import CircuitScale
from ..junctions import Harmonics, TunnelJunction
from .deck import REMARK, Deck, at, read
from .expressions import evaluate
from .models import NO_SHUNT
from .parts import Part, Parts, parts_of
from .scale import Units, units_of

Terminals = Sequence[str | Mapping[str, float]] | str


def from_netlist(
    source: str | Path,
    terminals: Terminals | None = None,
    *,
    scale: CircuitScale | None = None,
    criterion: str | None = None,
) -> Circuit:
    """A circuit from a netlist in the dialect of JoSIM.

    B (junctions of `.model … jj(…)` with CPR and PHI), L, K, R, C and I (constant, or a pwl() whose
    last value counts) become elements, couplings and injected currents; a phase source P is an
    external flux, φ_a − φ_b = value. `.param`, expressions, `.subckt`, `.include` and suffixes are
    read; what steers a simulation (`.tran`, `.print`, …) and noise temperatures are passed over.
    Names stay as they are written, those in subcircuits end in |X as JoSIM names them.

    Of a model with rtype=1, JoSIM's default, the subgap resistance R0 is the junction's: right
    below the gap voltage. Static states do not depend on it.

    Source: the syntax guide and the source code of JoSIM (github.com/JoeyDelp/JoSIM), version 2.7.

    Args:
        source: path of a netlist, or its text (several lines).
        terminals: as in `Circuit`, or the name of the current source that is the bias, whose value
            is left out. None for what `to_netlist` wrote, which says so itself.
        scale: its I₀ and R₀ become the units of the circuit; None as above.
        criterion: as in `Circuit`.

    Raises:
        ValueError: an error in the netlist, with its line; an element that a circuit cannot hold;
            no terminals or scale.

    Example:
        >>> text = '''
        ... .param unit=0.1m
        ... .model jmitll jj(rtype=1, vg=2.8mV, cap=0.07pF, r0=160, rN=16, icrit=unit)
        ... B01 1 0 jmitll area=2.16
        ... B02 2 0 jmitll area=2.16
        ... L01 1 2 2.425p
        ... IB01 0 1 pwl(0 0 5p 280u)
        ... '''
        >>> scale = jd.CircuitScale.in_units_of("uA", resistance=160)
        >>> circuit = jd.from_netlist(text, "IB01", scale=scale)
        >>> print(circuit.terminals, f"{circuit.elements['B01'].relation.critical_current:.6f} µA")
        ((('1', 1.0),), (('0', 1.0),)) 216.000000 µA
    """
    deck = read(source)
    parts = parts_of(deck)
    remarks = _remarks(deck)
    units = units_of(scale if scale is not None else _scale_of(remarks))
    shifts = _Shifts(parts.found)
    names = _Names(parts, remarks)
    bias, named = _terminals(terminals, parts, remarks, names)
    elements = {}
    for part in parts.found:
        with at(part.where):
            element = _element(part, shifts, names, units)
            if element is not None:
                elements[names.element(part.name)] = element
    with at("netlist"):
        return Circuit(
            elements,
            tuple(_merged(terminal, shifts, names) for terminal in named),
            mutual=_mutual(parts, names, units),
            sources=_sources(parts, bias, named, shifts, names, units),
            criterion=criterion or remarks.get("criterion", [["largest"]])[0][0],
        )


# What follows each word after *@: how many words at least and at most, and which are numbers.
_REMARKS = {
    "scale": (2, 2, (0, 1)), "terminal": (3, 3, (2,)), "bias": (1, math.inf, ()),
    "criterion": (1, 1, ()), "node": (2, math.inf, ()), "element": (2, math.inf, ()),
}  # fmt: skip


def _remarks(deck: Deck) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for statement in deck.remarks:
        with at(statement.where):
            mark, *words = statement.words
            if mark != REMARK or not words or words[0] not in _REMARKS:
                raise ValueError(f"{REMARK} must be followed by one of {', '.join(_REMARKS)}")
            least, most, numbers = _REMARKS[words[0]]
            if not least <= len(words) - 1 <= most:
                raise ValueError(f"{REMARK} {words[0]} must have {least} words behind, {words[1:]}")
            for k in numbers:
                evaluate(words[1 + k])
            found.setdefault(words[0], []).append(words[1:])
    return found


def _scale_of(remarks: dict[str, list[list[str]]]) -> CircuitScale:
    if "scale" not in remarks:
        raise ValueError("scale must be given: the netlist does not say its units, got None")
    current, resistance = (evaluate(word) for word in remarks["scale"][0])
    with at("scale"):
        return CircuitScale(current, resistance=resistance)


class _Names:
    """Names in the circuit of names in the netlist."""

    def __init__(self, parts: Parts, remarks: dict[str, list[list[str]]]):
        self.spelling = parts.spelling
        self.known = {part.name for part in parts.found}
        self.nodes = {key.upper(): " ".join(name) for key, *name in remarks.get("node", [])}
        self.elements = {key.upper(): " ".join(name) for key, *name in remarks.get("element", [])}

    def node(self, key: str) -> str:
        return self.nodes.get(key, self.spelling.get(key, key))

    def element(self, key: str) -> str:
        return self.elements.get(key, self.spelling.get(key, key))

    def key(self, node: str) -> str:
        """The node in the netlist that the caller names."""
        for key, name in self.nodes.items():
            if node == name:
                return key
        return "0" if node.upper() in ("0", "GND") else node.upper()


class _Shifts:
    """Nodes joined by phase sources as one, and the phase of each against it: φ = φ_root + shift.

    Where the ground is among them it is the root, else the first end of a source.
    """

    def __init__(self, found: list[Part]):
        self.root: dict[str, str] = {}
        self.shift: dict[str, float] = {}
        for part in found:
            if part.kind == "P":
                with at(part.where):
                    self._join(part)

    def __call__(self, node: str) -> tuple[str, float]:
        return self.root.get(node, node), self.shift.get(node, 0.0)

    def _join(self, part: Part) -> None:
        (kept, a), (moved, b) = self(part.nodes[0]), self(part.nodes[1])
        if kept == moved:
            raise ValueError(f"{part.name} must not close a loop of phase sources")
        apart = a - part.value - b  # φ_moved − φ_kept
        if moved == "0":
            kept, moved, apart = moved, kept, -apart
        members = [moved, *(node for node, root in self.root.items() if root == moved)]
        for node in members:
            self.shift[node] = self.shift.get(node, 0.0) + apart
            self.root[node] = kept


def _element(part: Part, shifts: _Shifts, names: _Names, units: Units) -> AbstractElement | None:
    if part.kind in "IKP":
        return None
    (start, a), (end, b) = (shifts(node) for node in part.nodes)
    if start == end:
        raise ValueError(f"{part.name} must not be bridged by phase sources")
    nodes = names.node(start), names.node(end)
    flux = (a - b) / (2 * math.pi)
    if part.kind == "L":
        return Inductor(*nodes, part.value / units.henry, offset=flux)
    if part.kind == "R":
        return Resistor(*nodes, part.value / units.ohm)
    if part.kind == "C":
        return Capacitor(*nodes, part.value / units.farad)
    assert part.model is not None
    model = part.model
    shunt = model.resistance / part.area
    return Junction(
        *nodes,
        _relation(part, units),
        resistance=None if model.resistance >= NO_SHUNT else shunt / units.ohm,
        capacitance=model.capacitance * part.area / units.farad or None,
        offset=(a - b - model.phase) / (2 * math.pi),
    )


def _relation(part: Part, units: Units) -> AbstractPhaseBiased:
    assert part.model is not None
    largest = part.model.critical_current * part.area / units.ampere
    currents = [largest * weight for weight in part.model.harmonics]
    if len(currents) == 1 and currents[0] >= 0:
        return TunnelJunction(currents[0])
    return Harmonics(currents)


def _terminals(
    terminals: Terminals | None,
    parts: Parts,
    remarks: dict[str, list[list[str]]],
    names: _Names,
) -> tuple[set[str], list[dict[str, float]]]:
    """(names of the sources that are the bias, [{node key: share}, {node key: share}])."""
    if terminals is None:
        if "terminal" not in remarks:
            raise ValueError(
                "terminals must be given: the netlist does not say where the bias enters, got None"
            )
        ends = [
            {
                key.upper(): evaluate(share)
                for side, key, share in remarks["terminal"]
                if side == one
            }
            for one in ("in", "out")
        ]
        return {key.upper() for keys in remarks.get("bias", []) for key in keys}, ends
    if isinstance(terminals, str):
        source = [p for p in parts.found if p.kind == "I" and p.name == terminals.upper()]
        if not source:
            known = [p.name for p in parts.found if p.kind == "I"]
            raise _checks.unknown_name("current source", terminals, known)
        leaves, enters = source[0].nodes  # I n+ n−: from n+ through the source into n−
        return {terminals.upper()}, [{enters: 1.0}, {leaves: 1.0}]
    ends = [
        {names.key(node): float(share) for node, share in _shares(terminal).items()}
        for terminal in terminals
    ]
    return set(), ends


def _shares(terminal: str | Mapping[str, float]) -> Mapping[str, float]:
    return {terminal: 1.0} if isinstance(terminal, str) else terminal


def _merged(shares: dict[str, float], shifts: _Shifts, names: _Names) -> str | dict[str, float]:
    found: dict[str, float] = {}
    for key, share in shares.items():
        node = names.node(shifts(key)[0])
        found[node] = found.get(node, 0.0) + share
    return next(iter(found)) if len(found) == 1 else found


def _mutual(parts: Parts, names: _Names, units: Units) -> dict[tuple[str, str] | str, float]:
    own = {part.name: part.value for part in parts.found if part.kind == "L"}
    return {
        (names.element(part.nodes[0]), names.element(part.nodes[1])): part.value
        * float(np.sqrt(own[part.nodes[0]] * own[part.nodes[1]]))
        / units.henry
        for part in parts.found
        if part.kind == "K"
    }


def _sources(
    parts: Parts,
    bias: set[str],
    ends: list[dict[str, float]],
    shifts: _Shifts,
    names: _Names,
    units: Units,
) -> dict[str, float]:
    """Currents into nodes; what flows into the ground of the circuit need not be said."""
    ground = shifts(next(iter(ends[1])))[0] if len(ends) == 2 and ends[1] else "0"
    found: dict[str, float] = {}
    for part in parts.found:
        if part.kind != "I" or part.name in bias:
            continue
        for node, sign in zip(part.nodes, (-1.0, 1.0), strict=True):
            root = shifts(node)[0]
            if root != ground:
                name = names.node(root)
                found[name] = found.get(name, 0.0) + sign * part.value / units.ampere
    return found
