"""Double precision, strict promotion and run-time shape checks, set before jaxdiode is imported."""

import ctypes
import gc
import os
import shutil
from pathlib import Path

os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "0"  # tests leave the user's cache folder alone

import hypothesis
import jax
import jaxtyping
import pytest
from jax._src import compiler

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
# Half the compile time for the same arithmetic; JAXDIODE_TEST_OPTIMISED=1 tests what users run.
jax.config.update(
    "jax_disable_most_optimizations", os.environ.get("JAXDIODE_TEST_OPTIMISED", "0") == "0"
)
jaxtyping.install_import_hook("jaxdiode", "beartype.beartype")

# Compilation makes the first example slow; the same examples are drawn in every run.
hypothesis.settings.register_profile(
    "jaxdiode", deadline=None, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "jaxdiode"))


# XLA's older emitters, and no splitting of programs for threads that have no core of their own:
# half of the compile time again, for programs as fast. None of it with JAXDIODE_TEST_OPTIMISED=1.
_OPTIONS = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1}
if not jax.config.values["jax_disable_most_optimizations"]:
    _OPTIONS.clear()


def _with_options(compile_options):
    """JAX's function of that name, with `_OPTIONS`. JAX knows no setting for them."""

    def changed(*args, env_options_overrides=None, **named):
        asked = _OPTIONS | (env_options_overrides or {})
        return compile_options(*args, env_options_overrides=asked or None, **named)

    return changed


# The names of the options may go with another version.
if jax.__version_info__[:2] == (0, 10):
    compiler.get_compile_options = _with_options(compiler.get_compile_options)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One process per file, whose tests share compilations; notebooks and parts of the README, each
    a process of its own, go where there is room.

    Said here, not by the mark `xdist_group`: pytest-xdist 3.8 does not see it under pytest 9.2.
    """
    from xdist.scheduler import LoadFileScheduling

    class FileScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            apart = ("tests/test_notebooks.py", "tests/test_readme.py")
            return nodeid if file in apart else file

    config.option.loadscopereorder = False  # the order of the collection
    return FileScheduling(config, log)


# Half a minute and more each. One that begins last runs alone, on one core of two.
_LONG = (
    "test_contract", "test_thermal_iv", "test_docstrings", "test_steps", "test_saved",
    "test_shapiro_map", "test_cli", "test_langevin", "test_usadel", "test_diffusive",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Long files first."""
    rank = {name: k for k, name in enumerate(_LONG)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(_LONG)))


_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the C library of Linux
_at_most = [1.5]  # GiB


def _forget():
    jax.clear_caches()
    gc.collect()
    if _trim:
        _trim(0)


@pytest.fixture(scope="module", autouse=True)
def forget():
    """The programs of all files together take gigabytes."""
    yield
    _forget()


@pytest.fixture(autouse=True)
def forget_within_a_file():
    """Those of one file can, too."""
    yield
    if _resident() > _at_most[0]:
        _forget()
        _at_most[0] = max(1.5, _resident() + 0.3)


def _resident():
    """Memory of this process in GiB; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the project's data and papers, beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: the shared data are not part of the repository")
    return folder


@pytest.fixture(scope="module")
def optimised():
    """Optimised as for users: here running costs more than compiling."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def as_for_users(optimised):
    """The very programs that users run."""
    before = dict(_OPTIONS)
    _OPTIONS.clear()
    yield
    _OPTIONS.update(before)


@pytest.fixture
def unchecked():
    """Without run-time shape checks, as users are: what is wrong reaches the package's own."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium for one file: while it is open no other may be, nor asyncio run."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
