"""`jaxdiode evaluate`."""

from dataclasses import replace
from pathlib import Path

from ..files import device_file
from .common import Cache, DeviceFile, check_folder, finish, make_folder, say, start_jax


def evaluate(
    device: DeviceFile,
    out: Path = Path("jaxdiode-evaluate"),
    criterion: str | None = None,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Critical currents, diode efficiency and CPR of the device in a file.

    Example: jaxdiode evaluate device.toml --out results

    Args:
        device: TOML file with a [device] section (see `jaxdiode new`), or JSON with a device.
        out: Folder for the figure and the JSON.
        criterion: Another criterion of the device beside its own: largest, ramp or first of a
            circuit, or of a SQUID with several flux states; fold, switching or stability of a
            driven junction; onset, retrap, half, ohmic or flip of a wire.
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    check_folder(out, force)
    start_jax(cache)
    import jax

    from ..core.device import critical_currents
    from ..core.results import status_text
    from ..files import save

    made, unit = device_file.device(table), device_file.unit(table)
    found = made.report()
    others = {}
    if criterion is not None:
        others[criterion] = jax.device_get(critical_currents(made, criterion))
    saved = replace(found, details={**found.details, **others})
    folder = make_folder(out)
    save(folder / "result.json", saved, unit=unit, sections=device_file.sections(table))
    say(found.summary(unit))
    for name, other in others.items():
        say(f'by the criterion "{name}":\n{other.summary(unit)}')
    if found.drawable:
        found.plot(unit).savefig(folder / "cpr.png")
    elif found.relation is not None:
        say(f"no figure of the current-phase relation: {status_text(found.relation.status)}")
    finish(out)
