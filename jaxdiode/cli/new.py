"""`jaxdiode new`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from ..devices import SYSTEMS
from ..files import device_file
from .common import say

if TYPE_CHECKING:
    Name = str
else:
    Name = tyro.extras.literal_type_from_choices([system.name for system in SYSTEMS])

_HELP = "Which system: " + ", ".join(f"{system.name} ({system.title})" for system in SYSTEMS) + "."


def new(
    path: Annotated[Path, tyro.conf.Positional] = Path("device.toml"),
    system: Annotated[Name, tyro.conf.arg(help=_HELP)] = SYSTEMS[0].name,
    force: bool = False,
) -> None:
    """Write an example device file to start from.

    Example: jaxdiode new my_junction.toml --system kapitza

    Args:
        path: File to write.
        force: Overwrite the file.
    """
    if path.exists() and not force:
        raise ValueError(f"path must not exist yet, {str(path)!r} does; --force overwrites it")
    path.write_text(device_file.example(system), encoding="utf-8")
    say(f"Wrote {path}. Next: jaxdiode evaluate {path}")
