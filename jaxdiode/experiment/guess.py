"""Starting values and bounds of a fit, from the data alone."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from .. import _checks
from ..core.device import AbstractDevice, critical_currents
from ..core.parameters import CURRENT
from ..core.paths import (
    allowed_range,
    elements_of,
    match_names,
    owner_of,
    parameter_values,
    replace,
    unit_of,
)
from ..devices.squid import CoilBiasedSquid, Squid
from ..measurement.joined import joined_currents
from ..studies.space import Bounds, Space
from .experiment import Experiment
from .observables import ObservedCurrents
from .search import PER_CURRENT, AxisGuess, currents_of, is_bias_offset, search

_SMALLEST, _LARGEST = 2e-3, 1.5  # of the largest current: what one junction may carry
_LARGER = 6.0  # times what the device has, scaled to the data
_OFFSET = 0.3  # of the largest current: offsets of the bias
_SCREENING = 0.12  # Φ₀: the largest inductance × the largest current; one flux state, mostly
_MARGIN = 1e-3  # of a range, kept from its open ends


class Guess(NamedTuple):
    """Where a fit may begin: unpacks as (space, starts).

    Attributes:
        space: what is fitted, with bounds; its device has the most promising values.
        starts: values of the space's parameters from which fits should start as well,
            (starts, parameters), for `fit(starts=…)`.
    """

    space: Space
    starts: np.ndarray


def guess(
    device: AbstractDevice,
    data: Any,
    *,
    vary: str | Sequence[str] | None = None,
    bounds: Mapping[str, Bounds] | None = None,
    key: PRNGKeyArray | int = 0,
) -> Guess:
    """Start values and bounds to fit measured critical currents, from the data alone.

    Of the device only its kind counts: how many branches, which relations. Every parameter in
    the unit of the currents may go from 0.002 to 1.5 times the largest current measured (or six
    times what the device has, scaled to the data; an offset of the bias to ±0.3), one with a finite
    range (a transparency) through all of it, an inductance up to 0.12 flux quanta at the
    largest current (give bounds where screening makes several flux states). A flux follows the
    axis: scales reach 1.4 times the fastest line of the data's periodogram (2.5 times for several
    loops, 4 times for other devices than a SQUID), offsets half a slowest period about the field
    in which I₊ and I₋ mirror each other (of several loops 3.3 lengths of the axis: of one that
    makes a seventh of a turn along it the phase may be any). What has no scale in the data (a
    temperature, a gate voltage) stays as it is.

    Starts are the most promising of 1500 random devices at the periods and the symmetry that the
    data show, each with its currents scaled to them.

    Args:
        device: a `Squid`, which becomes a `CoilBiasedSquid` with an offset for each loop; a
            `CoilBiasedSquid`; or an `Experiment` of `ObservedCurrents` with one axis, for any
            other device.
        data: (x, I₊, I₋), as `jd.read_switching_currents` reads it, a dataset with both
            directions, as `jd.lab.join` makes it, or what `jd.lab.switching_currents` found along
            one axis (its `columns()` are what `fit` takes then). Missing currents (NaN) count as
            lying on a line between their neighbours.
        vary: names or patterns of what is to be fitted; by default all that has a scale but
            for an offset of the bias current.
        bounds: {name or pattern: (lower, upper)}, finite, in place of those guessed; what they name
            is fitted in any case, as {"current_offset": (-10, 10)} beside all that is guessed.
        key: of the random devices, `jax.random.key(seed)` or the seed.

    Raises:
        ValueError: another device, fewer than 8 points, nothing to be fitted; bounds that `Space`
            refuses, or infinite ones.

    Example:
        >>> coil = np.linspace(-0.02, 0.02, 81)
        >>> squid = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(60)], flux=[0])
        >>> exact = jd.CoilBiasedSquid(squid, [65.0], offset=1e-3).switching_currents(coil)
        >>> kind = jd.Squid([jd.TunnelJunction(1), jd.TunnelJunction(1)], flux=[0])
        >>> space, starts = jd.guess(kind, (coil, exact.plus, exact.minus))
        >>> print(*space.names[1:])
        squid.branches.1.critical_current turns.0 offset
        >>> found = jd.fit(
        ...     jd.CoilBiasedSquid.switching_currents, space, exact, arguments=[coil], along=coil,
        ...     starts=starts, progress=False,
        ... )
        >>> print(*(f"{x:.3f}" for x in sorted(np.abs(found.values))))
        0.001 60.000 65.000 90.000
    """
    _require_kind(device)
    x, plus, minus = _columns(data)
    size = float(np.max(np.abs([plus, minus])))
    setup = _with_axis(device, x)
    named = None if vary is None else _named(setup, vary)
    if named is None or set(currents_of(setup)) <= {n for names in named.values() for n in names}:
        setup = _scaled(setup, size)
    axes = AxisGuess.of(setup, x, plus, minus)
    guessed: dict[str, tuple[float, float]] = {}
    for name, value in parameter_values(setup).items():
        found = axes.bounds.get(name) or _range_of(setup, name, value, size)
        if found is not None and (vary is not None or not is_bias_offset(name)):
            guessed[name] = found
    if named is not None:
        guessed = _chosen(guessed, named)
    given = {} if bounds is None else _given(setup, bounds)
    every = guessed | given
    if not every:
        raise ValueError(f"device must have parameters that the data can tell, got {setup!r}")
    space = Space(_inside(setup, every), every)
    starts = search(space, _within(axes, given), (x, plus, minus), key)
    return Guess(Space(space.insert(jnp.asarray(starts[0])), every), starts)


def _columns(data: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if hasattr(data, "data_vars"):
        data = joined_currents(data)
    elif callable(getattr(data, "columns", None)):
        data = data.columns()
    try:
        x, plus, minus = data
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"data must be (x, I₊, I₋), three columns, got {type(data).__name__}"
        ) from error
    columns = {"x": x, "plus": _filled(x, plus), "minus": _filled(x, minus)}
    arrays = [np.asarray(_checks.real_array(k, v, ndim=1)) for k, v in columns.items()]
    sizes = [a.size for a in arrays]
    if len(set(sizes)) > 1:
        raise ValueError(f"data must be three columns of one length, got {sizes}")
    if sizes[0] < 8 or np.ptp(arrays[0]) == 0:
        raise ValueError(f"data must hold 8 points or more along an axis, got {sizes[0]}")
    if not np.any(arrays[1]) and not np.any(arrays[2]):
        raise ValueError("data must hold currents, all of them are zero")
    return arrays[0], arrays[1], arrays[2]


def _filled(x: Any, values: Any) -> Any:
    """Values with straight lines across those that are missing (NaN)."""
    try:
        at, y = np.asarray(x, float), np.asarray(values, float)
    except (TypeError, ValueError):
        return values
    known = ~np.isnan(y)
    if known.all() or not known.any() or at.shape != y.shape or np.isnan(at).any():
        return values
    order = np.argsort(at[known], kind="stable")
    return np.where(known, y, np.interp(at, at[known][order], y[known][order]))


def _require_kind(device: AbstractDevice) -> None:
    if isinstance(device, Experiment):
        if not isinstance(device.observable, ObservedCurrents):
            raise ValueError(
                "device must be an Experiment of ObservedCurrents to be guessed at, got one of "
                f"{type(device.observable).__name__}; give bounds"
            )
        if len(device.axes) != 1:
            raise ValueError(f"device must have one axis to be guessed at, got {len(device.axes)}")
    elif not isinstance(device, Squid | CoilBiasedSquid):
        raise ValueError(
            "device must be a Squid, a CoilBiasedSquid or an Experiment with one axis, got "
            f"{type(device).__name__}"
        )


def _with_axis(device: Any, x: np.ndarray) -> CoilBiasedSquid | Experiment:
    """The device in a coil or in its experiment."""
    if not isinstance(device, Squid):
        return device
    loops = device.flux.size  # with a phase of its own each, as trapped flux gives it
    offset = np.mean(x) * (jnp.ones(loops) if loops > 1 else jnp.ones(()))
    return CoilBiasedSquid(device, jnp.ones(loops) / np.ptp(x), offset=offset)


def _scaled(setup, size: float):
    """Currents of the device such that its largest critical current is that of the data."""
    bare = setup.squid if isinstance(setup, CoilBiasedSquid) else setup.device
    found = jax.device_get(critical_currents(bare))
    own = np.max(np.abs([found.plus, found.minus]))
    values = parameter_values(setup)
    currents = {name: values[name] for name in currents_of(setup)}
    if not (np.isfinite(own) and own > 0):
        own = max(map(abs, currents.values()), default=1.0) or 1.0
    scaled = {name: value * size / own for name, value in currents.items()}
    return replace(setup, scaled) if scaled else setup


def _range_of(setup, name: str, value: float, size: float) -> tuple[float, float] | None:
    """Bounds of a parameter by its unit and its range; None where the data have no scale for it."""
    if name == _operating(setup):
        return None
    low, high = allowed_range(*owner_of(setup, name))
    unit = unit_of(setup, name, CURRENT)
    if unit == CURRENT:
        if is_bias_offset(name):
            return -_OFFSET * size, _OFFSET * size
        most = max(_LARGEST * size, _LARGER * abs(value))
        start = _SMALLEST * size if low >= 0 else -most
        return max(start, low), min(most, high)
    if unit == PER_CURRENT:
        return max(0.0, low), min(_SCREENING / size, high)
    if np.isfinite(low) and np.isfinite(high):
        margin = _MARGIN * (high - low)
        return low + margin, high - margin
    return None


def _operating(setup) -> str:
    """Where on the axis the device is operated: no parameter of a fit."""
    if isinstance(setup, CoilBiasedSquid):
        return "coil_current"
    (name, _), *_ = setup.axes.items()
    return setup.path_of_axis(name)


def _inside(setup, bounds: Mapping[str, tuple[float, float]]):
    """The setup with every varied parameter inside its bounds, else in their middle."""
    values = parameter_values(setup)
    outside = {
        name: 0.5 * (low + high)
        for name, (low, high) in bounds.items()
        if not low < values[name] < high
    }
    return replace(setup, outside) if outside else setup


def _given(setup, bounds: Mapping[str, Bounds]) -> dict[str, tuple[float, float]]:
    """Bounds of every parameter that the user's name, checked."""
    space = Space(setup, bounds)
    for name, pair in space.bounds.items():
        if not np.all(np.isfinite(pair)):
            raise ValueError(
                f"bounds must be finite where starts are searched for, got {pair} for {name!r}"
            )
    return space.bounds


def _within(axes: AxisGuess, given: Mapping[str, tuple[float, float]]) -> AxisGuess:
    """Without what the user bounds more narrowly than the data do: that is drawn from it evenly."""

    def kept(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(n for n in names if n not in given or _wider(given[n], axes.bounds[n]))

    return axes._replace(scales=kept(axes.scales), offsets=kept(axes.offsets))


def _wider(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[0] and other[1] <= one[1]


def _named(setup, vary: str | Sequence[str]) -> dict[str, list[str]]:
    """{pattern: the parameters that it names}."""
    known = elements_of(setup)
    patterns = (vary,) if isinstance(vary, str) else tuple(vary)
    return {pattern: match_names(known, pattern) for pattern in patterns}


def _chosen(bounds, named: Mapping[str, list[str]]) -> dict[str, tuple[float, float]]:
    """Bounds of what is named."""
    for pattern, names in named.items():
        if not any(name in bounds for name in names):
            raise ValueError(f"vary must name what the data have a scale for, got {pattern!r}")
    wanted = {name for names in named.values() for name in names}
    return {name: pair for name, pair in bounds.items() if name in wanted}
