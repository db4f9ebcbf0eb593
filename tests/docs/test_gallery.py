"""Notebooks in the repository: small, and their figures large enough to read."""

import io
import re

import nbformat
import numpy as np
from PIL import Image

from docs.generate import notebooks
from tests.execute_notebooks import COLOURS, FOLDER, compress, with_palette


def test_notebooks_are_small():
    sizes = {path.name: path.stat().st_size for path in FOLDER.glob("*.ipynb")}
    assert len(sizes) > 10
    assert sum(sizes.values()) <= 3e6, sizes


def test_figures_are_legible():
    """As many points as they were drawn with, few colours, a white ground."""
    found = notebooks.pictures()
    assert len(found) > 90
    for name, picture in found.items():
        image = Image.open(io.BytesIO(picture))
        assert min(image.size) >= 200, name
        assert image.mode == "P", name
        assert len(image.getcolors()) <= COLOURS
        assert image.convert("RGB").getpixel((1, 1)) == (255, 255, 255), name


def test_every_notebook_has_its_section():
    text = notebooks.gallery()
    assert text.count("\n## ") + text.startswith("## ") == len(list(FOLDER.glob("*.ipynb")))
    assert text.count("<figure markdown>") == len(notebooks.pictures())
    captions = re.findall(r"<figcaption markdown>(.*)</figcaption>", text)
    assert all(captions)
    assert not [caption for caption in captions if re.match(r"\d+\. ", caption)]  # a list


def test_every_notebook_has_its_page():
    """All its code, what it printed, and its figures."""
    pages = notebooks.pages()
    for path in FOLDER.glob("*.ipynb"):
        text = pages[f"gallery/{path.stem}.md"]
        shown = 0
        for cell in nbformat.read(path, as_version=4).cells:
            assert cell.source.rstrip("\n") in text
            for output in cell.get("outputs", ()):
                assert output.get("text", "").rstrip("\n") in text
                shown += "image/png" in output.get("data", {})
        assert text.count("<figure id=") == shown


def test_a_palette_keeps_the_picture():
    """Of many colours: the size stays, and no point moves by more than a shade."""
    rows = np.random.default_rng(0).integers(0, 60, (300, 300, 3)).astype(np.uint8)
    image = Image.fromarray(rows)
    written = io.BytesIO()
    image.save(written, "PNG")
    small = Image.open(io.BytesIO(with_palette(written.getvalue())))
    assert small.size == image.size
    assert small.mode == "P"
    moved = np.abs(np.asarray(small.convert("RGB"), int) - rows)
    assert moved.mean() < 15

    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "1", outputs=[nbformat.v4.new_output("display_data", data={"text/plain": "1"})]
            )
        ]
    )
    compress(notebook)  # nothing to compress, nothing lost
    assert notebook.cells[0].outputs[0].data == {"text/plain": "1"}
