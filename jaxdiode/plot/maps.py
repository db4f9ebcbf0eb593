"""Maps of a driven junction: voltage and differential resistance over bias and power."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .style import new_figure, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..dynamics.shapiro_map import ShapiroMap


def shapiro_map(
    found: "ShapiroMap",
    *,
    orders: Sequence[int | tuple[int, int]] = (),
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """dV/dI over bias and power, with the exact edges of steps drawn over it.

    Args:
        orders: steps whose edges are drawn, n or (n, m); the device is asked for them.
        unit: of the device's currents.

    Example:
        >>> driven = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.7, 1.0))
        >>> found = jd.shapiro_map(driven, [0.2, 0.8, 1.6], [-20, 0])
        >>> figure = jd.plot.shapiro_map(found, orders=[0, 1])
        >>> print(len(figure.axes), len(figure.axes[0].lines))  # map and scale; two edges a step
        2 4
    """
    current, power = found.current, found.power
    if current.size < 2 or power.size < 2:
        raise ValueError(f"found must hold a map, got {power.size} powers, {current.size} biases")
    figure, (axes,) = new_figure(1, into=figure)
    slope = found.resistance()
    most = np.nanpercentile(slope, 99) or 1.0
    shown = axes.pcolormesh(
        current, power, np.clip(slope, 0, most), cmap="magma", shading="nearest", rasterized=True
    )
    figure.colorbar(shown, ax=axes, label=r"$dV/dI$")
    if orders:
        steps = found.steps(tuple(orders))
        for k in range(steps.lower.shape[1]):
            for edge in (steps.lower[:, k], steps.upper[:, k]):
                axes.plot(edge, power, color="white", lw=0.8)
    axes.set(
        xlabel=with_unit("bias", unit), ylabel="power of the drive (dB)", title=title,
        xlim=(current[0], current[-1]),
    )  # fmt: skip
    return figure
