"""The plugin and the page draw what a record describes and know no slicing method by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pysclice.slices import KINDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "frontend" / "src"

# Stems, so that "eigenvectors", "axisParallel" and "AxisParallelView" are found too.
NAMES = [
    "axis.?parallel",
    "random.?(?:direction|line|plane)",
    "hessian",
    "interpolation",
    "eigenvector",
    "gradient",
    "crowd",
    "gauss.?newton",
]
# Words for kinds and shapes, which code has to use even where a method is called the same.
PLAIN_WORDS = {*KINDS, "line", "update", "path", "trajectory"}


def methods() -> set[str]:
    """What directions and slicers call themselves in records."""
    source = [path.read_text("utf-8") for path in (ROOT / "pysclice").rglob("*.py")]
    return set(
        re.findall(r'^    method(?:: [\w\[\]]+)? = "(.+)"$', "\n".join(source), re.MULTILINE)
    )


def sources() -> Iterator[Path]:
    """Code that handles records: all of the plugin, and the page's but for its frame and looks."""
    yield from (ROOT / "tensorboard_plugin").rglob("*.py")
    for folder in ("api", "data", "state", "views"):
        for path in (PAGE / folder).rglob("*.ts*"):
            if ".test." not in path.name:
                yield path


def test_the_methods_are_found() -> None:
    assert {"random direction", "axis-parallel"} <= methods()
    assert len(list(sources())) > 40


def test_no_method_is_handled_by_name() -> None:
    names = "|".join([*NAMES, *map(re.escape, sorted(methods() - PLAIN_WORDS))])
    found = {}
    for path in sources():
        text = f"{path.relative_to(ROOT).as_posix()}\n{path.read_text('utf-8')}"
        if hits := re.findall(f"(?:{names}).*", text, re.IGNORECASE):
            found[path.name] = hits
    assert found == {}
