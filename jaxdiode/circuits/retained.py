"""Circuits that keep their flux state while a parameter changes: hysteresis of threshold lobes."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .. import _checks
from ..core.continuation import AbstractContinuation
from ..core.critical import CriticalCurrents
from ..core.device import AbstractDevice
from ..numerics.dense import inverse
from ..numerics.lanes import lanewise, where_needed
from ..numerics.status import Status
from .criteria import end_values, ramp_status, rest_status
from .largest import Ended, is_same
from .ramp import downhill, ground_state, ramp
from .relations import Wells, known_status
from .relax import Settled, settle
from .statics import Bias, PerJunction, Scalar, State, Statics

_CRITERIA = ("ramp", "first")
_MOVED = 0.2  # radians a junction turns in a step of one state
_SHORTEST = 1e-7  # step, of the way between two points
_MOST = 20000  # steps between two points, or two falls
_PUSH = 0.03  # radians, off a state that has ended


@runtime_checkable
class HasStatics(Protocol):
    """A circuit."""

    def statics(self) -> Statics: ...


class FluxState(NamedTuple):
    """What is carried from point to point.

    Attributes:
        circuit: of the last point.
        held: its state without bias.
        status: what became of it so far.
    """

    circuit: Any
    held: Settled
    status: Int[Array, ""]


class RetainedFluxState(AbstractContinuation):
    """Critical currents of a circuit from the flux state that it is in, for `sweep(…, along=…)`.

    Loops that screen well keep their fluxoids while a flux, a gate or a temperature changes slowly
    without bias, until the state becomes unstable; then the phases fall, with the shunts' damping
    and no inertia, into another state, which goes on. So the state depends on where the axis begins
    and on the direction of its values: a list up and down again shows the hysteresis. It begins in
    the state of least energy without currents; sources are injected next. Between two points all
    parameters change along a straight line, in steps in which no junction turns by more than 0.2
    radians; where a state ends is found to 1e-7 of the line.

    The currents at a point are those of a bias that rises from that state: "ramp" up to where the
    phases run, through falls on its way, which often forgets where it began; "first" to the first
    end of a state, where an underdamped device switches. Such a ramp ends the memory of a device:
    these are the values of ramps from states prepared anew each time.

    The output of a point: plus, minus, efficiency, status (as of `critical_currents` by "ramp";
    FALL_UNDECIDED from a state's end on where it may fall two ways, NOT_CONVERGED with NaN from
    where it could not be followed on), `fluxoids` of the loops that a junction closes, `energy`
    (Φ₀/2π times the current unit), and `falls` since the last point.

    Args:
        criterion: "ramp" or "first".

    Source: of the states, Tsang and Van Duzer, J. Appl. Phys. 46, 4573 (1975).

    Raises:
        ValueError: another criterion; a device that is no circuit and has no `circuit()`.

    Example:
        >>> squid = jd.Squid([jd.TunnelJunction(1.0)] * 2, flux=[0.1], inductance=[0.4, 0.4])
        >>> up_and_down = {"flux": [0.1, 0.6, 1.1, 1.6, 1.1, 0.6, 0.1]}
        >>> follow = jd.continuation.RetainedFluxState()
        >>> found = jd.sweep(follow, squid, up_and_down, along="flux")
        >>> print(np.abs(found["fluxoids"].values.ravel()))
        [0. 0. 0. 1. 1. 1. 1.]
    """

    criterion: str = eqx.field(static=True)

    def __init__(self, criterion: str = "ramp"):
        if criterion not in _CRITERIA:
            raise _checks.unknown_name("criterion", criterion, _CRITERIA)
        self.criterion = criterion

    def start(self, device: AbstractDevice) -> FluxState:
        circuit = _circuit_of(device)
        circuit.require_critical_currents("ramp")
        empty = _without_sources(circuit)
        held, tied, complete = _at_rest(jax.lax.stop_gradient(circuit))
        return FluxState(jax.lax.stop_gradient(empty), held, rest_status(tied, complete))

    def advance(
        self, device: AbstractDevice, state: FluxState
    ) -> tuple[dict[str, Array], FluxState]:
        circuit = _circuit_of(device)
        frozen = jax.lax.stop_gradient(circuit)
        carried, first, last, starts, good = _search(state.circuit, frozen, state.held)
        ended = first if self.criterion == "first" else last
        statics = circuit.statics()
        so_far = jnp.where(carried.unique, state.status, Status.FALL_UNDECIDED)
        # Where the way was lost nothing is known from there on.
        lost = ~carried.known | (state.status == Status.NOT_CONVERGED)
        so_far = jnp.where(lost, Status.NOT_CONVERGED, so_far).astype(jnp.int32)
        carried = carried._replace(held=carried.held._replace(good=carried.held.good & ~lost))
        status = jnp.where(lost, Status.NOT_CONVERGED, ramp_status(starts, good, so_far))
        known = known_status(statics.relations)
        status = jnp.where(known == Status.CONVERGED, status, known).astype(jnp.int32)
        biases = jax.vmap(statics.bias)(jnp.array([1.0, -1.0]))
        plus, minus = end_values(statics, biases, ended, status)
        critical = CriticalCurrents(plus, minus, jnp.max(status))
        held = carried.held
        energy = statics.energy(held.state, _turns(statics, held)) * statics.relations.unit
        output = critical.as_dict() | {
            "fluxoids": fluxoids(statics, held),
            "energy": jnp.where(held.good, energy, jnp.nan),
            "falls": carried.falls,
        }
        return output, FluxState(frozen, held, so_far)


class Carried(NamedTuple):
    """A state without bias at the next point.

    Attributes:
        held: the state.
        falls: into another state, on the way.
        unique: whether each fall had one end.
        known: whether the way was followed to its end.
    """

    held: Settled
    falls: Int[Array, ""]
    unique: Bool[Array, ""]
    known: Bool[Array, ""]


@lanewise
def _at_rest(circuit: HasStatics) -> tuple[Settled, Bool[Array, ""], Bool[Array, ""]]:
    statics = circuit.statics()
    return ground_state(statics, statics.relations.wells(), statics.bias(jnp.ones(())))


@lanewise
def _search(
    before: HasStatics, here: HasStatics, held: Settled
) -> tuple[Carried, Ended, Ended, Bool[Array, " 2"], Bool[Array, " 2"]]:
    """The state at the next point, and of a ramp from it in both directions its first and last
    end, whether it begins and whether it ends."""
    statics = here.statics()
    wells, carried = statics.relations.wells(), follow(before, here, held)

    def along(sign: Scalar):
        there = jnp.ones((), bool)
        met = ramp(statics, wells, statics.bias(sign), carried.held, there)
        return met.first, met.last, met.starts, met.ended

    return carried, *jax.lax.map(along, jnp.array([1.0, -1.0]))


def follow(before: HasStatics, here: HasStatics, held: Settled) -> Carried:
    """A stable state along the straight line between two circuits, through its falls."""

    def at(way: Scalar) -> Statics:
        return jax.tree.map(lambda a, b: a + way * (b - a), before, here).statics()

    def advance(state: tuple[Scalar, Scalar, Carried, Array]):
        way, step, carried, k = state
        trial, held = jnp.minimum(way + step, 1.0), carried.held
        now, ahead = at(way), at(trial)
        bias, wells = ahead.bias(jnp.zeros(())), ahead.relations.wells()
        start = held.state + (trial - way) * _tangent(at, way, now, held)
        found = settle(ahead, wells, start, held.windings, jnp.zeros(()), bias, steps=15)
        old, new = now.phases(held.state), ahead.phases(found.state)
        moved = jnp.max(jnp.abs(new - old))
        same = found.good & (moved < _MOVED) & _convex(ahead, old, new, held.windings)
        same = same & ~_jumped(wells, old, new)
        ends = ~same & (step <= _SHORTEST)
        stays = found, jnp.ones((), bool), jnp.ones((), bool)
        caught, one_way, known = where_needed(
            ends, lambda args: _fallen(*args), (ahead, held, bias), stays
        )
        moves = same | ends
        held = jax.tree.map(lambda a, b: jnp.where(moves, b, a), held, caught)
        falls = carried.falls + ends.astype(jnp.int32)
        carried = Carried(held, falls, carried.unique & one_way, carried.known & known)
        longer = jnp.where(moved < _MOVED / 4, 4.0, 1.5) * step
        step = jnp.where(same, longer, jnp.where(ends, 1e-3, jnp.maximum(step / 4, _SHORTEST)))
        return jnp.where(moves, trial, way), step, carried, jnp.where(ends, 0, k + 1)

    def unfinished(state: tuple[Scalar, Scalar, Carried, Array]) -> Bool[Array, ""]:
        way, _, carried, k = state
        return (way < 1) & carried.held.good & carried.known & (k < _MOST)

    yes, none = jnp.ones((), bool), jnp.zeros((), jnp.int32)
    first = jnp.zeros(()), jnp.ones(()), Carried(held, none, yes, yes), none
    way, _, carried, _ = jax.lax.while_loop(unfinished, advance, first)
    there = (way >= 1) | ~carried.held.good
    return carried._replace(known=carried.known & there)


def fluxoids(statics: Statics, held: Settled) -> Float[Array, " loops"]:
    """Numbers of the loops that a junction closes, phases of junctions in (−π, π]."""
    loops = jnp.asarray(statics.graph.cycles[0]) @ _turns(statics, held)
    return jnp.where(held.good, jnp.round(loops), jnp.nan)


def _turns(statics: Statics, held: Settled) -> PerJunction:
    """Whole turns of the junctions: what is left lies in (−π, π], but of links."""
    turned = statics.turned_phases(held.state, held.windings)
    whole = jnp.ceil((turned - jnp.pi) / (2 * jnp.pi))
    return held.windings + jnp.where(jnp.asarray(statics.relations.periodic), whole, 0.0)


def _tangent(at: Callable[[Scalar], Statics], way: Scalar, now: Statics, held: Settled) -> State:
    """dz/ds of a state of now = at(s): S dz/ds = −∂F/∂s."""

    def residual(way: Scalar) -> State:
        statics, none = at(way), jnp.zeros(())
        return statics.residual(held.state, held.windings, none, statics.bias(none))

    _, push = jax.jvp(residual, (way,), (jnp.ones(()),))
    return -inverse(now.matrix(now.slope(held.state, held.windings))) @ push


def _convex(
    statics: Statics, old: PerJunction, new: PerJunction, windings: PerJunction
) -> Bool[Array, ""]:
    """Whether the energy is convex at both phases and between: one state is the other."""

    def stable(phase: PerJunction) -> Bool[Array, ""]:
        return statics.is_stable(statics.relations.with_slope(phase - 2 * jnp.pi * windings)[1])

    return jnp.all(jax.lax.map(stable, jnp.stack([old, (old + new) / 2, new])))


def _jumped(wells: Wells, old: PerJunction, new: PerJunction) -> Bool[Array, ""]:
    """Whether a junction has passed a jump of its current."""
    turns = (jnp.floor((x[:, None] - wells.walls) / (2 * jnp.pi)) for x in (old, new))
    before, after = turns
    return jnp.any((before != after) & jnp.asarray(wells.periodic)[:, None] & ~jnp.isnan(before))


def _fallen(
    statics: Statics, held: Settled, bias: Bias
) -> tuple[Settled, Bool[Array, ""], Bool[Array, ""]]:
    """(where a state falls that has ended, whether both ways lead there, whether that is known)."""
    wells = statics.relations.wells()  # not handed on: which of them repeat is known when traced
    of = jnp.asarray(statics.graph.of_junctions)
    slope = statics.slope(held.state, held.windings)
    softest = jnp.linalg.eigh((of * slope) @ of.T + statics.rigidity)[1][:, 0]
    turned = jnp.max(jnp.abs(of.T @ softest), initial=1e-300)
    push = jnp.pad(_PUSH / turned * softest, (0, statics.unknowns - statics.nodes))

    def fall(side: Scalar):
        z = held.state + side * push
        return downhill(statics, wells, z, held.windings, jnp.zeros(()), bias)

    ends, known = jax.lax.map(fall, jnp.array([1.0, -1.0]))
    first, second = (jax.tree.map(lambda x, k=k: x[k], ends) for k in range(2))
    same = is_same(statics, first, second) | (~first.good & ~second.good)
    return first, same, jnp.all(known)


def _circuit_of(device: Any) -> Any:
    if isinstance(device, HasStatics):
        return device
    if not hasattr(device, "circuit"):
        raise ValueError(
            "device must be a Circuit, or have a circuit(), to keep a flux state, got "
            f"{type(device).__name__}"
        )
    return device.circuit()


def _without_sources(circuit: Any) -> Any:
    empty = jax.tree.map(jnp.zeros_like, circuit.sources)
    return eqx.tree_at(lambda one: one.sources, circuit, empty) if circuit.sources else circuit
