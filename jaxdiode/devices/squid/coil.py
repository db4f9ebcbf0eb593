"""A SQUID as it is measured: switching currents against the current of a flux coil."""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...core.critical import CriticalCurrents, critical_currents, unless
from ...core.device import AbstractCurrentBiased
from ...core.parameters import parameter
from ...numerics.extrema import clustered_grid
from ...numerics.roots import implicit_root, value_and_slope
from ...numerics.status import Status
from .interferometer import Squid, warn_of_henries

_STEPS = 4000  # of the march towards the first crossing
_ROUNDING = 1e-14


class CoilBiasedSquid(AbstractCurrentBiased):
    """A SQUID biased by a current I, in the flux of a coil at current x and of its bias line:

        f_k = turns_k (x − offset_k) + M_k I,

    in Φ₀ per loop k, with the SQUID's own inductances beside it (`Squid(inductance=…)`: the flux
    that the current of each branch makes, exact at every phase). Its critical currents are those
    at `coil_current`: on a ramp from zero the first I with I = G₊(f(I)), where G₊(f) is the largest
    current of the SQUID at fixed fluxes f; the other way round with −I and G₋. A bias line that
    makes much flux crosses again later: the first crossing counts, and is not missed
    (`NOT_CONVERGED` where it takes too long to be sure of it).

    Args:
        squid: the interferometer; its own `flux` is replaced by f.
        turns: flux per coil current (Φ₀ per unit of x), one per loop; the period is 1/turns.
        offset: coil current at zero flux: one number, or one per loop (flux trapped in each).
        coil_current: x at which the device is operated, a parameter for `sweep` and `maximise`.
        mutual_inductance: M_k (Φ₀ per unit of current, see `units.inductance`) between the bias
            line and each loop, or None.

    Raises:
        ValueError: wrong lengths, non-finite numbers.

    Warns:
        UserWarning: a mutual inductance that changes nothing, as when it is in henries.
    """

    squid: Squid
    turns: Float[Array, " loops"] = parameter(unit="Φ₀/coil unit", label="flux per coil current")
    offset: Float[Array, "*loops"] = parameter(unit="coil unit", label="coil current at zero flux")
    coil_current: Float[Array, ""] = parameter(unit="coil unit", label="coil current")
    mutual_inductance: Float[Array, " loops"] | None = parameter(
        unit="Φ₀/current", label="mutual inductance with the bias line"
    )

    def __init__(
        self,
        squid: Squid,
        turns: Numbers,
        offset: Numbers = 0.0,
        coil_current: Numbers = 0.0,
        mutual_inductance: Numbers | None = None,
        *,
        self_flux: Numbers | None = None,
    ):
        if self_flux is not None:
            raise ValueError(
                "self_flux must be left out: a flux that the bias makes is an inductance × the "
                "current that flows, so give the branches an inductance (Squid(inductance=...)), "
                f"or the bias line a mutual_inductance, got {self_flux!r}"
            )
        if not isinstance(squid, Squid):
            raise ValueError(f"squid must be a Squid, got {type(squid).__name__}")
        loops = squid.flux.size
        self.squid = squid
        self.turns = self._checked("turns", turns)
        _checks.require_length("turns", self.turns, loops, "one per loop")
        self.offset = self._checked("offset", offset)
        if self.offset.shape not in ((), (loops,)):
            raise ValueError(
                f"offset must be one number or one per loop ({loops}), got {self.offset.shape}"
            )
        self.coil_current = self._checked("coil_current", coil_current)
        self.mutual_inductance = None
        if mutual_inductance is not None:
            mutual = self._checked("mutual_inductance", mutual_inductance)
            _checks.require_length("mutual_inductance", mutual, loops, "one per loop")
            self.mutual_inductance = mutual
            warn_of_henries("mutual_inductance", mutual, squid)

    def at(self, coil_current: Numbers, bias_current: Numbers = 0.0) -> Squid:
        """The SQUID in the flux of one coil current and one (signed) bias current."""
        coil = jnp.asarray(coil_current, float)
        flux = self.turns * (coil - self.offset)
        if self.mutual_inductance is not None:
            flux = flux + self.mutual_inductance * jnp.asarray(bias_current, float)
        return eqx.tree_at(lambda squid: squid.flux, self.squid, flux)

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """I₊ and I₋ at `coil_current`."""
        if criterion is not None:
            raise ValueError(f"criterion must be left out for a SQUID, got {criterion!r}")
        return _at_coil(self, self.coil_current)

    def switching_currents(self, coil_current: Numbers) -> CriticalCurrents:
        """I₊ and I₋ against coil current: arrays of its length. The model for `fit`."""
        coil = _checks.real_array("coil_current", coil_current, ndim=1)
        return jax.vmap(partial(_at_coil, self))(coil)


