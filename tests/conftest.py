"""Double precision, strict promotion and run-time shape checks, set before jaxdiode is imported."""

import gc
import os
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


def _without_fusion_emitters(options):
    """JAX's compile options, for programs that are not optimised with XLA's older emitters."""

    def changed(*args, env_options_overrides=None, **named):
        asked = env_options_overrides or {}
        if jax.config.values["jax_disable_most_optimizations"]:
            asked = {"xla_cpu_use_fusion_emitters": False} | asked
        return options(*args, env_options_overrides=asked or None, **named)

    return changed


# Half of the compile time again. JAX knows no setting for it, and XLA_FLAGS would change what the
# fixture `optimised` compiles as well; the name of the option may go with another version.
if jax.__version_info__[:2] == (0, 10):
    compiler.get_compile_options = _without_fusion_emitters(compiler.get_compile_options)


def pytest_collection_modifyitems(items):
    """One process per file, whose tests share compilations; notebooks go where there is room."""
    for item in items:
        alone = item.nodeid.startswith("tests/test_notebooks.py")
        item.add_marker(pytest.mark.xdist_group(item.nodeid if alone else item.path.name))


@pytest.fixture(scope="module", autouse=True)
def forget():
    """The programs of all files together take gigabytes."""
    yield
    jax.clear_caches()
    gc.collect()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the project's data and papers, beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: the shared data are not part of the repository")
    return folder


@pytest.fixture(scope="module")
def optimised():
    """Compiled as for users: here running costs more than compiling."""
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
