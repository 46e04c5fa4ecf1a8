"""The inspector says the numbers behind the pictures: as they were logged, of every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, expect

from pysclice.events import SliceWriter
from tests.e2e.conftest import Tab, opened
from tests.e2e.test_accessibility import in_both_themes
from tests.plugin.conftest import Server, golden, serve

pytestmark = pytest.mark.browser

RUNS = ("a run", "another run")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over a plane and a line of two runs that differ."""
    logdir = tmp_path_factory.mktemp("inspector")
    for factor, run in enumerate(RUNS, start=1):
        with SliceWriter(logdir / run) as writer:
            for name in ("plane", "line"):
                slice_ = golden(name)
                values = {label: factor * array for label, array in slice_.values.items()}
                for step in range(0, 60, 10):
                    writer.write(replace(slice_, series=name, step=step, values=values))
    with serve(logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The tab on planes with the inspector open; at the end nothing may have gone wrong."""
    with opened(browser, host) as result:
        result.open("loss_slicer&p.loss_slicer.series=plane&p.loss_slicer.step=20")
        result.settle()
        result.frame.evaluate("window.focus()")
        result.page.keyboard.press("i")
        result.slicer.get_by_test_id("inspector").wait_for()
        yield result
        assert result.problems == []


def value(tab: Tab, run: str) -> float:
    """What the inspector says of a run."""
    cell = tab.slicer.locator(f'[data-testid="inspector-run"][data-run="{run}"] td')
    return float(cell.get_attribute("data-value") or "nan")


def test_every_run_is_read_under_the_linked_cursor(tab: Tab) -> None:
    section = tab.slicer.get_by_test_id("inspector-cursor")
    expect(section).to_contain_text("At the focus point")
    box = tab.panel(RUNS[0]).locator(".plot").bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    expect(section).to_contain_text("At the cursor")
    readout = tab.panel(RUNS[0]).get_by_test_id("cursor-readout")
    x, y = map(float, (readout.get_attribute("data-coordinates") or "").split(","))
    slice_ = golden("plane")
    name = next(iter(slice_.values))
    i = int(abs(slice_.axes[0].coordinates - x).argmin())
    j = int(abs(slice_.axes[1].coordinates - y).argmin())
    logged = float(slice_.values[name][0, i, j])
    assert value(tab, RUNS[0]) == pytest.approx(logged, rel=1e-6)
    assert value(tab, RUNS[1]) == pytest.approx(2 * logged, rel=1e-6)
    tab.page.mouse.move(0, 0)
    expect(section).to_contain_text("At the focus point")


def test_read_outs_and_record_are_those_of_the_run_in_focus(tab: Tab) -> None:
    inspector = tab.slicer.get_by_test_id("inspector")
    readings = inspector.get_by_test_id("inspector-readings")
    before = readings.inner_text()
    details = inspector.get_by_test_id("details")
    expect(details).to_contain_text(RUNS[0])
    # The record stands here only, and no longer below the list of runs.
    expect(tab.slicer.get_by_test_id("details")).to_have_count(1)
    tab.page.keyboard.press("j")
    expect(details).to_contain_text(RUNS[1])
    assert readings.inner_text() != before
    tab.go_to(40)
    expect(details).to_contain_text("40")


def test_it_is_kept_and_closes(tab: Tab) -> None:
    tab.page.reload()
    inspector = tab.slicer.get_by_test_id("inspector")
    expect(inspector).to_be_visible()
    assert "inspector" not in tab.page.url
    inspector.get_by_role("button", name="Close the inspector").click()
    expect(inspector).to_have_count(0)
    toggle = tab.slicer.get_by_test_id("inspector-toggle")
    expect(toggle).to_have_attribute("aria-expanded", "false")
    toggle.click()
    expect(inspector).to_be_visible()


def test_axe_finds_nothing_in_it(tab: Tab) -> None:
    tab.slicer.locator(".plot").first.focus()
    tab.page.keyboard.press("ArrowRight")
    expect(tab.slicer.get_by_test_id("inspector-cursor")).to_contain_text("At the cursor")
    assert in_both_themes(tab, "inspector") == {}


def test_in_a_narrow_window_it_lies_over_the_panels(tab: Tab) -> None:
    tab.page.set_viewport_size({"width": 820, "height": 800})
    stage = tab.slicer.locator(".main").bounding_box()
    box = tab.slicer.get_by_test_id("inspector").bounding_box()
    assert stage is not None
    assert box is not None
    assert stage["width"] == 820
    assert box["x"] + box["width"] == 820
    # Opened anew, a narrow page begins with its panels.
    tab.page.reload()
    tab.panel(RUNS[0])
    expect(tab.slicer.get_by_test_id("inspector")).to_have_count(0)
