"""`jaxdiode explore` in a headless Chromium: sliders, buttons, files, nothing asked of others."""

import pytest

import jaxdiode as jd
from tests.explore.visits import Visit

pytestmark = [pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]


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
    visit.wait(lambda: abs(float(visit.box("flux.1").input_value()) - 0.408) < 1e-12)  # none lost
    flux = [0.403, float(visit.box("flux.1").input_value())]
    squid = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=flux)
    wanted = float(jd.diode_efficiency(squid))
    visit.wait(lambda: abs(visit.eta() - wanted) < 1e-10)
    assert visit.eta() != before


def test_beyond_its_range_is_a_sentence(visit):
    before = visit.eta()
    visit.type("flux.0", 7)
    visit.wait(visit.message)
    assert visit.message() == "flux.0 must stay within 0 to 1, got 7"
    assert visit.eta() == before


def test_a_good_move_counts_beside_a_refused_one(visit):
    """Typed while the page computes: what the boxes say then is what the numbers belong to."""
    visit.type("flux.0", 0.21)
    visit.type("branches.0.second", 100)
    visit.type("flux.1", 7)
    visit.wait(lambda: "flux.1 must stay within" in visit.message())
    visit.rest()
    assert visit.box("flux.1").input_value() == "0.403"
    squid = jd.Squid.from_pairs([(420, 100), (380, 90), (80, 90)], flux=[0.21, 0.403])
    wanted = float(jd.diode_efficiency(squid))
    visit.wait(lambda: abs(visit.eta() - wanted) < 1e-10)


def test_a_file_twice_and_an_empty_one(visit, tmp_path):
    path = tmp_path / "device.toml"
    for size in (1.0, 2.5):
        path.write_text(f'[device]\ntype = "TunnelJunction"\ncritical_current = {size}\n')
        visit.load(path)
        visit.wait(lambda s=size: abs(visit.number("plus") - s) < 1e-9)
    visit.rest()
    path.write_text("")
    visit.load(path)
    visit.wait(visit.message)
    assert visit.message() == "device.toml must hold something, it is empty"


def test_a_figure(visit):
    visit.press("figure")
    visit.wait(lambda: visit.page.locator("#picture").count() == 1)
    assert (
        visit.page.locator("#picture").evaluate("x => x.decode().then(() => x.naturalWidth)") > 600
    )
    with visit.page.expect_download() as waited:
        visit.page.get_by_text("save this figure").click()
    assert waited.value.suggested_filename == "relation.png"


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


def test_every_slider_comes_back(visit, tmp_path):
    names = [
        *(f"branches.{k}.{x}" for k in range(3) for x in ("first", "second")),
        "flux.0",
        "flux.1",
    ]
    for k, name in enumerate(names):
        visit.type(name, 0.11 + 0.1 * (k - 6) if k > 5 else 51.5 + 7.25 * k)
    boxes = [visit.box(name).input_value() for name in names]
    assert len(set(boxes)) == 8
    currents, flux = [float(x) for x in boxes[:6]], [float(x) for x in boxes[6:]]
    squid = jd.Squid.from_pairs(list(zip(currents[::2], currents[1::2], strict=True)), flux)
    wanted = float(jd.diode_efficiency(squid))
    visit.wait(lambda: abs(visit.eta() - wanted) < 1e-10)  # all have come to the server
    with visit.page.expect_download() as waited:
        visit.page.locator("a", has_text="save device file").click()
    path = tmp_path / "device.toml"
    waited.value.save_as(path)
    other = visit.again()
    assert [other.box(name).input_value() for name in names] != boxes
    other.load(path)
    other.wait(lambda: [other.box(name).input_value() for name in names] == boxes)
    other.rest()
    assert other.eta() == pytest.approx(visit.eta(), abs=1e-12)
    other.page.close()


def test_code_follows(visit):
    """Whoever copies it has the device of the sliders."""
    visit.press("as Python")
    code = visit.page.locator("textarea")
    visit.wait(lambda: code.count() == 1 and "first=420.0" in code.input_value())
    visit.press("climb")
    visit.wait(lambda: visit.message().startswith("|η| from"))
    visit.rest()
    names = {}
    exec(code.input_value(), names)
    assert float(jd.diode_efficiency(names["device"])) == pytest.approx(visit.eta(), abs=1e-10)
    visit.type("flux.0", 0.25)
    visit.wait(lambda: "0.25," in code.input_value())


def test_voltages_follow(visit):
    """A fourth figure, drawn anew with the others where the machine is quick, else gone."""
    figures = visit.page.locator(".bk-Figure:visible")
    visit.wait(lambda: figures.count() == 3)
    visit.press("I–V")
    visit.wait(lambda: figures.count() == 4)
    visit.rest()
    assert visit.message() == ""
    before = visit.eta()
    visit.type("flux.0", 0.2)
    visit.wait(lambda: visit.eta() != before)
    visit.rest()
    if figures.count() == 3:
        visit.press("I–V")
    visit.wait(lambda: figures.count() == 4)
    visit.rest()
    assert visit.message() == ""


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
