"""Searches and trade-offs."""

from typing import TYPE_CHECKING

import numpy as np

from ..numerics.status import Status
from .style import ACCENT, EFFICIENCY, GREY, MINUS, PLUS, new_figure

if TYPE_CHECKING:
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
