"""Planes as surfaces: one WebGL context for all, one camera, a picture without WebGL."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from pysclice.events import SliceWriter
from pysclice.slices import Axis, ProjectedTrajectory, Slice, regular_coordinates
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

LOSS = "train/loss"
X = regular_coordinates(-1.0, 1.0, 13)
RUNS = [f"run {i:02}" for i in range(20)]
# All WebGL contexts that a page was given, to count them and to take them away.
COUNT = """
window.contexts = [];
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  const context = getContext.call(this, kind, ...rest);
  if (context && kind.startsWith("webgl") && !contexts.includes(context)) contexts.push(context);
  return context;
};
"""


def plane(step: int, seed: int, holes: bool) -> Slice:
    """A bowl that deepens from step to step; with holes, one corner of it has diverged."""
    x, y = np.meshgrid(X, X, indexing="ij")
    values = 1 + (1 + step / 100) * x**2 + (1 + 0.1 * seed) * y**2
    if holes:
        values[x + y > 1.2] = np.nan
    path = ProjectedTrajectory(
        steps=np.array([0, 100, 200]),
        coordinates=np.array([[-0.5, 0.0, 0.5], [-0.5, 0.0, 0.4]], np.float32)
        - np.float32((step - 100) / 200),
        distances=np.zeros(3, np.float32),
        explained=0.834,
    )
    return Slice(
        kind="plane",
        method="method of planes",
        axes=(Axis("first", X), Axis("second", X)),
        values={LOSS: values[None].astype(np.float32)},
        center={LOSS: np.array([1.0])},
        series="plane",
        step=step,
        trajectory=path,
    )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over twenty runs of planes."""
    logdir = tmp_path_factory.mktemp("surfaces")
    for seed, run in enumerate(RUNS):
        with SliceWriter(logdir / run) as writer:
            for step in (100, 200):
                writer.write(plane(step, seed, holes=seed == 1))
    with serve(logdir, "--load_fast=true") as server:
        yield server


@contextmanager
def launched(browser: Browser, *flags: str) -> Iterator[Browser]:
    """Another browser of the same kind, with or without WebGL."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    own = browser.browser_type.launch(executable_path=path, args=["--no-sandbox", *flags])
    yield own
    own.close()


@contextmanager
def counting(browser: Browser, host: Server) -> Iterator[Tab]:
    """A tab that keeps the WebGL contexts it was given."""
    with opened(browser, host, reduced_motion="reduce") as tab:
        tab.page.add_init_script(COUNT)
        yield tab
        # Chromium itself says that it has no WebGL.
        assert [problem for problem in tab.problems if "WebGL" not in problem] == []


@pytest.fixture(scope="module")
def with_webgl(browser: Browser) -> Iterator[Browser]:
    """A browser with WebGL in software."""
    with launched(browser, "--enable-unsafe-swiftshader") as own:
        yield own


@pytest.fixture
def tab(with_webgl: Browser, host: Server) -> Iterator[Tab]:
    """The tab, with WebGL."""
    with counting(with_webgl, host) as result:
        yield result


def show(tab: Tab, runs: list[str], **choices: str) -> Locator:
    """Open surfaces of runs by a link, and wait until the first one's picture is finished."""
    chosen = {"view": "surface", "step": "100"} | choices
    names = ",".join(run.replace(" ", "%2520") for run in runs)
    keys = "".join(f"&p.loss_slicer.{key}={value}" for key, value in chosen.items())
    tab.open(f"loss_slicer&p.loss_slicer.runs={names}{keys}")
    panel = tab.panel(runs[0])
    panel.locator(".plot-orbit").wait_for()
    at_rest(tab)
    return panel


def at_rest(tab: Tab) -> None:
    """While something moves the picture is coarser; the finished one comes right after."""
    tab.page.wait_for_timeout(450)


def pixels(panel: Locator) -> bytes:
    """What is drawn, without what moves with the pointer."""
    picture = panel.locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
    return str(picture).encode()


def seen_from(tab: Tab, camera: str) -> None:
    """Wait until the address of TensorBoard's window says so; nothing for the usual camera."""
    key = f"p.loss_slicer.cam={camera.replace(',', '%2C')}(&|$)" if camera else "cam="
    found = re.compile(key)
    if camera:
        expect(tab.page).to_have_url(found)
    else:
        expect(tab.page).not_to_have_url(found)
    at_rest(tab)


