"""`jaxdiode demo`."""

from pathlib import Path

from .. import _plain_checks as _checks
from .common import Cache, check_folder, finish, make_folder, start_jax


def demo(
    out: Path = Path("jaxdiode-demo"), force: bool = False, seed: int = 0, cache: Cache = True
) -> None:
    """Design, inspect and measure the double-loop SQUID diode, in under two minutes.

    Gradient ascent against Monte Carlo at equal cost, the best device's CPR and its
    efficiency over flux, and a fit of a simulated noisy measurement.

    Example: jaxdiode demo

    Args:
        out: Folder for figures and results.
        force: Overwrite the folder's files.
        seed: Random seed.
    """
    _checks.whole_number("seed", seed, at_least=0)
    check_folder(out, force)
    start_jax(cache)
    from ..demo import run_demo

    run_demo(make_folder(out), seed)
    finish(out)
