"""Circuits in time."""

from typing import TYPE_CHECKING

import numpy as np

from .style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..dynamics.network.path import CircuitTrajectory

_MOST = 12  # lines that a legend names


def circuit_trajectory(
    found: "CircuitTrajectory", *, title: str = "", figure: "Figure | SubFigure | None" = None
) -> "Figure":
    """Voltages of the nodes and phases of the junctions of a circuit against time.

    Example:
        >>> ring = jd.Circuit({
        ...     "J": jd.Junction("1", "0", jd.TunnelJunction(1.0), resistance=1.0),
        ...     "L": jd.Inductor("1", "0", 0.1),
        ... }, terminals=("1", "0"))
        >>> figure = jd.plot.circuit_trajectory(jd.trajectory(ring, 0.5, duration=20.0))
        >>> print([axes.get_ylabel() for axes in figure.axes])
        ['voltage of node ($I_0R_0$)', 'phase of junction / 2π']
    """
    time = np.asarray(found.time)
    if time.ndim != 1:
        raise ValueError(f"found must be of one circuit, got times of shape {time.shape}")
    figure, (upper, lower) = new_figure(2, into=figure)
    for k, node in enumerate(found.nodes):
        upper.plot(time, np.asarray(found.voltage)[:, k], lw=1.1, label=node)
    for k, junction in enumerate(found.junctions):
        turns = np.asarray(found.phase)[:, k] / (2 * np.pi)
        lower.plot(time, turns, lw=1.1, label=junction)
    upper.set(ylabel="voltage of node ($I_0R_0$)", title=title)
    lower.set(xlabel=r"time ($\Phi_0/2\pi I_0R_0$)", ylabel="phase of junction / 2π")
    for axes, names in ((upper, found.nodes), (lower, found.junctions)):
        if len(names) <= _MOST:
            axes.legend(fontsize=8, ncols=2)
    return figure
