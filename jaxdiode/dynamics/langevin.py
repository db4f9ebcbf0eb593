"""Ramps at a constant rate with thermal current noise: switching histograms, by Euler–Heun."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from ..core.dynamical import AbstractDynamical
from ..numerics.status import Status
from .climb import SWITCHED
from .natural_units import acceleration, largest, strobe_period
from .noise import BLOCK, SETTLING, heun, stepping, steps_of
from .shunted import Shunted

Scalar = Float[Array, ""]
Currents = tuple[Float[Array, " samples"], Int[Array, " samples"]]

NOISE_STEP = 0.05  # plasma times


def noisy_ramps(
    device: AbstractDynamical,
    gamma: Scalar,
    rate: Scalar,
    keys: Key[Array, " samples"],
    rest: Float[Array, " phases"],
) -> Callable[[Scalar], Currents]:
    """Ramps of a device in natural units as a function of their direction: currents and status.

    The drive is turned up at zero bias; the bias grows after the phases have settled. A sample
    switched when a phase is 4π from rest.

    Args:
        gamma: γ = k_BT/E_J.
        rate: di/dτ.
        keys: one per sample.
        rest: phases at zero bias.
    """
    size = jnp.minimum(NOISE_STEP, strobe_period(device) / 20)
    spread = jnp.sqrt(device.noise_intensity() * gamma * size)
    settling = 20 * largest(jnp.maximum(1 / device.damping, device.damping))
    enough = (settling + 2 * device.largest_current() / rate) / size
    lanes = jnp.ones((keys.shape[0], 1))

    def bias(time):
        return rate * jnp.maximum(time - settling, 0.0)

    def ramps(direction: Scalar) -> Currents:
        folded = jnp.asarray(direction > 0, int)
        own = jax.vmap(lambda key: jax.random.fold_in(key, folded))(keys)

        def normals(k):
            def draw(key):
                return jax.random.normal(jax.random.fold_in(key, k), rest.shape)

            return jax.vmap(draw)(own)

        def accelerations(time, x, v):
            drive = jnp.minimum(time / (0.5 * settling), 1.0)
            current = direction * bias(time)
            return jax.vmap(lambda x, v: acceleration(device, time, x, v, current, drive))(x, v)

        def running(state):
            k, _, _, current = state
            return jnp.any(jnp.isnan(current)) & (k < enough)

        def step(state):
            k, x, v, current = state
            time = size * jnp.asarray(k, float)
            later = time + size
            kick = spread * normals(k)
            a = accelerations(time, x, v)
            x1, v1 = x + size * v, v + size * a + kick
            a1 = accelerations(later, x1, v1)
            x, v = x + 0.5 * size * (v + v1), v + 0.5 * size * (a + a1) + kick
            ran = ~(jnp.max(jnp.abs(x - rest), axis=1) <= SWITCHED) & jnp.isnan(current)
            return k + 1, x, v, jnp.where(ran, bias(later), current)

        start = 0, rest * lanes, jnp.zeros_like(rest) * lanes, jnp.nan * lanes[:, 0]
        _, _, _, current = jax.lax.while_loop(running, step, start)
        return _sorted_out(current)

    return ramps


def first_slips(
    device: Shunted,
    gamma: Scalar,
    rate: Scalar,
    key: Key[Array, ""],
    samples: int,
    rest: Float[Array, "1"],
) -> Callable[[Scalar], Currents]:
    """The same without capacitance, in own units: where each sample has slipped by 2π.

    The drive is turned up without noise; slips of a driven phase are counted from period to period.
    The bias grows after as long a time with noise.
    """
    steps = steps_of(device, gamma, jnp.zeros(()))
    settling = steps.to_periods(jnp.asarray(2 * SETTLING))
    grown = 2 * device.largest_current() + jnp.sqrt(16 * jnp.pi * rate)
    enough = settling + (grown / (rate * steps.size)).astype(int)
    count = steps.count.astype(int)

    def turned_up(k):
        return jnp.zeros(()), jnp.minimum(2 * k / settling, 1.0)

    def settle(k, state):
        return heun(device, steps, k, state, turned_up, 0.0)

    settled, _ = jax.lax.fori_loop(0, settling, settle, (rest, rest))

    def bias(k):
        return rate * steps.size * jnp.maximum(k - settling, 0).astype(float)

    def slips(direction: Scalar) -> Currents:
        own = jax.random.fold_in(key, jnp.asarray(direction > 0, int))

        def push(k):
            return direction * bias(k), jnp.ones(())

        def step(k, state, normals):
            x, current = state
            x, _ = heun(device, steps, k, (x, x), push, steps.spread * normals)
            slipped = ~(jnp.abs(x - settled)[:, 0] < 2 * jnp.pi) & (jnp.mod(k + 1, count) == 0)
            return x, jnp.where(slipped & jnp.isnan(current), bias(k + 1), current)

        def block(state):
            k, *lanes = state
            shape = samples, 1
            return k + BLOCK, *stepping(step, tuple(lanes), k, k + BLOCK, own, shape)

        def running(state):
            k, _, current = state
            return jnp.any(jnp.isnan(current)) & (k < enough)

        zero = jnp.zeros((), int)
        lanes = jnp.broadcast_to(settled, (samples, 1)), jnp.full(samples, jnp.nan)
        _, _, current = jax.lax.while_loop(running, block, (zero, *lanes))
        return _sorted_out(current)

    return slips


def _sorted_out(current: Float[Array, " samples"]) -> Currents:
    """Those that ran at zero bias or did not switch at all are not known."""
    early = jnp.where(current > 0, Status.CONVERGED, Status.NO_ZERO_VOLTAGE_STATE)
    status = jnp.where(jnp.isnan(current), Status.NOT_CONVERGED, early)
    return jnp.where(status == Status.CONVERGED, current, jnp.nan), status
