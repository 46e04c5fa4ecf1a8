"""How much of the barrier between two networks is only the order of their hidden units?

Pairs of fully connected networks of width 512 learn scikit-learn's digits from different seeds. On
the straight line between them the loss rises: the barrier. Then the units of the second network are
permuted to resemble those of the first ("Git Re-Basin", Ainsworth et al. 2023, arXiv:2209.04836),
which changes nothing that it computes, and the barrier is measured again.

    python examples/permutation_matching.py --figure barriers.pdf
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import pysclice as ps

WIDTH = 512


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    pixels, classes = load_digits(return_X_y=True)
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    inputs = torch.tensor(pixels / 8 - 1, dtype=torch.float32)[order]
    targets = torch.tensor(classes)[order]
    return (inputs[:1200], targets[:1200]), (inputs[1200:], targets[1200:])


def trained(seed: int, data: tuple[Tensor, Tensor], epochs: int) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(64, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    inputs, targets = data
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    return model


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--figure", type=Path, help="where to draw the first pair's two lines")
    given = parser.parse_args(arguments)

    torch.set_num_threads(1)
    train, validation = digits()
    lower = 0
    print("pair  barrier as trained                       units matched")
    for pair in range(given.pairs):
        first = trained(2 * pair, train, given.epochs)
        second = trained(2 * pair + 1, train, given.epochs)
        surface = ps.LossSurface(
            first, nn.CrossEntropyLoss(), {"train": train, "validation": validation}
        )
        lines = [
            surface.slice(ps.Interpolation(second, samples=13, match_units=match))
            for match in (False, True)
        ]
        barriers = [line.notes["barrier"] for line in lines]
        shown = [
            ", ".join(
                f"{channel.partition('/')[0]} {found['value']:.3f} ± {found['error']:.3f}"
                for channel, found in barrier.items()
            )
            for barrier in barriers
        ]
        print(f"{pair:4}  {shown[0]:40} {shown[1]}", flush=True)
        lower += barriers[1]["train/loss"]["value"] < barriers[0]["train/loss"]["value"]
        if given.figure and pair == 0:
            ps.plot(ps.concatenate(lines, along="lines")).savefig(given.figure)
    print(f"matching lowers the barrier on training data in {lower} of {given.pairs} pairs")


if __name__ == "__main__":
    main()
