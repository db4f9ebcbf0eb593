"""What commands on devices in time share: the circuit of a file, its noise, and SI units."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _plain_checks as _checks
from ..files import circuit as sections
from ..files import device_file

if TYPE_CHECKING:
    from ..dynamics.circuits import CircuitScale
    from ..dynamics.network.equations import AbstractNetwork
    from ..dynamics.shunted import Shunted

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


@dataclass(frozen=True)
class Circuit:
    """The shunted device of a file.

    Attributes:
        device: it.
        unit: of its currents, empty where the file names none.
        scale: its units, where the file's [shunt] is in SI units.
    """

    device: "Shunted"
    unit: str
    scale: "CircuitScale | None"

    def describe(self) -> str:
        """Its units of voltage and time, and β_c of its largest current."""
        damped = not self.device.is_overdamped
        voltage, time = ("ħω_p/2e", "1/ω_p") if damped else ("I₀R", "ħ/2eI₀R")
        if self.scale is None:
            return f"voltages in {voltage}, times in {time}, I₀ = 1 {self.unit}".rstrip()
        volts, seconds = float(self.scale.volts(1.0)), float(self.scale.seconds(1.0))
        text = f"{voltage} = {si(volts, 'V')}, {time} = {si(seconds, 's')}, I₀ = 1 {self.unit}"
        if damped:
            most = float(self.device.typical_current())
            number = float(self.scale.stewart_mccumber(most))
            text += f"; beta_c of max|I| = {most:.4g} {self.unit}: {number:.4g}"
        return text

    def in_volts(self, columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Columns of voltages again in V, where these are known."""
        if self.scale is None:
            return {}
        return {f"{name}_V": np.asarray(self.scale.volts(x)) for name, x in columns.items()}


@dataclass(frozen=True)
class Network:
    """The circuit of many nodes of a file."""

    device: "AbstractNetwork"
    unit: str
    scale: None = None

    def describe(self) -> str:
        return f"voltages in I₀R₀, times in Φ₀/2πI₀R₀, I₀ = 1 {self.unit}".rstrip()

    def in_volts(self, columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """None: resistances in the file are in units of R₀."""
        del columns
        return {}


def read_circuit(table: dict[str, Any], *, driven: bool | None = None) -> Circuit:
    """The circuit of a file.

    Raises:
        ValueError: a device without a shunt, or without the drive asked for, or with one too many.
    """
    from ..dynamics.shunted import require_shunted

    device = require_shunted(device_file.device(table), driven=driven)
    return Circuit(device, device_file.unit(table), sections.scale(table))


def read_moving(table: dict[str, Any]) -> Circuit | Network:
    """The same, or a circuit of many nodes, with a drive.

    Raises:
        ValueError: neither, or no drive.
    """
    from ..dynamics.network.equations import AbstractNetwork

    device = device_file.device(table)
    if not isinstance(device, AbstractNetwork):
        return read_circuit(table, driven=True)
    if device.drive is None:
        raise ValueError(
            "[device] must have a drive: [device.drive] with type, frequency and amplitude"
        )
    return Network(device, device_file.unit(table))


def require_sections(table: dict[str, Any], *, driven: bool | None = None) -> None:
    """The same of a file that people wrote, before JAX is there."""
    section = table["device"]
    if not isinstance(section, dict) or section.get("type") in ("Shunted", "Circuit"):
        return
    if "shunt" not in table:
        raise ValueError(
            "device file must have a [shunt] section: damping, or a resistance in Ω (and a "
            "capacitance in F), or nothing in it for a resistance without capacitance"
        )
    if driven is True and "drive" not in table:
        raise ValueError("device file must have a [drive] section: frequency and amplitude")
    if driven is False and "drive" in table:
        raise ValueError("device file must have no [drive] section here, got one")


def one_of(first: tuple[str, float | None], second: tuple[str, float | None]) -> None:
    """Refuse both and neither of two options, and what is not positive."""
    given = [(name, value) for name, value in (first, second) if value is not None]
    if len(given) != 1:
        told = "both" if given else "neither"
        raise ValueError(f"{first[0]} or {second[0]} must be given, got {told}")
    for name, value in given:
        _checks.positive_number(name, value)


def noise_of(circuit: Circuit, noise: float | None, temperature: float | None) -> float:
    """γ in the unit of the device's currents."""
    if temperature is None:
        assert noise is not None
        return noise
    if not circuit.unit:
        raise ValueError(
            'temperature (K) needs the unit of the device\'s currents in its file, unit = "nA"; '
            "or give noise, k_BT in units of current"
        )
    from .. import units

    return float(units.thermal_current(temperature, current=circuit.unit))


def si(value: float, unit: str) -> str:
    """A number with a prefix, "8.72 GHz"."""
    power = 3 * math.floor(math.log10(abs(value)) / 3) if value else 0
    power = min(max(power, min(_PREFIXES)), max(_PREFIXES))
    return f"{value / 10.0**power:.4g} {_PREFIXES[power]}{unit}"
