"""What scatter of fabrication does to designs."""

from typing import TYPE_CHECKING

import numpy as np

from .style import ACCENT, EFFICIENCY, GREY, MINUS, PLUS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..studies.robust.result import SpreadStatistics

_BINS = 60


def scattered(
    results: "dict[str, SpreadStatistics]",
    *,
    label: str = "objective",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """How an objective is distributed over fabricated devices, of one design or several.

    Triangles mark the quantile of each, dotted lines what it would be without scatter.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> eta = jd.robust(jd.diode_efficiency, jd.Spread({"branches": "5 %"}), samples=64)
        >>> found = eta.statistics(squid, key=1, samples=400)
        >>> figure = jd.plot.scattered({"design": found}, label="η")
        >>> print(figure.axes[0].get_xlabel(), len(figure.axes[0].lines))
        η 2
    """
    figure, (axes,) = new_figure(1, into=figure)
    known = {name: r.values[np.isfinite(r.values)] for name, r in results.items()}
    every = np.concatenate(list(known.values()))
    if not every.size:
        raise ValueError("results must have a device with a finite objective, got none")
    low, high = np.quantile(every, [0.001, 0.999])
    edges = np.linspace(low, high if high > low else low + (abs(low) or 1.0) * 1e-6, _BINS + 1)
    colours = (EFFICIENCY, PLUS, MINUS, ACCENT)
    for i, (name, result) in enumerate(results.items()):
        colour, style = colours[i % len(colours)], ("-", "--", "-.")[i // len(colours) % 3]
        counts, _ = np.histogram(known[name], edges)
        density = counts / max(known[name].size, 1) / np.diff(edges)
        words = f"{name}: mean {result.mean:.4f}"
        if np.isfinite(result.threshold):
            words += f", yield {result.yield_fraction:.3f}"
        axes.stairs(density, edges, color=colour, ls=style, lw=1.6, label=words)
        axes.plot(result.quantile, 0, marker="^", color=colour, ms=8, clip_on=False, zorder=3)
        axes.axvline(result.nominal, color=colour, ls=":", lw=1)
    limits = {r.threshold for r in results.values() if np.isfinite(r.threshold)}
    left, _ = axes.set_xlim(axes.get_xlim())
    for limit in limits:
        axes.axvspan(left, limit, color=GREY, alpha=0.12, lw=0)
    axes.set(xlabel=label, ylabel="probability density", ylim=(0, None))
    level = next(iter(results.values())).level
    axes.legend(fontsize=8, title=f"▲ quantile {level:g}   ⋯ without scatter", title_fontsize=8)
    return figure
