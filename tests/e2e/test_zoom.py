"""Two fingers, the wheel and keys show a part of planes and lines, in all panels alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Locator, expect

from pysclice.events import SliceWriter
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, golden, serve

pytestmark = pytest.mark.browser

RUNS = ("a", "b")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over two runs of a line and a plane."""
    logdir = tmp_path_factory.mktemp("zoom")
    for run in RUNS:
        with SliceWriter(logdir / run) as writer:
            for name in ("line", "plane"):
                for step in (0, 10, 20):
                    writer.write(replace(golden(name), series=name, step=step))
    with serve(logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The page on a screen that can be touched; at the end nothing may have gone wrong."""
    with opened(browser, host, has_touch=True) as result:
        yield result
        assert result.problems == []


def show(tab: Tab, series: str, more: str = "") -> Locator:
    """The first run's plot of a series."""
    tab.open(f"loss_slicer&p.loss_slicer.series={series}&p.loss_slicer.step=10{more}")
    tab.settle()
    return tab.panel(RUNS[0]).locator(".plot")


def pinch(tab: Tab, plot: Locator, start: float, end: float, by: float = 0) -> None:
    """Two fingers beside the middle of a plot, so many pixels apart; they move to the right too."""
    box = plot.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = tab.page.context.new_cdp_session(tab.page)

    def touch(kind: str, apart: float, shift: float, fingers: int = 2) -> None:
        points = [
            {"x": x + shift + sign * apart / 2, "y": y + sign * apart / 4, "id": i}
            for i, sign in enumerate((-1, 1))
        ]
        touches = {"type": kind, "touchPoints": points[:fingers]}
        session.send("Input.dispatchTouchEvent", touches)

    # One finger comes first, as fingers do.
    touch("touchStart", start, 0, 1)
    touch("touchStart", start, 0)
    for part in (0.25, 0.5, 0.75, 1):
        touch("touchMove", start + part * (end - start), part * by)
    touch("touchEnd", end, by, 0)
    session.detach()


def zoom_in(tab: Tab) -> str:
    """What stands in the link."""
    found = re.search(r"loss_slicer\.zoom=([^&]*)", tab.page.url)
    return found[1] if found else ""


def parts(tab: Tab, before: str = "") -> list[tuple[float, float]]:
    """The parts of the axes that the link names, once it is another one than before."""
    other = (
        rf"loss_slicer\.zoom=(?!{re.escape(before)}(?:&|$))" if before else r"loss_slicer\.zoom="
    )
    expect(tab.page).to_have_url(re.compile(other))
    tab.page.wait_for_timeout(400)  # links follow a moment later
    texts = zoom_in(tab).replace("%2C", ",").replace("%7E", "~").split(",")
    return [(float(low), float(high)) for low, high in (text.split("~") for text in texts)]


def test_two_fingers_show_a_part_of_all_planes_and_the_whole_again(tab: Tab) -> None:
    plot = show(tab, "plane")
    before = [tab.picture(run) for run in RUNS]
    pinch(tab, plot, 100, 200)
    part = parts(tab)
    axes = golden("plane").axes
    for (low, high), axis in zip(part, axes, strict=True):
        first, last = float(axis.coordinates[0]), float(axis.coordinates[-1])
        assert first < low < high < last
        assert high - low == pytest.approx((last - first) / 2, rel=0.02)
    # Both panels show the same part, and nothing was pinned by the way.
    assert [tab.picture(run) for run in RUNS] != before
    assert tab.picture(RUNS[1]) != before[1]
    assert "loss_slicer.pin=" not in tab.page.url
    before_moving = zoom_in(tab)
    pinch(tab, plot, 150, 150, by=30)
    assert parts(tab, before_moving)[0][0] < part[0][0]
    pinch(tab, plot, 200, 60)
    expect(tab.page).not_to_have_url(re.compile(r"loss_slicer\.zoom="))
    tab.page.mouse.move(0, 0)
    assert tab.picture(RUNS[1]) == before[1]


def test_the_wheel_keys_and_a_button_do_the_same_on_lines(tab: Tab) -> None:
    plot = show(tab, "line")
    box = plot.bounding_box()
    assert box is not None
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.wheel(0, -300)
    tab.page.wait_for_timeout(400)
    # Who only scrolls past is not held up: the wheel is for the plot that has the focus.
    assert "loss_slicer.zoom=" not in tab.page.url
    plot.focus()
    tab.page.mouse.wheel(0, -300)
    ((low, high),) = parts(tab)
    before = zoom_in(tab)
    tab.page.keyboard.press("+")
    expect(tab.slicer.get_by_label("Frames per second")).to_have_value("10")
    ((nearer, farther),) = parts(tab, before)
    assert farther - nearer == pytest.approx((high - low) / 1.25, rel=0.01)
    resets = tab.slicer.get_by_test_id("zoom-reset")
    expect(resets).to_have_count(2)
    resets.first.click()
    expect(tab.page).not_to_have_url(re.compile(r"loss_slicer\.zoom="))
    expect(resets).to_have_count(0)


def test_a_link_carries_the_part_and_r_takes_it_back(tab: Tab) -> None:
    show(tab, "plane")
    whole = tab.picture(RUNS[0])
    show(tab, "plane", "&p.loss_slicer.zoom=-0.5~0.25,-0.25~0.5")
    tab.settle()
    assert tab.picture(RUNS[0]) != whole
    assert parts(tab) == [(-0.5, 0.25), (-0.25, 0.5)]
    tab.slicer.get_by_test_id("step-slider").press("r")
    expect(tab.page).not_to_have_url(re.compile(r"loss_slicer\.zoom="))
    assert tab.picture(RUNS[0]) == whole


def test_two_fingers_bring_a_surface_nearer_and_turn_nothing(tab: Tab) -> None:
    start = "&p.loss_slicer.view=surface&p.loss_slicer.cam=30,40,1,1"
    plot = show(tab, "plane", start)
    pinch(tab, plot, 100, 125)
    expect(tab.page).to_have_url(re.compile(r"cam=30(,|%2C)40(,|%2C)0\.(79|8)\d*(,|%2C)1"))
