"""Objects as tables of plain values and back, exact to the last bit.

A table is what JSON and TOML hold: numbers, text, lists and dictionaries. A device or part of one
is {"type": name, argument: value}, as device files write it; every other object {"type": name,
field: value}. Arrays are lists of numbers where a constructor turns them back into the same, else
{"array": dtype, "shape": […], "values": […]}.
"""

import dataclasses
import enum
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .. import _checks
from .parameters import AbstractParameters, declarations, dimensions

Resolve = Callable[[str], type]

_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_MARKS = ("array", "tuple", "dict", "number", "type")


def name_of(kind: type) -> str:
    """How files name a class: its own name inside jaxdiode, its dotted path outside."""
    if kind.__module__.split(".")[0] == "jaxdiode":
        return kind.__qualname__
    if "." in kind.__qualname__:
        raise ValueError(
            f"class {kind.__qualname__} must be defined at the top of a module to be in a file"
        )
    return f"{kind.__module__}.{kind.__qualname__}"


def to_table(value: Any) -> Any:
    """`value` as plain values.

    Raises:
        ValueError: something in it cannot be written, such as a function.
    """
    if isinstance(value, enum.Enum):
        return to_table(value.value)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) else {"number": _word(value)}
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return _array(value)
    if hasattr(value, "to_table"):
        return {"type": name_of(type(value)), **value.to_table()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        given = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        if isinstance(value, AbstractParameters):
            table = {name: argument(x) for name, x in given.items() if x is not None}
        else:
            table = {name: to_table(x) for name, x in given.items()}
        return {"type": name_of(type(value)), **table}
    if isinstance(value, tuple):
        return {"tuple": [to_table(x) for x in value]}
    if isinstance(value, list):
        return [to_table(x) for x in value]
    if isinstance(value, Mapping):
        plain = {str(k): to_table(v) for k, v in value.items()}
        return {"dict": plain} if set(plain) & set(_MARKS) or not plain else plain
    raise ValueError(f"a {type(value).__name__} cannot be written to a file")


def from_table(table: Any, resolve: Resolve, where: str = "") -> Any:
    """The object that `to_table` wrote.

    Args:
        table: plain values.
        resolve: the class of a name.
        where: what the table is, for messages.

    Raises:
        ValueError: not what `to_table` writes, or what a constructor refuses; it names the field.
    """
    if isinstance(table, list):
        return [from_table(x, resolve, f"{where}[{k}]") for k, x in enumerate(table)]
    if not isinstance(table, Mapping):
        return table
    try:
        if "array" in table:
            return _read_array(table)
        if "number" in table:
            return _WORDS[table["number"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{where} must be an array as it was written, got {_cut(table)}"
        ) from error
    if "tuple" in table:
        return tuple(from_table(table["tuple"], resolve, where))
    if "type" not in table:
        table = table.get("dict", table)
        return {k: from_table(v, resolve, f"{where}.{k}") for k, v in table.items()}
    kind = resolve(str(table["type"]))
    inner = {
        k: from_table(v, resolve, f"{where}.{k}" if where else str(k))
        for k, v in table.items()
        if k != "type"
    }
    if hasattr(kind, "from_table"):
        return kind.from_table(inner)
    if issubclass(kind, AbstractParameters):
        return _constructed(kind, inner, where)
    return _filled(kind, inner, where)


def argument(value: Any) -> Any:
    """A constructor's argument: numbers and lists where these say all that the array does."""
    if isinstance(value, jax.Array | np.ndarray):
        array = np.asarray(value)
        plain = array.size or array.ndim == 1
        if array.dtype == np.float64 and plain and np.all(np.isfinite(array)):
            return array.tolist()
    if isinstance(value, tuple):
        return [argument(x) for x in value]  # constructors take lists
    return to_table(value)


def _array(value: Any) -> Any:
    array = np.asarray(value)
    made = {"array": str(array.dtype), "shape": list(array.shape)}
    if not isinstance(value, jax.Array):
        made["numpy"] = True
    if array.dtype.kind == "c":
        return {**made, "values": _numbers(np.real(array)), "imaginary": _numbers(np.imag(array))}
    if array.dtype.kind not in "fiub":
        raise ValueError(f"an array of {array.dtype} cannot be written to a file")
    return {**made, "values": _numbers(array)}


def _numbers(array: np.ndarray) -> list:
    flat = array.ravel().tolist()
    if array.dtype.kind != "f" or np.all(np.isfinite(array)):
        return flat
    return [x if math.isfinite(x) else _word(x) for x in flat]


def _read_array(table: Mapping[str, Any]) -> Any:
    dtype = np.dtype(table["array"])
    if dtype.kind not in "fiubc":
        raise ValueError("not an array of numbers")
    values = _values(table["values"])
    if dtype.kind == "c":
        values = values + 1j * _values(table["imaginary"])
    elif dtype.kind != "f" and np.any(values != np.asarray(table["values"])):
        raise ValueError("not whole numbers")
    array = np.asarray(values).astype(dtype).reshape(table["shape"])
    return array if table.get("numpy") else jax.numpy.asarray(array)


def _values(listed: Any) -> np.ndarray:
    if not isinstance(listed, list):
        raise TypeError("not a list")
    if any(not isinstance(x, int | float | str) for x in listed):
        raise TypeError("not numbers")
    if all(isinstance(x, int) for x in listed):
        return np.array(listed, dtype=np.int64 if listed else float)
    return np.array([_WORDS[x] if isinstance(x, str) else x for x in listed], float)


def _word(x: float) -> str:
    return "nan" if math.isnan(x) else ("inf" if x > 0 else "-inf")


def _constructed(kind: type, inner: dict[str, Any], where: str) -> Any:
    """By the constructor, which checks; field by field where it has other arguments."""
    fields = {f.name: f.default for f in dataclasses.fields(kind)}  # pyright: ignore
    needed = {name for name, default in fields.items() if default is dataclasses.MISSING}
    others = not set(inner) <= set(inspect.signature(kind).parameters)
    if others and needed <= set(inner) <= set(fields):
        return _filled(kind, inner, where)
    return made(kind.__name__, kind, inner, where)


def made(name: str, maker: Callable, given: Mapping[str, Any], where: str) -> Any:
    """What a constructor makes of its arguments; its errors say where, if that is known."""
    try:
        require_arguments(name, maker, given)
        return with_arrays(maker(**given))
    except ValueError as error:
        if not where:
            raise
        raise ValueError(f"{error} (in {where})") from error


def require_arguments(name: str, maker: Callable, given: Mapping[str, Any]) -> None:
    """Refuse arguments that a constructor does not have, and the lack of one that it needs."""
    allowed = inspect.signature(maker).parameters
    for argument in given:
        if argument not in allowed:
            raise _checks.unknown_name(f"argument of {name}", argument, allowed)
    for argument, parameter in allowed.items():
        several = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        if parameter.default is parameter.empty and not several and argument not in given:
            raise ValueError(f"{name} needs the argument {argument!r}")


def with_arrays(made: Any) -> Any:
    """The same; numbers that a class without a constructor took as they are become arrays."""
    if not isinstance(made, AbstractParameters):
        return made
    for name in declarations(type(made)):
        value = getattr(made, name)
        numbers = value if isinstance(value, list) else [value]
        if all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers):
            array = _checks.real_array(name, value, ndim=dimensions(type(made), name))
            object.__setattr__(made, name, array)
    return made


def _filled(kind: type, inner: dict[str, Any], where: str) -> Any:
    """An object from all of its fields, past its constructor."""
    label = where or kind.__name__
    if not dataclasses.is_dataclass(kind):
        raise ValueError(f"{label} must be an object that files hold, got {kind.__name__}")
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for name in inner:
        if name not in fields:
            raise _checks.unknown_name(f"field of {kind.__name__}", name, fields)
    for name, field in fields.items():
        if name not in inner and field.default is dataclasses.MISSING:
            raise ValueError(f"{label} needs the field {name!r}")
    if not issubclass(kind, eqx.Module):
        return kind(**inner)
    made = object.__new__(kind)
    for name, field in fields.items():
        object.__setattr__(made, name, inner.get(name, field.default))
    return made


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
