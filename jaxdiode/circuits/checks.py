"""What a circuit's constructor refuses."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Array

from .. import _checks
from .._checks import Numbers
from ..dynamics.drive import AbstractDrive
from . import graph as graphs
from .criteria import CRITERIA
from .elements import AbstractElement, Capacitor, Inductor, Junction, Resistor

_UNSEEN = 1e-6  # 2πL I_c below which no measurement sees an inductance

AnyTerminals = Sequence[str | Mapping[str, float] | Sequence[Sequence[str | float]]]


def known_criterion(criterion: str) -> str:
    if criterion not in CRITERIA:
        raise _checks.unknown_name("criterion", criterion, CRITERIA)
    return criterion


def checked_elements(elements: Mapping[str, AbstractElement]) -> dict[str, AbstractElement]:
    if not isinstance(elements, Mapping):
        raise ValueError(f"elements must be {{name: element}}, got {type(elements).__name__}")
    for name, element in elements.items():
        if not isinstance(name, str) or not name or set(name) & set(".,"):
            raise ValueError(f"elements must have names without dots and commas, got {name!r}")
        if type(element) not in (Junction, Inductor, Resistor, Capacitor):
            raise ValueError(
                f"elements[{name!r}] must be a Junction, Inductor, Resistor or Capacitor, got "
                f"{type(element).__name__}"
            )
    if not any(isinstance(element, Junction) for element in elements.values()):
        raise ValueError("elements must hold at least one Junction, got none")
    return dict(sorted(elements.items()))


def checked_drive(drive: AbstractDrive | None) -> AbstractDrive | None:
    if drive is not None and not isinstance(drive, AbstractDrive):
        raise ValueError(f"drive must be a Drive, a SquareWave or None, got {type(drive).__name__}")
    return drive


def checked_terminals(
    terminals: Sequence[Any], elements: Mapping[str, AbstractElement], name: str = "terminals"
) -> graphs.Terminals:
    known = {node for element in elements.values() for node in element.nodes}
    if isinstance(terminals, str) or len(terminals) != 2:
        raise ValueError(f"{name} must be two, (in, out), got {terminals!r}")
    checked = []
    for terminal in terminals:
        shares = {terminal: 1.0} if isinstance(terminal, str) else dict(terminal)
        for node, share in shares.items():
            if node not in known:
                raise _checks.unknown_name(f"node of {name}", node, sorted(known))
            if not math.isfinite(float(share)):
                raise ValueError(f"{name} must have finite shares, got {share} at {node!r}")
        if abs(sum(shares.values()) - 1) > 1e-9:
            raise ValueError(
                f"{name} must have shares that add up to 1, got {sum(shares.values()):g}"
            )
        checked.append(tuple((node, float(share)) for node, share in shares.items()))
    if {node for node, _ in checked[0]} & {node for node, _ in checked[1]}:
        raise ValueError(f"{name} must be different nodes, got {terminals!r}")
    return checked[0], checked[1]


def checked_mutual(
    mutual: Mapping[tuple[str, str] | str, Numbers], elements: Mapping[str, AbstractElement]
) -> dict[str, Array]:
    inductors = [name for name, element in elements.items() if isinstance(element, Inductor)]
    found: dict[str, Array] = {}
    for pair, value in mutual.items():
        names = tuple(x.strip() for x in pair.split(",")) if isinstance(pair, str) else tuple(pair)
        if len(names) != 2 or names[0] == names[1]:
            raise ValueError(f"mutual must be named by two inductors, got {pair!r}")
        for name in names:
            if name not in inductors:
                raise _checks.unknown_name("inductor of mutual", name, inductors)
        key = ",".join(sorted(names))
        if key in found:
            raise ValueError(f"mutual must name each pair once, {pair!r} came twice")
        found[key] = _checks.real_array(f"mutual[{pair!r}]", value, ndim=0)
    return dict(sorted(found.items()))


def checked_sources(
    sources: Mapping[str, Numbers],
    elements: Mapping[str, AbstractElement],
    terminals: graphs.Terminals,
) -> dict[str, Array]:
    known = {node for element in elements.values() for node in element.nodes}
    found = {}
    for node, value in sources.items():
        if node not in known:
            raise _checks.unknown_name("node of sources", node, sorted(known))
        if node == graphs.ground_of(terminals):
            raise ValueError(f"sources must flow into other nodes than the ground, got {node!r}")
        found[node] = _checks.real_array(f"sources[{node!r}]", value, ndim=0)
    return dict(sorted(found.items()))


def warn_of_henries(elements: Mapping[str, AbstractElement]) -> None:
    """Say so where no inductance changes anything: they are then most likely in henries."""
    inductors = [x.inductance for x in elements.values() if isinstance(x, Inductor)]
    relations = [x.relation for x in elements.values() if isinstance(x, Junction)]
    given = np.array([float(x) for x in inductors])
    warn_of_no_screening("inductance", given, sum(float(one.magnitude()) for one in relations))


def warn_of_no_screening(name: str, inductance: np.ndarray, critical: np.ndarray | float) -> None:
    """For a function that a constructor calls: `critical` are the currents that flow through."""
    given = np.abs(inductance)
    screening = 2 * np.pi * given * critical
    small = (screening > 0) & (screening < _UNSEEN)
    if small.any() and not (screening >= _UNSEEN).any():
        warnings.warn(
            f"{name} {given[small][0]:.3g} makes 2 pi L I_c = {screening[small][0]:.1g} only, "
            "which changes nothing: it is in flux quanta per unit of current (units.inductance "
            "converts from henries), or leave it out",
            stacklevel=6,  # past equinox, to the line that builds it
        )


def require_positive(matrix: np.ndarray) -> None:
    if not matrix.size:
        return
    values = np.linalg.eigvalsh(matrix)
    if values[0] < -1e-12 * values[-1]:
        raise ValueError(
            "mutual must leave the inductance matrix positive (|M| ≤ √(L₁L₂)), got its smallest "
            f"eigenvalue {values[0]:.3g}"
        )
