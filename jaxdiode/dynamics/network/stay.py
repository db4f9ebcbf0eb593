"""One bias of a network: the stay at it, and mean voltages between nodes.

As in `dynamics/stay.py`, with one state of all nodes: it returns when every junction's phase is
the same but for whole turns, and every rate and every inductor's current is the same. Without drive
the period of a running state is found as well: V = 2π·turns/T.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ...numerics import means
from ...numerics.implicit import State, advance, made_consistent
from ..stay import Stay, Voltage, Window, average, next_window
from .equations import Network, Push

Scalar = Float[Array, ""]
Rows = Float[Array, "voltages nodes"]

TOLERANCE = 1e-6  # radians per step, as its estimate says: a thousandth of that is true
_RETURNS = 1e-10
_CONFIRMED = 3
_TURN = 2 * jnp.pi
_WHOLE = 1e-7  # turns by which nodes that turn with junctions miss whole ones at most
_SETTLING, _CYCLE, _AVERAGING = 0, 1, 2
_ROUNDS, _HOPELESS = 400, 100  # of a running state until it repeats
_NUDGE = 1e-7  # radians
_NEAR = 0.1  # radians, where it must be by then
_STILL = 0.03  # rate of a phase in a narrow pass
_PATIENCE = 400.0  # relaxation times of a state that neither rests nor runs


class Held(NamedTuple):
    """A state at drive phase 0, and what it was left at."""

    state: State
    push: Push


class _Seen(NamedTuple):
    """Phases of nodes, and of junctions with rates and currents, of the last periods."""

    nodes: Float[Array, "cycles nodes"]
    turning: Float[Array, "cycles junctions"]
    steady: Float[Array, "cycles others"]
    hits: Int[Array, " cycles"]


class _Loop(NamedTuple):
    """Where a stay stands.

    Attributes:
        period: number of periods since it began.
        mode: settling, looking for a cycle or averaging.
        length: of a period, which is a cycle's in the end.
        rounds, repeats: periods, and good ones in a row, in the search for a cycle.
        mark: phases of the junctions, and the period, in the middle of settling.
    """

    state: State
    period: Scalar
    mode: Int[Array, ""]
    length: Scalar
    rounds: Int[Array, ""]
    repeats: Int[Array, ""]
    mark: tuple[Array, Scalar]
    seen: _Seen
    window: Window
    voltage: Voltage
    done: Bool[Array, ""]


def one_period(
    network: Network,
    state: State,
    push: Callable[[Scalar], Push],
    begin: Scalar,
    length: Scalar,
) -> State:
    """From drive phase 0 to the next; `push` is a function of time, `begin` then."""
    pieces = 1 if network.drive is None else network.drive.pieces()
    part = length / pieces

    def piece(k: Array, state: State) -> State:
        first = part * jnp.asarray(k, float)
        system = network.system(push, begin, first + part / 2)
        if pieces > 1:
            state = made_consistent(system, state, first, part)
        found = advance(system, state, (first, first + part), network.first_step(), TOLERANCE)
        return found.state

    if pieces == 1:
        return piece(jnp.zeros(()), state)
    return jax.lax.fori_loop(0, pieces, piece, state)


def stay(network: Network, start: Held, end: Push, rows: Rows, plan: Stay) -> tuple[Held, Voltage]:
    """Go over to other currents, and stay there until the mean voltages Pφ' are known."""
    usual = _TURN / network.frequency
    start = start._replace(state=_nudged(network, start.state))
    push = _ramp(start.push, end, plan.ramp * usual)

    def one(s: _Loop) -> _Loop:
        state = one_period(network, s.state, push, s.period * usual, s.length)
        return _next(network, s, state, rows, plan, usual)

    s = jax.lax.while_loop(lambda s: ~s.done, one, _begin(network, start, rows, plan, usual))
    finite = jnp.all(jnp.isfinite(s.state.q))
    mean, error = (jnp.where(finite, x, jnp.nan) for x in (s.voltage.mean, s.voltage.error))
    return Held(s.state, end), Voltage(mean, error, s.voltage.met)


