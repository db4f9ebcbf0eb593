"""`.model … jj(…)` of a JoSIM netlist, in SI units."""

import re
from typing import NamedTuple

from .deck import Deck, Statement, at

NO_SHUNT = 1e20  # Ω: JoSIM puts RN across every junction, this one is none


class Model(NamedTuple):
    """A junction of area 1: critical current, resistance at low voltage, capacitance, I(φ)."""

    critical_current: float
    resistance: float
    capacitance: float
    harmonics: tuple[float, ...]
    phase: float


_ALIASES = {"IC": "ICRIT", "C": "CAP", "VGAP": "VG", "ICFCT": "ICFACT"}
_DEFAULTS = {
    "RTYPE": 1.0, "ICRIT": 1e-3, "RN": 5.0, "R0": 30.0, "CAP": 2.5e-12, "PHI": 0.0, "VG": 2.8e-3,
    "DELV": 1e-4, "ICFACT": 0.7853981633974483,
}  # fmt: skip
_WARM = ("T", "TC", "D")


def find(deck: Deck, name: str, scope: str | None) -> Model:
    """The model of a junction, that of its subcircuit before a global one."""
    for key in ((name.upper(), scope), (name.upper(), None)):
        if key in deck.models:
            statement = deck.models[key]
            break
    else:
        known = sorted({key[0] for key in deck.models})
        raise ValueError(f"unknown model {name!r}; defined: {', '.join(known) or 'none'}")
    return _parsed(deck, statement)


def check_all(deck: Deck) -> None:
    """Errors in a model name its line; those that no junction uses must be right too."""
    for statement in deck.models.values():
        with at(statement.where):
            _parsed(deck, statement)


def _parsed(deck: Deck, statement: Statement) -> Model:
    text = " ".join(statement.words[2:]).upper()
    match = re.fullmatch(r"JJ\s*\((?P<inside>.*)\)|JJ(?P<bare>\s.*)?", text)
    if match is None:
        raise ValueError(f".model must be of type jj(parameter=value, …), got {text!r}")
    inside = match["inside"] if match["inside"] is not None else match["bare"] or ""
    values, harmonics = dict(_DEFAULTS), (1.0,)
    seen = set()
    for part in _assignments(inside):
        name, equals, expression = part.partition("=")
        name = _ALIASES.get(name, name)
        if not equals or not expression:
            raise ValueError(f"a model's parameter must be name=value, got {part!r}")
        if name in seen:
            raise ValueError(f"a model's parameter must be given once, {name} came twice")
        seen.add(name)
        if name == "CPR":
            terms = expression.strip("{}").split(",")
            harmonics = tuple(deck.parameters.value(x, statement.scope) for x in terms)
        elif name in _WARM:
            raise ValueError(
                f"a model's {name} makes the critical current depend on temperature, which is not "
                "read; give ICRIT and RN at that temperature"
            )
        elif name not in _DEFAULTS:
            allowed = (*_DEFAULTS, "CPR")
            raise ValueError(
                f"unknown parameter {name!r} of a model; allowed: {', '.join(allowed)}"
            )
        else:
            values[name] = deck.parameters.value(expression, statement.scope)
    return _checked(values, harmonics)


def _assignments(inside: str) -> list[str]:
    """Split at commas and blanks, but not inside braces."""
    inside = re.sub(r"\{[^{}]*\}", lambda found: found[0].replace(",", ";"), inside)
    parts = [part for part in re.split(r"[,\s]+", inside) if part]
    return [part.replace(";", ",") for part in parts]


def _checked(values: dict[str, float], harmonics: tuple[float, ...]) -> Model:
    if values["RTYPE"] not in (0.0, 1.0):
        raise ValueError(f"RTYPE must be 0 or 1, got {values['RTYPE']:g}")
    linear = values["RTYPE"] == 0
    resistance = values["RN"] if linear else values["R0"]
    if resistance <= 0:
        raise ValueError(f"{'RN' if linear else 'R0'} must be positive, got {resistance:g}")
    for name in ("ICRIT", "CAP"):
        if values[name] < 0:
            raise ValueError(f"{name} must be at least 0, got {values[name]:g}")
    return Model(values["ICRIT"], resistance, values["CAP"], harmonics, values["PHI"])
