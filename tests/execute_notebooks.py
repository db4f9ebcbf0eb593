"""Execute every notebook with its full settings and save the outputs in place.

Run by `make notebooks`: python -m tests.execute_notebooks [NAME ...]
"""

import os
import sys
import time
from pathlib import Path

import nbclient
import nbformat

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def execute(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(
        notebook, timeout=3600, kernel_name="python3", resources=resources
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # time stamps: noise in every diff
    unfinished = path.with_suffix(".part")
    nbformat.write(notebook, unfinished)
    unfinished.replace(path)


def main() -> None:
    os.environ.pop("JAXDIODE_SHORT", None)
    wanted = set(sys.argv[1:])
    paths = [p for p in sorted(FOLDER.glob("*.ipynb")) if not wanted or p.stem in wanted]
    if not paths:
        sys.exit(f"no notebooks in {FOLDER}" + (f" named {', '.join(wanted)}" if wanted else ""))
    for path in paths:
        began = time.perf_counter()
        execute(path)
        print(f"{path.name}: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
