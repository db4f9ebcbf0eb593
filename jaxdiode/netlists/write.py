"""From a circuit to a JoSIM netlist."""

import math
import re
from collections.abc import Sequence

import numpy as np

from .. import _checks
from .._checks import Numbers
from ..circuits.circuit import Circuit, require_circuit
from ..circuits.elements import AbstractElement, Capacitor, Inductor, Junction, Resistor
from ..circuits.graph import ground_of
from ..circuits.link import LinearLink
from ..dynamics.circuits import CircuitScale
from ..gates import value_of
from ..junctions import Harmonics, SeriesJunctions, TunnelJunction
from .deck import REMARK
from .models import NO_SHUNT
from .scale import Units, units_of

DIALECTS = ("josim",)
# JoSIM looks for these anywhere in the line of a source, and for GND anywhere in a node.
_RESERVED = ("GND", "PWL", "PULSE", "SIN", "CUS", "NOISE", "PWS", "EXP", "DC")
_ROUNDING = 1e-12  # of a coupling factor
_LETTERS = {Junction: "B", Inductor: "L", Resistor: "R", Capacitor: "C"}


def to_netlist(
    circuit: Circuit,
    dialect: str = "josim",
    *,
    scale: CircuitScale,
    bias: Numbers = 0.0,
    shunt: Numbers | None = None,
    controls: Sequence[str] = (),
) -> str:
    """A circuit as a netlist in SI units, which JoSIM simulates and `from_netlist` reads back.

    Every junction gets a model of its own kind (rtype=0; without a shunt RN is 10²⁰ Ω), harmonics
    by CPR; a pair in series becomes two junctions and a node of its own, shunt and capacitance of
    the pair elements across both. A flux offset o is a phase source of −2πo in series, a mutual
    inductance a coupling factor M/√(L₁L₂). Names that JoSIM would misread are replaced. Comments
    that begin with *@ keep these, the terminals and the scale for `from_netlist`.

    Args:
        circuit: of tunnel junctions, series pairs, harmonics of sines, inductors, resistors and
            capacitors.
        dialect: "josim".
        scale: I₀ (A) and R₀ (Ω) that the circuit is in; no capacitance.
        bias: constant current from the first terminal to the second, in I₀.
        shunt: resistance (R₀) across each junction that has neither resistance nor capacitance,
            also those of a pair: without one JoSIM may run for ever. Static states do not depend
            on it. None for none.
        controls: lines to add, as ".tran 0.1p 1n" and ".print phase BJ0".

    Raises:
        ValueError: a drive; an element that JoSIM cannot express, by its name; a scale with a
            capacitance; an unknown dialect.

    Example:
        >>> squid = jd.Circuit({
        ...     "J0": jd.Junction("in", "0", jd.TunnelJunction(1.0), resistance=1.0),
        ...     "J1": jd.Junction("a", "0", jd.Harmonics([0.5, -0.1]), offset=0.25),
        ...     "L1": jd.Inductor("in", "a", 0.5),
        ... }, terminals=("in", "0"))
        >>> scale = jd.CircuitScale(100e-6, resistance=10)
        >>> text = jd.to_netlist(squid, scale=scale, bias=1.2, controls=[".tran 0.1p 1n"])
        >>> print(text)
        * Circuit of 2 junctions, 1 inductor
        *@ scale 0.0001 10.0
        *@ terminal in in 1.0
        *@ terminal out 0 1.0
        *@ bias IBIAS0
        *@ criterion largest
        *@ element BJ0 J0
        *@ element BJ1 J1
        .model M1 jj(rtype=0, icrit=0.0001, rn=10.0, cap=0.0)
        .model M2 jj(rtype=0, icrit=5e-05, rn=1e+20, cap=0.0, cpr={1.0,-0.2})
        BJ0 in 0 M1
        PBJ1 a NX1 dc -1.5707963267948966
        BJ1 NX1 0 M2
        L1 in a 1.0339169242309647e-11
        IBIAS0 0 in dc 0.00012
        .tran 0.1p 1n
        .end
        >>> again = jd.from_netlist(text)
        >>> print(f"{again.elements['J1'].offset:.6f} {again.elements['L1'].inductance:.6f}")
        0.250000 0.500000
    """
    require_circuit(circuit)
    if dialect not in DIALECTS:
        raise _checks.unknown_name("dialect", dialect, DIALECTS)
    if not _checks.all_concrete(circuit):
        raise ValueError("circuit must hold numbers, not traced values")
    if circuit.drive is not None:
        raise ValueError(
            "circuit must have no drive, which is not written, got a "
            f"{type(circuit.drive).__name__}: give an alternating source by controls"
        )
    current = float(_checks.real_array("bias", bias, ndim=0))
    if isinstance(controls, str):
        raise ValueError(f"controls must be a list of lines, got {controls!r}")
    filler = None if shunt is None else float(_checks.positive("shunt", shunt))
    writer = _Writer(circuit, units_of(scale), filler)
    return writer.text(current, [*controls])


