"""Losses from exponentials along the axes, against float64 at each point."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pysclice.core.evaluation.cross_entropy import Factors
from pysclice.slices import Float64


def grid(rows: int = 9, columns: int = 11) -> Float64:
    axes = np.linspace(-1, 2, rows), np.linspace(-2, 1, columns)
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)


def margins(scale: float = 1.0, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return scale * torch.randn(3, 4, 50, generator=generator, dtype=dtype)


def plainly(parts: Tensor, rows: Float64) -> Tensor:
    coefficients = torch.tensor(np.hstack([np.ones((len(rows), 1)), rows]))
    values = torch.einsum("pk,kce->pce", coefficients, parts.double())
    return torch.log1p(torch.exp(values).sum(1))


def test_points_of_a_grid_in_any_part() -> None:
    rows = grid()
    for dtype, tolerance in ((torch.float32, 3e-6), (torch.float64, 1e-12)):
        parts = margins(2.0, dtype)
        factors = Factors.of(parts, rows)
        assert factors is not None
        # Parts that begin and end within a row, one without some points, and a single point.
        for own in (rows, rows[5:40], np.delete(rows, [3, 4, 50], axis=0), rows[17:18]):
            losses = torch.empty(len(own), 50, dtype=dtype)
            assert factors.write(own, losses)
            expected = plainly(parts, own)
            torch.testing.assert_close(losses.double(), expected, rtol=tolerance, atol=0)


def test_what_leaves_the_range_of_the_numbers_is_left_alone() -> None:
    assert Factors.of(margins(60.0), grid()) is None
    assert Factors.of(margins(5.0), grid() * 20) is None
    # Factors within the range, whose product is not.
    parts = torch.full((3, 4, 50), 26.0)
    factors = Factors.of(parts, grid())
    assert factors is not None
    losses = torch.empty(1, 50)
    assert factors.write(np.array([[2.0, 1.0]]), losses) is False
    assert losses.isinf().all()


@pytest.mark.parametrize("rows", [grid(3, 3), grid(40, 2), grid()[:, :1]])
def test_it_is_for_long_rows_of_two_axes(rows: Float64) -> None:
    parts = margins()[: 1 + rows.shape[1]]
    assert Factors.of(parts, rows) is None
