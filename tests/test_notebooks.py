"""Every notebook runs from top to bottom, with its short settings."""

import os
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.document
@pytest.mark.filterwarnings("default")  # the kernel's machinery, not ours
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path):
    notebook = nbformat.read(path, as_version=4)
    # Beside the notebook, so that relative paths hold.
    resources = {"metadata": {"path": str(path.parent)}}
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=resources
    )
    # As in conftest: half the compile time for the same arithmetic.
    quick = {"JAXDIODE_SHORT": "1", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    client.execute(env=os.environ | quick)
    errors = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]
    assert not errors
