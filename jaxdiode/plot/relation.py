"""Current-phase relations."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ..core.cpr import CurrentPhaseRelation
from ..core.critical import rounded_efficiency
from ..core.device import AbstractDevice, AbstractPhaseBiased
from ..core.report import Report
from ..core.results import status_text
from ..numerics.status import Status
from .style import GREY, MINUS, PLUS, new_figure, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


def current_phase(
    result: Report | CurrentPhaseRelation | AbstractPhaseBiased,
    *,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """I(φ) with both critical currents marked, and its branches or spin bands when it has any.

    Where they are not known the figure says why. A device, or a relation (which knows neither its
    critical currents nor its branches), is evaluated first; that compiles once per kind of device.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> figure = jd.plot.current_phase(squid.report(), unit="nA")
        >>> print(len(figure.axes), figure.axes[0].get_ylabel())
        1 current (nA)
    """
    device = result.relation if isinstance(result, CurrentPhaseRelation) else result
    found = device.report() if isinstance(device, AbstractDevice) else device
    if not isinstance(found, Report):
        raise ValueError(f"result must be a report or of a device, got {type(result).__name__}")
    if found.relation is None:
        raise ValueError("result must be of a phase-biased device, got one without a relation")
    figure, (axes,) = new_figure(1, into=figure)
    turns = np.asarray(found.relation.phase) / np.pi
    bands = {"up": ("--", r"$I_\uparrow$"), "down": (":", r"$I_\downarrow$")}
    parts = found.parts if found.drawable else {}  # of no single-valued relation
    for k, (name, values) in enumerate(parts.items()):
        style, label = bands.get(name, ("-", "branches" if k == 0 else None))
        axes.plot(turns, values, color=GREY, lw=1.2 if name in bands else 0.9, ls=style,
                  alpha=1.0 if name in bands else 0.8, label=label)  # fmt: skip
    axes.plot(turns, found.relation.current, color="black", lw=1.8, label=r"total $I(\varphi)$")
    axes.set(xlabel=r"phase $\varphi/\pi$", ylabel=with_unit("current", unit), xlim=(0, 2))
    plus, minus = float(found.critical.plus), float(found.critical.minus)
    if np.isfinite(plus):
        axes.axhline(plus, color=PLUS, ls="--", label=f"$I_+$ = {plus:.4g} {unit}")
    if np.isfinite(minus):
        label = f"$I_-$ = {minus:.4g} {unit} (at $-I_-$)"
        axes.axhline(-minus, color=MINUS, ls="--", label=label)
    if found.drawable:
        axes.legend(fontsize=8, framealpha=0.9)
    # Where there is no relation that is the reason to be told, else that of the critical currents.
    status = found.status if found.drawable else found.relation.status
    if status != Status.CONVERGED:
        reason = textwrap.fill(status_text(status), 60)
        frame = {"facecolor": "white", "edgecolor": GREY}
        axes.text(0.5, 0.5, reason, ha="center", va="center", fontsize=9, color=MINUS,
                  transform=axes.transAxes, bbox=frame)  # fmt: skip
    known = np.isfinite(float(found.critical.efficiency))
    efficiency = rf"$\eta$ = {rounded_efficiency(found.critical.efficiency):+.4f}"
    axes.set_title(title or (efficiency if known else r"$\eta$ is not known"))
    return figure
