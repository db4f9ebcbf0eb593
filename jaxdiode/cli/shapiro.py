"""`jaxdiode shapiro`."""

import re
from pathlib import Path
from typing import Any

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
    out: Path = Path("jaxdiode-shapiro"),
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Both edges of Shapiro steps of a driven device, exactly.

    On step n/m the voltage is n/m times that of the drive's frequency. With capacitance steps
    overlap, and the fold of one that a ramp leaves earlier is in the files without being an edge.

    Example: jaxdiode shapiro device.toml --orders 0 1 -1 1/2

    Args:
        device: TOML file with [device], [shunt] and [drive] (`jaxdiode new --system shunted`), or
            JSON with such a device.
        orders: Steps, whole numbers n or fractions n/m.
        out: Folder for the figure, the CSV and the JSON.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    pairs = [_pair(order) for order in orders]
    if not pairs:
        raise ValueError("orders must name at least one step, got none")
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
    voltage = r"$I_0R$" if circuit.device.is_overdamped else r"$\hbar\omega_p/2e$"
    figure = plot.steps(found, unit=circuit.unit or r"$I_0$", voltage_unit=voltage)
    figure.savefig(folder / "steps.png")
    say(found.summary(circuit.unit))
    say(circuit.describe())
    if circuit.scale is not None and circuit.device.drive is not None:
        frequency = circuit.device.drive.frequency
        hertz, volts = circuit.scale.hertz(frequency), circuit.scale.volts(frequency)
        say(f"drive at {si(float(hertz), 'Hz')}: steps every {si(float(volts), 'V')}")
    finish(out)


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
