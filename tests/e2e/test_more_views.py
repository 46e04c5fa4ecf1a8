"""The modes of the views in a real TensorBoard: other steps, pins, ranks, bands, eigenvalues."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from pysclice.events import SliceWriter
from pysclice.slices import Axis, Slice, regular_coordinates
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

LOSS = "train/loss"
X = regular_coordinates(-1.0, 1.0, 9)
STEPS = range(0, 500, 100)


def record(kind: str, series: str, axes: list[Axis], values: np.ndarray, step: int) -> Slice:
    """A slice of one focus point whose loss there is 1."""
    return Slice(
        kind=kind,
        method=f"method of {series}",
        axes=tuple(axes),
        values={LOSS: values[None].astype("f4")},
        center={LOSS: np.array([1.0])},
        series=series,
        step=step,
        notes={"eigenvalues": [10 + step / 100, 2.0], "trace": 20.0, "learning_rate": 0.125}
        if kind == "spectrum"
        else {},
    )


def slices(step: int) -> Iterator[Slice]:
    """A bowl that sharpens, a tilted plane, four coordinates, a crowd, a spectrum."""
    bowl = 1 + (1 + step / 100) * X**2
    yield record("lines", "line", [Axis("direction", X)], bowl[None], step)
    tilted = 1 + X[:, None] + 2 * X[None, :] ** 2
    yield record("plane", "plane", [Axis("first", X), Axis("second", X)], tilted, step)
    heights = np.array([4, 3 - step / 100, 2, 1])[:, None]
    names = ["a.weight[0]", "a.weight[1]", "b.weight[0]", "b.weight[1]"]
    kink = np.stack([X**2, X**2, np.maximum(X, 0), np.maximum(X, 0)])
    yield record("lines", "coordinates", [Axis(n, X) for n in names], 1 + heights * kink, step)
    crowd = 1 + np.arange(40.0)[:, None] * X**2
    yield record("lines", "crowd", [Axis(f"direction {i}", X) for i in range(40)], crowd, step)
    at = regular_coordinates(-1.0, 15.0, 17)
    yield record("spectrum", "spectrum", [Axis("eigenvalue", at)], np.exp(-(at**2))[None], step)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over two runs of five steps."""
    logdir = tmp_path_factory.mktemp("more views")
    for run in ("one", "two"):
        with SliceWriter(logdir / run) as writer:
            for step in STEPS:
                for slice_ in slices(step):
                    writer.write(slice_)
    with serve(logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture(scope="module")
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """One window for all tests, with nothing gone wrong in any of them."""
    with opened(browser, host) as opened_tab:
        yield opened_tab
        assert opened_tab.problems == []


def show(tab: Tab, series: str, **choices: str) -> Locator:
    """Open a series by a deep link, at step 200; the panel of the first run."""
    keys = {"series": series, "step": "200", **choices}
    link = "".join(f"&p.loss_slicer.{key}={value}" for key, value in keys.items())
    tab.open(f"loss_slicer{link}")
    return tab.panel("one")


def test_a_line_shows_other_steps(tab: Tab) -> None:
    panel = show(tab, "line", scale="linear")
    expect(panel.get_by_test_id("panel-note")).to_have_text(
        "At 0: curvature 6.00 per squared coordinate (R\N{SUPERSCRIPT TWO} 1); "
        "width 0.133 at +5 %, 0.267 at +0.1; asymmetry 0."
    )
    current = tab.picture("one")
    tab.choose("step-mode", "onion")
    tab.choose("skins", "2")
    onion = tab.picture("one")
    tab.choose("step-mode", "ridgeline")
    ridges = tab.picture("one")
    assert len({current, onion, ridges}) == 3
    plot = panel.locator(".plot")
    expect(plot).to_have_attribute("aria-label", re.compile("5 of 5 steps, the oldest behind"))
    plot.focus()
    plot.press("ArrowUp")
    readout = panel.get_by_test_id("cursor-readout")
    expect(readout).to_have_attribute("data-coordinates", "0,100")
    assert "p.loss_slicer.steps=ridgeline" in tab.page.url
    assert "p.loss_slicer.skins=2" in tab.page.url


def test_a_line_over_steps_leads_to_its_steps(tab: Tab) -> None:
    panel = show(tab, "line", view="over-steps")
    plot = panel.locator(".plot")
    expect(plot).to_have_attribute(
        "aria-label", re.compile("over 5 steps; the line is at step 200")
    )
    plot.focus()
    plot.press("ArrowUp")
    readout = panel.get_by_test_id("cursor-readout")
    expect(readout).to_have_attribute("data-coordinates", "0,300")
    plot.press("Enter")
    tab.shows_step("one", 300)
    box = plot.bounding_box()
    assert box is not None
    # The oldest step is at the bottom, above the numbers of the axis.
    tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 50)
    tab.shows_step("one", 0)
    expect(plot).to_have_attribute("aria-label", re.compile("the line is at step 0"))
    tab.page.mouse.move(0, 0)  # the next test points with keys


