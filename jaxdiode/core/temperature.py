"""One temperature for what is made of other devices."""

from typing import TypeVar

import equinox as eqx
import jax
import numpy as np

from .. import _checks
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


def require_law(device: AbstractDevice) -> None:
    """Refuse what one temperature cannot be given to.

    Raises:
        ValueError: a part has no law of temperature, or a temperature of its own, which would have
            no effect.
    """
    eqx.filter_eval_shape(lambda x: x.at_reduced_temperature(0.0), device)
    for path, value in jax.tree_util.tree_leaves_with_path(device):
        own = getattr(path[-1], "name", "") == "temperature" and _checks.is_concrete(value)
        if own and np.any(np.asarray(value) != 0):
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            raise ValueError(f"device must be given as at T = 0, its {name} is {float(value):g}")
