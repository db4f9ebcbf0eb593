"""Every public name shows itself: a short example in its docstring, run here with its output."""

import ast
import doctest
import inspect
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd

PACKAGE = Path(jd.__file__).parent
SYSTEMS = ("andreev", "kapitza", "usadel", "wire")
PURPOSES = (
    "continuation", "experiment", "files", "inverse", "lab", "netlists", "plot", "results",
    "tolerance", "units",
)  # fmt: skip

HOW = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def exported(path):
    """Names that a module or stub exports as `from … import name as name`."""
    lines = [x for x in ast.parse(path.read_text()).body if isinstance(x, ast.ImportFrom)]
    return [alias.asname for line in lines for alias in line.names if alias.asname]


def public():
    """{name as it follows `jd.`: object} of all classes and functions."""
    names = exported(PACKAGE / "__init__.pyi")
    for system in SYSTEMS:
        stub = PACKAGE / "devices" / system / "__init__.pyi"
        names += [f"{system}.{name}" for name in exported(stub)]
    for purpose in PURPOSES:
        module = getattr(jd, purpose)
        stub = Path(module.__file__).with_suffix(".pyi")
        here = exported(stub if stub.exists() else Path(module.__file__)) or [
            name
            for name, thing in vars(module).items()
            if inspect.isfunction(thing) and thing.__module__ == module.__name__
        ]
        names += [f"{purpose}.{name}" for name in here if not name.startswith("_")]
    found = {name: _at(name) for name in names}
    return {name: x for name, x in found.items() if not isinstance(x, types.ModuleType)}


def _at(path):
    thing = jd
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing


PUBLIC = public()


def methods():
    """{name: method} of all that public classes define and show an example of."""
    found = {}
    for name, thing in PUBLIC.items():
        for own in vars(thing) if inspect.isclass(thing) else ():
            member = inspect.getattr_static(thing, own)
            member = getattr(member, "__func__", member)  # of a class or static method
            shown = inspect.isroutine(member) or isinstance(member, property)
            if shown and not own.startswith("_") and ">>>" in (member.__doc__ or ""):
                found[f"{name}.{own}"] = member
    return found


METHODS = methods()


def example(name):
    """The examples of a docstring, with the names they may use."""
    thing = PUBLIC.get(name) or METHODS[name]
    return doctest.DocTestParser().get_doctest(
        inspect.getdoc(thing) or "",
        {"jd": jd, "np": np, "jnp": jnp, "jax": jax, "__name__": "example"},
        name,
        inspect.getsourcefile(inspect.unwrap(getattr(thing, "fget", None) or thing)),
        None,
    )


def test_the_names_are_found():
    assert {"Squid", "wire.simulate_wire", "plot.iv", "units.flux", "files.device_of"} < set(PUBLIC)
    assert all(callable(thing) for thing in PUBLIC.values())


def test_every_public_name_has_an_example():
    bare = {name for name in PUBLIC if not any(x.want for x in example(name).examples)}
    assert bare == set(), "a docstring without >>> and output"


@pytest.mark.document
@pytest.mark.parametrize("name", sorted(PUBLIC) + sorted(METHODS))
def test_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=HOW)
    assert runner.run(example(name), out=report.append).failed == 0, "".join(report)
