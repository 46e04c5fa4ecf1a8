"""The cross-entropy of few classes, for stacks of logits that lie class by class.

With margins ``m_c = z_c - z_y`` the loss of an example of class ``y`` is ``log(1 + sum over c != y
of exp(m_c))``: nothing is subtracted that is nearly equal, so small losses keep all their digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pysclice.core.objective import Objective
from pysclice.slices import Float64

# Beyond, torch's own is as fast.
_MOST_CLASSES = 32


@dataclass(frozen=True, eq=False)
class Labels:
    """The class of each example.

    Attributes:
        classes: (examples,) int64.
    """

    classes: Tensor

    @classmethod
    def of(cls, objective: Objective, batch: Any, outputs: int) -> Labels | None:
        """The labels of a batch, where the loss is the plain cross-entropy of few classes.

        Args:
            objective: what the loss is.
            batch: inputs and targets.
            outputs: number of classes that the model tells apart.
        """
        if not objective.is_cross_entropy or not 2 <= outputs <= _MOST_CLASSES:
            return None
        targets = batch[1]
        if not isinstance(targets, Tensor) or targets.ndim != 1 or targets.dtype != torch.int64:
            return None
        if not len(targets) or int(targets.min()) < 0 or int(targets.max()) >= outputs:
            return None
        return cls(targets)

    def part(self, first: int, last: int) -> Labels:
        """The labels of some examples in a row."""
        return Labels(self.classes[first:last])

    def index(self, points: int) -> Tensor:
        """The classes as an index into logits: (points, 1, examples)."""
        return self.classes.expand(points, 1, -1)

    def margins(self, logits: Tensor) -> Tensor:
        """``z_c - z_y`` for all classes but the own one: (..., classes - 1, examples).

        Args:
            logits: (..., classes, examples). Margins are linear in them.
        """
        classes = logits.shape[-2]
        others = torch.arange(classes - 1, device=logits.device)[:, None]
        others = others + (others >= self.classes)  # (classes - 1, examples)
        shape = logits.shape[:-2]
        own = logits.gather(-2, self.classes.expand(*shape, 1, -1))
        return logits.gather(-2, others.expand(*shape, -1, -1)) - own


def losses_of_margins(margins: Tensor, exponentials: Tensor, own: Tensor | None = None) -> Tensor:
    """The loss of each example: (points, examples).

    Args:
        margins: (points, classes, examples), with or without the own class.
        exponentials: memory of the same shape, which is written to.
        own: (points, 1, examples) int64: which class is the own one, where it is there.
    """
    torch.exp(margins, out=exponentials)
    if own is not None:
        exponentials.scatter_(1, own, 0.0)
    total = exponentials.sum(1).log1p_()
    if math.isfinite(float(total.sum())):
        return total
    # An exponential is more than the dtype can hold: shifted by the highest margin, it is 1.
    highest = margins.amax(1, keepdim=True).clamp_(min=0.0)
    torch.exp(margins - highest, out=exponentials)
    if own is not None:
        exponentials.scatter_(1, own, 0.0)
    shifted = (exponentials.sum(1) + torch.exp(-highest[:, 0])).log_() + highest[:, 0]
    return torch.where(torch.isfinite(total), total, shifted)


# Exponents of factors stay below this, so that neither factor nor what it stands for is 0 or
# infinite in float32 while it counts.
_MOST_EXPONENT = 80.0

# The exponentials along an axis may take so much memory.
_MOST_BYTES = 2**26

# Points in a row of a grid, on average, from which on factors pay.
_LEAST_RUN = 4


class Factors:
    """The losses on a grid of two axes, where margins are affine in its coordinates.

    ``exp(m_0 + a m_1 + b m_2)`` is ``exp(m_0 + a m_1)`` times ``exp(b m_2)``: exponentials for each
    coordinate of an axis rather than for each point, and sums of products at the points.

    Args:
        margins: (3, classes - 1, examples).
        along: the coordinates on the second axis, rising: (samples,).
    """

    def __init__(self, margins: Tensor, along: Float64) -> None:
        self._margins = margins
        self._along = along
        steps = torch.as_tensor(along, dtype=margins.dtype, device=margins.device)
        # Class by class, so that the points of a row lie side by side.
        self._exponentials = torch.exp(steps[:, None] * margins[2, :, None])

    @classmethod
    def of(cls, margins: Tensor, coordinates: Float64) -> Factors | None:
        """The factors; None where they would not pay, or leave the range of the numbers.

        Args:
            margins: (1 + directions, classes - 1, examples).
            coordinates: of all points, (points, directions).
        """
        if coordinates.shape[1] != 2:
            return None
        first, second = (np.unique(column) for column in coordinates.T)
        size = len(second) * margins[0].numel() * margins.element_size()
        if len(coordinates) < _LEAST_RUN * len(first) or size > _MOST_BYTES:
            return None
        largest = margins.abs().amax(dim=(1, 2)).tolist()
        own = largest[0] + float(np.abs(first).max()) * largest[1]
        other = float(np.abs(second).max()) * largest[2]
        return cls(margins, second) if max(own, other) < _MOST_EXPONENT else None

    @property
    def bytes_kept(self) -> int:
        """Memory for the exponentials."""
        return self._exponentials.numel() * self._exponentials.element_size()

    def write(self, rows: Float64, losses: Tensor) -> bool:
        """Write the losses at some points; False if they are not finite.

        Args:
            rows: (points, 2), coordinates of the grid.
            losses: (points, examples), which is written to.
        """
        places = np.searchsorted(self._along, rows[:, 1])
        same = (np.diff(rows[:, 0]) == 0) & (np.diff(places) == 1)
        ends = [*(np.flatnonzero(~same) + 1).tolist(), len(rows)]
        start = 0
        for end in ends:
            a, place = float(rows[start, 0]), int(places[start])
            factor = torch.exp(torch.add(self._margins[0], self._margins[1], alpha=a))
            others = self._exponentials[:, place : place + end - start]
            own = torch.mul(others[0], factor[0], out=losses[start:end])
            for exponentials, of_class in zip(others[1:], factor[1:], strict=True):
                own.addcmul_(exponentials, of_class)
            start = end
        losses.log1p_()
        return math.isfinite(float(losses.sum()))


def losses_of_logits(logits: Tensor, exponentials: Tensor, own: Tensor) -> Tensor:
    """The loss of each example, (points, examples); overwrites the logits.

    Args:
        logits: (points, classes, examples).
        exponentials: memory of the same shape, which is written to.
        own: (points, 1, examples) int64: the class of each example.
    """
    logits -= logits.gather(1, own)
    return losses_of_margins(logits, exponentials, own)
