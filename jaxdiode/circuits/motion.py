"""A circuit in time: C and G of all its nodes, and what has no equation of motion."""

from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .. import _checks
from ..dynamics.network.equations import Network
from . import graph as graphs
from .elements import AbstractElement, Capacitor, Inductor, Junction, Resistor
from .link import LinearLink
from .ramp import ground_state
from .statics import Statics

if TYPE_CHECKING:
    from .circuit import Circuit

Scalar = Float[Array, ""]
Matrix = Float[Array, "nodes nodes"]
Parts = list[tuple[tuple[str, str], Scalar]]


def nodes_of(circuit: "Circuit") -> tuple[str, ...]:
    """All but the ground, those of the superconducting graph first."""
    graph = circuit.graph()
    ground = graphs.ground_of(circuit.terminals)
    every = {node for element in circuit.elements.values() for node in element.nodes}
    rest = sorted(every - set(graph.nodes) - {ground})
    return (*graph.nodes, *rest)


def conductors(circuit: "Circuit") -> Parts:
    """(ends, 1/R) of every shunt and resistor."""
    elements = circuit.elements.values()
    return [
        (x.nodes, 1 / x.resistance)
        for x in elements
        if isinstance(x, Junction | Resistor) and x.resistance is not None
    ]


def capacitors(circuit: "Circuit") -> Parts:
    """(ends, C) of every junction and capacitor that has one."""
    elements = circuit.elements.values()
    return [
        (x.nodes, x.capacitance)
        for x in elements
        if isinstance(x, Junction | Capacitor) and x.capacitance is not None
    ]


def _matrix(nodes: tuple[str, ...], parts: Parts) -> tuple[Matrix, Float[Array, "nodes parts"]]:
    """A diag(values) Aᵀ and A √diag(values)."""
    if not parts:
        return jnp.zeros((len(nodes), len(nodes))), jnp.zeros((len(nodes), 0))
    ends = {str(k): pair for k, (pair, _) in enumerate(parts)}
    of = jnp.asarray(graphs.incidence(nodes, ends))
    values = jnp.stack([value for _, value in parts])
    positive = values > 0
    root = jnp.where(positive, jnp.sqrt(jnp.where(positive, values, 1.0)), 0.0)
    return (of * values) @ of.T, of * root


def capacitance_matrix(circuit: "Circuit") -> Matrix:
    return _matrix(nodes_of(circuit), capacitors(circuit))[0]


def conductance_matrix(circuit: "Circuit") -> Matrix:
    return _matrix(nodes_of(circuit), conductors(circuit))[0]


def network_of(circuit: "Circuit", statics: Statics) -> Network:
    """In natural units: currents in the largest I_c, times in Φ₀/2πI_cR or the plasma's.

    `require_motion` says what has none.
    """
    nodes = nodes_of(circuit)
    extra = len(nodes) - statics.nodes
    unit = lax.stop_gradient(statics.relations.unit)
    time = _time_unit(circuit, unit)
    conductance, resistors = _matrix(nodes, conductors(circuit))
    capacitance, _ = _matrix(nodes, capacitors(circuit))
    drive = circuit.drive
    graph = statics.graph

    def padded(rows: Array) -> Array:
        return jnp.pad(rows, [(0, extra)] + [(0, 0)] * (rows.ndim - 1))

    return Network(
        nodes=nodes,
        junctions=graph.junctions,
        inductors=graph.inductors,
        of_junctions=padded(jnp.asarray(graph.of_junctions)),
        of_inductors=padded(jnp.asarray(graph.of_inductors)),
        into=padded(jnp.asarray(graph.bias)),
        driven=jnp.asarray(graphs.injection(nodes, circuit.drive_terminals or circuit.terminals)),
        sources=padded(statics.sources),
        capacitance=capacitance / (unit * time**2),
        conductance=conductance / (unit * time),
        resistors=resistors / jnp.sqrt(unit * time),
        relations=statics.relations,
        offset=statics.offset,
        flux=statics.flux,
        inductance=statics.inductance,
        rigidity=jnp.pad(statics.rigidity, (0, extra)),
        drive=None if drive is None else drive.scaled(1 / unit, time),
        current=unit,
        time=time,
    )


