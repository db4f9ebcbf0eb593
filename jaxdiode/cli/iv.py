"""`jaxdiode iv`."""

from pathlib import Path

from .. import _plain_checks as _checks
from .. import device_file
from .common import Cache, DeviceFile, check_folder, finish, make_folder, say, start_jax


def iv(
    device: DeviceFile,
    out: Path = Path("jaxdiode-iv"),
    maximum: float | None = None,
    points: int = 201,
    duration: float = 500.0,
    force: bool = False,
    cache: Cache = True,
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
        duration: Shortest stay at a bias, in inverse plasma frequencies (driven junctions); the
            longest is 20 times that.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    _checks.whole_number("points", points, at_least=2)
    for name, value in (("maximum", maximum), ("duration", duration)):
        if value is not None:
            _checks.positive_number(name, value)
    check_folder(out, force)
    start_jax(cache)
    from ..devices.kapitza.junction import KapitzaJunction
    from ..devices.phase_slip.wire import PhaseSlipWire

    made = device_file.device(table)
    if isinstance(made, PhaseSlipWire):
        _wire(made, out, maximum or _largest_current(made), points)
    elif isinstance(made, KapitzaJunction):
        _junction(made, out, maximum or 1.2 * float(made.largest_current()), points, duration)
    else:
        raise ValueError(
            f"[device] must be a KapitzaJunction or PhaseSlipWire, got {type(made).__name__}"
        )
    finish(out)


def _wire(wire, out, most, points):
    import numpy as np

    from .. import plot

    steps = np.linspace(-most, most, points)
    steps[np.abs(steps) < 1e-9 * most] = 0.0
    state = wire.trace(np.concatenate([steps[steps >= 0], steps[::-1], steps]))
    folder = make_folder(out)
    names = ("current", "voltage", "slope", "valley", "order_parameter")
    _write(folder / "iv.csv", names, [getattr(state, name) for name in names])
    plot.wire(state).savefig(folder / "iv.png")


def _junction(junction, out, most, points, duration):
    import numpy as np

    from .. import plot
    from ..dynamics.iv import iv_curve

    curve = iv_curve(junction, np.linspace(-most, most, points), duration=duration)
    folder = make_folder(out)
    columns = {
        "current": curve.current,
        "voltage_up": curve.up,
        "voltage_down": curve.down,
        "error_up": curve.up_error,
        "error_down": curve.down_error,
        "status_up": curve.up_status,
        "status_down": curve.down_status,
    }
    _write(folder / "iv.csv", tuple(columns), list(columns.values()))
    figure = plot.iv(curve, drive_frequency=float(junction.drive_frequency))
    figure.savefig(folder / "iv.png")
    still = np.asarray(curve.current)[np.asarray(curve.up) == 0]
    if still.size:
        say(f"no voltage on the way up from {still.min():+.4g} to {still.max():+.4g}")
    statuses = np.stack([np.asarray(curve.up_status), np.asarray(curve.down_status)])
    wide = int(np.any(statuses != 0, axis=0).sum())
    if wide:
        say(
            f"{wide} of {points} biases have errors above 1e-6 of the voltage "
            "(chaotic or almost locked; see error_up, error_down): raise --duration"
        )


def _write(path, names, columns):
    import numpy as np

    rows = np.stack([np.asarray(column, float) for column in columns], axis=1)
    np.savetxt(path, rows, delimiter=",", header=",".join(names), comments="")


def _largest_current(wire):
    import numpy as np

    limits = wire.limits()
    largest = float(np.nanmax([limits.onset, limits.half, limits.flip]))
    return 1.2 * largest if largest > 0 else 1.2
