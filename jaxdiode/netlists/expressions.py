"""Numbers of a netlist: suffixes, expressions, parameters. Everything here is in capitals."""

import math
import re
from collections.abc import Callable

SUFFIXES = {
    "F": 1e-15, "P": 1e-12, "N": 1e-9, "U": 1e-6, "M": 1e-3,
    "K": 1e3, "MEG": 1e6, "X": 1e6, "G": 1e9, "T": 1e12,
}  # fmt: skip
_UNITS = ("V", "A", "H", "F", "S", "HZ", "OHM", "OHMS", "WB")
# As JoSIM defines them, digit by digit.
CONSTANTS = {
    "PI": math.pi, "PHI_ZERO": 2.067833831170082e-15, "BOLTZMANN": 1.38064852e-23,
    "EV": 1.6021766208e-19, "HBAR": 1.0545718001391127e-34, "C": 299792458.0,
    "MU0": 12.566370614e-7, "EPS0": 8.854187817e-12, "SIGMA": 3.291059757e-16,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    name.upper(): getattr(math, name)
    for name in (
        "cos", "sin", "tan", "acos", "asin", "atan", "cosh", "sinh", "tanh", "acosh", "asinh",
        "atanh", "exp", "log", "sqrt", "cbrt",
    )
}  # fmt: skip
_NUMBER = r"(?P<value>\d+\.?\d*|\.\d+)(?P<power>E[+-]?\d+)?(?P<suffix>[A-Z_][A-Z0-9_]*)?"
_TOKEN = re.compile(rf"{_NUMBER}|(?P<name>[A-Z_][A-Z0-9_]*)|(?P<sign>[-+*/^()\[\]{{}}])")
_PAIRS = {"(": ")", "[": "]", "{": "}"}

LookUp = Callable[[str], float | None]


def _factor(suffix: str) -> float:
    """Of a suffix with or without a unit behind it, as in 2.8mV; a unit alone is 1."""
    for name, value in (*SUFFIXES.items(), ("", 1.0)):
        if suffix == name or (suffix.startswith(name) and suffix[len(name) :] in _UNITS):
            return value
    raise ValueError(f"unknown suffix {suffix!r}; allowed: {', '.join(SUFFIXES)}")


def _tokens(text: str) -> list[re.Match[str]]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"a number must not contain {text[place]!r}, got {text!r}")
        found.append(match)
        place = match.end()
    return found


class _Reader:
    """Recursive descent: sums of products of signed powers."""

    def __init__(self, text: str, look_up: LookUp):
        self.text, self.look_up = text, look_up
        self.tokens, self.place = _tokens(text), 0

    def peek(self) -> str | None:
        at = self.tokens[self.place] if self.place < len(self.tokens) else None
        return at["sign"] if at is not None else None

    def take(self) -> re.Match[str]:
        if self.place == len(self.tokens):
            raise ValueError(f"an expression must not end in an operator, got {self.text!r}")
        self.place += 1
        return self.tokens[self.place - 1]

    def whole(self) -> float:
        value = self.sum()
        if self.place < len(self.tokens):
            raise ValueError(
                f"an expression must not continue with {self.tokens[self.place][0]!r}, got "
                f"{self.text!r}"
            )
        return value

    def sum(self) -> float:
        value = self.product()
        while self.peek() in ("+", "-"):
            sign = 1 if self.take()[0] == "+" else -1
            value += sign * self.product()
        return value

    def product(self) -> float:
        value = self.signed()
        while self.peek() in ("*", "/"):
            value = value * self.signed() if self.take()[0] == "*" else value / self.signed()
        return value

    def signed(self) -> float:
        if self.peek() in ("+", "-"):
            return self.signed() if self.take()[0] == "+" else -self.signed()
        base = self.atom()
        if self.peek() == "^":
            self.take()
            return base ** self.signed()
        return base

    def atom(self) -> float:
        token = self.take()
        if token["value"] is not None:
            plain = float(token["value"] + (token["power"] or ""))
            return plain * _factor(token["suffix"] or "")
        if token["sign"] in _PAIRS:
            value = self.sum()
            if self.place == len(self.tokens) or self.take()[0] != _PAIRS[token["sign"]]:
                raise ValueError(f"parentheses must be closed, got {self.text!r}")
            return value
        if token["name"] is None:
            raise ValueError(f"an expression must not have {token[0]!r} there, got {self.text!r}")
        name = token["name"]
        if name in _FUNCTIONS and self.peek() in _PAIRS:
            return _FUNCTIONS[name](self.atom())
        value = self.look_up(name)
        if value is None:
            raise ValueError(f"unknown parameter or constant {name!r} in {self.text!r}")
        return value


def evaluate(text: str, look_up: LookUp = CONSTANTS.get) -> float:
    """The value of an expression; names are asked for one by one."""
    plain = "".join(text.upper().split())
    if not plain:
        raise ValueError("a value must be a number or an expression, got nothing")
    try:
        value = _Reader(plain, look_up).whole()
    except (ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"{text!r} has no value: {error}") from None
    except ValueError as error:
        if str(error).startswith(("math domain", "expected a")):
            raise ValueError(f"{text!r} has no value: {error}") from None
        raise
    if isinstance(value, complex) or not math.isfinite(value):
        raise ValueError(f"a value must be finite and real, got {value} for {text!r}")
    return float(value)


class Parameters:
    """`.param` definitions, those of a subcircuit before the global ones, in any order."""

    def __init__(self):
        self.definitions: dict[tuple[str, str | None], str] = {}
        self.values: dict[tuple[str, str | None], float] = {}
        self.open: list[tuple[str, str | None]] = []

    def define(self, assignment: str, scope: str | None) -> None:
        name, equals, expression = assignment.upper().partition("=")
        name = name.strip()
        if not equals or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise ValueError(f".param must be .param name=value, got {assignment.strip()!r}")
        if (name, scope) in self.definitions:
            raise ValueError(f"parameter {name!r} must be defined once, it came twice")
        self.definitions[name, scope] = expression

    def value(self, expression: str, scope: str | None) -> float:
        return evaluate(expression, lambda name: self._named(name, scope))

    def _named(self, name: str, scope: str | None) -> float | None:
        for key in ((name, scope), (name, None)):
            if key not in self.definitions:
                continue
            if key in self.open:
                raise ValueError(f"parameter {name!r} must not depend on itself")
            if key not in self.values:
                self.open.append(key)
                try:
                    self.values[key] = self.value(self.definitions[key], key[1])
                finally:
                    self.open.pop()
            return self.values[key]
        return CONSTANTS.get(name)