def state_of_rest(
    circuit: "Circuit", statics: Statics
) -> tuple[Float[Array, " nodes"], Float[Array, " inductors"]]:
    """Phases of all nodes and currents of the inductors in the state of least energy."""
    frozen = statics.frozen()
    bias = frozen.bias(jnp.ones(()))
    found, _, _ = ground_state(frozen, frozen.relations.wells(), bias)
    phase, through = jnp.split(found.state, [statics.nodes])
    return jnp.pad(phase, (0, len(nodes_of(circuit)) - statics.nodes)), through


def voltage_row(circuit: "Circuit", nodes: tuple[str, str] | None) -> Float[Array, " nodes"]:
    """P of the voltage Pφ' from the first node to the second, of the terminals by default.

    Raises:
        ValueError: unknown nodes, one twice.
    """
    known = nodes_of(circuit)
    if nodes is None:
        return jnp.asarray(graphs.injection(known, circuit.terminals))
    ground = graphs.ground_of(circuit.terminals)
    if isinstance(nodes, str) or len(nodes) != 2 or nodes[0] == nodes[1]:
        raise ValueError(f"between must be two different nodes, got {nodes!r}")
    for node in nodes:
        if node not in (*known, ground):
            raise _checks.unknown_name("node of between", node, (*known, ground))
    one, other = (((node, 1.0),) for node in nodes)
    return jnp.asarray(graphs.injection(known, (one, other)))


def _time_unit(circuit: "Circuit", unit: Scalar) -> Scalar:
    """The longer of Φ₀/2πI_cR and the plasma time, of the junctions' own R and C where known."""
    conductances = [value for _, value in conductors(circuit)]
    junctions = circuit.named(Junction).values()
    own = [1 / x.resistance for x in junctions if x.resistance is not None]
    heavy = [value for _, value in capacitors(circuit)]
    times = [jnp.zeros(())]
    if conductances:
        times.append(jnp.max(jnp.stack(own or conductances)) / unit)
    if heavy:
        times.append(jnp.sqrt(jnp.max(jnp.stack(heavy)) / unit))
    return lax.stop_gradient(jnp.max(jnp.stack(times)))


def require_motion(circuit: "Circuit") -> None:
    """Refuse nodes and junctions whose motion nothing tells."""
    elements = circuit.elements
    ground = graphs.ground_of(circuit.terminals)
    joined = {name: x.nodes for name, x in elements.items()}
    for part in graphs.islands(joined, [ground]):
        if ground not in part:
            raise ValueError(
                f"elements must join every node to the ground {ground!r} for a motion in time: "
                f"{min(part)!r} floats"
            )
    moving = {name: x.nodes for name, x in elements.items() if _is_impedance(x)}
    every = [node for x in elements.values() for node in x.nodes]
    parts = graphs.islands(moving, [ground, *every])
    of = {node: k for k, part in enumerate(parts) for node in part}
    for name, junction in circuit.named(Junction).items():
        if isinstance(junction.relation, LinearLink):
            raise ValueError(
                f"elements[{name!r}] must have a periodic relation for a motion in time: the "
                "phase of a LinearLink slips, and it has no equation of motion"
            )
        a, b = junction.nodes
        if of[a] != of[b]:
            raise ValueError(
                f"elements[{name!r}] must have a resistance or a capacitance for a motion in time, "
                f"or others must join its nodes {a!r} and {b!r}: else its phase jumps"
            )
    held = {name: x.nodes for name, x in elements.items() if isinstance(x, Inductor | Junction)}
    for node in _without(graphs.islands({**held, **moving}, [ground, *every]), ground):
        raise ValueError(f"elements must hold {node!r} by more than capacitors of 0")


def _without(parts: list[list[str]], ground: str) -> list[str]:
    return [min(part) for part in parts if ground not in part]


def _is_impedance(element: AbstractElement) -> bool:
    """Whether R or C lies between the element's nodes; a capacitance of exactly 0 is none."""
    if isinstance(element, Resistor):
        return True
    if isinstance(element, Junction) and element.resistance is not None:
        return True
    capacitance = getattr(element, "capacitance", None)
    if capacitance is None:
        return False
    return not _checks.is_concrete(capacitance) or float(capacitance) > 0
