"""Every public name explains itself with an example that is executed here."""

from __future__ import annotations

import doctest
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pysclice as ps
from pysclice import measures
from pysclice.directions import composition

PUBLIC = {
    **{name: getattr(ps, name) for name in ps.__all__ if name != "__version__"},
    **{f"measures.{name}": getattr(measures, name) for name in measures.__all__},
    "Sum": composition.Sum,
    "Orthogonal": composition.Orthogonal,
}


def known() -> dict[str, Any]:
    """What an example may use without making it; new each time, since an example may train."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(96, 8, generator=generator)
    targets = (inputs @ torch.randn(8, 3, generator=generator)).argmax(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    torch.manual_seed(1)
    other = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets))
    return {
        "ps": ps,
        "measures": measures,
        "np": np,
        "torch": torch,
        "nn": nn,
        "model": model,
        "other": other,
        "inputs": inputs,
        "targets": targets,
        "surface": surface,
        "start": surface.parameters(),
        "line": surface.slice(ps.Line(ps.Random(seed=0), samples=13)),
        "plane": surface.slice(ps.Plane(ps.Random(seed=0), ps.Random(seed=1), samples=7)),
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstring_holds_an_example_that_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = inspect.getdoc(PUBLIC[name])
    assert text, f"{name} has no docstring"
    examples = doctest.DocTestParser().get_doctest(text, known(), name, None, 0)
    assert examples.examples, f"the docstring of {name} has no example (>>> ...)"
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, verbose=False
    )
    report: list[str] = []
    runner.run(examples, out=report.append)
    assert runner.failures == 0, "".join(report)
