"""What the page says when something is missing, broken or gone, and how one goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from torch.utils.tensorboard import SummaryWriter

from pysclice.events import SliceWriter
from tests.e2e.conftest import opened
from tests.plugin.conftest import Server, golden, serve, write_unreadable

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is whole, one with a record cut short, one of another series, one of scalars."""
    folder = tmp_path_factory.mktemp("states")
    plane = replace(golden("plane"), series="plane", step=0)
    with SliceWriter(folder / "whole") as writer:
        for step in (0, 100):
            writer.write(replace(plane, step=step))
    with SliceWriter(folder / "other") as writer:
        writer.write(replace(golden("line"), series="line", step=0))
    with SummaryWriter(str(folder / "scalars")) as scalars:
        scalars.add_scalar("loss", 1.0, 0)
    write_unreadable(folder / "damaged", plane)
    return folder


@pytest.fixture
def server(logdir: Path) -> Iterator[Server]:
    """A TensorBoard over it."""
    with serve(logdir, "--load_fast=true") as running:
        yield running


def test_what_breaks_in_a_panel_stays_there(browser: Browser, server: Server) -> None:
    with opened(browser, server) as tab:
        runs = "p.loss_slicer.runs=damaged,other,scalars,whole"
        tab.open(f"loss_slicer&p.loss_slicer.series=plane&{runs}")
        tab.panel("whole")
        damaged = tab.slicer.locator('[data-testid="panel"][data-run="damaged"]')
        expect(damaged).to_have_attribute("data-state", "failed")
        expect(damaged).to_contain_text("This slice could not be shown.")
        for name in ("Retry", "Copy details"):
            expect(damaged.get_by_role("button", name=name)).to_be_visible()
        expect(tab.slicer.get_by_test_id("banner-newer")).to_contain_text(
            "written by a newer pysclice"
        )
        scalars = tab.slicer.locator('[data-testid="panel"][data-run="scalars"]')
        expect(scalars).to_contain_text("No slices in this run.")
        other = tab.slicer.locator('[data-testid="panel"][data-run="other"]')
        other.get_by_role("button", name="line").click()
        expect(tab.panel("other")).to_have_attribute("data-run", "other")
        assert tab.problems == []


def test_a_server_that_stopped_is_told_and_one_that_came_back_is_used(
    browser: Browser, logdir: Path
) -> None:
    with serve(logdir) as first, opened(browser, first) as tab:
        tab.open("loss_slicer&p.loss_slicer.series=plane&p.loss_slicer.runs=whole")
        tab.panel("whole")
        gone = tab.slicer.get_by_test_id("banner-stale")
        expect(gone).to_have_count(0)
        # Refused as without a server: a port that was freed may be another's by now.
        tab.page.route("**/loss_slicer/*", lambda route: route.abort("connectionrefused"))
        expect(gone).to_contain_text("TensorBoard cannot be reached")
        tab.panel("whole")
        tab.page.unroute_all(behavior="ignoreErrors")
        expect(gone).to_have_count(0)
