"""The equation of motion of a circuit's nodes, in natural units."""

import abc
from typing import NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...core.device import AbstractCurrentBiased
from ...core.results import AbstractResult
from ...numerics.dense import is_positive_definite
from ...numerics.implicit import State, System
from ..drive import AbstractDrive, off_the_jumps

Scalar = Float[Array, ""]
PerNode = Float[Array, " nodes"]
PerJunction = Float[Array, " junctions"]
PerInductor = Float[Array, " inductors"]

_LONGEST = 200.0  # natural times that a ramp allows for
_NEVER = 1e15  # times that no damping ends
_SOFT = 1e-9  # stiffness of nodes between resistors, which have none
_FIRST = 0.2  # of the natural time: the first step of a period


@runtime_checkable
class Relations(Protocol):
    """I_j(θ_j) of all junctions."""

    def current(self, phase: PerJunction) -> PerJunction: ...

    def with_slope(self, phase: PerJunction) -> tuple[PerJunction, PerJunction]:
        """I and dI/dθ."""
        ...

    def largest(self) -> PerJunction:
        """max|I|, sharp turns included."""
        ...

    def steepest(self) -> PerJunction:
        """max|dI/dθ| but for jumps."""
        ...


class Push(NamedTuple):
    """What drives the nodes: p of the terminals, shares of the injected currents and the drive."""

    bias: Scalar
    sources: Scalar
    drive: Scalar


class Network(eqx.Module):
    """C φ'' + G φ' + A_J I_J(θ) + A_L I_L = s,   A_Lᵀφ + 2πo_L = 2πL I_L,   θ = A_Jᵀφ + 2πo_J.

    Unknowns are (φ of all nodes but the ground, I_L). Currents are in `current`, times in `time`,
    both in the units that the circuit was written in; so are voltages φ' in 1/`time`.

    Attributes:
        nodes, junctions, inductors: names.
        of_junctions, of_inductors: incidences.
        into: current into each node per current of the terminals.
        driven: the same per current of the drive.
        sources: injected currents.
        capacitance, conductance: C and G.
        resistors: A_R √G_R, one column per resistor, shunts included: its product with itself is G.
        relations: of the junctions.
        offset, flux: 2πo of junctions and inductors.
        inductance: 2πL.
        rigidity: A_L(2πL)⁻¹A_Lᵀ.
        drive: an alternating current, or None.
    """

    nodes: tuple[str, ...] = eqx.field(static=True)
    junctions: tuple[str, ...] = eqx.field(static=True)
    inductors: tuple[str, ...] = eqx.field(static=True)
    of_junctions: Float[Array, "nodes junctions"]
    of_inductors: Float[Array, "nodes inductors"]
    into: PerNode
    driven: PerNode
    sources: PerNode
    capacitance: Float[Array, "nodes nodes"]
    conductance: Float[Array, "nodes nodes"]
    resistors: Float[Array, "nodes resistors"]
    relations: Relations
    offset: PerJunction
    flux: PerInductor
    inductance: Float[Array, "inductors inductors"]
    rigidity: Float[Array, "nodes nodes"]
    drive: AbstractDrive | None
    current: Scalar
    time: Scalar

    def phases(self, q: Float[Array, " unknowns"]) -> PerJunction:
        """θ."""
        return self.of_junctions.T @ q[: len(self.nodes)] + self.offset

    def at_rest(self, phase: PerNode, through: PerInductor) -> State:
        q = jnp.concatenate([phase, through])
        return State(q, jnp.zeros_like(q))

    def whole(self, matrix: Float[Array, "nodes nodes"]) -> Float[Array, "unknowns unknowns"]:
        """A matrix of the nodes, zero for the inductors."""
        extra = len(self.inductors)
        return jnp.pad(matrix, (0, extra))

    def internal(self, q: Float[Array, " unknowns"]) -> Float[Array, " unknowns"]:
        """What flows out of the nodes through junctions and inductors, and fluxes left over."""
        phase, through = jnp.split(q, [len(self.nodes)])
        current = self.relations.current(self.phases(q))
        out = self.of_junctions @ current + self.of_inductors @ through
        across = self.of_inductors.T @ phase + self.flux - self.inductance @ through
        return jnp.concatenate([out, across])

    def stiffness(self, q: Float[Array, " unknowns"]) -> Float[Array, "unknowns unknowns"]:
        _, slope = self.relations.with_slope(self.phases(q))
        inner = (self.of_junctions * slope) @ self.of_junctions.T
        return jnp.block([
            [inner, self.of_inductors], [self.of_inductors.T, -self.inductance]
        ])  # fmt: skip

    def is_stable(self, q: Float[Array, " unknowns"]) -> Bool[Array, ""]:
        """Whether a state of rest would be stable there: all stiffnesses are positive."""
        _, slope = self.relations.with_slope(self.phases(q))
        inner = (self.of_junctions * slope) @ self.of_junctions.T + self.rigidity
        return is_positive_definite(inner + _SOFT * jnp.eye(len(self.nodes)))

    def sum_of_currents(self) -> Scalar:
        """Σ max|I| of the junctions."""
        return jnp.sum(self.relations.largest())

    def injected(self, push: Push, drive_phase: Scalar) -> Float[Array, " unknowns"]:
        """s at a drive phase."""
        s = push.bias * self.into + push.sources * self.sources
        if self.drive is not None:
            s = s + push.drive * self.drive.current(drive_phase) * self.driven
        return jnp.concatenate([s, jnp.zeros(len(self.inductors))])

    @property
    def frequency(self) -> Scalar:
        """Of the drive; 1 without."""
        return jnp.ones(()) if self.drive is None else self.drive.frequency

    def relaxation(self) -> Scalar:
        """max(2C/G, 4G) of the slowest node, as of one junction; no more than 200."""
        return jnp.minimum(jnp.max(self._of_nodes()), _LONGEST)

    def _of_nodes(self) -> PerNode:
        c, g = jnp.diag(self.capacitance), jnp.diag(self.conductance)
        inert = jnp.where(c > 0, 2 * c / jnp.where(g > 0, g, 1e-300), 0.0)
        return jnp.minimum(jnp.maximum(inert, 4 * g), _NEVER)

    def slowest(self) -> Scalar:
        """A bound of the time in which voltages settle: of nodes, and of L beside resistors."""
        times = self._of_nodes()
        if self.inductors:
            ends = jnp.abs(self.of_inductors) * jnp.diag(self.conductance)[:, None]
            loops = 2 * jnp.diag(self.inductance) * jnp.max(ends, axis=0)
            times = jnp.concatenate([times, loops])
        return jnp.max(times)

    def first_step(self) -> Scalar:
        return jnp.minimum(_FIRST, 0.1 * 2 * jnp.pi / self.frequency)

    def system(self, push, begin: Scalar, middle: Scalar) -> System:
        """The equation of motion while the drive is smooth.

        Args:
            push: a function of the time since drive phase 0.
            begin: added to these times for `push`.
            middle: of the piece, towards which times are drawn off the drive's jumps.
        """

        def force(q, time):
            smooth = self.drive is None or self.drive.pieces() == 1
            inside = time if smooth else off_the_jumps(time, middle)
            pushed = self.injected(push(begin + time), self.frequency * inside)
            return self.internal(q) - pushed

        weight = jnp.concatenate([jnp.ones(len(self.nodes)), jnp.zeros(len(self.inductors))])
        return System(
            self.whole(self.capacitance), self.whole(self.conductance), force, self.stiffness,
            weight,
        )  # fmt: skip


