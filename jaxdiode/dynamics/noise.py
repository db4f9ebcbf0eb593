"""Stochastic Heun steps of phases side by side, with or without inertia.

    φ̇ + I(φ) = i + f + ξ, ⟨ξξ⟩ = 2γδ;   φ'' = … + ξ, ⟨ξξ⟩ = Sγδ.

Numbers are drawn for a block of steps at once: a draw has a cost of its own.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from .. import _checks
from ..core.dynamical import AbstractDynamical
from .drive import off_the_jumps
from .natural_units import acceleration, in_natural_units, largest, rounded_up, whole_pieces
from .shunted import Shunted, own_unit

Scalar = Float[Array, ""]
Count = Int[Array, ""]
Lanes = Float[Array, "*lanes phases"]

BLOCK = 32
SETTLING = 20.0  # in 1/max|I|, in which a phase without capacitance finds its orbit
_STEP = 0.04  # of the fastest time without inertia
_PLASMA_STEP, _TURN_STEP = 0.05, 0.25  # plasma times; radians of a running phase


class Steps(NamedTuple):
    """How a device in natural units is integrated.

    Attributes:
        size: of a step.
        count: steps in a period of the drive, 1 without.
        spread: of the kick of a step, by phase.
    """

    size: Scalar
    count: Scalar
    spread: Float[Array, "*phases"]

    def to_periods(self, time: Scalar) -> Count:
        """Steps of a time rounded up to whole periods of the drive."""
        return (self.count * rounded_up(time / (self.size * self.count))).astype(int)


def replicas(
    samples: int, key: PRNGKeyArray | int | None, at_least: int = 1
) -> tuple[int, PRNGKeyArray]:
    """Their number and key, checked."""
    if key is None:
        raise ValueError("key must be given with noise: jax.random.key(seed), or a seed")
    count = _checks.whole_number("samples", samples, at_least=at_least)
    return count, jax.random.key(key) if isinstance(key, int) else key


def noise_units(device: AbstractDynamical) -> tuple[AbstractDynamical, Scalar, Scalar]:
    """The device in natural units, that unit of current, and its unit of rates."""
    if isinstance(device, Shunted) and device.is_overdamped:
        size = own_unit(device)
        return device.rescaled(size), size, size
    unit, size = in_natural_units(device)
    return unit, size, jnp.sqrt(size)


def steps_of(device: AbstractDynamical, gamma: Scalar, bias: Scalar) -> Steps:
    """Steps for biases up to that one."""
    if device.is_overdamped:
        fastest = device.largest_current() + bias
        size, intensity = _STEP / fastest, jnp.asarray(2.0)
    else:
        running = (bias + device.typical_current()) / largest(device.damping)
        running = running + device.drive_velocity()
        size = jnp.minimum(_PLASMA_STEP, _TURN_STEP / running)
        intensity = device.noise_intensity()
    count = jnp.ones_like(size)
    if device.drive_frequency is not None:
        period = 2 * jnp.pi / device.drive_frequency
        least = 20.0 * device.drive_harmonics()
        count = whole_pieces(device, rounded_up(jnp.maximum(period / size, least)))
        size = period / count
    return Steps(size, count, jnp.sqrt(intensity * gamma * size))


def _ends(device: AbstractDynamical, steps: Steps, k: Count) -> tuple[Scalar, Scalar]:
    """Times since the drive's phase was 0 at which a step begins and ends."""
    begin = steps.size * jnp.mod(k.astype(float), steps.count)
    end, middle = begin + steps.size, begin + steps.size / 2
    if device.drive_pieces() == 1:
        return begin, end
    return off_the_jumps(begin, middle), off_the_jumps(end, middle)


def heun(
    device: AbstractDynamical,
    steps: Steps,
    k: Count,
    state: tuple[Lanes, Lanes],
    push: Callable[[Count], tuple[Array, Array]],
    kick: Lanes | float,
) -> tuple[Lanes, Lanes]:
    """(φ, φ') after step k of all lanes; φ' is not used without inertia.

    Args:
        push: (bias, share of the drive) before step k, numbers or arrays that broadcast to lanes.
        kick: of the noise.
    """
    x, v = state
    begin, end = _ends(device, steps, k)
    size, first, second = steps.size, push(k), push(k + 1)
    if isinstance(device, Shunted) and device.is_overdamped:
        assert device.drive_frequency is None or device.drive is not None
        frequency = jnp.zeros(()) if device.drive is None else device.drive.frequency
        slope = device.velocity(frequency * begin, x, *first)
        later = device.velocity(frequency * end, x + size * slope + kick, *second)
        return x + 0.5 * size * (slope + later) + kick, v
    a = _accelerations(device, begin, x, v, *first)
    x1, v1 = x + size * v, v + size * a + kick
    a1 = _accelerations(device, end, x1, v1, *second)
    return x + 0.5 * size * (v + v1), v + 0.5 * size * (a + a1) + kick


def _accelerations(
    device: AbstractDynamical, time: Scalar, x: Lanes, v: Lanes, current: Array, drive: Array
) -> Lanes:
    """One lane's phases know of each other; lanes do not."""
    lanes = x.shape[:-1]
    current, drive = (
        jnp.broadcast_to(jnp.asarray(y), (*lanes, 1))[..., 0] for y in (current, drive)
    )

    def one(x, v, current, drive):
        return acceleration(device, time, x, v, current, drive)

    function = one
    for _ in lanes:
        function = jax.vmap(function)
    return function(x, v, current, drive)


def stepping(
    step: Callable[[Count, tuple, Array], tuple],
    state: tuple,
    first: Count,
    last: Count,
    key: Key[Array, ""],
    shape: tuple[int, ...],
) -> tuple:
    """`step(k, state, normals)` for k from first to last, at most `BLOCK` of them."""
    normals = jax.random.normal(jax.random.fold_in(key, first), (BLOCK, *shape))
    return jax.lax.fori_loop(first, last, lambda k, y: step(k, y, normals[k - first]), state)
