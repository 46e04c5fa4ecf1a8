"""Names that mean harm, or were typed in a hurry: shown as text, breaking nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from playwright.sync_api import Browser, Dialog, Locator, expect
from torch import nn
from torch.utils.tensorboard import SummaryWriter

import pysclice as ps
from tests.e2e.conftest import Tab, network, opened
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT OVERRIDE}txet neddih\N{HEBREW LETTER ALEF}"
NAMES = {
    "markup": "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "direction": RIGHT_TO_LEFT,
    "long": "long " + "x" * 10_000,
    "slashes": "../../a//b\\c/",
    "emoji": "\N{GRINNING FACE}\N{ZERO WIDTH JOINER}\N{HEAVY BLACK HEART}",
    "percent": "100%25 %2e%2e%2f &amp; #a=b&p.loss_slicer.step=3",
    "quotes": "\"'`${alert(3)}",
    "newline": "first\nsecond\ttab\x07",
    "prototype": "__proto__",
    "constructor": "constructor",
    "comma": ",",
}
# A run is a folder: what a file system does not take in one name cannot come.
RUNS = {key: name.replace("/", "_")[:200] for key, name in NAMES.items()}


class Odd(nn.Module):
    """A model whose parameters have names of their own."""

    def __init__(self) -> None:
        super().__init__()
        for name in NAMES.values():
            # torch forbids dots only; Python's own attributes it takes in its dictionary.
            self.register_parameter(name.replace(".", "_"), nn.Parameter(torch.ones(1)))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs * sum(p**2 for p in self._parameters.values() if p is not None)


@pytest.fixture(scope="module")
def host_logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of runs, series, channels and parameters with such names."""
    logdir = tmp_path_factory.mktemp("hostile")
    data = torch.randn(4, 3), torch.randn(4, 1)
    channels = dict.fromkeys(NAMES.values(), data)
    slicers = {name: ps.Line(ps.Random(0), samples=3) for name in NAMES.values()}
    for run in RUNS.values():
        with (
            SummaryWriter(str(logdir / run)) as writer,
            ps.SliceLogger(writer, ps.LossSurface(network(), nn.MSELoss(), data), slicers) as log,
        ):
            log.log(0)
            log.log(1)
    surface = ps.LossSurface(network(), nn.MSELoss(), channels)
    with ps.SliceLogger(logdir / "channels", surface, {"s": slicers["__proto__"]}) as log:
        log.log(1)
    odd = ps.LossSurface(Odd(), nn.MSELoss(), (torch.ones(4, 1), torch.ones(4, 1)))
    axes = ps.AxisParallel(count=len(NAMES), samples=3)
    with ps.SliceLogger(logdir / "parameters", odd, {"axes": axes}) as log:
        log.log(1)
    return logdir


@pytest.fixture(scope="module")
def host(host_logdir: Path) -> Iterator[Server]:
    """A TensorBoard over it."""
    with serve(host_logdir, "--load_fast=true") as server:
        yield server


