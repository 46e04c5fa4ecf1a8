"""The keys that the sheet lists do what it says, and a link carries every choice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, expect

from pysclice.events import SliceWriter
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, golden, serve

pytestmark = pytest.mark.browser

STEPS = tuple(range(0, 240, 10))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over two runs of a line, a bundle and a plane."""
    logdir = tmp_path_factory.mktemp("keys")
    for run in ("a", "b"):
        with SliceWriter(logdir / run) as writer:
            for name in ("line", "bundle", "plane"):
                for step in STEPS:
                    writer.write(replace(golden(name), series=name, step=step))
    with serve(logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The tab on a line, in the middle of its steps; at the end nothing may have gone wrong."""
    with opened(browser, host) as result:
        result.open("loss_slicer&p.loss_slicer.series=line&p.loss_slicer.step=110")
        result.settle()
        result.frame.evaluate("window.focus()")
        yield result
        assert result.problems == []


def step(tab: Tab) -> int:
    """The step that the slider stands at."""
    return int(tab.slicer.get_by_test_id("step-slider").get_attribute("aria-valuenow") or -1)


def speed(tab: Tab) -> int:
    """Frames per second of playing."""
    return int(tab.slicer.get_by_label("Frames per second").input_value())


def pressed(tab: Tab, name: str) -> bool:
    """Whether a toggle is on."""
    return tab.slicer.get_by_test_id(name).get_attribute("aria-pressed") == "true"


def focused_run(tab: Tab) -> str:
    """The run whose details are shown."""
    return tab.slicer.get_by_test_id("details").locator("dd").first.inner_text()


def rail(tab: Tab) -> bool:
    """Whether the list of runs is there."""
    return tab.slicer.get_by_test_id("run-filter").count() == 1


# Each key as the sheet prints it: what to look at, and what that becomes, one after another.
KEYS: list[tuple[str, str, Callable[[Tab], object], object]] = [
    ("←", "ArrowLeft", step, 100),
    ("→", "ArrowRight", step, 110),
    ("Shift ←", "Shift+ArrowLeft", step, 10),
    ("Shift →", "Shift+ArrowRight", step, 110),
    ("Home", "Home", step, 0),
    ("End", "End", step, 230),
    ("-", "-", speed, 5),
    ("=", "=", speed, 10),
    ("L", "l", lambda tab: pressed(tab, "follow"), True),
    ("Y", "y", lambda tab: tab.chosen("scale") != "linear", True),
    ("2", "2", lambda tab: tab.chosen("view"), "over-steps"),
    ("1", "1", lambda tab: tab.chosen("view"), "line"),
    ("P", "p", lambda tab: "loss_slicer.range=run" in tab.page.url, True),
    ("F", "f", lambda tab: tab.slicer.get_by_test_id("panel").count(), 1),
    ("F", "f", lambda tab: tab.slicer.get_by_test_id("panel").count(), 2),
    ("O", "o", lambda tab: tab.chosen("compare"), "overlay"),
    ("G", "g", lambda tab: tab.chosen("compare"), "grid"),
    ("J", "j", focused_run, "b"),
    ("K", "k", focused_run, "a"),
    ("I", "i", lambda tab: tab.slicer.get_by_test_id("inspector").count(), 1),
    ("I", "i", lambda tab: tab.slicer.get_by_test_id("inspector").count(), 0),
    ("[", "[", rail, False),
    ("/", "/", lambda tab: tab.frame.evaluate("document.activeElement.type"), "search"),
]


def test_keys_do_what_the_sheet_says(tab: Tab) -> None:
    for shown, key, look, wanted in KEYS:
        tab.page.keyboard.press(key)
        for _ in range(50):
            if look(tab) == wanted:
                break
            tab.page.wait_for_timeout(20)
        assert look(tab) == wanted, shown
    # Whoever types keeps the keys.
    tab.page.keyboard.type("l=-")
    expect(tab.slicer.get_by_test_id("run-filter")).to_have_value("l=-")
    assert pressed(tab, "follow")


def test_keys_open_the_exports_and_copy_the_link(tab: Tab) -> None:
    tab.page.keyboard.press("e")
    expect(tab.slicer.get_by_role("dialog", name="Export")).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.slicer.get_by_role("dialog")).to_have_count(0)
    tab.slicer.locator("body").press("c")
    expect(tab.slicer.locator(".notice")).to_contain_text("clipboard")


def test_r_takes_back_pin_and_camera(tab: Tab) -> None:
    link = "loss_slicer&p.loss_slicer.series=plane&p.loss_slicer.step=110"
    tab.open(f"{link}&p.loss_slicer.pin=0,0&p.loss_slicer.cam=80,20,1,1")
    tab.settle()
    assert "loss_slicer.pin=" in tab.page.url
    tab.slicer.get_by_test_id("step-slider").press("r")
    expect(tab.page).not_to_have_url(re.compile(r"loss_slicer\.(pin|cam)="))


def test_runs_are_listed_in_an_order_that_is_kept(tab: Tab) -> None:
    rows = tab.slicer.get_by_test_id("run-row")
    names = [row.get_attribute("data-run") for row in rows.all()]
    assert names == ["a", "b"]
    tab.slicer.get_by_test_id("run-order").select_option("last")
    tab.page.reload()
    expect(tab.slicer.get_by_test_id("run-order")).to_have_value("last")


def test_space_plays_and_pauses(tab: Tab) -> None:
    tab.page.keyboard.press("Space")
    expect(tab.slicer.get_by_role("button", name="Pause")).to_be_visible()
    tab.page.keyboard.press("Space")
    expect(tab.slicer.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_the_sheet_lists_the_keys(tab: Tab) -> None:
    tab.page.keyboard.press("?")
    sheet = tab.slicer.get_by_test_id("shortcut-sheet")
    expect(sheet).to_be_visible()
    listed = set(sheet.locator("kbd").all_inner_texts())
    assert {shown for shown, *_ in KEYS} | {"Space", "?", "Esc"} <= listed
    tab.page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_a_link_carries_every_choice(tab: Tab, browser: Browser) -> None:
    tab.choose("method", "plane through three points")
    expect(tab.slicer.get_by_test_id("details")).to_contain_text("plane through")
    tab.choose("resolution", "5")
    tab.choose("scale", "log")
    tab.slicer.get_by_test_id("run-row").nth(1).get_by_role("checkbox").uncheck()
    tab.go_to(60)
    tab.slicer.get_by_test_id("display").click()
    menu = tab.slicer.get_by_role("dialog")
    menu.get_by_text("Each panel, this step").click()
    menu.get_by_text("magma").click()
    menu.get_by_text("Smooth between samples").click()
    menu.get_by_test_id("clip").uncheck()
    tab.page.keyboard.press("Escape")
    tab.settle()
    keys = ("method", "res", "scale", "runs", "step", "range", "cm", "smooth", "clip")
    for key in keys:
        expect(tab.page).to_have_url(re.compile(rf"[&#]p\.loss_slicer\.{key}="))
    with opened(browser, tab.server) as other:
        other.open(tab.page.url.partition("#")[2])
        other.settle()
        for choice in ("method", "resolution", "channel", "scale"):
            assert other.chosen(choice) == tab.chosen(choice), choice
        assert step(other) == 60
        assert other.slicer.get_by_test_id("panel").count() == 1
        other.slicer.get_by_test_id("display").click()
        for choice, value in (("range", "panel"), ("color-map", "magma")):
            assert other.chosen(choice) == value
        expect(other.slicer.get_by_test_id("clip")).not_to_be_checked()
        other.page.keyboard.press("Escape")
        # The same picture, to the pixel: nothing that is seen stayed behind.
        other.slicer.get_by_test_id("display").blur()
        tab.page.mouse.move(0, 0)
        assert other.picture("a") == tab.picture("a")
        assert other.problems == []
