"""Fitted parameters: how far from the truth, and how they depend on one another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._checks import Numbers
from .style import GREY, PLUS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_WRITTEN = 12  # parameters up to which every correlation is written out


def errors(
    names: Sequence[str],
    values: Numbers,
    spread: Numbers,
    truth: Numbers,
    *,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """(Fitted − true)/standard error of parameters whose truth is known.

    Example:
        >>> names, values, spread = ["first", "turns"], [94.8, 65.1], [0.3, 0.02]
        >>> figure = jd.plot.errors(names, values, spread, truth=[95.0, 65.08])
        >>> print([label.get_text() for label in figure.axes[0].get_yticklabels()])
        ['first', 'turns']
    """
    values, spread, truth = (np.asarray(a, float) for a in (values, spread, truth))
    figure, (axes,) = new_figure(1, into=figure)
    position = np.arange(len(names))[::-1]
    axes.axvspan(-1, 1, color=GREY, alpha=0.2, lw=0)
    axes.errorbar((values - truth) / spread, position, xerr=1, fmt="o", color=PLUS)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_xlabel("(fitted − true)/standard error")
    axes.set_yticks(position, names, fontsize=8)
    return figure


def correlations(
    names: Sequence[str],
    values: Numbers,
    covariance: Numbers,
    *,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Correlation matrix of fitted parameters, with values and standard errors as labels.

    Near ±1 the data tell two parameters apart only together. Blank where an error is not known.

    Example:
        >>> names, values = ["squid.branches.0.second", "turns"], [94.8, 65.1]
        >>> figure = jd.plot.correlations(names, values, [[0.09, 0.003], [0.003, 0.0004]])
        >>> print(len(figure.axes), figure.axes[0].texts[1].get_text())  # with its colour bar
        2 0.50
    """
    values, covariance = np.asarray(values, float), np.asarray(covariance, float)
    spread = np.sqrt(np.clip(np.diag(covariance), 0, None))
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = covariance / np.outer(spread, spread)
    figure, (axes,) = new_figure(1, into=figure)
    shown = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    figure.colorbar(shown, ax=axes, label="correlation")
    if len(names) <= _WRITTEN:
        for (row, column), value in np.ndenumerate(matrix):
            if np.isfinite(value):
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7,
                          color="white" if abs(value) > 0.6 else "black")  # fmt: skip
    rows = [
        f"{name} = {value:.5g} ± {error:.2g}   {k}"
        for k, (name, value, error) in enumerate(zip(names, values, spread, strict=True), start=1)
    ]
    axes.set_yticks(np.arange(len(names)), rows, fontsize=7)
    axes.set_xticks(np.arange(len(names)), np.arange(1, len(names) + 1), fontsize=7)
    return figure
