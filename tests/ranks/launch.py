"""Several ranks on this machine, as torchrun starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def torchrun(
    program: str,
    ranks: int,
    folder: Path,
    *,
    module: str = "tests.ranks.programs",
    fails: bool = False,
    timeout: float = 240,
) -> list[Any]:
    """What each rank of a function in a module such as ``tests/ranks/programs.py`` found.

    Args:
        program: name of the function.
        ranks: how many.
        folder: where the ranks leave what they found, and where they run.
        module: where the function is, and what writes that.
        fails: whether a rank is expected to end otherwise than well.
        timeout: seconds that all of it may take.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks)]
    # A place to meet of its own, so that tests beside one another do not meet each other.
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    command += ["-m", module, program, str(folder)]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tensorboard_plugin'}",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout
    )
    if not fails:
        assert done.returncode == 0, done.stdout + done.stderr
    found = [folder / f"{program}-{rank}.json" for rank in range(ranks)]
    return [json.loads(path.read_text()) if path.exists() else None for path in found]
