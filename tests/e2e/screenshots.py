"""Pictures of the page: every view and every state, light and dark, in a real TensorBoard.

    python -m tests.e2e.screenshots FOLDER [--logdir LOG]   # all of them, to be looked at
    python -m tests.e2e.screenshots docs/images --readme    # the README's only

Without ``--logdir`` the demonstration is trained first. What there is to show is read from the
page itself, so that new series, views and ways to compare are shown as well.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from itertools import count
from pathlib import Path

from playwright.sync_api import Browser, Route, expect, sync_playwright
from torch.utils.tensorboard import SummaryWriter

from pysclice import demo
from pysclice.events import SliceWriter
from tests.e2e.conftest import Tab, opened
from tests.e2e.test_attempts import log_runs
from tests.plugin.conftest import golden, serve, write_unreadable

# What the README shows: the page's link, dark or not, and the size of the window.
README = {
    "planes-light.webp": ("series=random plane", False, (1200, 700)),
    "planes-dark.webp": ("series=random plane", True, (1200, 700)),
    "surfaces.webp": ("series=random plane&view=surface", True, (1200, 620)),
    "coordinates.webp": ("series=steepest coordinates&view=small-multiples", False, (1200, 700)),
}
MOST_BYTES = 200_000
THEMES = {"light": False, "dark": True}


# Plots know their size a frame after they came.
SIZED = "() => [...document.querySelectorAll('.plot')].every((plot) => plot.clientWidth > 0)"


class Album:
    """A folder that numbers its pictures in the order in which they were taken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count(1)
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, tab: Tab, *words: str) -> None:
        """One picture in each theme."""
        number = next(self.numbers)
        # What is loaded when it is first asked for: a menu's entries, a way to compare.
        expect(tab.slicer.locator(".menu-wait")).to_have_count(0)
        tab.frame.wait_for_function(SIZED)
        for theme, dark in THEMES.items():
            tab.set_dark(dark)
            tab.page.wait_for_timeout(150)  # two frames of drawing
            name = re.sub(r"[^\w]+", "-", " ".join((*words, theme)))
            tab.page.screenshot(path=self.folder / f"{number:02}-{name}.png")
        tab.set_dark(False)


def offered(tab: Tab, test_id: str) -> Iterator[str]:
    """Choose each option of a selector in turn; once where there is no choice."""
    options = tab.options(test_id)
    for option in options:
        tab.choose(test_id, option)
        yield option
    if not options:
        yield ""
    elif len(options) > 1:
        tab.choose(test_id, options[0])


def take_views(tab: Tab, album: Album) -> None:
    """Everything that the selectors offer, at the middle step."""
    tab.open()
    tab.settle()
    tab.slicer.get_by_role("button", name="First step").click()
    for _ in range(5):
        tab.slicer.get_by_role("button", name="Next step").click()
    for _ in offered(tab, "method"):
        for series in offered(tab, "direction"):
            for view in offered(tab, "view"):
                for compare in offered(tab, "compare"):
                    tab.settle()
                    album.take(tab, "view", series or tab.chosen("direction"), view, compare)


def take_parts(tab: Tab, album: Album) -> None:
    """Menus, dialogs, the cursor, an empty selection, narrow windows."""
    tab.open()
    tab.settle()
    for menu in ("display", "panel-menu"):
        tab.slicer.get_by_test_id(menu).first.click()
        album.take(tab, "part", menu)
        tab.page.keyboard.press("Escape")
    tab.slicer.get_by_test_id("panel-menu").first.click()
    tab.slicer.get_by_role("button", name="View as table").click()
    album.take(tab, "part table")
    tab.page.keyboard.press("Escape")
    tab.slicer.get_by_role("button", name="Keyboard shortcuts").click()
    album.take(tab, "part shortcuts")
    tab.page.keyboard.press("Escape")
    tab.slicer.locator(".plot").first.focus()
    tab.page.keyboard.press("ArrowRight")
    album.take(tab, "part cursor")
    tab.slicer.get_by_test_id("inspector-toggle").click()
    tab.slicer.get_by_test_id("inspector-cursor").wait_for()
    album.take(tab, "part inspector")
    tab.slicer.get_by_test_id("inspector-toggle").click()
    tab.slicer.locator(".plot").first.focus()
    for _ in range(4):
        tab.page.keyboard.press("+")
    album.take(tab, "part zoomed")
    tab.page.keyboard.press("Escape")
    tab.slicer.get_by_test_id("zoom-reset").first.click()
    tab.slicer.get_by_test_id("display").click()
    tab.choose("run-palette", "okabe-ito")
    album.take(tab, "part run colors")
    tab.choose("run-palette", "tensorboard")
    tab.page.keyboard.press("Escape")
    for width in (820, 480):
        tab.page.set_viewport_size({"width": width, "height": 800})
        tab.open()
        tab.settle()
        album.take(tab, f"part {width} wide")
        tab.slicer.get_by_test_id("inspector-toggle").click()
        tab.slicer.get_by_test_id("inspector-cursor").wait_for()
        album.take(tab, f"part {width} wide inspector")
        tab.slicer.get_by_role("button", name="Close the inspector").click()
    tab.page.set_viewport_size({"width": 1400, "height": 900})
    tab.open()
    tab.slicer.get_by_role("button", name="None", exact=True).click()
    album.take(tab, "part no run selected")


