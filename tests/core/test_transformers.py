"""A real transformers model: dict batches, tied weights, Conv1D, outputs with a loss."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader
from transformers import BatchEncoding, GPT2Config, GPT2LMHeadModel

import pysclice as ps
from tests.core.test_untouched import unchanged


def test_a_language_model_is_sliced_with_its_own_loss() -> None:
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=32, n_positions=16, n_embd=16, n_layer=2, n_head=2)
    model = GPT2LMHeadModel(config).train()
    tokens = torch.randint(0, 32, (6, 12))
    examples = [{"input_ids": row, "labels": row} for row in tokens]
    loader = DataLoader(examples, batch_size=4)  # type: ignore[arg-type]
    forms = {
        "loader": loader,
        "encoding": [BatchEncoding({"input_ids": tokens, "labels": tokens})],
        "one batch": {"input_ids": tokens, "labels": tokens},
    }
    expected = GPT2LMHeadModel(config).eval()
    expected.load_state_dict(model.state_dict())
    with torch.no_grad():
        direct = expected(input_ids=tokens, labels=tokens).loss.item()
    for what, data in forms.items():
        surface = ps.LossSurface(model, data=data, batch_loss=lambda model, batch: model(**batch))
        with unchanged(model):
            plane = surface.slice(ps.Plane(ps.Random(0), ps.Random(1), samples=3))
        assert plane.center["train/loss"][0] == pytest.approx(direct, rel=1e-5), what
        assert plane.examples == 6
    # The head shares its weight with the embedding: it moves with it and is counted once.
    assert "lm_head.weight" not in surface.parameters()
    direction = ps.Random(0)(surface, surface.parameters())
    weight = surface.parameters()["transformer.h.0.mlp.c_fc.weight"]
    found = direction["transformer.h.0.mlp.c_fc.weight"]
    torch.testing.assert_close(found.norm(dim=0), weight.norm(dim=0))
