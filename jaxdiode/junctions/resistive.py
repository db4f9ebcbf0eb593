"""Junctions and contacts known by their normal resistance, in SI units, at any temperature.

Source: Ambegaokar, Baratoff, Phys. Rev. Lett. 10, 486 (1963); Kulik, Omelyanchuk, JETP Lett. 21,
96 (1975) and Sov. J. Low Temp. Phys. 3, 459 (1977).
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _checks, units
from .._checks import Numbers
from ..core.device import AbstractPhaseBiased, DirectRelation, Relation
from ..core.parameters import parameter
from ..gap import gap_over_zero
from ..numerics.matsubara import COLDEST, matsubara_rule
from .andreev import AndreevModes
from .elements import TunnelJunction

_PI = jnp.pi


class AbstractResistiveJunction(AbstractPhaseBiased):
    """A short junction between equal weak-coupling superconductors, I = Δ(T)/eR_N × i(φ, k_BT/Δ).

    One temperature sets the gap and the occupation of the levels.
    """

    resistance: Float[Array, ""] = parameter(above=0.0, unit="Ω", label="normal resistance")
    critical_temperature: Float[Array, ""] = parameter(
        above=0.0, unit="K", label="critical temperature"
    )
    temperature: Float[Array, ""] = parameter(at_least=0.0, unit="K", label="temperature")

    def __init__(
        self, resistance: Numbers, critical_temperature: Numbers, *, temperature: Numbers = 0.0
    ):
        self.resistance = self.checked("resistance", resistance)
        self.critical_temperature = self.checked("critical_temperature", critical_temperature)
        self.temperature = self.checked("temperature", temperature)

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> "AbstractResistiveJunction":
        """At T = t T_c, with the critical temperature that it has."""
        t = _checks.real_array("reduced_temperature", reduced_temperature, ndim=0, at_least=0.0)
        return eqx.tree_at(lambda x: x.temperature, self, t * self.critical_temperature)

    @property
    def gap_voltage(self) -> Float[Array, ""]:
        """Δ(T)/e (V)."""
        zero = units.bcs_gap_ratio * units.boltzmann / units.elementary_charge
        return zero * self.critical_temperature * gap_over_zero(self._reduced())

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.relation().current(phase)

    def magnitude(self) -> Float[Array, ""]:
        occupation = jnp.tanh(1 / (2 * self._warmth()))
        return _PI * self.gap_voltage / self.resistance * occupation

    def _reduced(self):
        return self.temperature / self.critical_temperature

    def _warmth(self):
        """k_BT/Δ, with a floor that no phase tells from 0; 1 where nothing superconducts."""
        reduced = self._reduced()
        gap = units.bcs_gap_ratio * gap_over_zero(reduced)
        warmth = reduced / jnp.where(gap > 0, gap, 1.0)
        return jnp.where(warmth <= COLDEST, COLDEST, warmth)


class AmbegaokarBaratoffJunction(AbstractResistiveJunction):
    """Tunnel junction of Ambegaokar and Baratoff, I(φ) = (πΔ/2eR_N) tanh(Δ/2k_BT) sin φ.

    Δ(T) is the weak-coupling gap. Currents are in A; in nA with a resistance in GΩ.

    Args:
        resistance: R_N > 0 (Ω).
        critical_temperature: T_c > 0 of both superconductors (K).
        temperature: T ≥ 0 (K); from T_c on no supercurrent flows.

    Example:
        >>> junction = jd.AmbegaokarBaratoffJunction(1000, 1.2, temperature=0.6)
        >>> print(f"{1e9 * jd.critical_currents(junction).plus:.4f} nA")
        256.0285 nA
        >>> slope = jax.grad(lambda device: jd.critical_currents(device).plus)(junction)
        >>> print(f"{1e9 * slope.temperature:.4f} nA/K")
        -203.1654 nA/K
    """

    papers: ClassVar[tuple[str, ...]] = ("ambegaokar1963",)

    def relation(self) -> Relation:
        # Leaves put in as they are, unchecked: not finite, they are for the status to tell.
        one = TunnelJunction(1.0)
        return DirectRelation(eqx.tree_at(lambda x: x.critical_current, one, self.magnitude()))

    def magnitude(self) -> Float[Array, ""]:
        return super().magnitude() / 2


class DiffusivePointContact(AbstractResistiveJunction):
    """Short diffusive contact of Kulik and Omelyanchuk (KO-1).

    I(φ) = (4πk_BT/eR_N) Σ_{ω>0} (Δc/Ω) arctan(Δs/Ω), Ω² = ω² + Δ²c², with s, c = sin, cos(φ/2);
    at T = 0 (πΔ/eR_N) c artanh s, I_cR_N = 2.08207 Δ/e at φ = 1.97103. It is the average of
    Andreev modes over Dorokhov's distribution of transparencies. Currents are in A; in nA with a
    resistance in GΩ.

    Args:
        resistance: R_N > 0 (Ω).
        critical_temperature: T_c > 0 of both superconductors (K).
        temperature: T ≥ 0 (K); from T_c on no supercurrent flows.

    Example:
        >>> contact = jd.DiffusivePointContact(100, 1.2, temperature=0.6)
        >>> print(f"{1e6 * jd.critical_currents(contact).plus:.6f} µA")
        3.026121 µA
    """

    papers: ClassVar[tuple[str, ...]] = ("kulik1975",)

    def relation(self) -> Relation:
        return DiffusiveContactRelation(self.gap_voltage / self.resistance, self._warmth())

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        return _turn_at_pi(self._warmth())


class DiffusiveContactRelation(Relation):
    """I(φ) = amplitude × (4πT/Δ) Σ_{ω>0} (Δc/Ω) arctan(Δs/Ω), amplitude Δ/eR_N."""

    amplitude: Float[Array, ""]
    warmth: Float[Array, ""]

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        y, weight = matsubara_rule(self.warmth, jnp.asarray(2.0))
        s, c = jnp.sin(phase / 2)[..., None], jnp.cos(phase / 2)[..., None]
        root = jnp.sqrt((2 * _PI * self.warmth * y) ** 2 + c**2)
        terms = jnp.sum(weight * (c / root * jnp.arctan(s / root)), axis=-1)
        return 4 * _PI * self.warmth * self.amplitude * terms

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        return _turn_at_pi(self.warmth)

    def magnitude(self) -> Float[Array, ""]:
        return _PI * self.amplitude * jnp.tanh(1 / (2 * self.warmth))


class BallisticPointContact(AbstractResistiveJunction):
    """Short ballistic contact of Kulik and Omelyanchuk (KO-2), of transparency 1.

    I(φ) = (πΔ/eR_N) sin(φ/2) tanh(Δ cos(φ/2)/2k_BT), which jumps at φ = π where T = 0. Currents
    are in A; in nA with a resistance in GΩ.

    Args:
        resistance: R_N > 0 (Ω), of Sharvin.
        critical_temperature: T_c > 0 of both superconductors (K).
        temperature: T ≥ 0 (K); from T_c on no supercurrent flows.

    Example:
        >>> contact = jd.BallisticPointContact(100, 1.2, temperature=0.6)
        >>> print(f"{1e6 * jd.critical_currents(contact).plus:.6f} µA")
        3.364174 µA
    """

    papers: ClassVar[tuple[str, ...]] = ("kulik1977",)

    def relation(self) -> Relation:
        scale = _PI * self.gap_voltage / self.resistance
        return DirectRelation(
            eqx.tree_at(
                lambda x: (x.amplitude, x.temperature),
                AndreevModes(1.0, 1.0, gap=1.0, temperature=1.0),
                (scale[None], self._warmth()),
            )
        )

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        return _turn_at_pi(self._warmth())


def _turn_at_pi(warmth):
    return jnp.full(1, _PI), jnp.where(warmth > COLDEST, warmth, 0.0)[None]
