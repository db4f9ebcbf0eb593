"""Currents in time and heat: exact thermal I–V curves, switching, Shapiro steps."""

from typing import TYPE_CHECKING

import numpy as np

from .style import GREY, MINUS, PLUS, new_figure, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..dynamics.steps import ShapiroSteps
    from ..thermal.histogram import SwitchingDistribution
    from ..thermal.iv import ThermalIV


def thermal_iv(
    curve: "ThermalIV",
    *,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """|V|/R on a logarithmic axis and dV/dI in units of R, both directions against |i|.

    The logarithmic axis ends 12 decades below the largest voltage.

    Example:
        >>> warm = jd.thermal_iv(jd.TunnelJunction(1.0), np.linspace(-2, 2, 41), noise=0.1)
        >>> print(len(jd.plot.thermal_iv(warm).axes))
        2
    """
    current, voltage, slope = (
        np.ravel(x) for x in (curve.current, curve.voltage, curve.resistance)
    )
    figure, (top, bottom) = new_figure(2, into=figure)
    for sign, color, name in ((1, PLUS, "+"), (-1, MINUS, "−")):
        here = np.flatnonzero(sign * current > 0)
        here = here[np.argsort(np.abs(current[here]))]
        if here.size:
            top.plot(np.abs(current[here]), np.abs(voltage[here]), color=color, label=name)
            bottom.plot(np.abs(current[here]), slope[here], color=color)
    known = np.abs(voltage[np.isfinite(voltage) & (voltage != 0)])
    if known.size:
        top.set_yscale("log")
        top.set_ylim(max(known.min(), 1e-12 * known.max()) / 2, 2 * known.max())
    bottom.axhline(1, color=GREY, lw=0.6, ls=":")
    top.set(ylabel=with_unit(r"$|V|/R$", unit), title=title)
    bottom.set(xlabel=with_unit(r"$|I|$", unit), ylabel=r"$dV/dI$ ($R$)")
    top.legend(fontsize=8, loc="lower right", title="direction", title_fontsize=8)
    return figure


def steps(
    found: "ShapiroSteps",
    *,
    unit: str = "",
    voltage_unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Every step as a bar between its edges, at its voltage; units of bias and voltage.

    Example:
        >>> driven = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.5, 1.0))
        >>> print(len(jd.plot.steps(jd.shapiro_steps(driven, [-1, 0, 1])).axes[0].lines))
        4
    """
    lower, upper, voltage = (np.asarray(x) for x in (found.lower, found.upper, found.voltage))
    figure, (axes,) = new_figure(1, into=figure)
    for (n, m), low, high, v in zip(np.asarray(found.orders), lower, upper, voltage, strict=True):
        name = f"{n}" if m == 1 else f"{n}/{m}"
        if np.isfinite(low) and np.isfinite(high):
            axes.plot([low, high], [v, v], color=PLUS, lw=2.5, solid_capstyle="butt")
            axes.annotate(name, ((low + high) / 2, v), (0, 4), textcoords="offset points",
                          ha="center", fontsize=8)  # fmt: skip
    axes.axvline(0, color=GREY, lw=0.6)
    axes.set(xlabel=with_unit("bias", unit), title=title,
             ylabel=with_unit(r"voltage $\langle\dot\varphi\rangle$", voltage_unit))  # fmt: skip
    return figure


def switching_distribution(
    found: "SwitchingDistribution",
    *,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """P(i) of both directions with their means; its formula in the title.

    Example:
        >>> found = jd.switching_distribution(jd.TunnelJunction(1.0), noise=0.02, rate=1e-4)
        >>> print(len(jd.plot.switching_distribution(found).axes))
        1
    """
    figure, (axes,) = new_figure(1, into=figure)
    for k, (color, name) in enumerate(((PLUS, "+"), (MINUS, "-"))):
        current, density = np.asarray(found.current[k]), np.asarray(found.density[k])
        mean, deviation = float(found.mean[k]), float(found.deviation[k])
        if np.ndim(current) != 1:
            raise ValueError(f"found must be of one device, got shape {np.shape(found.mean)}")
        if not np.isfinite(mean):
            continue
        here = density > 1e-6 * density.max()
        label = rf"$I_{name}$: {mean:.4g}, $\sigma$ = {deviation:.2g}"
        axes.fill_between(current[here], density[here], color=color, alpha=0.35)
        axes.plot(current[here], density[here], color=color, lw=1.4, label=label)
        axes.axvline(mean, color=color, lw=1.2, ls="--")
    axes.set(xlabel=with_unit("switching current", unit),
             ylabel=with_unit("density", f"1/{unit}" if unit else ""),
             title=title or found.formula)  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.margins(y=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="best")
    return figure
