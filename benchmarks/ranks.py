"""``python -m benchmarks.ranks``: what a second rank saves here, and what the model predicts.

Measures a plane on one rank and on two that share it, each with one thread, and what the formula
of docs/scale.md predicts from a bare forward pass on as many busy cores. Takes a minute; run it
alone.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

import pysclice as ps

SAMPLES = 17
ROUNDS = 5
ROOT = Path(__file__).resolve().parents[1]


def small() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """A perceptron on 256 examples: a pass takes a millisecond or so."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
    return model, (torch.randn(256, 64), torch.randint(10, (256,)))


def large() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """A small convolutional network on 24 images: a pass takes ten milliseconds or so."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    return model, (torch.randn(24, 3, 24, 24), torch.randint(10, (24,)))


CASES: dict[str, Callable[[], tuple[nn.Module, tuple[Tensor, Tensor]]]] = {
    "perceptron": small,
    "convolutions": large,
}


def medians(planes: dict[str, tuple[ps.LossSurface, int]]) -> dict[str, float]:
    """Median seconds of planes of some samples an axis, taken in turn by all ranks together."""
    found: dict[str, list[float]] = {name: [] for name in planes}
    for _ in range(ROUNDS + 1):
        for name, (surface, samples) in planes.items():
            plane = ps.Plane(ps.Random(0), ps.Random(1), samples=samples)
            dist.barrier()
            began = time.perf_counter()
            surface.slice(plane, progress=False)
            found[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds[1:]) for name, seconds in found.items()}


def share(samples: int, ranks: int) -> int:
    """How many points of a plane the busiest rank measures: the center may be one more."""
    return -(-(samples**2) // ranks) + (ranks > 1)


def in_rank(folder: Path) -> None:
    """What one rank does: measures all cases, and writes what it found."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    found = {}
    for name, make in CASES.items():
        model, data = make()
        loss_fn = nn.CrossEntropyLoss()
        group = dist.group.WORLD
        shared = ps.LossSurface(model, loss_fn, data, backend="reference", process_group=group)
        alone = ps.LossSurface(model, loss_fn, data, backend="reference", process_group=None)
        ranks = dist.get_world_size()
        seconds = medians(
            {
                "whole": (shared, SAMPLES),
                "small": (shared, 3),
                "few points": (alone, 3),
                "many points": (alone, 9),
            }
        )
        # A point, on a machine where all ranks are busy; and what a slice costs whatever its size.
        point = (seconds["many points"] - seconds["few points"]) / (9**2 - 3**2)
        fixed = seconds["small"] - share(3, ranks) * point
        found[name] = {
            "seconds": seconds["whole"],
            "predicted": fixed + share(SAMPLES, ranks) * point,
            "point": point,
        }
    if dist.get_rank() == 0:
        (folder / f"{ranks}.json").write_text(json.dumps(found))
    dist.destroy_process_group()


def main() -> None:
    """Run one rank and two, and print a table."""
    if len(sys.argv) > 1:
        in_rank(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        for ranks in (1, 2):
            command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
            command += ["--nproc-per-node", str(ranks), "-m", "benchmarks.ranks", name]
            subprocess.run(command, check=True, env=environment, cwd=ROOT, capture_output=True)
        one, two = (json.loads((folder / f"{ranks}.json").read_text()) for ranks in (1, 2))
    print("| model | a point | one rank | two ranks | speedup | predicted | off by |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        alone, both = one[case]["seconds"], two[case]["seconds"]
        predicted = two[case]["predicted"]
        print(
            f"| {case} | {1e3 * two[case]['point']:.2f} ms | {alone:.3f} s | {both:.3f} s | "
            f"{alone / both:.2f}x | {predicted:.3f} s | {100 * (predicted / both - 1):+.0f} % |"
        )


if __name__ == "__main__":
    main()
