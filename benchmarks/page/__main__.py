"""``python -m benchmarks.page``: the budgets of the page, and whether they are met.

Invents a log directory, starts TensorBoard over it and opens its tab in a headless Chromium.
"""

from __future__ import annotations

import argparse
import gzip
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tensorboard_loss_slicer.static_page import BUNDLE

from benchmarks.page import logs
from benchmarks.page.browser import Visit, find_chromium, tensorboard, visit

STATIC = Path(__file__).parents[2] / "tensorboard_plugin/tensorboard_loss_slicer/static"
SHOWN = 9
SCRUBBED = 240


@dataclass(frozen=True)
class Row:
    """One budget."""

    name: str
    measured: str
    limit: str
    met: bool | None  # None: no limit, or nothing to measure

    def __str__(self) -> str:
        met = {True: "yes", False: "**no**", None: "-"}[self.met]
        return f"| {self.name} | {self.measured} | {self.limit} | {met} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--only", default="", help="part of the names of the measures to take")
    asked = parser.parse_args(arguments)
    print("| budget | measured | limit | met |\n| --- | --- | --- | --- |")
    missed = 0
    for row in _rows(asked.only):
        missed += row.met is False
        print(row, flush=True)
    if missed:
        sys.exit(f"{missed} budgets were missed.")


def _rows(only: str) -> Iterator[Row]:
    if only in "sizes":
        yield from _sizes()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        on_large: dict[str, Callable[[Browser, str], Iterator[Row]]] = {
            "first": _first_paint,
            "scrub": _scrubs,
            "surfaces": _surfaces,
            "memory": _memory,
            "hidden": _hidden,
        }
        asked = [measure for name, measure in on_large.items() if only in name]
        if asked:
            with tensorboard(_said(logs.large)) as address:
                _wait_for(browser, address, logs.RUNS)
                for measure in asked:
                    yield from measure(browser, address)
        if only in "many":
            with tensorboard(_said(logs.wide)) as address:
                _wait_for(browser, address, logs.MANY_RUNS)
                yield from _many(browser, address)
        browser.close()


def _said(make: Callable[[], Path]) -> Path:
    print(f"({make.__name__}: {make.__doc__})", file=sys.stderr)
    return make()


def _wait_for(browser: Browser, address: str, runs: int) -> None:
    """Until TensorBoard has read the log directory, so that its reading is not measured."""
    window = browser.new_context()
    try:
        last = -1
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            index = window.request.get(f"{address}/data/plugin/loss_slicer/index").json()
            slices = sum(len(s["steps"]) for run in index["runs"] for s in run["series"])
            if len(index["runs"]) == runs and slices == last:
                return
            last = slices
            time.sleep(2)
        raise TimeoutError(f"TensorBoard read {last} slices of {len(index['runs'])} runs only.")
    finally:
        window.close()


def _sizes() -> Iterator[Row]:
    first: set[str] = set()
    waiting = ["index.js"]
    while waiting:
        name = waiting.pop()
        if name in first:
            continue
        first.add(name)
        code = (STATIC / name).read_text("utf-8")
        # What the entry imports while it runs is the page itself.
        call = r"\(?" if name == "index.js" else ""
        waiting += re.findall(rf"(?:\bfrom|\bimport){call}\s*[\"'`]\./([^\"'`]+\.js)[\"'`]", code)

    def size(names: set[str]) -> float:
        return sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in names) / 1000

    yield _at_most("first-load JavaScript, gzipped", size(first), 190, "kB")
    # What exported pages hold is never loaded by the tab.
    lazy = {file.name for file in STATIC.glob("*.js")} - first - {BUNDLE}
    for name in sorted(lazy):
        stem = re.sub(r"-[\w-]{8}\.js$", "", name)
        yield _at_most(f"loaded later: {stem}", size({name}), 150, "kB")


def _first_paint(browser: Browser, address: str) -> Iterator[Row]:
    found = []
    for _ in range(5):
        with visit(browser, address, SHOWN) as page:
            page.open()
            found.append(page.painted_after())
    yield _at_most(f"first painted frame, {SHOWN} runs", statistics.median(found), 800, "ms")


def _scrubs(browser: Browser, address: str) -> Iterator[Row]:
    for planes, least in ((SHOWN, 50), (logs.RUNS, 30)):
        with visit(browser, address, planes) as page:
            page.open(_runs(planes))
            page.painted_after()
            page.settle()
            page.warm(logs.STEPS)
            between = page.scrub(SCRUBBED)
            page.settle()
            script = page.scrub_traced(SCRUBBED)
        name = f"scrubbing {planes} planes with contours"
        yield _frames(name, between, least)
        most = 8 if planes == SHOWN else None
        p95 = _quantile(script, 0.95)
        told = f"{p95:.1f} ms (median {statistics.median(script):.1f})"
        limit = f"<= {most} ms" if most else ""
        yield Row(f"{name}: JavaScript a step, p95", told, limit, p95 <= most if most else None)


