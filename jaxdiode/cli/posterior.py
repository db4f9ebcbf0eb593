"""`jaxdiode posterior`."""

from pathlib import Path
from typing import Literal

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

Noise = Literal["normal", "student"]  # as `sample_posterior` takes them, which needs JAX


def posterior(
    device: DeviceFile,
    data: DataFile,
    out: Path = Path("jaxdiode-posterior"),
    coil: str | None = None,
    plus: str | None = None,
    minus: str | None = None,
    signed: bool | None = None,
    drop_missing: bool = False,
    coil_range: tuple[float, float] | None = None,
    sigma: float | None = None,
    errors: bool = False,
    noise: Noise = "normal",
    correlated: bool = False,
    chains: int = 4,
    warmup: int = 300,
    draws: int = 500,
    starts: int | None = None,
    seed: int = 0,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Draw from the posterior of a device's parameters, given measured data.

    As `jaxdiode fit`, from the same files, and then chains about the best fit: means, standard
    deviations and intervals that hold where errors of a fit do not (few points, bounds, outliers,
    correlated noise). The fit is kept beside the draws. Needs `pip install 'jaxdiode[inference]'`.

    Example: jaxdiode posterior device.toml measured.csv --noise student

    Args:
        device: TOML file with [device] and maybe [fit], as for `jaxdiode fit`.
        data: CSV or tab-separated file with columns for coil current, I+ and I-, or those of the
            observable.
        out: Folder for figures and the JSON.
        coil: Name of the coil-current column (usual names are found).
        plus: Name of the I+ column.
        minus: Name of the I- column; negative values are turned round.
        signed: Whether the I- column holds negative currents (True) or magnitudes (False).
        drop_missing: Leave rows with missing values out, also the good value of such a row.
        coil_range: Lowest and highest coil current to use (default: the file's, else all).
        sigma: Noise of one point; without it, it is sampled too.
        errors: Take the noise of every point from columns of errors beside I+ and I-, such as
            "plus_error" (of noise and bias step; "plus_total_error", which holds the choice of
            the threshold too, is taken where it stands alone); without it they are not used.
        noise: normal, or student where the data have outliers.
        correlated: Sample a correlation of neighbouring points.
        chains: Independent chains, for the test that they agree.
        warmup: Steps of every chain that adapt.
        draws: Draws kept of every chain.
        starts: Fits to run before, as for `jaxdiode fit`.
        seed: Random seed.
        force: Overwrite the folder's files.
    """
    if starts is not None:
        _checks.whole_number("starts", starts)
    _checks.whole_number("chains", chains)
    _checks.whole_number("seed", seed, at_least=0)
    table = device_file.read(device)
    measured_currents.require_one_noise(sigma, errors)
    names = measured_currents.Columns(coil, plus, minus, signed, drop_missing, coil_range, errors)
    currents = fitting.read(data, table, names)
    check_folder(out, force)
    start_jax(cache)
    from .. import plot
    from ..files import save
    from ..studies.posterior import require_blackjax, sample_posterior

    require_blackjax()
    task = fitting.prepare(data, table, currents, seed)
    best, known = fitting.best_fit(task, sigma, starts, seed)
    found = sample_posterior(
        task.model, task.space, task.data, known, arguments=task.arguments, along=task.along,
        noise=noise, correlated=correlated, start=best, chains=chains, warmup=warmup, draws=draws,
        key=seed,
    )  # fmt: skip
    folder, unit = make_folder(out), device_file.unit(table)
    sections = device_file.sections(table)
    save(folder / "posterior.json", found, unit=unit, sections=sections)
    save(folder / "result.json", best, unit=unit, sections=sections)
    for line in task.said:
        say(line)
    say(found.summary(unit))
    plot.posterior(found).savefig(folder / "posterior.png")
    if task.along is not None:
        along = ("position along the axis", "")
        label, own = (task.measured[1], unit) if task.measured else along
        plot.posterior_predictive(found, label=label, unit=own).savefig(folder / "bands.png")
    finish(out)
