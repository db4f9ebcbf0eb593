"""What a device must do, as one number: the slack that its tightest bound has left."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ...core.device import AbstractDevice
from ..quantities import QUANTITIES, Quantity, name_of, names_of, values_of

Requirement = tuple[Quantity, float, float]  # what, from, to


class Specification(eqx.Module):
    """What a device must do: bounds on its critical currents, or on any function of it.

    A specification is itself a function of a device, its slack

        s = min over all bounds of (x − low)/|low| and (high − x)/|high|

    (a bound of 0 divides by 1): at least 0 where every bound is met, NaN where the device has no
    result, which meets nothing. It is differentiable, hence an objective of `maximise`, and the
    same bounds are the same specification to `jax.jit`.

    Args:
        requirements: {what: bounds}. What is "efficiency", "plus", "minus" or "bounded_efficiency"
            of `critical_currents(device)`, or a function of a device that gives one number. Bounds
            are a number, which is to be reached at least, or (low, high), where None or an infinity
            leaves an end open.

    Raises:
        ValueError: an unknown name, bounds reversed, equal, NaN or both open, nothing asked.

    Example:
        >>> specification = jd.tolerance.Specification({"efficiency": 0.25, "plus": (40, None)})
        >>> print(*specification.labels, sep=", ")
        efficiency ≥ 0.25, plus ≥ 40
        >>> relation = jd.Harmonics([50.0], [0.0, -10.0])  # I₊ = 60, I₋ = 40 …
        >>> print(f"{specification(relation):.4f}")  # … and η = 0.2: a fifth is missing
        -0.2000
    """

    requirements: tuple[Requirement, ...] = eqx.field(static=True)

    def __init__(self, requirements: Mapping[Any, Any]):
        if not isinstance(requirements, Mapping):
            raise ValueError(f"requirements must be {{what: bounds}}, got {requirements!r}")
        if not requirements:
            raise ValueError("requirements must ask for something, got none")
        self.requirements = tuple(_requirement(*item) for item in requirements.items())

    @property
    def labels(self) -> tuple[str, ...]:
        """Every bound in words, in the order of `slacks`."""
        return tuple(f"{name_of(what)} {sign} {bound:g}" for what, sign, bound in self._bounds())

    def values(self, device: AbstractDevice) -> dict[str, Array]:
        """{what: its value}, of functions by their name."""
        return dict(zip(names_of(self._asked()), self._values(device), strict=True))

    def slacks(self, device: AbstractDevice) -> Float[Array, " bounds"]:
        """What every bound has left, in units of its size."""
        known = dict(zip(self._asked(), self._values(device), strict=True))
        return jnp.stack(
            [
                (known[what] - bound if sign == "≥" else bound - known[what]) / (abs(bound) or 1.0)
                for what, sign, bound in self._bounds()
            ]
        )

    def __call__(self, device: AbstractDevice) -> Float[Array, ""]:
        """The slack: of the tightest bound."""
        return jnp.min(self.slacks(device))

    def _bounds(self) -> Iterator[tuple[Quantity, str, float]]:
        for what, low, high in self.requirements:
            if math.isfinite(low):
                yield what, "≥", low
            if math.isfinite(high):
                yield what, "≤", high

    def _asked(self) -> list[Quantity]:
        return [what for what, *_ in self.requirements]

    def _values(self, device) -> list[Array]:
        found = values_of(self._asked(), device)
        for what, value in zip(self._asked(), found, strict=True):
            if np.shape(value) != ():
                raise ValueError(
                    f"{name_of(what)} of a specification must be one number per device, got shape "
                    f"{np.shape(value)}"
                )
        return [jnp.asarray(value, float) for value in found]


def specification_of(specification: Any) -> Specification:
    """A specification from one or from what it is made of."""
    if isinstance(specification, Specification):
        return specification
    if isinstance(specification, Mapping):
        return Specification(specification)
    raise ValueError(
        f"specification must be a Specification or {{what: bounds}}, got {specification!r}"
    )


def _requirement(what: Any, bounds: Any) -> Requirement:
    if isinstance(what, str):
        if what not in QUANTITIES:
            raise _checks.unknown_name("quantity of a specification", what, QUANTITIES)
    elif not callable(what):
        raise ValueError(
            f"requirements must name {', '.join(QUANTITIES)} or a function of a device, got "
            f"{what!r}"
        )
    name = name_of(what)
    several = isinstance(bounds, tuple | list) or (
        isinstance(bounds, np.ndarray) and bounds.ndim == 1
    )
    pair = list(bounds) if several else [bounds, None]
    if len(pair) != 2:
        raise ValueError(f"bounds of {name!r} must be a number or (low, high), got {bounds!r}")
    low, high = (
        _bound(name, bounds, end, open_end)
        for end, open_end in zip(pair, (-math.inf, math.inf), strict=True)
    )
    if low == -math.inf and high == math.inf:
        raise ValueError(f"bounds of {name!r} must ask for something, got {bounds!r}")
    if not low < high or (math.isinf(low) and low > 0) or (math.isinf(high) and high < 0):
        raise ValueError(f"bounds of {name!r} must satisfy low < high, got ({low:g}, {high:g})")
    return what, low, high


def _bound(name: str, bounds: Any, end: Any, open_end: float) -> float:
    if end is None:
        return open_end
    try:
        if isinstance(end, str | bool):
            raise TypeError("no number")
        number = float(end)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"bounds of {name!r} must be a number or (low, high), got {bounds!r}"
        ) from error
    if math.isnan(number):
        raise ValueError(f"bounds of {name!r} must be known, got {bounds!r}")
    return number
