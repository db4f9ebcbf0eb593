"""The text of a netlist as statements: continuation, comments, subcircuits, models."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .expressions import Parameters

GROUND = ("0", "GND")
REMARK = "*@"  # what `to_netlist` writes for `from_netlist`, a comment to others
_IGNORED = (
    "TRAN", "PRINT", "PLOT", "SAVE", "FILE", "IV", "TEMP", "NEB", "SPREAD", "OPTION", "OPTIONS",
)  # fmt: skip
_DEPTH = 20  # of files that include files


class Statement(NamedTuple):
    """One logical line: where it began, its words in their own spelling, its subcircuit."""

    where: str
    words: tuple[str, ...]
    scope: str | None

    @property
    def label(self) -> str:
        return self.words[0]


@dataclass
class Subcircuit:
    ports: tuple[str, ...]
    statements: list[Statement] = field(default_factory=list)


@dataclass
class Deck:
    """A netlist taken apart; keys are capitals, models and parameters belong to a subcircuit."""

    statements: list[Statement] = field(default_factory=list)
    subcircuits: dict[str, Subcircuit] = field(default_factory=dict)
    models: dict[tuple[str, str | None], Statement] = field(default_factory=dict)
    parameters: Parameters = field(default_factory=Parameters)
    remarks: list[Statement] = field(default_factory=list)


@contextlib.contextmanager
def at(where: str) -> Iterator[None]:
    """Errors inside name the line."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def read(source: str | Path) -> Deck:
    """The deck of a path, or of a text of several lines."""
    if isinstance(source, str) and ("\n" in source or not source.strip()):
        text, folder, name = source, None, ""
    else:
        path = Path(source)
        try:
            text, folder, name = path.read_text(encoding="utf-8"), path.parent, path.name
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"source must be a netlist or the path of one: {error}") from None
    lines = list(_lines(text, folder, ""))
    if not any(not words[0].startswith(REMARK) for _, words in lines):
        raise ValueError(
            f"line 1: a netlist must hold elements, got an empty {name or 'text'}".rstrip()
        )
    return _sorted(lines)


Line = tuple[str, list[str]]


def _lines(text: str, folder: Path | None, name: str, depth: int = 0) -> Iterator[Line]:
    """(where, words) of every logical line, those of included files in their place."""
    pending: Line | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        where, line = f"{name + ', ' if name else ''}line {number}", raw.strip()
        if line.startswith(REMARK):
            yield where, line.split()
            continue
        if not line or line[0] in "*#":
            continue
        if line[0] == "+":
            if pending is None:
                raise ValueError(f"{where}: a continuation '+' must follow a line, got none")
            pending = (pending[0], pending[1] + _words(line[1:], where))
            continue
        if pending is not None:
            yield pending
        pending = None
        words = _words(line, where)
        first = words[0].upper()
        if first in (".END", "END"):
            return
        if first in (".INCLUDE", "INCLUDE"):
            yield from _included(words, where, folder, depth)
        else:
            pending = (where, words)
    if pending is not None:
        yield pending


def _included(words: list[str], where: str, folder: Path | None, depth: int) -> Iterator[Line]:
    with at(where):
        if len(words) != 2:
            raise ValueError(".include must name one file")
        if folder is None:
            raise ValueError(".include needs the path of the netlist, got its text alone")
        if depth == _DEPTH:
            raise ValueError(".include must not go in circles")
        try:
            text = (folder / words[1]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f".include must name a file that can be read: {error}") from None
    yield from _lines(text, (folder / words[1]).parent, words[1], depth + 1)


def _words(line: str, where: str) -> list[str]:
    """Split at blanks, which may stand around `=` and inside braces."""
    line = re.sub(r"\s*=\s*", "=", line)
    if line.count("{") != line.count("}"):
        raise ValueError(f"{where}: braces must be closed, got {line!r}")
    line = re.sub(r"\{[^{}]*\}", lambda found: "".join(found[0].split()), line)
    return line.split()


