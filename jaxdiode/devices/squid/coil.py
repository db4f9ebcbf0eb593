"""A SQUID as it is measured: switching currents against the current of a flux coil."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.critical import CriticalCurrents, critical_currents, unless
from ...core.device import AbstractCurrentBiased
from ...numerics.extrema import clustered_grid
from ...numerics.roots import bracketed_root, implicit_root
from ...numerics.status import Status
from .interferometer import Squid

_SCAN = 32  # bias currents at which the flux of the bias line is looked at before the root
_PER_QUANTUM = 16  # of them, for every flux quantum that the bias line can make
_STEPS = 24  # of the root


class CoilBiasedSquid(AbstractCurrentBiased):
    """A SQUID biased by a current I, in the flux of a coil at current x and of its bias line:

        f_k = turns_k (x − offset_k) + M_k I,

    in Φ₀ per loop k, with the SQUID's own inductances beside it (`Squid(inductance=…)`: the flux
    that the current of each branch makes, exact at every phase). Its critical currents are those
    at `coil_current`: on a ramp from zero the first I with I = G₊(f(I)), where G₊(f) is the largest
    current of the SQUID at fixed fluxes f; the other way round with −I and G₋. Where the flux of
    the bias line alone can carry the SQUID past one of its maxima (|M_k| above about 1/2π of the
    slope of G), a later crossing may exist too; the first one counts.

    Args:
        squid: the interferometer; its own `flux` is replaced by f.
        turns: flux per coil current (Φ₀ per unit of x), one per loop; the period is 1/turns.
        offset: coil current at zero flux: one number, or one per loop (flux trapped in each).
        coil_current: x at which the device is operated, a parameter for `sweep` and `maximise`.
        mutual_inductance: M_k (Φ₀ per unit of current, see `units.inductance`) between the bias
            line and each loop, or None.

    Raises:
        ValueError: wrong lengths, non-finite numbers.
    """

    squid: Squid
    turns: Float[Array, " loops"]
    offset: Float[Array, "*loops"]
    coil_current: Float[Array, ""]
    mutual_inductance: Float[Array, " loops"] | None

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
        self.turns = _checks.real_array("turns", turns, ndim=1)
        _checks.require_length("turns", self.turns, loops, "one per loop")
        self.offset = _checks.real_array("offset", offset)
        if self.offset.shape not in ((), (loops,)):
            raise ValueError(
                f"offset must be one number or one per loop ({loops}), got {self.offset.shape}"
            )
        self.coil_current = _checks.real_array("coil_current", coil_current, ndim=0)
        self.mutual_inductance = None
        if mutual_inductance is not None:
            mutual = _checks.real_array("mutual_inductance", mutual_inductance, ndim=1)
            _checks.require_length("mutual_inductance", mutual, loops, "one per loop")
            self.mutual_inductance = mutual

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
    # Both directions in one trace.
    found = jax.vmap(partial(_with_bias_flux, device, coil))(jnp.array([1.0, -1.0]))
    (plus, minus), status = found
    return CriticalCurrents(plus, minus, jnp.max(status))


@eqx.filter_jit
def _with_bias_flux(device, coil, direction):
    """(I, status): the first root of I − G(f(I)) above zero, in one direction."""
    args = (device, coil, direction)
    frozen = jax.lax.stop_gradient(args)
    largest = _largest_current(frozen[0].squid)
    bias = jnp.linspace(0.0, largest, _SCAN)
    excess, status = jax.vmap(lambda x: _excess(x, frozen, with_status=True))(bias)
    # A ramp ends at the first bias that the SQUID no longer carries.
    first = jnp.argmax(excess >= 0)
    root = bracketed_root(
        _excess, frozen, bias[jnp.maximum(first - 1, 0)], bias[first], _STEPS, tolerance=1e-13
    )
    turned = jnp.max(jnp.abs(frozen[0].mutual_inductance)) * largest
    known = jnp.any(excess >= 0) & (turned * _PER_QUANTUM < _SCAN)
    status = status[first]
    status = jnp.where(known, status, jnp.maximum(status, Status.NOT_CONVERGED))
    bad = (status != Status.CONVERGED) & (status != Status.NO_SUPERCURRENT)
    value = implicit_root(_excess, args, root)
    return unless(bad, jnp.nan, value), status.astype(jnp.int32)


def _excess(bias, args, with_status=False):
    """I − G(f(I)): negative while the SQUID carries the bias I."""
    device, coil, direction = args
    found = critical_currents(device.at(coil, direction * bias))
    excess = bias - jnp.where(direction > 0, found.plus, found.minus)
    return (excess, found.status) if with_status else excess


def _largest_current(squid):
    """More than the SQUID carries at any flux: its branches' largest samples, and a tenth."""
    each = []
    for branch in squid.branches:
        grid = clustered_grid(*branch.kinks(), branch.samples_per_period())
        each.append(jnp.max(jnp.abs(branch.current(grid))))
    return 1.1 * sum(each)
