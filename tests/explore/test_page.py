"""`jaxdiode explore` in a headless Chromium: sliders, buttons, files, nothing asked of others."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import jaxdiode as jd

pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]
ROOT = Path(__file__).resolve().parents[2]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT = 180_000  # milliseconds: the first page compiles


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    pytest.importorskip("panel", reason="Panel is not installed")
    port = free_port()
    log = tmp_path_factory.mktemp("explore") / "log"
    environment = {k: v for k, v in os.environ.items() if k != "JAX_PLATFORMS"}
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jaxdiode", "explore", "--port", str(port), "--no-show"],
            cwd=ROOT, stdout=out, stderr=out, env=environment, start_new_session=True,
        )  # fmt: skip
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if BROWSER is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visit:
    """One tab, and what went wrong in it."""

    def __init__(self, browser, address, width=1280):
        self.page = browser.new_page(viewport={"width": width, "height": 1200})
        self.errors, self.elsewhere = [], []
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)
        self.page.goto(address, timeout=WAIT)
        self.page.wait_for_selector("#eta", timeout=WAIT)
        self.page.wait_for_function("document.readyState == 'complete'")
        self.wait(lambda: self.page.locator(".value-flux-0 input").count() == 1)

    def _heard(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def _asked(self, request):
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:", "ws://127.0.0.1")):
            self.elsewhere.append(request.url)

    def wait(self, happened, seconds=60):
        for _ in range(20 * seconds):
            if happened():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("it did not happen")

    def eta(self):
        return float(self.page.locator("#eta").get_attribute("data-value"))

    def type(self, name, value):
        box = self.page.locator(f".value-{name.replace('.', '-')} input")
        box.fill(str(value))
        box.press("Enter")

    def message(self):
        found = self.page.locator("#message")
        return found.inner_text() if found.count() else ""

    def press(self, name):
        self.page.get_by_text(name, exact=True).click()


@pytest.fixture
def visit(browser, address):
    made = Visit(browser, address)
    yield made
    assert not made.errors
    assert not made.elsewhere
    made.page.close()


def test_a_number_moves_and_is_the_functions_own(visit):
    before = visit.eta()
    visit.type("flux.0", 0.25)
    visit.wait(lambda: visit.eta() != before)
    squid = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=[0.25, 0.403])
    assert visit.eta() == pytest.approx(float(jd.diode_efficiency(squid)), abs=1e-10)


def test_a_slider_moves(visit):
    before = visit.eta()
    handle = visit.page.locator(".noUi-handle").nth(7)
    handle.focus()
    for _ in range(5):
        handle.press("ArrowRight")
    visit.wait(lambda: visit.eta() != before)
    flux = float(visit.page.locator(".value-flux-1 input").input_value())
    squid = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=[0.403, flux])
    visit.wait(lambda: abs(visit.eta() - float(jd.diode_efficiency(squid))) < 1e-10)


def test_beyond_its_range_is_a_sentence(visit):
    before = visit.eta()
    visit.type("flux.0", 7)
    visit.wait(visit.message)
    assert visit.message() == "flux.0 must stay within 0 to 1, got 7"
    assert visit.eta() == before


def test_climb_and_undo(visit):
    before = visit.eta()
    visit.press("climb")
    visit.wait(lambda: visit.message().startswith("|η| from 0.535772 to "))
    assert visit.eta() > before
    visit.press("undo")
    visit.wait(lambda: visit.eta() == before)


def test_files_in_and_out(visit, tmp_path):
    visit.type("flux.0", 0.3)
    visit.wait(lambda: abs(visit.eta() - 0.5357719928680874) > 1e-6)
    moved = visit.eta()
    with visit.page.expect_download() as waited:
        visit.page.locator("a", has_text="save device file").click()
    path = tmp_path / "device.toml"
    waited.value.save_as(path)
    assert float(jd.diode_efficiency(jd.load(path))) == pytest.approx(moved, abs=1e-10)
    visit.press("undo")
    visit.wait(lambda: visit.eta() != moved)
    visit.page.locator("input[type=file]").nth(0).set_input_files(path)
    visit.wait(lambda: visit.eta() == moved)
    broken = tmp_path / "broken.csv"
    broken.write_text("coil,plus\nx,y\n")
    visit.page.locator("input[type=file]").nth(1).set_input_files(broken)
    visit.wait(visit.message)
    assert "broken.csv" in visit.message()
    assert "Traceback" not in visit.page.content()


def test_ten_tabs_and_a_telephone(browser, address):
    tabs = [Visit(browser, address, 390 if k == 0 else 1280) for k in range(10)]
    for k, tab in enumerate(tabs):
        tab.type("flux.0", 0.05 * (k + 1))
    for k, tab in enumerate(tabs):
        squid = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=[0.05 * (k + 1), 0.403])
        wanted = float(jd.diode_efficiency(squid))
        tab.wait(lambda t=tab, w=wanted: abs(t.eta() - w) < 1e-10)
    wide = tabs[0].page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 400
    assert not any(tab.errors or tab.elsewhere for tab in tabs)
    for tab in tabs:
        tab.page.close()
