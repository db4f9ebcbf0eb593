"""Critical currents of a circuit by three criteria, differentiable in all its parameters."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ..core.critical import CriticalCurrents, unless
from ..numerics.lanes import lanewise
from ..numerics.status import Status
from .ends import end_bias
from .largest import Ended, largest, nowhere, status_of
from .ramp import ramp
from .relations import known_status
from .statics import Scalar, Statics

CRITERIA = ("largest", "ramp", "first")


def critical_currents(
    statics: Statics, criterion: str, wanted: Bool[Array, ""]
) -> CriticalCurrents:
    """I₊ and I₋ in the circuit's own unit; NaN where they are not wanted."""
    frozen = statics.frozen()
    signs = jnp.array([1.0, -1.0])

    def search(frozen: Statics, sign: Scalar, wanted: Bool[Array, ""]):
        nothing = nowhere(frozen), jnp.asarray(Status.NOT_CONVERGED, jnp.int32)
        return jax.lax.cond(wanted, lambda: search_in(frozen, sign), lambda: nothing)

    def search_in(frozen: Statics, sign: Scalar):
        wells, bias = frozen.relations.wells(), frozen.bias(sign)
        if criterion == "largest":
            found = largest(frozen, wells, bias)
            return found.ended, status_of(found)
        met = ramp(frozen, wells, bias)
        status = jnp.where(met.ended, Status.CONVERGED, Status.NOT_CONVERGED)
        status = jnp.where(met.ended & met.tied, Status.GROUND_STATES_TIE, status)
        status = jnp.where(met.ended & ~met.complete, Status.SEARCH_CUT_SHORT, status)
        status = jnp.where(met.starts, status, Status.NO_ZERO_VOLTAGE_STATE).astype(jnp.int32)
        return met.first if criterion == "first" else met.last, status

    over = lanewise(search)
    ended, status = jax.vmap(lambda sign: over(frozen, sign, wanted))(signs)
    known = known_status(frozen.relations)
    status = jnp.where(known == Status.CONVERGED, status, known).astype(jnp.int32)
    wells = statics.relations.wells()

    def value(ended: Ended, sign, status):
        good = has_value(status)
        kept = jax.tree.map(lambda x: jnp.where(good, x, jax.lax.stop_gradient(x)), statics)
        at = end_bias(kept, wells, ended.windings, kept.bias(sign), (ended.climb, ended.fold))
        return unless(~good, jnp.nan, at * statics.relations.unit)

    plus, minus = jax.vmap(value)(ended, signs, status)
    return CriticalCurrents(plus, minus, jnp.max(status))


def has_value(status: Int[Array, "..."]) -> Bool[Array, "..."]:
    known = (
        Status.CONVERGED,
        Status.LOBES_CROSS,
        Status.SEARCH_CUT_SHORT,
        Status.GROUND_STATES_TIE,
    )
    return jnp.isin(status, jnp.array(known, jnp.int32))
