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
# Counts animation frames that ran, pictures that were begun and what a worker was asked, from the
# first line of the page on.
PROBE = """
window.probe = {frames: 0, pictures: 0, asked: 0};
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  if (this.canvas.parentElement?.classList.contains('plot')) window.probe.pictures += 1;
  clear.apply(this, box);
};
const ask = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (...message) {
  window.probe.asked += 1;
  ask.apply(this, message);
};
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
# Something moves before each animation frame, as when somebody drags. From a task between two
# frames, where a browser tells of input: what is asked to be drawn from within a frame waits for
# the next one, and every other picture would be left out.
MOVE = """
async ({frames, by}) => {
  const channel = new MessageChannel();
  const task = () => new Promise((resolve) => {
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(null);
  });
  const move = moves[by]();
  const times = [];
  const before = window.probe.pictures;
  for (let i = 0; i < frames; i += 1) {
    times.push(await new Promise(window.nativeFrame));
    await task();
    performance.mark('move');
    move(i);
  }
  await new Promise(window.nativeFrame);
  const seen = [...document.querySelectorAll('[data-testid=panel] .plot')].filter((plot) => {
    const {top, bottom} = plot.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  });
  return {times, drawn: window.probe.pictures - before, expected: frames * seen.length};
}
"""
# Steps, forth and back through all of them; and the first surface, turned by the pointer.
MOVES = """
window.moves = {
  step: () => {
    const slider = document.querySelector('[data-testid=step-slider]');
    let forward = false;
    return () => {
      const at = Number(slider.getAttribute('aria-valuenow'));
      if (at <= Number(slider.getAttribute('aria-valuemin'))) forward = true;
      if (at >= Number(slider.getAttribute('aria-valuemax'))) forward = false;
      const key = forward ? 'ArrowRight' : 'ArrowLeft';
      window.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    };
  },
  turn: () => {
    const plot = document.querySelector('[data-testid=panel] .plot');
    const {left, top, width, height} = plot.getBoundingClientRect();
    // The browser grants a capture to real pointers only.
    plot.setPointerCapture = () => undefined;
    plot.hasPointerCapture = () => true;
    const tell = (kind, i) => plot.dispatchEvent(new PointerEvent(kind, {
      bubbles: true, pointerId: 1, button: 0, buttons: 1,
      clientX: left + width / 2 + 3 * (i % 40 < 20 ? i % 20 : 20 - (i % 20)),
      clientY: top + height / 2,
    }));
    tell('pointerdown', 0);
    return (i) => tell('pointermove', i + 1);
  },
};
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

    def warm(self, steps: int, most: int = 8) -> None:
        """Scrub forth and back until all that a worker derives from the slices has been derived."""
        for _ in range(most):
            asked = self.frame.evaluate("probe.asked")
            self.scrub(2 * steps)
            self.settle()
            # What cannot all be kept is asked for again: then one more time changes nothing.
            if self.frame.evaluate("probe.asked") == asked:
                return

    def scrub(self, frames: int) -> list[float]:
        """Milliseconds between frames, in each of which every panel in sight shows another step."""
        return self._move("step", frames)

    def turn(self, frames: int) -> list[float]:
        """Milliseconds between frames, in each of which linked surfaces are seen from elsewhere."""
        return self._move("turn", frames)

    def _move(self, by: str, frames: int) -> list[float]:
        found = self.frame.evaluate(MOVE, {"frames": frames, "by": by})
        # Whatever is not drawn costs nothing: a rate without pictures says nothing.
        drawn, expected = found["drawn"], found["expected"]
        assert drawn >= 0.95 * expected, f"{drawn} of {expected} pictures were drawn."
        return [float(b) - float(a) for a, b in itertools.pairwise(found["times"])]

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
    marks = [e for e in events if e.get("name") == "move" and e.get("ph") in ("R", "I", "n")]
    assert marks, "The trace has no marks of a move."
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
    window.add_init_script(PROBE.replace("EXPECTED", str(panels)) + MOVES)
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
