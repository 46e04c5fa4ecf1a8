"""The command line, run as its users run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import pysclice as ps
from pysclice import demo


def pysclice(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pysclice", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("command", "option"),
    [("demo", "--no-serve"), ("slice", "--checkpoint"), ("list", "--json"), ("export", "--every")],
)
def test_help_and_version_need_no_torch(command: str, option: str) -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from pysclice.cli import main\n"
        f"sys.exit(main([{command!r}, '--help']))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 0 and option in found.stdout
    assert pysclice("--version").stdout.strip() == f"pysclice {ps.__version__}"


def test_the_demo_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    found = pysclice("demo", "--no-serve", "--logdir", str(tmp_path))
    assert found.returncode == 1
    assert "is not an empty directory" in found.stderr and "Traceback" not in found.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_demos_networks_differ_in_their_skip_connections_only() -> None:
    torch.manual_seed(0)
    with_skips = demo.network(skip_connections=True)
    torch.manual_seed(0)
    without = demo.network(skip_connections=False)
    for (name, one), (other_name, other) in zip(
        with_skips.state_dict().items(), without.state_dict().items(), strict=True
    ):
        assert name == other_name and torch.equal(one, other)
    inputs = demo.load_digits().validation[0]
    assert not torch.equal(with_skips(inputs), without(inputs))


def test_the_demos_slicers_share_their_axes_between_the_runs(tmp_path: Path) -> None:
    digits = demo.load_digits()
    data = tuple(part[:20] for part in digits.train)
    fingerprints = []
    for skips in (True, False):
        torch.manual_seed(0)
        model = demo.network(skip_connections=skips)
        surface = ps.LossSurface(model, torch.nn.functional.cross_entropy, data)
        line = demo.slicers(model, ps.Trajectory(tmp_path / str(skips)))["random line"]
        found = surface.slice(line)
        assert np.ptp(found.losses) > 0
        fingerprints.append(found.fingerprint)
    assert fingerprints[0] == fingerprints[1]
