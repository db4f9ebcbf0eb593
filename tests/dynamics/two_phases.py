"""Two driven junctions in parallel through an inductance: the smallest device of two phases."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxdiode.core.critical import CriticalCurrents
from jaxdiode.core.dynamical import AbstractDynamical


class TwoJunctions(AbstractDynamical):
    """φ_k'' + β_k φ_k' + (1 + a_k cos θ) sin φ_k + b_k sin(φ_k + φ₀) + g(φ_k − φ_l) = i.

    Attributes:
        coupling: g; 0 leaves two separate junctions under the same current each.
    """

    damping: Float[Array, "2"]
    drive_frequency: Float[Array, ""] | None
    mean_current: Float[Array, "2"]
    drive_current: Float[Array, "2"]
    static_current: Float[Array, "2"]
    phase_offset: Float[Array, ""]
    coupling: Float[Array, ""]

    def __init__(self, damping, frequency, drive, static, offset=np.pi / 2, coupling=0.0):
        self.damping = jnp.broadcast_to(jnp.asarray(damping, float), (2,))
        self.drive_frequency = None if frequency is None else jnp.asarray(frequency, float)
        self.mean_current = jnp.ones(2)
        self.drive_current = jnp.asarray(drive, float)
        self.static_current = jnp.asarray(static, float)
        self.phase_offset = jnp.asarray(offset, float)
        self.coupling = jnp.asarray(coupling, float)

    @property
    def phases(self) -> int:
        return 2

    def equation_of_motion(self, drive_phase, phase, velocity, current, drive=1.0):
        sine = self.mean_current + drive * self.drive_current * jnp.cos(drive_phase)
        shifted = self.static_current * jnp.sin(phase + self.phase_offset)
        apart = self.coupling * (phase - phase[::-1])
        return current - self.damping * velocity - sine * jnp.sin(phase) - shifted - apart

    def rest(self):
        """Exact without coupling or for equal junctions."""
        sine = self.mean_current + self.static_current * jnp.cos(self.phase_offset)
        return -jnp.arctan2(self.static_current * jnp.sin(self.phase_offset), sine)

    def largest_current(self):
        parts = self.mean_current, self.drive_current, self.static_current
        return jnp.max(sum(map(jnp.abs, parts), jnp.zeros(2))) + 2 * self.coupling

    def typical_current(self):
        return jnp.sqrt(2.0) * jnp.max(jnp.abs(self.mean_current))

    def rescaled(self, size):
        def parts(d):
            return [d.mean_current, d.drive_current, d.static_current, d.coupling]

        device = eqx.tree_at(parts, self, [x / size for x in parts(self)])
        root = jnp.sqrt(size)
        device = eqx.tree_at(lambda d: d.damping, device, self.damping / root)
        if self.drive_frequency is None:
            return device
        return eqx.tree_at(lambda d: d.drive_frequency, device, self.drive_frequency / root)

    def critical_currents(self, criterion=None) -> CriticalCurrents:
        raise NotImplementedError
