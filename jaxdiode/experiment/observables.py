"""What is measured of a device, as a prediction that a fit compares with data."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .. import _checks
from .._checks import Numbers
from ..core.critical import CriticalCurrents
from ..core.device import AbstractDevice, AbstractPhaseBiased, critical_currents
from ..core.parameters import AbstractParameters, parameter
from ..dynamics.shunted import Shunted
from ..dynamics.steps import shapiro_steps
from ..thermal.histogram import switching_distribution
from ..thermal.iv import thermal_iv


class AbstractObservable(AbstractParameters):
    """A measured quantity; its own parameters are those of the apparatus.

    Example:
        >>> class Efficiency(jd.experiment.AbstractObservable):
        ...     def of(self, device):
        ...         return jd.diode_efficiency(device)
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
        >>> print(f"{Efficiency().of(diode):.4f}")
        -0.3333
    """

    @abc.abstractmethod
    def of(self, device: AbstractDevice) -> PyTree:
        """The prediction for one device: arrays, or `CriticalCurrents`."""


class ObservedCurrents(AbstractObservable):
    """Critical currents as a source with an offset b shows them: I₊ + b and I₋ − b.

    Args:
        current_offset: b, what the source shows where no current flows, in the unit of the
            currents. A diode effect of reciprocal junctions cannot be told from it in one map.
        criterion: of `jd.critical_currents`, for devices that have several.

    Example:
        >>> found = jd.experiment.ObservedCurrents(2.0).of(jd.TunnelJunction(90))
        >>> print(found.plus, found.minus)
        92.0 88.0
    """

    current_offset: Float[Array, ""] = parameter(unit="current", label="offset of the bias")
    criterion: str | None = eqx.field(static=True)

    def __init__(self, current_offset: Numbers = 0.0, criterion: str | None = None):
        self.current_offset = self.checked("current_offset", current_offset)
        self.criterion = criterion

    def of(self, device: AbstractDevice) -> CriticalCurrents:
        found = critical_currents(device, self.criterion)
        b = self.current_offset
        return CriticalCurrents(found.plus + b, found.minus - b, found.status)


class VoltageCurve(AbstractObservable):
    """V(I) of an overdamped junction with thermal noise, through leads and offsets.

        V = R v(I − b, γ) + R_s I + V₀,  v by `jd.thermal_iv`.

    Args:
        current: biases I at which the voltage was read, in the unit of the device's currents.
        noise: γ = 2ek_BT/ħ > 0 in that unit.
        resistance: R of the junction, volts per that unit (whatever the voltage's unit).
        lead_resistance: R_s ≥ 0 in series; 0 for four leads.
        current_offset: b, as `ObservedCurrents` has it.
        voltage_offset: V₀, of the amplifier.

    Example:
        >>> curve = jd.experiment.VoltageCurve([0.5, 1.5], noise=0.05, resistance=2.0)
        >>> print(curve.of(jd.TunnelJunction(1.0)).round(6))
        [2.000000e-06 2.239527e+00]
    """

    current: Float[Array, " points"] = parameter(unit="current", label="bias", table=True)
    noise: Float[Array, ""] = parameter(above=0.0, unit="current", label="thermal current")
    resistance: Float[Array, ""] = parameter(above=0.0, unit="voltage/current", label="resistance")
    lead_resistance: Float[Array, ""] = parameter(
        at_least=0.0, unit="voltage/current", label="resistance of the leads"
    )
    current_offset: Float[Array, ""] = parameter(unit="current", label="offset of the bias")
    voltage_offset: Float[Array, ""] = parameter(unit="voltage", label="offset of the voltage")

    def __init__(
        self,
        current: Numbers,
        *,
        noise: Numbers,
        resistance: Numbers,
        lead_resistance: Numbers = 0.0,
        current_offset: Numbers = 0.0,
        voltage_offset: Numbers = 0.0,
    ):
        self.current = self.checked("current", current)
        self.noise = self.checked("noise", noise)
        self.resistance = self.checked("resistance", resistance)
        self.lead_resistance = self.checked("lead_resistance", lead_resistance)
        self.current_offset = self.checked("current_offset", current_offset)
        self.voltage_offset = self.checked("voltage_offset", voltage_offset)

    def of(self, device: AbstractDevice) -> Float[Array, " points"]:
        if not isinstance(device, AbstractPhaseBiased):
            raise ValueError(f"VoltageCurve needs a phase-biased device, got {_named(device)}")
        bias = self.current - self.current_offset
        warm = thermal_iv(device, bias, noise=self.noise)
        lead = self.lead_resistance * self.current
        return self.resistance * warm.voltage + lead + self.voltage_offset


class SwitchingHistogram(AbstractObservable):
    """Counts of switching currents in bins, of both directions: 2√(n + ⅜), whose noise is 1.

    n is the number of ramps times the probability of a bin by `jd.switching_distribution`. Counts
    are compared as 2√(n + ⅜) (Anscombe), of variance 1 from a few counts on: `data` gives them,
    and σ = 1. Source: Biometrika 35, 246 (1948).

    Args:
        edges: of the bins, increasing, in the unit of the device's currents.
        noise: γ > 0, as `switching_distribution` takes it.
        rate: of the ramp, di/dt > 0.
        ramps: how many switching events each direction has.
        damping: β, or None without capacitance.
        current_offset: b, as `ObservedCurrents` has it.

    Example:
        >>> edges = np.linspace(0.7, 0.95, 6)
        >>> observed = jd.experiment.SwitchingHistogram(edges, noise=0.02, rate=1e-4, ramps=1000)
        >>> plus, _ = observed.of(jd.TunnelJunction(1.0))
        >>> print(((plus / 2) ** 2 - 3 / 8).round(1))  # ramps that are expected in each bin
        [1.000e-01 2.900e+00 5.300e+01 4.414e+02 4.911e+02]
    """

    edges: Float[Array, " edges"] = parameter(unit="current", label="bins", table=True)
    noise: Float[Array, ""] = parameter(above=0.0, unit="current", label="thermal current")
    rate: Float[Array, ""] = parameter(above=0.0, unit="current/time", label="rate of the ramp")
    damping: Float[Array, ""] | None = parameter(above=0.0, label="damping β")
    current_offset: Float[Array, ""] = parameter(unit="current", label="offset of the bias")
    ramps: int = eqx.field(static=True)

    def __init__(
        self,
        edges: Numbers,
        *,
        noise: Numbers,
        rate: Numbers,
        ramps: int,
        damping: Numbers | None = None,
        current_offset: Numbers = 0.0,
    ):
        self.edges = self.checked("edges", edges)
        if self.edges.size < 2 or not np.all(np.diff(np.asarray(self.edges)) > 0):
            raise ValueError(f"edges must increase, two or more of them, got {edges!r}")
        self.noise = self.checked("noise", noise)
        self.rate = self.checked("rate", rate)
        self.ramps = _checks.whole_number("ramps", ramps)
        self.damping = None if damping is None else self.checked("damping", damping)
        self.current_offset = self.checked("current_offset", current_offset)

    def data(self, plus: Numbers, minus: Numbers) -> tuple[np.ndarray, np.ndarray]:
        """Measured switching currents (magnitudes) as `of` predicts them; σ is then 1.

        Raises:
            ValueError: other numbers of events than ramps, events outside all bins.
        """
        found = []
        for name, events in (("plus", plus), ("minus", minus)):
            values = np.asarray(_checks.real_array(name, events, ndim=1))
            if values.size != self.ramps:
                raise ValueError(f"{name} must hold {self.ramps} events, got {values.size}")
            counts, _ = np.histogram(values, np.asarray(self.edges))
            if counts.sum() < values.size:
                raise ValueError(
                    f"edges must include all events, {values.size - counts.sum()} of {name} lie "
                    f"outside (from {values.min():g} to {values.max():g})"
                )
            found.append(2 * np.sqrt(counts + 0.375))
        return found[0], found[1]

    def of(self, device: AbstractDevice) -> tuple[Array, Array]:
        if not isinstance(device, AbstractPhaseBiased):
            raise ValueError(
                f"SwitchingHistogram needs a phase-biased device, got {_named(device)}"
            )
        found = switching_distribution(
            device, noise=self.noise, rate=self.rate, damping=self.damping
        )
        shift = jnp.array([1.0, -1.0]) * self.current_offset

        def one(current: Array, density: Array, offset: Array) -> Array:
            steps = jnp.diff(current) * (density[1:] + density[:-1]) / 2
            below = jnp.concatenate([jnp.zeros(1), jnp.cumsum(steps)])
            share = jnp.diff(jnp.interp(self.edges - offset, current, below / below[-1]))
            return 2 * jnp.sqrt(self.ramps * share + 0.375)

        roots = jax.vmap(one)(found.current, found.density, shift)
        return roots[0], roots[1]


class ShapiroEdges(AbstractObservable):
    """Both edges of Shapiro steps of a `Shunted` device, (lower, upper), by `jd.shapiro_steps`.

    Args:
        orders: n or (n, m) of each step.
        current_offset: b, as `ObservedCurrents` has it; signed biases become i + b.

    Example:
        >>> driven = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.5, 1.0))
        >>> lower, upper = jd.experiment.ShapiroEdges([1]).of(driven)
        >>> print(f"{lower[0]:.6f} {upper[0]:.6f}")
        0.500000 1.142935
    """

    current_offset: Float[Array, ""] = parameter(unit="current", label="offset of the bias")
    orders: tuple = eqx.field(static=True)

    def __init__(self, orders: Sequence, current_offset: Numbers = 0.0):
        if isinstance(orders, str) or not isinstance(orders, Sequence) or not len(orders):
            raise ValueError(f"orders must be a list such as [0, 1, (1, 2)], got {orders!r}")
        self.orders = tuple(tuple(n) if isinstance(n, Sequence) else n for n in orders)
        self.current_offset = self.checked("current_offset", current_offset)

    def of(self, device: AbstractDevice) -> tuple[Array, Array]:
        if not isinstance(device, Shunted):
            raise ValueError(f"ShapiroEdges needs a Shunted device, got {_named(device)}")
        found = shapiro_steps(device, list(self.orders))
        return found.lower + self.current_offset, found.upper + self.current_offset


class DensityOfStates(AbstractObservable):
    """Tunnelling density of states of a diffusive junction, the mean over spins of its `ldos`.

    Args:
        energy: E in k_BT_c.
        broadening: of the levels, in k_BT_c, at least 1e-6.
        position, phase, layer: where, as `DiffusiveJunction.ldos` takes them.

    Example:
        >>> jd.experiment.DensityOfStates([0.5, 1.0], broadening=-1.0)
        Traceback (most recent call last):
            ...
        ValueError: broadening must be at least 1e-06 k_BT_c, got -1...
    """

    energy: Float[Array, " points"] = parameter(unit="k_BT_c", label="energy", table=True)
    broadening: Float[Array, ""] = parameter(at_least=1e-6, unit="k_BT_c", label="broadening")
    phase: Float[Array, ""] = parameter(unit="rad", label="phase")
    position: float | None = eqx.field(static=True)
    layer: str = eqx.field(static=True)

    def __init__(
        self,
        energy: Numbers,
        *,
        broadening: Numbers = 0.005,
        phase: Numbers = 0.0,
        position: float | None = None,
        layer: str = "link",
    ):
        self.energy = self.checked("energy", energy)
        self.broadening = self.checked("broadening", broadening)
        self.phase = self.checked("phase", phase)
        self.position = None if position is None else float(position)
        self.layer = layer

    def of(self, device: AbstractDevice) -> Float[Array, " points"]:
        if not hasattr(device, "ldos"):
            raise ValueError(f"DensityOfStates needs a diffusive junction, got {_named(device)}")
        both = device.ldos(  # pyright: ignore[reportAttributeAccessIssue]
            self.energy, self.position, self.phase, self.layer, self.broadening
        )
        return jnp.mean(both, axis=0)


def _named(device: AbstractDevice) -> str:
    return f"a {type(device).__name__}"
