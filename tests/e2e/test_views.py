"""Each view over slices with a known answer: what is drawn, what is said, what is taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from pysclice.events import SliceWriter
from pysclice.slices import Axis, ProjectedTrajectory, Slice, regular_coordinates
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

LOSS = "train/loss"
X = regular_coordinates(-1.0, 1.0, 9)


def lines(series: str, axes: list[Axis], values: np.ndarray, **fields: Any) -> Slice:
    """Lines through one focus point or several, with losses of shape (points, lines, samples)."""
    centers = values[:, 0, axes[0].coordinates == 0][:, 0]
    points = tuple(f"point {i}" for i in range(len(values)))
    return Slice(
        kind="lines",
        method=f"method of {series}",
        axes=tuple(axes),
        values={LOSS: values},
        center={LOSS: centers},
        series=series,
        step=100,
        focus_points=points,
        **fields,
    )


def with_errors() -> Slice:
    """A bowl whose standard error grows with the distance from its center."""
    errors = {LOSS: 0.25 * np.abs(X)[None, None]}
    return lines("band", [Axis("some direction", X)], 1 + X[None, None] ** 2, errors=errors)


def with_barrier() -> Slice:
    """A hill of height 0.42 above the straight line from 1 to 2, at 0.5."""
    x = regular_coordinates(-0.5, 1.5, 9)
    hill = 1 + x + 1.68 * x * (1 - x)
    barrier = {LOSS: {"value": 0.42, "where": 0.5, "error": 0.03}}
    notes = {"barrier": barrier, "similarity": 0.875}
    return lines("barrier", [Axis("towards b", x)], hill[None, None], notes=notes)


def crowd() -> Slice:
    """Eleven bowls of heights 0 to 10 that meet in 1."""
    axes = [Axis(f"direction {i}", X) for i in range(11)]
    heights = np.arange(11.0)[:, None]
    return lines("crowd", axes, (1 + heights * X**2)[None])


def uneven() -> Slice:
    """Two lines at two focus points, the second line twice as long."""
    axes = [Axis("short", X), Axis("long", 2 * X)]
    one = np.stack([1 + X**2, 1 + 2 * X**2])
    return lines("uneven", axes, np.stack([one, one + 1]))


def spectrum() -> Slice:
    """A bulk around 0 and one eigenvalue far from it."""
    at = regular_coordinates(-1.0, 4.0, 51)
    density = 0.99 * np.exp(-((at / 0.3) ** 2) / 2) + 1e-3 * np.exp(-(((at - 3) / 0.1) ** 2) / 2)
    notes = {
        "eigenvalues": [3.0, 0.5],
        "residuals": [1e-4, 0.2],
        "trace": 12.5,
        "trace_error": 0.25,
        "matrix": "Gauss-Newton",
        "probes": 8,
    }
    return Slice(
        kind="spectrum",
        method="method of spectrum",
        axes=(Axis("eigenvalue", at, 1.0),),
        values={LOSS: density[None, None]},
        center={LOSS: np.array([0.5])},
        series="spectrum",
        step=100,
        notes=notes,
        errors={LOSS: 0.1 * density[None, None]},
    )


def plane(step: int) -> Slice:
    """A flat plane with a path along a diagonal, half of which lies behind the step 100."""
    path = ProjectedTrajectory(
        steps=np.array([0, 100, 200, 300]),
        coordinates=np.array([[-0.5, 0.0, 0.5, 1.5], [-0.5, 0.0, 0.5, 1.5]]) - (step - 100) / 200,
        distances=np.zeros(4),
        explained=0.834,
    )
    return Slice(
        kind="plane",
        method="method of path",
        axes=(Axis("first", X), Axis("second", X)),
        values={LOSS: (X[:, None] ** 2 + X[None, :] ** 2)[None]},
        center={LOSS: np.array([0.0])},
        series="path",
        step=step,
        trajectory=path,
    )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over one run that holds them all; the other loader gives the same bytes."""
    logdir = tmp_path_factory.mktemp("views")
    with SliceWriter(logdir / "run") as writer:
        for slice_ in (with_errors(), with_barrier(), crowd(), uneven(), spectrum()):
            writer.write(slice_)
        for step in (100, 200):
            writer.write(plane(step))
    with serve(logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The tab; at the end nothing may have gone wrong in it."""
    with opened(browser, host) as result:
        yield result
        assert result.problems == []


def show(tab: Tab, series: str, **choices: str) -> Locator:
    """Open a series by its link and wait for its panel."""
    chosen = {"series": series} | choices
    keys = "&".join(f"p.loss_slicer.{key}={value}" for key, value in chosen.items())
    tab.open(f"loss_slicer&{keys}")
    panel = tab.panel("run")
    tab.page.wait_for_timeout(150)  # two frames of drawing
    return panel


def pixel(panel: Locator, x: float, y: float) -> tuple[int, int, int]:
    """The color at shares of the width and height of a panel's first picture."""
    color = panel.locator("canvas").first.evaluate(
        "(c, [x, y]) => [...c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data]",
        [x, y],
    )
    return color[0], color[1], color[2]


def close(found: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    """Whether two colors look the same."""
    return all(abs(a - b) <= 8 for a, b in zip(found, wanted, strict=True))


def place(panel: Locator, x: float, y: float) -> tuple[float, float]:
    """A point of the page at shares of the first picture."""
    box = panel.locator("canvas").first.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def point_at(tab: Tab, panel: Locator, x: float, y: float) -> Locator:
    """Move the pointer there; what the read-out says."""
    tab.page.mouse.move(*place(panel, x, y))
    return tab.slicer.get_by_test_id("cursor-readout")


def taken(tab: Tab, item: str, folder: Path) -> str:
    """The text of a file that the panel's menu gives."""
    tab.slicer.get_by_test_id("panel-menu").click()
    with tab.page.expect_download() as download:
        tab.slicer.get_by_role("button", name=item).click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target.read_text("utf-8")


def test_a_line_has_the_band_of_its_errors(tab: Tab, tmp_path: Path) -> None:
    panel = show(tab, "band")
    expect(panel.get_by_test_id("panel-note")).to_contain_text(
        "95 % interval of the difference from the center, paired"
    )
    readout = point_at(tab, panel, 0.999, 0.5)
    expect(readout).to_have_count(0)
    readout = point_at(tab, panel, 0.97, 0.5)
    expect(readout).to_contain_text("(1) 2.0000 ± 0.49")
    svg = taken(tab, "Picture of this panel as SVG", tmp_path)
    area = re.search(r'<path d="([^"]*)" fill="[^"]*" fill-opacity="0.28"', svg)
    assert area is not None
    assert area[1].count("L") == 2 * len(X) - 1
    assert "paired: same examples at every point." in " ".join(re.findall(r">([^<]*)</text>", svg))
    csv = taken(tab, "This step as CSV", tmp_path)
    assert csv.splitlines()[0].endswith("train/loss,train/loss standard error")
    tab.slicer.get_by_test_id("panel-menu").click()
    tab.slicer.get_by_role("button", name="View as table").click()
    table = tab.slicer.get_by_role("dialog")
    expect(table.get_by_role("row").last).to_contain_text("2.0000 ± 0.49")
    expect(table).to_contain_text("95 % interval")


def test_a_barrier_is_drawn_and_said(tab: Tab, tmp_path: Path) -> None:
    panel = show(tab, "barrier")
    expect(panel.get_by_test_id("panel-note")).to_contain_text(
        "Barrier 0.42 ± 0.03 (one standard error): highest rise above the dashed line."
    )
    svg = taken(tab, "Picture of this panel as SVG", tmp_path)
    assert ">barrier 0.42 ± 0.03</text>" in svg
    note = tab.slicer.locator('[data-testid="note"][data-note="similarity"]')
    expect(note).to_contain_text("0.875")
    expect(tab.slicer.locator('[data-testid="note"][data-note="barrier"]')).to_have_count(0)


def test_a_crowd_is_seen_line_by_line_or_as_a_bundle(tab: Tab, tmp_path: Path) -> None:
    panel = show(tab, "crowd", scale="linear")
    assert tab.chosen("view") == "small-multiples"
    expect(panel.locator("figure")).to_have_count(11)
    tab.choose("view", "bundle")
    expect(panel.get_by_test_id("panel-note")).to_contain_text("11 curves")
    tab.choose("curves", "all")
    svg = taken(tab, "Picture of this panel as SVG", tmp_path)
    # Eleven curves one by one, the lowest values and the highest.
    assert (
        len(re.findall(r'<path d="[^"]*" fill="none"[^>]* stroke-width="1"[^>]*opacity', svg)) == 13
    )
    assert ">median of 11</text>" in svg and ">95 %</text>" in svg
    # The scale ends above 11, the highest curve, which is at the upper right.
    readout = point_at(tab, panel, 0.97, 0.09)
    expect(readout).to_contain_text("direction 10")
    readout = point_at(tab, panel, 0.97, 0.85)
    expect(readout).to_contain_text("direction 0")


def test_a_bundle_of_uneven_lines_has_no_median(tab: Tab) -> None:
    panel = show(tab, "uneven", view="bundle")
    expect(panel.get_by_test_id("panel-note")).to_contain_text("4 curves, without a median")
    expect(tab.slicer.get_by_test_id("focus-point")).to_have_count(0)
    # Only the long line reaches this far, at two focus points.
    readout = point_at(tab, panel, 0.97, 0.1)
    expect(readout).to_contain_text("long, point 1")
    tab.choose("view", "small-multiples")
    expect(tab.slicer.get_by_test_id("focus-point")).to_be_visible()


def test_a_spectrum_is_one_of_eigenvalues(tab: Tab, tmp_path: Path) -> None:
    panel = show(tab, "spectrum")
    assert tab.chosen("scale") == "log"
    note = panel.get_by_test_id("panel-note")
    expect(note).to_contain_text("Gauss-Newton: trace 12.5 ± 0.3, largest eigenvalue 3.000")
    expect(panel.locator("header")).to_contain_text("λ max3.000")
    words = panel.inner_text() + str(panel.locator(".plot").get_attribute("aria-label"))
    assert not re.search("coordinate|direction|focus point|center", words)
    svg = taken(tab, "Picture of this panel as SVG", tmp_path)
    assert ">eigenvalue</text>" in svg and ">λ max 3.000</text>" in svg
    logarithmic = tab.picture("run")
    expect(point_at(tab, panel, 0.97, 0.5)).to_contain_text("at 3.900")
    details = tab.slicer.get_by_test_id("details")
    expect(details.locator('[data-note="probes"]')).to_contain_text("8")
    expect(details.locator('[data-note="trace"]')).to_have_count(0)
    tab.choose("scale", "linear")
    assert tab.picture("run") != logarithmic


def test_a_plane_shows_the_path_of_the_parameters(tab: Tab, tmp_path: Path) -> None:
    panel = show(tab, "path", step="100", scale="linear")
    tab.shows_step("run", 100)
    note = panel.get_by_test_id("panel-note")
    expect(note).to_contain_text("The plane explains 83 % of the path")
    expect(note).to_contain_text("1 of its 4 points lies outside")
    svg = taken(tab, "Picture of this panel as SVG", tmp_path)
    marker = re.search(r'<circle cx="([^"]*)" cy="([^"]*)" r="5" fill="#e8710a"', svg)
    assert marker is not None
    # The marker of this step stands at the focus point, in the middle of a square plane.
    x, y = float(marker[1]), float(marker[2])
    box = panel.locator("canvas").first.bounding_box()
    assert box is not None
    assert close(pixel(panel, x / box["width"], y / box["height"]), (0xE8, 0x71, 0x0A))
    readout = point_at(tab, panel, x / box["width"], y / box["height"])
    expect(readout).to_have_attribute("data-coordinates", "0,0")
    tab.page.mouse.move(0, 0)
    early = tab.picture("run")
    tab.page.evaluate("document.body.classList.add('dark-mode')")
    expect(tab.slicer.locator("html")).to_have_attribute("data-theme", "dark")
    tab.page.wait_for_timeout(150)
    dark = pixel(panel, x / box["width"], y / box["height"])
    assert close(dark, (0xFF, 0x9A, 0x42))
    tab.page.evaluate("document.body.classList.remove('dark-mode')")
    tab.go_to(200)
    tab.shows_step("run", 200)
    assert tab.picture("run") != early
