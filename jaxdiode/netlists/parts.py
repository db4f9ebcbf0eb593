"""Statements of a netlist as parts with values in SI units."""

import re
from dataclasses import dataclass

from . import models
from .deck import GROUND, Deck, Statement, at, expanded
from .models import Model

_NAMES = {
    "B": "junction", "L": "inductor", "R": "resistor", "C": "capacitor", "I": "current source",
    "P": "phase source", "K": "mutual inductance",
}  # fmt: skip
_OTHERS = {
    "V": "a voltage source", "T": "a transmission line", "E": "a controlled source",
    "F": "a controlled source", "G": "a controlled source", "H": "a controlled source",
}  # fmt: skip
_OPTIONS = {
    "B": ("AREA", "IC", "TEMP", "NEB", "SPREAD"), "R": ("TEMP", "NEB", "SPREAD"),
    "L": ("SPREAD",), "C": ("SPREAD",),
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One element: kind (its letter), name and two nodes in capitals, value in SI units.

    `area` multiplies the model of a junction; of a mutual inductance the nodes are inductors.
    """

    where: str
    kind: str
    name: str
    nodes: tuple[str, str]
    value: float = 0.0
    model: Model | None = None
    area: float = 1.0


@dataclass
class Parts:
    found: list[Part]
    spelling: dict[str, str]  # of names and nodes, as they first came


def parts_of(deck: Deck) -> Parts:
    """All elements of the deck, checked one by one and against each other."""
    models.check_all(deck)
    found, spelling = [], {}
    for statement in expanded(deck):
        with at(statement.where):
            part = _part(deck, statement)
            if any(part.name == other.name for other in found):
                raise ValueError(f"{statement.label} must have a name of its own, it came before")
            for word in statement.words[:3]:
                spelling.setdefault(_node(word), "0" if _node(word) == "0" else word)
        found.append(part)
    _check_couplings(found)
    _check_nodes(found)
    return Parts(found, spelling)


def _node(word: str) -> str:
    return "0" if word.upper() in GROUND else word.upper()


def _part(deck: Deck, statement: Statement) -> Part:
    label, kind = statement.label, statement.label[0].upper()
    if kind in _OTHERS:
        raise ValueError(
            f"{label} is {_OTHERS[kind]}, which a circuit of junctions, inductors, resistors, "
            "capacitors, current and phase sources cannot hold"
        )
    if kind not in _NAMES:
        raise ValueError(f"unknown element {label!r}; allowed: {', '.join(_NAMES)} and X")
    if len(statement.words) < 3:
        raise ValueError(f"{label} must have two {'inductors' if kind == 'K' else 'nodes'}")
    if set(label) & set(".,"):
        raise ValueError(f"{label} must be a name without dots and commas")
    first, second = (_node(word) for word in statement.words[1:3])
    if kind != "K":
        for node in (first, second):
            if "GND" in node:
                raise ValueError(f"node {node!r} is the ground to JoSIM, which looks for GND in it")
    if first == second:
        raise ValueError(f"{label} must have two different ends, got {first} for both")
    rest = list(statement.words[3:])
    part = Part(statement.where, kind, label.upper(), (first, second))
    if kind == "B":
        return _junction(deck, statement, part, rest)
    if kind in "IP":
        value = _constant(deck, statement, rest)
    else:
        words = _without_options(kind, label, rest)[0]
        if len(words) != 1:
            raise ValueError(
                f"{label} must have one value, got {' '.join(words) if words else 'none'}"
            )
        value = deck.parameters.value(words[0], statement.scope)
    if kind == "R" and value <= 0:
        raise ValueError(f"{label} must be a positive resistance, got {value:g}")
    if kind in "LC" and value < 0:
        raise ValueError(f"{label} must be at least 0, got {value:g}")
    if kind == "K" and abs(value) > 1:
        raise ValueError(f"{label} must be a coupling factor from −1 to 1, got {value:g}")
    return Part(part.where, kind, part.name, part.nodes, value)


def _without_options(kind: str, label: str, words: list[str]) -> tuple[list[str], dict[str, str]]:
    options, plain = {}, []
    allowed = _OPTIONS.get(kind, ())
    for word in words:
        name, equals, value = word.upper().partition("=")
        if not equals:
            plain.append(word)
            continue
        if name not in allowed:
            raise ValueError(
                f"unknown option {word!r} of {label}; allowed: {', '.join(allowed) or 'none'}"
            )
        options[name] = value
    return plain, options


def _junction(deck: Deck, statement: Statement, part: Part, rest: list[str]) -> Part:
    words, options = _without_options("B", statement.label, rest)
    if not words:
        raise ValueError(f"{statement.label} must name a model, got none")
    if len(words) > 2:
        raise ValueError(f"{statement.label} must have two nodes, got {' '.join(words)!r} beyond")
    model = models.find(deck, words[-1], statement.scope)
    area = 1.0
    if "AREA" in options and "IC" in options:
        raise ValueError(f"{statement.label} must have area or ic, got both")
    if "AREA" in options:
        area = deck.parameters.value(options["AREA"], statement.scope)
    elif "IC" in options:
        if model.critical_current == 0:
            raise ValueError(f"{statement.label} must have area: its model's ICRIT is 0")
        area = deck.parameters.value(options["IC"], statement.scope) / model.critical_current
    if area <= 0:
        raise ValueError(f"{statement.label} must have a positive area, got {area:g}")
    return Part(part.where, "B", part.name, part.nodes, model=model, area=area)


def _constant(deck: Deck, statement: Statement, rest: list[str]) -> float:
    """The value of a source, of a ramp its last one."""
    text = " ".join(rest).strip()
    if not text:
        raise ValueError(f"{statement.label} must have a value, got none")
    ramp = re.fullmatch(r"PWL\s*\((?P<points>[^()]*)\)", text.upper())
    if ramp is not None:
        points = [word for word in re.split(r"[\s,]+", ramp["points"]) if word]
        if len(points) < 2 or len(points) % 2:
            raise ValueError(f"{statement.label} must have pairs of time and value in its pwl()")
        values = [deck.parameters.value(point, statement.scope) for point in points]
        if any(b <= a for a, b in zip(values[::2], values[2::2], strict=False)):
            raise ValueError(f"{statement.label} must have rising times in its pwl()")
        return values[-1]
    other = re.match(r"(PULSE|SIN|CUS|NOISE|EXP|PWS)\s*\(", text.upper())
    if other is not None:
        raise ValueError(
            f"{statement.label} must be constant or a pwl() that ends at a constant value, got "
            f"{other[1].lower()}()"
        )
    plain = re.sub(r"^DC\b\s*", "", text, flags=re.IGNORECASE)
    return deck.parameters.value(plain, statement.scope)


def _check_couplings(found: list[Part]) -> None:
    inductors = {part.name for part in found if part.kind == "L"}
    pairs = set()
    for part in found:
        if part.kind != "K":
            continue
        with at(part.where):
            for name in part.nodes:
                if name not in inductors:
                    raise ValueError(f"{part.name} must couple inductors, unknown inductor {name}")
            if frozenset(part.nodes) in pairs:
                raise ValueError(f"{' and '.join(part.nodes)} must be coupled once")
            pairs.add(frozenset(part.nodes))


def _check_nodes(found: list[Part]) -> None:
    """Every node has two ends of elements, and a way to the ground other than by sources."""
    ends: dict[str, list[Part]] = {}
    for part in found:
        for node in part.nodes if part.kind != "K" else ():
            ends.setdefault(node, []).append(part)
    reached, before = {"0"}, 0
    while len(reached) > before:
        before = len(reached)
        for part in found:
            if part.kind not in "KI" and reached & set(part.nodes):
                reached |= set(part.nodes)
    for node, touching in ends.items():
        with at(touching[0].where):
            if node != "0" and len(touching) == 1:
                raise ValueError(f"node {node} floats: {touching[0].name} alone ends there")
            if node not in reached:
                raise ValueError(f"node {node} floats: no element joins it to the ground")
