"""Figures of the notebooks, as they are stored there: the gallery, and pictures of other pages."""

import base64
import re
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def pictures() -> dict[str, bytes]:
    """{path below docs/: PNG}: gallery/<notebook>-<k>.png, k counted from 0."""
    return {
        f"gallery/{path.stem}-{k}.png": picture
        for path in sorted(NOTEBOOKS.glob("*.ipynb"))
        for k, (_, picture) in enumerate(_figures(nbformat.read(path, as_version=4)))
    }


def _figures(notebook):
    """[(heading above, PNG)] in order."""
    found, heading = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#+ (.*)$", cell.source, re.M)
            heading = headings[-1] if headings else heading
        for output in cell.get("outputs", ()):
            if picture := output.get("data", {}).get("image/png"):
                found.append((heading, base64.b64decode(picture)))
    return found


def gallery() -> str:
    """A section per notebook: its title, its first paragraph, its figures under their headings."""
    lines = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        title, _, rest = notebook.cells[0].source.lstrip("# ").partition("\n")
        lead = next((x for x in rest.split("\n\n") if x.strip()), "")
        lines += [f"## {title.strip()}", "", lead.strip(), ""]
        lines += [f"[`notebooks/{path.name}`](notebooks/{path.name}) holds the code.", ""]
        lines += ['<div class="gallery" markdown>', ""]
        for k, (heading, _) in enumerate(_figures(notebook)):
            name = f"gallery/{path.stem}-{k}.png"
            plain = re.sub(r"[$\\\[\]\"]|mathrm", "", heading)
            lines += [
                "<figure markdown>",
                f"[![{plain}]({name}){{ loading=lazy }}]({name})",
                f"<figcaption markdown>{heading}</figcaption>",
                "</figure>",
                "",
            ]
        lines += ["</div>", ""]
    return "\n".join(lines)
