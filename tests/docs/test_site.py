"""The site as a reader has it: built strictly, opened from disk in a browser, without a network."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from urllib.parse import unquote, urlparse

import pytest

from tests.snippets import ROOT
from tests.test_docstrings import PUBLIC

MISSING = [
    name for name in ("mkdocs", "material", "mkdocstrings", "mathjax") if not find_spec(name)
]
pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def pages_of(folder):
    return sorted(path for path in folder.rglob("*.html") if path.name != "404.html")


def test_nothing_is_fetched(site):
    """No page names a script, style, font or picture of another machine."""
    elsewhere = r"=\"(?:https?:)?//"
    pattern = rf"<(?:script|img|iframe|source)\b[^>]*\bsrc{elsewhere}|<link\b[^>]*href{elsewhere}"
    for page in pages_of(site):
        assert not re.search(pattern, page.read_text(encoding="utf-8")), page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", style.read_text("utf-8")), style


def test_every_public_name_is_a_target(site):
    anchors = set()
    for page in (site / "api").glob("*.html"):
        anchors |= set(re.findall(r'id="jaxdiode\.([\w.]+)"', page.read_text(encoding="utf-8")))
    from docs.generate import names

    assert set(PUBLIC) - set(names.elsewhere()) <= anchors


@pytest.fixture
def tab(browser, site):
    """A page that notes what goes wrong; requests that leave the folder are stopped and noted."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.faults = []

    def route(request):
        address = urlparse(request.request.url)
        inside = address.scheme == "file" and unquote(address.path).startswith(str(site))
        if inside or address.scheme in ("data", "blob", "about"):
            request.continue_()
        else:
            page.faults.append(f"request to {request.request.url}")
            request.abort()

    context.route("**/*", route)
    page.on(
        "console", lambda m: page.faults.append(m.text) if m.type in ("error", "warning") else 0
    )
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("requestfailed", lambda r: page.faults.append(f"failed: {r.url}"))
    yield page
    context.close()


def rendered(tab):
    """(formulas in the page, those that MathJax drew and one sees, errors), when it is done."""
    tab.wait_for_function(
        "!document.querySelector('.arithmatex') || "
        "(window.MathJax && MathJax.startup && MathJax.startup.promise)"
    )
    tab.evaluate("window.MathJax && MathJax.startup ? MathJax.startup.promise : 0")
    return tab.evaluate(
        """() => [document.querySelectorAll('.arithmatex').length,
                  [...document.querySelectorAll('.arithmatex mjx-container[jax="SVG"] > svg')]
                    .filter(x => x.closest('details:not([open])')
                                 || x.getBoundingClientRect().width > 3).length,
                  document.querySelectorAll('[data-mjx-error], mjx-merror').length]"""
    )


def test_every_page_opens_from_disk(tab, site):
    """No error, no request to anywhere, every formula drawn, nothing wider than a telephone."""
    pages = pages_of(site)
    assert len(pages) > 40
    for page in pages:
        tab.set_viewport_size({"width": 1280, "height": 900})
        tab.goto(page.as_uri())
        formulas, drawn, errors = rendered(tab)
        assert drawn == formulas, page
        assert errors == 0, page
        source = ROOT / "docs" / page.relative_to(site).with_suffix(".md")
        if source.exists():  # two signs around every formula, one or two of them
            assert formulas >= source.read_text(encoding="utf-8").count("$$") // 2, page
        tab.set_viewport_size({"width": 390, "height": 844})
        assert rendered(tab)[1] == formulas, f"{page}: formulas without a size on a telephone"
        wide = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{page}: {wide} pixels beyond the screen"
        assert tab.faults == [], page


def test_figures_lead_to_the_code_that_drew_them(tab, site):
    tab.goto((site / "gallery" / "index.html").as_uri())
    links = tab.locator(".gallery figure a").evaluate_all("x => x.map(a => a.href)")
    assert len(links) > 90
    for address in {link.split("#")[0]: link for link in links}.values():  # one of each notebook
        tab.goto(address)
        figure = tab.locator(f"#{urlparse(address).fragment}")
        picture = figure.locator("img")
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("x => x.decode().then(() => x.naturalWidth)") > 200
        assert figure.locator("xpath=preceding::code").count() > 0
    assert tab.faults == []


def test_search_works_from_disk(tab, site):
    tab.goto((site / "index.html").as_uri())
    tab.click(".md-search__input")
    tab.locator(".md-search__input").press_sequentially("diode efficiency")
    tab.wait_for_selector(".md-search-result__item", timeout=20_000)
    found = tab.locator(".md-search-result__item").all_inner_texts()
    assert len(found) > 3
    assert any("efficiency" in text.lower() for text in found)
    links = tab.locator(".md-search-result__link").evaluate_all("x => x.map(a => a.href)")
    assert all(link.startswith("file:") for link in links)
    assert tab.faults == []
