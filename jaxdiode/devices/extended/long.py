"""A junction longer than its Josephson length: the diode effect of its self-field."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...core.critical import CriticalCurrents, unless
from ...core.device import AbstractCurrentBiased, AbstractPhaseBiased
from ...core.extrema import largest_current
from ...core.parameters import parameter
from ...core.results import AbstractResult
from ...numerics.dense import inverse
from ...numerics.lanes import lanewise
from ...numerics.status import Status
from .relaxed import LEVELS, PHASES, Coarse, relaxed
from .sine_gordon import Fold, Problem, differentiable, find_fold, is_marginal, lobatto

Scalar = Float[Array, ""]

_FEEDS = {"uniform": (1.0, 0.0, 0.0), "edges": (0.0, 0.5, 0.5), "left": (0.0, 1.0, 0.0),
          "right": (0.0, 0.0, 1.0)}  # fmt: skip
_SLOPES = 6
_CANDIDATES = 4
_ENTERING = 0.5  # λ_J from an edge
_APART = 0.05  # radians between two states
_FAR = 3.0  # radians from a relaxed state to its fold
_TAIL = 1e-7  # of the phase: its last two Legendre coefficients


class LongStates(AbstractResult):
    """Where the states of largest current end, + and − (index 0 and 1).

    Attributes:
        current: I₊ and I₋, magnitudes.
        position: x/L of the nodes, −½ to ½.
        phase: φ(x) at the end of each state.
        vortices: how often φ passes an odd multiple of π, + where it rises, further than λ_J/2 or
            L/10 from the edges: one that is just entering is not counted.
        status: of each direction.

    Example:
        >>> junction = jd.LongJunction(jd.TunnelJunction(1.0), 10.0, 0.8, feed="right")
        >>> print(junction.states().vortices)
        [1 0]
    """

    current: Float[Array, "2"]
    position: Float[Array, " n"]
    phase: Float[Array, "2 n"]
    vortices: Int[Array, "2"]
    status: Int[Array, "2"]


class LongJunction(AbstractCurrentBiased):
    """A junction of length L = ℓλ_J with its self-field, static sine–Gordon equation

        φ'' = p(x) i(φ)/i₀ − u I/ℓ,   φ'(∓ℓ/2) = h ∓ e_{L,R} I,   h = 2πf/ℓ,   u + e_L + e_R = 1,

    x in λ_J, I in j_c w λ_J, f the flux of the outside field in Φ₀, i₀ the largest current of the
    local relation. Its critical current is the largest at which any stable state ends, over all
    vortex states, in the unit of the local relation's currents (j_c w L = i₀).

    With a symmetric local relation φ → −φ gives I₋(f) = I₊(−f), and mirror images exchange e_L and
    e_R with f → −f: a diode needs e_L ≠ e_R (or an uneven profile) and f ≠ 0. A sinusoidal relation
    is enough.

    Args:
        local: relation i(φ), any phase-biased device; its largest current is that of the junction.
        length: ℓ > 0.
        flux: f = Φ/Φ₀, of the field from outside.
        profile: j_c at evenly spaced points from one edge to the other, or "uniform".
        feed: "uniform", "edges", "left", "right", or (u, e_L, e_R) adding up to 1.
        points: of the collocation; 24 + 5ℓ + 4|f| if left out.

    Raises:
        ValueError: a device that is not phase-biased, a length that is not positive, a profile with
            negative values, shares that do not add up to 1.

    Example:
        >>> junction = jd.LongJunction(jd.TunnelJunction(1.0), 2.0, 0.3, feed="right")
        >>> found = jd.critical_currents(junction)
        >>> print(f"{found.plus:.8f} {found.minus:.8f} {found.efficiency:.8f}")
        0.63363404 0.98872404 -0.21887277

    Source: Owen and Scalapino, Phys. Rev. 164, 538 (1967); self-field diodes: Krasnov et al.,
    Phys. Rev. B 55, 14486 (1997).
    """

    local: AbstractPhaseBiased
    length: Scalar = parameter(above=0.0, search=(1e-3, np.inf), label="length L/λ_J")
    flux: Scalar = parameter(unit="Φ₀", label="flux")
    profile: Float[Array, " samples"] | None = parameter(at_least=0.0, label="profile of j_c")
    feed: Float[Array, "3"] = parameter(label="shares of the feed")
    points: int = eqx.field(static=True)

    def __init__(
        self,
        local: AbstractPhaseBiased,
        length: Numbers,
        flux: Numbers,
        *,
        profile: str | Numbers = "uniform",
        feed: str | Numbers = "uniform",
        points: int | None = None,
    ):
        if not isinstance(local, AbstractPhaseBiased):
            raise ValueError(f"local must be phase-biased, got {type(local).__name__}")
        self.local = local
        self.length = self.checked("length", length, 0)
        self.flux = self.checked("flux", flux, 0)
        self.profile = None
        if isinstance(profile, str):
            if profile != "uniform":
                raise _checks.unknown_name("profile", profile, ("uniform",))
        else:
            self.profile = self.checked("profile", profile, 1)
            if self.profile.size < 2:
                raise ValueError(f"profile must have at least 2 points, got {self.profile.size}")
        self.feed = _checked_feed(self, feed)
        self.points = _points(self) if points is None else _checks.whole_number("points", points)

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        if criterion is not None:
            raise ValueError(f"criterion must be left out for a LongJunction, got {criterion!r}")
        found = _states(self)
        return CriticalCurrents(found.current[0], found.current[1], jnp.max(found.status))

    def states(self) -> LongStates:
        """Where the states of largest current end, with their phases and vortices."""
        return _states(self)

    def problem(self, sign: Scalar) -> Problem:
        """On collocation nodes, currents in j_c w λ_J."""
        x, weight, slope = lobatto(self.points)
        scale = self.length / 2
        weights = scale * jnp.asarray(weight)
        u, left, right = self.feed
        ends = jnp.zeros(self.points)
        bias = u * weights / self.length
        bias = bias + left * ends.at[0].set(1.0) + right * ends.at[-1].set(1.0)
        height = 2 * jnp.pi * self.flux / self.length
        return Problem(
            relation=self.local.relation(),
            stiffness=jnp.asarray((slope.T * weight) @ slope) / scale,
            weight=weights * self._density(jnp.asarray(x) / 2) / self._unit(),
            field=height * ends.at[0].set(-1.0).at[-1].set(1.0),
            bias=sign * bias,
        )

    def coarse(self, sign: Scalar) -> Coarse:
        """On evenly spaced points."""
        count = 16 + self.points * 2 // 3
        spacing = self.length / (count - 1)
        own = jnp.ones(count).at[0].set(0.5).at[-1].set(0.5)
        u, left, right = self.feed
        ends = jnp.zeros(count)
        bias = u * own / (count - 1) + left * ends.at[0].set(1.0) + right * ends.at[-1].set(1.0)
        height = 2 * jnp.pi * self.flux / self.length
        density = self._density(jnp.linspace(-0.5, 0.5, count))
        return Coarse(
            self.local.relation(), spacing, spacing * own, spacing * own * density / self._unit(),
            height * ends.at[0].set(-1.0).at[-1].set(1.0), sign * bias,
        )  # fmt: skip

    def _unit(self) -> Scalar:
        return largest_current(self.local.relation())

    def _density(self, x: Float[Array, " n"]) -> Float[Array, " n"]:
        """p(x) of mean 1 by linear interpolation."""
        if self.profile is None:
            return jnp.ones_like(x)
        count = self.profile.size
        mean = (jnp.sum(self.profile) - (self.profile[0] + self.profile[-1]) / 2) / (count - 1)
        return jnp.interp(x, jnp.linspace(-0.5, 0.5, count), self.profile) / mean


def _checked_feed(owner: LongJunction, feed: str | Numbers) -> Array:
    if isinstance(feed, str):
        if feed not in _FEEDS:
            raise _checks.unknown_name("feed", feed, _FEEDS)
        return jnp.asarray(_FEEDS[feed])
    shares = owner.checked("feed", feed, 1)
    _checks.require_length("feed", shares, 3, "uniform, left, right")
    if _checks.is_concrete(shares) and abs(float(jnp.sum(shares)) - 1) > 1e-9:
        raise ValueError(f"feed must add up to 1, got {float(jnp.sum(shares)):g}")
    return shares


def _points(owner: LongJunction) -> int:
    if not _checks.all_concrete((owner.length, owner.flux)):
        raise ValueError("points must be given where length or flux are traced by JAX")
    return int(np.ceil(24 + 5 * float(owner.length) + 4 * abs(float(owner.flux))))


@eqx.filter_jit
def _states(device: LongJunction) -> LongStates:
    frozen = jax.tree.map(jax.lax.stop_gradient, device)
    signs = jnp.array([1.0, -1.0])
    folds, status = jax.vmap(lambda sign: lanewise(_largest)(frozen, sign))(signs)
    unit = device._unit()

    def value(sign: Scalar, fold: Fold, good: Bool[Array, ""]) -> Scalar:
        kept = jax.tree.map(lambda x: jnp.where(good, x, jax.lax.stop_gradient(x)), device)
        at = differentiable(kept.problem(sign), fold)
        return unless(~good, jnp.nan, at / kept.length)

    good = status == Status.CONVERGED
    current = unit * jax.vmap(value)(signs, folds, good)
    x, *_ = lobatto(device.points)
    phase = jnp.where(good[:, None], folds.phase, jnp.nan)
    inside = 0.5 - jnp.minimum(0.1, _ENTERING / device.length)
    ends = jax.vmap(lambda y: jnp.interp(jnp.stack([-inside, inside]), jnp.asarray(x) / 2, y))
    turn = jnp.floor((ends(folds.phase) + jnp.pi) / (2 * jnp.pi))
    vortices = jnp.where(good, turn[:, 1] - turn[:, 0], 0.0).astype(jnp.int32)
    return LongStates(current, jnp.asarray(x) / 2, phase, vortices, status)


def _largest(device: LongJunction, sign: Scalar) -> tuple[Fold, Int[Array, ""]]:
    """The fold of the largest current of one direction."""
    coarse = device.coarse(sign)
    x = jnp.linspace(-0.5, 0.5, coarse.weight.size)
    turns = jnp.where(device.flux < 0, -1.0, 1.0) * jnp.linspace(
        -1.0, jnp.abs(device.flux) + 1.5, _SLOPES
    )
    offset = 2 * jnp.pi / PHASES * jnp.arange(PHASES, dtype=float)
    level = device.length * (1 - (jnp.arange(LEVELS, dtype=float) + 0.5) / LEVELS)
    tilted = 2 * jnp.pi * x[:, None, None, None] * turns[:, None, None]
    start = jnp.broadcast_to(tilted + offset[:, None], (x.size, _SLOPES, PHASES, LEVELS)).reshape(
        x.size, -1
    )
    current = jnp.broadcast_to(level, (_SLOPES, PHASES, LEVELS)).ravel()
    phase, stable = relaxed(coarse, start, current)
    problem = device.problem(sign)
    chosen = _distinct(phase, stable, current)
    nodes, *_ = lobatto(device.points)

    def polished(k: Int[Array, ""]) -> tuple[Fold, Bool[Array, ""]]:
        near = jnp.interp(jnp.asarray(nodes) / 2, x, phase[:, k])
        state, solved = _settled(problem, near, current[k])
        along = inverse(problem.hessian(state)) @ problem.bias
        size = jnp.sqrt(problem.bias @ problem.bias)
        first = Fold(state, along * size / (problem.bias @ along), current[k])
        fold, found = find_fold(problem, first)
        good = found & solved & stable[k] & is_marginal(problem, fold)
        good = good & (fold.current > current[k] - 1e-6)
        return fold, good & (jnp.max(jnp.abs(fold.phase - state)) < _FAR)

    folds, good = jax.lax.map(polished, chosen)
    best = jnp.argmax(jnp.where(good, folds.current, -jnp.inf))
    fold = jax.tree.map(lambda x: x[best], folds)
    known = good[best] & (_tail(device, fold.phase) < _TAIL)
    status = jnp.where(known, Status.CONVERGED, Status.NOT_CONVERGED)
    own = device.local.relation().status()
    status = jnp.where(own == Status.CONVERGED, status, own)
    return fold, status.astype(jnp.int32)


def _settled(problem: Problem, phase: Array, current: Scalar) -> tuple[Array, Bool[Array, ""]]:
    """By Newton's method from a coarse state."""

    def newton(state: tuple) -> tuple:
        phase, _, k = state
        change = -inverse(problem.hessian(phase)) @ problem.residual(phase, current)
        size = jnp.max(jnp.abs(change))
        return phase + jnp.minimum(1.0, 0.5 / size) * change, size, k + 1

    def unfinished(state: tuple) -> Bool[Array, ""]:
        _, size, k = state
        return (size > 1e-8) & (k < 20)

    phase, size, _ = jax.lax.while_loop(unfinished, newton, (phase, jnp.ones(()), 0))
    return phase, size < 1e-6


