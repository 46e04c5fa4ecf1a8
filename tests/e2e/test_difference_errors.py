"""How far off a difference is at most: at the cursor, in its table and in its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from pysclice.events import SliceWriter
from tests.e2e.conftest import Tab, opened
from tests.e2e.test_compare import LOSS, line, link, plane, table_from
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

# Standard errors per unit of distance from the center.
ERRORS = {"a": 0.03, "other": 0.04}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard over two runs that know their errors, on the same axes."""
    logdir = tmp_path_factory.mktemp("errors")
    axes = plane("a", 0).axes
    for run, error in ERRORS.items():
        with SliceWriter(logdir / run) as writer:
            for slice_ in (line(run, 0), plane(run, 0)):
                at = slice_.axes[0].coordinates
                distance = np.abs(at) if slice_.kind == "lines" else np.hypot(*np.meshgrid(at, at))
                errors = np.broadcast_to(error * distance, slice_.values[LOSS].shape)
                writer.write(replace(slice_, errors={LOSS: errors}, axes=axes[: len(slice_.axes)]))
    with serve(logdir, "--load_fast=true") as started:
        yield started


@pytest.fixture
def tab(server: Server, browser: Browser) -> Iterator[Tab]:
    """The page, closed without a problem."""
    with opened(browser, server, accept_downloads=True) as opened_tab:
        yield opened_tab
        assert opened_tab.problems == []


@pytest.mark.parametrize("series", ["line", "plane"])
def test_the_errors_of_both_add_up(tab: Tab, series: str) -> None:
    tab.open(link(series=series, cmp="difference", base="a"))
    panel = tab.panel("other")
    expect(panel.get_by_test_id("panel-note")).to_contain_text("at most: The 95 % interval")
    panel.locator(".plot").focus()
    for _ in range(2):
        tab.page.keyboard.press("ArrowRight")
    # At 0.5, two samples from the center: 1.96 (0.03 + 0.04) 0.5.
    readout = panel.get_by_test_id("cursor-readout")
    assert (readout.get_attribute("data-coordinates") or "").split(",")[0] == "0.5"
    expect(readout).to_contain_text("at most ± 0.069")
    panel.get_by_test_id("picture-menu").click()
    rows = table_from(tab, "Download values (CSV)")
    assert rows[0][-1] == "standard error from the center, at most"
    found = np.array(rows[1:], float)
    distance = np.hypot(*found[:, :-2].T) if series == "plane" else np.abs(found[:, 0])
    np.testing.assert_allclose(found[:, -1], 0.07 * distance, atol=1e-7)
    panel.get_by_test_id("picture-menu").click()
    tab.slicer.get_by_role("button", name="View as table").click()
    expect(tab.slicer.get_by_role("table")).to_contain_text("at most ± 0.069")
