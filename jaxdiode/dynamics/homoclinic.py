"""The orbit that leaves a saddle of a tilted potential and just comes back to its copy at +2π.

With p = φ' over φ and E = p²/2,   dE/dφ = i − I(φ) − βp,   I(s) = i,   E = 0 at s and s + 2π.
Newton's method for E and i together takes the linear equation

    w' + (β/p) w = i − I(φ) − βp/2,

whose solution with both ends is the next E: √E is concave, so i comes down to its root, and
i = ∫μ(I + βp/2)dφ/∫μdφ with μ = exp(∫β dφ/p). Towards the end μ ~ y^(−β/κ) where p = κy.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..core.device import AbstractPhaseBiased
from ..numerics import radau
from ..numerics.roots import bracketed_root, value_and_slope

Scalar = Float[Array, ""]
Nodes = Float[Array, "nodes panels"]

_FEWEST, _PANELS, _PER_TURN = 16, 30, 12  # panels of a smooth relation, of its saddle, of a turn
_PER_SCALE, _TABLE = 1.0, 24
_CLOSEST, _SHARPEST = 1e-6, 1e-7
_SERIES, _BEND = 300.0, 1e-3  # times the closest distance and I'/I'': the series is good to 1e-7
_ITERATIONS = 24
_CHANGE = 1e-5  # of E, relative: the next change is of its square
_ROUNDED = 1e4  # times the closest distance: p within it has the rounding of the largest E
_RESOLVED = 5e-5  # largest tail of p on a panel; the error of i is of its square
_NEGLIGIBLE = 1e-6  # share of the largest E below which its change does not count near a saddle
_NEAR = 1e-2
_ROOM = 4.0  # E may change by this factor in one iteration


class Pull(NamedTuple):
    """The relation of one direction of the current, −I(−φ) for −, and the damping.

    Currents are of size 1.
    """

    relation: AbstractPhaseBiased
    sign: Scalar
    damping: Scalar

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.sign * self.relation.current(self.sign * phase)

    def turns(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """Sharp turns in [0, 2π) and their widths."""
        kinks, widths = (jnp.ravel(jnp.asarray(x, float)) for x in self.relation.kinks())
        return jnp.mod(self.sign * kinks, 2 * jnp.pi), widths


class Branch(NamedTuple):
    """Phases between which I falls, from a local maximum on: a saddle lies on it.

    Attributes:
        top, bottom: of it.
        highest: I at the top.
        jump: I falls at one phase, where E rises with a slope and not as a parabola.
        edge: that phase.
        drop: by how much.
    """

    top: Scalar
    bottom: Scalar
    highest: Scalar
    jump: Bool[Array, ""]
    edge: Scalar
    drop: Scalar

    def ends(self) -> tuple[Scalar, Scalar]:
        """Of the coordinate along the branch: a phase, or at a jump the depth below its top."""
        zero = jnp.zeros(())
        return jnp.where(self.jump, zero, self.top), jnp.where(self.jump, self.drop, self.bottom)

    def saddle(self, place: Scalar) -> Scalar:
        return jnp.where(self.jump, self.edge, place)

    def current(self, pull: Pull, place: Scalar) -> Scalar:
        return jnp.where(self.jump, self.highest - place, pull.current(self.saddle(place)))


class Mesh(NamedTuple):
    """Nodes from a saddle to its copy, finer towards both and towards sharp turns."""

    phase: Nodes
    length: Float[Array, " panels"]
    closest: Scalar


class Orbit(NamedTuple):
    """One approximation of the homoclinic orbit.

    Attributes:
        current: i.
        saddle: where it starts.
        place: the same along the branch.
        energy: p²/2 at the nodes.
        change: of the energy, relative, in the last iteration.
        step: of the current, in the last iteration.
    """

    current: Scalar
    saddle: Scalar
    place: Scalar
    energy: Nodes
    change: Scalar
    step: Scalar
    iteration: Int[Array, ""]


def place_on(pull: Pull, branch: Branch, current: Scalar) -> Scalar:
    """Where I falls through the current."""

    def below(phase: Scalar, args: tuple[Pull, Scalar]) -> Scalar:
        return args[1] - args[0].current(phase)

    phase = bracketed_root(below, (pull, current), branch.top, branch.bottom, steps=40)
    return jnp.where(branch.jump, branch.highest - current, phase)


def rates_at(pull: Pull, saddle: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """λ and κ, p = λx behind and κy before a saddle, and −I' there."""
    _, slope = value_and_slope(pull.current, saddle)
    fall = jnp.maximum(-slope, 1e-30)
    root = pull.damping / 2 + jnp.sqrt(pull.damping**2 / 4 + fall)
    return fall / root, root, fall


