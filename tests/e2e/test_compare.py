"""Each way to compare runs, over slices whose differences are known."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from pysclice.events import SliceWriter
from pysclice.slices import Axis, Slice, regular_coordinates
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

LOSS = "train/loss"
STEPS = (0, 100, 200)
HEIGHTS = {"a": 1.0, "b": 3.0, "other": 2.0}


def axis(name: str, samples: int, fingerprint: str) -> Axis:
    """An axis from -1 to 1."""
    return Axis(name, regular_coordinates(-1.0, 1.0, samples), length=2.0, fingerprint=fingerprint)


def plane(run: str, step: int) -> Slice:
    """A bowl ``height * (x^2 + y^2) + step / 100``; run b on a coarser grid, other elsewhere."""
    samples = 5 if run == "b" else 9
    prints = ("0123", "4567") if run != "other" else ("0123", "89ab")
    axes = (axis("u", samples, prints[0]), axis("v", samples, prints[1]))
    x, y = np.meshgrid(*(one.coordinates for one in axes), indexing="ij")
    loss = HEIGHTS[run] * (x**2 + y**2) + step / 100
    return Slice(
        "plane", "some plane", axes, {LOSS: loss[None]}, {LOSS: [step / 100]},
        series="plane", step=step, epoch=step / 50, wall_time=1e9 + step,
    )  # fmt: skip


def line(run: str, step: int) -> Slice:
    """A parabola of curvature ``2 * height`` per coordinate."""
    along = axis("u", 9, "0123")
    loss = HEIGHTS[run] * along.coordinates**2 + step / 100 + 0.1
    return Slice(
        "lines", "some line", (along,), {LOSS: loss[None, None]}, {LOSS: [step / 100 + 0.1]},
        series="line", step=step, epoch=step / 50, wall_time=1e9 + step,
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over three runs of planes and lines."""
    logdir = tmp_path_factory.mktemp("compare")
    for run in HEIGHTS:
        with SliceWriter(logdir / run) as writer:
            for step in STEPS:
                writer.write(plane(run, step))
                writer.write(line(run, step))
    with serve(logdir, "--load_fast=true") as started:
        yield started


@pytest.fixture
def tab(server: Server, browser: Browser) -> Iterator[Tab]:
    """The page, closed without a problem."""
    with opened(browser, server, accept_downloads=True) as opened_tab:
        yield opened_tab
        assert opened_tab.problems == []


def link(**keys: str) -> str:
    """A deep link."""
    return "&".join(["loss_slicer", *(f"p.loss_slicer.{key}={text}" for key, text in keys.items())])


def table_from(tab: Tab, button: str) -> list[list[str]]:
    """What a download button gives, as rows of a CSV file."""
    with tab.page.expect_download() as waiting:
        tab.slicer.get_by_role("button", name=button).click()
    return list(csv.reader(io.StringIO(Path(waiting.value.path()).read_text())))


def test_difference_of_planes_is_refused_and_resampled(tab: Tab) -> None:
    """B minus A on the coarser grid; other directions get a reason and an offer."""
    tab.open(link(series="plane", cmp="difference", base="a", step="200"))
    panel = tab.panel("b")
    expect(panel.get_by_test_id("panel-note")).to_contain_text("resampled to 5 ")
    panel.get_by_test_id("picture-menu").click()
    rows = table_from(tab, "Download values (CSV)")
    assert rows[0] == ["u", "v", f"difference of {LOSS}"]
    found = np.array(rows[1:], float)
    assert len(found) == 25
    np.testing.assert_allclose(found[:, 2], 2 * (found[:, 0] ** 2 + found[:, 1] ** 2), atol=1e-6)
    refused = tab.slicer.locator('[data-run="other"][data-state="refused"]')
    expect(refused.get_by_test_id("panel-message")).to_contain_text("Different directions")
    expect(refused.get_by_test_id("panel-message")).to_contain_text("“v”")
    refused.get_by_role("button", name="side by side").click()
    assert tab.chosen("compare") == "grid"


