"""`jaxdiode rectify`."""

from pathlib import Path

from .. import _plain_checks as _checks
from ..files import device_file
from .circuit import Circuit, Network, read_moving, require_sections, si
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


def rectify(
    device: DeviceFile,
    out: Path = Path("jaxdiode-rectify"),
    maximum: float | None = None,
    points: int = 101,
    between: tuple[str, str] | None = None,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Mean voltage without bias against the amplitude of the drive, whose shape is the file's.

    Example: jaxdiode rectify device.toml --maximum 1000

    Args:
        device: TOML file with [device], [shunt] and [drive] (`jaxdiode new --system shunted`), or
            with a Circuit and [device.drive]; or JSON with such a device.
        out: Folder for the figure, the CSV and the JSON.
        maximum: Largest amplitude, in the device's unit of current (default: three times the
            device's largest current).
        points: Number of amplitudes from 0 to that.
        between: Of a circuit, two nodes whose voltage is meant (default: its terminals).
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    _checks.whole_number("points", points, at_least=2)
    if maximum is not None:
        _checks.positive_number("maximum", maximum)
    require_sections(table, driven=True)
    check_folder(out, force)
    start_jax(cache)
    import numpy as np

    from .. import plot
    from ..dynamics.rectification import rectified_voltage
    from ..files import save

    circuit = read_moving(table)
    most = 3 * _largest_current(circuit) if maximum is None else maximum
    found = rectified_voltage(circuit.device, np.linspace(0.0, most, points), between=between)
    folder, unit = make_folder(out), circuit.unit
    save(folder / "result.json", found, unit=unit, sections=device_file.sections(table))
    columns = {name: x for name, x in found.as_dict().items() if np.ndim(x) == 1}
    voltages = {name: x for name, x in columns.items() if name in ("voltage", "quasi_static")}
    write_columns(folder / "rectify.csv", columns | circuit.in_volts(voltages))
    plot.rectification(found, unit=circuit.unit).savefig(folder / "rectify.png")
    say(found.summary(unit))
    if circuit.scale is not None:
        volts = np.abs(np.asarray(circuit.scale.volts(found.voltage)))
        say(f"largest voltage {si(float(np.nanmax(volts)), 'V')}")
    say(circuit.describe())
    finish(out)


def _largest_current(circuit: Circuit | Network) -> float:
    if isinstance(circuit, Circuit):
        return float(circuit.device.typical_current())
    network = circuit.device.network()
    return float(network.current * network.sum_of_currents())
