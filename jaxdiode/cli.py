"""The command line: one command per verb; every result lands in a folder it names."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Literal

import equinox as eqx
import jax
import numpy as np
import tyro

from . import __version__, _checks, device_file, plot, results
from .core.critical import critical_currents, diode_efficiency
from .core.device import AbstractPhaseBiased
from .demo import run_demo
from .design import maximise, random_search
from .devices.kapitza.junction import KapitzaJunction
from .devices.kapitza.limits import Limits
from .devices.kapitza.transport import iv_curve
from .devices.phase_slip.limits import WireLimits
from .devices.phase_slip.wire import PhaseSlipWire
from .devices.squid import CoilBiasedSquid, Squid
from .devices.usadel.spin import AbstractSpinResolved, spin_diode, spin_diode_efficiency
from .fit import Loss, fit
from .measurement import read_switching_currents
from .numerics.status import Status
from .space import Space
from .sweep import sweep

DeviceFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DEVICE.toml")]
DataFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA.csv")]


def demo(out: Path = Path("jaxdiode-demo"), force: bool = False, seed: int = 0) -> None:
    """Design, inspect and measure the double-loop SQUID diode, in under two minutes.

    Gradient ascent against Monte Carlo at equal cost, the best device's CPR and its
    efficiency over flux, and a fit of a simulated noisy measurement.

    Example: jaxdiode demo

    Args:
        out: Folder for figures and results.
        force: Overwrite the folder's files.
        seed: Random seed.
    """
    run_demo(_folder(out, force), seed)
    _done(out)


def new(
    path: Annotated[Path, tyro.conf.Positional] = Path("device.toml"),
    system: Literal["squid", "kapitza", "andreev", "wire", "usadel", "diffusive"] = "squid",
    force: bool = False,
) -> None:
    """Write an example device file to start from.

    Example: jaxdiode new my_junction.toml --system kapitza

    Args:
        path: File to write.
        system: Which system: squid (double-loop SQUID), kapitza (driven junction), andreev
            (nonequilibrium interferometer), wire (phase slips, valley polarisation), usadel
            (spin-active junction with a strong ferromagnet) or diffusive (SNS and SFS junctions).
        force: Overwrite the file.
    """
    if path.exists() and not force:
        raise ValueError(f"path must not exist yet, {str(path)!r} does; --force overwrites it")
    path.write_text(device_file.example(system), encoding="utf-8")
    print(f"Wrote {path}. Next: jaxdiode evaluate {path}")


def evaluate(
    device: DeviceFile, out: Path = Path("jaxdiode-evaluate"), force: bool = False
) -> None:
    """Critical currents, diode efficiency and CPR of the device in a file.

    Example: jaxdiode evaluate device.toml --out results

    Args:
        device: TOML file with a [device] section (see `jaxdiode new`).
        out: Folder for the figure and the JSON.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    made = device_file.device(table)
    folder = _folder(out, force)
    unit = str(table.get("unit", ""))
    known = _prepared(made)
    critical = jax.jit(critical_currents)(known)
    status = Status(int(critical.status))
    print(f"I+   {float(critical.plus):.8g} {unit}")
    print(f"I-   {float(critical.minus):.8g} {unit}")
    print(f"eta  {float(critical.efficiency):+.8f}")
    print(f"status: {status.describe()}")
    outcome = {"critical_currents": critical, "device": made}
    if min(critical.plus, critical.minus) < 0:
        print(f"eta' {float(critical.bounded_efficiency):+.8f}")
    if isinstance(known, AbstractSpinResolved):
        outcome["spin_diode"] = spin = spin_diode(known)
        print(f"eta_s {float(spin.efficiency):+.8f} (spin current at the phases of I+ and I-)")
    if isinstance(made, KapitzaJunction | PhaseSlipWire):
        outcome["limits"] = limits = made.limits()
        _print_limits(limits)
    results.write_json(folder / "result.json", outcome)
    if status is Status.CONVERGED and isinstance(made, AbstractPhaseBiased):
        plot.current_phase(known, unit=unit).savefig(folder / "cpr.png")
    _done(out)


