"""Searches and sweeps."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.critical import rounded_efficiency
from ..numerics.status import Status
from .style import ACCENT, EFFICIENCY, GREY, MINUS, PLUS, limit_efficiency, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure, SubFigure

    from ..studies.design import DesignResult
    from ..studies.pareto import ParetoFront


def search(
    results: "dict[str, DesignResult]",
    *,
    reference: float | None = None,
    label: str = r"best $\eta$ so far",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Best objective so far against evaluations, for one or more searches.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> space = jd.Space(squid, {"flux": (0, 1)})
        >>> found = jd.random_search(jd.diode_efficiency, space, key=0, samples=256)
        >>> figure = jd.plot.search({"random": found})
        >>> print(len(figure.axes), figure.axes[0].get_xlabel())
        1 evaluations (a gradient counts 3)
    """
    figure, (axes,) = new_figure(1, into=figure)
    colours = (PLUS, MINUS, EFFICIENCY, ACCENT)
    for i, (name, result) in enumerate(results.items()):
        colour = colours[i % len(colours)]
        spent = np.linspace(0, result.evaluations, len(result.history) + 1)[1:]
        axes.plot(spent, result.history, color=colour, drawstyle="steps-post",
                  label=f"{name}: {result.value:.4f}")  # fmt: skip
    if reference is not None:
        axes.axhline(reference, color=GREY, ls=":", label=f"paper: {reference:g}")
    axes.set(xlabel="evaluations (a gradient counts 3)", ylabel=label)
    axes.set_xscale("log")
    axes.legend(fontsize=8, loc="lower right")
    return figure


def pareto(front: "ParetoFront", *, figure: "Figure | SubFigure | None" = None) -> "Figure":
    """The trade-off of two objectives; points that did not settle are open.

    Example:
        >>> space = jd.Space(jd.Harmonics([0.5, 0.2]), {"sine.1": (-1, 2)})
        >>> front = jd.pareto(
        ...     [lambda d: d.sine[1], lambda d: -(d.sine[1] ** 2)], space, key=0,
        ...     points=3, starts=1, steps=10, polish=10, rounds=2, progress=False,
        ... )
        >>> print(len(jd.plot.pareto(front).axes))
        1
    """
    figure, (axes,) = new_figure(1, into=figure)
    x, y = front.objectives.T
    settled = np.asarray(front.status) == Status.CONVERGED
    axes.plot(x, y, color=GREY, lw=0.8)
    axes.plot(x[settled], y[settled], "o", color=PLUS, ms=4)
    axes.plot(x[~settled], y[~settled], "o", mfc="white", mec=PLUS, ms=4)
    axes.set(xlabel=front.labels[0], ylabel=front.labels[1])
    return figure


def dataset(
    data: "xarray.Dataset",
    variable: str | None = None,
    *,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """A sweep: a line for one axis, a map for two. Larger ones must be sliced first.

    A map over an axis that turns back, as of a continuation up and down again, is drawn against
    the number of the point on that axis.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> data = jd.sweep(jd.critical_currents, squid, {"flux": np.linspace(0, 1, 5)})
        >>> figure = jd.plot.dataset(data)
        >>> print(len(figure.axes), len(figure.axes[0].lines[0].get_xdata()))
        1 5
    """
    name = variable or next((n for n in ("efficiency", *data) if n in data), None)
    if name is None or name not in data:
        raise ValueError(f"variable must be one of {', '.join(map(str, data))}, got {variable!r}")
    if "cell" in data.sizes:
        raise ValueError("dataset is a refined map, which jd.plot.refined draws")
    values = data[name]
    values = values.squeeze([dim for dim, size in values.sizes.items() if size == 1], drop=True)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"dataset must have 1 or 2 axes of more than one point to be drawn, got {values.ndim}"
        )
    if name == "efficiency":
        values = values.copy(data=rounded_efficiency(values))
    figure, (axes,) = new_figure(1, into=figure)
    limits: dict[str, Any] = {}
    if values.ndim == 2 and float(values.min()) < 0 < float(values.max()):
        largest = float(np.nanmax(np.abs(values)))
        limits = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    if values.ndim == 2:
        values = _with_numbers(values)
    values.plot(ax=axes, **limits)
    if name == "efficiency" and values.ndim == 1:
        limit_efficiency(axes, values.to_numpy())
    return figure


def _with_numbers(values: "xarray.DataArray") -> "xarray.DataArray":
    """Axes that turn back as numbers of points, which a map can be drawn against."""
    for name in map(str, values.dims):
        along = values[name].to_numpy()
        steps = np.diff(along) if along.dtype.kind in "fiu" else np.ones(1)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            attributes = {"long_name": f"point along {values[name].attrs.get('long_name', name)}"}
            new = f"{name} (point)"
            numbers = (new,), np.arange(len(along)), attributes
            values = values.drop_vars(name).rename({name: new}).assign_coords({new: numbers})
    return values