def _surfaces(browser: Browser, address: str) -> Iterator[Row]:
    name = "turning 6 linked surfaces"
    with visit(browser, address, 6) as page:
        page.open(_runs(6) + "&p.loss_slicer.view=surface")
        page.painted_after()
        views = page.frame.locator('[data-testid="view"] input').evaluate_all(
            "inputs => inputs.map((input) => input.value)"
        )
        if "surface" not in views:
            yield Row(name, "this build has no such view", ">= 30 fps", None)
            return
        page.settle()
        page.turn(SCRUBBED // 4)  # warm
        page.settle()
        between = page.turn(SCRUBBED)
    yield _frames(name, between, 30)


def _memory(browser: Browser, address: str) -> Iterator[Row]:
    with visit(browser, address, logs.RUNS) as page:
        page.open(_runs(logs.RUNS))
        page.painted_after()
        page.settle()
        page.scrub(2 * logs.STEPS)
        page.settle()
        session = page.page.context.new_cdp_session(page.page)
        session.send("HeapProfiler.collectGarbage")
        usage = session.send("Runtime.getHeapUsage")
    arrays = usage.get("backingStorageSize", 0) / 2**20
    yield _at_most(f"memory for fields, {logs.RUNS} runs x {logs.STEPS} steps", arrays, 128, "MB")


def _hidden(browser: Browser, address: str) -> Iterator[Row]:
    with visit(browser, address, SHOWN) as page:
        page.open()
        page.painted_after()
        page.frame.get_by_test_id("play").click()
        page.page.wait_for_timeout(300)
        page.page.evaluate("location.hash = 'timeseries'")
        page.page.wait_for_timeout(1000)
        requests, frames = len(page.requests), page.frame.evaluate("probe.frames")
        page.page.wait_for_timeout(8000)
        asked = len(page.requests) - requests
        drawn = page.frame.evaluate("probe.frames") - frames
    told = f"{asked} requests, {drawn} frames"
    yield Row("hidden tab for 8 s while it plays", told, "0, 0", asked == drawn == 0)


def _many(browser: Browser, address: str) -> Iterator[Row]:
    found = []
    for _ in range(3):
        with visit(browser, address, SHOWN) as page:
            page.open()
            found.append(page.painted_after())
            page.settle()
            rows = page.frame.get_by_test_id("run-row").count()
            key_times = _key_times(page)
            frames = [url for url in page.requests if "/frames?" in url]
            keys = sum(url.count(",") + url.count("%2C") + 1 for url in frames)
    median = statistics.median(found)
    yield _at_most(f"first painted frame, {logs.MANY_RUNS} runs", median, 2000, "ms")
    yield Row("rows of the list in the document", str(rows), "<= 60", rows <= 60)
    told = f"{keys} slices asked for"
    yield Row("nothing fetched that is not shown", told, f"<= {SHOWN}", keys <= SHOWN)
    slowest = max(key_times)
    yield _at_most("focusing the next run, slowest of 10", slowest, 100, "ms")


def _key_times(page: Visit) -> list[float]:
    """Milliseconds from a key until the frame after it."""
    script = """
    async () => {
      const times = [];
      for (let i = 0; i < 10; i += 1) {
        const start = performance.now();
        window.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}));
        await new Promise(window.nativeFrame);
        await new Promise((resolve) => setTimeout(resolve));
        times.push(performance.now() - start);
      }
      return times;
    }
    """
    return [float(ms) for ms in page.frame.evaluate(script)]


def _runs(count: int) -> str:
    return "&p.loss_slicer.v=1&p.loss_slicer.runs=" + ",".join(f"run-{i:03d}" for i in range(count))


def _frames(name: str, between: Sequence[float], least: int) -> Row:
    rate = 1000 * len(between) / sum(between)
    long = sum(ms > 50 for ms in between)
    told = (
        f"{rate:.1f} fps (p95 {_quantile(between, 0.95):.0f} ms, {long} of {len(between)} > 50 ms)"
    )
    return Row(name, told, f">= {least} fps", rate >= least)


def _at_most(name: str, value: float, limit: float, unit: str) -> Row:
    shown = f"{value:.1f}" if value < 1000 and unit != "ms" else f"{value:.0f}"
    return Row(name, f"{shown} {unit}", f"<= {limit:g} {unit}", value <= limit)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
