"""Draws from a posterior: marginals and pairs, and the data within the band of predictions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .. import _checks
from .style import GREY, MINUS, PLUS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..studies.posterior import Posterior

_MOST = 10  # parameters drawn where none are named
_POINTS = 2000  # draws of a panel of two parameters
_BINS = 40


def posterior(
    found: "Posterior",
    names: Sequence[str] | None = None,
    *,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Histograms of every parameter, one line per chain, and draws of every pair below them.

    Divergent draws stand out. Without `names`, the first ten parameters.

    Example:
        >>> x = jnp.linspace(0, 6, 21)
        >>> space = jd.Space(jd.Harmonics([1.0, 0.5]), {"sine": (0, 2)})
        >>> def model(device):
        ...     return device.current(x)
        >>> found = jd.sample_posterior(model, space, model(space.device), 0.1, key=0, draws=200)
        >>> figure = jd.plot.posterior(found)
        >>> print(len(figure.axes), figure.axes[-1].get_xlabel())
        4 sine.1
    """
    chosen = list(found.names[:_MOST] if names is None else names)
    for name in chosen:
        if name not in found.names:
            raise _checks.unknown_name("parameter", name, found.names)
    count = len(chosen)
    own = figure is None
    figure, axes = new_figure(count, count, into=figure)
    if own:
        figure.set_size_inches(1.2 + 1.3 * count, 1.0 + 1.3 * count)
    grid = axes.reshape(count, count)
    columns = [found.draws[name] for name in chosen]
    step = max(found.flat.shape[0] // _POINTS, 1)
    diverged = found.divergent.ravel()
    for (i, j), ax in np.ndenumerate(grid):
        if j > i:
            ax.set_visible(False)
            continue
        if i == j:
            edges = np.histogram_bin_edges(columns[i], _BINS)
            for chain in columns[i]:
                ax.hist(chain, edges, density=True, histtype="step", lw=0.7)
            ax.set_yticks([])
        else:
            x, y = columns[j].ravel(), columns[i].ravel()
            ax.plot(x[::step], y[::step], ",", color=PLUS, alpha=0.5)
            ax.plot(x[diverged], y[diverged], ".", color=MINUS, ms=3)
        ax.tick_params(labelsize=5, labelbottom=i == count - 1, labelleft=j == 0 and i > 0)
        if i == count - 1:
            ax.set_xlabel(chosen[j], fontsize=6)
        if j == 0 and i > 0:
            ax.set_ylabel(chosen[i], fontsize=6)
    return figure


def posterior_predictive(
    found: "Posterior",
    *,
    label: str = "position along the axis",
    unit: str = "",
    level: float = 0.95,
    key: int = 0,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Every row of the data with the band in which new measurements would lie, and the narrower
    one of the predictions without noise.

    Example:
        >>> x = jnp.linspace(0, 6, 21)
        >>> space = jd.Space(jd.TunnelJunction(1.0), {"critical_current": (0, 2)})
        >>> def model(device):
        ...     return device.current(x)
        >>> found = jd.sample_posterior(model, space, model(space.device), 0.1, key=0, draws=200)
        >>> figure = jd.plot.posterior_predictive(found)
        >>> print(len(figure.axes), "95" in figure.axes[0].get_legend_handles_labels()[1][0])
        1 True
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}")
    ends = [0.5 - level / 2, 0.5 + level / 2]
    points = found.data.size
    with_noise = np.quantile(found.predictive(key).reshape(-1, points), ends, axis=0)
    without = np.quantile(found.prediction.reshape(-1, points), ends, axis=0)
    figure, axes = new_figure(len(found.labels), into=figure)
    for k, ax in enumerate(axes):
        own = np.flatnonzero(found.row == k)
        own = own[np.argsort(found.position[own])]
        x = found.position[own]
        ax.fill_between(x, *with_noise[:, own], color=GREY, alpha=0.3, lw=0,
                        label=f"{level:.0%} of measurements")  # fmt: skip
        ax.fill_between(x, *without[:, own], color=PLUS, alpha=0.6, lw=0,
                        label=f"{level:.0%} of the model")  # fmt: skip
        ax.plot(x, found.data[own], ".", color="black", ms=3, label="measured")
        ax.set_ylabel(f"{found.labels[k]} ({unit})" if unit else found.labels[k])
    axes[0].legend(fontsize=7)
    axes[-1].set_xlabel(label)
    return figure
