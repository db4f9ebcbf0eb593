"""Measured maps with the currents that were read from them, and their symmetry in a field."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..lab.extract_choice import curves
from .style import (
    ACCENT,
    EFFICIENCY,
    GREY,
    MINUS,
    PLUS,
    SMALLEST_EFFICIENCY,
    limit_efficiency,
    new_figure,
    with_unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from xarray import Dataset

    from ..lab.extract_result import ExtractedCurrents
    from ..lab.period import FluxPeriod

_MOST = 1500  # pixels of a map along an axis
_LINES = (
    (PLUS, "-", "$I_+$"),
    (MINUS, "-", "$I_-$"),
    (PLUS, ":", "$I_{r+}$"),
    (MINUS, ":", "$I_{r-}$"),
)


def extracted(
    found: "ExtractedCurrents",
    dataset: "Dataset | None" = None,
    *,
    model: Any = None,
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """A raw map with the edges that were read from it and a model's curves over it, and η below.

    A voltage is drawn as |V| less the line through the plateaus, as it was compared with the
    threshold; of two ways of the bias the first. Of a single curve: V(I) or dV/dI with its edges.
    Bars are standard errors with everything in. Along two axes: maps of I₊, I₋ and η.

    Args:
        found: of `jaxdiode.lab.switching_currents`, along two axes at most.
        dataset: the map; without it the edges are drawn alone. Left out along two axes.
        model: (I₊, I₋) at the places of the axis, (places, I₊, I₋), or a result with `plus` and
            `minus`, such as `jaxdiode.critical_currents` gives.

    Example:
        >>> import xarray
        >>> current, field = np.linspace(-2, 2, 81), np.linspace(0, 1, 5)
        >>> limit = 1 + 0.1 * np.sin(field[:, None])
        >>> voltage = np.sign(current) * np.sqrt(np.maximum(current**2 - limit**2, 0))
        >>> map = xarray.Dataset({"V": (("B", "I"), voltage)}, {"B": field, "I": current})
        >>> found = jd.lab.switching_currents(map)
        >>> figure = jd.plot.extracted(found, map, model=(limit[:, 0], limit[:, 0]))
        >>> print([axes.get_ylabel() for axes in figure.axes][:2])
        ['I', '$\\\\eta$']
    """
    long = [k for k, v in found.axes.items() if len(v) > 1]
    if len(long) > 2:
        raise ValueError(
            f"found must have two axes at most, it has {', '.join(long)}: found.select or "
            "found.average those that are not to be drawn"
        )
    if len(long) == 2:
        if dataset is not None or model is not None:
            raise ValueError(
                f"found must have one axis to be drawn over a map or with a model, it has "
                f"{', '.join(long)}: found.select or found.average one of them"
            )
        return _over_two(found, long, title, figure)
    if not long:
        return _curve(found, dataset, model, title, figure)
    (name,) = long
    figure, (top, below) = new_figure(2, heights=[2.4, 1.0], into=figure)
    x = found.axes[name]
    x = np.arange(len(x)) if isinstance(x, tuple) else np.asarray(x, float)
    if dataset is not None:
        _map(figure, top, found, dataset, x)
    for k, (color, style, label) in enumerate(_LINES):
        y, error = found.currents[k].ravel(), found.total_errors[k].ravel()
        if not np.isfinite(y).any() or (k > 1 and np.array_equal(y, found.currents[k - 2].ravel())):
            continue
        sign = 1 if k % 2 == 0 else -1
        top.errorbar(x, sign * y, error, color=color, ls=style, lw=0.9, marker=".", ms=3,
                     elinewidth=0.7, label=label)  # fmt: skip
    eta, error = found.efficiency.ravel(), found.efficiency_error.ravel()
    below.errorbar(x, eta, error, color=EFFICIENCY, ls="none", marker=".", ms=4, elinewidth=0.7)
    if model is not None:
        places, plus, minus = _model(model, x)
        top.plot(places, plus, color=ACCENT, lw=1.4, label="model", zorder=3)
        top.plot(places, -minus, color=ACCENT, lw=1.4, zorder=3)
        below.plot(places, (plus - minus) / (plus + minus), color=ACCENT, lw=1.2)
    below.axhline(0, color=GREY, lw=0.6)
    limit_efficiency(below, eta)
    top.set(ylabel=with_unit(found.bias, found.unit), title=title)
    below.set(ylabel=r"$\eta$", xlabel=with_unit(name, found.axis_units.get(name, "")))
    below.sharex(top)
    figure.legend(
        *top.get_legend_handles_labels(),
        loc="outside upper center",
        fontsize=8,
        ncols=5,
        frameon=False,
    )  # a map is dark where a legend would stand
    return figure


def _over_two(found: "ExtractedCurrents", long: list[str], title: str, figure) -> "Figure":
    """Maps of I₊, I₋ and η over two axes, the longer one to the right."""
    down, right = sorted(long, key=lambda name: len(found.axes[name]))
    axes_of = [name for name in found.axes if name in long]
    places = {
        name: np.arange(len(found.axes[name]))
        if isinstance(found.axes[name], tuple)
        else np.asarray(found.axes[name], float)
        for name in long
    }
    figure, panels = new_figure(3, into=figure)
    shape = [len(found.axes[name]) for name in axes_of]
    size = [found.plus, found.minus]
    ends = [np.nanmin(size), np.nanmax(size)] if np.isfinite(size).any() else [0.0, 1.0]
    most = np.nanmax(np.abs(found.efficiency), initial=SMALLEST_EFFICIENCY)
    rows = (
        (found.plus, "$I_+$", "viridis", ends),
        (found.minus, "$I_-$", "viridis", ends),
        (found.efficiency, r"$\eta$", "RdBu_r", [-most, most]),
    )
    order = {name: np.argsort(places[name], kind="stable") for name in long}
    for axes, (values, label, colours, (low, high)) in zip(panels, rows, strict=True):
        flat = np.reshape(values, shape)
        flat = flat if axes_of == [down, right] else flat.T
        shown = axes.pcolormesh(
            places[right][order[right]], places[down][order[down]],
            flat[order[down]][:, order[right]], cmap=colours, vmin=low, vmax=high,
            shading="nearest", rasterized=True,
        )  # fmt: skip
        unit = found.unit if axes is not panels[-1] else ""
        figure.colorbar(shown, ax=axes, label=with_unit(label, unit))
        axes.set(ylabel=with_unit(down, found.axis_units.get(down, "")))
    panels[0].set(title=title)
    panels[-1].set(xlabel=with_unit(right, found.axis_units.get(right, "")))
    return figure


def _map(figure, axes: "Axes", found: "ExtractedCurrents", dataset: "Dataset", x: np.ndarray):
    """dV/dI as it was measured, or |V| above the zero-voltage line."""
    given = {found.quantity: found.variable}
    raw = curves(dataset, found.bias, given.get("voltage"), given.get("resistance"))
    leg = max(raw.legs, key=lambda leg: leg.current.size)
    if len(leg.values) != x.size:
        raise ValueError(
            f"dataset must be the map that was read, with {x.size} curves, it has {len(leg.values)}"
        )
    columns = slice(None, None, max(1, leg.current.size // _MOST))
    values, current = leg.values[:, columns], leg.current[columns] - found.current_offset
    label = found.variable
    if found.quantity == "voltage":
        line = np.nan_to_num(found.voltage_offset).reshape(-1, 1)
        values = np.abs(values - line - found.series_resistance * current)
        label = f"|{label}| above the zero-voltage line"
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [1, 98]) if known.size else (0, 1)
    order = np.argsort(x)
    shown = axes.pcolormesh(
        x[order], current, values[order].T, cmap="Greys", vmin=low, vmax=high, shading="nearest",
        rasterized=True,
    )  # fmt: skip
    figure.colorbar(shown, ax=axes, label=with_unit(label, found.value_unit))


def _curve(found: "ExtractedCurrents", dataset, model, title, figure) -> "Figure":
    figure, (axes,) = new_figure(1, into=figure)
    if dataset is not None:
        given = {found.quantity: found.variable}
        raw = curves(dataset, found.bias, given.get("voltage"), given.get("resistance"))
        for leg in raw.legs:
            if len(leg.values) != 1:
                raise ValueError(
                    f"dataset must be the curve that was read, it has {len(leg.values)}"
                )
            up = leg.direction > 0
            axes.plot(leg.current - found.current_offset, leg.values[0], lw=1.0,
                      color=GREY, ls="-" if up else "--", marker=".", ms=3,
                      label=None if len(raw.legs) == 1 else "up" if up else "down")  # fmt: skip
    for k, (color, style, label) in enumerate(_LINES):
        y, error = (float(np.ravel(z[k])[0]) for z in (found.currents, found.total_errors))
        if np.isfinite(y) and not (k > 1 and _same(found.currents[k], found.currents[k - 2])):
            place = y if k % 2 == 0 else -y
            axes.axvline(place, color=color, ls=style, lw=1.2, label=f"{label} = {y:.4g}")
            axes.axvspan(place - error, place + error, color=color, alpha=0.15, lw=0)
    if model is not None:
        _, plus, minus = _model(model, np.zeros(1))
        for place in (plus[0], -minus[0]):
            axes.axvline(place, color=ACCENT, lw=1.2)
    axes.set(xlabel=with_unit(found.bias, found.unit), title=title,
             ylabel=with_unit(found.variable, found.value_unit))  # fmt: skip
    axes.legend(fontsize=8, loc="upper left")
    return figure


def _same(one: Any, other: Any) -> bool:
    """Of one way, whose edge stands for both."""
    return np.array_equal(one, other, equal_nan=True)


def _model(model: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if hasattr(model, "plus"):
        rows: Sequence[Any] = (x, model.plus, model.minus)
    else:
        rows = model if len(model) == 3 else (x, *model)
    places, plus, minus = (np.atleast_1d(np.asarray(r, float)) for r in rows)
    if not places.shape == plus.shape == minus.shape:
        raise ValueError(
            f"model must give a pair of currents at every place, got {plus.shape} and "
            f"{minus.shape} at {places.shape}"
        )
    return places, plus, minus


def flux_period(
    found: "FluxPeriod", *, title: str = "", figure: "Figure | SubFigure | None" = None
) -> "Figure":
    """I₊(B) beside the mirror image of I₋(B) about the field offset, the period marked.

    Example:
        >>> field = np.linspace(-1, 1, 101)
        >>> plus = 1 + 0.2 * np.cos(2 * np.pi * field / 0.4 - 0.9)
        >>> figure = jd.plot.flux_period(jd.lab.flux_period((field, plus, plus[::-1])))
        >>> print(len(figure.axes))
        2
    """
    figure, (top, below) = new_figure(2, into=figure)
    field, plus, minus = found.field, found.plus, found.minus
    top.plot(field, plus, color=PLUS, lw=1.0, label="$I_+(B)$")
    top.plot(field, minus, color=MINUS, lw=1.0, label="$I_-(B)$")
    if np.isfinite(found.period):
        count = (field[-1] - found.offset) / found.period, (field[0] - found.offset) / found.period
        for k in range(int(np.ceil(count[1])), int(np.floor(count[0])) + 1):
            top.axvline(found.offset + k * found.period, color=GREY, lw=0.5, ls=":")
    below.plot(field - found.offset, plus - found.current_offset, color=PLUS, lw=1.0,
               label="$I_+(B_0+b) - i$")  # fmt: skip
    below.plot(found.offset - field, minus + found.current_offset, color=MINUS, lw=1.0,
               label="$I_-(B_0-b) + i$")  # fmt: skip
    below.axvline(0, color=GREY, lw=0.6)
    told = f"period {found.period:.5g} ± {found.period_error:.1g} {found.field_unit}, asymmetry " \
           f"{found.asymmetry:.2f}"  # fmt: skip
    top.set(ylabel=with_unit("switching current", found.unit), title=title or told,
            xlabel=with_unit("field", found.field_unit))  # fmt: skip
    below.set(xlabel=with_unit("field from its offset, $b$", found.field_unit),
              ylabel=with_unit("switching current", found.unit))  # fmt: skip
    for axes in (top, below):
        axes.legend(fontsize=8, loc="upper right")
    return figure
