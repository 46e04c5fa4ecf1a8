"""Averages over examples at many points, with the standard errors of their differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from pysclice.slices import Float64

# What one batch gave at several points: name -> (points,), the average over the batch (its sum,
# where a loss adds up), or (points, examples), what each example contributes.
Results: TypeAlias = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured at some points.

    Attributes:
        values: channel -> (points,) float64.
        examples: how many examples each value averages over, in the first data set.
        errors: channel -> (points,) float64, for channels with a value per example and if one of
            the points is the center: the standard error of the difference from the center.
        replicates: channel -> (groups, points) float64: the values without the examples of one
            group each, if groups were asked for.
        evaluation: how they were found, for the record; see ``evaluation``.
    """

    values: dict[str, Float64]
    examples: int
    errors: dict[str, Float64] = field(default_factory=dict)
    replicates: dict[str, Float64] = field(default_factory=dict)
    evaluation: dict[str, Any] = field(default_factory=dict)


class Averages:
    """Averages of every channel at every point, summed in float64 from batch to batch.

    With values per example ``l_i`` and their weights ``w_i``, the average is ``m = sum w_i l_i /
    W``. Of the difference from the center, ``d_i = l_i(point) - l_i(center)``, the standard error
    is that of a weighted mean of independent examples::

        sqrt(n / (n - 1) * sum w_i^2 (d_i - sum w_j d_j / W)^2) / W

    (Cochran 1977, "Sampling Techniques", section 6). Since both terms of ``d_i`` are of the same
    example, whatever makes an example easy or hard everywhere cancels. For ``w_i = 1`` it is the
    standard deviation of ``d`` by the root of ``n``.

    Args:
        points: how many.
        center: which of them is the center; without one there are no standard errors.
        adds_up: the loss is a sum over examples and no mean.
        device: where the results are; sums stay there, since asking for a number at every batch
            would stall a GPU.
        groups: into how many groups to divide the examples for replicates; 0 for none. Example i,
            counted as the data are read, belongs to group ``i % groups``.
    """

    def __init__(
        self,
        points: int,
        center: int | None,
        adds_up: bool,
        device: torch.device,
        groups: int = 0,
    ) -> None:
        self._points = points
        self._center = center
        self._adds_up = adds_up
        self._device = device
        self._groups = groups
        # By data set and name, since either may hold a slash itself.
        self._totals: dict[tuple[str, str], Tensor] = {}
        self._spreads: dict[tuple[str, str], _Spread] = {}
        self._without: set[tuple[str, str]] = set()
        self._weights: dict[str, float] = {}
        self._seen: dict[str, int] = {}

    def begin(self, data_set: str, weights: Sequence[float], sizes: Sequence[int | None]) -> None:
        """Expect these batches of a data set at all points: at the center first, if there is one.

        Args:
            data_set: its name.
            weights: of each batch.
            sizes: number of examples of each batch; None where that cannot be told.
        """
        self._data_set = data_set
        self._batch_weights = weights
        self._sizes = sizes
        self._at_center: Sequence[Results] | None = None
        self._weights[data_set] = self._weights.get(data_set, 0.0) + sum(weights)

    @property
    def of_each(self) -> frozenset[str]:
        """What has a value per example on all batches, as far as the center has shown it."""
        held = self._at_center or ()
        return frozenset(
            name for name in (held[0] if held else ()) if all(r[name].ndim == 2 for r in held)
        )

    def add(self, numbers: Sequence[int], results: Sequence[Results]) -> None:
        """What the batches gave at some points, in the order of ``begin``; the center by itself.

        Args:
            numbers: which points.
            results: for each batch.
        """
        rows = torch.tensor(numbers, device=self._device)
        if self._center is not None and self._at_center is None:
            if list(numbers) != [self._center]:
                raise ValueError(f"Expected the center {self._center} first, got {numbers}.")
            self._at_center = results
        of_each = self.of_each
        for name in results[0]:
            channel = (self._data_set, name)
            if name not in of_each:
                # A channel without values per example on some batches has no standard errors.
                self._without.add(channel)
            if channel not in self._totals:
                self._totals[channel] = self._zeros()
            for batch, found in enumerate(results):
                self._add_batch(rows, batch, name, found[name], name in of_each)

    def _add_batch(self, rows: Tensor, batch: int, name: str, found: Tensor, each: bool) -> None:
        channel = (self._data_set, name)
        adds_up = self._adds_up and name == "loss"
        size = found.shape[1] if found.ndim == 2 else 1
        weight = 1.0 if adds_up else self._batch_weights[batch] / size
        total = found.sum(1, dtype=self._dtype) if found.ndim == 2 else found.to(self._dtype)
        self._totals[channel].index_add_(0, rows, total, alpha=weight)
        if not each or self._at_center is None:
            return
        if channel not in self._spreads:
            self._spreads[channel] = _Spread(self._zeros, self._groups)
        before = self._seen.get(self._data_set, 0)
        first = before + sum(n or 0 for n in self._sizes[:batch])
        center = self._at_center[batch][name]
        self._spreads[channel].add(rows, found, center, total, weight, first)

    @property
    def _dtype(self) -> torch.dtype:
        return torch.float32 if self._device.type == "mps" else torch.float64

    def _zeros(self) -> Tensor:
        return torch.zeros(self._points, dtype=self._dtype, device=self._device)

    def end(self) -> None:
        """All points of the batches that ``begin`` announced were added."""
        for data_set, name in self._spreads:
            if data_set == self._data_set:
                for size, weight in zip(self._sizes, self._batch_weights, strict=True):
                    adds_up = self._adds_up and name == "loss"
                    share = 1.0 if adds_up else weight / (size or 1)
                    self._spreads[data_set, name].count(size or 0, share, self._groups)
        seen = self._seen.get(self._data_set, 0)
        self._seen[self._data_set] = seen + sum(n or 0 for n in self._sizes)
        self._at_center = None

    def finish(self, first: str) -> Measurements:
        """The averages; ``first`` names the data set whose examples are counted."""
        values: dict[str, Float64] = {}
        errors: dict[str, Float64] = {}
        replicates: dict[str, Float64] = {}
        for channel, total in self._totals.items():
            data_set, name = channel
            adds_up = self._adds_up and name == "loss"
            label = f"{data_set}/{name}"
            with np.errstate(divide="ignore", invalid="ignore"):
                sums = _fetched(total)
                values[label] = sums if adds_up else sums / self._weights[data_set]
            spread = self._spreads.get(channel)
            if spread is None or channel in self._without or spread.examples < 2:
                continue
            errors[label] = spread.errors(adds_up)
            if self._groups:
                replicates[label] = spread.replicates(values[label], adds_up)
        return Measurements(values, round(self._weights.get(first, 0.0)), errors, replicates)


