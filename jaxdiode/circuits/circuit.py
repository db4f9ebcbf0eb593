"""A circuit: elements between named nodes, two terminals, mutual inductances, injected currents."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .. import _checks
from .._checks import Numbers
from ..core.continuation import AbstractContinuable
from ..core.critical import CriticalCurrents
from ..core.parameters import parameter
from ..core.tables import argument, to_table
from ..core.temperature import parts_at_reduced_temperature
from ..dynamics.drive import AbstractDrive
from ..dynamics.network.equations import AbstractNetwork, Network
from ..numerics.dense import inverse
from . import checks, motion
from . import graph as graphs
from .criteria import critical_currents
from .elements import AbstractElement, Inductor, Junction, Resistor
from .relations import side_by_side
from .retained import RetainedFluxState
from .statics import Statics, rigidity

Scalar = Float[Array, ""]
Element = TypeVar("Element", bound=AbstractElement)


def require_circuit(circuit: object) -> None:
    """Raises ValueError for what is none."""
    if not isinstance(circuit, Circuit):
        own = ": its circuit() is one" if hasattr(circuit, "circuit") else ""
        raise ValueError(f"circuit must be a Circuit, got {type(circuit).__name__}{own}")


class Circuit(AbstractNetwork, AbstractContinuable):
    """Junctions, inductors, resistors and capacitors between nodes, biased by a current.

    A static state balances the currents of every node and the fluxoid of every loop:

        A_J I_J(θ) + A_L I_L = s₀ + I B,   θ = A_Jᵀφ + 2πo_J,   A_Lᵀφ + 2πo_L = 2πL I_L,

    with node phases φ and incidences A; resistors and capacitors carry nothing. Its critical
    currents depend on the `criterion`:

    - "largest": the largest current that any stable static state carries, in every flux state
      (Tsang and Van Duzer). One that is stable only within a thousandth of the currents that its
      junctions carry may be missed (1 of 2000 random triodes); of more than 4096 flux states the
      most likely are looked at, and the status says SEARCH_CUT_SHORT.
    - "ramp": the bias rises slowly from the state of least energy at zero current. Where that
      state ends, the phases fall with the shunts' damping and no inertia into another, which
      carries on, or into the running state, which ends the ramp. (Without any resistance all
      junctions have equal shunts; beside others one without has a thousandth of the least.)
    - "first": where the ramp meets the first of these ends.

    Source: Tsang and Van Duzer, J. Appl. Phys. 46, 4573 (1975); fluxoids and gradients as in the
    docstrings of `folds` and `static_states`.

    Args:
        elements: {name: Junction, Inductor, Resistor or Capacitor}.
        terminals: (in, out): nodes where the bias enters and leaves; the second is the ground. A
            bias that is shared is {node: share}, shares adding up to 1, in place of a node.
        mutual: {(inductor, inductor): M} in Φ₀/I₀, the sign as for currents from a to b in both.
        sources: {node: current injected there}, which returns by the ground.
        criterion: "largest", "ramp" or "first".
        drive: an alternating current, a `Drive` or a `SquareWave`, for `iv_curve` and the like; its
            frequency in units of 2πI₀R₀/Φ₀.
        drive_terminals: where it flows, as `terminals`, which are taken if left out.

    Raises:
        ValueError: elements that are none, unknown nodes or inductors, an inductance matrix that
            is not positive, an injected current with no superconducting way to the ground.

    Example:
        >>> squid = jd.Circuit({  # two equal junctions, inductance in one arm, a diode
        ...     "J0": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
        ...     "J1": jd.Junction("in", "0", jd.TunnelJunction(1.0), offset=-0.42541858),
        ...     "L0": jd.Inductor("in", "1", 0.15),
        ... }, terminals=("in", "0"))
        >>> found = jd.critical_currents(squid)
        >>> print(f"{abs(found.efficiency):.6f}")
        0.317592
    """

    papers: ClassVar[tuple[str, ...]] = ("tsang1975",)

    elements: dict[str, AbstractElement]
    mutual: dict[str, Scalar] = parameter(unit="Φ₀/current", label="mutual inductance")
    sources: dict[str, Scalar] = parameter(unit="current", label="injected current")
    drive: AbstractDrive | None
    terminals: graphs.Terminals = eqx.field(static=True)
    criterion: str = eqx.field(static=True)
    drive_terminals: graphs.Terminals | None = eqx.field(static=True)

    at_reduced_temperature = parts_at_reduced_temperature

    def __init__(
        self,
        elements: Mapping[str, AbstractElement],
        terminals: checks.AnyTerminals,
        *,
        mutual: Mapping[tuple[str, str] | str, Numbers] | None = None,
        sources: Mapping[str, Numbers] | None = None,
        criterion: str = "largest",
        drive: AbstractDrive | None = None,
        drive_terminals: checks.AnyTerminals | None = None,
    ):
        self.elements = checks.checked_elements(elements)
        self.terminals = checks.checked_terminals(terminals, self.elements)
        self.mutual = checks.checked_mutual(mutual or {}, self.elements)
        self.sources = checks.checked_sources(sources or {}, self.elements, self.terminals)
        self.criterion = checks.known_criterion(criterion)
        self.drive = checks.checked_drive(drive)
        self.drive_terminals = None
        if drive_terminals is not None:
            found = checks.checked_terminals(drive_terminals, self.elements, "drive_terminals")
            self.drive_terminals = found
        self._require_paths()
        if _checks.all_concrete(self):
            matrix = np.asarray(self.inductance_matrix())
            checks.require_positive(matrix)
            checks.warn_of_henries(self.elements)
            self._require_screened_rings(matrix)

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        chosen = checks.known_criterion(criterion or self.criterion)
        self.require_critical_currents(chosen)
        return _found(self, chosen)

    def require_critical_currents(self, criterion: str) -> None:
        """Refuse a circuit that has none by a criterion."""
        if self.drive is not None:
            raise ValueError(
                "drive must be None for critical currents, which are those of static states, got "
                f"a {type(self.drive).__name__}: iv_curve and rectified_voltage take it"
            )
        self._require_junctions_between_terminals()
        if criterion != "largest":
            self.require_one_island()

    def continuation(self) -> RetainedFluxState:
        """By "first" where that is its criterion, else by "ramp": "largest" knows no history."""
        return RetainedFluxState("first" if self.criterion == "first" else "ramp")

    def to_table(self) -> dict[str, Any]:
        """The arguments as people write them in device files."""
        ends = {"terminals": self.terminals, "drive_terminals": self.drive_terminals}
        table: dict[str, Any] = {
            name: [x[0][0] if len(x) == 1 else [list(share) for share in x] for x in pair]
            for name, pair in ends.items()
            if pair is not None
        }
        table["elements"] = {name: to_table(x) for name, x in self.elements.items()}
        for name, given in (("mutual", self.mutual), ("sources", self.sources)):
            if given:
                table[name] = {key: argument(value) for key, value in given.items()}
        if self.drive is not None:
            table["drive"] = to_table(self.drive)
        return {**table, "criterion": self.criterion}

    def named(self, kind: type[Element]) -> dict[str, Element]:
        """Elements of one kind, in the order of their names."""
        return {n: e for n, e in sorted(self.elements.items()) if isinstance(e, kind)}

    def graph(self) -> graphs.Graph:
        """The superconducting graph: junctions and inductors."""
        junctions, inductors = (
            {name: element.nodes for name, element in self.named(kind).items()}
            for kind in (Junction, Inductor)
        )
        return graphs.build(junctions, inductors, self.terminals)

    def inductance_matrix(self) -> Float[Array, "inductors inductors"]:
        """L with mutual inductances, in the order of the inductors' names."""
        names = list(self.named(Inductor))
        own = [element.inductance for element in self.named(Inductor).values()]
        matrix = jnp.diag(jnp.stack(own)) if own else jnp.zeros((0, 0))
        for pair, value in self.mutual.items():
            i, j = (names.index(name) for name in pair.split(","))
            matrix = matrix.at[i, j].add(value).at[j, i].add(value)
        return matrix

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes but the ground, in the order of the matrices below."""
        return motion.nodes_of(self)

    def capacitance_matrix(self) -> Float[Array, "nodes nodes"]:
        """C of all nodes, in Φ₀/(2πI₀R₀²)."""
        return motion.capacitance_matrix(self)

    def conductance_matrix(self) -> Float[Array, "nodes nodes"]:
        """G of all nodes, shunts included, in 1/R₀."""
        return motion.conductance_matrix(self)

    def network(self) -> Network:
        """The equation of motion of the nodes, in natural units."""
        return motion.network_of(self, self.statics())

    def rest(self) -> tuple[Float[Array, " nodes"], Float[Array, " inductors"]]:
        """Phases of the nodes and currents of the inductors in the state of least energy.

        Without bias, injected currents and drive; phases of `nodes`, currents in units of the
        largest critical current, in the order of the inductors' names.
        """
        return motion.state_of_rest(self, self.statics())

    def require_motion(self) -> None:
        motion.require_motion(self)

    def between(self, nodes: tuple[str, str] | None) -> Float[Array, " nodes"]:
        return motion.voltage_row(self, nodes)

    def statics(self) -> Statics:
        """The static equations, currents in units of the largest critical current."""
        graph = self.graph()
        junctions = list(self.named(Junction).values())
        inductors = list(self.named(Inductor).values())
        relations = side_by_side([junction.relation for junction in junctions])
        unit = relations.unit
        row = {node: k for k, node in enumerate(graph.nodes)}
        sources = jnp.zeros(len(graph.nodes))
        for node, value in self.sources.items():
            sources = sources.at[row[node]].add(value / unit)
        shunts, conductance = self._conductances(graph)
        turn = 2 * jnp.pi
        inductance = turn * unit * self.inductance_matrix()
        return Statics(
            graph=graph,
            relations=relations,
            offset=turn * jnp.stack([junction.offset for junction in junctions]),
            flux=turn * jnp.stack([inductor.offset for inductor in inductors])
            if inductors
            else jnp.zeros(0),
            inductance=inductance,
            conductance=conductance,
            shunts=shunts,
            sources=sources,
            rigidity=rigidity(graph, inductance),
        )

    def _conductances(self, graph: graphs.Graph) -> tuple[Array, Array]:
        """(of every junction, of the nodes with a phase) in a common unit.

        All junctions alike where no resistance is given; else one without has a thousandth of the
        smallest. Nodes that only resistors join are eliminated: no current ends there.
        """
        junctions = list(self.named(Junction).values())
        resistors = list(self.named(Resistor).values())
        given = [1 / x.resistance for x in [*junctions, *resistors] if x.resistance is not None]
        unit = jnp.min(jnp.stack(given)) if given else jnp.ones(())
        least = jnp.asarray(1e-3 if given else 1.0)
        shunts = [least if j.resistance is None else 1 / j.resistance / unit for j in junctions]
        ends = {name: resistor.nodes for name, resistor in self.named(Resistor).items()}
        every = {node for pair in ends.values() for node in pair}
        others = sorted(every - set(graph.nodes) - set(graph.references))
        size = len(graph.nodes)
        of = jnp.pad(jnp.asarray(graph.of_junctions), ((0, len(others)), (0, 0)))
        whole = (of * jnp.stack(shunts)) @ of.T
        if resistors:
            of = jnp.asarray(graphs.incidence([*graph.nodes, *others], ends))
            own = jnp.stack([1 / resistor.resistance / unit for resistor in resistors])
            whole = whole + (of * own) @ of.T
        inner, across, outer = whole[:size, :size], whole[:size, size:], whole[size:, size:]
        if others:
            # Nodes that nothing ties down otherwise are held by a billionth of the unit.
            held = outer + 1e-9 * jnp.eye(len(others))
            inner = inner - across @ inverse(held) @ across.T
        return jnp.stack(shunts), inner

    def _require_junctions_between_terminals(self) -> None:
        wires = {name: element.nodes for name, element in self.named(Inductor).items()}
        into, out = ({node for node, _ in shares} for shares in self.terminals)
        for island in graphs.islands(wires):
            if into & set(island) and out & set(island):
                raise ValueError(
                    "terminals must have junctions on every path between them to have critical "
                    f"currents, got inductors alone from {min(into & set(island))!r} to "
                    f"{min(out & set(island))!r}, which carry any current"
                )

    def require_one_island(self) -> None:
        """What falls with the shunts' damping must have its phases in one piece."""
        graph = self.graph()
        if len(graph.references) < 2:
            return
        ground = graphs.ground_of(self.terminals)
        apart = [node for node in graph.references if node != ground]
        raise ValueError(
            "criterion must be 'largest' for a circuit of several superconducting islands, whose "
            f"phases move on their own in a fall, got one with {apart[0]!r} beside {ground!r}"
        )

    def _require_screened_rings(self, matrix: np.ndarray) -> None:
        """A ring of inductors keeps its flux by a current, which needs an inductance."""
        of = self.graph().of_inductors
        if not of.size:
            return
        _, values, rows = np.linalg.svd(of)
        rank = int(np.sum(values > 1e-9))
        rings = rows[rank:]
        if len(rings) and np.linalg.eigvalsh(rings @ matrix @ rings.T)[0] <= 0:
            raise ValueError(
                "elements must hold no ring of inductors without any inductance: nothing fixes "
                "the current around it"
            )

    def _require_paths(self) -> None:
        superconducting = {
            name: element.nodes
            for kind in (Junction, Inductor)
            for name, element in self.named(kind).items()
        }
        ground = graphs.ground_of(self.terminals)
        parts = graphs.islands(superconducting, [ground])
        (reached,) = (part for part in parts if ground in part)
        for node, _ in (*self.terminals[0], *self.terminals[1]):
            if node not in reached:
                raise ValueError(
                    "terminals must be joined by junctions and inductors, got no such path "
                    f"between {node!r} and {ground!r}"
                )
        for node in self.sources:
            if node not in reached:
                raise ValueError(
                    "sources must flow into nodes with a path of junctions and inductors to the "
                    f"ground, {node!r} has none"
                )


@eqx.filter_jit
def _found(circuit: Circuit, criterion: str) -> CriticalCurrents:
    return critical_currents(circuit.statics(), criterion, jnp.ones((), bool))


@eqx.filter_jit
def critical_currents_where(wanted: Bool[Array, ""], circuit: Circuit) -> CriticalCurrents:
    """The largest currents; nothing is searched for where they are not wanted."""
    return critical_currents(circuit.statics(), "largest", wanted)
