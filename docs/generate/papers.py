"""References of a system, as its classes name them and `jd.citation` gives them."""

import re

from jaxdiode import bibliography

from . import names

_ACCENTS = {r"{\"a}": "ä", r"{\"o}": "ö", r"{\"u}": "ü", r"{\'c}": "ć", r"{\'e}": "é"}


def papers(*kinds: str) -> str:
    """A list of the papers behind classes, by their names after `jd.`."""
    keys = dict.fromkeys(key for kind in kinds for key in names.at(kind).papers)
    if not keys:
        raise ValueError(f"none of {', '.join(kinds)} names a paper")
    known = bibliography.entries()
    lines = [f"- {_reference(known[key])}" for key in keys]
    kind = kinds[0].rpartition(".")[2]
    said = f"`jd.citation(device)` gives them as BibTeX, for a device such as a `{kind}`."
    return "\n".join([*lines, "", said])


def _reference(entry: str) -> str:
    fields = dict(re.findall(r"(\w+) = \{((?:[^{}]|\{[^{}]*\})*)\}", entry))
    text = {name: _plain(value) for name, value in fields.items()}
    authors = [name.split(",")[0] for name in text["author"].split(" and ")]
    who = " and ".join(authors) if len(authors) < 3 else f"{authors[0]} et al."
    places = (text.get(name) for name in ("journal", "volume", "pages"))
    where = "".join(
        f"{sign}{place}" for sign, place in zip((", ", " ", ", "), places, strict=True) if place
    )
    link = ""
    if number := text.get("eprint"):
        link = f", [arXiv:{number}](https://arxiv.org/abs/{number})"
    return f"{who}, *{text['title']}*{where} ({text['year']}){link}"


def _plain(value: str) -> str:
    for written, letter in _ACCENTS.items():
        value = value.replace(written, letter)
    if "\\" in value:
        raise ValueError(f"docs/generate/papers.py: an accent that is not known in {value!r}")
    return value.replace("{", "").replace("}", "").replace("--", "–")
