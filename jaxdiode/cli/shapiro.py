"""`jaxdiode shapiro`."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from .. import _plain_checks as _checks
from ..files import device_file
from .circuit import Circuit, read_circuit, require_sections, si
from .common import (
    Cache,
    DeviceFile,
    check_folder,
    finish,
    make_folder,
    say,
    start_jax,
    write_columns,
)


def shapiro(
    device: DeviceFile,
    orders: tuple[str, ...] = ("0", "1", "-1", "2", "-2"),
    powers: tuple[float, float] | None = None,
    maximum: float | None = None,
    points: int = 101,
    out: Path = Path("jaxdiode-shapiro"),
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Both edges of Shapiro steps of a driven device, exactly.

    On step n/m the voltage is n/m times that of the drive's frequency. With capacitance steps
    overlap, and the fold of one that a ramp leaves earlier is in the files without being an edge.

    With powers a map too: mean voltage over bias and power, the edges drawn over it.

    Example: jaxdiode shapiro device.toml --orders 0 1 -1 1/2 --powers -20 10

    Args:
        device: TOML file with [device], [shunt] and [drive] (`jaxdiode new --system shunted`), or
            JSON with such a device.
        orders: Steps, whole numbers n or fractions n/m.
        powers: Lowest and highest power of a map, in dB relative to the file's drive.
        maximum: Largest bias of the map, in the device's unit of current (default: twice the
            device's largest current).
        points: Number of biases and of powers of the map.
        out: Folder for the figure, the CSV and the JSON.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    pairs = [_pair(order) for order in orders]
    if not pairs:
        raise ValueError("orders must name at least one step, got none")
    _checks.whole_number("points", points, at_least=2)
    if maximum is not None:
        _checks.positive_number("maximum", maximum)
    if powers is not None and not powers[0] < powers[1]:
        raise ValueError(f"powers must be the lowest and the highest in dB, got {powers}")
    require_sections(table, driven=True)
    check_folder(out, force)
    start_jax(cache)
    from .. import plot
    from ..dynamics.steps import shapiro_steps
    from ..files import save

    circuit = read_circuit(table, driven=True)
    found = shapiro_steps(circuit.device, pairs)
    folder = make_folder(out)
    save(folder / "result.json", found, unit=circuit.unit, sections=device_file.sections(table))
    write_columns(folder / "steps.csv", _columns(found, circuit))
    bias, voltage = circuit.unit or r"$I_0$", circuit.device.voltage_unit
    figure = plot.steps(found, unit=bias, voltage_unit=voltage)
    figure.savefig(folder / "steps.png")
    say(found.summary(circuit.unit))
    if powers is not None:
        most = 2 * float(circuit.device.typical_current()) if maximum is None else maximum
        _write_map(circuit, (most, *powers), points, pairs, folder)
    say(circuit.describe())
    if circuit.scale is not None and circuit.device.drive is not None:
        frequency = circuit.device.drive.frequency
        hertz, volts = circuit.scale.hertz(frequency), circuit.scale.volts(frequency)
        say(f"drive at {si(float(hertz), 'Hz')}: steps every {si(float(volts), 'V')}")
    finish(out)


def _write_map(
    circuit: Circuit,
    ranges: tuple[float, float, float],
    points: int,
    pairs: list[tuple[int, int]],
    folder: Path,
) -> None:
    from .. import plot
    from ..dynamics.shapiro_map import shapiro_map
    from ..files import save

    most, lowest, highest = ranges
    biases, powers = np.linspace(-most, most, points), np.linspace(lowest, highest, points)
    found = shapiro_map(circuit.device, biases, powers, progress=True)
    save(folder / "map.json", found, unit=circuit.unit)
    columns = {
        "power_dB": np.repeat(powers, points), "current": np.tile(biases, points),
        "voltage": found.voltage.ravel(), "error": found.error.ravel(),
        "status": found.status.ravel(),
    }  # fmt: skip
    write_columns(folder / "map.csv", columns | circuit.in_volts({"voltage": columns["voltage"]}))
    figure = plot.shapiro_map(found, orders=pairs, unit=circuit.unit or r"$I_0$")
    figure.savefig(folder / "map.png")
    say(found.summary(circuit.unit))


def _pair(order: str) -> tuple[int, int]:
    if not (found := re.fullmatch(r"([+-]?\d{1,6})(?:/(\d{1,6}))?", order)) or found[2] == "0":
        raise ValueError(
            f"orders must be whole numbers n or fractions n/m with m at least 1, got {order!r}"
        )
    return int(found[1]), int(found[2] or 1)


def _columns(found: Any, circuit: Circuit) -> dict[str, Any]:
    n, m = found.orders.T
    columns = {
        "n": n, "m": m, "lower": found.lower, "upper": found.upper, "voltage": found.voltage,
        "lower_fold": found.folds[0], "upper_fold": found.folds[1], "status": found.status,
    }  # fmt: skip
    return columns | circuit.in_volts({"voltage": found.voltage})
