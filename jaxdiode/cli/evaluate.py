"""`jaxdiode evaluate`."""

from pathlib import Path

from .. import device_file
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
        device: TOML file with a [device] section (see `jaxdiode new`).
        out: Folder for the figure and the JSON.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    check_folder(out, force)
    start_jax(cache)
    from .. import plot, results
    from ..evaluation import evaluate as answer

    made = device_file.device(table)
    unit = str(table.get("unit", ""))
    found = answer(made)
    folder = make_folder(out)
    results.write_json(folder / "result.json", {**found.as_dict(), "device": made})
    say(found.summary(unit))
    if found.drawable:
        plot.current_phase(found, unit=unit).savefig(folder / "cpr.png")
    finish(out)
