"""What a junction with an unknown profile carries at every field, with fast gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core.critical import CriticalCurrents
from ..core.device import critical_currents
from ..core.parameters import CURRENT
from ..core.paths import declaration, owner_of, step_of
from ..devices.extended import ExtendedJunction

_PHASES = 1024
_LEFT_OUT = 1e-12  # of all harmonics, that those above the ones used may be
_SAME = 1e-9  # of the current, by which a scaled device may differ from the scaled current
_MANY = 32  # harmonics that are worth counting


def times(device, factor):
    """The device with all its currents times a factor, tables of them included."""
    return jax.tree.map(
        lambda leaf, declared: factor * leaf if declared.unit == CURRENT else leaf,
        device, _declared(device),
    )  # fmt: skip


def _declared(device):
    """What is declared of every array of a device, in its place."""

    def of(path, _):
        return declaration(*owner_of(device, ".".join(step_of(entry) for entry in path)))

    return jax.tree_util.tree_map_with_path(of, device)


def require_factor(local) -> None:
    phase = jnp.asarray(2 * np.pi * np.arange(_PHASES) / _PHASES)
    one, other = local.current(phase), times(local, 2.0).current(phase)
    if np.max(np.abs(2 * one - other)) > _SAME * np.max(np.abs(one)):
        raise ValueError(
            f"local must be a device whose currents have a common factor, a {type(local).__name__} "
            "has none: say known_current=True, or free the parameters of its current"
        )


def enough_harmonics(local) -> int | None:
    """Harmonics of a smooth relation that does not change, in place of as many as any needs."""
    if not ExtendedJunction(local).harmonics > _MANY:
        return None
    phase = jnp.asarray(2 * np.pi * np.arange(_PHASES) / _PHASES)
    size = np.abs(np.fft.rfft(np.asarray(local.current(phase))))
    beyond = np.cumsum(size[::-1])[::-1]  # of this harmonic and all above
    needed = int(np.argmax(beyond <= _LEFT_OUT * beyond[0]))
    return 16 * (needed // 16 + 1) if 0 < needed < _PHASES // 4 else None


def predicted(junction, field) -> CriticalCurrents:
    """I± at every field. Two currents of many numbers: their gradients by reverse mode, from which
    the columns that a fit asks for cost next to nothing."""
    varied = jax.tree.map(lambda declared: not declared.table, _declared(junction))
    dynamic, static = eqx.partition(junction, varied)

    def found(numbers, one):
        device = eqx.combine(numbers, static)
        device = eqx.tree_at(lambda device: device.flux, device, one - device.flux)
        both = critical_currents(device)
        return jnp.stack([both.plus, both.minus]), both.status

    @jax.custom_jvp
    def at(numbers, one):
        currents, status = found(numbers, one)
        return currents, status.astype(float)

    @at.defjvp
    def slope(primals, tangents):
        currents, pullback, status = jax.vjp(found, *primals, has_aux=True)
        rows = jax.vmap(pullback)(jnp.eye(2))
        parts = [
            jnp.tensordot(row, tangent, tangent.ndim)
            for row, tangent in zip(jax.tree.leaves(rows), jax.tree.leaves(tangents), strict=True)
        ]
        status = status.astype(float)
        return (currents, status), (sum(parts, jnp.zeros(2)), jnp.zeros_like(status))

    currents, status = jax.vmap(at, (None, 0))(dynamic, jnp.asarray(field))
    return CriticalCurrents(currents[:, 0], currents[:, 1], status.astype(jnp.int32))


def scaled(junction, field) -> CriticalCurrents:
    """The mean of the profile, which the junction does not see, is the factor on its current."""
    found, factor = predicted(junction, field), jnp.mean(junction.profile)
    return CriticalCurrents(factor * found.plus, factor * found.minus, found.status)
