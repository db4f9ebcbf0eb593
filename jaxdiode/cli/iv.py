"""`jaxdiode iv`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import _plain_checks as _checks
from ..files import device_file
from .circuit import Circuit, noise_of, one_of, read_circuit, require_sections
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

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..core.results import AbstractResult


def iv(
    device: DeviceFile,
    out: Path = Path("jaxdiode-iv"),
    maximum: float | None = None,
    points: int = 201,
    duration: float | None = None,
    noise: float | None = None,
    temperature: float | None = None,
    between: tuple[str, str] | None = None,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Current-voltage curve of a device that has one, swept up and down.

    A driven or shunted junction is swept from minus to plus the maximum and back. A wire starts at
    zero current and is taken to the maximum, to minus the maximum and back, so that flips and
    hysteresis show. With noise or a temperature the exact mean voltage of a warm junction without
    capacitance and drive stands beside it.

    Example: jaxdiode iv device.toml --maximum 2

    Args:
        device: TOML file with a [device] that has a voltage (kapitza, wire), or any junction and
            a [shunt] section, or a Circuit whose junctions have resistances or capacitances; or
            JSON with one.
        out: Folder for the figures, the CSV and the JSON.
        maximum: Biases run from minus to plus this, in the device's unit of current (default: 1.2
            times the sum of amplitudes, or of the largest onset, half or flip current of a wire;
            of a shunted device twice the largest current, and its drive; of a circuit 1.5 times
            all critical currents, and its drive).
        points: Number of biases from minus to plus.
        duration: Shortest stay at a bias, in the device's unit of time (driven junctions; 500 if
            left out, of the junction's own times where it is shunted); the longest is 20 times
            that.
        noise: k_BT as a current 2ek_BT/hbar in the device's unit: adds the thermal curve.
        temperature: The same in K, where the file names the unit of currents.
        between: Of a circuit, two nodes whose voltage is meant (default: its terminals).
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    _checks.whole_number("points", points, at_least=2)
    for name, value in (("maximum", maximum), ("duration", duration)):
        if value is not None:
            _checks.positive_number(name, value)
    warm = noise is not None or temperature is not None
    if warm:
        one_of(("noise", noise), ("temperature", temperature))
        require_sections(table, driven=False)
    check_folder(out, force)
    start_jax(cache)
    from ..files import save

    made, unit = device_file.device(table), device_file.unit(table)
    circuit = read_circuit(table, driven=False if warm else None) if _has_shunt(made) else None
    if warm:
        circuit = circuit or read_circuit(table, driven=False)
        _require_overdamped(circuit)
    others = {} if between is None else {"between": _of_circuit(made, between)}
    found = made.iv(maximum=maximum, points=points, duration=duration, **others)
    folder = make_folder(out)
    save(folder / "result.json", found, unit=unit, sections=device_file.sections(table))
    write_columns(folder / "iv.csv", _columns(found, circuit))
    _figure(found, circuit).savefig(folder / "iv.png")
    if said := found.summary(unit):
        say(said)
    if circuit is not None:
        say(circuit.describe())
        if warm:
            _thermal(circuit, found, noise_of(circuit, noise, temperature), folder)
    finish(out)


def _has_shunt(device: Any) -> bool:
    from ..dynamics.shunted import is_shunted

    return is_shunted(device)


def _of_circuit(device: Any, between: tuple[str, str]) -> tuple[str, str]:
    from ..dynamics.network.equations import AbstractNetwork

    if not isinstance(device, AbstractNetwork):
        raise ValueError(
            f"between must be left out for a {type(device).__name__}, got {' '.join(between)}"
        )
    return between


def _columns(found: "AbstractResult", circuit: Circuit | None) -> dict[str, Any]:
    import numpy as np

    columns = {name: value for name, value in found.as_dict().items() if np.ndim(value) == 1}
    if circuit is None:
        return columns
    voltages = {name: x for name, x in columns.items() if name.startswith("voltage")}
    return columns | circuit.in_volts(voltages)


def _figure(found: Any, circuit: Circuit | None) -> "Figure":
    if circuit is None:
        return found.plot()
    from .. import plot

    drive = circuit.device.drive
    frequency = None if drive is None else float(drive.frequency)
    return plot.iv(found, drive_frequency=frequency, unit=circuit.unit or r"$I_0$")


def _require_overdamped(circuit: Circuit) -> None:
    if not circuit.device.is_overdamped:
        raise ValueError(
            "[shunt] must have no damping and no capacitance for a thermal curve, which is known "
            "without capacitance only; jaxdiode switching has the noise of a damped junction"
        )


def _thermal(circuit: Circuit, found: Any, noise: float, folder: Path) -> None:
    from .. import plot
    from ..core.results import status_text
    from ..files import save
    from ..thermal.iv import thermal_iv

    warm = thermal_iv(circuit.device.device, found.current, noise=noise)
    save(folder / "thermal.json", warm, unit=circuit.unit)
    columns = {
        "current": warm.current, "voltage": warm.voltage, "log_voltage": warm.log_voltage,
        "resistance": warm.resistance, "status": warm.status,
    }  # fmt: skip
    write_columns(folder / "thermal.csv", columns | circuit.in_volts({"voltage": warm.voltage}))
    plot.thermal_iv(warm, unit=circuit.unit).savefig(folder / "thermal.png")
    least = float(warm.resistance.min())
    say(
        f"k_BT as a current {noise:.6g} {circuit.unit}".rstrip()
        + f"; smallest dV/dI {least:.4g} R; status: {status_text(warm.status)}"
    )
