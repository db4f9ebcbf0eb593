"""`jaxdiode switching`."""

from pathlib import Path
from typing import Annotated

import tyro

from ..files import device_file
from .circuit import noise_of, one_of, read_circuit, require_sections
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

_Text = Annotated[str | None, tyro.conf.arg(metavar="NAME")]


def switching(
    device: DeviceFile,
    out: Path = Path("jaxdiode-switching"),
    noise: float | None = None,
    temperature: float | None = None,
    rate: float | None = None,
    ramp: float | None = None,
    formula: _Text = None,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Distribution of switching currents of a warm junction in both directions, by formula.

    The bias is ramped up from 0 until the phase escapes from its well.

    Example: jaxdiode switching device.toml --temperature 0.05 --ramp 1e4

    Args:
        device: TOML file with [device] and [shunt], without [drive]; or JSON with such a device.
        out: Folder for the figure, the CSV and the JSON.
        noise: k_BT as a current 2ek_BT/hbar in the device's unit.
        temperature: The same in K, where the file names the unit of currents.
        rate: Of the ramp, in the device's units of current per time.
        ramp: The same in units of current per second, where [shunt] is in SI units.
        formula: Of the escape rate, such as quadrature or Kramers (default: the one that suits).
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    one_of(("noise", noise), ("temperature", temperature))
    one_of(("rate", rate), ("ramp", ramp))
    require_sections(table, driven=False)
    check_folder(out, force)
    start_jax(cache)
    from .. import plot
    from ..files import save
    from ..thermal.histogram import switching_distribution

    circuit = read_circuit(table, driven=False)
    if rate is None:
        if circuit.scale is None:
            raise ValueError(
                "ramp (current per second) needs [shunt] in SI units, such as a resistance; or "
                "give rate"
            )
        assert ramp is not None
        rate = float(circuit.scale.ramp_rate(ramp))
    gamma = noise_of(circuit, noise, temperature)
    found = switching_distribution(
        circuit.device.device, noise=gamma, rate=rate, damping=circuit.device.damping,
        formula=formula,
    )  # fmt: skip
    folder = make_folder(out)
    unit = circuit.unit
    save(folder / "result.json", found, unit=unit, sections=device_file.sections(table))
    columns = {
        f"{name}_{sign}": values[k]
        for k, sign in enumerate(("plus", "minus"))
        for name, values in (("current", found.current), ("density", found.density))
    }
    write_columns(folder / "density.csv", columns)
    plot.switching_distribution(found, unit=unit or r"$I_0$").savefig(folder / "switching.png")
    say(found.summary(unit))
    told = f"k_BT as a current {gamma:.6g} {unit}".rstrip() + f", ramp {rate:.4g} per unit of time"
    if circuit.scale is not None:
        told += f" ({float(circuit.scale.per_second(rate)):.4g} {unit}/s)"
    say(told)
    say(circuit.describe())
    finish(out)
