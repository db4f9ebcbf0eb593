"""The relations of all junctions of a circuit, evaluated side by side."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..core.device import AbstractPhaseBiased
from ..numerics.extrema import clustered_grid
from ..numerics.status import Status
from .link import LinearLink

Scalar = Float[Array, ""]
PerJunction = Float[Array, " junctions"]

WELLS = 3  # of one relation that starts are looked for in
_JUMP = 1e-6  # radians: narrower turns are jumps
_PANELS, _NODES = 24, 4  # Gauss points of an energy


class Wells(NamedTuple):
    """Where the stable phases of every junction lie.

    Attributes:
        low, high: ends of the intervals in which I(θ) rises.
        count: how many there are; at least one.
        walls: phases at which the current jumps or the phase slips, NaN for none.
        periodic: whether walls repeat every 2π.
    """

    low: Float[Array, "junctions wells"]
    high: Float[Array, "junctions wells"]
    count: Int[Array, " junctions"]
    walls: Float[Array, "junctions walls"]
    periodic: Bool[np.ndarray, " junctions"]


class Relations(eqx.Module):
    """I_j(θ_j) of every junction in a common unit.

    Attributes:
        groups: junctions of one kind and shape, stacked: traced once, whatever their number.
        members: indices of the junctions in each group.
        unit: of the currents.
    """

    groups: tuple
    members: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    unit: Scalar

    def current(self, phase: PerJunction) -> PerJunction:
        parts = []
        for members, stacked in zip(self.members, self.groups, strict=True):
            index = np.array(members)
            parts.append(jax.vmap(lambda one, x: one.current(x))(stacked, phase[index]))
        return self._in_order(parts) / self.unit

    def _in_order(self, parts: list[Array]) -> Array:
        """What the groups gave, junction by junction."""
        return jnp.concatenate(parts)[np.argsort(np.concatenate(self.members))]

    @property
    def periodic(self) -> Bool[np.ndarray, " junctions"]:
        """Whether a relation repeats every 2π; that of a link does not."""
        kinds = zip(self.groups, self.members, strict=True)
        found = [np.full(len(m), not isinstance(g, LinearLink)) for g, m in kinds]
        return np.concatenate(found)[np.argsort(np.concatenate(self.members))]

    def with_slope(self, phase: PerJunction) -> tuple[PerJunction, PerJunction]:
        """I and dI/dθ."""
        return jax.jvp(self.current, (phase,), (jnp.ones_like(phase),))

    def slope_and_bend(self, phase: PerJunction) -> tuple[PerJunction, PerJunction]:
        """dI/dθ and d²I/dθ²."""
        return jax.jvp(lambda x: self.with_slope(x)[1], (phase,), (jnp.ones_like(phase),))

    def energy(self, phase: PerJunction) -> PerJunction:
        """∫₀^θ I dθ."""
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        part = (np.arange(_PANELS)[:, None] + (nodes + 1) / 2).ravel() / _PANELS
        share = np.tile(weights / 2, _PANELS) / _PANELS
        values = jax.vmap(lambda p: self.current(p * phase))(jnp.asarray(part))
        return phase * (jnp.asarray(share) @ values)

    def status(self) -> Int[Array, ""]:
        codes = [jax.vmap(lambda one: one.status())(stacked) for stacked in self.groups]
        return jnp.max(jnp.concatenate(codes)).astype(jnp.int32)

    def wells(self) -> Wells:
        found = []
        for stacked in self.groups:
            if isinstance(stacked, LinearLink):
                found.append(jax.vmap(_wells_of_link)(stacked))
            else:
                found.append(jax.vmap(_wells_of)(stacked))
        most = max(walls.shape[1] for *_, walls in found)

        def padded(walls: Array) -> Array:
            gap = most - walls.shape[1]
            return jnp.pad(walls, ((0, 0), (0, gap)), constant_values=jnp.nan)

        low, high, count = (self._in_order([f[k] for f in found]) for k in range(3))
        walls = self._in_order([padded(f[3]) for f in found])
        return Wells(low, high, count, walls, self.periodic)

    def of_each(self, number: Callable[[Any], Array]) -> PerJunction:
        """A number of every relation, junction by junction."""
        return self._in_order([jax.vmap(number)(stacked) for stacked in self.groups])

    def largest(self) -> PerJunction:
        """max|I| of every junction, from samples."""
        return self.of_each(_largest) / self.unit

    def steepest(self) -> PerJunction:
        """max|dI/dθ| of every junction but for jumps, from samples."""
        return self.of_each(_steepest) / self.unit


def grouped(devices: Sequence) -> tuple[tuple[Any, ...], tuple[tuple[int, ...], ...]]:
    """Devices of one structure and shape stacked on a first axis, and their indices."""
    found: dict = {}
    for k, device in enumerate(devices):
        leaves, structure = jax.tree.flatten(device)
        found.setdefault((structure, tuple(map(jnp.shape, leaves))), []).append(k)
    members = tuple(map(tuple, found.values()))
    stacked = (jax.tree.map(lambda *x: jnp.stack(x), *(devices[k] for k in m)) for m in members)
    return tuple(stacked), members


def side_by_side(devices: Sequence) -> Relations:
    """Relations of devices, solved, in a unit that is the largest of their currents."""
    solved = [d.relation() if isinstance(d, AbstractPhaseBiased) else d for d in devices]
    plain = Relations(*grouped(solved), jnp.ones(()))
    unit = jax.lax.stop_gradient(jnp.max(plain.largest()))
    return eqx.tree_at(lambda r: r.unit, plain, jnp.where(unit > 0, unit, 1.0))


def _largest(relation: AbstractPhaseBiased | LinearLink) -> Array:
    if isinstance(relation, LinearLink):
        return relation.critical_current
    return jnp.max(jnp.abs(_samples(relation)[1]))


def _steepest(relation: AbstractPhaseBiased | LinearLink) -> Array:
    if isinstance(relation, LinearLink):
        return relation.critical_current / relation.critical_phase
    grid, _ = _samples(relation)
    _, slope = jax.jvp(relation.current, (grid,), (jnp.ones_like(grid),))
    return jnp.max(jnp.abs(slope))


def _samples(relation: AbstractPhaseBiased) -> tuple[Array, Array]:
    kinks, widths = relation.kinks()
    grid = clustered_grid(kinks, widths, 2 * relation.samples_per_period())
    return grid, relation.current(grid)


def _wells_of(relation: AbstractPhaseBiased) -> tuple[Array, Array, Array, Array]:
    """The intervals of largest rise, one period, from the samples."""
    grid, current = _samples(relation)
    size = grid.size
    rising = jnp.roll(current, -1) > current  # on the piece from k to k + 1
    starts = rising & ~jnp.roll(rising, 1)
    begin = jnp.argmax(starts)
    # One turn of the samples from the start of a rise on: intervals are then in one piece.
    turned = jnp.mod(begin + jnp.arange(size + 1), size)
    phase = grid[turned] + jnp.where(begin + jnp.arange(size + 1) >= size, 2 * jnp.pi, 0.0)
    value, up = current[turned], rising[turned]
    number = jnp.cumsum(starts[turned])[:-1] - 1  # of the rise that a piece belongs to or follows
    piece = up[:-1]
    first = jax.ops.segment_min(jnp.where(piece, phase[:-1], jnp.inf), number, size)
    last = jax.ops.segment_max(jnp.where(piece, phase[1:], -jnp.inf), number, size)
    bottom = jax.ops.segment_min(jnp.where(piece, value[:-1], jnp.inf), number, size)
    top = jax.ops.segment_max(jnp.where(piece, value[1:], -jnp.inf), number, size)
    rise = jnp.where(jnp.isfinite(first) & jnp.isfinite(last), top - bottom, 0.0)
    order = jnp.argsort(-rise)[:WELLS]
    most = rise[order[0]]
    real = rise[order] > 1e-6 * most
    low = jnp.where(real, first[order], -jnp.pi / 2)
    high = jnp.where(real, last[order], jnp.pi / 2)
    middle = (low + high) / 2
    shift = 2 * jnp.pi * jnp.round(middle / (2 * jnp.pi))
    kinks, widths = relation.kinks()
    walls = jnp.where(widths < _JUMP, kinks, jnp.nan)
    return low - shift, high - shift, jnp.maximum(jnp.sum(real), 1), walls


def _wells_of_link(link: LinearLink) -> tuple[Array, Array, Array, Array]:
    end = link.critical_phase
    low = jnp.full(WELLS, -1.0) * end
    return low, -low, jnp.ones((), int), jnp.stack([-end, end])


def known_status(relations: Relations) -> Int[Array, ""]:
    """What the junctions say of themselves."""
    code = relations.status()
    finite = jnp.all(jnp.isfinite(relations.largest()))
    return jnp.where(finite, code, Status.NONFINITE).astype(jnp.int32)
