"""A stationary state of a wire, and how it follows from a point of the back-action curve."""

import math
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...core.results import AbstractResult, status_of
from ...core.stationary import StationaryVoltages
from ...numerics.status import Status
from .universal import CRITICAL, excess_current
from .valley import Curve, Point, modulus

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TABLES = 1e-13  # relative error of the universal function
_SOLVED = 1e-9  # of the current that a solved state carries


class WireState(AbstractResult):
    """A stationary state of a wire at a given current.

    Attributes:
        current: j.
        voltage: V, the mean electric field, with the sign of the current.
        slope: dV/dj along the branch.
        valley: Φ_V; NaN for a wire without valleys.
        order_parameter: √ε(Φ_V), its modulus between the phase slips; 0 in the normal state.
        stable: Φ_V is a local minimum of the free energy at fixed normal current, and the state
            survives small changes at fixed total current.

    Example:
        >>> state = jd.PhaseSlipWire().state([0.3, 0.5])  # depairs at 2/(3√3) = 0.3849
        >>> print(*(f"{x:.6f}" for x in (*state.voltage, state.slope[1])))
        0.000000 0.223270 1.091230
    """

    current: Float[Array, "*shape"]
    voltage: Float[Array, "*shape"]
    slope: Float[Array, "*shape"]
    valley: Float[Array, "*shape"]
    order_parameter: Float[Array, "*shape"]
    stable: Bool[Array, "*shape"]

    @property
    def status(self) -> Array | np.ndarray:
        """NO_TRANSITION where there is no such state."""
        return status_of(self.voltage, Status.NO_TRANSITION)

    def summary(self, unit: str = "") -> str:
        """How many states, and where there is no voltage."""
        current, voltage = np.ravel(np.asarray(self.current)), np.ravel(np.asarray(self.voltage))
        still = current[voltage == 0]
        if not still.size:
            return f"{current.size} states, all with a voltage"
        span = f"no voltage from {still.min():+.4g} to {still.max():+.4g} {unit}".rstrip()
        return f"{current.size} states, {span}"

    def plot(self) -> "Figure":
        from ... import plot

        return plot.wire(self)


def described(at: tuple[Point, Point], c: Curve, magnitude, resistive, direction, side):
    """A `WireState` from a point of a curve and its derivative along it."""
    here, along = at
    nothing = 0 * here.current  # NaN of parameters that are
    folded = along.current <= 0
    slope = along.voltage / jnp.where(along.current != 0, along.current, jnp.finfo(float).tiny)
    minimum = jnp.abs(here.valley) * math.sqrt(3) >= c.zero_current * (1 - 1e-12)
    return WireState(
        current=direction * magnitude,
        voltage=direction * jnp.where(resistive, here.voltage, 0.0) + nothing,
        slope=jnp.where(resistive, slope, 0.0),
        valley=side * here.valley + nothing,
        order_parameter=jnp.where(here.epsilon <= 0, 0.0, modulus(here.epsilon)),
        stable=jnp.where(resistive, ~folded & minimum, minimum),
    )


def where_exists(exists: Bool[Array, "*shape"], state: WireState) -> WireState:
    """NaN, and not stable, where there is no such state."""
    return WireState(
        current=jnp.where(exists, state.current, jnp.nan),
        voltage=jnp.where(exists, state.voltage, jnp.nan),
        slope=jnp.where(exists, state.slope, jnp.nan),
        valley=jnp.where(exists, state.valley, jnp.nan),
        order_parameter=jnp.where(exists, state.order_parameter, jnp.nan),
        stable=exists & state.stable,
    )


def with_errors(state: WireState, epsilon: Float[Array, ""]) -> StationaryVoltages:
    """Voltages of stable states; the error is dV/dj times what the current misses, and rounding.

    `epsilon` is ε₀, whose rounding is that of ε(Φ).
    """
    current, volts, slope = (jnp.abs(x) for x in (state.current, state.voltage, state.slope))
    strength = state.order_parameter**3
    missing = jnp.abs(CRITICAL * strength + excess_current(volts, strength) - current)
    rounding = jnp.finfo(float).eps * (16 * current + 4 * state.order_parameter * epsilon)
    error = slope * (missing + rounding) + _TABLES * volts
    resistive = volts > 0
    solved = ~resistive | (missing <= _SOLVED * current)
    status = jnp.where(solved, Status.CONVERGED, Status.NOT_CONVERGED)
    status = jnp.where(jnp.isfinite(volts), status, Status.NONFINITE).astype(jnp.int32)
    known = status == Status.CONVERGED
    return StationaryVoltages(
        jnp.where(known, state.voltage, jnp.nan),
        jnp.where(known, jnp.where(resistive, error, 0.0), jnp.nan),
        jnp.where(known, state.slope, jnp.nan),
        status,
    )
