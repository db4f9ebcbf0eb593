"""Diffusive junctions: currents on the torus of phases, gap and density of states."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from .._checks import Numbers
from .style import GREY, MINUS, PLUS, new_figure, with_unit

if TYPE_CHECKING:
    from jax import Array
    from matplotlib.figure import Figure, SubFigure

    from ..devices.usadel.currents import OrderParameter
    from ..devices.usadel.junction import AbstractHybridJunction
    from ..devices.usadel.torus import PhaseTorus


def torus(
    torus: "PhaseTorus",
    *,
    points: int = 121,
    unit: str = r"$I_0$",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Charge and spin current of a spin-active junction against both phases, Δχ and Δφ.

    All there is to see: I(Δχ + π, Δφ + π) = I(Δχ, Δφ), and I(−Δχ, −Δφ) = −I(Δχ, Δφ).

    Example:
        >>> barrier = jd.usadel.SpinBarrier(1.4, exchange=0.25, width_up=0.14, width_down=0.14)
        >>> fine = jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4)
        >>> junction = jd.SpinActiveJunction(
        ...     0.1, 4, ferromagnet_length=1, conductance=2, exchange=0.25, potential=0.25,
        ...     left=barrier, right=barrier, resolution=fine,
        ... )
        >>> print(len(jd.plot.torus(junction.torus()).axes))  # two maps with their colour bars
        4
    """
    phase, twist = np.linspace(0, 2, 2 * points - 1), np.linspace(0, 1, points)
    up, down = (np.asarray(x) for x in _spin_currents(torus, np.pi * phase, np.pi * twist[:, None]))
    figure, axes = new_figure(1, 2, into=figure)
    for ax, label, values in ((axes[0], "charge", up + down), (axes[1], "spin", up - down)):
        # Centred on zero; an unsolved torus is left blank.
        largest = float(np.max(np.abs(np.nan_to_num(values)))) or 1.0
        shown = ax.pcolormesh(
            phase, twist, values, shading="nearest", cmap="RdBu_r", vmin=-largest, vmax=largest,
            rasterized=True,
        )  # fmt: skip
        figure.colorbar(
            shown, ax=ax, location="top", label=with_unit(f"{label} current", unit)
        ).ax.locator_params(nbins=5)
        ax.set_xlabel(r"phase difference $\Delta\chi/\pi$")
    axes[0].set_ylabel(r"geometric phase $\Delta\varphi/\pi$")
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def order_parameter(
    result: "OrderParameter | AbstractHybridJunction",
    phase: Numbers = 0.0,
    *,
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """|Δ(x)| and the phase of Δ(x) in both superconductors of a diffusive junction at one Δχ.

    Takes what the junction's `order_parameter` returned at this phase, or the junction, which is
    then asked for it.

    Example:
        >>> contact = jd.usadel.SpinActiveContact(transmission=0.5)
        >>> junction = jd.DiffusiveJunction(
        ...     0.2, 4, link_length=1, conductance=2, left=contact, right=contact
        ... )
        >>> figure = jd.plot.order_parameter(junction, phase=np.pi / 2)
        >>> print(len(figure.axes))
        2
    """
    junction: Any = result
    found = junction.order_parameter(phase) if hasattr(result, "order_parameter") else junction
    half = float(np.asarray(phase)) / 2
    figure, axes = new_figure(2, into=figure)
    for values, place, turn, colour, name in (
        (found.left, -np.asarray(found.distance), -half, PLUS, "left"),
        (found.right, np.asarray(found.distance), half, MINUS, "right"),
    ):
        delta = np.asarray(values) * np.exp(1j * turn)
        axes[0].plot(place, np.abs(delta), "o-", ms=3, color=colour, label=name)
        axes[1].plot(place, np.angle(delta) / np.pi, "o-", ms=3, color=colour)
    axes[0].set(ylabel=r"$|\Delta|/k_BT_c$", ylim=(0, None))
    axes[0].legend(fontsize=8)
    axes[1].set(ylabel=r"phase of $\Delta$ ($\pi$)",
                xlabel=r"distance from the interfaces ($\xi_0$)")  # fmt: skip
    return figure


def ldos(
    result: "Array | AbstractHybridJunction",
    energy: Numbers,
    *,
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
    **options: Any,
) -> "Figure":
    """Density of states of both spins and their mean, at one position.

    Takes what the junction's `ldos` returned for these energies, [spin, energy], or the junction,
    which is then asked for it with `options`.

    Example:
        >>> energy = np.linspace(0, 4, 81)  # in place of junction.ldos(energy): the BCS density
        >>> density = np.abs(np.real((energy + 0.01j) / np.sqrt((energy + 0.01j) ** 2 - 1.764**2)))
        >>> figure = jd.plot.ldos(np.stack([density, density]), energy)
        >>> print(len(figure.axes[0].lines), figure.axes[0].lines[0].get_label())
        3 mean, as measured
    """
    junction: Any = result
    density = np.asarray(junction.ldos(energy, **options) if hasattr(result, "ldos") else result)
    if density.ndim != 2:
        raise ValueError(f"energy must be a list and position one number, got {density.shape[1:]}")
    figure, (axes,) = new_figure(1, into=figure)
    energy = np.asarray(energy)
    axes.plot(energy, density.mean(axis=0), color="black", label="mean, as measured")
    for values, style, name in zip(density, ("--", ":"), ("up", "down"), strict=True):
        axes.plot(energy, values, color=GREY, ls=style, label=rf"$N_\{name}arrow$")
    axes.set(xlabel=r"energy $E/k_BT_c$", ylabel="density of states $N/N_0$", title=title)
    axes.legend(fontsize=8)
    return figure


@eqx.filter_jit
def _spin_currents(torus, phase, twist):
    """The torus between its points: one program in place of dozens of small ones."""
    return torus.spin_currents(phase, twist)
