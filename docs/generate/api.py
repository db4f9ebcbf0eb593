"""Pages of the API reference: a heading, and every public name by mkdocstrings."""

import inspect

from . import names


def title(page: str) -> str:
    return names.PAGES[page][0] if page in names.PAGES else f"jd.{page}"


def first_line(thing) -> str:
    """The first sentence of a docstring, on one line, with nothing that Markdown takes up."""
    paragraph = (inspect.getdoc(thing) or "").split("\n\n")[0]
    line = " ".join(paragraph.split()).split(". ")[0].rstrip(".:")
    line = line.replace("<", "&lt;")
    for mark in "|*_[":
        line = line.replace(mark, "\\" + mark)
    return line


def pages() -> dict[str, str]:
    """{path below docs/: Markdown}."""
    found = {"api/index.md": _index()}
    second = names.elsewhere()
    for page, members in names.by_page().items():
        lines = [f"# {title(page)}", ""]
        if page not in names.PAGES:
            lines += [_lead(names.at(page)), ""]
        for name in members:
            lines += [f"::: jaxdiode.{name}", ""]
        also = {other: name for other, name in second.items() if other.startswith(f"{page}.")}
        lines += [
            f"`jd.{other}` is [`jd.{name}`][jaxdiode.{name}].\n" for other, name in also.items()
        ]
        found[f"api/{page}.md"] = "\n".join(lines)
    return found


def _lead(module) -> str:
    """The first paragraph of a module's docstring, unless it says how names are loaded."""
    text = (inspect.getdoc(module) or "").split("\n\n")[0]
    return text.replace("*", "\\*")


def _index() -> str:
    lines = [
        "# API reference",
        "",
        "All that is public, as it follows `import jaxdiode as jd`. Every entry gives the",
        "equation, shapes, units and errors, and an example that the tests run, with the output",
        "it printed.",
        "",
    ]
    for page, members in names.by_page().items():
        lines += [f"## [{title(page)}]({page}.md)", "", "| name | |", "|---|---|"]
        for name in members:
            lines.append(f"| [`{name}`][jaxdiode.{name}] | {first_line(names.at(name))} |")
        lines.append("")
    return "\n".join(lines)
