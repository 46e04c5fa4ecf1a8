"""Models that no rank holds as a whole have the slices of the whole model, under torchrun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pysclice as ps
from tests.ranks.launch import torchrun

NORMALIZATIONS = ("filter", "layer", "model", "unit", "none")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return torchrun("shards", 4, tmp_path_factory.mktemp("shards"))


@pytest.mark.parametrize("kind", ["fully_shard", "tensor parallel", "both"])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_divided_model_has_the_plane_of_the_whole_one(
    shards: list[dict[str, Any]], kind: str, normalization: str
) -> None:
    for rank in shards:
        found = rank[f"{kind} {normalization}"]
        assert found["difference"] <= 1e-6
        assert found["fingerprints"]
        assert found["lengths"] <= 1e-6
        # Drawn numbers are the same bits; norms over several ranks are added in another order.
        exact = normalization == "none" or (kind, normalization) == ("fully_shard", "filter")
        assert found["directions"] <= (0.0 if exact else 1e-6)
        assert found["ranks"] == [25] * 4
    if exact and kind == "fully_shard":
        assert found["same bits"]


@pytest.mark.parametrize("kind", ["fully_shard", "tensor parallel", "both"])
def test_other_slices_of_a_divided_model(shards: list[dict[str, Any]], kind: str) -> None:
    for rank in shards:
        assert rank[f"{kind} auto line"]["difference"] <= 1e-6
        assert rank[f"{kind} auto line"]["fingerprints"]
        assert rank[f"{kind} towards"]["difference"] <= 1e-6
        assert rank[f"{kind} coordinates"]["difference"] <= 1e-6
        assert rank[f"{kind} coordinates"]["fingerprints"]
        if kind == "tensor parallel":
            assert rank[f"{kind} gradient"]["difference"] <= 1e-6
        else:  # said, and not a gradient of zeros
            assert "under fully_shard are not there yet" in rank[f"{kind} gradient"]
        assert rank[f"{kind} untouched"]


def test_training_of_a_divided_model_is_the_same_with_the_logger(tmp_path: Path) -> None:
    # There are no gradients to choose coordinates by.
    defaults = ["drawn coordinates", "random line", "random plane"]
    expected = {"same": True, "warned": [], "defaults": defaults}
    assert torchrun("shards_train", 2, tmp_path) == [expected] * 2
    runs = ps.read_slices(tmp_path / "runs")["."]
    assert [list(series) for series in runs.values()] == [[0, 2, 4, 5]] * 2
    assert len(list((tmp_path / "runs").rglob("*tfevents*"))) == 1


def test_no_rank_needs_more_memory_than_a_few_of_its_shards(tmp_path: Path) -> None:
    for rank in torchrun("memory", 4, tmp_path):
        for kind in ("fully_shard", "tensor parallel"):
            assert rank[kind]["shard"] == 48 * 192 * 192 * 4 // 4
            assert 1.5 <= rank[kind]["line"] <= 2.2
            assert 2.5 <= rank[kind]["plane"] <= 3.2


def test_what_ranks_exchange_is_what_the_documentation_counts(tmp_path: Path) -> None:
    for rank in torchrun("communication", 2, tmp_path):
        replicas, divided = rank["replicas"], rank["fully_shard"]
        evaluations, groups = 25, 4  # three layers, and what is left to the model itself
        assert replicas["evaluations"] == divided["evaluations"] == evaluations
        # A message says how long it is, and then what it says.
        for found in (replicas, divided):
            messages, nbytes = found["sent"]
            assert messages == 3
            assert found["calls"].pop("c10d::allgather_") == 2 * messages
            assert nbytes <= 3 * 1024
        assert replicas["calls"] == {}
        # The length of both axes, and the cosine between them: two lengths and a product.
        assert divided["calls"] == {
            "c10d::_allgather_base_": evaluations * groups,
            "c10d::allreduce_": 5,
        }
