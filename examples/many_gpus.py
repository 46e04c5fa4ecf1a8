"""A loop on several GPUs, or processors, whose ranks slice together.

    torchrun --nproc-per-node 2 examples/many_gpus.py --logdir runs
    torchrun --nproc-per-node 2 examples/many_gpus.py --logdir runs --shard
    tensorboard --logdir runs

The three lines that matter, on every rank:

    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), (inputs, targets))
    logger = ps.SliceLogger("runs/mine", surface, every=100)
    logger.log_if_due(step, epoch)
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

import pysclice as ps


def divided(model: nn.Module, device: torch.device, shard: bool) -> nn.Module:
    """The model as training has it: a replica on each rank, or a shard."""
    model = model.to(device)
    if not shard:
        return DistributedDataParallel(model)
    for layer in model.children():
        if isinstance(layer, nn.Linear):
            fully_shard(layer)
    fully_shard(model)
    return model


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logdir", type=Path, default=Path("runs"))
    parser.add_argument("--shard", action="store_true", help="fully_shard in the place of DDP")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--every", type=int, default=50, help="steps between two slices")
    parser.add_argument("--samples", type=int, default=25)
    given = parser.parse_args(arguments)

    dist.init_process_group()  # nccl where there are GPUs, gloo elsewhere
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    torch.manual_seed(0)
    pixels, classes = load_digits(return_X_y=True)
    digits = TensorDataset(torch.tensor(pixels / 8 - 1, dtype=torch.float32), torch.tensor(classes))
    sampler: DistributedSampler[Any] = DistributedSampler(digits)
    loader = DataLoader(digits, batch_size=25, sampler=sampler)
    model = divided(
        nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10)), device, given.shard
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)

    # Slices need the same examples on every rank: not the share that the sampler deals out.
    held = DataLoader(digits, batch_size=500)
    surface = ps.LossSurface(model, nn.CrossEntropyLoss(), held)
    name = "fully_shard" if given.shard else "replicas"
    plane = ps.Plane(ps.Random(0), ps.Random(1), samples=given.samples)
    logger = ps.SliceLogger(
        given.logdir / name, surface, {"random plane": plane}, every=given.every
    )
    step = 0
    for epoch in range(given.epochs):
        sampler.set_epoch(epoch)
        for inputs, targets in loader:
            taken = logger.log_if_due(step, epoch)
            for series, slice_ in taken.items():
                if dist.get_rank() == 0:
                    ranks = slice_.notes["evaluation"]["ranks"]
                    print(f"step {step}: {series}, points measured by each rank: {ranks}")
            optimizer.zero_grad()
            outputs = model(inputs.to(device))
            nn.functional.cross_entropy(outputs, targets.to(device)).backward()
            optimizer.step()
            step += 1
    logger.close()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
