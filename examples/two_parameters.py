"""Surfaces that are known: four functions of two parameters, sliced and compared with themselves.

A module whose two parameters are the coordinates x and y turns any function into a loss surface, so
that one can see what a slicer shows before trusting it with a million parameters.

    python examples/two_parameters.py --figures figures
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import pysclice as ps
from pysclice import measures


def parabola(x: Tensor, y: Tensor) -> Tensor:
    return x**2 + 4 * y**2


def rosenbrock(x: Tensor, y: Tensor) -> Tensor:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def himmelblau(x: Tensor, y: Tensor) -> Tensor:
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def ackley(x: Tensor, y: Tensor) -> Tensor:
    distance = torch.sqrt((x**2 + y**2) / 2)
    waves = (torch.cos(2 * math.pi * x) + torch.cos(2 * math.pi * y)) / 2
    return 20 - 20 * torch.exp(-0.2 * distance) + math.e - torch.exp(waves)


# Function, one of its minima, and how far to look around it. Ackley's lowest minimum, at 0, is the
# tip of a cone and has no second derivative: this is the local one next to it.
FUNCTIONS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], tuple[float, float], float]] = {
    "parabola": (parabola, (0.0, 0.0), 2.0),
    "rosenbrock": (rosenbrock, (1.0, 1.0), 2.0),
    "himmelblau": (himmelblau, (3.0, 2.0), 6.0),
    "ackley": (ackley, (0.96848, 0.96848), 3.0),
}


class Function(nn.Module):
    """A function of two parameters, at a point."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], at: tuple[float, float]):
        super().__init__()
        self.function = function
        self.at = nn.Parameter(torch.tensor(at, dtype=torch.float64))

    def forward(self) -> Tensor:
        return self.function(self.at[0], self.at[1])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=97)
    parser.add_argument("--figures", type=Path, help="a folder for a figure of each function")
    given = parser.parse_args(arguments)

    x_axis = ps.Coordinate("at", (0,), length=1.0)
    y_axis = ps.Coordinate("at", (1,), length=1.0)
    for name, (function, minimum, reach) in FUNCTIONS.items():
        # The function needs no data: one batch that nobody reads.
        surface = ps.LossSurface(
            Function(function, minimum), data=(torch.zeros(1),), batch_loss=lambda m, _: m()
        )
        slicer = ps.Plane(x_axis, y_axis, span=(-reach, reach), samples=given.samples)
        plane = surface.slice(slicer, series=name)
        x, y = (torch.tensor(axis.coordinates) for axis in plane.axes)
        known = function(*torch.meshgrid(x + minimum[0], y + minimum[1], indexing="ij")).numpy()
        wrong = float(np.abs(plane.losses[0] - known).max() / np.abs(known).max())

        top = surface.slice(ps.Line(ps.HessianEigenvector(0), span=(-0.01, 0.01), samples=13))
        eigenvalue = next(iter(top.notes.values()))["eigenvalue"]
        print(
            f"{name:10}  relative difference {wrong:.1e}  "
            f"curvature {measures.curvature(top).value:9.3f}  eigenvalue {eigenvalue:9.3f}  "
            f"roughness {measures.roughness(plane):.3f}"
        )
        if given.figures:
            given.figures.mkdir(parents=True, exist_ok=True)
            ps.plot(plane, scale="log" if known.min() > 0 else "linear").savefig(
                given.figures / f"{name}.pdf"
            )


if __name__ == "__main__":
    main()
