"""`jaxdiode new`."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from .. import device_file
from .common import say

# One entry per file in `examples/`, which `device_file.EXAMPLES` names too.
System = Literal["squid", "kapitza", "andreev", "wire", "usadel", "diffusive"]


def new(
    path: Annotated[Path, tyro.conf.Positional] = Path("device.toml"),
    system: System = "squid",
    force: bool = False,
) -> None:
    """Write an example device file to start from.

    Example: jaxdiode new my_junction.toml --system kapitza

    Args:
        path: File to write.
        system: Which system: squid (double-loop SQUID), kapitza (driven junction), andreev
            (nonequilibrium interferometer), wire (phase slips, valley polarisation), usadel
            (spin-active junction with a strong ferromagnet) or diffusive (SNS and SFS junctions).
        force: Overwrite the file.
    """
    if path.exists() and not force:
        raise ValueError(f"path must not exist yet, {str(path)!r} does; --force overwrites it")
    path.write_text(device_file.example(system), encoding="utf-8")
    say(f"Wrote {path}. Next: jaxdiode evaluate {path}")
