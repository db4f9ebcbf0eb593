"""The notebooks as they are stored: a page for each, their figures, and the gallery of these."""

import base64
import functools
import itertools
import re
from pathlib import Path
from typing import NamedTuple

import nbformat

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
FENCE = "````"  # longer than any in a notebook


class Figure(NamedTuple):
    caption: str  # the heading above it, and which of several
    picture: bytes


@functools.cache  # for pages, pictures and the gallery
def _read():
    """{name of a notebook: its cells}."""
    found = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = found[path.stem] = nbformat.read(path, as_version=4).cells
        if cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
            raise ValueError(f"{path.name} must begin with a cell of text and a title, # …")
        if not any(cell.get("outputs") for cell in cells):
            raise ValueError(f"{path.name} holds nothing that it printed: make notebooks runs it")
    return found


def _pictures(cell):
    found = (output.get("data", {}).get("image/png") for output in cell.get("outputs", ()))
    return [base64.b64decode(picture) for picture in found if picture]


def _figures(cells) -> list[Figure]:
    found, heading = [], ""
    for cell in cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#+ (?:\d+\. )?(.*)$", cell.source, re.M)
            heading = headings[-1] if headings else heading
        found += [(heading, picture) for picture in _pictures(cell)]
    figures = []
    for heading, group in itertools.groupby(found, key=lambda x: x[0]):
        together = [picture for _, picture in group]
        for k, picture in enumerate(together, 1):
            which = f" ({k} of {len(together)})" if len(together) > 1 else ""
            figures.append(Figure(heading + which, picture))
    return figures


def pictures() -> dict[str, bytes]:
    """{path below docs/: PNG}: gallery/<notebook>-<k>.png, k counted from 0."""
    return {
        f"gallery/{name}-{k}.png": figure.picture
        for name, cells in _read().items()
        for k, figure in enumerate(_figures(cells))
    }


def _shown(picture: str, caption: str, link: str, number: int | None = None) -> list[str]:
    plain = re.sub(r"[$\\\[\]\"]|mathrm", "", caption)
    head = "<figure markdown>" if number is None else f'<figure id="figure-{number}" markdown>'
    return [
        head,
        f"[![{plain}]({picture}){{ loading=lazy }}]({link})",
        f"<figcaption markdown>{caption}</figcaption>",
        "</figure>",
        "",
    ]


def _fenced(kind: str, text: str) -> list[str]:
    return [f"{FENCE}{kind}", text.rstrip("\n"), FENCE, ""]


def _printed(cell) -> str:
    """What a cell printed, and the value of its last line; tables of HTML as their text."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream":
            found.append(output.text)
        elif "image/png" not in output.get("data", {}):
            found.append(output.get("data", {}).get("text/plain", ""))
    return "".join(found)


def _page(name: str, cells) -> str:
    figures = _figures(cells)
    count = itertools.count()
    lines = []
    for cell in cells:
        if cell.cell_type != "code":
            lines += [cell.source, ""]
            continue
        lines += _fenced("python", cell.source)
        if printed := _printed(cell):
            lines += _fenced("text", printed)
        for k in itertools.islice(count, len(_pictures(cell))):
            picture = f"{name}-{k}.png"
            lines += _shown(picture, figures[k].caption, picture, k)
    download = f"This page is [`{name}.ipynb`](../notebooks/{name}.ipynb), as it was run."
    return "\n".join([lines[0], "", download, "", *lines[1:]])


def pages() -> dict[str, str]:
    """{path below docs/: Markdown}, a page for each notebook."""
    return {f"gallery/{name}.md": _page(name, cells) for name, cells in _read().items()}


def gallery() -> str:
    """A section per notebook: its title, its first paragraph, its figures under their headings."""
    lines = []
    for name, cells in _read().items():
        title, _, rest = cells[0].source.lstrip("# ").partition("\n")
        lead = next((x for x in rest.split("\n\n") if x.strip()), "")
        lines += [f"## [{title.strip()}]({name}.md)", "", lead.strip(), ""]
        lines += ['<div class="gallery" markdown>', ""]
        for k, figure in enumerate(_figures(cells)):
            lines += _shown(f"{name}-{k}.png", figure.caption, f"{name}.md#figure-{k}")
        lines += ["</div>", ""]
    return "\n".join(lines)
