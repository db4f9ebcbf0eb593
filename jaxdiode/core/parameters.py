"""Parameters that declare themselves: range, unit, label and cusp partner, said once per field.

Constructors check by a declaration, `Space` and `sweep` take their limits from it, and files, axes
and summaries their names and units.
"""

import dataclasses
import functools
import math
import types
import typing
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np
from jaxtyping import Array

from .. import _checks
from .._checks import Numbers

CURRENT = "current"  # unit of whatever the device's currents are in

_KEY = "jaxdiode parameter"


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What is declared of one field; see `parameter`."""

    at_least: float = -math.inf
    at_most: float = math.inf
    above: float | None = None
    below: float | None = None
    search: tuple[float, float] | None = None
    unit: str = ""
    label: str = ""
    cusp_with: str | None = None
    table: bool = False

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest value of bounds and axes."""
        if self.search is not None:
            return self.search
        low = self.at_least if self.above is None else self.above
        high = self.at_most if self.below is None else self.below
        return low, high


if TYPE_CHECKING:
    from equinox import field as parameter  # whose calls type checkers know to be no defaults
else:

    def parameter(
        *,
        at_least: float = -math.inf,
        at_most: float = math.inf,
        above: float | None = None,
        below: float | None = None,
        search: tuple[float, float] | None = None,
        unit: str = "",
        label: str = "",
        cusp_with: str | None = None,
        table: bool = False,
    ) -> Any:
        """Declare a field of a device or a part of one.

            class Junction(jd.AbstractPhaseBiased):
                first: Float[Array, ""] = jd.parameter(at_least=0.0, unit="current", label="I_c")

        A field without a declaration is a free number without unit.

        Args:
            at_least, at_most: what the constructor allows, ends included.
            above, below: the same, ends excluded.
            search: (smallest, largest) of bounds and axes where that is narrower than what the
                constructor allows.
            unit: "current" for the unit of the device's currents (also inside a product, such as
                "Φ₀/current"), else the unit as it is written on an axis; empty for plain numbers.
            label: the quantity as it is written on an axis; the field's name if left out.
            cusp_with: another field of the same object: η has a cusp −|difference|^(2/3) where both
                are equal, and `Space` gives them a coordinate in which it is a parabola.
            table: measured data, which no study varies.

        Example:
            >>> class Junction(jd.AbstractPhaseBiased):
            ...     amplitude: jax.Array = jd.parameter(at_least=0.0, unit="current", label="I_c")
            ...     def current(self, phase):
            ...         return self.amplitude * jnp.sin(phase)
            >>> jd.parameter_names(Junction(jnp.array(100.0)))
            ('amplitude',)
            >>> jd.Space(Junction(jnp.array(100.0)), {"amplitude": (-1, 1)})
            Traceback (most recent call last):
                ...
            ValueError: bounds of 'amplitude' must stay within 0 to inf, got -1 to 1
        """
        declared = Parameter(
            at_least, at_most, above, below, search, unit, label, cusp_with, table
        )  # fmt: skip
        return eqx.field(metadata={_KEY: declared})


class AbstractParameters(eqx.Module):
    """A device, or a part of one: an immutable pytree whose leaves are physical parameters.

    Example:
        >>> class Loop(jd.AbstractParameters):
        ...     area: jax.Array = jd.parameter(above=0.0, unit="µm²")
        ...     def __init__(self, area):
        ...         self.area = self.checked("area", area)
        >>> print(f"{jd.units.flux(1e-12 * Loop(10.0).area, 1e-4):.6f}")  # Φ₀ in 0.1 mT
        0.483598
        >>> Loop(-10.0)
        Traceback (most recent call last):
            ...
        ValueError: area must be positive, got -10...
    """

    papers: typing.ClassVar[tuple[str, ...]] = ()  # keys of references.bib, or BibTeX itself

    def __check_init__(self) -> None:
        """A class without a constructor of its own: its numbers are checked as they are declared.

        One with its own has `checked`, which also makes arrays of them.
        """
        kind: Any = type(self)
        if not kind.__dataclass_params__.init:
            return
        for name, declared in declarations(kind).items():
            value = getattr(self, name)
            if declared != Parameter() and isinstance(value, int | float | np.ndarray | Array):
                self.checked(name, value)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """{field: (smallest, largest)} where it depends on the values of other fields."""
        return {}

    def __repr__(self) -> str:
        return eqx.tree_pformat(self, short_arrays=False)

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except dataclasses.FrozenInstanceError:
            raise dataclasses.FrozenInstanceError(
                f"{name!r} cannot be assigned: a device never changes; "
                f"jaxdiode.replace(device, {{{name!r}: ...}}) gives one with another value"
            ) from None

    def checked(self, name: str, value: Numbers, ndim: int | None = None) -> Array:
        """A constructor's argument as an array, checked as its field declares.

        Without `ndim` the field's annotation says it: a number for `Float[Array, ""]`, a list for
        `Float[Array, " n"]`.
        """
        declared = declarations(type(self))[name]
        return _checks.real_array(
            name,
            value,
            ndim=dimensions(type(self), name) if ndim is None else ndim,
            at_least=declared.at_least,
            at_most=declared.at_most,
            above=declared.above,
            below=declared.below,
            unit="" if CURRENT in declared.unit else declared.unit,
        )


@functools.cache
def declarations(kind: type) -> dict[str, Parameter]:
    """{field: its declaration} of every field of a class that jax sees or that holds parts."""
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return {
        field.name: field.metadata.get(_KEY, Parameter())
        for field in fields
        if not field.metadata.get("static", False)
    }


@functools.cache
def dimensions(kind: type, name: str) -> int | None:
    """Axes that a field's annotation fixes, None where it leaves them open."""
    (annotation,) = (field.type for field in dataclasses.fields(kind) if field.name == name)
    options = (
        typing.get_args(annotation)
        if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
        else (annotation,)
    )
    for option in options:
        shape = getattr(option, "dim_str", None)
        if shape is not None:
            return None if "*" in shape or "..." in shape else len(shape.split())
    return None
