"""What people take out of the page: pictures, values, code, films, and the page itself."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import pysclice as ps
from pysclice.events import SliceWriter
from tests.e2e.conftest import Tab, opened
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

RUN = "quick/steps"
STEPS = 30
LAST = STEPS - 1
HOSTILE = '</script><img src=x onerror="document.title=1">\u202e \U0001f600 % \' "q" &amp; <!--'


def slices(step: int, slope: float) -> Iterator[ps.Slice]:
    """A line and five lines whose values no two steps, runs or channels share."""
    x = np.linspace(-1, 1, 25)
    for series, method, count in (("random line", "by hand", 1), ("coordinates", "one by one", 5)):
        bowls = [(2 + step / STEPS) * x**2 + slope * x + 0.2 * i * x**3 for i in range(count)]
        loss = 0.5 + np.array(bowls)[None]
        yield ps.Slice(
            kind="lines",
            method=method,
            axes=tuple(ps.Axis(f"axis {i}", x, length=2.0) for i in range(count)),
            values={"train/loss": loss, "error": np.sqrt(loss)},
            center={"train/loss": [0.5], "error": [0.5**0.5]},
            series=series,
            step=step,
        )


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("log")
    for run, slope in (("slow", 0.1), (RUN, 0.3)):
        with SliceWriter(directory / run) as writer:
            for step in range(STEPS):
                for slice_ in slices(step, slope):
                    writer.write(slice_)
    return directory


@pytest.fixture(scope="module")
def server(logdir: Path) -> Iterator[Server]:
    with serve(logdir, "--load_fast=true") as result:
        yield result


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Tab]:
    with opened(browser, server, permissions=["clipboard-read", "clipboard-write"]) as result:
        result.open("loss_slicer&p.loss_slicer.series=random%20line")
        result.shows_step(RUN, LAST)
        yield result
        assert result.problems == []


def taken(tab: Tab, label: str, *, run: str | None = RUN) -> bytes:
    """What a button of a panel's menu, or of the page's, downloads."""
    menu = tab.slicer.get_by_test_id("export")
    if run is not None:
        menu = tab.panel(run).get_by_test_id("panel-menu")
    menu.click()
    with tab.page.expect_download() as download:
        tab.slicer.get_by_role("button", name=label, exact=True).click()
    return Path(download.value.path()).read_bytes()


def logged(logdir: Path, series: str = "random line") -> dict[int, ps.Slice]:
    return ps.read_slices(logdir)[RUN][series]


def test_the_svg_holds_the_extremes_and_says_what_it_shows(tab: Tab, logdir: Path) -> None:
    tab.choose("scale", "linear")
    tab.slicer.get_by_test_id("display").click()
    tab.slicer.get_by_label("Each panel, this step").check()
    tab.page.keyboard.press("Escape")
    svg = ElementTree.fromstring(taken(tab, "Picture of this panel as SVG"))
    space = "{http://www.w3.org/2000/svg}"
    texts = " ".join(text.text or "" for text in svg.iter(f"{space}text"))
    slice_ = logged(logdir)[LAST]
    for said in (RUN, "random line", "train/loss", slice_.method, "25 samples", "pysclice"):
        assert said in texts, said
    # The curve is the path with as many points as samples; its pixels are the values, scaled.
    paths = [re.findall(r"-?[\d.]+", path.get("d", "")) for path in svg.iter(f"{space}path")]
    curve = next(np.array(p, float).reshape(-1, 2) for p in paths if len(p) == 2 * 25)
    values = slice_.losses[0, 0].astype(float)
    assert curve[:, 1].argmin() == values.argmax() and curve[:, 1].argmax() == values.argmin()
    scale, shift = np.polyfit(values, curve[:, 1], 1)
    assert np.abs(scale * values + shift - curve[:, 1]).max() < 0.1


def test_pngs_have_the_pixels_and_the_ground_that_were_chosen(tab: Tab) -> None:
    sizes = {}
    for density in ("1", "3"):
        tab.panel(RUN).get_by_test_id("panel-menu").click()
        tab.choose("density", density)
        tab.choose("ground", "transparent")
        tab.page.keyboard.press("Escape")
        png = taken(tab, "Picture of this panel as PNG")
        assert png[:8] == b"\x89PNG\r\n\x1a\n" and png[25] == 6, "no alpha"
        sizes[density] = np.frombuffer(png[16:24], ">u4")
    assert np.abs(3 * sizes["1"].astype(int) - sizes["3"]).max() <= 3
    corner = "b => createImageBitmap(new Blob([new Uint8Array(b)])).then(i => { const c = new "
    corner += "OffscreenCanvas(1, 1).getContext('2d'); c.drawImage(i, 0, 0); "
    corner += "return [...c.getImageData(0, 0, 1, 1).data] })"
    assert tab.frame.evaluate(corner, list(png))[3] == 0


def test_csv_and_npz_are_what_read_slices_reads(tab: Tab, logdir: Path) -> None:
    series = logged(logdir)
    for label, steps in ((f"All {STEPS} steps", list(series)), ("This step", [LAST])):
        rows = list(csv.DictReader(io.StringIO(taken(tab, f"{label} as CSV").decode())))
        assert [int(row["step"]) for row in rows[::25]] == steps
        for channel in series[0].channels:
            found = np.array([row[channel] for row in rows], np.float32).reshape(-1, 1, 1, 25)
            expected = np.stack([series[step].values[channel] for step in steps])
            np.testing.assert_array_equal(found, expected)
        with np.load(io.BytesIO(taken(tab, f"{label} as NPZ")), allow_pickle=False) as npz:
            assert npz["steps"].tolist() == steps and set(npz["runs"]) == {RUN}
            for i, channel in enumerate(npz["channels"]):
                expected = np.stack([series[step].values[channel] for step in steps])
                np.testing.assert_array_equal(npz["values"][:, i], expected)
            np.testing.assert_array_equal(npz["x"][-1, 0], series[LAST].axes[0].coordinates)


def test_the_snippet_draws_the_panel_in_python(tab: Tab, logdir: Path) -> None:
    pytest.importorskip("matplotlib")
    tab.choose("scale", "linear")
    tab.choose("channel", "error")
    tab.panel(RUN).get_by_test_id("panel-menu").click()
    tab.slicer.get_by_role("button", name="Copy matplotlib snippet").click()
    expect(tab.slicer.get_by_role("status").filter(has_text="Python")).to_be_visible()
    code = tab.page.evaluate("navigator.clipboard.readText()")
    assert str(logdir) in code
    names: dict[str, Any] = {}
    exec(code.replace('savefig("slice.pdf")', "canvas.draw()"), names)
    (line, *_) = (line for line in names["figure"].axes[0].lines if len(line.get_xdata()) == 25)
    slice_ = logged(logdir)[LAST]
    np.testing.assert_allclose(line.get_ydata(), slice_.values["error"][0, 0], rtol=1e-6)


def test_views_of_several_pictures_and_the_stage_are_one_picture(tab: Tab) -> None:
    stage = taken(tab, "Picture of all panels as SVG", run=None).decode()
    assert ElementTree.fromstring(stage) is not None
    assert RUN in stage and ">slow<" in stage
    tab.choose("method", "one by one")
    tab.shows_step(RUN, LAST)
    cells = tab.panel(RUN).locator("figure.cell")
    cells.first.wait_for()
    names = cells.locator("figcaption").evaluate_all("all => all.map(e => e.textContent)")
    svg = ElementTree.fromstring(taken(tab, "Picture of this panel as SVG"))
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert len(names) == 5 and set(names) <= set(texts)


def film(tab: Tab, form: str) -> bytes:
    tab.panel(RUN).get_by_test_id("panel-menu").click()
    tab.slicer.get_by_role("button", name="Animation of this panel").click()
    tab.choose("film-format", form)
    tab.slicer.get_by_role("spinbutton", name="From step").fill("10")
    tab.slicer.get_by_role("spinbutton", name="To step").fill("15")
    tab.slicer.get_by_role("spinbutton", name="To step").blur()
    with tab.page.expect_download() as download:
        tab.slicer.get_by_test_id("film").click()
    expect(tab.slicer.get_by_test_id("export-result")).to_have_attribute("data-state", "done")
    tab.page.keyboard.press("Escape")
    tab.shows_step(RUN, LAST)  # as before
    return Path(download.value.path()).read_bytes()


def test_the_video_plays_with_a_frame_for_each_step(tab: Tab, browser: Browser) -> None:
    video = list(film(tab, "webm"))
    played = browser.new_page()
    found = played.evaluate(
        """async bytes => {
        const video = document.createElement("video");
        video.muted = true;
        video.src = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
        await new Promise((resolve, reject) => {
            video.onended = resolve;
            video.onerror = () => reject(video.error.message);
            video.play();
        });
        return [video.duration, video.getVideoPlaybackQuality().totalVideoFrames];
        }""",
        video,
    )
    played.close()
    assert found == [pytest.approx(0.6, abs=0.01), 6]


def test_the_pictures_of_a_film_differ_and_come_in_order(tab: Tab) -> None:
    with zipfile.ZipFile(io.BytesIO(film(tab, "zip"))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == [f"step-{step:010d}.png" for step in range(10, 16)]
        assert len({archive.read(name) for name in names}) == 6


def test_a_film_can_be_stopped(tab: Tab) -> None:
    tab.slicer.get_by_test_id("export").click()
    tab.slicer.get_by_role("button", name="Animation of all panels").click()
    tab.slicer.get_by_test_id("film").click()
    expect(tab.slicer.get_by_test_id("export-progress")).to_contain_text(f"of {STEPS}")
    tab.slicer.get_by_role("button", name="Cancel").click()
    expect(tab.slicer.get_by_test_id("film")).to_be_visible()
    tab.page.keyboard.press("Escape")
    tab.shows_step(RUN, LAST)


def offline(browser: Browser, file: Path, fragment: str = "") -> tuple[Page, list[str]]:
    """A file in a window that must ask for nothing and complain of nothing."""
    page = browser.new_context(viewport={"width": 1300, "height": 800}).new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: problems.append(r.url) if not r.url.startswith("file:") else None)
    page.goto(file.as_uri() + fragment)
    expect(page.locator("[data-testid=panel]").first).to_have_attribute("data-state", "ready")
    page.wait_for_timeout(200)
    return page, problems


def test_the_exported_page_opens_without_a_server_at_what_was_seen(
    tab: Tab, browser: Browser, tmp_path: Path, logdir: Path
) -> None:
    tab.go_to(12)
    tab.shows_step(RUN, 12)
    tab.slicer.get_by_test_id("export").click()
    tab.slicer.get_by_role("button", name="Export page (HTML)").click()
    with tab.page.expect_download() as download:
        tab.slicer.get_by_test_id("make-page").click()
    file = tmp_path / "page.html"
    download.value.save_as(file)
    page, problems = offline(browser, file)
    panel = page.locator(f'[data-testid="panel"][data-run="{RUN}"]')
    expect(panel).to_have_attribute("data-step", "12")
    colors = "all => all.map(e => getComputedStyle(e.querySelector('.swatch')).backgroundColor)"
    heads = ".panel-head"
    there = tab.slicer.locator(heads).evaluate_all(colors)
    assert page.locator(heads).evaluate_all(colors) == there
    page.get_by_test_id("step-input").fill("13")
    page.get_by_test_id("step-input").press("Enter")
    expect(panel).to_have_attribute("data-step", "13")
    panel.get_by_test_id("panel-menu").click()
    expect(page.get_by_role("button", name="Picture of this panel as SVG")).to_be_visible()
    with page.expect_download() as values:
        page.get_by_role("button", name="This step as CSV").click()
    rows = list(csv.DictReader(io.StringIO(values.value.path().read_text())))
    expected = logged(logdir)[13]
    for channel in expected.channels:
        found = np.array([row[channel] for row in rows], np.float32)
        np.testing.assert_array_equal(found, expected.values[channel].ravel())
    assert problems == []
    page.context.close()


def test_hostile_names_are_text_in_an_exported_page(browser: Browser, tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 9)
    slice_ = ps.Slice(
        kind="lines",
        method=HOSTILE,
        axes=(ps.Axis(HOSTILE, x, length=2.0),),
        values={HOSTILE: 0.5 + x[None, None] ** 2},
        center={HOSTILE: [0.5]},
        series=HOSTILE,
    )
    file = ps.show({0: slice_}).save(tmp_path / "hostile.html")
    page, problems = offline(browser, file)
    assert page.locator("img").count() == 0 and page.title() == "Loss slices"
    expect(page.get_by_test_id("direction")).to_contain_text("</script><img src=")
    # A notebook shows the same file inside of an attribute of its own page.
    html = ps.show(slice_)._repr_html_()
    cell = browser.new_page()
    cell.on("pageerror", lambda error: problems.append(str(error)))
    cell.set_content(f"<title>notebook</title><p>before</p>{html}<p>after</p>")
    shown = cell.frame_locator("iframe").get_by_test_id("panel")
    expect(shown).to_have_attribute("data-state", "ready")
    assert cell.title() == "notebook" and cell.locator("img").count() == 0
    assert problems == []
    cell.close()
    page.context.close()


def test_every_cell_of_a_notebook_shows_its_slice(browser: Browser) -> None:
    """A frame that is laid out after its scripts ran, as one in twenty is, stayed empty once."""
    x = np.linspace(-1, 1, 9)
    slice_ = ps.Slice(
        kind="lines",
        method="by hand",
        axes=(ps.Axis("x", x, length=1.0),),
        values={"loss": x[None, None] ** 2},
        center={"loss": [0.0]},
    )
    html = ps.show(slice_, height=300)._repr_html_()
    for _ in range(20):
        cell = browser.new_page()
        cell.set_content(f"<title>notebook</title>{html}")
        panel = cell.frame_locator("iframe").get_by_test_id("panel")
        expect(panel).to_have_attribute("data-state", "ready")
        cell.close()


def test_the_log_in_a_page_is_json_that_ends_nowhere(tmp_path: Path) -> None:
    slice_ = ps.Slice(
        kind="lines",
        method="by hand",
        axes=(ps.Axis("x", np.linspace(-1, 1, 5), length=1.0),),
        values={HOSTILE: np.zeros((1, 1, 5))},
        center={HOSTILE: [0.0]},
    )
    text = ps.show(slice_).content.decode()
    log = re.search(r'id="pysclice-log">(.*?)</script>', text, re.DOTALL)
    assert log is not None
    assert json.loads(log[1])["index"]["runs"][0]["series"][0]["layouts"][0]["channels"] == [
        HOSTILE
    ]
    assert text.count("</script") == 2 and text.count("<script") >= 2