class _Spread:
    """Sums from which standard errors and replicates follow.

    Each batch is reduced to the mean of its differences and the sum of their squared deviations
    from it, which loses nothing in the precision of the examples; only means are combined later.
    """

    def __init__(self, zeros: Callable[[], Tensor], groups: int) -> None:
        self.examples = 0
        self._weight = 0.0
        self._square_weight = 0.0
        self._difference = zeros()  # sum of w d
        self._within = zeros()  # sum of w^2 (d - mean d of the batch)^2
        self._mean = zeros()  # sum of w^2 n (mean d of the batch)
        self._square_mean = zeros()  # sum of w^2 n (mean d of the batch)^2
        self._of_group = [zeros() for _ in range(groups)]  # sum of w l
        self._group_weight = np.zeros(groups)

    def add(
        self, rows: Tensor, found: Tensor, center: Tensor, total: Tensor, weight: float, first: int
    ) -> None:
        """Add a batch: its values (points, examples), those at the center, and its row sums."""
        size = found.shape[1]
        mean = (total - center.sum(1, dtype=total.dtype)) / size
        deviation = found - center
        deviation -= mean.to(deviation.dtype)[:, None]
        within = torch.linalg.vector_norm(deviation, dim=1).to(total.dtype) ** 2
        self._difference.index_add_(0, rows, mean, alpha=weight * size)
        self._within.index_add_(0, rows, within, alpha=weight**2)
        self._mean.index_add_(0, rows, mean, alpha=weight**2 * size)
        self._square_mean.index_add_(0, rows, mean**2, alpha=weight**2 * size)
        for group, sums in enumerate(self._of_group):
            start = (group - first) % len(self._of_group)
            own = found[:, start :: len(self._of_group)]
            sums.index_add_(0, rows, own.sum(1, dtype=total.dtype), alpha=weight)

    def count(self, size: int, weight: float, groups: int) -> None:
        """Count a batch of so many examples of this weight, after all points have added theirs."""
        for group in range(groups):
            start = (group - self.examples) % groups
            self._group_weight[group] += weight * len(range(start, size, groups))
        self.examples += size
        self._weight += weight * size
        self._square_weight += weight**2 * size

    def errors(self, adds_up: bool) -> Float64:
        """Standard errors at all points: (points,)."""
        difference, within, sums, squares = map(
            _fetched, (self._difference, self._within, self._mean, self._square_mean)
        )
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            mean = difference / self._weight
            between = squares - 2 * mean * sums + mean**2 * self._square_weight
            # What is left of a difference of equal numbers may lie below 0; NaN stays NaN.
            square = within + np.where(between < 0, 0.0, between)
            error: Float64 = np.sqrt(square * self.examples / (self.examples - 1))
            return error if adds_up else error / self._weight

    def replicates(self, values: Float64, adds_up: bool) -> Float64:
        """The averages without one group each: (groups, points)."""
        of_group = np.stack([_fetched(sums) for sums in self._of_group])
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            total = values if adds_up else values * self._weight
            left = (self._weight - self._group_weight)[:, None]
            mean: Float64 = (total - of_group) / left
            return mean * self._weight if adds_up else mean


def _fetched(sums: Tensor) -> Float64:
    found: Float64 = sums.cpu().double().numpy()
    return found
