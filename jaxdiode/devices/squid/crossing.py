"""Critical currents of a SQUID whose bias line makes flux: the first crossing on a ramp."""

from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...core.critical import unless
from ...core.device import AbstractPhaseBiased, critical_currents
from ...numerics.extrema import clustered_grid
from ...numerics.roots import implicit_root, value_and_slope
from ...numerics.status import Status

_STEPS = 4000  # of the march towards the first crossing
_ROUNDING = 1e-14


@runtime_checkable
class BiasLine(Protocol):
    """A SQUID `at` a coil current and a bias current, and what its line couples to."""

    @property
    def mutual_inductance(self) -> Array | None: ...
    @property
    def squid(self) -> AbstractPhaseBiased: ...
    def at(self, coil_current: Array, bias_current: Array) -> AbstractPhaseBiased: ...


@eqx.filter_jit
def both_directions(device: BiasLine, coil: Float[Array, ""]):
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
        branch = branch.relation()
        kinks, widths = branch.kinks()
        grid = clustered_grid(kinks, widths, 4 * branch.samples_per_period())
        slopes = jax.vmap(lambda x, b=branch: value_and_slope(b.current, x)[1])(grid)
        falls = -jnp.min(slopes)
        rises.append(jnp.where(jnp.isfinite(falls), jnp.max(slopes), jnp.nan))
    mutual = jnp.concatenate([jnp.zeros(1), jnp.cumsum(device.mutual_inductance)])
    return 1.1 * 2 * jnp.pi * (jnp.max(mutual) - jnp.min(mutual)) * jnp.sum(jnp.stack(rises))
