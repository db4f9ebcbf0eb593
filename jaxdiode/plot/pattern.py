"""Critical currents against the flux through a junction or loop."""

from typing import TYPE_CHECKING

import jax
import numpy as np

from .. import _checks
from .._checks import Numbers
from ..core.device import AbstractDevice, critical_currents
from ..core.paths import parameter_names, replace
from .along import critical_currents_along
from .axes import label_of_axis, path_of, resolving
from .field import alike

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_TOGETHER = 16  # fluxes at once, for the memory


def fraunhofer(
    device: AbstractDevice,
    fluxes: Numbers,
    *,
    name: str = "flux",
    label: str | None = None,
    measured: tuple[Numbers, Numbers, Numbers] | None = None,
    sigma: tuple[Numbers, Numbers] | Numbers | None = None,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """I₊ and I₋ above, η below, of a device with a `flux`, at these fluxes.

    Where both currents are equal to the accuracy of their search η is drawn as 0, a reciprocal
    device therefore as a line; where no current flows η is not drawn.

    Args:
        device: an `ExtendedJunction`, a `Squid` of one loop, or whatever has one `flux`.
        fluxes: in Φ₀, or in what the parameter is in: mT where an axis of an
            `experiment.Experiment` makes the flux.
        name: the parameter that takes them, such as "device.flux", or the name of such an axis.
        label: of the horizontal axis; what the parameter declares, with its unit, if left out.
        measured: (fluxes, I₊, I₋) as measured, drawn as points.
        sigma: standard deviation of a measured current, or one for each direction: error bars.

    Raises:
        ValueError: a device without that parameter.

    Example:
        >>> junction = jd.ExtendedJunction(jd.TunnelJunction(100))
        >>> figure = jd.plot.fraunhofer(junction, np.linspace(-2, 2, 81), unit="nA")
        >>> top, below = figure.axes
        >>> print(top.lines[0].get_ydata().max(), np.nanmax(below.lines[0].get_ydata()))
        100.0 0.0
        >>> field = jd.experiment.Axis("flux", scale=1 / 1.7, offset=0.2)  # one Φ₀ each 1.7 mT
        >>> setup = jd.experiment.Experiment(junction, {"field (mT)": field})
        >>> figure = jd.plot.fraunhofer(setup, np.linspace(-4, 4, 81), name="field (mT)")
        >>> print(figure.axes[1].get_xlabel())
        field (mT)
    """
    if not isinstance(device, AbstractDevice):
        raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
    path = path_of(device, name)
    if path == "flux" and not any(x.split(".")[0] == path for x in parameter_names(device)):
        raise ValueError(f"device must have a flux, a {type(device).__name__} has none")
    flux = _checks.real_array("fluxes", fluxes, ndim=1)
    name = path
    label = label_of_axis(device, name, unit) if label is None else label
    device = resolving(device, {name: flux})

    def at(one):
        found = critical_currents(replace(device, {name: one}))
        return found.plus, found.minus

    plus, minus = map(np.asarray, jax.jit(lambda x: jax.lax.map(at, x, batch_size=_TOGETHER))(flux))
    return critical_currents_along(
        np.asarray(flux),
        plus,
        alike(plus, minus),
        label=label,
        measured=measured,
        sigma=sigma,
        unit=unit,
        title=title,
        figure=figure,
    )