def iv(
    device: DeviceFile,
    out: Path = Path("jaxdiode-iv"),
    maximum: float | None = None,
    points: int = 201,
    duration: float = 500.0,
    force: bool = False,
) -> None:
    """Current-voltage curve of a driven junction or a phase-slip wire, swept up and down.

    A wire starts at zero current and is taken to the maximum, to minus the maximum and back, so
    that flips and hysteresis show.

    Example: jaxdiode iv device.toml --maximum 2

    Args:
        device: TOML file with a KapitzaJunction or a PhaseSlipWire as [device].
        out: Folder for the figure and the CSV.
        maximum: Biases run from minus to plus this (default: 1.2 times the sum of amplitudes, or
            of the largest onset, half or flip current of the wire).
        points: Number of biases from minus to plus.
        duration: Time at each bias, in inverse plasma frequencies (driven junctions).
        force: Overwrite the folder's files.
    """
    made = device_file.device(device_file.read(device))
    if not isinstance(made, KapitzaJunction | PhaseSlipWire):
        raise ValueError(
            f"[device] must be a KapitzaJunction or PhaseSlipWire, got {type(made).__name__}"
        )
    points = _checks.whole_number("points", points, at_least=2)
    if maximum is None:
        maximum = 1.2 * _largest_current(made)
    most = float(_checks.positive("maximum", maximum))
    folder = _folder(out, force)
    if isinstance(made, PhaseSlipWire):
        steps = np.linspace(-most, most, points)
        steps[np.abs(steps) < 1e-9 * most] = 0.0
        first = steps[steps >= 0]
        state = made.trace(np.concatenate([first, steps[::-1], steps]))
        names = ("current", "voltage", "slope", "valley", "order_parameter")
        columns = np.stack([getattr(state, name) for name in names], axis=1)
        np.savetxt(folder / "iv.csv", columns, delimiter=",", header=",".join(names), comments="")
        plot.wire(state).savefig(folder / "iv.png")
        _done(out)
        return
    curve = iv_curve(made, np.linspace(-most, most, points), duration=duration)
    columns = np.stack([curve.current, curve.up, curve.down], axis=1)
    header = "current,voltage_up,voltage_down"
    np.savetxt(folder / "iv.csv", columns, delimiter=",", header=header, comments="")
    plot.iv(curve, drive_frequency=float(made.drive_frequency)).savefig(folder / "iv.png")
    still = np.abs(columns[:, 1]) < 1e-3
    if still.any():
        low, high = columns[still, 0].min(), columns[still, 0].max()
        print(f"no voltage on the way up from {low:+.4g} to {high:+.4g}")
    _done(out)