def _ramp(start: Push, end: Push, length: Scalar) -> Callable[[Scalar], Push]:
    """From one push to another within a time."""

    def push(time: Scalar) -> Push:
        part = jnp.minimum(time / jnp.where(length > 0, length, 1.0), 1.0)
        part = jnp.where(length > 0, part, 1.0)
        return jax.tree.map(lambda a, b: a + part * (b - a), start, end)

    return push


def _unseen(network: Network, state: State) -> _Seen:
    cycles = means.LONGEST_CYCLE
    nodes, turning, steady = (
        jnp.full((cycles, x.size), jnp.nan) for x in _observed(network, state)
    )
    return _Seen(nodes, turning, steady, jnp.zeros(cycles, int))


def _begin(network: Network, start: Held, rows: Rows, plan: Stay, usual: Scalar) -> _Loop:
    zero, no, none = jnp.zeros(()), jnp.zeros((), bool), jnp.zeros((), int)
    seen, turning = _unseen(network, start.state), network.phases(start.state.q)
    theta, blank = jnp.zeros_like(turning), jnp.full(rows.shape[0], jnp.nan)
    window = Window(plan.block, zero, means.empty_sums(blank.size), theta, theta)
    voltage = Voltage(blank, blank, jnp.zeros(blank.size, bool))
    return _Loop(
        start.state, zero, none, usual, none, none, (turning, zero), seen, window, voltage, no
    )


def _next(network: Network, s: _Loop, state: State, rows: Rows, plan: Stay, usual: Scalar) -> _Loop:
    """What a stay knows one period later."""
    size = len(network.nodes)
    rise, phase = state.q[:size] - s.state.q[:size], network.phases(state.q)
    count = s.period + 1
    settled = plan.ramp + plan.settle
    watched = (count > plan.ramp) & (s.mode != _CYCLE)
    seen, lock, advanced = _look_for_return(network, s.seen, state, watched)
    lock = lock & _may_rest(network, state, advanced)
    longer, repeats, length, cycle = _look_for_cycle(network, s, state)
    found = (s.mode == _CYCLE) & (repeats >= _CONFIRMED)
    averages = s.mode == _AVERAGING
    window, full, mean, error = average(
        s.window, rows @ rise, phase, jnp.where(averages, count - settled, -1.0)
    )
    full = full & averages
    error = error + _still_to_come(network, window, usual)
    mean = jnp.where(full, mean, s.voltage.mean)
    error = jnp.where(full, error, s.voltage.error)
    mean = jnp.where(found, rows @ cycle * (usual / s.length), mean)
    mean = jnp.where(lock, rows @ advanced, mean)
    error = jnp.where(found | lock, 0.0, error)
    met = found | lock | (full & (error <= plan.tolerance * jnp.abs(mean)))
    no_more = count + 2 * window.spent > plan.longest
    done = jnp.all(met) | (full & no_more) | ~jnp.all(jnp.isfinite(state.q))
    window = next_window(window, full & ~done)

    middle = count <= plan.ramp + jnp.floor(plan.settle / 2)
    mark = jax.tree.map(lambda a, b: jnp.where(middle, a, b), (phase, count), s.mark)
    moved = jnp.max(jnp.abs(phase - mark[0])) / _TURN
    guess = (count - mark[1]) * usual / jnp.maximum(moved, 1e-300)
    runs = (moved > 1) & (network.drive is None)
    over = (s.mode == _SETTLING) & (count >= settled)
    gives_up = (s.mode == _CYCLE) & ~longer
    mode = jnp.where(over, jnp.where(runs, _CYCLE, _AVERAGING), s.mode)
    mode = jnp.where(gives_up, _AVERAGING, mode)
    length = jnp.where(over & runs, guess, length)
    length = jnp.where(mode == _CYCLE, length, usual)
    # Periods of a cycle are not counted: averaging begins after settling.
    count = jnp.where(s.mode == _CYCLE, s.period, count)
    rounds = jnp.where(s.mode == _CYCLE, s.rounds + 1, 0)
    return _Loop(
        state, count, mode, length, rounds, repeats, mark, seen, window,
        Voltage(mean, error, met), done,
    )  # fmt: skip


