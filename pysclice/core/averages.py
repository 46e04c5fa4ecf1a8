"""Averages over examples at many points, with the standard errors of their differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pysclice.slices import Float64

# Values per example of all points are held until this many bytes are together; reducing them takes
# some five times as much for a moment.
TABLE_BYTES = 16 * 2**20


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
    """

    values: dict[str, Float64]
    examples: int
    errors: dict[str, Float64] = field(default_factory=dict)
    replicates: dict[str, Float64] = field(default_factory=dict)


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
        groups: into how many groups to divide the examples for replicates; 0 for none. Example i,
            counted as the data are read, belongs to group ``i % groups``.
    """

    def __init__(self, points: int, center: int | None, adds_up: bool, groups: int = 0) -> None:
        self._points = points
        self._center = center
        self._adds_up = adds_up
        self._groups = groups
        # By data set and name, since either may hold a slash itself.
        self._means: dict[tuple[str, str], _Sums] = {}
        self._spreads: dict[tuple[str, str], _Spread] = {}
        self._weights: dict[str, float] = {}

    def begin(self, data_set: str, weights: list[float], sizes: list[int | None]) -> None:
        """Expect these batches of a data set at all points: at the center first, if there is one.

        Args:
            data_set: its name.
            weights: of each batch.
            sizes: number of examples of each batch; None where that cannot be told.
        """
        self._data_set = data_set
        self._batch_weights = weights
        self._sizes = sizes
        self._tables: dict[str, Tensor] | None = None
        self._at_center: list[Mapping[str, Tensor]] = []
        self._weights[data_set] = self._weights.get(data_set, 0.0) + sum(weights)

    @property
    def of_each(self) -> frozenset[str]:
        """What has a value per example on all batches, as far as the center has shown it."""
        return frozenset(self._tables or ())

    def add(self, point: int, batch: int, results: Mapping[str, Tensor]) -> None:
        """What one batch gave at one point."""
        if point == self._center and self._tables is None:
            self._at_center.append(results)
            if len(self._at_center) == len(self._sizes):
                self._tables = self._make_tables()
                for number, held in enumerate(self._at_center):
                    self.add(point, number, held)
            return
        size = self._sizes[batch]
        for name, result in results.items():
            sums = self._sums_of(
                name, result.device
            )  # before any branch: channels keep their order
            table = None if self._tables is None else self._tables.get(name)
            if table is not None and result.ndim == 1:
                first = sum(n or 0 for n in self._sizes[:batch])
                table[point, first : first + (size or 0)] = result
                continue
            adds_up = self._adds_up and name == "loss"
            if result.ndim == 1:
                result = result.sum() if adds_up else result.mean()
            share = 1.0 if adds_up else self._batch_weights[batch]
            sums.add(point, result, share)

    def _make_tables(self) -> dict[str, Tensor]:
        """A table (points, examples) for whatever gave values per example on all batches."""
        columns = sum(n or 0 for n in self._sizes)
        return {
            name: result.new_zeros((self._points, columns))
            for name, result in self._at_center[0].items()
            if all(name in held and held[name].ndim == 1 for held in self._at_center)
        }

    def _sums_of(self, name: str, device: torch.device) -> _Sums:
        channel = (self._data_set, name)
        if channel not in self._means:
            self._means[channel] = _Sums(self._points, device)
        return self._means[channel]

    def end(self) -> None:
        """Reduce the tables of the batches that ``begin`` announced."""
        tables = self._tables or {}
        for name, table in tables.items():
            adds_up = self._adds_up and name == "loss"
            weights = np.concatenate(
                [
                    np.full(size or 0, 1.0 if adds_up else weight / (size or 1))
                    for weight, size in zip(self._batch_weights, self._sizes, strict=True)
                ]
            )
            channel = (self._data_set, name)
            spread = self._spreads.setdefault(channel, _Spread(self._points, self._groups))
            assert self._center is not None
            total = spread.add(table, weights, self._center)
            self._sums_of(name, table.device).add_all(total)
        # A channel without values per example on some batches has no standard errors.
        for data_set, name in self._means:
            if data_set == self._data_set and name not in tables:
                self._spreads[data_set, name] = _Spread(self._points, 0, missing=True)
        self._tables = None

    def finish(self, first: str) -> Measurements:
        """The averages; ``first`` names the data set whose examples are counted."""
        values: dict[str, Float64] = {}
        errors: dict[str, Float64] = {}
        replicates: dict[str, Float64] = {}
        for channel, sums in self._means.items():
            data_set, name = channel
            adds_up = self._adds_up and name == "loss"
            label = f"{data_set}/{name}"
            total = sums.fetch()
            with np.errstate(divide="ignore", invalid="ignore"):
                values[label] = total if adds_up else total / self._weights[data_set]
            spread = self._spreads.get(channel)
            if spread is None or spread.missing or spread.examples < 2:
                continue
            errors[label] = spread.errors(adds_up)
            if self._groups:
                replicates[label] = spread.replicates(values[label], adds_up)
        return Measurements(values, round(self._weights.get(first, 0.0)), errors, replicates)


class _Sums:
    """A running sum at each point, on the device where its terms are."""

    def __init__(self, points: int, device: torch.device) -> None:
        self._host = np.zeros(points)
        self._device: Tensor | None = None
        if device.type != "cpu":
            # Stays on the device: asking for the number here would stall a GPU at every batch.
            dtype = torch.float32 if device.type == "mps" else torch.float64
            self._device = torch.zeros(points, dtype=dtype, device=device)

    def add(self, point: int, value: Tensor, share: float) -> None:
        if self._device is None:
            self._host[point] += value.item() * share
        else:
            self._device[point] += value.detach().to(self._device.dtype) * share

    def add_all(self, values: Float64) -> None:
        """Add a value at each point."""
        self._host += values

    def fetch(self) -> Float64:
        if self._device is None:
            return self._host
        found: Float64 = self._device.cpu().double().numpy()
        return self._host + found


class _Spread:
    """Sums from which standard errors and replicates follow."""

    def __init__(self, points: int, groups: int, missing: bool = False) -> None:
        self.missing = missing
        self.examples = 0
        self._groups = groups
        self._weight = 0.0
        self._square_weight = 0.0
        self._difference = np.zeros(points)  # sum of w d
        self._square_difference = np.zeros(points)  # sum of w^2 d
        self._square = np.zeros(points)  # sum of w^2 d^2
        self._of_group = np.zeros((groups, points))  # sum of w l
        self._group_weight = np.zeros(groups)

    def add(self, table: Tensor, weights: Float64, center: int) -> Float64:
        """Add the examples of a table (points, examples); their weighted sums: (points,)."""
        dtype = torch.float32 if table.device.type == "mps" else torch.float64
        wide = table.to(dtype)
        w = torch.as_tensor(weights, dtype=dtype, device=table.device)
        total: Float64 = (wide @ w).cpu().double().numpy()
        if self.missing:
            return total
        numbers = np.arange(self.examples, self.examples + len(weights))
        for group in range(self._groups):
            chosen = numbers % self._groups == group
            mask = torch.as_tensor(chosen, device=table.device)
            self._of_group[group] += (wide[:, mask] @ w[mask]).cpu().double().numpy()
            self._group_weight[group] += float(weights[chosen].sum())
        difference = wide - wide[center]
        self._difference += (difference @ w).cpu().double().numpy()
        self._square_difference += (difference @ w**2).cpu().double().numpy()
        self._square += (difference**2 @ w**2).cpu().double().numpy()
        self._weight += float(weights.sum())
        self._square_weight += float((weights**2).sum())
        self.examples += len(weights)
        return total

    def errors(self, adds_up: bool) -> Float64:
        """Standard errors at all points: (points,)."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            mean = self._difference / self._weight
            square = (
                self._square - 2 * mean * self._square_difference + mean**2 * self._square_weight
            )
            # What is left of a difference of equal numbers may lie below 0; NaN stays NaN.
            square = np.where(square < 0, 0.0, square)
            error = np.sqrt(square * self.examples / (self.examples - 1))
            return error if adds_up else error / self._weight

    def replicates(self, values: Float64, adds_up: bool) -> Float64:
        """The averages without one group each: (groups, points)."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            total = values if adds_up else values * self._weight
            left = (self._weight - self._group_weight)[:, None]
            mean: Float64 = (total - self._of_group) / left
            return mean * self._weight if adds_up else mean
