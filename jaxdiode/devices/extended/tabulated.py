"""A current-phase relation known as a table, from elsewhere or from a slower program."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...core.device import AbstractPhaseBiased
from ...core.parameters import parameter as declared
from ...core.results import AbstractResult
from ...numerics.status import Status
from .splines import SplineRelation, spline, value_of
from .table_check import warn_of_coarse

_LEAST = 4  # rows of a smooth piece, and values of a parameter: a cubic
_FINEST = 4096  # samples of a period that close rows may ask for
_CLOSED = 1e-9  # how far the ends may be from one period, and from one current


class TableError(AbstractResult):
    """What I, I₊, I₋ and η lose without every second row of a table.

    Errors of the table itself are about a sixteenth of it once the rows resolve every turn.

    Attributes:
        current: max over the rows left out.
        plus, minus, efficiency: absolute; of η as if the errors of both currents added up.
        status: of both tables' critical currents.
    """

    current: Float[Array, ""]
    plus: Float[Array, ""]
    minus: Float[Array, ""]
    efficiency: Float[Array, ""]
    status: Int[Array, ""]


class TabulatedRelation(AbstractPhaseBiased):
    """I(φ) by a cubic spline through a table over one period, gradients in its entries included.

    Rows φ₀ < … < φ_N = φ₀ + 2π with I_N = I_0, any spacing; the spline is periodic and twice
    differentiable. A jump is a phase that comes twice, with the current before and the one after
    it; a corner (a turn that the rows do not resolve) is named by `corners`. The spline is split at
    both: through a jump it would be 8 to 22 % off however many rows. A jump at φ₀ itself is
    named as a corner: first and last current may differ then.

    How many rows: 16/w for η to 1e-6, with w the width of the sharpest turn (√(1−τ) or
    k_BT/Δ of Andreev modes; the error falls as w N to the fourth power). `error_estimate()` says
    what the table loses without every second row.

    With `parameters` the table has a column for each value of a parameter, and a cubic spline leads
    from one to the next. `parameter` is then where it is asked, within them: I is NaN outside, and
    the status NONFINITE.

    The rows are kept from the first jump or corner on, one period.

    Args:
        phase: radians, N+1 rows.
        current: in any unit, (N+1,), or (N+1, m) with `parameters`.
        parameters: m increasing values, at least four, or None.
        parameter: where between them.
        corners: phases of the table at which the relation turns sharply without a jump.

    Raises:
        ValueError: phases that fall, come three times or are not one period, unequal ends, NaN, too
            few rows in a piece, shapes that do not fit, a parameter outside.

    Warns:
        UserWarning: fewer than eight rows in a smooth period, or rows that do not resolve a turn or
            a jump between them, which are named.

    Example:
        >>> phase = np.linspace(0, 2 * np.pi, 65)
        >>> measured = jd.TabulatedRelation(phase, np.sin(phase) - 0.25 * np.cos(2 * phase))
        >>> found = jd.critical_currents(measured)
        >>> print(f"{found.plus:.5f} {found.minus:.5f}")
        1.25000 0.75000
        >>> print(f"{measured.error_estimate().minus:.0e}")
        7e-06
        >>> phase = np.linspace(-np.pi, np.pi, 33)
        >>> saw = jd.TabulatedRelation(phase, np.sin(phase / 2), corners=[-np.pi])  # jumps at π
        >>> print(f"{jd.critical_currents(saw).plus:.6f}")
        1.000000
    """

    phase: Float[Array, " n"] = declared(unit="rad", label="phase", table=True)
    currents: Float[Array, "n *m"] = declared(unit="current", label="current", table=True)
    parameters: Float[Array, " m"] | None = declared(label="parameter", table=True)
    parameter: Float[Array, ""] | None = declared(label="parameter")
    pieces: tuple[tuple[int, int], ...] = eqx.field(
        static=True
    )  # first and last rows; () if smooth
    finest: int = eqx.field(static=True)  # samples of a period, as many as its closest rows ask for

    def __init__(
        self,
        phase: Numbers,
        current: Numbers,
        parameters: Numbers | None = None,
        *,
        parameter: Numbers | None = None,
        corners: Numbers = (),
    ):
        if not _checks.is_concrete(phase):
            raise ValueError("phase must be numbers known when the table is made, got traced ones")
        rows = np.asarray(self.checked("phase", phase))
        table = _checks.real_array("current", current)
        if table.ndim != (1 if parameters is None else 2) or table.shape[0] != rows.size:
            wanted = "(phases,)" if parameters is None else "(phases, parameters)"
            raise ValueError(
                f"current must have the shape {wanted} with {rows.size} phases, got {table.shape}"
            )
        self.parameters, self.parameter = None, None
        if parameters is not None:
            if parameter is None:
                raise ValueError("parameter must say where between the parameters, got None")
            self.parameters = self._axis(parameters, table.shape[1])
            self.parameter = self.checked("parameter", parameter)
            low, high = self.ranges().get("parameter", (-np.inf, np.inf))
            if _checks.is_concrete(self.parameter) and not low <= float(self.parameter) <= high:
                raise ValueError(
                    f"parameter must lie within {low:g} to {high:g}, got {self.parameter:g}"
                )
        elif parameter is not None:
            raise ValueError("parameters must be given with a parameter, got None")
        named = np.atleast_1d(np.asarray(_checks.real_array("corners", corners)))
        start, self.pieces = pieces_of(rows, named)
        if start > 0 or not self.pieces:
            _require_closed(table)
        again = start + int(rows[start - 1] != rows[start])  # a corner ends the table once more
        order = np.r_[start : rows.size, 1:again] if start > 0 else np.arange(rows.size)
        turned = np.arange(order.size) >= rows.size - start
        self.phase = jnp.asarray(rows[order] + 2 * np.pi * turned)
        self.currents = table[order]
        if _checks.is_concrete(self.currents):
            warn_of_coarse(np.asarray(self.phase), np.asarray(self.currents), self.pieces)
        gaps = np.diff(rows)
        self.finest = min(_FINEST, int(np.ceil(2 * np.pi / np.min(gaps[gaps > 0]))))

    def _axis(self, parameters, count):
        axis = self.checked("parameters", parameters, 1)
        _checks.require_length("parameters", axis, count, "one per column of the current")
        if count < _LEAST:
            raise ValueError(f"parameters must be at least {_LEAST} values, got {count}")
        if _checks.is_concrete(axis) and np.any(np.diff(np.asarray(axis)) <= 0):
            raise ValueError("parameters must increase strictly")
        return axis

    def ranges(self) -> dict[str, tuple[float, float]]:
        """The parameter's values in the table."""
        if self.parameters is None or not _checks.is_concrete(self.parameters):
            return {}
        return {"parameter": (float(self.parameters[0]), float(self.parameters[-1]))}

    def to_table(self) -> dict[str, Any]:
        """The constructor's arguments as plain values."""
        given = {
            "phase": self.phase,
            "current": self.currents,
            "parameters": self.parameters,
            "parameter": self.parameter,
        }
        table = {k: np.asarray(x).tolist() for k, x in given.items() if x is not None}
        rows = np.asarray(self.phase)
        firsts = [first for first, _ in self.pieces]
        return table | {
            "corners": [float(rows[k]) for k in firsts if k == 0 or rows[k - 1] < rows[k]]
        }

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.relation().current(phase)

    def relation(self) -> SplineRelation:
        column = self._column()
        if self.pieces:
            each = [
                spline(self.phase[a : b + 1], column[a : b + 1], "not-a-knot")
                for a, b in self.pieces
            ]
            starts = jnp.concatenate([self.phase[a:b] for a, b in self.pieces])
            coefficients = jnp.concatenate(each, axis=1)
        else:  # one current at both ends, to the last digit
            starts = self.phase[:-1]
            coefficients = spline(self.phase, column.at[-1].set(column[0]), "periodic")
        largest = jnp.max(jnp.abs(column))
        return SplineRelation(
            starts, coefficients, *self.kinks(), largest, self.status(), self.finest
        )

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        firsts = np.array([first for first, _ in self.pieces], int)
        return self.phase[firsts], jnp.zeros(firsts.size)

    def samples_per_period(self) -> int:
        return max(64, self.phase.size, self.finest)

    def magnitude(self) -> Float[Array, ""]:
        return jnp.max(jnp.abs(self._column()))

    def status(self) -> Int[Array, ""]:
        known = jnp.all(jnp.isfinite(self._column())) & jnp.all(jnp.isfinite(self.phase))
        return jnp.where(known, Status.CONVERGED, Status.NONFINITE).astype(jnp.int32)

    def halved(self) -> "TabulatedRelation":
        """The table without every second row; jumps, corners and ends stay.

        Raises:
            ValueError: too few rows.
        """
        kept, pieces = [], []
        for first, last in self.pieces or ((0, self.phase.size - 1),):
            shared = bool(kept) and kept[-1] == first
            rows = [*range(first, last, 2), last]
            if len(rows) < _LEAST:
                raise ValueError(f"phase must have more rows to be halved, got {self.phase.size}")
            begin = len(kept) - shared
            kept += rows[shared:]
            pieces.append((begin, len(kept) - 1))
        rows = np.array(kept)
        half = eqx.tree_at(
            lambda t: (t.phase, t.currents), self, (self.phase[rows], self.currents[rows])
        )
        object.__setattr__(half, "pieces", tuple(pieces) if self.pieces else ())
        return half

    def error_estimate(self) -> TableError:
        """What leaving out every second row changes: an upper estimate of the table's own errors.

        Raises:
            ValueError: too few rows to leave out any.
        """
        coarse = self.halved()
        one, other = self.critical_currents(), coarse.critical_currents()
        fine = self.relation()
        middle = fine.starts + jnp.diff(fine.starts, append=self.phase[-1:]) / 2
        apart = jnp.abs(coarse.relation().current(middle) - fine.current(middle))
        up, down = (
            jnp.abs(x - y)
            for x, y in zip((one.plus, one.minus), (other.plus, other.minus), strict=True)
        )
        # Errors of η by those of both currents, which must not be allowed to cancel.
        efficiency = 2 * (jnp.abs(one.minus) * up + jnp.abs(one.plus) * down)
        return TableError(
            jnp.max(apart),
            up,
            down,
            efficiency / (one.plus + one.minus) ** 2,
            jnp.maximum(one.status, other.status),
        )

    def _column(self):
        """The current at every phase, at the parameter's value."""
        axis, at = self.parameters, self.parameter
        if axis is None or at is None:
            return self.currents
        coefficients = spline(axis, jnp.moveaxis(self.currents, 1, 0), "not-a-knot")
        found = value_of(axis[:-1], coefficients, at)
        return jnp.where((at >= axis[0]) & (at <= axis[-1]), found, jnp.nan)


