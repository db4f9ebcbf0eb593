"""Where a running phase is trapped: a march of its energy at many currents side by side.

    dE/dφ = i − I(φ) − β√(2E),  E ≥ 0:

a phase that stops waits (for the noise that pushes it over the next maximum of the potential) and
goes on from rest. What stops in the second period of φ stops in every one, and does so at all
currents below that of retrapping and at none above. Nothing here is differentiated.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..numerics.extrema import clustered_grid
from ..numerics.roots import Scalar, bracketed_root, value_and_slope
from .homoclinic import Branch, Nodes, Pull, energies_beside, mesh_from, rates_at

_LANES = 48
_SAMPLES = 256
_ROOM = 3.0  # i/β may be so much larger than without damping
_COMPARED = 0.4  # how far before the maximum of I
_SHARP, _BESIDE = 1e-9, 1e-12  # width of a jump, and distance at which its sides are taken
_LEVEL_OF_JUMP = 1e-6  # of max|I|: what is less is none
_HALVINGS = 16
_PARTS = 4  # steps between two nodes of a march that decides
_LEAST = 0.1  # of the velocity beside a saddle
_LEVEL = 1e-9  # of max|I|: rounding
_PAST = 1.02  # of the critical current, beyond which nothing stops


class Trapped(NamedTuple):
    """What is known just below and above the current of retrapping.

    Attributes:
        branch: where the saddle lies that traps.
        current: a current at which it does.
        next: one at which it does not.
        phase: one period from the first sample on.
        slower, faster: velocity there at the one current and at the other.
    """

    branch: Branch
    current: Scalar
    next: Scalar
    phase: Float[Array, " n"]
    slower: Float[Array, " n"]
    faster: Float[Array, " n"]


class Landscape(NamedTuple):
    """One period of a relation on a grid, the first phase repeated at the end."""

    phase: Float[Array, " n"]
    current: Float[Array, " n"]


def landscape(pull: Pull) -> Landscape:
    kinks, widths = pull.turns()
    samples = max(_SAMPLES, 4 * pull.relation.samples_per_period())
    grid = clustered_grid(kinks, widths, samples)
    current = pull.current(grid)
    return Landscape(jnp.append(grid, grid[0] + 2 * jnp.pi), jnp.append(current, current[0]))


def bounds(pull: Pull, land: Landscape) -> tuple[Scalar, Scalar]:
    """Currents between which the current of retrapping lies, by the weak-damping limit."""
    step = jnp.diff(land.phase)
    mean = jnp.sum((land.current[1:] + land.current[:-1]) / 2 * step) / (2 * jnp.pi)
    push = land.current - mean
    energy = jnp.cumsum((push[1:] + push[:-1]) / 2 * step)
    velocity = jnp.sqrt(2 * (jnp.max(energy) - energy))
    lift = pull.damping * jnp.sum(velocity * step) / (2 * jnp.pi)
    highest = jnp.max(land.current)
    return mean, jnp.minimum(mean + _ROOM * lift, highest + (_PAST - 1) * (highest - mean))


def trapped(pull: Pull, land: Landscape, low: Scalar, high: Scalar, first: Array) -> Trapped:
    """Between two currents; `first` of several saddles that trap at one current, or the last."""
    lanes = jnp.linspace(low, high, _LANES)
    step, middle = jnp.diff(land.phase), (land.current[1:] + land.current[:-1]) / 2

    def period(velocity: Float[Array, " lanes"], _: None):
        return jax.lax.scan(march, velocity, (step, middle))

    def march(velocity: Float[Array, " lanes"], panel: tuple[Scalar, Scalar]):
        velocity = stepped(velocity, panel[0], lanes - panel[1], pull.damping)
        return velocity, velocity

    _, found = jax.lax.scan(period, jnp.zeros(_LANES), None, length=2)
    stopped = found[-1] <= 0
    lane = jnp.max(jnp.where(jnp.any(stopped, axis=0), jnp.arange(_LANES), 0))
    here = stopped[:, lane]
    released = here & ~jnp.roll(here, -1)
    index = jnp.arange(here.size)
    last = jnp.max(jnp.where(released, index, -1))
    early = jnp.min(jnp.where(released, index, here.size))
    place = jnp.mod(jnp.where(first, early, last) + 1, here.size)
    above = jnp.minimum(lane + 1, _LANES - 1)
    return Trapped(
        _branch(pull, land, place), lanes[lane], lanes[above], land.phase[1:],
        found[-1][:, lane], found[-1][:, above],
    )  # fmt: skip


def stepped(
    velocity: Float[Array, "*n"], step: Scalar, push: Float[Array, "*n"], damping: Scalar
) -> Float[Array, "*n"]:
    """p after a step in φ, by the implicit trapezoidal rule for p²/2; 0 where it stops."""
    drag = damping * step / 2
    energy = velocity**2 / 2 + step * push - drag * velocity
    faster = jnp.sqrt(drag**2 + 2 * jnp.maximum(energy, 0.0)) - drag
    return jnp.where(energy > 0, faster, 0.0)


def _branch(pull: Pull, land: Landscape, place: Array) -> Branch:
    """The falling branch of I around a sample at or beside its saddle."""
    grid, current = land.phase[:-1], land.current[:-1]
    count = grid.size
    rise, fall = current - jnp.roll(current, 1), current - jnp.roll(current, -1)
    index = jnp.arange(count)
    back = jnp.where((rise >= 0) & (fall > 0), jnp.mod(place - index, count), count)
    peak = jnp.argmin(back)
    ahead = jnp.where((rise < 0) & (fall <= 0), jnp.mod(index - peak, count), count)
    trough = jnp.argmin(ahead)

    def at(k: Array) -> Scalar:
        return grid[jnp.mod(k, count)] + 2 * jnp.pi * jnp.floor_divide(k, count).astype(float)

    def slope(phase: Scalar, args: Pull) -> Scalar:
        return -value_and_slope(args.current, phase)[1]

    top = bracketed_root(slope, pull, at(peak - 1), at(peak + 1), steps=40)
    bottom = grid[peak] + jnp.mod(grid[trough] - grid[peak], 2 * jnp.pi)
    branch = Branch(top, bottom, pull.current(top), jnp.zeros((), bool), top, jnp.zeros(()))
    return _at_jump(pull, branch, grid[place], land)


def _at_jump(pull: Pull, branch: Branch, near: Scalar, land: Landscape) -> Branch:
    """The branch, or the jump on it."""
    kinks, widths = pull.turns()
    if not kinks.size:
        return branch
    apart = jnp.mod(kinks - near + jnp.pi, 2 * jnp.pi) - jnp.pi
    apart = jnp.where(widths < _SHARP, jnp.abs(apart), jnp.inf)
    edge = kinks[jnp.argmin(apart)]
    highest, lowest = pull.current(edge - _BESIDE), pull.current(edge + _BESIDE)
    falls = highest - lowest > _LEVEL_OF_JUMP * jnp.max(jnp.abs(land.current))
    jump = (jnp.min(apart) < _BESIDE) & falls
    return branch._replace(
        highest=jnp.where(jump, highest, branch.highest), jump=jump, edge=edge,
        drop=jnp.where(jump, highest - lowest, 0.0), top=jnp.where(jump, edge, branch.top),
    )  # fmt: skip


class Legs(NamedTuple):
    """What leaves a saddle and what comes into its copy, each at the nodes of the mesh.

    Attributes:
        moving: what leaves does not stop before it is there.
        slower: nor does it pass.
    """

    leaving: Nodes
    coming: Nodes
    moving: Bool[Array, ""]
    slower: Bool[Array, ""]


def legs(pull: Pull, saddle: Scalar, beside: Scalar, parts: int) -> Legs:
    """By marches to either side with some steps between two nodes.

    From a maximum of I they go along the directions that are left there, I and its slope as they
    are beside it.
    """
    mesh = mesh_from(pull, saddle)
    slow, fast, _ = rates_at(pull, beside)
    nodes = mesh.phase.T.ravel()
    share = jnp.linspace(0.0, 1.0, parts, endpoint=False)
    phase = jnp.append((nodes[:-1, None] + jnp.diff(nodes)[:, None] * share).ravel(), nodes[-1])
    push = pull.current(beside) - pull.current(phase)
    step, middle = jnp.diff(phase), (push[1:] + push[:-1]) / 2

    def forward(velocity: Scalar, panel: tuple[Scalar, Scalar]):
        return stepped(velocity, *panel, pull.damping), velocity

    def backward(velocity: Scalar, panel: tuple[Scalar, Scalar]):
        return stepped(velocity, panel[0], -panel[1], -pull.damping), velocity

    last, leaving = jax.lax.scan(forward, slow * mesh.closest, (step, middle))
    first, coming = jax.lax.scan(backward, fast * mesh.closest, (step, middle), reverse=True)
    leaving, coming = jnp.append(leaving, last), jnp.append(first, coming)
    far = phase - saddle < 2 * jnp.pi - _COMPARED
    near = jnp.sum(far) - 1
    moving = jnp.min(jnp.where(far & (push < -_LEVEL), leaving, jnp.inf)) > 0
    slower = leaving[near] < coming[near]

    def at_nodes(fine: Float[Array, " n"]) -> Nodes:
        return jnp.reshape(fine[::parts], mesh.phase.shape[::-1]).T

    return Legs(at_nodes(leaving), at_nodes(coming), moving, slower)


def comes_to_rest(pull: Pull, branch: Branch) -> Bool[Array, ""]:
    """Whether the phase that leaves a maximum of I, at that current, creeps into its copy.

    It does if it is slower than what comes in along the fast direction.
    """
    beside = jnp.where(branch.jump, branch.top - _BESIDE, branch.top)
    found = legs(pull, branch.top, beside, _PARTS)
    return found.moving & found.slower


def met(pull: Pull, branch: Branch, saddle: Scalar) -> tuple[Scalar, Nodes]:
    """The saddle whose legs meet, between a maximum of I and a saddle that traps, by bisection."""

    def halved(_: Array, bracket: tuple[Scalar, Scalar]):
        passing, trapping = bracket
        middle = (passing + trapping) / 2
        found = legs(pull, middle, middle, 1)
        passes = found.moving & ~found.slower
        return jnp.where(passes, middle, passing), jnp.where(passes, trapping, middle)

    bracket = jax.lax.fori_loop(0, _HALVINGS, halved, (branch.top, saddle))
    found = legs(pull, bracket[1], bracket[1], 1)
    near = mesh_from(pull, bracket[1]).phase - bracket[1] < 2 * jnp.pi - _COMPARED
    return bracket[1], jnp.where(near, found.leaving, found.coming)


def guessed(pull: Pull, branch: Branch, found: Trapped, place: Scalar) -> Nodes:
    """Velocity on the mesh: what leaves the saddle when slower, what comes in when faster."""
    saddle = branch.saddle(place)
    mesh = mesh_from(pull, saddle)
    slow, fast, _ = rates_at(pull, saddle)

    def at(phase: Float[Array, "..."], velocity: Float[Array, " n"]):
        return jnp.interp(phase, found.phase, velocity, period=2 * jnp.pi)

    behind = mesh.phase - saddle
    before = 2 * jnp.pi - behind
    missing = at(saddle, found.faster)
    faster = at(mesh.phase, found.faster)
    leaving = faster * behind / (behind + missing / slow)
    velocity = jnp.maximum(leaving, jnp.where(behind < jnp.pi, at(mesh.phase, found.slower), 0.0))
    velocity = velocity * before / (before + missing / fast)
    # A grid does not see the last of it.
    least = jnp.minimum(slow * behind, fast * before)
    smooth = jnp.maximum(jnp.minimum(velocity, fast * before), least * _LEAST)
    steep, _ = energies_beside(pull, branch, place, behind)
    _, end = energies_beside(pull, branch, place, before)
    sudden = jnp.minimum(faster, jnp.sqrt(2 * jnp.minimum(steep, end)))
    return jnp.where(branch.jump, sudden, smooth)
