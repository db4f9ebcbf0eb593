"""Mean voltages with thermal noise, by simulation of many replicas side by side."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import nondifferentiable
from jaxtyping import Array, Bool, Float, Int, Key

from .. import _checks, progress
from ..core.dynamical import AbstractDynamical
from ..numerics.status import Status
from .noise import BLOCK, Steps, heun, noise_units, stepping, steps_of
from .voltage_curve import IVCurve

Scalar = Float[Array, ""]
Biases = Float[Array, " n"]

_LANES = 2**14  # at once
_COST, _STEP_COST = 8e-8, 8e-6  # seconds per step of a lane and of a batch, measured
_APART = 5.0  # standard errors by which the voltages up and down differ


def noisy_curve(
    device: AbstractDynamical,
    bias: Biases,
    gamma: Scalar,
    length: Scalar,
    part: Scalar,
    samples: int,
    key: Key[Array, ""],
) -> IVCurve:
    """See `iv_curve`; `samples` replicas at every bias."""
    _announce(device, bias, gamma, length, samples)
    return _noisy_curve(device, bias, gamma, (length, part), samples, key)


def _announce(
    device: AbstractDynamical, bias: Biases, gamma: Scalar, length: Scalar, samples: int
) -> None:
    if not _checks.all_concrete((device, bias, gamma, length)):
        return
    unit, size, rate = noise_units(device)
    steps = steps_of(unit, gamma / size, jnp.max(jnp.abs(bias)) / size)
    lanes = (1 if device.is_overdamped else 2) * samples * bias.size
    batches = np.ceil(lanes / _LANES)
    seconds = float(length * rate / steps.size) * (lanes * _COST + batches * _STEP_COST)
    progress.announce(
        f"iv_curve of {bias.size} biases with {samples} samples", seconds, "duration",
        float(length), "shorten duration, or take fewer biases or samples", depth=5,
    )  # fmt: skip


@eqx.filter_jit
def _noisy_curve(
    device: AbstractDynamical,
    bias: Biases,
    gamma: Scalar,
    times: tuple[Scalar, Scalar],
    samples: int,
    key: Key[Array, ""],
) -> IVCurve:
    device, bias = nondifferentiable((device, bias), name="iv_curve")
    frequency = device.drive_frequency
    unit, size, rate = noise_units(device)
    length, part = times[0] * rate, times[1]
    steps = steps_of(unit, gamma / size, jnp.max(jnp.abs(bias)) / size)
    settling = steps.to_periods(length * part)
    lasting = jnp.maximum(steps.to_periods(length * (1 - part)), 1)
    number = jnp.arange(bias.size)
    starts = 1 if device.is_overdamped else 2

    def one(at: tuple[Array, Array]):
        k, current = at
        own = jax.random.fold_in(key, k)
        moved = _advances(unit, steps, current, (settling, lasting), (starts, samples), own)
        return mean_velocity(moved, lasting.astype(float) * steps.size)

    batch = max(1, min(bias.size, _LANES // (starts * samples)))
    mean, error = jax.lax.map(one, (number, bias / size), batch_size=batch)
    if device.phases == 1:
        mean, error = mean[..., 0], error[..., 0]
    up, down = (rate * mean[:, 0], rate * error[:, 0]), (rate * mean[:, -1], rate * error[:, -1])
    status = status_of_sweeps(up, down)
    return IVCurve(
        bias, up[0], down[0], up[1], down[1], status, status, frequency,
        device.voltage_unit, jnp.asarray(gamma),
    )  # fmt: skip


def mean_velocity(
    moved: Float[Array, "starts samples *phases"], time: Scalar
) -> tuple[Float[Array, "starts *phases"], Float[Array, "starts *phases"]]:
    """Mean over replicas and its standard error, not below that of one slip in all the time."""
    samples = moved.shape[1]
    speed = moved / time
    least = 2 * jnp.pi / (samples * time)
    error = jnp.std(speed, axis=1, ddof=1) / np.sqrt(samples)
    return jnp.mean(speed, axis=1), jnp.maximum(error, least)


def status_of_sweeps(
    up: tuple[Array, Array], down: tuple[Array, Array], known: Bool[Array, ""] | bool = True
) -> Int[Array, "..."]:
    """Of (mean, error) on both ways: NOT_CONVERGED where they differ, or nowhere is it known."""
    apart = jnp.abs(up[0] - down[0]) > _APART * jnp.hypot(up[1], down[1])
    status = jnp.where(~apart & known, Status.CONVERGED, Status.NOT_CONVERGED)
    finite = jnp.isfinite(up[0]) & jnp.isfinite(down[0])
    return jnp.where(finite, status, Status.NONFINITE).astype(jnp.int32)


def _advances(
    unit: AbstractDynamical,
    steps: Steps,
    bias: Scalar,
    counts: tuple[Array, Array],
    shape: tuple[int, int],
    key: Key[Array, ""],
) -> Float[Array, "starts samples phases"]:
    """How far the phases come after settling: from rest, the bias turned up, and while they run."""
    settling, lasting = counts
    rest = unit.rest()
    full = *shape, rest.size
    x, v = jnp.broadcast_to(rest, full), jnp.zeros(full)
    turning = jnp.ones((shape[0], 1, 1))
    if not unit.is_overdamped:
        running = jnp.broadcast_to(bias / unit.damping, rest.shape)
        v, turning = v.at[1].set(running), turning.at[1].set(0.0)

    def push(k):
        share = jnp.minimum(2 * k / jnp.maximum(settling, 1), 1.0)
        return bias * (1 - turning * (1 - share)), share

    def step(k, state, normals):
        return heun(unit, steps, k, state, push, steps.spread * normals)

    def along(first, last, state):
        def block(n, state):
            begin = first + n * BLOCK
            return stepping(step, state, begin, jnp.minimum(begin + BLOCK, last), key, full)

        blocks = (last - first + BLOCK - 1) // BLOCK
        return jax.lax.fori_loop(0, blocks, block, state)

    settled = along(jnp.zeros_like(settling), settling, (x, v))
    ended = along(settling, settling + lasting, settled)
    return ended[0] - settled[0]
