"""A real training run of 300 logged steps, a real TensorBoard over it, and a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Frame,
    FrameLocator,
    Locator,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)
from torch import nn
from torch.utils.tensorboard import SummaryWriter

import pysclice as ps
from pysclice.core.surface import Slicer
from tests.plugin.conftest import Server, serve

# How long is waited for what must come: a busy machine takes its time, and a quick one never waits.
expect.set_options(timeout=30_000)

STEPS = 300
SLICERS: dict[str, Slicer] = {
    "random plane": ps.Plane(ps.Random(0), ps.Random(1), samples=9),
    "random line": ps.Line(ps.Random(0), samples=25),
    "another line": ps.Line(ps.Random(1), samples=13),
    "coordinates": ps.AxisParallel(count=5, samples=5),
}
WINDOW: ViewportSize = {"width": 1400, "height": 900}


@dataclass
class Training:
    """What was trained: log directory, data, and the parameters at each step of each run."""

    logdir: Path
    inputs: torch.Tensor
    targets: torch.Tensor
    parameters: dict[str, list[dict[str, torch.Tensor]]] = field(default_factory=dict)

    def loss(self, run: str, step: int, moves: list[tuple[ps.Random, float]]) -> float:
        """The loss by a plain forward pass in float64, at a point near a step's parameters."""
        model = network()
        start = self.parameters[run][step]
        model.load_state_dict(start)
        surface = ps.LossSurface(model, nn.MSELoss(), (self.inputs, self.targets))
        with torch.no_grad():
            for direction, coordinate in moves:
                for name, tensor in direction(surface, start).items():
                    dict(model.named_parameters())[name].add_(tensor, alpha=coordinate)
        model.double()
        with torch.no_grad():
            outputs = model(self.inputs.double())
            return nn.functional.mse_loss(outputs, self.targets.double()).item()


