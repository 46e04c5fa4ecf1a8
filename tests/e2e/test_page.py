"""The page in a real TensorBoard and a real browser: what people see is what was logged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, expect

import pysclice as ps
from tests.e2e.conftest import HOSTS, STEPS, Tab, Training, network, opened
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

Serve = Callable[[str], AbstractContextManager[Server]]


@pytest.fixture(scope="module", params=list(HOSTS))
def host(request: pytest.FixtureRequest, served: Serve) -> Iterator[Server]:
    """Each way of serving, one after the other."""
    with served(request.param) as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The tab, opened; at the end nothing may have gone wrong in it."""
    with opened(browser, host) as result:
        result.open()
        yield result
        assert result.problems == []


def test_the_tab_appears_and_shows_both_runs(tab: Tab) -> None:
    expect(tab.page.get_by_role("tab", name="Loss Slicer")).to_be_visible()
    rows = tab.slicer.get_by_test_id("run-row")
    expect(rows).to_have_count(2)
    for run in ("slow", "quick/steps"):
        tab.shows_step(run, STEPS - 1)


def test_all_logged_steps_are_there(tab: Tab) -> None:
    slider = tab.slicer.get_by_test_id("step-slider")
    expect(slider).to_have_attribute("aria-valuemax", str(STEPS - 1))
    box = tab.slicer.get_by_test_id("step-input")
    # From the first step on, one key press is one logged step: none is missing in between.
    tab.go_to(0)
    tab.shows_step("slow", 0)
    box.blur()
    for step in (1, 2, 3):
        tab.page.keyboard.press("ArrowRight")
        tab.shows_step("slow", step)
    for expected in range(13, STEPS - 1, 50):
        tab.go_to(expected)
        tab.shows_step("slow", expected)
    index = tab.server.plugin("index").json()
    for run in index["runs"]:
        for series in run["series"]:
            assert series["steps"] == list(range(STEPS)), series["name"]


def test_scrubbing_changes_the_picture(tab: Tab) -> None:
    tab.shows_step("quick/steps", STEPS - 1)
    last = tab.picture("quick/steps")
    slider = tab.slicer.get_by_test_id("step-slider")
    box = slider.bounding_box()
    assert box is not None
    tab.page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    expect(slider).not_to_have_attribute("aria-valuenow", str(STEPS - 1))
    step = int(slider.get_attribute("aria-valuenow") or -1)
    assert 0.2 * STEPS < step < 0.4 * STEPS
    tab.shows_step("quick/steps", step)
    early = tab.picture("quick/steps")
    assert early != last
    tab.go_to(STEPS - 1)
    tab.shows_step("quick/steps", STEPS - 1)
    assert tab.picture("quick/steps") == last


def test_playing_goes_through_every_step(tab: Tab) -> None:
    tab.go_to(0)
    tab.shows_step("slow", 0)
    seen = "(() => {const p = document.querySelector('[data-testid=panel][data-run=slow]');"
    frame = tab.frame
    frame.evaluate(
        seen + "window.seen = []; new MutationObserver(() => {"
        "if (p.dataset.state === 'ready') window.seen.push(+p.dataset.step)"
        "}).observe(p, {attributes: true, attributeFilter: ['data-step', 'data-state']})})()"
    )
    tab.slicer.get_by_test_id("play").click()
    frame.wait_for_function("window.seen.at(-1) >= 12")
    tab.slicer.get_by_test_id("play").click()
    steps = list(dict.fromkeys(frame.evaluate("window.seen")))
    assert steps == list(range(steps[0], steps[-1] + 1)), "a step was skipped"


def test_method_direction_and_resolution_switch(tab: Tab) -> None:
    tab.go_to(40)
    tab.shows_step("slow", 40)
    pictures = {"plane": tab.picture("slow")}
    tab.choose("direction", "random line")
    tab.shows_step("slow", 40)
    pictures["line"] = tab.picture("slow")
    assert tab.chosen("resolution") == "25"
    tab.choose("resolution", "7")
    tab.shows_step("slow", 40)
    pictures["coarse"] = tab.picture("slow")
    tab.choose("direction", "another line")
    tab.shows_step("slow", 40)
    pictures["another"] = tab.picture("slow")
    tab.choose("method", "axis-parallel")
    tab.shows_step("slow", 40)
    pictures["axes"] = tab.picture("slow")
    tab.choose("channel", "train/error")
    tab.shows_step("slow", 40)
    pictures["channel"] = tab.picture("slow")
    assert len(set(pictures.values())) == len(pictures)
    expect(tab.slicer.get_by_test_id("step-slider")).to_have_attribute("aria-valuenow", "40")


