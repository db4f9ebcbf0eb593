"""Names of parameters: paths into a device, and devices with other values there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import _checks
from .._checks import Numbers
from .device import AbstractDevice
from .parameters import CURRENT, AbstractParameters, Parameter, declarations

Device = TypeVar("Device", bound=AbstractDevice)
Target = tuple[int, int]  # (leaf, index in the flattened leaf)


class Elements(dict[str, Target]):
    """{path: (leaf, index in the flattened leaf)} of parameters, and paths of overridden ones."""

    overridden: tuple[str, ...] = ()


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

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> other = jd.replace(squid, {"flux": 0.2, "branches.0": [90, 70]})
        >>> pair = other.branches[0]
        >>> print(f"{other.flux[0]:.6f} {pair.first:.6f} {pair.second:.6f}")
        0.200000 90.000000 70.000000
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

    Measured data, such as the points of a `GateMap`, are no parameters and are left out.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> print(*jd.parameter_names(squid))
        branches.0.first branches.0.second branches.1.first branches.1.second flux.0
    """
    return tuple(elements_of(device))


def with_values(device: Device, targets: Sequence[Sequence[Target]], values: Iterable) -> Device:
    """The device with values[i] at every (leaf, index) of targets[i]."""
    leaves, structure = jax.tree.flatten(device)
    for value, group in zip(values, targets, strict=True):
        for leaf, i in group:
            leaves[leaf] = jnp.ravel(leaves[leaf]).at[i].set(value).reshape(jnp.shape(leaves[leaf]))
    return jax.tree.unflatten(structure, leaves)


def values_at(device: AbstractDevice, targets: Iterable[Target]) -> Array:
    """The present values at (leaf, index)."""
    leaves = jax.tree.leaves(device)
    return jnp.stack([jnp.ravel(leaves[leaf])[i] for leaf, i in targets])


def parameter_values(device: AbstractDevice) -> dict[str, float]:
    """{name: value} of every parameter, on the host."""
    leaves = [np.ravel(leaf) for leaf in jax.tree.leaves(device)]
    return {name: float(leaves[leaf][i]) for name, (leaf, i) in elements_of(device).items()}


def match_names(elements: Mapping[str, Target], pattern: str) -> list[str]:
    """All parameters a pattern names, in the device's order."""
    if not isinstance(pattern, str):
        raise ValueError(f"a parameter must be named by its path, got {pattern!r}")
    wanted = pattern.split(".")
    found = [name for name in elements if _covers(wanted, name.split("."))]
    if not found:
        overridden = getattr(elements, "overridden", ())
        if any(_covers(wanted, name.split(".")) for name in overridden):
            raise ValueError(
                f"parameter {pattern!r} is set by the device around it, its own value counts for "
                "nothing: name what sets it, such as a coil's offset or an axis' value"
            )
        stems = {".".join(n.split(".")[:k]) for n in elements for k in range(1, n.count(".") + 1)}
        raise _checks.unknown_name("parameter", pattern, elements, also=sorted(stems))
    return found


def _covers(pattern: list[str], path: list[str]) -> bool:
    steps = zip(pattern, path, strict=False)
    return len(path) >= len(pattern) and all(w in ("*", n) for w, n in steps)


def tied_groups(
    elements: Mapping[str, Target], ties: Iterable[str | Sequence[str]]
) -> Iterator[tuple[str, ...]]:
    """The parameters that each tie joins.

    Raises:
        ValueError: no names, ties of less than two parameters, a parameter in two of them.
    """
    seen: set[str] = set()
    ties = (ties,) if isinstance(ties, str) else ties
    if not isinstance(ties, Iterable):
        raise ValueError(f"ties must be a list of names or of lists of names, got {ties!r}")
    for tie in ties:
        if not isinstance(tie, str | Sequence):
            raise ValueError(f"ties must be names or lists of names, got {tie!r}")
        patterns = (tie,) if isinstance(tie, str) else tuple(tie)
        group = tuple(dict.fromkeys(n for p in patterns for n in match_names(elements, p)))
        if len(group) < 2:
            raise ValueError(f"ties must join at least two parameters, {tie!r} names {group}")
        if twice := seen & set(group):
            raise ValueError(f"ties must name each parameter once, {min(twice)!r} came twice")
        seen |= set(group)
        yield group


