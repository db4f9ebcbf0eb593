"""JoSIM's netlist grammar, read from its syntax guide and source code (version 2.7).

Shares nothing with the package. JoSIM turns every line into capitals, joins continuation lines,
replaces names of `.param` textually by values, and copies the lines of a subcircuit in place of an
X line, with |label behind names and inner nodes. Numbers end in a suffix, of which the first letter
counts (MEG apart).
"""

import ast
import math
import operator
import re
from dataclasses import dataclass, field

FACTOR = dict(zip("FPNUMKXGT", (1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9, 1e12), strict=True))
OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow, ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}  # fmt: skip
NUMBER = re.compile(r"(?<![A-Z0-9_.])(\d+\.?\d*(?:E[-+]?\d+)?|\.\d+(?:E[-+]?\d+)?)([A-Z]*)")


@dataclass
class Element:
    nodes: tuple[str, str]
    value: float | None = None
    model: dict = field(default_factory=dict)
    area: float = 1.0


def plain(text, names):
    """A number or an expression; parameters that are known by now."""

    def number(found):
        letters = found[2]
        factor = 1e6 if letters.startswith("MEG") else FACTOR.get(letters[:1], 1.0)
        return f"({float(found[1])!r}*{factor!r})"

    text = NUMBER.sub(number, text.replace("{", "(").replace("}", ")")).replace("^", "**")

    def walk(node):
        if isinstance(node, ast.Constant):
            return float(node.value)
        if isinstance(node, ast.Name):
            return {"PI": math.pi, **names}[node.id]
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](walk(node.left), walk(node.right))
        if isinstance(node, ast.UnaryOp):
            return OPERATORS[type(node.op)](walk(node.operand))
        if isinstance(node, ast.Call):
            return getattr(math, node.func.id.lower())(*map(walk, node.args))
        raise TypeError(ast.dump(node))

    return walk(ast.parse(text.strip(), mode="eval").body)


def logical_lines(text):
    lines = []
    for line in text.upper().splitlines():
        line = " ".join(line.split())
        if not line or line[0] in "*#":
            continue
        if line == ".END":
            break
        if line[0] == "+":
            lines[-1] += " " + line[1:].strip()
        else:
            lines.append(line)
    return lines


def parameters(lines):
    """Values of `.param`, solved in whatever order they come."""
    open_ones = dict(line[7:].replace(" ", "").split("=", 1) for line in lines)
    known = {}
    while open_ones:
        solved = {}
        for name, expression in open_ones.items():
            try:
                solved[name] = plain(expression, known)
            except KeyError:
                continue
        assert solved, f"circular: {open_ones}"
        known |= solved
        open_ones = {name: x for name, x in open_ones.items() if name not in solved}
    return known


def model(line, names):
    inside = line[line.index("(") + 1 : line.rindex(")")]
    found = {"CPR": [1.0], "PHI": 0.0, "RTYPE": 1.0, "ICRIT": 1e-3, "RN": 5.0, "CAP": 2.5e-12}
    for name, braces, value in re.findall(r"(\w+) ?= ?(?:\{([^}]*)\}|([^,\s]+))", inside):
        if braces:
            found[name] = [plain(x, names) for x in braces.split(",")]
        else:
            found[name] = plain(value, names)
    return found


def parse(text):
    """{label: Element} of a netlist, models and parameters resolved, subcircuits expanded."""
    lines = logical_lines(text)
    names = parameters([line for line in lines if line.startswith(".PARAM ")])
    models = {x.split()[1]: model(x, names) for x in lines if x.startswith(".MODEL ")}
    main, blocks, block = [], {}, None
    for line in lines:
        if line.startswith(".SUBCKT "):
            _, name, *ports = line.split()
            block = blocks[name] = (ports, [])
        elif line.startswith(".ENDS"):
            block = None
        elif line[0] != ".":
            (main if block is None else block[1]).append(line.split())

    def expand(words):
        if words[0][0] != "X":
            return [words]
        name = words[-1] if words[-1] in blocks else words[1]
        nodes = [word for word in words[1:] if word != name]
        ports, inner = blocks[name]
        copies = []
        for line in inner:
            for copy in expand(line):
                copy = [copy[0] + "|" + words[0], *copy[1:]]
                for k in (1, 2):
                    if copy[k] in ports and copy[0][0] != "K":
                        copy[k] = nodes[ports.index(copy[k])]
                    elif copy[k] not in ("0", "GND"):
                        copy[k] += "|" + words[0]
                copies.append(copy)
        return copies

    found = {}
    for label, a, b, *rest in (copy for words in main for copy in expand(words)):
        assert label not in found, label
        element = found[label] = Element(tuple("0" if x == "GND" else x for x in (a, b)))
        if label[0] == "B":
            element.model = models[next(word for word in rest[::-1] if "=" not in word)]
            for word in rest:
                if word.startswith("AREA="):
                    element.area = plain(word[5:], names)
                if word.startswith("IC="):
                    element.area = plain(word[3:], names) / element.model["ICRIT"]
        else:
            element.value = plain(rest[-1], names)
    return found
