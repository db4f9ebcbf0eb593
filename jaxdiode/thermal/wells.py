"""Wells and barriers of a tilted current-phase relation, in either direction of the current.

U(φ) = E(φ) − iφ, E = ∫I dφ: wells are zeros of i − I with I' > 0, barriers those with I' < 0, a
downward jump of I through i among them. The direction − is the direction + of −I(−φ).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..core.device import AbstractPhaseBiased, Relation
from ..numerics.extrema import clustered_grid
from ..numerics.roots import bracketed_root, refined, value_and_slope
from .panels import COEFFICIENTS, NODES, SHARE, Panels

Scalar = Float[Array, ""]

_TURN = 2 * np.pi
_SHORTEST = 1e-12  # panel
_LEGENDRE = [np.polynomial.legendre.Legendre.basis(n) for n in range(NODES)]


def _powers(series: list[np.polynomial.Polynomial], size: int) -> np.ndarray:
    """Coefficients of polynomials, the highest power first."""
    return np.stack([np.pad(x.coef, (0, size - x.coef.size))[::-1] for x in series])


_SERIES = [x.convert(kind=np.polynomial.Polynomial) for x in _LEGENDRE]
_CURRENT = COEFFICIENTS.T @ _powers(_SERIES, NODES)  # of samples, in u = 2·share − 1
_ENERGY = COEFFICIENTS.T @ _powers([x.integ(lbnd=-1) / 2 for x in _SERIES], NODES + 1)

_KEPT = slice(0, None, 2)  # of the nodes, as samples
_SHARES = np.concatenate([[0.0], SHARE[_KEPT], [1.0]])
_AT_ENDS = np.stack([_CURRENT @ (np.array([u]) ** np.arange(NODES)[::-1]) for u in (-1.0, 1.0)])

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_RISE = (1 + _POINTS) / 2  # in [0, 1]
_ANGLE = np.pi * _RISE
ARCH = (1 - np.cos(_ANGLE)) / 2  # of an interval whose integrand ends in square roots
ARCH_WEIGHTS = _WEIGHTS / 4 * np.pi * np.sin(_ANGLE)
GRADED = _RISE**3  # of an interval whose integrand is sharp at its start
GRADED_WEIGHTS = 1.5 * _RISE**2 * _WEIGHTS


class Directed(Relation):
    """The relation seen along one direction of the current: ±I(origin ± φ)."""

    whole: Relation
    sign: Scalar
    origin: Scalar

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.sign * self.whole.current(self.origin + self.sign * phase)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        kinks, widths = (jnp.ravel(jnp.asarray(x, float)) for x in self.whole.kinks())
        return jnp.mod(self.sign * (kinks - self.origin), _TURN), widths

    def samples_per_period(self) -> int:
        return self.whole.samples_per_period()

    def magnitude(self) -> Scalar:
        return self.whole.magnitude()

    def status(self) -> Int[Array, ""]:
        return self.whole.status()


def rest(relation: AbstractPhaseBiased, start: Scalar | None) -> tuple[Scalar, Bool[Array, ""]]:
    """The well at zero bias into which `start` slides, or that of least energy; is there one?"""
    relation = jax.lax.stop_gradient(relation)
    kinks, widths = relation.kinks()
    grid = clustered_grid(kinks, widths, relation.samples_per_period())
    ends = jnp.concatenate([grid, grid[:1] + _TURN])
    current = relation.current(ends)
    held = (current[:-1] <= 0) & (current[1:] > 0)
    if start is None:
        steps = (current[1:] + current[:-1]) / 2 * jnp.diff(ends)
        height = jnp.cumsum(steps) - steps
    else:
        left = relation.current(start) > 0
        height = jnp.mod(jnp.where(left, start - ends[:-1], ends[1:] - start), _TURN)
    best = jnp.argmin(jnp.where(held, height, jnp.inf))
    root = bracketed_root(lambda x, r: r.current(x), relation, ends[best], ends[best + 1], 40)
    return jax.lax.stop_gradient(root), jnp.any(held)


class Landscape(NamedTuple):
    """I(φ) and E(φ) of one direction as polynomials on panels, and samples of three periods.

    Phase 0 is the well at zero bias. Samples include both ends of every panel, so that a jump
    shows as two currents at one phase; those of the middle period start at index `period`.
    """

    panels: Panels
    current: Float[Array, "panels n"]
    energy: Float[Array, "panels m"]
    positions: Float[Array, " samples"]
    currents: Float[Array, " samples"]
    energies: Float[Array, " samples"]

    @property
    def period(self) -> int:
        return self.positions.size // 3

    def at(self, phase: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """E and I at any phases."""
        on = self.panels
        turns = jax.lax.stop_gradient(jnp.floor(phase / _TURN))
        local = phase - _TURN * turns
        panel = jnp.searchsorted(jax.lax.stop_gradient(on.start), local, side="right") - 1
        length = on.length[panel]
        u = 2 * (local - on.start[panel]) / jnp.where(length > 0, length, 1.0) - 1
        energy = on.energy[panel] + length * _horner(self.energy[panel], u)
        return energy + turns * _TURN * on.mean, _horner(self.current[panel], u)


def landscape(panels: Panels) -> Landscape:
    current, energy = panels.current @ _CURRENT, panels.current @ _ENERGY
    frozen: Panels = jax.lax.stop_gradient(panels)
    ends = frozen.current @ _AT_ENDS.T
    position = frozen.start[:, None] + frozen.length[:, None] * _SHARES
    currents = jnp.concatenate([ends[:, :1], frozen.current[:, _KEPT], ends[:, 1:]], axis=1)
    # In a panel without length a current could cross at any place: it takes what follows it.
    number = jnp.arange(frozen.length.size)
    there = jnp.where(frozen.length > _SHORTEST, number, number.size)
    following = jax.lax.cummin(there, reverse=True) % number.size
    empty = frozen.length[:, None] <= _SHORTEST
    currents = jnp.where(empty, currents[following, :1], currents)
    whole = frozen.length * _horner(jax.lax.stop_gradient(energy), jnp.ones_like(frozen.length))
    inside = frozen.inside[:, _KEPT]
    within = jnp.concatenate([jnp.zeros_like(ends[:, :1]), inside, whole[:, None]], axis=1)
    turns = jnp.arange(-1.0, 2.0)[:, None] * _TURN
    positions = (turns + position.ravel()).ravel()
    energies = turns * frozen.mean + (frozen.energy[:, None] + within).ravel()
    return Landscape(
        panels, current, energy, positions, jnp.tile(currents.ravel(), 3), energies.ravel()
    )


class Crossing(NamedTuple):
    """Where I(φ) = i: the phase, I' and E there, and whether I jumps through i."""

    phase: Scalar
    slope: Scalar
    energy: Scalar
    jump: Bool[Array, ""]


