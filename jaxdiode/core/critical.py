"""Critical currents in both directions and the diode efficiency."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..numerics.extrema import CLOSEST, clustered_grid, periodic_extrema
from ..numerics.roots import value_and_slope
from ..numerics.status import Status
from .device import AbstractCurrentBiased, AbstractDevice, AbstractPhaseBiased


class CriticalCurrents(eqx.Module):
    """I₊ = max I and I₋ = −min I, each a magnitude in its own direction.

    Both are positive for an ordinary device. A device that carries current of one sign at
    every phase (a supra-perfect diode) keeps the sign: one of the two is then negative and
    |efficiency| exceeds 1. Where `status` is not 0 (see `Status`) what is not known is NaN, and so
    are its derivatives. Without supercurrent (`NO_SUPERCURRENT`: junctions that cancel, or carry
    nothing) both are 0 and known, only η = 0/0 is not; their derivatives are NaN, because I± has
    a corner there, such as |I₁ − I₂| of two equal junctions at half a flux quantum.
    """

    plus: Float[Array, "..."]
    minus: Float[Array, "..."]
    status: Int[Array, "..."]

    def __repr__(self) -> str:
        return eqx.tree_pformat(self, short_arrays=False)

    def as_dict(self) -> dict[str, Array]:
        """The pair, its efficiency and status by name, as sweeps and files hold them."""
        return {
            "plus": self.plus,
            "minus": self.minus,
            "efficiency": self.efficiency,
            "status": self.status,
        }

    @property
    def efficiency(self) -> Float[Array, "..."]:
        """Diode efficiency η = (I₊ − I₋)/(I₊ + I₋); NaN where the sum is 0."""
        total = self.plus + self.minus
        return (self.plus - self.minus) / jnp.where(total == 0, jnp.nan, total)

    @property
    def bounded_efficiency(self) -> Float[Array, "..."]:
        """η′ = (|I₊| − |I₋|)/(|I₊| + |I₋|): η for an ordinary diode, 1/η beyond a perfect one.

        It vanishes where the current no longer depends on the phase (Shaffer et al., Eq. (18)).
        """
        plus, minus = jnp.abs(self.plus), jnp.abs(self.minus)
        return (plus - minus) / (plus + minus)


def critical_currents(device: AbstractDevice, criterion: str | None = None) -> CriticalCurrents:
    """Critical currents of any device, exact under jit, vmap, grad, jacfwd and hessian.

    Args:
        device: phase-biased or current-biased.
        criterion: of a current-biased device that offers several, in place of its own; static
            under jit (`jax.jit(critical_currents, static_argnames="criterion")`).

    Current-biased devices state themselves where the criterion is met. Phase-biased devices:
    extrema of I(φ), to 1e-11 of the largest current; value, gradient and Hessian are exact at a
    smooth extremum (envelope theorem plus one differentiated Newton step). At a jump of I(φ) the
    one-sided limit counts, and the gradient follows the jump. Where two peaks tie the gradient is
    that of one of them. At an exactly balanced pair η has a cusp, −|first − second|^(2/3):
    derivatives across it do not exist there. Where nothing flows at any phase I₊ = I₋ = 0, with
    NaN for slopes.

    Raises:
        ValueError: `device` is not a jaxdiode device, or has no such criterion.
    """
    if isinstance(device, AbstractPhaseBiased):
        if criterion is not None:
            raise ValueError(
                "criterion must be left out for a phase-biased device, whose critical currents "
                f"are the extrema of I(φ), got {criterion!r}"
            )
        return _extrema_of_current(device)
    if isinstance(device, AbstractCurrentBiased):
        return (
            device.critical_currents() if criterion is None else device.critical_currents(criterion)
        )
    raise ValueError(
        "device must be phase-biased or current-biased (a subclass of AbstractPhaseBiased or "
        f"AbstractCurrentBiased), got {type(device).__name__}"
    )


def diode_efficiency(device: AbstractDevice, criterion: str | None = None) -> Float[Array, ""]:
    """Diode efficiency η = (I₊ − I₋)/(I₊ + I₋) of any device; see `critical_currents`."""
    return critical_currents(device, criterion).efficiency


@eqx.filter_jit
def _extrema_of_current(device: AbstractPhaseBiased) -> CriticalCurrents:
    device = device.prepared()
    frozen = jax.tree.map(jax.lax.stop_gradient, device)
    kinks, widths = frozen.kinks()
    grid = clustered_grid(kinks, widths, frozen.samples_per_period())
    found = periodic_extrema(frozen.current, grid)
    signs = jnp.array([1.0, -1.0])
    scale = jnp.max(jnp.abs(found.value))
    plus, minus = jax.vmap(partial(_differentiable_extremum, device, scale))(signs, found.position)
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
    return CriticalCurrents(unless(bad, jnp.nan, plus), unless(bad, jnp.nan, minus), status)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def unless(exception: Array, fill: float, value: Array) -> Array:
    """`value`, or `fill` with NaN for derivatives where the exception holds.

    `jnp.where` alone would give derivatives of 0 there, which say that nothing changes.
    """
    return jnp.where(exception, fill, value)


@unless.defjvp
def _unless_jvp(fill, primals, tangents):
    exception, value = primals
    slope = jnp.where(exception, jnp.nan, 1.0)
    return unless(exception, fill, value), slope * tangents[1]


def _differentiable_extremum(device, scale, sign, position):
    """±I near a located extremum, with exact first and second parameter derivatives.

    The position is held fixed relative to the nearest kink, which moves with the parameters:
    at a smooth extremum any frame gives the same gradient, at a jump only this one is right,
    and close to one it avoids the cancellation of two huge slopes. A Newton step on top
    makes the second derivative exact: freezing the position alone gives a wrong Hessian.
    """

    def current(phase):
        return sign * device.current(phase)

    reach = jnp.inf
    kinks = jnp.mod(jnp.ravel(jnp.asarray(device.kinks()[0], float)), 2 * jnp.pi)
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
    return current(position + jnp.where(smooth, step, 0.0))