def test_a_plane_is_shown_as_a_plane_first_and_as_a_surface_when_asked(tab: Tab) -> None:
    tab.open("loss_slicer")
    tab.panel(RUNS[0])
    assert tab.chosen("view") == "plane"
    assert not any("SurfaceView" in address for address in tab.requests)
    tab.choose("view", "surface")
    expect(tab.panel(RUNS[0]).locator("[data-renderer=ready]")).to_be_visible()
    assert any("SurfaceView" in address for address in tab.requests)


def test_twenty_surfaces_share_one_context_and_one_camera(tab: Tab) -> None:
    # Tall enough for all of them: what is out of sight is not drawn.
    tab.page.set_viewport_size({"width": 1800, "height": 2600})
    show(tab, RUNS)
    expect(tab.slicer.locator("[data-renderer=ready]")).to_have_count(20)
    last = tab.panel(RUNS[-1])
    before = pixels(last)
    plot = tab.panel(RUNS[0]).locator(".plot-orbit")
    plot.focus()
    for _ in range(4):
        plot.press("Alt+ArrowRight")
    at_rest(tab)
    assert pixels(last) != before
    assert tab.frame.evaluate("contexts.length") == 1


def test_drag_keys_wheel_and_link_move_the_camera(tab: Tab) -> None:
    panel = show(tab, RUNS[:2])
    plot = panel.locator(".plot-orbit")
    first = pixels(panel)
    seen_from(tab, "")
    box = plot.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 40, y - 20, steps=4)
    tab.page.mouse.up()
    seen_from(tab, "15,28,1,1")
    turned = pixels(panel)
    assert turned != first
    tab.page.mouse.wheel(0, 200)
    seen_from(tab, "15,28,1.35,1")
    plot.press("1")
    seen_from(tab, "0,90,1.35,1")
    tab.slicer.get_by_role("button", name="Reset").click()
    seen_from(tab, "")
    assert pixels(panel) == first
    tab.slicer.get_by_test_id("wireframe").check()
    at_rest(tab)
    assert pixels(panel) != first
    tab.go_to(200)
    tab.shows_step(RUNS[0], 200)
    show(tab, RUNS[:2], cam="15,28,1,1")
    assert pixels(tab.panel(RUNS[0])) == turned


def test_steps_change_the_picture_and_the_cursor_is_the_planes(tab: Tab) -> None:
    panel = show(tab, RUNS[1:3])
    before = pixels(panel)
    tab.go_to(200)
    tab.shows_step(RUNS[1], 200)
    at_rest(tab)
    assert pixels(panel) != before
    plot = panel.locator(".plot-orbit")
    expect(plot).to_have_attribute(
        "aria-label", re.compile(f" {144 - whole_cells(1)} of 144 cells .* are holes")
    )
    plot.focus()
    plot.press("ArrowRight")
    plot.press("ArrowUp")
    readouts = tab.slicer.get_by_test_id("cursor-readout")
    expect(readouts).to_have_count(2)
    x = float(X[7])
    expect(readouts.nth(0)).to_have_attribute("data-coordinates", f"{x},{x}")
    value = np.float32(1 + 3 * x**2 + 1.1 * x**2)
    assert float(str(readouts.nth(0).get_attribute("data-value"))) == pytest.approx(value, rel=1e-6)


def test_a_file_holds_every_cell_as_a_polygon(tab: Tab, tmp_path: Path) -> None:
    show(tab, RUNS[1:2])
    tab.slicer.get_by_test_id("panel-menu").click()
    with tab.page.expect_download() as download:
        tab.slicer.get_by_role("button", name="Picture of this panel as SVG").click()
    target = tmp_path / "surface.svg"
    download.value.save_as(target)
    svg = target.read_text("utf-8")
    assert len(re.findall(r'fill="rgb\(\d+,\d+,\d+\)" fill-opacity="1"', svg)) == whole_cells(1)
    assert ">first</text>" in svg


