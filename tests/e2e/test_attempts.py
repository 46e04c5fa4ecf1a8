"""A run that crashed and went on shows where, and those that did not show nothing of the kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pysclice.events import SliceWriter
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, golden, serve

pytestmark = pytest.mark.browser


def log_runs(logdir: Path) -> None:
    """One run that was resumed twice, from checkpoints before its last step; one that was not."""
    plane = replace(golden("plane"), series="plane")
    for steps in (range(0, 100, 10), range(60, 160, 10), range(140, 240, 10)):
        with SliceWriter(logdir / "resumed") as writer:
            for step in steps:
                writer.write(replace(plane, step=step))
    with SliceWriter(logdir / "steady") as writer:
        for step in range(0, 240, 10):
            writer.write(replace(plane, step=step))
        # A second look at a step starts nothing again.
        writer.write(replace(plane, step=120))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over both runs."""
    logdir = tmp_path_factory.mktemp("attempts")
    log_runs(logdir)
    with serve(logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The tab at a step of the second attempt; at the end nothing may have gone wrong."""
    with opened(browser, host) as result:
        result.open("loss_slicer&p.loss_slicer.step=100")
        result.settle()
        yield result
        assert result.problems == []


def test_the_step_bar_marks_where_a_run_went_on(tab: Tab) -> None:
    slider = tab.slicer.get_by_test_id("step-slider")
    expect(slider).to_have_accessible_description(
        "\u2068resumed\u2069 restarted at step 60 and 140"
    )
    box = slider.bounding_box()
    assert box is not None
    hint = tab.slicer.locator(".slider-hint")
    for step, shown in ((60, True), (100, False), (140, True)):
        x = box["x"] + 9 + step / 230 * (box["width"] - 18)
        tab.page.mouse.move(x, box["y"] + box["height"] / 2)
        expect(hint).to_contain_text(str(step))
        assert ("resumed" in hint.inner_text()) == shown
    marked = slider.locator("canvas.slider-ticks").screenshot()
    tab.slicer.locator('[data-testid="run-row"][data-run="resumed"] input').uncheck()
    expect(tab.slicer.get_by_test_id("panel")).to_have_count(1)
    expect(slider).to_have_accessible_description("")
    assert slider.locator("canvas.slider-ticks").screenshot() != marked


def test_details_say_which_attempt_a_slice_is_of(tab: Tab) -> None:
    details = tab.slicer.get_by_test_id("details")
    attempt = details.locator("div", has_text="Attempt").locator("dd")
    expect(attempt).to_have_text("2 of 3, restarted at step 60")
    tab.go_to(30)
    expect(attempt).to_have_text("1 of 3")
    tab.panel("steady").locator(".panel-run").click()
    expect(details).to_contain_text("steady")
    expect(attempt).to_have_count(0)
