"""Any result, by what it holds."""

from typing import TYPE_CHECKING

import numpy as np

from ..core.results import AbstractResult
from .style import PLUS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_MOST_PANELS = 8


def values(
    result: AbstractResult, *, title: str = "", figure: "Figure | SubFigure | None" = None
) -> "Figure":
    """A panel for every array of numbers that a result holds: bars of few, lines of many.

    For results without a figure of their own.

    Example:
        >>> found = jd.critical_currents(jd.TunnelJunction(100))
        >>> figure = jd.plot.values(found)
        >>> print([axes.get_ylabel() for axes in figure.axes])
        ['plus', 'minus', 'efficiency']
    """
    known = {
        name: np.asarray(value)
        for name, value in result.as_dict().items()
        if name != "status" and np.asarray(value).dtype.kind in "fi"
    }
    shown = {k: v for k, v in known.items() if v.size and np.isfinite(v).any()}
    if not shown:
        raise ValueError(f"result must hold numbers to be drawn, {type(result).__name__} has none")
    chosen = list(shown.items())[:_MOST_PANELS]
    own = figure is None
    figure, axes = new_figure(len(chosen), into=figure)
    if own:
        figure.set_figheight(max(4.2, 1.3 * len(chosen)))
    for ax, (name, array) in zip(axes, chosen, strict=True):
        if array.size <= 4:
            ax.barh(np.arange(array.size)[::-1], array.ravel(), color=PLUS)
            ax.set_yticks([])
        else:
            ax.plot(array.reshape(-1, array.shape[-1]).T, lw=1.0)
        ax.set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center", fontsize=8)
    figure.suptitle(title or type(result).__name__, fontsize=10)
    return figure
