"""What ends the zero-voltage state of a driven junction, and which of it a criterion counts."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ... import _checks
from ...core.critical import CriticalCurrents
from ...core.results import AbstractLimits
from ...dynamics.folds import flip_limit, fold_currents, fold_limit
from ...dynamics.natural_units import all_finite
from ...numerics.status import Status

CRITERIA = ("fold", "switching", "stability")


class KapitzaLimits(AbstractLimits):
    """What ends the zero-voltage state, one entry per direction of the bias (+, −).

    Currents are magnitudes in their own direction, NaN where there is no such event.

    Attributes:
        fold: saddle-node of the orbit with the drive's period T, where the junction switches.
        period_two_fold: the same of an orbit with period 2T, met after a period doubling.
        flip: where the orbit of period T first loses stability by period doubling: the
            state goes on as an orbit of period 2T or as chaos, but no longer as a fixed one.
        ramp: where the coarse ramp switched, shape (2, 2): between these two biases, which lie
            up to about a per cent from the adiabatic limit (`switching_currents` finds that).
        status: what ends the state, see `Status`: CONVERGED is the fold.

    Example:
        >>> junction = jd.KapitzaJunction(
        ...     0.5, drive_frequency=4, drive_current=3, static_current=1, phase_offset=np.pi / 2
        ... )
        >>> limits = junction.limits()
        >>> print(f"{limits.fold[0]:.6f} {limits.fold[1]:.6f}", np.isnan(limits.flip).tolist())
        1.545607 1.271129 [True, True]
    """

    fold: Float[Array, "*lanes 2"]
    period_two_fold: Float[Array, "*lanes 2"]
    flip: Float[Array, "*lanes 2"]
    ramp: Float[Array, "*lanes 2 2"]
    status: Int[Array, "*lanes 2"]


_SIGNS = np.array([1.0, -1.0])


def all_limits(device):
    """Limits, and critical currents by every criterion: one search for all that is asked of one.

    Flips cost as much to compile as folds: only where the ramp met one, or may have.
    """
    found, ends = _with_folds(device)
    flipped = ends[2].flipped
    if _checks.is_concrete(flipped) and not np.asarray(flipped).any():
        return found
    return _with_flips(device, ends)


@eqx.filter_jit
def _with_folds(device):
    # Both directions in turn, of which only one is traced.
    ends = jax.lax.map(lambda direction: fold_limit(device, direction), jnp.asarray(_SIGNS))
    current, status, ramp = ends
    return _reported(device, current, status, ramp, jnp.full(2, jnp.nan)), ends


@eqx.filter_jit
def _with_flips(device, ends):
    current, status, ramp = ends
    flips = jax.lax.map(lambda one: flip_limit(device, *one), (jnp.asarray(_SIGNS), ramp))
    return _reported(device, current, status, ramp, flips)


def _reported(device, current, status, ramp, flips):
    critical = {
        criterion: _by_criterion(device, criterion, current, status, ramp, flips)
        for criterion in CRITERIA
    }
    return _as_limits(current, status, ramp, flips), critical


@eqx.filter_jit
def by_one_criterion(device, criterion):
    if criterion == "fold":
        current, status = fold_currents(device, jnp.asarray(_SIGNS))
        return _worse_of_both(device, current, status)
    return _by_criterion(device, criterion, *_side_by_side(device, criterion == "stability"))


@eqx.filter_jit
def zero_voltage_limits(device):
    return _as_limits(*_side_by_side(device, True))


def _side_by_side(device, with_flips):
    """Folds of both directions under one vmap, as transformations of JAX need them."""
    signs = jnp.asarray(_SIGNS)
    current, status, ramp = jax.vmap(fold_limit, (None, 0))(device, signs)
    flips = jax.vmap(flip_limit, (None, 0, 0))(device, signs, ramp) if with_flips else None
    return current, status, ramp, flips


def _by_criterion(device, criterion, current, status, ramp, flips):
    if criterion == "stability":
        # A flip comes before whatever the ramp met later.
        fold = jnp.where(status == Status.CONVERGED, current, jnp.nan)
        current = jnp.where(ramp.flipped, flips, fold)
        known = jnp.isfinite(current) & ~ramp.doubled_at_rest
        lost = jnp.where(status == Status.CONVERGED, Status.NOT_CONVERGED, status)
        status = jnp.where(known, Status.CONVERGED, lost).astype(jnp.int32)
    elif criterion == "switching":
        two = status == Status.PERIOD_TWO_FOLD
        status = jnp.where(two, Status.CONVERGED, status).astype(jnp.int32)
    return _worse_of_both(device, current, status)


def _worse_of_both(device, current, status):
    worst = jnp.max(status)
    worst = jnp.where(all_finite(device), worst, Status.NONFINITE)
    plus, minus = jnp.where(worst == Status.CONVERGED, current, jnp.nan)
    return CriticalCurrents(plus, minus, worst.astype(jnp.int32))


def _as_limits(current, status, ramp, flips):
    bracket = _SIGNS[:, None] * jnp.stack([ramp.held.current, ramp.switched], axis=1)
    return KapitzaLimits(
        fold=jnp.where(status == Status.CONVERGED, current, jnp.nan),
        period_two_fold=jnp.where(status == Status.PERIOD_TWO_FOLD, current, jnp.nan),
        flip=flips,
        ramp=jnp.where(ramp.running[:, None], jnp.nan, bracket),
        status=status,
    )
