"""The nonequilibrium Andreev interferometer: a diode made by a dissipative current alone.

Source: Shaffer, Li, Hasan, Titov and Levchenko, "Josephson Diode Effect from Nonequilibrium
Current in a Superconducting Interferometer", arXiv:2505.00085; equation numbers are theirs.
"""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks, units
from ..._checks import Numbers
from ...core.device import AbstractPhaseBiased, Relation
from ...core.parameters import parameter
from ...core.results import AbstractResult, status_of
from .proximity import reservoir_sums

_LONGEST_SPACING = 0.995
_COLDEST = 1e-6


class InterferometerCoefficients(AbstractResult):
    """J₀ⁿ, J₁ and J₂ of J(φ) = constant + sine · sin φ + cosine · cos φ, Eqs. (15a–c).

    Example:
        >>> interferometer = jd.AndreevInterferometer(spacing=0.1, voltage=0.6, temperature=0.01)
        >>> found = interferometer.coefficients()
        >>> constant, sine, cosine = found
        >>> print(f"{constant:.6f} {sine:.6f} {cosine:.6f}")
        0.012823 0.010582 0.000673
        >>> print(f"{found.efficiency:.6f} {found.anomalous_phase:.6f}")
        1.209337 0.063552
    """

    constant: Float[Array, "..."]
    sine: Float[Array, "..."]
    cosine: Float[Array, "..."]

    def __iter__(self) -> Iterator[Array]:
        return iter((self.constant, self.sine, self.cosine))

    @property
    def status(self) -> Array | np.ndarray:
        return status_of(self.constant + self.sine + self.cosine)

    @property
    def anomalous_phase(self) -> Float[Array, "..."]:
        """φ₀ = atan2(J₂, J₁): J(φ) = J₀ⁿ + √(J₁² + J₂²) sin(φ + φ₀); near π in the π state."""
        return jnp.arctan2(self.cosine, self.sine)

    @property
    def efficiency(self) -> Float[Array, "..."]:
        """η = J₀ⁿ/√(J₁² + J₂²), Eq. (16)."""
        return self.constant / jnp.hypot(self.sine, self.cosine)


