"""A device in an experiment: its axes, and what is measured."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .. import _checks
from .._checks import Numbers
from ..core.critical import CriticalCurrents
from ..core.device import AbstractDevice, critical_currents
from ..core.paths import (
    allowed_range,
    declaration,
    elements_of,
    match_names,
    owner_of,
    with_values,
)
from ..core.temperature import require_law
from .axis import Axis
from .observables import AbstractObservable, ObservedCurrents

TEMPERATURE = "reduced_temperature"
_AXES = "axes"  # the attribute, with which paths of its parameters begin


class Experiment(AbstractDevice):
    """Any device, the axes of a measurement that drive its parameters, and the observable.

    A device itself: its parameters are those of the device ("device.branches.0.amplitude"), of
    the axes ("axes.coil.scale.0", "axes.coil.offset") and of the observable
    ("observable.current_offset"), all of them free to be fitted. `jd.Squid` in a flux coil has
    `jd.CoilBiasedSquid` beside this.

    Args:
        device: what is measured.
        axes: {name: Axis}, the name being that of the data's column.
        observable: what is measured at every point of the axes: by default I₊ and I₋.

    Raises:
        ValueError: parameters that the device does not have, one driven twice; an axis of the
            reduced temperature where a part has no law of it or a temperature of its own.

    Example:
        >>> squid = jd.Squid([jd.TunnelJunction(90), jd.AndreevModes(80, [0.9])], flux=[0])
        >>> setup = jd.experiment.Experiment(squid, {"coil": jd.experiment.Axis("flux", 65.0)})
        >>> coil = np.linspace(-0.01, 0.01, 21)
        >>> found = setup.predict({"coil": coil})
        >>> print(f"{found.plus[14]:.4f} {found.minus[14]:.4f}")  # at 4 mA
        94.9591 119.9502
        >>> space = jd.Space(setup, {"axes.coil.scale": (55, 75), "device.branches.0": (50, 120)})
        >>> fitted = jd.fit(
        ...     jd.experiment.Experiment.predict, space, found, arguments=[{"coil": coil}],
        ...     along=coil, starts=1,
        ... )
        >>> print(fitted.names)
        ('device.branches.0.critical_current', 'axes.coil.scale.0')
    """

    device: AbstractDevice
    axes: dict[str, Axis]
    observable: AbstractObservable

    def __init__(
        self,
        device: AbstractDevice,
        axes: Mapping[str, Axis] | None = None,
        observable: AbstractObservable | None = None,
    ):
        if not isinstance(device, AbstractDevice):
            raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
        if axes is not None and not isinstance(axes, Mapping):
            raise ValueError(f"axes must be {{name of a column: Axis}}, got {axes!r}")
        if observable is not None and not isinstance(observable, AbstractObservable):
            raise ValueError(
                "observable must be one of jaxdiode.experiment, such as ObservedCurrents(), got "
                f"{observable!r}"
            )
        self.device = device
        self.axes = {}
        known = elements_of(device)
        driven: dict[str, str] = {}
        for name, axis in (axes or {}).items():
            if not isinstance(axis, Axis):
                raise ValueError(f"axes[{name!r}] must be an Axis, got {type(axis).__name__}")
            if "." in name or not name:
                raise ValueError(f"the name of an axis must hold no dot, got {name!r}")
            members = [
                member
                for path in axis.parameters
                for member in ([path] if path == TEMPERATURE else match_names(known, path))
            ]
            for member in members:
                if member in driven:
                    raise ValueError(
                        f"axes must drive each parameter once, {member!r} follows "
                        f"{driven[member]!r} and {name!r}"
                    )
                driven[member] = name
            self.axes[name] = axis.of(members)
        if TEMPERATURE in driven:
            require_law(device)
        self.observable = ObservedCurrents() if observable is None else observable

    def at(self, values: Mapping[str, Numbers] | None = None) -> AbstractDevice:
        """The device at one point of the axes; those not named are at their own `value`.

        A parameter driven out of its range makes the device NaN.
        """
        _require_axes(self, values or {}, some=True)
        device, temperature = self.device, None
        known = elements_of(device)
        for name, axis in self.axes.items():
            numbers = axis.driven((values or {}).get(name, axis.value))
            for member, number in zip(axis.parameters, numbers, strict=True):
                if member == TEMPERATURE:
                    temperature = number
                    continue
                low, high = allowed_range(*owner_of(device, member))
                number = jnp.where((number >= low) & (number <= high), number, jnp.nan)
                device = with_values(device, [(known[member],)], [number])
        if temperature is not None:
            device = device.at_reduced_temperature(
                jnp.where(temperature >= 0, temperature, jnp.nan)
            )
        return device

    def path_of_axis(self, name: str, field: str = "value") -> str:
        """The path of an axis' parameter, as `Space`, `sweep` and `replace` name it.

        Args:
            field: "value", the operating point, "offset" or "scale" (all of them; "scale.0" is
                the first).

        Raises:
            ValueError: no such axis.

        Example:
            >>> junction = jd.TunnelJunction(1.0)
            >>> gate = {"gate": jd.experiment.Axis("critical_current")}
            >>> print(jd.experiment.Experiment(junction, gate).path_of_axis("gate"))
            axes.gate.value
        """
        if name not in self.axes:
            raise _checks.unknown_name("axis", name, tuple(self.axes) or ("none",))
        return ".".join((_AXES, name, field))

    def flux_scales(self) -> tuple[str, ...]:
        """Paths of the scales of the one axis that drive a flux: periods per unit of the axis."""
        if len(self.axes) != 1:
            return ()
        ((name, axis),) = self.axes.items()
        return tuple(
            self.path_of_axis(name, f"scale.{k}")
            for k, member in enumerate(axis.parameters)
            if member != TEMPERATURE and declaration(*owner_of(self.device, member)).unit == "Φ₀"
        )

    def overridden(self) -> tuple[str, ...]:
        members = (member for axis in self.axes.values() for member in axis.parameters)
        return tuple(f"device.{member}" for member in members if member != TEMPERATURE)

    def predict(self, columns: Mapping[str, Numbers] | None = None) -> PyTree:
        """The observable along the axes. The model for `fit`.

        Args:
            columns: {axis: values}, arrays of one length, one for each axis.

        Returns:
            what the observable gives, with the length of the columns as its last axis; without
            axes that of the device as it is.

        Raises:
            ValueError: axes missing or unknown, columns of different lengths.
        """
        columns = columns or {}
        _require_axes(self, columns, some=False)
        if not columns:
            return self.observable.of(self.device)
        arrays = {k: _checks.real_array(k, v, ndim=1) for k, v in columns.items()}
        lengths = {k: v.size for k, v in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns must have one length, got {lengths}")

        def one(point: dict[str, Float[Array, ""]]) -> PyTree:
            return self.observable.of(self.at(point))

        return jax.vmap(one, out_axes=-1)(arrays)

    def switching_currents(self, x: Numbers) -> CriticalCurrents:
        """The observable along the one axis, as `CoilBiasedSquid.switching_currents`.

        Raises:
            ValueError: several axes or none, another observable.
        """
        if len(self.axes) != 1 or not isinstance(self.observable, ObservedCurrents):
            raise ValueError(
                "switching_currents(x) needs one axis and ObservedCurrents, got "
                f"{len(self.axes)} axes and {type(self.observable).__name__}; use predict"
            )
        ((name, _),) = self.axes.items()
        return self.predict({name: x})

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """Those of the device at the operating point of the axes, without offset of the bias."""
        return critical_currents(self.at(), criterion)

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> "Experiment":
        device = self.device.at_reduced_temperature(reduced_temperature)
        return eqx.tree_at(lambda x: x.device, self, device)


def axis_of_path(path: str, field: str = "value") -> str | None:
    """The name of the axis whose parameter has this path; None of any other path."""
    first, *name = path.removesuffix(f".{field}").split(".")
    inside = first == _AXES and len(name) == 1 and path.endswith(f".{field}")
    return name[0] if inside else None


def _require_axes(setup: Experiment, given: Mapping[str, Numbers], *, some: bool) -> None:
    for name in given:
        if name not in setup.axes:
            raise _checks.unknown_name("axis", name, tuple(setup.axes) or ("none",))
    missing = [name for name in setup.axes if name not in given]
    if missing and not some:
        raise ValueError(f"columns must have values of every axis, {', '.join(missing)} is missing")
