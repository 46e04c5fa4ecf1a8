"""Which parameters are meant, on a model with nested modules and a tied weight."""

from __future__ import annotations

import re
from typing import Any

import pytest
from torch import nn

from pysclice.core.selection import check_selection, module_named, select, text_of


class Tied(nn.Module):
    """Two convolutions, an attention module, and a head that shares the embedding's weight."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.blocks = nn.ModuleList([nn.Conv1d(4, 4, 1), nn.Conv1d(4, 4, 1)])
        self.attend = nn.MultiheadAttention(4, 2)
        self.head = nn.Linear(4, 7)
        self.head.weight = self.embed.weight
        self.blocks[0].bias.requires_grad_(False)


MODEL = Tied()
NAMES = [name for name, p in MODEL.named_parameters() if p.requires_grad]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("blocks.*", ["blocks.0.weight", "blocks.1.weight", "blocks.1.bias"]),
        ("*.bias", ["blocks.1.bias", "attend.out_proj.bias", "head.bias"]),
        ("blocks.[1-9].*", ["blocks.1.weight", "blocks.1.bias"]),
        (nn.Conv1d, ["blocks.0.weight", "blocks.1.weight", "blocks.1.bias"]),
        (nn.Embedding, ["embed.weight"]),
        # The head's weight has one name, the first; out_proj is a Linear inside of another module.
        (
            nn.Linear,
            ["embed.weight", "attend.out_proj.weight", "attend.out_proj.bias", "head.bias"],
        ),
        (nn.MultiheadAttention, [n for n in NAMES if n.startswith("attend.")]),
        (lambda name: name.endswith("in_proj_bias"), ["attend.in_proj_bias"]),
        (("head.*", nn.Embedding), ["embed.weight", "head.bias"]),
        ([("head.*",), ["embed.*"]], ["embed.weight", "head.bias"]),
    ],
)
def test_a_selection_means_these_in_the_order_of_the_model(
    selection: Any, expected: list[str]
) -> None:
    check_selection(selection, "within")
    assert list(select(MODEL, NAMES, selection)) == expected


def test_what_selects_nothing_is_answered_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"'layers\.0\.\*'.*'embed\.weight'.*Conv1d, Embedding"):
        select(MODEL, NAMES, "layers.0.*")
    with pytest.raises(ValueError, match=r"by 'blocks\.1\.\*'"):
        select(MODEL, NAMES, "blocks.1")
    with pytest.raises(ValueError, match="'Conv2d'"):
        select(MODEL, NAMES, nn.Conv2d)


@pytest.mark.parametrize("selection", [3, int, (), ("a", 3), None])
def test_what_cannot_select_is_refused(selection: Any) -> None:
    with pytest.raises(TypeError, match=re.escape("expected a pattern of names")):
        check_selection(selection, "within")


def test_modules_are_found_by_name() -> None:
    assert module_named(MODEL, "blocks.1") is MODEL.blocks[1]
    assert module_named(MODEL, "") is MODEL
    with pytest.raises(ValueError, match=r"'blocks' has the modules '0', '1'"):
        module_named(MODEL, "blocks.2.conv")
    with pytest.raises(ValueError, match=r"The model has the modules 'embed'"):
        module_named(MODEL, "encoder")


def test_a_selection_can_be_said() -> None:
    assert text_of(("a.*", nn.Conv1d)) == "a.*, Conv1d"