class AndreevInterferometer(AbstractPhaseBiased):
    """Diffusive wire between two normal reservoirs, with two superconductors weakly attached.

    A voltage V between the reservoirs drives a dissipative current along the wire. Linearised
    Usadel equation, rigid superconductors, second order in the transparency of the interfaces:

        J(φ) = J₀ⁿ + J₁ sin φ + J₂ cos φ,
        J₁ = ⅛ ∫ h₀ Im F₂ dε,   J₀ⁿ = −(d/8L) ∫ h_μT Re F₁ dε,   J₂ = −(d/8L) ∫ h_μT Re F₂ dε,

    in units of J₀ = G_N E_T (αL)²/e times `amplitude` (Eqs. (15a–c)). The constant term makes the
    diode. It does not stop at |η| = 1: beyond, both critical currents have one sign (they are kept
    signed), and `CriticalCurrents.bounded_efficiency` is the η′ of Eq. (18).

    Energies, eV and k_BT in units of E_T = ħD/L², all far below the gap of the superconductors,
    which the theory takes as infinite. Where the paper's text and its equations part
    this follows the equations: with μ = ±eV/2 η = 1 at ℓ = .1 needs eV = .4964 E_T (text: .24);
    Eq. (17a) reads J₁ → −¼[ψ(½ + ℓ/2) + ψ(½ − ℓ/2) − 2ψ(½)]; (10a) needs e^{iχ}.

    Args:
        spacing: ℓ = l/L, twice the distance of an interface from its reservoir; 0 < ℓ ≤ .995. The
            interfaces lie d = L − l apart.
        voltage: eV = μ₁ − μ₂ between the reservoirs; the superconductors are grounded.
        temperature: mean temperature of the reservoirs, at least 1e-6.
        mean_potential: (μ₁ + μ₂)/2 against the superconductors; 0 if left out.
        temperature_difference: T₁ − T₂, a heat bias; 0 if left out. With either of the two, the
            superconductors also draw the net current `drained_current`. Give 0.0 to have it as a
            parameter of sweeps and designs.
        amplitude: J₀ in any unit of current; `from_si` computes it in amperes.

    Raises:
        ValueError: spacing outside its range, a reservoir that is not warmer than 1e-6.

    Example:
        >>> interferometer = jd.AndreevInterferometer(spacing=0.1, voltage=0.6, temperature=0.01)
        >>> found = jd.critical_currents(interferometer)
        >>> print(f"{found.plus:.6f} {found.minus:.6f} {found.efficiency:.6f}")
        0.023427 -0.002220 1.209337
        >>> print(f"{found.bounded_efficiency:.6f}")  # of one sign at all phases: 1/η
        0.826899
    """

    papers: ClassVar[tuple[str, ...]] = ("shaffer2025",)

    spacing: Float[Array, ""] = parameter(
        above=0.0, at_most=_LONGEST_SPACING, search=(1e-6, _LONGEST_SPACING), label="spacing ℓ"
    )
    voltage: Float[Array, ""] = parameter(unit="E_T/e", label="voltage")
    temperature: Float[Array, ""] = parameter(
        at_least=_COLDEST, unit="E_T/k_B", label="temperature"
    )
    mean_potential: Float[Array, ""] | None = parameter(unit="E_T", label="mean potential")
    temperature_difference: Float[Array, ""] | None = parameter(
        unit="E_T/k_B", label="temperature difference"
    )
    amplitude: Float[Array, ""] = parameter(at_least=0.0, unit="current", label="amplitude J₀")

    def __init__(
        self,
        spacing: Numbers,
        voltage: Numbers,
        *,
        temperature: Numbers = 1e-3,
        mean_potential: Numbers | None = None,
        temperature_difference: Numbers | None = None,
        amplitude: Numbers = 1.0,
    ):
        self.spacing = self.checked("spacing", spacing)
        self.voltage = self.checked("voltage", voltage)
        self.temperature = self.checked("temperature", temperature)
        self.mean_potential, self.temperature_difference = (
            None if value is None else self.checked(name, value)
            for name, value in (
                ("mean_potential", mean_potential),
                ("temperature_difference", temperature_difference),
            )
        )
        self.amplitude = self.checked("amplitude", amplitude)
        if self.temperature_difference is not None:
            coldest = self.temperature - abs(self.temperature_difference) / 2
            if _checks.is_concrete(coldest) and coldest < _COLDEST:
                raise ValueError(
                    f"temperature_difference must leave both reservoirs at {_COLDEST:g} or above, "
                    f"got {self.temperature_difference:g} around {self.temperature:g}"
                )

    @classmethod
    def from_reservoirs(
        cls,
        spacing: Numbers,
        potentials: Numbers,
        *,
        temperatures: Numbers,
        amplitude: Numbers = 1.0,
    ) -> "AndreevInterferometer":
        """From μ₁, μ₂ and T₁, T₂ of the two reservoirs (units of E_T), superconductors at 0."""
        mu = _checks.real_array("potentials", potentials, ndim=1)
        warm = _checks.real_array("temperatures", temperatures, ndim=1)
        _checks.require_length("potentials", mu, 2, "one per reservoir")
        _checks.require_length("temperatures", warm, 2, "one per reservoir")
        return cls(
            spacing,
            voltage=mu[0] - mu[1],
            temperature=jnp.mean(warm),
            mean_potential=jnp.mean(mu),
            temperature_difference=warm[0] - warm[1],
            amplitude=amplitude,
        )

    @classmethod
    def from_si(
        cls,
        length: Numbers,
        interface_distance: Numbers,
        *,
        diffusion: Numbers,
        conductance: Numbers,
        transparency: Numbers,
        voltage: Numbers,
        temperature: Numbers,
    ) -> "AndreevInterferometer":
        """From laboratory units; the critical currents are then in A.

        The device itself stays in units of E_T: so do bounds and axes of `Space` and `sweep`.
        `units.thouless_energy` converts; eV/E_T of some hundred is beyond the gap of most
        superconductors.

        Args:
            length: L of the normal wire between its reservoirs (m).
            interface_distance: d between the two superconducting interfaces (m), below L.
            diffusion: D (m²/s).
            conductance: G_N of the wire (S).
            transparency: αL = g L/Sσ, interface conductance over that of the wire; the theory is
                its second order.
            voltage: V between the reservoirs (V).
            temperature: of both reservoirs (K).
        """
        length = _checks.positive("length", length)
        distance = _checks.positive("interface_distance", interface_distance)
        if _checks.is_concrete(distance / length) and distance >= length:
            raise ValueError(
                f"interface_distance must be below length = {length:g}, got {distance:g}"
            )
        thouless = units.thouless_energy(_checks.positive("diffusion", diffusion), length)
        in_volts = thouless / units.elementary_charge
        strength = _checks.positive("transparency", transparency)
        kelvin = _checks.positive("temperature", temperature)
        return cls(
            spacing=1 - distance / length,
            voltage=_checks.real_array("voltage", voltage, ndim=0) / in_volts,
            temperature=kelvin * units.boltzmann / thouless,
            amplitude=_checks.positive("conductance", conductance) * in_volts * strength**2,
        )

    def coefficients(self) -> InterferometerCoefficients:
        """(J₀ⁿ, J₁, J₂), to 1e-13 of the largest of them."""
        parts = self._integrals()
        constant = self.amplitude * (1 - self.spacing) * parts.biased_first
        sine = self.amplitude * parts.supercurrent
        cosine = self.amplitude * (1 - self.spacing) * parts.biased_second
        return InterferometerCoefficients(constant, sine, cosine)

    def drained_current(self, phase: Numbers) -> Array:
        """Net current from the wire into both superconductors, elementwise.

        K(φ) = −¼ ∫ h_μ Re[F₁ + F₂ cos φ] dε + (d/4L) sin φ ∫ h_T Im F₂ dε: the sum of the
        currents through the two interfaces, where the supercurrent is half their difference.
        (Eq. (12) leaves out the term with h sin φ Im F₂, which makes (15a) and the last one.) It
        vanishes for μ₁ = −μ₂ and T₁ = T₂. Where it does not, a superconducting loop that nothing
        grounds floats to a phase-dependent `mean_potential` at which it does.
        """
        phase = _checks.real_array("phase", phase)
        parts = self._integrals()
        heat = (1 - self.spacing) * parts.drained_sine * jnp.sin(phase)
        bias = parts.drained_first + parts.drained_second * jnp.cos(phase)
        return self.amplitude * (bias + heat)

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.relation().current(phase)

    def relation(self) -> "InterferometerRelation":
        found = self.coefficients()
        return InterferometerRelation(found.constant, found.sine, found.cosine)

    def _integrals(self) -> "_Integrals":
        half = self.voltage / 2
        if self.mean_potential is None and self.temperature_difference is None:
            # μ₂ = −μ₁: the second reservoir doubles what is even in μ and cancels what is odd.
            one = _reservoir(self.spacing, half, self.temperature)
            doubled = jax.tree.map(lambda x: 2 * x, one)
            zero = jnp.zeros_like(half)
            return doubled._replace(drained_first=zero, drained_second=zero, drained_sine=zero)
        mean = jnp.zeros_like(half) if self.mean_potential is None else self.mean_potential
        change = self.temperature_difference
        change = jnp.zeros_like(half) if change is None else change
        one = _reservoir(self.spacing, mean + half, self.temperature + change / 2)
        two = _reservoir(self.spacing, mean - half, self.temperature - change / 2)
        return _Integrals(
            one.supercurrent + two.supercurrent,
            one.biased_first - two.biased_first,
            one.biased_second - two.biased_second,
            one.drained_first + two.drained_first,
            one.drained_second + two.drained_second,
            one.drained_sine - two.drained_sine,
        )


class InterferometerRelation(Relation):
    """J(φ) = constant + sine · sin φ + cosine · cos φ."""

    constant: Float[Array, ""]
    sine: Float[Array, ""]
    cosine: Float[Array, ""]

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.constant + self.sine * jnp.sin(phase) + self.cosine * jnp.cos(phase)


class _Integrals(NamedTuple):
    """What a reservoir adds to J₁, to J₀ⁿ and J₂ (over 1 − ℓ), and to the drained currents."""

    supercurrent: Array
    biased_first: Array
    biased_second: Array
    drained_first: Array
    drained_second: Array
    drained_sine: Array


def _reservoir(spacing, potential, temperature) -> _Integrals:
    # A sweep may go where the constructor does not: no number then.
    temperature = jnp.where(temperature >= 0.999 * _COLDEST, temperature, jnp.nan)
    one, two, sine = reservoir_sums(spacing, potential, temperature)
    return _Integrals(0.25 * sine, 0.25 * one, 0.25 * two, 0.5 * one, 0.5 * two, 0.5 * sine)
