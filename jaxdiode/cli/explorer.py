"""A device under sliders: what a page of `jaxdiode explore` shows and does, without the page."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..core.device import (
    AbstractDevice,
    AbstractPhaseBiased,
    critical_currents,
    diode_efficiency,
)
from ..core.paths import replace
from ..core.results import status_text
from ..core.tables import to_table
from ..numerics.status import Status
from ..studies.space import Space
from .design import OBJECTIVES
from .explorer_code import python_of
from .explorer_state import Slider, State, read, state_of
from .explorer_voltages import Voltages, has_voltages, voltages_of

PHASES = np.linspace(0.0, 2 * np.pi, 361)
_POINTS = 81  # of a curve along one slider
_STEPS = 5  # of a climb
_NO_DIODE = 1e-9
_STEEPEST = 1e6  # change of η over a slider that is no slope any more
_MOST_UNDONE = 200
_BOUNDED = OBJECTIVES["eta-prime"]


class Reading(NamedTuple):
    """What a device gives at the present values.

    Attributes:
        efficiency, plus, minus: η, I₊ and I₋; NaN beside a status that says why.
        status: in words.
        current: I at `PHASES`, None for a device without a current-phase relation.
        phases: of both extrema, NaN where there are none.
    """

    efficiency: float
    plus: float
    minus: float
    status: str
    current: np.ndarray | None
    phases: tuple[float, float]


class Explorer:
    """A device, the ranges of its parameters, and the way back.

    Args:
        device: any device.
        unit: of its currents.
        bounds: {name: (lower, upper)} of sliders, in place of ranges around the present values.
        table: the device file it came from, for fits.
    """

    def __init__(
        self,
        device: AbstractDevice,
        unit: str = "",
        bounds: dict[str, Any] | None = None,
        table: dict[str, Any] | None = None,
    ):
        self._past: list[State] = []
        self.state = state_of(device, bounds or {}, unit, table or {})

    @property
    def device(self) -> AbstractDevice:
        return self.state.device

    @property
    def unit(self) -> str:
        return self.state.unit

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        return self.state.ranges

    # ---- Sliders

    @property
    def sliders(self) -> list[Slider]:
        return self.state.sliders()

    def move(self, values: dict[str, float], *, goes_on: bool = False) -> None:
        """Set parameters; one step of the way back, or still the last one where it goes on.

        Raises:
            ValueError: an unknown name, no number, or beyond the slider's range.
        """
        for name, value in values.items():
            if name not in self.ranges:
                raise ValueError(f"there is no slider {name!r}")
            low, high = self.ranges[name]
            if not low <= value <= high:
                raise ValueError(f"{name} must stay within {low:g} to {high:g}, got {value:g}")
        if not goes_on:
            self._remember()
        self.state = self.state._replace(device=replace(self.device, values))

    def undo(self) -> bool:
        """One step back; False where there is none."""
        if not self._past:
            return False
        self.state = self._past.pop()
        return True

    def _remember(self) -> None:
        self._past = [*self._past, self.state][-_MOST_UNDONE:]

    # ---- What the device gives

    def reading(self) -> Reading:
        found, current = jax.device_get(_view(self.device))
        at = (found.phase_plus, found.phase_minus)
        ahead, back = (math.nan if x is None else float(x) for x in at)
        return Reading(
            float(found.efficiency),
            float(found.plus),
            float(found.minus),
            status_text(found.status),
            current,
            (ahead, back),
        )

    def slopes(self) -> dict[str, float]:
        """Of every slider, the slope of η times the width of its range.

        A straight line over the whole slider: what η really does there its curve shows. NaN where
        the slope does not exist or is that of a cusp, as at a transparency of 1 when it is cold.
        """
        space = self.state.space()
        _, slope = _value_and_slope(diode_efficiency, space, space.values(self.device))
        change = slope * np.asarray(space.upper - space.lower)
        known = np.where(np.abs(change) < _STEEPEST, change, np.nan)
        return dict(zip(space.names, known.tolist(), strict=True))

    def curve(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(values, I₊, I₋) along one slider, all others as they are."""
        low, high = self.ranges[name]
        along = np.linspace(low, high, _POINTS)
        space = self.state.space()
        rows = np.tile(np.asarray(space.values(self.device)), (_POINTS, 1))
        rows[:, space.names.index(name)] = along
        plus, minus = jax.device_get(_currents_of(space, jnp.asarray(rows)))
        return along, np.asarray(plus), np.asarray(minus)

    def has_voltages(self, quick: bool) -> bool:
        """Whether the I–V curve can be shown; a junction without one of its own must be quick."""
        return has_voltages(self.device, quick)

    def voltages(self) -> Voltages:
        """See `explorer_voltages.voltages_of`."""
        return voltages_of(self.device, self.unit)

    # ---- What is done with it

    def climb(self) -> tuple[float, float]:
        """A few steps of ascent of |η| from here, inside the ranges; (|η| before, after).

        What moves are the parameters that were given bounds, all where none were. Of currents of
        one sign it is the bounded efficiency |1/η| that rises: |η| has no largest value there.

        Raises:
            ValueError: η is not known or has no slope here.
        """
        now = self.state
        space = Space(now.device, {name: now.ranges[name] for name in now.climbing})
        before, slope = _value_and_slope(_BOUNDED, space, space.values(now.device))
        if not np.isfinite(before) or not np.all(np.isfinite(slope)):
            raise ValueError("η has no value or no slope here: there is nothing to climb")
        sides = (1.0, -1.0) if abs(before) < _NO_DIODE else (1.0 if before > 0 else -1.0,)
        after, values = max(_ascent(space, now.device, side) for side in sides)
        if after > abs(before):
            self.move(dict(zip(space.names, values, strict=True)))
        return abs(before), max(after, abs(before))

    def fit(self, path: Path) -> tuple[Any, str]:
        """Fit the device to a table of critical currents, as `jaxdiode fit --drop-missing` does.

        Returns:
            The result, and its summary in the units of the table.

        Raises:
            ValueError: what the reader or the fit refuses.
        """
        from . import fitting
        from .measured_currents import Columns

        table = {**self.state.table, "device": to_table(self.device)}
        if self.unit:
            table["unit"] = self.unit
        names = Columns(None, None, None, None, "values", None, False)
        currents = fitting.read(path, table, names)
        task = fitting.prepare(path, table, currents, 0)
        found, _ = fitting.best_fit(task, None, None, 0)
        after = state_of(found.device, task.space.bounds, self.unit, self.state.table)
        self._remember()
        self.state = after
        said = found.summary(self.unit, axis=task.axis, axis_unit=task.axis_unit)
        return found, "\n".join([*task.said, said])

    # ---- Files

    def picture(self) -> bytes:
        """The device's figure, as a PNG.

        Raises:
            ValueError: there is none, and why.
        """
        report = self.device.report()
        if not report.drawable:
            why = report.critical.status if report.relation is None else report.relation.status
            raise ValueError(f"there is no figure of this device: {status_text(why)}")
        buffer = io.BytesIO()
        report.plot(self.unit).savefig(buffer, format="png", dpi=200)
        return buffer.getvalue()

    def toml(self) -> str:
        """The device file: unit, device and the ranges of the sliders as bounds."""
        import tomli_w

        now = self.state
        head = {"unit": now.unit} if now.unit else {}
        bounds = {name: list(pair) for name, pair in now.ranges.items()}
        return tomli_w.dumps({**head, "device": to_table(now.device), "bounds": bounds})

    def load(self, path: Path) -> None:
        """Another device file in place of this one; the way back leads to the old one.

        Raises:
            ValueError: what the reader refuses.
        """
        device, unit, bounds, table = read(path)
        after = state_of(device, bounds, unit, table)
        self._remember()
        self.state = after

    def python(self) -> str:
        """Code that builds this device."""
        return python_of(to_table(self.device))


