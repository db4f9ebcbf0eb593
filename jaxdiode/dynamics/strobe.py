"""Steps of a driven phase without capacitance, seen once per period of the locked motion.

    φ̇ + I(φ) = i + f(Ωs):  the phase after m periods rises monotonically with i, so the smallest
    advance over all starts, min_x φ(mT; x) − x − 2πn, does too, and is 0 at the upper edge of the
    step n/m: a search in one number, without simulation of transients, that cannot miss it.

Nothing here is differentiated: it finds seeds for the exact folds and looks past them.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..core.device import AbstractPhaseBiased
from .drive import Drive

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]

_STARTS, _ORIGINS = 32, 4
_COARSE, _MIDDLING, _FINE = 0.25, 0.16, 0.08  # steps of the integration, in units of 1/max|I|
_HALVINGS = 10
_BESIDE = 17  # starts tried beside one
_REACHES = (1.5, 0.75, 0.3, 0.05)  # how far beside, in turn
_COARSE_POINTS = 256
_FEWEST, _MOST = 32, 20_000  # steps per period
CANDIDATES = 3


class Locked(NamedTuple):
    """A drive and a relation whose upper edge of the step n/m is asked for, currents of size 1.

    Attributes:
        sign: −1 for the relation −I(−φ) and the drive −f, whose upper edge is the lower one.
        turns: n, of the sign's own problem.
        origin: drive phase at which the phase is strobed.
    """

    relation: AbstractPhaseBiased
    drive: Drive
    sign: Scalar
    turns: Scalar
    origin: Scalar

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.sign * self.relation.current(self.sign * phase)

    def force(self, drive_phase: Float[Array, "..."]) -> Float[Array, "..."]:
        """f at an angle after the origin."""
        return self.sign * self.drive.current(drive_phase + self.origin)


def restoring(
    angle: Samples, phase: Samples, args: tuple[Locked, Scalar, float | Scalar]
) -> Samples:
    """λI(nθ/m + u) − f(θ)."""
    problem, periods, scale = args
    turned = problem.turns * angle / periods + phase
    return scale * problem.current(turned) - problem.force(angle)


class Seeds(NamedTuple):
    """Where folds are to be looked for.

    Attributes:
        bias: at or just below the edge.
        origins: drive phases from which the orbits are counted.
        orbits: near-periodic orbits there, u(θ) = φ − nθ/m from the origin on.
    """

    bias: Scalar
    origins: Float[Array, " candidates"]
    orbits: Float[Array, "candidates points"]


class Starts(NamedTuple):
    """Phases at drive phases after the origin, one lane each."""

    phase: Float[Array, " n"]
    angle: Float[Array, " n"]


def locked(relation: AbstractPhaseBiased, drive: Drive, sign: Scalar, turns: Scalar) -> Locked:
    """The problem strobed where the drive pushes least: there the neighbours are farthest apart."""
    angle = 2 * jnp.pi * jnp.arange(64, dtype=float) / 64
    origin = angle[jnp.argmin(sign * drive.current(angle))]
    return Locked(relation, drive, sign, sign * turns, origin)


def seeds(problem: Locked, periods: Scalar, points: int, *, thorough: bool) -> Seeds:
    """The upper edge, and orbits near it: quickly to about 1e-3, or thoroughly to 1e-5.

    A locked state may be confined to a narrow window of phases where the drive pushes; the
    thorough search strobes at several phases of the drive.
    """
    center = problem.turns * problem.drive.frequency / periods
    lanes = _lanes(_ORIGINS if thorough else 1, _STARTS)

    def halved(bracket: tuple[Scalar, Scalar], step: float):
        def halve(bracket: tuple[Scalar, Scalar], _: None):
            low, high = bracket
            middle = (low + high) / 2
            beyond = jnp.min(_advance(problem, lanes, middle, periods, step)) > 0
            return (jnp.where(beyond, low, middle), jnp.where(beyond, middle, high)), None

        return jax.lax.scan(halve, bracket, None, length=_HALVINGS)[0]

    # ⟨I⟩ lies between the extremes of I, with a little room for the errors of the integration.
    low, high = halved((center - 1.02, center + 1.02), _COARSE)
    if thorough:
        room = 2 * (high - low)
        low, high = halved((low - room, high + room), _FINE)
    advance = _advance(problem, lanes, low, periods, _FINE)
    around = advance.reshape(-1, _STARTS)
    minima = (around <= jnp.roll(around, -1, 1)) & (around < jnp.roll(around, 1, 1))
    order = jnp.argsort(jnp.where(minima.ravel(), advance, jnp.inf))[:CANDIDATES]
    chosen = jax.tree.map(lambda x: x[order], lanes)
    if thorough:
        chosen = _marginal(problem, chosen, low, periods)
        orbits = _joined(problem, chosen, low, periods, points)
    else:
        orbits = _orbits(problem, chosen, low, periods, points)
    return Seeds(low, problem.origin + chosen.angle, orbits)


def is_clear(problem: Locked, periods: Scalar, bias: Scalar) -> Bool[Array, ""]:
    """Whether no state is locked at a bias, whatever the phase it starts from."""
    lanes = _lanes(_ORIGINS, _STARTS)
    return jnp.min(_advance(problem, lanes, bias, periods, _FINE)) > 0


def later(problem: Locked, bias: Scalar, periods: Scalar) -> Callable[[Scalar], Scalar]:
    """A phase after m periods from the origin, 2πn taken off, as a function of the phase there."""
    steps = _steps(problem, _MIDDLING)
    size = 2 * jnp.pi / steps

    def advanced(phase: Scalar) -> Scalar:
        def one(k: Array, phase: Scalar):
            return _stepped(problem, phase, size * k, size, bias)

        end = jax.lax.fori_loop(0, (periods * steps).astype(int), one, phase)
        return end - 2 * jnp.pi * problem.turns

    return advanced


def _lanes(origins: int, starts: int) -> Starts:
    angle = 2 * jnp.pi * jnp.arange(origins, dtype=float) / origins
    phase = 2 * jnp.pi * jnp.arange(starts, dtype=float) / starts
    return Starts(jnp.tile(phase, origins), jnp.repeat(angle, starts))


def _advance(
    problem: Locked, starts: Starts, bias: Scalar, periods: Scalar, step: float
) -> Float[Array, " n"]:
    """φ(mT) − φ(0) − 2πn."""
    steps = _steps(problem, step)
    size = 2 * jnp.pi / steps

    def one(k: Array, phase: Float[Array, " n"]):
        return _stepped(problem, phase, starts.angle + size * k, size, bias)

    end = jax.lax.fori_loop(0, (periods * steps).astype(int), one, starts.phase)
    return end - starts.phase - 2 * jnp.pi * problem.turns


def _orbits(
    problem: Locked, starts: Starts, bias: Scalar, periods: Scalar, points: int
) -> Float[Array, "n points"]:
    """Recorded over the second period, towards which the first leads; closed by a linear term."""
    settled = starts.phase + _advance(problem, starts, bias, periods, _FINE)
    path = _path(problem, starts.angle, settled, bias, periods, points)
    share = jnp.arange(points, dtype=float) / points
    drift = path[-1] - settled
    return path[:-1].T - drift[:, None] * share


def _marginal(problem: Locked, starts: Starts, bias: Scalar, periods: Scalar) -> Starts:
    """Starts nearby whose orbits are closest to a fold, moved to where neighbours are farthest.

    From there orbits approach each other both forwards and backwards, so that they meet at any
    bias; the one that meets with the least advance is the last to be locked.
    """
    part = jnp.linspace(-1.0, 1.0, _BESIDE)

    def closer(starts: Starts, reach: Array):
        starts, meeting = _widest(problem, starts, bias, periods)
        every = Starts(
            jnp.ravel(starts.phase[:, None] + reach * part), jnp.repeat(starts.angle, _BESIDE)
        )
        forth, back = _both_ways(problem, every, bias, periods, _COARSE_POINTS)
        lane = jnp.arange(every.phase.size)
        gap = (forth - back)[jnp.repeat(meeting, _BESIDE), lane].reshape(-1, _BESIDE)
        best = jnp.argmin(gap, axis=1)
        return Starts(starts.phase + reach * part[best], starts.angle), None

    return jax.lax.scan(closer, starts, jnp.array(_REACHES))[0]


def _widest(
    problem: Locked, starts: Starts, bias: Scalar, periods: Scalar
) -> tuple[Starts, Int[Array, " n"]]:
    """The same orbits from where neighbours are farthest apart, and when they are closest."""
    points = _COARSE_POINTS
    u = _joined(problem, starts, bias, periods, points)
    angle = 2 * jnp.pi * periods / points * jnp.arange(points, dtype=float)
    phase = u + problem.turns * angle / periods
    _, slope = jax.jvp(problem.current, (phase,), (jnp.ones_like(phase),))
    drift = slope - jnp.mean(slope, axis=1, keepdims=True)
    apart = -jnp.cumsum(drift, axis=1)
    widest, closest = jnp.argmax(apart, axis=1), jnp.argmin(apart, axis=1)
    phase = jnp.take_along_axis(phase, widest[:, None], axis=1)[:, 0]
    return Starts(phase, starts.angle + angle[widest]), jnp.mod(closest - widest, points)


def _joined(
    problem: Locked, starts: Starts, bias: Scalar, periods: Scalar, points: int
) -> Float[Array, "n points"]:
    """Orbits from both ends of their period, joined where they come closest.

    Under a slow drive a marginal orbit follows a state that is stable and then, as long, one that
    is not: each half can be integrated in one direction only.
    """
    forth, back = _both_ways(problem, starts, bias, periods, points)
    meeting = jnp.argmin(jnp.abs(forth - back), axis=0)
    index = jnp.arange(points + 1)[:, None]
    whole = jnp.where(index <= meeting, forth, back)[:-1]
    share = jnp.arange(points, dtype=float) / points
    return whole.T - 2 * jnp.pi * problem.turns * share


def _both_ways(
    problem: Locked, starts: Starts, bias: Scalar, periods: Scalar, points: int
) -> tuple[Float[Array, "samples n"], Float[Array, "samples n"]]:
    """Paths of all periods from the starts on and backwards from where they return to."""
    after = starts.angle + 2 * jnp.pi * periods
    returned = starts.phase + 2 * jnp.pi * problem.turns
    forth = _path(problem, starts.angle, starts.phase, bias, periods, points)
    return forth, _path(problem, after, returned, bias, periods, points, way=-1.0)[::-1]


def _path(
    problem: Locked,
    angle: Float[Array, " n"],
    phase: Float[Array, " n"],
    bias: Scalar,
    periods: Scalar,
    points: int,
    *,
    way: float = 1.0,
) -> Float[Array, "samples n"]:
    """Phases at the ends of `points` equal parts of all periods from an angle on; −1: backwards."""
    between = jnp.ceil(_steps(problem, _FINE) * periods / points)
    size = way * 2 * jnp.pi * periods / (points * between)

    def sample(phase: Float[Array, " n"], k: Array):
        def one(j: Array, phase: Float[Array, " n"]):
            return _stepped(problem, phase, angle + size * (k * between + j), size, bias)

        return jax.lax.fori_loop(0, between.astype(int), one, phase), phase

    end, found = jax.lax.scan(sample, phase, jnp.arange(points, dtype=float))
    return jnp.concatenate([found, end[None]])


def _stepped(
    problem: Locked,
    phase: Float[Array, "*n"],
    angle: Float[Array, "*n"],
    size: Scalar,
    bias: Scalar,
) -> Float[Array, "*n"]:
    """A Runge–Kutta step of fourth order in the drive phase."""
    frequency = problem.drive.frequency

    def rate(phase: Float[Array, "*n"], push: Float[Array, "*n"]) -> Float[Array, "*n"]:
        return (bias + push - problem.current(phase)) / frequency

    now, half, then = (problem.force(angle + part * size) for part in (0.0, 0.5, 1.0))
    a = rate(phase, now)
    b = rate(phase + size / 2 * a, half)
    c = rate(phase + size / 2 * b, half)
    d = rate(phase + size * c, then)
    return phase + size / 6 * (a + 2 * b + 2 * c + d)


def _steps(problem: Locked, step: float) -> Scalar:
    """Per period of the drive; a phase that runs faster than it relaxes is resolved too."""
    drive = problem.drive
    # Of the phase, which a step must not turn by more than a few tenths of a radian.
    fastest = 1.0 + jnp.sum(jnp.abs(drive.amplitude)) + jnp.abs(problem.turns) * drive.frequency
    longest = step / jnp.maximum(1.0, fastest / 2)
    return jnp.clip(jnp.ceil(2 * jnp.pi / (drive.frequency * longest)), _FEWEST, _MOST)
