"""Names of parameters: paths into a device, and devices with other values there."""

from collections.abc import Mapping
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from . import _checks
from ._checks import Numbers
from .core.device import AbstractDevice
from .gates import GateMap

Device = TypeVar("Device", bound=AbstractDevice)


def replace(device: Device, values: Mapping[str, Numbers]) -> Device:
    """The device with other values of named parameters; devices themselves never change.

        jd.replace(device, {"flux": 0.2, "branches.0.second": 90.0})

    Args:
        device: any device.
        values: {name: value}. Names are paths as in `Space` (`parameter_names(device)` lists
            them); a name that covers several parameters takes one number for all, or a list of
            one for each.

    Raises:
        ValueError: unknown names, a parameter named twice, numbers outside what the device allows
            or of another count.
    """
    if not isinstance(device, AbstractDevice):
        raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
    if not isinstance(values, Mapping):
        raise ValueError(f"values must be {{name: value}}, got {values!r}")
    elements = elements_of(device)
    members: list[str] = []
    chosen: list[jax.Array] = []
    for name, value in values.items():
        array = _checks.real_array(f"values[{name!r}]", value)
        names = match_names(elements, name)
        if array.ndim > 1 or (array.ndim == 1 and array.size != len(names)):
            raise ValueError(
                f"values[{name!r}] must be one number or {len(names)}, one for each of "
                f"{', '.join(names)}, got shape {array.shape}"
            )
        for member, number in zip(names, jnp.broadcast_to(array, (len(names),)), strict=True):
            if member in members:
                raise ValueError(f"values must name each parameter once, {member!r} came twice")
            if _checks.is_concrete(number):
                require_range(device, member, f"values[{name!r}]", float(number), float(number))
            members.append(member)
            chosen.append(number)
    return with_values(device, [(elements[member],) for member in members], chosen)


def parameter_names(device: AbstractDevice) -> tuple[str, ...]:
    """Every scalar parameter of a device by its path, as `Space` and `sweep` take them.

    The points of a `GateMap` are measured data, not parameters, and are left out.
    """
    return tuple(elements_of(device))


def with_values(device, targets, values):
    """The device with values[i] at every (leaf, index) of targets[i]."""
    leaves, structure = jax.tree.flatten(device)
    for value, group in zip(values, targets, strict=True):
        for leaf, i in group:
            leaves[leaf] = jnp.ravel(leaves[leaf]).at[i].set(value).reshape(jnp.shape(leaves[leaf]))
    return jax.tree.unflatten(structure, leaves)


def match_names(elements: Mapping[str, tuple[int, int]], pattern: str) -> list[str]:
    """All parameters a pattern names, in the device's order."""
    if not isinstance(pattern, str):
        raise ValueError(f"a parameter must be named by its path, got {pattern!r}")
    wanted = pattern.split(".")
    found = [
        name
        for name in elements
        if len(name.split(".")) >= len(wanted)
        and all(w in ("*", n) for w, n in zip(wanted, name.split("."), strict=False))
    ]
    if not found:
        stems = {".".join(n.split(".")[:k]) for n in elements for k in range(1, n.count(".") + 1)}
        raise _checks.unknown_name("parameter", pattern, elements, also=sorted(stems))
    return found


def require_range(device, name: str, what: str, low: float, high: float) -> None:
    """Raise unless low … high lies inside what the owner of a parameter allows for it."""
    owner, node = device, device
    for step in name.split("."):
        if isinstance(node, jax.Array):
            break
        owner, field = node, step
        node = node[int(step)] if isinstance(node, tuple | list) else getattr(node, step)
    allowed = owner.ranges() if hasattr(owner, "ranges") else {}
    smallest, largest = allowed.get(field, (-np.inf, np.inf))
    if low < smallest or high > largest:
        given = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        raise ValueError(f"{what} must stay within {smallest:g} to {largest:g}, got {given}")


def elements_of(device: AbstractDevice) -> dict[str, tuple[int, int]]:
    """{path: (leaf, index in the flattened leaf)} of every scalar of every array leaf."""
    elements, leaf = {}, 0
    nodes = jax.tree_util.tree_flatten_with_path(device, is_leaf=_is_gate_map)[0]
    for path, node in nodes:
        if not _is_gate_map(node):
            stem = ".".join(step_of(entry) for entry in path)
            for i, index in enumerate(np.ndindex(jnp.shape(node))):
                elements[".".join([stem, *map(str, index)])] = (leaf, i)
        leaf += len(jax.tree.leaves(node))
    return elements


def _is_gate_map(node) -> bool:
    return isinstance(node, GateMap)


def step_of(entry: object) -> str:
    """One step of a JAX key path as names spell it."""
    for attribute in ("name", "idx", "key"):
        if hasattr(entry, attribute):
            return str(getattr(entry, attribute))
    return str(entry)
