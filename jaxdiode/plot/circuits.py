"""Circuits: critical sets of two currents, threshold curves."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..core.paths import written
from .style import ACCENT, EFFICIENCY, GREY, MINUS, PLUS, new_figure, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..circuits.contour import CriticalContour
    from ..circuits.threshold import ThresholdCurves

_COLOURS = (PLUS, MINUS, EFFICIENCY, ACCENT, GREY)
_DARK, _FAINT = "#303030", "#C4C4C4"


def critical_contour(
    found: "CriticalContour | Mapping[str, CriticalContour]",
    *,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """The critical set in the plane of two currents; several by their names, such as fluxes.

    A ray without a value leaves a gap. A cross marks an origin that is not zero.

    Example:
        >>> elements = {
        ...     "A": jd.Junction("A", "0", jd.TunnelJunction(1.0)),
        ...     "B": jd.Junction("B", "0", jd.TunnelJunction(0.7)),
        ... }
        >>> pair = jd.Circuit(elements, terminals=("A", "0"))
        >>> (axes,) = jd.plot.critical_contour(jd.critical_contour(pair), unit="nA").axes
        >>> print(axes.get_xlabel(), axes.get_aspect())
        current into A (nA) 1.0
    """
    named = dict(found) if isinstance(found, Mapping) else {"": found}
    if not named:
        raise ValueError("found must hold at least one contour, got none")
    nodes = {contour.nodes for contour in named.values()}
    if len(nodes) > 1:
        raise ValueError(f"found must be of the same two nodes, got {sorted(nodes)}")
    figure, (axes,) = new_figure(1, into=figure)
    for line in (axes.axhline, axes.axvline):
        line(0, color=GREY, lw=0.6)
    for k, (name, contour) in enumerate(named.items()):
        colour = _COLOURS[k % len(_COLOURS)]
        if np.ndim(contour.radius) != 1:
            raise ValueError(f"found must be of one circuit each, got {np.shape(contour.radius)}")
        axes.plot(*_outline(contour).T, color=colour, lw=1.4, label=name)
        if np.any(np.asarray(contour.origin)):
            axes.plot(*np.asarray(contour.origin), "+", color=colour, ms=7)
    ((first, second),) = nodes
    axes.set(
        xlabel=with_unit(f"current into {first}", unit),
        ylabel=with_unit(f"current into {second}", unit), title=title,
    )  # fmt: skip
    axes.set_aspect("equal")
    if any(named):
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def _outline(contour: "CriticalContour") -> np.ndarray:
    """Points in the order of their angles, closed where these go all the way round."""
    angle, points = np.asarray(contour.angle), np.asarray(contour.current)
    turned = np.mod(angle - angle[0], 2 * np.pi)
    order = np.argsort(turned, kind="stable")
    steps = np.diff(np.append(turned[order], 2 * np.pi))
    goes_round = steps.size > 2 and steps[-1] <= 1.5 * np.max(steps[:-1])
    return points[np.append(order, order[0])] if goes_round else points[order]


def threshold_curves(
    found: "ThresholdCurves",
    *,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Folds against the parameter: stable ones dark, others faint, and the envelope over them.

    Example:
        >>> squid = jd.Circuit({
        ...     "J0": jd.Junction("in", "0", jd.TunnelJunction(1.0)),
        ...     "J1": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
        ...     "L": jd.Inductor("in", "1", 0.5),
        ... }, terminals=("in", "0"))
        >>> found = jd.threshold_curves(squid, "elements.L.offset", np.linspace(0, 1, 5))
        >>> (axes,) = jd.plot.threshold_curves(found, unit="nA").axes
        >>> print(axes.get_xlabel(), "|", axes.get_ylabel())
        flux offset, elements.L.offset (Φ₀) | current (nA)
    """
    figure, (axes,) = new_figure(1, into=figure)
    axes.axhline(0, color=GREY, lw=0.6)
    for stable, colour, width, name in (
        (False, _FAINT, 0.8, "unstable folds"),
        (True, _DARK, 1.2, "stable folds"),
    ):
        for x, y in _curves(found, stable):
            style = "-" if len(x) > 1 else "."
            axes.plot(x, y, style, color=colour, lw=width, ms=2.5, label=name)
            name = "_nolegend_"
    for ends, colour, name in ((found.plus, PLUS, r"$I_+$"), (-found.minus, MINUS, r"$-I_-$")):
        axes.plot(found.value, ends, color=colour, lw=2.4, alpha=0.75, label=name)
    axes.set(
        xlabel=with_unit(found.label, written(found.unit, unit)),
        ylabel=with_unit("current", unit), title=title,
    )  # fmt: skip
    figure.legend(loc="outside upper center", fontsize=8, ncols=4, frameon=False)
    return figure


def _curves(found: "ThresholdCurves", stable: bool):
    """(values, currents) of every lobe of folds of one kind."""
    chosen = np.isfinite(found.current) & (found.stable == stable)
    for number in np.unique(found.lobe[chosen]):
        row, column = np.nonzero(chosen & (found.lobe == number))
        yield found.value[row], found.current[row, column]
