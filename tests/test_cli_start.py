"""How the command line begins and ends: what needs no JAX, the cache, and what nobody expected."""

import importlib
import os
import subprocess
import sys
import warnings

import jax
import pytest

import jaxdiode
from jaxdiode import cli
from jaxdiode.cli import cache, entry
from jaxdiode.cli.fit import Loss
from jaxdiode.cli.posterior import Noise

DEVICE = '[device]\ntype = "TunnelJunction"\ncritical_current = 1.0\n'


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "device.toml").write_text(DEVICE)
    (tmp_path / "wrong.toml").write_text(DEVICE + "[swep]\n")
    (tmp_path / "fit.toml").write_text(DEVICE + "[fit]\nturns = [1]\n")
    (tmp_path / "starts.toml").write_text(DEVICE + "[design]\nstarts = 0\n")
    (tmp_path / "data.csv").write_text("coil,plus,minus\n0,1,1\n1,2,2\n2,3,3\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").touch()


def in_a_process(code_or_arguments, **environment):
    arguments = ["-c", code_or_arguments]
    if isinstance(code_or_arguments, list):
        arguments = ["-m", "jaxdiode", *code_or_arguments]
    # The cache as users have it.
    inherited = {k: v for k, v in os.environ.items() if k != "JAX_ENABLE_COMPILATION_CACHE"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=300,
        env=inherited | {"COLUMNS": "200", **environment},
    )  # fmt: skip


WITHOUT_JAX = {
    "--help": "Start with",
    "--version": jaxdiode.__version__,
    **{f"{command} --help": "Example: jaxdiode" for command in cli.COMMANDS},
    "new mine.toml": "Next: jaxdiode evaluate",
    "evaluate none.toml": "device file must exist",
    "evaluate wrong.toml": "did you mean 'sweep'",
    "evaluate device.toml --out full": "add --force",
    "evaluate device.toml --outt x": "outt",
    "evalute device.toml": "evalute",
    "sweep device.toml": "must have a [sweep] section",
    "iv device.toml --points 1": "points must be a whole number, at least 2",
    "iv device.toml --maximum -1": "maximum must be a positive number, got -1",
    "design starts.toml": "starts must be a whole number, at least 1, got 0",
    "design device.toml --starts 0": "starts must be a whole number, at least 1, got 0",
    "design device.toml --objective etta": "etta",
    "fit none.toml data.csv": "device file must exist",
    "fit fit.toml none.csv": "data file must exist",
    "fit fit.toml data.csv --plus pluss": "did you mean 'plus'",
    "fit fit.toml data.csv --starts 0": "starts must be a whole number, at least 1, got 0",
    "fit wrong.toml data.csv --loss huber": "huber",
}


def test_what_needs_no_jax_is_answered_without_it():
    """One interpreter for all; every answer is the right one, and JAX is never imported."""
    code = f"""
import contextlib, io, sys
from jaxdiode import cli
for command, answer in {WITHOUT_JAX!r}.items():
    sys.argv = ["jaxdiode", *command.split()]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            cli.main()
            code = 0
        except SystemExit as stopped:
            code = stopped.code
    known = "help" in command or "version" in command or command.startswith("new")
    assert code == (0 if known else 2), (command, code, said.getvalue())
    assert answer in said.getvalue(), (command, said.getvalue())
    heavy = {{"jax", "equinox", "scipy", "matplotlib", "xarray"}} & set(sys.modules)
    assert not heavy, (command, heavy)
"""
    done = in_a_process(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_second_run_finds_its_programs(tmp_path):
    """The cache fills once, the answers agree, and `--no-cache` and JAX's own variables hold."""
    folder = tmp_path / "cache"
    runs = [
        in_a_process(["evaluate", "device.toml", "--force"], XDG_CACHE_HOME=str(folder))
        for _ in range(2)
    ]
    assert [run.stderr for run in runs] == ["", ""]
    assert runs[0].stdout == runs[1].stdout
    entries = list((folder / "jaxdiode/compiled").glob("jit__report-*-cache"))
    assert len(entries) == 1  # a second key would be a second entry
    whole = entries[0].stat().st_size
    entries[0].write_bytes(b"cut off")
    again = in_a_process(["evaluate", "device.toml", "--force"], XDG_CACHE_HOME=str(folder))
    assert (again.stdout, again.stderr) == (runs[0].stdout, "")
    assert entries[0].stat().st_size > whole / 2  # mended
    assert entries[0].parent.stat().st_mode & 0o077 == 0  # whoever writes there runs code here


SETTINGS = """
import jax
from jaxdiode.cli.common import start_jax
start_jax({cache})
c = jax.config
print(c.jax_compilation_cache_dir, c.jax_compilation_cache_max_size, c.jax_enable_x64)
"""


@pytest.mark.parametrize(
    ("on", "environment", "folder", "size"),
    [
        (True, {}, "{tmp}/jaxdiode/compiled", 512 * 1024**2),
        (False, {}, "None", -1),
        (True, {"JAX_ENABLE_COMPILATION_CACHE": "0"}, "None", -1),
        (True, {"JAX_COMPILATION_CACHE_DIR": "/tmp/own"}, "/tmp/own", -1),
        (True, {"JAX_COMPILATION_CACHE_MAX_SIZE": "1000"}, "{tmp}/jaxdiode/compiled", 1000),
        (True, {"XDG_CACHE_HOME": "{tmp}/device.toml"}, "None", -1),  # no folder can be made there
    ],
)
def test_cache_settings(tmp_path, on, environment, folder, size):
    given = {"XDG_CACHE_HOME": str(tmp_path)} | {
        name: value.format(tmp=tmp_path) for name, value in environment.items()
    }
    done = in_a_process(SETTINGS.format(cache=on), **given)
    assert done.stderr == ""
    assert done.stdout.split() == [folder.format(tmp=tmp_path), str(size), "True"]


SHOW = "print(jax.config.jax_compilation_cache_dir)"


def test_an_entry_that_a_killed_process_left_behind(tmp_path):
    """JAX would not add any more: it asks for the time of every entry."""
    for name in ("whole-cache", "whole-atime", "half-cache"):
        (tmp_path / name).touch()
    cache.remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.glob("*-*")} == {"whole-cache", "whole-atime"}


