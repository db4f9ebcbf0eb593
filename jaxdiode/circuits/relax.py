"""How a state at a fixed current is found: from a convex stand-in, and by the flow downhill."""

import functools
import heapq
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..numerics.dense import inverse
from .relations import Wells
from .statics import Bias, PerJunction, Scalar, State, Statics

_STIFF = 0.2  # slope of the stand-in outside a well
_LONGEST, _MOST = 1.5, 60  # radians a step of the stand-in's Newton, and steps
_SOLVED = 1e-12
_STEP = 0.5  # radians a step downhill
MOST_LABELS = 4096  # flux states looked at


class Settled(NamedTuple):
    """Where a flow came to rest.

    Attributes:
        state, windings: z and k.
        good: it rests, and is stable.
    """

    state: State
    windings: PerJunction
    good: Bool[Array, ""]


def convex_state(
    statics: Statics,
    wells: tuple[PerJunction, PerJunction],
    windings: PerJunction,
    p: Scalar,
    bias: Bias,
) -> tuple[State, Scalar, Bool[Array, ""]]:
    """The one state of a circuit whose currents go on rising outside their wells.

    With it how far outside (radians) a junction is, and whether it was found. Inside, it is a
    state of the circuit itself. The first step is that of linear junctions: however large
    inductances and fluxes are, the phases of the junctions are then near.
    """
    low, high = wells
    of = jnp.asarray(statics.graph.of_junctions)

    def outside_of(z: State) -> Array:
        phase = statics.turned_phases(z, windings)
        return jnp.max(jnp.maximum(low - phase, phase - high), initial=0.0)

    def evaluate(z: State) -> tuple[State, PerJunction]:
        phase = statics.turned_phases(z, windings)
        inside = jnp.clip(phase, low, high)
        current, slope = statics.relations.with_slope(inside)
        outside = phase - inside
        current = current + _STIFF * outside
        slope = jnp.where(outside == 0, jnp.maximum(slope, 1e-3), _STIFF)
        return statics.linear(z, current, p, bias), slope

    def newton(state):
        z, _, k = state
        value, slope = evaluate(z)
        step = -inverse(statics.matrix(slope)) @ value
        size = jnp.max(jnp.abs(of.T @ step[: statics.nodes]), initial=0.0)
        return z + jnp.minimum(1.0, _LONGEST / size) * step, size, k + 1

    def unfinished(state):
        _, size, k = state
        return (size > 1e-6) & (k < _MOST)

    nothing = jnp.zeros(statics.unknowns)
    phase = statics.turned_phases(nothing, windings)
    linear = statics.linear(nothing, phase - (low + high) / 2, p, bias)
    start = -inverse(statics.matrix(jnp.ones_like(phase))) @ linear
    z, size, _ = jax.lax.while_loop(unfinished, newton, (start, jnp.ones(()), 0))
    return z, outside_of(z), size <= 1e-6


def settle(
    statics: Statics,
    wells: Wells,
    z: State,
    windings: PerJunction,
    p: Scalar,
    bias: Bias,
    *,
    steps: int = 40,
) -> Settled:
    """Downhill by implicit steps, (G/h + S)Δ = −F with h as long as every junction allows.

    A state in which a link would have slipped is none.
    """
    of = statics.graph.of_junctions
    mass = (of * statics.shunts) @ of.T
    mass = jnp.pad(mass, (0, statics.unknowns - statics.nodes))

    def flow(state):
        z, _, _, k = state
        value, slope = statics.evaluate(z, windings, p, bias)
        rate = jnp.maximum(jnp.max(-slope / statics.shunts), 1e-12) * 1.5
        rate = jnp.where(statics.is_stable(slope), 1e-12, rate)
        step = -inverse(statics.matrix(slope) + rate * mass) @ value
        size = jnp.max(jnp.abs(step))
        part = jnp.minimum(1.0, _STEP / size)
        return z + part * step, size, jnp.max(jnp.abs(value)), k + 1

    def unfinished(state):
        _, size, value, k = state
        return ((size > 1e-10) | (value > _SOLVED)) & (k < steps) & (size < 1e6)

    one = jnp.ones(())
    z, size, _, _ = jax.lax.while_loop(unfinished, flow, (z, one, one, 0))
    value, slope = statics.evaluate(z, windings, p, bias)
    rests = (jnp.max(jnp.abs(value)) < 1e-9) & (size < 1e-6)
    good = rests & statics.is_stable(slope) & _within(statics, wells, z, windings)
    return Settled(z, windings, good)


def nothing_settled(statics: Statics) -> Settled:
    """No state, before one is found."""
    flat = jnp.zeros(len(statics.graph.junctions))
    return Settled(jnp.zeros(statics.unknowns), flat, jnp.zeros((), bool))


def _within(statics: Statics, wells: Wells, z: State, windings: PerJunction) -> Bool[Array, ""]:
    """Whether no link that may slip lies beyond its critical phase."""
    phase = (statics.turned_phases(z, windings))[:, None]
    outside = (phase > wells.walls) & (wells.walls > 0) | (phase < wells.walls) & (wells.walls < 0)
    return ~jnp.any(outside & ~jnp.asarray(wells.periodic)[:, None])


