"""From a command line to a call; what the parser draws as a box becomes one sentence."""

import contextlib
import functools
import io
import re
from collections.abc import Callable, Mapping

import tyro

# What Python says of words that are no numbers.
_WHOLE, _REAL = r"\1 must be a whole number, got \2", r"\1 must be a number, got \2"
_PLAIN = (
    (r"Error parsing (\S+): invalid literal for int.*?: (.*)", _WHOLE),
    (r"Error parsing (\S+): could not convert string to float: (.*)", _REAL),
    (r"Error parsing (\S+): no type matching \{None\}\|INT .*?\[(.*?)\]\..*", _WHOLE),
    (r"Error parsing (\S+): no type matching \{None\}\|FLOAT .*?\[(.*?)\]\..*", _REAL),
    (r"Error parsing (\S+):", r"\1:"),
)
_LONGEST = 300


def parse(commands: Mapping[str, Callable], prog: str, description: str) -> Callable[[], None]:
    """The call that the command line asks for, to be made when the parser is left.

    Raises:
        ValueError: the command line is none of the commands with its options.
        SystemExit: help has been printed.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.extras.subcommand_cli_from_dict(
                {name: _deferred(command) for name, command in commands.items()},
                prog=prog,
                description=description,
            )
    except SystemExit as stop:
        if stop.code in (None, 0):
            raise
    raise ValueError(_sentence(said.getvalue(), prog))


def _deferred(command: Callable) -> Callable:
    @functools.wraps(command)
    def call(*arguments, **options):
        return functools.partial(command, *arguments, **options)

    return call


def _sentence(box: str, prog: str) -> str:
    """The first part of a box, what it suggests, and whose help to read."""
    parts: list[list[str]] = [[]]
    for line in box.splitlines():
        text = line.strip(" │|")
        if text.startswith(("╭", "╰")):  # the title, the end
            continue
        if text.strip("-─ "):
            parts[-1].append(text)
        elif text:
            parts.append([])
    first, *rest = [
        "".join(c if c.isprintable() else "?" for c in " ".join(" ".join(part).split()))
        for part in parts[(0 if "╭" in box else 1) :]
    ] or [""]
    for pattern, plain in _PLAIN:
        first = re.sub(pattern, plain, first)
    text = first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"
    for part in rest[:1]:
        near = re.match(r"Perhaps you meant:? (--[\w-]+)", part)
        text += f"; did you mean {near[1]}?" if near else ""
        text += f"; {part[0].lower()}{part[1:]}" if part.startswith("Available") else ""
    whose = re.search(rf"{prog}( [a-z]+)? --help", rest[-1] if rest else "")
    return f"{text}; see `{whose[0] if whose else prog + ' --help'}`"
