"""A weak link whose supercurrent is linear in the phase up to a critical phase."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._checks import Numbers
from ..core.critical import CriticalCurrents
from ..core.device import AbstractCurrentBiased
from ..core.parameters import parameter
from ..numerics.status import Status

Scalar = Float[Array, ""]


class LinearLink(AbstractCurrentBiased):
    """A long nanowire or Dayem bridge, I(θ) = I_c θ/θ_c for |θ| ≤ θ_c; beyond, the phase slips.

    The critical phase θ_c of a long wire is many times π, so a loop with such links holds several
    flux states at one flux. It is no function of a phase modulo 2π: it stands in a `Junction` of a
    `Circuit`, where 2π × winding is taken off its phase. Its kinetic inductance is
    θ_c/(2πI_c) in Φ₀ per unit of current.

    Source: Murphy and Bezryadin, Phys. Rev. B 96, 094507 (2017) (nanowire SQUIDs).

    Args:
        critical_current: I_c > 0.
        critical_phase: θ_c > 0 (radians).

    Raises:
        ValueError: numbers that are not positive.

    Example:
        >>> link = jd.LinearLink(10.0, critical_phase=5 * np.pi)
        >>> print(f"{link.current(jnp.array(np.pi)):.6f} {jd.critical_currents(link).plus:.6f}")
        2.000000 10.000000
    """

    papers: ClassVar[tuple[str, ...]] = ("murphy2017",)

    critical_current: Scalar = parameter(above=0.0, unit="current", label="critical current")
    critical_phase: Scalar = parameter(above=0.0, unit="rad", label="critical phase")

    def __init__(self, critical_current: Numbers, critical_phase: Numbers):
        self.critical_current = self.checked("critical_current", critical_current)
        self.critical_phase = self.checked("critical_phase", critical_phase)

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        """I at a phase (radians), as if the link never slipped."""
        return self.critical_current / self.critical_phase * phase

    def magnitude(self) -> Scalar:
        return self.critical_current

    def status(self) -> Int[Array, ""]:
        return jnp.asarray(Status.CONVERGED, jnp.int32)

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """±I_c, alone under a current."""
        if criterion is not None:
            raise ValueError(f"criterion must be left out for a LinearLink, got {criterion!r}")
        return CriticalCurrents(self.critical_current, self.critical_current, self.status())