def require_range(device: AbstractDevice, name: str, what: str, low: float, high: float) -> None:
    """Raise unless low … high lies inside what the owner of a parameter allows for it."""
    owner, field = owner_of(device, name)
    smallest, largest = allowed_range(owner, field)
    if low < smallest or high > largest:
        given = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        raise ValueError(f"{what} must stay within {smallest:g} to {largest:g}, got {given}")


def allowed_range(owner: object, field: str) -> tuple[float, float]:
    """(smallest, largest) that bounds and axes of a field may take."""
    if isinstance(owner, AbstractParameters) and field in (own := owner.ranges()):
        return own[field]
    return declaration(owner, field).range


def owner_of(device: AbstractDevice, name: str) -> tuple[object, str]:
    """The device or part that holds a named parameter, and the field's name there."""
    owner, field, node = device, "", device
    for step in name.split("."):
        if isinstance(node, jax.Array | np.ndarray):
            break
        if isinstance(node, tuple | list):
            node = node[int(step)]
        elif isinstance(node, Mapping):
            node = node[step]
        else:
            owner, field, node = node, step, getattr(node, step)
    return owner, field


def declaration(owner: object, field: str) -> Parameter:
    """What a field declares; a free number without unit where it declares nothing."""
    return declarations(type(owner)).get(field, Parameter())


def label_of(device: AbstractDevice, name: str, axis: str | None = None) -> str:
    """A parameter in words: its declared label, with the path where the device has several.

    `axis` is the name of several parameters that this is one of, in place of its own.
    """
    label, path = declaration(*owner_of(device, name)).label, name if axis is None else axis
    return f"{label}, {path}" if label and "." in path else label or path


def unit_of(device: AbstractDevice, name: str, current: str = "") -> str:
    """The unit of a parameter as it is written, with `current` for that of the currents."""
    return written(declaration(*owner_of(device, name)).unit, current)


def written(unit: str, current: str = "") -> str:
    """A declared unit, with `current` for that of the currents."""
    if CURRENT not in unit.split("/"):
        return unit
    return unit.replace(CURRENT, current) if current else ("" if unit == CURRENT else unit)


def elements_of(device: AbstractDevice) -> Elements:
    """The place of every scalar of every array leaf that counts."""
    elements, overridden = Elements(), []
    paths = jax.tree_util.tree_flatten_with_path(device)[0]
    set_by_others = _overridden(device)
    for leaf, (path, node) in enumerate(paths):
        stem = ".".join(step_of(entry) for entry in path)
        if declaration(*owner_of(device, stem)).table:
            continue
        for i, index in enumerate(np.ndindex(jnp.shape(node))):
            name = ".".join([stem, *map(str, index)])
            if name in set_by_others:
                overridden.append(name)
            else:
                elements[name] = (leaf, i)
    elements.overridden = tuple(overridden)
    return elements


def _overridden(device: AbstractDevice) -> set[str]:
    """Paths of what devices and their parts set in others."""
    found: set[str] = set()

    def visit(node: object, path: tuple[str, ...]) -> None:
        if isinstance(node, AbstractDevice):
            found.update(".".join((*path, name)) for name in node.overridden())
        if isinstance(node, AbstractParameters):
            parts = ((name, getattr(node, name)) for name in declarations(type(node)))
        elif isinstance(node, Mapping):
            parts = node.items()
        elif isinstance(node, tuple | list):
            parts = enumerate(node)
        else:
            return
        for step, part in parts:
            visit(part, (*path, str(step)))

    visit(device, ())
    return found


def cusp_pairs(device: AbstractDevice) -> list[tuple[str, str]]:
    """Names of the pairs of parameters that declare a cusp where they are equal."""
    pairs = []
    for name in elements_of(device):
        owner, field = owner_of(device, name)
        partner = declaration(owner, field).cusp_with
        if partner is not None and name.endswith(field):
            pairs.append((name, name.removesuffix(field) + partner))
    return pairs


def step_of(entry: object) -> str:
    """One step of a JAX key path as names spell it."""
    for attribute in ("name", "idx", "key"):
        if hasattr(entry, attribute):
            return str(getattr(entry, attribute))
    return str(entry)
