"""Which coordinates of parameter space to look along, out of millions."""

from __future__ import annotations

import bisect
import itertools
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from pysclice.core.parameters import Parameters, direction_dtype
from pysclice.core.surface import LossSurface
from pysclice.directions.random import normal

Choose = Literal["gradient", "gradient x weight", "Hessian diagonal", "stratified", "random"]
CHOICES: tuple[str, ...] = get_args(Choose)

Place = tuple[str, tuple[int, ...]]
_NAMED = re.compile(r"(.*)\[(-?\d+(?:, -?\d+)*)\]", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Coordinates, and why these.

    Attributes:
        places: names of tensors and indices in them.
        scores: what the coordinates were chosen by, largest first; None where they were drawn.
    """

    places: Sequence[Place]
    scores: Sequence[float] | None = None


def choose_coordinates(
    surface: LossSurface,
    parameters: Parameters,
    candidates: Sequence[str],
    choose: Choose,
    count: int,
    seed: int,
    probes: int,
) -> Chosen:
    """``count`` coordinates of the candidates, or all of them if they have fewer.

    Args:
        surface: what is looked at.
        parameters: where.
        candidates: names of the tensors to choose from.
        choose: ``"gradient"``, ``"gradient x weight"`` and ``"Hessian diagonal"`` take the largest
            magnitudes, the largest first; ``"stratified"`` and ``"random"`` draw, in the order of
            the parameters.
        count: how many.
        seed: of what is drawn.
        probes: how many products with the Hessian its diagonal is estimated from.
    """
    if choose == "random":
        return Chosen(_drawn(parameters, candidates, count, seed))
    if choose == "stratified":
        return Chosen(_stratified(parameters, candidates, count, seed))
    if choose == "Hessian diagonal":
        scores = hessian_diagonal(surface, parameters, candidates, probes, seed)
    else:
        gradient: Parameters = surface.once("gradient", lambda: surface.gradient(parameters))
        scores = {name: gradient[name] for name in candidates}
        if choose == "gradient x weight":
            scores = {name: g * parameters[name].to(g.dtype) for name, g in scores.items()}
    return _largest(scores, count)


def hessian_diagonal(
    surface: LossSurface,
    parameters: Parameters,
    names: Sequence[str],
    probes: int,
    seed: int = 0,
) -> Parameters:
    """An unbiased estimate of the Hessian's diagonal: name -> tensor.

    The mean of ``z * (H z)`` over probes z of independent random signs (Bekas, Kokiopoulou, Saad
    2007, "An estimator for the diagonal of a matrix", doi:10.1016/j.apnum.2007.01.003). The
    variance of an entry is the sum of the squares of the other entries in its row, divided by the
    number of probes; only the rows and columns of ``names`` take part.

    Args:
        surface: its first data set and loss define the Hessian.
        parameters: where.
        names: of the tensors whose entries are wanted.
        probes: how many products with the Hessian to take.
        seed: of the signs.
    """
    total = {
        name: torch.zeros_like(parameters[name], dtype=direction_dtype(parameters[name].dtype))
        for name in names
    }
    for number in range(probes):
        signs = {name: _signs(seed, f"probe {number} of {name}", t) for name, t in total.items()}
        product = surface.hessian_product(parameters, signs)
        for name, sum_ in total.items():
            sum_.add_(signs[name].mul_(product[name]), alpha=1.0 / probes)
    return total


def _signs(seed: int, name: str, like: Tensor) -> Tensor:
    drawn = normal(seed, name, like)
    return torch.where(drawn.real < 0, -1.0, 1.0).to(drawn.dtype)


def _largest(scores: Mapping[str, Tensor], count: int) -> Chosen:
    """The places with the largest magnitudes: of each tensor on its device, then of all."""
    names, values, places = [], [], []
    for name, tensor in scores.items():
        # NaN would win every comparison; a coordinate without a score comes last.
        flat = tensor.abs().nan_to_num(0.0).reshape(-1)
        best = flat.topk(min(count, flat.numel()))
        names.append(name)
        values.append(best.values.cpu().double())
        places.append(best.indices.cpu())
    owners = torch.repeat_interleave(torch.tensor([len(found) for found in places]))
    every, at = torch.cat(values), torch.cat(places)
    # A stable sort leaves equal scores in the order of the parameters.
    order = torch.sort(every, descending=True, stable=True).indices[:count]
    return Chosen(
        [_place(names[owners[i]], int(at[i]), scores[names[owners[i]]]) for i in order],
        every[order].tolist(),
    )


def _drawn(parameters: Parameters, candidates: Sequence[str], count: int, seed: int) -> list[Place]:
    """Coordinates drawn from all candidates alike, without replacement."""
    ends = list(itertools.accumulate(parameters[name].numel() for name in candidates))
    drawn = random.Random(f"{seed} random").sample(range(ends[-1]), min(count, ends[-1]))
    places = []
    for number in sorted(drawn):
        owner = bisect.bisect_right(ends, number)
        before = ends[owner - 1] if owner else 0
        name = candidates[owner]
        places.append(_place(name, number - before, parameters[name]))
    return places


def _stratified(
    parameters: Parameters, candidates: Sequence[str], count: int, seed: int
) -> list[Place]:
    """Equal shares for all tensors; what a small tensor cannot fill is shared by the others."""
    shares = dict.fromkeys(candidates, 0)
    left = min(count, sum(parameters[name].numel() for name in candidates))
    # Which tensors get one more than others is drawn, or the first ones always would.
    order = random.Random(f"{seed} shares").sample(list(candidates), len(candidates))
    while left:
        room = [name for name in order if shares[name] < parameters[name].numel()]
        each = max(1, left // len(room))
        for name in room[:left]:
            more = min(each, parameters[name].numel() - shares[name], left)
            shares[name] += more
            left -= more
    return [
        _place(name, number, parameters[name])
        for name, share in shares.items()
        for number in sorted(
            random.Random(f"{seed} {name}").sample(range(parameters[name].numel()), share)
        )
    ]


def _place(name: str, flat: int, tensor: Tensor) -> Place:
    return name, tuple(int(i) for i in np.unravel_index(flat, tuple(tensor.shape)))


def place_named(name: str, parameters: Parameters) -> Place | None:
    """The coordinate that an axis is called after; None where the parameters have none such."""
    found = _NAMED.fullmatch(name)
    parameter = found[1] if found else name
    index = tuple(map(int, found[2].split(", "))) if found else ()
    tensor = parameters.get(parameter)
    if tensor is None or len(index) != tensor.ndim:
        return None
    if any(not -n <= i < n for i, n in zip(index, tensor.shape, strict=True)):
        return None
    return parameter, index


def why(choose: Choose, seed: int, probes: int) -> dict[str, Any]:
    """What a record says of a choice."""
    said: dict[str, Any] = {"choose": choose}
    if choose == "Hessian diagonal":
        said["probes"] = probes
    if choose in ("Hessian diagonal", "stratified", "random"):
        said["seed"] = seed
    return said
