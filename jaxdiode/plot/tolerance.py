"""Margins of parameters: bars of each, boundaries of pairs."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .style import ACCENT, GREY, MINUS, PLUS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..studies.tolerance import Margins

_MOST = 8  # parameters of a matrix of pairs
_ROW, _PANEL = 0.34, 1.3  # inches


def margins(result: "Margins", *, figure: "Figure | SubFigure | None" = None) -> "Figure":
    """Bars from the low to the high margin of every parameter, in % of its value (of Φ₀).

    The critical one is marked. A pale bar goes on as far as was searched where nothing fails.

    Example:
        >>> found = jd.margins(jd.TunnelJunction(100), {"plus": (80, 110)}, progress=False)
        >>> axes = jd.plot.margins(found).axes[0]
        >>> print([round(bar.get_width()) for bar in axes.patches if bar.get_width()])
        [-20, 10]
    """
    count = len(result.names)
    own = figure is None
    drawn, (axes,) = new_figure(1, into=figure)
    if own:
        drawn.set_figheight(max(3.0, 1.2 + _ROW * count))
    searched = 100 * (result.reach - result.nominal[:, None]) / result.scale[:, None]
    relative = 100 * result.relative
    critical = result.critical
    for k, side in itertools.product(range(count), (0, 1)):
        where, value = count - 1 - k, relative[k, side]
        if np.isnan(value):
            axes.barh(where, searched[k, side], color=GREY, alpha=0.3, height=0.6)
            continue
        hit = critical is not None and (critical.name, critical.side) == (
            result.names[k], ("low", "high")[side]
        )  # fmt: skip
        colour = ACCENT if hit else (MINUS, PLUS)[side]
        axes.barh(where, value, color=colour, height=0.6, label="critical" if hit else None)
        axes.annotate(
            f"{value:+.3g}", (value, where), xytext=((-3, 3)[side], 0), fontsize=7,
            textcoords="offset points", va="center", ha=("right", "left")[side],
        )  # fmt: skip
    axes.axvline(0, color="black", lw=0.8)
    axes.margins(x=0.12)
    axes.set_yticks(np.arange(count)[::-1], result.names, fontsize=8)
    axes.set_xlabel("margin (% of the value; of a flux, of Φ₀)")
    axes.set_title(", ".join(result.labels), fontsize=9)
    if critical is not None:
        axes.legend(fontsize=8, loc="best")
    return drawn


def margin_pairs(
    result: "Margins",
    names: Sequence[str] | None = None,
    *,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Boundaries in the planes of pairs: a matrix of panels, both axes in % as for `margins`.

    Dots are where the specification fails, open ones where the search ended before; the dashed
    box holds the margins of both alone.

    Args:
        result: with pairs.
        names: parameters to show; without it the eight of the smallest margins.

    Raises:
        ValueError: a result without pairs, unknown names, fewer than two.

    Example:
        >>> squid = jd.Squid([jd.TunnelJunction(60), jd.TunnelJunction(40)], flux=[0.0])
        >>> found = jd.margins(squid, {"plus": (90, 125)}, points=16, progress=False)
        >>> print(len(jd.plot.margin_pairs(found).axes))
        3
    """
    if not len(result.pair_share):
        raise ValueError("result must hold pairs of parameters, got none (margins(pairs=True))")
    chosen = _chosen(result, names)
    size = len(chosen) - 1
    own = figure is None
    drawn, panels = new_figure(size, size, into=figure)
    if own:
        side = max(4.2, 0.8 + _PANEL * size)
        drawn.set_size_inches(side, side)
    planes = list(itertools.combinations(range(len(result.names)), 2))
    for row, column in itertools.product(range(1, size + 1), range(size)):
        axes = panels[(row - 1) * size + column]
        if row <= column:
            axes.remove()
            continue
        i, j = chosen[column], chosen[row]
        _draw_pair(axes, result, planes.index((i, j)), i, j)
        axes.tick_params(labelsize=5)
        if row == size:
            axes.set_xlabel(result.names[i], fontsize=6)
        if column == 0:
            axes.set_ylabel(result.names[j], fontsize=6)
    return drawn


def _chosen(result, names) -> list[int]:
    if names is None:
        order = np.argsort(np.nanmin(result.share, axis=1, initial=np.inf), kind="stable")
        return sorted(order[:_MOST].tolist())
    for name in names:
        if name not in result.names:
            raise _checks.unknown_name("parameter", name, result.names)
    chosen = sorted({result.names.index(name) for name in names})
    if len(chosen) < 2:
        raise ValueError(f"names must be of at least two parameters, got {list(names)}")
    return chosen


def _draw_pair(axes: Any, result, plane: int, i: int, j: int) -> None:
    share = result.pair_share[plane]
    known = np.isfinite(share)
    far = np.where(known, share, result.pair_reach[plane])
    x, y = (_percent(result, k, far * part(result.angle)) for k, part in ((i, np.cos), (j, np.sin)))
    axes.fill(x, y, color=PLUS, alpha=0.15, lw=0)
    axes.plot(np.append(x, x[0]), np.append(y, y[0]), color=PLUS, lw=0.8)
    axes.plot(x[known], y[known], ".", color=PLUS, ms=3)
    axes.plot(x[~known], y[~known], "o", mfc="white", mec=GREY, ms=3)
    box = [_percent(result, k, _ends(result, k)) for k in (i, j)]
    axes.plot(box[0][[0, 1, 1, 0, 0]], box[1][[0, 0, 1, 1, 0]], "--", color=GREY, lw=0.6)
    axes.plot(0, 0, "+", color="black", ms=4)


def _ends(result, k: int) -> np.ndarray:
    signed = result.share[k] * np.array([-1.0, 1.0])
    return np.where(np.isnan(signed), result.allowed[k], signed)


def _percent(result, k: int, x: np.ndarray) -> np.ndarray:
    return 100 * (result.value(k, x) - result.nominal[k]) / result.scale[k]