def test_difference_from_a_step_and_by_keys(tab: Tab) -> None:
    """D and S choose; the base step is fetched; the star of a run makes it the base."""
    tab.open(link(series="line", step="200"))
    tab.panel("b")
    tab.slicer.get_by_test_id("step-slider").press("d")
    expect(tab.slicer.get_by_test_id("base-bar")).to_be_visible()
    tab.choose("base-kind", "step")
    expect(tab.slicer.get_by_test_id("base-step")).to_have_text("200")
    tab.go_to(0)
    panel = tab.panel("a")
    expect(panel.locator(".panel-center")).to_have_text(re.compile(r"2\.000"))
    tab.slicer.get_by_test_id("step-slider").press("s")
    expect(panel.get_by_test_id("panel-note")).to_have_text("No difference at all.")
    row = tab.slicer.locator('[data-testid="run-row"][data-run="b"]')
    row.hover()
    row.get_by_test_id("run-star").click()
    expect(row.get_by_test_id("run-star")).to_have_attribute("aria-pressed", "true")
    expect(tab.panel("a")).to_have_attribute("data-base", "b")


def test_wipe_is_dragged_and_moved_by_keys(tab: Tab) -> None:
    """The divider is a slider, and the picture follows it."""
    tab.open(link(series="plane", cmp="wipe", base="a", step="100"))
    tab.panel("b")
    divider = tab.slicer.get_by_role("slider", name="Divider")
    before = tab.picture("b")
    divider.press("PageUp")
    expect(divider).to_have_attribute("aria-valuenow", "60")
    assert tab.picture("b") != before
    box = divider.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + 40
    tab.page.mouse.move(*middle)
    tab.page.mouse.down()
    tab.page.mouse.move(middle[0] - 120, middle[1], steps=4)
    tab.page.mouse.up()
    assert int(divider.get_attribute("aria-valuenow") or "") < 55


def test_table_says_what_the_index_says(tab: Tab, server: Server) -> None:
    """The numbers of the CSV are those of the index; rows that agree can be left out."""
    tab.open(link(series="line", cmp="table", step="200"))
    expect(tab.slicer.get_by_test_id("readout-row").first).to_be_visible()
    rows = table_from(tab, "Download CSV")
    columns = {name: i for i, name in enumerate(rows[0])}
    numbers = {row[0]: row for row in rows[1:]}
    url = f"http://{server.host}:{server.port}/data/plugin/loss_slicer/index"
    with urllib.request.urlopen(url) as answer:
        index = json.load(answer)
    for run in index["runs"]:
        series = next(one for one in run["series"] if one["name"] == "line")
        centers = np.frombuffer(base64.b64decode(series["centers"][LOSS]), "<f4")
        found = float(numbers[f"{LOSS} at the focus point"][columns[run["name"]]])
        assert np.float32(found) == centers[-1]
        curvature = float(numbers["curvature"][columns[run["name"]]])
        assert curvature == pytest.approx(2 * HEIGHTS[run["name"]] / 4, rel=1e-4)
    assert "step" in numbers
    tab.slicer.get_by_test_id("only-differences").check()
    expect(tab.slicer.locator('[data-label="step"]')).to_have_count(0)
    tab.slicer.locator('[data-label="curvature"] button').click()
    heads = tab.slicer.get_by_test_id("readouts").locator("thead th[title]")
    assert heads.evaluate_all("all => all.map(one => one.title)") == ["a", "other", "b"]


def test_overlay_of_planes(tab: Tab) -> None:
    """Contours of all runs in one panel, which says that directions differ."""
    tab.open(link(series="plane", cmp="overlay", step="100"))
    expect(tab.slicer.get_by_test_id("panel")).to_have_count(1)
    expect(tab.slicer.get_by_test_id("panel-note")).to_contain_text("directions differ")


def test_film_strip_is_one_picture(tab: Tab) -> None:
    """Runs by typed steps, exported as one SVG that names them all."""
    tab.open(link(series="plane", cmp="strip"))
    strip = tab.slicer.get_by_test_id("strip")
    expect(strip).to_have_attribute("data-columns", "3")
    box = tab.slicer.get_by_test_id("strip-steps")
    box.fill("10, 190")
    box.press("Enter")
    expect(strip).to_have_attribute("data-columns", "2")
    expect(strip).to_have_attribute("data-state", "ready")
    tab.slicer.get_by_test_id("picture-menu").click()
    with tab.page.expect_download() as waiting:
        tab.slicer.get_by_role("button", name="Picture as SVG").click()
    svg = Path(waiting.value.path()).read_text()
    for text in ("step 0", "step 200", ">a<", ">b<", ">other<"):
        assert text in svg
    assert svg.count("<image") == 7  # six planes and their color bar
    tab.choose("strip-columns", "series")
    expect(strip).to_have_attribute("data-columns", "1")


