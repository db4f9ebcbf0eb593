"""`jaxdiode sweep`."""

from pathlib import Path

from .. import _plain_checks as _checks
from ..files import device_file
from .common import Cache, DeviceFile, check_folder, finish, make_folder, say, start_jax


def sweep(
    device: DeviceFile,
    out: Path = Path("jaxdiode-sweep"),
    chunk: int = 8192,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Critical currents on the grid of the file's [sweep], to netCDF; resumes if interrupted.

    Example: jaxdiode sweep device.toml

    Args:
        device: TOML file with [device] and [sweep], or JSON with a device and such a section.
        out: Folder for the netCDF file and the figure.
        chunk: Devices evaluated at once.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    grid = table.get("sweep", {})
    if not grid:
        raise ValueError("device file must have a [sweep] section; `jaxdiode new` writes one")
    _checks.whole_number("chunk", chunk)
    target = out / "sweep.nc"
    unfinished = target.with_name(target.name + ".partial").exists()
    check_folder(out, force or (unfinished and not target.exists()))
    start_jax(cache)
    from .. import plot
    from ..core.critical import rounded_efficiency
    from ..core.device import critical_currents
    from ..files import with_units
    from ..studies.sweep import sweep as sweep_over

    made = device_file.device(table)
    axes = {name: device_file.axis(name, given) for name, given in grid.items()}
    folder = make_folder(out)
    data = sweep_over(critical_currents, made, axes, chunk=chunk, path=target, overwrite=force)
    failed = int((data["status"] != 0).sum())
    best = data["efficiency"].argmax(...) if failed < data["efficiency"].size else {}
    where = {k: float(data[k][v]) for k, v in best.items() if k in data.coords}
    largest = rounded_efficiency(data["efficiency"].max())
    say(f"{data['status'].size} devices, {failed} failed; largest eta {largest:+.6f} at {where}")
    if data["efficiency"].ndim <= 2:
        shown = with_units(data, made, device_file.unit(table))
        plot.dataset(shown).savefig(folder / "efficiency.png")
    finish(out)
