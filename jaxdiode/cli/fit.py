"""`jaxdiode fit`."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from .. import _plain_checks as _checks
from ..files import device_file
from . import fitting, measured_currents
from .common import (
    Cache,
    DataFile,
    DeviceFile,
    check_folder,
    finish,
    make_folder,
    say,
    start_jax,
)

Loss = Literal["linear", "soft_l1", "cauchy"]  # as `fit.Loss`, which needs JAX


def fit(
    device: DeviceFile,
    data: DataFile,
    out: Path = Path("jaxdiode-fit"),
    coil: str | None = None,
    plus: str | None = None,
    minus: str | None = None,
    signed: bool | None = None,
    drop_missing: bool = False,
    coil_range: tuple[float, float] | None = None,
    sigma: float | None = None,
    errors: bool = False,
    loss: Loss = "linear",
    starts: int | None = None,
    bootstrap: int | None = None,
    seed: int = 0,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Fit a device to measured data, with error bars.

    Errors robust to correlated residuals stand beside the plain ones, and warnings say what the
    model misses. Start values and bounds are guessed from the data where [fit] has no turns for
    the coil: a file with a [device] alone will do for a SQUID, whose numbers count for nothing
    then. Bounds in [fit] take the place of those guessed, and what they name is fitted beside the
    rest, as bounds = { current_offset = [-10, 10] }; vary = ["squid.branches", "turns"] says what
    of the guess is fitted. With bounds and turns (or axes) and without vary nothing is guessed:
    what has no bounds stays as the file has it.

    [fit] of a SQUID: the coil calibration to start from (turns, offset, mutual_inductance,
    current_offset) and bounds; names begin with `squid.` or are those. Of any other device:
    axes.B = { parameters = "flux", scale = 65 } says which column drives which parameter, and
    names begin with `device.`, `axes.` or `observable.`. observable = { type = "VoltageCurve",
    noise = 1, resistance = 50 } (or SwitchingHistogram, ShapiroEdges, DensityOfStates) says
    what was measured instead of critical currents.

    Currents whose columns name a unit are converted to the file's `unit`, coil currents to the
    `coil_unit` of [fit].

    Example: jaxdiode fit device.toml measured.csv --loss soft_l1

    Args:
        device: TOML file with [device] and maybe [fit], or JSON with a device and such a section.
        data: CSV or tab-separated file with columns for coil current, I+ and I-, or those of the
            observable.
        out: Folder for figures and the JSON.
        coil: Name of the coil-current column (usual names are found).
        plus: Name of the I+ column.
        minus: Name of the I- column; negative values are turned round.
        signed: Whether the I- column holds negative currents (True) or magnitudes (False), where
            the signs leave it open.
        drop_missing: Leave missing values out: of a row where one direction is missing, the other
            is fitted.
        coil_range: Lowest and highest coil current to fit (default: the file's, else all).
        sigma: Noise of one point; without it, it is estimated from the residuals.
        errors: Take the noise of every point from columns of errors beside I+ and I-, such as
            "plus_error" (of noise and bias step; "plus_total_error", which holds the choice of
            the threshold too, is taken where it stands alone); without it they are not used.
        loss: linear, or soft_l1 / cauchy where the data have outliers.
        starts: Fits to run; all but the first start from random points in the bounds. Without it
            four where the bounds are finite: from the start and the best of 96 random points.
        bootstrap: Refits to resampled blocks of residuals, 200 say, whose scatter gives a third
            column of errors: for correlated residuals and robust losses.
        seed: Random seed for both.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    if starts is not None:
        _checks.whole_number("starts", starts)
    if bootstrap is not None:
        _checks.whole_number("bootstrap", bootstrap, at_least=10)
    _checks.whole_number("seed", seed, at_least=0)
    measured_currents.require_one_noise(sigma, errors)
    names = measured_currents.Columns(
        coil, plus, minus, signed, "values" if drop_missing else False, coil_range, errors
    )
    currents = fitting.read(data, table, names)
    check_folder(out, force)
    start_jax(cache)
    from ..files import save

    task = fitting.prepare(data, table, currents, seed)
    found, _ = fitting.best_fit(task, sigma, starts, seed, loss, bootstrap)
    folder, unit = make_folder(out), device_file.unit(table)
    save(folder / "result.json", found, unit=unit, sections=device_file.sections(table))
    bounds = {k: x for k, x in task.space.bounds.items() if np.all(np.isfinite(x))}
    sections = {"bounds": bounds} if bounds else None
    save(folder / "device.toml", found.device, unit=unit, sections=sections)
    for line in task.said:
        say(line)
    say(found.summary(unit, axis=task.axis, axis_unit=task.axis_unit))
    _draw(folder, task, found, unit)
    finish(out)


def _draw(folder: Path, task: fitting.Task, found: Any, unit: str) -> None:
    import jax

    from .. import plot

    plot.correlations(found.names, found.values, found.covariance).savefig(
        folder / "parameters.png"
    )
    if task.measured is None:
        return
    (x, up, down), label = task.measured
    fine = np.linspace(x[0], x[-1], 600)
    curve = jax.device_get(jax.jit(lambda setup: setup.switching_currents(fine))(found.device))
    missed = np.split(-found.residuals, 2)  # measured − fitted
    spread = np.split(found.sigma, 2)
    plot.critical_currents_along(
        fine, curve.plus, curve.minus, label=label, unit=unit,
        measured=(x, up, down), residuals=(missed[0], missed[1]),
        sigma=(spread[0], spread[1]) if found.sigma_known else None,
        title=f"rms {found.rms:.3g}, {found.explained:.1%} of the variance",
    ).savefig(folder / "fit.png")  # fmt: skip
