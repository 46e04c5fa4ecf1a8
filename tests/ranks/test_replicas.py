"""Ranks that hold the same model share the points of its slices, under torchrun on gloo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pysclice as ps
from tests.ranks.launch import torchrun


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return torchrun("replicas", 4, tmp_path_factory.mktemp("replicas"))


SERIES = ("plane", "auto line", "coordinates", "adaptive", "balls", "spectrum")


@pytest.mark.parametrize("series", SERIES)
def test_a_shared_slice_has_the_bits_of_one_processs(
    replicas: list[dict[str, Any]], series: str
) -> None:
    for rank in replicas:
        found = rank[f"reference {series}"]
        assert found["same bits"] and found["errors"] and found["fingerprints"], found
        # Where each rank chooses how to evaluate, only rounding may differ.
        assert rank[f"auto {series}"]["difference"] <= 1e-6


def test_evaluations_are_shared_evenly(replicas: list[dict[str, Any]]) -> None:
    for series, points in {"plane": 49, "coordinates": 19, "adaptive": 17 * 17}.items():
        for rank in replicas:
            found = rank[f"reference {series}"]["ranks"]
            assert len(found) == 4
            # Those that do not have the center among theirs measure it as well.
            assert max(found) <= -(-points // 4) + 1
            assert sum(found) == points + 3


def test_looking_together_touches_nothing(replicas: list[dict[str, Any]]) -> None:
    for rank in replicas:
        for backend in ("reference", "auto"):
            assert rank[f"{backend} untouched"] and rank[f"{backend} random"]
        assert rank["replicates"] <= 1e-6


def test_a_group_of_ones_own_and_ranks_alone(tmp_path: Path) -> None:
    first, second, third = torchrun("group_of_ones_own", 3, tmp_path)
    assert first["own group"] == second["own group"] == [25, 25]
    assert third == {"alone": None}


def test_training_of_replicas_is_the_same_with_a_budgeted_logger(tmp_path: Path) -> None:
    # Each rank's BatchNorm has seen other batches: the first rank's statistics count.
    expected = {"same": True, "warned": [], "loss falls": [0, 2]}
    assert torchrun("replicas_train", 2, tmp_path) == [expected] * 2
    runs = ps.read_slices(tmp_path / "runs")["."]
    assert set(runs) == {"plane", "coordinates"}
    assert all(0 in series for series in runs.values())
    # One rank writes.
    assert len(list((tmp_path / "runs").rglob("*tfevents*"))) == 1