def test_a_lost_context_is_painted_and_comes_back(tab: Tab) -> None:
    panel = show(tab, RUNS[:2])
    assert tab.slicer.get_by_test_id("without-webgl").count() == 0
    tab.frame.evaluate("contexts[0].getExtension('WEBGL_lose_context').loseContext()")
    said = tab.slicer.get_by_test_id("without-webgl")
    expect(said).to_contain_text("The browser took WebGL away")
    at_rest(tab)
    assert colors(panel) > 50
    said.get_by_role("button", name="Retry").click()
    expect(said).to_have_count(0)
    at_rest(tab)
    assert colors(panel) > 50
    assert tab.frame.evaluate("contexts.length") == 2


def test_without_webgl_it_is_painted(browser: Browser, host: Server) -> None:
    with launched(browser, "--disable-3d-apis") as own, counting(own, host) as tab:
        panel = show(tab, RUNS[:2])
        expect(panel.locator("[data-renderer=missing]")).to_be_visible()
        said = tab.slicer.get_by_test_id("without-webgl")
        expect(said).to_contain_text("WebGL is not available")
        before = pixels(panel)
        assert colors(panel) > 50
        panel.locator(".plot-orbit").focus()
        panel.locator(".plot-orbit").press("2")
        at_rest(tab)
        assert pixels(panel) != before
        said.get_by_role("button", name="Retry").click()
        expect(said).to_be_visible()


def whole_cells(seed: int) -> int:
    """How many cells of a plane have four corners that are numbers."""
    finite = ~np.isnan(plane(100, seed, holes=True).values[LOSS][0])
    return int((finite[1:, 1:] & finite[:-1, 1:] & finite[1:, :-1] & finite[:-1, :-1]).sum())


def colors(panel: Locator) -> int:
    """How many different colors a picture has, its color bar left out."""
    count = panel.locator("canvas").first.evaluate(
        """canvas => {
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, 0.6 * width, height);
          const seen = new Set();
          for (let i = 0; i < data.length; i += 4) {
            // Grays are axes and letters.
            const [r, g, b] = data.subarray(i, i + 3);
            if (Math.max(r, g, b) - Math.min(r, g, b) > 40) seen.add((r << 16) | (g << 8) | b);
          }
          return seen.size;
        }"""
    )
    return int(count)


def test_two_surfaces_are_sheets_that_one_sees_through(tab: Tab, tmp_path: Path) -> None:
    names = ",".join(run.replace(" ", "%2520") for run in RUNS[1:4])
    tab.open(
        f"loss_slicer&p.loss_slicer.runs={names}&p.loss_slicer.view=surface&p.loss_slicer.step=100"
    )
    tab.choose("compare", "overlay")
    panel = tab.slicer.get_by_test_id("panel")
    expect(panel).to_have_count(1)
    expect(panel.locator("[data-renderer=ready]")).to_be_visible()
    expect(panel.locator(".legend")).to_have_count(2)
    expect(panel.get_by_test_id("overlay-note")).to_contain_text("The first 2 of 3 runs")
    at_rest(tab)
    assert colors(panel) > 50
    before = pixels(panel)
    plot = panel.locator(".plot-orbit")
    plot.focus()
    plot.press("2")
    seen_from(tab, "0,0,1,1")
    assert pixels(panel) != before
    # Both are read at the same place, and said.
    plot.press("ArrowRight")
    readouts = tab.slicer.get_by_test_id("cursor-readout")
    expect(readouts).to_have_count(2)
    x = float(X[7])
    for n, seed in enumerate((1, 2)):
        found = float(str(readouts.nth(n).get_attribute("data-value")))
        assert found == pytest.approx(float(np.float32(1 + 2 * x**2)), rel=1e-6), seed
    label = str(plot.get_attribute("aria-label"))
    assert label.count("Surface of train/loss of run") == 2
    tab.slicer.get_by_test_id("panel-menu").click()
    with tab.page.expect_download() as download:
        tab.slicer.get_by_role("button", name=re.compile("as SVG")).click()
    target = tmp_path / "sheets.svg"
    download.value.save_as(target)
    svg = target.read_text("utf-8")
    # The third run has no holes. Each cell is drawn as 5 x 5, so that sheets cut in a line.
    cells = 25 * (whole_cells(1) + (len(X) - 1) ** 2)
    assert len(re.findall(r'fill="rgb\(\d+,\d+,\d+\)" fill-opacity="0.55"', svg)) == cells
    assert ">run 01</text>" in svg and ">run 02</text>" in svg