@pytest.fixture
def tab(browser: Browser, host: Server) -> Iterator[Tab]:
    """The tab; nothing that a name says may be done."""
    with opened(browser, host) as result:
        dialogs: list[str] = []

        def dismiss(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        result.page.on("dialog", dismiss)
        yield result
        assert dialogs == []
        assert result.problems == []


def shown(name: str) -> str:
    """A name on one line."""
    return name.replace("\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}")


def holds_together(tab: Tab) -> None:
    """No markup came out of a name, and none pushed anything off the page."""
    expect(tab.slicer.locator("img, script:not([src])").filter(visible=True)).to_have_count(0)
    width, wide, bottom, height = tab.frame.evaluate("""() => {
        const page = document.documentElement;
        const bar = document.querySelector('.step-bar').getBoundingClientRect();
        return [page.clientWidth, page.scrollWidth, bar.bottom, innerHeight];
    }""")
    assert wide <= width
    assert bottom == height
    # What is cut is cut by its own box: no part of the frame is wider than its parent.
    assert (
        tab.frame.evaluate("""[...document.querySelectorAll('.rail, .toolbar, .panel-head, .panel')]
        .filter(part => part.scrollWidth > part.clientWidth + 1).map(part => part.className)""")
        == []
    )


def open_series(tab: Tab, run: str, series: str) -> Locator:
    """The panel of one run and series, by a link that names both."""
    link = tab.frame.evaluate(
        """([run, series]) => "loss_slicer&p.loss_slicer.runs="
            + encodeURIComponent(encodeURIComponent(run))
            + "&p.loss_slicer.series=" + encodeURIComponent(series)""",
        [run, series],
    )
    tab.page.evaluate("link => { location.hash = link; }", link)
    panel = tab.slicer.get_by_test_id("panel")
    expect(panel).to_have_count(1)
    expect(panel).to_have_attribute("data-run", run)
    expect(panel).to_have_attribute("data-state", "ready")
    return panel


def test_runs_and_series(tab: Tab, tmp_path: Path) -> None:
    tab.open()
    rows = tab.slicer.get_by_test_id("run-row")
    expect(rows).to_have_count(len(RUNS) + 2)
    assert set(RUNS.values()) <= set(rows.evaluate_all("all => all.map(row => row.dataset.run)"))
    holds_together(tab)
    for key, run in RUNS.items():
        panel = open_series(tab, run, NAMES[key])
        name = panel.locator(".panel-run .elided")
        assert name.text_content() == shown(run)
        assert name.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"
        assert NAMES[key] in (tab.slicer.get_by_test_id("details").text_content() or "")
        holds_together(tab)
        panel.get_by_test_id("panel-menu").click()
        with tab.page.expect_download() as download:
            tab.slicer.get_by_role("button", name="Picture of this panel as SVG").click()
        picture = tmp_path / f"{key}.svg"
        download.value.save_as(picture)
        ElementTree.parse(picture)
        file = download.value.suggested_filename
        assert re.fullmatch(r"[^\W_][\w.-]{0,120}\.svg", file), file
        assert ".." not in file


def test_a_link_says_a_name_as_it_is(tab: Tab, browser: Browser) -> None:
    tab.open()
    for key in ("direction", "percent", "newline", "prototype", "comma"):
        series = NAMES[key]
        open_series(tab, RUNS[key], series)
        tab.slicer.get_by_test_id("scale").locator('input[value="log"]').check()
        expect(tab.page).to_have_url(re.compile("scale=log"))
        link = tab.page.url.partition("#")[2]
        tab.page.evaluate("location.hash = 'loss_slicer&p.loss_slicer.scale=linear'")
        expect(tab.slicer.get_by_test_id("panel")).not_to_have_count(1)
        tab.page.evaluate("link => { location.hash = link; }", link)
        expect(tab.slicer.get_by_test_id("panel")).to_have_attribute("data-run", RUNS[key])
        assert tab.chosen("scale") == "log"
        assert tab.chosen("direction") == series


def test_channels(tab: Tab) -> None:
    tab.open("loss_slicer&p.loss_slicer.series=s&p.loss_slicer.runs=channels")
    tab.panel("channels")
    channels = tab.options("channel")
    assert channels == [f"{name}/loss" for name in NAMES.values()]
    for channel in channels:
        tab.choose("channel", channel)
        panel = tab.panel("channels")
        title = panel.locator(".panel-center").get_attribute("title") or ""
        assert title == f"{channel} at the focus point"
        holds_together(tab)
        panel.get_by_test_id("panel-menu").click()
        tab.slicer.get_by_role("button", name="View as table").click()
        expect(tab.slicer.get_by_role("dialog")).to_be_visible()
        holds_together(tab)
        tab.page.keyboard.press("Escape")


def test_python_reads_the_names_back(host_logdir: Path) -> None:
    found = ps.read_slices(host_logdir)
    assert set(RUNS.values()) < set(found)
    for run in RUNS.values():
        assert set(found[run]) == set(NAMES.values())
    assert set(found["channels"]["s"][1].channels) == {f"{name}/loss" for name in NAMES.values()}


def test_parameters(tab: Tab) -> None:
    tab.open("loss_slicer&p.loss_slicer.series=axes&p.loss_slicer.runs=parameters")
    panel = tab.panel("parameters")
    captions = panel.locator("figcaption").evaluate_all("all => all.map(one => one.textContent)")
    assert len(captions) == len(NAMES)
    for name in NAMES.values():
        name = shown(name.replace(".", "_"))
        assert any(name in caption for caption in captions), name[:40]
    holds_together(tab)
    for view in tab.options("view"):
        tab.choose("view", view)
        tab.settle()
        holds_together(tab)