def label(
    statics: Statics,
    wells: Wells,
    number: Int[Array, ""],
    radix: Int[Array, " digits"],
    lowest: Float[Array, " loops"],
) -> tuple[PerJunction, tuple[PerJunction, PerJunction]]:
    """(windings, the wells' ends) of a flux state by its number.

    Digit by digit where all of them are looked at, else from that of least circulating currents on,
    every junction in its deepest well.
    """
    loops = len(statics.graph.chords)
    size = jnp.cumprod(jnp.concatenate([jnp.ones(1), radix[:-1].astype(float)]))
    all_of_them = size[-1] * radix[-1].astype(float) <= MOST_LABELS
    whole = jnp.where(all_of_them, size, 1.0).astype(int)
    digits = jnp.mod(number // whole, radix)
    fluxoids = lowest + digits[:loops].astype(float)
    if loops:
        nearest = jnp.round(loop_fluxes(statics))
        row = jnp.asarray(_by_distance(loops))[number]
        fluxoids = jnp.where(all_of_them, fluxoids, nearest + row)
        digits = digits.at[loops:].set(jnp.where(all_of_them, digits[loops:], 0))
    windings = jnp.zeros(len(statics.graph.junctions))
    windings = windings.at[jnp.array(statics.graph.chords, int)].set(fluxoids)
    pick = digits[loops:, None]
    low, high = (jnp.take_along_axis(x, pick, axis=1)[:, 0] for x in (wells.low, wells.high))
    return windings, (low, high)


def labels(
    statics: Statics, wells: Wells, bias: Bias
) -> tuple[Int[Array, ""], Int[Array, " digits"], Float[Array, " loops"]]:
    """(how many flux states there may be, numbers per digit, the lowest fluxoid per loop).

    Around a loop the phases of the junctions, within their wells, and those of the inductors add
    up to 2π(f − k); 0.15 more is allowed for.
    """
    through = jnp.asarray(statics.graph.cycles[0])
    along = jnp.asarray(statics.graph.cycles[1])
    widest = jnp.max(jnp.maximum(jnp.abs(wells.low), jnp.abs(wells.high)), axis=1)
    screened = jnp.abs(along @ statics.inductance) @ inductor_bounds(statics, bias)
    bound = (jnp.abs(through) @ widest + screened) / (2 * jnp.pi) + 0.15
    flux = loop_fluxes(statics)
    lowest, highest = jnp.ceil(flux - bound), jnp.floor(flux + bound)
    choices = jnp.maximum(highest - lowest + 1, 1.0)
    radix = jnp.concatenate([choices.astype(int), wells.count.astype(int)])
    total = jnp.prod(radix.astype(float))
    count = jnp.where(total < 1e9, total, 1e9).astype(int)
    return count, radix, lowest


def loop_fluxes(statics: Statics) -> Float[Array, " loops"]:
    """External fluxes of the loops (Φ₀)."""
    through, along = map(jnp.asarray, statics.graph.cycles)
    return (through @ statics.offset + along @ statics.flux) / (2 * jnp.pi)


@functools.lru_cache(maxsize=16)
def _by_distance(loops: int) -> np.ndarray:
    """Fluxoids about those nearest to the fluxes, by the sum of their squares."""
    found = [(0,) * loops]
    known, queue = set(found), [(0, found[0])]
    rows = []
    while len(rows) < MOST_LABELS:
        distance, row = heapq.heappop(queue)
        rows.append(row)
        for k in range(loops):
            for step in (-1, 1):
                if row[k] * step < 0:
                    continue
                new = (*row[:k], row[k] + step, *row[k + 1 :])
                if new not in known:
                    known.add(new)
                    heapq.heappush(queue, (distance + 2 * abs(row[k]) + 1, new))
    return np.array(rows, float)


def inductor_bounds(statics: Statics, bias: Bias) -> Float[Array, " inductors"]:
    """No static state carries more through an inductor: the sums at its two nodes."""
    graph = statics.graph
    at_nodes, into = jnp.abs(jnp.asarray(graph.of_inductors)), jnp.abs(graph.of_junctions)
    largest = into @ statics.relations.largest() + jnp.abs(bias.fixed)
    total = _total(statics, bias)
    largest = largest + jnp.abs(bias.along) * total / _fed(statics, bias)
    count = len(graph.inductors)
    if not count:
        return jnp.zeros(0)

    def tighten(_: Array, bound: Array) -> Array:
        others = largest[:, None] + (at_nodes @ bound)[:, None] - at_nodes * bound
        at_ends = jnp.where(at_nodes > 0, others, jnp.inf)
        return jnp.minimum(bound, jnp.min(at_ends, axis=0))

    return jax.lax.fori_loop(0, count, tighten, jnp.full(count, total))


def largest_bias(statics: Statics, bias: Bias) -> Scalar:
    """No static state carries a larger current along the bias."""
    graph, node = statics.graph, bias.along
    through = _total(statics, bias) / _fed(statics, bias)
    into = jnp.abs(graph.of_junctions) @ statics.relations.largest()
    into = into + jnp.abs(jnp.asarray(graph.of_inductors)) @ inductor_bounds(statics, bias)
    into = into + jnp.abs(bias.fixed)
    at_node = jnp.where(node == 0, jnp.inf, into / jnp.where(node == 0, 1.0, jnp.abs(node)))
    return jnp.minimum(through, jnp.min(at_node))


def _total(statics: Statics, bias: Bias) -> Scalar:
    """What all junctions can carry, and what is injected besides."""
    return jnp.sum(statics.relations.largest()) + jnp.sum(jnp.abs(bias.fixed))


def _fed(statics: Statics, bias: Bias) -> Scalar:
    """How much current per bias junctions have to carry, into pieces of inductors or out of them.

    1 where they carry none: inductors lead it to the ground.
    """
    net = jnp.asarray(statics.graph.wired) @ bias.along
    fed = jnp.maximum(jnp.sum(jnp.maximum(net, 0.0)), jnp.sum(jnp.maximum(-net, 0.0)))
    return jnp.where(fed > 1e-9, fed, 1.0)