def test_a_pin_opens_cross_sections_in_every_panel(tab: Tab) -> None:
    panel = show(tab, "plane", pin="0.25%2C-0.5")
    for run in ("one", "two"):
        expect(tab.panel(run).get_by_test_id("cuts")).to_have_attribute(
            "data-coordinates", "0.25,-0.5"
        )
    cut = panel.get_by_role("img", name=re.compile("Cross-section along first where second is"))
    cut.focus()
    cut.press("ArrowRight")
    readout = panel.get_by_test_id("cursor-readout")
    expect(readout).to_have_attribute("data-coordinates", "0.5,-0.5")
    expect(readout).to_have_attribute("data-value", "2")
    cut.press("Escape")
    expect(tab.slicer.get_by_test_id("cuts")).to_have_count(0)
    plot = panel.locator(".plot")
    plot.focus()
    plot.press("ArrowRight")
    plot.press("Enter")
    expect(tab.slicer.get_by_test_id("cuts")).to_have_count(2)
    tab.page.wait_for_timeout(400)
    assert "p.loss_slicer.pin=0.75%2C-0.5" in tab.page.url
    panel.get_by_role("button", name="Unpin").click()
    expect(tab.slicer.get_by_test_id("cuts")).to_have_count(0)


def test_small_multiples_are_ranked_grouped_found_and_brushed(tab: Tab) -> None:
    panel = show(tab, "coordinates", runs="one")
    captions = panel.locator("figcaption")
    expect(captions.first).to_contain_text("a.weight[0]")
    tab.choose("ranking", "asymmetry")
    expect(captions.first).to_contain_text("b.weight[0]")
    tab.choose("grouping", "layer")
    expect(panel.get_by_role("heading")).to_have_text(["b.weight 2", "a.weight 2"])
    tab.choose("grouping", "shape")
    shapes = panel.get_by_test_id("shape")
    expect(shapes).to_have_count(2)
    shapes.last.click()
    expect(panel.locator("figure")).to_have_count(2)
    shapes.last.click()
    tab.slicer.get_by_test_id("find").fill("WEIGHT[1]")
    expect(panel.get_by_test_id("cell-count")).to_have_text("2 of 4 lines")
    tab.slicer.get_by_test_id("find").fill("")
    tab.choose("ranking", "range")
    least = panel.get_by_label("Least score shown")
    least.focus()
    for _ in range(30):
        least.press("ArrowRight")
    expect(panel.get_by_test_id("cell-count")).to_have_text("1 of 4 lines")


def test_ranks_change_over_steps(tab: Tab) -> None:
    panel = show(tab, "coordinates", runs="one", view="ranks")
    plot = panel.locator(".plot")
    expect(plot).to_have_attribute("aria-label", re.compile("over 5 steps by range"))
    plot.focus()
    plot.press("Home")
    plot.press("ArrowRight")
    readout = panel.get_by_test_id("cursor-readout")
    expect(readout).to_contain_text("a.weight[0]")
    plot.press("ArrowDown")
    expect(readout).to_have_attribute("data-value", "2")


def test_a_bundle_has_bands_and_outliers_that_can_be_named(tab: Tab) -> None:
    panel = show(tab, "crowd", runs="one", view="bundle", scale="linear")
    bands = tab.picture("one")
    tab.choose("curves", "all")
    assert tab.picture("one") != bands
    plot = panel.locator(".plot")
    plot.focus()
    for key in ("ArrowRight", "ArrowRight", *["ArrowUp"] * 4, "Shift+ArrowUp"):
        plot.press(key)
    for _ in range(3):
        plot.press("Shift+ArrowUp")
    expect(panel.get_by_test_id("cursor-readout")).to_contain_text("direction 39")
    before = tab.picture("one")
    plot.press("Enter")
    assert tab.picture("one") != before


def test_eigenvalues_over_steps_have_an_edge_of_stability(tab: Tab) -> None:
    panel = show(tab, "spectrum", runs="one", view="eigenvalues", scale="linear")
    expect(panel.get_by_test_id("panel-note")).to_contain_text("2 / learning rate = 16.0")
    plot = panel.locator(".plot")
    plot.focus()
    plot.press("ArrowRight")
    readout = panel.get_by_test_id("cursor-readout")
    expect(readout).to_have_attribute("data-value", "13")
    expect(readout).to_contain_text("\u03bb 1 at step 300")
    plot.press("ArrowDown")
    expect(readout).to_have_attribute("data-value", "2")
