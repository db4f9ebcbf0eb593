"""The profile of a junction's critical current density, and the measurement it follows from."""

from typing import TYPE_CHECKING

import numpy as np

from ..inverse.result import ProfileFit
from .style import ACCENT, GREY, MINUS, PLUS, new_figure, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


def profile(
    found: ProfileFit,
    *,
    unit: str = "",
    field_unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """A fitted profile with its error band; beside it I±(B), measured and fitted, and residuals.

    Profiles that other starts found are thin dashed lines: those that fit as well and differ are
    what `agree` and the notes speak of.

    Args:
        found: of `jd.inverse.fit_profile`.
        unit, field_unit: of the currents and of the field.

    Example:
        >>> field, local = np.linspace(0, 2, 9), jd.Harmonics([1.0, -0.3])
        >>> junction = jd.ExtendedJunction(local, profile=[1.4, 0.6], interpolation="boxes")
        >>> exact = [jd.critical_currents(jd.replace(junction, {"flux": f})) for f in field]
        >>> plus, minus = (np.array([getattr(x, s) for x in exact]) for s in ("plus", "minus"))
        >>> found = jd.inverse.fit_profile(
        ...     local, field, plus, minus, sigma=0.01, boxes=2, order=1, starts=1
        ... )
        >>> figure = jd.plot.profile(found, unit="µA", field_unit="mT")
        >>> print([axes.get_ylabel() for axes in figure.axes])
        ['critical current density / mean', 'critical current (µA)', 'model − data (µA)']
    """
    figure, (left, top, empty, below) = new_figure(2, 2, [2.5, 1.0], into=figure)
    empty.remove()
    left.set_subplotspec(left.get_gridspec()[:, 0])
    edges = np.linspace(-0.5, 0.5, found.x.size + 1)
    best = int(np.argmin(np.sum((found.densities - found.density) ** 2, axis=1)))
    for k, density in enumerate(found.densities):
        if k != best:
            left.stairs(density, edges, color=ACCENT, lw=0.8, ls="--", baseline=None)
    left.stairs(
        found.density + found.errors, edges, baseline=found.density - found.errors,
        fill=True, color=GREY, alpha=0.4, lw=0, label="± standard error",
    )  # fmt: skip
    left.stairs(found.density, edges, color="black", baseline=None, label="profile")
    if found.densities.shape[0] > 1:
        left.plot([], [], color=ACCENT, lw=0.8, ls="--", label="other starts")
    left.set_ylim(bottom=0)
    left.set(xlabel="x / width", ylabel="critical current density / mean")
    left.legend(fontsize=8)
    order = np.argsort(found.field)
    measured = ((found.plus, "$I_+$", PLUS), (found.minus, "$I_-$", MINUS))
    for (data, label, colour), model in zip(measured, found.model, strict=True):
        top.plot(found.field, data, ".", ms=4, color=colour, label=label)
        top.plot(found.field[order], model[order], color=colour, lw=1)
        below.plot(found.field, model - data, ".", ms=4, color=colour)
    below.axhline(0, color="black", lw=0.8)
    top.set_ylabel(with_unit("critical current", unit))
    top.tick_params(labelbottom=False)
    top.legend(fontsize=8)
    below.set_xlabel(with_unit("field", field_unit))
    below.set_ylabel(with_unit("model − data", unit))
    if title:
        figure.suptitle(title)
    return figure
