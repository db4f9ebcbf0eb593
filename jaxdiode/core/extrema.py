"""The extrema of a current-phase relation, sharp turns and jumps included."""

from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..numerics.extrema import CLOSEST, clustered_grid, extrema_between, graded_samples
from ..numerics.lanes import lanes_last
from ..numerics.roots import value_and_slope
from ..numerics.status import Status
from ..numerics.trigonometry import with_vector_trigonometry
from .critical import CriticalCurrents, unless

_SIGNS = np.array([1.0, -1.0])  # of maximum and minimum
_ROUNDING = 1e-15  # of a current, times the magnitude of its terms


@runtime_checkable
class CurrentOfPhase(Protocol):
    """What the search asks of a relation; see `AbstractPhaseBiased`.

    One that has `current_in_lanes` is searched by that: the same current, written for many devices
    side by side, of which each step is one operation on a scalar.
    """

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
    found = _located(frozen)
    current, phase = _differentiable_extrema(relation, found)
    value = found.value
    scale = jnp.max(jnp.abs(value))
    status = jnp.where(jnp.all(found.converged), Status.CONVERGED, Status.NOT_CONVERGED)
    flat = value[0] - value[1] <= 1e-11 * scale
    cancelled = scale <= 1e-13 * frozen.magnitude()
    status = jnp.where(flat | cancelled, Status.NO_SUPERCURRENT, status)
    status = jnp.where(jnp.all(jnp.isfinite(value)), status, Status.NONFINITE)
    known = frozen.status()
    status = jnp.where(known == Status.CONVERGED, status, known).astype(jnp.int32)
    # What does not depend on the phase is known too: 0 where terms cancel, else ± the constant.
    none = status == Status.NO_SUPERCURRENT
    plus = current[0]
    minus = jnp.where(none, -plus, -current[1])
    plus, minus = (unless(none & cancelled, 0.0, x) for x in (plus, minus))
    bad = (status != Status.CONVERGED) & ~none
    plus, minus = (unless(bad, jnp.nan, x) for x in (plus, minus))
    ahead, back = (unless(bad | none, jnp.nan, phase[k]) for k in range(2))
    return CriticalCurrents(plus, minus, status, ahead, back)


class _Places(NamedTuple):
    """Where maximum and minimum are, and how sure that is.

    Attributes:
        kink: number of the nearest kink.
        offset: phase beyond that kink, or the phase where there are no kinks.
        value: the current there.
        smooth: an extremum with a slope of 0 and a curvature, not the end of a jump.
        pinned: next to a jump.
    """

    kink: Int[Array, "2 *lanes"]
    offset: Float[Array, "2 *lanes"]
    value: Float[Array, "2 *lanes"]
    smooth: Bool[Array, "2 *lanes"]
    pinned: Bool[Array, "2 *lanes"]
    converged: Bool[Array, "2 *lanes"]


def _located(relation: CurrentOfPhase) -> _Places:
    """The extrema of a frozen relation, of all lanes of vmap together."""

    def turns():
        return [jnp.ravel(jnp.asarray(x, float)) for x in relation.kinks()]

    # What the functions of a relation close over differs from lane to lane as its leaves do.
    convert = eqx.filter_closure_convert
    current = getattr(relation, "current_in_lanes", relation.current)
    functions = convert(current, jnp.zeros(())), convert(turns), convert(relation.magnitude)
    arrays, rest = eqx.partition(functions, eqx.is_array)
    samples = relation.samples_per_period()

    @lanes_last
    def search(arrays):
        leaves = jax.tree.leaves(arrays)
        lanes = max((x.shape[-1] for x in leaves), default=1)
        shared = jax.tree.map(lambda x: x.shape[-1] < lanes, arrays)
        each = jax.tree.map(lambda x, same: x[..., 0] if same else x, arrays, shared)
        axes = jax.tree.map(lambda same: None if same else -1, shared)

        def over_lanes(which, *args):
            def one(arrays, *args):
                return eqx.combine(arrays, rest)[which](*args)

            over = (axes, *(-1 for _ in args))
            return jax.vmap(one, over, -1, axis_size=lanes)(each, *args)

        def currents(phases):
            return jax.vmap(lambda x: over_lanes(0, x))(phases)

        kinks, widths = over_lanes(1)
        return _search(currents, kinks, widths, samples, _ROUNDING * over_lanes(2))

    return search(arrays)


