"""The extrema of a current-phase relation, sharp turns and jumps included."""

from functools import partial
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..numerics.extrema import CLOSEST, clustered_grid, periodic_extrema
from ..numerics.roots import value_and_slope
from ..numerics.status import Status
from .critical import CriticalCurrents, unless


@runtime_checkable
class CurrentOfPhase(Protocol):
    """What the search asks of a relation; see `AbstractPhaseBiased`."""

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]: ...
    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]: ...
    def samples_per_period(self) -> int: ...
    def magnitude(self) -> Float[Array, ""]: ...
    def status(self) -> Int[Array, ""]: ...


@eqx.filter_jit
def largest_current(relation: CurrentOfPhase) -> Float[Array, ""]:
    """max|I| from samples that include both sides of every sharp turn."""
    kinks, widths = relation.kinks()
    grid = clustered_grid(kinks, widths, relation.samples_per_period())
    return jnp.max(jnp.abs(relation.current(grid)))


@eqx.filter_jit
def extrema_of_current(relation: CurrentOfPhase) -> CriticalCurrents:
    """Largest and smallest current over the phase, with exact first and second derivatives."""
    frozen = jax.tree.map(jax.lax.stop_gradient, relation)
    kinks, widths = frozen.kinks()
    grid = clustered_grid(kinks, widths, frozen.samples_per_period())
    found = periodic_extrema(frozen.current, grid)
    signs = jnp.array([1.0, -1.0])
    scale = jnp.max(jnp.abs(found.value))
    (plus, minus), (ahead, back) = jax.vmap(partial(_differentiable_extremum, relation, scale))(
        signs, found.position
    )
    status = jnp.where(jnp.all(found.converged), Status.CONVERGED, Status.NOT_CONVERGED)
    flat = found.value[0] - found.value[1] <= 1e-11 * scale
    cancelled = scale <= 1e-13 * frozen.magnitude()
    status = jnp.where(flat | cancelled, Status.NO_SUPERCURRENT, status)
    status = jnp.where(jnp.all(jnp.isfinite(found.value)), status, Status.NONFINITE)
    known = frozen.status()
    status = jnp.where(known == Status.CONVERGED, status, known).astype(jnp.int32)
    # What does not depend on the phase is known too: 0 where terms cancel, else ± the constant.
    none = status == Status.NO_SUPERCURRENT
    minus = jnp.where(none, -plus, minus)
    plus, minus = (unless(none & cancelled, 0.0, x) for x in (plus, minus))
    bad = (status != Status.CONVERGED) & ~none
    plus, minus = (unless(bad, jnp.nan, x) for x in (plus, minus))
    ahead, back = (unless(bad | none, jnp.nan, x) for x in (ahead, back))
    return CriticalCurrents(plus, minus, status, ahead, back)


def _differentiable_extremum(relation, scale, sign, position):
    """±I near a located extremum, with exact first and second parameter derivatives, and where.

    The position is held fixed relative to the nearest kink, which moves with the parameters:
    at a smooth extremum any frame gives the same gradient, at a jump only this one is right,
    and close to one it avoids the cancellation of two huge slopes. A Newton step on top
    makes the second derivative exact: freezing the position alone gives a wrong Hessian.
    """

    def current(phase):
        return sign * relation.current(phase)

    reach, pinned = jnp.inf, jnp.zeros((), bool)
    kinks = jnp.mod(jnp.ravel(jnp.asarray(relation.kinks()[0], float)), 2 * jnp.pi)
    if kinks.size:
        offsets = jnp.mod(position - jax.lax.stop_gradient(kinks) + jnp.pi, 2 * jnp.pi) - jnp.pi
        nearest = jnp.argmin(jnp.abs(offsets))
        offset, anchor = offsets[nearest], kinks[nearest]
        # At a jump the search ends within rounding of it: step back to the higher side.
        below, above = (jax.lax.stop_gradient(current(anchor + x)) for x in (-CLOSEST, CLOSEST))
        pinned = jnp.abs(offset) < CLOSEST
        offset = jnp.where(pinned, jnp.where(below > above, -CLOSEST, CLOSEST), offset)
        position = anchor + offset
        reach = jnp.where(pinned, 0.0, 0.1 * jnp.abs(offset))

    slope, curvature = value_and_slope(lambda x: value_and_slope(current, x)[1], position)
    curvature = jax.lax.stop_gradient(curvature)
    step = slope / jnp.where(curvature < 0, -curvature, 1.0)
    gain = jnp.abs(slope * step)
    smooth = (curvature < 0) & (jnp.abs(step) < reach) & (gain <= 1e-9 * scale)
    position = position + jnp.where(smooth, step, 0.0)
    return current(position), jnp.mod(slope_unless(~smooth & ~pinned, position), 2 * jnp.pi)


@jax.custom_jvp
def slope_unless(exception: Array, value: Array) -> Array:
    """`value`, with NaN for derivatives where the exception holds."""
    del exception
    return value


@slope_unless.defjvp
def _slope_unless_jvp(primals, tangents):
    exception, value = primals
    return value, jnp.where(exception, jnp.nan, 1.0) * tangents[1]
