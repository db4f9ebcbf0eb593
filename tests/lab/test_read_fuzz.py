"""Mutated files of all formats: the same dataset, what the file says, or a sentence."""

import re

import numpy as np
import pytest
import xarray

from jaxdiode.lab import describe, read

from . import mutants
from .writers import CURRENT, FIELD, VOLTAGE

FOREIGN = re.compile(
    r"Traceback|unexpected keyword|not subscriptable|object has no|unsupported operand|"
    r"invalid literal|could not convert|codec can't|inhomogeneous|index \d+ is out of bounds"
)


def same(found, name):
    names = ("B", "I", "V") if name != "no header" else ("column 1", "column 2", "column 3")
    b, i, v = (found[n] for n in names)
    return (
        v.dims == (b.name, i.name)
        and np.allclose(b, FIELD, rtol=1e-12, atol=1e-16)
        and np.allclose(i, CURRENT, rtol=1e-12, atol=1e-21)
        and np.array_equal(v, VOLTAGE)
    )


def check(seed, path):
    """None, or what went wrong with this file."""
    name, raw, harmless = mutants.mutant(seed)
    path.write_bytes(raw)
    try:
        found = read(path)
    except ValueError as error:
        text = str(error)
        if harmless or raw == mutants.original(name):
            return f"refused: {text}"
        if FOREIGN.search(text) or "data file" not in text:
            return f"no sentence: {text}"
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    describe(found)
    assert isinstance(found, xarray.Dataset)
    if harmless and not same(found, name):
        return f"not the same: {found}"
    if found.attrs["format"] == "text":
        allowed = mutants.rows_of(raw)
        stray = [row for row in rows_of_table(found) if row not in allowed]
        if stray:
            return f"not in the file: {stray[:3]}"
    if found.attrs["format"] == "mtx":
        (variable,) = found.data_vars
        values = found[variable].values.ravel()
        payload = raw.split(b"\n", 2)[2]
        width = len(payload) // max(1, values.size)
        if not np.array_equal(values, np.frombuffer(payload, f"<f{width}"), equal_nan=True):
            return "not the numbers of the file"
    return None


def rows_of_table(found):
    matrix = "row" in found.dims or "value" in found.data_vars
    return [] if matrix else mutants.rows_in(found)


def broken(seeds, folder):
    return {s: what for s in seeds if (what := check(s, folder / "data")) is not None}


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore")  # of what stands in damaged files
def test_mutated_files(tmp_path):
    assert broken(range(500), tmp_path) == {}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_mutated_files(tmp_path):
    assert broken(range(500, 10_500), tmp_path) == {}
