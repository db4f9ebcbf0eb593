"""Which classes files may name."""

import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType

from .. import _plain_checks as _checks
from ..devices import NAMESPACES, SYSTEMS

_CORE = (
    "core.device.DirectRelation",
    "devices.squid.branches.ParallelRelation",
    "dynamics.shunted.ScaledRelation",
    "junctions.resistive.DiffusiveContactRelation",
    "junctions.chain_relation.ChainRelation",
    "studies.posterior.noise.Noise",
)


def resolve(name: str) -> type:
    """The class of a name in a file: one of jaxdiode's, or one elsewhere by its dotted path.

    Raises:
        ValueError: no such class, or none that files hold.
    """
    if "." in name:
        return _elsewhere(name)
    kind = public(name)
    if kind is None:
        raise _checks.unknown_name("type", name, names())
    return kind


def public(name: str) -> type | None:
    """A class of jaxdiode that files may name, loaded alone; None if there is none."""
    for _, place in _places():
        if name in dir(place):
            kind = getattr(place, name)
            return kind if _holds(kind) else None
    return _inside(name)


def public_path(name: str) -> str | None:
    """Where users find a class below jaxdiode, "usadel.SpinBarrier"; None if it has no place."""
    for path, place in _places():
        if name in dir(place):
            return f"{path}.{name}" if path else name
    return None


def names() -> list[str]:
    """Devices and their parts, as device files name them."""
    listed = [name for _, place in _places() for name in dir(place)]
    return [name for name in listed if (kind := public(name)) and is_written(kind)]


def is_written(kind: type) -> bool:
    """Whether people write such an object in device files: no result, no `Space`."""
    import equinox as eqx

    from ..core.parameters import AbstractParameters

    return issubclass(kind, AbstractParameters) or not issubclass(kind, eqx.Module)


def _places() -> Iterator[tuple[str, ModuleType]]:
    """The modules that list public names and what they are called, those first that load least."""
    import jaxdiode

    yield "", jaxdiode
    for name in (*NAMESPACES, "experiment", "tolerance", "results"):
        yield name, getattr(jaxdiode, name)


def _holds(kind: object) -> bool:
    import dataclasses

    if not inspect.isclass(kind) or kind.__name__.startswith("Abstract"):
        return False
    return not inspect.isabstract(kind) and dataclasses.is_dataclass(kind)


def _inside(name: str) -> type | None:
    """A class that results hold and no user builds."""
    for path in (*_CORE, *(path for system in SYSTEMS for path in system.holds)):
        module, _, own = path.rpartition(".")
        if own == name:
            return getattr(importlib.import_module(f"jaxdiode.{module}"), own)
    return None


def _elsewhere(name: str) -> type:
    module, _, own = name.rpartition(".")
    if not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(f"type must be a class of jaxdiode or a dotted path, got {name!r}")
    try:
        kind = getattr(importlib.import_module(module), own)
    except ImportError as error:
        raise ValueError(
            f"type {name!r} cannot be imported: {error}; start from the folder of its module, or "
            "name that in PYTHONPATH"
        ) from error
    except AttributeError as error:
        raise ValueError(f"type {name!r} is not there: {module} has no {own}") from error
    from ..core.parameters import AbstractParameters
    from ..core.results import AbstractResult

    if not inspect.isclass(kind) or not issubclass(kind, AbstractParameters | AbstractResult):
        raise ValueError(f"type must be a device, a part of one or a result, got {name!r}")
    return kind
