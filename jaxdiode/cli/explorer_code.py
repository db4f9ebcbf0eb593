"""Python text that builds a device, as the page of `jaxdiode explore` shows it."""

from typing import Any

_HEAD = """import jax

jax.config.update("jax_enable_x64", True)

"""


def python_of(table: Any) -> str:
    """A program that builds the device of a table, in the names that users import.

    Raises:
        ValueError: the table names a class that is not there.
    """
    modules: dict[str, None] = {}
    text = _code(table, modules)
    imports = "".join(f"import {name}\n" for name in sorted(modules))
    return f"{_HEAD}{imports}import jaxdiode as jd\n\ndevice = {text}\n"


def _code(table: Any, modules: dict[str, None], depth: int = 0) -> str:
    """A device's table as a constructor's call; adds the modules that it needs beside jaxdiode."""
    pad, end = "    " * (depth + 1), "    " * depth

    def inside(value: Any) -> str:
        return _code(value, modules, depth + 1)

    if isinstance(table, dict) and "type" in table:
        kind = _place(str(table["type"]), modules)
        rows = [f"{pad}{k}={inside(v)},\n" for k, v in table.items() if k != "type"]
        return f"{kind}(\n{''.join(rows)}{end})" if rows else f"{kind}()"
    if isinstance(table, dict):
        rows = [f"{pad}{k!r}: {inside(v)},\n" for k, v in table.get("dict", table).items()]
        return f"{{\n{''.join(rows)}{end}}}"
    if isinstance(table, list) and any(isinstance(x, dict | list) for x in table):
        rows = [f"{pad}{inside(x)},\n" for x in table]
        return f"[\n{''.join(rows)}{end}]"
    return repr(table)


def _place(kind: str, modules: dict[str, None]) -> str:
    """Where users find a class: jd.Squid, jd.experiment.Axis, own_module.Device."""
    from ..files.types import public_path, resolve

    path = public_path(kind)
    if path is not None:
        return f"jd.{path}"
    module = resolve(kind).__module__  # of a user, or one that no user builds
    modules[module] = None
    return f"{module}.{kind.rpartition('.')[2]}"
