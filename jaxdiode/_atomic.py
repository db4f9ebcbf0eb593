"""Files that are written whole or not at all."""

import secrets
from collections.abc import Callable
from pathlib import Path


def atomic_write(path: Path, write: Callable[[Path], object], folder: Path | None = None) -> None:
    """Let `write` make the file under another name, in its folder or another, then rename it.

    The file is made as any other, so that its mode follows the umask.
    """
    folder = path.parent if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{path.name[:80]}.{secrets.token_hex(4)}{path.suffix}"
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