def pieces_of(phase: np.ndarray, corners: np.ndarray) -> tuple[int, tuple[tuple[int, int], ...]]:
    """(row to begin the table with, (first, last) rows of every piece once it begins there)."""
    count = phase.size
    if count < _LEAST + 1:
        raise ValueError(f"phase must have at least {_LEAST + 1} rows, got {count}")
    steps = np.diff(phase)
    if np.any(steps < 0):
        raise ValueError("phase must increase; sort the rows")
    if np.any((steps[1:] == 0) & (steps[:-1] == 0)) or steps[0] == 0 or steps[-1] == 0:
        raise ValueError(
            "phase must come at most twice, for a jump, and once at the ends of the period (a jump "
            "there is named as a corner)"
        )
    if abs(phase[-1] - phase[0] - 2 * np.pi) > _CLOSED:
        raise ValueError(
            f"phase must span one period, 2π, first and last row of it included, got "
            f"{phase[-1] - phase[0]:.9g}"
        )
    ends = [k for k in range(count - 1) if steps[k] == 0]  # a jump follows these rows
    for corner in corners:
        near = int(np.argmin(np.abs(phase[:-1] - corner)))
        if abs(phase[near] - corner) > _CLOSED:
            raise ValueError(f"corners must be phases of the table, got {corner:.9g}")
        if not ({near, near - 1} & set(ends)):
            ends.append(near)
    if not ends:
        return 0, ()
    ends.sort()
    # Where each piece begins: behind a jump the next row, at a corner the same.
    begins = [k + 1 if steps[k] == 0 else k for k in ends]
    start = begins[0]
    lasts = [*ends[1:], ends[0] + count - 1]
    pieces = tuple((a - start, b - start) for a, b in zip(begins, lasts, strict=True))
    if min(b - a for a, b in pieces) < _LEAST - 1:
        raise ValueError(
            f"phase must have at least {_LEAST} rows between jumps and corners, got "
            f"{min(b - a for a, b in pieces) + 1}"
        )
    return start, pieces


def _require_closed(table: Array) -> None:
    if not _checks.is_concrete(table):
        return
    host = np.asarray(table)
    apart = np.max(np.abs(host[-1] - host[0]))
    if apart > _CLOSED * np.max(np.abs(host)):
        raise ValueError(
            f"current must be the same in the first and the last row, 2π apart, got a difference "
            f"of {apart:.3g}; a jump there is named by corners"
        )
