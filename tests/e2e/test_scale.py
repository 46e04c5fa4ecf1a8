"""Many runs, a hidden tab, and the worker: what keeps the page quick, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from pysclice.events import to_summary
from tests.e2e.conftest import STEPS, Tab, opened
from tests.plugin.conftest import Server, a_line, a_plane, serve, until

pytestmark = pytest.mark.browser

Serve = Callable[[str], AbstractContextManager[Server]]
RUNS = 400


@pytest.fixture(params=["fast", "prefix"])
def host(request: pytest.FixtureRequest, served: Serve) -> Iterator[Server]:
    with served(request.param) as server:
        yield server


def test_contours_come_from_a_worker_that_the_policy_allows(browser: Browser, host: Server) -> None:
    with opened(browser, host) as tab:
        started: list[str] = []
        tab.page.on("worker", lambda worker: started.append(worker.url))
        tab.open()
        tab.shows_step("slow", STEPS - 1)
        until(lambda: tab.page.wait_for_timeout(50) or started, 20)
        assert f"{host.prefix}/data/plugin/loss_slicer/static/derive.worker-" in started[0]
        assert tab.problems == []
    # Without workers the picture is the same, computed by the page itself.
    with opened(browser, host) as other:
        other.page.context.add_init_script("delete window.Worker")
        other.open()
        other.shows_step("slow", STEPS - 1)
        assert other.problems == []


def test_a_hidden_tab_asks_for_nothing_and_draws_nothing(browser: Browser, served: Serve) -> None:
    with served("fast") as server, opened(browser, server) as tab:
        tab.page.context.add_init_script(
            "window.drawn = 0; const own = requestAnimationFrame.bind(window);"
            "window.requestAnimationFrame = (call) => own((t) => { window.drawn += 1; call(t); })"
        )
        tab.open()
        tab.shows_step("slow", STEPS - 1)
        tab.slicer.get_by_test_id("play").click()
        tab.page.wait_for_timeout(500)
        assert tab.frame.evaluate("drawn") > 0
        tab.page.evaluate("location.hash = 'timeseries'")
        tab.page.wait_for_timeout(1000)
        requests, drawn = len(tab.requests), tab.frame.evaluate("drawn")
        tab.page.wait_for_timeout(6500)  # longer than the page waits between two polls
        assert tab.requests[requests:] == []
        assert tab.frame.evaluate("drawn") == drawn
        tab.page.evaluate("location.hash = 'loss_slicer'")
        until(lambda: tab.page.wait_for_timeout(50) or tab.frame.evaluate("drawn") > drawn, 20)


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Server]:
    """400 runs, each with a plane and a line that no other run has."""
    for run in range(RUNS):
        writer = EventFileWriter(str(tmp_path / f"run-{run:03d}"))
        for slice_ in (a_plane(samples=5), a_line(f"direction {run}")):
            event = event_pb2.Event(wall_time=1e9, step=0, summary=to_summary(slice_, "3fa2"))
            writer.add_event(event)
        writer.close()
    with serve(tmp_path, "--load_fast=true") as server:
        until(lambda: len(server.plugin("index").json()["runs"]) == RUNS)
        yield server


def test_four_hundred_runs(browser: Browser, many: Server) -> None:
    with opened(browser, many) as tab:
        tab.open()
        tab.shows_step("run-008", 0)
        # Only what is shown is in the document, and only what is shown was asked for.
        rows = tab.slicer.get_by_test_id("run-row")
        assert rows.count() < 60
        asked = [url for url in tab.requests if "/frames?" in url]
        assert sum(url.count("%2C") + url.count(",") + 1 for url in asked) == 9
        runs = tab.slicer.locator(".runs")
        runs.evaluate("list => { list.scrollTop = list.scrollHeight; }")
        last = tab.slicer.locator('[data-testid="run-row"][data-run="run-399"]')
        last.get_by_role("checkbox").check()
        tab.shows_step("run-399", 0)
        # Keys reach rows that are not in the document, and bring them there.
        runs.evaluate("list => { list.scrollTop = 6000; }")
        expect(last).to_have_count(0)
        for _ in range(10):
            tab.page.keyboard.press("j")
        expect(last).to_be_visible()
        tab.page.keyboard.press("Shift+X")
        expect(tab.slicer.get_by_test_id("panel")).to_have_count(1)
        _search(tab)
        assert tab.problems == []


def _search(tab: Tab) -> None:
    names = tab.slicer.get_by_test_id("direction")
    names.click()
    tab.slicer.get_by_role("combobox", name="Search series").fill("direction 399")
    tab.page.keyboard.press("Enter")
    expect(names).to_have_attribute("data-value", "direction 399")
    tab.shows_step("run-399", 0)