def test_film_strip_can_be_read_and_walked_through(tab: Tab) -> None:
    """Arrows go from picture to picture, which are read out; Enter opens one; a table has all."""
    tab.open(link(series="plane", cmp="strip"))
    strip = tab.slicer.get_by_test_id("strip")
    expect(strip).to_have_attribute("data-state", "ready")
    tab.slicer.get_by_test_id("picture-menu").click()
    tab.slicer.get_by_role("button", name="View as table").click()
    table = tab.slicer.get_by_test_id("strip-table")
    rows = [row.split("\t") for row in table.inner_text().splitlines() if row]
    assert rows[0] == ["run", "step 0", "step 100", "step 200"]
    # The value at the focus point, the lowest and the highest: step / 100, and 2 * height more.
    assert rows[2][3] == "2.000, 2.000 to 8.000"
    tab.page.keyboard.press("Escape")
    strip.locator(".plot").focus()
    readout = tab.slicer.get_by_test_id("strip-readout")
    for key, said in (
        ("ArrowRight", "a, step 0: 0, 0 to 2.000"),
        ("ArrowRight", "a, step 100: 1.000, 1.000 to 3.000"),
        ("ArrowDown", "b, step 100: 1.000, 1.000 to 7.000"),
    ):
        tab.page.keyboard.press(key)
        expect(readout).to_have_text(said)
    tab.page.keyboard.press("Enter")
    tab.shows_step("b", 100)
    assert tab.chosen("compare") == "grid"


def test_scale_steps_and_links(tab: Tab) -> None:
    """Symlog and typed ranges are said and linked; epochs can be typed."""
    tab.open(link(series="line", step="100"))
    tab.panel("a")
    tab.choose("scale", "symlog")
    expect(tab.panel("a").get_by_test_id("panel-note")).to_contain_text("linear within ±")
    tab.slicer.get_by_test_id("display").click()
    tab.slicer.get_by_test_id("fixed-high").fill("-5")
    tab.slicer.get_by_test_id("fixed-high").press("Enter")
    expect(tab.slicer.get_by_text("is not below")).to_be_visible()
    tab.slicer.get_by_test_id("fixed-high").fill("2.5")
    tab.slicer.get_by_test_id("fixed-high").press("Enter")
    tab.page.keyboard.press("Escape")
    tab.slicer.get_by_test_id("step-unit").select_option("epoch")
    tab.go_to(4)
    tab.shows_step("a", 200)
    expect(tab.panel("a").get_by_test_id("panel-note")).to_contain_text("Beyond the fixed range")
    tab.page.wait_for_timeout(500)
    fragment = tab.page.url.partition("#")[2]
    assert "scale=symlog" in fragment
    assert "range=fixed" in fragment
    tab.open(fragment)
    tab.shows_step("a", 200)
    assert tab.chosen("scale") == "symlog"
    assert tab.slicer.get_by_test_id("step-unit").input_value() == "epoch"


def test_links_restore_each_mode(tab: Tab) -> None:
    """Whatever was chosen in a mode comes back."""
    for mode, keys in {
        "difference": {"bstep": "100"},
        "wipe": {"wipe": "25"},
        "table": {"diff": "1"},
        "strip": {"columns": "0,200"},
    }.items():
        fragment = link(series="plane", cmp=mode, step="200", **keys)
        if mode == "difference":
            tab.open(fragment)
        else:
            tab.page.evaluate("fragment => location.hash = fragment", fragment)
        expect(tab.slicer.get_by_test_id("compare")).to_have_value(mode)
        if mode == "difference":
            expect(tab.slicer.get_by_test_id("base-step")).to_have_text("100")
        if mode == "wipe":
            expect(tab.slicer.get_by_test_id("wipe")).to_have_attribute("aria-valuenow", "25")
        if mode == "table":
            expect(tab.slicer.get_by_test_id("only-differences")).to_be_checked()
        if mode == "strip":
            expect(tab.slicer.get_by_test_id("strip")).to_have_attribute("data-columns", "2")
