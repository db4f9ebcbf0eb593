"""Diodes at work under an alternating current."""

from typing import TYPE_CHECKING

import numpy as np

from .style import GREY, MINUS, PLUS, new_figure, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..dynamics.rectification import RectifiedVoltage
    from ..dynamics.shunted import Shunted
    from ..dynamics.trajectory import Trajectory

_MOST_STEPS = 40


def rectification(
    found: "RectifiedVoltage",
    *,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """Mean voltage against the amplitude of a drive, with its errors, and the plateaus nΩ.

    Dashed: the quasi-static approximation, the limit Ω → 0.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
        >>> driven = jd.Shunted(diode, drive=jd.Drive(0.1, 1.0))
        >>> figure = jd.plot.rectification(jd.rectified_voltage(driven, np.linspace(0, 2, 5)))
        >>> print([line.get_label() for line in figure.axes[0].lines if line.get_label()[0] != "_"])
        ['quasi-static', '$n\\\\Omega$', '$\\\\Omega$ = 0.1']
    """
    amplitude, voltage = np.asarray(found.amplitude), np.asarray(found.voltage)
    if amplitude.ndim != 1:
        raise ValueError(f"found must be of one device, got shape {amplitude.shape}")
    order = np.argsort(amplitude)
    amplitude, voltage = amplitude[order], voltage[order]
    error, frequency = np.asarray(found.error)[order], float(found.drive_frequency)
    figure, (axes,) = new_figure(1, into=figure)
    if found.quasi_static is not None:
        axes.plot(amplitude, np.asarray(found.quasi_static)[order], color=MINUS, lw=1.2, ls="--",
                  label="quasi-static")  # fmt: skip
    low, high = (f(np.nan_to_num(voltage)) / frequency for f in (np.min, np.max))
    first, last = int(np.floor(low + 1e-3)), int(np.ceil(high - 1e-3))
    if last - first < _MOST_STEPS:  # more would be one grey field
        for n in range(first, last + 1):
            axes.axhline(n * frequency, color=GREY, lw=0.6, ls=":" if n else "-")
        axes.plot([], [], color=GREY, lw=0.6, ls=":", label=r"$n\Omega$")
    dots = {"marker": ".", "ms": 4} if amplitude.size <= 100 else {}
    axes.plot(amplitude, voltage, color=PLUS, lw=1.4, label=rf"$\Omega$ = {frequency:.4g}", **dots)
    if np.any(error > 1e-3 * max(np.nanmax(np.abs(voltage), initial=0.0), 1e-300)):
        axes.fill_between(amplitude, voltage - error, voltage + error, color=PLUS, alpha=0.25, lw=0)
    axes.set(xlabel=with_unit("amplitude of the drive", unit),
             ylabel=r"mean voltage $\langle\dot\varphi\rangle$", title=title)  # fmt: skip
    axes.legend(fontsize=8, loc="best")
    return figure


def rectifier(
    path: "Trajectory",
    device: "Shunted",
    *,
    bias: float = 0.0,
    unit: str = "",
    title: str = "",
    figure: "Figure | SubFigure | None" = None,
) -> "Figure":
    """The current through a driven device over time, and the pulses of its voltage with their mean.

    Dotted: the critical currents of the device without drive, asked for here. The mean is over
    whole drive periods, from the second on where there are several, averaged over where they begin.

    Args:
        path: trajectory of the device, at this bias.
        device: shunted, with a drive.
        bias: the constant current beside the drive.
        unit: of the device's currents.

    Raises:
        ValueError: a device without drive, a path shorter than a period of it.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
        >>> driven = jd.Shunted(diode, drive=jd.SquareWave(2 * np.pi / 20, 1.2))
        >>> figure = jd.plot.rectifier(jd.trajectory(driven, 0.0, duration=120), driven)
        >>> print(figure.axes[1].get_legend().get_texts()[1].get_text())  # Ω = 0.314
        mean 0.3142
    """
    drive = getattr(device, "drive", None)
    if drive is None:
        raise ValueError("device must be Shunted with a drive, got one without")
    time, phase, voltage = (np.asarray(x) for x in (path.time, path.phase, path.velocity))
    period = 2 * np.pi / float(drive.frequency)
    whole = int((time[-1] - time[0]) / period * (1 + 1e-9))
    if whole < 1:
        raise ValueError(
            f"path must last at least one period of the drive ({period:.4g}), got "
            f"{time[-1] - time[0]:.4g}"
        )
    mean = _mean(time, phase, period, whole)
    current = bias + np.asarray(drive.current(path.time * drive.frequency))
    ends = device.device.critical_currents()
    figure, (top, below) = new_figure(2, into=figure)
    top.plot(time, current, color=GREY, lw=1.2)
    for value, color, name in (
        (float(ends.plus), PLUS, "$I_+$"),
        (-float(ends.minus), MINUS, "$-I_-$"),
    ):
        top.axhline(value, color=color, lw=1.0, ls=":", label=f"{name} = {value:.4g}")
    top.set(ylabel=with_unit("current", unit), title=title)
    top.margins(y=0.3)
    below.plot(time, voltage, color=PLUS, lw=1.0, label="voltage")
    below.axhline(mean, color=MINUS, lw=1.2, ls="--", label=f"mean {mean:.4g}")
    below.axhline(0, color=GREY, lw=0.5)
    below.set(xlabel=r"time $\tau$", ylabel=r"voltage $\dot\varphi$")
    below.margins(y=0.2)
    for axes in (top, below):
        axes.set_xlim(time[0], time[-1])
        axes.legend(fontsize=8, loc="upper right", ncols=2)
    return figure


def _mean(time: np.ndarray, phase: np.ndarray, period: float, whole: int) -> float:
    """Mean of φ' over whole periods: samples of φ need not lie a period apart."""
    length = max(whole - 2, 1) * period
    ends = time >= time[-1] - (period if whole > 1 else 0.0)
    begin = np.interp(time[ends] - length, time, phase)
    return float(np.mean(phase[ends] - begin)) / length
