"""`jaxdiode evaluate`."""

from pathlib import Path

from ..files import device_file
from .common import Cache, DeviceFile, check_folder, finish, make_folder, say, start_jax


def evaluate(
    device: DeviceFile,
    out: Path = Path("jaxdiode-evaluate"),
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Critical currents, diode efficiency and CPR of the device in a file.

    Example: jaxdiode evaluate device.toml --out results

    Args:
        device: TOML file with a [device] section (see `jaxdiode new`), or JSON with a device.
        out: Folder for the figure and the JSON.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    check_folder(out, force)
    start_jax(cache)
    from ..files import save

    made, unit = device_file.device(table), device_file.unit(table)
    found = made.report()
    folder = make_folder(out)
    save(folder / "result.json", found, unit=unit, sections=device_file.sections(table))
    say(found.summary(unit))
    if found.drawable:
        found.plot(unit).savefig(folder / "cpr.png")
    finish(out)
