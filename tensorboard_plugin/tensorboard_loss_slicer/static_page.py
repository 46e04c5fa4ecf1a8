"""One HTML file that shows slices without a server: the built page with the records inside it.

The same file comes from the page's menu, from ``pysclice export`` and from ``ps.show``. It asks for
nothing: no script, style, font or value comes from anywhere else, and its own policy forbids it.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import importlib.resources
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pysclice import __version__
from pysclice.events import to_summary
from pysclice.slices import Slice
from tensorboard_loss_slicer.export import Found
from tensorboard_loss_slicer.slice_index import SliceIndex, series_id

BUNDLE = "standalone.js"  # the page in one script; TensorBoard is never asked for it
MAX_BYTES = 200 * 10**6
NOT_BUILT = (
    "The page of the Loss Slicer is not built, so it cannot be put into a file. Run `pip install "
    "-e .` in your pysclice checkout, which builds it, or install pysclice from a wheel."
)

# Styles are set by scripts, pictures are drawn or kept in the file: nothing is ever loaded.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src blob:; worker-src blob:"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="pysclice {version}">
<link rel="icon" href="data:,">
<title>{title}</title>
</head>
<body>
<script type="application/json" id="pysclice-log">{log}</script>
<script>{bundle}</script>
</body>
</html>
"""


class StaticPageError(Exception):
    """There can be no such page; the message says why and what to do."""


class _Listed(NamedTuple):
    """An event as TensorBoard would list it."""

    plugin_content: bytes
    max_wall_time: float


def build(
    found: Sequence[Found],
    link: Mapping[str, str] | None = None,
    title: str = "Loss slices",
    runs: Sequence[str] = (),
) -> bytes:
    """The page that shows these slices.

    Args:
        found: the slices; replicates are left out, since the page has no use for them.
        link: what to show first: keys of the page's deep link, without their prefix.
        title: of the window.
        runs: all runs in TensorBoard's order, from which their colors follow; by name if unknown.

    Raises:
        StaticPageError: the page would be larger than ``MAX_BYTES``, there is nothing to show, or
            the page is not built.
        ValueError: a slice whose step or series cannot be logged; see ``pysclice.events.tag``.
    """
    if not found:
        raise StaticPageError("There are no slices to show. Choose other runs or series.")
    script = _script()
    listing: dict[str, dict[str, _Listed]] = defaultdict(dict)
    frames: dict[str, str] = {}
    size = len(script)
    for run, attempt, slice_ in found:
        value = to_summary(_without_replicates(slice_), attempt).value[0]
        record = value.tensor.string_val[0]
        size += 4 * -(-len(record) // 3)
        if size <= MAX_BYTES:  # beyond that only the size is of interest
            content = value.metadata.plugin_data.content
            listing[run][value.tag] = _Listed(content, slice_.wall_time)
            key = f"{series_id(run, slice_.series)}.{slice_.step}.{attempt}"
            frames[key] = base64.b64encode(record).decode("ascii")
    if size > MAX_BYTES:
        raise StaticPageError(too_large(size))
    log = {
        "index": json.loads(SliceIndex(listing).to_json()),
        "frames": frames,
        "link": dict(link or {}),
        "runs": list(runs),
    }
    page = _PAGE.format(
        policy=html.escape(_POLICY),
        version=html.escape(__version__),
        title=html.escape(title),
        # JSON may write any character as an escape, so no name can end the element it stands in.
        log=json.dumps(log, separators=(",", ":")).replace("<", "\\u003c"),
        bundle=script,
    )
    return page.encode("utf-8", errors="replace")


def too_large(size: int) -> str:
    """The sentence for a page of that many bytes."""
    return (
        f"This page would have {size / 1e6:,.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that a "
        "browser opens with ease. Choose fewer runs or series, or only every "
        f"{_ordinal(-(-size // MAX_BYTES))} step."
    )


def thinned(steps: Sequence[int], every: int) -> list[int]:
    """Every so many-th of the steps, with the first and the last."""
    chosen = list(steps[::every])
    return chosen if not steps or chosen[-1] == steps[-1] else [*chosen, steps[-1]]


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"


def _without_replicates(slice_: Slice) -> Slice:
    if not slice_.replicates:
        return slice_
    return dataclasses.replace(slice_, replicates={}, center_replicates={})


def _script() -> str:
    file = importlib.resources.files("tensorboard_loss_slicer") / "static" / BUNDLE
    if not file.is_file():
        raise StaticPageError(NOT_BUILT)
    # Inside of strings, the only place where they can stand in a script, both mean the same.
    script = file.read_text("utf-8")
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
