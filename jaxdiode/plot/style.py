"""Colours, sizes and labels that all figures share."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Okabe & Ito's colours, told apart by every kind of colour vision.
PLUS, MINUS, EFFICIENCY, ACCENT, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7F7F7F"

SMALLEST_EFFICIENCY = 1e-6  # half height of an axis of η: less is no diode anybody can measure


def with_unit(label: str, unit: str) -> str:
    return f"{label} ({unit})" if unit else label


def new_figure(
    rows: int,
    columns: int = 1,
    heights: list[float] | None = None,
    *,
    into: "Figure | SubFigure | None" = None,
    projection: str | None = None,
) -> "tuple[Figure, np.ndarray]":
    """A figure and its axes, which is drawn without pyplot; or axes in one that is there."""
    from matplotlib.figure import Figure, SubFigure

    if into is not None:
        if not isinstance(into, Figure | SubFigure):
            raise ValueError(
                f"figure must be a matplotlib Figure or SubFigure, got {type(into).__name__}"
            )
        figure: Any = into  # a SubFigure lacks only the size and savefig
    else:
        size = (6.4 if columns == 1 else 8.0, {1: 4.2, 2: 5.6}.get(rows, 6.8))
        figure = Figure(figsize=size, dpi=150, layout="constrained")
    return figure, np.ravel(
        figure.subplots(rows, columns, height_ratios=heights, subplot_kw={"projection": projection})
    )


def limit_efficiency(axes: "Axes", drawn: np.ndarray) -> None:
    """Keep the axis of η wide enough that a reciprocal device shows none."""
    known = drawn[np.isfinite(drawn)]
    if known.size and np.max(np.abs(known)) < SMALLEST_EFFICIENCY:
        axes.set_ylim(-SMALLEST_EFFICIENCY, SMALLEST_EFFICIENCY)
