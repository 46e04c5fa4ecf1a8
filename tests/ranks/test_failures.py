"""A rank that fails, is killed or does something else is told on all ranks, within a bound."""

from __future__ import annotations

from pathlib import Path

import pysclice as ps
from tests.ranks.launch import torchrun


def test_every_rank_is_told_which_one_failed_and_why(tmp_path: Path) -> None:
    ranks = torchrun("failures", 3, tmp_path)
    for number, found in enumerate(ranks):
        own = "ArithmeticError: broken here"
        assert found["loss"] == (
            own if number == 1 else f"RankError: Rank 1 failed at Plane at step 0: {own}"
        )
        own = "LookupError: no such direction"
        assert found["direction"] == (
            own if number == 0 else f"RankError: Rank 0 failed at Line at step 0: {own}"
        )
        assert "rank 1 at 'Plane at step 1'" in found["step"]
        assert "same examples" in found["data"]
        assert found["still works"] == "nothing"
        assert found["warned"].count("could not log 'bad'") == 1
    assert list(ps.read_slices(tmp_path / "failing")["."]) == ["good"]


def test_a_killed_rank_is_noticed_by_the_others(tmp_path: Path) -> None:
    found = torchrun("killed", 3, tmp_path, fails=True)
    assert found[1] is None
    for rank in (found[0], found[2]):
        assert rank["told"].startswith("RankError: Rank")
        assert "has ended, at Plane at step 0" in rank["told"]
        assert rank["seconds"] < 20.0


def test_a_rank_that_does_not_come_is_waited_for_so_long(tmp_path: Path) -> None:
    found, _ = torchrun("hanging", 2, tmp_path)
    assert "did not hear from all others within 4 seconds" in found["told"]
    assert 3.0 <= found["seconds"] < 60.0  # the other would have come after 120


def test_a_surface_that_one_rank_makes_is_told_so(tmp_path: Path) -> None:
    found, _ = torchrun("surface_on_one_rank", 2, tmp_path)
    assert found["told"].startswith("RankError: Not all 2 ranks made their surface within 3 sec")


def test_training_outlives_a_killed_rank_and_a_restart_goes_on(tmp_path: Path) -> None:
    survivor, _ = torchrun("killed_while_logging", 2, tmp_path, fails=True)
    assert survivor["logged"] == [["line", "plane"], [], []]
    (said,) = survivor["warned"]
    assert "takes no more slices, from step 1 on" in said and "has ended" in said
    assert torchrun("resumed", 2, tmp_path) == [["line", "plane"]] * 2
    for series in ps.read_slices(tmp_path / "runs")["."].values():
        before, after = series[0], series[1]
        assert [axis.fingerprint for axis in before.axes] == [a.fingerprint for a in after.axes]
        assert before.axes[0].coordinates.tolist() == after.axes[0].coordinates.tolist()
