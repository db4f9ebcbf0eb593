"""`jaxdiode explore`."""

import importlib.util
import socket
import tempfile
from pathlib import Path
from typing import Annotated

import tyro

from ..files import device_file
from .common import Cache, say, start_jax


def explore(
    device: Annotated[
        Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="DEVICE.toml")
    ] = None,
    port: int = 5006,
    show: bool = True,
    cache: Cache = True,
) -> None:
    """A page in the browser: the device under sliders, with its gradient, climbs and fits.

    It is served to this machine alone. Needs the extra `jaxdiode[explore]`.

    Example: jaxdiode explore device.toml

    Args:
        device: TOML file with a [device] section, or JSON with a device; [bounds] are the ranges
            of sliders. Without it the example of a SQUID is opened.
        port: Port of the page on 127.0.0.1.
        show: Open a browser.
    """
    if not 1024 <= port <= 65535:
        raise ValueError(f"port must be from 1024 to 65535, got {port}")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise ValueError(f"port must be a free one, {port} is in use")
    if importlib.util.find_spec("panel") is None:
        raise ImportError("explore needs Panel: pip install 'jaxdiode[explore]'")
    with tempfile.TemporaryDirectory() as folder:
        if device is None:
            device = Path(folder) / "squid.toml"
            device.write_text(device_file.example("squid"), encoding="utf-8")
        device_file.read(device)
        start_jax(cache)
        from .explorer_page import serve

        say(f"http://127.0.0.1:{port} (Ctrl-C ends it)")
        serve(device, port, show)