class Well(NamedTuple):
    """A well, the barrier ahead, the one behind, and the next well, at one bias.

    Attributes:
        bias: i.
        bottom, top, behind, ahead: crossings of the well, its barrier, the barrier on the other
            side and the well past the barrier.
        index: of the first sample past the bottom.
        exists: whether i is below the largest current.
        several: whether a period holds more than one well.
        higher: whether a barrier within the next period is above this one.
    """

    bias: Scalar
    bottom: Crossing
    top: Crossing
    behind: Crossing
    ahead: Crossing
    index: Int[Array, ""]
    exists: Bool[Array, ""]
    several: Bool[Array, ""]
    higher: Bool[Array, ""]

    @property
    def barrier(self) -> Float[Array, "..."]:
        """ΔU."""
        fall = self.bias * (self.top.phase - self.bottom.phase)
        return self.top.energy - self.bottom.energy - fall


def well_at(land: Landscape, bias: Scalar) -> Well:
    """The first well ahead of phase 0 at a bias i ≥ 0, which is where the phase at rest ends."""
    frozen = jax.lax.stop_gradient(bias)
    above = land.currents > frozen
    count = jnp.arange(land.positions.size)

    def first(of: Bool[Array, " samples"]) -> Int[Array, ""]:
        return jnp.argmax(of)

    bottom = first(above & (count >= land.period))
    top = first(~above & (count > bottom))
    ahead = first(above & (count > top))
    behind = count.size - jnp.argmax((above & (count < bottom))[::-1])
    indices = jnp.stack([bottom, top, behind, ahead])
    up = jnp.array([1.0, -1.0, -1.0, 1.0])
    found = jax.vmap(lambda k, sign: _crossing(land, bias, k, sign))(indices, up)
    well, barrier, past, following = (jax.tree.map(lambda x, k=k: x[k], found) for k in range(4))
    middle = above[land.period : 2 * land.period]
    wells = jnp.sum(middle & ~jnp.roll(middle, 1))
    height = land.energies - frozen * land.positions
    highest = jnp.max(jnp.where((count >= top) & (count < top + land.period), height, -jnp.inf))
    own = jax.lax.stop_gradient(barrier.energy - bias * barrier.phase)
    size = jnp.max(jnp.abs(land.currents))
    exists = jnp.any(middle) & ~jnp.all(middle)
    higher = highest > own + 1e-9 * size
    return Well(bias, well, barrier, past, following, bottom, exists, wells > 1, higher)


