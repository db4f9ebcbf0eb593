"""Which module may import which (CONTRIBUTING.md), read from the sources without importing them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "jaxdiode"

# Bottom to top: a module imports from lower layers only. Names on one line are peers, which do not
# import each other; a package (numerics, core) is free inside. Modules not listed have no place.
LAYERS = [
    ["_plain_checks", "_version"],
    ["_checks", "progress", "_atomic"],
    ["units", "measurement"],
    ["numerics"],
    ["core"],
    ["dynamics", "thermal"],
    ["circuits"],
    ["gates", "gap"],
    ["junctions"],
    ["devices", "studies", "netlists"],
    ["inverse", "experiment", "lab", "tolerance", "continuation"],
    ["plot", "files", "bibliography"],
    ["results"],
    ["demo"],
    ["cli"],
    ["__main__"],
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FREE_INSIDE = {
    "numerics",
    "core",
    "measurement",
    "dynamics",
    "thermal",
    "circuits",
    "junctions",
    "netlists",
    "studies",
    "inverse",
    "experiment",
    "lab",
    "files",
    "plot",
    "cli",
}
# Sources that devices may build on; studies work on any device, so on none of these.
NO_PHYSICS = {"studies"}
PHYSICS = {"gates", "gap", "junctions", "devices", "dynamics", "thermal", "circuits", "netlists"}

HEAVY = {
    "matplotlib", "xarray", "scipy", "tqdm", "tyro", "diffrax", "h5netcdf", "h5py",
    "blackjax", "arviz", "zarr", "dask", "distributed", "cloudpickle",
}  # fmt: skip


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def part(path):
    """The layer a file belongs to: its folder, or its own name at the top."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    """(imported module as a tuple of names, inside a function?) for every import of a file."""
    tree = ast.parse(path.read_text(), str(path))
    for node in ast.walk(tree):  # a result draws itself: its method `plot` calls a figure
        if isinstance(node, ast.FunctionDef) and node.name == "plot":
            node.body = [x for x in node.body if not isinstance(x, ast.ImportFrom)]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inside = {  # functions, and what only type checkers see
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, functions)
        or (isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test))
        for node in ast.walk(block)
    }
    here = ("jaxdiode", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split(".")), id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = (*base, *(node.module or "").split(".")) if node.module else base
            for alias in node.names:
                # `from . import units` names a module, `from .units import x` does not.
                full = (*module, alias.name)
                yield (full if _is_module(full) else module), id(node) in inside


def _is_module(names):
    path = ROOT.joinpath(*names)
    return path.is_dir() or path.with_suffix(".py").is_file()


def internal(path):
    return [names for names, _ in imports(path) if names[0] == "jaxdiode"]


files = pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))


def test_the_diagram_for_contributors_is_this_table():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```")[1]
    drawn = [{name.strip() for name in part.split(",")} for part in text.split("←")]
    assert drawn == [set(names) for names in LAYERS if names != ["__main__"]]


@files
def test_has_a_place(path):
    if path != PACKAGE / "__init__.py":
        assert part(path) in LEVEL, f"put {part(path)} into the layer table"


@files
def test_imports_lower_layers_only(path):
    if path == PACKAGE / "__init__.py":
        return
    own = part(path)
    for names in internal(path):
        if len(names) == 1:
            assert LEVEL[own] >= LEVEL["files"], f"{own} imports the package, not a module of it"
            continue
        other = names[1]
        if other == own and (own in FREE_INSIDE or _one_device(path, names)):
            continue
        assert LEVEL[other] < LEVEL[own], f"{own} imports {'.'.join(names)}"
        assert not (own in NO_PHYSICS and other in PHYSICS), f"{own} imports {'.'.join(names)}"


def _one_device(path, names):
    """Both files lie in the folder of one device, at any depth."""
    folder = path.relative_to(PACKAGE).parts[:-1]
    return len(folder) >= 2 and names[1:3] == folder[:2]


@pytest.mark.parametrize("path", sorted((PACKAGE / "devices").rglob("*.py")), ids=lambda p: p.name)
def test_devices_do_not_import_each_other(path):
    others = [names for names in internal(path) if names[1:2] == ("devices",)]
    assert not [names for names in others if not _one_device(path, names)]


@files
def test_only_main_imports_cli(path):
    if part(path) not in ("__main__", "cli"):
        assert not [names for names in internal(path) if names[1:2] == ("cli",)]


@files
def test_heavy_packages_are_imported_inside_functions(path):
    # Only __main__ reaches cli, which may therefore name its parser at the top.
    heavy = HEAVY - {"tyro"} if part(path) == "cli" else HEAVY
    found = [".".join(names) for names, inside in imports(path) if not inside]
    assert not [name for name in found if name.split(".")[0] in heavy]


def test_import_is_light_and_sets_nothing():
    """A fresh interpreter: the rules above also for what the imported packages pull in."""
    code = (
        "import sys, jaxdiode;"
        "assert not {'jax', 'equinox', 'scipy', 'numpy'} & set(sys.modules), 'not lazy';"
        "import jax; before = jax.config.jax_enable_x64;"
        "[getattr(jaxdiode, name) for name in dir(jaxdiode)];"
        "assert jax.config.jax_enable_x64 == before;"
        "print(*{'matplotlib', 'xarray', 'tqdm', 'tyro', 'zarr', 'dask'} & set(sys.modules))"
    )
    assert fresh(code).split() == []


def test_names_that_are_also_modules_are_the_public_ones():
    """`jaxdiode.fit` is the verb, whichever module was imported first, and however it is asked."""
    code = (
        "import jaxdiode.files, jaxdiode.studies.fit, jaxdiode.studies.sweep, jaxdiode as jd;"
        "from jaxdiode import fit, sweep, plot;"
        "print(type(jd.fit).__name__, type(fit).__name__, type(sweep).__name__, jd.plot is plot)"
    )
    assert fresh(code).split() == ["function", "function", "function", "True"]


def test_every_public_name_is_there():
    """`__init__.pyi` lists them; a star import gives all of them, by their own names."""
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    listed = {
        a.asname for node in stub.body if isinstance(node, ast.ImportFrom) for a in node.names
    }
    code = (
        "import jaxdiode; from jaxdiode import *; here = dict(globals());"
        "print(*(n for n in dir(jaxdiode) if getattr(jaxdiode, n) is here[n]))"
    )
    assert set(fresh(code).split()) == listed
    flat = [a for node in stub.body if getattr(node, "module", None) for a in node.names]
    assert len(flat) <= 85  # what belongs to one system or one purpose has a namespace


def fresh(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_parser_sees_what_it_must():
    """The rules are only as good as this reading of imports."""
    file = PACKAGE / "devices" / "squid" / "interferometer.py"
    found = set(internal(file))
    assert ("jaxdiode", "_checks") in found
    assert ("jaxdiode", "core", "device") in found
    lazy = dict(imports(PACKAGE / "gates.py"))
    assert lazy["scipy", "optimize"] is True


LONGEST_MODULE, LONGEST_FUNCTION = 350, 60  # lines; of a function those of code


@files
def test_modules_and_functions_stay_short(path):
    text = path.read_text()
    assert text.count("\n") <= LONGEST_MODULE
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            after = node.body[1:] if ast.get_docstring(node) and node.body[1:] else node.body
            code = [x.strip() for x in lines[after[0].lineno - 1 : node.end_lineno]]
            count = sum(bool(x) and not x.startswith("#") for x in code)
            assert count <= LONGEST_FUNCTION, f"{node.name} has {count} lines"