def _search(current, kinks, widths, samples, rounding) -> _Places:
    if kinks.shape != widths.shape:
        raise ValueError(
            f"kinks must return as many widths as phases, got {len(kinks)} and {len(widths)}"
        )
    signs = jnp.asarray(_SIGNS)[:, None]
    kinks = jnp.mod(kinks, 2 * jnp.pi)
    graded = graded_samples(kinks, widths, samples)
    found = extrema_between(current, graded, rounding=rounding)
    scale = jnp.max(jnp.abs(found.value), axis=0)
    curved = signs * found.curvature < 0
    step = jnp.where(curved, -found.slope / jnp.where(curved, found.curvature, 1.0), 0.0)
    smooth = curved & (jnp.abs(found.slope * step) <= 1e-9 * scale)
    kink = jnp.zeros(smooth.shape, jnp.int32)
    offset, value, pinned = found.position, found.value, jnp.zeros_like(smooth)
    if len(kinks):
        away = jnp.mod(offset - kinks[:, None] + jnp.pi, 2 * jnp.pi) - jnp.pi
        kink = jnp.argmin(jnp.abs(away), axis=0).astype(jnp.int32)
        offset = jnp.take_along_axis(away, kink[None], axis=0)[0]
        anchor, width = (jnp.take_along_axis(x, kink, axis=0) for x in (kinks, widths))
        smooth &= jnp.abs(step) < 0.1 * jnp.maximum(jnp.abs(offset), width)
        # At a jump the search ends within rounding of it: step back to the higher side.
        pinned = ~smooth & (jnp.abs(offset) < CLOSEST)
        sides = jnp.array([-CLOSEST, CLOSEST])[:, None]
        beside = with_vector_trigonometry(current)((anchor + sides[:, None]).reshape(4, -1))
        below, above = beside.reshape(2, 2, -1)
        ahead = signs * (above - below) >= 0
        offset = jnp.where(pinned, jnp.where(ahead, CLOSEST, -CLOSEST), offset)
        value = jnp.where(pinned, jnp.where(ahead, above, below), value)
    offset = offset + jnp.where(smooth, step, 0.0)
    return _Places(kink, offset, value, smooth, pinned, found.converged)


def _differentiable_extrema(relation, places):
    """Both extrema and their phases: known numbers, with exact derivatives.

    The phase is held relative to the nearest kink, which moves with the parameters: at a smooth
    extremum any frame gives the same derivatives, at a jump only this one is right, and close to
    one it avoids the cancellation of two huge slopes. There the current's gradient is that at a
    fixed phase (envelope theorem); how the phase moves comes in with second derivatives.
    """
    given, rest = eqx.partition(relation, eqx.is_inexact_array)
    fixed, static = eqx.partition(rest, eqx.is_array)

    def phase_at(given, fixed, place, offset):
        kinks = eqx.combine(given, fixed, static).kinks()[0]
        kinks = jnp.mod(jnp.ravel(jnp.asarray(kinks, float)), 2 * jnp.pi)
        near = jnp.arange(kinks.size, dtype=jnp.int32) == place.kink
        return offset + jnp.sum(jnp.where(near, kinks, 0.0))

    def current_at(given, fixed, place, offset):
        phase = phase_at(given, fixed, place, offset)
        return eqx.combine(given, fixed, static).current(phase)

    @jax.custom_jvp
    def offset(given, fixed, place):
        """Of the extremum from the kink: where the slope is 0, whatever the parameters."""
        del given, fixed
        return place.offset

    @offset.defjvp
    def _(primals, tangents):
        given, fixed, place = primals
        here = offset(given, fixed, place)

        def slope(given, x):
            return value_and_slope(partial(current_at, given, fixed, place), x)[1]

        _, curvature = value_and_slope(partial(slope, given), here)
        _, change = jax.jvp(lambda x: slope(x, here), (given,), (tangents[0],))
        return here, -jnp.where(place.smooth, change, 0.0) / jnp.where(place.smooth, curvature, 1.0)

    @jax.custom_jvp
    def extremum(given, fixed, place):
        del given, fixed
        return place.value

    @extremum.defjvp
    def _(primals, tangents):
        given, fixed, place = primals
        here = offset(given, fixed, place)
        _, change = jax.jvp(lambda x: current_at(x, fixed, place, here), (given,), (tangents[0],))
        return extremum(given, fixed, place), change

    def both(place):
        phase = phase_at(given, fixed, place, offset(given, fixed, place))
        phase = slope_unless(~place.smooth & ~place.pinned, phase)
        return extremum(given, fixed, place), jnp.mod(phase, 2 * jnp.pi)

    return jax.vmap(both)(places)


@jax.custom_jvp
def slope_unless(exception: Array, value: Array) -> Array:
    """`value`, with NaN for derivatives where the exception holds."""
    del exception
    return value


@slope_unless.defjvp
def _slope_unless_jvp(primals, tangents):
    exception, value = primals
    return value, jnp.where(exception, jnp.nan, 1.0) * tangents[1]
