"""Figures of results. Every function returns a matplotlib Figure; none touches pyplot."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ._checks import Numbers
from .core.cpr import current_phase_relation
from .core.device import AbstractPhaseBiased
from .design import DesignResult

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

    from .devices.kapitza.switching import SwitchingCurrents
    from .devices.kapitza.transport import IVCurve
    from .devices.phase_slip.state import WireState
    from .devices.phase_slip.tdgl import WireSimulation
    from .devices.usadel.hybrid import AbstractHybridJunction
    from .devices.usadel.torus import PhaseTorus

# Okabe & Ito's colours, told apart by every kind of colour vision.
PLUS, MINUS, EFFICIENCY, ACCENT, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7F7F7F"


def current_phase(device: AbstractPhaseBiased, *, unit: str = "", title: str = "") -> "Figure":
    """I(φ) with both critical currents marked, and its branches or spin bands when it has any."""
    relation, bands = _relation(device)
    critical = relation.critical_currents()
    figure, (axes,) = _figure(1)
    turns = np.asarray(relation.phase) / np.pi
    branches = getattr(device, "branches", ())
    if len(branches) > 1 and hasattr(device, "branch_phases"):
        phases = device.branch_phases(relation.phase)  # pyright: ignore
        for k, branch in enumerate(branches):
            axes.plot(turns, branch.current(phases[:, k]), color=GREY, lw=0.9, alpha=0.8,
                      label="branches" if k == 0 else None)  # fmt: skip
    for band, style, name in zip(bands, ("--", ":"), ("up", "down"), strict=False):
        axes.plot(turns, band, color=GREY, lw=1.2, ls=style, label=rf"$I_\{name}arrow$")
    axes.plot(turns, relation.current, color="black", lw=1.8, label=r"total $I(\varphi)$")
    plus, minus = float(critical.plus), float(critical.minus)
    axes.axhline(plus, color=PLUS, ls="--", label=f"$I_+$ = {plus:.4g} {unit}")
    axes.axhline(-minus, color=MINUS, ls="--", label=f"$I_-$ = {minus:.4g} {unit} (at $-I_-$)")
    axes.set(xlabel=r"phase $\varphi/\pi$", ylabel=_with_unit("current", unit), xlim=(0, 2))
    axes.set_title(title or rf"$\eta$ = {float(critical.efficiency):+.4f}")
    axes.legend(fontsize=8, framealpha=0.9)
    return figure


@jax.jit
def _relation(device):
    """I(φ), and that of both spins where there are two."""
    known = device.prepared()
    relation = current_phase_relation(known)
    spins = getattr(known, "spin_currents", lambda phase: ())
    return relation, spins(relation.phase)


def critical_currents_along(
    x: Numbers,
    plus: Numbers,
    minus: Numbers,
    *,
    label: str = r"flux ($\Phi_0$)",
    unit: str = "",
    title: str = "",
    measured: tuple[Numbers, Numbers, Numbers] | None = None,
) -> "Figure":
    """I₊ and I₋ above, η below, against flux, coil current or any one parameter.

    `measured`: (x, plus, minus) drawn as points.
    """
    x, plus, minus = (np.asarray(a) for a in (x, plus, minus))
    figure, (top, bottom) = _figure(2)
    if measured is not None:
        at, up, down = (np.asarray(a) for a in measured)
        points = {"marker": "o", "ms": 3, "ls": "", "alpha": 0.6, "mew": 0}
        top.plot(at, up, color=PLUS, label=r"$I_+$ measured", **points)
        top.plot(at, down, color=MINUS, label=r"$I_-$ measured", **points)
        bottom.plot(at, (up - down) / (up + down), color=EFFICIENCY, **points)
    top.plot(x, plus, color=PLUS, lw=1.2, label=r"$I_+$")
    top.plot(x, minus, color=MINUS, lw=1.2, label=r"$I_-$")
    bottom.plot(x, (plus - minus) / (plus + minus), color=EFFICIENCY, lw=1.2)
    bottom.axhline(0, color=GREY, lw=0.6)
    top.set(ylabel=_with_unit("critical current", unit), title=title)
    if np.nanmin([plus, minus]) >= 0:
        top.set_ylim(bottom=0)
    figure.legend(loc="outside upper center", fontsize=8, ncols=4, frameon=False)
    bottom.set(xlabel=label, ylabel=r"diode efficiency $\eta$")
    bottom.sharex(top)
    top.tick_params(labelbottom=False)
    return figure


def iv(curve: "IVCurve", *, drive_frequency: float | None = None, title: str = "") -> "Figure":
    """Mean voltage against bias, swept up and down.

    With `drive_frequency`: lines at its multiples, where Shapiro steps lie.
    """
    current, up, down = (np.asarray(a) for a in (curve.current, curve.up, curve.down))
    figure, (axes,) = _figure(1)
    if drive_frequency is not None:
        step = float(drive_frequency)
        reached = np.nan_to_num([up, down]) / step
        for n in range(int(np.ceil(reached.min() - 1e-3)), int(reached.max() + 1e-3) + 1):
            axes.axhline(n * step, color=GREY, lw=0.6, ls=":" if n else "-")
        axes.plot([], [], color=GREY, lw=0.6, ls=":", label=r"$n\Omega$")
    axes.plot(current, up, color=PLUS, lw=1.4, label="up")
    axes.plot(current, down, color=MINUS, lw=1.4, ls="--", label="down")
    axes.set(xlabel=r"bias ($I_0$)", title=title,
             ylabel=r"mean voltage $\langle\varphi'\rangle$ ($\hbar\omega_p/2e$)")  # fmt: skip
    axes.legend(fontsize=8, loc="upper left")
    return figure


def wire(state: "WireState", *, title: str = "") -> "Figure":
    """V, dV/dj, Φ_V and √ε of a wire against its current, in the order of its history.

    Takes what `PhaseSlipWire.trace` or `.state` returns. Jumps are thin lines.
    """
    current = np.asarray(state.current)
    if current.ndim != 1 or current.size < 2:
        raise ValueError(f"state must hold a list of currents, got shape {current.shape}")
    figure, axes = _figure(2, 2)
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


def slips(simulation: "WireSimulation", *, title: str = "") -> "Figure":
    """|ψ| of a simulated wire over space and time, its phase slips, and its voltage."""
    if simulation.time.ndim != 1:
        raise ValueError(f"simulation must hold a single current, got {simulation.time.shape[0]}")
    time, position = np.asarray(simulation.time), np.asarray(simulation.position)
    figure, (space, below) = _figure(2)
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


def torus(
    torus: "PhaseTorus", *, points: int = 121, unit: str = r"$I_0$", title: str = ""
) -> "Figure":
    """Charge and spin current of a spin-active junction against both phases, Δχ and Δφ.

    All there is to see: I(Δχ + π, Δφ + π) = I(Δχ, Δφ), and I(−Δχ, −Δφ) = −I(Δχ, Δφ).
    """
    phase, twist = np.linspace(0, 2, 2 * points - 1), np.linspace(0, 1, points)
    up, down = (np.asarray(x) for x in torus.spin_currents(np.pi * phase, np.pi * twist[:, None]))
    figure, axes = _figure(1, 2)
    for ax, label, values in ((axes[0], "charge", up + down), (axes[1], "spin", up - down)):
        # Centred on zero; an unsolved torus is left blank.
        largest = float(np.max(np.abs(np.nan_to_num(values)))) or 1.0
        shown = ax.pcolormesh(
            phase, twist, values, shading="nearest", cmap="RdBu_r", vmin=-largest, vmax=largest,
            rasterized=True,
        )  # fmt: skip
        figure.colorbar(
            shown, ax=ax, location="top", label=_with_unit(f"{label} current", unit)
        ).ax.locator_params(nbins=5)
        ax.set_xlabel(r"phase difference $\Delta\chi/\pi$")
    axes[0].set_ylabel(r"geometric phase $\Delta\varphi/\pi$")
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def order_parameter(device: "AbstractHybridJunction", phase: Numbers = 0.0) -> "Figure":
    """|Δ(x)| and the phase of Δ(x) in both superconductors of a diffusive junction at one Δχ."""
    found = device.order_parameter(phase)
    half = float(np.asarray(phase)) / 2
    figure, axes = _figure(2)
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
    device: "AbstractHybridJunction", energy: Numbers, *, title: str = "", **options: Any
) -> "Figure":
    """Density of states of both spins and their mean; options as of the device's `ldos`.

    One position at a time.
    """
    density = np.asarray(device.ldos(energy, **options))
    if density.ndim != 2:
        raise ValueError(f"energy must be a list and position one number, got {density.shape[1:]}")
    figure, (axes,) = _figure(1)
    energy = np.asarray(energy)
    axes.plot(energy, density.mean(axis=0), color="black", label="mean, as measured")
    for values, style, name in zip(density, ("--", ":"), ("up", "down"), strict=True):
        axes.plot(energy, values, color=GREY, ls=style, label=rf"$N_\{name}arrow$")
    axes.set(xlabel=r"energy $E/k_BT_c$", ylabel="density of states $N/N_0$", title=title)
    axes.legend(fontsize=8)
    return figure


def switching_histogram(
    found: "SwitchingCurrents", *, bins: int = 40, unit: str = r"$I_0$", title: str = ""
) -> "Figure":
    """Switching currents of noisy ramps in both directions, with their means."""
    samples = [np.asarray(a) for a in (found.plus, found.minus)]
    if samples[0].ndim != 1:
        raise ValueError(
            "found must hold repeated ramps of one device (noise > 0), "
            f"got shape {samples[0].shape}"
        )
    plus, minus = (a[np.isfinite(a)] for a in samples)
    together = np.concatenate([plus, minus])
    figure, (axes,) = _figure(1)
    edges = np.histogram_bin_edges(together, bins)
    for values, colour, name in ((plus, PLUS, "I_+"), (minus, MINUS, "I_-")):
        if values.size == 0:
            continue
        mean, spread = values.mean(), values.std()
        label = rf"${name}$: {mean:.4g}, $\sigma$ = {spread:.2g}"
        axes.hist(values, edges, color=colour, alpha=0.55, label=label)
        axes.axvline(mean, color=colour, lw=1.4, ls="--")
    axes.set(xlabel=_with_unit("switching current", unit), ylabel="ramps per bin")
    axes.margins(y=0.25)
    axes.set_title(title or rf"$\eta$ of the means = {float(found.efficiency):+.4f}")
    if together.size:
        axes.legend(fontsize=8, loc="upper left")
    return figure


def search(results: dict[str, DesignResult], *, reference: float | None = None) -> "Figure":
    """Best objective so far against evaluations, for one or more searches."""
    figure, (axes,) = _figure(1)
    colours = (PLUS, MINUS, EFFICIENCY, ACCENT)
    for i, (name, result) in enumerate(results.items()):
        colour = colours[i % len(colours)]
        spent = np.linspace(0, result.evaluations, len(result.history) + 1)[1:]
        axes.plot(spent, result.history, color=colour, drawstyle="steps-post",
                  label=f"{name}: {result.value:.4f}")  # fmt: skip
    if reference is not None:
        axes.axhline(reference, color=GREY, ls=":", label=f"paper: {reference:g}")
    axes.set(xlabel="evaluations (a gradient counts 3)", ylabel=r"best $\eta$ so far")
    axes.set_xscale("log")
    axes.legend(fontsize=8, loc="lower right")
    return figure


def errors(
    names: Sequence[str],
    values: Numbers,
    spread: Numbers,
    truth: Numbers | None = None,
) -> "Figure":
    """Fitted parameters with error bars; relative to the truth in error bars when known."""
    values, spread = np.asarray(values), np.asarray(spread)
    figure, (axes,) = _figure(1)
    position = np.arange(len(names))[::-1]
    if truth is None:
        scale = np.where(values == 0, 1.0, np.abs(values))
        axes.errorbar(values / scale, position, xerr=spread / scale, fmt="o", color=PLUS)
        axes.set_xlabel("value ± one standard error, relative to the value")
    else:
        axes.axvspan(-1, 1, color=GREY, alpha=0.2, lw=0)
        axes.errorbar((values - np.asarray(truth)) / spread, position, xerr=1, fmt="o", color=PLUS)
        axes.axvline(0, color="black", lw=0.8)
        axes.set_xlabel("(fitted − true)/standard error")
    axes.set_yticks(position, names, fontsize=8)
    return figure


def dataset(data: "xarray.Dataset", variable: str | None = None) -> "Figure":
    """A sweep: a line for one axis, a map for two. Larger ones must be sliced first."""
    name = variable or next((n for n in ("efficiency", *data) if n in data), None)
    if name is None or name not in data:
        raise ValueError(f"variable must be one of {', '.join(map(str, data))}, got {variable!r}")
    values = data[name]
    if values.ndim not in (1, 2):
        raise ValueError(f"dataset must have 1 or 2 axes to be drawn, got {values.ndim}")
    figure, (axes,) = _figure(1)
    limits: dict[str, Any] = {}
    if values.ndim == 2 and float(values.min()) < 0 < float(values.max()):
        largest = float(np.nanmax(np.abs(values)))
        limits = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    values.plot(ax=axes, **limits)
    return figure


def _with_unit(label: str, unit: str) -> str:
    return f"{label} ({unit})" if unit else label


def _figure(rows: int, columns: int = 1):
    from matplotlib.figure import Figure

    size = (6.4 if columns == 1 else 8.0, 4.2 if rows == 1 else 5.6)
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    return figure, np.ravel(figure.subplots(rows, columns))