def design(
    device: DeviceFile,
    out: Path = Path("jaxdiode-design"),
    starts: int | None = None,
    steps: int = 300,
    polish: int = 600,
    rounds: int = 3,
    compare: bool = True,
    objective: Literal["eta", "eta-prime", "minus-eta"] = "eta",
    seed: int = 0,
    force: bool = False,
) -> None:
    """Find the device with the largest diode efficiency inside the file's [bounds].

    Example: jaxdiode design device.toml --starts 256

    Args:
        device: TOML file with [device] and [bounds], optionally [design] with ties.
        out: Folder for figures and the JSON.
        starts: Random starting points (default: the file's, else 128).
        steps: Gradient ascent steps.
        polish: Evaluations of each ridge-following climb per round.
        rounds: Rounds of such climbs.
        compare: Also run Monte Carlo at the same number of evaluations.
        objective: What is made large: eta, or eta-prime, which ends at a perfect diode where eta
            goes on beyond (Andreev interferometers), or minus-eta, a diode the other way.
        seed: Random seed.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    made = device_file.device(table)
    varied = device_file.space(table, made)
    folder = _folder(out, force)
    options = table.get("design", {})
    for name in options:
        if name not in ("ties", "starts"):
            raise _checks.unknown_name("key of [design]", name, ("ties", "starts"))
    key, other = jax.random.split(jax.random.key(seed))
    starts = starts or int(options.get("starts", 128))
    function = OBJECTIVES[objective]
    found = maximise(
        function, varied, key=key, starts=starts, steps=steps, polish=polish, rounds=rounds
    )
    print(found.summary())
    searches = {"gradient": found}
    if compare:
        searches["Monte Carlo"] = random_search(
            function, varied, key=other, samples=found.evaluations
        )
        print(f"Monte Carlo at the same cost: {searches['Monte Carlo'].value:.6f}")
    results.write_json(folder / "result.json", searches)
    plot.search(searches).savefig(folder / "search.png")
    if isinstance(found.device, AbstractPhaseBiased):
        unit = str(table.get("unit", ""))
        plot.current_phase(found.device, unit=unit).savefig(folder / "cpr.png")
    _done(out)


def fit_command(
    device: DeviceFile,
    data: DataFile,
    out: Path = Path("jaxdiode-fit"),
    coil: str | None = None,
    plus: str | None = None,
    minus: str | None = None,
    coil_range: tuple[float, float] | None = None,
    sigma: float | None = None,
    loss: Loss = "linear",
    starts: int = 1,
    seed: int = 0,
    force: bool = False,
) -> None:
    """Fit measured switching currents against coil current, with error bars.

    Errors robust to correlated residuals stand beside the plain ones, and warnings say what the
    model misses. The fit also starts from the flux periods that the data show by themselves.

    The file's [fit] section gives the starting coil calibration and the bounds; parameter
    names begin with `squid.`, `turns`, `offset` or `self_flux`.

    Example: jaxdiode fit device.toml measured.csv --loss soft_l1

    Args:
        device: TOML file with [device] (a Squid) and [fit].
        data: CSV or tab-separated file with columns for coil current, I+ and I-.
        out: Folder for figures and the JSON.
        coil: Name of the coil-current column (usual names are found).
        plus: Name of the I+ column.
        minus: Name of the I- column; negative values are turned round.
        coil_range: Lowest and highest coil current to fit (default: the file's, else all).
        sigma: Noise of one point; without it, it is estimated from the residuals.
        loss: linear, or soft_l1 / cauchy where the data have outliers.
        starts: Fits to run; all but the first start from random points in the bounds.
        seed: Random seed for them.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    made = device_file.device(table)
    if not isinstance(made, Squid):
        raise ValueError(f"[device] must be a Squid to be fitted, got {type(made).__name__}")
    options = dict(table.get("fit") or {})
    allowed = ("turns", "offset", "self_flux", "sigma", "bounds", "ties", "coil_range")
    for name in options:
        if name not in allowed:
            raise _checks.unknown_name("key of [fit]", name, allowed)
    for name in ("turns", "bounds"):
        if name not in options:
            raise ValueError(f"[fit] needs {name!r}; `jaxdiode new` writes an example")
    x, up, down = read_switching_currents(data, coil, plus, minus)
    start = CoilBiasedSquid(
        made, options["turns"], options.get("offset", 0.0), options.get("self_flux")
    )
    varied = Space(start, options["bounds"], options.get("ties", ()))
    x, up, down = _within(coil_range or options.get("coil_range"), x, up, down)
    folder = _folder(out, force)
    noise = options.get("sigma") if sigma is None else sigma
    found = fit(
        _switching_currents, varied, (up, down), noise, arguments=[x], along=x,
        periods=[name for name in varied.names if name.startswith("turns")],
        loss=loss, starts=starts, key=seed,
    )  # fmt: skip
    print(found.summary())
    results.write_json(folder / "result.json", found)
    fine = np.linspace(x[0], x[-1], 600)
    curve = found.device.switching_currents(fine)  # pyright: ignore
    plot.critical_currents_along(
        fine, curve.plus, curve.minus, label="coil current", unit=str(table.get("unit", "")),
        measured=(x, up, down), title=f"rms {found.rms:.3g}, {found.explained:.1%} of the variance",
    ).savefig(folder / "fit.png")  # fmt: skip
    plot.errors(found.names, found.values, found.errors).savefig(folder / "parameters.png")
    _done(out)


def sweep_command(
    device: DeviceFile,
    out: Path = Path("jaxdiode-sweep"),
    chunk: int = 8192,
    force: bool = False,
) -> None:
    """Critical currents on the grid of the file's [sweep], to netCDF; resumes if interrupted.

    Example: jaxdiode sweep device.toml

    Args:
        device: TOML file with [device] and [sweep].
        out: Folder for the netCDF file and the figure.
        chunk: Devices evaluated at once.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    made = device_file.device(table)
    if not table.get("sweep"):
        raise ValueError("device file must have a [sweep] section; `jaxdiode new` writes one")
    axes = {name: device_file.axis(name, given) for name, given in table["sweep"].items()}
    target = out / "sweep.nc"
    unfinished = target.with_name(target.name + ".partial").exists()
    folder = _folder(out, force or (unfinished and not target.exists()))
    if force:
        target.unlink(missing_ok=True)
    data = sweep(critical_currents, made, axes, chunk=chunk, path=target)
    failed = int((data["status"] != 0).sum())
    best = data["efficiency"].argmax(...) if failed < data["efficiency"].size else {}
    where = {k: float(data[k][v]) for k, v in best.items() if k in data.coords}
    print(f"{data['status'].size} devices, {failed} failed; largest eta "
          f"{float(data['efficiency'].max()):+.6f} at {where}")  # fmt: skip
    if data["efficiency"].ndim <= 2:
        plot.dataset(data).savefig(folder / "efficiency.png")
    _done(out)


OBJECTIVES = {
    "eta": diode_efficiency,
    "eta-prime": lambda device: critical_currents(device).bounded_efficiency,
    "minus-eta": lambda device: -diode_efficiency(device),
    "spin-eta": spin_diode_efficiency,
}

COMMANDS = {
    "demo": demo,
    "new": new,
    "evaluate": evaluate,
    "iv": iv,
    "design": design,
    "fit": fit_command,
    "sweep": sweep_command,
}


def main() -> None:
    """Entry point: bad input is one line on stderr and exit code 2."""
    jax.config.update("jax_enable_x64", True)
    if sys.argv[1:] == ["--version"]:
        print(f"jaxdiode {__version__}")
        return
    try:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="jaxdiode",
            description="Differentiable physics of superconducting diodes. "
            "Start with `jaxdiode demo`, or `jaxdiode new` for a device file of your own.",
        )
    except KeyboardInterrupt:
        print("jaxdiode: interrupted; an unfinished sweep goes on if repeated", file=sys.stderr)
        sys.exit(130)
    except (ValueError, OSError) as error:
        print(f"jaxdiode: error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


def _print_limits(limits: Limits | WireLimits) -> None:
    for field in dataclasses.fields(limits):
        values = np.asarray(getattr(limits, field.name))
        if field.name == "status" or not np.isfinite(values).any():
            continue
        shown = (
            " to ".join(f"{x:.8g}" for x in np.ravel(one)) if np.isfinite(one).all() else "none"
            for one in values
        )
        name = field.name.replace("_", " ")
        print(f"{name:16}  + {next(shown)}   - {next(shown)}")


def _largest_current(device: KapitzaJunction | PhaseSlipWire) -> float:
    if isinstance(device, KapitzaJunction):
        return float(device.largest_current())
    limits = device.limits()
    found = np.ravel([limits.onset, limits.half, limits.flip])
    largest = float(np.nanmax(found))
    return largest if largest > 0 else 1.0


@eqx.filter_jit
def _prepared(device):
    """What the results are read from: all that no phase changes is worked out once."""
    return device.prepared() if isinstance(device, AbstractPhaseBiased) else device


def _switching_currents(squid, coil_current):
    return squid.switching_currents(coil_current)


def _within(limits, x, up, down):
    """The rows of a measurement whose coil current lies between two limits, to rounding."""
    if limits is None:
        return x, up, down
    given = np.asarray(_checks.real_array("coil_range", limits, ndim=1))
    if given.size != 2 or not given[0] < given[1]:
        raise ValueError(f"coil_range must be (lowest, highest), got {given.tolist()}")
    slack = 1e-9 * (given[1] - given[0])
    kept = (x >= given[0] - slack) & (x <= given[1] + slack)
    if not kept.any():
        raise ValueError(
            f"coil_range must hold some of the data, {x[0]:g} to {x[-1]:g}, "
            f"got {given[0]:g} to {given[1]:g}"
        )
    return x[kept], up[kept], down[kept]


def _folder(path: Path, force: bool) -> Path:
    if path.exists() and not path.is_dir():
        raise ValueError(f"out must be a folder, {str(path)!r} is a file")
    if path.exists() and any(path.iterdir()) and not force:
        raise ValueError(
            f"out must be new or empty, {str(path)!r} is not; choose another or add --force"
        )
    path.mkdir(parents=True, exist_ok=True)
    return path


def _done(folder: Path) -> None:
    print(f"Results in {folder.resolve()}")
