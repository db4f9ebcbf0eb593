"""`jaxdiode fit`."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from .. import _plain_checks as _checks
from ..files import device_file
from ..measurement import read_switching_currents, require_turns
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
CALIBRATION = ("turns", "offset", "mutual_inductance")
KEYS = (
    "turns", "offset", "mutual_inductance", "sigma", "bounds", "ties", "coil_range", "coil_unit",
)  # fmt: skip


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
    loss: Loss = "linear",
    starts: int | None = None,
    seed: int = 0,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Fit measured switching currents against coil current, with error bars.

    Errors robust to correlated residuals stand beside the plain ones, and warnings say what the
    model misses. The fit also starts from the flux periods that the data show by themselves.

    The file's [fit] section gives the starting coil calibration and the bounds; parameter
    names begin with `squid.`, `turns`, `offset` or `mutual_inductance`. Currents whose columns name
    a unit are converted to the file's `unit`, coil currents to the `coil_unit` of [fit].

    Example: jaxdiode fit device.toml measured.csv --loss soft_l1

    Args:
        device: TOML file with [device] (a Squid) and [fit], or JSON with a device (a Squid in
            the flux of a coil, as fits give it) and such a section.
        data: CSV or tab-separated file with columns for coil current, I+ and I-.
        out: Folder for figures and the JSON.
        coil: Name of the coil-current column (usual names are found).
        plus: Name of the I+ column.
        minus: Name of the I- column; negative values are turned round.
        signed: Whether the I- column holds negative currents (True) or magnitudes (False), where
            the signs leave it open.
        drop_missing: Leave rows with missing values out.
        coil_range: Lowest and highest coil current to fit (default: the file's, else all).
        sigma: Noise of one point; without it, it is estimated from the residuals.
        loss: linear, or soft_l1 / cauchy where the data have outliers.
        starts: Fits to run; all but the first start from random points in the bounds. Without it
            four where the bounds are finite: from the start and the best of 96 random points.
        seed: Random seed for them.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    options = table.get("fit", {})
    for name in options:
        if name == "self_flux":
            raise ValueError(
                "self_flux of [fit] must be left out: give the branches an inductance in [device], "
                "or the bias line a mutual_inductance in [fit]"
            )
        if name not in KEYS:
            raise _checks.unknown_name("key of [fit]", name, KEYS)
    if starts is not None:
        _checks.whole_number("starts", starts)
    _checks.whole_number("seed", seed, at_least=0)
    measured = read_switching_currents(
        data, coil, plus, minus, unit=table.get("unit") or None,
        coil_unit=options.get("coil_unit"), signed=signed, drop_missing=drop_missing,
    )  # fmt: skip
    x, up, down = _within(coil_range or options.get("coil_range"), *measured)
    require_turns(x, options.get("turns", ()))
    check_folder(out, force)
    start_jax(cache)
    import jax

    from .. import plot
    from ..files import save
    from ..studies.fit import fit as fit_model
    from ..studies.space import Space

    made = device_file.device(table)
    start = made.measured({name: options[name] for name in CALIBRATION if name in options})
    if "bounds" not in options:
        raise ValueError("[fit] needs 'bounds'; `jaxdiode new` writes an example")
    varied = Space(start, options["bounds"], options.get("ties", ()))
    noise = options.get("sigma") if sigma is None else sigma
    found = fit_model(
        _switching_currents, varied, (up, down), noise, arguments=[x], along=x,
        periods=[name for name in varied.names if name.startswith("turns")],
        loss=loss, starts=starts, key=seed,
    )  # fmt: skip
    folder, unit = make_folder(out), device_file.unit(table)
    save(folder / "result.json", found, unit=unit, sections=device_file.sections(table))
    say(f"read {measured.describe()}")
    if x.size < measured.coil.size:
        say(f"fitted {x.size} of them, from {x[0]:g} to {x[-1]:g}")
    say(found.summary(unit))
    fine = np.linspace(x[0], x[-1], 600)
    curve = jax.device_get(jax.jit(lambda squid: squid.switching_currents(fine))(found.device))
    label = f"coil current ({measured.coil_unit})" if measured.coil_unit else "coil current"
    missed = np.split(-found.residuals, 2)  # measured − fitted
    spread = np.split(found.sigma, 2)
    plot.critical_currents_along(
        fine, curve.plus, curve.minus, label=label, unit=unit,
        measured=(x, up, down), residuals=(missed[0], missed[1]),
        sigma=(spread[0], spread[1]) if found.sigma_known else None,
        title=f"rms {found.rms:.3g}, {found.explained:.1%} of the variance",
    ).savefig(folder / "fit.png")  # fmt: skip
    plot.correlations(found.names, found.values, found.covariance).savefig(
        folder / "parameters.png"
    )
    finish(out)


def _switching_currents(squid, coil_current):
    return squid.switching_currents(coil_current)


def _within(limits: Any, x: np.ndarray, up: np.ndarray, down: np.ndarray):
    """The rows of a measurement whose coil current lies between two limits, to rounding."""
    if limits is None:
        return x, up, down
    try:
        low, high = (float(limit) for limit in limits)
    except (TypeError, ValueError) as error:
        raise ValueError(f"coil_range must be (lowest, highest), got {limits!r}") from error
    if not low < high:
        raise ValueError(f"coil_range must be (lowest, highest), got {low:g} and {high:g}")
    slack = 1e-9 * (high - low)
    kept = (x >= low - slack) & (x <= high + slack)
    if not kept.any():
        raise ValueError(
            f"coil_range must hold some of the data, {x[0]:g} to {x[-1]:g}, got {low:g} to {high:g}"
        )
    return x[kept], up[kept], down[kept]
