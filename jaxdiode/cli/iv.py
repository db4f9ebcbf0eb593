"""`jaxdiode iv`."""

from pathlib import Path

from .. import _plain_checks as _checks
from ..files import device_file
from .common import Cache, DeviceFile, check_folder, finish, make_folder, say, start_jax


def iv(
    device: DeviceFile,
    out: Path = Path("jaxdiode-iv"),
    maximum: float | None = None,
    points: int = 201,
    duration: float | None = None,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Current-voltage curve of a device that has one, swept up and down.

    A driven junction is swept from minus to plus the maximum and back. A wire starts at zero
    current and is taken to the maximum, to minus the maximum and back, so that flips and
    hysteresis show.

    Example: jaxdiode iv device.toml --maximum 2

    Args:
        device: TOML file with a [device] that has a voltage (kapitza, wire), or JSON with one.
        out: Folder for the figure, the CSV and the JSON.
        maximum: Biases run from minus to plus this (default: 1.2 times the sum of amplitudes, or
            of the largest onset, half or flip current of the wire).
        points: Number of biases from minus to plus.
        duration: Shortest stay at a bias, in inverse plasma frequencies (driven junctions; 500 if
            left out); the longest is 20 times that.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    _checks.whole_number("points", points, at_least=2)
    for name, value in (("maximum", maximum), ("duration", duration)):
        if value is not None:
            _checks.positive_number(name, value)
    check_folder(out, force)
    start_jax(cache)
    import numpy as np

    from ..files import save

    made, unit = device_file.device(table), device_file.unit(table)
    found = made.iv(maximum=maximum, points=points, duration=duration)
    folder = make_folder(out)
    save(folder / "result.json", found, unit=unit, sections=device_file.sections(table))
    columns = {name: value for name, value in found.as_dict().items() if np.ndim(value) == 1}
    rows = np.stack([np.asarray(column, float) for column in columns.values()], axis=1)
    np.savetxt(folder / "iv.csv", rows, delimiter=",", header=",".join(columns), comments="")
    found.plot().savefig(folder / "iv.png")
    if said := found.summary(unit):
        say(said)
    finish(out)