def _sorted(lines: list[Line]) -> Deck:
    deck, scope, opened, control = Deck(), None, "", False
    for where, words in lines:
        first = words[0].upper()
        command = first[1:] if first.startswith(".") else first if control else ""
        with at(where):
            if first.startswith(REMARK):
                deck.remarks.append(Statement(where, tuple(words), None))
            elif command == "SUBCKT":
                scope, opened = _opened(deck, words, scope), where
            elif command == "ENDS":
                if scope is None:
                    raise ValueError(".ends must close a .subckt, got none that is open")
                scope = None
            elif command == "PARAM":
                deck.parameters.define("".join(words[1:]), scope)
            elif command == "MODEL":
                _add_model(deck, Statement(where, tuple(words), scope))
            elif command in ("CONTROL", "ENDC"):
                control = command == "CONTROL"
            elif command in _IGNORED:
                pass
            elif command or control:
                raise ValueError(f"unknown control {words[0]!r}")
            else:
                block = deck.statements if scope is None else deck.subcircuits[scope].statements
                block.append(Statement(where, tuple(words), scope))
    if scope is not None:
        raise ValueError(f"{opened}: .subckt {scope} must be closed by .ends")
    return deck


def _opened(deck: Deck, words: list[str], scope: str | None) -> str:
    if scope is not None:
        raise ValueError(f".subckt must not begin inside another, {scope} is open")
    if len(words) < 3:
        raise ValueError(".subckt must have a name and at least one node")
    name = words[1].upper()
    if name in deck.subcircuits:
        raise ValueError(f"subcircuit {words[1]!r} must be defined once, it came twice")
    deck.subcircuits[name] = Subcircuit(tuple(word.upper() for word in words[2:]))
    return name


def _add_model(deck: Deck, statement: Statement) -> None:
    if len(statement.words) < 3:
        raise ValueError(".model must be .model name jj(parameter=value, …)")
    key = statement.words[1].upper(), statement.scope
    if key in deck.models:
        raise ValueError(f"model {statement.words[1]!r} must be defined once, it came twice")
    deck.models[key] = statement


def expanded(deck: Deck) -> list[Statement]:
    """All elements, those of subcircuits with |X at the end of their names and nodes."""
    return [x for statement in deck.statements for x in _expanded(deck, statement, ())]


def _expanded(deck: Deck, statement: Statement, inside: tuple[str, ...]) -> list[Statement]:
    if statement.label[0].upper() != "X":
        return [statement]
    with at(statement.where):
        name, nodes, values = _call(deck, statement)
        if name in inside:
            raise ValueError(f"subcircuit {name} must not hold itself")
        subcircuit = deck.subcircuits[name]
        if len(nodes) != len(subcircuit.ports):
            raise ValueError(
                f"{statement.label} must name the {len(subcircuit.ports)} nodes of {name}, got "
                f"{len(nodes)}"
            )
        known = {line.label.upper() for line in subcircuit.statements}
        for label in values:
            if label not in known:
                raise ValueError(f"{name} has no element {label!r} to set a value of")
    outer = dict(zip(subcircuit.ports, nodes, strict=True))
    found = []
    for line in subcircuit.statements:
        # Nested ones first: their names end in |inner|outer, as JoSIM's do.
        for inner in _expanded(deck, line, (*inside, name)):
            with at(inner.where):
                found.append(_renamed(inner, statement.label, outer, values))
    return found


def _call(deck: Deck, statement: Statement) -> tuple[str, list[str], dict[str, str]]:
    """(subcircuit, nodes, values by label) of an X line, its name first or last of the nodes."""
    plain = [word for word in statement.words[1:] if "=" not in word]
    pairs = [word.upper().split("=", 1) for word in statement.words[1:] if "=" in word]
    for place in (len(plain) - 1, 0):
        if plain and plain[place].upper() in deck.subcircuits:
            nodes = plain[:place] + plain[place + 1 :]
            return plain[place].upper(), nodes, {label: value for label, value in pairs}
    raise ValueError(
        f"unknown subcircuit in {' '.join(statement.words)!r}; defined: "
        f"{', '.join(sorted(deck.subcircuits)) or 'none'}"
    )


def _renamed(
    line: Statement, label: str, outer: dict[str, str], values: dict[str, str]
) -> Statement:
    words = list(line.words)
    kind, named = words[0][0].upper(), words[0].upper()
    if named in values:
        value = values[named]
        if kind == "B":
            words = [word for word in words if not word.upper().startswith(("AREA=", "IC="))]
            old = [word for word in line.words if word.upper().startswith(("AREA=", "IC="))]
            words.append(f"{old[0].split('=')[0] if old else 'AREA'}={value}")
        elif len(words) > 3:
            words[3] = value
    words[0] = f"{words[0]}|{label}"
    for place in (1, 2):
        if place >= len(words):
            break
        node = words[place].upper()
        if kind == "K":
            words[place] = f"{words[place]}|{label}"
        elif node not in GROUND:
            words[place] = outer.get(node, f"{words[place]}|{label}")
    return Statement(line.where, tuple(words), line.scope)