def network() -> nn.Module:
    """A network small enough to slice it 300 times in seconds."""
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Two runs of 300 steps, each of them sliced four ways."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(24, 3, generator=generator)
    result = Training(
        tmp_path_factory.mktemp("log"), inputs, torch.sin(3 * inputs).sum(1, keepdim=True)
    )
    for run, rate in {"slow": 0.01, "quick/steps": 0.1}.items():
        torch.manual_seed(1)
        model = network()
        surface = ps.LossSurface(
            model,
            nn.MSELoss(),
            (result.inputs, result.targets),
            metrics={"error": lambda outputs, targets: (outputs - targets).abs().mean()},
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        history = result.parameters.setdefault(run, [])
        with (
            SummaryWriter(str(result.logdir / run)) as writer,
            ps.SliceLogger(writer, surface, SLICERS, every=1) as logger,
        ):
            for step in range(STEPS):
                history.append({n: p.detach().clone() for n, p in model.named_parameters()})
                logger.log_if_due(step)
                optimizer.zero_grad()
                loss = nn.functional.mse_loss(model(result.inputs), result.targets)
                loss.backward()
                writer.add_scalar("loss", loss.item(), step)
                optimizer.step()
    return result


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium that `python -m tests` found or installed."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "No Chromium here. `python -m tests` finds or installs one; or set CHROMIUM."
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Tab:
    """The Loss Slicer tab of a TensorBoard in a browser window, and all that went wrong in it."""

    page: Page
    server: Server
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def slicer(self) -> FrameLocator:
        """The plugin's own page inside of TensorBoard's."""
        return self.page.frame_locator("iframe[src*='loss_slicer']")

    @property
    def frame(self) -> Frame:
        """The same page, to run scripts in."""
        return next(frame for frame in self.page.frames if "plugin_entry" in frame.url)

    def choose(self, test_id: str, value: str) -> None:
        """Pick an option of a selector, whichever form it has."""
        control = self.slicer.get_by_test_id(test_id)
        control.wait_for()
        if control.evaluate("element => element.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.locator(f'input[value="{value}"]').check()

    def chosen(self, test_id: str) -> str:
        """What a selector says."""
        control = self.slicer.get_by_test_id(test_id)
        if control.evaluate("element => element.tagName") == "SELECT":
            return str(control.input_value())
        return str(control.get_attribute("data-value"))

    def options(self, test_id: str) -> list[str]:
        """The values that a selector offers; none where it is not on the page, or a mere label."""
        control = self.slicer.get_by_test_id(test_id)
        if control.count() == 0:
            return []
        items = control.locator("option, input")
        return [str(v) for v in items.evaluate_all("all => all.map(one => one.value)")]

    def set_dark(self, dark: bool) -> None:
        """Switch TensorBoard's theme, and wait for the page to follow."""
        wanted = "true" if dark else "false"
        self.page.evaluate(f"document.body.classList.toggle('dark-mode', {wanted})")
        theme = "dark" if dark else "light"
        expect(self.slicer.locator("html")).to_have_attribute("data-theme", theme)

    def settle(self) -> None:
        """Wait until no panel waits for a slice, and some frames more."""
        busy = self.slicer.locator('[data-testid="panel"][aria-busy="true"]')
        expect(busy).to_have_count(0)
        self.page.wait_for_timeout(100)

    def panel(self, run: str) -> Locator:
        """The panel of a run, once it shows what was asked for."""
        panel = self.slicer.locator(f'[data-testid="panel"][data-run="{run}"]')
        expect(panel).to_have_attribute("data-state", "ready")
        return panel

    def shows_step(self, run: str, step: int) -> None:
        """Wait until the panel of a run has drawn this step."""
        panel = self.slicer.locator(f'[data-testid="panel"][data-run="{run}"]')
        expect(panel).to_have_attribute("data-step", str(step))
        self.panel(run)

    def go_to(self, step: int) -> None:
        """Type a step."""
        box = self.slicer.get_by_test_id("step-input")
        box.fill(str(step))
        box.press("Enter")

    def picture(self, run: str) -> bytes:
        """The pixels of a run's plot."""
        self.page.wait_for_timeout(150)  # two frames of drawing
        return self.panel(run).locator("canvas").first.screenshot()

    def open(self, fragment: str = "loss_slicer") -> None:
        """Load TensorBoard with this fragment and wait for a drawn panel."""
        self.page.goto("about:blank")
        self.page.goto(
            f"http://{self.server.host}:{self.server.port}{self.server.prefix}/#{fragment}"
        )
        self.slicer.get_by_test_id("loss-slicer").wait_for(timeout=60_000)


@contextmanager
def opened(browser: Browser, server: Server, **context: Any) -> Iterator[Tab]:
    """A fresh window; any console error or blocked resource is a problem."""
    window = browser.new_context(viewport=WINDOW, **context)
    page = window.new_page()
    tab = Tab(page, server)
    # TensorBoard's own pages count too: what they say of our plugin would show here.
    window.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.blockedURI))"
    )

    def on_console(message: ConsoleMessage) -> None:
        url = str(message.location.get("url"))
        # Under a path prefix TensorBoard asks for its own fonts without it: not our page's doing.
        if message.type == "error" and "/font-roboto/" not in url:
            tab.problems.append(f"{message.text} ({url})")

    def on_request(request: Request) -> None:
        if "plugin/loss_slicer" in request.url:
            tab.requests.append(request.url)

    page.on("console", on_console)
    page.on("pageerror", lambda error: tab.problems.append(str(error)))
    page.on("request", on_request)
    try:
        yield tab
    finally:
        window.close()


HOSTS: dict[str, list[str]] = {
    "fast": ["--load_fast=true"],
    "slow": ["--load_fast=false"],
    "prefix": ["--load_fast=true", "--path_prefix=/some/where"],
}


@pytest.fixture(scope="session")
def served(training: Training) -> Callable[[str], AbstractContextManager[Server]]:
    """A TensorBoard over the training's log directory, of one of the kinds in ``HOSTS``."""

    @contextmanager
    def start(kind: str) -> Iterator[Server]:
        with serve(training.logdir, *HOSTS[kind]) as server:
            yield server

    return start