def _may_rest(network: Network, state: State, advanced: Float[Array, " nodes"]) -> Bool[Array, ""]:
    """Whether what does not move is stable; anything that moves or is driven is taken as it is."""
    if network.drive is not None:
        return jnp.ones((), bool)
    return jnp.any(advanced != 0) | network.is_stable(state.q)


def _nudged(network: Network, state: State) -> State:
    """Off any symmetry, by which an unstable state would be kept."""
    push = _NUDGE * jnp.cos(1.0 + 2.0 * jnp.arange(len(network.nodes), dtype=float))
    return state._replace(q=state.q.at[: push.size].add(push))


def _still_to_come(network: Network, window: Window, period: Scalar) -> Float[Array, " voltages"]:
    """What the means have still to move by, if they drift for as long as the slowest part may."""
    halves = means.halves(window.sums)
    length = jnp.maximum(window.spent * period, 1e-300)
    drift = jnp.abs(halves[1] - halves[0])
    return jnp.where(drift > 0, drift * network.slowest() / length, 0.0)


def _observed(network: Network, state: State) -> tuple[Array, Array, Array]:
    size = len(network.nodes)
    rates = network.of_junctions.T @ state.v[:size]
    steady = jnp.concatenate([rates, state.v[:size], state.q[size:]])
    return state.q[:size], network.phases(state.q), steady


def _turned(phase: Array) -> Array:
    """Without whole turns."""
    return phase - _TURN * jnp.round(phase / _TURN)


def _look_for_return(
    network: Network, last: _Seen, state: State, known: Bool[Array, ""]
) -> tuple[_Seen, Bool[Array, ""], Float[Array, " nodes"]]:
    """Whether the state is locked, and the turns of every node per period."""
    nodes, turning, steady = _observed(network, state)
    apart = jnp.max(jnp.abs(_turned(turning - last.turning)), axis=1)
    other = jnp.max(jnp.abs(steady - last.steady), axis=1, initial=0.0)
    hits = jnp.where(jnp.maximum(apart, other) < _RETURNS, last.hits + 1, 0)
    lag = np.arange(1, means.LONGEST_CYCLE + 1)
    locks = hits >= _CONFIRMED * lag
    m = jnp.argmax(locks)
    turns = _whole_turns(nodes - last.nodes[m]) / jnp.asarray(lag, float)[m]

    def pushed(old: Array, new: Array) -> Array:
        return jnp.concatenate([jnp.where(known, new, jnp.nan)[None], old[:-1]])

    seen = _Seen(
        pushed(last.nodes, nodes), pushed(last.turning, turning), pushed(last.steady, steady), hits
    )
    return seen, jnp.any(locks), turns


def _whole_turns(rise: Float[Array, " nodes"]) -> Float[Array, " nodes"]:
    """Turns of the nodes; whole ones exactly, which are all but those between resistors."""
    turns = rise / _TURN
    whole = jnp.round(turns)
    turns = jnp.where(jnp.abs(turns - whole) < _WHOLE, whole, turns)
    return jnp.where(turns == 0, 0.0, turns)  # no −0