def test_a_deep_link_restores_the_view_on_a_cold_load(tab: Tab, browser: Browser) -> None:
    tab.choose("direction", "another line")
    tab.go_to(123)
    tab.shows_step("quick/steps", 123)
    tab.choose("scale", "log")
    expect(tab.page).to_have_url(re.compile(r"p\.loss_slicer\.step=123"))
    expect(tab.page).to_have_url(re.compile(r"p\.loss_slicer\.scale=log"))
    with opened(browser, tab.server) as cold:
        cold.open(tab.page.url.partition("#")[2])
        cold.shows_step("quick/steps", 123)
        assert cold.chosen("direction") == "another line"
        assert cold.chosen("scale") == "log"
        assert cold.problems == []


def test_dark_mode_follows_tensorboard(tab: Tab) -> None:
    root = tab.slicer.locator("html")
    light = root.evaluate("element => getComputedStyle(element).backgroundColor")
    tab.page.evaluate("document.body.classList.add('dark-mode')")
    expect(root).to_have_attribute("data-theme", "dark")
    dark = root.evaluate("element => getComputedStyle(element).backgroundColor")
    assert dark != light
    tab.page.evaluate("document.body.classList.remove('dark-mode')")
    expect(root).to_have_attribute("data-theme", "light")


def readout(tab: Tab, run: str) -> tuple[float, list[float]]:
    shown = tab.panel(run).get_by_test_id("cursor-readout")
    shown.wait_for()
    value, place = shown.get_attribute("data-value"), shown.get_attribute("data-coordinates")
    assert value is not None and place is not None
    return float(value), [float(c) for c in place.split(",")]


@pytest.mark.parametrize(
    ("series", "directions"),
    [("random plane", [ps.Random(0), ps.Random(1)]), ("another line", [ps.Random(1)])],
)
def test_the_numbers_on_screen_are_those_of_the_model(
    tab: Tab, training: Training, series: str, directions: list[ps.Random]
) -> None:
    """Three cursor positions against a direct evaluation, to float32 precision."""
    tab.choose("direction", series)
    seen = set()
    for step, across, down in [(7, 0.3, 0.4), (150, 0.55, 0.6), (STEPS - 1, 0.7, 0.3)]:
        tab.go_to(step)
        for run in ("slow", "quick/steps"):
            tab.shows_step(run, step)
        box = tab.panel("slow").locator("canvas").first.bounding_box()
        assert box is not None
        tab.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        # The cursor is linked: both runs show their own value at the same place.
        for run in ("slow", "quick/steps"):
            value, place = readout(tab, run)
            expected = training.loss(run, step, list(zip(directions, place, strict=True)))
            assert value == pytest.approx(expected, rel=2e-6)
            seen.add((value, tuple(place)))
    assert len(seen) == 6 and len({place for _, place in seen}) == 3


def test_new_slices_appear_and_the_step_stays(browser: Browser, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = network()
    data = torch.randn(8, 3), torch.randn(8, 1)
    surface = ps.LossSurface(model, torch.nn.MSELoss(), data)
    slicers = {"line": ps.Line(ps.Random(0), samples=5)}
    with ps.SliceLogger(tmp_path, surface, slicers) as logger:
        for step in (0, 10, 20):
            logger.log(step)
        with serve(tmp_path) as server, opened(browser, server) as tab:
            tab.open()
            tab.shows_step(".", 20)
            tab.go_to(10)
            tab.shows_step(".", 10)
            slider = tab.slicer.get_by_test_id("step-slider")
            logger.log(30)
            expect(slider).to_have_attribute("aria-valuemax", "30")
            expect(slider).to_have_attribute("aria-valuenow", "10")
            tab.shows_step(".", 10)
            tab.slicer.get_by_test_id("follow").click()
            tab.shows_step(".", 30)
            logger.log(40)
            tab.shows_step(".", 40)
            assert tab.problems == []


def test_an_empty_log_directory_says_how_to_begin(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with serve(tmp_path) as server, opened(browser, server) as tab:
        tab.open()
        expect(tab.slicer.get_by_text("SliceLogger").first).to_be_visible()
        assert tab.problems == []
