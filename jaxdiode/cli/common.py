"""What commands share: arguments, folders of results, what is printed, and the start of JAX."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import tyro

DeviceFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DEVICE.toml")]
DataFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA.csv")]
Count = Annotated[int | None, tyro.conf.arg(metavar="INT")]  # None: left to the device file
Cache = Annotated[
    bool, tyro.conf.arg(help="Keep compiled programs in your cache folder: the next run is faster.")
]


def check_folder(path: Path, force: bool) -> None:
    """Refuse a folder of results that would overwrite something, before anything is worked out."""
    if path.exists() and not path.is_dir():
        raise ValueError(f"out must be a folder, {str(path)!r} is a file")
    if path.exists() and any(path.iterdir()) and not force:
        raise ValueError(
            f"out must be new or empty, {str(path)!r} is not; choose another or add --force"
        )


def make_folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def start_jax(cache: bool) -> None:
    """Import JAX in double precision, with its cache of compiled programs."""
    import jax

    from .cache import use_compilation_cache

    jax.config.update("jax_enable_x64", True)
    if cache:
        use_compilation_cache()


def write_columns(path: Path, columns: Mapping[str, Any]) -> None:
    """A table as CSV, a line of names and then numbers."""
    import numpy as np

    rows = np.stack([np.asarray(column, float) for column in columns.values()], axis=1)
    np.savetxt(path, rows, delimiter=",", header=",".join(columns), comments="", encoding="utf-8")


def say(text: str) -> None:
    """Print a line; a reader that has gone away (`| head`) must not cost the results."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def finish(folder: Path) -> None:
    say(f"Results in {folder.resolve()}")
