"""One file that shows slices: what stands in it, and when there is none."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from tensorboard_loss_slicer import export, static_page
from tensorboard_loss_slicer.export import Found

from pysclice.slices import Slice
from tests.plugin.conftest import a_line, a_plane


def log_of(page: bytes) -> dict[str, Any]:
    found = re.search(rb'id="pysclice-log">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    result: dict[str, Any] = json.loads(found[1])
    return result


def test_the_page_holds_the_very_records() -> None:
    slices = [a_plane(step=step) for step in (0, 500)]
    page = static_page.build(
        [Found("a", "3fa2", s) for s in slices], {"step": "500"}, "A <title>", ["b", "a"]
    )
    log = log_of(page)
    (series,) = log["index"]["runs"][0]["series"]
    keys = [f"{series['id']}.{step}.3fa2" for step in (0, 500)]
    assert list(log["frames"]) == keys
    assert [base64.b64decode(log["frames"][key]) for key in keys] == [s.to_bytes() for s in slices]
    assert log["link"] == {"step": "500"} and log["runs"] == ["b", "a"]
    assert b"<title>A &lt;title&gt;</title>" in page


def test_replicates_stay_out_since_the_page_has_no_use_for_them() -> None:
    line = a_line(step=1)
    channel = line.channels[0]
    groups = np.stack([line.values[channel]] * 2)
    centers = np.stack([line.center[channel]] * 2)
    many = dataclasses.replace(
        line, replicates={channel: groups}, center_replicates={channel: centers}
    )
    (record,) = log_of(static_page.build([Found("a", "0000", many)]))["frames"].values()
    assert Slice.from_bytes(base64.b64decode(record)) == line


def test_what_is_too_large_or_empty_or_not_built_is_refused_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(static_page.StaticPageError, match="Choose other runs"):
        static_page.build([])
    found = [Found("a", "0000", a_plane(step=step)) for step in range(4)]
    size = len(static_page.build(found[:1]))
    monkeypatch.setattr(static_page, "MAX_BYTES", size // 2)
    with pytest.raises(static_page.StaticPageError, match=r"MB.*only every (2nd|3rd) step"):
        static_page.build(found)
    monkeypatch.setattr(static_page, "BUNDLE", "not-there.js")
    with pytest.raises(static_page.StaticPageError, match="pip install"):
        static_page.build(found)


@pytest.mark.parametrize(("every", "kept"), [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (3, [0, 3, 4])])
def test_thinned_steps_keep_both_ends(every: int, kept: list[int]) -> None:
    assert static_page.thinned(range(5), every) == kept
    assert static_page.thinned([], every) == []


def test_npz_of_slices_that_differ_has_a_group_for_each_layout() -> None:
    plane, line = a_plane(step=7), a_line(step=5)
    content = export.to_npz([Found("r", "0000", s) for s in (plane, line, a_plane(step=8))])
    with np.load(io.BytesIO(content), allow_pickle=False) as npz:
        assert npz["0/steps"].tolist() == [7, 8] and npz["1/steps"].tolist() == [5]
        for i, channel in enumerate(npz["0/channels"]):
            np.testing.assert_array_equal(npz["0/values"][0, i], plane.values[channel])
            np.testing.assert_array_equal(npz["0/centers"][0, i], plane.center[channel])
        np.testing.assert_array_equal(npz["0/y"][1], plane.axes[1].coordinates)
        np.testing.assert_array_equal(npz["1/x"][0, 0], line.axes[0].coordinates)
        assert npz["1/values"].shape[2:] == line.shape
