"""Critical currents against the flux through a junction or loop."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._checks import Numbers
from ..core.device import AbstractDevice, critical_currents
from ..core.paths import parameter_names, replace
from ..devices.extended import ExtendedJunction
from .along import critical_currents_along
from .field import alike

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_TOGETHER = 16  # fluxes at once, for the memory


def fraunhofer(
    device: AbstractDevice,
    fluxes: Numbers,
    *,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """I₊ and I₋ above, η below, of a device with a `flux`, at these fluxes.

    Where both currents are equal to the accuracy of their search η is drawn as 0, a reciprocal
    device therefore as a line; where no current flows η is not drawn.

    Args:
        device: an `ExtendedJunction`, a `Squid` of one loop, or whatever has one `flux`.
        fluxes: in Φ₀.

    Raises:
        ValueError: a device without `flux`.

    Example:
        >>> junction = jd.ExtendedJunction(jd.TunnelJunction(100))
        >>> figure = jd.plot.fraunhofer(junction, np.linspace(-2, 2, 81), unit="nA")
        >>> top, below = figure.axes
        >>> print(top.lines[0].get_ydata().max(), np.nanmax(below.lines[0].get_ydata()))
        100.0 0.0
    """
    if not isinstance(device, AbstractDevice):
        raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
    if not any(name.split(".")[0] == "flux" for name in parameter_names(device)):
        raise ValueError(f"device must have a flux, a {type(device).__name__} has none")
    flux = _checks.real_array("fluxes", fluxes, ndim=1)
    if isinstance(device, ExtendedJunction):
        device = device.resolving(float(jnp.max(jnp.abs(flux))))

    def at(one):
        found = critical_currents(replace(device, {"flux": one}))
        return found.plus, found.minus

    plus, minus = map(np.asarray, jax.jit(lambda x: jax.lax.map(at, x, batch_size=_TOGETHER))(flux))
    return critical_currents_along(
        np.asarray(flux), plus, alike(plus, minus), unit=unit, title=title, figure=figure
    )
