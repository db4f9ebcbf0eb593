"""One temperature for what is made of other devices."""

from typing import TypeVar

import jax

from .._checks import Numbers
from .device import AbstractDevice

Device = TypeVar("Device", bound=AbstractDevice)


def parts_at_reduced_temperature(self: Device, reduced_temperature: Numbers) -> Device:
    """The device with all of its parts at t = T/T_c; what it adds itself stays.

    A method of what adds nothing that depends on temperature: circuits, SQUIDs, fields, shunts.
    """
    parts, structure = jax.tree.flatten(
        self, is_leaf=lambda x: isinstance(x, AbstractDevice) and x is not self
    )
    there = [
        part.at_reduced_temperature(reduced_temperature)
        if isinstance(part, AbstractDevice)
        else part
        for part in parts
    ]
    return jax.tree.unflatten(structure, there)
