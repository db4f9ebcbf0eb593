"""Sweeps over one axis or two: what is known, and which points failed."""

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.critical import rounded_efficiency
from ..studies.sweep.labels import name_of_status, status_names
from .style import EFFICIENCY, GREY, MINUS, PLUS, limit_efficiency, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_GREYS = ("0.90", "0.78", "0.66", "0.54")  # of what is not known, one for every status
_COLOURS = {"efficiency": EFFICIENCY, "minus": MINUS}
_UNKNOWN = "NaN"  # what has no status, or a status that says nothing of it


def dataset(
    data: "xarray.Dataset",
    variable: str | None = None,
    *,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """A sweep: a line for one axis, a map for two. Larger ones must be sliced first.

    Where a value is NaN the figure is grey, and the legend names the status (`jd.Status`); a value
    between two that are not known is a dot. A line along an axis that turns back, as of a
    continuation up and down again, is solid on its way up and dashed on its way down. A map over
    such an axis is drawn against the number of the point on it.

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
    single = [dim for dim, size in values.sizes.items() if size == 1]
    values = values.squeeze(single, drop=True)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"dataset must have 1 or 2 axes of more than one point to be drawn, got {values.ndim}"
        )
    if name == "efficiency":
        values = values.copy(data=rounded_efficiency(values))
    reasons = _reasons(data, str(name), values, single)
    figure, (axes,) = new_figure(1, into=figure)
    if values.ndim == 2:
        _map(axes, _with_numbers(values), reasons)
        return figure
    _line(axes, values, reasons)
    if name == "efficiency":
        limit_efficiency(axes, values.to_numpy())
    return figure


def _reasons(
    data: "xarray.Dataset", name: str, values: "xarray.DataArray", single: list[Any]
) -> np.ndarray:
    """Why a value is not known, in words, of every point; empty where it is."""
    array = values.to_numpy()
    missing = np.isnan(array) if array.dtype.kind in "fc" else np.zeros(array.shape, bool)
    reasons = np.where(missing, _UNKNOWN, "").astype(object)
    status = ".".join([*name.split(".")[:-1], "status"])
    if not missing.any() or status not in status_names(data):
        return reasons
    codes = data[status].squeeze([dim for dim in single if dim in data[status].dims], drop=True)
    if codes.dims != values.dims:
        return reasons
    for code in np.unique(codes.to_numpy()[missing]):
        if code:
            reasons[missing & (codes.to_numpy() == code)] = name_of_status(int(code))
    return reasons


def _line(axes: "Axes", values: "xarray.DataArray", reasons: np.ndarray) -> None:
    dim = values.dims[0]
    x = values[dim].to_numpy()
    ways = values.coords.get("direction")
    parts = list(_legs(np.full(len(x), "") if ways is None else ways.to_numpy()))
    labelled, colour = {""}, _COLOURS.get(str(values.name), PLUS)
    for begin, end, way in parts:
        leg = values.isel({dim: slice(max(begin - 1, 0), end)})  # on from the one before
        label = None if way in labelled else way
        line = "--" if way == "down" else "-"
        leg.plot(ax=axes, color=colour, ls=line, label=label)  # pyright: ignore[reportCallIssue]
        labelled.add(way)
    alone = _alone(values.to_numpy())
    if alone.size:
        axes.plot(x[alone], values.to_numpy()[alone], ".", color=colour)
    if x.dtype.kind in "fiu":
        greys = _greys(reasons)
        for begin, end, way in parts:
            own, before = reasons[begin:end], slice(max(begin - 1, 0), end)
            if begin:
                own = np.concatenate([np.array([""], object), own])
            _shade(axes, x[before].astype(float), own, way, greys)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8)


def _legs(same: np.ndarray) -> Iterator[tuple[int, int, str]]:
    """(begin, end, what) of stretches of the same."""
    cuts = [0, *(np.flatnonzero(same[1:] != same[:-1]) + 1), len(same)]
    for begin, end in itertools.pairwise(cuts):
        yield int(begin), int(end), str(same[begin])


def _alone(values: np.ndarray) -> np.ndarray:
    """Known values between two that are not, of which no line is seen."""
    known = np.pad(~np.isnan(values) if values.dtype.kind in "fc" else values == values, 1)
    return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])


def _greys(reasons: np.ndarray) -> dict[str, str]:
    texts = sorted({text for text in reasons.ravel() if text})
    return {text: _GREYS[k % len(_GREYS)] for k, text in enumerate(texts)}


def _shade(
    axes: "Axes", x: np.ndarray, reasons: np.ndarray, way: str, greys: Mapping[str, str]
) -> None:
    """Grey from half-way to the points beside, for every stretch of one reason; hatched if down."""
    edges = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
    known = axes.get_legend_handles_labels()[1]
    for begin, end, text in _legs(reasons):
        if not text:
            continue
        label = f"{text}, {way}" if way else text
        style: dict[str, Any] = {"fc": greys[text], "ec": "none"}
        if way == "down":
            style = {"fc": "none", "ec": GREY, "hatch": "///", "alpha": 0.5}
        axes.axvspan(
            edges[begin], edges[end], lw=0, zorder=0, label=None if label in known else label,
            **style,
        )  # fmt: skip
        known.append(label)


def _map(axes: "Axes", values: "xarray.DataArray", reasons: np.ndarray) -> None:
    limits: dict[str, Any] = {}
    if float(values.min()) < 0 < float(values.max()):
        largest = float(np.nanmax(np.abs(values)))
        limits = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    values.plot(ax=axes, **limits)
    greys = _greys(reasons)
    if not greys:
        return
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    numbers = np.full(reasons.shape, np.nan)
    for k, text in enumerate(greys):
        numbers[reasons == text] = k
    labels = axes.get_xlabel(), axes.get_ylabel(), axes.get_title()
    values.copy(data=numbers).plot(  # pyright: ignore[reportCallIssue]
        ax=axes, cmap=ListedColormap([*greys.values()]), vmin=-0.5, vmax=len(greys) - 0.5,
        add_colorbar=False,
    )  # fmt: skip
    axes.set(xlabel=labels[0], ylabel=labels[1], title=labels[2])
    handles = [Patch(color=grey, label=text) for text, grey in greys.items()]
    axes.figure.legend(handles=handles, loc="outside upper center", fontsize=8, ncols=3)


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
