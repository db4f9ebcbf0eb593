"""Critical currents over two parameters (field, temperature, angle), and voltages in a field."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .._checks import Numbers
from ..core.critical import rounded_efficiency
from ..core.device import AbstractDevice, AbstractPhaseBiased, critical_currents
from ..core.paths import replace
from ..experiment import Experiment
from ..studies.sweep import sweep
from .along import both_errors
from .axes import coordinate_label, label_of_axis, path_of, resolving
from .style import EFFICIENCY, GREY, MINUS, PLUS, new_figure, with_unit

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure, SubFigure

ALIKE = 1e-11  # of the largest current, to which both are known


def efficiency_map(
    device: "AbstractDevice | xarray.Dataset",
    axes: Mapping[str, Numbers] | None = None,
    *,
    labels: tuple[str, str] | None = None,
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """η over two parameters, as a map: η(B, T), η(flux, gate), …

    Red is η > 0, blue η < 0, on one scale either side of 0. Where both currents are equal to the
    accuracy of their search η is 0; where none flows, or it is not known, the map is blank.

    Args:
        device: a device, or the dataset of a sweep of `critical_currents` over two axes.
        axes: {name: values} of two parameters as `sweep` takes them; the first is the horizontal.
        labels: of both axes; what the parameters declare, with units, if left out.

    Raises:
        ValueError: other than two axes.

    Example:
        >>> squid = jd.Squid([jd.AndreevModes(40, 0.95), jd.TunnelJunction(30)], flux=0.25)
        >>> warm = jd.TemperatureScaledJunction(squid, 0.5)
        >>> axes = {"device.flux": np.linspace(-0.5, 0.5, 5), "temperature": [0.1, 0.5, 0.9]}
        >>> figure = jd.plot.efficiency_map(warm, axes)
        >>> print(figure.axes[0].get_xlabel(), "|", figure.axes[0].get_ylabel())
        flux, device.flux (Φ₀) | temperature
    """
    data, names = _swept(device, axes, 2)
    x, y = (data[name].to_numpy() for name in names)
    plus, minus = (data[name].transpose(*names).to_numpy() for name in ("plus", "minus"))
    shown = _efficiency(plus, minus)
    largest = float(np.nanmax(np.abs(shown), initial=0.0)) or 1e-6
    figure, (panel,) = new_figure(1, into=figure)
    mesh = panel.pcolormesh(
        x, y, shown.T, cmap="RdBu_r", vmin=-largest, vmax=largest, shading="nearest",
        rasterized=True,
    )  # fmt: skip
    figure.colorbar(mesh, ax=panel, label=r"diode efficiency $\eta$")
    across, up = labels or [coordinate_label(data[name]) for name in names]
    panel.set(xlabel=across, ylabel=up, title=title)
    return figure


def current_difference(
    device: "AbstractDevice | xarray.Dataset",
    axes: Mapping[str, Numbers] | None = None,
    *,
    measured: tuple[Numbers, Numbers, Numbers] | None = None,
    sigma: tuple[Numbers, Numbers] | Numbers | None = None,
    label: str = "",
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """ΔI_c = I₊ − I₋ against one parameter, one line for every value of a second one.

    Args:
        device: a device, or the dataset of a sweep of `critical_currents` over one or two axes.
        axes: {name: values}, the horizontal axis first, such as {"flux": …, "temperature": …}.
        measured: (x, I₊, I₋), drawn as points.
        sigma: standard deviation of a measured current, of both directions or of each.
        label: of the horizontal axis; what the parameter declares, with its unit, if left out.

    Raises:
        ValueError: no axis, or more than two.

    Example:
        >>> junction = jd.ExtendedJunction(jd.SeriesJunctions(1, 0.8), [0.4, 1.6])
        >>> warm = jd.TemperatureScaledJunction(junction, 0.5)
        >>> axes = {"device.flux": np.linspace(-1, 1, 21), "temperature": [0.2, 0.6]}
        >>> figure = jd.plot.current_difference(warm, axes, label="flux (Φ₀)")
        >>> print([line.get_label() for line in figure.axes[0].lines[:2]])
        ['temperature = 0.2', 'temperature = 0.6']
    """
    data, names = _swept(device, axes, 1, 2)
    x = data[names[0]].to_numpy()
    plus, minus = (data[name].transpose(*names).to_numpy() for name in ("plus", "minus"))
    scale = np.nanmax(np.abs([plus, minus]), initial=0.0)
    difference = plus - minus
    difference = np.where(np.abs(difference) <= ALIKE * scale, 0.0, difference)
    figure, (panel,) = new_figure(1, into=figure)
    if len(names) == 1:
        panel.plot(x, difference, color=EFFICIENCY, lw=1.4)
    else:
        import matplotlib

        values = data[names[1]].to_numpy()
        colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, values.size))
        for value, line, colour in zip(values, difference.T, colours, strict=True):
            panel.plot(x, line, color=colour, lw=1.2, label=f"{names[1]} = {value:g}")
        panel.legend(fontsize=8, frameon=False)
    if measured is not None:
        at, up, down = (np.asarray(a, float) for a in measured)
        error = both_errors(sigma, up, down)
        bars = None if error[0] is None else np.hypot(*error)
        panel.errorbar(at, up - down, bars, color=GREY, marker="o", ms=3, ls="", elinewidth=0.6)
    panel.axhline(0, color=GREY, lw=0.6)
    panel.set(xlabel=label or coordinate_label(data[names[0]], unit), title=title,
              ylabel=with_unit(r"$\Delta I_c = I_+ - I_-$", unit))  # fmt: skip
    return figure


def fraunhofer_map(
    device: "AbstractPhaseBiased | Experiment",
    fluxes: Numbers,
    currents: Numbers,
    *,
    noise: Numbers,
    name: str = "flux",
    label: str | None = None,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """dV/dI over flux and bias of an overdamped junction with noise, as it is measured.

    `thermal_iv` at every flux; I₊ and −I₋ without noise are drawn over it.

    Args:
        device: an overdamped junction, or an `Experiment` of one, whose axis may be named.
        fluxes: horizontal axis.
        currents: biases, of both signs.
        noise: γ = 2ek_BT/ħ in the unit of the currents, > 0; `units.thermal_current`.
        name: the parameter that takes them, or the axis of an `Experiment` (a field in mT).

    Raises:
        ValueError: a device without that parameter, biases or noise that `thermal_iv` refuses.

    Example:
        >>> junction = jd.ExtendedJunction(jd.TunnelJunction(1.0))
        >>> figure = jd.plot.fraunhofer_map(
        ...     junction, np.linspace(-2, 2, 9), np.linspace(-1.5, 1.5, 31), noise=0.05
        ... )
        >>> print(len(figure.axes), figure.axes[0].get_ylabel())  # the map and its scale
        2 bias
    """
    from ..thermal.iv import thermal_iv

    flux = _checks.real_array("fluxes", fluxes, ndim=1)
    bias = _checks.real_array("currents", currents, ndim=1)
    label = label_of_axis(device, name, unit) if label is None else label
    device = resolving(device, {name: flux})
    path = path_of(device, name)

    def there(x) -> Any:
        moved = replace(device, {path: x})
        return moved.at() if isinstance(moved, Experiment) else moved

    found = [thermal_iv(there(x), bias, noise=noise) for x in flux]
    slope = np.stack([np.asarray(one.resistance) for one in found])
    limits, _ = _swept(device, {name: flux}, 1)
    figure, (panel,) = new_figure(1, into=figure)
    most = float(np.nanpercentile(slope, 99.5))
    mesh = panel.pcolormesh(
        np.asarray(flux), np.asarray(bias), np.clip(slope, 0, most).T, cmap="magma",
        shading="nearest", rasterized=True,
    )  # fmt: skip
    figure.colorbar(mesh, ax=panel, label=r"$dV/dI$ ($R$)")
    low, high = float(bias.min()), float(bias.max())
    for sign, key in ((1, "plus"), (-1, "minus")):
        line = sign * limits[key].to_numpy()
        line = np.where((line >= low) & (line <= high), line, np.nan)
        panel.plot(np.asarray(flux), line, color="#56B4E9", lw=1.0)
    panel.set(xlabel=label, ylabel=with_unit("bias", unit), title=title)
    return figure


def polar(
    device: AbstractDevice,
    angles: Numbers,
    *,
    name: str = "field_angle",
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """I₊ and I₋ against an angle, as radii on the left; |η| on the right, its sign by colour.

    Args:
        angles: radians.
        name: the parameter that takes them, such as the angle of a field.

    Raises:
        ValueError: a device without that parameter.

    Example:
        >>> junction = jd.PhaseShiftedJunction(
        ...     [1, 0.3], [0, 0], field=1.0, shift_per_field=[0, 0.8], field_angle=0.0
        ... )
        >>> figure = jd.plot.polar(junction, np.linspace(0, 2 * np.pi, 61))
        >>> print(len(figure.axes), f"{figure.axes[0].lines[0].get_ydata().max():.3f}")
        2 1.260
    """
    angle = _checks.real_array("angles", angles, ndim=1)
    data, _ = _swept(device, {name: angle}, 1)
    plus, minus = (data[key].to_numpy() for key in ("plus", "minus"))
    shown = _efficiency(plus, minus)
    theta = np.asarray(angle)
    figure, (left, right) = new_figure(1, 2, into=figure, projection="polar")
    left.plot(theta, plus, color=PLUS, lw=1.4, label=r"$I_+$")
    left.plot(theta, minus, color=MINUS, lw=1.4, label=r"$I_-$")
    left.set_title(with_unit("critical current", unit), fontsize=9)
    for sign, colour, text in ((1, PLUS, r"$\eta > 0$"), (-1, MINUS, r"$\eta < 0$")):
        right.plot(
            theta, np.where(sign * shown >= 0, np.abs(shown), np.nan), color=colour, lw=1.4,
            label=text,
        )  # fmt: skip
    right.set_title(r"$|\eta|$", fontsize=9)
    for panel in (left, right):
        panel.set_ylim(bottom=0)
        panel.yaxis.get_major_locator().base.set_params(nbins=4)
        panel.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.15, -0.15), frameon=False)
    if title:
        figure.suptitle(title)
    return figure


def alike(plus, minus):
    """I₋, and I₊ in its place where both agree to the accuracy of their search."""
    scale = np.nanmax(np.abs([plus, minus]), initial=0.0)
    return np.where(np.abs(plus - minus) <= ALIKE * scale, plus, minus)


def _efficiency(plus, minus):
    minus = alike(plus, minus)
    with np.errstate(divide="ignore", invalid="ignore"):
        return rounded_efficiency((plus - minus) / (plus + minus))


def _swept(device, axes, least: int, most: int | None = None):
    """Critical currents over the axes, and the names of these."""
    most = least if most is None else most
    if isinstance(device, AbstractDevice):
        if not isinstance(axes, Mapping) or not least <= len(axes) <= most:
            wanted = f"{least} or {most}" if most > least else least
            raise ValueError(f"axes must be {{name: values}} of {wanted}, got {axes!r}")
        axes = {path_of(device, name): values for name, values in axes.items()}
        device = resolving(device, axes)
        return sweep(critical_currents, device, axes, progress=False), tuple(axes)
    if axes is not None or not {"plus", "minus"} <= set(getattr(device, "data_vars", ())):
        raise ValueError(
            "device must be a device with axes, or the dataset of a sweep of critical_currents "
            f"without, got {type(device).__name__}"
        )
    names = tuple(map(str, device["plus"].dims))
    if not least <= len(names) <= most:
        raise ValueError(f"device must be a sweep over {least} to {most} axes, got {len(names)}")
    return device, names
