"""The most promising of many random devices: where fits of critical currents should begin."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ..core.device import AbstractDevice
from ..core.parameters import CURRENT
from ..core.paths import elements_of, unit_of
from ..devices.squid import CoilBiasedSquid, Squid
from ..studies.fit.periods import peaks
from ..studies.fit.starts import apart
from ..studies.space import Space, numpy_generator, random_key
from .axis import Axis
from .experiment import Experiment

PER_CURRENT = f"Φ₀/{CURRENT}"  # unit of an inductance
_DRAWN, _KEPT = 1500, 80
_AT_ONCE = 100
_POINTS = 48  # of the axis that random devices are compared at
_FASTEST = 1.4  # times the fastest line of the data
_OF_SEVERAL = 2.5  # the same of several loops, of which the fastest may be the weakest
_HIDDEN = 4.0  # the same of devices other than a SQUID
_INFORMED = 0.8  # of the draws take what the data show
_JITTER = 0.4  # resolutions of the axis, about a period
_NARROW = 0.05  # periods, about a symmetry
_SLOWEST = 0.15  # turns along the axis: slower loops have a phase that hardly changes
_APART = 0.03  # of the box, along some parameter, between two starts
_SPREAD = 1.0  # of the logarithm of a current
_BY_SWING = 0.7  # of the draws: the swing of the data is what all branches but one carry
_SWING = 0.4  # spread of the logarithm of that sum
_PHASES = 64  # of a relation, where its largest current is looked at
_SCREENING = 0.3  # of the largest inductance

Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


class AxisGuess(NamedTuple):
    """What the data show of scales and offsets of a flux axis.

    Attributes:
        scales, offsets: names of the parameters.
        bounds: {name: (lower, upper)} of them.
        lines: periods per unit of the axis, strongest first.
        symmetry: the field about which I₊ and I₋ mirror each other.
        resolution: 1/(length of the axis).
    """

    scales: tuple[str, ...]
    offsets: tuple[str, ...]
    bounds: dict[str, tuple[float, float]]
    lines: np.ndarray
    symmetry: float
    resolution: float

    @classmethod
    def of(cls, setup: CoilBiasedSquid | Experiment, x, plus, minus) -> "AxisGuess":
        scales, offsets = _names(setup)
        resolution = 1 / np.ptp(x)
        if not scales:
            return cls((), (), {}, np.zeros(0), 0.0, resolution)
        lines = peaks([x, x], [plus, minus], 0.0, 0.5 / _step(x))
        if not lines.size:
            lines = np.array([resolution])
        fastest, slowest = float(np.max(lines)), float(np.min(lines))
        centre = symmetry(x, plus, minus, slowest)
        several = len(scales) > 1
        # The central maximum of a Fraunhofer pattern hides its period.
        of_loops = _OF_SEVERAL if several else _FASTEST
        high = (of_loops if isinstance(setup, CoilBiasedSquid) else _HIDDEN) * fastest
        low = -high  # a coil may be reversed, which unlike junctions show
        bounds = {name: (low, high) for name in scales}
        # A loop may be slower than the axis is long, and its phase then lies anywhere: half a
        # period of it is as far off as that of a beat of which the axis shows a part.
        reach = 0.5 / (_SLOWEST * resolution) if several else 0.6 / slowest
        bounds |= {name: (centre - reach, centre + reach) for name in offsets}
        return cls(scales, offsets, bounds, lines, centre, resolution)


def _step(x: np.ndarray) -> float:
    """A step of the axis where it is coarse, so that no alias counts as a line.

    Positions that differ by rounding are one.
    """
    places = np.unique(np.round((x - np.min(x)) / np.ptp(x), 6))
    return float(np.quantile(np.diff(places), 0.9) * np.ptp(x))


def _names(setup: CoilBiasedSquid | Experiment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Scales and offsets of what oscillates along the axis."""
    if isinstance(setup, CoilBiasedSquid):
        scales = tuple(f"turns.{k}" for k in range(setup.turns.size))
        if setup.offset.ndim == 0:
            return scales, ("offset",)
        return scales, tuple(f"offset.{k}" for k in range(setup.offset.size))
    ((name, axis),) = setup.axes.items()
    if not _is_flux(setup.device, axis):
        return (), ()
    scales = tuple(setup.path_of_axis(name, f"scale.{k}") for k in range(axis.scale.size))
    return scales, (setup.path_of_axis(name, "offset"),)


def _is_flux(device: AbstractDevice, axis: Axis) -> bool:
    known = elements_of(device)
    return all(path in known and unit_of(device, path) == "Φ₀" for path in axis.parameters)


