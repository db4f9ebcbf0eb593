"""Trajectories of networks at constant currents."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.results import AbstractResult, status_of
from ...numerics.dense import inverse
from ...numerics.implicit import State, System, advance, made_consistent
from ..path import by_pieces
from .asked import announce_path
from .equations import AbstractNetwork, Network, Push
from .stay import TOLERANCE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scalar = Float[Array, ""]

_FINER = 1e-3  # of the tolerance of mean voltages
_SOFT = 1e-12  # 2πL that stands for none where currents follow from phases


class CircuitTrajectory(AbstractResult):
    """Phases, voltages and currents of a circuit at equidistant times.

    In the circuit's units: times in Φ₀/(2πI₀R₀), voltages φ' in I₀R₀.

    Attributes:
        nodes, junctions, inductors: names, in the order of the columns; the ground has phase 0.
        time: from 0.
        node_phase, voltage: φ and φ' of the nodes.
        phase: θ of the junctions.
        junction_current, inductor_current: supercurrents, and currents of the inductors.

    Example:
        >>> ring = jd.Circuit({
        ...     "J": jd.Junction("1", "0", jd.TunnelJunction(1.0), resistance=1.0),
        ...     "L": jd.Inductor("1", "0", 0.1),
        ... }, terminals=("1", "0"))
        >>> path = jd.trajectory(ring, 0.5, duration=20.0, samples=3)
        >>> print(f"{path.junction_current[-1, 0] + path.inductor_current[-1, 0]:.6f}")
        0.500000
    """

    nodes: tuple[str, ...] = eqx.field(static=True)
    junctions: tuple[str, ...] = eqx.field(static=True)
    inductors: tuple[str, ...] = eqx.field(static=True)
    time: Float[Array, " n"]
    node_phase: Float[Array, "n nodes"]
    voltage: Float[Array, "n nodes"]
    phase: Float[Array, "n junctions"]
    junction_current: Float[Array, "n junctions"]
    inductor_current: Float[Array, "n inductors"]

    @property
    def status(self) -> Array | np.ndarray:
        """NONFINITE from where the integration failed, at every time."""
        return status_of(jnp.sum(self.node_phase + self.voltage, axis=-1))

    def plot(self) -> "Figure":
        from ... import plot

        return plot.circuit_trajectory(self)


def circuit_trajectory(
    device: AbstractNetwork,
    bias: Scalar,
    duration: Scalar,
    start: Sequence[Numbers] | None,
    count: int,
) -> CircuitTrajectory:
    """See `trajectory`."""
    device.require_motion()
    announce_path(device, duration)
    state = None if start is None else _state(start)
    return _path(device, bias, duration, state, count)


def _state(start: Sequence[Numbers]) -> tuple[Array, Array]:
    if len(start) != 2:
        raise ValueError(f"start must be (phases, voltages) of the nodes, got {start!r}")
    phase, voltage = (_checks.real_array(f"start[{k}]", start[k], ndim=1) for k in (0, 1))
    return phase, voltage


@eqx.filter_jit
def _path(
    device: AbstractNetwork,
    bias: Scalar,
    duration: Scalar,
    start: tuple[Array, Array] | None,
    count: int,
) -> CircuitTrajectory:
    network = device.network()
    size = len(network.nodes)
    times = duration * jnp.linspace(0.0, 1.0, count)
    first = network.at_rest(*device.rest()) if start is None else _started(network, start)
    one = jnp.ones(())
    push = Push(bias / network.current, one, one)
    q, v = _sampled(network, first, push, times / network.time)
    phase = jax.vmap(network.phases)(q)
    current = jax.vmap(network.relations.current)(phase)
    return CircuitTrajectory(
        network.nodes, network.junctions, network.inductors, times, q[:, :size],
        v[:, :size] / network.time, phase, network.current * current,
        network.current * q[:, size:],
    )  # fmt: skip


def _started(network: Network, start: tuple[Array, Array]) -> State:
    """Currents of inductors follow from the phases."""
    phase, voltage = start
    for k, given in enumerate(start):
        _checks.require_length(f"start[{k}]", given, len(network.nodes), "one of each node")
    soft = network.inductance + _SOFT * jnp.eye(len(network.inductors))
    back = inverse(soft) if len(network.inductors) else soft
    through = back @ (network.of_inductors.T @ phase + network.flux)
    rates = back @ (network.of_inductors.T @ voltage)
    rate = network.time * jnp.concatenate([voltage, rates])
    return State(jnp.concatenate([phase, through]), rate)


def _sampled(network: Network, first: State, push: Push, times: Float[Array, " n"]) -> State:
    """States at rising times; no step goes over a jump of the drive."""
    drive = network.drive
    piece = jnp.inf
    if drive is not None and drive.pieces() > 1:
        piece = 2 * jnp.pi / network.frequency / drive.pieces()

    def leg(now: Scalar, state: State, end: Scalar) -> State:
        system = network.system(lambda _: push, jnp.zeros(()), (now + end) / 2)
        state = jumped(system, state, now, end)
        small = jnp.minimum(network.first_step(), end - now)
        return advance(system, state, (now, end), small, _FINER * TOLERANCE).state

    def jumped(system: System, state: State, now: Scalar, end: Scalar) -> State:
        begins = jnp.abs(now / piece - jnp.round(now / piece)) < 1e-9
        jumps = (now <= times[0]) | (begins & jnp.isfinite(piece))
        return jax.lax.cond(
            jumps, lambda: made_consistent(system, state, now, end - now), lambda: state
        )

    return by_pieces(leg, first, times, piece)
