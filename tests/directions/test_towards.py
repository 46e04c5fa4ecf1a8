"""Towards a checkpoint's path: shared between runs, read once, followed while it is written."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import pysclice as ps
from pysclice.core import checkpoints


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    norm = nn.BatchNorm1d(6)
    norm.get_buffer("running_mean").copy_(torch.randn(6))
    return nn.Sequential(nn.Linear(4, 6), norm, nn.Tanh(), nn.Linear(6, 3))


def surface(seed: int) -> ps.LossSurface:
    model = network(seed)
    torch.manual_seed(9)
    return ps.LossSurface(model, nn.CrossEntropyLoss(), (torch.randn(30, 4), torch.arange(30) % 3))


def end_of(found: ps.Slice) -> float:
    return float(found.losses[0, 0, -1])


def value(seed: int) -> Any:
    there = surface(seed)
    return pytest.approx(there(there.parameters())["train/loss"], rel=1e-5)


def written(seed: int, path: Path, step: int, when: int) -> Path:
    """A checkpoint, written at a second of its own."""
    torch.save({"model": network(seed).state_dict(), "global_step": step}, path)
    os.utime(path, (when, when))
    return path


class Reads:
    """How often which checkpoint was read."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        read = checkpoints._read_path

        def counted(path: Path) -> checkpoints.Held:
            self.paths.append(path.name)
            return read(path)

        patch.setattr(checkpoints, "_read_path", counted)


def test_several_runs_share_a_reference_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(1, tmp_path / "last.ckpt", 300, 1000)
    reads = Reads(monkeypatch)
    line = ps.Line(ps.Towards(path), span=(0, 1), samples=3)
    found = [surface(seed).slice(line) for seed in (2, 3, 2)]
    assert [end_of(one) for one in found] == [value(1)] * 3
    assert reads.paths == ["last.ckpt"]  # once a slicer
    axes = [one.axes[0] for one in found]
    assert axes[0].fingerprint == axes[1].fingerprint
    assert f"{tmp_path.name}/last.ckpt, step 300 (content " in axes[0].description
    note = found[0].notes["towards other"]
    assert (note["file"], note["step"]) == (str(path), 300)
    assert note["fingerprint"] in axes[0].description
    # Another slicer of another process finds the same fingerprint; another content another one.
    again = surface(4).slice(ps.Line(ps.Towards(path), span=(0, 1), samples=3))
    assert again.axes[0].fingerprint == axes[0].fingerprint
    other = written(5, tmp_path / "other.ckpt", 300, 1000)
    assert (
        surface(2).slice(ps.Line(ps.Towards(other), samples=3)).axes[0].fingerprint
        != axes[0].fingerprint
    )


def test_a_file_that_was_written_anew_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(1, tmp_path / "last.ckpt", 300, 1000)
    reads = Reads(monkeypatch)
    line = ps.Line(ps.Towards(path), span=(0, 1), samples=3)
    here = surface(2)
    first = here.slice(line)
    written(3, path, 400, 2000)
    second = here.slice(line)
    assert (end_of(first), end_of(second)) == (value(1), value(3))
    assert reads.paths == ["last.ckpt"] * 2
    assert "step 400" in second.axes[0].description
    assert first.axes[0].fingerprint != second.axes[0].fingerprint


def test_a_pattern_follows_a_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(1, tmp_path / "step-9.ckpt", 9, 1000)
    reads = Reads(monkeypatch)
    line = ps.Line(ps.Towards(tmp_path / "*.ckpt"), span=(0, 1), samples=3)
    logged = []
    with ps.SliceLogger(tmp_path / "b", surface(2), {"towards a": line}, every=1) as logger:
        logged.append(logger.log(0)["towards a"])
        written(3, tmp_path / "step-10.ckpt", 10, 2000)
        logged.append(logger.log(1)["towards a"])
        logged.append(logger.log(2)["towards a"])
    assert [end_of(one) for one in logged] == [value(1), value(3), value(3)]
    assert reads.paths == ["step-9.ckpt", "step-10.ckpt"]
    assert [one.notes["towards other"]["step"] for one in logged] == [9, 10, 10]


def test_a_file_that_is_being_written_costs_one_slice_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_PATIENCE", 0.01)
    path = written(1, tmp_path / "last.ckpt", 9, 1000)
    whole = path.read_bytes()
    slicers = {
        "towards a": ps.Line(ps.Towards(tmp_path / "*.ckpt"), span=(0, 1), samples=3),
        "random": ps.Line(ps.Random(0), samples=3),
    }
    with ps.SliceLogger(tmp_path / "b", surface(2), slicers, every=1) as logger:
        path.write_bytes(whole[:-500])
        with pytest.warns(RuntimeWarning, match=r"'towards a' at step 0: .*not complete"):
            assert list(logger.log(0)) == ["random"]
        assert list(logger.log(1)) == ["random"]  # told once
        path.write_bytes(whole)
        found = logger.log(2)
    assert end_of(found["towards a"]) == value(1)


def test_all_of_a_slice_is_of_one_content(tmp_path: Path) -> None:
    path = written(1, tmp_path / "last.ckpt", 1, 1000)
    towards = ps.Towards(path)

    class Between(ps.Towards):
        """Something is written between parameters and buffers."""

        def buffers(self, surface: ps.LossSurface, parameters: Any) -> Any:
            written(3, path, 2, 2000)
            return super().buffers(surface, parameters)

    found = surface(2).slice(ps.Line(Between(path), span=(0, 1), samples=3))
    assert end_of(found) == value(1) and found.notes["towards other"]["step"] == 1
    assert end_of(surface(2).slice(ps.Line(towards, span=(0, 1), samples=3))) == value(3)


def test_barriers_to_a_run_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(1, tmp_path / "step-1.ckpt", 1, 1000)
    reads = Reads(monkeypatch)
    here = surface(2)
    for matched in (False, True):
        reads.paths.clear()
        slicer = ps.Interpolation(tmp_path / "*.ckpt", samples=5, match_units=matched)
        for _ in range(2):
            found = here.slice(slicer)
            assert end_of(found) == value(1)
        assert reads.paths == ["step-1.ckpt"]
        assert found.notes[found.axes[0].name]["step"] == 1
        assert "train/loss" in found.notes["barrier"]


def test_sent_to_another_process_it_reads_the_file_there(tmp_path: Path) -> None:
    path = written(1, tmp_path / "last.ckpt", 1, 1000)
    line = ps.Line(ps.Towards(path), span=(0, 1), samples=3)
    surface(2).slice(line)
    data = pickle.dumps(line)
    assert len(data) < 2000
    assert end_of(surface(2).slice(pickle.loads(data))) == value(1)


def test_a_plane_through_three_checkpoints_notes_both(tmp_path: Path) -> None:
    one, two = (written(seed, tmp_path / f"{seed}.ckpt", seed, 1000) for seed in (3, 4))
    found = surface(2).slice(ps.Plane(ps.Towards(one), ps.Towards(two), samples=3))
    assert found.notes["towards other"]["step"] == 3
    assert found.notes["towards other (2)"]["step"] == 4


def test_other_points_have_no_notes_and_the_fingerprint_of_their_bits() -> None:
    found = [surface(s).slice(ps.Line(ps.Towards(network(1)), samples=3)) for s in (2, 3)]
    assert "towards other" not in found[0].notes
    assert found[0].axes[0].fingerprint != found[1].axes[0].fingerprint
    assert found[0].axes[0].description.startswith("Straight line to another point")