def symmetry(x, plus, minus, frequency: float) -> float:
    """The field x₀ about which I₊(x₀ + b) = I₋(x₀ − b) holds best, near the middle.

    So it is in a device of junctions without a diode effect of their own, by time reversal.
    """
    order = np.argsort(x, kind="stable")
    x, plus, minus = x[order], plus[order], minus[order]
    middle = 0.5 * (x[0] + x[-1])
    reach = min(0.5 / frequency, 0.25 * np.ptp(x))
    places = np.linspace(middle - reach, middle + reach, 401)

    def mismatch(place: float) -> float:
        mirrored = np.interp(2 * place - x, x, minus, left=np.nan, right=np.nan)
        difference = plus - mirrored
        return float(np.nanvar(difference)) if np.sum(np.isfinite(difference)) > 4 else np.inf

    return float(places[np.argmin([mismatch(place) for place in places])])


def search(space: Space, axes: AxisGuess, data: Columns, key: PRNGKeyArray | int) -> np.ndarray:
    """The most promising starts, best first, (starts, parameters)."""
    random = numpy_generator(random_key(key))
    few = np.unique(np.linspace(0, data[0].size - 1, _POINTS).astype(int))
    x, plus, minus = (column[few] for column in data)
    own = np.asarray(space.values())
    points = _drawn(space, axes, own, random)
    points = _shared(space, points, plus, minus, random)
    points[0] = own
    points, cost = _compared(space, points, x, plus, minus)
    chosen = apart(space, points, cost, _APART, _KEPT)
    return np.array(chosen) if chosen else own[None]


def _compared(space: Space, points: np.ndarray, x, plus, minus) -> tuple[np.ndarray, np.ndarray]:
    """The points with their currents scaled to the data, and Σ|misfit| of each.

    Without the inductances: they are corrections, and devices without them are quick.
    """
    units = _units(space)
    power = np.array([{CURRENT: 1.0, PER_CURRENT: -1.0}.get(unit, 0.0) for unit in units])
    low, high = np.asarray(space.lower), np.asarray(space.upper)
    bare = _without_inductance(space)
    used = [space.names.index(name) for name in bare.names]
    scalable = set(currents_of(bare.device)) <= set(bare.names)
    found = []
    for begin in range(0, len(points), _AT_ONCE):
        values = points[begin : begin + _AT_ONCE, used]
        found.append(tuple(map(np.asarray, _misfit(bare, values, x, plus, minus, scalable))))
    factor, cost = (np.concatenate(part) for part in zip(*found, strict=True))
    good = np.isfinite(factor) & (factor > 0)
    factor = np.where(good, factor, 1.0)
    return np.clip(points * factor[:, None] ** power, low, high), np.where(good, cost, np.inf)


def _without_inductance(space: Space) -> Space:
    """The same space of a SQUID without inductances; of other devices as it is."""
    setup = space.device
    bounds = {
        name: pair
        for name, pair in space.bounds.items()
        if not name.rpartition(".")[0].endswith("inductance")
    }
    if not isinstance(setup, CoilBiasedSquid) or len(bounds) == len(space.names) or not bounds:
        return space
    squid = Squid(setup.squid.branches, setup.squid.flux)
    offset = setup.current_offset
    return Space(
        CoilBiasedSquid(squid, setup.turns, offset=setup.offset, current_offset=offset), bounds
    )


@eqx.filter_jit
def _misfit(space: Space, values, x, plus, minus, scalable: bool) -> tuple[jax.Array, jax.Array]:
    """Factor of the currents that fits best, and Σ|misfit| with it."""
    measured = jnp.concatenate([plus, minus])

    def one(value):
        setup: Any = space.insert(value)
        found = setup.switching_currents(x)
        both = jnp.concatenate([found.plus, found.minus])
        factor = jnp.sum(both * measured) / jnp.sum(both**2) if scalable else jnp.ones(())
        return factor, jnp.sum(jnp.abs(factor * both - measured))

    return jax.vmap(one)(values)