class AbstractNetwork(AbstractCurrentBiased):
    """A device of many nodes with an equation of motion: `Network` tells of it.

    `trajectory`, `iv_curve`, `rectified_voltage`, `shapiro_map` and `switching_currents` take it.
    """

    drive: eqx.AbstractVar[AbstractDrive | None]

    @abc.abstractmethod
    def network(self) -> Network: ...

    @abc.abstractmethod
    def require_motion(self) -> None:
        """Refuse a device without an equation of motion, by the name of the node or junction."""

    @abc.abstractmethod
    def rest(self) -> tuple[PerNode, PerInductor]:
        """Phases of the nodes and currents of the inductors in the state of least energy.

        Without bias, injected currents and drive; currents in units of the network's.
        """

    def iv(
        self,
        *,
        maximum: float | None = None,
        points: int = 201,
        duration: float | None = None,
        between: tuple[str, str] | None = None,
    ) -> AbstractResult:
        """`iv_curve` from −maximum to maximum, or to 1.5 times all critical currents and drive."""
        from ..iv import iv_curve

        if maximum is None:
            self.require_motion()
            network = eqx.filter_jit(type(self).network)(self)
            maximum = 1.5 * float(network.current * network.sum_of_currents())
            if self.drive is not None:
                maximum += float(self.drive.largest_current())
        biases = np.linspace(-maximum, maximum, points)
        return iv_curve(self, biases, duration=duration, between=between)

    @abc.abstractmethod
    def between(self, nodes: tuple[str, str] | None) -> Float[Array, " nodes"]:
        """P of a voltage Pφ', of the terminals if no nodes are named."""
