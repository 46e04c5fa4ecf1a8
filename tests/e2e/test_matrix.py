"""The matrix of barriers, over runs that interpolated to each other's networks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, expect
from torch import nn

import pysclice as ps
from pysclice.events import SliceWriter, read_slices
from tests.e2e.conftest import Tab, opened
from tests.e2e.test_accessibility import in_both_themes
from tests.plugin.conftest import Server, serve

pytestmark = pytest.mark.browser

LOSS = "train/loss"
RUNS = ("lr 0.1/seed 1", "lr 0.1/seed 12", "other")


def trained(seed: int, inputs: torch.Tensor, targets: torch.Tensor) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
    return model


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three networks, each interpolated to the two others."""
    folder = tmp_path_factory.mktemp("matrix")
    inputs = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))
    targets = torch.sin(2 * inputs).sum(1, keepdim=True)
    models = {run: trained(seed, inputs, targets) for seed, run in enumerate(RUNS)}
    for run, model in models.items():
        surface = ps.LossSurface(model, nn.MSELoss(), (inputs, targets))
        with SliceWriter(folder / run) as writer:
            for other, there in models.items():
                if other == run:
                    continue
                name = f"towards {other}"
                line = ps.Interpolation(there, samples=13, name=name)
                writer.write(surface.slice(line, series=name, step=0))
            random = ps.Line(ps.Random(0), samples=7)
            writer.write(surface.slice(random, series="random line", step=0))
    return folder


@pytest.fixture(scope="module")
def server(logdir: Path) -> Iterator[Server]:
    """A TensorBoard over them."""
    with serve(logdir, "--load_fast=true") as started:
        yield started


@pytest.fixture
def tab(server: Server, browser: Browser) -> Iterator[Tab]:
    """The page, closed without a problem."""
    with opened(browser, server, accept_downloads=True) as opened_tab:
        yield opened_tab
        assert opened_tab.problems == []


def test_matrix_holds_every_barrier_and_opens_its_line(tab: Tab, logdir: Path) -> None:
    """Each number is that of the record; a cell leads to its line; other series have no matrix."""
    logged = read_slices(logdir)
    expected = {
        (run, series.removeprefix("towards ")): steps[0].notes["barrier"][LOSS]["value"]
        for run in RUNS
        for series, steps in logged[run].items()
        if series != "random line"
    }
    assert len(expected) == 6
    tab.open("loss_slicer&p.loss_slicer.series=random line")
    tab.panel("other")
    assert "matrix" not in tab.options("compare")
    tab.open("loss_slicer&p.loss_slicer.series=towards other")
    tab.panel(RUNS[0])
    tab.slicer.get_by_test_id("step-slider").press("m")
    matrix = tab.slicer.get_by_test_id("matrix")
    expect(matrix).to_have_attribute("data-state", "ready")
    expect(matrix.get_by_test_id("matrix-cell")).to_have_count(6)
    assert in_both_themes(tab, "matrix") == {}
    with tab.page.expect_download() as waiting:
        tab.slicer.get_by_test_id("matrix-csv").click()
    head, *rows = csv.reader(io.StringIO(Path(waiting.value.path()).read_text()))
    assert head == ["from", "to", "barrier"]
    found = {(source, to): float(value) for source, to, value in rows}
    assert found == pytest.approx(expected)
    matrix.get_by_role("button", name=f"From {RUNS[1]} to {RUNS[0]}:").click()
    assert tab.chosen("compare") == "grid"
    assert tab.chosen("direction") == f"towards {RUNS[0]}"
    expect(tab.panel(RUNS[1]).get_by_test_id("panel-note")).to_contain_text("Barrier")
