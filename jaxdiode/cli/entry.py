"""The entry point: which commands there are, and one line for whatever goes wrong."""

import os
import sys
import warnings
from typing import NoReturn

from .. import __version__
from .cache import is_about_the_cache
from .demo import demo
from .design import design
from .evaluate import evaluate
from .explore import explore
from .extract import extract
from .fit import fit
from .iv import iv
from .margins import margins
from .new import new
from .parse import parse
from .posterior import posterior
from .rectify import rectify
from .shapiro import shapiro
from .sweep import sweep
from .switching import switching

COMMANDS = {
    "demo": demo,
    "new": new,
    "evaluate": evaluate,
    "explore": explore,
    "iv": iv,
    "shapiro": shapiro,
    "rectify": rectify,
    "switching": switching,
    "design": design,
    "margins": margins,
    "extract": extract,
    "fit": fit,
    "posterior": posterior,
    "sweep": sweep,
}

_LONGEST = 600  # characters of another library's message


def main() -> None:
    """Entry point: bad input is one line on stderr and exit code 2.

    The same holds for what nobody expected; `JAXDIODE_DEBUG=1` shows the traceback instead.
    """
    if sys.argv[1:] == ["--version"]:
        print(f"jaxdiode {__version__}")
        return
    if "" not in sys.path:
        sys.path.append("")  # devices of one's own, in the folder one stands in
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            parse(
                COMMANDS,
                prog="jaxdiode",
                description="Differentiable physics of superconducting diodes. "
                "Start with `jaxdiode demo`, or `jaxdiode new` for a device file of your own.",
            )()
    except KeyboardInterrupt:
        print(
            "jaxdiode: interrupted (a sweep goes on from its finished chunks if repeated)",
            file=sys.stderr,
        )
        sys.exit(130)
    except Exception as error:
        if os.environ.get("JAXDIODE_DEBUG", "0") not in ("", "0"):
            raise
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    if isinstance(error, ValueError | OSError | ImportError):
        text = _line(error)
    elif isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        text = "there is not enough memory: take fewer points or starts, or a smaller chunk"
    else:
        text = (
            f"unexpected {type(error).__name__}: {_line(error)[:_LONGEST]}; this is a fault of "
            "jaxdiode, please report it with your files (JAXDIODE_DEBUG=1 shows where it is)"
        )
    print(f"jaxdiode: error: {text}", file=sys.stderr)
    sys.exit(2)


def _warn(message, category, *_, **__) -> None:
    """A line for what a user should know; NumPy's remarks on NaN are none of it."""
    if issubclass(category, UserWarning) and not is_about_the_cache(str(message)):
        print(f"jaxdiode: warning: {_line(message)}", file=sys.stderr)


def _line(message: object) -> str:
    return " ".join(str(message).split()) or type(message).__name__