def test_the_library_sets_no_cache():
    done = in_a_process("import jax; from jaxdiode import Squid; " + SHOW)
    assert done.stdout == "None\n"


def test_lists_that_need_no_jax_say_what_the_library_does():
    assert Loss == importlib.import_module("jaxdiode.studies.fit").Loss
    assert Noise == importlib.import_module("jaxdiode.studies.posterior.noise").Kind


@pytest.fixture
def stop(monkeypatch, capsys):
    def call(error):
        def raising():
            raise error

        monkeypatch.setattr(sys, "argv", ["jaxdiode", "broken"])
        monkeypatch.setitem(entry.COMMANDS, "broken", raising)
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("flux must\nbe finite"), "error: flux must be finite"),
        (FileNotFoundError(2, "No such file", "x.toml"), "No such file"),
        (KeyError("branches"), "unexpected KeyError: 'branches'; this is a fault of jaxdiode"),
        (RuntimeError("page " * 1000), "unexpected RuntimeError: page page"),
        (RecursionError("too deep"), "unexpected RecursionError: too deep"),
        (MemoryError(), "there is not enough memory"),
        (jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: 9 GB"), "there is not enough memory"),
        (ValueError(), "error: ValueError"),
    ],
)
def test_every_error_is_one_line(stop, error, says):
    code, text = stop(error)
    assert code == 2
    assert text.startswith("jaxdiode: error: ")
    assert says in text
    assert text.count("\n") == 1
    assert len(text) < 1000


def test_debugging_shows_the_traceback(monkeypatch):
    def raising():
        raise KeyError("branches")

    monkeypatch.setattr(sys, "argv", ["jaxdiode", "broken"])
    monkeypatch.setitem(entry.COMMANDS, "broken", raising)
    monkeypatch.setenv("JAXDIODE_DEBUG", "1")
    with pytest.raises(KeyError, match="branches"):
        cli.main()


def test_warnings_are_one_line(monkeypatch, capsys):
    def warning():
        warnings.simplefilter("always")
        warnings.warn("the inductance\nlooks like henries", stacklevel=1)
        warnings.warn("invalid value", RuntimeWarning, stacklevel=1)

    monkeypatch.setattr(sys, "argv", ["jaxdiode", "warning"])
    monkeypatch.setitem(entry.COMMANDS, "warning", warning)
    cli.main()
    said = capsys.readouterr().err
    assert said == "jaxdiode: warning: the inductance looks like henries\n"


@pytest.mark.thorough
def test_a_reader_that_goes_away_costs_no_result(tmp_path):
    """`jaxdiode evaluate … | true`: the files are whole and nothing is said."""
    command = f"{sys.executable} -m jaxdiode evaluate device.toml --no-cache"
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found = {path.name for path in (tmp_path / "jaxdiode-evaluate").iterdir()}
    assert found == {"result.json", "cpr.png"}
