"""Devices that carry a supercurrent in two spin bands, and what is read from the pair.

Source and numbers of equations: see `spin_active`.
"""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...core.critical import CriticalCurrents, efficiency_of, rounded_efficiency
from ...core.device import AbstractPhaseBiased, DirectRelation, Relation
from ...core.extrema import extrema_of_current
from ...core.results import AbstractResult
from ...numerics.status import Status


class AbstractSpinResolved(AbstractPhaseBiased):
    """A phase-biased device whose current is I↑ + I↓; the spin current is I↑ − I↓.

    Example:
        >>> class TwoBands(jd.usadel.AbstractSpinResolved):
        ...     twist: jax.Array = jd.parameter(unit="rad", label="geometric phase")
        ...     def spin_currents(self, phase):
        ...         return jnp.sin(phase + self.twist), 0.5 * jnp.sin(2 * phase - self.twist)
        >>> bands = TwoBands(jnp.array(0.4))
        >>> print(f"{jd.diode_efficiency(bands):.6f} {bands.spontaneous_currents()[1]:.6f}")
        0.244100 0.584128
    """

    @abc.abstractmethod
    def spin_currents(
        self, phase: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """(I↑, I↓) at the given phase (radians), elementwise."""

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        up, down = self.spin_currents(phase)
        return up + down

    def relation(self) -> Relation:
        return DirectSpinRelation(self)

    def parts(self, phase: Float[Array, " n"]) -> dict[str, Float[Array, " n"]]:
        """The currents of both bands."""
        return dict(zip(("up", "down"), self.spin_currents(phase), strict=True))

    def details(self, critical: CriticalCurrents) -> dict[str, AbstractResult]:
        return {"spin_diode": _at_critical_currents(self, critical)}

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


class DirectSpinRelation(DirectRelation, AbstractSpinResolved):
    """The relation of a device whose spin currents at one phase cost next to nothing."""

    device: AbstractSpinResolved

    def spin_currents(
        self, phase: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        return self.device.spin_currents(phase)


class SpinDiode(AbstractResult):
    """Spin currents at the phases of the two critical charge currents.

    Attributes:
        plus, minus: I↑ − I↓ where the charge current is largest and smallest.
        phase_plus, phase_minus: those phases, in [0, 2π).
        status: `Status` of the critical currents, or NO_SUPERCURRENT where neither spin current
            is more than rounding; NaN beside anything but 0.

    Example:
        >>> model = jd.usadel.SixHarmonicModel(1.0, 0.7, together=0.1, geometric_phase=1.2)
        >>> found = jd.usadel.spin_diode(model)
        >>> print(f"{found.plus:.6f} {found.minus:.6f}")
        -0.155756 -1.008731
        >>> print(found.summary())
        eta_s -0.73248966 (spin current at the phases of I+ and I-)
    """

    plus: Float[Array, ""]
    minus: Float[Array, ""]
    phase_plus: Float[Array, ""]
    phase_minus: Float[Array, ""]
    status: Array

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "efficiency": self.efficiency}

    def summary(self, unit: str = "") -> str:
        """One line: η_s."""
        del unit
        value = rounded_efficiency(self.efficiency)
        return f"eta_s {value:+.8f} (spin current at the phases of I+ and I-)"

    @property
    def efficiency(self) -> Float[Array | np.ndarray, ""]:
        """η_s = (|I_s(χ₊)| − |I_s(χ₋)|)/(|I_s(χ₊)| + |I_s(χ₋)|), paper, Eq. (37)."""
        return efficiency_of(abs(self.plus), abs(self.minus))


def spin_diode(device: AbstractSpinResolved) -> SpinDiode:
    """Spin currents at the phases of the critical charge currents, with exact gradients.

    Raises:
        ValueError: the device has no spin-resolved currents.

    Example:
        >>> model = jd.usadel.SixHarmonicModel(1.0, 0.7, together=0.1, geometric_phase=1.2)
        >>> found = jd.usadel.spin_diode(model)
        >>> print(f"{found.plus:.6f} at φ = {found.phase_plus:.6f}")
        -0.155756 at φ = 4.545659
        >>> print(f"{model.spin_current(found.phase_plus):.6f}")
        -0.155756
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

    Example:
        >>> model = jd.usadel.SixHarmonicModel(1.0, 0.7, together=0.1, geometric_phase=1.2)
        >>> print(f"{jd.usadel.spin_diode_efficiency(model):.6f} {jd.diode_efficiency(model):.6f}")
        -0.732490 -0.153060
    """
    return jnp.asarray(spin_diode(device).efficiency)


@eqx.filter_jit
def _spin_diode(device: AbstractSpinResolved) -> SpinDiode:
    relation = device.relation()
    return _at_critical_currents(relation, extrema_of_current(relation))


def _at_critical_currents(relation, critical: CriticalCurrents) -> SpinDiode:
    phases = jnp.stack([jnp.asarray(x) for x in (critical.phase_plus, critical.phase_minus)])
    currents = jax.vmap(relation.spin_current)(phases)
    none = jnp.all(jnp.abs(currents) <= 1e-12 * relation.magnitude())
    known = critical.status
    known = jnp.where(none & (known == Status.CONVERGED), Status.NO_SUPERCURRENT, known).astype(
        jnp.int32
    )
    good = known == Status.CONVERGED
    phases, currents = (jnp.where(good, x, jnp.nan) for x in (phases, currents))
    return SpinDiode(currents[0], currents[1], phases[0], phases[1], known)