@eqx.filter_jit
def _view(device: AbstractDevice):
    found = critical_currents(device)
    if not isinstance(device, AbstractPhaseBiased):
        return found, None
    relation = device.relation()
    known = relation.status() == Status.CONVERGED
    return found, jnp.where(known, relation.current(jnp.asarray(PHASES)), jnp.nan)


def _value_and_slope(
    objective: Callable[[Any], Any], space: Space, values: Any
) -> tuple[float, np.ndarray]:
    value, slope = jax.device_get(_slopes(objective, space, jnp.asarray(values)))
    return float(value), np.asarray(slope)


def _ascent(space: Space, device: AbstractDevice, side: float) -> tuple[float, list[float]]:
    """(side times the bounded η, parameters) after a few steps."""
    from scipy.optimize import minimize

    low, width = np.asarray(space.lower), np.asarray(space.upper - space.lower)
    start = (np.asarray(space.values(device)) - low) / width

    def descent(share: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _value_and_slope(_BOUNDED, space, low + width * share)
        if not np.isfinite(value):
            return 10.0, np.zeros_like(share)
        return -side * value, np.nan_to_num(-side * slope * width)

    found = minimize(
        descent, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * start.size,
        options={"maxiter": _STEPS},
    )  # fmt: skip
    return -float(found.fun), np.clip(low + width * found.x, low, low + width).tolist()


@eqx.filter_jit
def _slopes(objective: Callable[[Any], Any], space: Space, values: Any):
    return jax.value_and_grad(lambda x: objective(space.insert(x)))(values)


@eqx.filter_jit
def _currents_of(space: Space, rows: Any):
    def one(values: Any):
        found = critical_currents(space.insert(values))
        return found.plus, found.minus

    return jax.vmap(one)(rows)
