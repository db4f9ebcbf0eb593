"""The site's reference: no public name, status or parameter is missing."""

import pytest

import jaxdiode as jd
from docs.generate import api, names, tables
from tests.test_docstrings import PUBLIC


def test_every_public_name_stands_on_a_page():
    once = [name for members in names.by_page().values() for name in members]
    assert len(once) == len(set(once))
    second = names.elsewhere()
    assert set(once) | set(second) == set(PUBLIC)
    for other, name in second.items():
        assert names.at(other) is names.at(name)


def test_what_is_looked_for_first_is_there():
    assert set(names.FIRST) <= set(PUBLIC)
    assert len(names.FIRST) == len(set(names.FIRST))
    assert names.by_page()["studies"][:2] == ["Space", "maximise"]


def test_pages_name_what_they_hold():
    pages = api.pages()
    text = "\n".join(pages.values())
    for name in PUBLIC:
        told = f"::: jaxdiode.{name}\n" in text or f"`jd.{name}` is [`jd." in text
        assert told, name
    for members in names.by_page().values():
        for name in members:
            assert f"[`{name}`][jaxdiode.{name}]" in pages["api/index.md"]


def test_every_status_has_its_text_and_advice():
    assert list(tables.ADVICE) == [status.name for status in jd.Status]
    text = tables.statuses()
    for status in jd.Status:
        assert f"### {status.name} ({int(status)})\n\n“{status.describe()}”" in text


def test_parameters_have_units_and_ranges():
    text = tables.parameters("AndreevModes", "Squid")
    assert "| `transparency` | transparency | – | ≥ 0, ≤ 1 |" in text
    assert "| `flux` | flux | Φ₀ | any |" in text
    assert "| `gap` | gap | – | > 0 |" in text


def test_all_parameters_are_of_every_public_part():
    text = tables.all_parameters()
    for name in ("Squid", "usadel.SpinBarrier", "KapitzaJunction", "Drive", "GateMap"):
        assert f"[`{name}`][jaxdiode.{name}]" in text


def test_a_bar_in_a_cell_is_noticed():
    """Cells beyond the last column would vanish without a word."""
    hooks = pytest.importorskip("docs.generate.hooks", reason="mkdocs is not installed")
    table = "| a | b |\n|---|---|\n| {} | 2 |\n\n```text\n| no | table | here |\n```\n"
    assert hooks.uneven_rows(table.format("\\|η\\|")) == []
    assert hooks.uneven_rows(table.format("|η|")) == ["| |η| | 2 |"]
    assert hooks.uneven_rows("no table\n| one | two |\n") == []
