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
    own = type(device).iv is not AbstractDevice.iv
    return own or (quick and isinstance(device, AbstractPhaseBiased))


def voltages_of(device: AbstractDevice, unit: str) -> Voltages:
    """The curve of a device; a junction that has none is shunted, overdamped and cold.

    Raises:
        ValueError: what the device refuses, as a circuit whose phases have no time of their own.
    """
    from ..dynamics.shunted import Shunted

    if type(device).iv is AbstractDevice.iv and isinstance(device, AbstractPhaseBiased):
        device = Shunted(device)
    found = device.iv(points=_BIASES)
    columns = {name: np.asarray(value) for name, value in found.as_dict().items()}
    said = _plain(getattr(found, "voltage_unit", ""), unit)
    current = columns["current"]
    if "voltage_up" in columns:
        return Voltages(current, columns["voltage_up"], columns["voltage_down"], said)
    grows = np.diff(current) > 0
    first, last = np.append(grows, False), np.insert(grows, 0, False)
    falls_first, falls_last = np.append(~grows, False), np.insert(~grows, 0, False)
    voltage = columns["voltage"]
    up, down = first | last, falls_first | falls_last
    return Voltages(current, np.where(up, voltage, np.nan), np.where(down, voltage, np.nan), said)


def _plain(typeset: str, unit: str) -> str:
    """A unit as `plot` typesets it, in plain letters; I₀ is the device's unit of current."""
    words = typeset.replace(r"\hbar", "ħ").replace(r"\omega_p", "ωₚ").replace("$", "")
    return re.sub(r"I_0", f"{unit} " if unit else "I₀", words)
