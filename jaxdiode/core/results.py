"""What every verb gives back: a status per lane, a table, words, a figure; saved and loaded."""

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import _checks
from ..numerics.status import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LONG = 16  # values that a repr still shows one by one


class AbstractResult(eqx.Module):
    """A result. The command line, sweeps, files and figures know of it what stands here.

    Attributes:
        status: `Status` of every lane; what is not known beside another than CONVERGED is NaN.

    Example:
        >>> class Ratio(jd.results.AbstractResult):
        ...     ratio: jax.Array
        ...     status: jax.Array
        >>> found = Ratio(jnp.array([1.25, 1.5]), jnp.zeros(2, jnp.int32))
        >>> print(found.summary())
        ratio                [1.25, 1.5 ]
        status: converged
    """

    if TYPE_CHECKING:

        @property
        def status(self) -> Array | np.ndarray: ...
    else:
        status: eqx.AbstractVar[Array | np.ndarray]

    def __repr__(self) -> str:
        return eqx.tree_pformat(jax.tree.map(_Shortened.of, self), short_arrays=False)

    def as_dict(self) -> dict[str, Any]:
        """{name: value} of what it holds, as sweeps and tables take it."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def summary(self, unit: str = "") -> str:
        """Lines to print, with the unit of the device's currents where one is given."""
        del unit
        rows = [
            f"{name.replace('_', ' '):20} {_shown(value)}"
            for name, value in self.as_dict().items()
            if name != "status" and hasattr(value, "shape")
        ]
        return "\n".join([*rows, f"status: {status_text(self.status)}"])

    def plot(self) -> "Figure":
        """A figure of it; `jaxdiode.plot` has the same with more to choose."""
        from .. import plot

        return plot.values(self)


class AbstractLimits(AbstractResult):
    """Currents at which something happens, the last axis one entry per direction (+, −)."""

    def summary(self, unit: str = "") -> str:
        """A line for every event that there is, of one device."""
        lines = []
        for name, value in self.as_dict().items():
            values = np.asarray(value)
            if name == "status" or not np.isfinite(values).any() or not 1 <= values.ndim <= 2:
                continue
            plus, minus = (
                " to ".join(f"{x:.8g}" for x in np.ravel(one)) if np.isfinite(one).all() else "none"
                for one in values
            )
            lines.append(f"{name.replace('_', ' '):16}  + {plus}   - {minus} {unit}".rstrip())
        return "\n".join(lines)


def status_of(
    value: Array | np.ndarray, otherwise: Status = Status.NONFINITE
) -> Array | np.ndarray:
    """CONVERGED where a value is finite; of the host's numbers without a program of JAX."""
    library = jnp if isinstance(value, jax.Array) else np
    return library.where(library.isfinite(value), Status.CONVERGED, otherwise).astype(np.int32)


def status_text(status: Any) -> str:
    """The statuses of all lanes in words; counted where there are several."""
    codes = Counter(np.ravel(np.asarray(status)).tolist())
    if len(codes) == 1:
        (code,) = codes
        return Status(int(code)).describe()
    return "; ".join(f"{count} × {Status(int(code)).describe()}" for code, count in codes.items())


class _Shortened:
    """A long array in a repr: how many values, from where to where."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return f"<{self.text}>"

    @classmethod
    def of(cls, leaf: Any) -> Any:
        array = isinstance(leaf, np.ndarray | jax.Array) and _checks.is_concrete(leaf)
        number = array and jnp.issubdtype(leaf.dtype, np.number)
        return cls(_shown(leaf)) if number and leaf.size > _LONG else leaf


def _shown(value: Any) -> str:
    array = np.asarray(value)
    if array.size <= 8:
        return np.array2string(array, precision=8, separator=", ")
    if np.iscomplexobj(array):
        return f"{array.shape} complex numbers"
    known = array[np.isfinite(array)]
    spread = f"from {known.min():.6g} to {known.max():.6g}" if known.size else "none of them known"
    return f"{'×'.join(map(str, array.shape))} values, {spread}"
