"""The documentation: its code runs, and every public name has its place in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import pysclice as ps
from pysclice import measures
from tests.test_docstrings import known

DOCS = Path(__file__).resolve().parent.parent / "docs"
METHODS = (DOCS / "methods.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S)


def test_the_code_of_the_methods_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = known()
    torch.save(names["other"].state_dict(), "other.pt")
    found = blocks(METHODS)
    assert len(found) == 6
    for block in found:
        exec(compile(block, "docs/methods.md", "exec"), names)
    assert names["plane"].trajectory.explained > 0.9
    assert names["estimate"].method == "jackknife"
    assert names["band"].shape == names["quick"].shape


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in ps.__all__ if name != "__version__"),
        *(f"measures.{name}" for name in measures.__all__),
    ],
)
def test_every_public_name_stands_in_a_table_of_methods(name: str) -> None:
    rows = [line for line in METHODS.splitlines() if line.startswith("|")]
    mention = re.compile(rf"`{re.escape(name)}[(`]")
    assert any(mention.search(row) for row in rows), f"{name} is missing in docs/methods.md"
