"""What slicers cost: counted by hand, since nothing in tests is timed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import pysclice as ps


def surface() -> ps.LossSurface:
    torch.manual_seed(0)
    inputs = torch.randn(16, 4)
    return ps.LossSurface(nn.Linear(4, 2), nn.CrossEntropyLoss(), (inputs, torch.arange(16) % 2))


def test_every_slicer_is_measured_on_its_own_evaluations() -> None:
    calls = 0

    def counted(model: nn.Module, batch: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    plain = surface()
    s = ps.LossSurface(
        plain.model, batch_loss=counted, data=(torch.randn(8, 4), torch.arange(8) % 2)
    )
    slicers = {
        "line": ps.Line(ps.Random(0), samples=7),
        "plane": ps.Plane(ps.Random(0), ps.Random(1), samples=4),
    }
    found = ps.compare(s, slicers, repeats=2)
    assert [(cost.name, cost.evaluations) for cost in found.costs] == [("line", 7), ("plane", 17)]
    assert calls == 3 * (1 + 7 + 17)  # a round that does not count, and two that do
    for cost in found.costs:
        assert cost.seconds > 0 and cost.single_evaluations > 0
        assert cost.evaluations_per_second == pytest.approx(cost.evaluations / cost.seconds)


def test_tables_for_terminals_and_notebooks() -> None:
    found = ps.compare(surface(), {"<b>&": ps.Line(ps.Random(0), samples=3)}, repeats=1)
    head, rule, row = str(found).splitlines()
    assert head.startswith("slicer") and set(rule) == {"-"} and row.startswith("<b>&")
    assert len(head) == len(rule) == len(row)
    assert "&lt;b&gt;&amp;" in found._repr_html_() and "<b>" not in found._repr_html_()


def test_nothing_to_compare_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match="0 slicers"):
        ps.compare(surface(), {})
    with pytest.raises(TypeError, match="needs a dictionary"):
        ps.compare(surface(), [ps.Line(ps.Random(0))])  # type: ignore[arg-type]
