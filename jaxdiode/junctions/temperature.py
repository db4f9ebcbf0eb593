"""A junction at a temperature that every part of it follows."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, Int

from .._checks import Numbers
from ..core.critical import CriticalCurrents
from ..core.device import AbstractDevice, AbstractPhaseBiased, DirectRelation, Relation
from ..core.parameters import parameter
from ..core.report import Report
from ..core.results import AbstractResult
from ..core.temperature import require_law


class TemperatureScaledJunction(AbstractPhaseBiased):
    """Any phase-biased device at a temperature T, given as it is at T = 0.

    One T sets, in every part, the weak-coupling gap Δ(T) and the occupation: amplitudes eΔ/ħ and
    momenta ħv_F q/2Δ of Andreev levels, tunnel junctions by Ambegaokar and Baratoff, contacts by
    their normal resistance. What the parts stand in stays as it is: fluxes, inductances, profiles,
    the penetration depth. As the `local` of a `LongJunction` it leaves ℓ = L/λ_J as given, at every
    T: of a junction of fixed L that grows colder ask `LongJunction.at_reduced_temperature`, in
    which ℓ falls with T. A parameter for fits, sweeps and design as any other.

    Args:
        device: a SQUID, a junction in a field, …, of parts with a known law; T = 0 of them.
        temperature: T ≥ 0.
        critical_temperature: T_c > 0 in the same unit; 1 makes T the reduced temperature. Parts
            with a critical temperature of their own are taken at the same T/T_c.

    Raises:
        ValueError: a part has no law (`Harmonics`, a table) or a temperature of its own, numbers
            outside their ranges.

    Example:
        >>> squid = jd.Squid([jd.AndreevModes(40, 0.9), jd.TunnelJunction(30)], flux=0.25)
        >>> warm = jd.TemperatureScaledJunction(squid, 0.3, critical_temperature=1.2)  # K
        >>> print(f"{jd.diode_efficiency(warm):.6f}")
        0.137670
        >>> slope = jax.grad(jd.diode_efficiency)(warm)
        >>> print(f"{slope.temperature:.6f} /K")
        -0.214731 /K
    """

    device: AbstractPhaseBiased
    temperature: Float[Array, ""] = parameter(at_least=0.0, label="temperature")
    critical_temperature: Float[Array, ""] = parameter(above=0.0, label="critical temperature")

    def __init__(
        self,
        device: AbstractPhaseBiased,
        temperature: Numbers,
        *,
        critical_temperature: Numbers = 1.0,
    ):
        if not isinstance(device, AbstractPhaseBiased):
            raise ValueError(f"device must be a phase-biased device, got {type(device).__name__}")
        require_law(device)
        self.device = device
        self.temperature = self.checked("temperature", temperature)
        self.critical_temperature = self.checked("critical_temperature", critical_temperature)

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> AbstractDevice:
        return self.device.at_reduced_temperature(reduced_temperature)

    def now(self) -> AbstractPhaseBiased:
        """The device at the present temperature."""
        there = self.device.at_reduced_temperature(self.temperature / self.critical_temperature)
        assert isinstance(there, AbstractPhaseBiased)
        return there

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        return self.now().critical_currents(criterion)

    def report(self) -> Report:
        return eqx.tree_at(lambda report: report.device, self.now().report(), self)

    def measured(self, calibration: Mapping[str, Any]) -> AbstractDevice:
        """The device with a flux coil, at the temperature where it is now.

        Raises:
            ValueError: as of the device.
        """
        return self.now().measured(calibration)

    def relation(self) -> Relation:
        return DirectRelation(self.now().relation())

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.now().current(phase)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        return self.now().kinks()

    def samples_per_period(self) -> int:
        return self.now().samples_per_period()

    def magnitude(self) -> Float[Array, ""]:
        return self.now().magnitude()

    def status(self) -> Int[Array, ""]:
        return self.now().status()

    def parts(self, phase: Float[Array, " n"]) -> dict[str, Float[Array, " n"]]:
        return self.now().parts(phase)

    def details(self, critical: CriticalCurrents) -> dict[str, AbstractResult]:
        return self.now().details(critical)
