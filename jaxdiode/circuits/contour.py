"""The critical set of a circuit in the plane of two injected currents, ray by ray."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .. import _checks
from .._checks import Numbers
from ..core.critical import unless
from ..core.results import AbstractResult
from ..numerics.status import Status
from . import graph as graphs
from .checks import known_criterion
from .circuit import Circuit, require_circuit
from .criteria import ends_along, has_value
from .elements import Inductor, Junction
from .statics import Bias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEWEST = 3  # directions


class CriticalContour(AbstractResult):
    """Where rays in the plane of two currents leave the critical set.

    Attributes:
        nodes: names of the nodes that the two currents enter.
        origin: of the rays, (I_A, I_B).
        angle: α of every ray (radians), from the first current towards the second.
        radius: the largest current along it.
        status: of every ray. NO_ZERO_VOLTAGE_STATE where it does not meet the critical set.

    Example:
        >>> circuit = jd.Circuit({  # no supercurrent joins A and B: the set is a rectangle
        ...     "A": jd.Junction("A", "0", jd.TunnelJunction(2.0)),
        ...     "B": jd.Junction("B", "0", jd.TunnelJunction(1.0)),
        ... }, terminals=("A", "0"))
        >>> contour = jd.critical_contour(circuit, directions=8)
        >>> print(np.asarray(contour.radius).round(4).tolist())
        [2.0, 1.4142, 1.0, 1.4142, 2.0, 1.4142, 1.0, 1.4142]
        >>> print(contour.current[1].round(4).tolist())
        [1.0, 1.0]
    """

    nodes: tuple[str, str] = eqx.field(static=True)
    origin: Float[Array, "*batch 2"]
    angle: Float[Array, "*batch directions"]
    radius: Float[Array, "*batch directions"]
    status: Int[Array, "*batch directions"]

    @property
    def current(self) -> Float[Array, "*batch directions 2"]:
        """(I_A, I_B) where every ray leaves the set."""
        ray = jnp.stack([jnp.cos(self.angle), jnp.sin(self.angle)], axis=-1)
        return self.origin[..., None, :] + self.radius[..., None] * ray

    def as_dict(self) -> dict[str, Any]:
        return {
            "nodes": self.nodes,
            "origin": self.origin,
            "angle": self.angle,
            "radius": self.radius,
            "current": self.current,
            "status": self.status,
        }

    def plot(self) -> "Figure":
        from .. import plot

        return plot.critical_contour(self)


def critical_contour(
    circuit: Circuit,
    nodes: Sequence[str] = ("A", "B"),
    *,
    directions: int | Numbers = 90,
    origin: Numbers = (0.0, 0.0),
    criterion: str = "largest",
) -> CriticalContour:
    """The critical set of two currents injected into two nodes, which return by the ground.

    Along every ray (I_A, I_B) = origin + r (cos α, sin α) the r ≥ 0 at which the criterion of
    `Circuit` is met, with the circuit's own `sources` beside it; terminals carry nothing, but
    that the second is the ground. All rays are one compiled call. `radius` has exact gradients in
    the circuit's parameters, in the origin and in angles that are given; see `critical_currents`.

    By "largest" it is the outermost current on the ray that any stable state carries. That is the
    whole critical set where it is star-shaped about the origin. It need not be: with several flux
    states or strong sources a ray may leave the set and enter it again, and what lies between, or
    behind an edge seen from the origin, does not show (`critical_currents` with `sources` tells
    the ends along another line). From an origin outside the set rays show its far side, and those
    that miss it have NaN and NO_ZERO_VOLTAGE_STATE. By "ramp" and "first" sources and origin are
    ramped before each ray.

    Args:
        circuit: of any topology.
        nodes: the two nodes.
        directions: how many rays, α = 0 first and 2π/directions apart; or their angles (radians).
        origin: (I_A, I_B) where the rays begin.
        criterion: "largest", "ramp" or "first"; that of the circuit does not count.

    Raises:
        ValueError: no circuit, unknown nodes, the ground, one node twice, nodes without
            superconducting way to the ground, or with one of inductors alone to it or to each
            other (any current flows there); fewer than 3 directions; an unknown criterion.

    Example:
        >>> triode = jd.Circuit({
        ...     "AC": jd.Junction("A", "C", jd.TunnelJunction(1.0)),
        ...     "BC": jd.Junction("B", "C", jd.TunnelJunction(0.7)),
        ...     "AB": jd.Junction("A", "B", jd.TunnelJunction(0.5)),
        ... }, terminals=("A", "C"))
        >>> contour = jd.critical_contour(triode, ("A", "B"), directions=4)
        >>> print(np.asarray(contour.radius).round(6).tolist())
        [1.423124, 1.164055, 1.423124, 1.164055]
    """
    require_circuit(circuit)
    pair = _checked_nodes(circuit, nodes)
    known_criterion(criterion)
    if criterion != "largest":
        circuit.require_one_island()
    begin = _checks.real_array("origin", origin, ndim=1)
    _checks.require_length("origin", begin, 2, f"currents into {pair[0]!r} and {pair[1]!r}")
    return _found(circuit, pair, criterion, _angles(directions), begin)


@eqx.filter_jit
def _found(
    circuit: Circuit,
    nodes: tuple[str, str],
    criterion: str,
    angle: Float[Array, " directions"],
    origin: Float[Array, "2"],
) -> CriticalContour:
    statics = circuit.statics()
    into = np.zeros((2, statics.nodes))
    into[[0, 1], [statics.graph.nodes.index(node) for node in nodes]] = 1.0
    along = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1) @ into
    fixed = statics.sources + origin / statics.relations.unit @ into
    biases = Bias(jnp.broadcast_to(fixed, along.shape), along)
    radius, status = ends_along(statics, criterion, biases, jnp.ones((), bool))
    misses = has_value(status) & (radius < 0)
    status = jnp.where(misses, Status.NO_ZERO_VOLTAGE_STATE, status).astype(jnp.int32)
    return CriticalContour(nodes, origin, angle, unless(misses, jnp.nan, radius), status)


def _angles(directions: int | Numbers) -> Float[Array, " directions"]:
    if isinstance(directions, int | np.integer | float | bool | str):
        count = _checks.whole_number("directions", directions, at_least=_FEWEST)  # pyright: ignore
        return jnp.asarray(2 * np.pi * np.arange(count) / count)
    angles = _checks.real_array("directions", directions, ndim=1)
    if not angles.size:
        raise ValueError("directions must hold at least one angle, got none")
    return angles


def _checked_nodes(circuit: Circuit, nodes: Sequence[str]) -> tuple[str, str]:
    if isinstance(nodes, str) or len(nodes) != 2:
        raise ValueError(f"nodes must be the names of two nodes, got {nodes!r}")
    first, second = nodes
    ground = graphs.ground_of(circuit.terminals)
    known = sorted({node for element in circuit.elements.values() for node in element.nodes})
    wires, weak = (
        {name: element.nodes for name, element in circuit.named(kind).items()}
        for kind in (Inductor, Junction)
    )
    (reached,) = (part for part in graphs.islands({**wires, **weak}, [ground]) if ground in part)
    for node in (first, second):
        if node not in known:
            raise _checks.unknown_name("node of nodes", node, known)
        if node == ground:
            raise ValueError(f"nodes must be other nodes than the ground, got {node!r}")
        if node not in reached:
            raise ValueError(
                "nodes must have a path of junctions and inductors to the ground, "
                f"{node!r} has none"
            )
    if first == second:
        raise ValueError(f"nodes must be two different nodes, got {first!r} twice")
    for part in graphs.islands(wires):
        met = [node for node in (first, second, ground) if node in part]
        if len(met) > 1:
            raise ValueError(
                "nodes must have junctions on every path between them and to the ground, got "
                f"inductors alone from {met[0]!r} to {met[1]!r}, which carry any current"
            )
    return first, second