def _look_for_cycle(
    network: Network, s: _Loop, state: State
) -> tuple[Bool[Array, ""], Int[Array, ""], Scalar, Float[Array, " nodes"]]:
    """(whether to go on, good rounds in a row, a better length, turns of the nodes in it).

    What a length misses along the motion is a time; the rest of the miss decays by itself.
    """
    before, after = _observed(network, s.state), _observed(network, state)
    size = len(network.nodes)
    rate = after[2][: len(network.junctions)]
    miss = _turned(after[1] - before[1])
    late = miss @ rate / jnp.maximum(rate @ rate, 1e-300)
    beside = jnp.max(jnp.abs(miss - late * rate))
    steady = jnp.max(jnp.abs(after[2] - before[2]))
    apart = jnp.maximum(jnp.maximum(beside, jnp.max(jnp.abs(miss))), steady)
    turns = _whole_turns(state.q[:size] - s.state.q[:size] - late * state.v[:size])
    moving = jnp.max(jnp.abs(jnp.round((after[1] - before[1]) / _TURN))) > 0
    good = (apart < _RETURNS * jnp.maximum(1.0, jnp.max(jnp.abs(rate)))) & moving
    repeats = jnp.where((s.mode == _CYCLE) & good, s.repeats + 1, 0)
    room = jnp.clip(late, -0.3 * s.length, 0.3 * s.length)
    longer = (s.rounds < _ROUNDS) & ~((s.rounds > _HOPELESS) & (apart > _NEAR)) & moving
    length = jnp.where(good, s.length, s.length - room)
    return longer, repeats, length, turns


class _Hold(NamedTuple):
    """`mark` is Pφ half way through the patience."""

    state: State
    period: Scalar
    seen: _Seen
    mark: Scalar
    runs: Bool[Array, ""]
    rests: Bool[Array, ""]


def hold_at(
    network: Network, start: Held, end: Push, row: Float[Array, " nodes"], limit: Scalar
) -> tuple[Held, Bool[Array, ""], Bool[Array, ""]]:
    """(the state, whether it runs, whether either is known) after going over to other currents.

    It runs where Pφ has advanced by more than the limit, and does not where the state returns
    without an advance.
    """
    usual = _TURN / network.frequency
    ramp = jnp.ceil(2 * network.relaxation() / usual)
    push = _ramp(start.push, end, ramp * usual)
    patience = ramp + jnp.ceil(_PATIENCE * network.relaxation() / usual) + 12.0
    size = len(network.nodes)
    start = start._replace(state=_nudged(network, start.state))
    begin = row @ start.state.q[:size]

    def one(s: _Hold) -> _Hold:
        state = one_period(network, s.state, push, s.period * usual, usual)
        count = s.period + 1
        seen, lock, turns = _look_for_return(network, s.seen, state, count > ramp)
        lock = lock & _may_rest(network, state, turns)
        drifts = jnp.abs(row @ turns) > _WHOLE
        runs = (jnp.abs(row @ state.q[:size] - begin) > limit) | (lock & drifts)
        mark = jnp.where(count <= patience / 2, row @ state.q[:size], s.mark)
        return _Hold(state, count, seen, mark, runs, lock & ~drifts)

    def waiting(s: _Hold) -> Bool[Array, ""]:
        return ~s.runs & ~s.rests & (s.period < patience) & jnp.all(jnp.isfinite(s.state.q))

    no = jnp.zeros((), bool)
    first = _Hold(start.state, jnp.zeros(()), _unseen(network, start.state), begin, no, no)
    s = jax.lax.while_loop(waiting, one, first)
    runs, known = s.runs, s.runs | s.rests
    if network.drive is None:  # a narrow pass beside a fold is on its way out, a slow state is not
        slow = ~known & jnp.all(jnp.isfinite(s.state.q))
        creeps = jnp.abs(row @ s.state.q[:size] - s.mark) > jnp.pi
        still = jnp.max(jnp.abs(network.of_junctions.T @ s.state.v[:size])) < _STILL
        runs = runs | (slow & (creeps | (still & ~network.is_stable(s.state.q))))
        known = known | slow
    return Held(s.state, end), runs, known
