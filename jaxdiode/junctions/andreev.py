"""Short junctions carried by Andreev bound states.

Source: Gibbons et al., arXiv:2512.14909 (double-loop SQUID), Eq. (1); currents in any one unit.
"""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import _checks
from .._checks import Numbers
from ..core.device import AbstractPhaseBiased, critical_currents
from ..core.parameters import parameter
from .modes import gap_and_temperature, per_mode, warmed

_PI = jnp.pi
_COLD = 1e-30  # k_BT/Δ below which derivatives of tanh(Δr/2k_BT) overflow before they vanish


class AndreevModes(AbstractPhaseBiased):
    """Short junction carried by Andreev bound states (Eq. 1), summed over modes.

    I(φ) = Σ_m (A_m/2) τ_m sin φ/r_m · tanh(Δ r_m/2k_BT),  r_m = √(1 − τ_m sin²(φ/2)).

    Args:
        amplitude: A_m = eΔ/ħ in the unit of the currents, ≥ 0; the critical current of a
            fully transparent mode at T = 0. At T = 0 a mode carries A(1 − √(1−τ)).
        transparency: τ_m in [0, 1].
        gap: Δ > 0, in the unit of `temperature`. It may be left out at T = 0, where it does not
            matter; such modes have neither of the two as a parameter.
        temperature: k_BT ≥ 0 in the unit of `gap`; 0 is the ground state.

    Shapes: amplitude and transparency are numbers or broadcast to one array over modes.

    Raises:
        ValueError: numbers outside their ranges, lists of unequal length, a temperature without
            the gap that gives its unit.

    Example:
        >>> modes = jd.AndreevModes(40, 0.75)  # A(1 − √(1 − τ)) = 20
        >>> print(f"{jd.critical_currents(modes).plus:.6f}")
        20.000000
        >>> warm = jd.AndreevModes(40, [0.75, 0.9], gap=0.18, temperature=0.05)  # meV
        >>> print(f"{jd.critical_currents(warm).plus:.6f}")
        39.123744
    """

    papers: ClassVar[tuple[str, ...]] = ("gibbons2025", "beenakker1991", "haberkorn1978")

    amplitude: Float[Array, " modes"] = parameter(
        at_least=0.0, unit="current", label="amplitude eΔ/ħ"
    )
    transparency: Float[Array, " modes"] = parameter(
        at_least=0.0, at_most=1.0, label="transparency"
    )
    gap: Float[Array, ""] | None = parameter(above=0.0, label="gap")
    temperature: Float[Array, ""] | None = parameter(at_least=0.0, label="temperature")

    def __init__(
        self,
        amplitude: Numbers,
        transparency: Numbers,
        *,
        gap: Numbers | None = None,
        temperature: Numbers = 0.0,
    ):
        self.amplitude, self.transparency = per_mode(
            self, amplitude=amplitude, transparency=transparency
        )
        self.gap, self.temperature = gap_and_temperature(self, gap, temperature)

    @classmethod
    def from_critical_current(
        cls,
        critical_current: Numbers,
        transparency: Numbers,
        *,
        gap: Numbers | None = None,
        temperature: Numbers = 0.0,
    ) -> "AndreevModes":
        """Modes of one amplitude whose critical current, at this temperature, is the one given.

        Args:
            critical_current: I_c ≥ 0 of all modes together, max I(φ).
            transparency, gap, temperature: as of `AndreevModes`.

        Raises:
            ValueError: no mode that carries a current.

        Example:
            >>> modes = jd.AndreevModes.from_critical_current(20, [0.75, 0.9])
            >>> print(f"{jd.critical_currents(modes).plus:.6f} {modes.amplitude[0]:.6f}")
            20.000000 16.983315
        """
        unit = cls(1.0, transparency, gap=gap, temperature=temperature)
        wanted = _checks.real_array("critical_current", critical_current, ndim=0, at_least=0.0)
        if _checks.is_concrete(unit.transparency) and not np.any(unit.transparency > 0):
            raise ValueError("transparency must be positive of some mode, got 0 of all")
        amplitude = wanted / critical_currents(unit).plus
        return cls(amplitude, transparency, gap=gap, temperature=temperature)

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> "AndreevModes":
        """The same modes at T = t T_c: the weak-coupling gap and every amplitude follow it.

        Amplitudes eΔ₀/ħ and gap Δ₀ of this device are taken as those of T = 0, whatever its
        temperature; without a gap energies are in k_BT_c from then on. From t = 1 on no current
        flows.

        Args:
            reduced_temperature: t = T/T_c ≥ 0.

        Example:
            >>> cold = jd.AndreevModes(40, 0.75)
            >>> for t in (0.2, 0.6, 0.9):
            ...     print(f"{jd.critical_currents(cold.at_reduced_temperature(t)).plus:.6f}")
            19.920082
            13.624310
            3.862356
        """
        share, _, gap, temperature = warmed(self.gap, reduced_temperature)
        return AndreevModes(
            self.amplitude * share, self.transparency, gap=gap, temperature=temperature
        )

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        tau = self.transparency
        s, c = jnp.sin(phase / 2)[..., None], jnp.cos(phase / 2)[..., None]
        square = (1 - tau) + tau * c**2
        r = jnp.sqrt(jnp.where(square > 0, square, 1.0))
        return jnp.sum(self.amplitude * tau * s * c / r * self._occupation(r), axis=-1)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        # All modes turn at π; one ladder from the sharpest of them reaches every scale.
        sharpest = jnp.sqrt(jnp.maximum(1 - jnp.max(self.transparency), 0.0))
        width = jnp.maximum(sharpest, self._warmth())
        return jnp.full(1, _PI), width[None]

    def magnitude(self) -> Float[Array, ""]:
        return jnp.sum(self.amplitude * self.transparency * self._occupation(jnp.ones(())))

    def _warmth(self):
        """k_BT/Δ, exactly 0 where no phase that has digits tells it from 0."""
        if self.gap is None or self.temperature is None:
            return jnp.zeros(())
        cold = self.temperature <= _COLD * self.gap
        return jnp.where(cold, 0.0, self.temperature / self.gap)

    def _occupation(self, r):
        """tanh(Δr/2k_BT)."""
        if self.gap is None or self.temperature is None:
            return jnp.ones_like(r)
        cold = self.temperature <= _COLD * self.gap
        twice = 2 * jnp.where(cold, self.gap, self.temperature)
        return jnp.where(cold, 1.0, jnp.tanh(r * (self.gap / twice)))