def _crossing(land: Landscape, bias: Scalar, index: Int[Array, ""], sign: Scalar) -> Crossing:
    """Between sample index − 1 and sample index, I rising there with sign +1."""
    before = jnp.maximum(index - 1, 0)
    turn, within = before // land.period - 1, before % land.period
    panel, node = within // _SHARES.size, within % _SHARES.size
    edge = node == _SHARES.size - 1  # then both samples are at the end of the panel
    u = jnp.asarray(2 * _SHARES - 1)
    args = (land.current[panel], bias, sign)
    upper = u[jnp.minimum(node + 1, u.size - 1)]
    root = refined(_excess, args, bracketed_root(_excess, args, u[node], upper, 9))
    step = jnp.abs(land.currents[index] - land.currents[before])
    jump = edge & (step > 1e-7 * jnp.max(jnp.abs(land.currents)))
    root = jnp.where(jump, 1.0, root)
    on = land.panels
    _, slope = value_and_slope(lambda x: _horner(land.current[panel], x), root)
    length = on.length[panel]
    energy = on.energy[panel] + length * _horner(land.energy[panel], root)
    shift = _TURN * turn.astype(float)
    return Crossing(
        on.start[panel] + length * (1 + root) / 2 + shift,
        2 * slope / jnp.where(length > 0, length, 1.0),
        energy + shift * on.mean,
        jump,
    )


def _excess(u: Scalar, args: tuple[Array, Array, Array]) -> Scalar:
    current, bias, sign = args
    return sign * (_horner(current, u) - bias)


def _horner(coefficients: Float[Array, "... n"], u: Float[Array, "..."]) -> Float[Array, "..."]:
    def step(total: Array, coefficient: Array):
        return total * u + coefficient, None

    first = jnp.zeros(jnp.broadcast_shapes(coefficients.shape[:-1], u.shape))
    return jax.lax.scan(step, first, jnp.moveaxis(coefficients, -1, 0), unroll=4)[0]


def end_of_well(land: Landscape) -> Scalar:
    """The current at which the well at zero bias ends, from samples."""
    here = land.currents[land.period :]
    return here[_turns(here)[0]]


def splitting_current(land: Landscape) -> Scalar:
    """The current past which that well has lost its far part to another one, if it is positive."""
    here = land.currents[land.period :]
    return here[_turns(here)[1]]


def _turns(currents: Float[Array, " n"]) -> tuple[Int[Array, ""], Int[Array, ""]]:
    """Indices of the first maximum of sampled currents and of the minimum past it."""
    change = jnp.diff(currents)
    tolerance = 1e-9 * jnp.max(jnp.abs(currents))
    top = jnp.argmax(change < -tolerance)
    return top, jnp.argmax((change > tolerance) & (jnp.arange(change.size) > top))


