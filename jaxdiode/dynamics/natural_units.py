"""A device in units of its own, and the times that integrations of it are counted in."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .. import _checks
from ..core.device import AbstractPhaseBiased
from ..core.dynamical import AbstractDynamical
from ..core.stationary import AbstractStationary

Scalar = Float[Array, ""]

_MOST_STEPS = 1e6  # of the integration in one hold: a second's work


def require_dynamical(device: object) -> None:
    if not isinstance(device, AbstractDynamical):
        said = ""
        if isinstance(device, AbstractPhaseBiased):
            said = ": give it a shunt, Shunted(device)"
        elif isinstance(device, AbstractStationary):
            said = ", whose states are stationary: iv_curve takes it"
        raise ValueError(
            "device must have an equation of motion, as a KapitzaJunction has, got "
            f"{type(device).__name__}{said}"
        )
    device.require_single_valued()


def in_natural_units(device: AbstractDynamical) -> tuple[AbstractDynamical, Scalar]:
    """The device in a current unit of its own, and that unit; rates are in units of its root.

    All steps and tolerances of ramps, orbits and integrations are meant in these units. That of
    sin φ + sin(φ + π/2) is 1.
    """
    size = device.typical_current() / np.sqrt(2.0)
    size = jnp.where(size > 0, size, largest(device.damping) ** 2)
    return device.rescaled(size), size


@eqx.filter_jit
def _unit_and_frequency(device):
    return in_natural_units(device)[1], strobe_frequency(device)


def rates(device: AbstractDynamical) -> tuple[float, float] | None:
    """√(unit of currents) and strobe frequency as numbers, None under a transformation of JAX."""
    if not _checks.all_concrete(device):
        return None
    with jax.ensure_compile_time_eval():
        size, frequency = _unit_and_frequency(device)
    return float(np.sqrt(size)), float(frequency)


def largest(damping: Float[Array, "*phases"]) -> Scalar:
    return damping if damping.ndim == 0 else jnp.max(damping)


def smallest(damping: Float[Array, "*phases"]) -> Scalar:
    return damping if damping.ndim == 0 else jnp.min(damping)


def strobe_frequency(device: AbstractDynamical) -> Scalar:
    """That of the drive; without one that of the plasma, since any will do."""
    if device.drive_frequency is not None:
        return device.drive_frequency
    return jnp.sqrt(jax.lax.stop_gradient(device.typical_current()))


def strobe_period(device: AbstractDynamical) -> Scalar:
    return 2 * jnp.pi / strobe_frequency(device)


def relaxation_time(device: AbstractDynamical) -> Scalar:
    """Of the slowest phase."""
    return relaxation(device.damping)


def relaxation(damping: Float[Array, "*phases"]) -> Scalar:
    """max(2/β, 4β)."""
    return largest(jnp.maximum(2 / damping, 4 * damping))


def acceleration(
    device: AbstractDynamical,
    time: Scalar,
    phase: Float[Array, " phases"],
    velocity: Float[Array, " phases"],
    current: Scalar,
    drive: float | Scalar = 1.0,
) -> Float[Array, " phases"]:
    """φ'' at a time since drive phase 0."""
    return device.equation_of_motion(
        strobe_frequency(device) * time, phase, velocity, current, drive
    )


def rounded_up(count: Scalar) -> Scalar:
    """The next whole number, but for rounding: the unit of currents must not change a count."""
    return jnp.ceil(count * (1 - 1e-12))


def whole_pieces(device: AbstractDynamical, count: Scalar) -> Scalar:
    """Steps per period, more where a drive jumps, so that no step goes over a jump."""
    pieces = device.drive_pieces()
    return count if pieces == 1 else pieces * rounded_up(count / pieces)


def even_periods(device: AbstractDynamical, hold: float) -> Scalar:
    """Strobe periods in `hold` relaxation times, rounded up to an even number."""
    relaxation = relaxation_time(device)
    return 2 * jnp.maximum(
        rounded_up(hold * relaxation * strobe_frequency(device) / (4 * jnp.pi)), 1.0
    )


def steps_per_period(device: AbstractDynamical, step: float) -> Scalar:
    return jnp.maximum(rounded_up(strobe_period(device) / step), 12.0)


def whole(count: Scalar) -> Int[Array, ""]:
    """As a number of steps, none where it is too many or NaN (`workable` has said so)."""
    return jnp.where(count <= _MOST_STEPS, count, 0.0).astype(int)


def workable(device: AbstractDynamical, *, hold: float = 2.0, step: float = 0.2) -> Bool[Array, ""]:
    """Whether every parameter is finite and one hold ends within a second.

    Asked before any loop whose length depends on the parameters: NaN as a count is whatever the
    processor makes of it.
    """
    steps = even_periods(device, hold) * steps_per_period(device, step)
    return all_finite(device) & (steps <= _MOST_STEPS)


def all_finite(device: AbstractDynamical) -> Bool[Array, ""]:
    leaves = jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(device)])
    return jnp.all(jnp.isfinite(leaves))
