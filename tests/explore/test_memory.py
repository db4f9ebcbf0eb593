"""Half an hour of random moves on the page of `jaxdiode explore`: memory of server and browser.

JAXDIODE_EXPLORE_MINUTES sets another length.
"""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.explore.conftest import started
from tests.explore.visits import Visit

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
MINUTES = float(os.environ.get("JAXDIODE_EXPLORE_MINUTES", "30"))
RANGES = {"flux.0": (0, 1), "flux.1": (0, 1), "branches.0.second": (20, 360)}


def resident(process):
    """Megabytes of a process."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def heap(session):
    """Megabytes of JavaScript in the tab, after its garbage is collected."""
    session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6


def play(visit, chance, minutes):
    """Numbers typed, sliders dragged and pushed, at random; how many moves."""
    end, moves = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        if chance.random() < 0.5:
            name = chance.choice(list(RANGES))
            visit.type(name, round(chance.uniform(*RANGES[name]), 6))
        else:
            handle = visit.page.locator(".noUi-handle").nth(chance.randrange(8))
            handle.focus()
            for _ in range(chance.randrange(1, 12)):
                handle.press(chance.choice(["ArrowLeft", "ArrowRight"]))
        visit.page.wait_for_timeout(100)
        moves += 1
    visit.rest()
    return moves


def test_a_server_that_is_gone(tmp_path_factory, browser):
    """Boxes could be filled all the same, beside numbers of former values."""
    with started(tmp_path_factory) as server:
        visit = Visit(browser, server.address)
        os.killpg(server.process, signal.SIGTERM)
        said = visit.page.get_by_text("No connection: nothing here follows any more")
        said.wait_for(timeout=20_000)
        visit.page.close()


def test_random_moves_do_not_grow(visit, server):
    chance = random.Random(0)
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("HeapProfiler.enable")
    play(visit, chance, MINUTES / 15)  # caches and the way back (200 steps) fill
    before = resident(server.process), heap(session)
    moves = play(visit, chance, MINUTES * 14 / 15)
    after = resident(server.process), heap(session)
    grown = [100 * (b / a - 1) for a, b in zip(before, after, strict=True)]
    print(
        f"{moves} moves: server {before[0]:.0f} -> {after[0]:.0f} MB ({grown[0]:+.1f} %), "
        f"page {before[1]:.1f} -> {after[1]:.1f} MB ({grown[1]:+.1f} %)"
    )
    assert visit.message() == ""
    assert max(grown) <= 10
