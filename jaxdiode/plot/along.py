"""Critical currents against flux, coil current or any one parameter."""

from typing import TYPE_CHECKING

import numpy as np

from .._checks import Numbers
from ..core.critical import rounded_efficiency
from .style import EFFICIENCY, GREY, MINUS, PLUS, limit_efficiency, new_figure, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_POINTS = {"marker": "o", "ms": 3, "ls": "", "alpha": 0.6, "mew": 0, "elinewidth": 0.6}


def critical_currents_along(
    x: Numbers,
    plus: Numbers,
    minus: Numbers,
    *,
    label: str = r"flux ($\Phi_0$)",
    unit: str = "",
    title: str = "",
    measured: tuple[Numbers, Numbers, Numbers] | None = None,
    residuals: tuple[Numbers, Numbers] | None = None,
    sigma: tuple[Numbers, Numbers] | Numbers | None = None,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """I₊ and I₋ above, η below, against flux, coil current or any one parameter.

    Args:
        measured: (x, plus, minus) drawn as points.
        residuals: measured − fitted of I₊ and I₋ at the measured points, in a panel between.
        sigma: standard deviation of one measured point, drawn as error bars: one number, or
            arrays for I₊ and I₋.

    Example:
        >>> squid = jd.Squid([jd.TunnelJunction(100), jd.TunnelJunction(100)], flux=[0])
        >>> device, coil = jd.CoilBiasedSquid(squid, turns=[65]), jnp.linspace(-0.01, 0.01, 3)
        >>> found = device.switching_currents(coil)
        >>> figure = jd.plot.critical_currents_along(coil, found.plus, found.minus, unit="nA")
        >>> print(len(figure.axes), figure.axes[0].get_ylabel())
        2 critical current (nA)
    """
    x, plus, minus = (np.asarray(a, float) for a in (x, plus, minus))
    heights = [3.0, 1.0, 2.0] if residuals is not None else [1.0, 1.0]
    figure, panels = new_figure(len(heights), heights=heights, into=figure)
    top, bottom = panels[0], panels[-1]
    shown = [_efficiency(plus, minus)]
    if measured is not None:
        at, up, down = (np.asarray(a, float) for a in measured)
        error = both_errors(sigma, up, down)
        points = ((up, error[0], PLUS, "I_+"), (down, error[1], MINUS, "I_-"))
        for values, bars, colour, name in points:
            top.errorbar(at, values, bars, color=colour, label=rf"${name}$ measured", **_POINTS)
        shown.append(_efficiency(up, down))
        bottom.errorbar(at, shown[-1], _efficiency_error(up, down, error), color=EFFICIENCY,
                        **_POINTS)  # fmt: skip
        if residuals is not None:
            for values, (_, bars, colour, _) in zip(residuals, points, strict=True):
                panels[1].errorbar(at, np.asarray(values), bars, color=colour, **_POINTS)
            panels[1].axhline(0, color=GREY, lw=0.6)
            panels[1].set_ylabel(with_unit("residual", unit))
    top.plot(x, plus, color=PLUS, lw=1.2, label=r"$I_+$")
    top.plot(x, minus, color=MINUS, lw=1.2, label=r"$I_-$")
    bottom.plot(x, shown[0], color=EFFICIENCY, lw=1.2)
    bottom.axhline(0, color=GREY, lw=0.6)
    limit_efficiency(bottom, np.concatenate([np.ravel(a) for a in shown]))
    top.set(ylabel=with_unit("critical current", unit), title=title)
    _start_at_zero(top, *(() if measured is None else measured[1:]), plus, minus)
    figure.legend(loc="outside upper center", fontsize=8, ncols=4, frameon=False)
    bottom.set(xlabel=label, ylabel=r"diode efficiency $\eta$")
    for panel in panels[:-1]:
        panel.sharex(bottom)
        panel.tick_params(labelbottom=False)
    return figure


def _efficiency(plus, minus):
    with np.errstate(divide="ignore", invalid="ignore"):
        return rounded_efficiency((plus - minus) / (plus + minus))


def both_errors(sigma, up, down):
    """σ of the points of both directions, None where it is not known."""
    if sigma is None:
        return None, None
    pair = (sigma, sigma) if np.ndim(sigma) == 0 else sigma
    return tuple(
        np.broadcast_to(np.asarray(s, float), np.shape(v))
        for s, v in zip(pair, (up, down), strict=True)
    )


def _efficiency_error(up, down, error):
    """Of η, from independent errors of both currents."""
    if error[0] is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2 * np.hypot(down * error[0], up * error[1]) / (up + down) ** 2


def _start_at_zero(axes, *currents):
    """From zero where the currents come near it; else the axis fits the data."""
    values = np.concatenate([np.ravel(np.asarray(a, float)) for a in currents])
    values = values[np.isfinite(values)]
    if values.size and 0 <= values.min() < 0.4 * values.max():
        axes.set_ylim(bottom=0)
