"""A junction longer than its Josephson length: the diode effect of its self-field."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...core.critical import CriticalCurrents, unless
from ...core.device import AbstractCurrentBiased, AbstractPhaseBiased
from ...core.extrema import extrema_of_current, largest_current
from ...core.parameters import parameter
from ...core.results import AbstractResult
from ...numerics.lanes import lanewise
from ...numerics.status import Status
from . import long_mesh, profiles
from .long_largest import largest
from .long_ramp import Rest, at_rest, ramp
from .relaxed import Coarse
from .sine_gordon import Fold, Problem, differentiable

Scalar = Float[Array, ""]

_FEEDS = {"uniform": (1.0, 0.0, 0.0), "edges": (0.0, 0.5, 0.5), "left": (0.0, 1.0, 0.0),
          "right": (0.0, 0.0, 1.0)}  # fmt: skip
_CRITERIA = ("largest", "ramp")
_ENTERING = 0.5  # λ_J from an edge
_JUMP = 1e-6  # radians: of a turn of i(φ)
_WIDE = 0.2  # radians: of a turn that any elements resolve
_TAIL, _SQUARE = 1e-7, 1e-5  # of the phase: the last Legendre coefficients


class LongStates(AbstractResult):
    """The states at the critical currents, + and − (index 0 and 1).

    Attributes:
        current: I₊ and I₋, magnitudes.
        position: x/L of the nodes, −½ to ½.
        phase: φ(x) where each state ends.
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
    local relation. Critical currents are in the unit of its currents (j_c w L = i₀), and every
    state ends in a fold, where its lowest mode has no restoring force. Which fold counts is the
    `criterion`:

    - "largest": the largest current at which any stable state ends, over all vortex states.
    - "ramp": I is raised slowly from 0, where the junction is in its state of least energy. At each
      fold φ_t = φ'' − p i/i₀ + … takes it on, to another stable state, from which the ramp goes on,
      or into running phases: there the junction switches.

    With shares u, e_L, e_R ≥ 0 both are the same current, whichever state the ramp begins in:
    overdamped phases that are pushed one way never pass a static state, so that none is left where
    they run (the ramp from the largest fold found is how "largest" is proven). Where a share is
    negative the ramp may end lower, and its status is GROUND_STATES_TIE where two states have the
    least energy at I = 0.

    With a symmetric local relation φ → −φ gives I₋(f) = I₊(−f), and mirror images exchange e_L and
    e_R with f → −f: a diode needs e_L ≠ e_R (or an uneven profile) and f ≠ 0. A sinusoidal relation
    is enough.

    Fed at both edges and longer than about 15 λ_J, both ends come free at one current where there
    is no field: the slope by the flux there is the mean of those of f = ±0. In fields below 1e-3 Φ₀
    some of these currents stay NOT_CONVERGED.

    Args:
        local: relation i(φ), any phase-biased device; its largest current is that of the junction.
        length: ℓ > 0, held fixed whatever the temperature of `local` is (`at_reduced_temperature`
            holds L, so that ℓ falls); below about 0.01 it is the short `ExtendedJunction`, and the
            collocation may not converge.
        flux: f = Φ/Φ₀, of the field from outside.
        profile: of j_c, as of an `ExtendedJunction`: "uniform", "edges", a smooth function of x/L,
            or numbers ≥ 0 in any unit, which `interpolation` joins; only its shape matters.
        interpolation: "linear", "boxes" or "smooth".
        feed: "uniform", "edges", "left", "right", or (u, e_L, e_R) adding up to 1.
        criterion: "largest" or "ramp".
        points: of the collocation, at least; 24 + 5ℓ + 4|f|, and 2 more for each further element
            where a profile has steps or corners, if left out. Elements end at these, at 32 at
            most (profiles of more pieces need many points, a smooth function few). Where φ(x) is
            not resolved, as behind a jump of i(φ), the status is NOT_RESOLVED.

    Raises:
        ValueError: a device that is not phase-biased, a length that is not positive, a profile with
            negative values or of zeros, shares that do not add up to 1, unknown words.

    Example:
        >>> junction = jd.LongJunction(jd.TunnelJunction(1.0), 2.0, 0.3, feed="right")
        >>> found = jd.critical_currents(junction)
        >>> print(f"{found.plus:.8f} {found.minus:.8f} {found.efficiency:.8f}")
        0.63363404 0.98872404 -0.21887277

    Source: Owen and Scalapino, Phys. Rev. 164, 538 (1967); self-field diodes: Krasnov et al.,
    Phys. Rev. B 55, 14486 (1997); phases that never pass: Middleton, Phys. Rev. Lett. 68, 670
    (1992).
    """

    papers: ClassVar[tuple[str, ...]] = ("owen1967",)

    local: AbstractPhaseBiased
    length: Scalar = parameter(above=0.0, search=(1e-3, np.inf), label="length L/λ_J")
    flux: Scalar = parameter(unit="Φ₀", label="flux")
    profile: Float[Array, " n"] | None = parameter(at_least=0.0, label="profile of j_c")
    feed: Float[Array, "3"] = parameter(label="shares of the feed")
    interpolation: str = eqx.field(static=True)
    criterion: str = eqx.field(static=True)
    points: int = eqx.field(static=True)

    def __init__(
        self,
        local: AbstractPhaseBiased,
        length: Numbers,
        flux: Numbers,
        *,
        profile: str | Numbers | Callable | None = "uniform",
        interpolation: str = "linear",
        feed: str | Numbers = "uniform",
        criterion: str = "largest",
        points: int | None = None,
    ):
        if not isinstance(local, AbstractPhaseBiased):
            raise ValueError(f"local must be phase-biased, got {type(local).__name__}")
        self.local = local
        self.length = self.checked("length", length, 0)
        self.flux = self.checked("flux", flux, 0)
        numbers, self.interpolation = profiles.values_of(profile, interpolation)
        self.profile = None
        if numbers is not None:
            self.profile = self.checked("profile", numbers, 1)
            profiles.require_count(self.profile.size, self.interpolation)
            if _checks.is_concrete(self.profile) and not np.any(np.asarray(self.profile)):
                raise ValueError("profile must carry current somewhere, got zeros")
        self.feed = _checked_feed(self, feed)
        self.criterion = _known(criterion)
        self.points = _points(self) if points is None else _checks.whole_number("points", points)

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        found = self.states(criterion)
        return CriticalCurrents(found.current[0], found.current[1], jnp.max(found.status))

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> "LongJunction":
        """At T = t T_c: the local relation and λ_J ∝ 1/√j_c, so that ℓ falls; λ_L stays.

        L is held fixed: `length` is the ℓ of T = 0. A `local` that has its temperature already
        (`TemperatureScaledJunction`) leaves ℓ as it is given, which is then that of T.

        Example:
            >>> warm = jd.LongJunction(jd.TunnelJunction(1.0), 5.0, 1.0).at_reduced_temperature(0.9)
            >>> print(f"{warm.length:.6f} {warm.local.critical_current:.6f}")
            2.498577 0.249715
        """
        local = self.local.at_reduced_temperature(reduced_temperature)
        assert isinstance(local, AbstractPhaseBiased)
        before, now = (largest_current(x.relation()) for x in (self.local, local))
        share = jnp.where(before > 0, now / jnp.where(before > 0, before, 1.0), 0.0)
        warm = eqx.tree_at(lambda x: x.local, self, local)
        # Where nothing flows ℓ has no meaning, and stays a number.
        length = self.length * jnp.sqrt(jnp.where(share > 0, share, 1.0))
        return eqx.tree_at(lambda x: x.length, warm, length)

    def resolving(self, flux: float) -> "LongJunction":
        """The same device with points for fluxes up to this.

        Example:
            >>> still = jd.LongJunction(jd.TunnelJunction(1.0), 5.0, 0.0)
            >>> print(still.points, still.resolving(8.0).points)
            49 81
        """
        needed = _needed(self, flux)
        if self.points >= needed:
            return self
        leaves, structure = jax.tree.flatten(self)
        other = jax.tree.unflatten(structure, leaves)
        object.__setattr__(other, "points", needed)
        return other

    def states(self, criterion: str | None = None) -> LongStates:
        """Where the states of a criterion end, with their phases and vortices.

        Example:
            >>> junction = jd.LongJunction(jd.TunnelJunction(1.0), 10.0, 0.8, feed="right")
            >>> for criterion in ("largest", "ramp"):
            ...     found = junction.states(criterion)
            ...     print(np.round(found.current, 6), found.vortices)
            [0.153127 0.250256] [1 0]
            [0.153127 0.250256] [1 0]
        """
        return _states(self, _known(criterion or self.criterion))

    def problem(self, sign: Scalar, unit: Scalar) -> Problem:
        """On collocation nodes, currents in j_c w λ_J; `unit` is i₀."""
        mesh = self._mesh()
        x, weight = jnp.asarray(mesh.x), jnp.asarray(mesh.weight)
        shape = jnp.tensordot(jnp.asarray(mesh.profile), self._series(), 2)
        return Problem(
            relation=self.local.relation(),
            stiffness=jnp.asarray(mesh.stiffness) / self.length,
            mass=self.length * weight,
            weight=self.length * shape / unit,
            tilt=2 * jnp.pi * self.flux * x,
            bias=sign * self._shares(weight),
        )

    def coarse(self, sign: Scalar, unit: Scalar) -> Coarse:
        """On evenly spaced points."""
        count = 16 + self._mesh().x.size * 2 // 3
        weight = jnp.ones(count).at[0].set(0.5).at[-1].set(0.5) / (count - 1)
        pieces, order = self._series().shape
        shape = jnp.tensordot(jnp.asarray(long_mesh.even(count, pieces, order)), self._series(), 2)
        tilt = 2 * jnp.pi * self.flux * jnp.linspace(-0.5, 0.5, count)
        mass = self.length * weight
        around = self.length * shape / unit
        return Coarse(self.local.relation(), mass, around, tilt, sign * self._shares(weight))

    def _mesh(self) -> long_mesh.Mesh:
        return long_mesh.collocation(self.points, *self._series().shape)

    def _series(self) -> Float[Array, "pieces order"]:
        return profiles.series(self.profile, self.interpolation)

    def _shares(self, weight: Float[Array, " n"]) -> Float[Array, " n"]:
        u, left, right = self.feed
        return (u * weight).at[0].add(left).at[-1].add(right)


def _known(criterion: str) -> str:
    if criterion not in _CRITERIA:
        raise _checks.unknown_name("criterion", criterion, _CRITERIA)
    return criterion


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
    return _needed(owner, float(owner.flux))


def _needed(owner: LongJunction, flux: float) -> int:
    more = long_mesh.more_points(*owner._series().shape)
    return int(np.ceil(24 + 5 * float(owner.length) + 4 * abs(flux))) + more


@eqx.filter_jit
def _states(device: LongJunction, criterion: str) -> LongStates:
    unit, own = _unit(device)
    frozen, scale = jax.tree.map(jax.lax.stop_gradient, (device, unit))
    signs = jnp.array([1.0, -1.0])
    if criterion == "ramp":
        rest = lanewise(_at_rest)(frozen, scale)
        search = lambda sign: lanewise(_ramp)(frozen, scale, sign, rest)  # noqa: E731
    else:
        search = lambda sign: lanewise(_largest)(frozen, scale, sign)  # noqa: E731
    folds, status = jax.vmap(search)(signs)
    status = jnp.where(own == Status.CONVERGED, status, own).astype(jnp.int32)

    def value(sign: Scalar, fold: Fold, good: Bool[Array, ""]) -> Scalar:
        kept = jax.tree.map(lambda x: jnp.where(good, x, jax.lax.stop_gradient(x)), (device, unit))
        at = differentiable(kept[0].problem(sign, kept[1]), fold)
        return unless(~good, jnp.nan, at)

    good = (status == Status.CONVERGED) | (status == Status.GROUND_STATES_TIE)
    none = status == Status.NO_SUPERCURRENT
    current = unit * jax.vmap(value)(signs, folds, good) / device.length
    current = jax.vmap(lambda none, x: unless(none, 0.0, x))(none, current)
    x = jnp.asarray(device._mesh().x)
    phase = jnp.where(good[:, None], folds.phase, jnp.nan)
    inside = 0.5 - jnp.minimum(0.1, _ENTERING / device.length)
    ends = jax.vmap(lambda y: jnp.interp(jnp.stack([-inside, inside]), x, y))
    turn = jnp.floor((ends(folds.phase) + jnp.pi) / (2 * jnp.pi))
    vortices = jnp.where(good, turn[:, 1] - turn[:, 0], 0.0).astype(jnp.int32)
    return LongStates(current, x, phase, vortices, status)


def _unit(device: LongJunction) -> tuple[Scalar, Int[Array, ""]]:
    """i₀, and whether the local relation has one."""
    found = extrema_of_current(device.local.relation())
    unit = jnp.maximum(jnp.abs(found.plus), jnp.abs(found.minus))
    return jnp.where(found.status == Status.CONVERGED, unit, 1.0), found.status


def _largest(device: LongJunction, unit: Scalar, sign: Scalar) -> tuple[Fold, Int[Array, ""]]:
    nodes = jnp.asarray(device._mesh().x)
    fold, known = largest(device.coarse(sign, unit), device.problem(sign, unit), nodes)
    return fold, _status(device, fold, known)


def _at_rest(device: LongJunction, unit: Scalar) -> Rest:
    up, nodes = jnp.ones(()), jnp.asarray(device._mesh().x)
    return at_rest(device.coarse(up, unit), device.problem(up, unit), nodes)


def _ramp(
    device: LongJunction, unit: Scalar, sign: Scalar, rest: Rest
) -> tuple[Fold, Int[Array, ""]]:
    fold, runs = ramp(device.problem(sign, unit), rest)
    status = _status(device, fold, runs)
    tied = rest.tied & (status == Status.CONVERGED)
    return fold, jnp.where(tied, Status.GROUND_STATES_TIE, status).astype(jnp.int32)


def _status(device: LongJunction, fold: Fold, known: Bool[Array, ""]) -> Int[Array, ""]:
    """Of a fold that is, or is not, the one that is asked for."""
    mesh, series = device._mesh(), device._series()
    tail = jnp.max(jnp.abs(jnp.asarray(mesh.tail) @ fold.phase))
    turn = jnp.min(jnp.ravel(device.local.relation().kinks()[1]), initial=jnp.inf)
    # Currents err by the square of what an element leaves out that ends where p is not smooth.
    square = long_mesh.ends_at_pieces(*series.shape) & (turn > _WIDE)
    resolved = jnp.where(known, tail < jnp.where(square, _SQUARE, _TAIL), turn > _JUMP)
    status = jnp.where(known, Status.CONVERGED, Status.NOT_CONVERGED)
    return jnp.where(resolved, status, Status.NOT_RESOLVED).astype(jnp.int32)