def _at_coil(device: CoilBiasedSquid, coil: Float[Array, ""]) -> CriticalCurrents:
    if device.mutual_inductance is None:
        return critical_currents(device.at(coil))
    current, status = _both_directions(device, coil)
    return CriticalCurrents(current[0], current[1], jnp.max(status))


@eqx.filter_jit
def _both_directions(device, coil):
    return jax.vmap(partial(_first_crossing, device, coil))(jnp.array([1.0, -1.0]))


class _March(NamedTuple):
    """Next trial current, where the first crossing lies at least and at most, last step taken."""

    count: Int[Array, ""]
    trial: Float[Array, ""]
    low: Float[Array, ""]
    high: Float[Array, ""]
    status: Int[Array, ""]
    ended: Array


def _first_crossing(device, coil, direction):
    """First I with I = G(f(I)) on a ramp from zero, and its status.

    |dG/dI| ≤ Λ, so no crossing lies within |G − I|/(1 + Λ) of a trial I: steps of this size
    never pass the first one. With Λ < 1 there is only one, and Newton's method, kept inside the
    bracket that Λ gives, finds it faster.
    """
    args = (device, coil, direction)
    frozen = jax.lax.stop_gradient(args)
    bound = _steepness(frozen[0])
    unique = bound < 1
    sharp = jnp.where(unique, 1 - bound, 1.0)

    def step(state):
        (value, status), (slope, _) = value_and_slope(lambda x: _largest(x, frozen), state.trial)
        rest = value - state.trial
        near, far = state.trial + rest / (1 + bound), state.trial + rest / sharp
        up = rest >= 0
        low = jnp.where(up, near, jnp.where(unique, far, -jnp.inf))
        high = jnp.where(up, jnp.where(unique, far, jnp.inf), near)
        low, high = jnp.maximum(state.low, low), jnp.minimum(state.high, high)
        newton = state.trial + rest / jnp.where(slope < 1, 1 - slope, 1.0)
        middle = 0.5 * (low + high)
        inside = (newton >= low) & (newton <= high)
        # Close to the crossing rounding may turn the bracket round.
        fast = jnp.where(inside | ~jnp.isfinite(middle), newton, middle)
        following = jnp.where(unique, fast, near)
        size = jnp.abs(following)
        ended = (jnp.abs(following - state.trial) <= _ROUNDING * size) | ~jnp.isfinite(rest)
        return _March(state.count + 1, following, low, high, status, ended)

    zero = jnp.zeros(())
    start = _March(
        jnp.zeros((), jnp.int32), zero, zero - jnp.inf, zero + jnp.inf,
        jnp.zeros((), jnp.int32), jnp.zeros((), bool),
    )  # fmt: skip
    end = jax.lax.while_loop(lambda s: (s.count < _STEPS) & ~s.ended, step, start)
    status = jnp.where(end.ended | (end.status != 0), end.status, Status.NOT_CONVERGED)
    status = status.astype(jnp.int32)
    root = implicit_root(_residual, args, jax.lax.stop_gradient(end.trial))
    known = (status == Status.CONVERGED) | (status == Status.NO_SUPERCURRENT)
    return unless(~known, jnp.nan, root), status


def _largest(bias, args):
    """Largest current in one direction at the fluxes of this bias, and its status."""
    device, coil, direction = args
    found = critical_currents(device.at(coil, direction * bias))
    return jnp.where(direction > 0, found.plus, found.minus), found.status


def _residual(bias, args):
    return bias - _largest(bias, args)[0]


def _steepness(device):
    """Λ ≥ |dG/dI|: 2π × the span of the branches' fluxes per current × the rising slopes.

    At an extremum dG/dδ_k is the slope of branch k, and slopes add up to zero: those that fall,
    however steep, are together no larger than those that rise. Inductance makes rises flatter.
    """
    rises = []
    for branch in device.squid.branches:
        branch = branch.prepared()
        kinks, widths = branch.kinks()
        grid = clustered_grid(kinks, widths, 4 * branch.samples_per_period())
        slopes = jax.vmap(lambda x, b=branch: value_and_slope(b.current, x)[1])(grid)
        falls = -jnp.min(slopes)
        rises.append(jnp.where(jnp.isfinite(falls), jnp.max(slopes), jnp.nan))
    mutual = jnp.concatenate([jnp.zeros(1), jnp.cumsum(device.mutual_inductance)])
    return 1.1 * 2 * jnp.pi * (jnp.max(mutual) - jnp.min(mutual)) * jnp.sum(jnp.stack(rises))
