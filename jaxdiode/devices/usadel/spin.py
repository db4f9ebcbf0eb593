"""Devices that carry a supercurrent in two spin bands, and what is read from the pair.

Source and numbers of equations: see `spin_active`.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...core.critical import critical_currents
from ...core.device import AbstractPhaseBiased
from ...numerics.extrema import clustered_grid, periodic_extrema
from ...numerics.roots import refined, value_and_slope
from ...numerics.status import Status


class AbstractSpinResolved(AbstractPhaseBiased):
    """A phase-biased device whose current is I↑ + I↓; the spin current is I↑ − I↓."""

    @abc.abstractmethod
    def spin_currents(
        self, phase: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """(I↑, I↓) at the given phase (radians), elementwise."""

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        up, down = self.spin_currents(phase)
        return up + down

    def spin_current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        """I↑ − I↓, elementwise."""
        up, down = self.spin_currents(phase)
        return up - down

    def polarization(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        """P = (|I↑| − |I↓|)/(|I↑| + |I↓|): ±1 where one band carries nothing (paper, Eq. (72))."""
        up, down = (jnp.abs(x) for x in self.spin_currents(phase))
        return (up - down) / (up + down)

    def switching_efficiency(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        """[P(φ) − P(−φ)]/2: what reversing the flux of a loop does to P (paper, Eq. (75))."""
        return (self.polarization(phase) - self.polarization(-phase)) / 2

    def spontaneous_currents(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Charge and spin current without a phase difference (paper, Sec. V.5)."""
        up, down = self.spin_currents(jnp.zeros(()))
        return up + down, up - down


class SpinDiode(eqx.Module):
    """Spin currents at the phases of the two critical charge currents.

    Attributes:
        plus, minus: I↑ − I↓ where the charge current is largest and smallest.
        phase_plus, phase_minus: those phases, in [0, 2π).
        status: `Status` of the critical currents, or NO_SUPERCURRENT where neither spin current
            is more than rounding; NaN beside anything but 0.
    """

    plus: Float[Array, ""]
    minus: Float[Array, ""]
    phase_plus: Float[Array, ""]
    phase_minus: Float[Array, ""]
    status: Array

    @property
    def efficiency(self) -> Float[Array, ""]:
        """η_s = (|I_s(χ₊)| − |I_s(χ₋)|)/(|I_s(χ₊)| + |I_s(χ₋)|), paper, Eq. (37)."""
        plus, minus = jnp.abs(self.plus), jnp.abs(self.minus)
        return (plus - minus) / (plus + minus)


def spin_diode(device: AbstractSpinResolved) -> SpinDiode:
    """Spin currents at the phases of the critical charge currents, with exact gradients.

    Raises:
        ValueError: the device has no spin-resolved currents.
    """
    if not isinstance(device, AbstractSpinResolved):
        raise ValueError(
            "device must carry spin-resolved currents (an AbstractSpinResolved, such as a "
            f"SpinActiveJunction or a relation of its torus), got {type(device).__name__}"
        )
    return _spin_diode(device)


def spin_diode_efficiency(device: AbstractSpinResolved) -> Float[Array, ""]:
    """η_s of a device: ±1 where the spin current vanishes at one critical charge current.

    Where two extrema of the charge current tie it jumps. See `spin_diode`.
    """
    return spin_diode(device).efficiency


@eqx.filter_jit
def _spin_diode(device):
    device = device.prepared()
    return spin_diode_where(device, critical_currents(device).status)


def spin_diode_where(device: AbstractSpinResolved, known: Int[Array, ""]) -> SpinDiode:
    """The spin diode of a prepared device whose critical currents have the status `known`."""
    frozen = jax.tree.map(jax.lax.stop_gradient, device)
    kinks, widths = frozen.kinks()
    grid = clustered_grid(kinks, widths, frozen.samples_per_period())
    found = periodic_extrema(frozen.current, grid)

    def at(position):
        phase = refined(_slope, device, position)
        return phase, device.spin_current(phase)

    phases, currents = jax.vmap(at)(found.position)
    noise = 1e-12 * device.magnitude()
    none = jnp.all(jnp.abs(currents) <= noise) & (known == Status.CONVERGED)
    known = jnp.where(none, jnp.asarray(Status.NO_SUPERCURRENT, known.dtype), known)
    good = known == Status.CONVERGED
    phases = jnp.where(good, jnp.mod(phases, 2 * jnp.pi), jnp.nan)
    currents = jnp.where(good, currents, jnp.nan)
    return SpinDiode(currents[0], currents[1], phases[0], phases[1], known)


def _slope(phase, device):
    return value_and_slope(device.current, phase)[1]
