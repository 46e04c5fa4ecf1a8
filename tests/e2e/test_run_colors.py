"""Runs take colors that everybody tells apart, wherever a run has a color, and keep them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, expect

from pysclice.events import SliceWriter
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, golden, serve

pytestmark = pytest.mark.browser

BLUE, ORANGE = "rgb(0, 114, 178)", "rgb(230, 159, 0)"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over a line of two runs."""
    logdir = tmp_path_factory.mktemp("colors")
    for run in ("a", "b"):
        with SliceWriter(logdir / run) as writer:
            for step in range(0, 60, 10):
                writer.write(replace(golden("line"), series="line", step=step))
    with serve(logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The tab in TensorBoard's colors; at the end nothing may have gone wrong."""
    with opened(browser, host) as result:
        result.open("loss_slicer&p.loss_slicer.step=20")
        result.settle()
        yield result
        assert result.problems == []


def choose(tab: Tab, palette: str) -> None:
    """Pick a palette in the display menu and close it."""
    tab.slicer.get_by_test_id("display").click()
    tab.choose("run-palette", palette)
    tab.page.keyboard.press("Escape")


def test_all_that_has_a_run_color_follows(tab: Tab) -> None:
    ticks = tab.slicer.get_by_test_id("step-slider").locator("canvas.slider-ticks")
    before = tab.picture("a"), ticks.screenshot()
    choose(tab, "okabe-ito")
    boxes = tab.slicer.get_by_test_id("run-row").locator("input")
    for place, color in enumerate((BLUE, ORANGE)):
        expect(boxes.nth(place)).to_have_css("border-color", color)
        swatch = tab.slicer.get_by_test_id("panel").nth(place).locator(".swatch")
        expect(swatch).to_have_css("background-color", color)
    assert tab.picture("a") != before[0]
    assert ticks.screenshot() != before[1]
    panel = tab.panel("b")
    panel.get_by_test_id("panel-menu").click()
    with tab.page.expect_download() as download:
        tab.slicer.get_by_role("button", name="Picture of this panel as SVG").click()
    assert "#e69f00" in download.value.path().read_text("utf-8")
    tab.page.keyboard.press("Escape")
    tab.choose("compare", "table")
    heads = tab.slicer.get_by_test_id("readouts").locator("thead .swatch")
    expect(heads.nth(1)).to_have_css("background-color", ORANGE)


def test_they_are_a_preference_and_not_in_the_link(tab: Tab) -> None:
    link = tab.page.url
    choose(tab, "okabe-ito")
    swatch = tab.slicer.get_by_test_id("panel").first.locator(".swatch")
    expect(swatch).to_have_css("background-color", BLUE)
    tab.page.reload()
    expect(swatch).to_have_css("background-color", BLUE)
    assert tab.page.url == link
    choose(tab, "tensorboard")
    expect(swatch).not_to_have_css("background-color", BLUE)
