"""Execute every notebook with its full settings and save the outputs in place.

Run by `make notebooks`: python -m tests.execute_notebooks [NAME ...]

Figures are kept in a palette of 96 colours, a quarter of their size: all notebooks together stay
below 3 MB (tests/docs/test_gallery.py).
"""

import base64
import io
import os
import re
import sys
import time
from pathlib import Path

import nbclient
import nbformat
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
COLOURS = 96  # the fewest at which colour maps show no bands


def with_palette(picture: bytes) -> bytes:
    """A PNG with at most `COLOURS` colours, without dithering: lines and letters stay sharp."""
    image = Image.open(io.BytesIO(picture))
    if image.mode == "P":
        return picture
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A") if "A" in image.getbands() else None)
    written = io.BytesIO()
    flat.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        written, "PNG", optimize=True
    )
    return min(written.getvalue(), picture, key=len)


def compress(notebook: nbformat.NotebookNode) -> None:
    """Give every figure that the notebook holds a palette."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if picture := output.get("data", {}).get("image/png"):
                small = with_palette(base64.b64decode(picture))
                output["data"]["image/png"] = base64.b64encode(small).decode() + "\n"


def _is_progress(output: nbformat.NotebookNode) -> bool:
    lines = output.get("text", "").splitlines() if output.get("name") == "stderr" else []
    return bool(lines) and all(re.search(r": \d+ of \d+ after ", line) for line in lines)


def execute(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(
        notebook, timeout=3600, kernel_name="python3", resources=resources
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # time stamps: noise in every diff
        if "outputs" in cell:  # and so is how far a long run had come
            cell.outputs = [out for out in cell.outputs if not _is_progress(out)]
    compress(notebook)
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
