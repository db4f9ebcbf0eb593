"""Parameters as axes of figures: their names, labels and the resolution they need."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._checks import Numbers
from ..core.device import AbstractDevice
from ..core.paths import elements_of, label_of, match_names, owner_of, unit_of
from ..experiment import Experiment
from ..experiment.experiment import axis_of_path
from .style import with_unit

if TYPE_CHECKING:
    import xarray


def path_of(device: AbstractDevice, name: str) -> str:
    """The parameter's path: of an axis of an `Experiment` its value's, else the name itself."""
    if isinstance(device, Experiment) and name in device.axes:
        return device.path_of_axis(name)
    return name


def label_of_axis(device: AbstractDevice, name: str, current: str = "") -> str:
    """What a parameter declares, with its unit; the name of an experiment's axis, which has none.

    Args:
        current: unit of the device's currents.
    """
    path = path_of(device, name)
    if isinstance(device, Experiment) and (axis := axis_of_path(path)) is not None:
        return axis
    if name == "flux":
        return r"flux ($\Phi_0$)"
    path = match_names(elements_of(device), path)[0]
    return with_unit(label_of(device, path), unit_of(device, path, current))


def coordinate_label(axis: "xarray.DataArray", current: str = "") -> str:
    """The same of an axis of a sweep, from what it says of itself."""
    name, unit = str(axis.name), str(axis.attrs.get("units", ""))
    if (own := axis_of_path(name)) is not None:
        return own
    return with_unit(str(axis.attrs.get("long_name", name)), unit.replace("current", current))


def resolving(device: Any, axes: Mapping[str, Numbers]) -> Any:
    """The device with nodes for all fluxes along the axes, in the parts that have a `resolving`."""
    if isinstance(device, Experiment):
        return _experiment(device, axes)
    elements = elements_of(device)
    asked: dict[str, dict[str, float]] = {}  # of every junction, by the name of its flux
    for pattern, values in axes.items():
        for name in match_names(elements, pattern):
            owner, field = owner_of(device, name)
            if field in ("flux", "focusing") and callable(getattr(owner, "resolving", None)):
                flux = name[: len(name) - len(field)] + "flux"
                most = float(np.max(np.abs(np.asarray(values, float))))
                asked.setdefault(flux, {})[field] = most
    for flux, most in asked.items():
        owner: Any = owner_of(device, flux)[0]
        largest = most.get("flux", float(jnp.max(jnp.abs(owner.flux))))
        if "focusing" in most and owner.focusing is not None:
            largest = largest * most["focusing"] / float(owner.focusing)
        finer = owner.resolving(largest)
        if owner is device:
            return finer
        device = eqx.tree_at(lambda x, flux=flux: owner_of(x, flux)[0], device, finer)
    return device


def _experiment(setup: Experiment, axes: Mapping[str, Numbers]) -> Experiment:
    """The same of the device that an experiment's axes drive."""
    driven: dict[str, Numbers] = {}
    known = elements_of(setup.device)
    for name, values in axes.items():
        path = path_of(setup, name)
        if (own := axis_of_path(path)) is not None:
            axis = setup.axes[own]
            for member, scale in zip(axis.parameters, np.asarray(axis.scale), strict=True):
                if member in known:
                    driven[member] = scale * (np.asarray(values, float) - float(axis.offset))
        elif path.startswith("device."):
            driven[path[len("device.") :]] = values
    return eqx.tree_at(lambda x: x.device, setup, resolving(setup.device, driven))
