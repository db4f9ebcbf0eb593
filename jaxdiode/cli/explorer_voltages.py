"""The current–voltage curve on the page of `jaxdiode explore`."""

import re
from typing import NamedTuple

import numpy as np

from ..core.device import AbstractDevice, AbstractPhaseBiased

_BIASES = 101


class Voltages(NamedTuple):
    """Mean voltages at biases, in the order of their history; NaN parts the ways.

    Attributes:
        current: biases.
        up, down: voltages where the bias grows and where it falls.
        unit: of voltages.
    """

    current: np.ndarray
    up: np.ndarray
    down: np.ndarray
    unit: str


def has_voltages(device: AbstractDevice, quick: bool) -> bool:
    """Whether it has a curve of its own, or is a quick junction, which a resistor may shunt."""
    return _has_own(device) or (quick and isinstance(device, AbstractPhaseBiased))


def voltages_of(device: AbstractDevice, unit: str) -> Voltages:
    """The curve of a device; a junction that has none is shunted, overdamped and cold.

    Raises:
        ValueError: what the device refuses, as a circuit whose phases have no time of their own.
    """
    from ..dynamics.shunted import Shunted

    if not _has_own(device) and isinstance(device, AbstractPhaseBiased):
        device = Shunted(device)
    found = device.iv(points=_BIASES)
    columns = {name: np.asarray(value) for name, value in found.as_dict().items()}
    said = _plain(getattr(found, "voltage_unit", ""), unit)
    current = columns["current"]
    if "voltage_up" in columns:
        return Voltages(current, columns["voltage_up"], columns["voltage_down"], said)
    grows = np.diff(current) > 0
    up, down = (
        np.where(np.append(steps, False) | np.insert(steps, 0, False), columns["voltage"], np.nan)
        for steps in (grows, ~grows)
    )
    return Voltages(current, up, down, said)


def _has_own(device: AbstractDevice) -> bool:
    return type(device).iv is not AbstractDevice.iv


def _plain(typeset: str, unit: str) -> str:
    """A unit as `plot` typesets it, in plain letters; I₀ is the device's unit of current."""
    words = typeset.replace(r"\hbar", "ħ").replace(r"\omega_p", "ωₚ").replace("$", "")
    return re.sub(r"I_0", f"{unit} " if unit else "I₀", words)
