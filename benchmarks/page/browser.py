"""TensorBoard in a process of its own, the page in a browser, and probes that measure both."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Frame, Page, ViewportSize

WINDOW: ViewportSize = {"width": 1400, "height": 900}
START_SECONDS = 120
# Counts animation frames that ran, from the first line of the page on.
PROBE = """
window.probe = {frames: 0, workers: []};
const request = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (call) => request((time) => {
  window.probe.frames += 1;
  call(time);
});
window.nativeFrame = request;
const watch = (panels, resolve) => {
  const drawn = document.querySelectorAll('[data-testid=panel][data-state=ready]').length;
  const ready = panels > 0 && drawn >= panels;
  // A panel draws in the frame after it is ready; the one after that shows it.
  request(() => ready ? request(() => resolve(performance.now())) : watch(panels, resolve));
};
window.probe.painted = (panels) => new Promise((resolve) => watch(panels, resolve));
if (location.href.includes('plugin_entry')) {
  window.probe.painted(EXPECTED).then((at) => { window.probe.paintedAt = at; });
}
"""
# A step in each animation frame, as somebody does who drags: forth and back through all of them.
SCRUB = """
async ({frames}) => {
  const slider = document.querySelector('[data-testid=step-slider]');
  const times = [];
  let forward = false;
  for (let i = 0; i < frames; i += 1) {
    times.push(await new Promise(window.nativeFrame));
    const at = Number(slider.getAttribute('aria-valuenow'));
    if (at <= Number(slider.getAttribute('aria-valuemin'))) forward = true;
    if (at >= Number(slider.getAttribute('aria-valuemax'))) forward = false;
    performance.mark('scrub');
    const key = forward ? 'ArrowRight' : 'ArrowLeft';
    window.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  }
  return times;
}
"""


@contextmanager
def tensorboard(logdir: Path) -> Iterator[str]:
    """The address of a TensorBoard that has read a log directory; stopped at the end."""
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={logdir}"]
    flags = ["--host=127.0.0.1", "--port=0", "--load_fast=true", "--reload_interval=3600"]
    process = subprocess.Popen(
        command + flags, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        address = ""
        for line in process.stderr:
            if found := re.search(r" at (http://\S+?)/? ", line):
                address = found[1]
                break
        assert address, "TensorBoard stopped before it said where it is."
        yield address
    finally:
        process.kill()
        process.wait()


@dataclass
class Visit:
    """The page in a browser window."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)

    @property
    def frame(self) -> Frame:
        return next(frame for frame in self.page.frames if "plugin_entry" in frame.url)

    def open(self, link: str = "") -> None:
        """Load TensorBoard with the page's tab open."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}/#loss_slicer{link}")
        self.page.wait_for_selector("iframe[src*='loss_slicer']", state="attached")
        self.page.frame_locator("iframe[src*='loss_slicer']").get_by_test_id(
            "loss-slicer"
        ).wait_for()

    def painted_after(self) -> float:
        """Milliseconds from the start of the iframe until all expected panels were painted."""
        self.frame.wait_for_function("probe.paintedAt", timeout=60_000, polling=50)
        return float(self.frame.evaluate("probe.paintedAt"))

    def settle(self, quiet_seconds: float = 1.0, most: float = 60) -> None:
        """Wait until nothing was requested for a while."""
        deadline = time.monotonic() + most
        known, since = -1, time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - since < quiet_seconds:
            if len(self.requests) != known:
                known, since = len(self.requests), time.monotonic()
            self.page.wait_for_timeout(100)

    def scrub(self, frames: int) -> list[float]:
        """Milliseconds between frames in each of which a step is taken."""
        times = self.frame.evaluate(SCRUB, {"frames": frames})
        return [float(b) - float(a) for a, b in itertools.pairwise(times)]

    def scrub_traced(self, frames: int) -> list[float]:
        """Milliseconds of processor time in JavaScript a step; tracing slows the frames down."""
        browser = self.page.context.browser
        assert browser is not None
        browser.start_tracing(
            page=self.page, categories=["devtools.timeline", "blink.user_timing", "v8"]
        )
        self.scrub(frames)
        trace = json.loads(browser.stop_tracing())
        return script_times(trace["traceEvents"])


SCRIPT = {
    "EventDispatch",
    "FireAnimationFrame",
    "FunctionCall",
    "RunMicrotasks",
    "TimerFire",
    "V8.GC_MC_BACKGROUND_MARKING",
    "MajorGC",
    "MinorGC",
    "v8.callFunction",
}


def script_times(events: list[dict[str, Any]]) -> list[float]:
    """Of each step of a scrub, the processor time that scripts took until the next, in ms."""
    marks = [e for e in events if e.get("name") == "scrub" and e.get("ph") in ("R", "I", "n")]
    assert marks, "The trace has no marks of the scrub."
    thread = (marks[0]["pid"], marks[0]["tid"])
    starts = sorted(float(e["ts"]) for e in marks)
    totals = [0.0] * len(starts)
    end = -1.0
    own = [e for e in events if (e.get("pid"), e.get("tid")) == thread and e.get("ph") == "X"]
    place = 0
    for event in sorted((e for e in own if e["name"] in SCRIPT), key=lambda e: float(e["ts"])):
        at = float(event["ts"])
        # What runs inside of another one is part of its time.
        if at < end:
            continue
        end = at + float(event.get("dur", 0))
        # The frame's own callback begins before its mark and belongs to its step.
        while place + 1 < len(starts) and starts[place + 1] <= end:
            place += 1
        if end >= starts[0]:
            totals[place] += float(event.get("tdur", event.get("dur", 0))) / 1000
    return totals[1:-1]


def find_chromium() -> str:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "No Chromium here. Set CHROMIUM to its path."
    return path


@contextmanager
def visit(browser: Browser, address: str, panels: int) -> Iterator[Visit]:
    """A fresh window in which the painting of so many panels is waited for."""
    window = browser.new_context(viewport=WINDOW)
    window.add_init_script(PROBE.replace("EXPECTED", str(panels)))
    page = window.new_page()
    result = Visit(page, address)
    page.on(
        "request",
        lambda request: (
            result.requests.append(request.url) if "plugin/loss_slicer" in request.url else None
        ),
    )
    try:
        yield result
    finally:
        window.close()