def bias_of_barrier(land: Landscape, height: Scalar) -> Scalar:
    """The bias at which ΔU of the well at zero bias has come down to `height`; 0 if it is lower."""
    end = end_of_well(land)

    def excess(bias: Scalar, args: tuple[Landscape, Array]) -> tuple[Scalar, Scalar]:
        well = well_at(args[0], bias)
        return well.barrier - args[1], well.top.phase - well.bottom.phase

    frozen = jax.lax.stop_gradient((land, height))

    def step(_: Int[Array, ""], state: tuple[Array, Array, Array]):
        x, low, high = state
        value, fall = excess(x, frozen)
        low, high = jnp.where(value > 0, x, low), jnp.where(value > 0, high, x)
        # ΔU^(2/3) is nearly a straight line.
        total = value + frozen[1]
        power = jnp.where(total > 0, total, 1.0)
        change = 1.5 * power ** (1 / 3) * (power ** (2 / 3) - frozen[1] ** (2 / 3)) / fall
        newton = x + change
        inside = (total > 0) & (newton > low) & (newton < high)
        return jnp.where(inside, newton, (low + high) / 2), low, high

    most = jax.lax.stop_gradient(end) * (1 - 1e-12)
    state = (most / 2, jnp.zeros_like(most), most)
    bias = jax.lax.stop_gradient(jax.lax.fori_loop(0, 14, step, state)[0])
    at = jnp.stack([bias, jnp.zeros_like(bias)])
    values, falls = jax.vmap(lambda x: excess(x, (land, height)))(at)
    change = values[0] / jax.lax.stop_gradient(falls[0])
    return jnp.where(values[1] > 0, bias + change, 0.0)


def turning_point(land: Landscape, well: Well) -> Scalar:
    """The phase behind the well where U is as high as the barrier; derivatives are not kept."""
    land, well = jax.lax.stop_gradient((land, well))
    height = well.top.energy - well.bias * well.top.phase
    count = jnp.arange(land.positions.size)
    high = (land.energies - well.bias * land.positions >= height) & (count < well.index)
    last = count.size - 1 - jnp.argmax(high[::-1])

    def below(phase: Scalar, args: tuple[Landscape, Array]) -> Scalar:
        land, bias = args
        return height - (land.at(phase)[0] - bias * phase)

    ends = land.positions[last], land.positions[jnp.minimum(last + 1, count.size - 1)]
    root = bracketed_root(below, (land, well.bias), *ends, 8)
    return jnp.where(jnp.any(high), root, well.top.phase - _TURN)


def action(land: Landscape, well: Well) -> Scalar:
    """S = ∮p dφ of the oscillation in the well at the energy of the barrier."""
    first = turning_point(land, well)
    length = well.top.phase - first
    phase = first + length * ARCH
    height = well.top.energy - well.bias * well.top.phase
    depth = height - (land.at(phase)[0] - well.bias * phase)
    speed = jnp.sqrt(2 * jnp.where(depth > 0, depth, 1.0))
    return 2 * length * jnp.sum(jnp.where(depth > 0, speed, 0.0) * ARCH_WEIGHTS)


def retrapping_current(land: Landscape, damping: Scalar) -> Scalar:
    """(β/2π)∮√(2(E_max − E))dφ, first order in the damping; + ⟨I⟩ where there is one."""
    mean = land.panels.mean
    here = slice(land.period, 2 * land.period)
    positions = land.positions[here]
    best = positions[jnp.argmax(land.energies[here] - mean * positions)]
    phase = best + _TURN * ARCH
    energy = land.at(phase)[0] - mean * phase
    depth = land.at(best)[0] - mean * best - energy
    speed = jnp.sqrt(2 * jnp.where(depth > 0, depth, 1.0))
    return damping * jnp.sum(jnp.where(depth > 0, speed, 0.0) * ARCH_WEIGHTS) + mean
