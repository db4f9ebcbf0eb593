"""Every argument check and its sentence: name, value, what is allowed."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, PyTree

from ._plain_checks import flag as flag
from ._plain_checks import is_number as is_number
from ._plain_checks import unknown_name as unknown_name
from ._plain_checks import whole_number as whole_number

Numbers: TypeAlias = ArrayLike | Sequence[Any]  # whatever jnp.asarray takes


def require_x64() -> None:
    """Kinked current-phase relations and shooting need double precision."""
    if not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        raise ValueError(
            "jaxdiode needs double precision but JAX is in float32 mode: call "
            "jax.config.update('jax_enable_x64', True) first, or set JAX_ENABLE_X64=1"
        )


def is_concrete(value: object) -> bool:
    return not isinstance(value, Tracer)


def all_concrete(tree: PyTree) -> bool:
    return all(map(is_concrete, jax.tree.leaves(tree)))


def real_array(
    name: str,
    value: Numbers,
    *,
    ndim: int | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    unit: str = "",
) -> Array:
    """`value` as a float64 array after checking shape and, unless traced, range.

    `unit` is that of the edges of the range, for messages.
    """
    require_x64()
    wanted = "a real number" if ndim == 0 else "a real number or array of them"
    if isinstance(value, str | bytes | bool):
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    try:
        array = jnp.asarray(value, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be {wanted}, got {value!r}") from error
    if ndim is not None and array.ndim != ndim:
        kind = {0: "a single number", 1: "a list of numbers"}[ndim]
        raise ValueError(f"{name} must be {kind}, got shape {array.shape}")
    if is_concrete(array):
        host = np.asarray(array)
        if not np.all(np.isfinite(host)):
            raise ValueError(f"{name} must be finite, got {shown(host)}")
        for edge, fails, words in (
            (above, np.less_equal, "positive" if above == 0 else "above"),
            (below, np.greater_equal, "negative" if below == 0 else "below"),
            (at_least, np.less, "at least"),
            (at_most, np.greater, "at most"),
        ):
            if edge is not None and np.any(fails(host, edge)):
                bound = f" {edge:g} {unit if edge else ''}".rstrip()
                bound = "" if words in ("positive", "negative") else bound
                raise ValueError(f"{name} must be {words}{bound}, got {shown(host)}")
    return array


def positive(name: str, value: Numbers) -> Array:
    """A single number above zero."""
    return real_array(name, value, ndim=0, above=0.0)


def require_length(name: str, array: Array | np.ndarray, length: int, why: str) -> None:
    if array.shape[-1] != length:
        raise ValueError(f"{name} must have length {length} ({why}), got {array.shape[-1]}")


def shown(array: np.ndarray) -> str:
    return np.array2string(array, precision=6, threshold=6, separator=", ")


def name_and_level(
    name: str | float | int | None, level: float | int, names: Sequence[str]
) -> tuple[str | None, float | int]:
    """What `interval(name, level)`, `interval(name)` or `interval(level)` ask for.

    Raises:
        ValueError: no such parameter, a level outside (0, 1).
    """
    if name is not None and not isinstance(name, str):
        name, level = None, name
    if isinstance(level, str | bool) or not np.ndim(level) == 0 or not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    if name is not None and name not in names:
        raise unknown_name("parameter", name, names)
    return name, level