def _drawn(
    space: Space, axes: AxisGuess, own: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Random devices at periods and symmetries of the data, most of the time."""
    units = _units(space)
    low, high = np.asarray(space.lower), np.asarray(space.upper)

    def one() -> np.ndarray:
        values, scales = own.copy(), []
        uniform = random.uniform(low, high)
        informed = random.uniform(size=low.size) < _INFORMED
        for k, (name, unit) in enumerate(zip(space.names, units, strict=True)):
            if name in axes.scales:
                values[k] = _period(axes, random) if informed[k] else uniform[k]
                scales.append(values[k])
            elif name in axes.offsets:
                values[k] = _offset(axes, scales, name, random) if informed[k] else uniform[k]
            elif unit == CURRENT and low[k] > 0:
                values[k] = own[k] * np.exp(_SPREAD * random.normal())
            elif unit == PER_CURRENT:
                values[k] = _SCREENING * high[k] * random.uniform() ** 2
            else:
                values[k] = uniform[k]
        return np.clip(values, low, high)

    return np.array([one() for _ in range(_DRAWN)])


def _shared(
    space: Space, points: np.ndarray, plus, minus, random: np.random.Generator
) -> np.ndarray:
    """Most points with one branch that carries the mean of the data, the others its swing.

    A branch that is larger than the others together holds its phase where its current is largest,
    and the others add what they carry there: max and min of the data are its current ± their sum.
    """
    branches, names = _branches(space)
    if len(branches) < 2 or not all(names):
        return points
    own = np.asarray(_largest_of(space, points))
    both = np.concatenate([plus, minus])
    swing, mean = np.ptp(np.quantile(both, [0.02, 0.98])) / 2, np.mean(both)
    moved = points.copy()
    for point, held in zip(moved, own, strict=True):
        if random.uniform() > _BY_SWING or not np.all(held > 0):
            continue
        wanted = random.dirichlet(np.ones(len(branches) - 1))
        wanted *= swing * np.exp(_SWING * random.normal())
        wanted = np.insert(wanted, random.integers(len(branches)), mean)
        for k, columns in enumerate(names):
            point[columns] *= wanted[k] / held[k]
    return np.clip(moved, np.asarray(space.lower), np.asarray(space.upper))


def _branches(space: Space) -> tuple[tuple, list[list[int]]]:
    """Branches of a SQUID, and the columns of the points that each one's current is scaled with."""
    setup: Any = space.device
    path = "squid" if isinstance(setup, CoilBiasedSquid) else "device"
    squid = getattr(setup, path)
    if not isinstance(squid, Squid):
        return (), []
    currents = [name for name in currents_of(setup) if name in space.names]
    of_branch = [f"{path}.branches.{k}." for k in range(len(squid.branches))]
    columns = [
        [space.names.index(name) for name in currents if name.startswith(start)]
        for start in of_branch
    ]
    return tuple(squid.branches), columns


@eqx.filter_jit
def _largest_of(space: Space, points) -> jax.Array:
    """Largest current of every branch, of each point, (points, branches)."""
    phase = jnp.linspace(0.0, 2 * jnp.pi, _PHASES, endpoint=False)

    def one(value):
        setup: Any = space.insert(value)
        squid = setup.squid if isinstance(setup, CoilBiasedSquid) else setup.device
        return jnp.stack([jnp.max(jnp.abs(branch.current(phase))) for branch in squid.branches])

    return jax.vmap(one)(points)


def _offset(axes: AxisGuess, scales: list[float], name: str, random: np.random.Generator) -> float:
    """The symmetry of the data or half a period from it; of several loops anywhere in a period."""
    own = axes.offsets.index(name) if len(axes.offsets) == len(scales) else 0
    period = 1 / max(abs(scales[own] if scales else axes.lines[0]), _SLOWEST * axes.resolution)
    if len(axes.scales) > 1 and random.uniform() < 0.7:
        return axes.symmetry + period * random.uniform(-0.5, 0.5)
    half = random.integers(-1, 2) * 0.5 * period
    return axes.symmetry + half + random.normal() * _NARROW * period


def _period(axes: AxisGuess, random: np.random.Generator) -> float:
    """A line of the data, a difference of two, or a slow loop; of either sign."""
    kind = random.uniform()
    line = random.choice(axes.lines)
    if len(axes.scales) == 1 and kind < 0.4:
        line *= random.uniform(1, _HIDDEN)
    elif kind < 0.25:
        line = line - random.choice(axes.lines)
    elif kind < 0.4:
        line = random.uniform(0, 1.5) * axes.resolution
    line += _JITTER * axes.resolution * random.uniform(-1, 1)
    return float(line * random.choice([-1.0, 1.0]))


def _units(space: Space) -> list[str]:
    return [unit_of(space.device, name, CURRENT) for name in space.names]


def currents_of(setup: AbstractDevice) -> list[str]:
    """Parameters in the unit of the currents, but for offsets of the bias."""
    names = (name for name in elements_of(setup) if not is_bias_offset(name))
    return [name for name in names if unit_of(setup, name, CURRENT) == CURRENT]


def is_bias_offset(name: str) -> bool:
    """Whether a parameter is the offset of the bias, which is no current of the device."""
    return name.rpartition(".")[2] == "current_offset"