def _distinct(
    phase: Float[Array, "points lanes"],
    stable: Bool[Array, " lanes"],
    current: Float[Array, " lanes"],
) -> Int[Array, " candidates"]:
    """Lanes of the highest currents that are different states."""
    across = phase[-1] - phase[0]
    middle = phase[phase.shape[0] // 2]

    def pick(score: Array, _: None):
        k = jnp.argmax(score)
        apart = jnp.mod(middle - middle[k] + jnp.pi, 2 * jnp.pi) - jnp.pi
        same = (jnp.abs(across - across[k]) < _APART) & (jnp.abs(apart) < _APART)
        # Of the same vortex number at lower currents too.
        lower = (jnp.abs(across - across[k]) < 1.0) & (current < current[k])
        return jnp.where(same | lower | (jnp.arange(score.size) == k), -jnp.inf, score), k

    score = jnp.where(stable, current, -jnp.inf)
    _, chosen = jax.lax.scan(pick, score, None, length=_CANDIDATES)
    return chosen


def _tail(device: LongJunction, phase: Array) -> Scalar:
    """The last two Legendre coefficients of φ."""
    x, weight, _ = lobatto(device.points)
    basis = np.polynomial.legendre.legvander(x, device.points - 1)
    last = basis[:, -3:-1] * weight[:, None] * (np.arange(device.points)[-3:-1] + 0.5)
    return jnp.max(jnp.abs(jnp.asarray(last.T) @ phase))
