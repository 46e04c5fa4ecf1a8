"""Buffers that change from point to point: moved along a direction, or measured anew.

Both work on the copies that stand in for the model's buffers while it is sliced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pysclice.core.parameters import Direction


class MovingBuffers:
    """Buffers that move with the parameters, always counted from where they were.

    Args:
        known: buffers by name; those that a direction moves are written to.
        directions: for each direction, what coordinate 1 adds to some of the buffers.

    Raises:
        ValueError: a buffer that the model lacks, of another shape, or not of floating point.
    """

    def __init__(self, known: Mapping[str, Tensor], directions: Sequence[Direction]) -> None:
        moving = {name for direction in directions for name in direction}
        for direction in directions:
            for name, tensor in direction.items():
                if name not in known or known[name].shape != tensor.shape:
                    raise ValueError(
                        f"A direction moves a buffer {name!r} of shape {tuple(tensor.shape)}, but "
                        "the model has no such buffer. Both ends must be of one architecture."
                    )
                if not known[name].is_floating_point():
                    raise ValueError(f"Buffer {name!r} holds {known[name].dtype}: it cannot move.")
        self._directions = directions
        self._buffers = {name: known[name] for name in known if name in moving}
        self._start = {name: buffer.clone() for name, buffer in self._buffers.items()}
        self._lowest, self._highest = dict(self._start), dict(self._start)
        for direction in directions:
            for name, tensor in direction.items():
                end = self._start[name] + tensor.to(self._start[name])
                self._lowest[name] = torch.minimum(self._lowest[name], end)
                self._highest[name] = torch.maximum(self._highest[name], end)

    def move(self, coefficients: Sequence[float]) -> None:
        """Set the buffers of the point at these coefficients.

        Beyond its ends a line of variances would become negative: each entry stays within the
        range of what it is at coordinates 0 and 1.
        """
        for name, buffer in self._buffers.items():
            buffer.copy_(self._start[name])
            for direction, coefficient in zip(self._directions, coefficients, strict=False):
                if coefficient != 0.0 and name in direction:
                    buffer.add_(direction[name].to(buffer), alpha=coefficient)
            torch.clamp(buffer, self._lowest[name], self._highest[name], out=buffer)


class Statistics:
    """BatchNorm's running mean and variance at several points."""

    def __init__(self, layers: Sequence[_BatchNorm], points: int) -> None:
        self._layers = layers
        self._kept: list[list[tuple[Tensor, Tensor, Tensor]] | None] = [None] * points

    def use(self, number: int) -> None:
        """Put the statistics of a point into the layers; those of nothing seen yet at first."""
        kept = self._kept[number]
        for position, layer in enumerate(self._layers):
            if kept is None:
                layer.reset_running_stats()
                continue
            for buffer, tensor in zip(_buffers(layer), kept[position], strict=True):
                buffer.copy_(tensor)

    def keep(self, number: int) -> None:
        """Remember what the layers hold now as the statistics of a point."""
        self._kept[number] = [
            tuple(buffer.clone() for buffer in _buffers(layer))  # type: ignore[misc]  # three each
            for layer in self._layers
        ]


def recomputed_statistics(
    model: nn.Module,
    run: Callable[[Any], object],
    chunks: Iterable[list[Any]],
    points: int,
    go_to: Callable[[int], None],
    deliver_interrupts: Callable[[], None],
) -> Statistics:
    """The statistics that BatchNorm layers find at each point, averaged over all batches alike.

    A network between two trained ones has activations of another scale than its ends, so that
    statistics which are interpolated with the weights are wrong; measured anew, they undo much of
    the barrier (Jordan et al. 2023, "REPAIR", arXiv:2211.08403, section 3).

    Args:
        model: BatchNorm layers are left in eval mode.
        run: runs the model on a batch.
        chunks: batches, each asked for once.
        points: how many.
        go_to: moves the model to a point.
        deliver_interrupts: called between batches.

    Raises:
        ValueError: no layer keeps running statistics.
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not layers:
        raise ValueError(
            "The model has no BatchNorm layer with running statistics, so there is nothing to "
            "recompute. Leave batch_norm at its default."
        )
    statistics = Statistics(layers, points)
    for batches in chunks:
        for number in range(points):
            go_to(number)
            statistics.use(number)
            for layer in layers:
                layer.training, layer.momentum = True, None  # no momentum: a plain average
            for batch in batches:
                run(batch)
                deliver_interrupts()
            for layer in layers:
                layer.training = False
            statistics.keep(number)
    return statistics


def _buffers(layer: _BatchNorm) -> tuple[Tensor, Tensor, Tensor]:
    mean, variance, batches = layer.running_mean, layer.running_var, layer.num_batches_tracked
    assert mean is not None and variance is not None and batches is not None
    return mean, variance, batches
