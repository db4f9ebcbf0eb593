"""Critical currents in both directions: the pair and its efficiency."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .results import AbstractResult, status_text

EFFICIENCY_ACCURACY = 1e-12  # η below this is rounding


class CriticalCurrents(AbstractResult):
    """I₊ = max I and I₋ = −min I, each a magnitude in its own direction.

    Both are positive for an ordinary device. A device that carries current of one sign at
    every phase (a supra-perfect diode) keeps the sign: one of the two is then negative and
    |efficiency| exceeds 1. Where `status` is not 0 (see `Status`) what is not known is NaN, and so
    are its derivatives. Without supercurrent (`NO_SUPERCURRENT`: junctions that cancel, or carry
    nothing) both are 0 and known, only η = 0/0 is not; their derivatives are NaN, because I± has
    a corner there, such as |I₁ − I₂| of two equal junctions at half a flux quantum.

    Attributes:
        plus, minus: I₊ and I₋ in the device's unit.
        status: `Status`.
        phase_plus, phase_minus: phases of the two extrema in [0, 2π) of a phase-biased device;
            None where a criterion that is no extremum of I(φ) was met.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> found = jd.critical_currents(squid)
        >>> print(f"{found.plus:.6f} {found.minus:.6f} {found.efficiency:.6f}")
        65.428624 82.608468 -0.116051
        >>> print(jd.Status(int(found.status)).describe())
        converged
    """

    plus: Float[Array, "..."]
    minus: Float[Array, "..."]
    status: Int[Array, "..."]
    phase_plus: Float[Array, "..."] | None = None
    phase_minus: Float[Array, "..."] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The pair, its efficiency and status by name, as sweeps and files hold them."""
        return {
            "plus": self.plus,
            "minus": self.minus,
            "efficiency": self.efficiency,
            "status": self.status,
        }

    def summary(self, unit: str = "") -> str:
        """I₊, I₋, η and the status; η′ where one direction's current has the other sign."""
        if np.ndim(self.plus):
            return super().summary(unit)
        lines = [f"I+   {float(self.plus):.8g} {unit}", f"I-   {float(self.minus):.8g} {unit}"]
        lines.append(f"eta  {rounded_efficiency(self.efficiency):+.8f}")
        lines.append(f"status: {status_text(self.status)}")
        if min(float(self.plus), float(self.minus)) < 0:
            lines.append(f"eta' {rounded_efficiency(self.bounded_efficiency):+.8f}")
        return "\n".join(line.rstrip() for line in lines)

    @property
    def efficiency(self) -> Float[Array | np.ndarray, "..."]:
        """Diode efficiency η = (I₊ − I₋)/(I₊ + I₋); NaN where the sum is 0."""
        return efficiency_of(self.plus, self.minus)

    @property
    def bounded_efficiency(self) -> Float[Array | np.ndarray, "..."]:
        """η′ = (|I₊| − |I₋|)/(|I₊| + |I₋|): η for an ordinary diode, 1/η beyond a perfect one.

        It vanishes where the current no longer depends on the phase (Shaffer et al., Eq. (18)).
        """
        return efficiency_of(abs(self.plus), abs(self.minus))


def efficiency_of(plus: Any, minus: Any) -> Array | np.ndarray:
    """(plus − minus)/(plus + minus); NaN where the sum is 0."""
    total = plus + minus
    library = jnp if isinstance(total, jax.Array) else np  # the host's need no program of JAX
    return library.asarray((plus - minus) / library.where(total == 0, np.nan, total))


def rounded_efficiency(efficiency: Any) -> Any:
    """η as it may be shown: 0 where it is no more than rounding, so for a reciprocal device."""
    values = np.asarray(efficiency, float)
    shown = np.where(np.abs(values) < EFFICIENCY_ACCURACY, 0.0, values)
    return float(shown) if shown.ndim == 0 else shown


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def unless(exception: Array, fill: float, value: Array) -> Array:
    """`value`, or `fill` with NaN for derivatives where the exception holds.

    `jnp.where` alone would give derivatives of 0 there, which say that nothing changes.
    """
    return jnp.where(exception, fill, value)


@unless.defjvp
def _unless_jvp(fill, primals, tangents):
    exception, value = primals
    slope = jnp.where(exception, jnp.nan, 1.0)
    return unless(exception, fill, value), slope * tangents[1]
