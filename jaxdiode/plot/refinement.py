"""Maps with points where they need them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.critical import rounded_efficiency
from .style import ACCENT, EFFICIENCY, GREY, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_LINE, _SIDE = 801, 301  # values along an axis


def refined(
    data: "xarray.Dataset",
    variable: str | None = None,
    *,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """A refined map: a line with its points of one axis, a map beside its points of two.

    Points of cells that are not within the tolerance (`flag`) are drawn in another colour.
    Maps of more axes are put on a grid by `jd.results.refined_map`, sliced, and drawn by
    `plot.dataset`.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> data = jd.refine(jd.critical_currents, squid, {"flux": np.linspace(0, 1, 5)})
        >>> figure = jd.plot.refined(data)
        >>> print(len(figure.axes), figure.axes[0].get_ylabel())
        1 diode efficiency η
    """
    from ..studies.refine import refined_map

    smooth = [str(n).removesuffix("_error") for n in data if str(n).endswith("_error")]
    name = variable or next((n for n in ("efficiency", *smooth) if n in smooth), None)
    if name is None or name not in smooth:
        raise ValueError(f"variable must be one of {', '.join(smooth)}, got {variable!r}")
    axes_names = [str(one) for one in data["axis"].values]
    if len(axes_names) > 2 or data[name].ndim > 1:
        raise ValueError("data must be of one number over 1 or 2 axes to be drawn, got "
                         f"{len(axes_names)} axes and shape {data[name].shape[1:]}")  # fmt: skip
    drawn = refined_map(data, _LINE if len(axes_names) == 1 else _SIDE)[name]
    if name == "efficiency":
        drawn = drawn.copy(data=rounded_efficiency(drawn))
    drawn.attrs = data[name].attrs
    nodes = np.asarray(data["cell_point"])[np.asarray(data["flag"]) != 0]
    marked = np.unique(nodes[nodes >= 0])
    if len(axes_names) == 1:
        figure, (axes,) = new_figure(1, into=figure)
        drawn.plot(ax=axes, color=EFFICIENCY)  # pyright: ignore[reportCallIssue]
        _points(axes, data[axes_names[0]], data[name], marked)
        return figure
    figure, (axes, beside) = new_figure(2, into=figure)
    limits: dict[str, Any] = {}
    if float(drawn.min()) < 0 < float(drawn.max()):
        largest = float(np.nanmax(np.abs(drawn)))
        limits = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    drawn.transpose(*axes_names).plot(ax=axes, **limits)
    _points(beside, data[axes_names[1]], data[axes_names[0]], marked)
    beside.set(
        xlabel=axes.get_xlabel(), xlim=axes.get_xlim(), ylim=axes.get_ylim(),
        title=f"{data.sizes['point']} points",
    )  # fmt: skip
    return figure


def _points(axes: "Axes", x: Any, y: Any, marked: np.ndarray) -> None:
    axes.plot(x, y, ".", color=GREY, ms=2)
    axes.plot(x[marked], y[marked], ".", color=ACCENT, ms=2)