def energies_beside(
    pull: Pull, branch: Branch, place: Scalar, distance: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """E at a distance behind a saddle and before its copy."""
    slow, fast, _ = rates_at(pull, branch.saddle(place))
    jump = branch.jump
    behind = jnp.where(jump, (branch.drop - place) * distance, (slow * distance) ** 2 / 2)
    return behind, jnp.where(jump, place * distance, (fast * distance) ** 2 / 2)


def mesh_from(pull: Pull, saddle: Scalar) -> Mesh:
    """Edges at equal shares of a density ~ 1/(distance + width) of every feature, and at turns."""
    kinks, widths = pull.turns()
    turns = jnp.mod(kinks - saddle, 2 * jnp.pi)
    widths = jax.lax.stop_gradient(jnp.clip(widths, _SHARPEST, 1.0))
    apart = jnp.minimum(turns, 2 * jnp.pi - turns)
    closest = _CLOSEST * jax.lax.stop_gradient(jnp.min(apart + widths, initial=1.0))
    ends = jnp.stack([jnp.zeros(()), jnp.full((), 2.0 * jnp.pi)])
    centers = jnp.concatenate([ends, turns, turns - 2 * jnp.pi, turns + 2 * jnp.pi])
    scales = jnp.concatenate([jnp.stack([closest, closest]), widths, widths, widths])
    rung = jnp.linspace(0.0, 1.0, _TABLE)
    ladder = scales[:, None] / 8 * (32.0 / scales[:, None]) ** rung
    table = jnp.concatenate([centers[:, None] - ladder, centers[:, None] + ladder], axis=1)
    even = jnp.linspace(0.0, 2 * jnp.pi, _TABLE)
    table = jnp.sort(jnp.clip(jnp.append(table.ravel(), even), closest, 2 * jnp.pi - closest))
    away = table[:, None] - centers
    grown = jnp.sign(away) * jnp.log1p(jnp.abs(away) / scales)
    most = max(_FEWEST, pull.relation.samples_per_period() // 4)
    density = _PER_SCALE * jnp.sum(grown, axis=1) + most / (2 * jnp.pi) * table
    panels = _PANELS + most + _PER_TURN * kinks.size
    inner = jnp.interp(jnp.linspace(density[0], density[-1], panels + 1), density, table)
    nearest = jnp.argmin(jnp.abs(inner[1:-1, None] - turns), axis=0) + 1
    inner = inner.at[nearest].set(jnp.clip(turns, closest, 2 * jnp.pi - closest))
    length = jnp.diff(inner)
    # What is closer to the saddle is known: E is a parabola there.
    phase = saddle + inner[:-1] + jnp.asarray(radau.SHARE)[:, None] * length
    first, last = saddle + inner[0], saddle + inner[-1]
    around = (jnp.full((radau.NODES, 1), x) for x in (first, last))
    before, after = around
    return Mesh(jnp.concatenate([before, phase, after], axis=1), jnp.pad(length, 1), closest)


def improved(pull: Pull, branch: Branch, orbit: Orbit) -> Orbit:
    """One iteration, for E on nodes that move with the saddle and for the saddle."""
    velocity = jnp.sqrt(2 * orbit.energy)

    def driving(place: Scalar):
        mesh = mesh_from(pull, branch.saddle(place))
        push = branch.current(pull, place) - pull.current(mesh.phase) - pull.damping * velocity
        return (mesh.length * push, *energies_beside(pull, branch, place, mesh.closest)), mesh

    (push, start, stop), (pushed, started, stopped), mesh = jax.jvp(
        driving, (orbit.place,), (jnp.ones(()),), has_aux=True
    )
    length = mesh.length
    through = radau.propagator(pull.damping / velocity, length)
    known = radau.solved(through, push + length * pull.damping * velocity / 2, start)
    more = radau.solved(through, pushed, started)
    step = (stop - known[-1, -1]) / (more[-1, -1] - stopped)
    first, last = branch.ends()
    place = orbit.place + step
    place = jnp.where(place > first, place, (orbit.place + first) / 2)
    place = jnp.where(place < last, place, (orbit.place + last) / 2)
    energy = known + (place - orbit.place) * more
    energy = jnp.clip(energy, orbit.energy / _ROOM, orbit.energy * _ROOM)
    rounding = jnp.where(_near(orbit.saddle, mesh), _NEGLIGIBLE * jnp.max(orbit.energy), 0.0)
    size = orbit.energy + rounding
    change = jnp.max(jnp.abs(energy - orbit.energy) / size)
    current, saddle = branch.current(pull, place), branch.saddle(place)
    return Orbit(current, saddle, place, energy, change, step, orbit.iteration + 1)


def _near(saddle: Scalar, mesh: Mesh) -> Bool[Array, "nodes panels"]:
    behind = mesh.phase - saddle
    return (behind < _NEAR) | (behind > 2 * jnp.pi - _NEAR)


def begun(pull: Pull, branch: Branch, velocity: Nodes, place: Scalar) -> Orbit:
    """A first guess."""
    current, saddle = branch.current(pull, place), branch.saddle(place)
    energy = jnp.maximum(velocity, 1e-14) ** 2 / 2
    one = jnp.ones(())
    return Orbit(current, saddle, place, energy, one, one, jnp.zeros((), int))


def converged(pull: Pull, branch: Branch, first: Orbit) -> tuple[Orbit, Bool[Array, ""]]:
    """The orbit, and whether the iteration came to it."""

    def unfinished(orbit: Orbit) -> Bool[Array, ""]:
        return ~_settled(orbit) & (orbit.iteration < _ITERATIONS)

    orbit = jax.lax.while_loop(unfinished, lambda x: improved(pull, branch, x), first)
    return orbit, _settled(orbit)


def _settled(orbit: Orbit) -> Bool[Array, ""]:
    return (orbit.change <= _CHANGE) & (jnp.abs(orbit.step) <= _CHANGE)


class Response(NamedTuple):
    """How the current of an orbit answers to changes: di = Σ weight (dI + p dβ).

    Attributes:
        phase: of the nodes.
        weight: μ at the nodes, normalised.
        growth: μ'/μ = β/p.
        resolved: by the panels.
    """

    phase: Nodes
    weight: Nodes
    velocity: Nodes
    growth: Nodes
    resolved: Bool[Array, ""]


def response(pull: Pull, branch: Branch, orbit: Orbit) -> Response:
    mesh = mesh_from(pull, orbit.saddle)
    slow, fast, _ = rates_at(pull, orbit.saddle)
    velocity = jnp.sqrt(2 * orbit.energy)
    velocity = jnp.where(branch.jump, velocity, _near_saddle(pull, orbit, mesh, velocity))
    # At a jump μ is finite.
    slow, fast = (jnp.where(branch.jump, 1.0, x) for x in (slow, fast))
    growth = pull.damping / velocity
    weight, carried = radau.end_weights(radau.propagator(growth, mesh.length))
    weight = weight * mesh.length
    close = mesh.closest
    weight = weight.at[0, 0].set(carried * close * slow / fast).at[-1, -1].set(close * fast / slow)
    weight = weight / jnp.sum(weight)
    # What is closer than the mesh is one node, at the mean distance under μ.
    left, arrived = (close * x / (x + 1) for x in (fast / slow, slow / fast))
    phase = mesh.phase.at[0, 0].set(orbit.saddle + left)
    phase = phase.at[-1, -1].set(orbit.saddle + 2 * jnp.pi - arrived)
    velocity = velocity.at[0, 0].set(slow * left).at[-1, -1].set(fast * arrived)
    behind = mesh.phase - orbit.saddle
    near = jnp.minimum(behind, 2 * jnp.pi - behind) < _ROUNDED * mesh.closest
    tail = radau.tail(jnp.where(jnp.any(near, axis=0), 0.0, velocity))
    resolved = tail < _RESOLVED * jnp.max(velocity)
    return Response(phase, weight, velocity, growth, resolved)


def _near_saddle(pull: Pull, orbit: Orbit, mesh: Mesh, velocity: Nodes) -> Nodes:
    """By the series in the distance where E is lost in the rounding of its maximum."""
    slow, fast, fall = rates_at(pull, orbit.saddle)
    _, (_, bend) = value_and_slope(lambda x: value_and_slope(pull.current, x), orbit.saddle)
    behind = mesh.phase - orbit.saddle
    before = 2 * jnp.pi - behind
    leaving = slow * behind - bend / (2 * (3 * slow + pull.damping)) * behind**2
    coming = fast * before + bend / (2 * (3 * fast - pull.damping)) * before**2
    near = jnp.minimum(_SERIES * mesh.closest, _BEND * fall / jnp.maximum(jnp.abs(bend), 1e-30))
    return jnp.where(behind < near, leaving, jnp.where(before < near, coming, velocity))
