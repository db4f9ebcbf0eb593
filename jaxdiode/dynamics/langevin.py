"""Ramps at a constant rate with thermal current noise: switching histograms, by Euler–Heun."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from ..core.dynamical import AbstractDynamical
from ..numerics.status import Status
from .climb import SWITCHED
from .natural_units import acceleration, largest, strobe_period

Scalar = Float[Array, ""]
Currents = tuple[Float[Array, " samples"], Int[Array, " samples"]]

NOISE_STEP = 0.05  # plasma times


def noisy_ramps(
    device: AbstractDynamical, gamma: Scalar, rate: Scalar, keys: Key[Array, " samples"]
) -> Callable[[Scalar], Currents]:
    """Ramps of a device in natural units as a function of their direction: currents and status.

    The drive is turned up at zero bias; the bias grows after the phases have settled. A sample
    switched when a phase is 4π from rest.

    Args:
        gamma: γ = k_BT/E_J.
        rate: di/dτ.
        keys: one per sample.
    """
    size = jnp.minimum(NOISE_STEP, strobe_period(device) / 20)
    spread = jnp.sqrt(device.noise_intensity() * gamma * size)
    rest = device.rest()
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
        early = jnp.where(current > 0, Status.CONVERGED, Status.NO_ZERO_VOLTAGE_STATE)
        status = jnp.where(jnp.isnan(current), Status.NOT_CONVERGED, early)
        return jnp.where(status == Status.CONVERGED, current, jnp.nan), status

    return ramps
