"""The grid of a sweep: which parameters its axes set, and what is said of it."""

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from ... import _checks
from ...core.continuation import AbstractContinuation
from ...core.device import AbstractDevice
from ...core.paths import elements_of, label_of, match_names, require_range, unit_of
from ...core.tables import to_table
from .labels import CURRENT_UNIT, described, label

if TYPE_CHECKING:
    import xarray

_LARGEST = 10**10  # grid points


class Grid:
    """The axes: which parameters they set, their values, and the labels of the result.

    Attributes:
        names, values, targets: of every axis, that of a continuation last.
        along: the axis of a continuation, or None; way: the continuation in words.
        row: points of that axis, which are computed one after another; 1 without one.
        size: points.
        unit: of the device's currents, for labels; empty where it is not known.
    """

    def __init__(self, device, axes, along: str | None = None, unit: str = ""):
        if not isinstance(device, AbstractDevice):
            raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
        if not isinstance(axes, Mapping):
            raise ValueError(f"axes must be {{name: values}}, got {type(axes).__name__}")
        if not axes:
            raise ValueError("axes must name at least one parameter, got none")
        if along is not None:
            if along not in axes:
                raise _checks.unknown_name("along", along, list(axes))
            axes = {**{name: axes[name] for name in axes if name != along}, along: axes[along]}
        self.along, self.way, self.unit = along, "", unit
        self.device = device
        elements = elements_of(device)
        targets, self.values, seen = [], [], set()
        self.names = tuple(axes)
        for name, given in axes.items():
            if not isinstance(name, str):
                raise ValueError(f"axes must be named by parameters, got {name!r}")
            array = _checks.real_array(f"axes[{name!r}]", given)
            matched = match_names(elements, name)
            if array.ndim not in (1, 2) or array.size == 0:
                raise ValueError(f"axes[{name!r}] must be a non-empty list, got {given!r}")
            if array.ndim == 2:
                _checks.require_length(
                    f"each row of axes[{name!r}]", array, len(matched), "parameters of that name"
                )
            if twice := seen & set(matched):
                raise ValueError(f"axes must set each parameter once, {min(twice)!r} came twice")
            for member in matched:
                low, high = float(jnp.min(array)), float(jnp.max(array))
                require_range(device, member, f"axes[{name!r}]", low, high)
            seen |= set(matched)
            targets.append(tuple(elements[m] for m in matched))
            self.values.append(array)
        self.targets = tuple(targets)
        self.shape = tuple(len(v) for v in self.values)
        self.size = math.prod(self.shape)
        self.row = 1 if along is None else self.shape[-1]
        if self.size > _LARGEST:
            raise ValueError(
                f"axes must span at most {_LARGEST:g} points together, got {self.size:.3g}"
            )

    def take(self, function: Any) -> None:
        """The function of the sweep; a continuation is told of in the result.

        Raises:
            ValueError: it is none, a continuation without an axis, an axis without a continuation.
        """
        continued = isinstance(function, AbstractContinuation)
        if isinstance(function, type) and issubclass(function, AbstractContinuation):
            name = function.__name__
            raise ValueError(f"function must be a continuation, {name}(), got the class {name}")
        if not continued and not callable(function):
            raise ValueError(
                "function must be a function of a device, such as jd.critical_currents, got "
                f"{type(function).__name__}"
            )
        if continued and self.along is None:
            raise ValueError(
                f"along must name the axis that {type(function).__name__} follows, got none"
            )
        if self.along is not None and not continued:
            raise ValueError(
                "along is the axis of a continuation (an AbstractContinuation), and must be left "
                f"out with {getattr(function, '__name__', type(function).__name__)}, "
                f"got {self.along!r}"
            )
        self.way = repr(function) if continued else ""

    def whole_rows(self, points: int) -> int:
        """So many points, or a few more that make rows."""
        return -(-points // self.row) * self.row

    def spread(self, count: int) -> Int[np.ndarray, " points"]:
        """Flat indices of about so many points all over the grid, in whole rows."""
        rows = np.linspace(0, self.size // self.row - 1, max(count // self.row, 1)).astype(int)
        return (rows[:, None] * self.row + np.arange(self.row)).ravel()

    def require_outputs(self, outputs: Mapping[str, np.ndarray]) -> None:
        """Refuse what could not be labelled, before the rest of the grid is computed."""
        for key in outputs:
            if key in self.names:
                raise ValueError(f"function must not name an output as an axis, got {key!r}")
            if "/" in key or not key:
                raise ValueError(f"function must name its outputs without '/', got {key!r}")

    def place(self, results: dict[str, np.ndarray], start: int, chunk: Mapping) -> None:
        """Put the outputs of the points from `start` on into the flat results."""
        if not results:
            self.require_outputs(chunk)
            try:
                for k, v in chunk.items():
                    results[k] = np.empty((self.size, *v.shape[1:]), v.dtype)
            except MemoryError as error:
                raise ValueError(
                    f"axes span {self.size:.3g} points, their results do not fit into memory; "
                    "sweep them in parts"
                ) from error
        for k, v in chunk.items():
            results[k][start : start + len(v)] = v[: self.size - start]

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """{name: values}, on the host."""
        return {name: np.asarray(v) for name, v in zip(self.names, self.values, strict=True)}

    def dataset(self, results: Mapping[str, np.ndarray]) -> "xarray.Dataset":
        return described(label(self.names, list(self.axes.values()), results, self.about()))

    def about(self) -> dict[str, str]:
        """What the attributes of a dataset say: the device in words and as a table, the axes."""
        elements = elements_of(self.device)
        first = {name: match_names(elements, name)[0] for name in self.names}
        labels = {
            name: [label_of(self.device, member, name), unit_of(self.device, member, self.unit)]
            for name, member in first.items()
        }
        try:
            table = json.dumps(to_table(self.device), ensure_ascii=False)
        except ValueError:  # it holds what files do not, such as a function
            table = ""
        about = {
            "device": repr(self.device),
            "device_table": table,
            "axes": json.dumps(labels, ensure_ascii=False),
        }
        if self.along is not None:
            about |= {"along": self.along, "continuation": " ".join(self.way.split())}
        if self.unit:
            about[CURRENT_UNIT] = self.unit
        return about


def unknown(dtype: np.dtype) -> Any:
    """What stands for a value that is not computed yet."""
    if dtype.kind == "b":
        return False
    if dtype.kind == "u":
        return np.iinfo(dtype).max
    return np.nan if dtype.kind in "fc" else -1
