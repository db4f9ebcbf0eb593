"""Critical currents of a circuit by three criteria, differentiable in all its parameters."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..core.critical import CriticalCurrents, unless
from ..numerics.lanes import lanewise
from ..numerics.status import Status
from .ends import end_bias
from .largest import Ended, largest, nowhere, status_of
from .ramp import ground_state, ramp
from .relations import known_status
from .statics import Bias, Statics

CRITERIA = ("largest", "ramp", "first")


def critical_currents(
    statics: Statics, criterion: str, wanted: Bool[Array, ""]
) -> CriticalCurrents:
    """I₊ and I₋ in the circuit's own unit; NaN where they are not wanted."""
    biases = jax.vmap(statics.bias)(jnp.array([1.0, -1.0]))
    (plus, minus), status = ends_along(statics, criterion, biases, wanted)
    return CriticalCurrents(plus, minus, jnp.max(status))


def ends_along(
    statics: Statics, criterion: str, biases: Bias, wanted: Bool[Array, ""]
) -> tuple[Float[Array, " biases"], Int[Array, " biases"]]:
    """(current, status) where the criterion is met along each of several biases."""
    frozen = statics.frozen()

    def search(frozen: Statics, bias: Bias, wanted: Bool[Array, ""]):
        nothing = nowhere(frozen), jnp.asarray(Status.NOT_CONVERGED, jnp.int32)
        return jax.lax.cond(wanted, lambda: search_along(frozen, bias), lambda: nothing)

    def search_along(frozen: Statics, bias: Bias):
        wells = frozen.relations.wells()
        if criterion == "largest":
            found = largest(frozen, wells, bias)
            return found.ended, status_of(found)
        rest, tied, complete = ground_state(frozen, wells, bias)
        met = ramp(frozen, wells, bias, rest, ~jnp.any(bias.fixed != 0))
        status = ramp_status(met.starts, met.ended, rest_status(tied, complete))
        return met.first if criterion == "first" else met.last, status

    over = lanewise(search)
    fixed = jax.tree.map(jax.lax.stop_gradient, biases)
    ended, status = jax.vmap(lambda bias: over(frozen, bias, wanted))(fixed)
    known = known_status(frozen.relations)
    status = jnp.where(known == Status.CONVERGED, status, known).astype(jnp.int32)
    return end_values(statics, biases, ended, status), status


def rest_status(tied: Bool[Array, ""], complete: Bool[Array, ""]) -> Int[Array, ""]:
    """Of a state of least energy: whether there is another, and whether all were looked at."""
    status = jnp.where(tied, Status.GROUND_STATES_TIE, Status.CONVERGED)
    return jnp.where(complete, status, Status.SEARCH_CUT_SHORT).astype(jnp.int32)


def ramp_status(
    starts: Bool[Array, "..."], ended: Bool[Array, "..."], rest: Int[Array, ""]
) -> Int[Array, "..."]:
    """Of a ramp from a state with a status of its own."""
    status = jnp.where(ended, rest, Status.NOT_CONVERGED)
    return jnp.where(starts, status, Status.NO_ZERO_VOLTAGE_STATE).astype(jnp.int32)


def end_values(
    statics: Statics, biases: Bias, ended: Ended, status: Int[Array, " biases"]
) -> Float[Array, " biases"]:
    """Currents of located ends in the circuit's own unit, with their derivatives."""
    wells = statics.relations.wells()

    def value(ended: Ended, bias: Bias, status: Int[Array, ""]):
        good = has_value(status)
        kept = jax.tree.map(lambda x: jnp.where(good, x, jax.lax.stop_gradient(x)), (statics, bias))
        at = end_bias(kept[0], wells, ended.windings, kept[1], (ended.climb, ended.fold))
        return unless(~good, jnp.nan, at * statics.relations.unit)

    return jax.vmap(value)(ended, biases, status)


def has_value(status: Int[Array, "..."]) -> Bool[Array, "..."]:
    known = (
        Status.CONVERGED,
        Status.LOBES_CROSS,
        Status.SEARCH_CUT_SHORT,
        Status.GROUND_STATES_TIE,
        Status.FALL_UNDECIDED,
    )
    return jnp.isin(status, jnp.array(known, jnp.int32))
