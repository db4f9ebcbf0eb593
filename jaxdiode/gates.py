"""Gate voltages: a measured map from voltage to critical current, usable in any junction."""

import interpax
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from . import _checks
from ._checks import Numbers
from .core.parameters import AbstractParameters, parameter
from .numerics.roots import increasing_root


class GateMap(AbstractParameters):
    """Critical current of one junction against its gate voltage, as measured on a chip.

    Between the measured points a monotone cubic (PCHIP) is used: once continuously
    differentiable, no overshoot. `map(voltage)` gives the critical current and
    `map.inverse(critical_current)` the voltage; both are differentiable.

    Args:
        voltage: strictly increasing gate voltages (V), at least 2.
        critical_current: critical currents there (any one unit), ≥ 0 and monotone. Raw data
            with noise: see `GateMap.from_measurement`.

    Raises:
        ValueError: arguments as above violated; a voltage or current outside the map.
            Inside jit, where values are unknown, the result is NaN instead.

    Example:
        >>> gate = jd.GateMap([-1.10, -1.05, -1.00, -0.90, 0.0], [0, 70, 130, 300, 420])
        >>> print(f"{gate(-1.04):.4f} {gate.inverse(gate(-1.04)):.6f}")
        82.3020 -1.040000
        >>> print(f"{jax.grad(gate)(-1.04):.4f}")  # per volt
        1179.0121
    """

    voltage: Float[Array, " n"] = parameter(unit="V", label="gate voltage", table=True)
    critical_current: Float[Array, " n"] = parameter(
        at_least=0.0, unit="current", label="critical current", table=True
    )

    def __init__(self, voltage: Numbers, critical_current: Numbers):
        self.voltage = self.checked("voltage", voltage)
        self.critical_current = self.checked("critical_current", critical_current)
        if self.voltage.size < 2:
            raise ValueError(f"voltage must have at least 2 points, got {self.voltage.size}")
        _checks.require_length(
            "critical_current", self.critical_current, self.voltage.size, "one per voltage"
        )
        if _checks.is_concrete(self.voltage) and np.any(np.diff(self.voltage) <= 0):
            raise ValueError("voltage must increase strictly; sort the points and merge repeats")
        if _checks.is_concrete(self.critical_current):
            steps = np.diff(self.critical_current)
            if np.any(steps < 0) and np.any(steps > 0):
                raise ValueError(
                    "critical_current must be monotone in voltage, got both rises and falls; "
                    "use GateMap.from_measurement for noisy data"
                )

    @classmethod
    def from_measurement(cls, voltage: Numbers, critical_current: Numbers) -> "GateMap":
        """Map from noisy data: sorted, repeats averaged, made monotone by isotonic regression.

        The direction (rising or falling with voltage) is the one that fits better.
        """
        from scipy.optimize import isotonic_regression

        volts = np.asarray(_checks.real_array("voltage", voltage, ndim=1))
        currents = np.asarray(
            _checks.real_array("critical_current", critical_current, ndim=1, at_least=0.0)
        )
        _checks.require_length("critical_current", currents, volts.size, "one per voltage")
        unique, inverse, counts = np.unique(volts, return_inverse=True, return_counts=True)
        mean = np.bincount(inverse, weights=currents) / counts
        fits = [isotonic_regression(mean, weights=counts, increasing=up).x for up in (True, False)]
        return cls(unique, min(fits, key=lambda fit: float(np.sum(counts * (fit - mean) ** 2))))

    @property
    def current_range(self) -> tuple[Array, Array]:
        """Smallest and largest critical current of the map."""
        return jnp.min(self.critical_current), jnp.max(self.critical_current)

    def __call__(self, voltage: Numbers) -> Float[Array, "..."]:
        """Critical current at a gate voltage (V)."""
        volts = self._within("voltage", voltage, self.voltage[0], self.voltage[-1])
        return self._forward(volts)

    def inverse(self, critical_current: Numbers) -> Float[Array, "..."]:
        """Gate voltage (V) at which the junction has this critical current.

        The exact inverse of the interpolant. On a plateau, where the voltage is not unique,
        it returns one voltage of the plateau and a gradient of zero.
        """
        currents = self._within("critical_current", critical_current, *self.current_range)
        rising = jnp.where(self.critical_current[-1] >= self.critical_current[0], 1.0, -1.0)
        knots = rising * self.critical_current

        def one(current):
            cell = jnp.clip(
                jnp.searchsorted(knots, rising * current, side="left") - 1, 0, knots.size - 2
            )
            return increasing_root(
                lambda volts, args: rising * (args[0]._forward(volts) - args[1]),
                (self, current),
                self.voltage[cell],
                self.voltage[cell + 1],
                steps=40,
            )

        return jnp.where(
            jnp.isnan(currents), jnp.nan, jax.vmap(one)(currents.ravel()).reshape(currents.shape)
        )

    def _forward(self, voltage):
        # interpax takes flat arrays and mixes integers with floats.
        with jax.numpy_dtype_promotion("standard"):
            flat = interpax.interp1d(
                jnp.ravel(voltage), self.voltage, self.critical_current, method="monotonic"
            )
        known = jnp.all(jnp.isfinite(self.voltage)) & jnp.all(jnp.isfinite(self.critical_current))
        return jnp.where(known, flat.reshape(jnp.shape(voltage)), jnp.nan)

    def _within(self, name, value, low, high):
        array = _checks.real_array(name, value)
        inside = (array >= low) & (array <= high)
        if _checks.is_concrete(inside) and not bool(jnp.all(inside)):
            raise ValueError(
                f"{name} must lie inside the measured map, {low:g} to {high:g}, got {array}"
            )
        return jnp.where(inside, array, jnp.nan)


class Gate(AbstractParameters):
    """A critical current set by a gate voltage: use it wherever a junction takes a number.

    `jd.SeriesJunctions(jd.Gate(map_1, -1.04), 90.0)` has the leaf `first.voltage`, so sweeps,
    fits and designs run in volts.

    Args:
        map: the junction's `GateMap`.
        voltage: gate voltage (V), inside the map.

    Example:
        >>> gate = jd.GateMap([-1.10, -1.05, -1.00, -0.90, 0.0], [0, 70, 130, 300, 420])
        >>> pair = jd.SeriesJunctions(jd.Gate(gate, -1.05), 90)
        >>> print(*jd.parameter_names(pair), f"{jd.critical_currents(pair).plus:.6f}")
        first.voltage second 70.000000
        >>> other = jd.replace(pair, {"first.voltage": -1.04})
        >>> print(f"{jd.critical_currents(other).plus:.6f} {gate(-1.04):.6f}")
        82.302047 82.302047
    """

    map: GateMap
    voltage: Float[Array, ""] = parameter(unit="V", label="gate voltage")

    def __init__(self, map: GateMap, voltage: Numbers):
        self.map = map
        self.voltage = self.checked("voltage", voltage)
        self.map(self.voltage)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """The voltages that were measured."""
        return {"voltage": (float(self.map.voltage[0]), float(self.map.voltage[-1]))}

    @property
    def critical_current(self) -> Float[Array, ""]:
        """Critical current at the present voltage."""
        return self.map(self.voltage)


CriticalCurrent = Float[Array, ""] | Gate


def value_of(parameter: CriticalCurrent) -> Float[Array, ""]:
    """The number behind a junction's parameter."""
    return parameter.critical_current if isinstance(parameter, Gate) else parameter