class _Writer:
    def __init__(self, circuit: Circuit, units: Units, shunt: float | None):
        self.circuit, self.units, self.shunt = circuit, units, shunt
        self.ground = ground_of(circuit.terminals)
        self.models: dict[str, str] = {}
        self.lines: list[str] = []
        self.taken: set[str] = {"0"}
        self.nodes = self._named_nodes()
        self.labels = {name: self._label(name, element) for name, element in self._elements()}

    def _elements(self) -> list[tuple[str, AbstractElement]]:
        return [pair for kind in _LETTERS for pair in self.circuit.named(kind).items()]

    def text(self, bias: float, controls: list[str]) -> str:
        for name, element in self._elements():
            self._write(name, self.labels[name], element)
        self._write_couplings()
        self._write_sources()
        biases = self._write_bias(bias)
        models = [f".model {name} jj({text})" for text, name in self.models.items()]
        head = [self._title(), *self._remarks(biases)]
        return "\n".join([*head, *models, *self.lines, *controls, ".end"])

    def _title(self) -> str:
        counts = [(len(self.circuit.named(kind)), kind.__name__.lower()) for kind in _LETTERS]
        return "* Circuit of " + ", ".join(f"{n} {w}{'s' * (n > 1)}" for n, w in counts if n)

    def _remarks(self, biases: list[str]) -> list[str]:
        found = [f"scale {self.units.ampere!r} {self.units.ohm!r}"]
        for side, shares in zip(("in", "out"), self.circuit.terminals, strict=True):
            found += [f"terminal {side} {self.nodes[node]} {share!r}" for node, share in shares]
        found += [f"bias {' '.join(biases)}", f"criterion {self.circuit.criterion}"]
        for kind, names in (("node", self.nodes), ("element", self.labels)):
            found += [f"{kind} {new} {old}" for old, new in names.items() if new != old]
        return [f"{REMARK} {line}" for line in found]

    def _named_nodes(self) -> dict[str, str]:
        found = {self.ground: "0"}
        for _, element in self._elements():
            for node in element.nodes:
                if node not in found:
                    found[node] = self._usable(node) or self._fresh("N")
        return found

    def _usable(self, name: str) -> str | None:
        """The name if JoSIM reads it as nothing else and no other has it in capitals."""
        capital = name.upper()
        usable = re.fullmatch(r"[A-Za-z0-9_]+", name) and not any(x in capital for x in _RESERVED)
        if not usable or capital in self.taken:
            return None
        self.taken.add(capital)
        return name

    def _fresh(self, stem: str) -> str:
        number = 1
        while f"{stem}{number}".upper() in self.taken:
            number += 1
        self.taken.add(f"{stem}{number}".upper())
        return f"{stem}{number}"

    def _label(self, name: str, element: AbstractElement) -> str:
        letter = _LETTERS[type(element)]
        wanted = name if name[0].upper() == letter else letter + name
        return self._usable(wanted) or self._fresh(letter + "X")

    def _write(self, name: str, label: str, element: AbstractElement) -> None:
        start, end = (self.nodes[node] for node in element.nodes)
        units = self.units
        if isinstance(element, Resistor):
            self.lines.append(f"{label} {start} {end} {float(element.resistance) * units.ohm!r}")
        elif isinstance(element, Capacitor):
            self.lines.append(f"{label} {start} {end} {float(element.capacitance) * units.farad!r}")
        elif isinstance(element, Inductor):
            start = self._shifted(label, start, float(element.offset))
            value = float(element.inductance) * units.henry
            self.lines.append(f"{label} {start} {end} {value!r}")
        elif isinstance(element, Junction):
            start = self._shifted(label, start, float(element.offset))
            self._write_junction(name, label, (start, end), element)

    def _shifted(self, label: str, start: str, offset: float) -> str:
        """The node behind a phase source: φ_start − φ_node = −2π offset."""
        if offset == 0:
            return start
        node = self._fresh("NX")
        source = self._usable(f"P{label}") or self._fresh("PX")
        self.lines.append(f"{source} {start} {node} dc {-2 * math.pi * offset!r}")
        return node

    def _write_junction(
        self, name: str, label: str, nodes: tuple[str, str], junction: Junction
    ) -> None:
        start, end = nodes
        given = junction.resistance, junction.capacitance
        relation = junction.relation
        if isinstance(relation, SeriesJunctions):
            middle = self._fresh("NX")
            currents = float(value_of(relation.first)), float(value_of(relation.second))
            between = (f"{start} {middle}", f"{middle} {end}")
            for suffix, pair, current in zip("ab", between, currents, strict=True):
                one = self._usable(label + suffix) or self._fresh("BX")
                self.lines.append(f"{one} {pair} {self._model(current, None, None)}")
            for letter, value, unit in zip(
                "RC", given, (self.units.ohm, self.units.farad), strict=True
            ):
                if value is not None and float(value):
                    one = self._usable(letter + label) or self._fresh(letter + "X")
                    self.lines.append(f"{one} {start} {end} {float(value) * unit!r}")
            return
        current, harmonics = _harmonics(name, relation)
        self.lines.append(f"{label} {start} {end} {self._model(current, *given, harmonics)}")

    def _model(
        self,
        current: float,
        resistance: object,
        capacitance: object,
        harmonics: Sequence[float] = (),
    ) -> str:
        """The name of a model; junctions that are alike share one."""
        if resistance is None and capacitance is None:
            resistance = self.shunt
        ohm = NO_SHUNT if resistance is None else float(resistance) * self.units.ohm  # pyright: ignore
        farad = 0.0 if capacitance is None else float(capacitance) * self.units.farad  # pyright: ignore
        text = f"rtype=0, icrit={current * self.units.ampere!r}, rn={ohm!r}, cap={farad!r}"
        if harmonics:
            text += f", cpr={{{','.join(map(repr, harmonics))}}}"
        return self.models.setdefault(text, f"M{len(self.models) + 1}")

    def _write_couplings(self) -> None:
        own = {name: float(e.inductance) for name, e in self.circuit.named(Inductor).items()}  # pyright: ignore
        for number, (pair, value) in enumerate(self.circuit.mutual.items()):
            first, second = pair.split(",")
            size = math.sqrt(own[first] * own[second])
            if float(value) == 0:
                continue
            factor = float(value) / size if size else math.inf
            if 1 < abs(factor) < 1 + _ROUNDING:
                factor = math.copysign(1.0, factor)
            if not abs(factor) <= 1:
                raise ValueError(
                    f"mutual[{pair!r}] must be a coupling factor from −1 to 1, got {factor:g}"
                )
            label = self._usable(f"K{number}") or self._fresh("KX")
            self.lines.append(f"{label} {self.labels[first]} {self.labels[second]} {factor!r}")

    def _write_sources(self) -> None:
        for number, (node, value) in enumerate(self.circuit.sources.items()):
            ampere = float(value) * self.units.ampere
            label = self._usable(f"ISRC{number}") or self._fresh("IX")
            self.lines.append(f"{label} 0 {self.nodes[node]} dc {ampere!r}")

    def _write_bias(self, bias: float) -> list[str]:
        """A source for every node but the ground that shares the bias."""
        labels: list[str] = []
        for sign, shares in zip((1.0, -1.0), self.circuit.terminals, strict=True):
            for node, share in shares:
                if node != self.ground:
                    label = self._usable(f"IBIAS{len(labels)}") or self._fresh("IX")
                    ampere = sign * share * bias * self.units.ampere
                    self.lines.append(f"{label} 0 {self.nodes[node]} dc {ampere!r}")
                    labels.append(label)
        return labels


def _harmonics(name: str, relation: object) -> tuple[float, list[float]]:
    """(critical current, CPR weights); no weights for a sine."""
    if isinstance(relation, TunnelJunction):
        return float(value_of(relation.critical_current)), []
    allowed = "allowed: TunnelJunction, SeriesJunctions and Harmonics of sines"
    if isinstance(relation, Harmonics):
        sine, cosine = np.asarray(relation.sine), np.asarray(relation.cosine)
        if np.any(cosine != 0):
            raise ValueError(
                f"relation of {name!r} must have no cosine terms, JoSIM gives harmonics no phases "
                f"of their own; a phase of the whole junction goes into its offset; {allowed}"
            )
        largest = float(np.max(np.abs(sine)))
        if largest == 0:
            return 0.0, []
        weights = [float(x) / largest for x in sine]
        return largest, weights if len(weights) > 1 else [*weights, 0.0]  # JoSIM wants two
    what = "a phase that is no angle" if isinstance(relation, LinearLink) else "no such I(φ)"
    raise ValueError(
        f"relation of {name!r} must be one that JoSIM has, a {type(relation).__name__} has {what} "
        f"there; {allowed}"
    )
