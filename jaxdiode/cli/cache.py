"""JAX's persistent compilation cache, for the command line only."""

import os
import warnings
from pathlib import Path

_LARGEST = 512 * 1024**2  # bytes; the programs longest unused are dropped first
_WORTH = 0.1  # seconds of compilation from which a program is kept


def use_compilation_cache() -> None:
    """Keep compiled programs in the user's cache folder, unless the user has said otherwise.

    JAX's own variables (JAX_COMPILATION_CACHE_DIR, JAX_ENABLE_COMPILATION_CACHE and those of its
    limits) come first. Where no folder can be written, programs are compiled as if for the first
    time. A lock keeps processes apart that run at once.
    """
    import jax
    from platformdirs import user_cache_path

    if jax.config.jax_compilation_cache_dir or not jax.config.jax_enable_compilation_cache:  # pyright: ignore
        return
    folder = user_cache_path("jaxdiode") / "compiled"
    if not _writable(folder):
        return
    remove_unfinished(folder)
    settings = {
        "jax_compilation_cache_dir": str(folder),
        "jax_compilation_cache_max_size": _LARGEST,
        "jax_persistent_cache_min_compile_time_secs": _WORTH,
    }
    for name, value in settings.items():
        if name.upper() not in os.environ:
            jax.config.update(name, value)
    # A damaged or locked entry means compiling again, nothing to warn of.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")


def remove_unfinished(folder: Path) -> None:
    """Remove entries whose process was killed while it wrote them: JAX would add no more."""
    for entry in folder.glob("*-cache"):
        if not entry.with_name(entry.name.removesuffix("-cache") + "-atime").exists():
            entry.unlink(missing_ok=True)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True
