"""Driven junctions and wires: voltages, histories, phase slips and switching currents."""

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ..core.critical import rounded_efficiency
from .style import GREY, MINUS, PLUS, new_figure, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from ..devices.wire.state import WireState
    from ..devices.wire.tdgl import WireSimulation
    from ..dynamics.switching import SwitchingCurrents
    from ..dynamics.voltage_curve import IVCurve
    from ..lab.histograms import CurrentHistograms
    from ..thermal.histogram import SwitchingDistribution

_MOST_STEPS = 60
_STEEPEST = 20.0


def iv(
    curve: "IVCurve",
    *,
    drive_frequency: float | None = None,
    resistance: bool = False,
    unit: str | None = None,
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Mean voltage against bias, swept up and down; `unit` is that of the bias if not the curve's.

    With `drive_frequency`: lines at its multiples, where Shapiro steps lie. With `resistance` the
    curve's dV/dI below, as far as it is less than 20 times the largest V/I.

    Example:
        >>> junction = jd.KapitzaJunction(damping=0.5, drive_frequency=4)
        >>> figure = jd.plot.iv(jd.iv_curve(junction, jnp.linspace(-2, 2, 9)))
        >>> print([line.get_label() for line in figure.axes[0].lines])
        ['up', 'down']
    """
    current, up, down = (np.asarray(a) for a in (curve.current, curve.up, curve.down))
    figure, panels = new_figure(2 if resistance else 1, into=figure)
    axes, below = panels[0], panels[-1]
    if drive_frequency is not None:
        step = float(drive_frequency)
        reached = np.nan_to_num([up, down]) / step
        first, last = int(np.ceil(reached.min() - 1e-3)), int(reached.max() + 1e-3)
        if last - first < _MOST_STEPS:  # more would be one grey field
            for n in range(first, last + 1):
                axes.axhline(n * step, color=GREY, lw=0.6, ls=":" if n else "-")
            axes.plot([], [], color=GREY, lw=0.6, ls=":", label=r"$n\Omega$")
    axes.plot(current, up, color=PLUS, lw=1.4, label="up")
    axes.plot(current, down, color=MINUS, lw=1.4, ls="--", label="down")
    axes.set(title=title, ylabel=with_unit("mean voltage", curve.voltage_unit))
    if resistance:
        _resistance(below, curve)
        axes.sharex(below)
    below.set_xlabel(with_unit("bias", curve.current_unit if unit is None else unit))
    axes.legend(fontsize=8, loc="upper left")
    return figure


def _resistance(axes: "Axes", curve: "IVCurve") -> None:
    """dV/dI of both sweeps; steeper rises, as beside a switch, would hide all else."""
    current, up, down = (np.asarray(a) for a in (curve.current, curve.up, curve.down))
    current = current.reshape(current.shape + (1,) * (up.ndim - current.ndim))
    with np.errstate(divide="ignore", invalid="ignore"):
        ohmic = np.abs(np.stack([up, down]) / current)
    most = _STEEPEST * np.max(ohmic[np.isfinite(ohmic)], initial=0.0)
    found = (np.asarray(x) for x in curve.resistance())
    for slope, colour, dashes in zip(found, (PLUS, MINUS), ("-", "--"), strict=True):
        shown = np.where(np.abs(slope) <= most, slope, np.nan)
        axes.plot(np.asarray(curve.current), shown, color=colour, lw=1.2, ls=dashes)
    axes.set_ylabel("$dV/dI$")
    axes.axhline(0, color=GREY, lw=0.5)


def wire(
    state: "WireState", *, title: str = "", figure: "Figure | SubFigure | None" = None
) -> "Figure":
    """V, dV/dj, Φ_V and √ε of a wire against its current, in the order of its history.

    Takes what `PhaseSlipWire.trace` or `.state` returns. Jumps are thin lines.

    Example:
        >>> valley = jd.wire.ValleyPolarization(zero_current=0.7, coupling=0.1)
        >>> wire = jd.PhaseSlipWire(valley=valley)
        >>> figure = jd.plot.wire(wire.trace(np.linspace(0, 1, 11)))
        >>> print(len(figure.axes), figure.axes[3].get_xlabel())
        4 current $j$
    """
    current = np.asarray(state.current)
    if current.ndim != 1 or current.size < 2:
        raise ValueError(f"state must hold a list of currents, got shape {current.shape}")
    figure, axes = new_figure(2, 2, into=figure)
    slope = np.asarray(state.slope)
    panels = (
        (r"voltage $V$", state.voltage),
        (r"$dV/dj$", np.where(np.abs(slope) < 20, slope, np.nan)),
        (r"polarisation $\Phi_V$", state.valley),
        (r"$\sqrt{\epsilon}$", state.order_parameter),
    )
    rising = np.diff(current) > 0
    starts = [0, *(np.flatnonzero(rising[1:] != rising[:-1]) + 1), current.size - 1]
    for ax, (label, values) in zip(axes, panels, strict=True):
        for first, last in itertools.pairwise(starts):
            up = bool(rising[first])
            leg = slice(first, last + 1)
            ax.plot(current[leg], np.asarray(values)[leg], color=PLUS if up else MINUS, lw=1.3,
                    ls="-" if up else "--", label="up" if up else "down")  # fmt: skip
        ax.set_ylabel(label)
        ax.axvline(0, color=GREY, lw=0.5)
    axes[1].axhline(1, color=GREY, lw=0.6, ls=":")
    for ax in axes[2:]:
        ax.set_xlabel(r"current $j$")
    handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    axes[0].legend(handles.values(), handles.keys(), fontsize=8)
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def slips(
    simulation: "WireSimulation", *, title: str = "", figure: "Figure | SubFigure | None" = None
) -> "Figure":
    """|ψ| of a simulated wire over space and time, its phase slips, and its voltage.

    Example:
        >>> ring = jd.wire.simulate_wire(0.5, length=10, spacing=0.5, duration=20)
        >>> figure = jd.plot.slips(ring)
        >>> print(len(figure.axes), len(figure.axes[0].lines[0].get_xdata()))  # a circle a slip
        3 3
    """
    if simulation.time.ndim != 1:
        raise ValueError(f"simulation must hold a single current, got {simulation.time.shape[0]}")
    time, position = np.asarray(simulation.time), np.asarray(simulation.position)
    figure, (space, below) = new_figure(2, into=figure)
    shown = space.pcolormesh(
        time, position, np.asarray(simulation.magnitude).T, shading="auto", cmap="magma",
        rasterized=True,
    )  # fmt: skip
    figure.colorbar(shown, ax=space, label=r"$|\psi|$")
    events = simulation.slips()
    if 0 < len(events) <= 200:
        space.plot(*events.T, "o", mfc="none", color="white", ms=4, lw=0.6)
    space.set(ylabel=r"position ($\xi$)", title=title)
    below.plot(time, simulation.voltage, color=PLUS, lw=1.0, label="voltage")
    mean = float(simulation.mean_voltage)
    below.axhline(mean, color=MINUS, ls="--", label=f"mean {mean:.4g}")
    below.set(xlabel="time", ylabel=r"$V$ per length", xlim=(time[0], time[-1]))
    below.margins(y=0.3)
    below.legend(fontsize=8, loc="upper right")
    return figure


def switching_histogram(
    found: "SwitchingCurrents | CurrentHistograms",
    *,
    theory: "SwitchingDistribution | None" = None,
    bins: int = 40,
    unit: str = r"$I_0$",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Switching currents of noisy ramps in both directions, with their means.

    With `theory`, of `switching_distribution`: the ramps per bin that it expects, as lines.

    Example:
        >>> junction = jd.KapitzaJunction(damping=1, drive_frequency=4)
        >>> found = jd.switching_currents(junction, noise=0.02, rate=5e-3, samples=8, key=0)
        >>> figure = jd.plot.switching_histogram(found, bins=5)
        >>> print(len(figure.axes), figure.axes[0].get_ylabel())
        1 ramps per bin
    """
    if theory is not None and np.ndim(theory.mean) != 1:
        raise ValueError(f"theory must be of one device, got shape {np.shape(theory.mean)}")
    samples = [np.asarray(a) for a in (found.plus, found.minus)]
    if samples[0].ndim != 1:
        raise ValueError(
            "found must hold repeated ramps of one device (noise > 0), "
            f"got shape {samples[0].shape}"
        )
    plus, minus = (a[np.isfinite(a)] for a in samples)
    together = np.concatenate([plus, minus])
    figure, (axes,) = new_figure(1, into=figure)
    edges = np.histogram_bin_edges(together, bins)
    for k, (values, colour, name) in enumerate(((plus, PLUS, "I_+"), (minus, MINUS, "I_-"))):
        if values.size == 0:
            continue
        if theory is not None:
            _expected(axes, theory, k, values.size * (edges[1] - edges[0]), colour)
        mean, spread = values.mean(), values.std()
        label = rf"${name}$: {mean:.4g}, $\sigma$ = {spread:.2g}"
        axes.hist(values, edges, color=colour, alpha=0.55, label=label)
        axes.axvline(mean, color=colour, lw=1.4, ls="--")
    if theory is not None:
        axes.plot([], [], color=GREY, lw=1.6, label=theory.formula)
    axes.set(xlabel=with_unit("switching current", unit), ylabel="ramps per bin")
    axes.margins(y=0.25)
    axes.set_title(title or rf"$\eta$ of the means = {rounded_efficiency(found.efficiency):+.4f}")
    if together.size:
        axes.legend(fontsize=8, loc="upper left")
    return figure


def _expected(
    axes: "Axes", theory: "SwitchingDistribution", side: int, area: float, colour: str
) -> None:
    """P(i) of one direction as ramps per bin."""
    current, density = (np.asarray(x[side]) for x in (theory.current, theory.density))
    here = density > 1e-4 * np.max(density)  # none where it is not known
    axes.plot(current[here], area * density[here], color=colour, lw=1.6)
