"""Every view for those who do not see it, do not point at it, or see it otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from build_frontend import frontend
from pysclice.events import SliceWriter
from pysclice.slices import Slice
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import GOLDEN, Server, serve

pytestmark = pytest.mark.browser

AXE = frontend() / "node_modules" / "axe-core" / "axe.min.js"
RUNS = ("a run", "another run")
STEPS = (0, 50, 100)


def every_layout() -> dict[str, Slice]:
    """One slice of each layout that has a golden file, so that new layouts join by themselves."""
    newest = max(path.name.partition("-")[0] for path in GOLDEN.glob("v*.slice"))
    return {
        path.stem: Slice.from_bytes(path.read_bytes()) for path in GOLDEN.glob(f"{newest}-*.slice")
    }


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over two runs with a series of each layout."""
    logdir = tmp_path_factory.mktemp("accessibility")
    for run in RUNS:
        with SliceWriter(logdir / run) as writer:
            for series, slice_ in every_layout().items():
                for step in STEPS:
                    writer.write(replace(slice_, series=series, step=step))
    with serve(logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The tab; at the end nothing may have gone wrong in it."""
    with opened(browser, host) as result:
        yield result
        assert result.problems == []


# Ways to compare whose panels are those of a view; the others show read-outs, or no single slice.
# Film strips and matrices have tests of their own; a table is one.
PICTURES = ("only", "grid", "overlay", "difference", "wipe")


def violations(tab: Tab) -> list[str]:
    """What axe objects to in the plugin's own page, as sentences."""
    frame = tab.frame
    if not frame.evaluate("'axe' in window"):
        frame.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = frame.evaluate(
        "axe.run({rules: {'target-size': {enabled: true}}}).then(found => found.violations)"
    )
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def views(tab: Tab) -> Iterator[tuple[str, str, str]]:
    """Go through all that the page offers: series, view, way to compare."""
    tab.open("loss_slicer&p.loss_slicer.step=50")
    for series in every_layout():
        link = f"loss_slicer&p.loss_slicer.series={series}&p.loss_slicer.step=50"
        tab.page.evaluate("link => { location.hash = link; }", link)
        expect(tab.slicer.get_by_test_id("details")).to_contain_text(series)
        for view in tab.options("view") or ["only"]:
            if view != "only":
                tab.choose("view", view)
            for compare in tab.options("compare") or ["only"]:
                if compare != "only":
                    tab.choose("compare", compare)
                tab.settle()
                yield series, view, compare
            if "grid" in tab.options("compare"):
                tab.choose("compare", "grid")


def in_both_themes(tab: Tab, where: str) -> dict[str, list[str]]:
    """What axe objects to, in light and in dark; leaves the page light."""
    found = {}
    for theme in ("dark", "light"):
        tab.set_dark(theme == "dark")
        found[f"{where}, {theme}"] = violations(tab)
    return {place: said for place, said in found.items() if said}


def test_axe_finds_nothing_in_menus_and_dialogs(tab: Tab) -> None:
    tab.open("loss_slicer&p.loss_slicer.step=50")
    tab.panel(RUNS[0])
    found: dict[str, list[str]] = {}
    for menu in ("display", "panel-menu"):
        tab.slicer.get_by_test_id(menu).first.click()
        expect(tab.slicer.get_by_role("dialog")).to_be_visible()
        found |= in_both_themes(tab, menu)
        tab.page.keyboard.press("Escape")
    tab.slicer.get_by_role("button", name="Keyboard shortcuts").click()
    expect(tab.slicer.get_by_test_id("shortcut-sheet")).to_be_visible()
    found |= in_both_themes(tab, "shortcuts")
    tab.page.keyboard.press("Escape")
    tab.slicer.get_by_test_id("panel-menu").first.click()
    tab.slicer.get_by_role("button", name="View as table").click()
    expect(tab.slicer.get_by_role("table")).to_be_visible()
    found |= in_both_themes(tab, "table")
    assert found == {}


def test_axe_finds_nothing_where_there_is_nothing_to_see(
    tab: Tab, browser: Browser, tmp_path: Path
) -> None:
    found: dict[str, list[str]] = {}
    tab.open("loss_slicer&p.loss_slicer.runs=,")
    expect(tab.slicer.get_by_text("No run is selected")).to_be_visible()
    found |= in_both_themes(tab, "no run")
    tab.slicer.get_by_test_id("run-filter").fill("(")
    expect(tab.slicer.locator("#filter-error")).not_to_be_empty()
    found |= in_both_themes(tab, "bad filter")
    (tmp_path / "run").mkdir()
    with serve(tmp_path) as server, opened(browser, server) as empty:
        empty.page.route("**/loss_slicer/index*", lambda _: None)  # never answered
        empty.open()
        expect(empty.slicer.get_by_test_id("loading")).to_be_visible()
        found |= in_both_themes(empty, "loading")
        empty.page.unroute_all(behavior="ignoreErrors")
        empty.page.route("**/loss_slicer/index*", lambda route: route.abort())
        empty.open()
        expect(empty.slicer.get_by_test_id("load-error")).to_be_visible()
        found |= in_both_themes(empty, "error")
        empty.page.unroute_all(behavior="ignoreErrors")
        empty.slicer.get_by_role("button", name="Retry").click()
        expect(empty.slicer.get_by_test_id("empty-log")).to_be_visible()
        found |= in_both_themes(empty, "empty")
    assert found == {}


def test_every_view_is_accessible(tab: Tab) -> None:
    found: dict[str, list[str]] = {}
    checked: set[str] = set()
    for where in views(tab):
        found |= in_both_themes(tab, ", ".join(where))
        # What has no difference says why instead of drawing one.
        refused = tab.slicer.locator('[data-state="refused"]').count() > 0
        if where[2] not in PICTURES or refused:
            continue
        pictures_speak(tab)
        keys_move_a_cursor_that_is_announced(tab)
        values_stand_in_a_table(tab)
        checked.add(where[2])
    assert found == {}
    assert {"grid", "overlay", "difference", "wipe"} <= checked


def pictures_speak(tab: Tab) -> None:
    """Each picture is one to a screen reader, has a sentence with a number, and takes the focus."""
    pictures = tab.slicer.locator(".plot")
    assert pictures.count() > 0
    for picture in pictures.all():
        assert picture.get_attribute("role") == "img"
        assert picture.get_attribute("tabindex") == "0"
        label = picture.get_attribute("aria-label") or ""
        assert re.fullmatch(r"\w.* .*\d.*\.", label), label


def keys_move_a_cursor_that_is_announced(tab: Tab) -> None:
    """Arrows stand on two places, which are read out with their values."""
    tab.slicer.locator(".plot").first.focus()
    places = set()
    # There and back: the cursor may begin at either end.
    for key in ("ArrowLeft", "ArrowRight"):
        tab.page.keyboard.press(key)
        readout = tab.slicer.get_by_test_id("cursor-readout").first
        expect(readout).to_be_visible()
        expect(tab.slicer.get_by_test_id("live-region")).to_contain_text(
            readout.text_content() or ""
        )
        places.add(readout.get_attribute("data-coordinates"))
    assert len(places) == 2
    tab.page.keyboard.press("Escape")
    expect(tab.slicer.get_by_test_id("cursor-readout")).to_have_count(0)


def values_stand_in_a_table(tab: Tab) -> None:
    """The menu has the values as a table, which Escape closes."""
    menu = tab.slicer.locator("[data-testid=panel-menu], [data-testid=picture-menu]")
    menu.first.click()
    tab.slicer.get_by_role("button", name="View as table").click()
    table = tab.slicer.get_by_role("dialog").get_by_role("table")
    expect(table.first).to_be_visible()
    assert table.get_by_role("row").count() > 2
    tab.page.keyboard.press("Escape")
    expect(tab.slicer.get_by_role("dialog")).to_have_count(0)


def test_the_focus_is_seen_and_never_caught(tab: Tab) -> None:
    tab.open("loss_slicer&p.loss_slicer.step=50")
    tab.panel(RUNS[0])
    tab.settle()
    tab.slicer.locator("body").evaluate("body => { body.tabIndex = -1; body.focus(); }")
    reached: list[str] = []
    while len(reached) < 80:
        tab.page.keyboard.press("Tab")
        # A radio button is invisible; its ring is drawn around the label beside it.
        ring = tab.frame.evaluate("""() => {
            const element = document.activeElement;
            if (!document.hasFocus() || element === document.body) return null;
            const inside = element.matches('.segment input') ? element.nextSibling : element;
            const { outlineStyle, outlineWidth } = getComputedStyle(inside);
            return [element.outerHTML.slice(0, 120), outlineStyle, outlineWidth];
        }""")
        if ring is None:
            break
        html, style, width = ring
        assert (style, width) == ("solid", "2px"), html
        reached.append(html)
    else:
        raise AssertionError("The focus does not leave the page.")
    for part in ("filter", "step-slider", "plot", "play", "display", "panel-menu"):
        assert any(part in html for html in reached), part


def test_nothing_moves_for_those_who_asked_for_that(browser: Browser, host: Server) -> None:
    moving = {}
    for wish in ("no-preference", "reduce"):
        with opened(browser, host, reduced_motion=wish) as tab:
            tab.page.route("**/loss_slicer/index*", lambda _: None)  # never answered
            tab.open()
            expect(tab.slicer.get_by_test_id("loading")).to_be_visible()
            moving[wish] = tab.frame.evaluate("document.getAnimations().length")
    assert moving["no-preference"] > 0
    assert moving["reduce"] == 0


# How many pixels of a canvas are of a color, and not gray.
PAINTED = """
(canvas) => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let colored = 0;
  for (let i = 0; i < data.length; i += 4) {
    const rgb = data.slice(i, i + 3);
    if (data[i + 3] > 200 && Math.max(...rgb) - Math.min(...rgb) > 60) colored += 1;
  }
  return colored;
}
"""


def test_forced_colors_keep_what_colors_say(browser: Browser, host: Server) -> None:
    with opened(browser, host, forced_colors="active") as tab:
        tab.open("loss_slicer&p.loss_slicer.step=50")
        tab.panel(RUNS[0])
        assert violations(tab) == []
        grounds = [
            tab.slicer.locator(f".panel[data-run='{run}'] .swatch").evaluate(
                "element => getComputedStyle(element).backgroundColor"
            )
            for run in RUNS
        ]
        assert len(set(grounds)) == len(RUNS)
        head = tab.slicer.locator("[data-testid='step-slider'] .slider-head")
        assert head.evaluate(PAINTED) > 0