def unanswered(_: Route) -> None:
    """Leaves a request as it is: what takes long looks like this."""


def refused(route: Route) -> None:
    """Ends a request as a server that is gone does."""
    route.abort("connectionrefused")


def take_states(tab: Tab, album: Album) -> None:
    """Loading and failing, made by holding or refusing what the page asks for."""
    states: dict[str, tuple[str, Callable[[Route], None], str]] = {
        "loading": ("index", unanswered, '[data-testid="loading"]'),
        "loading slices": ("frames", unanswered, '[data-state="loading"]'),
        "error": ("index", refused, '[data-testid="load-error"]'),
        "slices failed": ("frames", refused, '[data-state="failed"]'),
    }
    for state, (route, answer, shown) in states.items():
        tab.page.route(f"**/loss_slicer/{route}*", answer)
        tab.open()
        tab.slicer.locator(shown).first.wait_for(timeout=30_000)
        album.take(tab, "state", state)
        tab.page.unroute_all(behavior="ignoreErrors")
    tab.open()
    tab.settle()
    tab.page.route("**/loss_slicer/*", refused)
    tab.slicer.get_by_test_id("banner-stale").wait_for(timeout=30_000)
    album.take(tab, "state server gone")
    tab.page.unroute_all(behavior="ignoreErrors")


def take_attempts(browser: Browser, album: Album) -> None:
    """A run that was started again, at the step where it was."""
    with tempfile.TemporaryDirectory() as folder:
        log_runs(Path(folder))
        with serve(Path(folder)) as server, opened(browser, server) as tab:
            tab.open("loss_slicer&p.loss_slicer.step=140")
            tab.settle()
            album.take(tab, "state started again")


def take_troubles(browser: Browser, album: Album) -> None:
    """An empty log; then one that is being written, with runs and events that have no picture."""
    with tempfile.TemporaryDirectory() as folder:
        logdir = Path(folder)
        (logdir / "run").mkdir()
        with serve(logdir) as server, opened(browser, server) as tab:
            tab.open()
            tab.slicer.get_by_test_id("empty-log").wait_for()
            album.take(tab, "state empty")
            with SummaryWriter(str(logdir / "scalars only")) as scalars:
                scalars.add_scalar("loss", 1.0, 0)
            with SliceWriter(logdir / "another series") as writer:
                writer.write(replace(golden("line"), series="line", step=0))
            write_unreadable(logdir / "damaged", replace(golden("plane"), series="plane", step=0))
            with SliceWriter(logdir / "run") as writer:
                plane = replace(golden("plane"), series="plane", wall_time=0.0)
                for step in range(0, 500, 100):
                    writer.write(replace(plane, step=step))
                tab.open("loss_slicer&p.loss_slicer.series=plane&p.loss_slicer.runs=,")
                tab.slicer.get_by_role("button", name="All", exact=True).click()
                tab.settle()
                album.take(tab, "state troubles")
                writer.write(replace(plane, step=500))
                tab.slicer.get_by_test_id("new-data").wait_for(timeout=30_000)
                album.take(tab, "state new data")


def take_readme(tab: Tab, folder: Path) -> None:
    """The README's pictures, small enough for a page that is read on a telephone."""
    from PIL import Image

    for name, (choices, dark, (width, height)) in README.items():
        tab.page.set_viewport_size({"width": width, "height": height})
        keys = "&".join(f"p.loss_slicer.{choice}" for choice in choices.split("&"))
        tab.open(f"loss_slicer&{keys}")
        tab.settle()
        tab.set_dark(dark)
        tab.page.wait_for_timeout(500)
        path = folder / name
        with Image.open(BytesIO(tab.page.screenshot())) as picture:
            picture.convert("RGB").save(path, quality=88, method=6)
        if path.stat().st_size > MOST_BYTES:
            raise SystemExit(f"{path} has {path.stat().st_size} bytes; at most {MOST_BYTES} go.")


def main(arguments: list[str]) -> None:
    """Take the pictures that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--logdir", type=Path, help="a log to show; else the demo is trained")
    parser.add_argument("--readme", action="store_true", help="only what the README shows")
    given = parser.parse_args(arguments)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        logdir = given.logdir or Path(folder)
        if given.logdir is None:
            demo.train_both(logdir)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with serve(logdir, "--load_fast=true") as server, opened(browser, server) as tab:
            if given.readme:
                take_readme(tab, given.folder)
            else:
                album = Album(given.folder)
                take_views(tab, album)
                take_parts(tab, album)
                take_states(tab, album)
                take_attempts(browser, album)
                take_troubles(browser, album)
        browser.close()
    print(f"Pictures are in {given.folder}.")


if __name__ == "__main__":
    main(sys.argv[1:])
